//! From converted arrays to a model: layers that follow each other, a head on them, and what the file did not say.

use elman::{
    AnyCell, Config, Embedding, Head, Hidden, Layer, Link, Merge, Model, Predicts, Quantiles, Reads, Stack, Values,
};
use elman_kernels::Activation;

use super::feature::{self, Feature};
use super::hints::Said;
use super::transfer::Transfer;
use super::units::Units;
use super::{Hints, Imported, assemble};
use crate::Error;

/// What arrays say of a model.
pub(crate) struct Found {
    /// Vectors for tokens.
    pub(crate) embedding: Option<Embedding>,
    /// The layers, each reading what the one before gives.
    pub(crate) layers: Vec<Layer>,
    /// Floats that the head reads, and that it answers with.
    pub(crate) head: (usize, usize),
}

/// Refuses more layers than a model may have, before anything is done for them.
///
/// # Errors
/// If there are more.
pub(crate) fn check_depth(transfer: &Transfer<'_>, layers: usize) -> Result<(), Error> {
    let most = Stack::LAYERS_MAX;
    if layers <= most {
        return Ok(());
    }
    Err(transfer.refused("the model", format!("it has {layers} recurrent layers; expected 1 to {most}")))
}

/// A layer, with the name that the other program has for it.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) layer: Layer,
}

/// Layers of which each reads what the one before gives. Two directions are side by side or, where a partner `sums`, added:
/// the size that the next layer reads tells which.
///
/// # Errors
/// If a layer reads another size.
pub(crate) fn chained(transfer: &Transfer<'_>, layers: Vec<Named>, sums: bool) -> Result<Vec<Layer>, Error> {
    let mut chain: Vec<Layer> = Vec::new();
    let mut before: Option<String> = None;
    for Named { name, layer } in layers {
        if let (Some(last), Some(before)) = (chain.last_mut(), before) {
            let reads = layer.input();
            match last.bidirectional {
                Some(_) if sums && reads == last.cell.get().output() => last.bidirectional = Some(Merge::Sum),
                _ if reads == last.output() => {}
                _ => {
                    let why = format!("it reads {reads} floats, and {before}, before it, gives {}", last.output());
                    return Err(transfer.refused(name, why));
                }
            }
        }
        chain.push(layer);
        before = Some(name);
    }
    Ok(chain)
}

/// Sizes that a head on this layer may read: one direction, two side by side or, where a partner `sums`, their sum.
pub(crate) fn widths(last: Option<&Layer>, sums: bool) -> Vec<usize> {
    let Some(layer) = last else { return Vec::new() };
    let one = layer.cell.get().output();
    match layer.bidirectional {
        None => vec![one],
        Some(_) if sums => vec![2 * one, one],
        Some(_) => vec![2 * one],
    }
}

/// φ of an Elman cell that a file does not name, with a note; `what` is the kind of file.
pub(crate) fn activation(transfer: &mut Transfer<'_>, what: &str, hints: &Hints, like: Option<&Config>) -> Activation {
    if like.is_none() && hints.activation.is_none() {
        transfer.note(format!("{what} does not say the activation: tanh was taken; give --activation relu otherwise"));
    }
    hints.activation.unwrap_or_default()
}

/// What a file says beside its arrays.
pub(crate) struct Beside<'a> {
    /// What such a file is called in notes.
    pub(crate) what: &'a str,
    /// The configuration that elman wrote into it.
    pub(crate) own: Option<&'a Config>,
    /// Whether it says φ of Elman cells.
    pub(crate) activations: bool,
    /// What the head reads.
    pub(crate) reads: Option<Reads>,
    /// Whether the other program adds to the forget gate while it runs.
    pub(crate) adds_forget_bias: bool,
}

/// The model, with a configuration of the same shapes or without. `expected` are the names that are read, for the case that
/// arrays are left over.
///
/// # Errors
/// If arrays are left over, sizes do not fit each other, hints do not fit what the file says, or a head has no meaning here.
pub(crate) fn model(
    transfer: Transfer<'_>,
    found: Found,
    hints: &Hints,
    beside: &Beside<'_>,
    expected: &str,
) -> Result<Imported, Error> {
    model_with(transfer, found, Vec::new(), hints, beside, expected)
}

/// The same of a model whose head has dense layers before that of the outputs.
///
/// # Errors
/// As [`model`], and if hints speak of hidden layers where there are none.
pub(crate) fn model_with(
    mut transfer: Transfer<'_>,
    mut found: Found,
    hidden: Vec<Hidden>,
    hints: &Hints,
    beside: &Beside<'_>,
    expected: &str,
) -> Result<Imported, Error> {
    if let Some(phi) = hints.hidden_activation.filter(|_| hidden.is_empty()) {
        let expected = "no such hint: the head is one dense layer, with nothing before it";
        return Err(Error::setting("hidden_activation", phi.name(), expected));
    }
    let (width, outputs) = found.head;
    let &Beside { what, own, activations, reads: said, adds_forget_bias } = beside;
    let stack = Stack::of(found.embedding, found.layers.clone());
    let (embedding, layers) = (stack.embedding, &stack.layers[..]);
    let like = hints.settled(&Said { own, embedding, layers, activations, outputs, reads: said, adds_forget_bias })?;
    let reads = match (like, said) {
        (Some(config), _) => config.head.reads,
        (None, Some(reads)) => reads,
        (None, None) => hints.reads(&stack, outputs),
    };
    if (like.is_none(), hints.reads, said) == (true, None, None) {
        transfer.note(match reads {
            Reads::LastState => {
                format!("{what} does not say what the head reads: the last state was taken; give --reads every-step otherwise")
            }
            Reads::EveryStep => format!(
                "{what} does not say what the head reads: every step was taken, as its answers are tokens of the embedding; \
                 give --reads last-state otherwise"
            ),
            Reads::Mean | Reads::Max | Reads::Attention => format!("the head was taken to read {}", reads.describe()),
        });
    }
    if let Some(last) = found.layers.last_mut()
        && last.bidirectional.is_some()
        && width == last.cell.get().output()
    {
        if reads == Reads::LastState {
            let why = format!(
                "it reads {width} floats, the sum of two directions; a head on the last state reads both side by side, {} \
                 floats. If it reads the sum at every step, give --reads every-step",
                2 * width
            );
            return Err(transfer.refused("the head", why));
        }
        last.bidirectional = Some(Merge::Sum);
    }
    let predicts = match (hints.values, outputs) {
        (Some(link), outputs) => Predicts::Values(Values::new(outputs, link)),
        (None, 1) => {
            if like.is_none() {
                transfer.note(format!(
                    "the head has one output, and {what} does not say what it is: a value, linear, was taken; give --values \
                     sigmoid otherwise"
                ));
            }
            Predicts::Values(Values::new(outputs, Link::Identity))
        }
        (None, outputs) => Predicts::Classes(outputs),
    };
    let stack = Stack::of(found.embedding, found.layers);
    transfer.check_finite(hints.allow_nonfinite)?;
    let unfit = transfer.refused("the model", "");
    let (arrays, report) = transfer.finish(expected)?;
    let head = Head { reads, hidden, predicts };
    let model = assemble(stack, head, &arrays, like).map_err(|error| match unfit {
        Error::Exchange { verb, partner, what, .. } if like.is_none() => {
            Error::Exchange { verb, partner, what, why: error.to_string() }
        }
        Error::Exchange { verb, partner, what, .. } => {
            let why = format!("its arrays do not fit the configuration that it was given: {error}");
            Error::Exchange { verb, partner, what, why }
        }
        other => other,
    })?;
    Ok(Imported { model, report })
}

/// Refuses a head that a partner's file has no place for so far.
///
/// # Errors
/// If it has hidden layers, takes steps together, or predicts values.
pub(crate) fn check_head(transfer: &Transfer<'_>, head: &Head, partner: &str) -> Result<(), Error> {
    match beyond_plain(head) {
        Some(what) => Err(transfer.refused(what, format!("elman does not write it for {partner}"))),
        None => Ok(()),
    }
}

/// Refuses a head that attends to the steps, of which a partner has no layer.
///
/// # Errors
/// If it does.
pub(crate) fn check_attention(transfer: &Transfer<'_>, head: &Head, why: &str) -> Result<(), Error> {
    match head.reads {
        Reads::Attention => Err(transfer.refused("a head that reads the steps by attention", why)),
        _ => Ok(()),
    }
}

/// What a head has beside classes or quantiles on the last state or every step.
pub(crate) fn beyond_plain(head: &Head) -> Option<String> {
    if !head.hidden.is_empty() {
        Some("a head with hidden layers".into())
    } else if head.reads.pools() {
        Some(format!("a head on {}", head.reads.describe()))
    } else if matches!(head.predicts, Predicts::Values(_)) {
        Some("a head of values".into())
    } else {
        None
    }
}

/// How the arrays of a file that has nothing but arrays are taken to be connected.
pub(crate) fn assumed(model: &Model, hints: &Hints) -> Vec<String> {
    if hints.like.is_some() {
        return vec!["as in the model that was given to be like".into()];
    }
    let mut assumed = Vec::new();
    let stack = model.stack();
    let mut names: Vec<String> = stack.embedding.iter().map(|_| "the embedding".to_owned()).collect();
    names.extend(stack.layers.iter().enumerate().map(|(index, layer)| match &layer.cell {
        AnyCell::Rnn(rnn) => format!("layer {index} ({}, {})", layer.cell.get().name(), rnn.activation.name()),
        _ => format!("layer {index} ({})", layer.cell.get().name()),
    }));
    names.push("the head".into());
    assumed.push(format!("{} follow each other, with nothing between or behind them", names.join(", ")));
    assumed.push("states start at zero".into());
    assumed.push(match (model.head().reads, stack.layers.last().is_some_and(|layer| layer.bidirectional.is_some())) {
        (reads @ (Reads::EveryStep | Reads::Mean | Reads::Max | Reads::Attention), _) => {
            format!("the head reads {}", reads.describe())
        }
        (Reads::LastState, false) => "the head reads the last state".into(),
        (Reads::LastState, true) => "the head reads the last states of both directions side by side".into(),
    });
    if hints.values.is_none() {
        assumed.extend(outputs_assumed(&model.head().predicts));
    }
    assumed
}

/// What the outputs are taken to be, where neither a file nor a hint says it.
pub(crate) fn outputs_assumed(predicts: &Predicts) -> Option<String> {
    match predicts {
        Predicts::Classes(outputs) => Some(format!("its {outputs} outputs are logits of classes")),
        Predicts::Values(Values { outputs: 1, .. }) => Some("its output is a value".into()),
        Predicts::Values(_) | Predicts::Quantiles(_) => None,
    }
}

/// Refuses what a partner's layers do not express: `refuses` says why of a cell, `why_not` of an option.
///
/// # Errors
/// The first such cell or option, by name.
pub(crate) fn check_features(
    transfer: &Transfer<'_>,
    stack: &Stack,
    refuses: impl Fn(&AnyCell) -> Option<&'static str>,
    why_not: impl Fn(Feature) -> Option<&'static str>,
) -> Result<(), Error> {
    for (index, layer) in stack.layers.iter().enumerate() {
        if let Some(why) = refuses(&layer.cell) {
            let kind = feature::kind(&layer.cell).unwrap_or(layer.cell.get().name());
            return Err(transfer.refused(format!("{kind} in layer {index}"), why));
        }
        for feature in feature::features(layer) {
            if let Some(why) = why_not(feature) {
                return Err(transfer.refused(format!("{feature} in layer {index}"), why));
            }
        }
    }
    Ok(())
}

/// Notes the masks of training that a file does not hold.
pub(crate) fn note_masks(transfer: &mut Transfer<'_>, masks: &[String]) {
    if !masks.is_empty() {
        transfer.note(format!("masks of training are left out, they change no answer: {}", masks.join(", ")));
    }
}

/// Notes what the outputs of a head of quantiles are, which no partner's file says; `units` where it scales them itself.
pub(crate) fn note_quantiles(transfer: &mut Transfer<'_>, head: &Head, units: Option<&Units>) {
    let Predicts::Quantiles(Quantiles { levels, horizon }) = &head.predicts else { return };
    let named = levels.iter().map(f32::to_string).collect::<Vec<_>>().join(", ");
    transfer.note(format!(
        "the outputs are quantiles, [N, {}]: the levels {named} of the first of {horizon} values, then of the second; elman \
         sorts each value's levels when it predicts",
        head.outputs()
    ));
    if units.is_some() {
        return;
    }
    transfer.note(
        "inputs and outputs are in the units in which the model was trained: of a time series each value less the mean of \
         its series, divided by its deviation, both of which stay in elman's own file",
    );
}

/// The configuration as it stands in a partner's file.
///
/// # Errors
/// If a cell is one of the user's own.
pub(crate) fn config_json(transfer: &Transfer<'_>, model: &Model) -> Result<String, Error> {
    serde_json::to_string(&model.config()).map_err(|error| transfer.refused("its configuration", error.to_string()))
}

/// What the sizes of a cell are called in a partner's file: I, H, and P, which is H without a projection.
pub(crate) fn sizes(cell: &AnyCell) -> (usize, usize, usize) {
    let (input, output, memory) = (cell.get().input(), cell.get().output(), cell.get().memory());
    (input, if memory > 0 { memory } else { output }, output)
}
