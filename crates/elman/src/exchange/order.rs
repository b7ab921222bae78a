//! The order of names that end in numbers: `rnn2` before `rnn10`.

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
