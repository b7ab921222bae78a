//! Whether there is anything left to do in a folder.

use std::path::Path;

use super::names::{MODEL, SEVERAL, TEST};
use super::{checkpoints, lock};

/// Whether a run, or a part of one, has finished here.
pub(crate) fn is_finished(folder: &Path) -> bool {
    let ended = folder.join(MODEL).exists() || folder.join(SEVERAL).exists() && folder.join(TEST).exists();
    ended && !lock::is_there(folder) && checkpoints::newest_step(folder).is_none()
}
