//! A checkpoint's file: safetensors, sealed with a checksum.
//!
//! Under one key of the metadata stands `{"crc32": …, "content": …}`. The content is JSON as text: where training stands.
//! The checksum is over that text, and then over each array in the order of the names: its name, its shape, its bytes. A
//! file with a bit of it changed is refused.

use std::path::Path;

use elman_formats as formats;
use serde::{Deserialize, Serialize};

use super::arrays::Arrays;
use super::{Checkpoint, Position};
use crate::Error;

/// The key in the file's metadata.
const METADATA_KEY: &str = "elman_checkpoint";

/// The version of this description.
const VERSION: u32 = 1;

/// No run has as many steps. What is below can be counted up without an overflow.
const COUNT_MAX: u64 = 1 << 60;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// Eight hexadecimal digits.
    crc32: String,
    content: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    position: Position,
    note: Option<serde_json::Value>,
}

impl Checkpoint<'_> {
    /// Writes it, whole or not at all, and returns when it is on the disk.
    ///
    /// # Errors
    /// If the file cannot be written. What was there before is then as it was.
    pub fn save(self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let json = |error: serde_json::Error| Error::Model { path: path.into(), why: error.to_string() };
        let content = Content { version: VERSION, position: self.position, note: self.note };
        let content = serde_json::to_string(&content).map_err(json)?;
        let shapes = self.arrays.shapes();
        let sealed = Sealed { crc32: checksum(&content, &self.arrays), content };
        let metadata = [(METADATA_KEY.into(), serde_json::to_string(&sealed).map_err(json)?)].into();
        Ok(formats::write_each(path, &metadata, &shapes, |name| self.arrays.floats(name))?)
    }

    /// Reads a file that [`Checkpoint::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, is no checkpoint, or is damaged.
    pub fn load(path: impl AsRef<Path>) -> Result<Checkpoint<'static>, Error> {
        let path = path.as_ref();
        Self::of_file(formats::read(path)?, path)
    }

    /// The same for a file in memory; errors call it `path`.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn load_bytes(bytes: &[u8], path: impl AsRef<Path>) -> Result<Checkpoint<'static>, Error> {
        let path = path.as_ref();
        Self::of_file(formats::read_bytes(bytes, path)?, path)
    }

    fn of_file(file: formats::File, path: &Path) -> Result<Checkpoint<'static>, Error> {
        let bad = |why: String| Error::Model { path: path.into(), why };
        let Some(sealed) = file.metadata.get(METADATA_KEY) else {
            return Err(bad(format!("no {METADATA_KEY:?} in its metadata; expected a checkpoint of training")));
        };
        let sealed: Sealed = serde_json::from_str(sealed).map_err(|error| bad(format!("its seal: {error}")))?;
        let arrays = Arrays::Owned(file.arrays);
        let found = checksum(&sealed.content, &arrays);
        if found != sealed.crc32 {
            return Err(bad(format!("it is damaged: its checksum is {found}; expected {}", sealed.crc32)));
        }
        let content: Content =
            serde_json::from_str(&sealed.content).map_err(|error| bad(format!("where it stands: {error}")))?;
        if content.version != VERSION {
            return Err(bad(format!("it has version {}; this program knows {VERSION}", content.version)));
        }
        let Content { position, note, .. } = content;
        position.check().map_err(bad)?;
        Ok(Checkpoint { note, arrays, position })
    }
}

impl Position {
    /// Refuses numbers that no run leaves.
    fn check(&self) -> Result<(), String> {
        let stopping = self.stopping.as_ref();
        let counts = [self.step, self.epoch, self.done, self.batch, self.reductions, self.waited];
        let counts = counts.into_iter().chain(stopping.map(|stopping| stopping.epochs));
        if let Some(count) = counts.into_iter().find(|&count| count > COUNT_MAX) {
            return Err(format!("it counts to {count}; expected at most {COUNT_MAX}"));
        }
        if let Some(stopping) = stopping
            && stopping.best.is_some_and(|(_, epoch)| epoch > stopping.epochs)
        {
            return Err(format!("its best epoch is behind the {} there were", stopping.epochs));
        }
        Ok(())
    }
}

/// Over the text, then over each array.
fn checksum(content: &str, arrays: &Arrays<'_>) -> String {
    let mut hasher = crc32fast::Hasher::new();
    let text = |hasher: &mut crc32fast::Hasher, text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    text(&mut hasher, content);
    for (name, shape) in arrays.shapes() {
        text(&mut hasher, &name);
        hasher.update(&(shape.len() as u64).to_le_bytes());
        shape.iter().for_each(|&axis| hasher.update(&(axis as u64).to_le_bytes()));
        for floats in arrays.floats(&name).chunks(BLOCK) {
            let mut bytes = [[0; size_of::<f32>()]; BLOCK];
            bytes.iter_mut().zip(floats).for_each(|(bytes, float)| *bytes = float.to_le_bytes());
            hasher.update(bytes[..floats.len()].as_flattened());
        }
    }
    format!("{:08x}", hasher.finalize())
}

/// Floats that are handed to the checksum at a time.
const BLOCK: usize = 1024;
