//! What a network can read: tokens that it knows, numbers that are finite.

use crate::Error;
use crate::data::sequences::Sequences;
use crate::network::layer::Stack;

/// Refuses tokens that the embedding does not have.
pub(crate) fn check_tokens<D: Sequences>(
    stack: &Stack,
    data: &D,
    rows: impl Iterator<Item = usize>,
) -> Result<(), Error> {
    let Some(of) = stack.embedding else { return Ok(()) };
    for row in rows {
        for step in 0..data.length(row) {
            let mut x = [0.0];
            data.read(row, step, &mut x);
            let [found] = x;
            if !of.holds(found) {
                return Err(Error::Token { row, step, found, tokens: of.tokens });
            }
        }
    }
    Ok(())
}

/// Refuses inputs that are not finite. A data set of bytes has none.
pub(crate) fn check_finite<D: Sequences>(
    stack: &Stack,
    data: &D,
    rows: impl Iterator<Item = usize>,
) -> Result<(), Error> {
    if stack.embedding.is_some() || data.always_finite() {
        return Ok(());
    }
    let mut x = vec![0.0; data.input()];
    for row in rows {
        for step in 0..data.length(row) {
            data.read(row, step, &mut x);
            if let Some((feature, found)) = not_finite(&x) {
                return Err(Error::input(row, step, feature, found));
            }
        }
    }
    Ok(())
}

/// The first that is NaN or infinite, and where it stands. Times 0 each of them is NaN, and so is their sum: the usual
/// case is one sum without a branch.
pub(crate) fn not_finite(floats: &[f32]) -> Option<(usize, f32)> {
    let (chunks, rest) = floats.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x * 0.0);
    }
    let sum: f32 = rest.iter().map(|x| x * 0.0).chain(sums).sum();
    if sum == 0.0 {
        return None;
    }
    floats.iter().position(|x| !x.is_finite()).map(|at| (at, floats[at]))
}
