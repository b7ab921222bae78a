//! Conv, MaxPool and AveragePool over one axis or two, as ONNX's documentation has them.
//!
//! N rows, C features of the input, M of the output, G groups.

use super::super::node::Call;
use super::super::value::{Value, small_count, strides};
use super::machine::{Precision, dot, floats, made};

/// Most elements along an axis of a kernel, a stride, a dilation or a pad.
const SIZE_MAX: i64 = 1 << 20;

/// Of one axis: K, S, D, what is padded in front, and the outputs.
#[derive(Clone, Copy)]
struct Along {
    kernel: i64,
    stride: i64,
    dilation: i64,
    before: i64,
    after: i64,
    outputs: usize,
}

/// What an operator gives.
pub(super) fn run(call: &Call<'_>, precision: Precision) -> Result<Value, String> {
    let x = call.input(0)?;
    let op = call.node.op_type.as_str();
    let kernel: Vec<i64> = match op {
        "Conv" => call.input(1)?.shape.iter().skip(2).map(|&size| size as i64).collect(),
        _ => call.ints("kernel_shape").ok_or("its kernel_shape is missing")?.to_vec(),
    };
    if x.shape.len() != kernel.len() + 2 || !(1..=2).contains(&kernel.len()) {
        return Err(format!("its input has shape {:?}, for a kernel of shape {kernel:?}", x.shape));
    }
    let all = kernel.iter().enumerate().map(|(axis, &size)| along(call, axis, size, x.shape[2 + axis]));
    let axes: Vec<Along> = all.collect::<Result<_, _>>()?;
    if op == "Conv" { convolution(call, x, &axes, precision) } else { pooled(call, x, &axes) }
}

fn along(call: &Call<'_>, axis: usize, kernel: i64, length: usize) -> Result<Along, String> {
    let axes = call.input(0)?.shape.len() - 2;
    let of = |name: &str, default: i64, least: i64| -> Result<Vec<i64>, String> {
        let count = if name == "pads" { 2 * axes } else { axes };
        let all = call.ints(name).map_or_else(|| vec![default; count], <[i64]>::to_vec);
        let fits = all.len() == count && all.iter().all(|size| (least..=SIZE_MAX).contains(size));
        if fits { Ok(all) } else { Err(format!("its {name} are {all:?}")) }
    };
    let (stride, dilation) = (of("strides", 1, 1)?[axis], of("dilations", 1, 1)?[axis]);
    let pads = of("pads", 0, 0)?;
    if !(1..=SIZE_MAX).contains(&kernel) {
        return Err(format!("its kernel has {kernel} elements along axis {axis}"));
    }
    let reach = dilation * (kernel - 1) + 1;
    let length = i64::try_from(length).map_err(|_| "its input is too long")?;
    let auto = call.text("auto_pad").unwrap_or_default();
    let (before, after) = match auto.as_str() {
        "" | "NOTSET" => (pads[axis], pads[axes + axis]),
        "VALID" => (0, 0),
        "SAME_UPPER" | "SAME_LOWER" => {
            let outputs = (length + stride - 1) / stride;
            let padded = ((outputs - 1) * stride + reach - length).max(0);
            let (less, more) = (padded / 2, padded - padded / 2);
            if auto == "SAME_UPPER" { (less, more) } else { (more, less) }
        }
        other => return Err(format!("its auto_pad is {other:?}")),
    };
    let room = length + before + after - reach;
    let whole = room.div_euclid(stride) + 1;
    // One more that is not whole, if it does not begin in the padding behind.
    let rounded = call.int("ceil_mode", 0) != 0 && room.rem_euclid(stride) != 0 && whole * stride < length + before;
    let outputs = usize::try_from(whole + i64::from(rounded)).unwrap_or(0);
    Ok(Along { kernel, stride, dilation, before, after, outputs })
}

/// The places in an input of `shape` that output `at` of one row and feature reads, by the place in the kernel; none in the
/// padding.
fn reads<'a>(axes: &'a [Along], shape: &'a [usize], at: &'a [usize]) -> impl Iterator<Item = Option<usize>> + 'a {
    let count: i64 = axes.iter().map(|axis| axis.kernel).product();
    (0..count).map(move |place| {
        let (mut rest, mut from, mut step) = (place, 0, 1);
        for (axis, along) in axes.iter().enumerate().rev() {
            let k = rest % along.kernel;
            rest /= along.kernel;
            let place = at[axis] as i64 * along.stride + k * along.dilation - along.before;
            let place = usize::try_from(place).ok().filter(|&place| place < shape[2 + axis])?;
            from += place * step;
            step *= shape[2 + axis];
        }
        Some(from)
    })
}

/// Every output of one row and feature, by its place along each axis.
fn places(axes: &[Along]) -> Vec<Vec<usize>> {
    let shape: Vec<usize> = axes.iter().map(|axis| axis.outputs).collect();
    let steps = strides(&shape);
    let count = shape.iter().product();
    (0..count).map(|at| shape.iter().zip(&steps).map(|(&length, &step)| at / step % length).collect()).collect()
}

/// y = Σ over the kernel and the features of a group of x W, and the bias; what is padded is 0.
fn convolution(call: &Call<'_>, x: &Value, axes: &[Along], precision: Precision) -> Result<Value, String> {
    let w = call.input(1)?;
    let (xs, weights) = (floats(x)?, floats(w)?);
    let (rows, features, filters) = (x.shape[0], x.shape[1], w.shape[0]);
    let groups =
        usize::try_from(call.int("group", 1)).ok().filter(|&groups| groups > 0).ok_or("its group is no number")?;
    let of_group = w.shape[1];
    if features != of_group * groups || filters % groups != 0 {
        return Err(format!("its W has shape {:?}, for {features} features in {groups} groups", w.shape));
    }
    let bias = match call.given(2) {
        Some(bias) if bias.shape == [filters] => floats(bias)?.to_vec(),
        Some(bias) => return Err(format!("its B has shape {:?}; expected [{filters}]", bias.shape)),
        None => vec![0.0; filters],
    };
    let shape: Vec<usize> = [rows, filters].into_iter().chain(axes.iter().map(|axis| axis.outputs)).collect();
    small_count(&shape)?;
    let (area, window): (usize, usize) = (x.shape[2..].iter().product(), w.shape[2..].iter().product());
    let all = places(axes);
    let mut y = Vec::with_capacity(shape.iter().product());
    for row in 0..rows {
        for (filter, &bias) in bias.iter().enumerate() {
            let group = filter / (filters / groups);
            let own = &weights[filter * of_group * window..][..of_group * window];
            for at in &all {
                let read: Vec<Option<usize>> = reads(axes, &x.shape, at).collect();
                let numbers = (0..of_group).flat_map(|feature| {
                    let from = (row * features + group * of_group + feature) * area;
                    read.iter().map(move |place| place.map_or(0.0, |place| xs[from + place]))
                });
                y.push(dot(precision, f64::from(bias), own, numbers) as f32);
            }
        }
    }
    made(shape, y)
}

/// The largest of what each window has, or the mean.
fn pooled(call: &Call<'_>, x: &Value, axes: &[Along]) -> Result<Value, String> {
    let xs = floats(x)?;
    let shape: Vec<usize> = x.shape[..2].iter().copied().chain(axes.iter().map(|axis| axis.outputs)).collect();
    small_count(&shape)?;
    let area: usize = x.shape[2..].iter().product();
    let (is_max, counts_pads) = (call.node.op_type == "MaxPool", call.int("count_include_pad", 0) != 0);
    let all = places(axes);
    let mut y = Vec::with_capacity(shape.iter().product());
    for from in (0..x.shape[0] * x.shape[1]).map(|line| line * area) {
        for at in &all {
            let read = || reads(axes, &x.shape, at).flatten().map(|place| f64::from(xs[from + place]));
            y.push(match is_max {
                true => read().fold(f64::NEG_INFINITY, |most, x| if x > most || x.is_nan() { x } else { most }),
                false => {
                    // With the padding what lies in it, but nothing beyond.
                    let count = match counts_pads {
                        true => axes
                            .iter()
                            .enumerate()
                            .map(|(axis, along)| within(along, at[axis], x.shape[2 + axis]))
                            .product(),
                        false => read().count(),
                    };
                    read().sum::<f64>() / count as f64
                }
            } as f32);
        }
    }
    made(shape, y)
}

/// Steps of a window that lie in the input or its padding.
fn within(along: &Along, at: usize, length: usize) -> usize {
    let end = length as i64 + along.before + along.after;
    (0..along.kernel).filter(|k| at as i64 * along.stride + k * along.dilation < end).count()
}
