//! What reading a model or a checkpoint takes of memory is bounded by its file. One test in
//! its own process: the allocator counts for all threads.

#[path = "../../datasets/tests/peak/mod.rs"]
mod peak;
use std::fs;
use std::path::Path;

use elman::{
    Adam, Arrays, Checkpoint, Gru, Head, Init, Lstm, Model, Network, Purpose, Random, Rnn, Stack, Trainer, formats,
};
use ndarray::{Array1, Array3};
use peak::peak;
use serde_json::Value;

/// Names, messages and the configuration.
const SMALL: usize = 256 << 10;

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
            let mut json: Value = serde_json::from_str(config).unwrap();
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
