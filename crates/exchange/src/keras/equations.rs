//! Keras's layers by their documented equations, plainly: what a file computes, by its configuration and its arrays alone.
//! Nothing of our own network is used, so that it can be compared with this.
//!
//! B rows, T steps, I input, H hidden, σ the logistic function, row-major.
//!
//! | layer | equations |
//! |--|--|
//! | `SimpleRNN` | h' = φ(x W + b + h R) |
//! | `LSTM` | i f g o = x W + b + h R; c' = σ(f) c + σ(i) φ(g); h' = σ(o) φ(c') |
//! | `GRU`, `reset_after` | z r n = x W + b₀, and of the state h R + b₁; n = φ(x… + σ(r) h…); h' = σ(z) h + (1 − σ(z)) n |
//! | `GRU`, before | n = φ(x W + b + (σ(r) h) R) |
//! | `Conv1D` | y_t = φ(Σ_k x_{t S + k D − p} W_k + b) |
//! | `MaxPooling1D`, `AveragePooling1D` | the largest or the mean of x_{t S − p} to x_{t S + K − 1 − p}, of those that there are |
//! | a mask | a step that is masked leaves the state, and gives the last output again |

use std::collections::BTreeMap;

use elman_formats::Array;
use serde_json::Value;

use super::chain::{Link, Wrong, text};
use super::names::Weights;

/// Numbers on their way through the layers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) rows: usize,
    /// T; none once the steps are gone.
    pub(super) steps: Option<usize>,
    pub(super) width: usize,
    /// [B, T, width] or [B, width]
    pub(super) data: Vec<f64>,
    /// [B, T]: the steps that count.
    pub(super) mask: Option<Vec<bool>>,
}

/// Which of Keras's two functions with a name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Three,
}

/// The equations over the arrays of a file.
#[derive(Clone, Copy)]
pub(super) struct Equations<'a> {
    pub(super) arrays: &'a BTreeMap<String, Array>,
    pub(super) version: Version,
    /// Every number is rounded to single precision, as Keras does, and not kept in double.
    pub(super) single: bool,
}

/// A matrix or vector of a layer.
struct Matrix<'a> {
    columns: usize,
    data: &'a [f32],
}

impl Matrix<'_> {
    fn vector(&self) -> Vec<f64> {
        self.data.iter().map(|&x| f64::from(x)).collect()
    }
}

impl Equations<'_> {
    /// What the layers of these names give, and the last one: from the input on. Nothing else is kept, so that memory does
    /// not grow with layers that are none of the network's.
    ///
    /// # Errors
    /// If the equations of a layer are not known here, or its arrays do not fit: which.
    pub(super) fn run<'l>(
        &self,
        links: &[Link<'l>],
        input: Tensor,
        kept: &[String],
    ) -> Result<Vec<(&'l str, Tensor)>, Wrong> {
        let mut stages: Vec<(&str, Tensor)> = Vec::new();
        let mut now = input;
        for (index, link) in links.iter().enumerate() {
            let layer = Layer { name: link.name, config: link.config, weights: &link.weights, of: self };
            now = layer.run(link.class, now)?;
            if index + 1 == links.len() {
                stages.push((link.name, now));
                break;
            }
            if kept.iter().any(|name| name == link.name) {
                stages.push((link.name, now.clone()));
            }
        }
        Ok(stages)
    }
}

/// A layer at work.
struct Layer<'a> {
    name: &'a str,
    config: &'a Value,
    weights: &'a Weights,
    of: &'a Equations<'a>,
}

impl<'a> Layer<'a> {
    fn wrong<T>(&self, why: impl Into<String>) -> Result<T, Wrong> {
        Err((self.name.to_owned(), why.into()))
    }

    fn inside<'b>(&'b self, config: &'b Value, weights: &'b Weights) -> Layer<'b>
    where
        'a: 'b,
    {
        Layer { name: self.name, config, weights, of: self.of }
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.config.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    fn number(&self, key: &str, default: f64) -> f64 {
        self.config.get(key).and_then(Value::as_f64).unwrap_or(default)
    }

    /// An activation: as its name, or linear for none.
    fn activation(&self, key: &str, default: &'static str) -> Result<Function, Wrong> {
        let name = match self.config.get(key) {
            None => default,
            Some(Value::Null) => "linear",
            Some(Value::String(name)) => name,
            Some(_) => "one without a name",
        };
        match Function::of(name, self.of.version) {
            Some(function) => Ok(function),
            None => self.wrong(format!("the equations of its {key} {name} are not known here")),
        }
    }

    fn round(&self, x: f64) -> f64 {
        if self.of.single { f64::from(x as f32) } else { x }
    }

    /// An array as a matrix of so many rows, none for any.
    fn matrix(&self, number: usize, name: &str, rows: Option<usize>) -> Result<Matrix<'a>, Wrong> {
        let name = self.weights.array(number, name);
        let Some(array) = self.of.arrays.get(&name) else { return self.wrong(format!("{name} is missing")) };
        let columns = array.shape.last().copied().unwrap_or(1);
        let whole = columns > 0 && array.data.len() % columns == 0;
        if !whole || rows.is_some_and(|rows| rows.checked_mul(columns) != Some(array.data.len())) {
            return self.wrong(format!("{name} has shape {:?}, which does not fit its input", array.shape));
        }
        Ok(Matrix { columns, data: &array.data })
    }

    /// x W, added to `to`: x [rows of W], to [columns of W].
    fn product(&self, x: &[f64], w: &Matrix<'_>, to: &mut [f64]) {
        for (&x, row) in x.iter().zip(w.data.chunks_exact(w.columns)) {
            for (to, &w) in to.iter_mut().zip(row) {
                *to = self.round(*to + x * f64::from(w));
            }
        }
    }

    fn run(&self, class: &str, input: Tensor) -> Result<Tensor, Wrong> {
        match class {
            "InputLayer"
            | "Dropout"
            | "SpatialDropout1D"
            | "GaussianNoise"
            | "GaussianDropout"
            | "AlphaDropout"
            | "ActivityRegularization"
            | "Identity" => Ok(input),
            "Masking" => Ok(self.masking(input)),
            "Embedding" => self.embedding(&input),
            "SimpleRNN" | "LSTM" | "GRU" => {
                self.inside(self.config, &self.weights.inner("cell")).recurrent(class, &input, false)
            }
            "Bidirectional" => self.bidirectional(&input),
            "Dense" => self.dense(&input),
            "Conv1D" => self.convolution(&input),
            "MaxPooling1D" => self.pooled_windows(&input, false),
            "AveragePooling1D" => self.pooled_windows(&input, true),
            "TimeDistributed" => {
                let Some(config) = self.config.pointer("/layer/config") else { return self.wrong("it has no layer") };
                if self.config.pointer("/layer/class_name").and_then(Value::as_str) != Some("Dense") {
                    return self.wrong("its layer is no Dense");
                }
                self.inside(config, &self.weights.inner("layer")).dense(&input)
            }
            "Activation" => {
                let function = self.activation("activation", "linear")?;
                Ok(self.along(input, |row| function.apply(row)))
            }
            "Softmax" => Ok(self.along(input, |row| Function::Softmax.apply(row))),
            "ReLU" => {
                let number = |key: &str, default: f64| match self.config.get(key) {
                    Some(Value::String(text)) => text.parse().unwrap_or(f64::NAN),
                    _ => self.number(key, default),
                };
                let (most, slope) = (number("max_value", f64::INFINITY), number("negative_slope", 0.0));
                let least = number("threshold", 0.0);
                Ok(self.along(input, |row| {
                    let one = |x: f64| if x >= least { x.min(most) } else { slope * (x - least) };
                    row.iter_mut().for_each(|x| *x = one(*x));
                }))
            }
            "LeakyReLU" => {
                let slope = self.number("negative_slope", self.number("alpha", 0.3));
                Ok(self.along(input, |row| row.iter_mut().for_each(|x| *x = if *x < 0.0 { slope * *x } else { *x })))
            }
            "ELU" => {
                let alpha = self.number("alpha", 1.0);
                Ok(self.along(input, |row| {
                    row.iter_mut().for_each(|x| *x = if *x < 0.0 { alpha * x.exp_m1() } else { *x });
                }))
            }
            "BatchNormalization" => self.batch_normalization(input),
            "LayerNormalization" => self.layer_normalization(input),
            "Rescaling" => {
                let [factor, shift] = [self.listed("scale", 1.0), self.listed("offset", 0.0)];
                Ok(self.unmasked(self.scaled(input, |x, unit| x * of(&factor, unit) + of(&shift, unit))))
            }
            "Normalization" => {
                let [mean, variance] = match self.config.get("mean").is_some_and(|mean| !mean.is_null()) {
                    true => [self.listed("mean", 0.0), self.listed("variance", 1.0)],
                    false => [self.matrix(0, "mean", None)?.vector(), self.matrix(1, "variance", None)?.vector()],
                };
                let deviation = |unit: usize| of(&variance, unit).sqrt().max(1e-7);
                let invert = self.flag("invert", false);
                Ok(self.unmasked(self.scaled(input, |x, unit| match invert {
                    true => x * deviation(unit) + of(&mean, unit),
                    false => (x - of(&mean, unit)) / deviation(unit),
                })))
            }
            "GlobalAveragePooling1D" => self.pooled(&input, true),
            "GlobalMaxPooling1D" => self.pooled(&input, false),
            // The mask does not go on behind it.
            "Flatten" => match input.steps {
                None => Ok(input),
                Some(steps) => {
                    let width = steps * input.width;
                    Ok(Tensor { steps: None, width, mask: None, ..input })
                }
            },
            class => self.wrong(format!("the equations of a {class} are not known here")),
        }
    }

    /// A function of the numbers of each step.
    fn along(&self, mut input: Tensor, function: impl Fn(&mut [f64])) -> Tensor {
        for row in input.data.chunks_exact_mut(input.width.max(1)) {
            function(row);
            row.iter_mut().for_each(|x| *x = self.round(*x));
        }
        input
    }

    /// A step counts unless all of its floats are the mask's value.
    fn masking(&self, mut input: Tensor) -> Tensor {
        let value = f64::from(self.number("mask_value", 0.0) as f32);
        let mut mask = Vec::new();
        for step in input.data.chunks_exact_mut(input.width.max(1)) {
            let counts = step.iter().any(|&x| x != value);
            if !counts {
                step.fill(0.0);
            }
            mask.push(counts);
        }
        input.mask = Some(mask);
        input
    }

    /// A function of each number and of its place among the features.
    fn scaled(&self, mut input: Tensor, function: impl Fn(f64, usize) -> f64) -> Tensor {
        for row in input.data.chunks_exact_mut(input.width.max(1)) {
            row.iter_mut().enumerate().for_each(|(unit, x)| *x = self.round(function(*x, unit)));
        }
        input
    }

    /// Numbers of the configuration, one for all features or one each, however deep they lie in lists.
    fn listed(&self, key: &str, default: f64) -> Vec<f64> {
        fn add(value: &Value, to: &mut Vec<f64>) {
            match value {
                Value::Array(all) => all.iter().for_each(|value| add(value, to)),
                value => to.extend(value.as_f64()),
            }
        }
        let mut all = Vec::new();
        self.config.get(key).into_iter().for_each(|value| add(value, &mut all));
        if all.is_empty() { vec![default] } else { all }
    }

    /// Layers of preprocessing hand no mask on in Keras 2.
    fn unmasked(&self, input: Tensor) -> Tensor {
        let mask = input.mask.clone().filter(|_| self.of.version == Version::Three);
        Tensor { mask, ..input }
    }

    fn batch_normalization(&self, input: Tensor) -> Result<Tensor, Wrong> {
        let (scale, center) = (self.flag("scale", true), self.flag("center", true));
        let numbers = |there: bool, number: usize, name: &str, without: f64| -> Result<Vec<f64>, Wrong> {
            match there {
                true => Ok(self.matrix(number, name, Some(1))?.vector()),
                false => Ok(vec![without]),
            }
        };
        let statistics = usize::from(scale) + usize::from(center);
        let gamma = numbers(scale, 0, "gamma", 1.0)?;
        let beta = numbers(center, usize::from(scale), "beta", 0.0)?;
        let mean = numbers(true, statistics, "moving_mean", 0.0)?;
        let variance = numbers(true, statistics + 1, "moving_variance", 1.0)?;
        let epsilon = self.number("epsilon", 1e-3);
        Ok(self.scaled(input, |x, unit| {
            of(&gamma, unit) * (x - of(&mean, unit)) / (of(&variance, unit) + epsilon).sqrt() + of(&beta, unit)
        }))
    }

    fn layer_normalization(&self, mut input: Tensor) -> Result<Tensor, Wrong> {
        let (scale, center) = (self.flag("scale", true), self.flag("center", true));
        let gamma = if scale { self.matrix(0, "gamma", Some(1))?.vector() } else { vec![1.0] };
        let beta = if center { self.matrix(usize::from(scale), "beta", Some(1))?.vector() } else { vec![0.0] };
        let epsilon = self.number("epsilon", 1e-3);
        for row in input.data.chunks_exact_mut(input.width.max(1)) {
            let count = row.len() as f64;
            let mean = row.iter().sum::<f64>() / count;
            let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
            for (unit, x) in row.iter_mut().enumerate() {
                *x = self
                    .round(of(&gamma, unit) * self.round((*x - mean) / (variance + epsilon).sqrt()) + of(&beta, unit));
            }
        }
        Ok(input)
    }

    /// All steps together: a mean is one of the steps that count, a maximum one of all.
    fn pooled(&self, input: &Tensor, mean: bool) -> Result<Tensor, Wrong> {
        let Some(steps) = input.steps else { return self.wrong("it reads no steps") };
        let width = input.width;
        let mut data = vec![if mean { 0.0 } else { f64::NEG_INFINITY }; input.rows * width];
        for row in 0..input.rows {
            let to = &mut data[row * width..][..width];
            let mut count = 0.0;
            for step in 0..steps {
                let counts = input.mask.as_ref().is_none_or(|mask| mask[row * steps + step]);
                let from = &input.data[(row * steps + step) * width..][..width];
                match mean {
                    true if counts => {
                        to.iter_mut().zip(from).for_each(|(to, x)| *to = self.round(*to + x));
                        count += 1.0;
                    }
                    true => {}
                    false => to.iter_mut().zip(from).for_each(|(to, x)| *to = to.max(*x)),
                }
            }
            if mean {
                to.iter_mut().for_each(|to| *to = self.round(*to / count));
            }
        }
        Ok(Tensor { steps: None, data, mask: None, ..input.clone() })
    }

    fn embedding(&self, input: &Tensor) -> Result<Tensor, Wrong> {
        let vectors = self.matrix(0, "embeddings", None)?;
        let mut data = Vec::new();
        for &token in &input.data {
            match vectors.data.chunks_exact(vectors.columns).nth(token as usize) {
                Some(vector) => data.extend(vector.iter().map(|&x| f64::from(x))),
                None => return self.wrong(format!("it has no vector for the token {token}")),
            }
        }
        let mask = self.flag("mask_zero", false).then(|| input.data.iter().map(|&token| token != 0.0).collect());
        Ok(Tensor { width: vectors.columns, data, mask, ..input.clone() })
    }

    fn dense(&self, input: &Tensor) -> Result<Tensor, Wrong> {
        let kernel = self.matrix(0, "kernel", Some(input.width))?;
        let bias = match self.flag("use_bias", true) {
            true => self.matrix(1, "bias", Some(1))?.vector(),
            false => vec![0.0; kernel.columns],
        };
        if bias.len() != kernel.columns {
            return self.wrong("its bias and its kernel do not fit each other");
        }
        let function = self.activation("activation", "linear")?;
        let mut data = Vec::new();
        for x in input.data.chunks_exact(input.width.max(1)) {
            let mut y = vec![0.0; kernel.columns];
            self.product(x, &kernel, &mut y);
            y.iter_mut().zip(&bias).for_each(|(y, b)| *y = self.round(*y + b));
            data.extend(y);
        }
        let output = Tensor { width: kernel.columns, data, ..input.clone() };
        Ok(self.along(output, |row| function.apply(row)))
    }

    /// A number of steps, by itself or in a list.
    fn span(&self, key: &str, default: usize) -> usize {
        let value = self.config.get(key).map(|value| value.get(0).unwrap_or(value));
        value.and_then(Value::as_u64).map_or(default, |steps| steps as usize)
    }

    /// For each output of windows of `size` steps, `apart` from each other, the first step, and the outputs: TensorFlow's
    /// rules of padding.
    fn starts(&self, steps: usize, size: usize, apart: usize, stride: usize) -> Result<(isize, usize), Wrong> {
        let reach = (size - 1) * apart;
        Ok(match self.config.get("padding").and_then(Value::as_str).unwrap_or("valid") {
            "valid" => (0, if steps > reach { (steps - reach - 1) / stride + 1 } else { 0 }),
            "causal" => (-(reach as isize), (steps - 1) / stride + 1),
            "same" => {
                let count = (steps - 1) / stride + 1;
                let beyond = ((count - 1) * stride + reach + 1).saturating_sub(steps);
                (-((beyond / 2) as isize), count)
            }
            other => return self.wrong(format!("its padding {other} is not known here")),
        })
    }

    fn convolution(&self, input: &Tensor) -> Result<Tensor, Wrong> {
        let Some(steps) = input.steps else { return self.wrong("it reads no steps") };
        let (size, stride) = (self.span("kernel_size", 1), self.span("strides", 1));
        let apart = self.span("dilation_rate", 1);
        let kernel = self.matrix(0, "kernel", Some(size * input.width))?;
        let bias = match self.flag("use_bias", true) {
            true => self.matrix(1, "bias", Some(1))?.vector(),
            false => vec![0.0; kernel.columns],
        };
        if bias.len() != kernel.columns {
            return self.wrong("its bias and its kernel do not fit each other");
        }
        let (first, count) = self.starts(steps, size, apart, stride)?;
        let mut data = Vec::new();
        for row in 0..input.rows {
            for t in 0..count {
                let mut y = vec![0.0; kernel.columns];
                for k in 0..size {
                    let at = first + (t * stride + k * apart) as isize;
                    if at < 0 || at >= steps as isize {
                        continue;
                    }
                    let x = &input.data[(row * steps + at as usize) * input.width..][..input.width];
                    let of_step = &kernel.data[k * input.width * kernel.columns..][..input.width * kernel.columns];
                    self.product(x, &Matrix { columns: kernel.columns, data: of_step }, &mut y);
                }
                y.iter_mut().zip(&bias).for_each(|(y, b)| *y = self.round(*y + b));
                data.extend(y);
            }
        }
        let function = self.activation("activation", "linear")?;
        let output = Tensor { rows: input.rows, steps: Some(count), width: kernel.columns, data, mask: None };
        Ok(self.along(output, |row| function.apply(row)))
    }

    fn pooled_windows(&self, input: &Tensor, mean: bool) -> Result<Tensor, Wrong> {
        let Some(steps) = input.steps else { return self.wrong("it reads no steps") };
        let size = self.span("pool_size", 2);
        let stride = self.span("strides", size);
        let (first, count) = self.starts(steps, size, 1, stride)?;
        let mut data = Vec::new();
        for row in 0..input.rows {
            for t in 0..count {
                for unit in 0..input.width {
                    let from = (first + (t * stride) as isize).max(0) as usize;
                    let to = (first + (t * stride + size) as isize).min(steps as isize) as usize;
                    let values = (from..to).map(|step| input.data[(row * steps + step) * input.width + unit]);
                    data.push(match mean {
                        true => self.round(values.fold(0.0, |sum, x| self.round(sum + x)) / (to - from) as f64),
                        false => values.fold(f64::NEG_INFINITY, f64::max),
                    });
                }
            }
        }
        Ok(Tensor { steps: Some(count), data, mask: None, ..input.clone() })
    }

    fn bidirectional(&self, input: &Tensor) -> Result<Tensor, Wrong> {
        let layer = |key: &str| self.config.get(key).filter(|layer| !layer.is_null());
        let Some(forward) = layer("layer") else { return self.wrong("it has no layer") };
        let backward = layer("backward_layer").unwrap_or(forward);
        let mut both = Vec::new();
        for (of, part, backwards) in [(forward, "forward_layer", false), (backward, "backward_layer", true)] {
            let (Some(class), Some(config)) = (text(of, "class_name"), of.get("config")) else {
                return self.wrong("one of its layers has no class or no configuration");
            };
            let weights = self.weights.inner(part).inner("cell");
            both.push(self.inside(config, &weights).recurrent(class, input, backwards)?);
        }
        let [forward, backward] = &both[..] else { return self.wrong("it has not two layers") };
        if (forward.steps, forward.width) != (backward.steps, backward.width) {
            return self.wrong("its directions do not give the same shapes");
        }
        let width = forward.width;
        let pairs = forward.data.chunks_exact(width.max(1)).zip(backward.data.chunks_exact(width.max(1)));
        let merge = |of: fn(f64, f64) -> f64| -> Vec<f64> {
            forward.data.iter().zip(&backward.data).map(|(&a, &b)| self.round(of(a, b))).collect()
        };
        let data = match self.config.get("merge_mode").map_or(Some("concat"), Value::as_str) {
            Some("concat") => pairs.flat_map(|(a, b)| a.iter().chain(b)).copied().collect(),
            Some("sum") => merge(|a, b| a + b),
            Some("ave") => merge(|a, b| (a + b) / 2.0),
            Some("mul") => merge(|a, b| a * b),
            _ => return self.wrong("its merge_mode is not known here"),
        };
        let width = data.len() / (forward.data.len() / width.max(1)).max(1);
        Ok(Tensor { width, data, ..forward.clone() })
    }

    /// A recurrent layer in one direction. Its outputs stand at the steps that they are of.
    fn recurrent(&self, class: &str, input: &Tensor, backwards: bool) -> Result<Tensor, Wrong> {
        let Some(steps) = input.steps else { return self.wrong("it reads no steps") };
        let (rows, width) = (input.rows, input.width);
        let cell = Cell::of(self, class, width)?;
        let hidden = cell.hidden;
        let (all, zeros) = (self.flag("return_sequences", false), self.flag("zero_output_for_mask", false));
        let mut data = vec![0.0; rows * hidden * if all { steps } else { 1 }];
        for row in 0..rows {
            let (mut h, mut c) = (vec![0.0; hidden], vec![0.0; hidden]);
            let mut output = vec![0.0; hidden];
            for time in 0..steps {
                let step = if backwards { steps - 1 - time } else { time };
                let counts = input.mask.as_ref().is_none_or(|mask| mask[row * steps + step]);
                if counts {
                    cell.step(&input.data[(row * steps + step) * width..][..width], &mut h, &mut c);
                    output.clone_from(&h);
                }
                if all && (counts || !zeros) {
                    data[(row * steps + step) * hidden..][..hidden].copy_from_slice(&output);
                }
            }
            if !all {
                data[row * hidden..][..hidden].copy_from_slice(&output);
            }
        }
        let mask = input.mask.clone().filter(|_| all);
        Ok(Tensor { rows, steps: all.then_some(steps), width: hidden, data, mask })
    }
}

/// One for all features, or one each.
fn of(numbers: &[f64], unit: usize) -> f64 {
    match numbers {
        [one] => *one,
        all => all.get(unit).copied().unwrap_or(f64::NAN),
    }
}

/// The error function: 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)), all terms of one sign.
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// A cell with its arrays.
struct Cell<'a> {
    layer: &'a Layer<'a>,
    kind: Kind,
    hidden: usize,
    /// W [I, G H]
    kernel: Matrix<'a>,
    /// R [H, G H]
    recurrent: Matrix<'a>,
    /// `[G H]`, added to x W
    bias: Vec<f64>,
    /// `[G H]`, added to h R of a GRU that resets after the product
    recurrent_bias: Vec<f64>,
    activation: Function,
    gate: Function,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rnn,
    Lstm,
    Gru { after: bool },
}

impl<'a> Cell<'a> {
    fn of(layer: &'a Layer<'a>, class: &str, input: usize) -> Result<Self, Wrong> {
        let kernel = layer.matrix(0, "kernel", Some(input))?;
        let recurrent = layer.matrix(1, "recurrent_kernel", None)?;
        let hidden = recurrent.data.len() / recurrent.columns;
        let (kind, gates) = match class {
            "SimpleRNN" => (Kind::Rnn, 1),
            "LSTM" => (Kind::Lstm, 4),
            "GRU" => {
                // Before Keras 2 had the option, a GRU reset before the product; so does a bias of one row.
                let rows = layer.of.arrays.get(&layer.weights.array(2, "bias")).map(|bias| bias.shape.len());
                (Kind::Gru { after: layer.flag("reset_after", rows != Some(1)) }, 3)
            }
            class => return layer.wrong(format!("the equations of a {class} are not known here")),
        };
        let width = gates * hidden;
        let rows = if kind == (Kind::Gru { after: true }) { 2 } else { 1 };
        let mut bias = match layer.flag("use_bias", true) {
            true => layer.matrix(2, "bias", Some(rows))?.vector(),
            false => vec![0.0; rows * width],
        };
        if kernel.columns != width || recurrent.columns != width || bias.len() != rows * width {
            return layer.wrong("its arrays do not fit each other");
        }
        let recurrent_bias = bias.split_off(width);
        let activation = layer.activation("activation", "tanh")?;
        let gate = layer.activation("recurrent_activation", "sigmoid")?;
        Ok(Cell { layer, kind, hidden, kernel, recurrent, bias, recurrent_bias, activation, gate })
    }

    /// One step of a row, h and c being its state.
    fn step(&self, x: &[f64], h: &mut [f64], c: &mut [f64]) {
        let hidden = self.hidden;
        let round = |x: f64| self.layer.round(x);
        let mut from_input = vec![0.0; self.bias.len()];
        self.layer.product(x, &self.kernel, &mut from_input);
        from_input.iter_mut().zip(&self.bias).for_each(|(to, b)| *to = round(*to + b));
        let gate = |x: f64| round(self.gate.of_one(x));
        let act = |x: f64| round(self.activation.of_one(x));
        match self.kind {
            Kind::Rnn => {
                self.layer.product(h, &self.recurrent, &mut from_input);
                h.iter_mut().zip(&from_input).for_each(|(h, &x)| *h = act(x));
            }
            Kind::Lstm => {
                self.layer.product(h, &self.recurrent, &mut from_input);
                for unit in 0..hidden {
                    let [i, f, g, o] = [0, 1, 2, 3].map(|of| from_input[of * hidden + unit]);
                    c[unit] = round(gate(f) * c[unit] + round(gate(i) * act(g)));
                    h[unit] = round(gate(o) * act(c[unit]));
                }
            }
            Kind::Gru { after: true } => {
                let mut from_state = vec![0.0; self.bias.len()];
                self.layer.product(h, &self.recurrent, &mut from_state);
                from_state.iter_mut().zip(&self.recurrent_bias).for_each(|(to, b)| *to = round(*to + b));
                for unit in 0..hidden {
                    let [z, r] = [0, 1].map(|of| gate(from_input[of * hidden + unit] + from_state[of * hidden + unit]));
                    let n = act(from_input[2 * hidden + unit] + round(r * from_state[2 * hidden + unit]));
                    h[unit] = round(z * h[unit] + round((1.0 - z) * n));
                }
            }
            Kind::Gru { after: false } => {
                let mut gates = from_input.clone();
                self.layer.product(h, &self.recurrent, &mut gates);
                let reset: Vec<f64> = (0..hidden).map(|unit| round(gate(gates[hidden + unit]) * h[unit])).collect();
                let mut candidates = from_input;
                self.layer.product(&reset, &self.recurrent, &mut candidates);
                for unit in 0..hidden {
                    let z = gate(gates[unit]);
                    h[unit] = round(z * h[unit] + round((1.0 - z) * act(candidates[2 * hidden + unit])));
                }
            }
        }
    }
}

/// The functions that layers apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Linear,
    Tanh,
    Sigmoid,
    Relu,
    /// 0.2 x + 0.5 between 0 and 1: of Keras 2.
    HardSigmoid2,
    /// x / 6 + 0.5 between 0 and 1: of Keras 3.
    HardSigmoid3,
    Softsign,
    Softplus,
    Elu,
    Selu,
    Silu,
    Exponential,
    Softmax,
    LeakyRelu,
    Gelu,
    Mish,
    HardTanh,
    HardSilu,
    Relu6,
}

impl Function {
    fn of(name: &str, version: Version) -> Option<Self> {
        Some(match name {
            "linear" => Function::Linear,
            "tanh" => Function::Tanh,
            "sigmoid" => Function::Sigmoid,
            "relu" => Function::Relu,
            "hard_sigmoid" if version == Version::Two => Function::HardSigmoid2,
            "hard_sigmoid" => Function::HardSigmoid3,
            "softsign" => Function::Softsign,
            "softplus" => Function::Softplus,
            "elu" => Function::Elu,
            "selu" => Function::Selu,
            "silu" | "swish" => Function::Silu,
            "exponential" => Function::Exponential,
            "softmax" => Function::Softmax,
            "leaky_relu" => Function::LeakyRelu,
            "gelu" => Function::Gelu,
            "mish" => Function::Mish,
            "hard_tanh" => Function::HardTanh,
            "hard_silu" | "hard_swish" => Function::HardSilu,
            "relu6" => Function::Relu6,
            _ => return None,
        })
    }

    fn of_one(self, x: f64) -> f64 {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        match self {
            Function::Linear => x,
            Function::Tanh => x.tanh(),
            Function::Sigmoid => sigmoid(x),
            Function::Relu => {
                if x <= 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Function::HardSigmoid2 => (0.2 * x + 0.5).clamp(0.0, 1.0),
            Function::HardSigmoid3 => (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Function::Softsign => x / (1.0 + x.abs()),
            Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Function::Elu => {
                if x > 0.0 {
                    x
                } else {
                    x.exp_m1()
                }
            }
            Function::Selu => 1.050_700_987_355_480_5 * if x > 0.0 { x } else { 1.673_263_242_354_377_2 * x.exp_m1() },
            Function::Silu => x * sigmoid(x),
            Function::Exponential => x.exp(),
            Function::LeakyRelu => {
                if x < 0.0 {
                    0.2 * x
                } else {
                    x
                }
            }
            Function::Gelu => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Function::Mish => x * Function::Softplus.of_one(x).tanh(),
            Function::HardTanh => x.clamp(-1.0, 1.0),
            Function::HardSilu => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Function::Relu6 => x.clamp(0.0, 6.0),
            // Of a single number.
            Function::Softmax => 1.0,
        }
    }

    fn apply(self, row: &mut [f64]) {
        if self != Function::Softmax {
            row.iter_mut().for_each(|x| *x = self.of_one(*x));
            return;
        }
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.iter_mut().for_each(|x| *x = (*x - largest).exp());
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|x| *x /= sum);
    }
}
