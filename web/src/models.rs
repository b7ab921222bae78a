//! Models that answer: those that were opened, and those in training as they are at the moment.

use std::collections::BTreeMap;
use std::rc::Rc;

use elman::{Ensemble, Stream};
use elman_serve::Local;

use crate::failure::Failure;
use crate::training::Training;

/// A model that was read from a file.
pub(crate) struct Opened {
    pub(crate) ensemble: Ensemble,
    pub(crate) local: Rc<Local>,
}

/// A state of a model, which it keeps whatever becomes of its training.
pub(crate) struct Kept {
    pub(crate) local: Rc<Local>,
    /// Taken out while it steps.
    pub(crate) stream: Option<Stream>,
}

/// A training, with what answered for it last.
pub(crate) struct Trained {
    pub(crate) training: Training,
    answering: Option<(u64, Rc<Local>)>,
}

impl Trained {
    pub(crate) fn new(training: Training) -> Self {
        Trained { training, answering: None }
    }

    /// What answers for its weights as they are now.
    fn local(&mut self, name: &str) -> Result<Rc<Local>, Failure> {
        let version = self.training.version();
        match &self.answering {
            Some((of, local)) if *of == version => Ok(local.clone()),
            _ => {
                let local = Rc::new(Local::new(name, self.training.model().clone().into())?);
                self.answering = Some((version, local.clone()));
                Ok(local)
            }
        }
    }
}

/// All models, by their names.
#[derive(Default)]
pub(crate) struct Models {
    pub(crate) opened: BTreeMap<String, Opened>,
    pub(crate) trained: BTreeMap<String, Trained>,
}

impl Models {
    /// What answers for a model.
    ///
    /// # Errors
    /// If there is none of this name.
    pub(crate) fn local(&mut self, name: &str) -> Result<Rc<Local>, Failure> {
        if let Some(trained) = self.trained.get_mut(name) {
            return trained.local(name);
        }
        self.opened.get(name).map(|opened| opened.local.clone()).ok_or_else(|| unknown(name))
    }

    /// The bytes of a model's file.
    ///
    /// # Errors
    /// If there is none of this name.
    pub(crate) fn save(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let path = "model.safetensors";
        if let Some(trained) = self.trained.get(name) {
            return Ok(trained.training.trainer.averaged().to_bytes(path)?);
        }
        Ok(self.opened.get(name).ok_or_else(|| unknown(name))?.ensemble.to_bytes(path)?)
    }

    /// The training of this name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn training(&mut self, name: &str) -> Result<&mut Training, Failure> {
        let trained = self.trained.get_mut(name).map(|trained| &mut trained.training);
        trained.ok_or_else(|| Failure::unknown(format!("nothing is trained under the name {name:?}")))
    }
}

/// There is none.
pub(crate) fn unknown(name: &str) -> Failure {
    Failure::unknown(format!("there is no model {name:?} here"))
}
