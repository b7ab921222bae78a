//! What the test at the end of a run gave.

use std::path::Path;

use anyhow::Context;
use elman::formats::read_file;

use super::names::TEST;

/// The figures that a finished run's test gave; none of a run that has not finished, or of an older one.
///
/// # Errors
/// If they cannot be read, or are not JSON.
pub(crate) fn test_figures(folder: &Path) -> anyhow::Result<Option<serde_json::Value>> {
    /// The most bytes of them; a forecast of a thousand steps has some 300,000.
    const MOST: u64 = 1 << 24;
    let path = folder.join(TEST);
    if !path.exists() {
        return Ok(None);
    }
    let cannot = || format!("cannot read {}", path.display());
    let bytes = read_file(&path, MOST).with_context(cannot)?;
    serde_json::from_slice(&bytes).map(Some).with_context(cannot)
}
