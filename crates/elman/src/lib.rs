//! Recurrent neural networks: cells, training, streams.
//!
//! ```
//! use elman::{Adam, Arrays, Build, Model, Init, Purpose, Random, Rnn, Trainer};
//! use ndarray::{Array1, Array3};
//!
//! # fn main() -> Result<(), elman::Error> {
//! // Is the sum of the sequence above 0?
//! let mut random = Random::new(111, Purpose::Data);
//! let xs = Array3::from_shape_simple_fn((512, 5, 1), || random.uniform(1.0));
//! let labels = Array1::from_iter(xs.outer_iter().map(|x| usize::from(x.sum() > 0.0)));
//! let data = Arrays::new(xs, labels)?;
//!
//! let cell = Rnn::new(1, 16).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
//! let model = Model::new(&cell, 2, Init::Tf, &mut Random::new(111, Purpose::Head))?;
//! let mut trainer = Trainer::new(model, Adam::new(0.01)).batch_size(64);
//! for epoch in trainer.fit(&data)?.epochs(20) {
//!     println!("{}", epoch?);
//! }
//! assert!(trainer.evaluate(&data)?.accuracy > 0.95);
//! # Ok(())
//! # }
//! ```
//!
//! The same seed gives the same bits at any number of threads. A sequence equals its steps, bit for bit.

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod batch_size;
mod check;
mod checkpoint;
mod class_weights;
mod confusion;
mod data;
pub mod diagnose;
mod dynamic_rnn;
mod echo;
mod error;
pub mod exchange;
mod fit;
mod head;
mod head_tile;
mod init;
mod isa;
mod layer;
mod logits;
mod memory;
mod model;
mod network;
mod optimizer;
mod parameters;
mod peak;
mod pooled;
mod predictor;
mod random;
pub mod series;
mod shape;
mod standardize;
mod state;
mod stream;
pub mod text;
mod tile;
mod trainer;
mod workers;

pub use answers::Answers;
pub use batch_size::BatchSize;
pub use check::check_gradient;
pub use checkpoint::Checkpoint;
pub use class_weights::balanced_class_weights;
pub use confusion::{ClassScore, Confusion};
pub use data::{Arrays, Labelled, Sequences};
pub use dynamic_rnn::{DynamicRnn, Gradients, Unrolled};
pub use echo::Echo;
pub use elman_datasets as datasets;
pub use elman_formats as formats;
pub use elman_kernels::{
    Activation, Cell, Engine, GateActivation, Gru, Isa, Lstm, Noise, Nonlinearity, Reset, Rnn, StepDense, StepNorm,
    StepScale, cell, layout,
};
pub use error::Error;
pub use fit::{Epoch, Fit, Step};
pub use head::{Head, Hidden, Link, Predicts, Quantiles, Reads, Values};
pub use init::Init;
pub use isa::{active as active_isa, from_environment as isa_from_environment};
pub use layer::{AnyCell, Embedding, Layer, Merge, Stack};
pub use memory::Memory;
pub use model::{Config, DenseArrays, Model};
pub use network::{Build, Network};
pub use optimizer::{
    Adagrad, Adam, AdamW, Algorithm, Decay, Descent, EarlyStopping, Optimizer, Progress, RmsProp, Rprop, RpropVariant,
    Schedule, Sgd, Span, Verdict,
};
pub use peak::peak_rate;
pub use predictor::{Evaluation, Predictor};
pub use random::{Purpose, Random};
pub use standardize::{LabelledSequences, Missing, StandardizedSequences, Standardizer};
pub use state::{CellState, State};
pub use stream::{Stream, Streams};
pub use trainer::Trainer;
pub use workers::most_probable;

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
}
