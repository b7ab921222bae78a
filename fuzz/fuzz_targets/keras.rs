//! Any bytes as a model of Keras: an archive, or a configuration with the shapes of its weights, which are made for it. The
//! model is imported, and compared with Keras's equations. The weights inside have a target of their own.

#![no_main]

use std::path::Path;

use elman_exchange::{Hints, Imported, keras};
use elman_formats::keras::read_bytes;
use elman_fuzz::kept;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let archive = match bytes.starts_with(b"PK") {
        true => read_bytes(bytes.to_vec(), Path::new("input")).ok(),
        false => kept::archive(bytes),
    };
    let Some(archive) = archive else { return };
    if let Ok(Imported { report, .. }) = keras::import(&archive, &Hints::default()) {
        assert!(report.compared.is_some_and(|compared| compared.batches > 0));
    }
});
