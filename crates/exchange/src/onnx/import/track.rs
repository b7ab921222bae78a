//! A recurrent operator of a graph: its cell, its arrays, what it reads.

use std::collections::BTreeMap;

use elman::{Activation, AnyCell, GateActivation, Gru, Lstm, Nonlinearity, Reset, Rnn};
use elman_formats::Array;

use super::activations::{Function, functions};
use super::node::Call;
use super::value::Data;
use crate::onnx::layout::{self, Native, operator};
use crate::{Change, Place};

/// One direction of a recurrent operator.
pub(super) struct Track {
    /// The node, as errors call it, and where it stands.
    pub(super) name: String,
    pub(super) node: usize,
    pub(super) cell: AnyCell,
    /// By our names.
    pub(super) arrays: BTreeMap<&'static str, Array>,
    /// Of each array, where it came from and how.
    pub(super) moves: Vec<(Vec<&'static str>, Vec<Place>, Vec<Change>)>,
    /// Whether it reads its input from its end.
    pub(super) reversed: bool,
}

/// Which directions an operator has, the reversed ones true.
pub(super) fn directions(call: &Call<'_>) -> Result<Vec<bool>, String> {
    match call.text("direction").as_deref().unwrap_or("forward") {
        "forward" => Ok(vec![false]),
        "reverse" => Ok(vec![true]),
        "bidirectional" => Ok(vec![false, true]),
        other => Err(format!("its direction is {other:?}; expected forward, reverse or bidirectional")),
    }
}

/// A constant of the file, of a shape.
fn constant(call: &Call<'_>, at: usize, what: &str, shape: &[usize]) -> Result<Option<(Array, Vec<Place>)>, String> {
    let Some(value) = call.given(at) else { return Ok(None) };
    let Data::Floats(data) = &value.data else {
        return Err(format!("its {what} is computed while it runs; expected weights"));
    };
    if value.shape != shape {
        return Err(format!("its {what} has shape {:?}; expected {shape:?}", value.shape));
    }
    Ok(Some((Array { shape: shape.to_vec(), data: data.to_vec() }, value.origins.to_vec())))
}

/// The tracks of a recurrent operator that reads `input` floats a step.
pub(super) fn tracks(call: &Call<'_>, name: &str, input: usize) -> Result<Vec<Track>, String> {
    let directions = directions(call)?;
    if call.has("clip") {
        return Err("its attribute clip bounds what goes into the activations, which no cell here does".into());
    }
    let recurrent = &call.input(2)?.shape;
    let hidden = recurrent.last().copied().unwrap_or(0);
    match call.int("hidden_size", hidden as i64) {
        _ if hidden == 0 => return Err(format!("its R has shape {recurrent:?}")),
        said if said != hidden as i64 => return Err(format!("its hidden_size is {said}, that of its R {hidden}")),
        _ => {}
    }
    let cell = cell(call, input, hidden, directions.len())?;
    let Some(operator) = operator(&cell) else { return Err("it is no recurrent operator".into()) };
    let (d, rows) = (directions.len(), operator.gates * hidden);
    let missing = |what: &str| format!("its {what} is missing");
    let w = constant(call, 1, "W", &[d, rows, input])?.ok_or_else(|| missing("W"))?;
    let r = constant(call, 2, "R", &[d, rows, hidden])?.ok_or_else(|| missing("R"))?;
    let b = constant(call, 3, "B", &[d, 2 * rows])?;
    let p = if operator.name == "LSTM" { constant(call, 7, "P", &[d, 3 * hidden])? } else { None };
    let of = |(direction, &reversed): (usize, &bool)| {
        let own = |array: &Array| part(array, direction);
        let native = Native {
            w: own(&w.0),
            r: own(&r.0),
            b: b.as_ref().map_or_else(|| Array { shape: vec![2 * rows], data: vec![0.0; 2 * rows] }, |b| own(&b.0)),
            p: p.as_ref().map(|p| own(&p.0)),
        };
        let (arrays, added) = layout::from_native(&cell, &operator, &native);
        let split = (d > 1).then_some(Change::Split);
        let gates = operator.names.map(|(ours, theirs)| Change::Gates { from: theirs, to: ours });
        let turned: Vec<Change> = split.iter().chain(&gates).cloned().chain([Change::Transposed]).collect();
        let mut moves =
            vec![(vec!["kernel"], w.1.clone(), turned.clone()), (vec!["recurrent_kernel"], r.1.clone(), turned)];
        let mut biases = vec!["bias"];
        biases.extend(arrays.contains_key("recurrent_bias").then_some("recurrent_bias"));
        let mut changes: Vec<Change> = split.iter().chain(&gates).cloned().collect();
        changes.push(if added { Change::Added } else { Change::Zeros });
        moves.push((biases, b.as_ref().map(|b| b.1.clone()).unwrap_or_default(), changes));
        if let Some(p) = &p {
            let order = Change::Gates { from: "i o f", to: "i f o" };
            moves.push((vec!["peepholes"], p.1.clone(), split.iter().cloned().chain([order]).collect()));
        }
        let name = name.to_owned();
        Track { name, node: call.index, cell: cell.clone(), arrays, moves, reversed }
    };
    Ok(directions.iter().enumerate().map(of).collect())
}

/// A direction of an array that has them in front.
fn part(array: &Array, direction: usize) -> Array {
    let shape = array.shape[1..].to_vec();
    let count = shape.iter().product::<usize>();
    Array { data: array.data[direction * count..][..count].to_vec(), shape }
}

/// The cell that an operator computes.
fn cell(call: &Call<'_>, input: usize, hidden: usize, directions: usize) -> Result<AnyCell, String> {
    let all = functions(call, directions)?;
    let own = &all[..all.len() / directions.max(1)];
    let names = call.texts("activations");
    if all.chunks(own.len().max(1)).any(|other| other != own) {
        return Err(format!("its activations are {names:?}; expected the same ones in both directions"));
    }
    let phi = |function: Function| match Activation::from_nonlinearity(known(function)?) {
        Some(activation) => Ok(activation),
        None => Err(format!("its activations are {names:?}, one with constants that no cell here has")),
    };
    let gates = |function: Function| match GateActivation::from_nonlinearity(known(function)?) {
        Some(activation) => Ok(activation),
        None => Err(format!("its activations are {names:?}; expected Sigmoid or HardSigmoid for the gates")),
    };
    Ok(match (call.node.op_type.as_str(), own) {
        ("RNN", &[f]) => Rnn::new(input, hidden).activation(phi(f)?).into(),
        ("LSTM", &[f, g, h]) => {
            if g != h {
                return Err(format!(
                    "its activations are {names:?}; expected the same function for the candidate and the memory shown, the \
                     second and the third"
                ));
            }
            let lstm = Lstm::new(input, hidden).coupled(call.int("input_forget", 0) != 0);
            let lstm = lstm.recurrent_activation(gates(f)?).activation(phi(g)?);
            lstm.peepholes(call.given(7).is_some()).into()
        }
        ("GRU", &[f, g]) => {
            let reset = if call.int("linear_before_reset", 0) != 0 { Reset::After } else { Reset::Before };
            Gru::new(input, hidden).reset(reset).recurrent_activation(gates(f)?).activation(phi(g)?).into()
        }
        _ => return Err("it is no recurrent operator".into()),
    })
}

/// A function by its equation.
fn known(function: Function) -> Result<Nonlinearity, String> {
    match function {
        Function::Sigmoid => Ok(Nonlinearity::Sigmoid),
        Function::Tanh => Ok(Nonlinearity::Tanh),
        Function::Relu => Ok(Nonlinearity::Relu),
        // 1/6 as f32, however it was written.
        Function::HardSigmoid { alpha, beta: 0.5 } if (alpha - 1.0 / 6.0).abs() < 1e-6 => {
            Ok(Nonlinearity::HardSigmoid(1.0 / 6.0))
        }
        Function::HardSigmoid { alpha: 0.2, beta: 0.5 } => Ok(Nonlinearity::HardSigmoid(0.2)),
        Function::Affine { alpha: 1.0, beta: 0.0 } => Ok(Nonlinearity::Identity),
        Function::HardSigmoid { alpha, beta } => Err(format!(
            "its HardSigmoid has alpha {alpha} and beta {beta}; expected 0.2, or 1/6, and 0.5, as Keras's have"
        )),
        Function::Affine { alpha, beta } => {
            Err(format!("its Affine has alpha {alpha} and beta {beta}; expected 1 and 0, the identity"))
        }
    }
}

impl Track {
    /// Whether two directions are those of one layer.
    pub(super) fn pairs_with(&self, other: &Track) -> bool {
        let same = match (&self.cell, &other.cell) {
            (AnyCell::Rnn(a), AnyCell::Rnn(b)) => a == b,
            (AnyCell::Lstm(a), AnyCell::Lstm(b)) => a == b,
            (AnyCell::Gru(a), AnyCell::Gru(b)) => a == b,
            _ => false,
        };
        same && !self.reversed && other.reversed
    }
}
