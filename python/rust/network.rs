//! A network: layers with their parameters, run over arrays.
//!
//! B rows, T steps, I input, O output.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use elman::{Build, Init, Purpose, Random, Stack, WayBack};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3, PyReadonlyArrayDyn, PyReadwriteArray3};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Cells, NewCells, cells, dict, named, state};
use crate::errors::{malformed, raised};
use crate::stream::Stream;
use crate::threads;

/// Tapes that no batch needs any more: their buffers are used again.
#[derive(Default)]
pub(crate) struct Spare(Mutex<Vec<elman::Tape>>);

/// Most tapes that are kept: those of a step forward and a step back.
const SPARE_MAX: usize = 2;

impl Spare {
    pub(crate) fn take(&self) -> elman::Tape {
        lock(&self.0).pop().unwrap_or_default()
    }

    pub(crate) fn put(&self, tape: elman::Tape) {
        let mut tapes = lock(&self.0);
        if tapes.len() < SPARE_MAX {
            tapes.push(tape);
        }
    }
}

/// What is behind a lock is whole between two calls.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Initial values by name.
pub(crate) fn init_of(name: &str) -> PyResult<Init> {
    let found = Init::ALL.into_iter().find(|init| init.name() == name);
    found.ok_or_else(|| {
        let names = Init::ALL.map(Init::name).join(", ");
        PyValueError::new_err(format!("init is {name:?}; expected one of {names}"))
    })
}

/// Layers as they stand in a model's file.
pub(crate) fn stack_of(json: &str) -> PyResult<Stack> {
    serde_json::from_str(json).map_err(|error| malformed("the layers", &error))
}

/// A stack of layers with its parameters.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Network {
    network: Mutex<Arc<elman::Network>>,
    spare: Arc<Spare>,
}

impl Network {
    pub(crate) fn of(network: elman::Network) -> Self {
        Network { network: Mutex::new(Arc::new(network)), spare: Arc::default() }
    }

    pub(crate) fn get(&self) -> Arc<elman::Network> {
        lock(&self.network).clone()
    }

    /// Changes the parameters; what runs or is recorded keeps the ones it began with.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut elman::Network) -> R) -> R {
        change(Arc::make_mut(&mut lock(&self.network)))
    }
}

#[pymethods]
impl Network {
    /// With initial values by a convention, drawn from a seed.
    #[new]
    fn new(layers: &str, init: &str, seed: u64) -> PyResult<Self> {
        let (stack, init) = (stack_of(layers)?, init_of(init)?);
        Ok(Self::of(stack.init(init, &mut Random::new(seed, Purpose::Cell)).map_err(raised)?))
    }

    #[getter]
    fn input(&self) -> usize {
        self.get().stack().input()
    }

    #[getter]
    fn output(&self) -> usize {
        self.get().stack().output()
    }

    #[getter]
    fn parameter_count(&self) -> usize {
        self.get().parameter_count()
    }

    #[getter]
    fn is_bidirectional(&self) -> bool {
        self.get().stack().is_bidirectional()
    }

    /// [P, M] of each direction of each layer.
    #[getter]
    fn state_sizes(&self) -> Vec<(usize, usize)> {
        let state = self.get().zero_state(1);
        state.cells.iter().map(|cell| (cell.h.ncols(), cell.c.ncols())).collect()
    }

    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, self.get().arrays())
    }

    fn set_arrays(&self, arrays: HashMap<String, PyReadonlyArrayDyn<'_, f32>>) -> PyResult<()> {
        let arrays = named(&arrays);
        self.change(|network| network.set_arrays(&arrays)).map_err(raised)
    }

    /// All steps of `xs [B, T, I]`; the outputs are written to `outputs [B, T, O]`. Returns the final state and, with `keep`,
    /// a tape.
    #[pyo3(signature = (xs, outputs, *, lengths=None, initial_state=None, carried_state=None, resets=None,
                        training=None, truncate=0, checkpoint_every=0, time_major=false, keep=false, threads=0))]
    #[expect(clippy::too_many_arguments, reason = "keywords, each by its name")]
    fn run<'py>(
        &self,
        py: Python<'py>,
        xs: PyReadonlyArray3<'py, f32>,
        mut outputs: PyReadwriteArray3<'py, f32>,
        lengths: Option<PyReadonlyArray1<'py, i64>>,
        initial_state: Option<Cells<'py>>,
        carried_state: Option<Cells<'py>>,
        resets: Option<PyReadonlyArray2<'py, bool>>,
        training: Option<(u64, u64)>,
        truncate: usize,
        checkpoint_every: usize,
        time_major: bool,
        keep: bool,
        threads: usize,
    ) -> PyResult<(NewCells<'py>, Option<Tape>)> {
        let lengths = crate::arrays::lengths(lengths)?;
        let [initial, carried] = [&initial_state, &carried_state].map(|cells| cells.as_ref().map(state));
        let network = self.get();
        let (xs, outputs) = (xs.as_array(), outputs.as_array_mut());
        let resets = resets.as_ref().map(|resets| resets.as_array());
        let mut tape = self.spare.take();
        let result = py.detach(|| {
            let mut run = network.dynamic_rnn(xs).finite().truncate(truncate).checkpoint_every(checkpoint_every);
            if let Some(lengths) = &lengths {
                run = run.sequence_length(lengths);
            }
            if let Some(initial) = &initial {
                run = run.initial_state(initial);
            }
            if let Some(carried) = &carried {
                run = run.carried_state(carried);
            }
            if let Some(resets) = resets {
                run = run.resets(resets);
            }
            if let Some((seed, step)) = training {
                run = run.training(seed, step);
            }
            if time_major {
                run = run.time_major();
            }
            threads::with(threads, |pool| {
                if keep { run.record(pool, &mut tape, outputs) } else { run.run_into(pool, &mut tape, outputs) }
            })
        });
        let kept = match keep && result.is_ok() {
            true => Some(Tape { network, spare: self.spare.clone(), tape: Mutex::new(tape), threads }),
            false => {
                self.spare.put(tape);
                None
            }
        };
        Ok((cells(py, result.map_err(raised)?), kept))
    }

    /// Streams side by side, each from a state of zeros.
    fn streams(&self, rows: usize) -> PyResult<Stream> {
        Ok(Stream::of_network(self.get().streams(rows).map_err(raised)?))
    }
}

/// A batch that was run forward, with all that the way back needs.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Tape {
    network: Arc<elman::Network>,
    spare: Arc<Spare>,
    tape: Mutex<elman::Tape>,
    threads: usize,
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.spare.put(std::mem::take(&mut *lock(&self.tape)));
    }
}

/// Gradients by name, and those by the initial and the carried state.
type Given<'py> = (Bound<'py, PyDict>, Option<NewCells<'py>>, Option<NewCells<'py>>);

#[pymethods]
impl Tape {
    /// The gradients by everything; that by the inputs is written to `d_inputs`.
    #[pyo3(signature = (d_outputs, d_state, d_inputs))]
    fn backward<'py>(
        &self,
        py: Python<'py>,
        d_outputs: Option<PyReadonlyArray3<'py, f32>>,
        d_state: Option<Cells<'py>>,
        mut d_inputs: Option<PyReadwriteArray3<'py, f32>>,
    ) -> PyResult<Given<'py>> {
        let d_state = d_state.as_ref().map(state);
        let d_outputs = d_outputs.as_ref().map(|d| d.as_array());
        let d_inputs = d_inputs.as_mut().map(|d| d.as_array_mut());
        let given = py.detach(|| {
            let asked = WayBack { d_outputs, d_state: d_state.as_ref(), d_inputs, initial_too: true };
            let mut tape = lock(&self.tape);
            threads::with(self.threads, |pool| tape.backward(&self.network, pool, asked))
        });
        let given = given.map_err(raised)?;
        let states = [given.initial_state, given.carried_state].map(|state| state.map(|state| cells(py, state)));
        let [initial, carried] = states;
        Ok((dict(py, given.arrays)?, initial, carried))
    }
}
