//! What reading a model or a checkpoint takes of memory is bounded by its file. One test in its own process: the allocator
//! counts for all threads.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use elman::{
    Adam, Arrays, Checkpoint, Gru, Head, Init, Lstm, Model, Network, Purpose, Random, Rnn, Stack, Trainer, formats,
};
use ndarray::{Array1, Array3};

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Counts what is held, and the most there was.
struct Counting;

fn taken(bytes: usize) {
    PEAK.fetch_max(HELD.fetch_add(bytes, Ordering::Relaxed) + bytes, Ordering::Relaxed);
}

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Names, messages and the configuration.
const SMALL: usize = 256 << 10;

/// The most bytes that were held at once while `read` ran, beside those before.
fn peak<T>(read: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = read();
    (result, PEAK.load(Ordering::Relaxed) - before)
}

fn model(stack: Stack, head: Head) -> Model {
    let network = Network::new(stack, Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    Model::new(&network, head, Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap()
}

#[test]
fn memory_is_bounded_by_what_a_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    // In memory columns stand in panels of 16, so a single one takes 16 times its place.
    let models = [
        ("usual", model(Stack::new(Lstm::new(28, 128)), Head::last_state(10)), 8),
        ("one unit", model(Stack::new(Rnn::new(16_384, 1)), Head::last_state(2)), 48),
        ("two classes", model(Stack::new(Rnn::new(1, 512)), Head::last_state(2)), 8),
        ("tokens", model(Stack::new(Gru::new(1, 1)).embedding(100_000), Head::every_step(2)), 48),
        ("outputs", model(Stack::new(Gru::new(1, 1)), Head::every_step(65_536)), 48),
    ];
    for (name, model, times) in models {
        model.save(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let (read, most) = peak(|| Model::load_bytes(&bytes, Path::new("given")));
        assert!(read.is_ok());
        let limit = times * bytes.len() + SMALL;
        assert!(most <= limit, "{name}: {most} bytes of {}, {} times", bytes.len(), most / bytes.len());

        // The largest sizes in a configuration, with the arrays as they are.
        let mut file = formats::read(&path).unwrap();
        for config in file.metadata.values_mut() {
            let mut json: serde_json::Value = serde_json::from_str(config).unwrap();
            json["layers"][0]["hidden"] = 16_384.into();
            *config = json.to_string();
        }
        formats::write(&path, &file).unwrap();
        let claim = fs::read(&path).unwrap();
        let (read, most) = peak(|| Model::load_bytes(&claim, Path::new("given")));
        let message = read.map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("its configuration expects"), "{message}");
        assert!(most <= 2 * claim.len() + SMALL, "{name}: {most} bytes of {}", claim.len());
    }

    let data = Arrays::new(Array3::zeros((6, 3, 28)), Array1::zeros(6)).unwrap();
    let mut trainer = Trainer::new(model(Stack::new(Lstm::new(28, 64)), Head::last_state(2)), Adam::new(0.01))
        .batch_size(2)
        .threads(1);
    let mut fit = trainer.fit(&data).unwrap();
    fit.next_step().unwrap().unwrap();
    fit.checkpoint().save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let (read, most) = peak(|| Checkpoint::load_bytes(&bytes, Path::new("given")));
    assert!(read.is_ok() && most <= 2 * bytes.len() + SMALL, "{most} bytes of {}", bytes.len());
}
