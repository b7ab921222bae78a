//! What a server counts, for Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// What tells requests apart.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Asked {
    /// The path, with names in place of what stands there.
    pub(crate) path: String,
    pub(crate) method: String,
    pub(crate) status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Path {
    path: String,
}

/// What a server counts.
pub(crate) struct Figures {
    registry: Registry,
    requests: Family<Asked, Counter>,
    seconds: Family<Path, Histogram, fn() -> Histogram>,
    steps: Counter,
    batches: Histogram,
    made: Counter,
    ended: Counter,
    /// Sessions now.
    pub(crate) sessions: Gauge,
    /// Bytes of their states.
    pub(crate) bytes: Gauge,
    /// Steps that wait.
    pub(crate) waiting: Gauge,
    /// Connections now.
    pub(crate) connections: Gauge,
    /// When states were last written, in seconds since 1970.
    pub(crate) written: Gauge<f64, AtomicU64>,
}

impl Figures {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("elman");
        let latency: fn() -> Histogram = || Histogram::new(exponential_buckets(0.0001, 2.0, 18));
        let figures = Figures {
            registry: Registry::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(latency),
            steps: Counter::default(),
            batches: Histogram::new(exponential_buckets(1.0, 2.0, 6)),
            made: Counter::default(),
            ended: Counter::default(),
            sessions: Gauge::default(),
            bytes: Gauge::default(),
            waiting: Gauge::default(),
            connections: Gauge::default(),
            written: Gauge::default(),
        };
        registry.register("requests", "Requests that were answered", figures.requests.clone());
        let help = "From a request's head to the head of its answer";
        registry.register_with_unit("request_duration", help, Unit::Seconds, figures.seconds.clone());
        registry.register("steps", "Steps of sessions that were computed", figures.steps.clone());
        registry.register("batch_rows", "Sessions that were stepped at once", figures.batches.clone());
        registry.register("sessions_made", "Sessions that were made", figures.made.clone());
        registry.register("sessions_idle_ended", "Sessions that ended for want of use", figures.ended.clone());
        registry.register("sessions", "Sessions now", figures.sessions.clone());
        registry.register_with_unit("session_states", "Size of their states", Unit::Bytes, figures.bytes.clone());
        registry.register("steps_waiting", "Requests for steps that wait now", figures.waiting.clone());
        registry.register("connections", "Connections now", figures.connections.clone());
        let help = "When states were last written, since 1970";
        registry.register_with_unit("states_written_time", help, Unit::Seconds, figures.written.clone());
        Figures { registry, ..figures }
    }

    pub(crate) fn request(&self, asked: Asked, took: Duration) {
        let path = Path { path: asked.path.clone() };
        self.seconds.get_or_create(&path).observe(took.as_secs_f64());
        self.requests.get_or_create(&asked).inc();
    }

    pub(crate) fn batch(&self, rows: usize) {
        self.batches.observe(rows as f64);
    }

    pub(crate) fn steps(&self, steps: usize) {
        self.steps.inc_by(steps as u64);
    }

    pub(crate) fn session_made(&self) {
        self.made.inc();
    }

    pub(crate) fn sessions_ended(&self, count: usize) {
        self.ended.inc_by(count as u64);
    }

    /// In OpenMetrics' text, which Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
