//! Training, and saving what was trained, takes the memory it says, and no more. One test in its own process: the allocator counts for all threads.

#[path = "../../datasets/tests/peak/mod.rs"]
mod peak;
mod support;

use elman::{Adam, Gru, Head, Lstm, Stack, Trainer};
use peak::peak;
use support::networks::LSTM_NOISE;
use support::tasks::{model, neighbours};

/// What is not counted: the order of the rows, names and shapes of arrays, a few words for each part of a tile.
const SMALL: usize = 50_000;

#[test]
fn training_takes_no_more_than_it_says() {
    let steps = 200;
    let data = neighbours(64, steps, false);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let stack = Stack::new(Lstm::new(1, 32).noise(LSTM_NOISE)).then(Gru::new(32, 24));
    for head in [Head::last_state(2), Head::every_step(2)] {
        for threads in [1, 3] {
            let mut said = Vec::new();
            for part in [1, 2, 8] {
                let ((total, budget), taken) = peak(|| {
                    let trainer = Trainer::new(model(stack.clone(), head.clone()), Adam::new(0.01));
                    let mut trainer = trainer.batch_size(64).threads(threads);
                    let budget = trainer.memory(steps).unwrap().1.total() / part;
                    trainer.memory_budget = Some(budget);
                    let (_, memory) = trainer.memory(steps).unwrap();
                    let rows: Vec<u32> = (0..64).collect();
                    if head == Head::last_state(2) {
                        trainer.train_rows(&data.arrays, &rows).unwrap();
                    } else {
                        trainer.train_rows(&data, &rows).unwrap();
                    }
                    trainer.model().save(&file).unwrap();
                    trainer.checkpoint().save(&file).unwrap();
                    (memory.total(), budget)
                });
                assert!(total <= budget, "{total} of {budget}");
                assert!(taken <= total + SMALL, "{taken} bytes taken, {total} said, {head:?}, {threads} threads");
                assert!(taken + SMALL >= total, "{taken} bytes taken, {total} said, {head:?}, {threads} threads");
                said.push(total);
            }
            assert!(said.is_sorted_by(|a, b| a > b), "{said:?}");
        }
    }
}
