//! What a file or folder is, by what is in it. One place, so that every message that meets a wrong file can say which it is.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::archive::Archive;
use crate::tensorflow::TABLE_MAGIC;

/// What is looked at of a file's beginning.
const BEGINNING: usize = 1 << 12;

/// What a file or folder seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// Nothing in it.
    Empty,
    /// Neither a file nor a folder: a pipe or a device, which is not looked into.
    Special,
    /// Header and arrays.
    Safetensors,
    /// The same of a training as it stands, which elman goes on with and which is no model.
    Checkpoint,
    /// An index of several safetensors files.
    SafetensorsIndex,
    /// A `.pt` of tensors: a zip archive with a pickle.
    Torch,
    /// PyTorch's format before 1.6.
    TorchLegacy,
    /// A program of PyTorch: TorchScript, or what `torch.export.save` writes.
    TorchProgram,
    /// Python's `pickle`.
    Pickle,
    /// Named arrays of NumPy.
    Npz,
    /// An array of NumPy.
    Npy,
    /// A `.keras` archive.
    Keras,
    /// HDF5, as Keras's weights.
    Hdf5,
    /// Another zip archive.
    Zip,
    /// A graph of ONNX.
    Onnx,
    /// The table of a TensorFlow checkpoint, or a checkpoint of the first format.
    TensorflowTable,
    /// The text that says which checkpoint of a folder is the newest.
    TensorflowList,
    /// A model of TensorFlow Lite.
    Tflite,
    /// A model of llama.cpp.
    Gguf,
    /// Weights of Burn.
    Burn,
    /// A picture.
    Png,
    /// A picture.
    Jpeg,
    /// Images or labels as MNIST has them.
    Idx,
    /// Packed.
    Gzip,
    /// Packed by another program.
    Packed(&'static str),
    /// What stands for a large file where Git LFS has not fetched it.
    LfsPointer,
    /// A page of the web, as a download that failed leaves it.
    Html,
    /// An object or list of JSON.
    Json,
    /// Text of any other kind.
    Text,
    /// None of these.
    Unknown,
    /// A folder with a run of elman.
    RunFolder,
    /// A folder with a `SavedModel` of TensorFlow.
    SavedModel,
    /// A folder of `torch.distributed.checkpoint`.
    TorchDistributed,
    /// A folder of Orbax, as flax and JAX save checkpoints.
    Orbax,
    /// A folder with a TensorFlow checkpoint.
    TensorflowFolder,
    /// A folder with safetensors of another program, or an index of them.
    SafetensorsFolder,
    /// Another folder.
    Folder,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::Empty => "empty",
            FileKind::Special => "a pipe or a device",
            FileKind::Safetensors => "a safetensors file",
            FileKind::Checkpoint => "a checkpoint, from which elman goes on with a training",
            FileKind::SafetensorsIndex => "the index of several safetensors files",
            FileKind::Torch => "a file of PyTorch (a zip archive with a pickle of tensors)",
            FileKind::TorchLegacy => "a file of PyTorch in its format before 1.6 (a bare pickle)",
            FileKind::TorchProgram => "a program of PyTorch (TorchScript, or of torch.export)",
            FileKind::Pickle => "a pickle of Python",
            FileKind::Npz => "NumPy's arrays in a zip archive (.npz)",
            FileKind::Npy => "an array of NumPy (.npy)",
            FileKind::Keras => "a model of Keras 3 (.keras)",
            FileKind::Hdf5 => "an HDF5 file, as Keras keeps weights (.weights.h5, .h5)",
            FileKind::Zip => "a zip archive",
            FileKind::Onnx => "a graph of ONNX",
            FileKind::TensorflowTable => "the table of a TensorFlow checkpoint",
            FileKind::TensorflowList => "the list of a folder's TensorFlow checkpoints",
            FileKind::Tflite => "a model of TensorFlow Lite",
            FileKind::Gguf => "a model of llama.cpp (GGUF)",
            FileKind::Burn => "weights of Burn (Burnpack)",
            FileKind::Png => "a PNG picture",
            FileKind::Jpeg => "a JPEG picture",
            FileKind::Idx => "an IDX file, as MNIST's images and labels are",
            FileKind::Gzip => "packed by gzip",
            FileKind::Packed(by) => return write!(f, "packed by {by}"),
            FileKind::LfsPointer => "a pointer of Git LFS, which stands for a file that was not fetched",
            FileKind::Html => "a page of HTML, as a failed download leaves it",
            FileKind::Json => "JSON",
            FileKind::Text => "text",
            FileKind::Unknown => "of no kind that is known here",
            FileKind::RunFolder => "the folder of a run",
            FileKind::SavedModel => "the folder of a SavedModel of TensorFlow",
            FileKind::TorchDistributed => {
                "the folder of a sharded checkpoint of PyTorch (torch.distributed.checkpoint)"
            }
            FileKind::Orbax => "the folder of a checkpoint of Orbax, as flax saves it",
            FileKind::TensorflowFolder => "a folder with a TensorFlow checkpoint",
            FileKind::SafetensorsFolder => "a folder with safetensors files",
            FileKind::Folder => "a folder",
        })
    }
}

/// Looks at a file or folder. At most a few kilobytes are read, and of a zip archive its list of files.
///
/// # Errors
/// What the file system says.
pub fn sniff(path: &Path) -> io::Result<FileKind> {
    let kind = fs::metadata(path)?;
    if kind.is_dir() {
        return folder(path);
    }
    // A pipe can be read once, by who wants what is in it.
    if !kind.is_file() {
        return Ok(FileKind::Special);
    }
    let mut file = File::open(path)?;
    let mut start = Vec::new();
    file.by_ref().take(BEGINNING as u64).read_to_end(&mut start)?;
    let mut end = [0; 8];
    if kind.len() >= 48 {
        file.seek(SeekFrom::End(-8))?;
        file.read_exact(&mut end)?;
    }
    let files = || Archive::open(path).ok();
    Ok(by_bytes(&start, end, files))
}

/// The same of a file in memory.
pub fn sniff_bytes(bytes: &[u8]) -> FileKind {
    let start = &bytes[..bytes.len().min(BEGINNING)];
    let end = bytes.last_chunk::<8>().filter(|_| bytes.len() >= 48).copied().unwrap_or_default();
    by_bytes(start, end, || Archive::of_bytes(bytes.to_vec()).ok())
}

/// What a file begins with, and what it is then. The longest come first.
const MAGIC: [(&[u8], FileKind); 17] = [
    (b"version https://git-lfs.github.com/spec/", FileKind::LfsPointer),
    (b"\x89PNG\r\n\x1a\n", FileKind::Png),
    (b"\x89HDF\r\n\x1a\n", FileKind::Hdf5),
    (b"\x93NUMPY", FileKind::Npy),
    (b"\xfd7zXZ\0", FileKind::Packed("xz")),
    (b"7z\xbc\xaf\x27\x1c", FileKind::Packed("7-Zip")),
    (b"\x28\xb5\x2f\xfd", FileKind::Packed("zstd")),
    (b"\x04\x22\x4d\x18", FileKind::Packed("lz4")),
    (b"Rar!", FileKind::Packed("RAR")),
    (b"GGUF", FileKind::Gguf),
    (b"NRUB", FileKind::Burn),
    (b"BZh", FileKind::Packed("bzip2")),
    (b"\xff\xd8\xff", FileKind::Jpeg),
    (b"\x1f\x8b", FileKind::Gzip),
    (b"PK\x05\x06", FileKind::Zip),
    // Images, and labels.
    (b"\0\0\x08\x03", FileKind::Idx),
    (b"\0\0\x08\x01", FileKind::Idx),
];

fn by_bytes(start: &[u8], end: [u8; 8], archive: impl FnOnce() -> Option<Archive>) -> FileKind {
    if start.is_empty() {
        return FileKind::Empty;
    }
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return *kind;
    }
    if start.starts_with(b"PK\x03\x04") {
        return archive().map_or(FileKind::Zip, |archive| in_archive(&archive));
    }
    if end == TABLE_MAGIC {
        return FileKind::TensorflowTable;
    }
    if start.get(4..8) == Some(b"TFL3") {
        return FileKind::Tflite;
    }
    if let (Some(length), Some(b'{')) = (start.first_chunk::<8>(), start.get(8))
        && u64::from_le_bytes(*length) < 1 << 32
    {
        let is_checkpoint = start[8..].starts_with(br#"{"__metadata__":{"elman_checkpoint":"#);
        return if is_checkpoint { FileKind::Checkpoint } else { FileKind::Safetensors };
    }
    match start {
        // The magic number of the old format, as a long integer in a pickle of protocol 2.
        [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, ..] => return FileKind::TorchLegacy,
        [0x80, 2..=5, ..] => return FileKind::Pickle,
        // The version of the format, and the name of the program that wrote it or the graph.
        [0x08, 1..=32, tag, ..] if [0x12, 0x1a, 0x22, 0x2a, 0x32, 0x3a, 0x42].contains(tag) => return FileKind::Onnx,
        _ => {}
    }
    text(start)
}

fn in_archive(archive: &Archive) -> FileKind {
    let has = |ending: &str| archive.names().any(|name| name.ends_with(ending));
    let is_torch = has("/data.pkl");
    if (is_torch && has("/constants.pkl")) || has("models/model.json") || has("serialized_exported_program.json") {
        FileKind::TorchProgram
    } else if is_torch {
        FileKind::Torch
    } else if archive.contains("config.json") && has(".weights.h5") {
        FileKind::Keras
    } else if has(".npy") && archive.names().all(|name| name.ends_with(".npy")) {
        FileKind::Npz
    } else {
        FileKind::Zip
    }
}

fn text(start: &[u8]) -> FileKind {
    let whole = match str::from_utf8(start) {
        Ok(text) => text,
        // A letter that the beginning cuts.
        Err(error) if error.error_len().is_none() => str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
        Err(_) => return FileKind::Unknown,
    };
    if whole.is_empty() || whole.chars().any(|c| c.is_control() && !['\n', '\r', '\t', '\u{c}'].contains(&c)) {
        return FileKind::Unknown;
    }
    let trimmed = whole.trim_start_matches('\u{feff}').trim_start();
    let lower: String = trimmed.chars().take(15).flat_map(char::to_lowercase).collect();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        FileKind::Html
    } else if trimmed.starts_with("model_checkpoint_path:") {
        FileKind::TensorflowList
    } else if trimmed.starts_with('{') && whole.contains("\"weight_map\"") {
        FileKind::SafetensorsIndex
    } else if trimmed.starts_with(['{', '[']) {
        FileKind::Json
    } else {
        FileKind::Text
    }
}

fn folder(path: &Path) -> io::Result<FileKind> {
    let has = |name: &str| path.join(name).exists();
    if has("saved_model.pb") || has("saved_model.pbtxt") {
        return Ok(FileKind::SavedModel);
    }
    if has("config.toml") || has("metrics.csv") {
        return Ok(FileKind::RunFolder);
    }
    let mut kinds =
        [(false, FileKind::TorchDistributed), (false, FileKind::Orbax), (false, FileKind::TensorflowFolder)];
    let mut safetensors = false;
    for entry in fs::read_dir(path)?.take(BEGINNING) {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        kinds[0].0 |= name.ends_with(".distcp");
        kinds[1].0 |= name == "_METADATA" || name == "_CHECKPOINT_METADATA" || name == "manifest.ocdbt";
        kinds[2].0 |= name.ends_with(".index");
        safetensors |= name.ends_with(".safetensors") || name.ends_with(crate::INDEX_ENDING);
    }
    Ok(match kinds.iter().find(|(is, _)| *is) {
        Some((_, kind)) => *kind,
        None if safetensors => FileKind::SafetensorsFolder,
        None => FileKind::Folder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_tell() {
        let table: Vec<u8> = [&[7; 60][..], &TABLE_MAGIC].concat();
        let safetensors = [&20u64.to_le_bytes()[..], b"{\"a\":1}"].concat();
        let checkpoint = [&60u64.to_le_bytes()[..], br#"{"__metadata__":{"elman_checkpoint":"{}"}}"#].concat();
        for (bytes, kind) in [
            (&b""[..], FileKind::Empty),
            (b"\x89PNG\r\n\x1a\nmore", FileKind::Png),
            (b"\x89HDF\r\n\x1a\n", FileKind::Hdf5),
            (b"\x1f\x8b\x08", FileKind::Gzip),
            (b"\x93NUMPY\x01\0", FileKind::Npy),
            (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", FileKind::TorchLegacy),
            (b"\x80\x04\x95", FileKind::Pickle),
            (b"\x08\x08\x12\x07pytorch", FileKind::Onnx),
            (b"\x20\0\0\0TFL3", FileKind::Tflite),
            (b"\0\0\x08\x03\0\0\0\x01", FileKind::Idx),
            (b"PK\x03\x04rest", FileKind::Zip),
            (b"a,b\n1,2\n", FileKind::Text),
            ("\u{feff}größe".as_bytes(), FileKind::Text),
            (b" {\"a\": 1}", FileKind::Json),
            (b"{\"weight_map\": {}}", FileKind::SafetensorsIndex),
            (b"<!DOCTYPE html><html>", FileKind::Html),
            (b"model_checkpoint_path: \"a\"\n", FileKind::TensorflowList),
            (b"version https://git-lfs.github.com/spec/v1\noid", FileKind::LfsPointer),
            (b"\x00\x01\x02\x03", FileKind::Unknown),
            (&table, FileKind::TensorflowTable),
            (&safetensors, FileKind::Safetensors),
            (&checkpoint, FileKind::Checkpoint),
        ] {
            assert_eq!(sniff_bytes(bytes), kind, "{:?}", String::from_utf8_lossy(bytes));
        }
        // A letter of two bytes, cut at the end of what is looked at.
        let long = [&[b'a'; BEGINNING - 1][..], "ä".as_bytes()].concat();
        assert_eq!(sniff_bytes(&long), FileKind::Text);
    }

    #[test]
    fn folders_tell() {
        for (file, kind) in [
            ("saved_model.pb", FileKind::SavedModel),
            ("__0_0.distcp", FileKind::TorchDistributed),
            ("_METADATA", FileKind::Orbax),
            ("model.ckpt.index", FileKind::TensorflowFolder),
            ("model.safetensors.index.json", FileKind::SafetensorsFolder),
            ("config.toml", FileKind::RunFolder),
            ("readme.txt", FileKind::Folder),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(file), "x").unwrap();
            assert_eq!(sniff(folder.path()).unwrap(), kind, "{file}");
        }
    }
}
