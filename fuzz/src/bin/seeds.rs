//! Writes the first inputs of every target into `corpus/`: small files that partners wrote, from the folders of tests; what
//! the pages of the book show; the beginnings of the embedded sets; and what is made for it.

use std::error::Error;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use elman_fuzz::made;

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

const SEEDS: [Seeds; 11] = [
    Seeds { target: "safetensors", folders: &["golden"], ending: ".safetensors", inner: &[] },
    Seeds { target: "npz", folders: &["crates/formats/tests/numpy"], ending: ".npz", inner: &[] },
    Seeds { target: "torch", folders: &["golden/files"], ending: ".pt", inner: &["data.pkl"] },
    Seeds { target: "torch", folders: &["golden/heads"], ending: ".pt", inner: &["data.pkl"] },
    Seeds { target: "tensorflow", folders: &["golden/checkpoints"], ending: ".index", inner: &[] },
    Seeds { target: "sniff", folders: &["golden/heads", "golden/files", "golden/checkpoints"], ending: "", inner: &[] },
    Seeds { target: "hdf5", folders: &["golden/files", "golden/models"], ending: ".h5", inner: &[] },
    Seeds { target: "keras", folders: &["golden/files", "golden/models"], ending: ".keras", inner: &[] },
    Seeds { target: "onnx", folders: &["golden/onnx"], ending: ".onnx", inner: &[] },
    Seeds { target: "series", folders: &["crates/datasets/data/series"], ending: "-yearly.csv", inner: &[] },
    Seeds { target: "image", folders: &["docs"], ending: ".png", inner: &[] },
];

/// A larger file only makes each try slower.
const BYTES_MAX: u64 = 32 << 10;

/// What is written into the corpus of one target.
type Made = fn(&Path) -> Result<(), Box<dyn Error>>;

const MADE: [(&str, Made); 12] = [
    ("arff", made::weka),
    ("tsf", made::monash),
    ("npy", made::npy),
    ("idx", made::idx),
    ("image", made::idx),
    ("arrays", made::arrays),
    ("model", made::models),
    ("checkpoint", made::checkpoints),
    ("config", made::configs),
    ("csv", made::tables),
    ("keras", made::keras),
    ("onnx", made::graphs),
];

/// Long texts, of which the beginning is enough: the target, the file, lines.
const BEGINNINGS: [(&str, &str, usize); 4] = [
    ("text", "crates/datasets/data/shakespeare/shakespeare.txt.gz", 40),
    ("text", "docs/tutorial.zh.md", 40),
    ("series", "crates/datasets/data/series/sunspots-monthly.csv", 40),
    ("ts", "crates/datasets/data/japanese_vowels/JapaneseVowels_TEST.ts.gz", 24),
];

fn main() -> Result<(), Box<dyn Error>> {
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
    let repository = fuzz.join("..");
    for (target, file, lines) in BEGINNINGS {
        let name = Path::new(file).file_name().unwrap_or_default();
        fs::write(corpus(target)?.join(name), beginning(&repository.join(file), lines)?)?;
    }
    for (number, (targets, block)) in blocks(&repository.join("docs"))?.into_iter().enumerate() {
        for target in targets {
            fs::write(corpus(target)?.join(format!("block-{number}")), &block)?;
        }
    }
    for (target, make) in MADE {
        make(&corpus(target)?)?;
        println!("{target}: {} files with those that are made", fs::read_dir(corpus(target)?)?.count());
    }
    Ok(())
}

/// The first lines of a text, gzipped or not.
fn beginning(path: &Path, lines: usize) -> io::Result<String> {
    let bytes = fs::read(path)?;
    let mut text = String::new();
    match elman_fuzz::is_gzip(&bytes) {
        true => flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text)?,
        false => (&*bytes).read_to_string(&mut text)?,
    };
    Ok(text.lines().take(lines).flat_map(|line| [line, "\n"]).collect())
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

/// The targets that a block of the book's pages is an input of, and the block.
type Block = (&'static [&'static str], String);

/// The tables and settings between the fences of the pages.
fn blocks(docs: &Path) -> io::Result<Vec<Block>> {
    let mut blocks = Vec::new();
    for path in files(docs, &["."], ".md")? {
        let page = fs::read_to_string(path)?;
        for part in page.split("\n```").skip(1).step_by(2) {
            let (info, body) = part.split_once('\n').unwrap_or_default();
            let targets: &[&str] = match info {
                "toml" => &["config"],
                _ if info.starts_with("csv,file=") && info.ends_with(".toml") => &["config"],
                _ if info.starts_with("csv") => &["csv", "series"],
                _ => continue,
            };
            blocks.push((targets, body.to_owned()));
        }
    }
    Ok(blocks)
}
