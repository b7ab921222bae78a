//! One IDX file: what is read, and every way it can be wrong.

use std::error::Error as _;
use std::path::Path;

use crate::make::{Folder, assert_says, gz, idx as file};
use elman_datasets::{Error, Fault, idx, images};

/// Writes `bytes` to a file and reads it as images: its message must name the file and hold `parts`.
/// The same bytes given to `idx::parse` must fail too, unless only images mind.
#[track_caller]
fn refused(bytes: &[u8], parts: &[&str]) -> Fault {
    let folder = Folder::new().with("x.gz", bytes);
    let error = images::read_images(&folder.file("x.gz")).expect_err("the file must be refused");
    let message = error.to_string();
    assert_says(&message, &["cannot read ", folder.file("x.gz").to_str().unwrap()]);
    assert_says(&message, parts);
    assert!(error.source().is_none(), "the message holds its cause, a chain would repeat it");
    let Error::File { fault, .. } = error else { panic!("not a fault of the file: {error:?}") };
    fault
}

#[test]
fn any_number_of_dimensions_is_read_in_order() {
    for dims in [&[5_u32][..], &[2, 3], &[2, 3, 4], &[2, 1, 3, 2]] {
        let data: Vec<u8> = (0..dims.iter().product::<u32>() as u8).collect();
        let idx = idx::parse(&file(dims, &data)).unwrap();
        assert_eq!(idx.dims, dims.iter().map(|&dim| dim as usize).collect::<Vec<_>>());
        assert_eq!(idx.data, data);
    }
}

#[test]
fn gzip_is_known_by_its_bytes_not_by_the_name() {
    let plain = crate::make::images(7, 3, 5);
    let folder = Folder::new().with("plain.gz", &plain).with("zipped", &gz(&plain));
    let read = images::read_images(&folder.file("plain.gz")).unwrap();
    assert_eq!(read, images::read_images(&folder.file("zipped")).unwrap());
    assert_eq!((read.len(), read.rows, read.cols), (7, 3, 5));
    assert_eq!(read.image(6), &plain[16 + 6 * 15..]);
    assert_eq!(idx::parse(&plain).unwrap(), idx::read(&folder.file("zipped")).unwrap());
}

/// Larger than the first reservation, so that memory grows on the way: 4 MiB of zeros in 4 kB of gzip.
#[test]
fn a_very_compressible_file_is_read_whole() {
    let mut data = vec![0; 4 << 20];
    *data.last_mut().unwrap() = 9;
    let zipped = gz(&file(&[4, 1 << 10, 1 << 10], &data));
    assert!(zipped.len() < 1 << 14);
    assert!(idx::parse(&zipped).unwrap().data == data);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_though_it_has_no_size() {
    let folder = Folder::new();
    let pipe = folder.file("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let bytes = crate::make::images(100, 28, 28);
    let read = std::thread::scope(|scope| {
        scope.spawn(|| std::fs::write(&pipe, &bytes).unwrap());
        images::read_images(&pipe).unwrap()
    });
    assert_eq!(read.images, bytes[16..]);
}

#[test]
fn missing_file() {
    let error = idx::read(Path::new("no/such/file.gz")).unwrap_err();
    assert_says(&error.to_string(), &["cannot read no/such/file.gz: ", "os error 2", "check the path"]);
}

#[test]
fn a_folder_is_no_file() {
    let folder = Folder::new();
    let error = idx::read(folder.path()).unwrap_err();
    assert!(matches!(error, Error::File { fault: Fault::Io(_), .. }), "{error}");
}

#[test]
fn given_bytes_are_called_so() {
    let message = idx::parse(b"hello").unwrap_err().to_string();
    assert_says(&message, &["cannot read the given bytes: not an IDX file (magic 0x68656c6c)"]);
}

#[test]
fn not_an_idx_file() {
    let fault = refused(b"<html></html>", &["not an IDX file (magic 0x3c68746d)", "expected 0x00000803", "check"]);
    assert!(matches!(fault, Fault::NotIdx { magic: [b'<', b'h', b't', b'm'] }));
    // Two zeros, and then no type that there is.
    refused(&[0, 0, 7, 3, 0, 0, 0, 1], &["not an IDX file (magic 0x00000703)"]);
}

#[test]
fn gzipped_twice() {
    refused(&gz(&gz(&crate::make::images(2, 2, 2))), &["not an IDX file (magic 0x1f8b0800)", "unzip it once"]);
}

#[test]
fn zip_archive() {
    refused(b"PK\x03\x04....", &["not an IDX file (magic 0x504b0304)", "zip archive, unpack it"]);
}

#[test]
fn elements_of_another_type_are_named() {
    let types = [(0x09, "i8"), (0x0b, "i16"), (0x0c, "i32"), (0x0d, "f32"), (0x0e, "f64")];
    for (code, name) in types {
        let mut bytes = crate::make::images(2, 2, 2);
        bytes[2] = code;
        let magic = format!("its elements are {name} (magic 0x0000{code:02x}03), expected u8");
        let fault = refused(&bytes, &[&magic, "convert"]);
        assert!(matches!(fault, Fault::ElementType { found, .. } if found == name));
    }
}

#[test]
fn labels_in_place_of_images() {
    let says = ["dimensions is 1 (magic 0x00000801)", "expected 3 (images, rows, columns)", "swapped"];
    refused(&crate::make::labels(&[1, 2, 3]), &says);
}

#[test]
fn no_dimensions() {
    let message = idx::parse(&file(&[], &[1])).unwrap_err().to_string();
    assert_says(&message, &["dimensions is 0", "expected at least 1"]);
}

#[test]
fn truncated_header() {
    let whole = crate::make::images(2, 2, 2);
    for len in 0..16 {
        let expected = if len < 4 { 4 } else { 16 };
        let says = [format!("truncated: its header takes {expected} bytes, found {len}"), "get the file again".into()];
        let says = says.each_ref().map(String::as_str);
        // A lone 0x1f or nothing at all is no gzip either.
        refused(&whole[..len], &says);
        refused(&gz(&whole[..len]), &says);
    }
}

#[test]
fn truncated_data() {
    let whole = crate::make::images(2, 3, 4);
    let says =
        ["truncated: its header says 2×3×4", "expected 24 bytes after the header, found 23", "get the file again"];
    refused(&whole[..whole.len() - 1], &says);
    refused(&gz(&whole[..whole.len() - 1]), &says);
}

/// Cut anywhere, in its header, its data or its checksum, a gzip file is refused.
#[test]
fn truncated_gzip() {
    let whole = gz(&crate::make::images(20, 9, 9));
    for len in 2..whole.len() {
        let message = idx::parse(&whole[..len]).expect_err("a cut file must be refused").to_string();
        assert!(message.contains("truncated: ") || message.contains("damaged gzip stream"), "{len}: {message}");
    }
    refused(&whole[..whole.len() / 2], &["truncated: its header says 20×9×9", "expected 1620 bytes"]);
    refused(&whole[..whole.len() - 1], &["damaged gzip stream", "end of file", "get the file again"]);
}

#[test]
fn more_data_than_the_header_says() {
    let mut bytes = crate::make::images(2, 3, 4);
    bytes.push(0);
    let says =
        ["more data than its header says (2×3×4)", "expected 24 bytes after the header, found more", "get the file"];
    refused(&bytes, &says);
    refused(&gz(&bytes), &says);
}

#[test]
fn bytes_after_the_gzip_stream() {
    let one = gz(&crate::make::images(2, 2, 2));
    for garbage in [&b"\0"[..], b"garbage", &[0x1f; 3], &one[..1]] {
        let bytes = [&one, garbage].concat();
        let fault =
            refused(&bytes, &["bytes follow the end of its gzip stream", "expected none", "get the file again"]);
        assert!(matches!(fault, Fault::GzipExcess));
    }
}

/// As `cat` and parallel compressors write it: cut in the header, in the data, into many, with empty ones between.
#[test]
fn several_gzip_members_are_one_file() {
    let plain = crate::make::images(40, 8, 8);
    let whole = idx::parse(&plain).unwrap();
    for cuts in [vec![7], vec![1000], vec![0, 16, 16, 2000], (1..100).collect()] {
        let ends = cuts.iter().copied().chain([plain.len()]);
        let starts = [0].into_iter().chain(cuts.iter().copied());
        let bytes: Vec<u8> = starts.zip(ends).flat_map(|(start, end)| gz(&plain[start..end])).collect();
        assert!(idx::parse(&bytes).unwrap() == whole, "{cuts:?}");
        // Without the last member it is cut, and says so.
        let short = &bytes[..bytes.len() - gz(&plain[cuts[cuts.len() - 1]..]).len()];
        refused(short, &["truncated: "]);
    }
    // A second array is more than the header says, in a member of its own too.
    refused(&[gz(&plain), gz(&plain)].concat(), &["more data than its header says"]);
}

#[test]
fn wrong_gzip_checksum() {
    let whole = gz(&crate::make::images(2, 2, 2));
    for from_the_end in [8, 4] {
        let mut bytes = whole.clone();
        let at = bytes.len() - from_the_end;
        bytes[at] ^= 1; // the CRC, then the length
        let fault = refused(&bytes, &["damaged gzip stream", "checksum", "get the file again"]);
        assert!(matches!(fault, Fault::Gzip { .. }));
    }
}

/// One flipped bit anywhere after the gzip header is found.
#[test]
fn corrupt_gzip() {
    let whole = gz(&crate::make::images(20, 9, 9));
    for at in 10..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        assert!(idx::parse(&bytes).is_err(), "byte {at} was changed unseen");
    }
    // A deflate block of the type that does not exist.
    let mut bytes = whole;
    bytes[10] |= 0b110;
    refused(&bytes, &["damaged gzip stream", "deflate", "get the file again"]);
    // A gzip method that does not exist.
    refused(&[0x1f, 0x8b, 1, 0, 0, 0, 0, 0, 0, 0, 0], &["damaged gzip stream", "header"]);
}

#[test]
fn a_header_of_four_billion_images() {
    let bytes = file(&[u32::MAX, 28, 28], &[0; 100]);
    refused(&bytes, &["truncated: its header says 4294967295×28×28", "expected 3367254359280 bytes", "found 100"]);
    let says = ["4294967295×28×28, which is 3367254359280 bytes", "expected at most 4294967296", "smaller ones"];
    refused(&gz(&bytes), &says);
}

#[test]
fn a_product_beyond_64_bits() {
    let bytes = file(&[u32::MAX; 3], &[]);
    let says = ["4294967295×4294967295×4294967295", "more bytes than can be counted", "get the file again"];
    refused(&bytes, &says);
    refused(&gz(&bytes), &says);
}

#[test]
fn zero_images_rows_or_columns() {
    for (dims, says) in [([0, 28, 28], "0×28×28"), ([5, 0, 28], "5×0×28"), ([5, 28, 0], "5×28×0")] {
        let says = [&format!("it is empty: its header says {says}"), "expected every dimension above zero"];
        refused(&file(&dims, &[]), &says);
        refused(&gz(&file(&dims, &[])), &says);
    }
}
