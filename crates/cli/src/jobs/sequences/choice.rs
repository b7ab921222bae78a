//! What a head reads, chosen by trial: a network with each reading, judged on sequences that it did not learn from.

use elman::{Drawing, EarlyStopping, Error, Labelled, Trainer};
use serde_json::{Value, json};

use super::reading::Read;
use crate::flags::folds;
use crate::output::Output;
use crate::run::choice::{Came, apart, tried};
use crate::run::fingerprint::Fingerprint;
use crate::run::held::Held;
use crate::shown::digits::places;

/// What is tried.
const READINGS: [Read; 3] = [Read::Max, Read::Attention, Read::Mean];

/// Sequences of a validation part that suffice to choose by; with fewer the training part is cut into folds.
const VALIDATED: usize = 25;

/// Those folds.
const FOLDS: usize = 3;

/// Sequences to learn from, below which no trial says anything.
const LEAST: usize = 12;

/// On what trials are judged.
#[derive(Clone, Debug, PartialEq)]
enum Ground {
    /// The part for validation.
    Validation { rows: usize },
    /// Of each row of the training part, its fold.
    Folds(Vec<usize>),
    /// There are too few sequences.
    TooFew { rows: usize },
}

/// What some rows of a fold are for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Use {
    Learnt,
    HeldOut,
}

/// What says which reading is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum By {
    /// The part of the sequences that are right, and of equals the loss.
    Accuracy,
    Loss,
}

impl Ground {
    /// For parts of so many rows; the rows of a group have their share of each fold.
    ///
    /// # Errors
    /// If there are too many to be drawn.
    fn of(groups: &[usize], validation: usize, seed: u64) -> Result<Self, Error> {
        let rows = groups.len();
        if validation >= VALIDATED {
            return Ok(Ground::Validation { rows: validation });
        }
        if rows < LEAST {
            return Ok(Ground::TooFew { rows });
        }
        Ok(Ground::Folds(folds::of_rows(groups, FOLDS, &Drawing::Folds.order(rows, seed)?)))
    }

    fn parts(&self) -> usize {
        match self {
            Ground::Validation { .. } => 1,
            Ground::Folds(_) => FOLDS,
            Ground::TooFew { .. } => 0,
        }
    }

    /// The rows to learn from, and those that are held out, of a part from 1.
    fn rows(&self, part: usize) -> [Vec<usize>; 2] {
        let Ground::Folds(fold_of) = self else { return Default::default() };
        let rows = |inside: bool| (0..fold_of.len()).filter(|&row| (fold_of[row] == part - 1) == inside).collect();
        [rows(false), rows(true)]
    }

    fn describe(&self) -> String {
        match self {
            Ground::Validation { rows } => format!("the {rows} sequences for validation"),
            Ground::Folds(of) => format!("{FOLDS} folds of the {} sequences to learn from", of.len()),
            Ground::TooFew { rows } => format!("none: {rows} sequences to learn from, expected {LEAST}"),
        }
    }
}

/// On what the readings are tried.
pub(crate) struct Trials<D> {
    ground: Ground,
    by: By,
    /// The usual one first: it stays where no other is better.
    readings: Vec<Read>,
    /// Of each fold, what is learnt from without it, and the fold.
    folds: Vec<[D; 2]>,
}

/// What the run itself learns from and validates by, and how it trains.
pub(crate) struct Own<'a, D> {
    pub(crate) training: &'a D,
    pub(crate) validation: Option<&'a D>,
    pub(crate) epochs: u64,
    pub(crate) stopping: Option<EarlyStopping>,
    /// A trainer of a network with this reading.
    pub(crate) trainer: &'a dyn Fn(Read) -> anyhow::Result<Trainer>,
}

impl<D: Labelled> Trials<D> {
    /// For the rows of a training part, each of a group, and so many for validation; `usual` is what is read without trials. `select` makes data of some of the
    /// rows: to learn from, or to be held out.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn new(
        by: By,
        usual: Read,
        groups: &[usize],
        validation: usize,
        seed: u64,
        select: impl Fn(&[usize], Use) -> Result<D, Error>,
    ) -> Result<Self, Error> {
        let ground = Ground::of(groups, validation, seed)?;
        let folds = match &ground {
            Ground::Folds(_) => (1..=ground.parts())
                .map(|part| {
                    let [learnt, held_out] = ground.rows(part);
                    Ok([select(&learnt, Use::Learnt)?, select(&held_out, Use::HeldOut)?])
                })
                .collect::<Result<_, Error>>()?,
            Ground::Validation { .. } | Ground::TooFew { .. } => Vec::new(),
        };
        let others = READINGS.into_iter().filter(|reading| *reading != usual);
        let readings = std::iter::once(usual).chain(others).collect();
        Ok(Trials { ground, by, readings, folds })
    }

    /// Tries each reading, and chooses; says in a line what came of it.
    ///
    /// # Errors
    /// As [`tried`].
    pub(crate) fn choose(
        &self,
        held: &Held,
        data: &Fingerprint,
        own: &Own<'_, D>,
        output: &mut Output,
    ) -> anyhow::Result<Read> {
        let Trials { ground, by, readings, folds } = self;
        let usual = readings[0];
        let names: Vec<&str> = readings.iter().map(|reading| reading.name()).collect();
        output.remark(&format!("reading: to be chosen of {}, by {}", names.join(", "), ground.describe()));
        if ground.parts() == 0 {
            return Ok(usual);
        }
        let came = tried(&held.folder, data, &names, ground.parts(), &mut |name, part| {
            let trainer = (own.trainer)(Read::of_name(name).unwrap_or(usual))?;
            let (learnt, held_out) = match folds.get(part - 1) {
                Some([learnt, held_out]) => (learnt, held_out),
                None => (own.training, own.validation.unwrap_or(own.training)),
            };
            apart(trainer, learnt, held_out, own.epochs, own.stopping.clone())
        })?;
        let best = best(&came, *by);
        if output.json {
            output.result("", &object(&names, &came, names[best]))?;
        }
        output.remark(&line(&names, &came, best, *by));
        Ok(readings[best])
    }
}

/// What was chosen, and by which figures.
fn line(names: &[&str], came: &[Came], best: usize, by: By) -> String {
    let figure = |of: &Came| match by {
        By::Accuracy => format!("accuracy {}", places(of.accuracy(), 3)),
        By::Loss => format!("loss {}", places(of.loss, 4)),
    };
    let others = names.iter().zip(came).enumerate().filter(|(index, _)| *index != best);
    let others: Vec<String> = others.map(|(_, (name, of))| format!("{name} {}", figure(of))).collect();
    format!("reading {}, chosen by trial: {}; {}", names[best], figure(&came[best]), others.join(", "))
}

/// The first of which no other is better.
fn best(came: &[Came], by: By) -> usize {
    let better = |a: &Came, b: &Came| match by {
        By::Accuracy if a.accuracy() != b.accuracy() => a.accuracy() > b.accuracy(),
        _ => a.loss < b.loss,
    };
    (1..came.len()).fold(0, |best, index| if better(&came[index], &came[best]) { index } else { best })
}

fn object(names: &[&str], came: &[Came], chosen: &str) -> Value {
    let trial = |(name, of): (&&str, &Came)| {
        let loss = Some(of.loss).filter(|loss| loss.is_finite());
        json!({"read": name, "loss": loss, "correct": of.correct, "rows": of.rows})
    };
    let trials: Vec<Value> = names.iter().zip(came).map(trial).collect();
    json!({"event": "choice", "setting": "read", "chosen": chosen, "trials": trials})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(loss: f64, correct: usize) -> Came {
        Came { loss, correct, rows: 10 }
    }

    #[test]
    fn the_usual_one_stays_where_no_other_is_better() {
        let same = [came(0.5, 7), came(0.5, 7), came(0.5, 7)];
        assert_eq!([By::Accuracy, By::Loss].map(|by| best(&same, by)), [0, 0]);
        // More are right with the second, the third has the least loss; of equals in accuracy the loss decides.
        let found = [came(0.5, 7), came(0.9, 8), came(0.4, 6)];
        assert_eq!([By::Accuracy, By::Loss].map(|by| best(&found, by)), [1, 2]);
        assert_eq!(best(&[came(0.5, 7), came(0.4, 7), came(0.45, 7)], By::Accuracy), 1);
        // What left the numbers is never chosen.
        assert_eq!(best(&[came(f64::INFINITY, 7), came(9.0, 7), came(f64::INFINITY, 7)], By::Loss), 1);
    }

    #[test]
    fn the_ground_is_the_validation_part_where_it_suffices() {
        let groups: Vec<usize> = (0..40).map(|row| row % 2).collect();
        let of = |rows: usize, validation| Ground::of(&groups[..rows], validation, 1).unwrap();
        assert_eq!(of(40, 25), Ground::Validation { rows: 25 });
        assert_eq!(of(11, 24), Ground::TooFew { rows: 11 });
        let folds = of(40, 24);
        let mut held_out = Vec::new();
        for part in 1..=folds.parts() {
            let [learnt, held] = folds.rows(part);
            assert_eq!(learnt.len() + held.len(), 40);
            assert!(held.iter().all(|row| !learnt.contains(row)));
            // Each class has its share.
            let ones = held.iter().filter(|&&row| groups[row] == 1).count();
            assert!((6..=7).contains(&ones) && (13..=14).contains(&held.len()), "{ones} of {}", held.len());
            held_out.extend(held);
        }
        held_out.sort_unstable();
        assert_eq!(held_out, (0..40).collect::<Vec<_>>());
    }
}
