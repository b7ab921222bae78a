//! Keras's archives: what Keras wrote is read, what is written here comes back, and every way a file can be wrong.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use crate::support::{assert_says, golden, zip};
use elman_formats::Array;
use elman_formats::keras;

#[test]
fn what_keras_wrote_is_read() {
    let expected = elman_formats::read(&golden("keras_expected.safetensors")).unwrap().arrays;
    for (file, layers) in [("keras_reader.keras", 3), ("keras_trained.keras", 2)] {
        let archive = keras::read(&golden(file)).unwrap();
        assert_eq!(archive.config["class_name"], "Sequential", "{file}");
        assert_eq!(archive.config["config"]["layers"].as_array().unwrap().len(), layers, "{file}");
        assert_eq!(archive.metadata["keras_version"], "3.15.1", "{file}");
        let prefix = format!("{file}/");
        let of_file = expected.iter().filter_map(|(name, array)| Some((name.strip_prefix(&prefix)?, array)));
        let of_file: BTreeMap<String, Array> = of_file.map(|(name, array)| (name.to_owned(), array.clone())).collect();
        assert!(of_file.len() > 3, "{file}");
        assert_eq!(archive.arrays, of_file, "{file}");
    }
}

#[test]
fn what_is_written_comes_back_and_bytes_are_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one.keras", "two.keras"].map(|name| folder.path().join(name));
    let archive = keras::read(&golden("keras_trained.keras")).unwrap();
    keras::write(&one, &archive).unwrap();
    keras::write(&two, &archive).unwrap();
    assert_eq!(keras::read(&one).unwrap(), archive);
    assert_eq!(fs::read(&one).unwrap(), fs::read(two).unwrap());
    assert_eq!(keras::read_bytes(fs::read(one).unwrap(), Path::new("memory")).unwrap(), archive);
}

#[test]
fn what_cannot_be_written_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.keras");
    let mut archive = keras::read(&golden("keras_trained.keras")).unwrap();
    archive.arrays.insert("bad".into(), Array { shape: vec![3], data: vec![] });
    let error = keras::write(&path, &archive).unwrap_err();
    assert_says(&error, &["cannot write ", "bad.keras: the array bad has the shape [3], expected as many values"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[track_caller]
fn refused(files: &[(&str, &[u8])], parts: &[&str]) {
    let error = keras::read_bytes(zip(files), Path::new("hostile.keras")).expect_err("the file must be refused");
    assert_says(&error, &["cannot read ", "hostile.keras: "]);
    assert_says(&error, parts);
}

#[test]
fn broken_archives_are_refused() {
    let weights = fs::read(golden("keras_reader.weights.h5")).unwrap();
    let (config, metadata) = (("config.json", &b"{}"[..]), ("metadata.json", &b"{}"[..]));
    let weights = ("model.weights.h5", &weights[..]);
    keras::read_bytes(zip(&[config, metadata, weights, ("assets/words.txt", b"a")]), Path::new("good")).unwrap();

    refused(
        &[metadata, weights],
        &["it holds no config.json, expected config.json, metadata.json and model.weights.h5"],
    );
    refused(&[config, weights], &["it holds no metadata.json", "model.save('model.keras')"]);
    refused(&[config, metadata], &["it holds no model.weights.h5"]);
    refused(&[config, metadata, weights, config], &["it holds two files config.json, expected one of each name"]);
    refused(&[("config.json", b"{"), metadata, weights], &["config.json is not JSON (EOF while parsing"]);
    refused(&[config, ("metadata.json", b"\xff"), weights], &["metadata.json is not JSON (", "save the model again"]);
    refused(&[config, ("metadata.json", b"{} {}"), weights], &["metadata.json is not JSON (trailing characters"]);
    let deep = [b'['; 100_000];
    refused(&[("config.json", &deep), metadata, weights], &["config.json is not JSON (recursion limit exceeded"]);
    let long = vec![b' '; (4 << 20) + 1];
    refused(&[("config.json", &long), metadata, weights], &["config.json is 4194305 bytes, expected at most 4194304"]);
    refused(
        &[config, metadata, ("model.weights.h5", b"hello")],
        &["cannot read model.weights.h5 of hostile.keras: not a whole HDF5 file, at its start"],
    );
    let double = fs::read(golden("keras_double.weights.h5")).unwrap();
    refused(&[config, metadata, ("model.weights.h5", &double)], &["has the type float64, expected float32"]);
}

#[test]
fn other_files_are_refused() {
    for bytes in [&b""[..], b"hello", &fs::read(golden("keras_legacy.h5")).unwrap()] {
        let error = keras::read_bytes(bytes.to_vec(), Path::new("hostile.keras")).unwrap_err();
        assert_says(&error, &["hostile.keras: not a whole zip archive"]);
    }
    let missing = keras::read(Path::new("no/such/file")).unwrap_err();
    assert_says(&missing, &["cannot read no/such/file: ", "os error 2"]);
    // PyTorch's archive is one too.
    let torch = keras::read(&golden("pytorch_views.pt")).unwrap_err();
    assert_says(&torch, &["pytorch_views.pt: it holds no config.json"]);
}

#[test]
fn cut_and_changed_archives_are_refused() {
    let good = fs::read(golden("keras_reader.keras")).unwrap();
    for end in (0..good.len()).step_by(11) {
        assert!(keras::read_bytes(good[..end].to_vec(), Path::new("cut")).is_err(), "cut at {end}");
    }
    // Checksums cover what is inside.
    let weights = good.windows(4).position(|four| four == b"\x89HDF").unwrap();
    for at in [weights + 96, weights + 2000] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        let error = keras::read_bytes(changed, Path::new("changed.keras")).unwrap_err();
        assert_says(&error, &["changed.keras: not a whole zip archive (model.weights.h5: Invalid checksum"]);
    }
}

/// A configuration that unpacks to far more than its size, and weights that do.
#[test]
fn a_small_file_takes_little_memory() {
    for (bomb, says) in [
        ("config.json", "config.json is 67108864 bytes, expected at most 4194304"),
        ("model.weights.h5", "model.weights.h5 is 67108864 bytes, expected at most "),
    ] {
        let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
        for name in ["config.json", "metadata.json", "model.weights.h5"] {
            let bytes = if name == bomb { vec![b' '; 64 << 20] } else { b"{}".to_vec() };
            let deflate = rawzip::CompressionMethod::DEFLATE;
            let (mut entry, config) = archive.new_file(name).compression_method(deflate).start().unwrap();
            let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast());
            let mut writer = config.wrap(encoder);
            writer.write_all(&bytes).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            entry.finish(descriptor).unwrap();
        }
        let error = keras::read_bytes(archive.finish().unwrap(), Path::new("bomb.keras")).unwrap_err();
        assert_says(&error, &["bomb.keras: ", says]);
    }
}
