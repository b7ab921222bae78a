//! A model as it is served: what it is and what answers for it, where it lies, and its engine.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use elman::{Ensemble, StreamState};

use crate::answering::Answering;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::figures::Figures;
use crate::settings::Settings;

/// Reads a model's file, or the folder that it lies in; what is wrong with it in words.
pub type Load = Arc<dyn Fn(&Path) -> Result<Ensemble, String> + Send + Sync>;

/// What tells a file from the one that stood there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// Of a model's file, or the one in a run's folder; None where there is none.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let file = if path.is_dir() { path.join("model.safetensors") } else { path.to_path_buf() };
        let data = file.metadata().ok()?;
        Some(Stamp { bytes: data.len(), modified: data.modified().ok() })
    }
}

/// A model that is served under a name.
pub(crate) struct Served {
    answering: Answering,
    pub(crate) path: PathBuf,
    pub(crate) stamp: Option<Stamp>,
    /// Steps its streams, if it has any.
    engine: Option<Engine>,
}

impl Deref for Served {
    type Target = Answering;

    fn deref(&self) -> &Answering {
        &self.answering
    }
}

impl Served {
    pub(crate) fn load(
        name: &str,
        path: &Path,
        load: &Load,
        settings: &Settings,
        figures: &Arc<Figures>,
    ) -> Result<Self, String> {
        let stamp = Stamp::of(path);
        let mut answering = Answering::new(name, load(path)?)?;
        let engine = match &answering.stream {
            Ok(_) => Some(Engine::new(&answering.model, settings.threads, settings.max_waiting, figures)),
            Err(_) => None,
        };
        let engine = engine.transpose().unwrap_or_else(|error| {
            answering.stream = Err(error.to_string());
            None
        });
        Ok(Served { answering, path: path.into(), stamp, engine })
    }

    /// What steps it.
    ///
    /// # Errors
    /// If it has no streams: why.
    pub(crate) fn engine(&self) -> Result<&Engine, Failure> {
        self.stream()?;
        self.engine.as_ref().ok_or_else(|| Failure::broken("a model with streams and nothing that steps them"))
    }

    /// The state before the first step.
    ///
    /// # Errors
    /// If it has no streams: why.
    pub(crate) fn start(&self) -> Result<StreamState, Failure> {
        Ok(self.stream()?.state())
    }

    /// Refuses a state that no stream of it goes on from.
    ///
    /// # Errors
    /// If it is of another model, of several rows, or not finite.
    pub(crate) fn check_state(&self, state: &StreamState) -> Result<(), Failure> {
        Ok(self.stream()?.clone().set_state(state)?)
    }

    /// Steps that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.engine.as_ref().map_or(0, Engine::waiting)
    }
}
