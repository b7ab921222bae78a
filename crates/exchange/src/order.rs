//! The order of layers: by numbers in their names, `rnn2` before `rnn10`, or by their sizes.

use std::collections::BTreeSet;

/// A piece of a name; a number counts as one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Piece<'a> {
    /// A number by its digits without leading zeros: the one with more of them is larger.
    Number(usize, &'a str),
    Text(&'a str),
}

/// A name in pieces, to be sorted by.
pub(crate) fn pieces(name: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (piece, later) = rest.split_at(end);
        pieces.push(match digits {
            true => {
                let number = piece.trim_start_matches('0');
                Piece::Number(number.len(), number)
            }
            false => Piece::Text(piece),
        });
        rest = later;
    }
    pieces
}

/// Whether a number tells that one name stands before another: `rnn1` and `rnn2`, but not `encoder` and `rnn`.
pub(crate) fn is_numbered(first: &str, second: &str) -> bool {
    let (first, second) = (pieces(first), pieces(second));
    let differ = first.iter().zip(&second).find(|(a, b)| a != b);
    matches!(differ, Some((Piece::Number(..), Piece::Number(..))))
}

/// The only order in which each of some parts, of which the floats that it reads and gives are known, reads what the one
/// before gives, and something behind reads what the last one gives.
///
/// # Errors
/// If there is none, or several: then true.
pub(crate) fn only_order(sizes: &[(usize, usize)], heads: &BTreeSet<usize>) -> Result<Vec<usize>, bool> {
    let mut search = Search { sizes, heads, order: Vec::new(), found: Vec::new(), steps: 0 };
    search.go_on();
    let several = search.steps >= Search::STEPS_MAX || search.found.len() > 1;
    match search.found.pop() {
        Some(order) if !several => Ok(order),
        _ => Err(several),
    }
}

/// A search for the orders that sizes allow, up to the second one.
struct Search<'a> {
    /// Of each module, the floats that it reads and gives.
    sizes: &'a [(usize, usize)],
    /// Floats that something behind the last may read.
    heads: &'a BTreeSet<usize>,
    order: Vec<usize>,
    found: Vec<Vec<usize>>,
    steps: usize,
}

impl Search<'_> {
    /// A search that takes longer would find several, or a model that nobody has.
    const STEPS_MAX: usize = 1 << 14;

    /// As deep as there are modules, which are at most as many as layers.
    fn go_on(&mut self) {
        self.steps += 1;
        let before = self.order.last().map(|&last| self.sizes[last].1);
        if self.order.len() == self.sizes.len() && before.is_some_and(|gives| self.heads.contains(&gives)) {
            self.found.push(self.order.clone());
        }
        for next in 0..self.sizes.len() {
            if self.found.len() > 1 || self.steps >= Self::STEPS_MAX {
                return;
            }
            if !self.order.contains(&next) && before.is_none_or(|gives| gives == self.sizes[next].0) {
                self.order.push(next);
                self.go_on();
                self.order.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count() {
        let mut names = ["rnn10.", "rnn2.", "a", "rnn.", "rnn02b", "cell_0/x", "cell_11/a", "cell_9/z"];
        names.sort_by_key(|name| pieces(name));
        assert_eq!(names, ["a", "cell_0/x", "cell_9/z", "cell_11/a", "rnn2.", "rnn02b", "rnn10.", "rnn."]);
    }
}
