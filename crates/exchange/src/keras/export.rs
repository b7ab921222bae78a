//! To a `.keras` archive.

use std::collections::BTreeMap;

use elman::{AnyCell, Layer, Link, Merge, Model, Padding, Predicts, Reads, Values, Window, array_prefix};
use elman_formats::Array;
use elman_formats::keras::Archive;
use elman_kernels::{Nonlinearity, Pooling, Reset, StepDense, StepNorm, StepPool, StepScale};
use serde_json::{Value, json};

use super::options::FUNCTIONS;
use super::{GATES, METADATA_KEY, ORDER, PARTNER, in_paths, path, scaling};
use crate::Error;
use crate::Report;
use crate::arrays::{beside, reordered, reshaped, zeros};
use crate::assembly;
use crate::feature::{self, Feature};
use crate::report::Change;
use crate::transfer::Transfer;
use crate::units::{self, meaning};

/// The Keras whose archives these are.
const VERSION: &str = "3.15.1";

/// The archive of a model: a `Sequential` model that `keras.models.load_model` loads, with our configuration in its
/// metadata. Where the model's job scales, a `Normalization` layer stands before the network and a `Rescaling` behind the
/// quantiles: it reads data in its own units. [`import`](super::import()) gives the same model back, bit for bit. A head of classes ends in a softmax.
///
/// # Errors
/// If a layer has what no layer of Keras has: which, and why.
pub fn export(model: &Model) -> Result<(Archive, Report), Error> {
    give(model, true)
}

/// The same of the network alone: it reads what the network reads, standardised where the model's job scales. A file of
/// weights has no place for more.
///
/// # Errors
/// As [`export`].
pub fn export_network(model: &Model) -> Result<(Archive, Report), Error> {
    give(model, false)
}

fn give(model: &Model, raw: bool) -> Result<(Archive, Report), Error> {
    let arrays = model.arrays();
    let mut transfer = Transfer::given_to(PARTNER, &arrays);
    let (stack, head) = (model.stack(), model.head());
    assembly::check_features(&transfer, stack, |cell| expressed(cell).err(), why_not)?;
    assembly::check_attention(
        &transfer,
        head,
        "no layer of Keras takes the steps together by a learned score of each",
    )?;
    check_last(&transfer, model)?;
    let config = assembly::config_json(&transfer, model)?;
    let config: Value =
        serde_json::from_str(&config).map_err(|error| transfer.refused("its configuration", error.to_string()))?;

    let units = units::given(&mut transfer, model, raw)?;
    if let Some(units) = &units {
        scaling::check(&transfer, units)?;
        scaling::note(&mut transfer, units, head.reads);
    }
    let scales = units.as_ref().map(scaling::of);
    let mut layers = Layers::default();
    let steps = model.steps;
    let shape = if stack.embedding.is_some() { json!([null, steps]) } else { json!([null, steps, stack.input()]) };
    layers.add("InputLayer", json!({ "batch_shape": shape, "dtype": "float32" }));
    if let Some(of) = &scales {
        layers.add("Normalization", of.before.clone());
    }
    if let Some(of) = stack.embedding {
        let path = layers.add("Embedding", json!({ "input_dim": of.tokens, "output_dim": of.size }));
        let name = "embedding.kernel";
        transfer.moved(&[name], [(format!("{path}/vars/0"), arrays[name].clone())], &[]);
        transfer.note("tokens come as [batch, steps], without an axis of one float");
    }
    let recurrent = stack.layers.iter().rposition(|layer| layer.cell.has_state());
    for (index, layer) in stack.layers.iter().enumerate() {
        let every_step = head.reads != Reads::LastState || Some(index) != recurrent;
        give_layer(&mut transfer, &mut layers, index, layer, every_step)?;
        if layer.dropout > 0.0 {
            layers.add("Dropout", json!({ "rate": layer.dropout }));
        }
    }
    match head.reads {
        Reads::Mean => drop(layers.add("GlobalAveragePooling1D", json!({ "keepdims": false }))),
        Reads::Max => drop(layers.add("GlobalMaxPooling1D", json!({ "keepdims": false }))),
        Reads::LastState | Reads::EveryStep | Reads::Attention => {}
    }
    for (index, hidden) in head.hidden.iter().enumerate() {
        give_dense(&mut transfer, &mut layers, &format!("head.{index}."), hidden.size, hidden.activation, None)?;
    }
    let activation = match head.predicts {
        Predicts::Classes(_) => {
            transfer.note("the model ends in a softmax: it answers with probabilities");
            "softmax"
        }
        Predicts::Values(Values { link: Link::Sigmoid, .. }) => "sigmoid",
        Predicts::Quantiles(_) | Predicts::Values(_) => "linear",
    };
    let path = layers.add("Dense", json!({ "units": head.outputs(), "activation": activation, "use_bias": true }));
    give_arrays(&mut transfer, "head.", &["kernel", "bias"], &path);
    if let Some(behind) = scales.and_then(|of| of.behind) {
        layers.add("Rescaling", behind);
    }
    assembly::note_quantiles(&mut transfer, head, units.as_ref());
    assembly::note_masks(&mut transfer, &feature::cell_masks(stack));
    let (arrays, report) = transfer.finish("our own names")?;
    let config_of_model = json!({ "name": "sequential", "trainable": true, "dtype": "float32", "layers": layers.all });
    Ok((
        Archive {
            config: object("keras", "Sequential", config_of_model),
            metadata: {
                let [inputs, outputs] = meaning(&model.config(), units.as_ref()).map(|(_, value)| value);
                json!({ "keras_version": VERSION, METADATA_KEY: config, "elman.inputs": inputs, "elman.outputs": outputs })
            },
            arrays,
            attributes: BTreeMap::new(),
        },
        report,
    ))
}

/// What a cell is in Keras.
enum Expressed<'a> {
    Recurrent(Recurrent),
    Dense(&'a StepDense),
    LayerNorm(&'a StepNorm),
    Scale(&'a StepScale),
    Pool(&'a StepPool),
}

/// A recurrent layer of Keras.
struct Recurrent {
    class: &'static str,
    /// What its configuration says beside what all have.
    settings: Value,
    gates: usize,
    /// Whether its gates stand in another order than ours: r z n for z r n.
    reordered: bool,
    /// Whether it has a bias of the input and one of the state.
    two_biases: bool,
}

/// What a cell is in Keras, or why it is nothing there.
fn expressed(cell: &AnyCell) -> Result<Expressed<'_>, &'static str> {
    Ok(match cell {
        AnyCell::Rnn(rnn) => Expressed::Recurrent(Recurrent {
            class: "SimpleRNN",
            settings: json!({ "activation": rnn.activation.name() }),
            gates: 1,
            reordered: false,
            two_biases: false,
        }),
        AnyCell::Lstm(lstm) => Expressed::Recurrent(Recurrent {
            class: "LSTM",
            settings: json!({
                "activation": lstm.activation.name(),
                "recurrent_activation": lstm.recurrent_activation.name(),
            }),
            gates: 4,
            reordered: false,
            two_biases: false,
        }),
        AnyCell::Gru(gru) => Expressed::Recurrent(Recurrent {
            class: "GRU",
            settings: json!({
                "activation": gru.activation.name(),
                "recurrent_activation": gru.recurrent_activation.name(),
                "reset_after": gru.reset == Reset::After,
            }),
            gates: 3,
            reordered: true,
            two_biases: gru.reset == Reset::After,
        }),
        AnyCell::Dense(dense) => Expressed::Dense(dense),
        AnyCell::LayerNorm(norm) => Expressed::LayerNorm(norm),
        AnyCell::Scale(scale) => Expressed::Scale(scale),
        AnyCell::Pool(pool) => Expressed::Pool(pool),
        AnyCell::IndRnn(_) => return Err("Keras has none"),
        AnyCell::Custom(_) => return Err("Keras does not know it"),
    })
}

/// Why a layer of Keras has not what one of ours has.
fn why_not(feature: Feature) -> Option<&'static str> {
    match feature {
        Feature::Relu | Feature::ResetBefore | Feature::ResetAfter => None,
        Feature::Activation("hard_sigmoid_keras2") | Feature::RecurrentActivation("hard_sigmoid_keras2") => Some(
            "the hard_sigmoid of Keras 3 is a / 6 + 1/2 within 0 and 1, not 0.2 a + 1/2; train with hard_sigmoid for it",
        ),
        Feature::Activation(_) | Feature::RecurrentActivation(_) => None,
        // Which of them, is asked where the layer is made.
        Feature::Windows => None,
        Feature::Sum | Feature::Average | Feature::Multiply => None,
        Feature::Peepholes => Some("the gates of Keras's LSTM do not see the memory"),
        Feature::Coupled => Some("Keras's LSTM has a forget gate of its own"),
        Feature::CellClip => Some("Keras's LSTM does not clip its memory"),
        Feature::Projection | Feature::ProjectionClip => Some("Keras's LSTM has no projection"),
        Feature::LayerNorm => Some("Keras's LSTM and GRU do not normalise their gates"),
        Feature::Zoneout => Some("no recurrent layer of Keras mixes the old state with the new one"),
        Feature::Residual => Some("a Sequential model has no way around a layer"),
    }
}

/// A serialised object of Keras.
fn object(module: &str, class: &str, config: Value) -> Value {
    json!({ "module": module, "class_name": class, "config": config, "registered_name": null })
}

/// The layers of a `Sequential` model so far.
#[derive(Default)]
struct Layers {
    all: Vec<Value>,
    /// Layers of each class.
    counts: BTreeMap<&'static str, usize>,
}

impl Layers {
    /// Adds a layer under a name of its own; the place of its arrays.
    fn add(&mut self, class: &'static str, mut config: Value) -> String {
        let count = self.counts.entry(class).or_default();
        let path = path(&in_paths(class), *count);
        *count += 1;
        config["name"] = json!(path.trim_start_matches("layers/"));
        if class != "InputLayer" {
            config["trainable"] = json!(true);
            config["dtype"] = json!("float32");
        }
        self.all.push(object("keras.layers", class, config));
        path
    }
}

/// A recurrent layer, in one direction or both.
fn give_layer(
    transfer: &mut Transfer<'_>,
    layers: &mut Layers,
    index: usize,
    layer: &Layer,
    every_step: bool,
) -> Result<(), Error> {
    let (_, units, _) = assembly::sizes(&layer.cell);
    let mut config = json!({ "units": units, "activation": null, "use_bias": true, "return_sequences": every_step });
    let recurrent = match expressed(&layer.cell) {
        Ok(Expressed::Recurrent(_) | Expressed::LayerNorm(_) | Expressed::Scale(_)) if layer.window.is_some() => {
            let why = "it reads windows of steps, and no layer of Keras but a Conv1D and one that pools does";
            return Err(transfer.refused(format!("layer {index}"), why));
        }
        Ok(Expressed::Recurrent(recurrent)) => recurrent,
        Ok(Expressed::Dense(dense)) => {
            let of_window = layer.window.map(|window| padding(transfer, index, window).map(|name| (window, name)));
            let of_window = of_window.transpose()?;
            let ours = array_prefix(index, 1, 0);
            return give_dense(transfer, layers, &ours, dense.output, dense.activation, of_window);
        }
        Ok(Expressed::Pool(pool)) => {
            let Some(window) = layer.window else { return Ok(()) };
            let name = padding(transfer, index, window)?;
            let why = match (window, pool.pooling) {
                (Window { dilation: 2.., .. }, _) => {
                    Some("its steps do not follow each other, and Keras pools those that do")
                }
                (Window { padding: Padding::Causal, .. }, _) => {
                    Some("Keras has no causal pooling; expected valid or same")
                }
                (Window { padding: Padding::Same, .. }, Pooling::Mean) => {
                    Some("its mean counts zeros beyond the ends, and Keras counts the steps that are there alone")
                }
                _ => None,
            };
            if let Some(why) = why {
                return Err(transfer.refused(format!("the pooling in layer {index}"), why));
            }
            let class = if pool.pooling == Pooling::Max { "MaxPooling1D" } else { "AveragePooling1D" };
            layers.add(
                class,
                json!({ "pool_size": [pool.steps], "strides": [window.stride], "padding": name,
                                      "data_format": "channels_last" }),
            );
            return Ok(());
        }
        Ok(Expressed::LayerNorm(norm)) => {
            let path = layers.add("LayerNormalization", json!({ "axis": -1, "epsilon": shortest(norm.epsilon) }));
            give_arrays(transfer, &array_prefix(index, 1, 0), &["gain", "bias"], &path);
            return Ok(());
        }
        Ok(Expressed::Scale(scale)) => {
            // Statistics that change nothing: what is left are the factor and the shift.
            let path = layers.add("BatchNormalization", json!({ "axis": -1, "epsilon": 0.0 }));
            give_arrays(transfer, &array_prefix(index, 1, 0), &["gain", "bias"], &path);
            let statistics = [("2", 0.0), ("3", 1.0)].map(|(number, x)| {
                (format!("{path}/vars/{number}"), Array { shape: vec![scale.size], data: vec![x; scale.size] })
            });
            transfer.moved(&[], statistics, &[]);
            return Ok(());
        }
        Err(why) => return Err(transfer.refused(format!("layer {index}"), why)),
    };
    let class = recurrent.class;
    for (setting, value) in recurrent.settings.as_object().into_iter().flatten() {
        config[setting] = value.clone();
    }
    let Some(merge) = layer.bidirectional else {
        let path = layers.add(class, config);
        return give_cell(transfer, &layer.cell, &recurrent, &array_prefix(index, 1, 0), &format!("{path}/cell"));
    };
    config["dtype"] = json!("float32");
    let merge = match merge {
        Merge::Concat => "concat",
        Merge::Sum => "sum",
        Merge::Average => "ave",
        Merge::Multiply => "mul",
    };
    let path =
        layers.add("Bidirectional", json!({ "layer": object("keras.layers", class, config), "merge_mode": merge }));
    for (direction, of) in ["forward_layer", "backward_layer"].into_iter().enumerate() {
        give_cell(transfer, &layer.cell, &recurrent, &array_prefix(index, 2, direction), &format!("{path}/{of}/cell"))?;
    }
    Ok(())
}

/// What Keras calls the padding of windows.
///
/// # Errors
/// If it has none such, or no windows with a stride and gaps.
fn padding(transfer: &Transfer<'_>, index: usize, window: Window) -> Result<&'static str, Error> {
    if window.stride > 1 && window.dilation > 1 {
        let why = "it has a stride and a dilation, and a Conv1D of Keras has one of them";
        return Err(transfer.refused(format!("layer {index}"), why));
    }
    match window.padding {
        Padding::Valid | Padding::Ends { before: 0, after: 0 } => Ok("valid"),
        Padding::Same => Ok("same"),
        Padding::Causal => Ok("causal"),
        Padding::Ends { before, after } => {
            let why = format!(
                "it pads {before} steps in front and {after} behind, and a layer of Keras pads by name: valid, same or causal"
            );
            Err(transfer.refused(format!("layer {index}"), why))
        }
    }
}

/// Arrays as they are, numbered in their order.
fn give_arrays(transfer: &mut Transfer<'_>, ours: &str, names: &[&str], path: &str) {
    for (number, of) in names.iter().enumerate() {
        let name = format!("{ours}{of}");
        if let Some(array) = transfer.get(&name) {
            transfer.moved(&[&name], [(format!("{path}/vars/{number}"), array.clone())], &[]);
        }
    }
}

/// A dense layer; a function that has no name in Keras is a layer behind it.
fn give_dense(
    transfer: &mut Transfer<'_>,
    layers: &mut Layers,
    ours: &str,
    units: usize,
    activation: Nonlinearity,
    window: Option<(Window, &str)>,
) -> Result<(), Error> {
    let name = name_of(activation);
    let mut config = json!({ "activation": name.unwrap_or("linear"), "use_bias": true });
    match window {
        None => {
            config["units"] = json!(units);
            let path = layers.add("Dense", config);
            give_arrays(transfer, ours, &["kernel", "bias"], &path);
        }
        Some((window, padding)) => {
            config["filters"] = json!(units);
            let settings =
                [("kernel_size", window.size), ("strides", window.stride), ("dilation_rate", window.dilation)];
            settings.into_iter().for_each(|(key, steps)| config[key] = json!([steps]));
            config["padding"] = json!(padding);
            config["data_format"] = json!("channels_last");
            config["groups"] = json!(1);
            let path = layers.add("Conv1D", config);
            let [kernel, bias] = ["kernel", "bias"].map(|of| format!("{ours}{of}"));
            if let (Some(array), Some(vector)) = (transfer.get(&kernel), transfer.get(&bias)) {
                let input = array.shape[0] / window.size;
                let array = reshaped(array, &[window.size, input, units]);
                transfer.moved(&[&kernel], [(format!("{path}/vars/0"), array)], &[Change::Reshaped]);
                transfer.moved(&[&bias], [(format!("{path}/vars/1"), vector.clone())], &[]);
            }
        }
    }
    match (name, activation) {
        (Some(_), _) => {}
        (None, Nonlinearity::LeakyRelu(slope)) => {
            layers.add("LeakyReLU", json!({ "negative_slope": shortest(slope) }));
        }
        (None, Nonlinearity::Elu(alpha)) => {
            layers.add("ELU", json!({ "alpha": shortest(alpha) }));
        }
        (None, other) => {
            let why = format!("Keras has no activation {} with its constant", other.name());
            return Err(transfer.refused(format!("the dense layer {}", ours.trim_end_matches('.')), why));
        }
    }
    Ok(())
}

/// The name of a function in Keras 3, where it has the same constants.
fn name_of(function: Nonlinearity) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(_, of)| *of == function).map(|(name, _)| *name)
}

/// A number with the digits that tell it from other f32.
fn shortest(x: f32) -> f64 {
    x.to_string().parse().unwrap_or(f64::from(x))
}

/// Refuses a head on last states that no layer of Keras gives.
fn check_last(transfer: &Transfer<'_>, model: &Model) -> Result<(), Error> {
    let layers = &model.stack().layers;
    let Some(last) = layers.iter().rposition(|layer| layer.cell.has_state()) else {
        return match model.head().reads {
            Reads::LastState => {
                let why = "no layer of Keras but a recurrent one gives its last step alone";
                Err(transfer.refused("a head on the last state without a recurrent layer", why))
            }
            _ => Ok(()),
        };
    };
    if model.head().reads != Reads::LastState {
        return Ok(());
    }
    match layers[last].bidirectional {
        Some(Merge::Sum) => {
            let why = "the head reads the last states of both directions side by side, and a Bidirectional that sums gives \
                       their sum";
            Err(transfer.refused(format!("the sum of two directions in layer {last}"), why))
        }
        Some(_) if last + 1 < layers.len() => {
            let why = "a Bidirectional that gives its last states alone has those of both ends, and not the last step of both \
                       directions";
            Err(transfer.refused(format!("layer {}, on the last step of two directions", last + 1), why))
        }
        _ => Ok(()),
    }
}

fn give_cell(
    transfer: &mut Transfer<'_>,
    cell: &AnyCell,
    recurrent: &Recurrent,
    ours: &str,
    path: &str,
) -> Result<(), Error> {
    let ((input, hidden, _), gates) = (assembly::sizes(cell), recurrent.gates);
    let turned = |array: &Array| match recurrent.reordered {
        true => (reordered(array, &ORDER), vec![Change::Gates { from: GATES.1, to: GATES.0 }]),
        false => (array.clone(), Vec::new()),
    };
    let shapes = [("kernel", vec![input, gates * hidden]), ("recurrent_kernel", vec![hidden, gates * hidden])];
    for (number, (of, shape)) in shapes.into_iter().enumerate() {
        let name = format!("{ours}{of}");
        let (array, changes) = turned(transfer.array(&name, &shape)?);
        transfer.moved(&[&name], [(format!("{path}/vars/{number}"), array)], &changes);
    }
    let (bias, recurrent_bias) = (format!("{ours}bias"), format!("{ours}recurrent_bias"));
    let to = format!("{path}/vars/2");
    let (array, mut changes) = turned(transfer.array(&bias, &[gates * hidden])?);
    if !recurrent.two_biases {
        transfer.moved(&[&bias], [(to, array)], &changes);
        return Ok(());
    }
    // A row for the input and one for the state, of which r scales b_hn alone: the one part that is not in our sum.
    let state = beside(&[&zeros(&[2 * hidden]), transfer.array(&recurrent_bias, &[hidden])?]);
    let both = reshaped(&beside(&[&array, &reordered(&state, &ORDER)]), &[2, 3 * hidden]);
    changes.extend([Change::Joined, Change::Zeros]);
    transfer.moved(&[&bias, &recurrent_bias], [(to, both)], &changes);
    Ok(())
}
