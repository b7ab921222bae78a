//! Writes the first inputs of every target into `corpus/`: small files that partners wrote, from the folders of tests.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A target, the folders below the repository that hold files for it, and the files' endings.
const SEEDS: [(&str, &[&str], &[&str]); 3] = [
    ("safetensors", &["golden"], &["safetensors"]),
    ("npy", &[], &[]),
    ("npz", &["crates/formats/tests/numpy"], &["npz"]),
];

/// A larger file only makes each try slower.
const BYTES_MAX: u64 = 32 << 10;

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (target, folders, endings) in SEEDS {
        let corpus = fuzz.join("corpus").join(target);
        fs::create_dir_all(&corpus)?;
        let mut count = 0;
        for folder in folders {
            for path in files(&fuzz.join("..").join(folder), endings)? {
                fs::copy(&path, corpus.join(path.file_name().unwrap_or_default()))?;
                count += 1;
            }
        }
        if target == "npy" {
            count += arrays(&corpus)?;
        }
        println!("{target}: {count} files");
    }
    Ok(())
}

fn files(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ends = endings.iter().any(|ending| name.ends_with(&format!(".{ending}")));
        if ends && entry.metadata()?.len() <= BYTES_MAX {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// One array of each type, for the target that reads arrays alone.
fn arrays(corpus: &Path) -> io::Result<usize> {
    use elman_formats::numpy::{Array, Values, write_npy};

    let values = [
        Values::F32(vec![0.5, -1.0, f32::NAN, 3.0]),
        Values::F64(vec![0.5, -1.0, f64::NAN, 3.0]),
        Values::I32(vec![0, -1, 2, 3]),
        Values::I64(vec![0, -1, 2, 3]),
        Values::U8(vec![0, 1, 2, 3]),
        Values::Text(vec!["a".into(), "wörd".into(), String::new(), "語".into()]),
    ];
    for values in &values {
        let array = Array { shape: vec![2, 2], values: values.clone() };
        write_npy(&corpus.join(values.type_name()), &array).map_err(io::Error::other)?;
    }
    Ok(values.len())
}
