//! A stream allocates nothing while it steps. One test in its own process: the allocator counts for all threads.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use elman::{Init, Purpose, Random, Rnn};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_streaming_step_allocates_nothing() {
    let cell = Rnn::new(28, 128).init(Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let mut stream = cell.stream();
    let x = [0.5; 28];
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..1000 {
        std::hint::black_box(stream.step(&x));
    }
    stream.reset();
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before);
    // The counter counts.
    drop(std::hint::black_box(vec![0u8; 10]));
    assert!(ALLOCATIONS.load(Ordering::Relaxed) > before);
}
