//! The bytes of a file, with an end to how often they are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hdf5_pure::{FormatError, Source};

/// A whole file is read a few times: groups for their members, members for their kind, and then all of them.
const READS_MAX: u64 = 64;

/// Small files too are read in small pieces, over and over.
const SPARE: u64 = 16 << 20;

/// However few bytes are asked for, a read is as much work as of so many.
const READ_COST: u64 = 64;

/// How much has been read, and how much may be.
pub(super) struct Budget {
    used: AtomicU64,
    pub(super) max: u64,
}

impl Budget {
    /// True once more was asked for than there is. Some errors of reading come back as if nothing were there: ask this.
    pub(super) fn spent(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.max
    }
}

/// A file in memory.
pub(super) struct Counted {
    bytes: Vec<u8>,
    budget: Arc<Budget>,
}

impl Counted {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let max = (bytes.len() as u64).saturating_mul(READS_MAX).saturating_add(SPARE);
        Self { bytes, budget: Arc::new(Budget { used: AtomicU64::new(0), max }) }
    }

    pub(super) fn budget(&self) -> Arc<Budget> {
        self.budget.clone()
    }
}

impl Source for Counted {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), FormatError> {
        self.budget.used.fetch_add((buffer.len() as u64).max(READ_COST), Ordering::Relaxed);
        if self.budget.spent() {
            return Err(FormatError::Source("more was read than a file of its size takes".to_owned()));
        }
        let rest = usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..)).unwrap_or_default();
        let Some(found) = rest.get(..buffer.len()) else {
            let expected = usize::try_from(offset).unwrap_or(usize::MAX).saturating_add(buffer.len());
            return Err(FormatError::UnexpectedEof { expected, available: self.bytes.len() });
        };
        buffer.copy_from_slice(found);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ends() {
        let source = Counted::new(vec![7; 1 << 20]);
        let mut buffer = vec![0; 1 << 20];
        let wholes = READS_MAX + SPARE / (1 << 20);
        for _ in 0..wholes {
            source.read_at(0, &mut buffer).unwrap();
        }
        assert!(!source.budget().spent());
        // However little is asked for, it counts.
        assert!(source.read_at(0, &mut []).is_err() && source.budget().spent());
    }

    #[test]
    fn nothing_is_read_behind_the_end() {
        let source = Counted::new(vec![7; 10]);
        let mut buffer = [0; 4];
        source.read_at(6, &mut buffer).unwrap();
        assert_eq!(buffer, [7; 4]);
        assert!(source.read_at(7, &mut buffer).is_err() && source.read_at(u64::MAX, &mut buffer).is_err());
    }
}
