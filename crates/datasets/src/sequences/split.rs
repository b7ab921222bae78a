//! A part of a set, and a part in which classes have their shares.

use super::SequenceSet;

impl SequenceSet {
    /// The sequences `rows`, in this order.
    ///
    /// # Panics
    /// If there is no sequence of one of the numbers.
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        offsets.push(0);
        let mut steps = 0;
        for &row in rows {
            steps += self.length(row);
            offsets.push(steps);
        }
        let mut values = Vec::with_capacity(steps * self.features());
        for &row in rows {
            values.extend_from_slice(self.row(row));
        }
        let labels = self.labels.as_ref().map(|labels| rows.iter().map(|&row| labels[row]).collect());
        let steps_of = |row: usize| self.offsets[row]..self.offsets[row + 1];
        let step_labels = self
            .step_labels
            .as_ref()
            .map(|labels| rows.iter().flat_map(|&row| &labels[steps_of(row)]).copied().collect());
        let ids = self.ids.as_ref().map(|ids| rows.iter().map(|&row| ids[row].clone()).collect());
        Self {
            names: self.names.clone(),
            classes: self.classes.clone(),
            centres: self.centres.clone(),
            values,
            offsets,
            labels,
            step_labels,
            ids,
            report: self.report.clone(),
        }
    }

    /// The set in two parts, for training and for validation, the second of `count` sequences: from each class its
    /// share of them, the first ones in the order of `order`, which is a permutation of all sequences that the caller
    /// draws. Both parts keep that order. Every class keeps a sequence in training; where that leaves fewer than
    /// `count`, there are fewer. Every class of two or more has one in validation, where `count` suffices for that.
    ///
    /// # Panics
    /// If there are no labels, or `order` is not a permutation of the sequences.
    pub fn split_stratified(&self, count: usize, order: &[usize]) -> (Self, Self) {
        let Some(labels) = &self.labels else { panic!("a split by classes takes labels") };
        let mut seen = vec![false; self.len()];
        assert_eq!(order.len(), self.len(), "order must be a permutation of the sequences");
        for &row in order {
            assert!(!std::mem::replace(&mut seen[row], true), "order holds sequence {row} twice");
        }

        let mut sizes = vec![0; self.classes.len()];
        for &label in labels {
            sizes[label] += 1;
        }
        let mut left = shares(&sizes, count);
        let (mut train, mut validation) = (Vec::new(), Vec::new());
        for &row in order {
            let left = &mut left[labels[row]];
            if *left > 0 {
                *left -= 1;
                validation.push(row);
            } else {
                train.push(row);
            }
        }
        (self.select(&train), self.select(&validation))
    }
}

/// How many of each class to take, `count` in all, in the ratio of the classes' `sizes`: rounded down, then one more
/// for those that lost most by it, the first of equals first. Never all of a class, and where `count` suffices one of each
/// that has two, at the cost of those with the most.
fn shares(sizes: &[usize], count: usize) -> Vec<usize> {
    let total = sizes.iter().sum::<usize>().max(1) as u128;
    let exact = |size: usize| size as u128 * count as u128;
    let mut shares: Vec<usize> =
        sizes.iter().map(|&size| ((exact(size) / total) as usize).min(size.saturating_sub(1))).collect();
    if sizes.iter().filter(|&&size| size > 1).count() <= count {
        sizes.iter().zip(&mut shares).filter(|(size, _)| **size > 1).for_each(|(_, share)| *share = (*share).max(1));
        while shares.iter().sum::<usize>() > count {
            // There is a share above 1: as many shares of 1 as there are would not be too many.
            let most = shares.iter().max().copied().unwrap_or_default();
            shares.iter_mut().filter(|share| **share == most).take(1).for_each(|share| *share -= 1);
        }
    }
    let mut by_rest: Vec<usize> = (0..sizes.len()).collect();
    by_rest.sort_by_key(|&class| std::cmp::Reverse(exact(sizes[class]) % total));
    let mut left = count - shares.iter().sum::<usize>();
    while left > 0 {
        let before = left;
        for &class in &by_rest {
            if left > 0 && shares[class] + 1 < sizes[class] {
                shares[class] += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_sizes_and_leave_one_of_each_class() {
        for (sizes, count, expected) in [
            (&[10, 10, 10][..], 3, &[1, 1, 1][..]),
            (&[10, 10, 10], 4, &[2, 1, 1]),
            (&[90, 9, 1], 10, &[9, 1, 0]),
            (&[60, 30, 10], 7, &[4, 2, 1]),
            (&[3, 1, 0], 9, &[2, 0, 0]),
            (&[1, 1], 1, &[0, 0]),
            (&[2, 50], 51, &[1, 49]),
            (&[], 3, &[]),
            (&[5, 5], 0, &[0, 0]),
            (&[96, 2, 2], 10, &[8, 1, 1]),
            (&[96, 2, 2], 3, &[1, 1, 1]),
            (&[96, 2, 2], 2, &[2, 0, 0]),
            (&[96, 2, 1, 1], 2, &[1, 1, 0, 0]),
        ] {
            assert_eq!(shares(sizes, count), expected, "{count} of {sizes:?}");
        }
    }
}
