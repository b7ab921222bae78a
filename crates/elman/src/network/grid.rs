//! The steps that the layers run: those of the data up to the first layer that reads windows, the windows from there on.

use crate::network::layer::Stack;
use crate::network::window::Window;

/// The steps of the layers between two that read windows.
#[derive(Clone, Debug)]
struct Grid {
    /// The windows that its first layer reads; none for the steps of the data.
    window: Option<Window>,
    /// T of the longest row that there is room for.
    steps: usize,
    /// [R]: steps of each row of the tile. Windows never change the order: of two rows the longer one has no fewer.
    lengths: Vec<usize>,
    /// `[T]`: rows that run each step.
    active: Vec<usize>,
}

/// The steps of every layer of a tile.
#[derive(Clone, Debug)]
pub(crate) struct Grids {
    grids: Vec<Grid>,
    /// Of each layer, the steps it runs.
    of_layer: Vec<usize>,
}

impl Grids {
    /// Room for `rows` rows of `steps` steps of the data.
    pub(crate) fn new(stack: &Stack, rows: usize, steps: usize) -> Self {
        let grid = |window, steps| Grid { window, steps, lengths: Vec::with_capacity(rows), active: vec![0; steps] };
        let mut grids = vec![grid(None, steps)];
        let mut of_layer = Vec::with_capacity(stack.layers.len());
        for layer in &stack.layers {
            if let Some(window) = layer.window {
                let steps = window.count(grids[grids.len() - 1].steps);
                grids.push(grid(Some(window), steps));
            }
            of_layer.push(grids.len() - 1);
        }
        Grids { grids, of_layer }
    }

    /// Takes other rows, of these lengths, which fall.
    pub(crate) fn take(&mut self, lengths: impl Iterator<Item = usize>) {
        self.grids[0].lengths.clear();
        self.grids[0].lengths.extend(lengths);
        for index in 0..self.grids.len() {
            let (below, from) = self.grids.split_at_mut(index);
            let Grid { window, lengths, active, .. } = &mut from[0];
            if let (Some(window), Some(below)) = (window, below.last()) {
                lengths.clear();
                lengths.extend(below.lengths.iter().map(|&length| window.count(length)));
            }
            for (t, active) in active.iter_mut().enumerate() {
                *active = lengths.partition_point(|&length| length > t);
            }
        }
    }

    /// Bytes that [`Grids::new`] sets aside.
    pub(crate) fn bytes(&self) -> usize {
        self.grids.iter().map(|grid| grid.steps + grid.lengths.capacity()).sum::<usize>() * size_of::<usize>()
    }

    /// Whether all layers run the steps of the data.
    pub(crate) fn is_one(&self) -> bool {
        self.grids.len() == 1
    }

    /// T of a layer.
    pub(crate) fn steps(&self, layer: usize) -> usize {
        self.grids[self.of_layer[layer]].steps
    }

    /// Steps of the row at `place` that a layer runs.
    pub(crate) fn length(&self, layer: usize, place: usize) -> usize {
        self.grids[self.of_layer[layer]].lengths[place]
    }

    /// The same of every row.
    pub(crate) fn lengths(&self, layer: usize) -> &[usize] {
        &self.grids[self.of_layer[layer]].lengths
    }

    /// Rows that run each step of a layer.
    pub(crate) fn active(&self, layer: usize) -> &[usize] {
        &self.grids[self.of_layer[layer]].active
    }

    /// Rows that have each step of the data.
    pub(crate) fn active_in_data(&self) -> &[usize] {
        &self.grids[0].active
    }

    /// Steps of the row at `place` below a layer: those of the layer before, or of the data.
    pub(crate) fn length_below(&self, layer: usize, place: usize) -> usize {
        self.grids[self.below(layer)].lengths[place]
    }

    /// T below a layer.
    pub(crate) fn steps_below(&self, layer: usize) -> usize {
        self.grids[self.below(layer)].steps
    }

    fn below(&self, layer: usize) -> usize {
        if layer == 0 { 0 } else { self.of_layer[layer - 1] }
    }
}
