//! What the data of a run was, so that a run goes on with the same.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::shown::amounts::thousands;

/// Length and checksum of data as it was read: of its values, however they were packed in files.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Fingerprint {
    bytes: u64,
    crc32: u32,
}

impl Fingerprint {
    /// And these bytes.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.crc32);
        hasher.update(bytes);
        Fingerprint { bytes: self.bytes + bytes.len() as u64, crc32: hasher.finalize() }
    }

    /// And these numbers.
    pub(crate) fn floats(self, floats: &[f32]) -> Self {
        floats.chunks(1024).fold(self, |all, part| {
            let bytes: Vec<u8> = part.iter().flat_map(|float| float.to_le_bytes()).collect();
            all.bytes(&bytes)
        })
    }

    /// And these counts or places.
    pub(crate) fn counts<'c>(self, counts: impl IntoIterator<Item = &'c usize>) -> Self {
        let bytes: Vec<u8> = counts.into_iter().flat_map(|&count| (count as u64).to_le_bytes()).collect();
        self.bytes(&bytes)
    }

    /// And these names: an end after each, so that two do not run together.
    pub(crate) fn names<'n>(self, names: impl IntoIterator<Item = &'n String>) -> Self {
        names.into_iter().fold(self, |all, name| all.bytes(name.as_bytes()).bytes(&[0]))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes with the checksum {:08x}", thousands(self.bytes), self.crc32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole_and_a_change_shows() {
        let whole = Fingerprint::default().bytes(b"some data");
        assert_eq!(Fingerprint::default().bytes(b"some ").bytes(b"data"), whole);
        assert_ne!(Fingerprint::default().bytes(b"some date"), whole);
        let floats = [1.0, f32::NAN, -0.0].repeat(1000);
        let bytes: Vec<u8> = floats.iter().flat_map(|float: &f32| float.to_le_bytes()).collect();
        assert_eq!(Fingerprint::default().floats(&floats), Fingerprint::default().bytes(&bytes));
        assert_ne!(Fingerprint::default().floats(&[0.0]), Fingerprint::default().floats(&[-0.0]));
        let names = |names: [&str; 2]| Fingerprint::default().names(&names.map(str::to_owned));
        assert_ne!(names(["ab", "c"]), names(["a", "bc"]));
        // The check value of this checksum, by which implementations are compared.
        let check = Fingerprint::default().bytes(b"123456789");
        assert_eq!(check.to_string(), "9 bytes with the checksum cbf43926");
    }
}
