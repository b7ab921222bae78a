//! Logits are what probabilities and quantiles are made of.

use elman::{Arrays, Gru, Head, Init, Layer, Merge, Model, Network, Predictor, Purpose, Random, Rnn, Sequences, Stack};
use ndarray::{Array1, Array3};

fn model(stack: impl Into<Stack>, head: Head) -> Model {
    let network = Network::new(stack, Init::PyTorch, &mut Random::new(3, Purpose::Cell)).unwrap();
    Model::new(&network, head, Init::PyTorch, &mut Random::new(3, Purpose::Head)).unwrap()
}

fn inputs() -> Array3<f32> {
    let mut random = Random::new(5, Purpose::Data);
    Array3::from_shape_simple_fn((4, 6, 3), || random.uniform(1.0))
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f32> = logits.iter().map(|x| (x - max).exp()).collect();
    powers.iter().map(|power| power / powers.iter().sum::<f32>()).collect()
}

#[test]
fn softmax_of_them_is_what_the_predictor_says() {
    let both = Layer::new(Gru::new(3, 5)).bidirectional(Merge::Concat);
    let model = model(both, Head::last_state(4));
    let data = Arrays::new(inputs(), Array1::zeros(4)).unwrap();
    let expected = Predictor::new(model.clone(), 1).predict(&data).unwrap();
    let logits = model.logits(inputs().view(), None).unwrap();
    assert_eq!(logits.dim(), (4, 1, 4));
    for (row, expected) in expected.outer_iter().enumerate() {
        for (found, expected) in softmax(&logits.slice(ndarray::s![row, 0, ..]).to_vec()).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}

#[test]
fn a_row_ends_at_its_length() {
    let model = model(Rnn::new(3, 5), Head::every_step(4));
    let xs = inputs();
    let logits = model.logits(xs.view(), Some(&[6, 1, 0, 3])).unwrap();
    assert_eq!(logits.dim(), (4, 6, 4));
    let (_, bias) = model.head_arrays();
    assert_eq!(logits.slice(ndarray::s![2, 5, ..]).to_vec(), bias);
    let whole = model.logits(xs.view(), None).unwrap();
    let data = Arrays::new(xs, Array1::zeros(4)).unwrap();
    assert_eq!(data.steps(), 6);
    for step in 0..3 {
        let at = ndarray::s![3, step, ..];
        assert_eq!(logits.slice(at), whole.slice(at));
    }
}
