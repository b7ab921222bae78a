//! Writes the first inputs of every target into `corpus/`: small files that partners wrote, from the folders of tests.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files of one target.
struct Seeds {
    target: &'static str,
    /// Below the repository.
    folders: &'static [&'static str],
    /// Of the files' names.
    ending: &'static str,
    /// The files inside an archive that are inputs too.
    inner: &'static [&'static str],
}

const SEEDS: [Seeds; 6] = [
    Seeds { target: "safetensors", folders: &["golden"], ending: ".safetensors", inner: &[] },
    Seeds { target: "npz", folders: &["crates/formats/tests/numpy"], ending: ".npz", inner: &[] },
    Seeds { target: "torch", folders: &["golden/files"], ending: ".pt", inner: &["data.pkl"] },
    Seeds { target: "hdf5", folders: &["golden/files"], ending: ".h5", inner: &[] },
    Seeds { target: "keras", folders: &["golden/files"], ending: ".keras", inner: &["config.json"] },
    Seeds { target: "onnx", folders: &["golden/onnx"], ending: ".onnx", inner: &[] },
];

/// A larger file only makes each try slower.
const BYTES_MAX: u64 = 32 << 10;

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = |target| {
        let corpus = fuzz.join("corpus").join(target);
        fs::create_dir_all(&corpus).map(|()| corpus)
    };
    for Seeds { target, folders, ending, inner } in SEEDS {
        let corpus = corpus(target)?;
        let mut count = 0;
        for path in files(&fuzz.join(".."), folders, ending)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let bytes = fs::read(&path)?;
            fs::write(corpus.join(&*name), &bytes)?;
            count += 1;
            for file in inner {
                if let Ok(Some(bytes)) = elman_fuzz::unzip(&bytes, file) {
                    fs::write(corpus.join(format!("{name}.{file}")), bytes)?;
                    count += 1;
                }
            }
        }
        println!("{target}: {count} files");
    }
    println!("npy: {} files", arrays(&corpus("npy")?)?);
    Ok(())
}

fn files(repository: &Path, folders: &[&str], ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(repository.join(folder))? {
            let entry = entry?;
            let ends = entry.file_name().to_string_lossy().ends_with(ending);
            if ends && entry.metadata()?.len() <= BYTES_MAX {
                files.push(entry.path());
            }
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
