//! The header of an NPY file: a Python dictionary in text.
//!
//! ```text
//! {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
//! ```
//!
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use super::Fault;

/// NumPy's own limit.
pub(super) const AXES_MAX: usize = 64;

/// How the data of an array lies in a file.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) element: Element,
    pub(super) big_endian: bool,
    /// The first axis is the fastest.
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

/// The type of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    F32,
    F64,
    I32,
    I64,
    U8,
    /// So many characters of 4 bytes.
    Text(usize),
}

impl Element {
    /// The size of one value in bytes.
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::U8 => 1,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
            Self::Text(width) => (width as u64).saturating_mul(4),
        }
    }
}

impl Header {
    /// As NumPy writes it, without the filling.
    pub(super) fn text(&self) -> String {
        let descr = match self.element {
            Element::F32 => "<f4".to_owned(),
            Element::F64 => "<f8".to_owned(),
            Element::I32 => "<i4".to_owned(),
            Element::I64 => "<i8".to_owned(),
            Element::U8 => "|u1".to_owned(),
            Element::Text(width) => format!("<U{width}"),
        };
        let shape = match self.shape.as_slice() {
            [one] => format!("({one},)"),
            shape => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
        };
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}")
    }

    /// Reads the dictionary, its keys in any order, each once.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Fault> {
        let mut scan = Scan { text, at: 0 };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        scan.expect(b'{', "{")?;
        while scan.peek() != Some(b'}') {
            let (start, key) = (scan.at, scan.string()?);
            scan.expect(b':', ":")?;
            let again = match key.as_str() {
                "descr" if scan.peek() == Some(b'[') => return Err(Fault::Type { found: scan.rest() }),
                "descr" => descr.replace(scan.string()?).is_some(),
                "fortran_order" => fortran_order.replace(scan.boolean()?).is_some(),
                "shape" => shape.replace(scan.tuple()?).is_some(),
                _ => true,
            };
            if again {
                return Err(Scan { text, at: start }.wrong("descr, fortran_order and shape, each once"));
            }
            if scan.peek() != Some(b'}') {
                scan.expect(b',', ", or }")?;
            }
        }
        scan.expect(b'}', "}")?;
        if scan.peek().is_some() {
            return Err(scan.wrong("the end"));
        }
        let (Some(descr), Some(fortran_order), Some(shape)) = (descr, fortran_order, shape) else {
            return Err(scan.wrong("descr, fortran_order and shape before it"));
        };
        if shape.len() > AXES_MAX {
            return Err(Fault::Axes { found: shape.len(), max: AXES_MAX });
        }
        let (big_endian, element) = element(&descr).ok_or(Fault::Type { found: descr })?;
        Ok(Self { element, big_endian, fortran_order, shape })
    }
}

/// NumPy's letters: the byte order, the kind, and its size in bytes or, for text, in characters.
fn element(descr: &str) -> Option<(bool, Element)> {
    let order = descr.chars().next()?;
    let kind = &descr[order.len_utf8()..];
    let element = match (order, kind) {
        ('<' | '>', "f4") => Element::F32,
        ('<' | '>', "f8") => Element::F64,
        ('<' | '>', "i4") => Element::I32,
        ('<' | '>', "i8") => Element::I64,
        ('<' | '>' | '|', "u1") => Element::U8,
        // A width of 0 would make any number of values of no bytes.
        ('<' | '>', _) => Element::Text(kind.strip_prefix('U')?.parse().ok().filter(|&width| width > 0)?),
        _ => return None,
    };
    Some((order == '>', element))
}

/// A place in the text of a header.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// The next character that is no blank.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(expected));
        }
        self.at += 1;
        Ok(())
    }

    /// Printable ASCII between two quotes of one kind, without escapes: no type or key has one.
    fn string(&mut self) -> Result<String, Fault> {
        const EXPECTED: &str = "a text in quotes";
        let Some(quote @ (b'\'' | b'"')) = self.peek() else { return Err(self.wrong(EXPECTED)) };
        let inside = &self.text[self.at + 1..];
        let len = inside.iter().position(|&byte| byte == quote).ok_or_else(|| self.wrong(EXPECTED))?;
        let inside = &inside[..len];
        if !inside.iter().all(|&byte| matches!(byte, b' '..=b'~') && byte != b'\\') {
            return Err(self.wrong(EXPECTED));
        }
        self.at += len + 2;
        Ok(String::from_utf8_lossy(inside).into_owned())
    }

    fn boolean(&mut self) -> Result<bool, Fault> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.wrong("True or False"))
    }

    /// `()`, `(3,)`, `(3, 4)`; also `(3L,)`, as Python 2 wrote it.
    fn tuple(&mut self) -> Result<Vec<usize>, Fault> {
        let mut items = Vec::new();
        self.expect(b'(', "(")?;
        while self.peek() != Some(b')') {
            let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(&self.text[self.at..][..digits]).ok().and_then(|text| text.parse().ok());
            items.push(number.ok_or_else(|| self.wrong("the length of an axis"))?);
            self.at += digits;
            if self.text.get(self.at) == Some(&b'L') {
                self.at += 1;
            }
            if self.peek() != Some(b')') {
                self.expect(b',', ", or )")?;
            }
        }
        self.expect(b')', ")")?;
        Ok(items)
    }

    /// What is left, up to a length that fits a message.
    fn rest(&self) -> String {
        const SHOWN: usize = 40;
        let rest = &self.text[self.at.min(self.text.len())..];
        String::from_utf8_lossy(&rest[..rest.len().min(SHOWN)]).trim_end().to_owned()
    }

    fn wrong(&self, expected: &'static str) -> Fault {
        let rest = self.rest();
        let found = if rest.is_empty() { "its end".to_owned() } else { format!("{rest:?}") };
        Fault::Header { at: self.at, expected, found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Header::parse(text.as_bytes()).expect_err(text).to_string()
    }

    #[test]
    fn every_way_to_write_it_is_read() {
        let header = |shape: &[usize]| Header {
            element: Element::F32,
            big_endian: false,
            fortran_order: false,
            shape: shape.to_vec(),
        };
        let parse = |text: &str| Header::parse(text.as_bytes()).unwrap();
        assert_eq!(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n"), header(&[3, 4]));
        assert_eq!(parse("{\"shape\":(3L,),\"descr\":\"<f4\",\"fortran_order\":False}"), header(&[3]));
        assert_eq!(parse("{'descr': '<f4', 'fortran_order': False, 'shape': ()}"), header(&[]));
        let other = parse("{'descr': '>U12', 'fortran_order': True, 'shape': (1,)}");
        assert_eq!((other.element, other.big_endian, other.fortran_order), (Element::Text(12), true, true));
        for shape in [&[][..], &[7], &[1, 2, 3]] {
            assert_eq!(parse(&header(shape).text()), header(shape));
        }
    }

    #[test]
    fn damage_is_named_with_its_place() {
        let message = refused("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,)}");
        assert!(message.contains("at character 34: expected True or False, found \"Maybe"), "{message}");
        for (text, says) in [
            ("", "expected {, found its end"),
            ("[]", "expected {, found \"[]\""),
            ("{'descr", "expected a text in quotes"),
            ("{'descr': '<\u{e9}4'}", "expected a text in quotes"),
            ("{'descr': '<f4', 'descr': '<f4'}", "each once"),
            ("{'descr': '<f4', 'more': 3}", "each once"),
            ("{'descr': '<f4', 'shape': (3,)}", "descr, fortran_order and shape before it"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x", "expected the end, found \"x\""),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}", "the length of an axis"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "the length of an axis"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "expected (, found \"3}\""),
            ("{'descr': '<f4' 'shape': (3,)}", "expected , or }"),
        ] {
            assert!(refused(text).contains(says), "{text}: {}", refused(text));
        }
        let axes = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({})}}", "1, ".repeat(65));
        assert!(refused(&axes).contains("65 axes, expected at most 64"));
    }

    #[test]
    fn types_that_are_not_read_are_named() {
        for (descr, says) in [
            ("'<f2'", "its type is <f2, expected f4, f8, i4, i8, u1 or U; convert"),
            ("'|b1'", "its type is |b1"),
            ("'|O'", "Python objects"),
            ("'|S3'", "astype('U')"),
            ("'<U0'", "its type is <U0"),
            ("'<U'", "its type is <U,"),
            ("'=f4'", "its type is =f4"),
            ("'\u{7e}'", "its type is ~"),
            ("''", "its type is ,"),
            ("[('a', '<f4')]", "it holds records"),
        ] {
            let message = refused(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (3,)}}"));
            assert!(message.contains(says), "{message}");
        }
    }
}
