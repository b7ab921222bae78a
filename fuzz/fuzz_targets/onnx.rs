//! Any bytes as a model of ONNX, and its graph as a model of ours, which is compared with the graph in numbers.

#![no_main]

use elman_exchange::{Hints, Imported, onnx};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(Imported { report, .. }) = onnx::import_bytes(bytes, &Hints::default()) {
        assert!(report.compared.is_some_and(|compared| compared.batches > 0));
    }
});
