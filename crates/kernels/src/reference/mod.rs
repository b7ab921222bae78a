//! The same mathematics as the kernels, in plain `f64` loops: short enough to be read against the equations, and what
//! everything fast is tested against.

mod rnn;

pub use rnn::{RnnGradients, RnnReference};
