//! What a file's name ends with.

use std::path::Path;

/// Whether a path ends with any of these, in letters of any case.
pub fn ends_with(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    endings.iter().any(|ending| name.ends_with(ending))
}
