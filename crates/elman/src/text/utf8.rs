//! Text from bytes that come a few at a time.

/// Bytes on their way to become text: what is not yet a whole character is held back, what can be none is replaced by
/// U+FFFD, as [`String::from_utf8_lossy`] does.
#[derive(Clone, Debug, Default)]
pub struct Utf8 {
    held: Vec<u8>,
}

impl Utf8 {
    /// Adds bytes, and puts what is text at the end of `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut String) {
        self.held.extend_from_slice(bytes);
        let mut rest = &self.held[..];
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    out.push_str(text);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    // Valid as the error says: nothing is replaced.
                    out.push_str(&String::from_utf8_lossy(good));
                    rest = bad;
                    let Some(count) = error.error_len() else { break };
                    out.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[count..];
                }
            }
        }
        let done = self.held.len() - rest.len();
        self.held.drain(..done);
    }

    /// No more bytes come: a character that was never whole is replaced.
    pub fn finish(&mut self, out: &mut String) {
        out.push_str(&String::from_utf8_lossy(&self.held));
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_give_what_the_whole_gives() {
        for bytes in [
            "aé√\u{10348}\0\r\nz".as_bytes(),
            b"a\xff\xc3\xa9\xc3(\xe2\x82",
            b"\xf0\x9f\x98",
            b"\xe2\x28\xa1\x80\x80\xed\xa0\x80",
        ] {
            for size in 1..=bytes.len() {
                let (mut utf8, mut text) = (Utf8::default(), String::new());
                for piece in bytes.chunks(size) {
                    utf8.push(piece, &mut text);
                    assert!(utf8.held.len() < 4);
                }
                utf8.finish(&mut text);
                assert_eq!(text, String::from_utf8_lossy(bytes), "{size}");
            }
        }
    }

    #[test]
    fn a_character_comes_when_it_is_whole() {
        let (mut utf8, mut text) = (Utf8::default(), String::new());
        for (byte, so_far) in "x√y".bytes().zip(["x", "x", "x", "x√", "x√y"]) {
            utf8.push(&[byte], &mut text);
            assert_eq!(text, so_far);
        }
    }
}
