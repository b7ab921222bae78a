//! What arrays go through on their way from one layout to another. Row-major; a matrix of G gates has G blocks of
//! columns.

use elman_formats::Array;

/// The transpose of a matrix.
///
/// # Panics
/// If it is none.
pub(crate) fn transposed(array: &Array) -> Array {
    let [rows, columns] = array.shape[..] else { panic!("a matrix, not {:?}", array.shape) };
    let data = (0..rows * columns).map(|at| array.data[at % rows * columns + at / rows]).collect();
    Array { shape: vec![columns, rows], data }
}

/// The blocks of columns in another order: block `order[k]` comes to place k. A vector is one row.
///
/// # Panics
/// If the columns are not a whole number of blocks.
pub(crate) fn reordered(array: &Array, order: &[usize]) -> Array {
    let columns = array.shape.last().copied().unwrap_or(1);
    assert_eq!(columns % order.len().max(1), 0, "{columns} columns in {} blocks", order.len());
    let width = columns / order.len().max(1);
    let mut data = Vec::with_capacity(array.data.len());
    for row in array.data.chunks_exact(columns.max(1)) {
        order.iter().for_each(|&block| data.extend_from_slice(&row[block * width..][..width]));
    }
    Array { shape: array.shape.clone(), data }
}

/// Rows `from..to` of a matrix, or elements of a vector.
///
/// # Panics
/// If there are not as many.
pub(crate) fn rows(array: &Array, from: usize, to: usize) -> Array {
    let width: usize = array.shape[1..].iter().product();
    let mut shape = array.shape.clone();
    shape[0] = to - from;
    Array { shape, data: array.data[from * width..to * width].to_vec() }
}

/// Arrays below each other: their first axes are added.
///
/// # Panics
/// If there are none, or the other axes differ.
pub(crate) fn stacked(arrays: &[&Array]) -> Array {
    let mut shape = arrays[0].shape.clone();
    assert!(arrays.iter().all(|array| array.shape[1..] == shape[1..]), "rows of one width");
    shape[0] = arrays.iter().map(|array| array.shape[0]).sum();
    Array { shape, data: arrays.iter().flat_map(|array| array.data.iter().copied()).collect() }
}

/// Matrices side by side, or vectors one behind the other: their columns are added.
///
/// # Panics
/// If there are none, or they have not as many rows.
pub(crate) fn beside(arrays: &[&Array]) -> Array {
    let mut shape = arrays[0].shape.clone();
    let last = shape.len() - 1;
    assert!(arrays.iter().all(|array| array.shape[..last] == shape[..last]), "columns of one height");
    shape[last] = arrays.iter().map(|array| array.shape[last]).sum();
    let rows: usize = shape[..last].iter().product();
    let mut data = Vec::with_capacity(rows * shape[last]);
    for row in 0..rows {
        arrays
            .iter()
            .for_each(|array| data.extend_from_slice(&array.data[row * array.shape[last]..][..array.shape[last]]));
    }
    Array { shape, data }
}

/// Columns `from..to` of a matrix, or elements of a vector.
///
/// # Panics
/// If there are not as many.
pub(crate) fn columns(array: &Array, from: usize, to: usize) -> Array {
    let mut shape = array.shape.clone();
    let width = shape.pop().unwrap_or(1);
    let data = array.data.chunks_exact(width.max(1)).flat_map(|row| &row[from..to]).copied().collect();
    shape.push(to - from);
    Array { shape, data }
}

/// The same numbers in another shape.
///
/// # Panics
/// If it holds another count of them.
pub(crate) fn reshaped(array: &Array, shape: &[usize]) -> Array {
    assert_eq!(array.data.len(), shape.iter().product::<usize>(), "{:?} as {shape:?}", array.shape);
    Array { shape: shape.to_vec(), data: array.data.clone() }
}

/// The sum of two arrays of one shape. Where one of them is zero throughout, the other comes out bit for bit.
///
/// # Panics
/// If the shapes differ.
pub(crate) fn added(a: &Array, b: &Array) -> Array {
    assert_eq!(a.shape, b.shape, "arrays to add");
    // x + 0 is not x where x is −0.
    if is_zero(b) {
        return a.clone();
    }
    if is_zero(a) {
        return b.clone();
    }
    Array { shape: a.shape.clone(), data: a.data.iter().zip(&b.data).map(|(a, b)| a + b).collect() }
}

/// Whether every number is 0.
pub(crate) fn is_zero(array: &Array) -> bool {
    array.data.iter().all(|&x| x == 0.0)
}

/// Zeros of a shape.
pub(crate) fn zeros(shape: &[usize]) -> Array {
    Array { shape: shape.to_vec(), data: vec![0.0; shape.iter().product()] }
}

/// Filters [O, I, K] as a kernel [K I, O] on windows.
pub(crate) fn kernel_of_filters(w: &Array) -> Array {
    let [width, input, size] = w.shape[..] else { unreachable!("filters have three axes") };
    let at = |k: usize, i: usize, o: usize| w.data[(o * input + i) * size + k];
    let turned = (0..size).flat_map(|k| (0..input).flat_map(move |i| (0..width).map(move |o| at(k, i, o))));
    Array { shape: vec![size * input, width], data: turned.collect() }
}

/// A kernel [K I, O] on windows of K steps as filters [O, I, K].
pub(crate) fn filters_of(kernel: &Array, size: usize) -> Array {
    let [rows, width] = kernel.shape[..] else { unreachable!("a kernel is a matrix") };
    let input = rows / size;
    let at = |o: usize, i: usize, k: usize| kernel.data[(k * input + i) * width + o];
    let turned = (0..width).flat_map(|o| (0..input).flat_map(move |i| (0..size).map(move |k| at(o, i, k))));
    Array { shape: vec![width, input, size], data: turned.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize]) -> Array {
        Array { shape: shape.to_vec(), data: (0..shape.iter().product::<usize>()).map(|x| x as f32).collect() }
    }

    #[test]
    fn a_transpose() {
        let turned = transposed(&array(&[2, 3]));
        assert_eq!((turned.shape, turned.data), (vec![3, 2], vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));
    }

    #[test]
    fn blocks_of_columns_move_as_wholes() {
        let moved = reordered(&array(&[2, 6]), &[2, 0, 1]);
        assert_eq!(moved.data, [4.0, 5.0, 0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 6.0, 7.0, 8.0, 9.0]);
        assert_eq!(reordered(&array(&[3]), &[2, 1, 0]).data, [2.0, 1.0, 0.0]);
    }

    #[test]
    fn rows_are_cut_and_put_together_again() {
        let whole = array(&[5, 2]);
        let (top, bottom) = (rows(&whole, 0, 2), rows(&whole, 2, 5));
        assert_eq!((top.shape.as_slice(), bottom.data[0]), (&[2, 2][..], 4.0));
        assert_eq!(stacked(&[&top, &bottom]), whole);
    }

    #[test]
    fn columns_are_cut_and_put_together_again() {
        let whole = array(&[2, 5]);
        let (left, right) = (columns(&whole, 0, 2), columns(&whole, 2, 5));
        assert_eq!((left.shape.as_slice(), left.data.as_slice()), (&[2, 2][..], &[0.0, 1.0, 5.0, 6.0][..]));
        assert_eq!(beside(&[&left, &right]), whole);
        let vector = reshaped(&whole, &[10]);
        assert_eq!(beside(&[&columns(&vector, 0, 3), &columns(&vector, 3, 10)]), vector);
    }

    #[test]
    fn a_zero_bias_changes_no_bit_of_the_other() {
        let bias = Array { shape: vec![2], data: vec![-0.0, 1.5] };
        for sum in [added(&bias, &zeros(&[2])), added(&zeros(&[2]), &bias)] {
            assert_eq!(
                sum.data.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
                [(-0.0f32).to_bits(), 1.5f32.to_bits()]
            );
        }
        assert_eq!(added(&bias, &bias).data, [0.0, 3.0]);
    }
}
