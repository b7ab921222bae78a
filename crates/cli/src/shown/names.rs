//! Names, paths and other text of users in a line.

use std::borrow::Cow;

pub(crate) use elman_exchange::files::shell_word;

use super::amounts::thousands;

/// A text for a terminal. Files have names in them, of classes, columns, settings: what would move the cursor or change
/// colours is shown escaped. Lines and tabs stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// A name within a line, which it may not end.
pub(crate) fn one_line(name: &str) -> Cow<'_, str> {
    escaped(name, char::is_control)
}

fn escaped(text: &str, harms: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&harms) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if harms(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Things by their names: `3 series: "a", "b", "c"`. Of many the first few alone, so that a line stays one.
pub(crate) fn counted(one: &str, many: &str, names: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    let count = names.len();
    let shown: Vec<String> = names.take(SHOWN).collect();
    let rest = if count > SHOWN { format!(" and {} more", thousands((count - SHOWN) as u64)) } else { String::new() };
    format!("{} {}: {}{rest}", thousands(count as u64), if count == 1 { one } else { many }, shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_files_move_no_cursor() {
        assert_eq!(harmless("a\tb\nc"), "a\tb\nc");
        assert_eq!(harmless("\u{1b}[2Jé\r"), "\\u{1b}[2Jé\\r");
        assert_eq!(one_line("right\nTest Loss: 0"), "right\\nTest Loss: 0");
    }
}
