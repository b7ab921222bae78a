//! RNN, LSTM and GRU by the equations of their documentation.
//!
//! T steps, B rows, D directions, G gates, I input, H hidden.

use std::rc::Rc;

use super::super::activations::{Function, functions};
use super::super::node::Call;
use super::super::track::directions;
use super::super::value::{Data, Value, small_count};
use super::machine::{Precision, dot, floats};

impl Function {
    fn at(self, x: f64) -> f64 {
        let line = |alpha: f32, beta: f32| f64::from(alpha) * x + f64::from(beta);
        match self {
            Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Function::Tanh => x.tanh(),
            // Not max, which would make a number of what is none.
            Function::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Function::HardSigmoid { alpha, beta } => line(alpha, beta).clamp(0.0, 1.0),
            Function::Affine { alpha, beta } => line(alpha, beta),
        }
    }
}

/// One direction: W [G H, I], R [G H, H], Wb and Rb [G H], P [3 H].
struct Cell<'a> {
    hidden: usize,
    w: &'a [f32],
    r: &'a [f32],
    wb: Vec<f32>,
    rb: Vec<f32>,
    p: Option<&'a [f32]>,
    functions: Vec<Function>,
    clip: Option<f64>,
    /// `input_forget` of an LSTM, `linear_before_reset` of a GRU.
    option: bool,
    precision: Precision,
}

impl Cell<'_> {
    /// X Wᵀ + Wb of row `at` of W.
    fn x_sum(&self, x: &[f32], at: usize) -> f64 {
        dot(self.precision, f64::from(self.wb[at]), x, self.w[at * x.len()..][..x.len()].iter().copied())
    }

    /// H Rᵀ + Rb of row `at` of R.
    fn h_sum(&self, h: &[f32], at: usize) -> f64 {
        dot(self.precision, f64::from(self.rb[at]), h, self.r[at * h.len()..][..h.len()].iter().copied())
    }

    /// A gate's function of its sum, which may be clipped.
    fn gate(&self, function: usize, sum: f64) -> f64 {
        let sum = match self.clip {
            Some(clip) if sum > clip => clip,
            Some(clip) if sum < -clip => -clip,
            _ => sum,
        };
        self.functions[function].at(sum)
    }

    /// Ht of a step.
    fn rnn(&self, x: &[f32], h: &mut [f32]) {
        let new: Vec<f32> =
            (0..self.hidden).map(|j| self.gate(0, self.x_sum(x, j) + self.h_sum(h, j)) as f32).collect();
        h.copy_from_slice(&new);
    }

    /// Ht and Ct of a step; the gates stand as i o f c.
    fn lstm(&self, x: &[f32], h: &mut [f32], c: &mut [f32]) {
        let hidden = self.hidden;
        let sum = |gate: usize, j: usize| self.x_sum(x, gate * hidden + j) + self.h_sum(h, gate * hidden + j);
        // The peepholes stand as i o f.
        let seen = |gate: usize, j: usize, c: f64| self.p.map_or(0.0, |p| f64::from(p[gate * hidden + j]) * c);
        let mut new = Vec::with_capacity(hidden);
        for (j, c) in c.iter_mut().enumerate() {
            let old = f64::from(*c);
            let i = self.gate(0, sum(0, j) + seen(0, j, old));
            let f = if self.option { 1.0 - i } else { self.gate(0, sum(2, j) + seen(2, j, old)) };
            let candidate = self.gate(1, sum(3, j));
            let memory = f * old + i * candidate;
            let o = self.gate(0, sum(1, j) + seen(1, j, memory));
            *c = memory as f32;
            new.push((o * self.functions[2].at(memory)) as f32);
        }
        h.copy_from_slice(&new);
    }

    /// Ht of a step; the gates stand as z r h.
    fn gru(&self, x: &[f32], h: &mut [f32]) {
        let hidden = self.hidden;
        let gate =
            |gate: usize, j: usize| self.gate(0, self.x_sum(x, gate * hidden + j) + self.h_sum(h, gate * hidden + j));
        let r: Vec<f64> = (0..hidden).map(|j| gate(1, j)).collect();
        let reset: Vec<f32> = h.iter().zip(&r).map(|(&h, r)| (f64::from(h) * r) as f32).collect();
        let unit = |j: usize| {
            let at = 2 * hidden + j;
            let recurrent = match self.option {
                true => r[j] * self.h_sum(h, at),
                false => self.h_sum(&reset, at),
            };
            let candidate = self.gate(1, self.x_sum(x, at) + recurrent);
            let z = gate(0, j);
            ((1.0 - z) * candidate + z * f64::from(h[j])) as f32
        };
        let new: Vec<f32> = (0..hidden).map(unit).collect();
        h.copy_from_slice(&new);
    }
}

/// A part of a tensor [D, …], that of one direction.
fn part<'a>(call: &'a Call<'_>, at: usize, direction: usize, count: usize) -> Result<Option<&'a [f32]>, String> {
    let Some(value) = call.given(at) else { return Ok(None) };
    let data = floats(value)?;
    let part = data.get(direction * count..).and_then(|rest| rest.get(..count));
    part.map(Some).ok_or_else(|| format!("its input {at} has shape {:?}", value.shape))
}

/// Y, Y_h and, of an LSTM, Y_c.
pub(super) fn recurrent(call: &Call<'_>, precision: Precision) -> Result<Vec<Value>, String> {
    let op = call.node.op_type.as_str();
    let gates = match op {
        "RNN" => 1,
        "GRU" => 3,
        _ => 4,
    };
    let rows_first = call.int("layout", 0) != 0;
    let turned = |value: &Value| if rows_first { value.transposed(&[1, 0, 2]) } else { value.clone() };
    let xs = call.input(0)?;
    if xs.shape.len() != 3 {
        return Err(format!("its input has shape {:?}", xs.shape));
    }
    let xs = turned(xs);
    let [steps, rows, input] = [xs.shape[0], xs.shape[1], xs.shape[2]];
    let hidden = call.input(2)?.shape.last().copied().unwrap_or(0);
    let directions = directions(call)?;
    let d = directions.len();
    small_count(&[steps.max(1), d, rows, hidden])?;
    let lengths: Vec<usize> = match call.given(4) {
        None => vec![steps; rows],
        Some(_) => call.known_ints(4)?.iter().map(|&length| usize::try_from(length).unwrap_or(usize::MAX)).collect(),
    };
    if lengths.len() != rows || lengths.iter().any(|&length| length > steps) {
        return Err(format!("its sequence_lens are {lengths:?}, for {rows} rows of {steps} steps"));
    }
    let initial = |at: usize| -> Result<Vec<f32>, String> {
        let Some(value) = call.given(at).filter(|_| at == 5 || op == "LSTM") else {
            return Ok(vec![0.0; d * rows * hidden]);
        };
        let expected = if rows_first { [rows, d, hidden] } else { [d, rows, hidden] };
        if value.shape != expected {
            return Err(format!("its input {at} has shape {:?}; expected {expected:?}", value.shape));
        }
        Ok(floats(&turned(value))?.to_vec())
    };
    let (mut h, mut c) = (initial(5)?, initial(6)?);
    let functions = functions(call, d)?;
    let each = functions.len() / d;
    let option = call.int(if op == "GRU" { "linear_before_reset" } else { "input_forget" }, 0) != 0;
    let clip = call.has("clip").then(|| f64::from(call.float("clip", 0.0)));
    let x = floats(&xs)?;
    let mut y = vec![0.0; steps * d * rows * hidden];
    for (direction, &reversed) in directions.iter().enumerate() {
        let height = gates * hidden;
        let missing = || "its W or R is missing".to_owned();
        let biases = part(call, 3, direction, 2 * height)?;
        let bias = |half: usize| biases.map_or_else(|| vec![0.0; height], |b| b[half * height..][..height].to_vec());
        let cell = Cell {
            hidden,
            w: part(call, 1, direction, height * input)?.ok_or_else(missing)?,
            r: part(call, 2, direction, height * hidden)?.ok_or_else(missing)?,
            wb: bias(0),
            rb: bias(1),
            p: if op == "LSTM" { part(call, 7, direction, 3 * hidden)? } else { None },
            functions: functions[direction * each..][..each].to_vec(),
            clip,
            option,
            precision,
        };
        for row in 0..rows {
            let state = (direction * rows + row) * hidden;
            for step in 0..lengths[row] {
                let t = if reversed { lengths[row] - 1 - step } else { step };
                let x = &x[(t * rows + row) * input..][..input];
                let (h, c) = (&mut h[state..][..hidden], &mut c[state..][..hidden]);
                match op {
                    "RNN" => cell.rnn(x, h),
                    "GRU" => cell.gru(x, h),
                    _ => cell.lstm(x, h, c),
                }
                y[((t * d + direction) * rows + row) * hidden..][..hidden].copy_from_slice(h);
            }
        }
    }
    let y = Value::floats(vec![steps, d, rows, hidden], y);
    let mut outputs = vec![if rows_first { y.transposed(&[2, 0, 1, 3]) } else { y }];
    for state in [Some(h), (op == "LSTM").then_some(c)].into_iter().flatten() {
        let state = Value { data: Data::Floats(Rc::new(state)), ..Value::floats(vec![d, rows, hidden], Vec::new()) };
        outputs.push(turned(&state));
    }
    Ok(outputs)
}
