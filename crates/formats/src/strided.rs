//! Elements that do not lie row after row.

/// The elements of an array in row-major order. Element `[i, j, …]` lies at `offset + i * strides[0] + j * strides[1] + …`.
///
/// # Panics
/// If an element lies behind the end of `values`.
pub(crate) fn gather<T: Clone>(values: &[T], offset: usize, shape: &[usize], strides: &[usize]) -> Vec<T> {
    let count = shape.iter().product();
    let mut index = vec![0; shape.len()];
    let mut from = offset;
    let mut gathered = Vec::with_capacity(count);
    while gathered.len() < count {
        gathered.push(values[from].clone());
        // The next index, the last axis the fastest.
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                from += strides[axis];
                break;
            }
            from -= strides[axis] * (index[axis] - 1);
            index[axis] = 0;
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_axes_is_gathered() {
        let values: Vec<u8> = (0..12).collect();
        assert_eq!(gather(&values, 0, &[3, 4], &[4, 1]), values);
        assert_eq!(gather(&values, 0, &[4, 3], &[1, 4]), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
        assert_eq!(gather(&values, 1, &[2, 2, 2], &[1, 6, 2]), [1, 3, 7, 9, 2, 4, 8, 10]);
        assert_eq!(gather(&values, 11, &[2, 2], &[0, 0]), [11; 4]);
        assert_eq!(gather(&values, 7, &[], &[]), [7]);
        assert!(gather(&values, 99, &[2, 0], &[5, 1]).is_empty());
    }
}
