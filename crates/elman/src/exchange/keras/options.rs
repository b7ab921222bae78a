//! The options of layers, each looked at: what is not computed here is refused by name.

use elman_kernels::{Activation, Reset};
use serde_json::Value;

use super::chain::{Link, Wrong, shown, text};
use super::known;
use super::names::Weights;
use crate::layer::Merge;

/// The kinds of recurrent layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rnn,
    Lstm,
    Gru,
}

impl Kind {
    /// By the class of a layer.
    pub(super) fn of_class(class: &str) -> Option<Self> {
        match class {
            "SimpleRNN" => Some(Kind::Rnn),
            "LSTM" => Some(Kind::Lstm),
            "GRU" => Some(Kind::Gru),
            _ => None,
        }
    }

    /// G
    pub(super) fn gates(self) -> usize {
        match self {
            Kind::Rnn => 1,
            Kind::Lstm => 4,
            Kind::Gru => 3,
        }
    }
}

/// A recurrent layer; nothing of what is not known, where there are weights alone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recurrent {
    /// As errors name it.
    pub(super) name: String,
    /// Where the weights of its cells are, forward first.
    pub(super) cells: Vec<Weights>,
    pub(super) kind: Option<Kind>,
    pub(super) units: Option<usize>,
    pub(super) activation: Option<Activation>,
    pub(super) use_bias: Option<bool>,
    pub(super) reset: Option<Reset>,
    pub(super) merge: Option<Merge>,
    pub(super) return_sequences: Option<bool>,
    /// Of the dropout layer behind it.
    pub(super) dropout: f32,
}

/// The dense layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dense {
    pub(super) name: String,
    /// Where its weights are.
    pub(super) weights: Weights,
    pub(super) units: Option<usize>,
    pub(super) use_bias: Option<bool>,
    /// Whether it stands in a `TimeDistributed`.
    pub(super) at_every_step: bool,
    /// Whether its outputs go through a softmax; not known, where there are weights alone.
    pub(super) softmax: bool,
}

/// A layer of the chain, understood.
pub(super) enum Part {
    /// With the steps of its rows, if they are fixed.
    Input(Option<usize>),
    Embedding(Weights),
    Recurrent(Box<Recurrent>),
    Dropout(f32),
    Dense(Dense),
    /// Over the last axis.
    Softmax,
    /// The same numbers one behind the other: nothing changes where there is an axis of them alone.
    Flatten,
    /// What changes no number.
    Nothing,
}

/// A layer with all of its options.
///
/// # Errors
/// If its class or an option is not computed here.
pub(super) fn part(link: &Link<'_>, notes: &mut Vec<String>) -> Result<Part, Wrong> {
    known::check(link, notes)?;
    let options = Options { name: link.name, config: link.config };
    Ok(match link.class {
        "InputLayer" => Part::Input(steps(link.config)),
        "Embedding" => {
            if options.flag("mask_zero", false)? {
                notes.push(format!(
                    "{} has mask_zero, which skips steps of token 0; here rows have lengths, and a 0 inside one is read",
                    link.name
                ));
            }
            Part::Embedding(link.weights.clone())
        }
        "Masking" => {
            let value = options.number("mask_value")?.unwrap_or(0.0);
            notes.push(format!(
                "{} skips steps whose floats are all {value}; here rows have lengths, and such a step inside one is read",
                link.name
            ));
            Part::Nothing
        }
        "SimpleRNN" | "LSTM" | "GRU" => {
            let mut layer = recurrent(&options, link.class, false, notes)?;
            layer.cells = vec![link.weights.inner("cell")];
            Part::Recurrent(Box::new(layer))
        }
        "Bidirectional" => Part::Recurrent(Box::new(bidirectional(link, &options, notes)?)),
        "Dropout" | "SpatialDropout1D" => {
            let rate = options.number("rate")?.unwrap_or(0.0);
            if link.class != "Dropout" && rate > 0.0 {
                notes.push(format!(
                    "{} drops units for all steps of a row; here they are dropped anew at each step",
                    link.name
                ));
            }
            Part::Dropout(rate)
        }
        "Dense" => Part::Dense(dense(&options, false, link.weights.clone())?),
        "TimeDistributed" => {
            let (class, config) = inner(link, "layer")?;
            if class != "Dense" {
                return Err(options.wrong(format!("it applies a {class} at every step; expected a Dense")));
            }
            Part::Dense(dense(&Options { name: link.name, config }, true, link.weights.inner("layer"))?)
        }
        "Activation" => match options.one_of("activation", "linear", &["softmax", "linear"])? {
            "softmax" => Part::Softmax,
            _ => Part::Nothing,
        },
        "Softmax" => match link.config.get("axis") {
            None => Part::Softmax,
            Some(axis) if axis.as_i64() == Some(-1) || *axis == serde_json::json!([-1]) => Part::Softmax,
            Some(axis) => {
                return Err(options.wrong(format!("its axis is {}; expected -1, over the classes", shown(axis))));
            }
        },
        // Of training alone.
        "GaussianNoise" | "GaussianDropout" | "AlphaDropout" | "ActivityRegularization" => {
            notes.push(format!("{} acts in training alone, and is left out", link.name));
            Part::Nothing
        }
        "Identity" => Part::Nothing,
        "Flatten" => Part::Flatten,
        class => {
            return Err(options.wrong(format!(
                "it is a {class}; expected Embedding, SimpleRNN, LSTM, GRU or Bidirectional of one of them, Dropout, \
                 Masking, Dense, TimeDistributed(Dense), Activation, Softmax, or one that acts in training alone"
            )));
        }
    })
}

/// The steps of an input [B, T] or [B, T, I], if they are fixed.
fn steps(config: &Value) -> Option<usize> {
    let shape = config.get("batch_shape").or_else(|| config.get("batch_input_shape"))?.as_array()?;
    shape.get(1)?.as_u64().and_then(|steps| usize::try_from(steps).ok())
}

/// The class and configuration of a layer inside another.
fn inner<'a>(link: &Link<'a>, key: &str) -> Result<(&'a str, &'a Value), Wrong> {
    let layer = link.config.get(key);
    match layer.and_then(|layer| Some((text(layer, "class_name")?, layer.get("config")?))) {
        Some(inner) => Ok(inner),
        None => Err((link.name.into(), format!("it has no {key}"))),
    }
}

fn recurrent(options: &Options<'_>, class: &str, backwards: bool, notes: &mut Vec<String>) -> Result<Recurrent, Wrong> {
    let Some(kind) = Kind::of_class(class) else {
        return Err(options.wrong(format!("it is of a {class}; expected a SimpleRNN, LSTM or GRU")));
    };
    let mut activation = None;
    if kind == Kind::Rnn {
        let name = options.one_of("activation", "tanh", &["tanh", "relu"])?;
        activation = Some(if name == "relu" { Activation::Relu } else { Activation::Tanh });
    } else {
        options.one_of("activation", "tanh", &["tanh"])?;
        options.one_of("recurrent_activation", "sigmoid", &["sigmoid"])?;
    }
    if options.flag("go_backwards", false)? != backwards {
        let why = if backwards {
            "its backward_layer does not go backwards"
        } else {
            "it reads rows from their ends (go_backwards); expected a Bidirectional, which reads them both ways"
        };
        return Err(options.wrong(why));
    }
    if options.flag("return_state", false)? {
        return Err(options.wrong("it returns its state beside its outputs (return_state); expected outputs alone"));
    }
    if options.flag("stateful", false)? {
        notes.push(format!(
            "{} is stateful, and goes on from one call to the next there; here every sequence starts from zero, and a state \
             is handed on by who calls the model",
            options.name
        ));
    }
    for rate in ["dropout", "recurrent_dropout"] {
        let value = options.number(rate)?.unwrap_or(0.0);
        if value > 0.0 {
            notes.push(format!(
                "{} has a {rate} of {value} in training, which changes no answer and is left out",
                options.name
            ));
        }
    }
    let reset = match kind {
        Kind::Gru if options.flag("reset_after", true)? => Some(Reset::After),
        Kind::Gru => Some(Reset::Before),
        _ => None,
    };
    Ok(Recurrent {
        name: options.name.into(),
        cells: Vec::new(),
        kind: Some(kind),
        units: Some(options.units()?),
        activation,
        use_bias: Some(options.flag("use_bias", true)?),
        reset,
        merge: None,
        return_sequences: Some(options.flag("return_sequences", false)?),
        dropout: 0.0,
    })
}

fn bidirectional(link: &Link<'_>, options: &Options<'_>, notes: &mut Vec<String>) -> Result<Recurrent, Wrong> {
    let (class, config) = inner(link, "layer")?;
    let forward = recurrent(&Options { name: link.name, config }, class, false, notes)?;
    if link.config.get("backward_layer").is_some_and(|layer| !layer.is_null()) {
        let (class, config) = inner(link, "backward_layer")?;
        let backward = recurrent(&Options { name: link.name, config }, class, true, &mut Vec::new())?;
        if backward != forward {
            return Err(options.wrong("its two directions have different layers; expected two alike"));
        }
    }
    let merge = match options.one_of("merge_mode", "concat", &["concat", "sum"])? {
        "sum" => Merge::Sum,
        _ => Merge::Concat,
    };
    if merge == Merge::Sum && forward.return_sequences == Some(false) {
        return Err(options.wrong(
            "it gives the sum of the last states of two directions; a head on the last state reads both side by side here \
             (merge_mode concat)",
        ));
    }
    let cells = ["forward_layer", "backward_layer"].map(|of| link.weights.inner(of).inner("cell")).into();
    Ok(Recurrent { cells, merge: Some(merge), ..forward })
}

fn dense(options: &Options<'_>, at_every_step: bool, weights: Weights) -> Result<Dense, Wrong> {
    let softmax = options.one_of("activation", "linear", &["softmax", "linear"])? == "softmax";
    Ok(Dense {
        name: options.name.into(),
        weights,
        softmax,
        units: Some(options.units()?),
        use_bias: Some(options.flag("use_bias", true)?),
        at_every_step,
    })
}

/// The options of a layer, by their names in Keras.
struct Options<'a> {
    name: &'a str,
    config: &'a Value,
}

impl<'a> Options<'a> {
    fn wrong(&self, why: impl Into<String>) -> Wrong {
        (self.name.into(), why.into())
    }

    fn given(&self, key: &str) -> Option<&'a Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, Wrong> {
        match self.given(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong(format!("its {key} is {other}; expected true or false"))),
        }
    }

    fn number(&self, key: &str) -> Result<Option<f32>, Wrong> {
        match self.given(key).map(|value| (value, value.as_f64())) {
            None => Ok(None),
            Some((_, Some(number))) => Ok(Some(number as f32)),
            Some((other, None)) => Err(self.wrong(format!("its {key} is {other}; expected a number"))),
        }
    }

    fn units(&self) -> Result<usize, Wrong> {
        let units = self.given("units").and_then(Value::as_u64).and_then(|units| usize::try_from(units).ok());
        units.filter(|units| *units > 0).ok_or_else(|| self.wrong("it has no number of units"))
    }

    /// The name of a function that is among those that are computed. None is the linear one.
    fn one_of(&self, key: &str, default: &'a str, computed: &[&str]) -> Result<&'a str, Wrong> {
        let expected = computed.join(" or ");
        let name = match self.config.get(key) {
            None => default,
            Some(Value::Null) => "linear",
            Some(Value::String(name)) => name,
            // As Keras writes what it does not know by a name: a function of the user's, or a layer.
            Some(other) => {
                let named = |key| other.get(key).and_then(Value::as_str);
                let what = match named("config") {
                    Some(name) => format!("{name}, a function of the user's own"),
                    None => format!("a layer, {}", named("class_name").unwrap_or("without a class")),
                };
                return Err(self.wrong(format!(
                    "its {key} is {what}; expected {expected}, by name, as the file holds no equations of others"
                )));
            }
        };
        if computed.contains(&name) {
            return Ok(name);
        }
        Err(self.wrong(format!("its {key} is {name}; expected {expected}")))
    }
}
