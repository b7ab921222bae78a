//! Streams of a model: what they answer, and their state, taken out, put back, as bytes.

use std::sync::Arc;

use crate::support::networks::{forward_networks, inputs};
use elman::{
    Activation, Build, Conv1d, Error, Gru, Head, Init, Layer, Link, Lstm, Model, Nonlinearity, Padding, Purpose,
    Random, Reads, Rnn, Stack, StepDense, StepPool, Stream, StreamState, Window,
};
use ndarray::{Array3, s};

const ROWS: usize = 5;
const STEPS: usize = 6;

fn model(stack: impl Into<Stack>, head: Head) -> Arc<Model> {
    Arc::new(Model::init(stack, head, Init::PyTorch, 8).unwrap())
}

/// A head of every kind of reading, with hidden layers and without.
fn heads() -> Vec<Head> {
    let hidden = |head: Head| head.hidden(9, Nonlinearity::Tanh);
    vec![
        Head::last_state(3),
        hidden(Head::every_step(3)),
        Head::every_step(2),
        hidden(Head::values(2, Link::Sigmoid).reads(Reads::Mean)),
        Head::last_state(2).reads(Reads::Max),
        Head::last_state(2).reads(Reads::Attention),
        Head::quantiles(&[0.1, 0.9], 2),
    ]
}

/// Every forward network with every head, and inputs [B, T, I].
fn models() -> impl Iterator<Item = (String, Arc<Model>, Array3<f32>)> {
    forward_networks().into_iter().flat_map(|(name, network)| {
        let xs = inputs(&network, ROWS, STEPS, 3);
        heads().into_iter().map(move |head| {
            let name = format!("{name}, {head:?}");
            (name, model(network.stack().clone(), head), xs.clone())
        })
    })
}

/// One step of all rows.
fn step(xs: &Array3<f32>, t: usize) -> Vec<f32> {
    xs.slice(s![.., t, ..]).iter().copied().collect()
}

fn bits(floats: &[f32]) -> Vec<u32> {
    floats.iter().map(|x| x.to_bits()).collect()
}

/// Networks that read windows which end with the step that they stand for.
fn causal() -> Vec<Stack> {
    let conv = |input, size| Conv1d::new(input, 6, size).padding(Padding::Causal).activation(Nonlinearity::Relu);
    let ends = Window::new(2).dilation(3).padding(Padding::Ends { before: 3, after: 0 });
    let pool = |pool: StepPool| Layer::new(pool).window(Window::new(pool.steps).padding(Padding::Causal));
    vec![
        Stack::new(conv(3, 4)).then(Lstm::new(6, 5)),
        Stack::new(conv(3, 3).dilation(2)).then(pool(StepPool::max(6, 3))).then(Gru::new(6, 5)),
        Stack::new(Layer::new(StepDense::new(6, 4)).window(ends)).then(pool(StepPool::mean(4, 2))).then(Rnn::new(4, 5)),
        Stack::new(Rnn::new(3, 4)).then(conv(4, 2)).then(Gru::new(6, 5)),
        Stack::new(conv(4, 3)).then(Lstm::new(6, 5)).embedding(9),
        Stack::new(conv(3, 1)).then(Rnn::new(6, 5)),
    ]
}

/// A sequence is its steps where windows are causal, wherever the stream is cut: what they read before goes with its state.
#[test]
fn a_stream_keeps_what_causal_windows_read() {
    for stack in causal() {
        for head in [Head::last_state(3), Head::every_step(2), Head::last_state(2).reads(Reads::Max)] {
            let model = model(stack.clone(), head);
            let steps = 9;
            let xs = inputs(&model.network(), ROWS, steps, 3);
            let mut stream = model.streams(ROWS).unwrap();
            for t in 0..steps {
                let expected = model.logits(xs.slice(s![.., ..=t, ..]), None).unwrap();
                let last = expected.shape()[1] - 1;
                stream.step(&step(&xs, t));
                let logits = stream.logits().to_vec();
                for (row, own) in logits.chunks_exact(logits.len() / ROWS).enumerate() {
                    let expected = expected.slice(s![row, last, ..]).to_vec();
                    assert_eq!(bits(own), bits(&expected), "{stack:?}, step {t}, row {row}");
                }
                // Rows that go on elsewhere, in another order, from bytes.
                let rows = [3, 0, 4, 1, 2];
                let state = StreamState::of_bytes(&stream.state_of(&rows).to_bytes()).unwrap();
                let mut other = model.streams(ROWS).unwrap();
                other.set_state_of(&rows, &state).unwrap();
                stream = other;
            }
            // A row that begins again has nothing before it.
            stream.reset_row(1);
            let again = model.logits(xs.slice(s![1..2, ..1, ..]), None).unwrap();
            stream.step(&step(&xs, 0));
            let logits = stream.logits();
            let own = &logits[logits.len() / ROWS..2 * logits.len() / ROWS];
            assert_eq!(bits(own), bits(again.as_slice().unwrap()), "{stack:?}");
        }
    }
}

#[test]
fn windows_that_are_not_causal_have_no_stream_and_the_refusal_says_why() {
    let conv = || Conv1d::new(3, 4, 3);
    for (conv, why) in [
        (conv(), "a row's first steps have no window"),
        (conv().padding(Padding::Same), "a window reads steps that are still to come"),
        (conv().padding(Padding::Ends { before: 1, after: 0 }), "a row's first steps have no window"),
        (conv().padding(Padding::Ends { before: 0, after: 2 }), "a window reads steps that are still to come"),
        (conv().padding(Padding::Causal).stride(2), "it gives one step for every 2"),
    ] {
        let model = model(Stack::new(conv).then(Rnn::new(4, 4)), Head::last_state(2));
        let found = model.stream().unwrap_err().to_string();
        assert!(found.contains("the layer reads windows of several steps, and ") && found.contains(why), "{found}");
        assert!(found.contains("padded in front alone, with a stride of 1 (causal)"), "{found}");
    }
    // The state of a network has no place for them.
    let network: Arc<elman::Network> = Arc::new(
        model(Stack::new(conv().padding(Padding::Causal)).then(Rnn::new(4, 4)), Head::last_state(2)).network(),
    );
    let found = network.stream().unwrap_err().to_string();
    assert!(found.contains("the stream of a model has, where windows are causal"), "{found}");
}

#[test]
fn a_stream_says_what_the_sequence_says_alone_and_side_by_side() {
    for (name, model, xs) in models() {
        let mut together = model.streams(ROWS).unwrap();
        let mut alone: Vec<Stream> = (0..ROWS).map(|_| model.stream().unwrap()).collect();
        for t in 0..STEPS {
            // The row so far, as a sequence of its own.
            let expected = model.logits(xs.slice(s![.., ..=t, ..]), None).unwrap();
            let last = expected.shape()[1] - 1;
            let answers = together.step(&step(&xs, t)).to_vec();
            let logits = together.logits().to_vec();
            let each = logits.len() / ROWS;
            for (row, alone) in alone.iter_mut().enumerate() {
                let own = row * each..(row + 1) * each;
                let answer = alone.step(&xs.slice(s![row, t, ..]).to_vec()).to_vec();
                assert_eq!(bits(&answers[own.clone()]), bits(&answer), "{name}, step {t}, row {row}");
                let expected = expected.slice(s![row, last, ..]).to_vec();
                assert_eq!(bits(&logits[own]), bits(&expected), "{name}, step {t}, row {row}");
                assert_eq!(bits(together.h(row)), bits(alone.h(0)), "{name}");
            }
        }
        // Reading without answers in between changes nothing.
        let mut reader = model.streams(ROWS).unwrap();
        (0..STEPS).for_each(|t| drop(reader.read(&step(&xs, t)).to_vec()));
        assert_eq!(bits(reader.answer()), bits(together.answer()), "{name}");
        // A row starts again beside the others.
        together.reset_row(2);
        alone[2].reset();
        let answers = together.step(&step(&xs, 0)).to_vec();
        for (row, alone) in alone.iter_mut().enumerate() {
            let answer = alone.step(&xs.slice(s![row, 0, ..]).to_vec()).to_vec();
            let own = row * answer.len()..(row + 1) * answer.len();
            assert_eq!(bits(&answers[own]), bits(&answer), "{name}, row {row}");
        }
    }
}

#[test]
fn a_stream_owns_what_it_needs() {
    fn of_its_own<T: Send + Sync + 'static>(_: &T) {}
    let model = model(Gru::new(3, 4), Head::last_state(2));
    let mut stream = model.stream().unwrap();
    of_its_own(&stream);
    let mut copy = stream.clone();
    drop(model);
    let there = std::thread::spawn(move || copy.step(&[0.1, 0.2, 0.3]).to_vec()).join().unwrap();
    assert_eq!(stream.step(&[0.1, 0.2, 0.3]), there);
}

#[test]
fn a_state_goes_on_elsewhere_bit_for_bit() {
    for (name, model, xs) in models() {
        let mut stream = model.streams(ROWS).unwrap();
        (0..3).for_each(|t| drop(stream.step(&step(&xs, t)).to_vec()));
        let state = stream.state();
        assert_eq!((state.rows(), state.fingerprint()), (ROWS, model.fingerprint()));
        let loaded = StreamState::of_bytes(&state.to_bytes()).unwrap();
        assert_eq!(loaded, state, "{name}");
        // Elsewhere: another process has the model from its file.
        let other = Arc::new(Model::of_config(&model.config(), &model.arrays()).unwrap());
        let mut later = other.streams(ROWS).unwrap();
        later.step(&step(&xs, 5));
        later.set_state(&loaded).unwrap();
        assert_eq!(bits(later.answer()), bits(stream.answer()), "{name}: the answer to what was read before");
        // Rows by themselves, in another order.
        let mut one = model.streams(2).unwrap();
        one.set_state_of(&[1, 0], &state.select(&[4, 2])).unwrap();
        assert_eq!(one.state_of(&[1]), state.select(&[4]), "{name}");
        for t in 3..STEPS {
            let (x, answers) = (step(&xs, t), stream.step(&step(&xs, t)).to_vec());
            assert_eq!(bits(later.step(&x)), bits(&answers), "{name}, step {t}");
            let (input, each) = (x.len() / ROWS, answers.len() / ROWS);
            let of = |floats: &[f32], each: usize| [&floats[2 * each..][..each], &floats[4 * each..][..each]].concat();
            assert_eq!(bits(one.step(&of(&x, input))), bits(&of(&answers, each)), "{name}, step {t}");
        }
        assert_eq!(later.state(), stream.state(), "{name}");
    }
}

/// Whose rows are of steps 3 and 1.
fn kept() -> (Stream, StreamState) {
    let model = model(Lstm::new(2, 3), Head::last_state(2).reads(Reads::Mean));
    let mut stream = model.streams(2).unwrap();
    (0..3).for_each(|t| {
        if t == 2 {
            stream.reset_row(1);
        }
        stream.step(&[0.1, 0.2, 0.3, 0.4]);
    });
    let state = stream.state();
    (stream, state)
}

#[test]
fn bytes_that_are_no_state_are_refused_in_words() {
    let (_, state) = kept();
    let bytes = state.to_bytes();
    let message = |bytes: &[u8]| {
        let error = StreamState::of_bytes(bytes).unwrap_err();
        assert!(matches!(error, Error::StreamState { .. }));
        error.to_string()
    };
    for length in 0..bytes.len() {
        let found = message(&bytes[..length]);
        assert!(found.contains("ends after") || found.contains("cut off"), "{length}: {found}");
    }
    assert!(message(&[&bytes[..], &[0]].concat()).contains("cut off or damaged"));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let found = message(&damaged);
            let expected = match at {
                0..8 => "does not start with \"elman-st\"",
                8..12 => "version",
                16..40 => "cut off or damaged",
                _ => "damaged: its checksum is",
            };
            assert!(found.contains(expected), "byte {at}: {found}");
        }
    }
    let mut later = bytes;
    later[8] = 2;
    assert!(message(&later).contains("it has version 2; this program knows 1"));
    assert!(message(b"PK\x03\x04 and so on").contains("does not start with"));
    // Sizes beyond all memory are not believed.
    let huge = [&b"elman-st\x01\0\0\0\0\0\0\0"[..], &[0xff; 24], &[0; 4]].concat();
    assert!(message(&huge).contains("cut off or damaged"));
}

#[test]
fn a_state_of_another_model_or_of_other_rows_is_refused() {
    let (mut stream, state) = kept();
    let head = || Head::last_state(2).reads(Reads::Mean);
    let others = [
        model(Lstm::new(2, 4), head()),
        model(Lstm::new(2, 3).cell_clip(0.5), head()),
        model(Lstm::new(2, 3), Head::last_state(2).reads(Reads::Max)),
        Arc::new(Model::init(Lstm::new(2, 3), head(), Init::PyTorch, 9).unwrap()),
    ];
    for other in others {
        assert_ne!(other.fingerprint(), state.fingerprint());
        let message = other.streams(2).unwrap().set_state(&state).unwrap_err().to_string();
        let both = [state.fingerprint(), other.fingerprint()].map(|print| format!("{print:08x}"));
        assert!(both.iter().all(|print| message.contains(print)), "{message}");
    }
    let message = |result: Result<(), Error>| result.unwrap_err().to_string();
    assert_eq!(message(stream.set_state(&state.select(&[0]))), "the state, its rows, has shape [1]; expected [2]");
    assert!(message(stream.set_state_of(&[0, 2], &state)).contains("a row's number is 2; expected below 2"));
    assert_eq!(stream.state(), state, "as it was");
}

#[test]
fn a_state_that_left_the_numbers_is_not_taken_up() {
    let model = model(Rnn::new(1, 2).activation(Activation::Relu), Head::every_step(2));
    let mut stream = model.stream().unwrap();
    stream.try_step(&[f32::NAN]).unwrap_err();
    stream.step(&[f32::NAN]);
    assert!(!stream.is_finite(0));
    let broken = stream.state();
    assert!(matches!(stream.set_state(&broken).unwrap_err(), Error::NotFinite { .. }));
    stream.reset();
    assert!(stream.is_finite(0));
}

#[test]
fn a_fingerprint_is_of_what_a_model_answers() {
    let first = Model::init(Gru::new(2, 3), 2, Init::Keras, 1).unwrap();
    let mut same = first.clone();
    (same.meaning, same.steps) = (Some(serde_json::json!({"job": "mine"}).into()), Some(7));
    assert_eq!(same.fingerprint(), first.fingerprint());
    for name in first.arrays().keys() {
        let mut arrays = first.arrays();
        arrays.get_mut(name).unwrap().data[0] += 0.5;
        same.set_arrays(&arrays).unwrap();
        assert_ne!(same.fingerprint(), first.fingerprint(), "{name}");
    }
}

#[test]
fn one_line_gives_the_bits_of_the_long_form() {
    for init in [Init::Tf, Init::Keras, Init::PyTorch] {
        let stack = || Stack::new(Layer::new(Lstm::new(3, 5)).dropout(0.1)).then(Gru::new(5, 4)).embedding(7);
        let network = stack().init(init, &mut Random::new(111, Purpose::Cell)).unwrap();
        let head = Head::every_step(7).hidden(6, Nonlinearity::Relu);
        let long = Model::new(&network, head.clone(), init, &mut Random::new(111, Purpose::Head)).unwrap();
        assert_eq!(Model::init(stack(), head, init, 111).unwrap().arrays(), long.arrays(), "{init:?}");
    }
}
