//! A graph run by tract, another engine in Rust, beside ours.

use std::io::Cursor;
use std::path::Path;

use anyhow::Context;
use elman::formats::onnx::{self, DimensionValue, Element, Graph, TypeValue, ValueInfo};
use elman::{Model, Predicts};
use elman_exchange::Units;
use ndarray::{Array3, s};
use tract_onnx::onnx as onnx_engine;
use tract_onnx::prelude::*;

use super::check::{Check, softmax, sorted};
use super::made_up::MadeUp;

/// Compares the model with what tract computes of a graph, on made-up sequences that all have all steps: tract takes no
/// others. What it cannot run is said and is no failure.
///
/// # Errors
/// If the graph cannot be read, or tract's answers differ.
pub(super) fn check(path: &Path, model: &Model) -> anyhow::Result<Check> {
    let against = format!("tract, running {}", path.display());
    let mut file = onnx::read(path)?;
    let mut made_up = MadeUp::of(model).whole();
    let (rows, steps, _) = made_up.inputs.dim();
    let Some(graph) = &mut file.model.graph else { return Ok(Check::left_out(&against, "the file has no graph")) };
    if let Some(why) = not_run(graph) {
        return Ok(Check::left_out(&against, why));
    }
    // What the graph scales itself, it is given in the units of the data.
    let scales = graph.initializer.iter().any(|tensor| tensor.name == "input.deviation");
    let units = if scales { Units::of(model)? } else { None };
    let series = vec![0; rows];
    let mut inputs = made_up.inputs.clone();
    if let Some(units) = &units {
        made_up.inputs = made_up.inputs.slice(s![.., .., ..units.columns()]).to_owned();
        inputs = units.read(made_up.inputs.view(), &series)?;
    }
    if let Err(why) = fix_inputs(graph, rows, steps) {
        return Ok(Check::left_out(&against, why));
    }
    let Some(output) = graph.output.first().map(|output| output.name.clone()) else {
        return Ok(Check::left_out(&against, "the graph has no output"));
    };
    let answers = match run(&file.model, &made_up, model) {
        Ok(answers) => answers,
        Err(error) => return Ok(Check::left_out(&against, format!("tract does not run it: {error:#}"))),
    };
    let mut ours = model.logits(inputs.view(), None)?;
    if let Predicts::Quantiles(quantiles) = &model.head().predicts {
        ours = sorted(ours, quantiles.levels.len());
    }
    if let Some(units) = &units {
        for ((row, _, _), answer) in ours.indexed_iter_mut() {
            *answer = units.answer(*answer, &series, row)?;
        }
    }
    let answers = Array3::from_shape_vec(ours.dim(), answers)
        .with_context(|| format!("tract answers in {output} with another count of numbers than the head has"))?;
    // Graphs of others end in logits or in probabilities; only what adds up to 1 everywhere is the latter.
    let sums_to_one = |answers: &Array3<f32>| answers.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-4);
    if model.head().classes().is_some() && sums_to_one(&answers) {
        ours = softmax(ours);
    }
    Check::of(&against, &answers, &ours, model.head().reads, &made_up.lengths)
}

/// Why a graph is not handed to tract.
fn not_run(graph: &Graph) -> Option<String> {
    let ignored = |name: &str| graph.node.iter().any(|node| node.attribute.iter().any(|of| of.name == name));
    let relu = graph.node.iter().find(|node| {
        node.op_type == "RNN" && node.attribute.iter().any(|of| of.strings.iter().any(|name| name.as_ref() != b"Tanh"))
    });
    match relu {
        Some(node) => Some(format!(
            "it does not read the activations of {}, an RNN; --basic-operators spells them out",
            node.name
        )),
        None if ignored("input_forget") => {
            Some("it does not read input_forget; --basic-operators spells it out".into())
        }
        None => None,
    }
}

/// Gives every input but the first a constant: all steps as lengths, zeros as states. Fixes the shape of the first.
fn fix_inputs(graph: &mut Graph, rows: usize, steps: usize) -> Result<(), String> {
    let known: Vec<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<ValueInfo> =
        graph.input.iter().filter(|input| !known.contains(&input.name.as_str())).cloned().collect();
    let mut kept = Vec::new();
    for (index, mut input) in inputs.into_iter().enumerate() {
        let Some(TypeValue::Tensor(tensor)) = input.r#type.as_mut().and_then(|of| of.value.as_mut()) else {
            return Err(format!("its input {} is no tensor", input.name));
        };
        let Some(shape) = &mut tensor.shape else { return Err(format!("its input {} has no shape", input.name)) };
        let sizes = [rows, steps];
        let mut axes = Vec::new();
        for (axis, dimension) in shape.dim.iter_mut().enumerate() {
            let place = if index == 0 { axis } else { axis.saturating_sub(1) };
            let size = match (&dimension.value, sizes.get(place)) {
                (Some(DimensionValue::Length(size)), _) => *size as usize,
                (_, Some(&size)) => size,
                _ => return Err(format!("its input {} has an axis of unknown size", input.name)),
            };
            dimension.value = Some(DimensionValue::Length(size as i64));
            axes.push(size);
        }
        let element = Element::of_code(tensor.elem_type);
        match (index, element, axes.as_slice()) {
            (0, _, _) if axes.get(1) == Some(&1) && steps > 1 => {
                return Err("it takes one step a call".into());
            }
            (0, _, _) => kept.push(input),
            (_, Some(Element::Int64), [_]) if input.name == "series" => {
                graph.initializer.push(onnx::Tensor::ints(&input.name, &[rows], &vec![0; rows]));
            }
            (_, Some(Element::Int32), [_]) => {
                graph.initializer.push(onnx::Tensor::small_ints(&input.name, &[rows], &vec![steps as i32; rows]));
            }
            (_, Some(Element::Float), [directions, _, units]) => {
                let shape = [*directions, rows, *units];
                graph.initializer.push(onnx::Tensor::floats(&input.name, &shape, &vec![0.0; shape.iter().product()]));
            }
            _ => return Err(format!("it has an input {} whose meaning is not known", input.name)),
        }
    }
    graph.input = kept;
    graph.output.truncate(1);
    Ok(())
}

/// What tract answers, row-major.
fn run(graph: &onnx::Model, made_up: &MadeUp, model: &Model) -> TractResult<Vec<f32>> {
    let (rows, steps, width) = made_up.inputs.dim();
    let input = match model.stack().embedding {
        None => Tensor::from_shape(&[rows, steps, width], &made_up.inputs.iter().copied().collect::<Vec<f32>>())?,
        Some(_) => Tensor::from_shape(&[rows, steps], &made_up.inputs.iter().map(|&x| x as i64).collect::<Vec<i64>>())?,
    };
    let runnable =
        onnx_engine().model_for_read(&mut Cursor::new(onnx::to_bytes(graph)))?.into_optimized()?.into_runnable()?;
    let outputs = runnable.run(tvec!(input.into()))?;
    Ok(outputs[0].to_plain_array_view::<f32>()?.iter().copied().collect())
}
