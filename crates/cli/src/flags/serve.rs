//! Flags of `elman serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

/// How requests are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// A line of text each
    Text,
    /// A JSON object each
    Json,
}

/// Flags of `serve`.
#[derive(Args, Debug)]
#[command(after_help = "\
Each model has a name: that of its run's folder, or of its file without the ending; NAME=PATH gives another. A model whose file \
changes is loaded anew, and so are all at SIGHUP; sessions keep the one that they began with. SIGTERM and Ctrl-C end the server \
cleanly: what runs is finished, and states are written.

Examples:
  elman serve runs/mnist-rnn-1
  elman serve digits=runs/mnist-lstm-1 runs/text-lstm-1 --states states
  elman serve model.safetensors --listen 0.0.0.0:8080 --token-file token

The page is at http://127.0.0.1:8080/, the API at /openapi.json.")]
pub(crate) struct ServeArgs {
    /// Runs' folders, or model files; NAME=PATH gives one another name
    #[arg(required = true, value_name = "MODEL")]
    pub(crate) models: Vec<String>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Threads that compute [default: the processors there are]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Most sessions at a time
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) max_sessions: usize,
    /// Sessions end when they are not used for so long, as 30s, 10m or 2h
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub(crate) idle: Duration,
    /// Most memory of all sessions, as 512MB or 2GB
    #[arg(long, value_name = "SIZE", default_value = "1GB")]
    pub(crate) memory_budget: String,
    /// Keep the states of sessions in this folder: they go on when another server takes it
    #[arg(long, value_name = "DIR")]
    pub(crate) states: Option<PathBuf>,
    /// How often they are written there
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, requires = "states")]
    pub(crate) write_every: Duration,
    /// Ask each request for the token in this file, as Authorization: Bearer TOKEN
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// No sessions: whole sequences, forecasts and texts only
    #[arg(long, conflicts_with_all = ["states", "max_sessions", "idle", "memory_budget"])]
    pub(crate) read_only: bool,
    /// Answer no request that takes longer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Log each request on standard error
    #[arg(long, value_name = "FORM", value_enum, num_args = 0..=1, default_missing_value = "text", require_equals = true)]
    pub(crate) log: Option<Log>,
}

/// A time: a number and a unit.
fn duration(text: &str) -> Result<Duration, String> {
    let expected =
        || format!("{text:?} is no time; expected a whole number above 0 and a unit, as 500ms, 30s, 10m or 2h");
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(expected)?;
    let (number, unit) = text.split_at(end);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(expected()),
    };
    let number: u64 = number.parse().map_err(|_| expected())?;
    // A century is as good as for ever, and no clock overflows.
    let most = 100 * 366 * 86_400_000u64;
    match number.checked_mul(milliseconds) {
        Some(time) if (1..=most).contains(&time) => Ok(Duration::from_millis(time)),
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_number_and_a_unit() {
        for (text, seconds) in [("500ms", 0.5), ("30s", 30.0), ("10m", 600.0), ("2h", 7200.0), ("1d", 86400.0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs_f64(seconds)));
        }
        for text in ["", "10", "s", "0s", "-1s", "1.5s", "10 m", "10x", "99999999999999999999s", "99999999999d"] {
            assert!(duration(text).is_err_and(|why| why.contains("10m")), "{text}");
        }
    }
}
