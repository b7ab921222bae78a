//! What must hold for the cell, the trainer and the model file, whatever the sizes: see `ARCHITECTURE.md`, Invariants.

use std::path::Path;

use elman::{
    Activation, Adam, Arrays, Classifier, Error, Init, Isa, Labelled, Predictor, Purpose, Random, Rnn, RnnCell,
    Sequences, Trainer,
};
use ndarray::{Array1, Array2, Array3, Axis, s};

fn random_cube(random: &mut Random, shape: (usize, usize, usize)) -> Array3<f32> {
    Array3::from_shape_simple_fn(shape, || random.uniform(1.0))
}

fn random_matrix(random: &mut Random, shape: (usize, usize)) -> Array2<f32> {
    Array2::from_shape_simple_fn(shape, || random.uniform(1.0))
}

/// Cells of awkward sizes, and a batch for each: rows, steps.
fn cells() -> impl Iterator<Item = (RnnCell, usize, usize)> {
    let sizes = [(1, 1, 1, 5), (3, 7, 3, 1), (28, 8, 17, 5), (5, 33, 40, 9), (28, 128, 17, 5), (2, 300, 3, 4)];
    sizes.into_iter().flat_map(|(input, hidden, rows, steps)| {
        Activation::ALL.into_iter().map(move |activation| {
            let mut random = Random::new(hidden as u64, Purpose::Cell);
            // PyTorch's initial values have a bias that is not zero.
            (Rnn::new(input, hidden).activation(activation).init(Init::PyTorch, &mut random).unwrap(), rows, steps)
        })
    })
}

#[test]
fn a_sequence_is_its_steps_bit_for_bit() {
    for (cell, rows, steps) in cells() {
        let random = &mut Random::new(1, Purpose::Data);
        let xs = random_cube(random, (rows, steps, cell.rnn.input));
        for h0 in [cell.zero_state(rows), random_matrix(random, (rows, cell.rnn.hidden))] {
            let (outputs, state) = cell.dynamic_rnn(xs.view()).initial_state(h0.view()).run().unwrap();
            let mut h = h0;
            for t in 0..steps {
                h = cell.step(xs.index_axis(Axis(1), t), h.view()).unwrap();
                assert_eq!(h, outputs.index_axis(Axis(1), t), "{:?}, step {t}", cell.rnn);
            }
            assert_eq!(h, state, "{:?}", cell.rnn);
        }
    }
}

#[test]
fn a_stream_is_a_sequence_bit_for_bit() {
    for (cell, rows, steps) in cells() {
        let xs = random_cube(&mut Random::new(2, Purpose::Data), (rows, steps, cell.rnn.input));
        let (outputs, _) = cell.dynamic_rnn(xs.view()).run().unwrap();
        let mut stream = cell.stream();
        for row in 0..rows {
            stream.reset();
            for t in 0..steps {
                let h = stream.step(xs.slice(s![row, t, ..]).to_vec().as_slice()).to_vec();
                assert_eq!(outputs.slice(s![row, t, ..]).to_vec(), h, "{:?}, row {row}, step {t}", cell.rnn);
                // Saved and loaded, it goes on the same.
                stream.set_state(&h);
            }
        }
    }
}

#[test]
fn no_initial_state_is_one_of_zeros() {
    for (cell, rows, steps) in cells() {
        let xs = random_cube(&mut Random::new(3, Purpose::Data), (rows, steps, cell.rnn.input));
        let without = cell.dynamic_rnn(xs.view()).run().unwrap();
        let zeros = cell.zero_state(rows);
        assert_eq!(cell.dynamic_rnn(xs.view()).initial_state(zeros.view()).run().unwrap(), without);
    }
}

#[test]
fn rows_end_where_their_length_says() {
    for (cell, rows, steps) in cells() {
        let random = &mut Random::new(4, Purpose::Data);
        let xs = random_cube(random, (rows, steps, cell.rnn.input));
        let h0 = random_matrix(random, (rows, cell.rnn.hidden));
        let lengths: Vec<usize> = (0..rows).map(|row| (row * 7 + 3) % (steps + 1)).collect();
        let unroll = |xs: &Array3<f32>| {
            cell.dynamic_rnn(xs.view()).sequence_length(&lengths).initial_state(h0.view()).run().unwrap()
        };
        let (outputs, state) = unroll(&xs);
        let (whole, _) = cell.dynamic_rnn(xs.view()).initial_state(h0.view()).run().unwrap();
        for (row, &length) in lengths.iter().enumerate() {
            let (out, all) = (outputs.index_axis(Axis(0), row), whole.index_axis(Axis(0), row));
            assert_eq!(out.slice(s![..length, ..]), all.slice(s![..length, ..]), "row {row}");
            assert!(out.slice(s![length.., ..]).iter().all(|&x| x == 0.0), "row {row}");
            let last = if length == 0 { h0.row(row) } else { all.row(length - 1) };
            assert_eq!(state.row(row), last, "row {row}");
        }
        // What stands in the padding is not read.
        let mut dirty = xs.clone();
        for (row, &length) in lengths.iter().enumerate() {
            dirty.slice_mut(s![row, length.., ..]).fill(f32::NAN);
        }
        assert_eq!(unroll(&dirty), (outputs, state));
    }
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let cell = Rnn::new(3, 4).init(Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let xs = Array3::zeros((2, 5, 3));
    let message = |result: Result<_, Error>| -> String {
        result.map(|_: (Array3<f32>, Array2<f32>)| ()).unwrap_err().to_string()
    };
    let wide = Array3::zeros((2, 5, 9));
    assert_eq!(message(cell.dynamic_rnn(wide.view()).run()), "xs has shape [2, 5, 9]; expected [2, 5, 3]");
    let h = Array2::zeros((2, 5));
    let found = message(cell.dynamic_rnn(xs.view()).initial_state(h.view()).run());
    assert_eq!(found, "initial_state has shape [2, 5]; expected [2, 4]");
    let found = message(cell.dynamic_rnn(xs.view()).sequence_length(&[5]).run());
    assert_eq!(found, "sequence_length has shape [1]; expected [2]");
    let found = message(cell.dynamic_rnn(xs.view()).sequence_length(&[5, 6]).run());
    assert_eq!(found, "sequence length 6 of row 1 exceeds the 5 steps of the data");
    for size in [0, 16_385] {
        let error = Rnn::new(3, size).init(Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap_err();
        assert_eq!(error.to_string(), format!("hidden_size is {size}; expected 1 to 16384"));
    }
}

/// Sequences of different lengths whose class is the sign of their sum.
fn task(rows: usize) -> Arrays {
    let mut random = Random::new(5, Purpose::Data);
    let xs = random_cube(&mut random, (rows, 6, 3));
    let lengths = Array1::from_shape_simple_fn(rows, || random.below(7) as usize);
    let sums = xs.outer_iter().zip(&lengths).map(|(x, &length)| x.slice(s![..length, ..]).sum());
    let labels = Array1::from_iter(sums.map(|sum| usize::from(sum > 0.0)));
    Arrays::with_lengths(xs, labels, lengths).unwrap()
}

fn model(hidden: usize) -> Classifier {
    let cell = Rnn::new(3, hidden).init(Init::Tf, &mut Random::new(9, Purpose::Cell)).unwrap();
    Classifier::new(&cell, 2, Init::Tf, &mut Random::new(9, Purpose::Head)).unwrap()
}

fn trained(hidden: usize, batch: usize, threads: usize, isa: Isa, seed: u64) -> Classifier {
    let data = task(300);
    let mut trainer =
        Trainer::new(model(hidden), Adam::new(0.01)).batch_size(batch).threads(threads).isa(isa).seed(seed);
    for epoch in trainer.fit(&data).unwrap().epochs(3) {
        epoch.unwrap();
    }
    trainer.model
}

#[test]
fn the_thread_count_changes_no_bit_and_the_seed_does() {
    for isa in Isa::available() {
        for (hidden, batch) in [(7, 33), (33, 100), (80, 300), (128, 1)] {
            let one = trained(hidden, batch, 1, isa, 111).arrays();
            for threads in [2, 3, 5, 8] {
                assert_eq!(trained(hidden, batch, threads, isa, 111).arrays(), one, "{isa}, {threads} threads");
            }
            assert_ne!(trained(hidden, batch, 1, isa, 112).arrays(), one, "another seed, another order");
        }
    }
}

#[test]
fn training_learns_and_prediction_agrees_with_evaluation() {
    let data = task(1000);
    let mut trainer = Trainer::new(model(16), Adam::new(0.01)).batch_size(50).threads(2);
    for epoch in trainer.fit(&data).unwrap().epochs(30) {
        epoch.unwrap();
    }
    let evaluation = trainer.evaluate(&data).unwrap();
    assert!(evaluation.accuracy > 0.95, "{evaluation:?}");
    let mut predictor = Predictor::new(trainer.model.clone(), 3);
    assert_eq!(predictor.evaluate(&data).unwrap(), evaluation);
    let probabilities = predictor.predict(&data).unwrap();
    let right = (0..data.len())
        .filter(|&row| elman::most_probable(&probabilities.row(row).to_vec()) == Some(data.label(row)))
        .count();
    assert_eq!(right, evaluation.correct);
    let loss: f64 =
        (0..data.len()).map(|row| -f64::from(probabilities[[row, data.label(row)]]).ln()).sum::<f64>() / 1000.0;
    assert!((loss - evaluation.loss).abs() < 1e-5, "{loss}, {evaluation:?}");
    assert!(probabilities.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-5));
}

/// The gradient of a batch is the sum of its parts, however they are cut: 300 rows are 19 or 10 tiles in groups.
#[test]
fn the_gradient_of_a_batch_is_the_mean_of_its_rows() {
    let data = task(300);
    let mut trainer = Trainer::new(model(20), Adam::new(0.01)).batch_size(300).threads(2);
    let all: Vec<u32> = (0..300).collect();
    let (whole, gradient) = trainer.gradient(&data, &all).unwrap();
    let (mut loss, mut sums) = (0.0, std::collections::BTreeMap::<String, Vec<f64>>::new());
    for row in &all {
        let (one, part) = trainer.gradient(&data, &[*row]).unwrap();
        loss += one.loss / 300.0;
        for (name, array) in part {
            let sum = sums.entry(name).or_insert_with(|| vec![0.0; array.data.len()]);
            sum.iter_mut().zip(&array.data).for_each(|(sum, x)| *sum += f64::from(*x) / 300.0);
        }
    }
    assert!((whole.loss - loss).abs() < 1e-6);
    for (name, array) in gradient {
        for (found, expected) in array.data.iter().zip(&sums[&name]) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{name}: {found}, {expected}");
        }
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_before_the_weights_change() {
    let mut data = task(64);
    data.xs.fill(f32::NAN);
    data.lengths.fill(6);
    let mut trainer = Trainer::new(model(8), Adam::new(0.01)).batch_size(32);
    let before = trainer.model.arrays();
    let error = trainer.fit(&data).unwrap().next_step().unwrap().unwrap_err();
    assert!(matches!(error, Error::Diverged { what: "loss", step: 1, epoch: 1, .. }), "{error}");
    assert_eq!(trainer.model.arrays(), before);
}

#[test]
fn settings_that_cannot_train_are_refused() {
    let data = task(10);
    let refuse = |trainer: &mut Trainer| trainer.fit(&data).map(|_| ()).unwrap_err().to_string();
    let trainer = || Trainer::new(model(8), Adam::new(0.01)).batch_size(10);
    assert_eq!(refuse(&mut trainer().batch_size(0)), "batch_size is 0; expected 1 to 10, the rows of the training set");
    assert!(refuse(&mut trainer().batch_size(11)).starts_with("batch_size is 11; expected 1 to 10"));
    let mut nan = trainer();
    nan.adam.learning_rate = f64::NAN;
    assert_eq!(
        refuse(&mut nan),
        "learning_rate is NaN; expected a finite number above 0, from 1.1754944e-38 to 3.4028235e38"
    );
    let mut labels = task(10);
    labels.labels[3] = 2;
    let message = trainer().fit(&labels).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "label 2 of row 3; the model has classes 0 to 1");
    let wide = Arrays::new(Array3::zeros((10, 6, 4)), Array1::zeros(10)).unwrap();
    let message = trainer().fit(&wide).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "the data has shape [10, 6, 4]; expected [10, 6, 3]");
    assert!(Arrays::new(Array3::zeros((10, 6, 4)), Array1::zeros(9)).is_err());
    assert!(trainer().train_rows(&data, &[10]).unwrap_err().to_string().contains("below 10"));
    assert!(trainer().train_rows(&data, &[]).is_err());
}

#[test]
fn a_model_survives_its_file_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    for hidden in [1, 16, 33] {
        let mut model = model(hidden);
        model.steps = Some(6);
        model.save(&one).unwrap();
        let loaded = Classifier::load(&one).unwrap();
        assert_eq!((loaded.arrays(), loaded.config()), (model.arrays(), model.config()));
        loaded.save(&two).unwrap();
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
        let data = task(40);
        assert_eq!(Predictor::new(loaded, 1).predict(&data).unwrap(), Predictor::new(model, 1).predict(&data).unwrap());
    }
}

/// Writes a model file with other metadata or arrays, and returns why it is refused.
fn refused(change: impl FnOnce(&mut elman::formats::File)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model(4).save(&path).unwrap();
    let mut file = elman::formats::read(&path).unwrap();
    change(&mut file);
    elman::formats::write(&path, &file).unwrap();
    let message = Classifier::load(&path).unwrap_err().to_string();
    assert!(message.contains("model.safetensors"), "{message}");
    message
}

fn edited(from: &str, to: &str) -> String {
    refused(|file| {
        let config = file.metadata.values_mut().next().unwrap();
        assert!(config.contains(from), "{config}");
        *config = config.replace(from, to);
    })
}

#[test]
fn foreign_and_damaged_models_are_refused() {
    assert!(refused(|file| file.metadata.clear()).contains("no configuration"));
    assert!(edited("\"version\":1", "\"version\":2").contains("version 2; this program knows 1"));
    assert!(edited("\"rnn\"", "\"lstm\"").contains("lstm"));
    assert!(edited("\"tanh\"", "\"softplus\"").contains("unknown activation \"softplus\"; expected tanh, relu"));
    assert!(edited("\"hidden\":4", "\"hidden\":5").contains("layers.0.kernel"));
    assert!(edited("\"hidden\":4", "\"hidden\":9999999999").contains("hidden_size is 9999999999"));
    assert!(edited("\"classes\":2", "\"classes\":3").contains("head.kernel is of shape [4, 2]"));
    assert!(refused(|file| drop(file.arrays.remove("head.kernel"))).contains("head.kernel is missing"));
    // A recurrent kernel that is not there must not be made room for.
    assert!(
        refused(|file| drop(file.arrays.remove("layers.0.recurrent_kernel"))).contains("recurrent_kernel is missing")
    );
    let extra = elman::formats::Array { shape: vec![1], data: vec![0.0] };
    assert!(refused(|file| drop(file.arrays.insert("extra".into(), extra))).contains("extra"));
    let turned = |file: &mut elman::formats::File| {
        file.arrays.get_mut("head.kernel").unwrap().shape.reverse();
    };
    assert!(refused(turned).contains("head.kernel is of shape [2, 4]; its configuration expects [4, 2]"));
    assert!(Classifier::load(Path::new("no/model")).unwrap_err().to_string().contains("no/model"));
}

#[test]
fn memory_is_known_before_the_start() {
    let trainer = Trainer::new(model(128), Adam::new(0.01)).batch_size(128).threads(2);
    let memory = trainer.memory(28);
    // 2 tiles of 16 rows and 28 steps are about 0.7 MB; 8 gradients of 17,100 parameters 0.6 MB.
    assert!((500_000..2_000_000).contains(&memory.total()), "{memory:?}");
    assert_eq!(memory.total(), memory.model + memory.groups + memory.workspaces);
}
