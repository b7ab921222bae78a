//! The gradient of a class's loss by what the dense layer reads. R floats read, C classes.

use ndarray::ArrayView2;

use crate::Error;

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
    let (rows, classes) = kernel.dim();
    for (what, found, expected) in [("the bias", bias.len(), classes), ("what the loss reads", read.len(), rows)] {
        if found != expected {
            return Err(Error::shape(what, &[found], &[expected]));
        }
    }
    if label >= classes {
        return Err(Error::setting("label", label, format!("a class, 0 to {}", classes.saturating_sub(1))));
    }
    let logit = |class: usize| {
        let product: f64 = kernel.column(class).iter().zip(read).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
        product + f64::from(bias[class])
    };
    let mut d: Vec<f64> = (0..classes).map(logit).collect();
    let top = d.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    d.iter_mut().for_each(|z| *z = libm::exp(*z - top));
    let sum: f64 = d.iter().sum();
    d.iter_mut().for_each(|z| *z /= sum);
    // p − 1 is what the others have: 1 would swallow it.
    d[label] = -d.iter().enumerate().filter(|(class, _)| *class != label).map(|(_, p)| p).sum::<f64>();
    Ok(kernel.outer_iter().map(|row| row.iter().zip(&d).map(|(w, d)| f64::from(*w) * d).sum()).collect())
}
