//! Fused sequence kernels of recurrent cells: `f32` slices in, `f32` slices out.
//!
//! A batch is cut into tiles of rows ([`tile_rows`]). One call carries a tile through all its steps, forward or
//! backward ([`unroll`]), with everything in the processor's second-level cache. Nothing here allocates while it steps,
//! does I/O, or knows a model. [`reference`](mod@reference) has the same mathematics in plain `f64`: the oracle of the tests.
//!
//! `unsafe` stands in three places: `simd`, the vectors; [`pool`], the threads; `team` with `out`, threads that share a
//! product and its output.

// Outside data is never unwrapped; what an invariant of our own rules out says so beside it. Tests may.
#![deny(clippy::unwrap_used, clippy::expect_used)]

mod activation;
mod aligned;
mod arithmetic;
pub mod cell;
mod dense;
mod engine;
mod gain_and_bias;
mod gru;
mod indrnn;
mod joint;
pub mod layout;
mod lengths;
mod loss;
mod lstm;
mod noise;
mod nonlinearity;
mod norm;
mod optimize;
mod out;
mod panels;
mod pass;
mod peak;
mod pieces;
pub mod pool;
mod product;
mod product_of_pieces;
pub mod reference;
mod rnn;
mod simd;
mod step_dense;
mod step_norm;
mod step_pool;
mod step_scale;
mod sum;
mod team;
pub mod unroll;
mod values;
mod vanishing;
mod vectors;
mod weight_gradient;

pub use activation::{Activation, GateActivation};
pub use aligned::Aligned;
pub use arithmetic::Arithmetic;
pub use cell::{Cell, Noise};
pub use dense::Dense;
pub use engine::Engine;
pub use gru::{Gru, Reset};
pub use indrnn::IndRnn;
pub use loss::{NO_LABEL, Score, in_top_1, pinball, softmax, softmax_cross_entropy};
pub use lstm::Lstm;
pub use noise::draw_mask;
pub use nonlinearity::Nonlinearity;
pub use optimize::{AdagradStep, AdamStep, MOMENTS_MAX, MomentumStep, RmsPropStep, RpropStep, Rule, Shaping, descend};
pub use panels::{odd_stride, padded, panels};
pub use pass::Pass;
pub use peak::{multiply_adds, multiply_pieces};
pub use pool::Pool;
pub use product::Mode;
pub use rnn::Rnn;
pub use simd::{Isa, LANES};
pub use step_dense::StepDense;
pub use step_norm::StepNorm;
pub use step_pool::{Pooling, StepPool};
pub use step_scale::StepScale;
pub use sum::sum_arrays;
pub use team::Team;
pub use unroll::Unroll;
pub use values::{absolute_error, huber_error, sigmoid_cross_entropy, squared_error};
pub use vanishing::{LEAST_GRADIENT, LEAST_STATE, fade};

/// Rows of a tile: a matter of the shapes alone, so that results do not depend on the number of threads. A small
/// network needs more rows to fill a block of the product; a large one reads its weights anew for each tile. A small
/// batch is cut into tiles for several threads.
///
/// `state` is the widest state of the model's cells, `batch` the rows there are.
pub fn tile_rows(state: usize, batch: usize) -> usize {
    let mut rows: usize = match state {
        65..=256 => 16,
        // Weights beyond the third-level cache are read anew for each tile.
        769.. => 64,
        _ => 32,
    };
    let (tiles, least) = match (state, batch) {
        (..=256, ..16) => (2, 4),
        (..=256, _) => (4, 8),
        _ => (2, 16),
    };
    while rows > least && batch < rows.saturating_mul(tiles) {
        rows /= 2;
    }
    rows.min(batch.max(1))
}
