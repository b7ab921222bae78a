//! TensorBoard's event files, scalars only.
//!
//! A file is a sequence of records. A record is a protobuf message `Event` in TFRecord's frame:
//!
//! ```text
//! length       u64, little-endian: the bytes of the message
//! its check    u32, little-endian: masked CRC-32C of the eight bytes above
//! message      an Event
//! its check    u32, little-endian: masked CRC-32C of the message
//! ```
//!
//! The messages are encoded by hand. There are two kinds of them, with seven fields in all; a protobuf library would
//! bring a code generator, a copy of TensorFlow's `.proto` files, and more source than is here. The fields, from
//! TensorFlow's `event.proto` and `summary.proto`:
//!
//! ```text
//! Event     wall_time = 1 (double)    step = 2 (int64)    file_version = 3 (string)    summary = 5 (Summary)
//! Summary   value = 1 (repeated Value)
//! Value     tag = 1 (string)    simple_value = 2 (float)
//! ```

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// What the name of a file begins with.
pub(crate) const NAME: &str = "events.out.tfevents.";

/// The first event of a file says this; readers of today expect version 2.
const FILE_VERSION: &str = "brain.Event:2";

/// What went wrong, when it did.
const FAILED: &str = "cannot write the TensorBoard events";

/// Castagnoli's polynomial, the one of TFRecord.
const CRC32C: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

/// Writes one event file. What is buffered reaches the file at [`flush`](Self::flush), and when the writer is dropped.
pub(crate) struct EventWriter {
    name: String,
    sink: BufWriter<File>,
}

/// How far a file of events goes.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Written {
    /// Its name.
    name: String,
    /// Its bytes.
    bytes: u64,
}

impl EventWriter {
    /// Starts a new file in `dir`: `events.out.tfevents.<unix seconds>.<host>.<process>`.
    ///
    /// TensorBoard reads the files of a folder in the order of their names, as one. No file is ever
    /// written over: if the name is taken, it takes the next second's.
    pub(crate) fn create(dir: &Path) -> anyhow::Result<Self> {
        let mut seconds = now().as_secs();
        let (name, file) = loop {
            let name = format!("{NAME}{seconds:010}.{}.{}", host(), std::process::id());
            let path = dir.join(&name);
            match File::create_new(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => seconds += 1,
                result => break (name, result.with_context(|| format!("cannot create {}", path.display()))?),
            }
        };
        let mut writer = Self { name, sink: BufWriter::new(file) };
        let mut first = event();
        put_bytes(&mut first, 3, FILE_VERSION.as_bytes());
        writer.record(&first)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Goes on in the file of `dir` behind what was written then; what is behind that, there and in other files of events, is
    /// removed, so that no step is there twice. None: from the beginning.
    pub(crate) fn resume(dir: &Path, written: Option<&Written>) -> anyhow::Result<Self> {
        let failed = || format!("cannot go on with the TensorBoard events in {}", dir.display());
        for entry in std::fs::read_dir(dir).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let is = |name: &str| name.starts_with(NAME) && written.is_none_or(|of| of.name != name);
            if entry.file_name().to_str().is_some_and(is) {
                std::fs::remove_file(entry.path()).with_context(failed)?;
            }
        }
        // The name is one of those above, and no path that leads elsewhere.
        let Some(Written { name, bytes }) =
            written.filter(|of| of.name.starts_with(NAME) && !of.name.contains(['/', '\\']))
        else {
            return Self::create(dir);
        };
        let path = dir.join(name);
        if std::fs::metadata(&path).map_or(0, |found| found.len()) < *bytes {
            // Somebody removed it: the curves begin here.
            return Self::create(dir);
        }
        let file = File::options().append(true).open(&path).and_then(|file| file.set_len(*bytes).map(|()| file));
        Ok(Self { name: name.clone(), sink: BufWriter::new(file.with_context(failed)?) })
    }

    /// Returns when everything is on the disk: how far the file goes.
    pub(crate) fn sync(&mut self) -> anyhow::Result<Written> {
        self.flush()?;
        let file = self.sink.get_ref();
        let bytes = file.sync_data().and_then(|()| file.metadata()).context(FAILED)?.len();
        Ok(Written { name: self.name.clone(), bytes })
    }

    /// Adds a point to the curve `tag`. A `/` in the tag groups curves: `train/loss`, `train/accuracy`.
    pub(crate) fn scalar(&mut self, step: u64, tag: &str, value: f32) -> anyhow::Result<()> {
        let mut point = Vec::new();
        put_bytes(&mut point, 1, tag.as_bytes());
        put_f32(&mut point, 2, value);
        let mut summary = Vec::new();
        put_bytes(&mut summary, 1, &point);
        let mut event = event();
        put_u64(&mut event, 2, step);
        put_bytes(&mut event, 5, &summary);
        self.record(&event)
    }

    /// Hands everything to the system, so that a TensorBoard that is watching sees it.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        self.sink.flush().context(FAILED)
    }

    /// One message in its frame.
    fn record(&mut self, message: &[u8]) -> anyhow::Result<()> {
        let length = (message.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(message.len() + 16);
        record.extend(length);
        record.extend(masked_crc(&length).to_le_bytes());
        record.extend(message);
        record.extend(masked_crc(message).to_le_bytes());
        self.sink.write_all(&record).context(FAILED)
    }
}

/// An event of this moment, to be continued.
fn event() -> Vec<u8> {
    let mut event = Vec::new();
    put_f64(&mut event, 1, now().as_secs_f64());
    event
}

/// Time since 1970. A clock set before that is taken for 1970: the curves by step do not need it.
fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The machine's name as far as the system tells without a call into C, else `elman`. It only keeps apart the files of
/// two machines that write into one folder.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("COMPUTERNAME").ok()).unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    if name.is_empty() { "elman".to_owned() } else { name }
}

/// TFRecord stores its checksums turned and shifted, lest a record that holds records check itself.
fn masked_crc(bytes: &[u8]) -> u32 {
    CRC32C.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// How the value of a protobuf field is stored: the low three bits of its key.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// What stands before a value. All fields here are numbered below 16, so it is one byte.
fn put_key(to: &mut Vec<u8>, field: u8, wire: Wire) {
    to.push((field << 3) | wire as u8);
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn put_length(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn put_u64(to: &mut Vec<u8>, field: u8, value: u64) {
    put_key(to, field, Wire::Varint);
    put_length(to, value);
}

fn put_f64(to: &mut Vec<u8>, field: u8, value: f64) {
    put_key(to, field, Wire::Fixed64);
    to.extend(value.to_le_bytes());
}

fn put_f32(to: &mut Vec<u8>, field: u8, value: f32) {
    put_key(to, field, Wire::Fixed32);
    to.extend(value.to_le_bytes());
}

fn put_bytes(to: &mut Vec<u8>, field: u8, value: &[u8]) {
    put_key(to, field, Wire::Bytes);
    put_length(to, value.len() as u64);
    to.extend(value);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    /// A field's value as it is stored.
    #[derive(Clone, Debug, PartialEq)]
    enum Value {
        Varint(u64),
        Fixed(Vec<u8>),
        Bytes(Vec<u8>),
    }

    /// Takes `count` bytes off the front.
    fn take<'a>(from: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (taken, rest) = from.split_at(count);
        *from = rest;
        taken
    }

    fn varint(from: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = take(from, 1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    /// A message's fields by number. Each occurs once in what is written here.
    fn fields(mut message: &[u8]) -> BTreeMap<u64, Value> {
        let mut fields = BTreeMap::new();
        while !message.is_empty() {
            let key = varint(&mut message);
            let value = match key & 7 {
                0 => Value::Varint(varint(&mut message)),
                1 => Value::Fixed(take(&mut message, 8).to_vec()),
                5 => Value::Fixed(take(&mut message, 4).to_vec()),
                2 => {
                    let length = varint(&mut message) as usize;
                    Value::Bytes(take(&mut message, length).to_vec())
                }
                other => panic!("wire type {other}"),
            };
            assert_eq!(fields.insert(key >> 3, value), None, "field {} twice", key >> 3);
        }
        fields
    }

    /// The fields of each event, after both of its checks.
    fn events(mut file: &[u8]) -> Vec<BTreeMap<u64, Value>> {
        let mut events = Vec::new();
        while !file.is_empty() {
            let length = take(&mut file, 8);
            assert_eq!(take(&mut file, 4), masked_crc(length).to_le_bytes());
            let message = take(&mut file, u64::from_le_bytes(length.try_into().unwrap()) as usize);
            assert_eq!(take(&mut file, 4), masked_crc(message).to_le_bytes());
            events.push(fields(message));
        }
        events
    }

    fn files(dir: &Path) -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    #[test]
    fn checksums_are_those_of_other_programs() {
        // RFC 3720, B.4: 32 bytes of zeros, of ones, and rising.
        assert_eq!(CRC32C.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CRC32C.checksum(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(CRC32C.checksum(&std::array::from_fn::<u8, 32, _>(|i| i as u8)), 0x46dd_794e);
        // As TensorBoard itself computes them: the first record that TensorFlow writes has 24 bytes.
        assert_eq!(masked_crc(&24u64.to_le_bytes()), 0x224b_7fa3);
        assert_eq!(masked_crc(FILE_VERSION.as_bytes()), 0x7c06_01ee);
    }

    #[test]
    fn a_file_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path()).unwrap();
        let points = [(0, "loss", 2.3), (300, "loss", f32::NAN), (u64::from(u32::MAX) + 1, "ä/b", -0.0)];
        for (step, tag, value) in points {
            writer.scalar(step, tag, value).unwrap();
        }
        writer.flush().unwrap();

        let [path] = &files(dir.path())[..] else { panic!("not one file") };
        let name = path.file_name().unwrap().to_str().unwrap();
        let parts: Vec<_> = name.split('.').collect();
        assert_eq!(parts[..3], ["events", "out", "tfevents"]);
        assert!(parts.len() == 6 && parts[3].parse::<u64>().is_ok() && parts[5].parse::<u32>().is_ok(), "{name}");

        let mut events = events(&std::fs::read(path).unwrap());
        for event in &mut events {
            let Some(Value::Fixed(time)) = event.remove(&1) else { panic!("no wall time") };
            let age = now().as_secs_f64() - f64::from_le_bytes(time.try_into().unwrap());
            assert!((0.0..600.0).contains(&age), "{age}");
        }
        assert_eq!(events[0], BTreeMap::from([(3, Value::Bytes(b"brain.Event:2".to_vec()))]));
        assert_eq!(events.len(), 1 + points.len());
        for (event, (step, tag, value)) in events[1..].iter().zip(points) {
            assert_eq!(event[&2], Value::Varint(step));
            let Value::Bytes(summary) = &event[&5] else { panic!("no summary") };
            let Value::Bytes(point) = &fields(summary)[&1] else { panic!("no value") };
            let expected = [(1, Value::Bytes(tag.into())), (2, Value::Fixed(value.to_le_bytes().to_vec()))];
            assert_eq!(fields(point), BTreeMap::from(expected));
        }
    }

    #[test]
    fn a_file_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let steps = || -> Vec<Value> {
            let all = files(dir.path()).into_iter().flat_map(|path| events(&std::fs::read(path).unwrap()));
            all.filter_map(|mut event| event.remove(&2)).collect()
        };
        let mut writer = EventWriter::create(dir.path()).unwrap();
        writer.scalar(1, "loss", 1.0).unwrap();
        let written = writer.sync().unwrap();
        writer.scalar(2, "loss", 1.0).unwrap();
        drop(writer);
        // As a process does that went on from an older checkpoint.
        EventWriter::create(dir.path()).unwrap().scalar(2, "loss", 1.0).unwrap();

        let mut writer = EventWriter::resume(dir.path(), Some(&written)).unwrap();
        assert_eq!(steps(), [Value::Varint(1)]);
        writer.scalar(2, "loss", 1.0).unwrap();
        writer.flush().unwrap();
        assert_eq!((steps(), files(dir.path()).len()), (vec![Value::Varint(1), Value::Varint(2)], 1));
        EventWriter::resume(dir.path(), None).unwrap();
        assert_eq!((steps(), files(dir.path()).len()), (vec![], 1));
        // Its file is gone; and a name that leads out of the folder.
        EventWriter::resume(dir.path(), Some(&written)).unwrap();
        let other = Written { name: "events.out.tfevents.1/../../x".into(), bytes: 0 };
        EventWriter::resume(dir.path(), Some(&other)).unwrap();
        assert_eq!(files(dir.path()).len(), 1);
    }

    #[test]
    fn two_writers_never_share_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let writers = [(); 3].map(|()| EventWriter::create(dir.path()).unwrap());
        assert_eq!(files(dir.path()).len(), writers.len());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let Err(error) = EventWriter::create(Path::new("no/such/folder")) else { panic!("created") };
        assert!(format!("{error:#}").starts_with("cannot create no/such/folder/events.out.tfevents."), "{error:#}");
    }
}
