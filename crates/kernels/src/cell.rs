//! What a recurrent cell is: one step in time forward, and one step back.
//!
//! T steps, R rows of a tile, I input, P output, M memory. Pp and Mp are P and M rounded up to whole vectors of 16.
//!
//! A cell reads x_t `[I]` and its state, and writes the next state. The state is the output h `[P]`, and for some cells
//! a memory c `[M]` beside it. [`Unroll`](crate::Unroll) does the rest for every cell: lengths, initial states, masks,
//! the way back through time. What is too small to count becomes 0: in a cell here a state, a sum of products and a
//! gradient (`vanishing.rs`), around every cell its inputs and initial states. A cell of one's own whose state decays
//! does well to do the same with [`fade`](crate::fade). One call handles one step of all rows that run it, so what a cell decides by its options
//! is decided outside the loops over rows and units.

use std::fmt;
use std::ops::Range;

use crate::engine::Engine;
use crate::layout::{Layout, Transpose};

/// Rows of floats, `stride` from one to the next.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// From the first float of row 0 on.
    pub data: &'a [f32],
    /// From a row to the next.
    pub stride: usize,
    /// Floats of a row that mean something.
    pub width: usize,
}

impl Rows<'_> {
    /// Row `row`.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.stride..][..self.width]
    }
}

/// Rows of floats to be written.
#[derive(Debug)]
pub struct RowsMut<'a> {
    /// From the first float of row 0 on.
    pub data: &'a mut [f32],
    /// From a row to the next.
    pub stride: usize,
    /// Floats of a row that mean something.
    pub width: usize,
}

impl RowsMut<'_> {
    /// Row `row`.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [f32] {
        &mut self.data[row * self.stride..][..self.width]
    }

    /// The same for a shorter time.
    pub fn again(&mut self) -> RowsMut<'_> {
        RowsMut { data: self.data, stride: self.stride, width: self.width }
    }

    /// To be read.
    pub fn as_rows(&self) -> Rows<'_> {
        Rows { data: self.data, stride: self.stride, width: self.width }
    }
}

/// A bit for each unit of each row, sixteen to a word: set where the unit is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bits<'a> {
    /// [R, words]
    pub words: &'a [u16],
    /// Words of a row.
    pub stride: usize,
}

impl Bits<'_> {
    /// The words of row `row`.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &[u16] {
        &self.words[row * self.stride..][..self.stride]
    }
}

/// One step forward of the first `rows` rows of a tile.
#[derive(Debug)]
pub struct Forward<'a> {
    /// Rows that run the step.
    pub rows: usize,
    /// The state before is zero: its products may be skipped.
    pub fresh: bool,
    /// [R, I + Pp]: x_t, and beside it the state h_{t-1} as the products read it: with dropout's mask on it.
    pub joint: Rows<'a>,
    /// [R, Pp]: h_{t-1} itself.
    pub previous: Rows<'a>,
    /// [R, Mp]: c_{t-1}
    pub memory: Rows<'a>,
    /// [R, Pp]: h_t, to be written whole, its padding zero.
    pub output: RowsMut<'a>,
    /// [R, Mp]: c_t, to be written whole, its padding zero.
    pub next_memory: RowsMut<'a>,
    /// [R, tape]: whatever the way back needs.
    pub tape: RowsMut<'a>,
    /// Units of the candidate that are kept; those of a mask are scaled by 1 / (1 − p).
    pub candidate: Option<Bits<'a>>,
}

/// One step back of the first `rows` rows of a tile: the inputs of its [`Forward`] and what that wrote.
#[derive(Debug)]
pub struct Backward<'a> {
    /// Rows that run the step.
    pub rows: usize,
    /// The state before is zero.
    pub fresh: bool,
    /// As in [`Forward`].
    pub joint: Rows<'a>,
    /// As in [`Forward`].
    pub previous: Rows<'a>,
    /// As in [`Forward`].
    pub memory: Rows<'a>,
    /// [R, Pp]: h_t as the cell wrote it.
    pub output: Rows<'a>,
    /// [R, tape]: may be overwritten; [`Cell::accumulate`] reads it afterwards.
    pub tape: RowsMut<'a>,
    /// As in [`Forward`].
    pub candidate: Option<Bits<'a>>,
    /// [R, Pp]: the gradient by h_t. A cell that [`keeps`](Cell::keeps_state) leaves the gradient by `previous` here.
    pub d_output: RowsMut<'a>,
    /// [R, Pp]: to be written with the gradient by the state in `joint`, its padding zero. None: not asked for.
    pub d_joint: Option<RowsMut<'a>>,
    /// [R, Mp]: the gradient by c_t, to be replaced by that by c_{t-1}.
    pub d_memory: RowsMut<'a>,
    /// [R, Ip]: to be written with the gradient by x_t, its padding zero. None: not asked for.
    pub d_input: Option<RowsMut<'a>>,
    /// The gradient by the weights, to be added to; unless [`Cell::accumulate`] does it.
    pub gradient: &'a mut [f32],
}

/// Several steps of a tile, the way back through which is done.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// Rows of the tile.
    pub rows: usize,
    /// Rows that ran each of the steps.
    pub active: &'a [usize],
    /// The state before the first of them is zero.
    pub fresh: bool,
    /// [steps, R, stride]: in each row `1 | x_t | h_{t-1}`.
    pub joint: Rows<'a>,
    /// [steps, R, stride]
    pub tape: Rows<'a>,
}

/// Masks and rates that [`Unroll`](crate::Unroll) applies around any cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Noise {
    /// Part of the state h that is dropped on its way into the products, one mask for all steps of a row: Gal &
    /// Ghahramani (2016), <https://arxiv.org/abs/1512.05287>
    pub recurrent_dropout: f32,
    /// Part of the candidate's units that is dropped at each step: Semeniuta et al. (2016),
    /// <https://arxiv.org/abs/1603.05118>
    pub candidate_dropout: f32,
    /// Part of h that keeps its value of the step before: Krueger et al. (2017), <https://arxiv.org/abs/1606.01305>
    pub zoneout: f32,
    /// The same for the memory c.
    pub memory_zoneout: f32,
}

impl Noise {
    /// Whether training is as evaluation.
    pub fn is_none(&self) -> bool {
        *self == Noise::default()
    }
}

/// A recurrent cell. `forward` defines it; `backward` and `accumulate` are its gradient.
///
/// A cell of one's own needs sizes, a layout, `forward` and `backward`; it then has lengths, stacks, both directions,
/// streams and training as those here.
pub trait Cell: fmt::Debug + Send + Sync {
    /// The name used on the command line and in files.
    fn name(&self) -> &'static str;
    /// I, the floats of an input.
    fn input(&self) -> usize;
    /// P, the floats of h.
    fn output(&self) -> usize;
    /// M, the floats of c; 0 for a cell whose state is its output.
    fn memory(&self) -> usize {
        0
    }
    /// Floats of a row of the tape.
    fn tape(&self) -> usize {
        0
    }
    /// The plain arrays of the cell in its weights.
    fn layout(&self) -> Layout;
    /// What of the weights the backward pass reads transposed: consecutive in `transposed`, those of one group of panels
    /// that share a first entry with their `first_depth` other than 0 following it.
    fn transposes(&self) -> Vec<Transpose> {
        Vec::new()
    }
    /// Rates of the masks around the cell.
    fn noise(&self) -> Noise {
        Noise::default()
    }
    /// Whether a step reads the state. A layer without one, dense or normalising, gives its output as its state, for
    /// whoever reads the last one; no step reads it.
    fn has_state(&self) -> bool {
        true
    }
    /// Those of the weights that training keeps within ±a bound, by where they lie, and the bound.
    fn bounded(&self) -> Option<(Range<usize>, f32)> {
        None
    }
    /// 2·m·n·k of the products of one row's step: forward, back without the gradient by the input, that gradient.
    fn operations(&self) -> [f64; 3] {
        [0.0; 3]
    }
    /// Whether h_{t-1} enters h_t beside the products, as in a GRU: then `backward` leaves its gradient in `d_output`.
    fn keeps_state(&self) -> bool {
        false
    }
    /// One step forward.
    fn forward(&self, engine: Engine<'_>, weights: &[f32], step: Forward<'_>);
    /// One step back. `transposed` holds what [`Cell::transposes`] names.
    fn backward(&self, engine: Engine<'_>, weights: &[f32], transposed: &[f32], step: Backward<'_>);
    /// Adds the gradient by the weights over several steps, where one product over them is faster than one for each.
    fn accumulate(&self, _engine: Engine<'_>, _steps: Steps<'_>, _gradient: &mut [f32]) {}
}

/// Floats of the transposed weights of a cell.
pub fn transposed_len(transposes: &[Transpose]) -> usize {
    transposes.iter().filter(|part| part.first_depth == 0).map(|part| part.panels() * part.panel_len()).sum()
}

/// Fills `transposed` anew from the weights.
///
/// # Panics
/// If it has another length than [`transposed_len`].
pub fn transpose(transposes: &[Transpose], weights: &[f32], transposed: &mut [f32]) {
    for (parts, panel, out) in transposed_panels(transposes, transposed) {
        for part in parts {
            part.fill(weights, panel, out);
        }
    }
}

/// The panels of `transposed`: for each the parts that fill it, its number, and its floats. They may be filled in any
/// order, by any thread.
pub fn transposed_panels<'t, 'a>(
    transposes: &'t [Transpose],
    transposed: &'a mut [f32],
) -> impl Iterator<Item = (&'t [Transpose], usize, &'a mut [f32])> {
    assert_eq!(transposed.len(), transposed_len(transposes), "the transposed weights");
    let mut rest = transposed;
    transposes.chunk_by(|_, next| next.first_depth != 0).flat_map(move |parts| {
        let len = parts[0].panels() * parts[0].panel_len();
        let (now, later) = std::mem::take(&mut rest).split_at_mut(len);
        rest = later;
        now.chunks_exact_mut(parts[0].panel_len()).enumerate().map(move |(panel, out)| (parts, panel, out))
    })
}
