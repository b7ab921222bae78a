//! LevelDB's table: sorted keys and values in blocks, as `leveldb/doc/table_format.md` has it.
//!
//! ```text
//! block    entries, u32 × restarts, u32: how many; then one byte, how it is packed, and a checksum of all before
//! entry    varint: bytes shared with the key before; varint: others; varint: of the value; the other bytes; the value
//! footer   place of the index of other things, place of the index of blocks, filled up to 40 bytes; magic
//! place    varint: offset; varint: size without the 5 bytes behind it
//! ```

use super::Fault;

pub(super) const MAGIC: u64 = 0xdb47_7524_8b80_fb57;

const FOOTER: usize = 48;

/// Behind each block: how it is packed, and its checksum.
const TRAILER: usize = 5;

/// More entries than a model has variables.
const ENTRIES_MAX: usize = 1 << 16;

/// The longest key in bytes.
const KEY_MAX: usize = 1024;

const CRC32C: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

/// The masked checksum of bytes that follow each other.
pub(super) fn masked_crc(parts: &[&[u8]]) -> u32 {
    let mut digest = CRC32C.digest();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A key and its value.
type Pair<'a> = (Vec<u8>, &'a [u8]);

/// All keys and values, sorted by key.
pub(super) fn entries(file: &[u8]) -> Result<Vec<Pair<'_>>, Fault> {
    let footer = file.len().checked_sub(FOOTER).ok_or(Fault::NoTable)?;
    if file[footer + 40..] != MAGIC.to_le_bytes() {
        return Err(Fault::NoTable);
    }
    let mut reader = Reader { bytes: file, at: footer, end: footer + 40 };
    reader.place()?;
    let (offset, size) = reader.place()?;
    let mut all = Vec::new();
    let mut free = 0_u64;
    for (_, place) in block(file, footer, offset, size, 0)? {
        let (offset, size) = Reader { bytes: place, at: 0, end: place.len() }.place()?;
        // A block that many entries of the index name would be summed up anew for each.
        if offset < free {
            return Err(Fault::Table { at: footer, expected: "blocks one behind the other, none of them twice" });
        }
        free = offset.saturating_add(size).saturating_add(TRAILER as u64);
        let more = block(file, footer, offset, size, all.len())?;
        if let (Some((last, _)), Some((first, _))) = (all.last(), more.first())
            && first <= last
        {
            return Err(Fault::Table { at: footer, expected: "blocks in the order of their keys" });
        }
        all.extend(more);
    }
    Ok(all)
}

/// The entries of a block, which come to `before` others.
fn block(file: &[u8], footer: usize, offset: u64, size: u64, before: usize) -> Result<Vec<Pair<'_>>, Fault> {
    let beyond = Fault::Table { at: footer, expected: "places of blocks that lie in the file" };
    let (Ok(start), Ok(size)) = (usize::try_from(offset), usize::try_from(size)) else { return Err(beyond) };
    let end = start.checked_add(size).filter(|end| end.checked_add(TRAILER).is_some_and(|end| end <= footer));
    let Some(end) = end else { return Err(beyond) };
    let (packing, sum) = (file[end], &file[end + 1..end + TRAILER]);
    if masked_crc(&[&file[start..=end]]).to_le_bytes() != sum {
        return Err(Fault::Checksum { what: "a block of its table" });
    }
    match packing {
        0 => {}
        1 => return Err(Fault::Packed { found: "snappy".into() }),
        other => return Err(Fault::Packed { found: format!("method {other}") }),
    }
    let wrong = |at| Fault::Table { at, expected: "a block that says where its entries end" };
    let counted = size.checked_sub(4).map(|at| start + at).ok_or_else(|| wrong(start))?;
    let mut number = [0; 4];
    number.copy_from_slice(&file[counted..counted + 4]);
    let restarts = u32::from_le_bytes(number) as usize;
    let end = restarts.checked_mul(4).and_then(|bytes| counted.checked_sub(bytes)).filter(|&end| end >= start);
    let end = end.ok_or_else(|| wrong(counted))?;

    let mut reader = Reader { bytes: file, at: start, end };
    let mut entries: Vec<Pair<'_>> = Vec::new();
    while reader.at < reader.end {
        let at = reader.at;
        let [shared, others, value] = [reader.length()?, reader.length()?, reader.length()?];
        let last = entries.last().map_or(&[][..], |(key, _)| key);
        let Some(beginning) = last.get(..shared) else {
            return Err(Fault::Table { at, expected: "a key that shares what the one before it has" });
        };
        if shared.saturating_add(others) > KEY_MAX {
            return Err(Fault::TooMany { max: KEY_MAX, what: "bytes in a name" });
        }
        let key = [beginning, reader.take(others)?].concat();
        if !entries.is_empty() && key.as_slice() <= last {
            return Err(Fault::Table { at, expected: "keys in their order, each once" });
        }
        if before + entries.len() == ENTRIES_MAX {
            return Err(Fault::TooMany { max: ENTRIES_MAX, what: "entries" });
        }
        entries.push((key, reader.take(value)?));
    }
    Ok(entries)
}

/// Bytes from a place up to an end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.end);
        let end = end.ok_or(Fault::Table { at: self.at, expected: "more bytes" })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// Seven bits a byte, the lowest first; the last has its highest bit clear.
    fn varint(&mut self) -> Result<u64, Fault> {
        let at = self.at;
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Fault::Table { at, expected: "a number of at most 10 bytes" })
    }

    fn length(&mut self) -> Result<usize, Fault> {
        let at = self.at;
        usize::try_from(self.varint()?).map_err(|_| Fault::Table { at, expected: "a length" })
    }

    fn place(&mut self) -> Result<(u64, u64), Fault> {
        Ok((self.varint()?, self.varint()?))
    }
}
