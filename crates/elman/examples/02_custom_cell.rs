//! A cell of one's own: minGRU, in plain loops.
//!
//!     cargo run -p elman --example 02_custom_cell
//!
//! z = σ(x W_z + b_z)        n = x W_n + b_n        h_t = (1 − z) ⊙ h_{t-1} + z ⊙ n
//!
//! Feng et al. (2024), "Were RNNs all we needed?", <https://arxiv.org/abs/2410.01201>
//!
//! The cell says how large it is, where its arrays lie, and does one step forward and one step back. Lengths, stacks,
//! training and the rest come from the library.

use elman::cell::{Backward, Forward};
use elman::layout::{Entry, Layout, Role};
use elman::{
    Adam, AnyCell, Arrays, Cell, Engine, Error, Init, Layer, Model, Network, Purpose, Random, Stack, Trainer,
    check_gradient,
};
use ndarray::{Array1, Array3, s};

/// I floats a step in, a state of H floats.
#[derive(Debug)]
struct MinGru {
    input: usize,
    hidden: usize,
}

impl MinGru {
    /// Where the four arrays start: W_z [I, H], W_n [I, H], b_z [H], b_n [H], and where they end.
    fn places(&self) -> [usize; 5] {
        let (kernel, bias) = (self.input * self.hidden, self.hidden);
        [0, kernel, 2 * kernel, 2 * kernel + bias, 2 * kernel + 2 * bias]
    }
}

impl Cell for MinGru {
    fn name(&self) -> &'static str {
        "min-gru"
    }
    fn input(&self) -> usize {
        self.input
    }
    fn output(&self) -> usize {
        self.hidden
    }
    /// z and n of a step: the way back needs them.
    fn tape(&self) -> usize {
        2 * self.hidden
    }
    fn layout(&self) -> Layout {
        let [w_z, w_n, b_z, b_n, len] = self.places();
        let (kernel, bias) = ([self.input, self.hidden], [self.hidden]);
        Layout {
            entries: vec![
                Entry::plain("gate_kernel", Role::Kernel, &kernel, w_z),
                Entry::plain("kernel", Role::Kernel, &kernel, w_n),
                Entry::plain("gate_bias", Role::Bias, &bias, b_z),
                Entry::plain("bias", Role::Bias, &bias, b_n),
            ],
            len,
        }
    }
    /// h_{t-1} enters h_t beside any product: `backward` leaves its gradient in `d_output`.
    fn keeps_state(&self) -> bool {
        true
    }

    fn forward(&self, _: Engine<'_>, weights: &[f32], mut step: Forward<'_>) {
        let (hidden, [w_z, w_n, b_z, b_n, _]) = (self.hidden, self.places());
        for row in 0..step.rows {
            let x = &step.joint.row(row)[..self.input];
            let (old, tape, h) = (step.previous.row(row), step.tape.row(row), step.output.row(row));
            h.fill(0.0);
            for j in 0..hidden {
                let (mut a, mut n) = (weights[b_z + j], weights[b_n + j]);
                for (k, x) in x.iter().enumerate() {
                    a += x * weights[w_z + k * hidden + j];
                    n += x * weights[w_n + k * hidden + j];
                }
                let z = 1.0 / (1.0 + (-a).exp());
                (tape[j], tape[hidden + j]) = (z, n);
                h[j] = (1.0 - z) * old[j] + z * n;
            }
        }
    }

    /// dn = dh ⊙ z        da = dh ⊙ (n − h_{t-1}) ⊙ z (1 − z)        dh_{t-1} = dh ⊙ (1 − z)
    /// dx = da W_zᵀ + dn W_nᵀ        dW_z = xᵀ da        dW_n = xᵀ dn
    fn backward(&self, _: Engine<'_>, weights: &[f32], _: &[f32], mut step: Backward<'_>) {
        let (hidden, [w_z, w_n, b_z, b_n, _]) = (self.hidden, self.places());
        for row in 0..step.rows {
            let x = &step.joint.row(row)[..self.input];
            let (old, tape, dh) = (step.previous.row(row), step.tape.row(row), step.d_output.row(row));
            // No product reads the state.
            if let Some(d_joint) = &mut step.d_joint {
                d_joint.row(row).fill(0.0);
            }
            let mut dx = step.d_input.as_mut().map(|d| d.row(row));
            if let Some(dx) = &mut dx {
                dx.fill(0.0);
            }
            for j in 0..hidden {
                let (z, n) = (tape[j], tape[hidden + j]);
                let (dn, da) = (dh[j] * z, dh[j] * (n - old[j]) * z * (1.0 - z));
                step.gradient[b_z + j] += da;
                step.gradient[b_n + j] += dn;
                for (k, x) in x.iter().enumerate() {
                    step.gradient[w_z + k * hidden + j] += x * da;
                    step.gradient[w_n + k * hidden + j] += x * dn;
                    if let Some(dx) = &mut dx {
                        dx[k] += da * weights[w_z + k * hidden + j] + dn * weights[w_n + k * hidden + j];
                    }
                }
                dh[j] *= 1.0 - z;
            }
        }
    }
}

fn main() -> Result<(), Error> {
    // Is the way back right? Against differences of the way forward.
    check_gradient(&MinGru { input: 3, hidden: 5 }, 1)?;

    // Rows of different lengths: was the sum of their inputs above 0?
    let mut random = Random::new(111, Purpose::Data);
    let xs = Array3::from_shape_simple_fn((400, 8, 2), || random.uniform(1.0));
    let lengths = Array1::from_shape_simple_fn(400, || 1 + random.below(8) as usize);
    let sums = xs.outer_iter().zip(&lengths).map(|(x, &length)| x.slice(s![..length, ..]).sum());
    let labels = Array1::from_iter(sums.map(|sum| usize::from(sum > 0.0)));
    let data = Arrays::classes(xs, labels)?.lengths(lengths)?;

    // Two layers of it.
    let cell = |input| Layer::new(AnyCell::custom(MinGru { input, hidden: 12 }));
    let stack = Stack::new(cell(2)).then(cell(12));
    let network = Network::new(stack, Init::Tf, &mut Random::new(111, Purpose::Cell))?;
    let model = Model::new(&network, 2, Init::Tf, &mut Random::new(111, Purpose::Head))?;
    let mut trainer = Trainer::new(model, Adam::new(0.02)).batch_size(50);
    for epoch in trainer.fit(&data)?.epochs(25) {
        println!("{}", epoch?);
    }
    let evaluation = trainer.evaluate(&data)?;
    println!("accuracy {:.3}", evaluation.accuracy);
    assert!(evaluation.accuracy > 0.9);
    Ok(())
}
