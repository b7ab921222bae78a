//! The recurrent matrices of a cell, and the Jacobian of its step.
//!
//! P output, M memory, S = P + M floats of a state s = (h, c).

use elman_kernels::layout::{Gate, Role};
use ndarray::{Array2, ArrayView1, Axis, s};
use serde::Serialize;

use super::eigen::{Complex, eigenvalues, largest_singular_value};
use super::track::{Track, state};
use crate::Error;
use crate::network::layer::AnyCell;

/// Rows of the largest matrix whose spectrum is computed: some ten seconds on one core.
pub(super) const SIZE_MAX: usize = 1024;

/// Work that is put into the Jacobians of a track: the sum of S³. At S = 256 that is 32 of them, a few seconds.
const WORK_MAX: usize = 1 << 29;

/// Most Jacobians of a track.
const JACOBIANS_MAX: usize = 64;

/// A square matrix that acts on the state: R, or the block of a gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recurrent {
    /// `R`, or `R_f` for the block of gate f.
    pub name: String,
    /// The spectral radius, the largest |λ|.
    pub radius: f64,
    /// The largest singular value: the most that it stretches any state.
    pub norm: f64,
    /// All eigenvalues, the largest first.
    pub eigenvalues: Vec<Complex>,
}

/// The Jacobian ∂s_t / ∂s_{t−1} of a step, over a sample of steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transition {
    /// S, the floats of the state.
    pub size: usize,
    /// Steps that were looked at.
    pub samples: usize,
    /// Mean spectral radius.
    pub radius: f64,
    /// The largest of them.
    pub radius_max: f64,
    /// Mean of the largest singular values.
    pub norm: f64,
    /// The largest of them.
    pub norm_max: f64,
    /// All eigenvalues at the step whose spectral radius is the nearest to the mean.
    pub eigenvalues: Vec<Complex>,
}

/// The spectrum of R, gate by gate; or why it is not computed.
pub(super) fn recurrent(track: &Track) -> Result<Vec<Recurrent>, String> {
    if !track.cell.has_state() {
        return Err("the recurrent matrix: the layer has no state".into());
    }
    if let AnyCell::Custom(_) = track.cell {
        return Err("the recurrent matrix: a cell of one's own does not say which it is".into());
    }
    let entries = track.cell.get().layout().entries;
    let Some(entry) = entries.iter().find(|entry| matches!(entry.role, Role::Recurrent | Role::Own)) else {
        return Err("the recurrent matrix: the cell has none".into());
    };
    let array = &track.arrays[entry.name];
    if entry.role == Role::Own {
        return Ok(vec![diagonal(&array.data)]);
    }
    let names: Vec<String> = entry.gates.iter().map(|gate| name(*gate)).collect();
    let (rows, columns) = (array.shape[0], array.shape[1]);
    let width = columns / names.len();
    if rows != width {
        return Err(format!(
            "the spectrum of the recurrent matrix: with a projection it is {rows} × {width}, not square"
        ));
    }
    if rows > SIZE_MAX {
        return Err(format!("the spectrum of the recurrent matrix: it has {rows} rows, more than {SIZE_MAX}"));
    }
    let block = |(gate, name): (usize, &String)| {
        let block = Array2::from_shape_fn((rows, rows), |(k, j)| f64::from(array.data[k * columns + gate * width + j]));
        let (eigenvalues, norm) = spectrum(&block).ok_or_else(|| format!("the spectrum of {name}: {NO_END}"))?;
        let radius = eigenvalues.first().map_or(0.0, |z| z.abs());
        Ok(Recurrent { name: name.clone(), radius, norm, eigenvalues })
    };
    names.iter().enumerate().map(block).collect()
}

/// R, or its block of a gate.
fn name(gate: Gate) -> String {
    if gate.letter.is_empty() { "R".into() } else { format!("R_{}", gate.letter) }
}

/// R where each unit sees itself alone: its values are its eigenvalues.
fn diagonal(own: &[f32]) -> Recurrent {
    let mut eigenvalues: Vec<Complex> = own.iter().map(|&u| Complex { re: f64::from(u), im: 0.0 }).collect();
    eigenvalues.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
    let radius = eigenvalues.first().map_or(0.0, |z| z.abs());
    Recurrent { name: "R".into(), radius, norm: radius, eigenvalues }
}

const NO_END: &str = "the iteration for its eigenvalues does not end";

fn spectrum(matrix: &Array2<f64>) -> Option<(Vec<Complex>, f64)> {
    Some((eigenvalues(matrix.view())?, largest_singular_value(matrix.view())?))
}

/// Jacobians of a track, step by step.
pub(super) struct Jacobians<'a> {
    track: &'a Track,
    /// S
    size: usize,
    found: Vec<(Vec<Complex>, f64)>,
    /// Why there are none.
    failed: Option<String>,
}

impl<'a> Jacobians<'a> {
    pub(super) fn new(track: &'a Track) -> Self {
        let cell = track.cell.get();
        let size = cell.output() + cell.memory();
        let failed = if !cell.has_state() {
            Some("the Jacobian of a step: the layer has no state".to_owned())
        } else if size > SIZE_MAX {
            Some(format!("the Jacobian of a step: the state has {size} floats, more than {SIZE_MAX}"))
        } else {
            None
        };
        Jacobians { track, size, found: Vec::new(), failed }
    }

    /// How many are worth their time.
    pub(super) fn wanted(&self) -> usize {
        if self.failed.is_some() { 0 } else { (WORK_MAX / self.size.pow(3)).clamp(1, JACOBIANS_MAX) }
    }

    /// A step of a row: x `[I]` and the state before, h `[P]` and c `[M]`.
    pub(super) fn add(
        &mut self,
        x: ArrayView1<'_, f32>,
        h: ArrayView1<'_, f32>,
        c: ArrayView1<'_, f32>,
    ) -> Result<(), Error> {
        if self.failed.is_some() {
            return Ok(());
        }
        match spectrum(&jacobian(self.track, x, h, c)?) {
            Some(found) => self.found.push(found),
            None => self.failed = Some(format!("the Jacobian of a step: {NO_END}")),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Transition, String> {
        if let Some(why) = self.failed {
            return Err(why);
        }
        let samples = self.found.len();
        let radii: Vec<f64> = self.found.iter().map(|(all, _)| all.first().map_or(0.0, |z| z.abs())).collect();
        let norms: Vec<f64> = self.found.iter().map(|(_, norm)| *norm).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / samples as f64;
        let max = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let off = |at: &usize| (radii[*at] - mean(&radii)).abs();
        let typical = (0..samples).min_by(|a, b| off(a).total_cmp(&off(b)));
        let (radius, radius_max, norm, norm_max) = (mean(&radii), max(&radii), mean(&norms), max(&norms));
        let mut found = self.found;
        let Some((eigenvalues, _)) = typical.map(|at| found.swap_remove(at)) else {
            return Err("the Jacobian of a step: no step was looked at".into());
        };
        Ok(Transition { size: self.size, samples, radius, radius_max, norm, norm_max, eigenvalues })
    }
}

/// J [S, S] with J_ij = ∂(s_t)_i / ∂(s_{t−1})_j, by one step back of S rows: row i has the i-th unit vector for its
/// gradient.
pub(super) fn jacobian(
    track: &Track,
    x: ArrayView1<'_, f32>,
    h: ArrayView1<'_, f32>,
    c: ArrayView1<'_, f32>,
) -> Result<Array2<f64>, Error> {
    let (output, size) = (h.len(), h.len() + c.len());
    let repeated = |of: ArrayView1<'_, f32>| Array2::from_shape_fn((size, of.len()), |(_, j)| of[j]);
    let before = state(repeated(h).view(), repeated(c).view());
    let units = Array2::<f32>::eye(size);
    let d = state(units.slice(s![.., ..output]), units.slice(s![.., output..]));
    let xs = repeated(x).insert_axis(Axis(1));
    let gradients = track.network.dynamic_rnn(xs.view()).carried_state(&before).unroll()?.backward(None, Some(&d))?;
    let by = &gradients.carried_state.unwrap_or(gradients.initial_state).cells[0];
    let entry = |(i, j)| f64::from(if j < output { by.h[[i, j]] } else { by.c[[i, j - output]] });
    Ok(Array2::from_shape_fn((size, size), entry))
}
