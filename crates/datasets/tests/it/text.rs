//! Text is read as it is, or refused with the place of what is wrong.

use std::path::Path;

use crate::make::{Folder, assert_says, gz};
use elman_datasets::text;

#[test]
fn nothing_is_changed() {
    let content = "a\r\nb\n\rÄ\u{0}A\u{308}\u{feff}\n\n";
    let folder = Folder::new().with("plain", content.as_bytes()).with("zipped", &gz(content.as_bytes()));
    for name in ["plain", "zipped"] {
        assert_eq!(text::read(&folder.file(name)).unwrap(), content);
        assert_eq!(text::read_bytes(&folder.file(name)).unwrap(), content.as_bytes());
    }
}

/// A mark says how a text is written and is no part of it; bytes are given as they are.
#[test]
fn a_byte_order_mark_is_left_out_once() {
    let marked = "\u{feff}one\n";
    let folder = Folder::new().with("plain", marked.as_bytes()).with("zipped", &gz(marked.as_bytes()));
    for name in ["plain", "zipped"] {
        assert_eq!(text::read(&folder.file(name)).unwrap(), "one\n");
        assert_eq!(text::read_bytes(&folder.file(name)).unwrap(), marked.as_bytes());
    }
    assert_eq!(text::parse("two marks", "\u{feff}\u{feff}a".as_bytes()).unwrap(), "\u{feff}a");
    assert_says(&text::parse("alone", "\u{feff}".as_bytes()).unwrap_err().to_string(), &["it is empty, expected text"]);
    // Of a file in another encoding the places are those of the file.
    assert_says(&text::parse("late", b"\xef\xbb\xbfa\xff").unwrap_err().to_string(), &["byte 0xff at offset 4"]);
}

/// With a mark or without, of either order: a text of NULs between letters is never taken for UTF-8.
#[test]
fn wider_encodings_are_named_with_the_remedy() {
    let text = "It was the best of times, it was the worst of times.\r\n";
    let units: Vec<u16> = text.encode_utf16().collect();
    let wide = |mark: bool, one: &dyn Fn(u32) -> Vec<u8>| -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter().chain(units.iter().map(|&unit| u32::from(unit))).flat_map(one).collect()
    };
    let two = |x: u32| x as u16;
    type Bytes<'a> = &'a dyn Fn(u32) -> Vec<u8>;
    let cases: [(&str, Bytes); 4] = [
        ("UTF-16LE", &|x| two(x).to_le_bytes().to_vec()),
        ("UTF-16BE", &|x| two(x).to_be_bytes().to_vec()),
        ("UTF-32LE", &|x| x.to_le_bytes().to_vec()),
        ("UTF-32BE", &|x| x.to_be_bytes().to_vec()),
    ];
    for (name, one) in cases {
        for mark in [true, false] {
            let bytes = wide(mark, one);
            let message = text::parse("text", &bytes).unwrap_err().to_string();
            assert_says(&message, &[&format!("it is {name}, expected UTF-8"), &format!("iconv -f {name} -t UTF-8")]);
            assert_eq!(text::parse_bytes("text", &bytes).unwrap(), bytes);
        }
    }
    // A NUL here and there is a character of a text.
    for text in ["a\0b\0 and so on, \0\0", "\0\0\0\0", "ab\0cd\0ef"] {
        assert_eq!(text::parse("text", text.as_bytes()).unwrap(), text);
    }
}

#[test]
fn bytes_that_are_no_utf_8_are_named_with_their_place() {
    let folder = Folder::new().with("latin1", b"one\ntwo \xe4\n");
    let message = text::read(&folder.file("latin1")).unwrap_err().to_string();
    let says = ["not UTF-8: byte 0xe4 at offset 8, in line 2", "save it as UTF-8, or read it by byte"];
    assert_says(&message, &says);
    assert_says(&message, &[folder.file("latin1").to_str().unwrap()]);
    assert_eq!(text::read_bytes(&folder.file("latin1")).unwrap(), b"one\ntwo \xe4\n");
    // A character that the end of the file cuts.
    let folder = Folder::new().with("cut", &"ä".as_bytes()[..1]);
    assert_says(&text::read(&folder.file("cut")).unwrap_err().to_string(), &["byte 0xc3 at offset 0, in line 1"]);
}

#[test]
fn empty_missing_and_damaged_files_are_refused() {
    let zipped = gz(b"some text");
    let folder = Folder::new()
        .with("empty", b"")
        .with("empty.gz", &gz(b""))
        .with("cut.gz", &zipped[..zipped.len() - 4])
        .with("more.gz", &[&zipped[..], b"x"].concat())
        .with("padded.gz", &[&zipped[..], &[0; 512]].concat())
        .with("half.gz", &[&zipped[..], &zipped[..7]].concat());
    for (name, says) in [
        ("empty", "it is empty, expected text"),
        ("empty.gz", "it is empty, expected text"),
        ("cut.gz", "damaged gzip stream"),
        ("more.gz", "bytes follow the end of its gzip stream"),
        ("padded.gz", "bytes follow the end of its gzip stream"),
        ("half.gz", "damaged gzip stream"),
        ("none", "os error 2"),
    ] {
        for error in [text::read(&folder.file(name)).unwrap_err(), text::read_bytes(&folder.file(name)).unwrap_err()] {
            assert_says(&error.to_string(), &["cannot read ", name, says]);
        }
    }
    assert!(text::read(Path::new("")).is_err());
}

/// Gzip is a chain of members, of any sizes, also empty ones (RFC 1952).
#[test]
fn all_members_of_gzip_are_one_text() {
    let content = "one\ntwo\nthree\n".repeat(9000);
    for cuts in [vec![4], vec![0, 0, 9, 100_000], vec![content.len()], (1..200).collect()] {
        let ends = cuts.iter().copied().chain([content.len()]);
        let starts = [0].into_iter().chain(cuts.iter().copied());
        let bytes: Vec<u8> = starts.zip(ends).flat_map(|(start, end)| gz(&content.as_bytes()[start..end])).collect();
        let folder = Folder::new().with("text.gz", &bytes);
        assert!(text::read(&folder.file("text.gz")).unwrap() == content, "{cuts:?}");
        assert!(text::parse("text", &bytes).unwrap() == content);
        // A wrong checksum of any member is found.
        let mut wrong = bytes.clone();
        let first_end = gz(&content.as_bytes()[..cuts[0]]).len();
        wrong[first_end - 8] ^= 1;
        assert_says(&text::parse("text", &wrong).unwrap_err().to_string(), &["damaged gzip stream"]);
    }
}

/// A file with a hole: its length is known before a byte is read.
#[cfg(unix)]
#[test]
fn a_file_above_the_limit_is_refused_unread() {
    let folder = Folder::new();
    std::fs::File::create(folder.file("long")).unwrap().set_len(text::BYTES_MAX + 1).unwrap();
    let message = text::read(&folder.file("long")).unwrap_err().to_string();
    assert_says(&message, &["it is longer than 1073741824 bytes, expected fewer"]);
}
