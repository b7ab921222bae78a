//! Text from bytes that come a few at a time.

/// Bytes on their way to become text: what is not yet a whole character is held back, what can be none is replaced by
/// U+FFFD, as [`String::from_utf8_lossy`] does, or [escaped](Utf8::escaping).
#[derive(Clone, Debug, Default)]
pub struct Utf8 {
    held: Vec<u8>,
    escapes: bool,
}

impl Utf8 {
    /// Writes each byte that is no part of a character as `\xff`, and control characters too but for line ends and tabs: a
    /// text that a terminal can show.
    pub fn escaping() -> Self {
        Utf8 { held: Vec::new(), escapes: true }
    }

    /// Bytes as such a text.
    pub fn escaped(bytes: &[u8]) -> String {
        let (mut utf8, mut text) = (Utf8::escaping(), String::new());
        utf8.push(bytes, &mut text);
        utf8.finish(&mut text);
        text
    }

    fn put(&self, text: &str, out: &mut String) {
        for c in text.chars() {
            match c {
                '\n' | '\t' => out.push(c),
                c if self.escapes && c.is_control() => self.bad(c.encode_utf8(&mut [0; 4]).as_bytes(), out),
                c => out.push(c),
            }
        }
    }

    fn bad(&self, bytes: &[u8], out: &mut String) {
        match self.escapes {
            true => bytes.iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}"))),
            false => out.push(char::REPLACEMENT_CHARACTER),
        }
    }

    /// Adds bytes, and puts what is text at the end of `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut String) {
        self.held.extend_from_slice(bytes);
        let mut rest = &self.held[..];
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.put(text, out);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    // Valid as the error says: nothing is replaced.
                    self.put(&String::from_utf8_lossy(good), out);
                    rest = bad;
                    let Some(count) = error.error_len() else { break };
                    self.bad(&rest[..count], out);
                    rest = &rest[count..];
                }
            }
        }
        let done = self.held.len() - rest.len();
        self.held.drain(..done);
    }

    /// No more bytes come: a character that was never whole is replaced.
    pub fn finish(&mut self, out: &mut String) {
        if !self.held.is_empty() {
            self.bad(&self.held, out);
        }
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
    fn what_a_terminal_does_not_show_is_escaped() {
        for (bytes, shown) in [
            (&b"a\xff\xc3\xa9"[..], "a\\xffé"),
            (b"\x1b[2J\r\n\t\0", "\\x1b[2J\\x0d\n\t\\x00"),
            (b"\xc2\x9b\xe2\x82", "\\xc2\\x9b\\xe2\\x82"),
            (b"", ""),
        ] {
            assert_eq!(Utf8::escaped(bytes), shown);
            let (mut utf8, mut text) = (Utf8::escaping(), String::new());
            bytes.iter().for_each(|&byte| utf8.push(&[byte], &mut text));
            utf8.finish(&mut text);
            assert_eq!(text, shown);
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
