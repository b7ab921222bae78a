//! A stream allocates nothing while it steps. One test in its own process: the allocator counts for all threads.
#![allow(unsafe_code)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use elman::{Gru, Head, Init, Layer, Lstm, Model, Nonlinearity, Reads, Rnn, Stack};
use support::networks::{build, forward_networks, inputs};

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
    let large = Stack::new(Layer::new(Lstm::new(28, 128)).dropout(0.5)).then(Gru::new(128, 64)).then(Rnn::new(64, 32));
    let networks = forward_networks().into_iter().chain([("large", build(large))]);
    for (name, network) in networks {
        let network = Arc::new(network);
        let xs = inputs(&network, 1, 100, 1);
        let mut stream = network.stream().unwrap();
        // Products in pieces have room of their own, which a thread's first ones make.
        let first = &xs.as_slice().unwrap()[..network.stack().input()];
        let has_pieces = !network.stack().arithmetic.is_f32();
        if has_pieces {
            stream.step(first);
        }
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for x in xs.as_slice().unwrap().chunks_exact(network.stack().input()) {
            std::hint::black_box(stream.step(x));
        }
        std::hint::black_box(stream.h(0));
        stream.reset();
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before, "{name}");

        let mut streams = network.streams(3).unwrap();
        let x = first.repeat(3);
        if has_pieces {
            streams.step(&x);
        }
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..10 {
            std::hint::black_box(streams.step(&x));
        }
        streams.reset();
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before, "{name}");
    }
    // With their answers, whatever the head reads.
    for reads in Reads::ALL {
        let head = Head::last_state(5).reads(reads).hidden(9, Nonlinearity::Relu);
        let stack = Stack::new(Lstm::new(3, 20)).then(Layer::new(Gru::new(20, 20)).residual(true));
        let model = Arc::new(Model::init(stack, head, Init::Tf, 1).unwrap());
        for rows in [1, 3] {
            let mut stream = model.streams(rows).unwrap();
            let x = vec![0.5; 3 * rows];
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for _ in 0..10 {
                std::hint::black_box(stream.step(&x));
                std::hint::black_box(stream.try_step(&x).unwrap());
                std::hint::black_box(stream.logits());
            }
            stream.reset();
            assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before, "{reads:?}, {rows} rows");
        }
    }
    // A stream lasts: what a million steps leave behind would show.
    let network = Arc::new(build(Stack::new(Gru::new(3, 5))));
    let mut stream = network.stream().unwrap();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for step in 0..1_000_000_u32 {
        let x = (step % 1000) as f32 / 1000.0;
        std::hint::black_box(stream.try_step(&[x, -x, 1.0]).unwrap());
    }
    assert!(stream.is_finite(0));
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before, "a million steps");

    // The counter counts.
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    drop(std::hint::black_box(vec![0u8; 10]));
    assert!(ALLOCATIONS.load(Ordering::Relaxed) > before);
}
