//! What a server is told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Models: a name, and the model's file or the folder that it lies in as `model.safetensors`.
    pub models: Vec<(String, PathBuf)>,
    /// Threads that compute.
    pub threads: usize,
    /// Most sessions at a time.
    pub max_sessions: usize,
    /// How long a session lives without being used.
    pub idle: Duration,
    /// Most bytes that the states of all sessions may take.
    pub memory_budget: u64,
    /// Where states are kept, if they are.
    pub states: Option<PathBuf>,
    /// How often they are written there.
    pub write_every: Duration,
    /// What a request has to show, as `Authorization: Bearer …`.
    pub token: Option<String>,
    /// No sessions: whole sequences only.
    pub read_only: bool,
    /// How long a request may take, its body included.
    pub timeout: Duration,
    /// Most bytes of a request's body.
    pub max_body: usize,
    /// Most steps that a request may ask for.
    pub max_steps: usize,
    /// Most requests that wait to be computed; more are told to come again.
    pub max_waiting: usize,
    /// Most connections at a time.
    pub max_connections: usize,
    /// Whether each request is logged, through `tracing`.
    pub log: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            models: Vec::new(),
            threads: 1,
            max_sessions: 100_000,
            idle: Duration::from_secs(600),
            memory_budget: 1 << 30,
            states: None,
            write_every: Duration::from_secs(10),
            token: None,
            read_only: false,
            timeout: Duration::from_secs(30),
            max_body: 16 << 20,
            max_steps: 65_536,
            max_waiting: 16_384,
            max_connections: 16_384,
            log: false,
        }
    }
}
