//! Activations of a head as operators.

use elman_formats::onnx::Attribute;
use elman_kernels::Nonlinearity;

/// λ and α of SELU, as the operator's documentation has them.
const SELU: [f32; 2] = [1.050_701, 1.673_263_2];

/// The operator of an activation, with its attributes; none for those that are made of several, or take their limits as
/// inputs.
pub(super) fn operator(activation: Nonlinearity) -> Option<(&'static str, Vec<Attribute>)> {
    let float = Attribute::float;
    Some(match activation {
        Nonlinearity::Identity => ("Identity", vec![]),
        Nonlinearity::Relu => ("Relu", vec![]),
        Nonlinearity::Tanh => ("Tanh", vec![]),
        Nonlinearity::Sigmoid => ("Sigmoid", vec![]),
        Nonlinearity::Elu(alpha) => ("Elu", vec![float("alpha", alpha)]),
        Nonlinearity::Selu => ("Selu", vec![]),
        Nonlinearity::LeakyRelu(slope) => ("LeakyRelu", vec![float("alpha", slope)]),
        Nonlinearity::Gelu => ("Gelu", vec![]),
        Nonlinearity::GeluTanh => ("Gelu", vec![Attribute::text("approximate", "tanh")]),
        Nonlinearity::Mish => ("Mish", vec![]),
        Nonlinearity::Softplus => ("Softplus", vec![]),
        Nonlinearity::Softsign => ("Softsign", vec![]),
        Nonlinearity::Exponential => ("Exp", vec![]),
        Nonlinearity::HardSigmoid(slope) => ("HardSigmoid", vec![float("alpha", slope), float("beta", 0.5)]),
        Nonlinearity::HardSilu => ("HardSwish", vec![]),
        Nonlinearity::Silu | Nonlinearity::HardTanh | Nonlinearity::Relu6 => return None,
    })
}

/// The activation that an operator is, by its attributes; nothing where it is none.
///
/// # Errors
/// If its attributes are those of no activation here.
pub(super) fn of(
    op: &str,
    float: impl Fn(&str, f32) -> f32,
    text: Option<String>,
) -> Option<Result<Nonlinearity, String>> {
    Some(Ok(match op {
        "Relu" => Nonlinearity::Relu,
        "Tanh" => Nonlinearity::Tanh,
        "Sigmoid" => Nonlinearity::Sigmoid,
        "Elu" => Nonlinearity::Elu(float("alpha", 1.0)),
        "Selu" => {
            let [lambda, alpha] = [float("gamma", SELU[0]), float("alpha", SELU[1])];
            if (lambda - SELU[0]).abs() > 1e-6 || (alpha - SELU[1]).abs() > 1e-6 {
                let why = format!("its gamma and alpha are {lambda} and {alpha}; expected {} and {}", SELU[0], SELU[1]);
                return Some(Err(why));
            }
            Nonlinearity::Selu
        }
        "LeakyRelu" => Nonlinearity::LeakyRelu(float("alpha", 0.01)),
        "Gelu" => match text.as_deref() {
            None | Some("none") => Nonlinearity::Gelu,
            Some("tanh") => Nonlinearity::GeluTanh,
            Some(other) => return Some(Err(format!("its approximation is {other:?}; expected none or tanh"))),
        },
        "Mish" => Nonlinearity::Mish,
        "Softplus" => Nonlinearity::Softplus,
        "Softsign" => Nonlinearity::Softsign,
        "Exp" => Nonlinearity::Exponential,
        "HardSigmoid" => match float("beta", 0.5) {
            0.5 => Nonlinearity::HardSigmoid(float("alpha", 0.2)),
            beta => return Some(Err(format!("its beta is {beta}; expected 0.5"))),
        },
        "HardSwish" => Nonlinearity::HardSilu,
        _ => return None,
    }))
}
