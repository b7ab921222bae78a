//! The dense layer and the softmax loss against plain `f64` loops, on every instruction set of this processor.

use elman_kernels::{Aligned, Arithmetic, Dense, Isa, LANES, Mode, Score, padded, softmax, softmax_cross_entropy};

use crate::alone::Alone;
use crate::compare::{Slope, assert_bits, assert_close, widen};
use crate::random::Random;

/// Of the largest of an array: sums of at most 129 products of `f32`, a few times 6e-8. Measured 6e-7.
const F32: f64 = 2e-6;

/// Half the width of a central difference: rounding, 1e-16 over it, and its square are both small.
const WIDTH: f64 = 1e-5;

const OUTPUT: [usize; 5] = [1, 10, 16, 17, 47];
const INPUT: [usize; 5] = [1, 9, 16, 33, 128];
const ROWS: [usize; 4] = [1, 3, 17, 32];

/// Arrays of a dense layer over a batch, plain and row-major. B rows, I input, O output.
#[derive(Clone)]
struct Layer {
    dense: Dense,
    rows: usize,
    /// W [I, O]
    w: Vec<f32>,
    /// b [O]
    b: Vec<f32>,
    /// x [B, I]
    x: Vec<f32>,
    /// [B, O]
    dy: Vec<f32>,
}

impl Layer {
    fn random(input: usize, output: usize, rows: usize) -> Layer {
        let mut random = Random::new((input * 1_000_000 + output * 1000 + rows) as u64);
        Layer {
            dense: Dense { input, output },
            rows,
            w: random.floats(input * output, 1.0 / (input as f64).sqrt()),
            b: random.floats(output, 0.5),
            x: random.floats(rows * input, 1.0),
            dy: random.floats(rows * output, 1.0),
        }
    }

    /// As the kernel wants them: weights in panels, inputs and the gradients by outputs in rows. What nobody may read
    /// is NaN.
    fn packed(&self) -> (Aligned, Aligned, Aligned) {
        let dense = self.dense;
        let mut weights = Aligned::zeros(dense.weights_len());
        for (entry, values) in dense.layout().iter().zip([&self.w, &self.b]) {
            entry.pack(values, &mut weights);
        }
        let mut inputs = Aligned::zeros(self.rows * dense.input_stride());
        inputs.fill(f32::NAN);
        for (row, x) in inputs.chunks_exact_mut(dense.input_stride()).zip(self.x.chunks_exact(dense.input)) {
            row[dense.input_at() - 1] = 1.0;
            row[dense.input_at()..][..dense.input].copy_from_slice(x);
        }
        let mut dy = Aligned::zeros(self.rows * dense.output_stride());
        dy.fill(f32::NAN);
        for (row, d) in dy.chunks_exact_mut(dense.output_stride()).zip(self.dy.chunks_exact(dense.output)) {
            row[..padded(dense.output)].fill(0.0);
            row[..dense.output].copy_from_slice(d);
        }
        (weights, inputs, dy)
    }

    /// y [B, O]
    fn forward(&self, engine: impl Into<Alone>) -> Vec<f32> {
        let engine = engine.into();
        let (weights, inputs, mut y) = self.packed();
        y.fill(f32::NAN);
        self.dense.forward(engine, &weights, &inputs, self.rows, &mut y);
        let mut plain = Vec::new();
        for (row, x) in y.chunks_exact(self.dense.output_stride()).zip(self.x.chunks_exact(self.dense.input)) {
            let (y, padding) = row[..padded(self.dense.output)].split_at(self.dense.output);
            plain.extend_from_slice(y);
            // What is not finite times the padding of the weights is NaN.
            let zero = padding.iter().all(|&x| x == 0.0) || x.iter().any(|x| !x.is_finite());
            assert!(zero, "{engine}, {:?}: padding {padding:?}", self.dense);
        }
        plain
    }

    /// dx [B, I]; `gradient` as the weights are packed.
    fn backward(&self, engine: impl Into<Alone>, gradient: &mut [f32], mode: Mode) -> Vec<f32> {
        let engine = engine.into();
        let dense = self.dense;
        let (weights, inputs, dy) = self.packed();
        let mut transposed = Aligned::zeros(dense.transposed_len());
        transposed.fill(f32::NAN);
        for (panel, out) in transposed.chunks_exact_mut(dense.output * LANES).enumerate() {
            dense.transpose(&weights, panel, out);
        }
        let mut dx = vec![f32::NAN; self.rows * padded(dense.input)];
        dense.backward(engine, &transposed, &inputs, self.rows, &dy, &mut dx, gradient, mode);
        assert!(
            dx.chunks_exact(padded(dense.input)).all(|row| row[dense.input..].iter().all(|&x| x == 0.0)),
            "{engine}, {dense:?}: padding of dx"
        );
        dx.chunks_exact(padded(dense.input)).flat_map(|row| row[..dense.input].to_vec()).collect()
    }

    /// db [O] and dW [I, O] of a packed gradient.
    fn plain(&self, gradient: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut b, mut w) = (vec![f32::NAN; self.b.len()], vec![f32::NAN; self.w.len()]);
        for (entry, values) in self.dense.layout().iter().zip([&mut w, &mut b]) {
            entry.unpack(gradient, values);
        }
        (b, w)
    }
}

/// y = x W + b in `f64`, x [B, I].
fn affine(x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
    let (output, input) = (b.len(), w.len() / b.len());
    let of_row = |x: &[f64]| -> Vec<f64> {
        (0..output).map(|j| b[j] + (0..input).map(|k| x[k] * w[k * output + j]).sum::<f64>()).collect()
    };
    x.chunks_exact(input).flat_map(of_row).collect()
}

fn for_each_layer(law: impl Fn(Isa, &str, &Layer)) {
    for isa in Isa::available() {
        for output in OUTPUT {
            for input in INPUT {
                for rows in ROWS {
                    let layer = Layer::random(input, output, rows);
                    law(isa, &format!("{isa}, {:?}, {rows} rows", layer.dense), &layer);
                }
            }
        }
    }
}

#[test]
fn dense_forward_agrees_with_f64() {
    for_each_layer(|isa, case, layer| {
        let expected = affine(&widen(&layer.x), &widen(&layer.w), &widen(&layer.b));
        assert_close(case, "y", &layer.forward(isa), &expected, F32);
    });
}

#[test]
fn dense_backward_agrees_with_f64() {
    for_each_layer(|isa, case, layer| {
        let (input, output) = (layer.dense.input, layer.dense.output);
        let (w, x, dy) = (widen(&layer.w), widen(&layer.x), widen(&layer.dy));
        let (mut dw, mut db, mut dx) = (vec![0.0; w.len()], vec![0.0; output], vec![0.0; x.len()]);
        for row in 0..layer.rows {
            for j in 0..output {
                db[j] += dy[row * output + j];
                for k in 0..input {
                    dw[k * output + j] += x[row * input + k] * dy[row * output + j];
                    dx[row * input + k] += dy[row * output + j] * w[k * output + j];
                }
            }
        }
        let mut gradient = vec![f32::NAN; layer.dense.weights_len()];
        for (mode, times) in [(Mode::Overwrite, 1.0), (Mode::Add, 2.0), (Mode::Add, 3.0), (Mode::Overwrite, 1.0)] {
            assert_close(case, "dx", &layer.backward(isa, &mut gradient, mode), &dx, F32);
            let (found_b, found_w) = layer.plain(&gradient);
            let expected = |d: &[f64]| d.iter().map(|d| times * d).collect::<Vec<_>>();
            assert_close(case, "db", &found_b, &expected(&db), F32);
            assert_close(case, "dW", &found_w, &expected(&dw), F32);
            let lanes = gradient.len() - output * layer.dense.depth();
            assert!(gradient.iter().filter(|&&x| x == 0.0).count() >= lanes, "{case}: padding of the gradient");
        }
    });
}

#[test]
fn rows_of_a_dense_layer_do_not_meet() {
    for_each_layer(|isa, case, layer| {
        let (input, output) = (layer.dense.input, layer.dense.output);
        let mut gradient = vec![0.0; layer.dense.weights_len()];
        let (y, dx) = (layer.forward(isa), layer.backward(isa, &mut gradient, Mode::Overwrite));
        for row in 0..layer.rows {
            let alone = Layer {
                rows: 1,
                x: layer.x[row * input..][..input].to_vec(),
                dy: layer.dy[row * output..][..output].to_vec(),
                ..layer.clone()
            };
            assert_bits(case, "y of a row alone", &alone.forward(isa), &y[row * output..][..output]);
            let dx_alone = alone.backward(isa, &mut gradient, Mode::Overwrite);
            assert_bits(case, "dx of a row alone", &dx_alone, &dx[row * input..][..input]);
        }
    });
}

#[test]
fn nan_in_a_dense_layer_shows() {
    for_each_layer(|isa, case, layer| {
        let (output, row, unit) = (layer.dense.output, layer.rows - 1, layer.dense.output - 1);
        let shows = |layer: &Layer, name: &str, where_to: &dyn Fn(usize) -> bool| {
            for (at, y) in layer.forward(isa).into_iter().enumerate() {
                assert_eq!(y.is_nan(), where_to(at), "{case}: output {at} of NaN in {name}");
            }
        };
        let mut broken = layer.clone();
        *broken.x.last_mut().unwrap() = f32::NAN;
        shows(&broken, "the input of the last row", &|at| at / output == row);
        let mut broken = layer.clone();
        *broken.w.last_mut().unwrap() = f32::NAN;
        shows(&broken, "the weights of the last unit", &|at| at % output == unit);
        let mut broken = layer.clone();
        *broken.b.last_mut().unwrap() = f32::NAN;
        shows(&broken, "the bias of the last unit", &|at| at % output == unit);
    });
}

/// Σ_rows log Σ_c exp(z_c) − z_label, in `f64`. z [B, C]
fn cross_entropy(z: &[f64], labels: &[u32]) -> f64 {
    let of_row = |(z, &label): (&[f64], &u32)| {
        let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        top + z.iter().map(|z| (z - top).exp()).sum::<f64>().ln() - z[label as usize]
    };
    z.chunks_exact(z.len() / labels.len()).zip(labels).map(of_row).sum()
}

#[test]
fn the_gradient_of_the_loss_is_its_central_difference() {
    for classes in OUTPUT {
        for rows in ROWS {
            let case = format!("{classes} classes, {rows} rows");
            let mut random = Random::new((classes * 100 + rows) as u64);
            let stride = Dense { input: 1, output: classes }.output_stride();
            let labels: Vec<u32> = (0..rows).map(|_| random.below(classes) as u32).collect();
            let z = random.floats(rows * classes, 3.0);
            // A power of two: dividing by it is exact.
            let scale = 0.25f32;

            let mut logits = vec![f32::NAN; rows * stride];
            for (to, from) in logits.chunks_exact_mut(stride).zip(z.chunks_exact(classes)) {
                to[..classes].copy_from_slice(from);
            }
            let Score { loss, correct, rows: counted, .. } =
                softmax_cross_entropy(&mut logits, stride, classes, &labels, &[], 0.0, scale);
            let exact = widen(&z);
            let off = (loss - cross_entropy(&exact, &labels)).abs();
            assert!(off <= F32 * rows as f64, "{case}: loss {loss} is off by {off:e}");
            assert_eq!(counted, rows);
            let top = |row: &[f32]| row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let right = z.chunks_exact(classes).zip(&labels).filter(|(row, label)| row[**label as usize] == top(row));
            assert_eq!(correct, right.count(), "{case}");
            assert!(logits.chunks_exact(stride).all(|row| row[classes..].iter().all(|x| x.is_nan())), "{case}");

            let gradient: Vec<f64> = logits
                .chunks_exact(stride)
                .flat_map(|row| widen(&row[..classes]))
                .map(|d| d / f64::from(scale))
                .collect();
            for _ in 0..3 {
                let direction = random.direction(exact.len());
                let moved = |by: f64| {
                    let z: Vec<f64> = exact.iter().zip(&direction).map(|(z, v)| z + by * v).collect();
                    cross_entropy(&z, &labels)
                };
                let expected = (moved(WIDTH) - moved(-WIDTH)) / (2.0 * WIDTH);
                Slope::along(&gradient, &direction).assert_is(&case, "the logits", expected, F32);
            }
        }
    }
}

/// Dense layer and loss together: the gradient that training uses.
#[test]
fn gradients_through_layer_and_loss_are_central_differences() {
    for_each_layer(|isa, case, layer| {
        let (classes, stride) = (layer.dense.output, layer.dense.output_stride());
        let mut random = Random::new(layer.rows as u64);
        let labels: Vec<u32> = (0..layer.rows).map(|_| random.below(classes) as u32).collect();
        let mut logits = vec![0.0; layer.rows * stride];
        for (to, from) in logits.chunks_exact_mut(stride).zip(layer.forward(isa).chunks_exact(classes)) {
            to[..classes].copy_from_slice(from);
        }
        softmax_cross_entropy(&mut logits, stride, classes, &labels, &[], 0.0, 1.0);
        let dy = logits.chunks_exact(stride).flat_map(|row| row[..classes].to_vec()).collect();
        let layer = Layer { dy, ..layer.clone() };
        let mut gradient = vec![f32::NAN; layer.dense.weights_len()];
        let dx = layer.backward(isa, &mut gradient, Mode::Overwrite);
        let (db, dw) = layer.plain(&gradient);

        let parameters = [widen(&layer.x), widen(&layer.w), widen(&layer.b)];
        for (place, (name, gradient)) in [("x", dx), ("W", dw), ("b", db)].into_iter().enumerate() {
            let direction = random.direction(gradient.len());
            let moved = |by: f64| {
                let mut parameters = parameters.clone();
                parameters[place].iter_mut().zip(&direction).for_each(|(x, v)| *x += by * v);
                let [x, w, b] = parameters;
                cross_entropy(&affine(&x, &w, &b), &labels)
            };
            let expected = (moved(WIDTH) - moved(-WIDTH)) / (2.0 * WIDTH);
            Slope::along(&widen(&gradient), &direction).assert_is(case, name, expected, F32);
        }
    });
}

#[test]
fn softmax_agrees_with_f64() {
    for classes in OUTPUT {
        let mut row = Random::new(classes as u64).floats(classes, 20.0);
        let exact: Vec<f64> = widen(&row).into_iter().map(f64::exp).collect();
        let sum: f64 = exact.iter().sum();
        softmax(&mut row);
        let expected: Vec<f64> = exact.iter().map(|x| x / sum).collect();
        assert_close(format!("{classes} classes"), "probabilities", &row, &expected, F32);
    }
}

/// The products of pieces of each arithmetic, as they are summed: 0, 1 and 2 for the pieces of a float from the largest on.
const PAIRS: [(Arithmetic, &[(usize, usize)]); 3] = [
    (Arithmetic::Split3, &[(2, 0), (0, 2), (1, 1), (1, 0), (0, 1), (0, 0)]),
    (Arithmetic::Split2, &[(1, 0), (0, 1), (0, 0)]),
    (Arithmetic::Bf16, &[(0, 0)]),
];

fn flushed(x: f32) -> f32 {
    if x.is_subnormal() { 0.0 } else { x }
}

/// The pieces of a float: rounded to the 8 bits of a bf16, to the nearest, ties to even; then the rest, and so on.
fn pieces(x: f32) -> [f32; 3] {
    let mut rest = x;
    [(); 3].map(|()| {
        let (below, unit) = (rest.to_bits() & !0xffff, 0x1_0000);
        let [low, high] = [f32::from_bits(below), f32::from_bits(below + unit)].map(f64::from);
        let (down, up) = ((f64::from(rest) - low).abs(), (high - f64::from(rest)).abs());
        let is_up = up < down || up == down && below & unit != 0;
        let piece = f32::from_bits(if is_up { below + unit } else { below });
        rest -= piece;
        flushed(piece)
    })
}

/// Σ a b by the definition, `lead` terms of 0 before the first.
fn sum_of_pieces(terms: &[(f32, f32)], lead: usize, pairs: &[(usize, usize)]) -> f32 {
    let mut padded = vec![(0.0, 0.0); lead];
    padded.extend(terms);
    padded.resize(padded.len().next_multiple_of(32), (0.0, 0.0));
    let mut sum = 0.0;
    for &(left, right) in pairs {
        for block in padded.chunks_exact(32) {
            let [mut even, mut odd] = [0.0f32; 2];
            for pair in block.chunks_exact(2) {
                even = flushed(pieces(pair[0].0)[left].mul_add(pieces(pair[0].1)[right], even));
                odd = flushed(pieces(pair[1].0)[left].mul_add(pieces(pair[1].1)[right], odd));
            }
            sum = flushed(sum + flushed(even + odd));
        }
    }
    sum
}

/// What is too small to count in a sum of products.
fn counted(x: f32) -> f32 {
    elman_kernels::fade(x, elman_kernels::LEAST_GRADIENT)
}

#[test]
fn products_in_pieces_are_those_of_their_definition() {
    for (input, output, rows) in [(1, 1, 1), (9, 17, 3), (33, 16, 17), (128, 47, 33), (63, 10, 70)] {
        // Of the last two, sums come below what a float holds without becoming subnormal.
        for scale in [1.0, 1e-12, 1e-19] {
            let mut layer = Layer::random(input, output, rows);
            layer.x.iter_mut().chain(&mut layer.w).chain(&mut layer.dy).for_each(|x| *x *= scale);
            layer.b.iter_mut().for_each(|x| *x *= scale * scale);
            for (arithmetic, pairs) in PAIRS {
                let (x, w, dy) =
                    (|r, k| layer.x[r * input + k], |k, c| layer.w[k * output + c], |r, c| layer.dy[r * output + c]);
                let grid = |rows: usize, columns: usize, f: &dyn Fn(usize, usize) -> f32| -> Vec<f32> {
                    (0..rows * columns).map(|at| counted(f(at / columns, at % columns))).collect()
                };
                let y = grid(rows, output, &|r, c| {
                    let terms: Vec<_> = (0..input).map(|k| (x(r, k), w(k, c))).collect();
                    layer.b[c] + sum_of_pieces(&terms, 1, pairs)
                });
                let dx = grid(rows, input, &|r, k| {
                    let terms: Vec<_> = (0..output).map(|c| (dy(r, c), w(k, c))).collect();
                    sum_of_pieces(&terms, 0, pairs)
                });
                let dw = grid(input, output, &|k, c| {
                    let terms: Vec<_> = (0..rows).map(|r| (x(r, k), dy(r, c))).collect();
                    sum_of_pieces(&terms, 0, pairs)
                });
                // A set that rounds twice gives the same: products of pieces are exact. Unless they are subnormal.
                for isa in Isa::available().filter(|isa| isa.fuses() || scale == 1.0) {
                    let engine = Alone { isa, arithmetic };
                    let case = format!("{engine}, {:?}, {rows} rows, times {scale}", layer.dense);
                    assert_bits(&case, "y", &layer.forward(engine), &y);
                    let mut gradient = vec![f32::NAN; layer.dense.weights_len()];
                    assert_bits(&case, "dx", &layer.backward(engine, &mut gradient, Mode::Overwrite), &dx);
                    assert_bits(&case, "dW", &layer.plain(&gradient).1, &dw);
                }
            }
        }
    }
}

/// What cannot be cut into pieces is as in f32: its row, or its panel of sixteen columns.
#[test]
fn what_is_not_finite_is_as_in_f32() {
    for value in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, 3.3961775e38] {
        let mut row = Layer::random(33, 40, 5);
        row.x[2 * 33 + 7] = value;
        let mut panel = Layer::random(33, 40, 5);
        panel.w[7 * 40 + 20] = value;
        for engine in
            Isa::available().flat_map(|isa| Arithmetic::ALL[1..].iter().map(move |&of| Alone { isa, arithmetic: of }))
        {
            for (layer, is_hit) in
                [(&row, (|r, _| r == 2) as fn(usize, usize) -> bool), (&panel, |_, c| (16..32).contains(&c))]
            {
                let (found, exact) = (layer.forward(engine), layer.forward(engine.isa));
                for (at, (&found, &exact)) in found.iter().zip(&exact).enumerate() {
                    let case = format!("{engine}, {value}, row {}, column {}", at / 40, at % 40);
                    if is_hit(at / 40, at % 40) {
                        assert_eq!(found.to_bits(), exact.to_bits(), "{case}: {found}, {exact}");
                    } else {
                        assert!((found - exact).abs() < 0.1, "{case}: {found}, {exact}");
                    }
                }
            }
        }
    }
}
