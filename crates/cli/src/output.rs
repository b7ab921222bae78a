//! Results on standard output; progress and remarks on standard error.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};
use elman::Evaluation;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use crate::args::OutputArgs;
use crate::progress::Progress;

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

/// A path as a word of a shell's line, to be copied out of a message.
pub(crate) fn shell_word(path: &Path) -> String {
    // A name that begins as a flag does is one all the same behind its folder.
    let here =
        if path.as_os_str().as_encoded_bytes().starts_with(b"-") { Path::new(".").join(path) } else { path.into() };
    let word = here.display().to_string();
    let separator = std::path::MAIN_SEPARATOR;
    if word.chars().all(|c| c.is_alphanumeric() || c == separator || "/._-+:,@%".contains(c)) && !word.is_empty() {
        return word;
    }
    if cfg!(windows) { format!("\"{word}\"") } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Where a command speaks.
pub(crate) struct Output {
    /// JSON lines instead of text.
    pub(crate) json: bool,
    quiet: bool,
    /// Whoever read standard output has gone.
    closed: bool,
}

impl Output {
    pub(crate) fn new(args: OutputArgs) -> Self {
        Output { json: args.json, quiet: args.quiet, closed: false }
    }

    /// A result: a line of text, or the object.
    pub(crate) fn result(&mut self, text: impl std::fmt::Display, object: &impl Serialize) -> anyhow::Result<()> {
        self.verbatim(harmless(&text.to_string()), object)
    }

    /// The same for a text that is the result itself, whatever characters it has.
    pub(crate) fn verbatim(&mut self, text: impl std::fmt::Display, object: &impl Serialize) -> anyhow::Result<()> {
        let line = if self.json { serde_json::to_string(object)? } else { text.to_string() };
        self.line(&line)
    }

    /// A line of standard output. When its reader has gone (`elman … | head`), the work goes on: what is written to
    /// files must be whole.
    pub(crate) fn line(&mut self, line: &str) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.closed = true,
            written => written.context("cannot write to standard output")?,
        }
        Ok(())
    }

    /// A remark on standard error.
    pub(crate) fn remark(&self, text: &str) {
        if !self.quiet {
            // A remark that cannot be made is no reason to stop.
            let _ = writeln!(io::stderr(), "{}", harmless(text));
        }
    }

    /// What may make a result wrong or useless, and what to do about it: a line of standard error, unless that
    /// is to be quiet, and with `--json` an event in any case.
    pub(crate) fn warn(&mut self, text: &str) -> anyhow::Result<()> {
        self.remark(&format!("warning: {text}"));
        if !self.json {
            return Ok(());
        }
        self.line(&json!({"event": "warning", "text": text}).to_string())
    }

    /// The bar of a training of `total` steps; hidden where standard error is no terminal.
    pub(crate) fn progress(&self, total: u64) -> Progress {
        if self.quiet || !io::stderr().is_terminal() { Progress::hidden() } else { Progress::new(total) }
    }

    /// A bar of `total` steps; hidden where standard error is no terminal.
    pub(crate) fn bar(&self, total: u64) -> ProgressBar {
        if self.quiet || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:12}] {pos}/{len} {msg} eta {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar
    }
}

/// An epoch's line: the tutorial's, and behind it the figures of the validation part, where there is one.
pub(crate) fn with_validation(epoch: &elman::Epoch, validation: Option<&Evaluation>) -> String {
    match validation {
        Some(of) => format!("{epoch}, Validation Loss: {:.3}, Validation Acc: {:.3}", of.loss, of.accuracy),
        None => epoch.to_string(),
    }
}

/// The figures of a test, as `--json` prints them and a run's folder keeps them.
pub(crate) fn test_figures(test: &Evaluation) -> serde_json::Value {
    json!({
        "event": "test", "loss": test.loss, "accuracy": test.accuracy, "correct": test.correct, "rows": test.rows,
    })
}

/// The test line, in the tutorial's form; an error where the loss is not finite, with what that means.
pub(crate) fn report(output: &mut Output, test: &Evaluation, not_finite: &str) -> anyhow::Result<()> {
    let object = test_figures(test);
    output.result(format_args!("Test Loss: {:.3}, Test Acc: {:.3}", test.loss, test.accuracy), &object)?;
    if !test.loss.is_finite() {
        bail!("the test loss is {}: {not_finite}", test.loss);
    }
    Ok(())
}

/// Things by their names: `3 series: "a", "b", "c"`. Of many the first few alone, so that a line stays one.
pub(crate) fn counted(one: &str, many: &str, names: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    let count = names.len();
    let shown: Vec<String> = names.take(SHOWN).collect();
    let rest = if count > SHOWN { format!(" and {} more", thousands((count - SHOWN) as u64)) } else { String::new() };
    format!("{} {}: {}{rest}", thousands(count as u64), if count == 1 { one } else { many }, shown.join(", "))
}

/// 12345678 as 12,345,678.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes as `1.5 MB`, in powers of ten.
pub(crate) fn bytes(count: usize) -> String {
    let count = count as f64;
    match count {
        ..1e3 => format!("{count} bytes"),
        ..1e6 => format!("{:.1} kB", count / 1e3),
        ..1e9 => format!("{:.1} MB", count / 1e6),
        _ => format!("{:.1} GB", count / 1e9),
    }
}

/// `12.3 s`
pub(crate) fn seconds(time: f64) -> String {
    format!("{time:.1} s")
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

    #[test]
    #[cfg(unix)]
    fn a_path_is_one_word_of_a_shell() {
        let words = ["runs/mnist-rnn-1", "läufe/1", "my run", "it's", "a;b", "=a", "-x", ""];
        let shown = ["runs/mnist-rnn-1", "läufe/1", "'my run'", r"'it'\''s'", "'a;b'", "'=a'", "./-x", "''"];
        assert_eq!(words.map(|word| shell_word(Path::new(word))), shown);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1234567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([999, 1500, 25_000_000].map(bytes), ["999 bytes", "1.5 kB", "25.0 MB"]);
    }
}
