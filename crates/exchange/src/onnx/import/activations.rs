//! The functions that a recurrent operator names in `activations`, with their constants.

use super::node::Call;

/// A function of a gate, as ONNX defines it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Sigmoid,
    Tanh,
    Relu,
    /// α a + β within 0 and 1.
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    /// α a + β
    Affine {
        alpha: f32,
        beta: f32,
    },
}

/// What an operator has where it names none, of one direction.
pub(super) fn defaults(op: &str) -> &'static [&'static str] {
    match op {
        "RNN" => &["Tanh"],
        "GRU" => &["Sigmoid", "Tanh"],
        _ => &["Sigmoid", "Tanh", "Tanh"],
    }
}

/// The functions of an operator, one direction behind the other. `activation_alpha` and `activation_beta` are numbers for
/// those that have a constant, in their order; without them HardSigmoid has 0.2 and ½.
pub(super) fn functions(call: &Call<'_>, directions: usize) -> Result<Vec<Function>, String> {
    let default = defaults(&call.node.op_type);
    let mut names = call.texts("activations");
    if names.is_empty() {
        names = default.repeat(directions).iter().map(|&name| name.to_owned()).collect();
    }
    let expected = default.len() * directions;
    if names.len() != expected {
        return Err(format!("its activations are {names:?}; expected {expected}"));
    }
    let [mut alphas, mut betas] =
        ["activation_alpha", "activation_beta"].map(|of| call.floats(of).unwrap_or_default().iter().copied());
    let mut functions = Vec::with_capacity(names.len());
    for name in &names {
        let mut constants = |alpha, beta| (alphas.next().unwrap_or(alpha), betas.next().unwrap_or(beta));
        functions.push(match name.to_lowercase().as_str() {
            "sigmoid" => Function::Sigmoid,
            "tanh" => Function::Tanh,
            "relu" => Function::Relu,
            "hardsigmoid" => {
                let (alpha, beta) = constants(0.2, 0.5);
                Function::HardSigmoid { alpha, beta }
            }
            // Without constants of its own in ONNX.
            "affine" => {
                let (alpha, beta) = constants(f32::NAN, f32::NAN);
                if alpha.is_nan() || beta.is_nan() {
                    return Err(format!(
                        "its activations are {names:?}; expected activation_alpha and activation_beta for Affine"
                    ));
                }
                Function::Affine { alpha, beta }
            }
            _ => {
                return Err(format!(
                    "its activations are {names:?}, and {name} is not computed here; expected Sigmoid, Tanh, Relu, \
                     HardSigmoid or Affine"
                ));
            }
        });
    }
    let left = alphas.len().max(betas.len());
    if left > 0 {
        return Err(format!(
            "its activation_alpha or activation_beta has {left} numbers more than its activations {names:?} have constants"
        ));
    }
    Ok(functions)
}
