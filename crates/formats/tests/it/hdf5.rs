//! HDF5 files: what Keras and h5py wrote is read, what is written here comes back, and every way a file can be wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::{assert_says, golden};
use elman_formats::hdf5::{self, File, Text};
use elman_formats::{Array, Half};
use hdf5_pure::FileBuilder;
use proptest::prelude::*;

/// Every array that h5py sees is read, and no other.
#[test]
fn what_keras_and_h5py_wrote_is_read() {
    let expected = elman_formats::read(&golden("keras_expected.safetensors")).unwrap().arrays;
    for file in [
        "keras_reader.weights.h5",
        "keras_half.weights.h5",
        "keras_bfloat.weights.h5",
        "keras_legacy.h5",
        "h5py_earliest.h5",
        "h5py_latest.h5",
    ] {
        let prefix = format!("{file}/");
        let of_file = expected.iter().filter_map(|(name, array)| Some((name.strip_prefix(&prefix)?, array)));
        let of_file: BTreeMap<String, Array> = of_file.map(|(name, array)| (name.to_owned(), array.clone())).collect();
        assert!(of_file.len() > 1, "{file}");
        let read = hdf5::read(&golden(file)).unwrap();
        assert_eq!(read.arrays, of_file, "{file}");
        // What was widened is said, of each array; the other files of these have single precision, or both.
        let of = |half| read.halves.values().filter(|of| **of == half).count();
        let widened = (of(Half::F16), of(Half::Bf16));
        match file {
            "keras_half.weights.h5" => assert_eq!(widened, (read.arrays.len(), 0)),
            "keras_bfloat.weights.h5" => assert_eq!(widened, (0, read.arrays.len())),
            "keras_reader.weights.h5" | "keras_legacy.h5" => assert_eq!(widened, (0, 0), "{file}"),
            _ => {}
        }
    }
}

#[test]
fn texts_are_read() {
    let many = |texts: &[&str]| Text::Many(texts.iter().map(|&text| text.to_owned()).collect());
    for file in ["h5py_earliest.h5", "h5py_latest.h5"] {
        let attributes = hdf5::read(&golden(file)).unwrap().attributes;
        let expected = [
            ("text".to_owned(), Text::One("wörd".to_owned())),
            ("texts".to_owned(), many(&["a", "", "b c"])),
            ("bytes".to_owned(), many(&["one", "three"])),
        ];
        assert_eq!(attributes["packed/inner/unwritten"], expected.into(), "{file}");
        assert_eq!(attributes[""], [("text".to_owned(), Text::One("root".to_owned()))].into(), "{file}");
        assert_eq!(attributes.len(), 2, "{file}");
    }
    // A model of Keras 2 with its configuration.
    let legacy = hdf5::read(&golden("keras_legacy.h5")).unwrap().attributes;
    let Text::One(config) = &legacy[""]["model_config"] else { panic!("not a single text") };
    let config: serde_json::Value = serde_json::from_str(config).unwrap();
    assert_eq!(config["class_name"], "Sequential");
    let names = &hdf5::read(&golden("keras_reader.weights.h5")).unwrap().attributes["layers/lstm/vars"];
    assert!(matches!(&names["name"], Text::One(name) if name.starts_with("lstm")), "{names:?}");
}

#[test]
fn other_files_are_refused_with_what_to_do() {
    for (file, says) in [
        ("keras_double.weights.h5", "has the type float64, expected float32 or float16; convert it with astype("),
        ("keras_double.weights.h5", "the array layers/"),
        ("h5py_circle.h5", "more than 64 groups deep, or inside itself"),
        ("h5py_doubled.h5", "its parts lead in circles or lie over each other: "),
        ("h5py_bomb.h5", "the array bomb of shape [4194304] is too large: its file may hold 11"),
    ] {
        let path = golden(file);
        assert_says(&hdf5::read(&path).unwrap_err(), &["cannot read ", path.to_str().unwrap(), says]);
    }
    assert_says(&hdf5::read(Path::new("no/such/file")).unwrap_err(), &["cannot read no/such/file: ", "os error 2"]);
    for bytes in [&b""[..], b"hello", b"\x89HDF\r\n\x1a\n", &[0; 4096]] {
        let error = hdf5::read_bytes(bytes.to_vec(), Path::new("memory")).unwrap_err();
        assert_says(&error, &["cannot read memory: not a whole HDF5 file, at its start"]);
    }
}

fn sample() -> File {
    let array = |shape: &[usize]| Array {
        shape: shape.to_vec(),
        data: (0..shape.iter().product::<usize>()).map(|x| x as f32 - 1.5).collect(),
    };
    let text = |text: &str| Text::One(text.to_owned());
    File {
        arrays: [
            ("top", array(&[])),
            ("empty", array(&[0, 4])),
            ("layers/lstm/cell/vars/0", array(&[3, 8])),
            ("layers/lstm/cell/vars/1", array(&[2, 8])),
            ("layers/dense/vars/0", array(&[1])),
        ]
        .map(|(name, array)| (name.to_owned(), array))
        .into(),
        attributes: [
            ("", BTreeMap::from([("note".to_owned(), text("wörd")), ("nothing".to_owned(), text(""))])),
            ("top", BTreeMap::from([("unit".to_owned(), text("m"))])),
            ("layers/lstm/vars", BTreeMap::from([("name".to_owned(), text("lstm_1"))])),
            ("layers", BTreeMap::from([("names".to_owned(), Text::Many(vec!["lstm".into(), "dense".into()]))])),
        ]
        .map(|(name, texts)| (name.to_owned(), texts))
        .into(),
        halves: BTreeMap::new(),
    }
}

#[test]
fn what_is_written_comes_back_and_bytes_are_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    hdf5::write(&one, &sample()).unwrap();
    hdf5::write(&two, &sample()).unwrap();
    assert_eq!(hdf5::read(&one).unwrap(), sample());
    assert_eq!(fs::read(one).unwrap(), fs::read(two).unwrap());
}

#[test]
fn what_cannot_be_written_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.h5");
    let array = Array { shape: vec![2], data: vec![0.5, 1.5] };
    let deep = vec!["a"; 65].join("/");
    for (name, shape, says) in [
        ("a/b", vec![3], "the array a/b has the shape [3], expected as many values, found 2"),
        ("a/b", vec![usize::MAX, 2], "expected as many values, found 2"),
        ("/a", vec![2], "an object's path is \"/a\", expected names with / between them"),
        ("a//b", vec![2], "an object's path is \"a//b\""),
        ("a/../b", vec![2], "an object's path is \"a/../b\""),
        ("", vec![2], "an object's path is \"\""),
        (&deep, vec![2], "an object's path is \"a/a/a"),
        ("b", vec![2], "b is both an array and a group, expected one of them"),
    ] {
        let bad = Array { shape, data: array.data.clone() };
        let arrays = [(name.to_owned(), bad), ("b/c".to_owned(), array.clone())].into();
        let error = hdf5::write(&path, &File { arrays, ..File::default() }).unwrap_err();
        assert_says(&error, &["cannot write ", "bad.h5: ", says]);
        assert!(!path.exists());
    }
}

/// A file with one array, made by the format's crate.
fn made(build: impl FnOnce(&mut hdf5_pure::DatasetBuilder)) -> Vec<u8> {
    let mut builder = FileBuilder::new();
    build(builder.create_dataset("w"));
    builder.finish().unwrap()
}

/// Written here, a header has a checksum. In old files it has none, so that there the lie itself is read.
#[test]
fn sizes_that_lie_are_refused() {
    let new = made(|array| {
        array.with_f32_data(&[1.0; 60]).with_shape(&[5, 12]);
    });
    let old = fs::read(golden("h5py_earliest.h5")).unwrap();
    let dims: Vec<u8> = [5_u64, 12].iter().flat_map(|axis| axis.to_le_bytes()).collect();
    for (good, damaged) in [(new, true), (old, false)] {
        let truth = hdf5::read_bytes(good.clone(), Path::new("good")).unwrap();
        let places: Vec<usize> = (0..good.len() - 16).filter(|&at| good[at..at + 16] == dims[..]).collect();
        assert!(!places.is_empty());
        for axes in [[6_u64, 12], [1 << 30, 12], [1 << 40, 1 << 40], [u64::MAX, u64::MAX]] {
            let mut said = Vec::new();
            for &at in &places {
                let mut lies = good.clone();
                lies[at..at + 8].copy_from_slice(&axes[0].to_le_bytes());
                lies[at + 8..at + 16].copy_from_slice(&axes[1].to_le_bytes());
                match hdf5::read_bytes(lies, Path::new("lies")) {
                    // These may be the sizes up to which an array can grow; or there is one row more of a chunked one,
                    // which nobody wrote.
                    Ok(read) => assert!(read == truth || axes == [6, 12]),
                    Err(error) => said.push(error.to_string()),
                }
            }
            let whole = damaged || axes == [6, 12];
            let part = if whole { "not a whole HDF5 file, at " } else { " is too large: its file may hold " };
            assert!(said.iter().any(|message| message.contains(part)), "{axes:?}: {said:?}");
        }
    }
}

/// A chunk of 1.8 GB in a file of 18 kB made the format's crate take the memory before it looked.
#[test]
fn chunks_that_lie_are_refused() {
    let good = fs::read(golden("h5py_earliest.h5")).unwrap();
    // The size of a chunk of 2 · 12 floats and its checksum, no filter left out, and where it starts.
    let key: Vec<u8> = [100_u32, 0, 2, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let at = good.windows(key.len()).position(|window| window == key).unwrap();
    let mut lies = good;
    lies[at..at + 4].copy_from_slice(&0x7000_0000_u32.to_le_bytes());
    let error = hdf5::read_bytes(lies, Path::new("lies")).unwrap_err();
    assert_says(&error, &["not a whole HDF5 file, at packed/inner/grows: a chunk at ", " has 1879048192 bytes"]);
}

#[test]
fn cut_files_are_refused() {
    for file in ["keras_bfloat.weights.h5", "h5py_latest.h5", "h5py_earliest.h5"] {
        let good = fs::read(golden(file)).unwrap();
        for end in (0..good.len()).step_by(7) {
            // The end may be room that nothing lies in.
            if let Ok(read) = hdf5::read_bytes(good[..end].to_vec(), Path::new("cut")) {
                assert_eq!(read, hdf5::read(&golden(file)).unwrap(), "{file} cut at {end}");
            }
        }
    }
}

/// Every byte of small files, changed in some ways. None makes the reader panic, loop or take much memory.
#[test]
fn damaged_files_are_read_or_refused() {
    let written = made(|array| {
        array.with_f32_data(&[0.5; 12]).with_shape(&[3, 4]).with_chunks(&[2, 2]).with_deflate(6);
    });
    for good in [written, fs::read(golden("h5py_circle.h5")).unwrap(), fs::read(golden("h5py_latest.h5")).unwrap()] {
        for at in (0..good.len()).filter(|&at| good[at] != 0 || at % 16 == 0) {
            let mut bad = good.clone();
            bad[at] ^= [0x01, 0x80, 0xff][at % 3];
            let _ = hdf5::read_bytes(bad, Path::new("damaged"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_arrays_come_back_the_same(
        shapes in prop::collection::btree_map("[a-zé][a-z0-9_.]{0,8}(/[a-z][a-z0-9]{0,3}){2}", prop::collection::vec(0..5_usize, 0..4), 0..6),
    ) {
        let array = |shape: Vec<usize>| {
            let data = (0..shape.iter().product()).map(|x: usize| x as f32 / 3.0).collect();
            Array { shape, data }
        };
        let arrays: BTreeMap<String, Array> = shapes.into_iter().map(|(name, shape)| (name, array(shape))).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.h5");
        hdf5::write(&path, &File { arrays: arrays.clone(), ..File::default() }).unwrap();
        prop_assert_eq!(hdf5::read(&path).unwrap().arrays, arrays);
    }
}
