//! The loop over a course, with the trainer and the data at hand.

use crate::training::course::Course;
use crate::training::step::{Epoch, Step};
use crate::training::trainer::Trainer;
use crate::{Checkpoint, Error, Labelled};

/// Training under way on a data set: a [`Course`] with the trainer and the data of all its calls.
pub struct Fit<'a, D: ?Sized> {
    trainer: &'a mut Trainer,
    data: &'a D,
    course: Course,
}

impl Trainer {
    /// Trains on a data set, on rows in random order: an iterator over epochs. See [`Course::rows`].
    ///
    /// ```no_run
    /// # fn train(mut trainer: elman::Trainer, data: &elman::Arrays) -> Result<(), elman::Error> {
    /// for epoch in trainer.fit(data)?.epochs(10) {
    ///     println!("{}", epoch?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a setting is out of range, or the data does not fit the model.
    pub fn fit<'a, D: Labelled + ?Sized>(&'a mut self, data: &'a D) -> Result<Fit<'a, D>, Error> {
        let course = Course::rows(self, data)?;
        Ok(Fit { trainer: self, data, course })
    }

    /// Trains on parallel streams, each row of the data one, in windows of so many steps with the state carried. See
    /// [`Course::streams`].
    ///
    /// # Errors
    /// If a setting is out of range, the data does not fit the model, or a layer reads its rows from their ends.
    pub fn fit_streams<'a, D: Labelled + ?Sized>(
        &'a mut self,
        data: &'a D,
        window: usize,
    ) -> Result<Fit<'a, D>, Error> {
        let course = Course::streams(self, data, window)?;
        Ok(Fit { trainer: self, data, course })
    }
}

impl<D: Labelled + ?Sized> Fit<'_, D> {
    /// For so many epochs; 1 without it.
    pub fn epochs(self, epochs: u64) -> Self {
        Fit { course: self.course.epochs(epochs), ..self }
    }

    /// Streams whose windows each start from zero: to see what carrying the state is worth.
    pub fn without_carried_state(self) -> Self {
        Fit { course: self.course.without_carried_state(), ..self }
    }

    /// Batches of an epoch: see [`Course::batches`].
    pub fn batches(&self) -> usize {
        self.course.batches()
    }

    /// The trainer, to look at the model or to evaluate between steps.
    pub fn trainer(&mut self) -> &mut Trainer {
        self.trainer
    }

    /// Trains on the next batch. None when all epochs are done.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite; the weights are then the last ones whose loss was finite.
    pub fn next_step(&mut self) -> Option<Result<Step, Error>> {
        self.course.next(self.trainer, self.data)
    }

    /// Training as it stands between two steps.
    pub fn checkpoint(&self) -> Checkpoint<'_> {
        self.course.checkpoint(self.trainer)
    }

    /// Goes on from a checkpoint of a call like this one: to be called behind [`Fit::epochs`] and
    /// [`Fit::without_carried_state`]. The steps that follow, and the model in the end, are the same as without the break.
    ///
    /// # Errors
    /// If it is of another network, or of settings or data with which the result would be another.
    pub fn resume(self, checkpoint: &Checkpoint<'_>) -> Result<Self, Error> {
        let Fit { trainer, data, course } = self;
        let course = course.resume(trainer, checkpoint)?;
        Ok(Fit { trainer, data, course })
    }
}

/// Epochs.
impl<D: Labelled + ?Sized> Iterator for Fit<'_, D> {
    type Item = Result<Epoch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_step()? {
                Ok(step) if step.batch == step.batches => {
                    return Some(Ok(Epoch { epoch: step.epoch, loss: step.loss, accuracy: step.accuracy }));
                }
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
