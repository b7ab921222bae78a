//! The progress bar: one line, as wide as the terminal and never wider. A line that wraps is drawn again below itself.

use std::time::Duration;

use console::{Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bar within its brackets is not narrower; where there is less room there is none.
const BAR_MIN: usize = 6;

/// A bar of so many steps, on standard error.
pub(crate) struct Progress {
    bar: ProgressBar,
    total: u64,
}

/// What the line says.
pub(crate) struct Report<'a> {
    pub(crate) step: u64,
    pub(crate) epoch: u64,
    pub(crate) epochs: u64,
    /// As `loss 0.123`.
    pub(crate) loss: String,
    /// As `acc 0.950`; empty where there is none.
    pub(crate) accuracy: String,
    /// As `12,345 sequences/s`.
    pub(crate) rate: &'a str,
}

impl Progress {
    pub(crate) fn hidden() -> Self {
        Progress { bar: ProgressBar::hidden(), total: 0 }
    }

    pub(crate) fn new(total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
        // What is wider than the terminal, which may just have changed, is cut off.
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        Progress { bar, total }
    }

    pub(crate) fn show(&self, report: &Report) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(report.step);
        let width = Term::stderr().size_checked().map_or(80, |(_, columns)| usize::from(columns));
        self.bar.set_message(line(width, report, self.total, self.bar.eta()));
    }

    /// Writes something else, with the bar out of the way.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// The line for a terminal of so many columns. What there is no room for is left out, the least important first; what is
/// left over is the bar's.
fn line(width: usize, report: &Report, total: u64, eta: Duration) -> String {
    // Some terminals wrap after their last column.
    let room = width.saturating_sub(1);
    let parts = [
        (0, format!("epoch {}/{}", report.epoch, report.epochs)),
        (5, format!("{}/{total}", report.step)),
        (2, report.loss.clone()),
        (3, report.accuracy.clone()),
        (4, report.rate.to_owned()),
        (1, format!("eta {}", short(eta))),
    ];
    let text = |least: i32| {
        let kept = parts.iter().filter(|(order, part)| *order <= least && !part.is_empty());
        kept.map(|(_, part)| part.as_str()).collect::<Vec<_>>()
    };
    let wide = |parts: &[&str]| parts.iter().map(|part| measure_text_width(part) + 1).sum::<usize>().saturating_sub(1);
    let bar = BAR_MIN + 3;
    let fits = |reserved: usize| (0..=5).rev().map(text).find(|parts| wide(parts) + reserved <= room);
    // All of it with a bar, or as much as there is room for; the bar goes before the rate.
    let (mut parts, with_bar) = match fits(bar) {
        Some(parts) if parts.len() > 2 => (parts, true),
        _ => (fits(0).unwrap_or_else(|| text(0)), false),
    };
    let bar = room.saturating_sub(wide(&parts) + 3);
    let bar = with_bar.then(|| drawn(bar, report.step, total));
    if let Some(bar) = &bar {
        parts.insert(1, bar);
    }
    let mut line = parts.join(" ");
    if measure_text_width(&line) > room {
        line = line.chars().take(room).collect();
    }
    line
}

/// `[===>  ]`
fn drawn(inner: usize, step: u64, total: u64) -> String {
    let part = if total == 0 { 1.0 } else { (step as f64 / total as f64).min(1.0) };
    let full = (part * inner as f64) as usize;
    let head = if full < inner { ">" } else { "" };
    format!("[{}{head}{}]", "=".repeat(full), " ".repeat(inner - full - head.len()))
}

/// `12s`, `3m 05s`, `2h 10m`
fn short(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: Report = Report {
        step: 2145,
        epoch: 5,
        epochs: 10,
        loss: String::new(),
        accuracy: String::new(),
        rate: "12,345 sequences/s",
    };

    fn at(width: usize) -> String {
        let report = Report { loss: "loss 0.123".into(), accuracy: "acc 0.969".into(), ..REPORT };
        line(width, &report, 4290, Duration::from_secs(125))
    }

    #[test]
    fn the_line_is_as_wide_as_the_terminal_and_never_wider() {
        for width in 0..400 {
            assert!(measure_text_width(&at(width)) < width.max(1), "{width}: {}", at(width));
        }
        for width in [80, 100, 200, 399] {
            assert_eq!(measure_text_width(&at(width)), width - 1, "{}", at(width));
        }
    }

    #[test]
    fn what_matters_least_goes_first() {
        assert_eq!(at(40), "epoch 5/10 loss 0.123 eta 2m 05s");
        assert_eq!(at(60), "epoch 5/10 [=======>      ] loss 0.123 acc 0.969 eta 2m 05s");
        assert_eq!(at(200).matches('=').count(), 62);
        assert!(at(200).ends_with("] 2145/4290 loss 0.123 acc 0.969 12,345 sequences/s eta 2m 05s"), "{}", at(200));
        assert_eq!(at(12), "epoch 5/10");
        assert_eq!(at(6), "epoch");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(
            [0, 59, 60, 3599, 3600, 90_000].map(|s| short(Duration::from_secs(s))),
            ["0s", "59s", "1m 00s", "59m 59s", "1h 00m", "25h 00m"]
        );
    }
}
