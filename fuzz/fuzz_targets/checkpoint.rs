//! Any bytes as a checkpoint, its checksum put right; training goes on from one that is of the same network.

#![no_main]

use std::path::Path;

use elman::Checkpoint;
use elman_fuzz::training;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    let mut read = Checkpoint::load_bytes(&bytes, Path::new("input"));
    if let Err(error) = &read
        && seal(&mut bytes, &error.to_string())
    {
        read = Checkpoint::load_bytes(&bytes, Path::new("input"));
    }
    let Ok(checkpoint) = read else { return };
    let data = training::data();
    let mut trainer = training::trainer();
    let _ = checkpoint.stopping(trainer.model());
    let _ = trainer.resume(&checkpoint);
    if let Ok(fit) = trainer.fit(&data)
        && let Ok(mut fit) = fit.epochs(training::EPOCHS).resume(&checkpoint)
    {
        let _ = fit.next_step();
    }
    let mut trainer = training::trainer();
    if let Ok(fit) = trainer.fit_streams(&data, training::WINDOW)
        && let Ok(mut fit) = fit.epochs(training::EPOCHS).resume(&checkpoint)
    {
        let _ = fit.next_step();
    }
});

/// Puts the checksum that a message names as the right one into the place of the other.
fn seal(bytes: &mut [u8], message: &str) -> bool {
    let Some((_, sums)) = message.split_once("its checksum is ") else { return false };
    let Some((right, wrong)) = sums.split_once("; expected ") else { return false };
    if right.len() != 8 || wrong.len() != 8 {
        return false;
    }
    let Some(at) = bytes.windows(8).position(|window| window == wrong.as_bytes()) else { return false };
    bytes[at..at + 8].copy_from_slice(right.as_bytes());
    true
}
