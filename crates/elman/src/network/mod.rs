//! What a network is made of, where its weights lie, and how it runs: a batch of sequences at once, or a step at a time.

pub(crate) mod check_gradient;
pub(crate) mod conv;
pub(crate) mod dynamic_rnn;
pub(crate) mod grid;
pub(crate) mod groups;
pub(crate) mod init;
pub(crate) mod inputs;
pub(crate) mod layer;
#[expect(clippy::module_inception, reason = "the room has the name of what stands in its middle")]
pub(crate) mod network;
pub(crate) mod parameters;
pub(crate) mod passage;
mod rows_of_tiles;
pub(crate) mod shape;
pub(crate) mod state;
pub(crate) mod stream;
pub(crate) mod tape;
pub(crate) mod tile;
pub(crate) mod window;
