//! The Rust side of the Python package: what `elman/*.py` is built on. Nobody else is meant to import it.
//!
//! Every call that computes lets other threads of Python run meanwhile, and training looks at signals between two steps.

mod arrays;
mod data;
mod datasets;
mod ensemble;
mod errors;
mod exchange;
mod model;
mod network;
mod predictor;
mod process;
mod series;
mod stream;
mod text;
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
    use crate::datasets::{echo_bits, mnist_images, shakespeare, sunspots, vowels};
    #[pymodule_export]
    use crate::ensemble::Ensemble;
    #[pymodule_export]
    use crate::errors::Error;
    #[pymodule_export]
    use crate::exchange::{Way, read_models, write_model};
    #[pymodule_export]
    use crate::model::Model;
    #[pymodule_export]
    use crate::network::{Network, Tape};
    #[pymodule_export]
    use crate::series::{Series, forecast};
    #[pymodule_export]
    use crate::stream::Stream;
    #[pymodule_export]
    use crate::text::{Sampler, encode, vocabulary, vocabulary_len};
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
