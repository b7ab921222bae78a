//! The ranks of a job, joined.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::calls::{Calls, Kind, Pending, Plain};
use crate::{Error, Place, find};

/// All ranks of a job, as one of them sees them.
pub struct World {
    pub(crate) calls: Calls,
    rank: usize,
    ranks: usize,
    host: String,
    /// Requests that are not done.
    pub(crate) under_way: AtomicUsize,
}

impl World {
    /// Loads the MPI library and joins the others. Once in a process: MPI cannot be begun again.
    ///
    /// # Errors
    /// If no library is found, it is none that is known, or it is not the one of the launcher.
    pub fn join(place: &Place) -> Result<&'static World, Error> {
        let mut tried = Vec::new();
        for path in find::candidates(place) {
            match Calls::open(&path) {
                Ok(calls) => return Self::with(calls?, place),
                Err(why) => tried.push(why),
            }
        }
        Err(Error::NotFound { tried: tried.join("; ") })
    }

    fn with(calls: Calls, place: &Place) -> Result<&'static World, Error> {
        calls.init()?;
        let (rank, ranks) = calls.rank_and_size()?;
        if rank != place.rank || place.ranks.is_some_and(|expected| ranks != expected) {
            let expected = place.ranks.map_or(String::new(), |ranks| format!(" of {ranks}"));
            return Err(Error::Launcher(format!(
                "the launcher says that this is rank {}{expected}, and the library {} that it is rank {rank} of {ranks}: they \
                 are of different MPI installations. ELMAN_MPI=PATH names the launcher's library",
                place.rank, calls.version
            )));
        }
        let host = calls.processor_name();
        Ok(Box::leak(Box::new(World { calls, rank, ranks, host, under_way: AtomicUsize::new(0) })))
    }

    /// This one, from 0.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many there are.
    pub fn ranks(&self) -> usize {
        self.ranks
    }

    /// The machine that this one runs on.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What the library says of itself.
    pub fn library(&self) -> &str {
        &self.calls.version
    }

    /// Which kind of library it is.
    pub fn kind(&self) -> Kind {
        self.calls.kind
    }

    /// Sends a buffer to a rank, under a tag.
    ///
    /// # Errors
    /// If the call fails.
    ///
    /// # Panics
    /// If the buffer has 2 GiB or more.
    pub fn send<T: Plain>(&'static self, buffer: Vec<T>, to: usize, tag: i32) -> Result<Pending<T>, Error> {
        Pending::send(self, buffer, to, tag)
    }

    /// Takes what a rank sends under a tag: into a buffer of just its length. What comes from one rank under one tag comes
    /// in its order.
    ///
    /// # Errors
    /// If the call fails.
    ///
    /// # Panics
    /// If the buffer has 2 GiB or more.
    pub fn receive<T: Plain>(&'static self, into: Vec<T>, from: usize, tag: i32) -> Result<Pending<T>, Error> {
        Pending::receive(self, into, from, tag)
    }

    /// How much is under way: sent and not arrived, or awaited and not come; also what was given up meanwhile.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Ends all ranks at once, with this exit code.
    pub fn abort(&self, code: u8) {
        self.calls.abort(i32::from(code));
    }

    /// Leaves: the last call, with nothing under way.
    ///
    /// # Errors
    /// If the call fails.
    pub fn leave(&self) -> Result<(), Error> {
        self.calls.finalize()
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {} on {}, {}", self.rank, self.ranks, self.host, self.calls.version)
    }
}
