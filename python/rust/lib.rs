//! The Rust side of the Python package: what `elman/*.py` is built on. Nobody else is meant to import it.
//!
//! Every call that computes lets other threads of Python run meanwhile, and training looks at signals between two steps.

mod arrays;
mod data;
mod datasets;
mod errors;
mod model;
mod network;
mod process;
mod stream;
mod threads;
mod torch;
mod training;

use pyo3::prelude::*;

/// The Rust side of elman.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use crate::data::Data;
    #[pymodule_export]
    use crate::datasets::{mnist_images, vowels};
    #[pymodule_export]
    use crate::errors::Error;
    #[pymodule_export]
    use crate::model::Model;
    #[pymodule_export]
    use crate::network::{Network, Tape};
    #[pymodule_export]
    use crate::stream::Stream;
    #[pymodule_export]
    use crate::threads::{get_num_threads, set_num_threads};
    #[pymodule_export]
    use crate::torch::{TorchLayers, TorchTape};
    #[pymodule_export]
    use crate::training::{Optimizer, Trainer, check_optimizer};
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("isa", elman::active_isa().to_string())
    }
}
