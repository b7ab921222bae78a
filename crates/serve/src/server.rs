//! Connections, from the first to a clean end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::api;
use crate::app::{App, Open};
use crate::compute::Compute;
use crate::figures::Figures;
use crate::kept::{Kept, Shelf};
use crate::patience::Patient;
use crate::registry::Models;
use crate::served::Load;
use crate::sessions::Sessions;
use crate::settings::Settings;

/// How often files of models are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why a server cannot begin, or ends before it was told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model cannot be loaded.
    #[error("cannot serve {name}: {why}")]
    Model {
        /// The name it was to have.
        name: String,
        /// Why.
        why: String,
    },
    /// Nobody can listen there.
    #[error("cannot listen on {address}: {source}; another server may, choose another port with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The folder of states cannot be used.
    #[error("cannot use {path} for states: {source}")]
    States {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system has no threads, no signals, or no connections left.
    #[error("cannot serve: {0}")]
    System(#[from] io::Error),
}

/// What a server says of itself while it runs, for whoever started it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// It listens there; with port 0 it was given one.
    Listening(SocketAddr),
    /// What is worth a line: models loaded anew, states that were read, why something was left out.
    Said(String),
}

/// Serves until a signal ends it: SIGTERM or SIGINT. What runs is finished, and states are written.
///
/// # Errors
/// [`Error`]; once it listens, only if states cannot be written at the end.
pub fn serve(settings: Settings, load: Load, notice: impl Fn(Notice) + Send + Sync + 'static) -> Result<(), Error> {
    serve_until(settings, load, notice, signalled())
}

/// The same until something else ends it; signals are then somebody else's.
///
/// # Errors
/// As [`serve`].
pub fn serve_until(
    settings: Settings,
    load: Load,
    notice: impl Fn(Notice) + Send + Sync + 'static,
    end: impl Future<Output = ()>,
) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.threads.clamp(1, 64))
        .enable_all()
        .build()?;
    let ended = runtime.block_on(run(settings, load, Arc::new(notice), end));
    // Work that nobody waits for any more may still run; it is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

type Say = Arc<dyn Fn(Notice) + Send + Sync>;

/// The paths of a server without its connections, for a program that has its own: models are loaded once, no session ends for want
/// of use, and nothing is written to the disk.
///
/// # Errors
/// If a model cannot be loaded.
pub fn router(settings: &Settings, load: Load) -> Result<axum::Router, Error> {
    Ok(api::router(&Arc::new(app(settings, load)?)))
}

fn app(settings: &Settings, load: Load) -> Result<App, Error> {
    let figures = Arc::new(Figures::new());
    let models = Models::load(settings, load, &figures).map_err(|(name, why)| Error::Model { name, why })?;
    Ok(App {
        models,
        sessions: Sessions::new(settings.max_sessions, settings.memory_budget, settings.idle, &figures),
        compute: Compute::new(settings.threads, settings.max_waiting),
        figures,
        open: 0.into(),
        ending: watch::Sender::new(false),
        settings: settings.clone(),
    })
}

async fn run(settings: Settings, load: Load, notice: Say, end: impl Future<Output = ()>) -> Result<(), Error> {
    let app = Arc::new(app(&settings, load)?);
    let states = |source| Error::States { path: settings.states.clone().unwrap_or_default(), source };
    let shelf = settings.states.as_deref().map(Shelf::open).transpose().map_err(states)?;
    if let Some(shelf) = &shelf {
        restore(&app, shelf, &notice).map_err(states)?;
    }
    let address = settings.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    notice(Notice::Listening(listener.local_addr()?));
    let shelf = shelf.map(Arc::new);
    let chores = [
        tokio::spawn(look_after_files(app.clone(), notice.clone())),
        tokio::spawn(reap(app.clone())),
        tokio::spawn(write_now_and_then(app.clone(), shelf.clone(), notice.clone())),
    ];
    accept(&app, listener, end).await;
    chores.iter().for_each(tokio::task::JoinHandle::abort);
    for chore in chores {
        // It was broken off, between two files.
        let _ = chore.await;
    }
    if let Some(shelf) = shelf {
        let kept = app.kept();
        shelf.write(&kept).map_err(states)?;
        notice(Notice::Said(format!(
            "{} sessions are written to {}",
            kept.len(),
            settings.states.unwrap_or_default().display()
        )));
    }
    Ok(())
}

/// Sessions of the server before, each from the state that was written last.
fn restore(app: &Arc<App>, shelf: &Shelf, notice: &Say) -> io::Result<()> {
    let kept = shelf.read()?;
    let (all, mut left_out) = (kept.len(), Vec::new());
    for Kept { key, model, state } in kept {
        let made =
            app.models.get(&model).and_then(|served| app.sessions.make_named(key.clone(), &served, Some(state), false));
        if let Err(failure) = made {
            left_out.push(format!("{key}: {}", failure.message));
        }
    }
    if let Some(first) = left_out.first() {
        let aside = shelf.put_aside()?.display().to_string();
        let count = left_out.len();
        notice(Notice::Said(format!(
            "{count} of {all} sessions cannot go on and are kept in {aside}, the first: {first}"
        )));
    }
    if all > left_out.len() {
        notice(Notice::Said(format!("{} sessions go on from their last written states", all - left_out.len())));
    }
    Ok(())
}

/// Takes connections until it is to end, and then waits for those that are open.
async fn accept(app: &Arc<App>, listener: TcpListener, end: impl Future<Output = ()>) {
    let settings = &app.settings;
    let service = TowerToHyperService::new(api::router(app));
    let places = Arc::new(Semaphore::new(settings.max_connections));
    tokio::pin!(end);
    loop {
        // A place first: who comes when all are taken waits in the system's own queue, which has an end.
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut end => break,
            next = next => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // No descriptors are left, or the client has gone: others may have better luck in a moment.
                if app.settings.log {
                    tracing::warn!(%error, "accept");
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        // An answer of one step is one packet; it is not held back for more.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.timeout)
            .max_headers(64)
            .max_buf_size(64 << 10)
            .serve_connection(TokioIo::new(Patient::new(stream, settings.timeout)), service.clone())
            .with_upgrades();
        let open = Open::one_more(app);
        let mut ending = app.ending.subscribe();
        tokio::spawn(async move {
            let _held = (open, place);
            tokio::pin!(connection);
            // Whatever goes wrong with a connection, its client is not there to be told.
            tokio::select! {
                _ = connection.as_mut() => return,
                () = until(&mut ending) => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
    }
    drop(listener);
    app.ending.send_replace(true);
    let all_gone = async {
        while app.open.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Who has not gone by then is left behind.
    let _ = tokio::time::timeout(settings.timeout, all_gone).await;
}

/// Until the server is to end.
pub(crate) async fn until(ending: &mut watch::Receiver<bool>) {
    // A sender that is gone ends it too.
    drop(ending.wait_for(|ending| *ending).await);
}

/// Until SIGTERM or SIGINT.
async fn signalled() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
    }
    // Where there are no such signals, Ctrl-C is one.
    let _ = tokio::signal::ctrl_c().await;
}

/// SIGHUP, each time that it comes; never where there is none.
struct Hangups {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    fn new() -> Self {
        Hangups {
            #[cfg(unix)]
            signals: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals {
            signals.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Loads models anew when their files change, or all at a signal.
async fn look_after_files(app: Arc<App>, notice: Say) {
    // One for all rounds: a signal that comes while models are loaded is not lost.
    let mut hangups = Hangups::new();
    loop {
        let force = tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => false,
            () = hangups.next() => true,
        };
        let of = app.clone();
        let said = tokio::task::spawn_blocking(move || of.models.reload(&of.settings, &of.figures, force)).await;
        said.unwrap_or_default().into_iter().for_each(|line| notice(Notice::Said(line)));
    }
}

async fn reap(app: Arc<App>) {
    let every = (app.settings.idle / 10).clamp(Duration::from_millis(100), Duration::from_secs(10));
    loop {
        tokio::time::sleep(every).await;
        app.sessions.reap();
    }
}

async fn write_now_and_then(app: Arc<App>, shelf: Option<Arc<Shelf>>, notice: Say) {
    let Some(shelf) = shelf else { return };
    loop {
        tokio::time::sleep(app.settings.write_every).await;
        let (of, to) = (app.clone(), shelf.clone());
        match tokio::task::spawn_blocking(move || to.write(&of.kept())).await {
            Ok(Ok(())) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                app.figures.written.set(now.as_secs_f64());
            }
            Ok(Err(error)) => notice(Notice::Said(format!("states cannot be written: {error}"))),
            Err(_) => {}
        }
    }
}
