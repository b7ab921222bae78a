//! Every optimizer against plain `f64` loops and against steps worked out by hand, on every instruction set of this
//! processor.

use crate::random::Random;
#[allow(dead_code, reason = "each test uses a part")]
use elman_kernels::{AdagradStep, AdamStep, Isa, MomentumStep, RmsPropStep, RpropStep, Rule, Shaping, descend};

const RATE: f64 = 1e-3;
const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
const STEPS: usize = 20;

/// Clips by norm and by value, and adds a decay.
const SHAPED: Shaping = Shaping { scale: 0.75, limit: 0.3, decay: 0.02 };

/// α_t of Adam, t from 1.
fn bias_corrected_rate(t: usize) -> f64 {
    let t = t as i32;
    RATE * (1.0 - f64::from(BETA2).powi(t)).sqrt() / (1.0 - f64::from(BETA1).powi(t))
}

/// Each rule with its options, by name, at step `t` from 1.
fn rules(t: usize) -> Vec<(&'static str, Rule)> {
    let rate = RATE as f32;
    let momentum = MomentumStep { rate, momentum: 0.9 };
    let rmsprop = RmsPropStep { rate, decay: 0.9, momentum: 0.0, epsilon: 1e-10 };
    let adam =
        AdamStep { rate: bias_corrected_rate(t) as f32, beta1: BETA1, beta2: BETA2, epsilon: EPSILON, decay: 0.0 };
    let rprop = RpropStep { increase: 1.2, decrease: 0.5, min: 4e-4, max: 4e-3, take_back: false };
    vec![
        ("sgd", Rule::Sgd { rate }),
        ("momentum", Rule::Momentum(momentum)),
        ("nesterov", Rule::Nesterov(momentum)),
        ("rmsprop", Rule::RmsProp(rmsprop)),
        ("rmsprop with momentum", Rule::RmsProp(RmsPropStep { momentum: 0.8, ..rmsprop })),
        ("adagrad", Rule::Adagrad(AdagradStep { rate })),
        ("adam", Rule::Adam(adam)),
        ("adamw", Rule::Adam(AdamStep { decay: 1e-3, ..adam })),
        ("irprop-", Rule::Rprop(rprop)),
        ("irprop+", Rule::Rprop(RpropStep { take_back: t.is_multiple_of(2), ..rprop })),
    ]
}

/// What the moments hold before the first step.
fn initial(rule: Rule) -> [f32; 2] {
    match rule {
        Rule::RmsProp(_) => [1.0, 0.0],
        Rule::Adagrad(_) => [0.1, 0.0],
        Rule::Rprop(_) => [0.0, 1e-3],
        _ => [0.0, 0.0],
    }
}

/// One parameter's step in `f64`: θ and its moments.
fn reference(rule: Rule, shaping: Shaping, theta: &mut f64, g: f64, [a, b]: &mut [f64; 2]) {
    let Shaping { scale, limit, decay } = shaping;
    let limit = f64::from(limit);
    let g = (f64::from(scale) * g).clamp(-limit, limit) + f64::from(decay) * *theta;
    match rule {
        Rule::Sgd { rate } => *theta -= f64::from(rate) * g,
        Rule::Momentum(MomentumStep { rate, momentum }) => {
            *a = f64::from(momentum) * *a + g;
            *theta -= f64::from(rate) * *a;
        }
        Rule::Nesterov(MomentumStep { rate, momentum }) => {
            *a = f64::from(momentum) * *a + g;
            *theta -= f64::from(rate) * (g + f64::from(momentum) * *a);
        }
        Rule::RmsProp(RmsPropStep { rate, decay, momentum, epsilon }) => {
            *a = f64::from(decay) * *a + (1.0 - f64::from(decay)) * g * g;
            *b = f64::from(momentum) * *b + f64::from(rate) * g / (*a + f64::from(epsilon)).sqrt();
            *theta -= *b;
        }
        Rule::Adagrad(AdagradStep { rate }) => {
            *a += g * g;
            *theta -= f64::from(rate) * g / a.sqrt();
        }
        Rule::Adam(AdamStep { rate, beta1, beta2, epsilon, decay }) => {
            let (beta1, beta2) = (f64::from(beta1), f64::from(beta2));
            *a = beta1 * *a + (1.0 - beta1) * g;
            *b = beta2 * *b + (1.0 - beta2) * g * g;
            *theta -= f64::from(decay) * *theta;
            *theta -= f64::from(rate) * *a / (b.sqrt() + f64::from(epsilon));
        }
        Rule::Rprop(RpropStep { increase, decrease, min, max, take_back }) => {
            let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
            let (before, size) = (*a, *b);
            match sign(g) * sign(before) {
                1.0 => *b = (size * f64::from(increase)).min(f64::from(max)),
                -1.0 => *b = (size * f64::from(decrease)).max(f64::from(min)),
                _ => {}
            }
            if sign(g) * sign(before) < 0.0 {
                *a = 0.0;
                if take_back {
                    *theta += sign(before) * size;
                }
            } else {
                *theta -= sign(g) * *b;
                *a = g;
            }
        }
    }
}

/// Gradients of `n` floats, of sizes from 1 down to 1e-9, where ε decides, and some of them 0.
fn gradients(n: usize) -> Vec<Vec<f32>> {
    let mut random = Random::new(n as u64);
    let size = |i: usize| if i % 11 == 10 { 0.0 } else { 0.1f32.powi((i % 10) as i32) };
    let step = |_| random.floats(n, 1.0).into_iter().enumerate().map(|(i, g)| g * size(i)).collect();
    (0..STEPS).map(step).collect()
}

/// Parameters and moments after the steps of `gradients`.
fn descended(isa: Isa, which: usize, shaping: Shaping, start: &[f32], gradients: &[Vec<f32>]) -> [Vec<f32>; 3] {
    let n = start.len();
    let rule = rules(1)[which].1;
    let mut theta = start.to_vec();
    let mut moments = [0, 1].map(|k| vec![initial(rule)[k]; if k < rule.moments() { n } else { 0 }]);
    for (t, gradient) in (1..).zip(gradients) {
        let [a, b] = &mut moments;
        descend(isa, rules(t)[which].1, shaping, &mut theta, gradient, [a, b]);
    }
    let [a, b] = moments;
    [theta, a, b]
}

/// Absolute, of parameters up to 0.1 that move by up to 0.1: each of 20 steps rounds them, by 4e-9.
const PARAMETERS: f64 = 2e-7;

/// Of a moment: each of 20 steps rounds it twice, by 6e-8.
const MOMENTS: f64 = 3e-6;

#[test]
fn every_rule_agrees_with_f64_over_twenty_steps() {
    for isa in Isa::available() {
        for n in [0, 16, 48, 1600] {
            let start = Random::new(n as u64 + 1).floats(n, 0.1);
            let gradients = gradients(n);
            for (which, (name, rule)) in rules(1).into_iter().enumerate() {
                for shaping in [Shaping::NONE, SHAPED] {
                    let found = descended(isa, which, shaping, &start, &gradients);
                    for i in 0..n {
                        let (mut theta, mut moments) = (f64::from(start[i]), initial(rule).map(f64::from));
                        for (t, gradient) in (1..).zip(&gradients) {
                            reference(rules(t)[which].1, shaping, &mut theta, f64::from(gradient[i]), &mut moments);
                        }
                        let case = format!("{isa} {name}, {shaping:?}, parameter {i} of {n}");
                        let off = (f64::from(found[0][i]) - theta).abs();
                        assert!(off <= PARAMETERS, "{case} is off by {off:e}");
                        for (k, expected) in moments.into_iter().enumerate().take(rule.moments()) {
                            // Sums in which terms cancel keep the error of the terms.
                            let terms = f64::from(0.1f32.powi((i % 10) as i32));
                            let size = expected.abs().max(if shaping == SHAPED { 0.1 } else { terms });
                            let off = (f64::from(found[k + 1][i]) - expected).abs();
                            assert!(off <= MOMENTS * size, "{case}: moment {k} is off by {off:e} of {expected:e}");
                        }
                        if i % 11 == 10 && shaping == Shaping::NONE && name != "adamw" {
                            assert_eq!(found[0][i], start[i], "{case}: no gradient, no movement");
                        }
                    }
                }
            }
        }
    }
}

/// PyTorch's place of ε gives other results on this data: a rule that mistook one for the other would be found.
#[test]
fn the_place_of_epsilon_shows() {
    let gradients = gradients(48);
    let isa = Isa::best();
    let [mut ours, mut theirs] = [vec![0.0; 48], vec![0.0; 48]];
    let [mut m, mut v, mut m_too, mut v_too] = [(); 4].map(|()| vec![0.0; 48]);
    for (t, gradient) in (1..).zip(&gradients) {
        let rate = bias_corrected_rate(t) as f32;
        let step = AdamStep { rate, beta1: BETA1, beta2: BETA2, epsilon: EPSILON, decay: 0.0 };
        let epsilon = EPSILON * (1.0 - BETA2.powi(t as i32)).sqrt();
        descend(isa, Rule::Adam(step), Shaping::NONE, &mut ours, gradient, [&mut m, &mut v]);
        let step = AdamStep { epsilon, ..step };
        descend(isa, Rule::Adam(step), Shaping::NONE, &mut theirs, gradient, [&mut m_too, &mut v_too]);
    }
    let apart = ours.iter().zip(&theirs).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    assert!(apart > 100.0 * PARAMETERS, "{apart:e}");
}

#[test]
fn sets_that_round_alike_give_the_same_bits() {
    let start = Random::new(7).floats(1600, 0.1);
    let gradients = gradients(1600);
    for (which, (name, _)) in rules(1).into_iter().enumerate() {
        for shaping in [Shaping::NONE, SHAPED] {
            // Of the sets that fuse a multiplication with its addition, and of those that do not.
            let mut first: [Option<(Isa, [Vec<u32>; 3])>; 2] = [None, None];
            for isa in Isa::available() {
                let bits = descended(isa, which, shaping, &start, &gradients)
                    .map(|array| array.into_iter().map(f32::to_bits).collect::<Vec<_>>());
                let (other, expected) = first[usize::from(isa.fuses())].get_or_insert_with(|| (isa, bits.clone()));
                assert!(*expected == bits, "{name}, {shaping:?}: {isa} and {other} differ");
            }
        }
    }
}

/// Shaping that does nothing gives the bits of none.
#[test]
fn a_gradient_within_all_limits_is_left_as_it_is() {
    let start = Random::new(8).floats(160, 0.1);
    let gradients = gradients(160);
    for (which, (name, _)) in rules(1).into_iter().enumerate() {
        for isa in Isa::available() {
            let plain = descended(isa, which, Shaping::NONE, &start, &gradients);
            let wide = Shaping { limit: 1e9, ..Shaping::NONE };
            assert_eq!(plain, descended(isa, which, wide, &start, &gradients), "{name} on {isa}");
        }
    }
}

/// The padding of panels: 0 with a gradient of 0, for ever. The mean square of RMSProp decays there, but not to numbers
/// on which processors are slow.
#[test]
fn padding_stays_zero() {
    let gradients = vec![vec![0.0; 16]; 3000];
    for isa in Isa::available() {
        for (which, (name, rule)) in rules(1).into_iter().enumerate() {
            for shaping in [Shaping::NONE, SHAPED] {
                let [theta, a, b] = descended(isa, which, shaping, &[0.0; 16], &gradients);
                assert!(theta.iter().all(|x| x.to_bits() == 0), "{name} on {isa}: {theta:?}");
                assert!(a.iter().chain(&b).all(|x| x.is_finite() && !x.is_subnormal()), "{name} on {isa}: {a:?} {b:?}");
                if let Rule::RmsProp(step) = rule {
                    assert!(a.iter().all(|&q| q > 0.0 && q + step.epsilon == step.epsilon), "{name} on {isa}: {a:?}");
                }
            }
        }
    }
}

/// Moments decay where gradients are zero, and weights that decay without a gradient: to 0, not to numbers on which
/// processors are slow. Nor do small gradients leave any.
#[test]
fn what_vanishes_leaves_no_subnormal_numbers() {
    let steps = if cfg!(miri) { 3 } else { 80_000 };
    let start = Random::new(5).floats(16, 0.1);
    let faded: Vec<Vec<f32>> = (0..steps).map(|t| vec![if t < 3 { 0.5 } else { 0.0 }; 16]).collect();
    let faint: Vec<Vec<f32>> =
        (0..steps / 40).map(|t| (0..16).map(|k| 10f32.powi(-2 * k) * (t as f32).sin()).collect()).collect();
    for isa in Isa::available() {
        for (which, (name, _)) in rules(1).into_iter().enumerate() {
            for (shaping, gradients) in [(Shaping::NONE, &faded), (SHAPED, &faded), (Shaping::NONE, &faint)] {
                let [theta, a, b] = descended(isa, which, shaping, &start, gradients);
                let subnormal = theta.iter().chain(&a).chain(&b).find(|x| x.is_subnormal());
                assert!(subnormal.is_none(), "{name} on {isa}, {shaping:?}: {theta:?} {a:?} {b:?}");
            }
        }
    }
}

#[test]
fn nan_and_infinity_in_a_gradient_reach_their_parameter_alone() {
    for isa in Isa::available() {
        for (which, (name, _)) in rules(1).into_iter().enumerate() {
            for shaping in [Shaping::NONE, SHAPED] {
                let mut gradient = vec![0.5; 48];
                gradient[20] = f32::NAN;
                let [theta, ..] = descended(isa, which, shaping, &[1.0; 48], &[gradient]);
                assert!(theta.iter().enumerate().all(|(i, x)| x.is_nan() == (i == 20)), "{name} on {isa}: {theta:?}");
            }
        }
    }
}

/// One parameter through a few gradients, and the values it must take.
#[track_caller]
fn by_hand(rules: &[Rule], start: f32, first: [f32; 2], gradients: &[f32], expected: &[f32]) {
    for isa in Isa::available() {
        let mut theta = [start; 16];
        let mut moments = [0, 1].map(|k| vec![first[k]; if k < rules[0].moments() { 16 } else { 0 }]);
        for ((rule, &g), &expected) in rules.iter().cycle().zip(gradients).zip(expected) {
            let [a, b] = &mut moments;
            descend(isa, *rule, Shaping::NONE, &mut theta, &[g; 16], [a, b]);
            assert!((theta[3] - expected).abs() < 1e-6, "{isa} {rule:?}: {}, not {expected}", theta[3]);
        }
    }
}

#[test]
fn steps_worked_out_by_hand() {
    by_hand(&[Rule::Sgd { rate: 0.5 }], 1.0, [0.0; 2], &[1.0, -2.0], &[0.5, 1.5]);
    // v 1, 1.5, −0.25
    let momentum = MomentumStep { rate: 0.5, momentum: 0.5 };
    by_hand(&[Rule::Momentum(momentum)], 1.0, [0.0; 2], &[1.0, 1.0, -1.0], &[0.5, -0.25, -0.125]);
    // g + μ v: 1.5, 1.75, −1.125
    by_hand(&[Rule::Nesterov(momentum)], 1.0, [0.0; 2], &[1.0, 1.0, -1.0], &[0.25, -0.625, -0.0625]);
    // q 0.5·1 + 0.5·7 = 4, then 0.5·4 + 0.5·0 = 2
    let rmsprop = RmsPropStep { rate: 1.0, decay: 0.5, momentum: 0.0, epsilon: 1e-12 };
    let seven = 7f32.sqrt();
    by_hand(&[Rule::RmsProp(rmsprop)], 0.0, [1.0, 0.0], &[seven, 0.0], &[-seven / 2.0, -seven / 2.0]);
    // v −seven/2, then half of it
    let rmsprop = RmsPropStep { momentum: 0.5, ..rmsprop };
    by_hand(&[Rule::RmsProp(rmsprop)], 0.0, [1.0, 0.0], &[seven, 0.0], &[-seven / 2.0, -seven * 0.75]);
    // q 1 + 3 = 4, 4 + 12 = 16
    let (three, twelve) = (3f32.sqrt(), 12f32.sqrt());
    let expected = [-three / 2.0, -three / 2.0 - twelve / 4.0];
    by_hand(&[Rule::Adagrad(AdagradStep { rate: 1.0 })], 0.0, [1.0, 0.0], &[three, twelve], &expected);
    // Half of the weight goes, and m / √v = 0.5 g / (0.5 g)
    let adam = AdamStep { rate: 0.25, beta1: 0.5, beta2: 0.75, epsilon: 1e-12, decay: 0.5 };
    by_hand(&[Rule::Adam(adam)], 1.0, [0.0; 2], &[3.0], &[0.25]);
}

/// Igel & Hüsken's figures in words: steps grow while the sign holds, and shrink behind a minimum.
#[test]
fn rprop_by_hand() {
    let minus = RpropStep { increase: 2.0, decrease: 0.25, min: 0.1, max: 3.0, take_back: false };
    let plus = RpropStep { take_back: true, ..minus };
    let gradients = [1.0, 5.0, 0.1, -7.0, -7.0, -1e-30, -1e-30, 0.0, -1.0];
    // Δ 1, 2, 3 (of 4), then 0.75 and no step; ĝ = 0, so 0.75 again, 1.5, 3; the gradient 0 makes no step, and the next
    // one is as the first: 3.
    let expected = [-1.0, -3.0, -6.0, -6.0, -5.25, -3.75, -0.75, -0.75, 2.25];
    by_hand(&[Rule::Rprop(minus)], 0.0, [0.0, 1.0], &gradients, &expected);
    // The step of 3 is taken back.
    let expected = [-1.0, -3.0, -6.0, -3.0, -2.25, -0.75, 2.25, 2.25, 5.25];
    by_hand(&[Rule::Rprop(plus)], 0.0, [0.0, 1.0], &gradients, &expected);
    // Down to Δ_min: 1, 0.25 and no step, 0.25, 0.1 and no step, 0.1.
    let expected = [-1.0, -1.0, -0.75, -0.75, -0.85];
    let gradients = [1.0, -1.0, -1.0, 1.0, 1.0];
    by_hand(&[Rule::Rprop(minus)], 0.0, [0.0, 1.0], &gradients, &expected);
}

/// The minimum of (θ − 3)² / 2, whose gradient is θ − 3.
#[test]
fn every_rule_finds_a_minimum() {
    for isa in Isa::available() {
        for (which, (name, rule)) in rules(1).into_iter().enumerate().filter(|(_, (name, _))| *name != "adamw") {
            let mut theta = [2.9f32; 16];
            let mut moments = [0, 1].map(|k| vec![initial(rule)[k]; if k < rule.moments() { 16 } else { 0 }]);
            for t in 1..=20_000 {
                let gradient = theta.map(|x| x - 3.0);
                let [a, b] = &mut moments;
                descend(isa, rules(t.min(1000))[which].1, Shaping::NONE, &mut theta, &gradient, [a, b]);
            }
            assert!(theta.iter().all(|x| (x - 3.0).abs() < 2e-3), "{name} on {isa}: {}", theta[0]);
        }
    }
}
