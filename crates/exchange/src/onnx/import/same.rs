//! Whether a graph is still the one that we wrote. Metadata say what a file was; what it computes, its graph alone says.

use elman_formats::onnx::{
    Attribute, Dimension, DimensionValue, File, Graph, Model, Node, OperatorSet, TypeValue, ValueInfo,
};

use super::node::describe;
use crate::onnx::{DEVIATIONS, OnnxOptions};

/// The options with which a graph of ours was written, by what it takes and its operators. Others than those that were
/// given may stand for the same graph.
pub(super) fn options(graph: &Graph, model: &elman::Model) -> OnnxOptions {
    let takes = |name: &str| graph.input.iter().any(|input| input.name == name);
    let one_step = graph.input.first().and_then(|input| axes(input)?.get(1)?.value.clone());
    let (lengths, initial_states) = (takes("lengths"), takes("initial_h_0"));
    OnnxOptions {
        lengths,
        initial_states,
        streaming: initial_states
            && !lengths
            && one_step == Some(DimensionValue::Length(1))
            && !model.stack().is_bidirectional(),
        native: graph.node.iter().any(|node| matches!(node.op_type.as_str(), "RNN" | "LSTM" | "GRU")),
        units: graph.initializer.iter().any(|tensor| tensor.name == DEVIATIONS),
    }
}

/// What is no longer as we wrote it, in words; nothing where the graph computes what it did. Weights are not compared: they
/// are read from the graph. Names of nodes, texts, and lengths of axes that were open are for tools to change.
pub(super) fn difference(file: &File, found: &Graph, ours: &Model) -> Option<String> {
    let version = |sets: &[OperatorSet]| {
        let own = sets.iter().filter(|set| is_own(&set.domain)).map(|set| set.version);
        own.max()
    };
    let written = ours.graph.as_ref()?;
    if version(&file.model.opset_import) != version(&ours.opset_import) {
        return Some("its operators are of another version".into());
    }
    in_graph(found, written).or_else(|| constants(file, found, written))
}

/// Whether a set of operators is ONNX's own.
fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

fn in_graph(found: &Graph, ours: &Graph) -> Option<String> {
    for (what, found, ours) in [("inputs", &found.input, &ours.input), ("outputs", &found.output, &ours.output)] {
        if found.len() != ours.len() || !found.iter().zip(ours).all(|(found, ours)| is_same_value(found, ours)) {
            return Some(format!("its {what} are other ones"));
        }
    }
    for (index, (found, ours)) in found.node.iter().zip(&ours.node).enumerate() {
        if !is_same_node(found, ours) {
            return Some(format!("its {} is another one", describe(found, index)));
        }
    }
    let (count, written) = (found.node.len(), ours.node.len());
    (count != written).then(|| format!("it has {count} nodes, and was written with {written}"))
}

fn axes(value: &ValueInfo) -> Option<&[Dimension]> {
    let TypeValue::Tensor(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    Some(&tensor.shape.as_ref()?.dim)
}

fn is_same_value(found: &ValueInfo, ours: &ValueInfo) -> bool {
    let element = |value: &ValueInfo| {
        let of = value.r#type.as_ref().and_then(|of| of.value.as_ref());
        of.map(|TypeValue::Tensor(tensor)| tensor.elem_type)
    };
    let fits = |(found, ours): (&Dimension, &Dimension)| match ours.value {
        Some(DimensionValue::Length(_)) => found == ours,
        _ => true,
    };
    found.name == ours.name
        && element(found) == element(ours)
        && match (axes(found), axes(ours)) {
            (Some(found), Some(ours)) => found.len() == ours.len() && found.iter().zip(ours).all(fits),
            // Nothing is said against it.
            (found, _) => found.is_none(),
        }
}

fn is_same_node(found: &Node, ours: &Node) -> bool {
    // Trailing ones that are left out need not be named.
    fn named(names: &[String]) -> &[String] {
        &names[..names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1)]
    }
    fn sorted(node: &Node) -> Vec<&Attribute> {
        let mut attributes: Vec<&Attribute> = node.attribute.iter().collect();
        attributes.sort_by(|a, b| a.name.cmp(&b.name));
        attributes
    }
    let (theirs, own) = (sorted(found), sorted(ours));
    found.op_type == ours.op_type
        && is_own(&found.domain) == is_own(&ours.domain)
        && named(&found.input) == named(&ours.input)
        && named(&found.output) == named(&ours.output)
        && theirs.len() == own.len()
        && theirs.iter().zip(own).all(|(found, ours)| is_same_attribute(found, ours))
}

fn is_same_attribute(found: &Attribute, ours: &Attribute) -> bool {
    match (&found.g, &ours.g) {
        (None, None) => found == ours,
        // The constants of a body of ours stand in the graph around it.
        (Some(body), Some(own)) => {
            found.name == ours.name && body.initializer.is_empty() && in_graph(body, own).is_none()
        }
        _ => false,
    }
}

/// The constants beside the weights: shapes, axes, factors.
fn constants(file: &File, found: &Graph, ours: &Graph) -> Option<String> {
    let mut names: Vec<&str> = found.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let mut written: Vec<&str> = ours.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    names.sort_unstable();
    written.sort_unstable();
    if names != written {
        return Some("its constants are other ones".into());
    }
    // Names of weights begin with what they belong to.
    let is_weight = |name: &str| ["layers.", "head.", "embedding."].iter().any(|prefix| name.starts_with(prefix));
    let changed = ours.initializer.iter().filter(|tensor| !is_weight(&tensor.name)).find(|tensor| {
        let theirs = found.initializer.iter().find(|theirs| theirs.name == tensor.name);
        match (theirs.map(|theirs| file.array(theirs)), file.array(tensor)) {
            (Some(Ok(theirs)), Ok(own)) => theirs != own,
            _ => true,
        }
    });
    changed.map(|tensor| format!("its constant {:?} has another value", tensor.name))
}
