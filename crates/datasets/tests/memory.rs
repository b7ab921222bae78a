//! Memory is bounded. One test, alone in its process, for it reads the peaks of the whole process.

#![cfg(all(target_os = "linux", feature = "mnist"))]

mod make;

use std::fs;

use elman_datasets::{Fault, idx, mnist};

const MIB: u64 = 1 << 20;

/// `VmPeak`, the address space, or `VmHWM`, the memory in use; in bytes.
fn peak(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).expect("the kernel tells the peaks");
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn memory_follows_what_is_there_not_what_a_header_claims() {
    // 55 MB of pixels, 9 MB of embedded data, 4 MB copied by the split: a second copy of the pixels would be 47 MB more.
    let before = peak("VmHWM");
    let split = mnist::load().unwrap();
    let grown = (peak("VmHWM") - before) / MIB;
    assert!((50..85).contains(&grown), "the memory in use grew by {grown} MiB");
    drop(split);

    // A claim of nearly 4 GiB, in a file of 100 kB that decodes to 20 MB.
    let claim = make::gz(&make::idx(&[1 << 22, 1023, 1], &vec![0; 20_000_000]));
    let before = peak("VmPeak");
    let error = idx::parse(&claim).unwrap_err();
    let grown = (peak("VmPeak") - before) / MIB;
    assert!(matches!(error, elman_datasets::Error::File { fault: Fault::Truncated { found: 20_000_000, .. }, .. }));
    // 20 MB, doubled at most, and a second copy while it moves.
    assert!(grown < 80, "the address space grew by {grown} MiB");
}
