//! The options of layers, each looked at: what is not computed here is refused by name.

use elman::{Merge, Padding, Pooling, Reads, Window};
use elman_kernels::{Activation, GateActivation, Nonlinearity, Reset};
use serde_json::Value;

use super::chain::{Link, Wrong, shown, text};
use super::equations::Version;
use super::known;
use super::names::Weights;
use super::parts::{Act, Dense, Kind, Norm, Part, PoolSteps, Recurrent, Scale, ScaleOf};

/// A layer with all of its options.
///
/// # Errors
/// If its class or an option is not computed here.
pub(super) fn part(link: &Link<'_>, version: Version, notes: &mut Vec<String>) -> Result<Part, Wrong> {
    known::check(link, notes)?;
    let options = Options { name: link.name, config: link.config, version };
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
        "Conv1D" => Part::Dense(conv(&options, link.weights.clone())?),
        "MaxPooling1D" | "AveragePooling1D" => {
            let size = options.steps("pool_size")?.unwrap_or(2);
            let stride = options.steps("strides")?.unwrap_or(size);
            let window = Window::new(size).stride(stride).padding(options.padding(&["valid", "same"])?);
            let pooling = if link.class == "MaxPooling1D" { Pooling::Max } else { Pooling::Mean };
            if (pooling, window.padding) == (Pooling::Mean, Padding::Same) && size > 1 {
                return Err(options.wrong(
                    "its padding is same, where Keras divides by the steps that are there; expected valid, where every window \
                     has all of its steps",
                ));
            }
            options.fits(window)?;
            Part::PoolSteps(PoolSteps { name: link.name.into(), window, pooling })
        }
        "TimeDistributed" => {
            let (class, config) = inner(link, "layer")?;
            if class != "Dense" {
                return Err(options.wrong(format!("it applies a {class} at every step; expected a Dense")));
            }
            Part::Dense(dense(&Options { config, ..options }, true, link.weights.inner("layer"))?)
        }
        "Activation" => Part::Function(options.act("activation")?),
        "Softmax" => match link.config.get("axis") {
            Some(axis) if !is_last(axis) => {
                return Err(options.wrong(format!("its axis is {}; expected -1, over the classes", shown(axis))));
            }
            _ => Part::Function(Act::Softmax),
        },
        "ReLU" => Part::Function(Act::Of(options.relu()?)),
        "LeakyReLU" => {
            let slope = options.number("negative_slope")?.or(options.number("alpha")?).unwrap_or(0.3);
            Part::Function(Act::Of(Nonlinearity::LeakyRelu(slope)))
        }
        "ELU" => Part::Function(Act::Of(Nonlinearity::Elu(options.number("alpha")?.unwrap_or(1.0)))),
        "BatchNormalization" => {
            options.over_features()?;
            let of = ScaleOf::Batch {
                weights: link.weights.clone(),
                epsilon: options.double("epsilon", 1e-3)?,
                center: options.flag("center", true)?,
                scale: options.flag("scale", true)?,
            };
            Part::Scale(Scale { name: link.name.into(), of })
        }
        "Normalization" => {
            options.over_features()?;
            let given = match (options.numbers("mean")?, options.numbers("variance")?) {
                (Some(mean), Some(variance)) => Some([mean, variance]),
                (None, None) => None,
                _ => return Err(options.wrong("it has one of mean and variance; expected both or neither")),
            };
            let of = ScaleOf::Normal { weights: link.weights.clone(), given, invert: options.flag("invert", false)? };
            Part::Scale(Scale { name: link.name.into(), of })
        }
        "Rescaling" => {
            let factor = options.numbers("scale")?.ok_or_else(|| options.wrong("it has no scale"))?;
            let shift = options.numbers("offset")?.unwrap_or_else(|| vec![0.0]);
            Part::Scale(Scale { name: link.name.into(), of: ScaleOf::Fixed { factor, shift } })
        }
        "LayerNormalization" => {
            options.over_features()?;
            Part::Norm(Norm {
                name: link.name.into(),
                weights: link.weights.clone(),
                epsilon: options.double("epsilon", 1e-3)? as f32,
                center: options.flag("center", true)?,
                scale: options.flag("scale", true)?,
            })
        }
        "GlobalAveragePooling1D" => Part::Pool(Reads::Mean),
        "GlobalMaxPooling1D" => Part::Pool(Reads::Max),
        // Of training alone.
        "GaussianNoise" | "GaussianDropout" | "AlphaDropout" | "ActivityRegularization" => {
            notes.push(format!("{} acts in training alone, and is left out", link.name));
            Part::Nothing
        }
        "Identity" => Part::Nothing,
        "Flatten" => Part::Flatten,
        class => {
            return Err(options.wrong(format!(
                "it is a {class}, which is not computed here; expected Embedding, Masking, SimpleRNN, LSTM, GRU or \
                 Bidirectional of one of them, Dense, TimeDistributed(Dense), Conv1D, MaxPooling1D, AveragePooling1D, a normalisation, Rescaling, an average or \
                 maximum over all steps, an activation, Softmax, or one that acts in training alone; a model with others may \
                 be exported as ONNX"
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
    let activation = options.function("activation", "tanh", &["tanh", "relu", "sigmoid", "hard_sigmoid", "linear"])?;
    let activation = activation.and_then(Activation::from_nonlinearity);
    let mut recurrent_activation = GateActivation::default();
    if kind != Kind::Rnn {
        let gates = options.function("recurrent_activation", "sigmoid", &["sigmoid", "hard_sigmoid"])?;
        recurrent_activation = gates.and_then(GateActivation::from_nonlinearity).unwrap_or_default();
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
        units: Some(options.units("units")?),
        activation,
        recurrent_activation,
        use_bias: Some(options.flag("use_bias", true)?),
        reset,
        merge: None,
        return_sequences: Some(options.flag("return_sequences", false)?),
        dropout: 0.0,
    })
}

fn bidirectional(link: &Link<'_>, options: &Options<'_>, notes: &mut Vec<String>) -> Result<Recurrent, Wrong> {
    let (class, config) = inner(link, "layer")?;
    let forward = recurrent(&Options { config, ..*options }, class, false, notes)?;
    if link.config.get("backward_layer").is_some_and(|layer| !layer.is_null()) {
        let (class, config) = inner(link, "backward_layer")?;
        let backward = recurrent(&Options { config, ..*options }, class, true, &mut Vec::new())?;
        if backward != forward {
            return Err(options.wrong("its two directions have different layers; expected two alike"));
        }
    }
    let merge = match options.one_of("merge_mode", "concat", &["concat", "sum", "ave", "mul"])? {
        "sum" => Merge::Sum,
        "ave" => Merge::Average,
        "mul" => Merge::Multiply,
        _ => Merge::Concat,
    };
    let cells = ["forward_layer", "backward_layer"].map(|of| link.weights.inner(of).inner("cell")).into();
    Ok(Recurrent { cells, merge: Some(merge), ..forward })
}

fn dense(options: &Options<'_>, at_every_step: bool, weights: Weights) -> Result<Dense, Wrong> {
    let act = options.act("activation")?;
    Ok(Dense {
        name: options.name.into(),
        weights,
        act,
        before: Vec::new(),
        after: Vec::new(),
        units: Some(options.units("units")?),
        use_bias: Some(options.flag("use_bias", true)?),
        window: None,
        at_every_step,
    })
}

/// A convolution over the steps.
fn conv(options: &Options<'_>, weights: Weights) -> Result<Dense, Wrong> {
    let size = options.steps("kernel_size")?.ok_or_else(|| options.wrong("it has no kernel_size"))?;
    let groups = options.given("groups").map_or(Some(1), Value::as_u64);
    if groups != Some(1) {
        return Err(
            options.wrong("it has several groups of features; expected 1, where every filter reads all features")
        );
    }
    let window = Window::new(size)
        .stride(options.steps("strides")?.unwrap_or(1))
        .dilation(options.steps("dilation_rate")?.unwrap_or(1))
        .padding(options.padding(&["valid", "same", "causal"])?);
    options.fits(window)?;
    Ok(Dense {
        name: options.name.into(),
        weights,
        act: options.act("activation")?,
        before: Vec::new(),
        after: Vec::new(),
        units: Some(options.units("filters")?),
        use_bias: Some(options.flag("use_bias", true)?),
        window: Some(window),
        at_every_step: false,
    })
}

/// The options of a layer, by their names in Keras.
#[derive(Clone, Copy)]
struct Options<'a> {
    name: &'a str,
    config: &'a Value,
    version: Version,
}

/// Functions by their names in Keras, with the constants that they have there.
pub(super) const FUNCTIONS: [(&str, Nonlinearity); 19] = [
    ("linear", Nonlinearity::Identity),
    ("relu", Nonlinearity::Relu),
    ("tanh", Nonlinearity::Tanh),
    ("sigmoid", Nonlinearity::Sigmoid),
    ("elu", Nonlinearity::Elu(1.0)),
    ("selu", Nonlinearity::Selu),
    ("leaky_relu", Nonlinearity::LeakyRelu(0.2)),
    ("gelu", Nonlinearity::Gelu),
    ("silu", Nonlinearity::Silu),
    ("swish", Nonlinearity::Silu),
    ("mish", Nonlinearity::Mish),
    ("softplus", Nonlinearity::Softplus),
    ("softsign", Nonlinearity::Softsign),
    ("exponential", Nonlinearity::Exponential),
    ("hard_sigmoid", Nonlinearity::HardSigmoid(1.0 / 6.0)),
    ("hard_tanh", Nonlinearity::HardTanh),
    ("hard_silu", Nonlinearity::HardSilu),
    ("hard_swish", Nonlinearity::HardSilu),
    ("relu6", Nonlinearity::Relu6),
];

/// Whether an axis is the last one, by itself or as a list: -1, or the third, as Keras 2 writes it of rows with steps.
fn is_last(axis: &Value) -> bool {
    let only = |all: &Vec<Value>| if let [axis] = &all[..] { axis.as_i64() } else { None };
    axis.as_i64().or_else(|| axis.as_array().and_then(only)).is_some_and(|axis| [-1, 2].contains(&axis))
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

    fn units(&self, key: &str) -> Result<usize, Wrong> {
        let units = self.given(key).and_then(Value::as_u64).and_then(|units| usize::try_from(units).ok());
        units.filter(|units| *units > 0).ok_or_else(|| self.wrong(format!("it has no number of {key}")))
    }

    /// Steps, as a number or a list of one.
    fn steps(&self, key: &str) -> Result<Option<usize>, Wrong> {
        let Some(value) = self.given(key) else { return Ok(None) };
        let number = match value {
            Value::Array(all) if all.len() == 1 => &all[0],
            other => other,
        };
        match number.as_u64().and_then(|steps| usize::try_from(steps).ok()) {
            Some(steps) if steps > 0 => Ok(Some(steps)),
            _ => Err(self.wrong(format!("its {key} is {}; expected a number of steps", shown(value)))),
        }
    }

    /// What stands beyond the ends of a row.
    fn padding(&self, computed: &[&str]) -> Result<Padding, Wrong> {
        let name = self.one_of("padding", "valid", computed)?;
        Ok(match name {
            "same" => Padding::Same,
            "causal" => Padding::Causal,
            _ => Padding::Valid,
        })
    }

    /// Refuses windows out of range.
    fn fits(&self, window: Window) -> Result<(), Wrong> {
        window.check().map_err(|error| self.wrong(error.to_string()))
    }

    /// The function of a dense layer, or of a layer of its own.
    fn act(&self, key: &str) -> Result<Act, Wrong> {
        let names: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).chain(["softmax"]).collect();
        Ok(self.function(key, "linear", &names)?.map_or(Act::Softmax, Act::Of))
    }

    /// The function of a name that is among those that are computed; nothing for a softmax.
    fn function(&self, key: &str, default: &'a str, computed: &[&str]) -> Result<Option<Nonlinearity>, Wrong> {
        let name = self.one_of(key, default, computed)?;
        Ok(match name {
            "hard_sigmoid" if self.version == Version::Two => Some(Nonlinearity::HardSigmoid(0.2)),
            _ => FUNCTIONS.iter().find(|(of, _)| *of == name).map(|(_, function)| *function),
        })
    }

    /// A `ReLU` layer by its options, of which Keras 2 writes some as text.
    fn relu(&self) -> Result<Nonlinearity, Wrong> {
        let number = |key: &str| match self.given(key) {
            Some(Value::String(text)) => text.parse().map(Some).map_err(|_| self.wrong(format!("its {key} is {text}"))),
            _ => self.number(key),
        };
        let (most, slope, least) = (number("max_value")?, number("negative_slope")?, number("threshold")?);
        match (most, slope.unwrap_or(0.0), least.unwrap_or(0.0)) {
            (None, 0.0, 0.0) => Ok(Nonlinearity::Relu),
            (None, slope, 0.0) => Ok(Nonlinearity::LeakyRelu(slope)),
            (Some(6.0), 0.0, 0.0) => Ok(Nonlinearity::Relu6),
            _ => Err(self.wrong("it has a max_value or a threshold; expected neither, or a max_value of 6")),
        }
    }

    fn double(&self, key: &str, default: f64) -> Result<f64, Wrong> {
        match self.given(key).map(|value| (value, value.as_f64())) {
            None => Ok(default),
            Some((_, Some(number))) => Ok(number),
            Some((other, None)) => Err(self.wrong(format!("its {key} is {}; expected a number", shown(other)))),
        }
    }

    /// A number or some, however deep they lie in lists.
    fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>, Wrong> {
        fn add(value: &Value, to: &mut Vec<f64>) -> bool {
            match value {
                Value::Array(all) => all.iter().all(|value| add(value, to)),
                value => value.as_f64().map(|x| to.push(x)).is_some(),
            }
        }
        let Some(value) = self.given(key) else { return Ok(None) };
        let mut all = Vec::new();
        match add(value, &mut all) && !all.is_empty() {
            true => Ok(Some(all)),
            false => Err(self.wrong(format!("its {key} is {}; expected numbers", shown(value)))),
        }
    }

    /// Refuses a normalisation over another axis than that of the features.
    fn over_features(&self) -> Result<(), Wrong> {
        match self.config.get("axis") {
            Some(axis) if !is_last(axis) => {
                Err(self.wrong(format!("its axis is {}; expected -1, that of the features", shown(axis))))
            }
            _ => Ok(()),
        }
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
