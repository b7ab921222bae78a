//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::watch;

use crate::compute::Compute;
use crate::failure::Failure;
use crate::figures::Figures;
use crate::kept::Kept;
use crate::registry::Models;
use crate::sessions::Sessions;
use crate::settings::Settings;

/// What all requests share.
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) models: Models,
    pub(crate) sessions: Sessions,
    pub(crate) compute: Compute,
    pub(crate) figures: Arc<Figures>,
    /// Connections now.
    pub(crate) open: AtomicI64,
    /// True once the server is to end.
    pub(crate) ending: watch::Sender<bool>,
}

/// One of the connections that the server waits for when it ends.
pub(crate) struct Open(Arc<App>);

impl Open {
    pub(crate) fn one_more(app: &Arc<App>) -> Self {
        let before = app.open.fetch_add(1, Ordering::AcqRel);
        app.figures.connections.set(before + 1);
        Open(app.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let before = self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.figures.connections.set(before - 1);
    }
}

impl App {
    /// Refuses what begins something new on a server that ends, or lets nothing begin.
    ///
    /// # Errors
    /// If so.
    pub(crate) fn may_begin(&self) -> Result<(), Failure> {
        if self.settings.read_only {
            return Err(Failure::forbidden("this server is read-only: it has no sessions; use predict"));
        }
        match *self.ending.borrow() {
            true => Err(Failure::busy("the server ends: no new sessions", 5)),
            false => Ok(()),
        }
    }

    /// All sessions, as they are kept.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        let kept = self.sessions.all().into_iter().map(|session| Kept {
            key: session.key.clone(),
            model: session.served.name.clone(),
            state: session.kept(),
        });
        let mut kept: Vec<Kept> = kept.collect();
        kept.sort_by(|one, other| one.key.cmp(&other.key));
        kept
    }
}
