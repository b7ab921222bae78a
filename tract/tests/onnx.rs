//! Our graphs in tract, an engine in Rust: what it makes of them is what ours does.

#[path = "../../crates/exchange/tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use elman::formats;
use elman::{Activation, AnyCell, GateActivation};
use support::exports::{Case, STEPS, cases, form};
use tract_onnx::prelude::*;

/// Two engines, each with its own order of sums and its own exponential.
const TOLERANCE: f32 = 1e-5;

/// What tract's native operators do not compute, without a word: functions other than σ and tanh, and coupled gates. It
/// takes no lengths.
fn takes(case: &Case) -> bool {
    let functions = |phi, gates| phi != Activation::Tanh || gates != GateActivation::Sigmoid;
    let silent = case.model.stack().layers.iter().any(|layer| match &layer.cell {
        AnyCell::Rnn(rnn) => rnn.activation != Activation::Tanh,
        AnyCell::Lstm(lstm) => lstm.coupled || functions(lstm.activation, lstm.recurrent_activation),
        AnyCell::Gru(gru) => functions(gru.activation, gru.recurrent_activation),
        _ => false,
    });
    !(case.has_lengths() || silent && case.options.native)
}

/// A graph in tract, for inputs of these shapes.
fn runnable(graph: &formats::onnx::Model, tensors: &[Tensor]) -> TractResult<Arc<TypedRunnableModel>> {
    let bytes = formats::onnx::to_bytes(graph);
    let mut model = onnx().model_for_read(&mut &bytes[..])?;
    for (at, tensor) in tensors.iter().enumerate() {
        model.set_input_fact(at, InferenceFact::dt_shape(tensor.datum_type(), tensor.shape()))?;
    }
    model.into_optimized()?.into_runnable()
}

fn tensor(name: &str, array: &formats::Array) -> TractResult<Tensor> {
    match name {
        "tokens" => Tensor::from_shape(&array.shape, &array.data.iter().map(|&x| x as i64).collect::<Vec<_>>()),
        _ => Tensor::from_shape(&array.shape, &array.data),
    }
}

/// The largest difference from what is expected.
fn off(found: &Tensor, expected: &[f32]) -> TractResult<f32> {
    let found = found.to_plain_array_view::<f32>()?;
    Ok(found.iter().zip(expected).fold(0.0f32, |off, (a, b)| off.max((a - b).abs())))
}

fn run(case: &Case) -> TractResult<f32> {
    let arrays = case.arrays();
    let model = elman_exchange::onnx::export(&case.model, &case.options)?.0;
    let graph = model.graph.as_ref().unwrap();
    let tensors = graph.input.iter().map(|input| tensor(&input.name, &arrays[&input.name]));
    let tensors = tensors.collect::<TractResult<Vec<Tensor>>>()?;
    let runnable = runnable(&model, &tensors)?;
    let outputs = runnable.run(tensors.into_iter().map(|tensor| tensor.into_tvalue()).collect())?;
    let mut worst = 0.0f32;
    for (output, found) in graph.output.iter().zip(outputs) {
        let expected = &arrays[&output.name];
        assert_eq!(found.shape(), expected.shape, "{}", output.name);
        worst = worst.max(off(&found, &expected.data)?);
    }
    Ok(worst)
}

/// One step of all rows of [B, T, …].
fn step_of(array: &formats::Array, step: usize) -> formats::Array {
    let (rows, steps) = (array.shape[0], array.shape[1]);
    let width = array.data.len() / (rows * steps);
    let row = |row: usize| &array.data[(row * steps + step) * width..][..width];
    let mut shape = array.shape.clone();
    shape[1] = 1;
    formats::Array { shape, data: (0..rows).flat_map(row).copied().collect() }
}

/// Step by step, the final states of each call the initial ones of the next.
fn stream(case: &Case) -> TractResult<f32> {
    let arrays = case.arrays();
    let model = elman_exchange::onnx::export(&case.model, &case.options)?.0;
    let graph = model.graph.as_ref().unwrap();
    let every_step = case.model.head().reads == elman::Reads::EveryStep;
    let states = graph.input[1..].iter().map(|input| tensor(&input.name, &arrays[&input.name]));
    let mut states = states.collect::<TractResult<Vec<Tensor>>>()?;
    let mut running = None;
    let mut worst = 0.0f32;
    for step in 0..STEPS {
        let name = &graph.input[0].name;
        let mut tensors = vec![tensor(name, &step_of(&arrays[name], step))?];
        tensors.append(&mut states);
        if running.is_none() {
            running = Some(runnable(&model, &tensors)?);
        }
        let Some(runnable) = &running else { continue };
        let outputs = runnable.run(tensors.into_iter().map(|tensor| tensor.into_tvalue()).collect())?;
        for (output, found) in graph.output.iter().zip(outputs) {
            let expected = &arrays[&output.name];
            let is_state = output.name.starts_with("final_");
            if every_step && !is_state {
                worst = worst.max(off(&found, &step_of(expected, step).data)?);
            } else if step + 1 == STEPS {
                worst = worst.max(off(&found, &expected.data)?);
            }
            // In the order of the inputs: h and c of each layer.
            if is_state {
                states.push(found.into_tensor());
            }
        }
    }
    Ok(worst)
}

/// Runs cases, and refuses to be content with few.
fn agree(wanted: impl Fn(&Case) -> bool, run: impl Fn(&Case) -> TractResult<f32>) {
    let (mut count, mut worst, mut wrong) = (0, 0.0f32, Vec::new());
    for case in cases().iter().filter(|case| takes(case) && wanted(case)) {
        let name = format!("{}{}", case.name, form(case.options));
        match run(case) {
            Ok(off) if off <= TOLERANCE => (count, worst) = (count + 1, worst.max(off)),
            Ok(off) => wrong.push(format!("{name}: off by {off}")),
            Err(error) => wrong.push(format!("{name}: {error:#}")),
        }
    }
    println!("{count} graphs over {STEPS} steps, off by at most {worst:e}");
    assert!(wrong.is_empty() && count > 20, "{count} agree; {}", wrong.join("\n"));
}

#[test]
fn whole_sequences_agree() {
    agree(|case| !case.options.streaming, run);
}

#[test]
fn step_by_step_agrees() {
    agree(|case| case.options.streaming, stream);
}
