//! Several processes that train one model: the ranks of an MPI job.
//!
//! Every rank runs the same command on the same data and comes to the same decisions; they share the groups of each batch
//! and the tiles of each evaluation, and nothing else. So whatever a job trains, once or a hundred times, needs to know
//! nothing of them. Rank 0 speaks and writes; the others have a folder of their own for a time, and say nothing unless
//! something is wrong with them alone.

mod agree;
mod end;
mod mail;
mod mirror;
mod patience;
mod scratch;
mod sum;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::Context;
use elman::{Error, Gradient, Peers, Share};
use elman_mpi::{Place, World};

pub(crate) use self::agree::{Side, agree};
pub(crate) use self::end::leave;
use self::mail::Mail;
pub(crate) use self::mirror::{mirror, nothing_to_mirror, out};
use self::scratch::Scratch;

/// Seconds that a rank waits for another, where no flag says it.
pub(crate) const TIMEOUT: u64 = 600;

/// The ranks of this job, once they are joined.
static RANKS: OnceLock<Ranks> = OnceLock::new();

/// Set where the ranks have agreed to end early.
static STOP: AtomicBool = AtomicBool::new(false);

/// What one sends under.
mod tag {
    pub(super) const FAREWELL: i32 = 1;
    pub(super) const GATHER: i32 = 2;
    pub(super) const SPREAD: i32 = 3;
    pub(super) const SUM_HEAD: i32 = 4;
    pub(super) const SUM: i32 = 5;
    pub(super) const RESULT_HEAD: i32 = 6;
    pub(super) const RESULT: i32 = 7;
}

/// All ranks, as one of them sees them.
pub(crate) struct Ranks {
    world: &'static World,
    /// The machine of each.
    hosts: OnceLock<Vec<String>>,
    /// Seconds of waiting after which another rank is given up; 0: never.
    timeout: AtomicU64,
    mail: Mutex<Mail>,
    /// Sums so far: all ranks must be at the same.
    sums: AtomicU64,
    /// Segments for the next sum.
    segments: Mutex<Vec<Vec<f32>>>,
    /// Whether a signal came to this rank.
    interrupted: OnceLock<&'static AtomicBool>,
    /// Where a rank other than 0 writes.
    scratch: Option<Scratch>,
}

/// Joins the other ranks, where a launcher started this process as one of several. `binary` says which program this is.
///
/// # Errors
/// If there is no MPI library, a rank does not come, or they run different programs.
pub(crate) fn join() -> anyhow::Result<()> {
    let Some(place) = Place::of_process()? else { return Ok(()) };
    let world = World::join(&place)?;
    if world.ranks() == 1 {
        world.leave()?;
        return Ok(());
    }
    let (mut scratch, mut why) = (None, None);
    if world.rank() > 0 {
        match Scratch::new(world.rank()) {
            Ok(folder) => scratch = Some(folder),
            Err(error) => why = Some(error),
        }
    }
    let ranks = RANKS.get_or_init(|| Ranks {
        world,
        hosts: OnceLock::new(),
        timeout: AtomicU64::new(TIMEOUT),
        mail: Mutex::default(),
        sums: AtomicU64::new(0),
        segments: Mutex::default(),
        interrupted: OnceLock::new(),
        scratch,
    });
    ranks.expect_mail()?;
    ranks.meet()?;
    match why {
        // Not before: rank 0 must hear of it.
        Some(why) => Err(why).with_context(|| format!("cannot make a folder in {}", std::env::temp_dir().display())),
        None => Ok(()),
    }
}

/// The ranks, where there are several.
pub(crate) fn here() -> Option<&'static Ranks> {
    RANKS.get()
}

/// Whether this is a rank other than 0, by what the launcher says: so also before the ranks are joined.
pub(crate) fn is_silent() -> bool {
    here().map_or_else(|| matches!(Place::of_process(), Ok(Some(place)) if place.rank > 0), |ranks| ranks.rank() > 0)
}

/// Refuses what is done by one process, where there are several.
///
/// # Errors
/// If a launcher started several.
pub(crate) fn refuse(command: &str) -> Result<(), Error> {
    match Place::of_process() {
        Ok(Some(place)) if place.ranks.is_some() => {
            let found = place.ranks.map_or("several".to_owned(), |ranks| ranks.to_string());
            let expected = format!("1 for elman {command}; several train: elman train, tune and resume");
            Err(Error::setting("the number of processes", found, expected))
        }
        _ => Ok(()),
    }
}

/// The others, for a trainer.
pub(crate) fn peers() -> Option<Arc<dyn Peers>> {
    here().map(|ranks| Arc::new(Together(ranks)) as Arc<dyn Peers>)
}

/// Seconds that another rank is waited for; 0: for ever.
pub(crate) fn set_timeout(seconds: u64) {
    if let Some(ranks) = here() {
        ranks.timeout.store(seconds, Ordering::Relaxed);
    }
}

/// Threads of a rank where no flag says it: a part of those of the machine where it has several ranks.
pub(crate) fn threads() -> usize {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    match here() {
        // A launcher that binds its ranks to processors has shared them out already.
        Some(ranks) => available.min((processors().unwrap_or(available) / ranks.on_this_machine()).max(1)),
        None => available,
    }
}

/// Processors of this machine, whatever this process is bound to.
fn processors() -> Option<usize> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/online").ok()?;
    count(text.trim())
}

/// Of a list as `0-3,8`.
fn count(list: &str) -> Option<usize> {
    let part = |part: &str| match part.split_once('-') {
        Some((first, last)) => last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?).map(|more| more + 1),
        None => part.parse::<usize>().ok().map(|_| 1),
    };
    list.split(',').map(part).sum()
}

/// `4 ranks × 2 threads`, or the threads alone.
pub(crate) fn shown(threads: usize) -> String {
    let threads = format!("{threads} threads");
    match here() {
        Some(ranks) => {
            let hosts = ranks.machines();
            let on = if hosts == 1 { "1 machine".to_owned() } else { format!("{hosts} machines") };
            format!("{} ranks × {threads} on {on} ({})", ranks.ranks(), ranks.world.library())
        }
        None => threads,
    }
}

/// Takes a flag that a signal sets; the flag to look at, which is set when all ranks have agreed: at the end of a step.
pub(crate) fn heed(interrupted: &'static AtomicBool) -> &'static AtomicBool {
    match here() {
        Some(ranks) => {
            ranks.interrupted.get_or_init(|| interrupted);
            &STOP
        }
        None => interrupted,
    }
}

impl Ranks {
    fn rank(&self) -> usize {
        self.world.rank()
    }

    fn ranks(&self) -> usize {
        self.world.ranks()
    }

    /// A rank, for messages.
    fn named(&self, rank: usize) -> String {
        let hosts = self.hosts.get().and_then(|hosts| hosts.get(rank));
        hosts.map_or_else(|| format!("rank {rank}"), |host| format!("rank {rank} on {host}"))
    }

    fn on_this_machine(&self) -> usize {
        let own = self.world.host();
        self.hosts.get().map_or(1, |hosts| hosts.iter().filter(|host| *host == own).count()).max(1)
    }

    fn machines(&self) -> usize {
        let mut hosts = self.hosts.get().cloned().unwrap_or_default();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.len().max(1)
    }

    /// Whether a signal came to this rank.
    fn was_interrupted(&self) -> bool {
        self.interrupted.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn patience(&self) -> Option<Duration> {
        let seconds = self.timeout.load(Ordering::Relaxed);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }
}

/// What is wrong between ranks.
fn wrong(why: impl Into<String>) -> Error {
    Error::Peers { why: why.into() }
}

fn call(error: elman_mpi::Error) -> Error {
    wrong(error.to_string())
}

/// The ranks, as the library asks for them.
struct Together(&'static Ranks);

impl Peers for Together {
    fn rank(&self) -> usize {
        self.0.rank()
    }

    fn ranks(&self) -> usize {
        self.0.ranks()
    }

    fn sum(&self, share: &mut Share<'_>, owners: usize, sum: &mut Gradient) -> Result<(), Error> {
        self.0.sum(share, owners, sum)
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        self.0.gather(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted() {
        assert_eq!(["0", "0-1", "0-3,8", "0-1,4-5,9"].map(count), [1, 2, 5, 5].map(Some));
        assert_eq!(["", "3-1", "a"].map(count), [None; 3]);
    }
}
