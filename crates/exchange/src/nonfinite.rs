//! Weights that are no numbers.

use std::fmt;

use elman_formats::Array;

use super::transfer::listed;

/// The arrays of a model in which something is NaN or infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Nonfinite {
    /// Of each, in the order of the names: its name, how many of how many, the place of the first, and what it is.
    pub arrays: Vec<(String, usize, usize, Vec<usize>, f32)>,
}

/// What is no finite number in some arrays, if anything is.
pub fn find<'a>(arrays: impl IntoIterator<Item = (&'a String, &'a Array)>) -> Option<Nonfinite> {
    let mut found = Vec::new();
    for (name, array) in arrays {
        let Some(first) = array.data.iter().position(|x| !x.is_finite()) else { continue };
        let count = array.data.iter().filter(|x| !x.is_finite()).count();
        // The last axis is the fastest.
        let mut rest = first;
        let mut place: Vec<usize> = array
            .shape
            .iter()
            .rev()
            .map(|&length| {
                let at = rest % length.max(1);
                rest /= length.max(1);
                at
            })
            .collect();
        place.reverse();
        found.push((name.clone(), count, array.data.len(), place, array.data[first]));
    }
    (!found.is_empty()).then_some(Nonfinite { arrays: found })
}

impl fmt::Display for Nonfinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |(name, count, all, place, value): &(String, usize, usize, Vec<usize>, f32)| {
            format!("{name} has {count} of {all} numbers that are NaN or infinite, the first {value} at {place:?}")
        };
        let all: Vec<String> = self.arrays.iter().map(of).collect();
        f.write_str(&listed(&all.iter().map(String::as_str).collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_first_is_found_and_all_are_counted() {
        let mut array = Array { shape: vec![2, 3], data: vec![0.0; 6] };
        assert_eq!(find(&BTreeMap::from([("a".to_owned(), array.clone())])), None);
        array.data[4] = f32::NAN;
        array.data[5] = f32::NEG_INFINITY;
        let single = Array { shape: vec![], data: vec![f32::INFINITY] };
        let found = find(&BTreeMap::from([("a".to_owned(), array), ("b".to_owned(), single)])).unwrap().to_string();
        let expected = "a has 2 of 6 numbers that are NaN or infinite, the first NaN at [1, 1], \
                        b has 1 of 1 numbers that are NaN or infinite, the first inf at []";
        assert_eq!(found, expected);
    }
}
