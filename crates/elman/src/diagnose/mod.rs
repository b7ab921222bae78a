//! What a network does with time: how far back it learns, whether its gates move, what its step does to the state.
//!
//! T steps, N steps of the window, B rows, I input, O output, P and M floats of h and c; s = (h, c) is the state of one
//! direction of one layer. L is the loss of a row, a function of its last state or of its last output.
//!
//! Three figures, each on the true data:
//!
//! - ‖∂L/∂s_{T−k}‖ by the lag k ([`Curve`]), for every layer and direction, and ‖∂L/∂x_{T−k}‖ for the inputs. It is a
//!   product of k Jacobians: where their norms stay below 1 it vanishes, where they stay above it may explode.
//!   Bengio et al. (1994), <https://doi.org/10.1109/72.279181>; Pascanu et al. (2013),
//!   <https://proceedings.mlr.press/v28/pascanu13.html>
//! - The gates' saturation ([`Gate`]): where σ and tanh are flat, no gradient passes.
//! - The spectrum of the recurrent matrix ([`Recurrent`]), and, more telling, of the Jacobian ∂s_t/∂s_{t−1}
//!   ([`Transition`]), which has the activations in it.
//!
//! The gradient is exact: each layer is carried back step by step, and a sequence cut into windows of one step is the
//! whole, bit for bit. A layer in two directions is two cells, and each has its own order of steps: the lag of the
//! backward direction is counted from its own last step, the first of the row.

mod curve;
mod eigen;
mod followed;
mod gates;
mod losses;
mod passes;
mod spectrum;
mod stream_gates;
mod track;

use ndarray::{Array2, s};
use serde::Serialize;

pub use curve::{Curve, EXPLODED, Flow, VANISHED};
pub use eigen::{Complex, eigenvalues, largest_singular_value};
pub use elman_kernels::reference::Bound;
pub use followed::Followed;
pub use gates::Gate;
pub use losses::{class_loss_gradient, quantile_loss_gradient, value_loss_gradient};
pub use spectrum::{Recurrent, Transition};
pub use stream_gates::{LayerGate, StreamGates};

use self::gates::Gates;
use self::passes::Row;
use self::spectrum::{Jacobians, recurrent};
use self::track::{Back, Passed, Track, Window, norm, tracks};
use crate::network::layer::{Layer, Merge};
use crate::network::network::Network;
use crate::{Error, Reads, Sequences};

/// Floats that the steps of some rows may take: 256 MB. Rows are worked off in groups that fit.
const FLOATS_MAX: usize = 1 << 26;

/// Most rows of such a group: more are no faster.
const GROUP_MAX: usize = 64;

/// Steps whose gates are computed, over all rows. The reference is plain and slow; more steps hardly move a share.
const GATE_SAMPLES: usize = 4096;

/// All figures of a network on a sample of its data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// Rows whose gradient was followed.
    pub rows: usize,
    /// Rows of the sample without a step, or whose gradient is zero from the start: there is nothing to follow.
    pub skipped: usize,
    /// The greatest number of steps that was looked back over.
    pub steps: usize,
    /// By the inputs, or by the tokens' vectors: relative to the gradient by the last step's input.
    pub inputs: Curve,
    /// One for each direction of each layer, from the input on, the forward direction first.
    pub cells: Vec<CellDiagnosis>,
}

/// The figures of one direction of one layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellDiagnosis {
    /// The layer, from 0.
    pub layer: usize,
    /// Whether it reads rows from their ends.
    pub reversed: bool,
    /// The cell's name.
    pub cell: &'static str,
    /// By its whole state s = (h, c).
    pub state: Curve,
    /// By h, relative to the start of the whole state.
    pub h: Curve,
    /// By c while h is held, relative to the same; for a cell with a memory. It starts with 0: the loss sees h_T alone.
    pub c: Option<Curve>,
    /// Its gates; none for a cell of one's own.
    pub gates: Vec<Gate>,
    /// Steps, of all rows, whose gates were looked at.
    pub gate_samples: u64,
    /// The spectrum of its recurrent matrix, by gates.
    pub recurrent: Vec<Recurrent>,
    /// The Jacobian of its step.
    pub transition: Option<Transition>,
    /// What is missing above, and why.
    pub not_computed: Vec<String>,
}

/// A network that is to be diagnosed.
#[derive(Clone, Debug)]
pub struct Diagnose<'a> {
    /// The network.
    pub network: &'a Network,
    /// What the loss reads: the last states of the last layer, or the last step's output alone.
    pub reads: Reads,
    /// Most steps to look back over; None: all. The steps before are run forward, so the figures stay exact.
    pub steps: Option<usize>,
}

impl<'a> Diagnose<'a> {
    /// Of a network whose loss reads so and so.
    pub fn new(network: &'a Network, reads: Reads) -> Self {
        Diagnose { network, reads, steps: None }
    }

    /// Looking back over `steps` steps at most.
    pub fn steps(self, steps: usize) -> Self {
        Diagnose { steps: Some(steps), ..self }
    }

    /// Follows the gradient of some rows of a data set.
    ///
    /// `gradient(row, read)` is the gradient of the row's loss by `read`: the final states h of the last layer, both
    /// directions side by side, or the output `[O]` of the last step; see [`class_loss_gradient`]. Its length does not
    /// matter: figures are relative, so it is brought to length 1, and a small one does not leave the range of `f32`.
    ///
    /// # Errors
    /// If the loss reads all steps together, two directions become their mean or product, there are no rows or a row is not there, the data does not fit the network, a parameter, an input or a
    /// gradient is not finite, a bidirectional layer is asked to look back over a part of its steps, or `gradient`
    /// fails.
    pub fn run<D: Sequences + ?Sized>(
        &self,
        data: &D,
        rows: &[usize],
        mut gradient: impl FnMut(usize, &[f32]) -> Result<Vec<f64>, Error>,
    ) -> Result<Diagnosis, Error> {
        let network = self.network;
        let asked = rows.len();
        let rows = self.rows(data, rows)?;
        let steps = rows.first().map_or(0, |row| row.steps);
        let most = FLOATS_MAX / self.floats();
        if steps >= most {
            let expected = format!("below {most} for this network; --steps looks back over fewer");
            return Err(Error::setting("the number of steps", steps, expected));
        }
        let tracks = tracks(network)?;
        let pairs = rows.iter().map(|row| row.steps).sum();
        let mut figures: Vec<Figures<'_>> = tracks.iter().map(|track| Figures::new(track, pairs)).collect();
        let mut inputs = Curve::default();
        let mut followed = 0;
        for rows in rows.chunks((most / (steps + 1)).clamp(1, GROUP_MAX)) {
            let window = Window { steps: rows.iter().map(|row| row.steps).collect() };
            let pass = passes::forward(network, &tracks, data, rows, &window)?;
            let read = passes::read(network, &tracks, &pass, self.reads);
            let mut d_read = Array2::zeros(read.dim());
            for ((row, read), to) in rows.iter().zip(read.outer_iter()).zip(d_read.outer_iter_mut()) {
                let d = unit(row.row, read.len(), &gradient(row.row, &read.to_vec())?)?;
                followed += usize::from(d.iter().any(|&d| d != 0.0));
                to.into_iter().zip(d).for_each(|(to, d)| *to = d);
            }
            let (d_inputs, backs) = passes::backward(network, &tracks, &window, &pass, self.reads, d_read.view())?;
            for (figures, (passed, back)) in figures.iter_mut().zip(pass.tracks.iter().zip(&backs)) {
                figures.look(&window, passed)?;
                figures.follow(&window, back);
            }
            for row in 0..rows.len() {
                let at = |place| norm(d_inputs.slice(s![place, row, ..]).iter().copied());
                let norms: Vec<f64> = (window.start(row)..steps.min(window.len())).rev().map(at).collect();
                inputs.add(&norms, norms[0]);
            }
        }
        if followed == 0 {
            return Err(Error::setting(
                "rows with a gradient to follow",
                0,
                "a row with a step and a loss that is not 0",
            ));
        }
        let cells = figures.into_iter().map(Figures::finish).collect();
        Ok(Diagnosis { rows: followed, skipped: asked - followed, steps, inputs, cells })
    }

    /// The rows with a step, the longest first, after all that can be refused at once.
    fn rows<D: Sequences + ?Sized>(&self, data: &D, rows: &[usize]) -> Result<Vec<Row>, Error> {
        let stack = self.network.stack();
        if data.input() != stack.input() {
            return Err(Error::shape("a step of the data", &[data.input()], &[stack.input()]));
        }
        if let Some(&row) = rows.iter().find(|&&row| row >= data.len()) {
            return Err(Error::setting("a row's number", row, format!("below {}", data.len())));
        }
        if rows.is_empty() {
            return Err(Error::setting("rows", 0, "at least 1"));
        }
        let most = self.steps.unwrap_or(usize::MAX);
        if most == 0 {
            return Err(Error::setting("steps", 0, "at least 1"));
        }
        if self.reads.pools() {
            let expected = "the last state or every step: the gradient of all steps at once has no lag";
            return Err(Error::setting("what the head reads", self.reads.describe(), expected));
        }
        for layer in self.network.layers() {
            if layer.window.is_some() {
                let (what, of) = ("a diagnosis", layer.cell.get().name());
                let why = "the layer reads windows of several steps, so a step of the next one has no lag in the data";
                return Err(Error::Unsupported { what, of, why: why.into() });
            }
            if let Some(merge @ (Merge::Average | Merge::Multiply)) = layer.bidirectional {
                let expected = "two directions side by side or added; others are not diagnosed";
                return Err(Error::setting(
                    "the merge of a bidirectional layer",
                    format!("{merge:?}").to_lowercase(),
                    expected,
                ));
            }
        }
        for (name, array) in self.network.arrays() {
            if let Some(&found) = array.data.iter().find(|x| !x.is_finite()) {
                return Err(Error::NotFinite { what: format!("a parameter of {name}"), found: f64::from(found) });
            }
        }
        let row = |&row: &usize| {
            let steps = data.length(row).min(most);
            Row { row, before: data.length(row) - steps, steps }
        };
        let mut rows: Vec<Row> = rows.iter().map(row).filter(|row| row.steps > 0).collect();
        if rows.iter().any(|row| row.before > 0) {
            stack.check_forward("looking back over a part of the steps", "it needs whole sequences")?;
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.steps));
        Ok(rows)
    }

    /// Floats that a step of a row takes: what every layer reads and gives, forward and back.
    fn floats(&self) -> usize {
        let layer = |layer: &Layer| {
            let cell = layer.cell.get();
            layer.directions() * (3 * layer.input() + 4 * cell.output() + 2 * cell.memory()) + 2 * layer.output()
        };
        self.network.layers().iter().map(layer).sum::<usize>().max(1)
    }
}

/// The gradient of a row's loss brought to length 1; zero stays zero.
fn unit(row: usize, expected: usize, d: &[f64]) -> Result<Vec<f32>, Error> {
    if d.len() != expected {
        return Err(Error::shape("the gradient by what the loss reads", &[d.len()], &[expected]));
    }
    // By the largest first: squares of small numbers are zero.
    if let Some(&found) = d.iter().find(|d| !d.is_finite()) {
        return Err(Error::NotFinite { what: format!("the gradient of the loss of row {row}"), found });
    }
    let largest = d.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
    if largest == 0.0 {
        return Ok(vec![0.0; expected]);
    }
    let length = d.iter().map(|d| (d / largest).powi(2)).sum::<f64>().sqrt();
    Ok(d.iter().map(|d| (d / largest / length) as f32).collect())
}

/// The figures of a track as they come together, rows by rows.
struct Figures<'a> {
    track: &'a Track,
    state: Curve,
    h: Curve,
    c: Curve,
    gates: Gates,
    jacobians: Jacobians<'a>,
    /// Steps of all rows, and those that were passed.
    pairs: usize,
    passed: usize,
}

impl<'a> Figures<'a> {
    fn new(track: &'a Track, pairs: usize) -> Self {
        let (gates, jacobians) = (Gates::new(track), Jacobians::new(track));
        let curve = Curve::default;
        Figures { track, state: curve(), h: curve(), c: curve(), gates, jacobians, pairs, passed: 0 }
    }

    /// Looks at some of the steps, evenly over all rows.
    fn look(&mut self, window: &Window, passed: &Passed) -> Result<(), Error> {
        for row in 0..window.steps.len() {
            for place in window.start(row)..window.len() {
                let x = passed.x.slice(s![place, row, ..]);
                let (h, c) = (passed.h.slice(s![place, row, ..]), passed.c.slice(s![place, row, ..]));
                if is_sampled(self.passed, self.pairs, GATE_SAMPLES) {
                    self.gates.add(x, h, c);
                }
                if is_sampled(self.passed, self.pairs, self.jacobians.wanted()) {
                    self.jacobians.add(x, h, c)?;
                }
                self.passed += 1;
            }
        }
        Ok(())
    }

    /// Takes up the norms of a way back.
    fn follow(&mut self, window: &Window, back: &Back) {
        for row in 0..window.steps.len() {
            let by_lag = || (window.start(row)..window.len()).rev();
            let h: Vec<f64> = by_lag().map(|place| back.h[[place, row]]).collect();
            let c: Vec<f64> = by_lag().map(|place| back.c[[place, row]]).collect();
            let state: Vec<f64> = h.iter().zip(&c).map(|(h, c)| h.hypot(*c)).collect();
            self.state.add(&state, state[0]);
            self.h.add(&h, state[0]);
            self.c.add(&c, state[0]);
        }
    }

    fn finish(self) -> CellDiagnosis {
        let mut not_computed = Vec::new();
        let cell = self.track.cell.get();
        if !self.gates.are_known() {
            not_computed.push("the gates: a cell of one's own does not show them".to_owned());
        }
        let recurrent = recurrent(self.track).unwrap_or_else(|why| {
            not_computed.push(why);
            Vec::new()
        });
        let transition = self.jacobians.finish().map_err(|why| not_computed.push(why)).ok();
        CellDiagnosis {
            layer: self.track.layer,
            reversed: self.track.reversed,
            cell: cell.name(),
            state: self.state,
            h: self.h,
            c: (cell.memory() > 0).then_some(self.c),
            gate_samples: self.gates.samples,
            gates: self.gates.finish(),
            recurrent,
            transition,
            not_computed,
        }
    }
}

/// Whether the one numbered `at` of `all` is among `wanted` that lie evenly.
fn is_sampled(at: usize, all: usize, wanted: usize) -> bool {
    (at + 1) * wanted / all > at * wanted / all || wanted >= all
}
