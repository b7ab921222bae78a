//! PyTorch's files: what torch.save wrote is read, and every way a file can be wrong or hostile.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::support::{assert_says, golden, zip};
use elman_formats::torch::{self, LeftOut};
use proptest::prelude::*;

/// Bits, so that no number and the sign of zero count too.
fn bits(data: &[f32]) -> Vec<u32> {
    data.iter().map(|x| x.to_bits()).collect()
}

/// Every array that PyTorch sees is read, and no other.
#[test]
fn what_torch_save_wrote_is_read() {
    let expected = elman_formats::read(&golden("pytorch_expected.safetensors")).unwrap().arrays;
    for file in ["pytorch_state_dict", "pytorch_checkpoint", "pytorch_views", "pytorch_types"] {
        let arrays = torch::read(&golden(&format!("{file}.pt"))).unwrap().arrays;
        let prefix = format!("{file}/");
        let of_file = expected.iter().filter_map(|(name, array)| Some((name.strip_prefix(&prefix)?, array)));
        let names: Vec<&str> = of_file.clone().map(|(name, _)| name).collect();
        assert!(names.len() > 3);
        assert_eq!(arrays.keys().collect::<Vec<_>>(), names, "{file}");
        for (name, array) in of_file {
            assert_eq!(arrays[name].shape, array.shape, "{file}: {name}");
            assert_eq!(bits(&arrays[name].data), bits(&array.data), "{file}: {name}");
        }
    }
    // A counter of batches is an integer.
    let counter = "norm.num_batches_tracked";
    let file = torch::read(&golden("pytorch_state_dict.pt")).unwrap();
    assert!(!file.arrays.contains_key(counter));
    assert_eq!(file.left_out, [(counter.to_owned(), LeftOut::Integer)].into());
}

/// What a model does not need does not refuse its file: who needs it does.
#[test]
fn tensors_of_other_types_are_named() {
    let file = torch::read(&golden("pytorch_double.pt")).unwrap();
    assert_eq!(file.left_out, [("loss".to_owned(), LeftOut::Float64)].into());
    assert!(file.arrays.is_empty());
    assert!(LeftOut::Float64.to_string().contains("float64; expected float32, float16 or bfloat16; convert it"));
}

/// The order of a dict is that of its module, which a map of names has not.
#[test]
fn a_pickle_keeps_its_order() {
    let file = torch::read(&golden("pytorch_checkpoint.pt")).unwrap();
    let entries = ["epoch", "model_state_dict", "optimizer_state_dict", "loss", "history", "note"];
    assert_eq!(file.entries, entries);
    let [model, first, ..] = &file.groups[..] else { panic!("{:?}", file.groups) };
    assert_eq!((model.path.as_str(), first.path.as_str()), ("model_state_dict", "optimizer_state_dict.state.0"));
    assert_eq!(model.tensors[0], "model_state_dict.embedding.weight");
    assert_eq!(model.tensors[1], "model_state_dict.lstm.weight_ih_l0");
    assert_eq!(model.tensors.last().unwrap(), "model_state_dict.head.bias");
    // A tensor behind a dict belongs to what both stand in.
    let small = tensor(storage("FloatStorage", "0", 1), 0, &[1], &[1]);
    let body = [b"}(", &text("z")[..], &small, &text("d"), &dict(&small), &text("a"), &small, b"u"].concat();
    let file =
        torch::read_bytes(zip(&[("m/data.pkl", &pickle(&body)), ("m/data/0", &[0; 4])]), Path::new("m")).unwrap();
    let groups: Vec<_> = file.groups.iter().map(|of| (of.path.as_str(), of.tensors.join(" "))).collect();
    assert_eq!(groups, [("", "z a".to_owned()), ("d", "d.w".to_owned())]);
    assert_eq!(file.entries, ["z", "d", "a"]);
}

#[test]
fn other_files_of_pytorch_are_refused_with_what_to_do() {
    for (file, says) in [
        ("pytorch_module.pt", "torch.nn.modules.linear.Linear, which is not run here"),
        ("pytorch_module.pt", "torch.save(model.state_dict(), path)"),
        ("pytorch_legacy.pt", "PyTorch's format before 1.6, expected a zip archive; load it and save it again"),
        ("pytorch_script.pt", "a TorchScript model, which is a program; save its weights: torch.save("),
    ] {
        let path = golden(file);
        assert_says(&torch::read(&path).unwrap_err(), &[path.to_str().unwrap(), says]);
        let bytes = fs::read(&path).unwrap();
        assert_says(&torch::read_bytes(bytes, Path::new("memory")).unwrap_err(), &["memory", says]);
    }
    let missing = torch::read(Path::new("no/such/file")).unwrap_err();
    assert_says(&missing, &["cannot read no/such/file: ", "os error 2"]);
}

fn refused(files: &[(&str, &[u8])], parts: &[&str]) {
    let error = torch::read_bytes(zip(files), Path::new("hostile.pt")).expect_err("the file must be refused");
    assert_says(&error, &["cannot read ", "hostile.pt: "]);
    assert_says(&error, parts);
}

/// A pickle of these instructions.
fn pickle(body: &[u8]) -> Vec<u8> {
    [b"\x80\x02", body, b"."].concat()
}

fn pickle_refused(body: &[u8], parts: &[&str]) {
    refused(&[("m/data.pkl", &pickle(body))], parts);
}

fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn integer(value: i64) -> Vec<u8> {
    [&b"\x8a\x08"[..], &value.to_le_bytes()].concat()
}

fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(", &*items.concat(), b"t"].concat()
}

fn storage(kind: &str, key: &str, elements: i64) -> Vec<u8> {
    let kind = format!("ctorch\n{kind}\n").into_bytes();
    [tuple(&[text("storage"), kind, text(key), text("cpu"), integer(elements)]), b"Q".to_vec()].concat()
}

fn tensor(storage: Vec<u8>, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let integers = |values: &[i64]| tuple(&values.iter().map(|&value| integer(value)).collect::<Vec<_>>());
    let hooks = b")".to_vec();
    let arguments = tuple(&[storage, integer(offset), integers(shape), integers(strides), b"\x89".to_vec(), hooks]);
    [b"ctorch._utils\n_rebuild_tensor_v2\n", &*arguments, b"R"].concat()
}

/// A dict of one tensor `w`.
fn dict(tensor: &[u8]) -> Vec<u8> {
    [b"}", &*text("w"), tensor, b"s"].concat()
}

/// A file of one tensor `w` in a storage of `elements` floats, by the pickle, and of `bytes` in truth.
fn one(kind: &str, offset: i64, shape: &[i64], strides: &[i64], elements: i64, bytes: usize) -> Vec<u8> {
    let body = dict(&tensor(storage(kind, "0", elements), offset, shape, strides));
    zip(&[("m/data.pkl", &pickle(&body)), ("m/data/0", &vec![0; bytes])])
}

fn one_refused(file: Vec<u8>, parts: &[&str]) {
    let error = torch::read_bytes(file, Path::new("hostile.pt")).expect_err("the file must be refused");
    assert_says(&error, &["the tensor w of hostile.pt"]);
    assert_says(&error, parts);
}

/// What the tests of refusals change is read.
#[test]
fn the_archives_made_here_are_good() {
    let read = |file| torch::read_bytes(file, Path::new("good.pt")).unwrap().arrays;
    let arrays = read(one("FloatStorage", 1, &[2, 2], &[2, 1], 5, 20));
    assert_eq!(arrays["w"].shape, [2, 2]);
    let arrays = read(one("FloatStorage", 99, &[0, 7], &[2, 1], 5, 20));
    assert_eq!(arrays["w"].shape, [0, 7]);
}

#[test]
fn archives_that_are_none_are_refused() {
    for bytes in [&b""[..], b"hello", b"PK\x03\x04", &[0; 1000]] {
        let error = torch::read_bytes(bytes.to_vec(), Path::new("hostile.pt")).unwrap_err();
        assert_says(&error, &["hostile.pt: not a whole zip archive"]);
    }
    let empty = pickle(b"}");
    refused(&[("m/weights", b"")], &["it holds no <name>/data.pkl"]);
    refused(&[("a/data.pkl", &empty), ("b/data.pkl", &empty)], &["several files that end in /data.pkl"]);
    refused(&[("m/data.pkl", &empty), ("m/data.pkl", &empty)], &["two files m/data.pkl, expected one of each name"]);
    refused(&[("m/data.pkl", &empty), ("m/byteorder", b"big")], &["its byte order is big, expected little"]);
    refused(&[("m/data.pkl", &empty), ("m/byteorder", &[b'x'; 99])], &["m/byteorder is 99 bytes, expected at most 16"]);
    refused(
        &[("m/data.pkl", &vec![b'N'; (16 << 20) + 1])],
        &["m/data.pkl is 16777217 bytes, expected at most 16777216"],
    );
}

#[test]
fn cut_archives_are_refused() {
    let whole = one("FloatStorage", 0, &[2], &[1], 2, 8);
    for end in 0..whole.len() {
        assert!(torch::read_bytes(whole[..end].to_vec(), Path::new("cut.pt")).is_err(), "cut at {end}");
    }
}

/// The archive's directory, its first entry changed at `at`.
fn patched(archive: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut archive = archive.to_vec();
    let directory = archive.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    archive[directory + at..][..bytes.len()].copy_from_slice(bytes);
    archive
}

#[test]
fn directories_that_lie_are_refused() {
    let whole = one("FloatStorage", 0, &[2], &[1], 2, 8);
    for (at, bytes, says) in [
        (8, &[1, 0][..], "m/data.pkl is encrypted, expected stored or deflated"),
        (10, &[93, 0], "m/data.pkl is packed by method 93"),
        (16, &[9, 9, 9, 9], "m/data.pkl: Invalid checksum"),
        (20, &[0xff, 0xff, 0xff, 0x0f], "its files take 268435455 bytes, expected at most"),
        (24, &[0, 0, 0, 0xf0], "m/data.pkl unpacks to 4026531840 bytes from"),
    ] {
        let error = torch::read_bytes(patched(&whole, at, bytes), Path::new("lies.pt")).unwrap_err();
        assert_says(&error, &["lies.pt: ", says]);
    }
}

#[test]
fn nothing_is_run() {
    pickle_refused(b"cos\nsystem\n(X\x04\x00\x00\x00exittR", &["its pickle names os.system, which is not run here"]);
    pickle_refused(b"cbuiltins\neval\n", &["builtins.eval"]);
    pickle_refused(b"ctorch\nload\n", &["torch.load"]);
    pickle_refused(b"ccollections\nOrderedDict\n(]tR", &["expected an OrderedDict made without arguments"]);
    // A storage is no function.
    pickle_refused(b"ctorch\nFloatStorage\n)R", &["expected a function to call"]);
    pickle_refused(b")b", &["expected a value on the stack"]);
    pickle_refused(b"ccollections\nOrderedDict\n}b", &["expected attributes of a dict"]);
}

#[test]
fn other_instructions_are_refused_by_name() {
    for (body, name) in [
        (&b"X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93"[..], "STACK_GLOBAL"),
        (b"(ios\nsystem\n", "INST"),
        (b"(NNo", "OBJ"),
        (b"N)\x81", "NEWOBJ"),
        (b"N)}\x92", "NEWOBJ_EX"),
        (b"\x82\x01", "EXT1"),
        (b"\x8c\x01a", "SHORT_BINUNICODE"),
        (b"\x95\x00\x00\x00\x00\x00\x00\x00\x00", "FRAME"),
        (b"I1\n", "INT"),
        (b"N0", "POP"),
        (b"N2", "DUP"),
        (b"\x80\x04", "PROTO 4"),
        (b"\xff", "0xff"),
    ] {
        pickle_refused(body, &[&format!("has the instruction {name} at byte "), "save the weights alone"]);
    }
}

#[test]
fn damaged_pickles_are_refused() {
    for (body, expected) in [
        (&b""[..], "a value on the stack"),
        (b"X\xff\xff\xff\xff", "more bytes, or STOP"),
        (b"X\x01\x00\x00\x00\xff", "text in UTF-8"),
        (b"J\x00", "more bytes, or STOP"),
        (b"t", "a mark on the stack"),
        // Nothing is taken from below a mark.
        (b"N(\x85", "a value on the stack"),
        (b"h\x07", "a value that the memo has"),
        (b"j\xff\xff\xff\xff", "a value that the memo has"),
        (b"q\x00", "a value on the stack"),
        (b"}Na", "a list to append to"),
        (b"]NNs", "a dict to set items of"),
        (b"}(Nu", "as many values as keys"),
        (b"NQ", "a storage's type, key, device and length"),
        (b")Q", "a storage's type, key, device and length"),
        (b"NNR", "arguments in a tuple"),
        (b"N)R", "a function to call"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n)R", "a tensor of a storage, an offset, a shape and strides"),
        (b"ctorch._utils\n_rebuild_parameter\n)R", "a parameter of a tensor"),
        (&[b'c'; 999], "a short name"),
    ] {
        pickle_refused(
            body,
            &["its pickle is damaged before byte ", &format!("expected {expected}; get the file again")],
        );
    }
    // Bytes are missing: there is no STOP.
    refused(&[("m/data.pkl", b"\x80\x02}")], &["expected more bytes, or STOP"]);
    let ninety = tuple(&vec![integer(1); 65]);
    let arguments = tuple(&[storage("FloatStorage", "0", 1), integer(0), ninety.clone(), ninety]);
    let body = [b"ctorch._utils\n_rebuild_tensor_v2\n", &*arguments, b"R"].concat();
    pickle_refused(&body, &["expected a shape and strides of at most 64 integers"]);
}

#[test]
fn values_in_themselves_and_in_each_other_end() {
    // A dict that is its own item, and a list.
    pickle_refused(b"}q\x00X\x01\x00\x00\x00ah\x00s", &["lie more than 32 deep in each other, or in themselves"]);
    pickle_refused(b"]q\x00h\x00a", &["more than 32 deep"]);
    // 100,000 tuples around each other, and as many open marks.
    pickle_refused(&[&b")"[..], &[0x85; 100_000]].concat(), &["more than 32 deep"]);
    pickle_refused(&[&b")"[..], &[b'('; 100_000]].concat(), &["a value on the stack"]);
    let lists = [vec![b']'; 100_000], vec![b'a'; 99_999]].concat();
    pickle_refused(&lists, &["more than 32 deep"]);
    // Thirty lists, each of which names the one before twice: a billion visits.
    let doubled: Vec<u8> = (1..30_u8).flat_map(|k| [b']', b'(', b'h', k - 1, b'h', k - 1, b'e', b'q', k]).collect();
    pickle_refused(&[&b"]q\x00"[..], &doubled].concat(), &["more than 4194304 values under different names"]);
    pickle_refused(&vec![b'N'; (4 << 20) + 1], &["more than 4194304 values"]);
}

#[test]
fn names_are_bounded() {
    let small = tensor(storage("FloatStorage", "0", 1), 0, &[1], &[1]);
    let under = |key: &[u8]| [b"}", key, &small[..], b"s"].concat();
    pickle_refused(&under(b"N"), &["a tensor stands under a key that is no name"]);
    pickle_refused(&under(&text(&"k".repeat(1025))), &["a tensor stands under a longer name"]);
    let nested = [b"}", &text(&"k".repeat(600))[..], &under(&text(&"k".repeat(600))), b"s"].concat();
    pickle_refused(&nested, &["a tensor stands under longer names"]);
    let twice = [b"}(", &text("a.b")[..], &small, &text("a"), &under(&text("b")), b"u"].concat();
    pickle_refused(&twice, &["it holds two tensors a.b, expected one of each dotted path"]);
}

#[test]
fn tensors_beyond_their_storage_are_refused() {
    let beyond = |offset, shape: &[i64], strides: &[i64]| {
        one_refused(one("FloatStorage", offset, shape, strides, 6, 24), &["expected all in a storage of 6"]);
    };
    beyond(6, &[], &[]);
    beyond(5, &[2], &[1]);
    beyond(0, &[2, 3], &[4, 1]);
    beyond(0, &[2], &[i64::MAX]);
    beyond(i64::MAX, &[2, 2], &[i64::MAX, i64::MAX]);
    let shapeless = |offset, shape: &[i64], strides: &[i64]| {
        one_refused(one("FloatStorage", offset, shape, strides, 6, 24), &["expected numbers from 0, as many of both"]);
    };
    shapeless(-1, &[1], &[1]);
    shapeless(0, &[-1], &[1]);
    shapeless(0, &[2], &[-1]);
    shapeless(0, &[2], &[]);
    shapeless(0, &[i64::MAX, 2, 2], &[0, 0, 0]);
    // Its product would only overflow if it were taken.
    shapeless(0, &[1 << 40, 1 << 40, 0], &[0, 0, 0]);
    one_refused(one("FloatStorage", 0, &[1], &[1], -1, 4), &["expected numbers from 0"]);
}

#[test]
fn storages_that_are_not_as_said_are_refused() {
    let is = |kind, elements, bytes, says: &str| one_refused(one(kind, 0, &[1], &[1], elements, bytes), &[says]);
    is("FloatStorage", 2, 4, "its storage 0 has 1 elements, expected 2");
    is("FloatStorage", 2, 12, "its storage 0 has 3 elements, expected 2");
    is("FloatStorage", 2, 7, "its storage m/data/0 has 7 bytes, expected whole elements");
    is("HalfStorage", 2, 3, "has 3 bytes, expected whole elements");
    is("FloatStorage", i64::MAX, 4, "has 1 elements, expected 9223372036854775807");
    let body = dict(&tensor(storage("FloatStorage", "../0", 1), 0, &[1], &[1]));
    one_refused(zip(&[("m/data.pkl", &pickle(&body))]), &["it holds no file m/data/../0, expected one"]);
    let named = |kind, name| [text(name), tensor(storage(kind, "0", 2), 0, &[1], &[1])].concat();
    let both = [b"}(", &named("FloatStorage", "a")[..], &named("HalfStorage", "w"), b"u"].concat();
    one_refused(zip(&[("m/data.pkl", &pickle(&both))]), &["its storage 0 is of another type for another tensor"]);
}

/// One float, seen a billion times, and a storage that unpacks to a thousand times its size.
#[test]
fn a_small_file_takes_little_memory() {
    let says = "1000000000 elements, expected at most ";
    one_refused(one("FloatStorage", 0, &[1000, 1_000_000], &[0, 0], 1, 4), &[says]);

    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    let body = pickle(&dict(&tensor(storage("FloatStorage", "0", 4 << 20), 0, &[1], &[1])));
    for (name, bytes) in [("m/data.pkl", body), ("m/data/0", vec![0; 16 << 20])] {
        let deflate = rawzip::CompressionMethod::DEFLATE;
        let (mut entry, config) = archive.new_file(name).compression_method(deflate).start().unwrap();
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
        let mut writer = config.wrap(encoder);
        writer.write_all(&bytes).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    one_refused(archive.finish().unwrap(), &["m/data/0 is 16777216 bytes, expected at most "]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Pickles at random, of the machine's own instructions for the most part, and good files with some bytes changed.
    #[test]
    fn no_bytes_make_the_reader_panic(
        noise in prop::collection::vec(prop::sample::select(&b"()]}NQRXabcehjqrstu\x00\x01\x85\x86\x8a."[..]), 0..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let _ = torch::read_bytes(zip(&[("m/data.pkl", &pickle(&noise))]), Path::new("noise"));
        let mut bytes = fs::read(golden("pytorch_views.pt")).unwrap();
        // The pickle itself, whose checksum would otherwise hide every change.
        let archive = rawzip::ZipArchive::from_slice(&bytes).unwrap();
        let entry = archive.entries().find(|entry| entry.as_ref().unwrap().file_path().as_ref().ends_with(b".pkl"));
        let place = entry.unwrap().unwrap().wayfinder();
        let mut body = archive.get_entry(place).unwrap().data().to_vec();
        for (at, byte) in &changes {
            let at_body = at.index(body.len());
            body[at_body] = *byte;
            let at_file = at.index(bytes.len());
            bytes[at_file] = *byte;
        }
        let _ = torch::read_bytes(bytes, Path::new("noise"));
        let _ = torch::read_bytes(zip(&[("m/data.pkl", &body), ("m/data/0", &[0; 96]), ("m/data/1", &[])]), Path::new("noise"));
    }
}
