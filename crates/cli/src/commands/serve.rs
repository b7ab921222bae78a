//! `elman serve`: models behind HTTP.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use elman::Ensemble;
use elman_serve::{Notice, Settings};

use crate::flags::serve::{Log, ServeArgs};
use crate::flags::threads::threads;
use crate::flags::wrong::Wrong;
use crate::folder;
use crate::settings::memory::parse_bytes;
use crate::shown::names::harmless;

/// Characters of a token, at least: fewer are guessed.
const TOKEN_MIN: usize = 16;

pub(crate) fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let threads = threads(args.threads)?;
    let token = args.token_file.as_deref().map(token).transpose()?;
    let open = !args.listen.ip().is_loopback() && token.is_none();
    let settings = Settings {
        listen: args.listen,
        models: named(&args.models)?,
        threads,
        max_sessions: args.max_sessions,
        idle: args.idle,
        memory_budget: parse_bytes(&args.memory_budget)? as u64,
        states: args.states,
        write_every: args.write_every,
        token,
        read_only: args.read_only,
        timeout: args.timeout,
        log: args.log.is_some(),
        ..Settings::default()
    };
    match args.log {
        Some(Log::Text) => tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).with_target(false).init(),
        Some(Log::Json) => tracing_subscriber::fmt().json().with_writer(io::stderr).with_target(false).init(),
        None => {}
    }
    let load = |path: &Path| -> Result<Ensemble, String> {
        folder::load_finite_model(path, false).map_err(|error| format!("{error:#}"))
    };
    if open {
        say("warning: whoever reaches this address can use the server; give it --token-file");
    }
    elman_serve::serve(settings, Arc::new(load), |notice| match notice {
        Notice::Listening(address) => say(&format!("listening on http://{address}/")),
        Notice::Said(line) => say(&line),
        _ => {}
    })?;
    Ok(())
}

/// A line of standard error.
fn say(line: &str) {
    // A server goes on when nobody reads what it says.
    let _ = writeln!(io::stderr(), "{}", harmless(line));
}

/// Names and paths of models.
fn named(models: &[String]) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut all: Vec<(String, PathBuf)> = Vec::new();
    for given in models {
        let (name, path) = match given.split_once('=') {
            Some((name, path)) if !Path::new(given).exists() => (name.to_owned(), PathBuf::from(path)),
            _ => (name_of(Path::new(given)), PathBuf::from(given)),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(Wrong::new(format!(
                "a model cannot be called {name:?}; expected letters, digits, dots and dashes: name it, as digits={}",
                path.display()
            ))
            .into());
        }
        if let Some((_, other)) = all.iter().find(|(of, _)| *of == name) {
            return Err(Wrong::new(format!(
                "{} and {} are both called {name}; name one of them, as {name}-2={}",
                other.display(),
                path.display(),
                path.display()
            ))
            .into());
        }
        all.push((name, path));
    }
    Ok(all)
}

/// The name of a run's folder, or of a file without its ending; of a run's own file that of the folder.
fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let of = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if whole.is_dir() {
        return of(&whole);
    }
    match whole.parent() {
        Some(folder) if of(&whole) == folder::MODEL && folder.join(folder::CONFIG).exists() => of(folder),
        _ => whole.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

/// The token of a file: its only line.
fn token(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the token in {}", path.display()))?;
    let token = text.trim_end_matches(['\r', '\n']);
    if token.len() < TOKEN_MIN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!(
            "{} holds no token; expected one line of at least {TOKEN_MIN} visible ASCII characters, as openssl rand -hex 32 makes",
            path.display()
        );
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_one_name_each() {
        let names = |models: &[&str]| {
            let models: Vec<String> = models.iter().map(|&model| model.to_owned()).collect();
            named(&models).map(|all| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["a=x/y.safetensors", "x/b.safetensors"]).unwrap(), ["a", "b"]);
        for bad in [&["a=x", "a=y"][..], &["=x"], &["a b=x"], &["a/b=x"], &["x/ü.safetensors"]] {
            names(bad).unwrap_err();
        }
    }

    #[test]
    fn a_token_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for (content, good) in
            [("0123456789abcdef\n", true), ("0123456789abcdef", true), ("short\n", false), ("", false)]
        {
            fs::write(&path, content).unwrap();
            assert_eq!(token(&path).is_ok(), good, "{content:?}");
        }
        for bad in ["0123456789 abcdef\n", "0123456789abcdef\nmore\n", "0123456789abcdefü"] {
            fs::write(&path, bad).unwrap();
            assert!(token(&path).is_err());
        }
    }
}
