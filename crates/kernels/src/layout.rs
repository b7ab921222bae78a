//! Where the plain arrays of a cell lie in its weights, and which parts of them the backward pass reads transposed.
//!
//! The kernels read weights in panels of sixteen columns, `[panel][depth][16]`; users and files see row-major arrays.
//! A matrix of G gates, `[rows, G H]`, is G matrices of H columns, each padded to whole panels.

use crate::panels::{padded, panels, transpose_panel};
use crate::simd::LANES;

/// What an array is to the cell, and so which initial values it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// From the input, `[I, G H]`.
    Kernel,
    /// From the state, `[P, G H]`.
    Recurrent,
    /// From the state of a unit to that unit alone, `[H]`.
    Own,
    /// `[G H]`
    Bias,
    /// From the input, `[I, H]`, where no matrix from the state stands beside it: starts as a dense layer.
    Dense,
    /// `[H]`: as that of a dense layer.
    DenseBias,
    /// Weights of the memory on the gates, `[gates, H]`.
    Peephole,
    /// `[H, P]`
    Projection,
    /// γ of a normalisation: starts at 1.
    Gain,
    /// β of a normalisation inside a cell: starts near 0.
    Shift,
    /// β of a layer that starts as the identity: starts at 0.
    Offset,
}

/// Which programs start the bias of a gate at 1, so that it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// None: it starts as the others do.
    Never,
    /// TensorFlow 1.
    InTf,
    /// TensorFlow 1 and Keras: what is to be remembered stays at first.
    Always,
}

/// What H columns of an array are to the cell: those of a gate, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Its letter in the cell's equations; empty in a cell without gates.
    pub letter: &'static str,
    /// Where its bias starts.
    pub opens: Opens,
    /// TensorFlow 1 draws the gates of one number together, as one variable.
    pub variable: usize,
    /// Whether the biases of its two products, of input and state, are two arrays, and not one that is their sum.
    pub two_biases: bool,
}

impl Gate {
    /// All columns of a cell without gates.
    pub const NONE: Gate = Gate::new("");

    /// A gate of which nothing special is to be said.
    pub const fn new(letter: &'static str) -> Self {
        Gate { letter, opens: Opens::Never, variable: 0, two_biases: false }
    }
}

/// Where sixteen-column strips of an array lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// First column of the array.
    pub column: usize,
    /// Columns.
    pub columns: usize,
    /// The first panel's place in the weights.
    pub at: usize,
    /// Rows of a panel.
    pub depth: usize,
    /// The array's first row in a panel.
    pub first_row: usize,
}

/// One plain array of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As in files: `kernel`, `recurrent_kernel`, `bias`, ….
    pub name: &'static str,
    /// [rows, columns], or `[columns]`.
    pub shape: Vec<usize>,
    /// What it is to the cell.
    pub role: Role,
    /// The gates side by side in its columns, H each.
    pub gates: Vec<Gate>,
    /// Where its columns lie; empty for an array that lies row-major at `at`.
    pub parts: Vec<Part>,
    /// Of a row-major array, its place in the weights.
    pub at: usize,
}

impl Entry {
    /// An array that lies row-major in the weights, from `at` on: what a cell without panels has.
    pub fn plain(name: &'static str, role: Role, shape: &[usize], at: usize) -> Self {
        Entry { name, shape: shape.to_vec(), role, gates: vec![Gate::NONE], parts: Vec::new(), at }
    }

    /// An array in panels, of a cell without gates.
    pub fn in_panels(name: &'static str, role: Role, shape: &[usize], parts: Vec<Part>) -> Self {
        Entry { name, shape: shape.to_vec(), role, gates: vec![Gate::NONE], parts, at: 0 }
    }

    /// With these gates side by side in its columns.
    pub fn gates(self, gates: &[Gate]) -> Self {
        Entry { gates: gates.to_vec(), ..self }
    }

    /// The gate that a column belongs to. Columns of nobody, where they are no multiple of the gates, are the last one's.
    pub fn gate_of(&self, column: usize) -> Gate {
        let width = (self.columns() / self.gates.len().max(1)).max(1);
        self.gates.get(column / width).or(self.gates.last()).copied().unwrap_or(Gate::NONE)
    }

    /// Floats.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Columns of the array.
    pub fn columns(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Calls `each` with (index in the row-major array, index in the weights) of every element.
    fn for_each(&self, mut each: impl FnMut(usize, usize)) {
        if self.parts.is_empty() {
            return (0..self.count()).for_each(|i| each(i, self.at + i));
        }
        let columns = self.columns();
        for row in 0..self.count() / columns {
            for part in &self.parts {
                for c in 0..part.columns {
                    let packed = part.at + ((c / LANES) * part.depth + part.first_row + row) * LANES + c % LANES;
                    each(row * columns + part.column + c, packed);
                }
            }
        }
    }

    /// Writes the row-major `values` to their places in the weights.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn pack(&self, values: &[f32], weights: &mut [f32]) {
        assert_eq!(values.len(), self.count(), "{} must have shape {:?}", self.name, self.shape);
        self.for_each(|plain, packed| weights[packed] = values[plain]);
    }

    /// The reverse of [`Entry::pack`].
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn unpack(&self, weights: &[f32], values: &mut [f32]) {
        assert_eq!(values.len(), self.count(), "{} must have shape {:?}", self.name, self.shape);
        self.for_each(|plain, packed| values[plain] = weights[packed]);
    }
}

/// Several gates of H columns each in one block of panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Its place in the weights.
    pub(crate) at: usize,
    /// Rows of a panel.
    pub(crate) depth: usize,
    /// H
    pub(crate) columns: usize,
    pub(crate) gates: usize,
}

impl Block {
    pub(crate) fn len(&self) -> usize {
        self.gates * padded(self.columns) * self.depth
    }

    pub(crate) fn end(&self) -> usize {
        self.at + self.len()
    }

    /// The block's floats.
    pub(crate) fn of<'a>(&self, weights: &'a [f32]) -> &'a [f32] {
        &weights[self.at..self.end()]
    }

    /// Its gates as parts of an array whose first row is row `first_row` of the panels; the array's columns start at
    /// `column`.
    pub(crate) fn parts(self, first_row: usize, column: usize) -> impl Iterator<Item = Part> {
        (0..self.gates).map(move |gate| Part {
            column: column + gate * self.columns,
            columns: self.columns,
            at: self.at + gate * padded(self.columns) * self.depth,
            depth: self.depth,
            first_row,
        })
    }

    /// Rows `first_row..first_row + rows` transposed; depth is counted in padded columns.
    pub(crate) fn transpose(self, first_row: usize, rows: usize) -> Transpose {
        Transpose { block: self, first_row, rows, depth: self.gates * padded(self.columns), first_depth: 0 }
    }
}

/// A part of the weights that the backward pass reads transposed: `[panel of rows][depth][16]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transpose {
    pub(crate) block: Block,
    pub(crate) first_row: usize,
    pub(crate) rows: usize,
    /// Rows of a panel of the transpose, and the first of them that this part fills.
    pub(crate) depth: usize,
    pub(crate) first_depth: usize,
}

impl Transpose {
    /// As a part of a deeper transpose: rows `first_depth..` of panels of `depth` rows.
    pub(crate) fn within(self, depth: usize, first_depth: usize) -> Self {
        Transpose { depth, first_depth, ..self }
    }

    /// Panels of the transpose.
    pub fn panels(&self) -> usize {
        panels(self.rows)
    }

    /// Floats of a panel.
    pub fn panel_len(&self) -> usize {
        self.depth * LANES
    }

    /// Writes this part's rows of panel `panel`, `[depth][16]`.
    pub fn fill(&self, weights: &[f32], panel: usize, out: &mut [f32]) {
        let columns = self.block.gates * padded(self.block.columns);
        let out = &mut out[self.first_depth * LANES..][..columns * LANES];
        transpose_panel(self.block.of(weights), self.block.depth, columns, self.first_row, self.rows, panel, out);
    }
}

/// All arrays of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// In the order in which initial values are drawn.
    pub entries: Vec<Entry>,
    /// Floats of the weights, padding included.
    pub len: usize,
}

impl Layout {
    /// Parameters without padding.
    pub fn count(&self) -> usize {
        self.entries.iter().map(Entry::count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_and_back_is_exact_in_panels_and_in_rows() {
        let block = Block { at: 32, depth: 5, columns: 18, gates: 3 };
        let in_panels = Entry::in_panels("kernel", Role::Kernel, &[4, 54], block.parts(1, 0).collect());
        let plain = Entry::plain("kernel", Role::Kernel, &[4, 54], 7);
        for entry in [in_panels, plain] {
            let values: Vec<f32> = (1..=entry.count()).map(|x| x as f32).collect();
            let mut weights = vec![0.0; block.end()];
            entry.pack(&values, &mut weights);
            assert_eq!(weights.iter().filter(|&&x| x != 0.0).count(), values.len());
            let mut back = vec![0.0; values.len()];
            entry.unpack(&weights, &mut back);
            assert_eq!(back, values);
        }
    }
}
