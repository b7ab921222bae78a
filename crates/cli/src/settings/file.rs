//! The text of a configuration, and the job that it names.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use elman::formats::read_file;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The most bytes of a configuration; those that a run writes have some 2,000.
const TEXT_MAX: u64 = 1 << 20;

/// The text of a configuration.
///
/// # Errors
/// If it cannot be read, has more than 1 MiB, or is not in UTF-8; the message says where it is not.
pub(crate) fn text_of(path: &Path) -> anyhow::Result<String> {
    let cannot = || format!("cannot read {}", path.display());
    let bytes = read_file(path, TEXT_MAX).with_context(cannot)?;
    match String::from_utf8(bytes) {
        // UTF-16 without a byte order mark is UTF-8 with NULs, which no TOML has.
        Ok(text) if text.contains('\0') => {
            bail!("{}: it has NUL characters, as UTF-16 has; save it as UTF-8", cannot())
        }
        Ok(text) => Ok(text),
        Err(error) if matches!(error.as_bytes(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) => {
            bail!("{}: it is UTF-16; save it as UTF-8", cannot())
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            bail!("{}: it is not UTF-8: byte {at} begins no character", cannot());
        }
    }
}

/// Reads TOML. In messages, types have the names that people give them.
pub(super) fn from_toml<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    toml::from_str(text).map_err(|error| {
        let shown = error.to_string();
        let shown = shown.trim_end();
        // The lines before the last are the file's own.
        let (quoted, said) = shown.split_at(shown.rfind('\n').map_or(0, |at| at + 1));
        let plain = match said.rsplit_once("expected ") {
            Some((found, "u64" | "usize")) => format!("{found}expected a whole number, 0 or more"),
            Some((found, "f64" | "f32")) => format!("{found}expected a number"),
            _ => said.to_owned(),
        };
        anyhow!("{quoted}{plain}")
    })
}

/// The job that a configuration names.
pub(super) fn job_in(text: &str) -> anyhow::Result<Option<String>> {
    #[derive(Deserialize)]
    struct Named {
        job: Option<String>,
    }
    Ok(from_toml::<Named>(text)?.job)
}

/// The job of a run's configuration.
pub(crate) fn job_of(path: &Path) -> anyhow::Result<String> {
    let text = text_of(path)?;
    let job = job_in(&text).with_context(|| format!("cannot read {}", path.display()))?;
    job.with_context(|| format!("{} names no job; expected a line as: job = \"mnist\"", path.display()))
}
