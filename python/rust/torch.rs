//! Layers as `torch.nn` has them: its arrays, its order, its states.
//!
//! B rows, T steps, L layers, D directions, I input, H hidden, P output (H without projection), G gates.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use elman::formats::Array;
use elman::{
    Activation, Build, CellState, Gru, Init, Layer, Lstm, Merge, NetworkStream, Purpose, Random, Rnn, Stack, State,
    WayBack, array_prefix,
};
use ndarray::{Array2, Array3, ArrayD, ArrayView3, Axis, IxDyn};
use numpy::{
    IntoPyArray, PyArray2, PyArray3, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3,
    PyReadonlyArrayDyn, PyReadwriteArray3, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::raised;
use crate::network::{Spare, lock};
use crate::threads;

/// Numbers of each array that tell whether it is still the one that was read: an optimizer changes nearly all.
const SAMPLES: usize = 16;

/// What a torch module is made of.
#[derive(Clone, Copy)]
struct Form {
    kind: Kind,
    layers: usize,
    directions: usize,
    bias: bool,
    projection: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Rnn,
    Lstm,
    Gru,
}

/// A stack of torch's layers with a copy of their parameters.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct TorchLayers {
    form: Form,
    network: Mutex<Arc<elman::Network>>,
    spare: Arc<Spare>,
    /// What steps a few rows, until the parameters change.
    stepper: Mutex<Option<NetworkStream>>,
    /// Of each array in torch's order, some of its numbers.
    samples: Mutex<Vec<[u32; SAMPLES]>>,
}

/// Final states [L D, B, P] and [L D, B, H], and a tape.
type Ran<'py> = (Bound<'py, PyArray3<f32>>, Option<Bound<'py, PyArray3<f32>>>, Option<TorchTape>);

/// The next h and c [B, H].
type Stepped<'py> = (Bound<'py, PyArray2<f32>>, Option<Bound<'py, PyArray2<f32>>>);

/// Gradients by the initial states, and by the arrays in torch's order.
type Given<'py> =
    (Option<Bound<'py, PyArray3<f32>>>, Option<Bound<'py, PyArray3<f32>>>, Vec<Bound<'py, PyArrayDyn<f32>>>);

#[pymethods]
impl TorchLayers {
    #[new]
    #[pyo3(signature = (kind, input, hidden, *, layers=1, bidirectional=false, bias=true, dropout=0.0, projection=0))]
    #[expect(clippy::too_many_arguments, reason = "keywords, each by its name")]
    fn new(
        kind: &str,
        input: usize,
        hidden: usize,
        layers: usize,
        bidirectional: bool,
        bias: bool,
        dropout: f32,
        projection: usize,
    ) -> PyResult<Self> {
        let projection = Some(projection).filter(|&size| size > 0);
        let directions = 1 + usize::from(bidirectional);
        let mut stack = Stack::of(None, Vec::with_capacity(layers));
        let mut width = input;
        for index in 0..layers {
            let layer = match kind {
                "RNN_TANH" => Layer::new(Rnn::new(width, hidden)),
                "RNN_RELU" => Layer::new(Rnn::new(width, hidden).activation(Activation::Relu)),
                "LSTM" => Layer::new(Lstm { projection, ..Lstm::new(width, hidden) }),
                "GRU" => Layer::new(Gru::new(width, hidden)),
                other => return Err(PyValueError::new_err(format!("the mode {other:?} is none of torch's"))),
            };
            let layer = if index + 1 < layers { layer.dropout(dropout) } else { layer };
            let layer = if bidirectional { layer.bidirectional(Merge::Concat) } else { layer };
            width = layer.output();
            stack.layers.push(layer);
        }
        let kind = match kind {
            "LSTM" => Kind::Lstm,
            "GRU" => Kind::Gru,
            _ => Kind::Rnn,
        };
        let network = stack.init(Init::PyTorch, &mut Random::new(0, Purpose::Cell)).map_err(raised)?;
        let form = Form { kind, layers, directions, bias, projection };
        Ok(TorchLayers {
            form,
            network: Mutex::new(Arc::new(network)),
            spare: Arc::default(),
            stepper: Mutex::default(),
            samples: Mutex::default(),
        })
    }

    /// Takes the parameters, in torch's order: of each layer and direction w_ih [G H, I], w_hh [G H, P], then b_ih and b_hh
    /// [G H] with biases, then w_hr [P, H] with a projection.
    fn set(&self, arrays: Vec<PyReadonlyArrayDyn<'_, f32>>) -> PyResult<()> {
        let mut next = arrays.iter();
        let mut named = BTreeMap::new();
        for prefix in self.form.prefixes() {
            let mut take = || next.next().ok_or_else(|| PyValueError::new_err("fewer arrays than the layers have"));
            let (w_ih, w_hh) = (transposed(take()?)?, transposed(take()?)?);
            let (wide, output) = (w_ih.shape[1], w_hh.shape[0]);
            let (mut bias, recurrent) = match self.form.bias {
                true => (plain(take()?), plain(take()?)),
                false => (vec![0.0; wide], vec![0.0; wide]),
            };
            if bias.len() != wide || recurrent.len() != wide {
                return Err(PyValueError::new_err(format!("biases of {prefix}: expected {wide} floats each")));
            }
            // Both biases act as their sum, but for the candidate of a GRU, whose state has one of its own.
            let summed = if self.form.kind == Kind::Gru { 2 * output } else { wide };
            bias.iter_mut().zip(&recurrent).take(summed).for_each(|(to, from)| *to += from);
            if self.form.kind == Kind::Gru {
                let own = Array { shape: vec![output], data: recurrent[summed..].to_vec() };
                named.insert(format!("{prefix}recurrent_bias"), own);
            }
            if self.form.projection.is_some() {
                named.insert(format!("{prefix}projection"), transposed(take()?)?);
            }
            named.insert(format!("{prefix}bias"), Array { shape: vec![wide], data: bias });
            named.insert(format!("{prefix}kernel"), w_ih);
            named.insert(format!("{prefix}recurrent_kernel"), w_hh);
        }
        Arc::make_mut(&mut lock(&self.network)).set_arrays(&named).map_err(raised)?;
        *lock(&self.stepper) = None;
        *lock(&self.samples) = arrays.iter().map(samples).collect();
        Ok(())
    }

    /// Whether arrays are still those that were set, by a sample of their numbers.
    fn is_current(&self, arrays: Vec<PyReadonlyArrayDyn<'_, f32>>) -> bool {
        let kept = lock(&self.samples);
        kept.len() == arrays.len() && arrays.iter().zip(&*kept).all(|(array, kept)| samples(array) == *kept)
    }

    /// One step of x [B, I] from h [B, H] and c [B, H], without a tape: what a cell is. For a few rows on one thread.
    fn step<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f32>,
        h: PyReadonlyArray2<'py, f32>,
        c: Option<PyReadonlyArray2<'py, f32>>,
    ) -> PyResult<Stepped<'py>> {
        let rows = x.shape()[0];
        let kept = lock(&self.stepper).take().filter(|stream| stream.rows() == rows);
        let mut stream = match kept {
            Some(stream) => stream,
            None => lock(&self.network).clone().streams(rows).map_err(raised)?,
        };
        let (input, width) = (stream.network().stack().input(), stream.network().stack().output());
        let is_lstm = self.form.kind == Kind::Lstm;
        let fits = |of: &PyReadonlyArray2<'_, f32>, width: usize| of.shape() == [rows, width];
        if !fits(&x, input) || !fits(&h, width) || c.as_ref().map(|c| fits(c, width)) != is_lstm.then_some(true) {
            return Err(PyValueError::new_err("the input or the state of a step has another shape than the cell's"));
        }
        let contiguous = |_| PyValueError::new_err("the input or the state of a step is not contiguous");
        let (xs, hs) = (x.as_slice().map_err(contiguous)?, h.as_slice().map_err(contiguous)?);
        let cs = match &c {
            Some(c) => c.as_slice().map_err(contiguous)?,
            None => &[],
        };
        let (h, c) = py.detach(|| {
            for row in 0..rows {
                let mut parts = [hs, cs].into_iter();
                stream.write_states(row, |to| {
                    let part = parts.next().unwrap_or_default();
                    if !to.is_empty() {
                        to.copy_from_slice(&part[row * to.len()..][..to.len()]);
                    }
                });
            }
            let h = stream.step(xs).to_vec();
            let mut c = Vec::with_capacity(cs.len());
            (0..rows).for_each(|row| c.extend_from_slice(stream.states(row).nth(1).unwrap_or_default()));
            (h, c)
        });
        *lock(&self.stepper) = Some(stream);
        let array = |floats: Vec<f32>| floats.into_pyarray(py).reshape([rows, width]);
        Ok((array(h)?, if is_lstm { Some(array(c)?) } else { None }))
    }

    /// All steps of x [B, T, I] from h_0 [L D, B, P] and c_0 [L D, B, H]; the outputs are written to [B, T, D P]. With a
    /// seed, outputs between layers are dropped. With `keep`, a tape.
    #[pyo3(signature = (x, outputs, lengths, h0, c0, time_major, seed, keep, threads))]
    #[expect(clippy::too_many_arguments, reason = "what torch hands over")]
    fn run<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray3<'py, f32>,
        mut outputs: PyReadwriteArray3<'py, f32>,
        lengths: Option<PyReadonlyArray1<'py, i64>>,
        h0: Option<PyReadonlyArray3<'py, f32>>,
        c0: Option<PyReadonlyArray3<'py, f32>>,
        time_major: bool,
        seed: Option<u64>,
        keep: bool,
        threads: usize,
    ) -> PyResult<Ran<'py>> {
        let lengths = crate::arrays::lengths(lengths)?;
        let network = lock(&self.network).clone();
        let (xs, outputs) = (x.as_array(), outputs.as_array_mut());
        let rows = xs.shape()[usize::from(time_major)];
        let initial = match &h0 {
            Some(h0) => Some(self.form.state(&network, rows, h0.as_array(), c0.as_ref().map(|c0| c0.as_array()))?),
            None => None,
        };
        let mut tape = self.spare.take();
        let form = self.form;
        let result = py.detach(|| {
            let mut run = network.dynamic_rnn(xs);
            if let Some(lengths) = &lengths {
                run = run.sequence_length(lengths);
            }
            if let Some(initial) = &initial {
                run = run.initial_state(initial);
            }
            if let Some(seed) = seed {
                run = run.training(seed, 0);
            }
            if time_major {
                run = run.time_major();
            }
            let state = threads::with(threads, |pool| {
                if keep { run.record(pool, &mut tape, outputs) } else { run.run_into(pool, &mut tape, outputs) }
            });
            state.map(|state| form.states(state, rows))
        });
        let kept = match keep && result.is_ok() {
            true => {
                let tape = Mutex::new(tape);
                Some(TorchTape { form, network, spare: self.spare.clone(), tape, rows, threads })
            }
            false => {
                self.spare.put(tape);
                None
            }
        };
        let (h, c) = result.map_err(raised)?;
        Ok((h.into_pyarray(py), c.map(|c| c.into_pyarray(py)), kept))
    }
}

impl Form {
    /// What the names of the arrays of each layer and direction start with, in torch's order.
    fn prefixes(self) -> impl Iterator<Item = String> {
        let Form { layers, directions, .. } = self;
        (0..layers).flat_map(move |layer| (0..directions).map(move |of| array_prefix(layer, directions, of)))
    }

    /// A state of h [L D, B, P] and c [L D, B, H].
    fn state(
        self,
        network: &elman::Network,
        rows: usize,
        h: ArrayView3<'_, f32>,
        c: Option<ArrayView3<'_, f32>>,
    ) -> PyResult<State> {
        let mut state = network.zero_state(rows);
        let fits = |of: ArrayView3<'_, f32>, width: usize| of.dim() == (state.cells.len(), rows, width);
        let (output, memory) = state.cells.first().map_or((0, 0), |cell| (cell.h.ncols(), cell.c.ncols()));
        if !fits(h, output) || c.is_some_and(|c| !fits(c, memory)) {
            return Err(PyValueError::new_err(format!(
                "h_0 has shape {:?}; expected {:?}",
                h.shape(),
                [state.cells.len(), rows, output]
            )));
        }
        for (index, CellState { h: to, c: memory }) in state.cells.iter_mut().enumerate() {
            to.assign(&h.index_axis(Axis(0), index));
            if let Some(c) = c {
                memory.assign(&c.index_axis(Axis(0), index));
            }
        }
        Ok(state)
    }

    /// h [L D, B, P], and of LSTMs c [L D, B, H].
    fn states(self, state: State, rows: usize) -> (Array3<f32>, Option<Array3<f32>>) {
        let stacked = |of: &dyn Fn(&CellState) -> &Array2<f32>| {
            let width = state.cells.first().map_or(0, |cell| of(cell).ncols());
            let mut all = Array3::zeros((state.cells.len(), rows, width));
            all.outer_iter_mut().zip(&state.cells).for_each(|(mut to, cell)| to.assign(of(cell)));
            all
        };
        (stacked(&|cell| &cell.h), (self.kind == Kind::Lstm).then(|| stacked(&|cell| &cell.c)))
    }
}

/// A batch that was run forward, with all that the way back needs.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct TorchTape {
    form: Form,
    network: Arc<elman::Network>,
    spare: Arc<Spare>,
    tape: Mutex<elman::Tape>,
    rows: usize,
    threads: usize,
}

impl Drop for TorchTape {
    fn drop(&mut self) {
        self.spare.put(std::mem::take(&mut *lock(&self.tape)));
    }
}

#[pymethods]
impl TorchTape {
    /// The gradients by h_0 and c_0, where they are asked for, and by the arrays; that by the inputs is written to
    /// `d_inputs`.
    #[pyo3(signature = (d_outputs, d_h, d_c, d_inputs, initial_too))]
    fn backward<'py>(
        &self,
        py: Python<'py>,
        d_outputs: Option<PyReadonlyArray3<'py, f32>>,
        d_h: Option<PyReadonlyArray3<'py, f32>>,
        d_c: Option<PyReadonlyArray3<'py, f32>>,
        mut d_inputs: Option<PyReadwriteArray3<'py, f32>>,
        initial_too: bool,
    ) -> PyResult<Given<'py>> {
        let d_outputs = d_outputs.as_ref().map(|d| d.as_array());
        let d_inputs = d_inputs.as_mut().map(|d| d.as_array_mut());
        let mut d_state = None;
        if d_h.is_some() || d_c.is_some() {
            let mut state = self.network.zero_state(self.rows);
            for (index, CellState { h, c }) in state.cells.iter_mut().enumerate() {
                for (to, from) in [(h, &d_h), (c, &d_c)] {
                    let Some(from) = from else { continue };
                    let from = from.as_array();
                    if from.dim().0 <= index || from.index_axis(Axis(0), index).dim() != to.dim() {
                        let found = from.shape();
                        return Err(PyValueError::new_err(format!("the gradient by a state has shape {found:?}")));
                    }
                    to.assign(&from.index_axis(Axis(0), index));
                }
            }
            d_state = Some(state);
        }
        let form = self.form;
        let given = py.detach(|| {
            let asked = WayBack { d_outputs, d_state: d_state.as_ref(), d_inputs, initial_too };
            let mut tape = lock(&self.tape);
            let given = threads::with(self.threads, |pool| tape.backward(&self.network, pool, asked))?;
            let initial = given.initial_state.map(|state| form.states(state, self.rows));
            Ok((initial, form.in_torchs_order(given.arrays)))
        });
        let (initial, arrays) = given.map_err(raised)?;
        let (h, c) = initial.map_or((None, None), |(h, c)| (Some(h), c));
        Ok((
            h.map(|h| h.into_pyarray(py)),
            c.map(|c| c.into_pyarray(py)),
            arrays.into_iter().map(|array| array.into_pyarray(py)).collect(),
        ))
    }
}

impl Form {
    /// Gradients by our arrays as those by torch's.
    fn in_torchs_order(self, mut arrays: BTreeMap<String, Array>) -> Vec<ArrayD<f32>> {
        let array = |shape: &[usize], data: Vec<f32>| {
            // Our own arrays have as many numbers as their shape.
            ArrayD::from_shape_vec(IxDyn(shape), data).unwrap_or_else(|_| ArrayD::zeros(IxDyn(shape)))
        };
        let mut ordered = Vec::new();
        for prefix in self.prefixes() {
            let mut take = |name: &str| {
                arrays.remove(&format!("{prefix}{name}")).unwrap_or(Array { shape: vec![0, 0], data: Vec::new() })
            };
            for name in ["kernel", "recurrent_kernel"] {
                let Array { shape, data } = take(name);
                ordered.push(array(&[shape[1], shape[0]], transpose(&data, shape[0], shape[1])));
            }
            if self.bias {
                let Array { shape, data } = take("bias");
                let mut recurrent = data.clone();
                if self.kind == Kind::Gru {
                    let own = take("recurrent_bias").data;
                    let at = recurrent.len() - own.len();
                    recurrent[at..].copy_from_slice(&own);
                }
                ordered.extend([array(&shape, data), array(&shape, recurrent)]);
            }
            if self.projection.is_some() {
                let Array { shape, data } = take("projection");
                ordered.push(array(&[shape[1], shape[0]], transpose(&data, shape[0], shape[1])));
            }
        }
        ordered
    }
}

/// A matrix of torch's with rows and columns exchanged.
fn transposed(matrix: &PyReadonlyArrayDyn<'_, f32>) -> PyResult<Array> {
    let view = matrix.as_array();
    let [rows, columns] = view.shape() else {
        return Err(PyValueError::new_err(format!("a weight has shape {:?}; expected two axes", view.shape())));
    };
    let (rows, columns) = (*rows, *columns);
    let data = match view.as_slice() {
        Some(data) => transpose(data, rows, columns),
        None => view.t().iter().copied().collect(),
    };
    Ok(Array { shape: vec![columns, rows], data })
}

/// [R, C] as [C, R], in squares that fit into the cache.
fn transpose(from: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const SIDE: usize = 16;
    let mut to = vec![0.0; from.len()];
    for row in (0..rows).step_by(SIDE) {
        for column in (0..columns).step_by(SIDE) {
            for c in column..(column + SIDE).min(columns) {
                let out = &mut to[c * rows..][..rows];
                for r in row..(row + SIDE).min(rows) {
                    out[r] = from[r * columns + c];
                }
            }
        }
    }
    to
}

fn plain(array: &PyReadonlyArrayDyn<'_, f32>) -> Vec<f32> {
    array.as_array().iter().copied().collect()
}

/// Numbers at even distances, the first and the last among them.
fn samples(array: &PyReadonlyArrayDyn<'_, f32>) -> [u32; SAMPLES] {
    let view = array.as_array();
    let Some(data) = view.as_slice().filter(|data| !data.is_empty()) else { return [0; SAMPLES] };
    std::array::from_fn(|at| data[at * (data.len() - 1) / (SAMPLES - 1)].to_bits())
}
