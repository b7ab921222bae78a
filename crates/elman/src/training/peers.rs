//! Other processes that train the same model: each works off a part of the groups of every batch.

use std::ops::Range;

use elman_kernels::Score;

use crate::Error;
use crate::training::shared_gradient::{Gradient, Share};

/// Processes that train one model together: the same trainer, data and course in each, and a part of the work. All make the
/// same steps, to the same bits as one process alone.
///
/// They meet in two calls, which all make in the same order: for every step, and for every evaluation. How bytes go from
/// one to another is the implementation's.
pub trait Peers: Send + Sync {
    /// This process, from 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn ranks(&self) -> usize;

    /// Adds up everybody's groups: those of the first `owners` ranks, in the order of the ranks, [`Share::add`] segment by
    /// segment and [`Share::note`] once. In the end `sum` is the sum of all, for every rank. What it holds before has no
    /// meaning but for its length.
    ///
    /// # Errors
    /// If another rank does not answer, or is at another step.
    fn sum(&self, share: &mut Share<'_>, owners: usize, sum: &mut Gradient) -> Result<(), Error>;

    /// What every rank says, in the order of the ranks.
    ///
    /// # Errors
    /// If another rank does not answer.
    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, Error>;
}

/// How many ranks have a part of `all` things.
pub(crate) fn owners(peers: &dyn Peers, all: usize) -> usize {
    peers.ranks().min(all).max(1)
}

/// The part of `all` things that a rank has: consecutive, of like sizes; none for ranks beyond their number.
pub(crate) fn own(peers: &dyn Peers, all: usize) -> Range<usize> {
    let (rank, owners) = (peers.rank(), owners(peers, all));
    if rank < owners { rank * all / owners..(rank + 1) * all / owners } else { all..all }
}

/// Everybody's scores, in the order of the ranks.
pub(crate) fn gather_scores(peers: &dyn Peers, own: &[Score]) -> Result<Vec<Score>, Error> {
    let bytes: Vec<u8> = own.iter().flat_map(to_bytes).collect();
    let all = peers.gather(&bytes)?.concat();
    Ok(all.as_chunks::<8>().0.as_chunks().0.iter().map(from_words).collect())
}

fn to_bytes(score: &Score) -> Vec<u8> {
    let Score { loss, weight, correct, rows } = *score;
    let floats = [loss, weight].into_iter().flat_map(f64::to_le_bytes);
    floats.chain([correct, rows].into_iter().flat_map(|count| (count as u64).to_le_bytes())).collect()
}

fn from_words([loss, weight, correct, rows]: &[[u8; 8]; 4]) -> Score {
    Score {
        loss: f64::from_le_bytes(*loss),
        weight: f64::from_le_bytes(*weight),
        correct: u64::from_le_bytes(*correct) as usize,
        rows: u64::from_le_bytes(*rows) as usize,
    }
}
