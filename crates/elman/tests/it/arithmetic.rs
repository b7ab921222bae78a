//! Products in pieces of bf16: a setting of a network, kept by its files, that changes numbers by what it leaves out and no law.

use std::sync::Arc;

use crate::support::networks::{in_pieces, random_cube};
use crate::support::tasks::{model, signs};
use elman::{Adam, Arithmetic, Arrays, Gru, Isa, Lstm, Model, Predictor, Rnn, Stack, Trainer};
use ndarray::{Array1, s};

fn trained(arithmetic: Arithmetic, isa: Isa, threads: usize) -> Trainer {
    let data = signs(70);
    let stack = Stack::new(Lstm::new(3, 21)).then(Gru::new(21, 9));
    let trainer = Trainer::new(model(stack, 2), Adam::new(0.01)).batch_size(40).arithmetic(arithmetic);
    let mut trainer = trainer.isa(isa).threads(threads).seed(3);
    for step in trainer.fit(&data).unwrap().epochs(2) {
        step.unwrap();
    }
    trainer
}

#[test]
fn threads_change_no_bit_and_the_arithmetic_does() {
    let plain = trained(Arithmetic::F32, Isa::best(), 1).model().arrays();
    for arithmetic in &Arithmetic::ALL[1..] {
        let one = trained(*arithmetic, Isa::best(), 1).model().arrays();
        assert!(one != plain, "{arithmetic} is f32");
        for threads in [2, 3, 8] {
            assert!(
                trained(*arithmetic, Isa::best(), threads).model().arrays() == one,
                "{arithmetic}, {threads} threads"
            );
        }
        // With a unit for bf16 or without, and whatever vectors there are.
        for isa in Isa::available().filter(|isa| isa.fuses()) {
            assert!(trained(*arithmetic, isa, 2).model().arrays() == one, "{arithmetic}, {isa}");
        }
    }
}

#[test]
fn an_arithmetic_is_as_near_as_it_says() {
    let data = signs(70);
    let exact = Predictor::new(trained(Arithmetic::F32, Isa::best(), 1).into_model(), 1).predict(&data).unwrap();
    for (arithmetic, most) in [(Arithmetic::Split3, 1e-6), (Arithmetic::Split2, 1e-4), (Arithmetic::Bf16, 0.05)] {
        let model = trained(Arithmetic::F32, Isa::best(), 1).into_model();
        let found = Predictor::new(model, 1).arithmetic(arithmetic).predict(&data).unwrap();
        let largest = (&found - &exact).iter().fold(0.0f32, |most, x| most.max(x.abs()));
        assert!(largest <= most, "{arithmetic}: {largest}");
        assert!(arithmetic == Arithmetic::Split3 || largest > 0.0, "{arithmetic} is f32");
    }
}

#[test]
fn a_file_keeps_the_arithmetic_and_says_nothing_of_f32() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for (name, stack) in in_pieces() {
        let arithmetic = stack.arithmetic;
        let of = model(stack, 2);
        of.save(&path).unwrap();
        let again = Model::load(&path).unwrap();
        assert_eq!(again.stack().arithmetic, arithmetic, "{name}");
        assert_eq!(again.fingerprint(), of.fingerprint(), "{name}");
        let other = again.arithmetic(Arithmetic::F32);
        assert_ne!(other.fingerprint(), of.fingerprint(), "{name}: a state would go on to other bits");
        other.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("arithmetic"), "{name}: older programs read no such file");
    }
}

#[test]
fn streams_of_a_model_answer_as_it_predicts() {
    let xs = random_cube((5, 6, 3), 5);
    let data = Arrays::classes(xs.clone(), Array1::zeros(5)).unwrap();
    for arithmetic in &Arithmetic::ALL[1..] {
        let model = Arc::new(model(Rnn::new(3, 18), 2).arithmetic(*arithmetic));
        let expected = Predictor::new((*model).clone(), 2).predict(&data).unwrap();
        let mut stream = model.stream().unwrap();
        for (row, expected) in expected.rows().into_iter().enumerate() {
            stream.reset();
            for x in xs.slice(s![row, .., ..]).rows() {
                stream.read(x.as_slice().unwrap());
            }
            assert_eq!(stream.answer(), expected.to_vec(), "{arithmetic}, row {row}");
        }
    }
}

#[test]
fn a_run_goes_on_in_its_own_arithmetic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    trained(Arithmetic::Split2, Isa::best(), 1).checkpoint().save(&path).unwrap();
    let checkpoint = elman::Checkpoint::load(&path).unwrap();
    let stack = || Stack::new(Lstm::new(3, 21)).then(Gru::new(21, 9));
    let other =
        |arithmetic| Trainer::new(model(stack(), 2), Adam::new(0.01)).batch_size(40).seed(3).arithmetic(arithmetic);
    let error = other(Arithmetic::F32).resume(&checkpoint).unwrap_err().to_string();
    assert_eq!(error, "arithmetic is f32; expected split2, as when training began: the result would be another");
    other(Arithmetic::Split2).resume(&checkpoint).unwrap();
}
