//! Results on standard output; progress and remarks on standard error.

pub(crate) mod progress;

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use self::progress::Progress;
use crate::flags::output::OutputArgs;
use crate::ranks;
use crate::shown::names::harmless;

/// Where a command speaks.
pub(crate) struct Output {
    /// JSON lines instead of text.
    pub(crate) json: bool,
    quiet: bool,
    /// Whether no bar is shown.
    barless: bool,
    /// Whether results are printed as JSON alone: those of one of several runs.
    muted: bool,
    /// Whoever read standard output has gone.
    closed: bool,
}

impl Output {
    pub(crate) fn new(args: OutputArgs) -> Self {
        // Of several ranks the first speaks.
        let silent = ranks::is_silent();
        let quiet = args.quiet || silent;
        Output { json: args.json && !silent, quiet, barless: quiet, muted: silent, closed: silent }
    }

    /// For one of several runs: its results as events alone, and its remarks where it is the first.
    pub(crate) fn of_part(&self, first: bool) -> Self {
        Output { muted: true, quiet: self.quiet || !first, ..*self }
    }

    /// For one that is tried: nothing of it is said.
    pub(crate) fn silent(&self) -> Self {
        Output { json: false, quiet: true, barless: true, muted: true, closed: self.closed }
    }

    /// A result: a line of text, or the object.
    pub(crate) fn result(&mut self, text: impl std::fmt::Display, object: &impl Serialize) -> anyhow::Result<()> {
        self.verbatim(harmless(&text.to_string()), object)
    }

    /// The same for a text that is the result itself, whatever characters it has.
    pub(crate) fn verbatim(&mut self, text: impl std::fmt::Display, object: &impl Serialize) -> anyhow::Result<()> {
        if self.muted && !self.json {
            return Ok(());
        }
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
        if self.barless || !io::stderr().is_terminal() { Progress::hidden() } else { Progress::new(total) }
    }

    /// A bar of `total` steps; hidden where standard error is no terminal.
    pub(crate) fn bar(&self, total: u64) -> ProgressBar {
        if self.barless || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:12}] {pos}/{len} {msg} eta {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar
    }
}

/// On standard error, however quiet the command is to be: something is broken.
pub(crate) fn warn_always(text: &str) {
    if ranks::is_silent() {
        return;
    }
    // Whatever is wrong with standard error, there is nobody left to tell.
    let _ = writeln!(io::stderr(), "warning: {}", harmless(text));
}
