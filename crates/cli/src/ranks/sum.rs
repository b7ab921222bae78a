//! The sum of a batch's gradients, from rank to rank.
//!
//! P parameters, in segments. Rank 0 begins with zeros and adds its groups; each rank takes the sum of the ranks before,
//! adds its own and passes it on; the last one has the sum of all, which goes back the same way. Both directions of every
//! link are busy at once, for a segment comes back while others are still on their way there. No sum of MPI's is used:
//! those are free in their order.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use elman::{Ends, Error, Gradient, Ledger, Share};
use elman_mpi::Pending;

use super::patience::Patience;
use super::{Ranks, STOP, call, tag, wrong};

/// Floats of a segment.
const SEGMENT: usize = 1 << 15;

/// Words of a head.
const WORDS: usize = 13;

/// What goes before a sum, and before its result.
struct Head {
    /// Which sum it is, from 1.
    number: u64,
    /// P
    parameters: u64,
    /// Whether a signal came to a rank.
    stop: bool,
    ledger: Ledger,
}

impl Head {
    fn to_bytes(&self) -> Vec<u8> {
        let Ledger { score, groups, of, ends } = &self.ledger;
        let words: [u64; WORDS] = [
            self.number,
            self.parameters,
            u64::from(self.stop),
            score.loss.to_bits(),
            score.weight.to_bits(),
            score.correct as u64,
            score.rows as u64,
            *groups as u64,
            *of as u64,
            u64::from(ends.fresh),
            ends.streams as u64,
            ends.rows.len() as u64,
            ends.states.len() as u64,
        ];
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// With room for the ends, which follow.
    fn of_bytes(bytes: &[u8]) -> Self {
        let words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let count = |index: usize| words[index] as usize;
        let score = elman::Score {
            loss: f64::from_bits(words[3]),
            weight: f64::from_bits(words[4]),
            correct: count(5),
            rows: count(6),
        };
        let ends =
            Ends { fresh: words[9] != 0, streams: count(10), rows: vec![0; count(11)], states: vec![0.0; count(12)] };
        Head {
            number: words[0],
            parameters: words[1],
            stop: words[2] != 0,
            ledger: Ledger { score, groups: count(7), of: count(8), ends },
        }
    }
}

/// Segments on their way to a rank.
struct Way {
    to: usize,
    tag: i32,
    under_way: VecDeque<Pending<f32>>,
}

impl Way {
    fn new(to: usize, tag: i32) -> Self {
        Way { to, tag, under_way: VecDeque::new() }
    }

    fn send(&mut self, ranks: &Ranks, segment: Vec<f32>) -> Result<(), Error> {
        self.under_way.push_back(ranks.world.send(segment, self.to, self.tag).map_err(call)?);
        Ok(())
    }

    /// Takes back the segments that have arrived; whether there were any.
    fn settle(&mut self, free: &mut Vec<Vec<f32>>) -> Result<bool, Error> {
        settled(&mut self.under_way, |segment| {
            free.push(segment);
            Ok(())
        })
    }
}

/// Hands those that are done on, from the front; whether there were any.
fn settled(
    under_way: &mut VecDeque<Pending<f32>>,
    mut done: impl FnMut(Vec<f32>) -> Result<(), Error>,
) -> Result<bool, Error> {
    let mut any = false;
    while let Some(first) = under_way.front_mut() {
        if !first.is_done().map_err(call)? {
            break;
        }
        any = true;
        if let Some(segment) = under_way.pop_front().and_then(Pending::take) {
            done(segment)?;
        }
    }
    Ok(any)
}

/// Who gives a rank what, and to whom it passes that on.
struct Route {
    /// Who has the sum of the ranks before; None for rank 0 and for ranks without a share.
    before: Option<usize>,
    /// Who adds to it next; None for the last one, and for ranks without a share.
    next: Option<usize>,
    /// Who gives this rank the result; None for the last one, who has it.
    source: Option<usize>,
    /// Whom it gives the result.
    targets: Vec<usize>,
}

impl Route {
    fn of(rank: usize, owners: usize, ranks: usize) -> Self {
        let last = owners - 1;
        let after = (rank + 1 < ranks).then_some(rank + 1);
        if rank > last {
            return Route { before: None, next: None, source: Some(rank - 1), targets: after.into_iter().collect() };
        }
        let before = rank.checked_sub(1);
        let beyond = after.filter(|_| rank == last);
        Route {
            before,
            next: (rank < last).then_some(rank + 1),
            source: (rank < last).then_some(rank + 1),
            targets: before.into_iter().chain(beyond).collect(),
        }
    }
}

impl Ranks {
    /// Adds up the groups of the first `owners` ranks.
    pub(super) fn sum(&self, share: &mut Share<'_>, owners: usize, sum: &mut Gradient) -> Result<(), Error> {
        let number = self.sums.fetch_add(1, Ordering::Relaxed) + 1;
        let (rank, route) = (self.rank(), Route::of(self.rank(), owners, self.ranks()));
        let parameters = sum.flat.len();
        let mut free = std::mem::take(&mut *self.segments.lock().unwrap_or_else(PoisonError::into_inner));

        let own = Head { number, parameters: parameters as u64, stop: false, ledger: Ledger::default() };
        let mut head = match route.before {
            Some(before) => self.take_head(before, tag::SUM_HEAD, &own)?,
            None => own,
        };
        if rank < owners {
            share.note(&mut head.ledger)?;
            head.stop |= self.was_interrupted();
        }
        if let Some(next) = route.next {
            self.give_head(&head, next, tag::SUM_HEAD)?;
        }

        let mut segments = Segments { ranks: self, parameters, route: &route, free: &mut free };
        segments.go_round(share, &mut sum.flat, rank < owners)?;
        *self.segments.lock().unwrap_or_else(PoisonError::into_inner) = free;

        if let Some(source) = route.source {
            head = self.take_head(source, tag::RESULT_HEAD, &head)?;
        }
        for &target in &route.targets {
            self.give_head(&head, target, tag::RESULT_HEAD)?;
        }
        sum.ledger = head.ledger;
        if head.stop {
            STOP.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn give_head(&self, head: &Head, to: usize, tag: i32) -> Result<(), Error> {
        let Ends { rows, states, .. } = &head.ledger.ends;
        let send = |bytes: Vec<u8>| self.finish(self.world.send(bytes, to, tag).map_err(call)?, to);
        send(head.to_bytes())?;
        if !rows.is_empty() {
            send(rows.iter().flat_map(|&row| (row as u64).to_le_bytes()).collect())?;
            self.finish(self.world.send(states.clone(), to, tag).map_err(call)?, to)?;
        }
        Ok(())
    }

    fn take_head(&self, from: usize, tag: i32, own: &Head) -> Result<Head, Error> {
        let receive = |bytes: usize| self.finish(self.world.receive(vec![0u8; bytes], from, tag).map_err(call)?, from);
        let mut head = Head::of_bytes(&receive(WORDS * 8)?);
        if (head.number, head.parameters) != (own.number, own.parameters) {
            return Err(wrong(format!(
                "{} is at step {} of {} parameters, and {} at step {} of {}: they do not train the same",
                self.named(from),
                head.number,
                head.parameters,
                self.named(self.rank()),
                own.number,
                own.parameters
            )));
        }
        let Ends { rows, states, .. } = &mut head.ledger.ends;
        if !rows.is_empty() {
            let bytes = receive(rows.len() * 8)?;
            for (row, word) in rows.iter_mut().zip(bytes.as_chunks().0) {
                *row = u64::from_le_bytes(*word) as usize;
            }
            let into = std::mem::take(states);
            *states = self.finish(self.world.receive(into, from, tag).map_err(call)?, from)?;
        }
        Ok(head)
    }
}

/// The segments of one sum.
struct Segments<'r> {
    ranks: &'r Ranks,
    parameters: usize,
    route: &'r Route,
    /// Buffers that are in no use.
    free: &'r mut Vec<Vec<f32>>,
}

impl Segments<'_> {
    fn count(&self) -> usize {
        self.parameters.div_ceil(SEGMENT)
    }

    /// Where a segment lies in the flat buffer.
    fn place(&self, index: usize) -> Range<usize> {
        index * SEGMENT..((index + 1) * SEGMENT).min(self.parameters)
    }

    /// A buffer for a segment; its contents have no meaning.
    fn buffer(&mut self, index: usize) -> Vec<f32> {
        let mut buffer = self.free.pop().unwrap_or_default();
        buffer.resize(self.place(index).len(), 0.0);
        buffer
    }

    /// Everything that comes from a rank under a tag, in its order.
    fn receive_all(&mut self, from: usize, tag: i32) -> Result<VecDeque<Pending<f32>>, Error> {
        (0..self.count())
            .map(|index| {
                let buffer = self.buffer(index);
                self.ranks.world.receive(buffer, from, tag).map_err(call)
            })
            .collect()
    }

    /// Adds, passes on and takes the result, whatever comes first.
    fn go_round(&mut self, share: &mut Share<'_>, sum: &mut [f32], owner: bool) -> Result<(), Error> {
        let count = self.count();
        let mut to_add = match self.route.before {
            Some(before) => self.receive_all(before, tag::SUM)?,
            None => VecDeque::new(),
        };
        let mut results = match self.route.source {
            Some(source) => self.receive_all(source, tag::RESULT)?,
            None => VecDeque::new(),
        };
        let mut next = self.route.next.map(|next| Way::new(next, tag::SUM));
        let mut targets: Vec<Way> = self.route.targets.iter().map(|&to| Way::new(to, tag::RESULT)).collect();
        let mut added = if owner { 0 } else { count };
        let mut taken = 0;
        let mut patience = Patience::new(self.ranks);
        loop {
            let mut any = false;
            // The sum so far of one more segment, with this rank's groups in it.
            let mut segment = None;
            if added < count {
                if self.route.before.is_none() {
                    let mut zeros = self.buffer(added);
                    zeros.fill(0.0);
                    segment = Some(zeros);
                } else if let Some(first) = to_add.front_mut()
                    && first.is_done().map_err(call)?
                {
                    segment = to_add.pop_front().and_then(Pending::take);
                }
            }
            let mut result = None;
            if let Some(mut segment) = segment {
                any = true;
                share.add(self.place(added).start, &mut segment)?;
                added += 1;
                match &mut next {
                    Some(next) => next.send(self.ranks, segment)?,
                    None => result = Some(segment),
                }
            }
            if result.is_none()
                && let Some(first) = results.front_mut()
                && first.is_done().map_err(call)?
            {
                result = results.pop_front().and_then(Pending::take);
            }
            if let Some(segment) = result {
                any = true;
                sum[self.place(taken)].copy_from_slice(&segment);
                taken += 1;
                match targets.as_mut_slice() {
                    [] => self.free.push(segment),
                    [target] => target.send(self.ranks, segment)?,
                    [first, rest @ ..] => {
                        for target in rest {
                            target.send(self.ranks, segment.clone())?;
                        }
                        first.send(self.ranks, segment)?;
                    }
                }
            }
            let mut left = 0;
            for way in next.iter_mut().chain(&mut targets) {
                any |= way.settle(self.free)?;
                left += way.under_way.len();
            }
            if taken == count && left == 0 {
                return Ok(());
            }
            if any {
                patience.renew();
            } else {
                let waited = match (self.route.before, self.route.source) {
                    (Some(before), _) if added < count => before,
                    (_, Some(source)) if taken < count => source,
                    _ => next.iter().chain(&targets).find(|way| !way.under_way.is_empty()).map_or(0, |way| way.to),
                };
                patience.wait(waited)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_as_they_were_sent() {
        let score = elman::Score { loss: 1.5e-300, weight: f64::NAN, correct: 3, rows: usize::MAX };
        let ends = Ends { fresh: true, streams: 9, rows: vec![0; 2], states: vec![0.0; 6] };
        let head =
            Head { number: 7, parameters: 1 << 33, stop: true, ledger: Ledger { score, groups: 2, of: 5, ends } };
        let come = Head::of_bytes(&head.to_bytes());
        assert_eq!((come.number, come.parameters, come.stop), (7, 1 << 33, true));
        assert_eq!(format!("{:?}", come.ledger), format!("{:?}", head.ledger));
    }

    /// What a rank expects of another is what that one gives it, and all are reached.
    #[test]
    fn every_route_has_two_ends() {
        for ranks in 1..9 {
            for owners in 1..=ranks {
                let routes: Vec<Route> = (0..ranks).map(|rank| Route::of(rank, owners, ranks)).collect();
                for (rank, route) in routes.iter().enumerate() {
                    assert_eq!(route.before.map(|before| routes[before].next), route.before.map(|_| Some(rank)));
                    assert_eq!(route.next.map(|next| routes[next].before), route.next.map(|_| Some(rank)));
                    let given = routes.iter().filter(|other| other.targets.contains(&rank)).count();
                    assert_eq!(given, usize::from(rank != owners - 1), "{rank} of {ranks}, {owners} owners");
                    assert_eq!(route.source.is_none(), rank == owners - 1);
                    if let Some(source) = route.source {
                        assert!(routes[source].targets.contains(&rank), "{rank} of {ranks}, {owners} owners");
                    }
                }
            }
        }
    }
}
