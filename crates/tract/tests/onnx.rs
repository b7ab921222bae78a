//! Our graphs in tract, an engine in Rust: what it makes of them is what ours does.

#[path = "../../elman/tests/support/mod.rs"]
mod support;

use elman::formats;
use elman::{Activation, AnyCell, Lstm};
use support::exports::{Case, STEPS, cases, form};
use tract_onnx::prelude::*;

/// Two engines, each with its own order of sums and its own exponential.
const TOLERANCE: f32 = 1e-5;

/// What tract's native operators do not compute, without a word: Relu, and coupled gates. It takes no lengths.
fn takes(case: &Case) -> bool {
    let silent = case.model.stack().layers.iter().any(|layer| match &layer.cell {
        AnyCell::Rnn(rnn) => rnn.activation == Activation::Relu,
        AnyCell::Lstm(Lstm { coupled, .. }) => *coupled,
        _ => false,
    });
    !(case.has_lengths() || silent && case.options.native)
}

fn run(case: &Case) -> TractResult<f32> {
    let arrays = case.arrays();
    let graph = elman::exchange::onnx::export(&case.model, &case.options)?.0;
    let bytes = formats::onnx::to_bytes(&graph);
    let mut model = onnx().model_for_read(&mut &bytes[..])?;
    let graph = graph.graph.unwrap();
    let tensors = graph.input.iter().map(|input| {
        let array = &arrays[&input.name];
        match input.name.as_str() {
            "tokens" => Tensor::from_shape(&array.shape, &array.data.iter().map(|&x| x as i64).collect::<Vec<_>>()),
            _ => Tensor::from_shape(&array.shape, &array.data),
        }
    });
    let tensors = tensors.collect::<TractResult<Vec<Tensor>>>()?;
    for (at, tensor) in tensors.iter().enumerate() {
        model.set_input_fact(at, InferenceFact::dt_shape(tensor.datum_type(), tensor.shape()))?;
    }
    let runnable = model.into_optimized()?.into_runnable()?;
    let outputs = runnable.run(tensors.into_iter().map(|tensor| tensor.into_tvalue()).collect())?;
    let mut off = 0.0f32;
    for (output, found) in graph.output.iter().zip(outputs) {
        let expected = &arrays[&output.name];
        assert_eq!(found.shape(), expected.shape, "{}", output.name);
        off = found
            .to_plain_array_view::<f32>()?
            .iter()
            .zip(&expected.data)
            .fold(off, |off, (a, b)| off.max((a - b).abs()));
    }
    Ok(off)
}

#[test]
fn whole_sequences_agree() {
    let (mut count, mut worst, mut wrong) = (0, 0.0f32, Vec::new());
    for case in cases().iter().filter(|case| takes(case) && !case.options.streaming) {
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
