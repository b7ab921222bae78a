//! Training to a checkpoint, and on from it.

use elman_formats::Array;
use elman_kernels::Aligned;
use ndarray::Array2;

use super::arrays::{AVERAGE, Arrays, CARRIED, PARAMETERS, PREVIOUS, moment};
use super::exact::Exact;
use super::terms::Terms;
use super::{Checkpoint, Position};
use crate::Error;
use crate::model::model::Model;
use crate::network::state::{CellState, State};
use crate::training::optimizer::DescentState;
use crate::training::trainer::Trainer;

/// Where a call of fit stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its epochs that are done.
    pub(crate) done: u64,
    /// Batches done of the epoch under way.
    pub(crate) batch: u64,
}

impl Trainer {
    /// Training as it stands, for a loop over [`Trainer::train_rows`]; in a loop over [`Fit`](crate::Fit), take the
    /// checkpoint of that.
    pub fn checkpoint(&self) -> Checkpoint<'_> {
        self.capture(Place::default(), self.terms())
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// If it is of another network, optimizer, seed or another setting on which the result hangs, or was taken inside an
    /// epoch, which [`Fit::resume`](crate::Fit::resume) ends. The trainer is then as it was.
    pub fn resume(&mut self, checkpoint: &Checkpoint<'_>) -> Result<(), Error> {
        checkpoint.agree(&self.terms())?;
        if checkpoint.position.batch != 0 {
            let (found, expected) = (format!("{} batches into an epoch", checkpoint.batch()), "Fit::resume");
            return Err(Error::setting("the checkpoint", found, format!("one between epochs; {expected} takes it")));
        }
        self.restore_from(checkpoint).map(|_| ())
    }

    /// All that the next step hangs on.
    pub(crate) fn capture(&self, place: Place, terms: Terms) -> Checkpoint<'_> {
        let state = &self.state;
        let position = Position {
            step: self.step,
            epoch: self.epoch,
            done: place.done,
            batch: place.batch,
            reductions: state.reductions,
            best_loss: Exact(state.best_loss),
            waited: state.waited,
            last_loss: Exact(state.last_loss),
            moments: state.names.iter().map(|&name| name.to_owned()).collect(),
            stopping: None,
            isa: self.isa.to_string(),
            terms: terms.into_iter().map(|(what, term)| (what.to_owned(), term)).collect(),
        };
        Checkpoint { note: None, arrays: Arrays::Live { trainer: self, best: None }, position }
    }

    /// Takes up everything but the place in a call of fit, which it returns.
    pub(crate) fn restore_from(&mut self, checkpoint: &Checkpoint<'_>) -> Result<Place, Error> {
        let position = &checkpoint.position;
        let names = self.descent.algorithm.moments();
        if position.moments != names {
            let expected = format!("one of {names:?}, which the optimizer keeps");
            return Err(Error::setting("the checkpoint", format!("one of {:?}", position.moments), expected));
        }
        // Everything is made before anything is changed.
        let plan = &self.model().plan;
        let parameters = plan.pack(&checkpoint.arrays.of(PARAMETERS))?;
        let previous = Some(checkpoint.arrays.of(PREVIOUS)).filter(|arrays| !arrays.is_empty());
        let previous = previous.map(|arrays| plan.pack(&arrays)).transpose()?;
        let mut state = DescentState::new(&self.descent.algorithm, plan.len);
        for (name, array) in names.iter().zip(&mut state.moments) {
            // Padding keeps what it starts with: a root of 0 would be divided by.
            plan.pack_into(&checkpoint.arrays.of(&moment(name)), array)?;
        }
        let average = Some(checkpoint.arrays.of(AVERAGE)).filter(|arrays| !arrays.is_empty());
        state.average = average.map(|arrays| plan.pack(&arrays)).transpose()?;
        state.reductions = position.reductions;
        state.best_loss = position.best_loss.0;
        state.waited = position.waited;
        state.last_loss = position.last_loss.0;
        let carried = checkpoint.carried(self.model())?;

        self.set_parameters(parameters);
        (self.previous, self.state, self.carried) = (previous, state, carried);
        (self.step, self.epoch) = (position.step, position.epoch);
        Ok(Place { done: position.done, batch: position.batch })
    }

    fn set_parameters(&mut self, parameters: Aligned) {
        let model = self.model_mut();
        model.parameters = parameters;
        model.transpose();
    }
}

impl Checkpoint<'_> {
    /// Refuses carried states of another number of streams.
    pub(crate) fn check_streams(&self, streams: usize) -> Result<(), Error> {
        let shapes = self.arrays.shapes().into_iter().filter(|(name, _)| name.starts_with(CARRIED));
        let mut wrong = shapes.filter(|(_, shape)| shape.first() != Some(&streams));
        wrong.next().map_or(Ok(()), |(name, shape)| Err(Error::shape(name, &shape, &[streams])))
    }

    /// The states of the streams, if any were carried.
    fn carried(&self, model: &Model) -> Result<Option<State>, Error> {
        let mut arrays = self.arrays.of(CARRIED);
        if arrays.is_empty() {
            return Ok(None);
        }
        let mut take = |name: String| {
            let missing = || Error::setting("the checkpoint", format!("without {CARRIED}{name}"), "all states");
            let Array { shape, data } = arrays.remove(&name).ok_or_else(missing)?;
            let [rows, width] = shape[..] else {
                return Err(Error::shape(format!("{CARRIED}{name}"), &shape, &[0, 0]));
            };
            let wrong = |_| Error::shape(format!("{CARRIED}{name}"), &shape, &[rows, width]);
            Array2::from_shape_vec((rows, width), data).map_err(wrong)
        };
        let mut cells = Vec::new();
        for index in 0..model.plan.tracks.len() {
            cells.push(CellState { h: take(format!("{index}.h"))?, c: take(format!("{index}.c"))? });
        }
        // Against the widths alone: an array without a float may claim any number of rows.
        let (state, none) = (State { cells }, State::zeros(model.stack(), 0));
        let rows = state.h().nrows();
        for (found, expected) in state.cells.iter().zip(&none.cells) {
            for (found, expected) in [(&found.h, &expected.h), (&found.c, &expected.c)] {
                if found.dim() != (rows, expected.ncols()) {
                    let what = "a state that the checkpoint carries";
                    return Err(Error::shape(what, found.shape(), &[rows, expected.ncols()]));
                }
            }
        }
        Ok(Some(state))
    }
}
