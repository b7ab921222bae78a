//! A text as parallel streams: rows to train on, each going on where the one before ends.
//!
//! B rows, L steps.

use super::Token;
use crate::{Error, Labelled, Sequences, StepClass, Target};

/// Tokens cut into B rows of L: row b starts at token b L. The class of a step is the token that follows, which of a row's
/// last step is the first of the next row. What does not fill a step of all rows is left out.
#[derive(Clone, Copy, Debug)]
pub struct TokenStreams<'a> {
    tokens: &'a [Token],
    streams: usize,
    steps: usize,
}

impl<'a> TokenStreams<'a> {
    /// So many streams.
    ///
    /// # Errors
    /// If there are none, or not a step for each with a token to follow.
    pub fn new(tokens: &'a [Token], streams: usize) -> Result<Self, Error> {
        if streams == 0 {
            return Err(Error::setting("batch_size", streams, "at least 1 stream of text"));
        }
        let steps = tokens.len().saturating_sub(1) / streams;
        if steps == 0 {
            let expected = format!("more than {streams}, one for each stream and one to follow the last");
            return Err(Error::setting("the number of tokens", tokens.len(), expected));
        }
        Ok(TokenStreams { tokens, streams, steps })
    }

    /// As many streams as `most`, or so many fewer that each has a whole window of `window` steps, and at least one: for a
    /// short text that is only read.
    ///
    /// # Errors
    /// If there are not two tokens.
    pub fn at_most(tokens: &'a [Token], most: usize, window: usize) -> Result<Self, Error> {
        let whole = tokens.len().saturating_sub(1) / window.max(1);
        Self::new(tokens, most.min(whole).max(1))
    }
}

impl Sequences for TokenStreams<'_> {
    fn len(&self) -> usize {
        self.streams
    }
    fn steps(&self) -> usize {
        self.steps
    }
    fn input(&self) -> usize {
        1
    }
    #[inline]
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        x[0] = f32::from(self.tokens[row * self.steps + step]);
    }
}

impl Labelled for TokenStreams<'_> {
    fn target(&self) -> Target<'_> {
        Target::StepClasses(self)
    }
}

/// The token that follows.
impl StepClass for TokenStreams<'_> {
    fn class(&self, row: usize, step: usize) -> usize {
        usize::from(self.tokens[row * self.steps + step + 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_the_token_that_follows() {
        let tokens: Vec<Token> = (100..123).collect();
        let streams = TokenStreams::new(&tokens, 4).unwrap();
        assert_eq!((streams.len(), streams.steps(), streams.input()), (4, 5, 1));
        for row in 0..4 {
            for step in 0..5 {
                let mut x = [0.0];
                streams.read(row, step, &mut x);
                assert_eq!(x[0], (100 + 5 * row + step) as f32);
                assert_eq!(streams.class(row, step), 101 + 5 * row + step);
            }
        }
        // The last token is there to follow: with one fewer, a step is.
        assert_eq!(TokenStreams::new(&tokens[..21], 4).unwrap().steps(), 5);
        assert_eq!(TokenStreams::new(&tokens[..20], 4).unwrap().steps(), 4);
    }

    #[test]
    fn a_short_text_has_fewer_streams() {
        let tokens: Vec<Token> = (0..23).collect();
        for (most, window, streams) in [(4, 5, 4), (4, 6, 3), (50, 11, 2), (50, 12, 1), (50, 99, 1)] {
            assert_eq!(TokenStreams::at_most(&tokens, most, window).unwrap().len(), streams, "{most} {window}");
        }
    }

    #[test]
    fn no_streams_and_no_steps_are_refused() {
        for (tokens, streams, part) in [(4, 0, "batch_size is 0"), (4, 4, "more than 4"), (0, 1, "tokens is 0")] {
            let message = TokenStreams::new(&vec![0; tokens], streams).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        assert!(TokenStreams::at_most(&[7], 5, 5).is_err());
    }
}
