//! A network with a head: what it answers, in training and after it, and its file.

pub(crate) mod attention;
pub(crate) mod checks;
pub(crate) mod classifier;
pub(crate) mod confusion;
pub(crate) mod ends;
pub(crate) mod ensemble;
pub(crate) mod fingerprint;
pub(crate) mod head;
pub(crate) mod head_tile;
pub(crate) mod heard;
pub(crate) mod logits;
pub(crate) mod mean;
pub(crate) mod meaning;
#[expect(clippy::module_inception, reason = "the room has the name of what stands in its middle")]
pub(crate) mod model;
pub(crate) mod numbered;
pub(crate) mod pooled;
pub(crate) mod predictor;
pub(crate) mod regressor;
pub(crate) mod stream;
pub(crate) mod stream_state;
pub(crate) mod workers;
