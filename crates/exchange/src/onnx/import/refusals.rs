//! Refusals of whole graphs: what they are, what stands in the way, what to do.

use std::collections::BTreeSet;

use elman_formats::onnx::{Dimension, DimensionValue, Graph, Node, TypeValue};

use super::node::describe;
use crate::Error;
use crate::onnx::not_taken;

/// Most operators that are named of a graph that has no recurrent one.
const NAMED_MAX: usize = 8;

const AS_ARRAYS: &str = "or exchange the weights as arrays, a state_dict or a .keras file";

/// Refuses graphs of quantized weights, those without recurrent operators, and those that write cells out as loops: what a
/// loop computes is not looked into.
///
/// # Errors
/// The first of these.
pub(super) fn check(graph: &Graph) -> Result<(), Error> {
    let nodes = || graph.node.iter().enumerate();
    if let Some((index, node)) = nodes().find(|(_, node)| is_quantized(&node.op_type)) {
        let why = format!(
            "the model is quantized: its numbers are rounded to 8 bits, which no layer here does; convert the model in \
             float, as it was before it was quantized, {AS_ARRAYS}"
        );
        return Err(not_taken(describe(node, index), why));
    }
    if let Some((index, node)) = nodes().find(|(_, node)| node.op_type == "If") {
        let why = format!(
            "it chooses between two graphs while it runs, which no layer here does. PyTorch's older exporter writes it for \
             squeeze() of an axis of unknown length: index the axis instead (x[0], x[:, -1]); a simplifier (onnxsim) \
             folds those whose condition is constant; {AS_ARRAYS}"
        );
        return Err(not_taken(describe(node, index), why));
    }
    if let Some((index, node)) = nodes().find(|(_, node)| matches!(node.op_type.as_str(), "Loop" | "Scan")) {
        let why = "a cell that the exporter wrote out as a loop of its own; expected the operators RNN, LSTM and GRU. \
                   tf2onnx writes them for LSTM layers, and for GRU layers of Keras 2; or exchange the weights as arrays";
        return Err(not_taken(describe(node, index), why));
    }
    let recurrent = |node: &Node| matches!(node.op_type.as_str(), "RNN" | "LSTM" | "GRU");
    // One of another set is named where it stands.
    if graph.node.iter().any(|node| recurrent(node) || is_foreign(node)) {
        return Ok(());
    }
    let operators: BTreeSet<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    let named: Vec<&str> = operators.iter().take(NAMED_MAX).copied().collect();
    let has = match operators.len() {
        0 => "it has no nodes".to_owned(),
        count if count > NAMED_MAX => format!("it has {} and {} more", named.join(", "), count - NAMED_MAX),
        _ => format!("it has {}", named.join(", ")),
    };
    let why = format!(
        "it has no RNN, LSTM or GRU; {has}. Some exporters unroll a cell step by step: PyTorch's with dynamo=True does so \
         with nn.RNN, and writes the operator with dynamo=False; {AS_ARRAYS}"
    );
    Err(not_taken("the graph", why))
}

/// Whether an operator computes with quantized numbers, of ONNX's own or another set.
fn is_quantized(op: &str) -> bool {
    op.contains("uantize") || op.contains("QLinear") || op.contains("Integer")
}

fn is_foreign(node: &Node) -> bool {
    !(node.domain.is_empty() || node.domain == "ai.onnx")
}

/// Why a node of another set of operators is refused.
pub(super) fn of_other_set(node: &Node) -> String {
    let domain = node.domain.as_str();
    let what = format!("its operator is of the set {domain:?}, which is not known here");
    match domain {
        "com.microsoft" | "com.microsoft.nchwc" | "ai.onnx.contrib" => format!(
            "{what}: ONNX Runtime writes it when it optimises a graph; convert the file as the exporter wrote it, {AS_ARRAYS}"
        ),
        "ai.onnx.ml" => format!(
            "{what}: a model of trees or tables, or what scikit-learn puts before one; convert the network alone"
        ),
        _ => format!(
            "{what}: a function of the file's own, or an operator of one program; put functions in line \
             (onnx.inliner.inline_local_functions), {AS_ARRAYS}"
        ),
    }
}

/// The error of a graph that was interpreted with two sizes of its open axes, in which the sizes are called by the names of
/// the axes: a user has not chosen them.
pub(super) fn without_sizes(graph: &Graph, errors: [Option<Error>; 2], sizes: [(usize, usize); 2]) -> Error {
    let names = axis_names(graph);
    let seen = |(first, second): (usize, usize)| {
        format!("(seen with a length of {first} for {} and of {second} for {})", names[0], names[1])
    };
    match errors {
        [
            Some(Error::Exchange { verb, partner, what, why }),
            Some(Error::Exchange { what: other, why: second, .. }),
        ] if what == other => {
            let why = match in_names(&why, &second, sizes, &names) {
                Some(why) => why,
                None => format!("{why} {}", seen(sizes[0])),
            };
            Error::Exchange { verb, partner, what, why }
        }
        [None, Some(Error::Exchange { verb, partner, what, why })] => {
            Error::Exchange { verb, partner, what, why: format!("{why} {}", seen(sizes[1])) }
        }
        [Some(Error::Exchange { verb, partner, what, why }), _] => {
            Error::Exchange { verb, partner, what, why: format!("{why} {}", seen(sizes[0])) }
        }
        [Some(error), _] | [None, Some(error)] => error,
        [None, None] => not_taken("the graph", "it was not understood"),
    }
}

/// What the first two axes of the sequences are called.
fn axis_names(graph: &Graph) -> [String; 2] {
    let axes = |dims: &[Dimension]| {
        [0, 1].map(|at| match dims.get(at).and_then(|axis| axis.value.as_ref()) {
            Some(DimensionValue::Name(name)) if !name.is_empty() => name.clone(),
            _ => format!("axis {at}"),
        })
    };
    let constants: BTreeSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let dims = |input: &elman_formats::onnx::ValueInfo| {
        let TypeValue::Tensor(tensor) = input.r#type.as_ref()?.value.as_ref()?;
        Some(tensor.shape.as_ref()?.dim.clone())
    };
    let mut inputs = graph.input.iter().filter(|input| !constants.contains(input.name.as_str())).filter_map(dims);
    let found = inputs.find(|dims| dims.len() >= 2).unwrap_or_default();
    axes(&found)
}

/// A message in which numbers that follow the sizes are the names of the axes; nothing where two messages are not alike.
fn in_names(first: &str, second: &str, sizes: [(usize, usize); 2], names: &[String; 2]) -> Option<String> {
    let (first, second) = (words(first), words(second));
    if first.len() != second.len() {
        return None;
    }
    let [(a0, b0), (a1, b1)] = sizes;
    let times = |one: usize, other: usize, sizes: [usize; 2], name: &str| {
        let factor = one / sizes[0];
        (factor > 0 && one == factor * sizes[0] && other == factor * sizes[1]).then(|| match factor {
            1 => name.to_owned(),
            factor => format!("{factor} × {name}"),
        })
    };
    let mut message = String::new();
    for (one, other) in first.into_iter().zip(second) {
        if one == other {
            message.push_str(one);
            continue;
        }
        let (one, other) = (one.parse::<usize>().ok()?, other.parse::<usize>().ok()?);
        let both = format!("{} × {}", names[0], names[1]);
        let named = times(one, other, [a0, a1], &names[0])
            .or_else(|| times(one, other, [b0, b1], &names[1]))
            .or_else(|| times(one, other, [a0 * b0, a1 * b1], &both));
        message.push_str(&named?);
    }
    Some(message)
}

/// A text as its runs of digits and what stands between them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let is_digit = |at: usize| text.as_bytes()[at].is_ascii_digit();
    for at in 1..text.len() {
        if is_digit(at) != is_digit(at - 1) && text.is_char_boundary(at) {
            words.push(&text[start..at]);
            start = at;
        }
    }
    words.push(&text[start..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_become_the_names_of_axes() {
        let sizes = [(2, 3), (5, 4)];
        let names = ["batch".to_owned(), "time".to_owned()];
        let of = |first: &str, second: &str| in_names(first, second, sizes, &names);
        assert_eq!(of("node 2: [1, 3, 6]", "node 2: [1, 4, 6]").unwrap(), "node 2: [1, time, 6]");
        assert_eq!(of("[2, 3] of 6", "[5, 4] of 20").unwrap(), "[batch, time] of batch × time");
        assert_eq!(of("4 elements", "10 elements").unwrap(), "2 × batch elements");
        assert_eq!(of("7", "8"), None);
        assert_eq!(of("a", "b"), None);
        assert_eq!(of("[2, 3]", "[5]"), None);
    }
}
