//! Agreement with the optimizers of PyTorch and TensorFlow 1, step by step. The files and the scripts that make them are
//! in `golden/`.

use crate::support::{Arrays, golden};
use elman::formats::Array;
use elman::{
    Adagrad, Adam, AdamW, Algorithm, Build, Descent, Isa, Optimizer, RmsProp, Rnn, Rprop, RpropVariant, Sgd, State,
};
use ndarray::Array3;

/// The rate of most cases.
const RATE: f64 = 0.05;

/// Of a parameter, or of 1 where it is smaller: each of 20 steps rounds it. What is small has come from what was not.
const TOLERANCE: f64 = 1e-6;

/// The same for Adam with β₂ = 0.999: 1 − β₂ is 4.7e-5 larger in the moments' single precision, half of it under the root,
/// and the correction of the rate has it in double precision. The parameters move by 1 in 20 steps.
const ADAM: f64 = 2.5e-5;

/// 32 floats as the arrays of an Elman cell of 3 inputs and 4 units.
fn arrays(floats: &[f32]) -> Arrays {
    assert_eq!(floats.len(), 32);
    let array = |from: usize, shape: &[usize]| Array {
        shape: shape.to_vec(),
        data: floats[from..from + shape.iter().product::<usize>()].to_vec(),
    };
    Arrays::from([
        ("layers.0.bias".into(), array(0, &[4])),
        ("layers.0.kernel".into(), array(4, &[3, 4])),
        ("layers.0.recurrent_kernel".into(), array(16, &[4, 4])),
    ])
}

/// Our optimizer along a case of a file, on every instruction set.
fn follow(golden: &Arrays, case: &str, descent: Descent, tolerance: f64) {
    let name = format!("{case}/parameters");
    let expected = golden.get(&name).unwrap_or_else(|| panic!("no {name}"));
    for isa in Isa::available() {
        let mut network = Rnn::new(3, 4).with_arrays(&arrays(&golden["start"].data)).unwrap();
        let xs = Array3::zeros((1, 1, 3));
        let zero = State::from_h(ndarray::Array2::zeros((1, 4)).view());
        let unrolled = network.dynamic_rnn(xs.view()).unroll().unwrap();
        let mut gradients = unrolled.backward(None, Some(&zero)).unwrap();
        let mut optimizer = Optimizer::new(&network, descent);
        optimizer.isa = isa;
        let steps = golden["gradients"].data.chunks(32).zip(expected.data.chunks(32));
        for (step, (gradient, expected)) in steps.enumerate() {
            gradients.arrays = arrays(gradient);
            optimizer.step(&mut network, &gradients).unwrap();
            for (name, expected) in arrays(expected) {
                for (k, (&ours, theirs)) in network.arrays()[&name].data.iter().zip(expected.data).enumerate() {
                    let off = f64::from((ours - theirs).abs());
                    let allowed = tolerance * f64::from(theirs.abs()).max(1.0);
                    let at = format!("{case} on {isa}, step {}, {name}[{k}]", step + 1);
                    assert!(off <= allowed, "{at} is {ours}, not {theirs}: off by {off:e}");
                }
            }
        }
        assert_eq!(optimizer.steps_done(), 20);
    }
}

/// Follows every case of a file, and all that there are.
fn follow_all(file: &str, cases: &[(&str, Descent)]) {
    let golden = golden(file);
    for (case, descent) in cases {
        let rounded = matches!(descent.algorithm, Algorithm::Adam(Adam { beta2: 0.999, .. }));
        follow(&golden, case, *descent, if rounded { ADAM } else { TOLERANCE });
    }
    assert_eq!(golden.len(), cases.len() + 2, "a case of {file} is not looked at");
}

#[test]
fn as_pytorch() {
    let sgd = Descent::new(Sgd::new(RATE));
    let momentum = Descent::new(Sgd::new(RATE).momentum(0.9));
    let adamw = Descent::new(AdamW::new(RATE));
    let bounds = Rprop {
        initial_step: 0.02,
        decrease: 0.4,
        increase: 1.5,
        min_step: 0.01,
        max_step: 0.05,
        ..Rprop::new(RpropVariant::Minus)
    };
    follow_all(
        "pytorch_optimizers.safetensors",
        &[
            ("sgd", sgd),
            ("sgd_clip_value", sgd.clip_value(0.2)),
            ("sgd_weight_decay", sgd.weight_decay(0.3)),
            ("momentum", momentum),
            ("momentum_weight_decay_clip_value", momentum.weight_decay(0.3).clip_value(0.2)),
            ("nesterov", Sgd::new(RATE).momentum(0.9).nesterov(true).into()),
            ("adamw", adamw),
            ("adamw_weight_decay", adamw.weight_decay(0.3)),
            (
                "adamw_large_epsilon",
                Descent::new(AdamW { beta1: 0.8, beta2: 0.95, epsilon: 1e-3, ..AdamW::new(RATE) }).weight_decay(0.0),
            ),
            ("rprop", Rprop::default().into()),
            ("rprop_bounds", bounds.into()),
        ],
    );
}

#[test]
fn as_tensorflow() {
    let rmsprop = Descent::new(RmsProp::new(RATE));
    let adam = Descent::new(Adam::new(RATE));
    follow_all(
        "tensorflow_optimizers.safetensors",
        &[
            ("sgd", Sgd::new(RATE).into()),
            ("sgd_clip_norm", Descent::new(Sgd::new(RATE)).clip_norm(0.5)),
            ("momentum", Sgd::new(RATE).momentum(0.9).into()),
            ("nesterov", Sgd::new(RATE).momentum(0.9).nesterov(true).into()),
            ("rmsprop", rmsprop),
            ("rmsprop_clip_norm", rmsprop.clip_norm(0.5)),
            ("rmsprop_momentum", RmsProp { epsilon: 1e-4, ..RmsProp::new(RATE).decay(0.95).momentum(0.8) }.into()),
            ("adagrad", Adagrad::new(RATE).into()),
            (
                "adagrad_clip_value",
                Descent::new(Adagrad { initial_accumulator: 0.5, ..Adagrad::new(RATE) }).clip_value(0.2),
            ),
            ("adam", adam),
            ("adam_clip_norm", adam.clip_norm(0.5)),
            ("adam_large_epsilon", Adam { beta1: 0.75, beta2: 0.9375, epsilon: 1e-3, ..Adam::new(RATE) }.into()),
        ],
    );
}
