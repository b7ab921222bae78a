//! Gradients of losses by what the dense layer reads. R floats read, C classes, F values that follow, Q levels.

use ndarray::ArrayView2;

use crate::{Error, ValueLoss};

/// ∂L/∂x = W (p − one-hot(label)), where p = softmax(x W + b) and L = −log p_label, with W `kernel [R, C]`, b `bias [C]`
/// and x `read [R]`. In `f64`: of a row that is classified with certainty it is small, not zero.
///
/// # Errors
/// If a shape does not fit, or there is no such class.
pub fn class_loss_gradient(
    kernel: ArrayView2<'_, f32>,
    bias: &[f32],
    read: &[f32],
    label: usize,
) -> Result<Vec<f64>, Error> {
    let mut d = outputs(kernel, bias, read)?;
    let classes = bias.len();
    if label >= classes {
        return Err(Error::setting("label", label, format!("a class, 0 to {}", classes.saturating_sub(1))));
    }
    let top = d.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    d.iter_mut().for_each(|z| *z = libm::exp(*z - top));
    let sum: f64 = d.iter().sum();
    d.iter_mut().for_each(|z| *z /= sum);
    // p − 1 is what the others have: 1 would swallow it.
    d[label] = -d.iter().enumerate().filter(|(class, _)| *class != label).map(|(_, p)| p).sum::<f64>();
    Ok(back(kernel, &d))
}

/// ∂L/∂x = W d, where L is the sum of the pinball losses of quantiles z = x W + b, all levels of the first value, then of
/// the second, and d = −τ where z is below its value, 1 − τ where it is above. `kernel [R, F Q]`, `bias [F Q]`,
/// `read [R]`, `levels [Q]`, `values [F]`, of which NaN is not known.
///
/// # Errors
/// If a shape does not fit.
pub fn quantile_loss_gradient(
    kernel: ArrayView2<'_, f32>,
    bias: &[f32],
    read: &[f32],
    levels: &[f32],
    values: &[f32],
) -> Result<Vec<f64>, Error> {
    let mut d = outputs(kernel, bias, read)?;
    if values.len() * levels.len() != d.len() {
        return Err(Error::shape("the values that follow", &[values.len(), levels.len()], &[d.len()]));
    }
    for (d, &y) in d.chunks_exact_mut(levels.len().max(1)).zip(values) {
        for (z, &level) in d.iter_mut().zip(levels) {
            let (level, off) = (f64::from(level), f64::from(y) - *z);
            *z = if off > 0.0 {
                -level
            } else if off < 0.0 {
                1.0 - level
            } else {
                // Where it is met, or not known.
                0.0
            };
        }
    }
    Ok(back(kernel, &d))
}

/// ∂L/∂x = W d, where L is the loss of values z = x W + b that are off by e = z − y: d = 2 e of squared errors, the sign of e of
/// absolute ones, and e within ±1 of Huber's. `kernel [R, F]`, `bias [F]`, `read [R]`, `values [F]`, of which NaN is not known.
///
/// # Errors
/// If a shape does not fit.
pub fn value_loss_gradient(
    kernel: ArrayView2<'_, f32>,
    bias: &[f32],
    read: &[f32],
    loss: ValueLoss,
    values: &[f32],
) -> Result<Vec<f64>, Error> {
    let mut d = outputs(kernel, bias, read)?;
    if values.len() != d.len() {
        return Err(Error::shape("the values", &[values.len()], &[d.len()]));
    }
    for (z, &y) in d.iter_mut().zip(values) {
        let off = *z - f64::from(y);
        *z = match loss {
            _ if y.is_nan() || off == 0.0 => 0.0,
            ValueLoss::Squared => 2.0 * off,
            ValueLoss::Absolute => off.signum(),
            ValueLoss::Huber => off.clamp(-1.0, 1.0),
        };
    }
    Ok(back(kernel, &d))
}

/// x W + b
fn outputs(kernel: ArrayView2<'_, f32>, bias: &[f32], read: &[f32]) -> Result<Vec<f64>, Error> {
    let (rows, outputs) = kernel.dim();
    for (what, found, expected) in [("the bias", bias.len(), outputs), ("what the loss reads", read.len(), rows)] {
        if found != expected {
            return Err(Error::shape(what, &[found], &[expected]));
        }
    }
    let output = |column: usize| {
        let product: f64 = kernel.column(column).iter().zip(read).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
        product + f64::from(bias[column])
    };
    Ok((0..outputs).map(output).collect())
}

/// W d
fn back(kernel: ArrayView2<'_, f32>, d: &[f64]) -> Vec<f64> {
    kernel.outer_iter().map(|row| row.iter().zip(d).map(|(w, d)| f64::from(*w) * d).sum()).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_gradient_of_quantiles_is_the_slope_of_their_loss() {
        let (kernel, bias) = (array![[0.5, -0.25, 1.0, 2.0], [1.0, 0.5, -1.0, 0.25]], [0.1, 0.2, -0.3, 0.4]);
        let (levels, values) = ([0.1f32, 0.9], [0.7f32, f32::NAN]);
        let loss = |read: [f64; 2]| -> f64 {
            let of = |column: usize| {
                let z =
                    read[0] * f64::from(kernel[[0, column]]) + read[1] * f64::from(kernel[[1, column]]) + bias[column];
                let (off, level) = (f64::from(values[0]) - z, f64::from(levels[column]));
                (level * off).max((level - 1.0) * off)
            };
            of(0) + of(1)
        };
        let bias32 = bias.map(|b| b as f32);
        let found = quantile_loss_gradient(kernel.view(), &bias32, &[0.3, -0.8], &levels, &values).unwrap();
        for (place, found) in found.into_iter().enumerate() {
            let moved = |by: f64| loss(if place == 0 { [0.3 + by, -0.8] } else { [0.3, -0.8 + by] });
            let expected = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        let message = quantile_loss_gradient(kernel.view(), &bias32, &[0.3, -0.8], &levels, &[1.0]).unwrap_err();
        assert!(message.to_string().contains("[1, 2]"), "{message}");
    }

    #[test]
    fn the_gradient_of_values_is_a_difference_of_their_loss() {
        let (kernel, bias, values) = (array![[0.5f32, -1.0], [2.0, 0.25]], [0.1f32, -0.2], [0.4f32, 3.0]);
        let read = [0.3f32, -0.8];
        for loss in ValueLoss::ALL {
            let cost = |x: [f64; 2]| -> f64 {
                let z =
                    |f: usize| x[0] * f64::from(kernel[[0, f]]) + x[1] * f64::from(kernel[[1, f]]) + f64::from(bias[f]);
                let one = |off: f64| match loss {
                    ValueLoss::Squared => off * off,
                    ValueLoss::Absolute => off.abs(),
                    ValueLoss::Huber if off.abs() <= 1.0 => off * off / 2.0,
                    ValueLoss::Huber => off.abs() - 0.5,
                };
                (0..2).map(|f| one(z(f) - f64::from(values[f]))).sum()
            };
            let found = value_loss_gradient(kernel.view(), &bias, &read, loss, &values).unwrap();
            let x = read.map(f64::from);
            for place in 0..2 {
                let moved = |by: f64| std::array::from_fn(|at| x[at] + if at == place { by } else { 0.0 });
                let expected = (cost(moved(1e-5)) - cost(moved(-1e-5))) / 2e-5;
                assert!((found[place] - expected).abs() < 1e-4, "{loss:?}: {found:?} {expected}");
            }
        }
        let none = value_loss_gradient(kernel.view(), &bias, &read, ValueLoss::Squared, &[f32::NAN; 2]).unwrap();
        assert_eq!(none, [0.0, 0.0]);
        assert!(value_loss_gradient(kernel.view(), &bias, &read, ValueLoss::Squared, &[1.0]).is_err());
    }
}
