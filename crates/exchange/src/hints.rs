//! What a user says of a model that its file does not say.

use elman::{AnyCell, Config, Embedding, Head, Layer, Link, Predicts, Reads, Stack};
use elman_kernels::{Activation, Nonlinearity};

use super::feature::{features, kind};
use crate::Error;

/// What arrays alone do not say. What is not given here is taken from what the file says, or else is the partner's own
/// default; the report's notes say so. A hint that contradicts the file, or that nothing in it could take, is refused.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// φ of an Elman cell; tanh.
    pub activation: Option<Activation>,
    /// What the head reads; every step where it answers with tokens of the model's own embedding, else the last state.
    pub reads: Option<Reads>,
    /// What TensorFlow 1 adds to the forget gate while it runs; 1.
    pub forget_bias: Option<f32>,
    /// φ between the dense layers of a head that has several.
    pub hidden_activation: Option<Nonlinearity>,
    /// That the outputs are values, and their link; else one output is a linear value, and several are classes.
    pub values: Option<Link>,
    /// A model of the same shapes, whose configuration is taken whole.
    pub like: Option<Config>,
    /// Whether weights may be NaN or infinite; else a file that has such is refused.
    pub allow_nonfinite: bool,
}

/// What a file says of its model.
pub(crate) struct Said<'a> {
    /// The configuration that elman wrote into it.
    pub(crate) own: Option<&'a Config>,
    /// What comes before the layers.
    pub(crate) embedding: Option<Embedding>,
    /// The layers, as far as the file says what they are.
    pub(crate) layers: &'a [Layer],
    /// Whether φ of their Elman cells is the file's, and not taken.
    pub(crate) activations: bool,
    /// Outputs of the head.
    pub(crate) outputs: usize,
    /// What the head reads.
    pub(crate) reads: Option<Reads>,
    /// Whether the other program adds to the forget gate while it runs.
    pub(crate) adds_forget_bias: bool,
}

impl Hints {
    /// What the head reads, where the file does not say.
    pub(crate) fn reads(&self, stack: &Stack, outputs: usize) -> Reads {
        let tokens = stack.embedding.map(|embedding| embedding.tokens);
        self.reads.unwrap_or(if tokens == Some(outputs) { Reads::EveryStep } else { Reads::LastState })
    }

    /// The configuration that is to be taken whole, if there is one: that of the given model, or the file's own.
    ///
    /// # Errors
    /// If a hint contradicts what the file or the given model says, or nothing in the file could take it: which, and the
    /// first difference.
    pub(crate) fn settled<'a>(&'a self, said: &Said<'a>) -> Result<Option<&'a Config>, Error> {
        let like = self.like.as_ref();
        let config = said.own.map(|own| (own, "the file")).or(like.map(|like| (like, "the given model")));
        if let Some(activation) = self.activation {
            let layers = match config {
                // What a file says itself goes before what a hint says of it.
                Some((config, by)) if said.own.is_some() || !said.activations => Some((&config.layers[..], by)),
                _ if said.activations => Some((said.layers, "the file")),
                _ => None,
            };
            check_activation(activation, said.layers, layers)?;
        }
        let reads = said.reads.map(|reads| (reads, "the file"));
        let reads = reads.or(config.map(|(config, by)| (config.head.reads, by)));
        if let (Some(hint), Some((reads, by))) = (self.reads, reads)
            && hint != reads
        {
            return Err(Error::setting("reads", name_of(hint), format!("{}, as {by} says", name_of(reads))));
        }
        self.check_forget_bias(said)?;
        if let (Some(link), Some((config, by))) = (self.values, config)
            && !matches!(&config.head.predicts, Predicts::Values(values) if values.link == link)
        {
            let expected = format!("no such hint: {by} says that the head has {}", config.head.describe());
            return Err(Error::setting("values", link.name(), expected));
        }
        if let Some(like) = like {
            check_like(like, said)?;
        }
        Ok(like.or(said.own))
    }

    fn check_forget_bias(&self, said: &Said<'_>) -> Result<(), Error> {
        let Some(value) = self.forget_bias else { return Ok(()) };
        let has_lstm = said.layers.iter().any(|layer| matches!(layer.cell, AnyCell::Lstm(_)));
        let expected = if !said.adds_forget_bias {
            "no such hint: TensorFlow 1 alone adds it while it runs"
        } else if !has_lstm {
            "no such hint: no layer is an LSTM, which alone has a forget gate"
        } else if said.own.is_some() && value != 0.0 {
            "0, or no such hint: elman wrote the file, with the whole bias in its variables"
        } else if !value.is_finite() {
            "a finite number"
        } else {
            return Ok(());
        };
        Err(Error::setting("forget_bias", value, expected))
    }
}

/// Refuses φ for layers without one, and one that differs from what the file, or a model like it, says.
fn check_activation(hint: Activation, found: &[Layer], said: Option<(&[Layer], &str)>) -> Result<(), Error> {
    let name = Activation::name;
    let of = |layer: &Layer| match &layer.cell {
        AnyCell::Rnn(rnn) => Some(rnn.activation),
        _ => None,
    };
    if !found.iter().any(|layer| of(layer).is_some()) {
        let kinds: Vec<&str> = found.iter().map(|layer| layer.cell.get().name()).collect();
        let expected = format!("no such hint: it is for a layer rnn, and the file has {}", kinds.join(", "));
        return Err(Error::setting("activation", name(hint), expected));
    }
    let Some((layers, by)) = said else { return Ok(()) };
    match layers.iter().filter_map(of).find(|&activation| activation != hint) {
        None => Ok(()),
        Some(other) => Err(Error::setting("activation", name(hint), format!("{}, as {by} says", name(other)))),
    }
}

/// Refuses a model that is not like the file: what differs first.
fn check_like(like: &Config, said: &Said<'_>) -> Result<(), Error> {
    let differs = |found: String, expected: String| {
        Err(Error::setting("like", format!("a model with {found}"), format!("{expected}, as the file has")))
    };
    let embedding = |of: Option<Embedding>| match of {
        None => "no embedding".to_owned(),
        Some(of) => format!("an embedding of {} tokens in {} floats", of.tokens, of.size),
    };
    let before = said.own.map_or(said.embedding, |own| own.embedding);
    if like.embedding != before {
        return differs(embedding(like.embedding), embedding(before));
    }
    let layers = said.own.map_or(said.layers, |own| &own.layers);
    if like.layers.len() != layers.len() {
        return differs(format!("{} layers", like.layers.len()), layers.len().to_string());
    }
    for (index, (given, of)) in like.layers.iter().zip(layers).enumerate() {
        let [found, expected] = [given, of].map(|layer| described(layer, said));
        if found != expected {
            return differs(format!("{found} as layer {index}"), expected);
        }
    }
    let head = match said.own {
        Some(own) => Some(own.head.clone()).filter(|head| *head != like.head).map(|head| answers(&head)),
        None if like.head.outputs() != said.outputs => Some(format!("{} outputs", said.outputs)),
        None => said.reads.filter(|reads| *reads != like.head.reads).map(|reads| format!("it on {}", place_of(reads))),
    };
    match head {
        None => Ok(()),
        Some(expected) => differs(format!("a head of {}", answers(&like.head)), expected),
    }
}

/// What a file says of a layer, in words: cell, sizes, directions; with our configuration, all that changes an answer.
fn described(layer: &Layer, said: &Said<'_>) -> String {
    let cell = layer.cell.get();
    let mut parts = vec![format!("{} {} → {}", cell.name(), cell.input(), cell.output())];
    if cell.memory() > 0 && cell.memory() != cell.output() {
        parts.push(format!("a memory of {}", cell.memory()));
    }
    if layer.bidirectional.is_some() {
        parts.push("both directions".into());
    }
    if said.own.is_some() {
        parts.extend(kind(&layer.cell).map(str::to_owned));
        parts.extend(features(layer).iter().map(ToString::to_string));
        if let AnyCell::Lstm(lstm) = &layer.cell {
            let limits = [lstm.cell_clip, lstm.projection_clip].into_iter().flatten();
            parts.extend(limits.map(|limit| format!("a clip of {limit}")));
        }
    } else if let AnyCell::Rnn(rnn) = &layer.cell
        && said.activations
    {
        parts.push(rnn.activation.name().into());
    }
    parts.join(" with ")
}

fn answers(head: &Head) -> String {
    format!("{} on {}", head.describe(), place_of(head.reads))
}

fn place_of(reads: Reads) -> &'static str {
    reads.describe()
}

/// As the flag has it.
fn name_of(reads: Reads) -> &'static str {
    reads.name()
}
