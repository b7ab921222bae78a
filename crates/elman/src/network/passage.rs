//! The way through the layers: what the first one reads, in which order they run, what each sends on. A tile goes it
//! with all steps of a few rows, a stream with one step.
//!
//! I input of the first layer, P state of a cell, O output of a layer.

use elman_kernels::unroll::Lengths;
use elman_kernels::{Engine, Unroll};

use crate::network::layer::{Layer, Stack};
use crate::network::parameters::Plan;

/// A network as what runs it needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) plan: &'a Plan,
    pub(crate) parameters: &'a [f32],
}

impl View<'_> {
    /// What the first layer reads of a step `[I]`: the floats that `step` writes, or the vector of the token that it
    /// writes.
    ///
    /// # Panics
    /// If that is a token that the embedding does not have.
    #[inline]
    pub(crate) fn read(self, step: impl FnOnce(&mut [f32]), to: &mut [f32]) {
        let Some(of) = self.stack.embedding else { return step(to) };
        let mut token = [0.0];
        step(&mut token);
        let [token] = token;
        assert!(of.holds(token), "token {token} of {}", of.tokens);
        to.copy_from_slice(&self.parameters[self.plan.embedding.clone()][token as usize * of.size..][..of.size]);
    }
}

impl Layer {
    /// What it sends on of a step [O]: the state `[P]` of its directions together, and its input `x` where it is residual.
    #[inline]
    pub(crate) fn send<'x>(
        &self,
        forward: &[f32],
        backward: Option<&[f32]>,
        x: impl FnOnce() -> &'x [f32],
        out: &mut [f32],
    ) {
        match self.bidirectional.zip(backward) {
            None => out.copy_from_slice(forward),
            Some((merge, backward)) => merge.join(forward, backward, out),
        }
        if self.residual {
            out.iter_mut().zip(x()).for_each(|(out, x)| *out += x);
        }
    }
}

/// Rows on their way through the layers.
pub(crate) trait Passage {
    /// The buffers of each track, and what the rows do in a layer.
    fn tracks(&mut self, layer: usize) -> (&mut [Unroll], Lengths<'_>);

    /// Gives what a layer sends on to the next one.
    fn hand_on(&mut self, network: View<'_>, layer: usize);

    /// All layers forward, from the input on. What the first reads has been written.
    #[inline]
    fn pass(&mut self, engine: Engine<'_>, network: View<'_>) {
        let View { stack, plan, parameters } = network;
        for index in 0..stack.layers.len() {
            let (unrolls, lengths) = self.tracks(index);
            for track in plan.tracks_of(index) {
                let weights = &parameters[plan.tracks[track].weights.clone()];
                unrolls[track].forward(plan.cell(stack, track), engine, weights, lengths);
            }
            if index + 1 < stack.layers.len() {
                self.hand_on(network, index);
            }
        }
    }
}
