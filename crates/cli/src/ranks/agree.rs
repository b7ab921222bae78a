//! That all ranks do the same: the same program on the same data with the same settings.

use std::fs;

use anyhow::Context;
use elman::Error;

use super::{Ranks, call, here, tag, wrong};

/// Most bytes that a rank says at once.
const MOST: u64 = 1 << 40;

/// What all ranks must have alike.
pub(crate) struct Side<'a> {
    /// As `data`.
    pub(crate) what: &'a str,
    /// What this rank has of it.
    pub(crate) own: String,
}

/// Refuses ranks that differ in what they are about to do, and names both.
///
/// # Errors
/// If one does, or one does not answer.
pub(crate) fn agree(sides: &[Side<'_>]) -> Result<(), Error> {
    here().map_or(Ok(()), |ranks| sides.iter().try_for_each(|side| ranks.agree(side)))
}

impl Ranks {
    /// Joins: who is where, and whether all run the same program.
    pub(super) fn meet(&self) -> anyhow::Result<()> {
        let hosts = self.gather(self.world.host().as_bytes())?;
        let hosts = hosts.into_iter().map(|host| String::from_utf8_lossy(&host).into_owned()).collect();
        self.hosts.get_or_init(|| hosts);
        let isa = elman::isa_from_environment()?;
        // Sets that fuse a multiplication with its addition give the same bits.
        let arithmetic = if isa.fuses() { "fused multiplications and additions".into() } else { format!("{isa}") };
        self.agree(&Side { what: "elman", own: program()? })?;
        self.agree(&Side { what: "arithmetic", own: arithmetic })?;
        Ok(())
    }

    fn agree(&self, side: &Side<'_>) -> Result<(), Error> {
        let all = self.gather(side.own.as_bytes())?;
        match all.iter().position(|other| *other != all[0]) {
            None => Ok(()),
            Some(rank) => {
                let [first, other] = [0, rank].map(|rank| String::from_utf8_lossy(&all[rank]).into_owned());
                let (first, other) = differences(&first, &other);
                Err(wrong(format!(
                    "{} has another {} than {}: {other}, not {first}. All ranks need the same",
                    self.named(rank),
                    side.what,
                    self.named(0)
                )))
            }
        }
    }

    /// What every rank says, by way of rank 0.
    pub(super) fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let (own_rank, ranks) = (self.rank(), self.ranks());
        if own_rank > 0 {
            self.say(own, 0, tag::GATHER)?;
            let all = self.hear(0, tag::SPREAD)?;
            return split(&all, ranks).ok_or_else(|| wrong(format!("{} says something else", self.named(0))));
        }
        let mut all = vec![own.to_vec()];
        for rank in 1..ranks {
            all.push(self.hear(rank, tag::GATHER)?);
        }
        let joined: Vec<u8> = all
            .iter()
            .flat_map(|part| (part.len() as u64).to_le_bytes().into_iter().chain(part.iter().copied()))
            .collect();
        self.say_to_all(&joined)?;
        Ok(all)
    }

    /// Rank 0 says something to every other.
    pub(super) fn say_to_all(&self, bytes: &[u8]) -> Result<(), Error> {
        (1..self.ranks()).try_for_each(|rank| self.say(bytes, rank, tag::SPREAD))
    }

    /// Sends bytes, behind their number.
    pub(super) fn say(&self, bytes: &[u8], to: usize, tag: i32) -> Result<(), Error> {
        let length = self.world.send((bytes.len() as u64).to_le_bytes().to_vec(), to, tag).map_err(call)?;
        self.finish(length, to)?;
        for part in bytes.chunks(PART) {
            let part = self.world.send(part.to_vec(), to, tag).map_err(call)?;
            self.finish(part, to)?;
        }
        Ok(())
    }

    /// Takes bytes, behind their number.
    pub(super) fn hear(&self, from: usize, tag: i32) -> Result<Vec<u8>, Error> {
        let length = self.world.receive(vec![0; 8], from, tag).map_err(call)?;
        let mut word = [0; 8];
        word.copy_from_slice(&self.finish(length, from)?);
        let length = u64::from_le_bytes(word);
        if length > MOST {
            return Err(wrong(format!("{} says something else", self.named(from))));
        }
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < length {
            let part = (length - bytes.len() as u64).min(PART as u64) as usize;
            let part = self.world.receive(vec![0; part], from, tag).map_err(call)?;
            bytes.extend(self.finish(part, from)?);
        }
        Ok(bytes)
    }
}

/// Bytes of a message of many.
const PART: usize = 1 << 26;

/// What ranks said, of all of it behind its number.
fn split(mut all: &[u8], ranks: usize) -> Option<Vec<Vec<u8>>> {
    let mut parts = Vec::with_capacity(ranks);
    while let Some((length, rest)) = all.split_first_chunk() {
        let (part, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        parts.push(part.to_vec());
        all = rest;
    }
    (parts.len() == ranks).then_some(parts)
}

/// The program: its version, and the checksum of its file, where the system says which that is.
fn program() -> anyhow::Result<String> {
    let path = std::env::current_exe().context("cannot find this program's file")?;
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let checksum = crc32fast::hash(&bytes);
    Ok(format!("{}, {} bytes with the checksum {checksum:08x}", env!("CARGO_PKG_VERSION"), bytes.len()))
}

/// Of two texts of many lines the first lines that differ.
fn differences<'t>(first: &'t str, other: &'t str) -> (&'t str, &'t str) {
    let end = "nothing";
    let mut lines = (first.lines(), other.lines());
    loop {
        match (lines.0.next(), lines.1.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => return (first, other),
            (a, b) => return (a.unwrap_or(end), b.unwrap_or(end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ranks_say_is_taken_apart() {
        let joined = |parts: &[&[u8]]| -> Vec<u8> {
            parts.iter().flat_map(|part| [&(part.len() as u64).to_le_bytes()[..], part].concat()).collect()
        };
        let all = joined(&[b"one", b"", b"three"]);
        assert_eq!(split(&all, 3).unwrap(), [&b"one"[..], b"", b"three"]);
        for ranks in [2, 4] {
            assert_eq!(split(&all, ranks), None);
        }
        assert_eq!(split(&all[..all.len() - 1], 3), None);
    }

    #[test]
    fn the_first_lines_that_differ_are_shown() {
        assert_eq!(differences("a = 1\nb = 2\nc = 3", "a = 1\nb = 4\nc = 5"), ("b = 2", "b = 4"));
        assert_eq!(differences("a = 1\nb = 2", "a = 1"), ("b = 2", "nothing"));
    }
}
