//! Waiting for another rank: without end for nobody.

use std::time::{Duration, Instant};

use elman::Error;
use elman_mpi::{Pending, Plain};

use super::{Ranks, call, wrong};

/// How long a rank that waits asks again and again, before it sleeps in between.
const AWAKE: Duration = Duration::from_millis(20);
/// How long it then sleeps each time.
const NAP: Duration = Duration::from_micros(200);
/// How often it looks for letters, in questions.
const LETTERS: u32 = 64;

/// Waiting under way.
pub(super) struct Patience<'r> {
    ranks: &'r Ranks,
    since: Instant,
    asked: u32,
}

impl<'r> Patience<'r> {
    pub(super) fn new(ranks: &'r Ranks) -> Self {
        Patience { ranks, since: Instant::now(), asked: 0 }
    }

    /// Something has come.
    pub(super) fn renew(&mut self) {
        self.since = Instant::now();
        self.asked = 0;
    }

    /// Nothing has come from `rank`.
    ///
    /// # Errors
    /// If it has not for longer than one may wait, or another rank has failed meanwhile.
    pub(super) fn wait(&mut self, rank: usize) -> Result<(), Error> {
        self.asked = self.asked.wrapping_add(1);
        if self.asked.is_multiple_of(LETTERS) {
            self.ranks.look_for_mail()?;
            let waited = self.since.elapsed();
            if let Some(most) = self.ranks.patience()
                && waited > most
            {
                return Err(wrong(format!(
                    "nothing has come from {} for {} s; it is stuck, or cannot be reached. A longer time is --rank-timeout; \
                     what was trained is in the last checkpoint: elman resume",
                    self.ranks.named(rank),
                    most.as_secs()
                )));
            }
            if waited > AWAKE {
                std::thread::sleep(NAP);
                return Ok(());
            }
        }
        std::thread::yield_now();
        Ok(())
    }
}

impl Ranks {
    /// Waits for what is under way with a rank; its buffer.
    pub(super) fn finish<T: Plain>(&self, mut pending: Pending<T>, rank: usize) -> Result<Vec<T>, Error> {
        let mut patience = Patience::new(self);
        while !pending.is_done().map_err(call)? {
            patience.wait(rank)?;
        }
        Ok(pending.take().unwrap_or_default())
    }
}
