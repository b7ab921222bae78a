//! TensorFlow's checkpoints, as `tf.train.Saver`, `tf.train.Checkpoint` and `save_weights` of Keras 2 write them.
//!
//! ```text
//! <prefix>.index                 a table of names, sorted: each with a message that says type, shape and place
//! <prefix>.data-00000-of-00001   the variables' bytes, one behind the other
//! ```
//!
//! The table is LevelDB's: blocks with checksums, whose keys share their beginnings, and an index of the blocks. Every
//! checksum (CRC-32C, masked) is compared. Read are `float32`, `float64`, `int32`, `int64`, and `float16` and `bfloat16`,
//! which become `float32` exactly; texts and other types are passed over and named.

mod error;
mod messages;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use prost::Message;

use self::messages::{Entry, Header, Kind};
use crate::half::{Half, bf16_to_f32, f16_to_f32};
use crate::numpy::{Array, Values};

pub use error::{Error, Fault};

/// The largest index that is read, in bytes: that of a thousand variables takes a hundredth.
pub const INDEX_BYTES_MAX: u64 = 16 << 20;

/// The most files that variables are spread over.
pub const SHARDS_MAX: usize = 1 << 10;

/// The largest file of variables: 64 GiB.
const SHARD_BYTES_MAX: u64 = 1 << 36;

/// The ending of the table's file.
const INDEX: &str = ".index";

/// The last eight bytes of a table.
pub(crate) const TABLE_MAGIC: [u8; 8] = table::MAGIC.to_le_bytes();

/// What a checkpoint holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Variables by their names: `rnn/lstm_cell/kernel`, or `model/layer_with_weights-0/cell/kernel/.ATTRIBUTES/VARIABLE_VALUE`
    /// of an object's.
    pub variables: BTreeMap<String, Array>,
    /// Entries of types that are not read, with the type: texts, as the graph of objects.
    pub left_out: BTreeMap<String, String>,
    /// Variables that were widened, by name.
    pub halves: BTreeMap<String, Half>,
}

/// Reads a checkpoint: `path` is its table, one of its files of variables, or the prefix of both, as TensorFlow has it.
///
/// Memory is bounded by three times the size of the files.
///
/// # Errors
/// If a file cannot be read or is not whole, a checksum differs, or a variable is kept in slices.
pub fn read(path: &Path) -> Result<Checkpoint, Error> {
    let prefix = prefix(path);
    // A checkpoint of the first format is one file, which the table's error then explains.
    let index = with_ending(&prefix, INDEX);
    let index = if prefix == path && path.is_file() && !index.exists() { path.to_path_buf() } else { index };
    let error = |origin: &Path, fault| Error { verb: "read", origin: origin.display().to_string(), fault };
    let bytes = crate::read_file(&index, INDEX_BYTES_MAX).map_err(|cause| error(&index, Fault::Io(cause)))?;
    let shards = shards(&bytes).map_err(|fault| error(&index, fault))?;
    let mut data = Vec::new();
    for shard in 0..shards {
        let path = with_ending(&prefix, &format!(".data-{shard:05}-of-{shards:05}"));
        data.push(crate::read_file(&path, SHARD_BYTES_MAX).map_err(|cause| error(&path, Fault::Io(cause)))?);
    }
    read_bytes(&bytes, &data).map_err(|(name, fault)| match name {
        Some(name) => Error { verb: "read", origin: format!("the variable {name} of {}", index.display()), fault },
        None => error(&index, fault),
    })
}

/// The same for files in memory: the table, and those of variables in their order. An error comes with the variable's name.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(index: &[u8], data: &[Vec<u8>]) -> Result<Checkpoint, (Option<String>, Fault)> {
    let shards = shards(index).map_err(|fault| (None, fault))?;
    if shards != data.len() {
        return Err((None, Fault::Shards { expected: shards, found: data.len() }));
    }
    // Two entries may name the same bytes; all together they have no more than there are.
    let max: u64 = data.iter().map(|data| data.len() as u64).sum();
    let mut taken = 0_u64;
    let mut checkpoint = Checkpoint::default();
    for (key, value) in table::entries(index).map_err(|fault| (None, fault))? {
        if key.is_empty() {
            continue;
        }
        let name = String::from_utf8(key).map_err(|_| (None, Fault::Name))?;
        let named = |fault| (Some(name.clone()), fault);
        let entry = Entry::decode(value).map_err(|error| named(Fault::Message { cause: error.to_string() }))?;
        let Some(kind) = Kind::of(entry.dtype) else {
            checkpoint.left_out.insert(name, messages::type_name(entry.dtype));
            continue;
        };
        let (shape, bytes) = place(&entry, kind, data).map_err(named)?;
        taken += bytes.len() as u64;
        if taken > max {
            return Err(named(Fault::Overlap { max }));
        }
        if table::masked_crc(&[bytes]) != entry.crc32c {
            return Err(named(Fault::Checksum { what: "its bytes" }));
        }
        let half = match kind {
            Kind::F16 => Some(Half::F16),
            Kind::Bf16 => Some(Half::Bf16),
            _ => None,
        };
        checkpoint.halves.extend(half.map(|half| (name.clone(), half)));
        let values = values(kind, bytes);
        checkpoint.variables.insert(name, Array { shape, values });
    }
    Ok(checkpoint)
}

/// How many files of variables there are, by the table's first entry.
fn shards(index: &[u8]) -> Result<usize, Fault> {
    let entries = table::entries(index)?;
    let Some((_, value)) = entries.first().filter(|(key, _)| key.is_empty()) else { return Err(Fault::Header) };
    let header = Header::decode(*value).map_err(|_| Fault::Header)?;
    if header.endianness != 0 {
        return Err(Fault::BigEndian);
    }
    match usize::try_from(header.num_shards) {
        Ok(shards @ 1..=SHARDS_MAX) => Ok(shards),
        _ => Err(Fault::ShardCount { found: header.num_shards, max: SHARDS_MAX }),
    }
}

/// The shape of a variable and its bytes, checked against each other.
fn place<'a>(entry: &Entry, kind: Kind, data: &'a [Vec<u8>]) -> Result<(Vec<usize>, &'a [u8]), Fault> {
    if !entry.slices.is_empty() {
        return Err(Fault::Sliced);
    }
    let dims = entry.shape.clone().unwrap_or_default();
    let shape: Option<Vec<usize>> = dims.dim.iter().map(|dim| usize::try_from(dim.size).ok()).collect();
    let wrong = || Fault::Place { size: entry.size, offset: entry.offset, shard: entry.shard_id };
    let shape = shape.filter(|_| !dims.unknown_rank).ok_or_else(wrong)?;
    let size = shape.iter().try_fold(kind.size(), |product, &length| product.checked_mul(length));
    let (Some(size), Ok(offset), Ok(shard)) = (size, usize::try_from(entry.offset), usize::try_from(entry.shard_id))
    else {
        return Err(wrong());
    };
    if usize::try_from(entry.size) != Ok(size) {
        return Err(Fault::Size { shape, found: entry.size });
    }
    let bytes = data.get(shard).and_then(|data| data.get(offset..offset.checked_add(size)?)).ok_or_else(wrong)?;
    Ok((shape, bytes))
}

fn values(kind: Kind, bytes: &[u8]) -> Values {
    let halves = |widen: fn(u16) -> f32| {
        Values::F32(bytes.as_chunks::<2>().0.iter().map(|&half| widen(u16::from_le_bytes(half))).collect())
    };
    let (fours, eights) = (bytes.as_chunks::<4>().0, bytes.as_chunks::<8>().0);
    match kind {
        Kind::F16 => halves(f16_to_f32),
        Kind::Bf16 => halves(bf16_to_f32),
        Kind::F32 => Values::F32(fours.iter().map(|&x| f32::from_le_bytes(x)).collect()),
        Kind::I32 => Values::I32(fours.iter().map(|&x| i32::from_le_bytes(x)).collect()),
        Kind::F64 => Values::F64(eights.iter().map(|&x| f64::from_le_bytes(x)).collect()),
        Kind::I64 => Values::I64(eights.iter().map(|&x| i64::from_le_bytes(x)).collect()),
    }
}

/// The prefix of a checkpoint's files: `model.ckpt-7` of `model.ckpt-7.index` and of `model.ckpt-7.data-00000-of-00001`.
fn prefix(path: &Path) -> PathBuf {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return path.into() };
    let shard = || {
        let (prefix, numbers) = name.rsplit_once(".data-")?;
        let (number, of) = numbers.split_once("-of-")?;
        let is_number = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
        (is_number(number) && is_number(of)).then_some(prefix)
    };
    match name.strip_suffix(INDEX).or_else(shard) {
        Some(prefix) => path.with_file_name(prefix),
        None => path.into(),
    }
}

/// Whether a path names a checkpoint: its table or its variables by their endings, or the prefix of a table that is there.
pub fn is_checkpoint(path: &Path) -> bool {
    prefix(path) != path || (!path.exists() && with_ending(path, INDEX).is_file())
}

fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_checkpoint_leads_to_its_prefix() {
        for (path, expected) in [
            ("a/model.ckpt-7.index", "a/model.ckpt-7"),
            ("a/model.ckpt-7.data-00000-of-00001", "a/model.ckpt-7"),
            ("a/model.ckpt-7", "a/model.ckpt-7"),
            ("a/x.data-1-of-2", "a/x.data-1-of-2"),
            ("", ""),
        ] {
            assert_eq!(prefix(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
