//! Recurrent neural networks: cells, training, streams.
//!
//! ```
//! use std::sync::Arc;
//!
//! use elman::{Adam, Arrays, Init, Model, Purpose, Random, Rnn, Trainer};
//! use ndarray::{Array1, Array3};
//!
//! # fn main() -> Result<(), elman::Error> {
//! // Is the sum of the sequence above 0?
//! let mut random = Random::new(111, Purpose::Data);
//! let xs = Array3::from_shape_simple_fn((512, 5, 1), || random.uniform(1.0));
//! let labels = Array1::from_iter(xs.outer_iter().map(|x| usize::from(x.sum() > 0.0)));
//! let data = Arrays::classes(xs, labels)?;
//!
//! let model = Model::init(Rnn::new(1, 16), 2, Init::Tf, 111)?;
//! let mut trainer = Trainer::new(model, Adam::new(0.01)).batch_size(64);
//! for epoch in trainer.fit(&data)?.epochs(20) {
//!     println!("{}", epoch?);
//! }
//! assert!(trainer.evaluate(&data)?.accuracy > 0.95);
//!
//! // One number at a time, with an answer after each.
//! let mut stream = Arc::new(trainer.into_model()).stream()?;
//! stream.step(&[0.9]);
//! assert!(stream.step(&[0.8])[1] > 0.5);
//! # Ok(())
//! # }
//! ```
//!
//! The same seed gives the same bits at any number of threads. A sequence equals its steps, bit for bit.

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

mod data;
pub mod diagnose;
mod error;
mod isa;
mod model;
mod network;
mod peak;
mod random;
pub mod series;
pub mod text;
mod training;

pub use data::arrays::{Arrays, Targets};
pub use data::augment::{Augment, Draw};
pub use data::echo::Echo;
pub use data::notation::Notation;
pub use data::parts::{Drawing, part_count};
pub use data::patch::Patch;
pub use data::pieces::EchoPieces;
pub use data::row_scaling::{RowScaling, Standardize, spread_within};
pub use data::sequences::Sequences;
pub use data::standardize::{LabelledSequences, Missing, StandardizedSequences, Standardizer};
pub use data::target::{Labelled, RowClass, RowValues, StepClass, StepValues, Target};
pub use elman_datasets as datasets;
pub use elman_formats as formats;
pub use elman_kernels::{
    Activation, Arithmetic, Cell, Engine, GateActivation, Gru, IndRnn, Isa, Lstm, Noise, Nonlinearity, Pool, Pooling,
    Reset, Rnn, Score, StepDense, StepNorm, StepPool, StepScale, cell, layout,
};
pub use error::Error;
pub use isa::{active as active_isa, from_environment as isa_from_environment};
pub use model::classifier::{Classified, Classifier};
pub use model::confusion::{ClassScore, Confusion};
pub use model::ends::Ends;
pub use model::ensemble::Ensemble;
pub use model::head::{Head, Hidden, Link, Predicts, Quantiles, Reads, ValueLoss, Values};
pub use model::heard::Heard;
pub use model::meaning::{ClassMeaning, Meaning, NumberMeaning, SeriesMeaning};
pub use model::model::{Config, DenseArrays, Model, STEPS_MAX};
pub use model::numbered::NumberedSequences;
pub use model::predictor::{Evaluation, Predictor};
pub use model::regressor::{Regressed, Regressor};
pub use model::stream::Stream;
pub use model::stream_state::StreamState;
pub use model::workers::most_probable;
pub use network::check_gradient::check_gradient;
pub use network::conv::{Conv1d, max_pool_1d, mean_pool_1d};
pub use network::dynamic_rnn::{DynamicRnn, Gradients, Unrolled};
pub use network::init::Init;
pub use network::layer::{AnyCell, Embedding, Layer, Merge, Stack};
pub use network::network::{Build, Network};
pub use network::parameters::prefix as array_prefix;
pub use network::state::{CellState, State};
pub use network::stream::NetworkStream;
pub use network::tape::{Tape, TapeGradients, WayBack};
pub use network::window::{Padding, Window};
pub use peak::{peak_rate, unit_peak_rate};
pub use random::{Purpose, Random};
pub use training::batch::{Batch, StreamWindow};
pub use training::batch_size::BatchSize;
pub use training::checkpoint::Checkpoint;
pub use training::class_weights::balanced_class_weights;
pub use training::course::Course;
pub use training::fit::Fit;
pub use training::memory::Memory;
pub use training::optimizer::{
    Adagrad, Adam, AdamW, Algorithm, Decay, Decision, Descent, EarlyStopping, Optimizer, Progress, RmsProp, Rprop,
    RpropVariant, Schedule, Sgd, Span,
};
pub use training::peers::Peers;
pub use training::shared_gradient::{Gradient, Ledger, Share};
pub use training::step::{Epoch, Step};
pub use training::trainer::Trainer;

/// The examples of the README and of the book's pages are tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/tutorial.md")]
    struct Tutorial;

    #[doc = include_str!("../../../docs/library.md")]
    struct Library;

    #[doc = include_str!("../../../docs/reproducibility.md")]
    struct Reproducibility;

    #[doc = include_str!("../../../docs/tag.md")]
    struct Tag;
}
