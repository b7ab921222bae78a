//! The other operators with which graphs of layers compute.

use elman_formats::onnx::Element;

use super::super::node::Call;
use super::super::value::{Data, Value, axis, common_shape};
use super::machine::{Precision, dot, floats, made};

/// What an operator gives; nothing where it is not known.
pub(super) fn run(call: &Call<'_>, precision: Precision) -> Option<Result<Vec<Value>, String>> {
    let one = |value: Result<Value, String>| Some(value.map(|value| vec![value]));
    match call.node.op_type.as_str() {
        "MatMul" => one(product(call, precision)),
        "Gemm" => one(gemm(call, precision)),
        "Softmax" | "LogSoftmax" => one(softmax(call)),
        "TopK" => Some(top(call)),
        "ReduceSum" | "ReduceMean" | "ReduceMax" => one(reduced(call)),
        "Sigmoid" => one(each(call, |x| 1.0 / (1.0 + (-x).exp()))),
        "Tanh" => one(each(call, f64::tanh)),
        "Sqrt" => one(each(call, f64::sqrt)),
        "Relu" => one(each(call, |x| if x < 0.0 { 0.0 } else { x })),
        "Clip" => one(clip(call)),
        "ReverseSequence" => one(reversed(call)),
        "BatchNormalization" => one(normalised(call)),
        "IsNaN" => one(is_nan(call)),
        "Or" => one(either(call)),
        _ => one(match call.activation()? {
            Ok(activation) => each(call, |x| activation.value(x)),
            Err(why) => Err(why),
        }),
    }
}

fn each(call: &Call<'_>, function: impl Fn(f64) -> f64) -> Result<Value, String> {
    let value = call.input(0)?;
    made(value.shape.clone(), floats(value)?.iter().map(|&x| function(f64::from(x)) as f32).collect())
}

/// (x − mean) / √(variance + ε) times a factor, and a shift: numbers of their own for each place along axis 1.
fn normalised(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let features = value.shape.get(1).copied().unwrap_or(0);
    let mut of = [&[][..]; 4];
    for (at, numbers) in of.iter_mut().enumerate() {
        *numbers = floats(call.input(at + 1)?)?;
    }
    if call.int("training_mode", 0) != 0 || of.iter().any(|numbers| numbers.len() != features) {
        return Err(format!("it has no running numbers for {features} features"));
    }
    let [gain, bias, mean, variance] = of.map(|numbers| numbers.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
    let epsilon = f64::from(call.float("epsilon", 1e-5));
    let behind: usize = value.shape.iter().skip(2).product();
    let number = |(at, &x): (usize, &f32)| {
        let of = at / behind % features;
        ((f64::from(x) - mean[of]) / (variance[of] + epsilon).sqrt() * gain[of] + bias[of]) as f32
    };
    made(value.shape.clone(), floats(value)?.iter().enumerate().map(number).collect())
}

fn is_nan(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let flags: Vec<i64> = floats(value)?.iter().map(|x| i64::from(x.is_nan())).collect();
    Ok(Value::ints_of(Element::Bool, value.shape.clone(), flags.into_iter()))
}

fn either(call: &Call<'_>) -> Result<Value, String> {
    let shape = common_shape(&call.input(0)?.shape, &call.input(1)?.shape)?;
    let flags = |at: usize| -> Result<Vec<i64>, String> {
        match call.input(at)?.stretched(&shape)?.data {
            Data::Ints(flags) => Ok(flags.to_vec()),
            _ => Err("it takes truth values".into()),
        }
    };
    let (a, b) = (flags(0)?, flags(1)?);
    Ok(Value::ints_of(Element::Bool, shape, a.into_iter().zip(b).map(|(a, b)| i64::from(a != 0 || b != 0))))
}

/// A [.., K] times B [K, N].
fn product(call: &Call<'_>, precision: Precision) -> Result<Value, String> {
    let (a, b) = (call.input(0)?, call.input(1)?);
    let (Some((&inner, front)), &[depth, width]) = (a.shape.split_last(), &b.shape[..]) else {
        return Err(format!("it multiplies shapes {:?} and {:?}", a.shape, b.shape));
    };
    if inner != depth {
        return Err(format!("it multiplies shapes {:?} and {:?}", a.shape, b.shape));
    }
    let (left, right) = (floats(a)?, floats(b)?);
    let rows = front.iter().product();
    let shape = [front, &[width]].concat();
    made(shape, products(precision, [rows, inner, width], left, |k, n| right[k * width + n]))
}

/// Sums [M, N] over K of rows of A [M, K] with columns of what `b` gives.
fn products(precision: Precision, [m, k, n]: [usize; 3], a: &[f32], b: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let mut sums = Vec::with_capacity(m * n);
    for row in 0..m {
        for column in 0..n {
            sums.push(dot(precision, 0.0, &a[row * k..][..k], (0..k).map(|k| b(k, column))) as f32);
        }
    }
    sums
}

fn gemm(call: &Call<'_>, precision: Precision) -> Result<Value, String> {
    let turned = |at: usize, says: &str| -> Result<Value, String> {
        let value = call.input(at)?;
        match (value.shape.len(), call.int(says, 0) != 0) {
            (2, true) => Ok(value.transposed(&[1, 0])),
            (2, false) => Ok(value.clone()),
            _ => Err(format!("it multiplies a tensor of shape {:?}", value.shape)),
        }
    };
    let (a, b) = (turned(0, "transA")?, turned(1, "transB")?);
    let ([m, k], [depth, n]) = ([a.shape[0], a.shape[1]], [b.shape[0], b.shape[1]]);
    if k != depth {
        return Err(format!("it multiplies shapes {:?} and {:?}", a.shape, b.shape));
    }
    let right = floats(&b)?;
    let mut sums = products(precision, [m, k, n], floats(&a)?, |k, column| right[k * n + column]);
    let alpha = call.float("alpha", 1.0);
    sums.iter_mut().for_each(|sum| *sum *= alpha);
    if let Some(bias) = call.given(2) {
        let (wide, beta) = (bias.stretched(&[m, n])?, call.float("beta", 1.0));
        sums.iter_mut().zip(floats(&wide)?).for_each(|(sum, bias)| *sum += beta * bias);
    }
    made(vec![m, n], sums)
}

/// Lines of a tensor along an axis: how many lie before, how long they are, and how far apart their elements.
fn lines(shape: &[usize], along: usize) -> (usize, usize, usize) {
    (shape[..along].iter().product(), shape[along], shape[along + 1..].iter().product())
}

fn softmax(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let along = axis(call.int("axis", if call.opset < 13 { 1 } else { -1 }), value.shape.len())?;
    let (front, length, back) = match call.opset < 13 {
        // Older ones take all axes from this one on as one.
        true => (value.shape[..along].iter().product(), value.shape[along..].iter().product(), 1),
        false => lines(&value.shape, along),
    };
    let x = floats(value)?;
    let mut y = vec![0.0; x.len()];
    for line in 0..front * back {
        let places = || (0..length).map(|at| (line / back * length + at) * back + line % back);
        let most = places().map(|at| f64::from(x[at])).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = places().map(|at| (f64::from(x[at]) - most).exp()).sum();
        for at in places() {
            let off = f64::from(x[at]) - most;
            y[at] = if call.node.op_type == "Softmax" { off.exp() / sum } else { off - sum.ln() } as f32;
        }
    }
    made(value.shape.clone(), y)
}

/// The k largest or smallest along the last axis, in order, and where they stood.
fn top(call: &Call<'_>) -> Result<Vec<Value>, String> {
    let value = call.input(0)?;
    let along = axis(call.int("axis", -1), value.shape.len())?;
    let length = value.shape[along];
    let kept = usize::try_from(call.known_int(1)?).ok().filter(|&kept| kept <= length);
    let (Some(kept), true) = (kept, along + 1 == value.shape.len()) else {
        return Err("its k is more than the elements along the last axis, or it takes another axis".into());
    };
    let largest = call.int("largest", 1) != 0;
    let (mut values, mut places) = (Vec::new(), Vec::new());
    for line in floats(value)?.chunks(length.max(1)) {
        let mut order: Vec<usize> = (0..line.len()).collect();
        order.sort_by(|&a, &b| if largest { line[b].total_cmp(&line[a]) } else { line[a].total_cmp(&line[b]) });
        values.extend(order[..kept].iter().map(|&at| line[at]));
        places.extend(order[..kept].iter().map(|&at| at as i64));
    }
    let mut shape = value.shape.clone();
    shape[along] = kept;
    Ok(vec![made(shape.clone(), values)?, Value::ints(shape, places)])
}

/// Sums, means or the largest over some axes; over all where none are named.
fn reduced(call: &Call<'_>) -> Result<Value, String> {
    let mut value = call.input(0)?.clone();
    let rank = value.shape.len();
    let mut axes = match call.list("axes", 1)? {
        Some(axes) => axes.iter().map(|&number| axis(number, rank)).collect::<Result<Vec<_>, _>>()?,
        None => Vec::new(),
    };
    if axes.is_empty() {
        if call.int("noop_with_empty_axes", 0) != 0 {
            return Ok(value);
        }
        axes = (0..rank).collect();
    }
    axes.sort_unstable();
    axes.dedup();
    let keep = call.int("keepdims", 1) != 0;
    for &along in axes.iter().rev() {
        let (front, length, back) = lines(&value.shape, along);
        let x = floats(&value)?;
        let mut sums = Vec::with_capacity(front * back);
        for line in 0..front * back {
            let at = |at: usize| (line / back * length + at) * back + line % back;
            let line = (0..length).map(|place| f64::from(x[at(place)]));
            sums.push(match call.node.op_type.as_str() {
                "ReduceMax" => line.fold(f64::NEG_INFINITY, |most, x| if x > most || x.is_nan() { x } else { most }),
                "ReduceMean" => line.sum::<f64>() / length as f64,
                _ => line.sum(),
            } as f32);
        }
        let mut shape = value.shape.clone();
        shape[along] = 1;
        value = made(shape, sums)?;
    }
    if !keep {
        let kept = (0..rank).filter(|axis| !axes.contains(axis)).map(|axis| value.shape[axis]).collect();
        value = value.reshaped(kept)?;
    }
    Ok(value)
}

fn clip(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let limit = |at: usize, says: &str, default: f32| -> Result<f32, String> {
        match call.given(at) {
            Some(limit) => floats(limit)?.first().copied().ok_or_else(|| "its limit is empty".into()),
            None => Ok(call.float(says, default)),
        }
    };
    let (low, high) = (limit(1, "min", f32::NEG_INFINITY)?, limit(2, "max", f32::INFINITY)?);
    let clipped = |&x: &f32| match x {
        x if x < low => low,
        x if x > high => high,
        x => x,
    };
    made(value.shape.clone(), floats(value)?.iter().map(clipped).collect())
}

/// Each row's first steps, as many as its length says, from the last to the first.
fn reversed(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let rank = value.shape.len();
    let (time, batch) = (axis(call.int("time_axis", 0), rank)?, axis(call.int("batch_axis", 1), rank)?);
    if time + batch != 1 {
        return Err(format!("its axes of time and rows are {time} and {batch}; expected the first two"));
    }
    let lengths = call.known_ints(1)?;
    let (steps, rows) = (value.shape[time], value.shape[batch]);
    if lengths.len() != rows || lengths.iter().any(|&length| length < 0 || length > steps as i64) {
        return Err(format!("its lengths are {lengths:?}, for {rows} rows of {steps} steps"));
    }
    let width: usize = value.shape[2..].iter().product();
    let from = |at: usize| {
        let (first, second, rest) = (at / width / value.shape[1], at / width % value.shape[1], at % width);
        let (t, b) = if time == 0 { (first, second) } else { (second, first) };
        let length = lengths[b] as usize;
        let t = if t < length { length - 1 - t } else { t };
        let (first, second) = if time == 0 { (t, b) } else { (b, t) };
        (first * value.shape[1] + second) * width + rest
    };
    Ok(value.moved(value.shape.clone(), (0..value.len()).map(from)))
}
