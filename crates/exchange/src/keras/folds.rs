//! Dense layers, scales and normalisations on their way in, and what is folded into what.
//!
//! y = (x ⊙ a + b) W + c is x W' + c' with W' = diag(a) W, c' = b W + c; and (x W + c) ⊙ a + b is x W' + c' with
//! W' = W diag(a), c' = c ⊙ a + b.

use elman_formats::Array;
use elman_kernels::{StepNorm, StepScale};

use super::parts::{Dense, Norm, Scale, ScaleOf};
use crate::Error;
use crate::arrays::{reshaped, zeros};
use crate::report::Change;
use crate::transfer::Transfer;

/// Below this no deviation is taken by a `Normalization`.
const LEAST_DEVIATION: f64 = 1e-7;

/// A factor and a shift for each of some features, and the arrays that they come of.
struct Affine {
    factor: Vec<f64>,
    shift: Vec<f64>,
    from: Vec<String>,
}

impl Scale {
    /// The factor and the shift of `width` features.
    fn affine(&self, transfer: &Transfer<'_>, width: usize) -> Result<Affine, Error> {
        let wide = |numbers: &[f64]| match numbers {
            [one] => Ok(vec![*one; width]),
            all if all.len() == width => Ok(all.to_vec()),
            all => {
                let why = format!(
                    "it has numbers for {} features; expected {width}, as the layer before it gives",
                    all.len()
                );
                Err(transfer.refused(&self.name, why))
            }
        };
        let mut from = Vec::new();
        let mut taken = |name: String| -> Result<Vec<f64>, Error> {
            let shape = transfer.get(&name).map_or(vec![width], |array| array.shape.clone());
            let array = transfer.array(&name, &shape)?;
            let numbers = wide(&array.data.iter().map(|&x| f64::from(x)).collect::<Vec<_>>())?;
            from.push(name);
            Ok(numbers)
        };
        let (factor, shift) = match &self.of {
            ScaleOf::Fixed { factor, shift } => (wide(factor)?, wide(shift)?),
            ScaleOf::Batch { weights, epsilon, center, scale } => {
                let mut number = 0;
                let mut next = |name: &str| {
                    number += 1;
                    weights.array(number - 1, name)
                };
                let gain = if *scale { taken(next("gamma"))? } else { vec![1.0; width] };
                let bias = if *center { taken(next("beta"))? } else { vec![0.0; width] };
                let mean = taken(next("moving_mean"))?;
                let variance = taken(next("moving_variance"))?;
                let factor: Vec<f64> =
                    gain.iter().zip(&variance).map(|(gain, v)| gain / (v + epsilon).sqrt()).collect();
                let shift =
                    bias.iter().zip(mean.iter().zip(&factor)).map(|(bias, (mean, a))| bias - mean * a).collect();
                (factor, shift)
            }
            ScaleOf::Normal { weights, given, invert } => {
                let [mean, variance] = match given {
                    Some([mean, variance]) => [wide(mean)?, wide(variance)?],
                    None => [taken(weights.array(0, "mean"))?, taken(weights.array(1, "variance"))?],
                };
                let deviation: Vec<f64> = variance.iter().map(|v| v.sqrt().max(LEAST_DEVIATION)).collect();
                match invert {
                    true => (deviation, mean),
                    false => {
                        let shift = mean.iter().zip(&deviation).map(|(mean, deviation)| -mean / deviation).collect();
                        (deviation.iter().map(|deviation| 1.0 / deviation).collect(), shift)
                    }
                }
            }
        };
        Ok(Affine { factor, shift, from })
    }
}

fn array(shape: &[usize], data: &[f64]) -> Array {
    Array { shape: shape.to_vec(), data: data.iter().map(|&x| x as f32).collect() }
}

/// A scale as a layer of its own.
///
/// # Errors
/// If its arrays are missing, or not of this width.
pub(super) fn take_scale(
    transfer: &mut Transfer<'_>,
    scale: &Scale,
    ours: &str,
    width: usize,
) -> Result<StepScale, Error> {
    let Affine { factor, shift, from } = scale.affine(transfer, width)?;
    let to = [("gain", factor), ("bias", shift)].map(|(of, data)| (format!("{ours}{of}"), array(&[width], &data)));
    let from: Vec<&str> = from.iter().map(String::as_str).collect();
    transfer.moved(&from, to, &[Change::Folded]);
    Ok(StepScale::new(width))
}

/// A layer normalisation.
///
/// # Errors
/// If its arrays are missing, or not of this width.
pub(super) fn take_norm(transfer: &mut Transfer<'_>, norm: &Norm, ours: &str, width: usize) -> Result<StepNorm, Error> {
    let mut number = 0;
    for (there, of, name, without) in [(norm.scale, "gain", "gamma", 1.0), (norm.center, "bias", "beta", 0.0)] {
        let to = format!("{ours}{of}");
        if there {
            let name = norm.weights.array(number, name);
            number += 1;
            let array = transfer.array(&name, &[width])?.clone();
            transfer.moved(&[&name], [(to, array)], &[]);
        } else {
            let constant = Array { shape: vec![width], data: vec![without; width] };
            transfer.moved(&[], [(to, constant)], if without == 0.0 { &[Change::Zeros] } else { &[] });
            transfer.note(format!(
                "{} has no {name}: {} were taken",
                norm.name,
                if without == 0.0 { "zeros" } else { "ones" }
            ));
        }
    }
    Ok(StepNorm::new(width).epsilon(norm.epsilon))
}

/// A dense layer to `ours`, whose input is `width` floats, or twice as many of which the second half is added to the first
/// (`summed`). The number of its outputs.
///
/// # Errors
/// If its arrays are missing, or of shapes that do not fit.
pub(super) fn take_dense_to(
    transfer: &mut Transfer<'_>,
    dense: &Dense,
    ours: &str,
    widths: &[usize],
    summed: bool,
) -> Result<(usize, usize), Error> {
    let (kernel, bias) = (dense.weights.array(0, "kernel"), dense.weights.array(1, "bias"));
    let matrix = match dense.window {
        None => transfer.matrix(&kernel)?.clone(),
        Some(window) => windows(transfer, &kernel, window.size)?,
    };
    let (width, outputs) = (matrix.shape[0], matrix.shape[1]);
    if !widths.contains(&width) || dense.units.is_some_and(|units| units != outputs) {
        let widths = widths.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ");
        let units = dense.units.map_or("C".to_owned(), |units| units.to_string());
        let why = format!("it has shape {:?}; expected [{widths}, {units}]", matrix.shape);
        return Err(transfer.refused(kernel, why));
    }
    let has_bias = dense.use_bias.unwrap_or(transfer.get(&bias).is_some());
    let vector = if has_bias { Some(transfer.array(&bias, &[outputs])?.clone()) } else { None };
    if !has_bias {
        transfer.note(format!("{} has no bias: zeros were taken", dense.name));
    }
    let twice = |array: Array| match summed {
        true => Array { shape: vec![2 * width, outputs], data: [array.data.clone(), array.data].concat() },
        false => array,
    };
    if summed {
        transfer.note(format!(
            "{} reads the sum of two directions; here it reads both side by side, its kernel twice",
            dense.name
        ));
    }
    let to = |of: &str| format!("{ours}{of}");
    if dense.before.is_empty() && dense.after.is_empty() {
        let changes: &[Change] = if dense.window.is_some() { &[Change::Reshaped] } else { &[] };
        transfer.moved(&[&kernel], [(to("kernel"), twice(matrix))], changes);
        match vector {
            Some(vector) => transfer.moved(&[&bias], [(to("bias"), vector)], &[]),
            None => transfer.moved(&[], [(to("bias"), zeros(&[outputs]))], &[Change::Zeros]),
        }
        return Ok((width, outputs));
    }
    let mut from = vec![kernel];
    from.extend(has_bias.then_some(bias));
    let mut w: Vec<f64> = matrix.data.iter().map(|&x| f64::from(x)).collect();
    let mut c: Vec<f64> = vector.map_or(vec![0.0; outputs], |v| v.data.iter().map(|&x| f64::from(x)).collect());
    for scale in dense.before.iter().rev() {
        let affine = scale.affine(transfer, width)?;
        for (row, (a, b)) in w.chunks_exact_mut(outputs).zip(affine.factor.iter().zip(&affine.shift)) {
            for (w, c) in row.iter_mut().zip(&mut c) {
                *c += b * *w;
                *w *= a;
            }
        }
        from.extend(affine.from);
    }
    for scale in &dense.after {
        let affine = scale.affine(transfer, outputs)?;
        for row in w.chunks_exact_mut(outputs) {
            row.iter_mut().zip(&affine.factor).for_each(|(w, a)| *w *= a);
        }
        c.iter_mut().zip(affine.factor.iter().zip(&affine.shift)).for_each(|(c, (a, b))| *c = *c * a + b);
        from.extend(affine.from);
    }
    let from: Vec<&str> = from.iter().map(String::as_str).collect();
    let to = [(to("kernel"), twice(array(&[width, outputs], &w))), (to("bias"), array(&[outputs], &c))];
    transfer.moved(&from, to, &[Change::Folded]);
    Ok((width, outputs))
}

/// A kernel [K, I, O] as one of windows, [K I, O].
fn windows(transfer: &Transfer<'_>, name: &str, size: usize) -> Result<Array, Error> {
    let expected = format!("[{size}, I, O], of a kernel of {size} steps");
    let Some(array) = transfer.get(name) else {
        return Err(transfer.refused(name, format!("it is missing; expected an array {expected}")));
    };
    match array.shape[..] {
        [steps, input, outputs] if steps == size && input > 0 && outputs > 0 => {
            let array = transfer.array(name, &[steps, input, outputs])?;
            Ok(reshaped(array, &[steps * input, outputs]))
        }
        _ => Err(transfer.refused(name, format!("it has shape {:?}; expected {expected}", array.shape))),
    }
}
