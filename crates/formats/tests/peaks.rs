//! What a reader takes of memory is bounded by the file's size, also where the file claims more. One test in its own
//! process: the allocator counts for all threads.

#[path = "../../datasets/tests/peak/mod.rs"]
mod peak;
use std::fs;
use std::path::Path;

use elman_formats::numpy::{Array, Npz, Values, read_npy_bytes, write_npy};
use elman_formats::{hdf5, keras, onnx, read_bytes, torch};
use peak::peak;

/// Reads some bytes; whether they were a file.
type Reader = fn(Vec<u8>) -> bool;

/// Buffers, names and messages, however short the file.
const SMALL: usize = 1 << 20;

/// Changes of each file.
const CHANGES: usize = 12;

fn path() -> &'static Path {
    Path::new("given")
}

fn npz(bytes: Vec<u8>) -> bool {
    let Ok(mut file) = Npz::of_bytes(bytes, path()) else { return false };
    let names: Vec<String> = file.names().map(str::to_owned).collect();
    names.iter().all(|name| file.read(name).is_ok())
}

fn graph(bytes: Vec<u8>) -> bool {
    onnx::read_bytes(&bytes).is_ok()
}

/// What is read, the folders of small files that others wrote, the end of their names, and how many times its size a file
/// may take.
const READERS: [(Reader, &str, &str, usize); 6] = [
    (|bytes| read_bytes(&bytes, path()).is_ok(), "golden/onnx", ".safetensors", 4),
    (npz, "crates/formats/tests/numpy", ".npz", 16),
    (|bytes| torch::read_bytes(bytes, path()).is_ok(), "golden/files", ".pt", 32),
    (|bytes| hdf5::read_bytes(bytes, path()).is_ok(), "golden/files", ".h5", 40),
    (|bytes| keras::read_bytes(bytes, path()).is_ok(), "golden/files", ".keras", 40),
    (graph, "golden/onnx", ".onnx", 4),
];

#[track_caller]
fn check(name: &str, read: Reader, bytes: Vec<u8>, times: usize) -> bool {
    let most = times * bytes.len() + SMALL;
    let held = bytes.capacity();
    let (result, beside) = peak(|| read(bytes));
    let peak = held + beside;
    assert!(peak <= most, "{name}: {peak} bytes at once, expected at most {most}");
    result
}

#[test]
fn memory_is_bounded_by_what_a_file_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (read, folder, ending, times) in READERS {
        let (mut files, mut whole) = (0, 0);
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if !name.ends_with(ending) || entry.metadata().unwrap().len() > 64 << 10 {
                continue;
            }
            let bytes = fs::read(entry.path()).unwrap();
            files += 1;
            whole += usize::from(check(&name, read, bytes.clone(), times));
            for change in 0..CHANGES {
                // Sizes are little-endian, or varying: a claim is a run of bytes that are full.
                let at = change * 7919 % bytes.len();
                let mut claim = bytes.clone();
                let end = (at + [1, 2, 4, 7][change % 4]).min(claim.len());
                claim[at..end].fill(if change % 3 == 0 { 0x7f } else { 0xff });
                check(&format!("{name}, full from byte {at} to {end}"), read, claim, times);
                check(&format!("{name}, the first {at} bytes"), read, bytes[..at].to_vec(), times);
            }
        }
        assert!(files > 1 && whole > 0, "{whole} of {files} files in {folder} are read");
    }

    let folder = tempfile::tempdir().unwrap();
    for values in
        [Values::F32(vec![1.5; 100_000]), Values::U8(vec![7; 100_000]), Values::Text(vec!["a".into(); 100_000])]
    {
        let (name, text) = (values.type_name(), matches!(values, Values::Text(_)));
        let file = folder.path().join("x.npy");
        write_npy(&file, &Array { shape: vec![100_000], values }).unwrap();
        let bytes = fs::read(&file).unwrap();
        // Six bytes of magic and four more, then text, padded with blanks.
        let header = String::from_utf8(bytes[10..128].to_vec()).unwrap();
        let claim = header.replace("(100000,)", "(999999999,)").replacen("    ", " ", 1);
        assert_eq!(claim.len(), header.len());
        let whole: Reader = |bytes| read_npy_bytes(&bytes, path()).is_ok();
        assert!(check(name, whole, bytes.clone(), if text { 10 } else { 2 }), "{name}");
        assert!(!check("a claim", whole, [&bytes[..10], claim.as_bytes(), &bytes[128..]].concat(), 2), "{name}");
    }
}
