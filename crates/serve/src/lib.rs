//! A server for recurrent models.
//!
//! A recurrent model in service has a state for each user, device or call. Here a session is such a state: it is stepped,
//! taken out as bytes, put back elsewhere, written to the disk. Steps that arrive together are computed together, and each
//! has the bits it has alone.
//!
//! Without the feature `server` there is none: [`Local`] answers the same requests where it is.
//!
//! ```no_run
//! # #[cfg(feature = "server")] {
//! use std::sync::Arc;
//!
//! use elman::Ensemble;
//! use elman_serve::{Settings, serve};
//!
//! let models = vec![("digits".to_owned(), "model.safetensors".into())];
//! let load = Arc::new(|path: &std::path::Path| Ensemble::load(path).map_err(|error| error.to_string()));
//! serve(Settings { models, ..Settings::default() }, load, |notice| eprintln!("{notice:?}"))?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

mod answer;
mod answering;
mod answers;
#[cfg(feature = "server")]
mod api;
#[cfg(feature = "server")]
mod app;
#[cfg(feature = "server")]
mod compute;
#[cfg(feature = "server")]
mod engine;
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "what a server refuses"))]
mod failure;
#[cfg(feature = "server")]
mod figures;
#[cfg(feature = "server")]
mod guard;
#[cfg(feature = "server")]
mod kept;
mod local;
#[cfg(feature = "server")]
mod patience;
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "other forms of a request"))]
mod reading;
#[cfg(feature = "server")]
mod registry;
#[cfg(feature = "server")]
mod served;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod sessions;
#[cfg(feature = "server")]
mod settings;

pub use local::{Local, LocalSession, Refused};
#[cfg(feature = "server")]
pub use served::Load;
#[cfg(feature = "server")]
pub use server::{Error, Notice, router, serve, serve_until};
#[cfg(feature = "server")]
pub use settings::Settings;
