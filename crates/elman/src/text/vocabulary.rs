//! What a model of text reads: characters or bytes, each a token.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;

/// The number of a character or byte.
pub type Token = u16;

/// Most characters of a vocabulary: all that a [`Token`] can name.
const CHARACTERS_MAX: usize = 1 << Token::BITS;

/// Unknown characters that an error names.
const NAMED: usize = 5;

/// The name of the task, beside the vocabulary in a model's file.
pub(crate) const TEXT: &str = "text";

/// The units of a text, and the tokens that stand for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// Unicode scalar values, by code point, each once: the token is the place. Nothing is normalised: a letter and the
    /// accent that is combined with it are two characters.
    Characters(Vec<char>),
    /// All 256 bytes, the token being the byte: for whatever is no text, or has too many characters.
    Bytes,
}

impl Vocabulary {
    /// The characters of a text.
    ///
    /// # Errors
    /// If there are fewer than two, or more than 65,536.
    pub fn characters(text: &str) -> Result<Self, Error> {
        let mut seen: Vec<char> = Vec::new();
        // Sorted now and then, so that memory is bounded by the characters and not by the text.
        let mut limit = 1 << 12;
        for character in text.chars() {
            if seen.len() >= limit {
                seen.sort_unstable();
                seen.dedup();
                limit = limit.max(2 * seen.len());
            }
            seen.push(character);
        }
        seen.sort_unstable();
        seen.dedup();
        Self::of_characters(seen)
    }

    fn of_characters(characters: Vec<char>) -> Result<Self, Error> {
        if !(2..=CHARACTERS_MAX).contains(&characters.len()) {
            let found = match characters.as_slice() {
                [only] => format!("1 ({})", name(*only)),
                many => many.len().to_string(),
            };
            let expected = format!("2 to {CHARACTERS_MAX}; bytes are read with the unit byte");
            return Err(Error::setting("the number of distinct characters", found, expected));
        }
        Ok(Vocabulary::Characters(characters))
    }

    /// V, the tokens.
    pub fn len(&self) -> usize {
        match self {
            Vocabulary::Characters(characters) => characters.len(),
            Vocabulary::Bytes => 256,
        }
    }

    /// Whether there are no tokens; never, of one that was made here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a token stands for: `character` or `byte`.
    pub fn unit(&self) -> &'static str {
        match self {
            Vocabulary::Characters(_) => "character",
            Vocabulary::Bytes => "byte",
        }
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// If it has characters that are not in the vocabulary.
    pub fn encode(&self, text: &str) -> Result<Vec<Token>, Error> {
        let Vocabulary::Characters(characters) = self else { return Ok(bytes(text.as_bytes())) };
        let mut unknown = Vec::new();
        let mut tokens = Vec::with_capacity(text.len());
        for (position, character) in text.chars().enumerate() {
            match characters.binary_search(&character) {
                Ok(place) => tokens.push(place as Token),
                Err(_) if unknown.iter().any(|&(_, known)| known == character) => {}
                Err(_) => unknown.push((position, character)),
            }
            if unknown.len() > NAMED {
                break;
            }
        }
        if unknown.is_empty() {
            return Ok(tokens);
        }
        let named = unknown.iter().take(NAMED).map(|&(position, found)| format!("{} at {position}", name(found)));
        let mut found = named.collect::<Vec<_>>().join(", ");
        if unknown.len() > NAMED {
            found.push_str(", …");
        }
        Err(Error::Characters { found, known: characters.len() })
    }

    /// The tokens of bytes, which for characters must be UTF-8.
    ///
    /// # Errors
    /// As [`Vocabulary::encode`]; or if they are characters, and the bytes are not UTF-8.
    pub fn encode_bytes(&self, text: &[u8]) -> Result<Vec<Token>, Error> {
        match self {
            Vocabulary::Bytes => Ok(bytes(text)),
            Vocabulary::Characters(_) => match std::str::from_utf8(text) {
                Ok(text) => self.encode(text),
                Err(error) => {
                    let found = format!("no UTF-8 from byte {} on", error.valid_up_to());
                    Err(Error::setting("the text", found, "UTF-8; bytes are read with the unit byte"))
                }
            },
        }
    }

    /// Writes what a token stands for at the end of `out`: a character in UTF-8, or a byte.
    ///
    /// # Panics
    /// If the token is not in the vocabulary.
    pub fn push(&self, token: Token, out: &mut Vec<u8>) {
        match self {
            Vocabulary::Characters(characters) => {
                let character = characters[usize::from(token)];
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Vocabulary::Bytes => out.push(u8::try_from(token).unwrap_or_else(|_| panic!("byte {token}"))),
        }
    }

    /// The text of tokens, in UTF-8, or the bytes.
    ///
    /// # Panics
    /// If a token is not in the vocabulary.
    pub fn decode(&self, tokens: &[Token]) -> Vec<u8> {
        let mut out = Vec::with_capacity(tokens.len());
        tokens.iter().for_each(|&token| self.push(token, &mut out));
        out
    }

    /// What is read before the first unit of a text that starts with nothing: a line end, or where there is none, the first
    /// character by code point, most often the space.
    pub fn start(&self) -> Token {
        match self {
            Vocabulary::Characters(characters) => characters.binary_search(&'\n').unwrap_or(0) as Token,
            Vocabulary::Bytes => Token::from(b'\n'),
        }
    }

    /// As it stands in a model's file, but for the name of its task.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Vocabulary::Characters(characters) => {
                json!({"unit": self.unit(), "characters": characters.iter().collect::<String>()})
            }
            Vocabulary::Bytes => json!({"unit": self.unit()}),
        }
    }

    /// What the JSON in a model's file should be.
    pub(crate) const EXPECTED: &str = "that of a text, with its vocabulary";

    /// What stands in a model's file.
    ///
    /// # Errors
    /// If it is of no text, or its characters are none that a text has.
    pub(crate) fn of_json(value: &Value) -> Result<Self, Error> {
        let found = InFile::deserialize(value).map_err(|error| {
            let name = value.get("job").and_then(Value::as_str).unwrap_or("without a name");
            Error::setting("the model's job", format!("{name} ({error})"), Self::EXPECTED)
        })?;
        match found {
            InFile { job, .. } if job != TEXT => Err(Error::setting("the model's job", job, Self::EXPECTED)),
            InFile { unit: Unit::Byte, characters: None, .. } => Ok(Vocabulary::Bytes),
            InFile { unit: Unit::Character, characters: Some(characters), .. } => {
                let characters: Vec<char> = characters.chars().collect();
                if !characters.is_sorted_by(|a, b| a < b) {
                    let expected = "each character once, sorted";
                    return Err(Error::setting("the model's vocabulary", "out of order", expected));
                }
                Self::of_characters(characters)
            }
            _ => Err(Error::setting("the model's job", "text without its unit's vocabulary", Self::EXPECTED)),
        }
    }
}

/// As it stands in a model's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InFile {
    job: String,
    unit: Unit,
    characters: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Character,
    Byte,
}

fn bytes(text: &[u8]) -> Vec<Token> {
    text.iter().map(|&byte| Token::from(byte)).collect()
}

/// `'é' (U+00E9)`
fn name(character: char) -> String {
    format!("{character:?} (U+{:04X})", u32::from(character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, Init, Lstm, Model, Network, Purpose, Random, Stack};

    /// Several bytes a character, one combined with the next, line ends of two kinds, NUL, and beyond the first plane.
    const ODD: &str = "e\u{301}é\r\n\0\u{10348}ß√\n";

    #[test]
    fn any_text_comes_back() {
        for vocabulary in [Vocabulary::characters(ODD).unwrap(), Vocabulary::Bytes] {
            let tokens = vocabulary.encode(ODD).unwrap();
            assert_eq!(vocabulary.decode(&tokens), ODD.as_bytes());
            assert_eq!(vocabulary.encode_bytes(ODD.as_bytes()).unwrap(), tokens);
        }
        let characters = Vocabulary::characters(ODD).unwrap();
        let Vocabulary::Characters(sorted) = &characters else { panic!() };
        assert_eq!(sorted.iter().collect::<String>(), "\0\n\reßé\u{301}√\u{10348}");
        assert_eq!(characters.encode("\n\0").unwrap(), [1, 0]);
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(Vocabulary::Bytes.decode(&Vocabulary::Bytes.encode_bytes(&bytes).unwrap()), bytes);
    }

    #[test]
    fn more_characters_than_are_sorted_at_once() {
        let text: String = (0x4E00..0x4E00 + 9000).rev().filter_map(char::from_u32).collect::<String>().repeat(3);
        assert_eq!(Vocabulary::characters(&text).unwrap().len(), 9000);
    }

    #[test]
    fn unknown_characters_are_named() {
        let vocabulary = Vocabulary::characters("abc").unwrap();
        let message = vocabulary.encode("aéb\u{7}é").unwrap_err().to_string();
        for part in ["'é' (U+00E9) at 1", "'\\u{7}' (U+0007) at 3", "3 characters"] {
            assert!(message.contains(part), "{message}");
        }
        let message = vocabulary.encode("0123456789").unwrap_err().to_string();
        assert!(message.contains("'4' (U+0034) at 4, …"), "{message}");
        let message = vocabulary.encode_bytes(b"ab\xff").unwrap_err().to_string();
        assert!(message.contains("from byte 2 on") && message.contains("unit byte"), "{message}");
    }

    #[test]
    fn too_few_and_too_many_characters_are_refused() {
        let many: String = (0..=0x10FFFF).filter_map(char::from_u32).take(65_537).collect();
        for (text, found) in [("", "is 0"), ("aaaa", "is 1 ('a' (U+0061))"), (&many, "is 65537")] {
            let message = Vocabulary::characters(text).unwrap_err().to_string();
            assert!(message.contains(found) && message.contains("2 to 65536"), "{message}");
        }
    }

    fn model(tokens: usize) -> Model {
        let stack = Stack::new(Lstm::new(2, 3)).embedding(tokens);
        let network = Network::new(stack, Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
        Model::new(&network, Head::every_step(tokens), Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap()
    }

    #[test]
    fn a_model_keeps_its_vocabulary() {
        for vocabulary in [Vocabulary::characters(ODD).unwrap(), Vocabulary::Bytes] {
            let mut model = model(vocabulary.len());
            model.meaning = Some(vocabulary.clone().into());
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("model.safetensors");
            model.save(&path).unwrap();
            assert_eq!(*Model::load(&path).unwrap().vocabulary().unwrap(), vocabulary);
        }
    }

    #[test]
    fn a_vocabulary_that_does_not_fit_is_refused() {
        let mut model = model(3);
        for (job, part) in [
            (json!({"job": "echo"}), "echo"),
            (json!({"job": "text", "unit": "word"}), "word"),
            (json!({"job": "text", "unit": "character"}), "without its unit's vocabulary"),
            (json!({"job": "text", "unit": "byte", "characters": "ab"}), "without its unit's vocabulary"),
            (json!({"job": "text", "unit": "character", "characters": "cab"}), "out of order"),
            (json!({"job": "text", "unit": "character", "characters": "a"}), "is 1"),
            (json!({"job": "text", "unit": "character", "characters": "ab"}), "[3]; expected [2]"),
            (json!({"job": "text", "unit": "byte"}), "expected [256]"),
        ] {
            model.meaning = Some(job.into());
            let message = model.vocabulary().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        model.meaning = None;
        assert!(model.vocabulary().unwrap_err().to_string().contains("not named"));
    }
}
