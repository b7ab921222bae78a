//! Text is read as it is, or refused with the place of what is wrong.

mod make;

use std::path::Path;

use elman_datasets::text;
use make::{Folder, assert_says, gz};

#[test]
fn nothing_is_changed() {
    let content = "\u{feff}a\r\nb\n\rÄ\u{0}A\u{308}\n\n";
    let folder = Folder::new().with("plain", content.as_bytes()).with("zipped", &gz(content.as_bytes()));
    for name in ["plain", "zipped"] {
        assert_eq!(text::read(&folder.file(name)).unwrap(), content);
        assert_eq!(text::read_bytes(&folder.file(name)).unwrap(), content.as_bytes());
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
        .with("more.gz", &[&zipped[..], b"x"].concat());
    for (name, says) in [
        ("empty", "it is empty, expected text"),
        ("empty.gz", "it is empty, expected text"),
        ("cut.gz", "damaged gzip stream"),
        ("more.gz", "bytes follow the end of its gzip stream"),
        ("none", "os error 2"),
    ] {
        for error in [text::read(&folder.file(name)).unwrap_err(), text::read_bytes(&folder.file(name)).unwrap_err()] {
            assert_says(&error.to_string(), &["cannot read ", name, says]);
        }
    }
    assert!(text::read(Path::new("")).is_err());
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
