//! Samples: made, shown and written.

use std::path::Path;

use anyhow::Context;
use elman::Error;
use elman::formats::write_atomic;
use elman::text::{Sampler, Sampling, Utf8, Vocabulary};
use serde_json::{Value, json};

/// So many units of every sample, as bytes.
pub(crate) fn sampled(
    sampler: &mut Sampler,
    vocabulary: &Vocabulary,
    sampling: Sampling,
    length: usize,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut bytes: Vec<Vec<u8>> = vec![Vec::new(); sampler.samples()];
    for _ in 0..length {
        let tokens = sampler.next(sampling)?;
        bytes.iter_mut().zip(tokens).for_each(|(bytes, &token)| vocabulary.push(token, bytes));
    }
    Ok(bytes)
}

/// A sample as text, and as an object of `--json`: of bytes, `bytes` are they, and `text` shows those that are no text as
/// `\xff`.
pub(crate) fn shown(vocabulary: &Vocabulary, seed: u64, sample: Vec<u8>) -> (String, Value) {
    match vocabulary {
        Vocabulary::Characters(_) => {
            let text = String::from_utf8_lossy(&sample).into_owned();
            let object = json!({"event": "sample", "seed": seed, "text": text});
            (text, object)
        }
        Vocabulary::Bytes => {
            let text = Utf8::escaped(&sample);
            let object = json!({"event": "sample", "seed": seed, "text": text, "bytes": sample});
            (text, object)
        }
    }
}

/// A sample as a file: bytes as they are, or a text that ends with a line end.
pub(crate) fn write(path: &Path, vocabulary: &Vocabulary, sample: &[u8]) -> anyhow::Result<()> {
    let end: &[u8] = if *vocabulary == Vocabulary::Bytes { b"" } else { b"\n" };
    write_atomic(path, &[sample, end].concat()).with_context(|| format!("cannot write {}", path.display()))
}
