//! Whether there is anything left to do in a folder.

use std::path::Path;

use super::names::MODEL;
use super::{checkpoints, lock};

/// Whether a run, or a part of one, has finished here.
pub(crate) fn is_finished(folder: &Path) -> bool {
    !lock::is_there(folder) && checkpoints::newest_step(folder).is_none() && folder.join(MODEL).exists()
}
