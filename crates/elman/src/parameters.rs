//! The flat buffer of parameters, and the plain arrays in it.
//!
//! All parameters of a model lie in one buffer, in the order the kernels read; gradients and moments have the same
//! layout. Users and files see plain row-major arrays; they are packed and unpacked here.

use elman_kernels::{pack, padded, unpack};
use ndarray::Array2;

/// One plain array within the weights of a layer, which are `[panel][depth][16]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// [rows, columns], or `[columns]`.
    pub(crate) shape: Vec<usize>,
    /// Rows of a panel.
    pub(crate) depth: usize,
    /// The array's first row in a panel.
    pub(crate) first_row: usize,
}

/// The arrays of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) entries: Vec<Entry>,
    /// Floats of the layer's weights, with their padding.
    pub(crate) len: usize,
}

impl Entry {
    pub(crate) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    fn columns(&self) -> usize {
        self.shape[self.shape.len() - 1]
    }

    pub(crate) fn pack<A: AsRef<[f32]> + ?Sized>(&self, values: &A, weights: &mut [f32]) {
        pack(values.as_ref(), self.columns(), weights, self.depth, self.first_row);
    }

    /// Row-major.
    pub(crate) fn unpack(&self, weights: &[f32]) -> Vec<f32> {
        let mut values = vec![0.0; self.count()];
        unpack(weights, self.depth, self.first_row, &mut values, self.columns());
        values
    }

    /// As a matrix; `[columns]` becomes [1, columns].
    pub(crate) fn matrix(&self, weights: &[f32]) -> Array2<f32> {
        let values = self.unpack(weights);
        let columns = self.columns();
        Array2::from_shape_fn((self.count() / columns, columns), |(r, c)| values[r * columns + c])
    }
}

impl Layout {
    /// Parameters without padding.
    pub(crate) fn count(&self) -> usize {
        self.entries.iter().map(Entry::count).sum()
    }
}

/// Floats of a dense layer's weights are whole panels.
pub(crate) fn dense_layout(prefix: &str, input: usize, output: usize) -> Layout {
    let depth = 1 + input;
    let entry =
        |name: &str, shape: Vec<usize>, first_row| Entry { name: format!("{prefix}{name}"), shape, depth, first_row };
    Layout {
        entries: vec![entry("kernel", vec![input, output], 1), entry("bias", vec![output], 0)],
        len: padded(output) * depth,
    }
}
