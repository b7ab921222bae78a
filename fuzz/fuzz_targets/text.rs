//! Any bytes as a text, plain and gzipped, by character and by byte; and what a model's vocabulary makes of it.

#![no_main]

use elman::text::Vocabulary;
use elman_datasets::text;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = text::parse_bytes("input", bytes);
    if !elman_fuzz::is_gzip(bytes) {
        assert_eq!(read.is_ok(), !bytes.is_empty());
        assert_eq!(text::parse_bytes("input", &elman_fuzz::gzip(bytes)).ok(), read.as_ref().ok().cloned());
    }
    let Ok(read) = read else { return };
    assert_eq!(Vocabulary::Bytes.decode(&Vocabulary::Bytes.encode_bytes(&read).unwrap()), read);
    let text = text::parse("input", bytes);
    assert_eq!(text.is_ok(), std::str::from_utf8(&read).is_ok());
    let Ok(text) = text else { return };
    if let Ok(vocabulary) = Vocabulary::characters(&text) {
        assert_eq!(vocabulary.decode(&vocabulary.encode(&text).unwrap()), read);
    }
});
