//! Trainers that share batches and evaluations by [`Peers`]: threads here, processes elsewhere. The same bits as one alone.

use std::sync::{Arc, Barrier, Mutex};

use crate::support::tasks::{model, neighbours, signs};
use elman::{Adam, Error, Evaluation, Gradient, Gru, Head, Labelled, Lstm, Peers, Share, Stack, Step, Trainer};

/// What all of them meet at.
struct Table {
    sum: Mutex<Gradient>,
    said: Mutex<Vec<Vec<u8>>>,
    barrier: Barrier,
}

struct Seat {
    rank: usize,
    ranks: usize,
    table: Arc<Table>,
}

impl Peers for Seat {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.ranks
    }

    fn sum(&self, share: &mut Share<'_>, owners: usize, sum: &mut Gradient) -> Result<(), Error> {
        for owner in 0..owners {
            if owner == self.rank {
                let mut running = self.table.sum.lock().unwrap();
                if owner == 0 {
                    *running = Gradient { flat: vec![0.0; sum.flat.len()], ..Gradient::default() };
                }
                share.add_to(&mut running)?;
            }
            self.table.barrier.wait();
        }
        sum.clone_from(&self.table.sum.lock().unwrap());
        self.table.barrier.wait();
        Ok(())
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        self.table.said.lock().unwrap()[self.rank] = own.to_vec();
        self.table.barrier.wait();
        let all = self.table.said.lock().unwrap().clone();
        self.table.barrier.wait();
        Ok(all)
    }
}

fn seats(ranks: usize) -> Vec<Seat> {
    let table = Arc::new(Table {
        sum: Mutex::default(),
        said: Mutex::new(vec![Vec::new(); ranks]),
        barrier: Barrier::new(ranks),
    });
    (0..ranks).map(|rank| Seat { rank, ranks, table: table.clone() }).collect()
}

/// What came of a training: its steps, as text for an accuracy may be NaN, its evaluation and its weights.
type Came = (String, String, Vec<u32>);

fn train(mut trainer: Trainer, data: &dyn Labelled, window: Option<usize>) -> Came {
    let mut fit = match window {
        Some(window) => trainer.fit_streams(data, window),
        None => trainer.fit(data),
    }
    .unwrap()
    .epochs(2);
    let steps: Vec<Step> = std::iter::from_fn(|| fit.next_step()).collect::<Result<_, _>>().unwrap();
    let evaluation: Evaluation = match window {
        Some(window) => trainer.evaluate_streams(data, window),
        None => trainer.evaluate(data),
    }
    .unwrap();
    let bits = trainer.model().flat().iter().map(|x| x.to_bits()).collect();
    (format!("{steps:?}"), format!("{evaluation:?}"), bits)
}

fn check(make: impl Fn() -> Trainer + Sync, data: &(impl Labelled + Sync), window: Option<usize>) {
    let alone = train(make().threads(2), data, window);
    for ranks in [1, 2, 3, 7, 12] {
        let found: Vec<Came> = std::thread::scope(|scope| {
            let threads: Vec<_> = seats(ranks)
                .into_iter()
                .map(|seat| scope.spawn(|| train(make().threads(1).peers(Arc::new(seat)), data, window)))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(found.iter().all(|found| *found == alone), "{ranks} ranks");
    }
}

#[test]
fn rows_are_shared_by_any_number_of_trainers() {
    let data = signs(250);
    check(|| Trainer::new(model(Lstm::new(3, 9), 2), Adam::new(0.02)).batch_size(120).weight_average(0.9), &data, None);
}

#[test]
fn streams_are_shared_by_any_number_of_trainers() {
    let data = neighbours(230, 9, false);
    let stack = || Stack::new(Gru::new(1, 6)).then(Lstm::new(6, 5));
    check(|| Trainer::new(model(stack(), Head::every_step(2)), Adam::new(0.02)), &data, Some(4));
}
