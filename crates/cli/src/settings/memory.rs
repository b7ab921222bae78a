//! Memory: how much there is, and how much a run may take.

use anyhow::bail;
use elman::Error;

use crate::shown::amounts::bytes;

/// `500MB`, `2GiB`, `1000000`: a number of bytes.
pub(crate) fn parse_bytes(text: &str) -> Result<usize, Error> {
    let refuse = || Error::Setting {
        what: "memory_budget",
        found: format!("{text:?}"),
        expected: "a size, such as 500MB, 2GiB or a number of bytes".into(),
    };
    let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let factor = match text.trim()[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(refuse()),
    };
    let number: f64 = digits.parse().map_err(|_| refuse())?;
    if !(number.is_finite() && number > 0.0) {
        return Err(refuse());
    }
    Ok((number * factor) as usize)
}

/// Refuses a network that the machine has no memory for, before the system ends the process without a word.
pub(crate) fn check_memory(needed: usize) -> anyhow::Result<()> {
    if let Some(available) = available_memory()
        && needed > available
    {
        bail!(
            "training needs {} of memory and {} is available; choose smaller sizes or fewer threads",
            bytes(needed),
            bytes(available)
        );
    }
    Ok(())
}

/// What Linux says is available; elsewhere unknown.
fn available_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("500MB", 500_000_000), ("2 GiB", 2 << 30), ("1.5kb", 1500), ("77", 77), ("8MiB", 8 << 20)]
        {
            assert_eq!(parse_bytes(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "MB", "-1MB", "12 parsecs", "nanMB", "0"] {
            let message = parse_bytes(text).unwrap_err().to_string();
            assert!(message.contains("memory_budget") && message.contains("500MB"), "{message}");
        }
    }
}
