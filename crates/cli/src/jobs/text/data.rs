//! The text that is read, as tokens.

use std::path::Path;

#[cfg(not(feature = "shakespeare"))]
use anyhow::bail;
use elman::text::{Token, Vocabulary};

use super::settings::{TextSettings, Unit};
use crate::output::Output;
use crate::shown::amounts::thousands;

/// The text, and what its tokens stand for. What in it is seldom meant is said.
pub(super) fn read(settings: &TextSettings, output: &mut Output) -> anyhow::Result<(Vocabulary, Vec<Token>)> {
    match settings.unit {
        Unit::Character => {
            let text = load(settings.data.as_deref())?;
            seldom(&text).iter().try_for_each(|found| output.warn(found))?;
            if let Some(ends) = line_ends(&text) {
                output.remark(&ends);
            }
            let vocabulary = Vocabulary::characters(&text)?;
            let tokens = vocabulary.encode(&text)?;
            Ok((vocabulary, tokens))
        }
        Unit::Byte => Ok((Vocabulary::Bytes, Vocabulary::Bytes.encode_bytes(&load_bytes(settings.data.as_deref())?)?)),
    }
}

/// The text of a file, or the plays in the binary.
///
/// # Errors
/// If it cannot be read or is not UTF-8, or there is no file and the binary was built without the plays.
pub(super) fn load(file: Option<&Path>) -> anyhow::Result<String> {
    match file {
        Some(file) => Ok(elman::datasets::text::read(file)?),
        #[cfg(feature = "shakespeare")]
        None => Ok(elman::datasets::shakespeare::load()?),
        #[cfg(not(feature = "shakespeare"))]
        None => bail!("this binary was built without Shakespeare; name a file with --data"),
    }
}

/// Characters of a text that seldom belong to it, and what to do.
fn seldom(text: &str) -> Vec<String> {
    [
        ('\0', "NUL, U+0000", "if the file is no text, read it with --unit byte"),
        ('\u{feff}', "byte order mark, U+FEFF, inside the text", "files were joined: take the marks out"),
        ('\u{fffd}', "replacement character, U+FFFD", "it stands where another program could not read a character"),
    ]
    .into_iter()
    .filter_map(|(character, name, advice)| {
        let count = text.matches(character).count();
        let line = 1 + text[..text.find(character)?].matches('\n').count();
        let times = if count == 1 { "once".into() } else { format!("{} times", thousands(count as u64)) };
        Some(format!("{name}: {times}, first in line {line}; it is learned as any character; {advice}"))
    })
    .collect()
}

/// How lines end, where some end in two characters.
fn line_ends(text: &str) -> Option<String> {
    let (both, all) = (text.matches("\r\n").count(), text.matches('\n').count());
    (both > 0).then(|| {
        format!(
            "{} of {} lines end in CR LF: both characters are learned, and written in samples",
            thousands(both as u64),
            thousands(all as u64)
        )
    })
}

/// The same as bytes, which need be no text.
pub(super) fn load_bytes(file: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    match file {
        Some(file) => Ok(elman::datasets::text::read_bytes(file)?),
        None => Ok(load(None)?.into_bytes()),
    }
}
