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
    // A mark before the text is no part of it.
    let read = read.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&read);
    let Ok(text) = text else {
        // No UTF-8, nothing behind a mark, or NULs as UTF-16 has them.
        assert!(std::str::from_utf8(read).is_err() || read.is_empty() || read.contains(&0));
        return;
    };
    assert_eq!(text.as_bytes(), read);
    if let Ok(vocabulary) = Vocabulary::characters(&text) {
        assert_eq!(vocabulary.decode(&vocabulary.encode(&text).unwrap()), read);
    }
});
