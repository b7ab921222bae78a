//! Training: the loop, the gradient of a batch by many threads, optimizers, checkpoints.

pub(crate) mod batch_size;
pub(crate) mod checkpoint;
pub(crate) mod class_weights;
pub(crate) mod fit;
pub(crate) mod memory;
pub(crate) mod optimizer;
pub(crate) mod trainer;
pub(crate) mod workers;
