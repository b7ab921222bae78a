//! Letters of farewell: a rank that ends tells rank 0, and rank 0 all others. Whoever waits for something else looks for
//! them, so the failure of one ends all, in words.

use std::sync::PoisonError;

use elman::Error;
use elman_mpi::Pending;

use super::{Ranks, call, tag, wrong};

/// Bytes of a letter: whether all is well, an exit code, the length of a text, the text.
const LETTER: usize = 4096;
const HEAD: usize = 4;

/// How a rank ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// Its exit code.
    pub(super) code: u8,
    /// What is wrong; None where all is well.
    pub(super) wrong: Option<String>,
    /// Whether it leaves something behind that was sent or awaited.
    pub(super) open: bool,
}

impl Letter {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut text = self.wrong.clone().unwrap_or_default();
        while text.len() > LETTER - HEAD {
            text.pop();
        }
        let length = (text.len() as u16).to_le_bytes();
        let mut bytes =
            vec![u8::from(self.wrong.is_some()) | u8::from(self.open) << 1, self.code, length[0], length[1]];
        bytes.extend(text.as_bytes());
        bytes.resize(LETTER, 0);
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        let length = usize::from(u16::from_le_bytes([bytes[2], bytes[3]])).min(LETTER - HEAD);
        let text = String::from_utf8_lossy(&bytes[HEAD..HEAD + length]).into_owned();
        Letter { code: bytes[1], wrong: (bytes[0] & 1 != 0).then_some(text), open: bytes[0] & 2 != 0 }
    }
}

/// Letters that are expected, and those that have come.
#[derive(Default)]
pub(super) struct Mail {
    expected: Vec<(usize, Pending<u8>)>,
    come: Vec<(usize, Letter)>,
}

impl Ranks {
    /// Expects the letters: rank 0 one of each other, the others one of rank 0.
    pub(super) fn expect_mail(&self) -> Result<(), Error> {
        let from = if self.rank() == 0 { 1..self.ranks() } else { 0..1 };
        let mut mail = self.mail.lock().unwrap_or_else(PoisonError::into_inner);
        for rank in from {
            mail.expected.push((rank, self.world.receive(vec![0; LETTER], rank, tag::FAREWELL).map_err(call)?));
        }
        Ok(())
    }

    /// What has come so far.
    pub(super) fn letters(&self) -> Result<Vec<(usize, Letter)>, Error> {
        let mut mail = self.mail.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = Vec::new();
        for (rank, mut pending) in std::mem::take(&mut mail.expected) {
            if pending.is_done().map_err(call)? {
                let letter = Letter::of_bytes(&pending.take().unwrap_or_else(|| vec![0; LETTER]));
                mail.come.push((rank, letter));
            } else {
                left.push((rank, pending));
            }
        }
        mail.expected = left;
        Ok(mail.come.clone())
    }

    /// Whether somebody has ended while this rank waits for something.
    ///
    /// # Errors
    /// If so.
    pub(super) fn look_for_mail(&self) -> Result<(), Error> {
        match self.letters()?.into_iter().next() {
            None => Ok(()),
            Some((rank, Letter { wrong: Some(why), .. })) => {
                Err(wrong(if rank == 0 { why } else { format!("{}: {why}", self.named(rank)) }))
            }
            Some((rank, _)) => Err(wrong(format!("{} has ended before this one", self.named(rank)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_as_they_were_sent() {
        for letter in [
            Letter { code: 0, wrong: None, open: false },
            Letter { code: 0, wrong: None, open: true },
            Letter { code: 2, wrong: Some("the data of a\u{fc} has changed".into()), open: true },
        ] {
            let bytes = letter.to_bytes();
            assert_eq!(bytes.len(), LETTER);
            assert_eq!(Letter::of_bytes(&bytes), letter);
        }
        let long = Letter { code: 1, wrong: Some("ü".repeat(3000)), open: false };
        let come = Letter::of_bytes(&long.to_bytes());
        assert_eq!(come.wrong, Some("ü".repeat((LETTER - HEAD) / 2)));
    }
}
