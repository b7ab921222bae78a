//! Whether there is anything left to do in a folder.

use std::path::Path;

use super::names::{MODEL, SEVERAL, TEST, TRIALS_TABLE, TUNE};
use super::{checkpoints, lock};

/// Whether a run, or a part of one, has finished here.
pub(crate) fn is_finished(folder: &Path) -> bool {
    let both = |plan: &str, end: &str| folder.join(plan).exists() && folder.join(end).exists();
    let ended = folder.join(MODEL).exists() || both(SEVERAL, TEST) || both(TUNE, TRIALS_TABLE);
    ended && !lock::is_there(folder) && checkpoints::newest_step(folder).is_none()
}
