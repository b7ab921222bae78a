//! What every picture that we draw has in common: axes, and the paper with its pens.

pub(crate) mod axis;
pub(crate) mod canvas;
