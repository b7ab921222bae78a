//! Training: the loop, the gradient of a batch by many threads, optimizers, checkpoints.

pub(crate) mod batch;
pub(crate) mod batch_size;
pub(crate) mod checkpoint;
pub(crate) mod class_weights;
pub(crate) mod course;
pub(crate) mod fit;
pub(crate) mod gradient_sum;
pub(crate) mod memory;
pub(crate) mod optimizer;
pub(crate) mod peers;
pub(crate) mod shared_gradient;
pub(crate) mod step;
pub(crate) mod trainer;
