//! Stopping where the validation loss no longer falls.

use elman_kernels::Aligned;

use crate::{Error, Model};

/// The best model so far by its validation loss, and how long ago it was. It takes as much memory as the parameters.
///
/// ```no_run
/// # use elman::{EarlyStopping, Error, Labelled, Trainer, Decision};
/// # fn train<D: Labelled>(mut trainer: Trainer, training: &D, validation: &D) -> Result<(), Error> {
/// let mut stopping = EarlyStopping::new(3);
/// let mut fit = trainer.fit(training)?.epochs(100);
/// while let Some(epoch) = fit.next() {
///     epoch?;
///     let loss = fit.trainer().evaluate(validation)?.loss;
///     if stopping.seen(loss, fit.trainer().model()) == Decision::Stop {
///         break;
///     }
/// }
/// trainer.restore(&stopping)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    /// Epochs without a better loss after which to stop, at least 1.
    pub patience: u64,
    /// Epochs seen.
    pub epochs: u64,
    /// The best loss and its epoch, from 1; None before the first that is a number.
    pub best: Option<(f64, u64)>,
    /// The parameters of that epoch, in the kernels' order.
    pub(crate) parameters: Aligned,
}

/// What an epoch's loss means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The best so far: its weights were kept.
    Better,
    /// Not better, and there is patience left.
    Wait,
    /// Not better for as many epochs as there is patience.
    Stop,
}

impl EarlyStopping {
    /// Before the first epoch.
    pub fn new(patience: u64) -> Self {
        EarlyStopping { patience, epochs: 0, best: None, parameters: Aligned::default() }
    }

    /// Refuses a patience of 0, which would stop after the first epoch.
    ///
    /// # Errors
    /// If the patience is 0.
    pub fn check(&self) -> Result<(), Error> {
        match self.patience {
            0 => Err(Error::setting("early_stopping", 0, "at least 1")),
            _ => Ok(()),
        }
    }

    /// Takes note of an epoch's validation loss, and of the model's weights where it is the best. NaN never is.
    pub fn seen(&mut self, loss: f64, model: &Model) -> Decision {
        self.epochs += 1;
        if !loss.is_nan() && self.best.is_none_or(|(best, _)| loss < best) {
            self.best = Some((loss, self.epochs));
            if self.parameters.len() == model.parameters.len() {
                self.parameters.copy_from_slice(&model.parameters);
            } else {
                self.parameters = model.parameters.clone();
            }
            return Decision::Better;
        }
        if self.is_over() { Decision::Stop } else { Decision::Wait }
    }

    /// Whether the last epoch was told to be the last.
    pub fn is_over(&self) -> bool {
        let since = self.best.map_or(0, |(_, epoch)| epoch);
        self.epochs - since >= self.patience
    }

    /// Gives the model the best weights; leaves it as it is where there are none.
    ///
    /// # Errors
    /// If the model is of another size than the one seen.
    pub fn restore(&self, model: &mut Model) -> Result<(), Error> {
        if self.best.is_none() {
            return Ok(());
        }
        if self.parameters.len() != model.parameters.len() {
            let what = "the best model, by its parameters,";
            return Err(Error::shape(what, &[self.parameters.len()], &[model.parameters.len()]));
        }
        model.parameters.copy_from_slice(&self.parameters);
        model.transpose();
        Ok(())
    }
}
