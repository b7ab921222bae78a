//! Any text is read as it is, and any other bytes are named with their place.

use crate::make::gz;
use elman_datasets::{Error, Fault, text};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_as_it_is(content in "(?s).{1,80}", plain in any::<bool>()) {
        prop_assume!(!content.starts_with('\u{feff}') && !content.contains('\0'));
        let bytes = if plain { content.clone().into_bytes() } else { gz(content.as_bytes()) };
        prop_assert_eq!(text::parse("given", &bytes).unwrap(), content.as_str());
        prop_assert_eq!(text::parse_bytes("given", &bytes).unwrap(), content.into_bytes());
    }

    #[test]
    fn bytes_that_are_no_text_are_named_with_their_place(
        before in "[a-zé\n]{0,20}",
        bytes in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let all = [before.as_bytes(), &bytes].concat();
        // These would be unzipped.
        prop_assume!(!all.starts_with(&[0x1f, 0x8b]));
        prop_assert_eq!(&text::parse_bytes("given", &all).unwrap(), &all);
        prop_assume!(!all.starts_with(&[0xef, 0xbb, 0xbf]));
        match (text::parse("given", &all), std::str::from_utf8(&all)) {
            // As its mark says, or its NULs.
            (Err(Error::File { fault: Fault::Wide { .. }, .. }), _) => {}
            (Ok(read), Ok(text)) => prop_assert_eq!(read, text),
            (Err(Error::File { fault: Fault::NotUtf8 { offset, line, byte, .. }, .. }), Err(error)) => {
                let at = error.valid_up_to();
                prop_assert_eq!((offset as usize, byte), (at, all[at]));
                prop_assert_eq!(line as usize, 1 + all[..at].iter().filter(|&&byte| byte == b'\n').count());
            }
            (read, text) => prop_assert!(false, "{read:?}, {text:?}"),
        }
    }

    #[test]
    fn a_damaged_gzip_stream_gives_no_other_text(
        content in "(?s).{1,80}",
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = gz(content.as_bytes());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len()) % 4);
        // Without the two bytes that say so it is no gzip, and its bytes are the text.
        if bytes.starts_with(&[0x1f, 0x8b])
            && let Ok(read) = text::parse_bytes("given", &bytes)
        {
            prop_assert_eq!(read, content.into_bytes());
        }
    }
}
