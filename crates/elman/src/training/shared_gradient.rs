//! The gradient of a batch outside of a trainer: taken out, added up by several owners, put in.
//!
//! P parameters, padding included.

use std::collections::BTreeMap;
use std::ops::Range;

use elman_formats::Array;
use elman_kernels::{Score, layout::Entry};

use crate::model::checks::{check_rows, check_streams};
use crate::model::ends::Ends;
use crate::network::state::State;
use crate::training::batch::{Batch, StreamWindow};
use crate::training::step::Step;
use crate::training::trainer::Trainer;
use crate::{Error, Labelled, Model};

/// The gradient of the mean loss of a batch by all parameters: whole, or the sum of its first groups so far.
///
/// ```
/// # use elman::{Adam, Arrays, Batch, Build, Error, Gradient, Init, Model, Purpose, Random, Rnn, Trainer};
/// # use ndarray::{Array1, Array3};
/// # fn main() -> Result<(), Error> {
/// # let mut random = Random::new(111, Purpose::Data);
/// # let data = Arrays::classes(Array3::from_shape_simple_fn((64, 5, 1), || random.uniform(1.0)), Array1::zeros(64))?;
/// # let trainer = || -> Result<Trainer, Error> {
/// #     let cell = Rnn::new(1, 4).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
/// #     Ok(Trainer::new(Model::new(&cell, 2, Init::Tf, &mut Random::new(111, Purpose::Head))?, Adam::new(0.01)).batch_size(64))
/// # };
/// // The same batch in one process, and in two that each own some groups of its tiles.
/// let batch = Batch::from(&[0, 1, 2, 3, 5, 8, 13, 21, 34, 55][..]);
/// let mut alone = trainer()?;
/// let gradient = alone.accumulate(&data, &batch)?;
/// alone.apply(&gradient)?;
///
/// let mut owners = [trainer()?, trainer()?];
/// let groups = owners[0].groups(&data, &batch);
/// let mut sum = Gradient::zeros(owners[0].model());
/// owners[0].share(&data, &batch, 0..1)?.add_to(&mut sum)?;
/// owners[1].share(&data, &batch, 1..groups)?.add_to(&mut sum)?;
/// for owner in &mut owners {
///     owner.apply(&sum)?;
///     assert_eq!(owner.model().arrays(), alone.model().arrays());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradient {
    /// `[P]`: laid out as the parameters are, see [`Model::layout`]. Padding is 0.
    pub flat: Vec<f32>,
    /// What of the batch is in it.
    pub ledger: Ledger,
}

/// What goes with a sum of gradients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// The losses of the rows so far.
    pub score: Score,
    /// Groups that are in the sum: the first ones.
    pub groups: usize,
    /// All groups of the batch.
    pub of: usize,
    /// Where the streams so far stand, after a window.
    pub ends: Ends,
}

impl Gradient {
    /// The sum of no group, for a model.
    pub fn zeros(model: &Model) -> Self {
        Gradient { flat: vec![0.0; model.parameters.len()], ledger: Ledger::default() }
    }

    /// The plain arrays, by the names of [`Model::arrays`].
    ///
    /// # Errors
    /// If it is of a model of another size.
    pub fn arrays(&self, model: &Model) -> Result<BTreeMap<String, Array>, Error> {
        self.check(model)?;
        Ok(model.plan.unpack(&self.flat))
    }

    /// A gradient of plain arrays by the names of [`Model::arrays`], for rows of such a score.
    ///
    /// # Errors
    /// If a name is missing or unknown, or a shape differs.
    pub fn of_arrays(model: &Model, arrays: &BTreeMap<String, Array>, score: Score) -> Result<Self, Error> {
        let flat = model.plan.pack(arrays)?.to_vec();
        Ok(Gradient { flat, ledger: Ledger { score, ..Ledger::default() } })
    }

    fn check(&self, model: &Model) -> Result<(), Error> {
        let (found, expected) = (self.flat.len(), model.parameters.len());
        if found == expected { Ok(()) } else { Err(Error::shape("the gradient", &[found], &[expected])) }
    }
}

impl Model {
    /// Where each plain array lies in the flat buffer of the parameters, and in a [`Gradient`]: its name, how it is packed,
    /// and the part of the buffer that it is packed into. Cells, and dense layers of the head, each have a part, whose
    /// arrays share panels of 16 columns: [`Entry::unpack`] gives an array row-major, [`Entry::pack`] puts one in.
    pub fn layout(&self) -> impl Iterator<Item = (&str, &Entry, Range<usize>)> {
        self.plan.entries()
    }

    /// The parameters `[P]`, as [`Model::layout`] says.
    pub fn flat(&self) -> &[f32] {
        &self.parameters
    }
}

/// Some groups of a batch that a trainer worked off, to be added to a running sum.
///
/// The sum of a batch's gradients starts from zeros, and the groups are added in their order, element by element: whoever
/// owns groups m to n takes the sum of the groups before m and passes on that of the groups before n. Elements do not
/// touch each other, so the buffer may go round in segments of any size.
pub struct Share<'a> {
    trainer: &'a mut Trainer,
    window: Option<StreamWindow>,
    streams: usize,
}

impl Share<'_> {
    /// The groups.
    pub fn groups(&self) -> Range<usize> {
        self.trainer.groups.own()
    }

    /// Adds their gradients to the sum of the groups before, in a segment of the flat buffer: the floats from `start` on.
    ///
    /// # Errors
    /// If the segment does not lie in the buffer.
    pub fn add(&mut self, start: usize, sum: &mut [f32]) -> Result<(), Error> {
        let len = self.trainer.model().parameters.len();
        if start.checked_add(sum.len()).is_none_or(|end| end > len) {
            let found = format!("{} floats from {start} on", sum.len());
            return Err(Error::setting("a segment of the gradient", found, format!("a part of the {len} floats")));
        }
        let Trainer { groups, workers: Some(workers), .. } = &mut *self.trainer else { return Ok(()) };
        groups.add(workers, start, sum);
        Ok(())
    }

    /// Adds what goes with their gradients.
    ///
    /// # Errors
    /// If the groups are not those that are next.
    pub fn note(&self, ledger: &mut Ledger) -> Result<(), Error> {
        let groups = &self.trainer.groups;
        let (own, all) = (groups.own(), groups.all());
        if ledger.groups != own.start || ![0, all].contains(&ledger.of) {
            let found = format!("of the first {} of {} groups", ledger.groups, ledger.of);
            return Err(Error::setting("the sum", found, format!("one of the first {} of {all}", own.start)));
        }
        groups.scores().for_each(|score| ledger.score.add(score));
        if let Some(window) = self.window {
            (ledger.ends.fresh, ledger.ends.streams) = (!window.carried, self.streams);
            groups.ends().for_each(|ends| ledger.ends.extend(ends));
        }
        (ledger.groups, ledger.of) = (own.end, all);
        Ok(())
    }

    /// Both, for the whole buffer.
    ///
    /// # Errors
    /// If the groups are not those that are next, or the sum is of a model of another size.
    pub fn add_to(&mut self, sum: &mut Gradient) -> Result<(), Error> {
        sum.check(self.trainer.model())?;
        self.note(&mut sum.ledger)?;
        self.add(0, &mut sum.flat)
    }
}

impl Trainer {
    /// Groups that a batch is worked off in: by the shapes alone.
    pub fn groups<D: Labelled + ?Sized>(&self, data: &D, batch: &Batch) -> usize {
        self.group_count(self.rows_of(data, batch))
    }

    /// The gradient of the mean loss of a batch. Trains nothing; [`Trainer::apply`] makes a step of it. Masks are those of
    /// the next step.
    ///
    /// # Errors
    /// If the data does not fit the model, or the batch has nothing to score.
    pub fn accumulate<D: Labelled + ?Sized>(&mut self, data: &D, batch: &Batch) -> Result<Gradient, Error> {
        let mut gradient = Gradient::zeros(&self.model);
        self.share(data, batch, 0..self.groups(data, batch))?.add_to(&mut gradient)?;
        Ok(gradient)
    }

    /// The gradients of some groups of a batch, the others being another's. The loss is the mean over the whole batch all
    /// the same.
    ///
    /// # Errors
    /// As [`Trainer::accumulate`], or if there are no such groups.
    pub fn share<D: Labelled + ?Sized>(
        &mut self,
        data: &D,
        batch: &Batch,
        groups: Range<usize>,
    ) -> Result<Share<'_>, Error> {
        self.check()?;
        check_rows(&self.model, data, &batch.rows)?;
        if let Some(StreamWindow { start, steps, .. }) = batch.window {
            check_streams(&self.model, data, steps)?;
            if let Some(&row) = batch.rows.iter().find(|&&row| data.length(row as usize) <= start) {
                let found = format!("of {} steps", data.length(row as usize));
                return Err(Error::setting("a stream", found, format!("longer, for the window begins at {start}")));
            }
            if let Some(carried) = &self.carried {
                carried.check("the states that streams carry", self.model.stack(), data.len())?;
            }
        }
        let all = self.groups(data, batch);
        if groups.start > groups.end || groups.end > all {
            return Err(Error::setting("groups", format!("{groups:?}"), format!("some of 0..{all}")));
        }
        self.prepare(batch.steps(data), self.rows_of(data, batch), Some(groups))?;
        self.work(data, batch);
        Ok(Share { trainer: self, window: batch.window, streams: data.len() })
    }

    /// A step of the optimizer by a gradient: of [`Trainer::accumulate`], or the sum of everybody's [`Share`].
    ///
    /// # Errors
    /// If it is of a model of another size, groups are missing in it, or its loss or norm is not finite: the weights are
    /// then the last ones whose loss was finite.
    pub fn apply(&mut self, gradient: &Gradient) -> Result<Step, Error> {
        self.check()?;
        gradient.check(&self.model)?;
        let Ledger { score, groups, of, ends } = &gradient.ledger;
        if groups != of {
            let found = format!("of the first {groups} of {of} groups");
            return Err(Error::setting("the gradient", found, format!("one of all {of}")));
        }
        ends.check(self.model.stack())?;
        self.prepare_sum()?;
        if ends.streams > 0 {
            if ends.fresh {
                self.carried = None;
            }
            let state = self.carried.get_or_insert_with(|| State::zeros(self.model.stack(), ends.streams));
            state.check("the states that streams carry", self.model.stack(), ends.streams)?;
            ends.restore(state);
        }
        let squares = self.take_sum(&gradient.flat);
        self.finish(*score, squares)
    }
}
