//! A line of a text, to say what is wrong with it.

use crate::Error;

#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// What stands for the text in messages.
    pub(crate) origin: &'a str,
    /// From 1.
    pub(crate) number: u64,
}

impl<'a> Line<'a> {
    pub(crate) fn error(self, at: Option<String>, expected: impl Into<String>, found: impl Into<String>) -> Error {
        let (origin, line) = (self.origin.to_owned(), self.number);
        Error::Line { origin, line, at, expected: expected.into(), found: found.into() }
    }

    /// The lines of a text without the blanks around them: those that are not empty and do not begin with `remark`.
    pub(crate) fn of(
        origin: &'a str,
        text: &'a str,
        remark: char,
    ) -> impl Iterator<Item = (Line<'a>, &'a str)> + Clone {
        text.strip_prefix('\u{feff}')
            .unwrap_or(text)
            .lines()
            .zip(1..)
            .map(move |(text, number)| (Line { origin, number }, text.trim()))
            .filter(move |(_, text)| !text.is_empty() && !text.starts_with(remark))
    }
}
