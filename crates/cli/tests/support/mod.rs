//! What the tests of the command line share: the binary in an empty folder, and small data sets made on the fly.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod book;
pub(crate) mod jobs;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

/// Height and width of an image.
pub(crate) const SIDE: usize = 8;
/// Images of the training file. The first 50, a twelfth, are for validation.
pub(crate) const TRAINING: usize = 600;
/// Images that remain for training.
pub(crate) const TRAINED_ON: usize = 550;
/// Images of the test file.
pub(crate) const TEST: usize = 60;
/// Classes of the images.
pub(crate) const CLASSES: usize = 3;

/// The four files of a set.
pub(crate) const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
pub(crate) const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
pub(crate) const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
pub(crate) const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// An empty folder in which the binary runs; gone at the end.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    /// With the small data set in the folder `set`.
    pub(crate) fn with_set() -> Self {
        let place = Self::new();
        place.write_set("set", SIDE, SIDE);
        place
    }

    /// With the small data set in `set`, and a run of two epochs on it in `run`.
    pub(crate) fn with_run() -> Self {
        let place = Self::with_set();
        place.elman(&format!("{QUICK} --quiet --num-epoch 2 --out run")).succeeded();
        place
    }

    /// The four files of a separable set of so many rows and columns.
    pub(crate) fn write_set(&self, folder: &str, rows: usize, cols: usize) {
        for (name, seed, count) in [(TRAIN_IMAGES, 1, TRAINING), (TEST_IMAGES, 2, TEST)] {
            let images = images(seed, count, rows, cols);
            self.write(&format!("{folder}/{name}"), &idx(&[count, rows, cols], &images));
        }
        for (name, count) in [(TRAIN_LABELS, TRAINING), (TEST_LABELS, TEST)] {
            self.write(&format!("{folder}/{name}"), &idx(&[count], &labels(count)));
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}; there are {:?}", self.names("")))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// What is in a folder, by name.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The binary with the words of `line` as arguments, about to run in this folder.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elman"));
        command.args(line.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        // What the tests check must not depend on where they run.
        command.env_remove("ELMAN_ISA").env_remove("CLICOLOR_FORCE").env("RUST_BACKTRACE", "0");
        command
    }

    /// Runs the binary with the words of `line` as arguments.
    pub(crate) fn elman(&self, line: &str) -> Outcome {
        Outcome::of(&mut self.command(line))
    }
}

/// Training on the small set, quick, and on as many threads everywhere. Other flags may follow.
pub(crate) const QUICK: &str =
    "train mnist --data set --hidden-size 16 --batch-size 50 --learning-rate 0.01 --threads 2";

/// What a run of the binary said.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    pub(crate) fn from(output: std::process::Output) -> Self {
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(!stderr.contains("panicked") && !stderr.contains("RUST_BACKTRACE"), "{stderr}");
        Outcome { code: output.status.code(), stdout, stderr }
    }

    /// Exit code 0 and no error; the lines of standard output.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> Vec<&str> {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        assert!(!self.stderr.contains("error:"), "{}", self.stderr);
        self.stdout.lines().collect()
    }

    /// Refused before there was any result: an exit code, and one message that begins with `error:` and has all of
    /// `words`.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.stdout, "");
        self.failed(code, words);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
    }

    /// An exit code, and one message at the end that begins with `error:` and has all of `words`.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        let errors: Vec<_> = self.stderr.lines().filter(|line| line.starts_with("error:")).collect();
        assert_eq!(errors.len(), 1, "{}", self.stderr);
        assert!(self.stderr.ends_with('\n'), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in: {}", self.stderr);
        }
    }
}

/// An IDX file of bytes.
pub(crate) fn idx(dims: &[usize], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dims.len() as u8];
    file.extend(dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes()));
    file.extend_from_slice(data);
    file
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The classes in turn.
pub(crate) fn labels(count: usize) -> Vec<u8> {
    (0..count).map(|index| (index % CLASSES) as u8).collect()
}

/// Images of the classes in turn: which third of the columns is bright tells the class. The noise leaves something to
/// learn.
pub(crate) fn images(seed: u32, count: usize, rows: usize, cols: usize) -> Vec<u8> {
    let mut state = seed;
    let mut noise = move || {
        // Numerical Recipes' generator; its high bits are the good ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 25) as u8
    };
    let pixels = (0..count)
        .flat_map(|index| (0..rows * cols).map(move |pixel| (pixel % cols) * CLASSES / cols == index % CLASSES));
    pixels.map(|bright| noise() + if bright { 100 } else { 0 }).collect()
}

/// The pixels of one such image.
pub(crate) fn image(class: usize) -> Vec<u8> {
    images(3, CLASSES, SIDE, SIDE)[class * SIDE * SIDE..][..SIDE * SIDE].to_vec()
}

/// Every digit as 9: lines of one form compare equal.
pub(crate) fn form(line: &str) -> String {
    line.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect()
}

/// Each line of standard output as a JSON object.
pub(crate) fn objects(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| {
            let value = serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(value.is_object(), "{line}");
            value
        })
        .collect()
}

/// The first object of an event.
pub(crate) fn event<'a>(objects: &'a [Value], name: &str) -> &'a Value {
    objects.iter().find(|object| object["event"] == name).unwrap_or_else(|| panic!("no {name} in {objects:?}"))
}

/// A safetensors file as it is stored: its length, a header in JSON, the data.
#[derive(Clone)]
pub(crate) struct RawModel {
    pub(crate) header: serde_json::Map<String, Value>,
    data: Vec<u8>,
}

impl RawModel {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let (length, rest) = bytes.split_at(8);
        let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
        RawModel { header: serde_json::from_slice(header).unwrap(), data: data.to_vec() }
    }

    pub(crate) fn write(&self, path: &Path) {
        let header = serde_json::to_vec(&self.header).unwrap();
        fs::write(path, [&(header.len() as u64).to_le_bytes(), &header[..], &self.data].concat()).unwrap();
    }

    /// The configuration: JSON within the metadata.
    pub(crate) fn config(&self) -> Value {
        serde_json::from_str(self.header["__metadata__"]["elman"].as_str().unwrap()).unwrap()
    }

    pub(crate) fn set_config(&mut self, config: &Value) {
        self.header["__metadata__"]["elman"] = config.to_string().into();
    }
}

/// The arrays and the configuration of a model file.
pub(crate) fn model(path: &Path) -> elman::formats::File {
    elman::formats::read(path).unwrap_or_else(|error| panic!("{error}"))
}

/// A whole model file, each of whose parameters is a finite number.
#[track_caller]
pub(crate) fn assert_finite(path: &Path) {
    let file = model(path);
    assert_eq!(file.arrays.len(), 5, "{:?}", file.arrays.keys());
    for (name, array) in file.arrays {
        assert!(array.data.iter().all(|x| x.is_finite()), "{name} of {}", path.display());
    }
}
