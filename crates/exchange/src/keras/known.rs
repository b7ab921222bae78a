//! Every option of every layer that is read: which of them changes an answer, and which does not. Any other is refused,
//! since nobody knows what it changes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::chain::{Link, Wrong, shown, text};

/// What is said of an option.
enum Meaning {
    /// Read where the layer is understood.
    Read,
    /// Of training, or of the way in which the same is computed.
    Idle,
    /// Anything but `false`, `null` or this text is refused.
    Fixed(&'static str),
}
use Meaning::{Fixed, Idle, Read};

/// Options of any layer, beside those of training.
const OF_ALL: [&str; 6] = ["name", "trainable", "batch_input_shape", "dynamic", "input_dim", "input_length"];

/// What options that end in `_initializer`, `_regularizer` or `_constraint` are for.
const OF_TRAINING: [&str; 9] =
    ["kernel", "recurrent", "bias", "embeddings", "activity", "beta", "gamma", "moving_mean", "moving_variance"];

const QUANTIZED: &str = "null: quantized weights are not read; save the model before it is quantized";
const ADAPTED: &str =
    "null: build the same layer without lora_rank and load the saved weights into it, which hold its sum";
const DENSE_TENSORS: &str = "false: dense inputs alone are read";

/// The options of a class that is read.
fn options(class: &str) -> Option<&'static [(&'static str, Meaning)]> {
    Some(match class {
        "InputLayer" => &[
            ("batch_shape", Read),
            ("sparse", Fixed(DENSE_TENSORS)),
            ("ragged", Fixed(DENSE_TENSORS)),
            ("optional", Fixed("false: an input that is always there")),
            ("input_tensor", Fixed("null: an input of its own")),
        ],
        "Embedding" => &[
            ("output_dim", Read),
            ("mask_zero", Read),
            ("sparse", Idle),
            ("quantization_config", Fixed(QUANTIZED)),
            ("lora_rank", Fixed(ADAPTED)),
            ("lora_alpha", Fixed(ADAPTED)),
        ],
        "SimpleRNN" | "LSTM" | "GRU" => &[
            ("units", Read),
            ("activation", Read),
            ("recurrent_activation", Read),
            ("use_bias", Read),
            ("return_sequences", Read),
            ("return_state", Read),
            ("go_backwards", Read),
            ("stateful", Read),
            ("dropout", Read),
            ("recurrent_dropout", Read),
            ("reset_after", Read),
            // Of masked steps, which rows here do not have.
            ("zero_output_for_mask", Idle),
            ("unit_forget_bias", Idle),
            ("unroll", Idle),
            ("implementation", Idle),
            ("seed", Idle),
            ("batch_size", Idle),
            ("time_major", Fixed("false: rows first")),
            ("use_cudnn", Idle),
        ],
        "Bidirectional" => &[("layer", Read), ("backward_layer", Read), ("merge_mode", Read)],
        "TimeDistributed" => &[("layer", Read)],
        "Dense" => &[
            ("units", Read),
            ("activation", Read),
            ("use_bias", Read),
            ("quantization_config", Fixed(QUANTIZED)),
            ("lora_rank", Fixed(ADAPTED)),
            ("lora_alpha", Fixed(ADAPTED)),
        ],
        "Conv1D" => &[
            ("filters", Read),
            ("kernel_size", Read),
            ("strides", Read),
            ("padding", Read),
            ("dilation_rate", Read),
            ("groups", Read),
            ("activation", Read),
            ("use_bias", Read),
            ("data_format", Fixed("channels_last: steps first")),
            ("rank", Idle),
            ("quantization_config", Fixed(QUANTIZED)),
            ("lora_rank", Fixed(ADAPTED)),
            ("lora_alpha", Fixed(ADAPTED)),
        ],
        "MaxPooling1D" | "AveragePooling1D" => &[
            ("pool_size", Read),
            ("strides", Read),
            ("padding", Read),
            ("data_format", Fixed("channels_last: steps first")),
        ],
        "Masking" => &[("mask_value", Read)],
        "Dropout" | "SpatialDropout1D" | "AlphaDropout" | "GaussianDropout" => {
            &[("rate", Read), ("seed", Idle), ("noise_shape", Idle), ("data_format", Idle)]
        }
        "GaussianNoise" => &[("stddev", Read), ("seed", Idle)],
        "ActivityRegularization" => &[("l1", Idle), ("l2", Idle)],
        "Identity" => &[],
        "Activation" => &[("activation", Read)],
        "Softmax" => &[("axis", Read)],
        "Flatten" => &[("data_format", Idle)],
        "ReLU" => &[("max_value", Read), ("negative_slope", Read), ("threshold", Read)],
        "LeakyReLU" => &[("negative_slope", Read), ("alpha", Read)],
        "ELU" => &[("alpha", Read)],
        "BatchNormalization" => &[
            ("axis", Read),
            ("epsilon", Read),
            ("center", Read),
            ("scale", Read),
            ("momentum", Idle),
            ("synchronized", Idle),
            ("fused", Idle),
            ("virtual_batch_size", Fixed("null: whole batches")),
            ("renorm", Fixed("false: statistics of one kind")),
            ("renorm_clipping", Idle),
            ("renorm_momentum", Idle),
        ],
        "LayerNormalization" => &[
            ("axis", Read),
            ("epsilon", Read),
            ("center", Read),
            ("scale", Read),
            ("rms_scaling", Fixed("false: with the mean taken off")),
        ],
        "Normalization" => &[("axis", Read), ("mean", Read), ("variance", Read), ("invert", Read)],
        "Rescaling" => &[("scale", Read), ("offset", Read)],
        "GlobalAveragePooling1D" | "GlobalMaxPooling1D" => &[
            ("data_format", Fixed("channels_last: steps first")),
            ("keepdims", Fixed("false: without an axis of one step")),
        ],
        _ => return None,
    })
}

/// Looks at every option of a layer and of those inside it.
///
/// # Errors
/// If one is not known, or has a value that is not computed here: which, of which layer.
pub(super) fn check(link: &Link<'_>, notes: &mut Vec<String>) -> Result<(), Wrong> {
    check_config(link.name, link.class, link.config, notes)
}

fn check_config(name: &str, class: &str, config: &Value, notes: &mut Vec<String>) -> Result<(), Wrong> {
    let wrong = |why: String| Err((name.to_owned(), why));
    // A class that is not read is refused where it is understood.
    let Some(options) = options(class) else { return Ok(()) };
    for (key, value) in config.as_object().into_iter().flatten() {
        if key == "dtype" {
            check_type(name, class, value, notes)?;
            continue;
        }
        if OF_ALL.contains(&key.as_str()) {
            continue;
        }
        let (part, kind) = key.rsplit_once('_').unwrap_or((key, ""));
        if ["initializer", "regularizer", "constraint"].contains(&kind) && OF_TRAINING.contains(&part) {
            if kind != "initializer" && !value.is_null() {
                notes.push(format!("{name} has a {key}, which acts in training alone, and is left out"));
            }
            continue;
        }
        match options.iter().find(|(of, _)| of == key).map(|(_, of)| of) {
            Some(Read | Idle) => {}
            Some(Fixed(expected)) => {
                let (least, _) = expected.split_once(':').unwrap_or((expected, ""));
                let fits = value.is_null() || *value == Value::Bool(false) || value.as_str() == Some(least);
                if !fits {
                    return wrong(format!("its {key} is {}; expected {expected}", shown(value)));
                }
            }
            None => {
                return wrong(format!(
                    "its option {key} ({}) is not known here, and may change what it answers; expected the options of a \
                     {class} of Keras 2 or 3",
                    shown(value)
                ));
            }
        }
    }
    // A layer's own, in both directions or at every step.
    for inside in ["layer", "backward_layer"] {
        let Some(layer) = config.get(inside).filter(|layer| !layer.is_null()) else { continue };
        super::chain::check_own(layer).map_err(|why| (name.to_owned(), format!("of its {inside}: {why}")))?;
        let mut inner = Vec::new();
        if let (Some(class), Some(config)) = (text(layer, "class_name"), layer.get("config")) {
            check_config(name, class, config, &mut inner)?;
        }
        if inside == "layer" {
            notes.append(&mut inner);
        }
    }
    Ok(())
}

/// The policy of a layer's type, if it names one.
fn policy(value: &Value) -> Option<&str> {
    match value {
        Value::String(policy) => Some(policy.as_str()),
        other if ["DTypePolicy", "FloatDTypePolicy", "Policy"].contains(&text(other, "class_name").unwrap_or("")) => {
            other.pointer("/config/name").and_then(Value::as_str)
        }
        _ => None,
    }
}

/// What there is to say of layers that compute in another type than f32, of each type once.
pub(super) fn precision(links: &[Link<'_>]) -> Vec<String> {
    let mut by_policy: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for link in links.iter().filter(|link| link.class != "InputLayer") {
        // A wrapper may have none of its own.
        let types = [link.config.get("dtype"), link.config.pointer("/layer/config/dtype")];
        let other = types.into_iter().flatten().filter_map(policy).find(|policy| *policy != "float32");
        if let Some(policy) = other {
            by_policy.entry(policy).or_default().push(link.name);
        }
    }
    let line = |(policy, names): (&str, Vec<&str>)| {
        let computes = if names.len() == 1 { "computes" } else { "compute" };
        format!("{} {computes} in {policy} there, in float32 here", names.join(", "))
    };
    by_policy.into_iter().map(line).collect()
}

/// The type in which a layer computes: others than f32 are noted, those of quantized layers refused.
fn check_type(name: &str, class: &str, value: &Value, notes: &mut Vec<String>) -> Result<(), Wrong> {
    const FLOATS: [&str; 6] = ["float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"];
    // Of the numbers that come in, which are taken as floats or tokens.
    if class == "InputLayer" || value.is_null() {
        return Ok(());
    }
    match policy(value).filter(|policy| FLOATS.contains(policy)) {
        Some("float32") => Ok(()),
        Some(policy) => {
            notes.push(format!(
                "{name} computes in {policy} there, and in float32 here: answers differ by the rounding of it"
            ));
            Ok(())
        }
        None => Err((
            name.into(),
            format!(
                "its dtype is {}; expected one of {}: weights of other types are not read; save the model before it is \
                 quantized",
                shown(value),
                FLOATS.join(", ")
            ),
        )),
    }
}
