//! NumPy's files: what NumPy wrote is read, what is written here comes back, and every way a file can be wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::zip;
use elman_formats::numpy::{Array, Error, Fault, Npz, TEXTS_MAX, Values, read_npy, read_npz, write_npy, write_npz};
use proptest::prelude::*;
use tempfile::TempDir;

fn array(shape: &[usize], values: Values) -> Array {
    Array { shape: shape.to_vec(), values }
}

fn made_by_numpy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/numpy").join(name)
}

fn text(values: &[&str]) -> Values {
    Values::Text(values.iter().map(|&value| value.to_owned()).collect())
}

/// A folder with one file in it.
fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// An NPY file of version 1 with this header and data.
fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
}

fn f4(shape: &str, data: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"), data)
}

#[track_caller]
fn assert_says(error: &Error, path: &Path, parts: &[&str]) {
    let message = error.to_string();
    for part in parts.iter().copied().chain(path.to_str()) {
        assert!(message.contains(part), "the message lacks {part:?}:\n{message}");
    }
}

#[track_caller]
fn npy_refused(bytes: &[u8], parts: &[&str]) -> Fault {
    let (_folder, path) = file("x.npy", bytes);
    let error = read_npy(&path).expect_err("the file must be refused");
    assert_says(&error, &path, parts);
    error.fault
}

#[track_caller]
fn npz_refused(bytes: &[u8], parts: &[&str]) -> Fault {
    let (_folder, path) = file("x.npz", bytes);
    let error = read_npz(&path).expect_err("the file must be refused");
    assert_says(&error, &path, parts);
    error.fault
}

#[test]
fn what_numpy_wrote_is_read() {
    let cube = |scale: f64| (0..24).map(|x| f64::from(x) * scale).collect::<Vec<_>>();
    let floats = |scale: f64| cube(scale).into_iter().map(|x| x as f32).collect::<Vec<_>>();
    let shape = &[2, 3, 4];
    let expected: BTreeMap<String, Array> = [
        ("f32", array(shape, Values::F32(floats(0.125)))),
        ("f64", array(shape, Values::F64(cube(0.125)))),
        ("i32", array(shape, Values::I32((-12..12).collect()))),
        ("i64", array(shape, Values::I64((0..24).map(|x| x * -(1 << 40)).collect()))),
        ("u8", array(shape, Values::U8((0..24).collect()))),
        ("text", array(&[4], text(&["", "a", "wörd", "語"]))),
        ("fortran", array(shape, Values::F32(floats(1.0)))),
        ("big_endian", array(shape, Values::I32((0..24).collect()))),
        ("big_endian_text", array(&[2], text(&["é", "ab"]))),
        ("scalar", array(&[], Values::F64(vec![0.5]))),
        ("empty", array(&[0, 3], Values::F32(vec![]))),
        ("group/kernel", array(&[1, 2], Values::F32(vec![1.0, 1.0]))),
    ]
    .map(|(name, array)| (name.to_owned(), array))
    .into();
    for name in ["numpy_stored.npz", "numpy_deflated.npz"] {
        assert_eq!(read_npz(&made_by_numpy(name)).unwrap(), expected, "{name}");
    }
}

/// As TensorFlow's variables are called.
#[test]
fn names_with_a_number_behind_a_colon_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("variables.npz");
    let one = array(&[1], Values::F32(vec![1.0]));
    let arrays = ["W:0", "rnn/basic_rnn_cell/kernel:0", "dense/kernel/Adam_1:12", "é"]
        .map(|name| (name.to_owned(), one.clone()));
    write_npz(&path, &arrays.clone().into()).unwrap();
    assert_eq!(read_npz(&path).unwrap(), arrays.into());
}

#[test]
fn equal_arrays_give_equal_bytes_and_a_failed_write_none() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let arrays = BTreeMap::from([("a".to_owned(), array(&[2], Values::F32(vec![1.0, f32::NAN])))]);
    write_npz(&one, &arrays).unwrap();
    write_npz(&two, &arrays).unwrap();
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());

    for (name, bad, says) in [
        ("a", array(&[3], Values::F32(vec![1.0])), "its shape is [3], expected as many values, found 1"),
        ("a", array(&[1; 65], Values::F32(vec![1.0])), "65 axes"),
        ("a", array(&[1], text(&["x\0"])), "value 0 ends with NUL"),
        ("a", array(&[usize::MAX, 2], Values::F32(vec![])), "more bytes than can be counted"),
        ("../a", array(&[], Values::U8(vec![1])), "\"../a\" cannot stand in a zip archive"),
        ("a//b", array(&[], Values::U8(vec![1])), "cannot stand"),
        ("C:/a", array(&[], Values::U8(vec![1])), "cannot stand"),
        ("é:0", array(&[], Values::U8(vec![1])), "cannot stand"),
    ] {
        let path = folder.path().join("bad");
        let error = write_npz(&path, &BTreeMap::from([(name.to_owned(), bad.clone())])).unwrap_err();
        assert_says(&error, &path, &["cannot write the array ", name, says]);
        if !says.contains("cannot stand") {
            assert_says(&write_npy(&path, &bad).unwrap_err(), &path, &["cannot write ", says]);
        }
        assert!(!path.exists());
    }
}

#[test]
fn a_missing_array_is_named_with_those_that_there_are() {
    let mut file = Npz::open(&made_by_numpy("numpy_stored.npz")).unwrap();
    let error = file.read("kernel").unwrap_err();
    assert_says(&error, Path::new("numpy_stored.npz"), &["holds no array kernel", "big_endian, ", "group/kernel"]);
}

#[test]
fn a_missing_file_is_named() {
    let path = Path::new("no/such/file");
    assert_says(&read_npy(path).unwrap_err(), path, &["cannot read no/such/file: ", "os error 2"]);
    assert_says(&read_npz(path).unwrap_err(), path, &["cannot read no/such/file: ", "os error 2"]);
}

#[test]
fn broken_npy_files_are_refused() {
    npy_refused(b"", &["not an NPY file", "found no bytes"]);
    npy_refused(b"PK\x03\x04", &["not an NPY file", "found 50 4b 03 04"]);
    npy_refused(b"\x93NUMPY\x04\x00", &["version of the NPY format is 4.0, expected 1.0, 2.0 or 3.0"]);
    npy_refused(b"\x93NUMPY\x01", &["header takes 2 bytes"]);
    npy_refused(b"\x93NUMPY\x01\x00\x10\x00{'descr'", &["header takes 16 bytes", "found 8"]);
    npy_refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", &["header takes 4294967295 bytes, expected at most 65536"]);
    npy_refused(&npy("{'descr': ", &[]), &["header is damaged at character 10"]);
    npy_refused(&f4("(3,)", &[0; 11]), &["truncated: its shape is [3], expected 12 bytes of data, found 11"]);
    npy_refused(&f4("(3,)", &[0; 13]), &["more data than its shape [3]"]);
    npy_refused(&f4("(99999999999, 99999999999)", &[]), &["more bytes than can be counted"]);
    npy_refused(&f4("(9999999999,)", &[]), &["39999999996 bytes, expected at most 4294967296"]);
    // A claim of 4 GiB takes no memory: there are no bytes.
    npy_refused(&f4("(1073741824,)", &[1, 2]), &["truncated", "found 2"]);
    let text = npy("{'descr': '<U1', 'fortran_order': False, 'shape': (2,)}", &[65, 0, 0, 0, 0, 0xd8, 0, 0]);
    npy_refused(&text, &["value 1 holds the character U+D800"]);
    let most = |texts: u64| npy(&format!("{{'descr': '<U1', 'fortran_order': False, 'shape': ({texts},)}}"), &[]);
    npy_refused(&most(TEXTS_MAX), &["truncated: its shape is [67108864]"]);
    let says = "its shape is [67108865], which is 67108865 texts, expected at most 67108864; cut it into smaller ones";
    npy_refused(&most(TEXTS_MAX + 1), &[says]);
}

#[test]
fn broken_archives_are_refused() {
    let good = f4("(1,)", &[0; 4]);
    npz_refused(b"", &["not a whole NPZ file"]);
    npz_refused(b"hello", &["not a whole NPZ file"]);
    npz_refused(&zip(&[("a.npy", &good), ("notes.txt", b"hi")]), &["holds the file notes.txt", "end in .npy"]);
    npz_refused(&zip(&[("a.npy", &good), ("a.npy", &good)]), &["two arrays a,"]);
    npz_refused(&zip(&[("a.npy", b"hello")]), &["the array a of ", "not an NPY file"]);

    let whole = zip(&[("a.npy", &good), ("b.npy", &good)]);
    for end in [whole.len() - 1, whole.len() - 30, 60] {
        npz_refused(&whole[..end], &["not a whole NPZ file"]);
    }
    // One bit of the data, which the checksum covers.
    let mut flipped = whole.clone();
    let data = flipped.windows(4).position(|four| four == b"})\x00\x00" || four == b", }\x00").unwrap();
    flipped[data + 4] ^= 1;
    let Fault::Zip { cause } = npz_refused(&flipped, &["the array a of "]) else { panic!("not the checksum") };
    assert!(cause.contains("checksum"), "{cause}");

    let locked = patched(&whole, 8, &[1, 0]);
    npz_refused(&locked, &["a is encrypted, expected stored or deflated"]);
    let method = patched(&whole, 10, &[93, 0]);
    npz_refused(&method, &["a is packed by method 93"]);
    let bomb = patched(&whole, 24, &0xf000_0000_u32.to_le_bytes());
    npz_refused(&bomb, &["a unpacks to 4026531840 bytes from "]);
    let long = patched(&whole, 20, &0x0fff_0000_u32.to_le_bytes());
    npz_refused(&long, &["its arrays take 268369920 bytes, expected at most "]);
}

/// The first entry of the archive's directory, changed at `at`.
fn patched(archive: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut archive = archive.to_vec();
    let directory = archive.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    archive[directory + at..][..bytes.len()].copy_from_slice(bytes);
    archive
}

fn values(len: usize) -> impl Strategy<Value = Values> {
    let character = any::<char>().prop_filter("NUL at the end is lost", |&character| character != '\0');
    let word = prop::collection::vec(character, 0..4).prop_map(|word| word.into_iter().collect());
    prop_oneof![
        prop::collection::vec(-1e30_f32..1e30, len).prop_map(Values::F32),
        prop::collection::vec(-1e300_f64..1e300, len).prop_map(Values::F64),
        prop::collection::vec(any::<i32>(), len).prop_map(Values::I32),
        prop::collection::vec(any::<i64>(), len).prop_map(Values::I64),
        prop::collection::vec(any::<u8>(), len).prop_map(Values::U8),
        prop::collection::vec(word, len).prop_map(Values::Text),
    ]
}

fn any_array() -> impl Strategy<Value = Array> {
    prop::collection::vec(0..5_usize, 0..4).prop_flat_map(|shape| {
        values(shape.iter().product()).prop_map(move |values| Array { shape: shape.clone(), values })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_arrays_come_back_the_same(arrays in prop::collection::btree_map("[a-zé][a-z0-9_]{0,8}", any_array(), 0..4)) {
        let (_folder, path) = file("x", b"");
        write_npz(&path, &arrays).unwrap();
        prop_assert_eq!(&read_npz(&path).unwrap(), &arrays);
        for array in arrays.values() {
            write_npy(&path, array).unwrap();
            prop_assert_eq!(&read_npy(&path).unwrap(), array);
        }
    }

    /// Bytes at random, and good files with some bytes changed.
    #[test]
    fn no_bytes_make_a_reader_panic(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        for mut bytes in [noise, f4("(2, 1)", &[7; 8]), fs::read(made_by_numpy("numpy_deflated.npz")).unwrap()] {
            if !bytes.is_empty() {
                for (at, byte) in &changes {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
            }
            let (_folder, path) = file("x", &bytes);
            let _ = read_npy(&path);
            let _ = read_npz(&path);
        }
    }
}
