//! Whether a stack can read the inputs of a data set.

use crate::network::layer::Stack;
use crate::network::stream::not_finite;
use crate::{Error, Sequences};

/// Refuses tokens that the embedding does not have.
pub(crate) fn check_tokens<D: Sequences + ?Sized>(
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
pub(crate) fn check_finite<D: Sequences + ?Sized>(
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
