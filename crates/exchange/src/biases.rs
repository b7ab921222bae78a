//! Two biases, one of the input and one of the state, become ours: one, as they are only ever added.

use elman_formats::Array;

use super::arrays::{added, beside, columns, is_zero, zeros};
use super::report::Change;

/// Their sum, and what was done: where one is zero throughout, nothing is rounded.
pub(crate) fn summed(from_input: &Array, from_state: &Array) -> (Array, Change) {
    let change = if is_zero(from_input) || is_zero(from_state) { Change::Zeros } else { Change::Added };
    (added(from_input, from_state), change)
}

/// Those of a GRU that resets after the product, `[3 H]` in the order r z n: the sum of all but b_hn, which r scales and
/// which stays apart, `[H]`.
pub(crate) fn but_candidate(from_input: &Array, from_state: &Array) -> (Array, Array, Change) {
    let hidden = from_state.data.len() / 3;
    let gates = beside(&[&columns(from_state, 0, 2 * hidden), &zeros(&[hidden])]);
    let (sum, change) = summed(from_input, &gates);
    (sum, columns(from_state, 2 * hidden, 3 * hidden), change)
}
