//! Paths among the settings.

use std::path::Path;

/// The path of the setting `what` absolute, and refused where it is empty or TOML cannot hold it.
pub(crate) fn absolute(what: &'static str, path: Option<&Path>) -> anyhow::Result<Option<std::path::PathBuf>> {
    let Some(path) = path else { return Ok(None) };
    if path.as_os_str().is_empty() {
        let expected = "a file or a folder".into();
        return Err(elman::Error::Setting { what, found: "\"\"".into(), expected }.into());
    }
    if path.to_str().is_none() {
        let expected = "a path in Unicode, for it is kept in config.toml".into();
        return Err(elman::Error::Setting { what, found: path.display().to_string(), expected }.into());
    }
    Ok(Some(std::path::absolute(path)?))
}
