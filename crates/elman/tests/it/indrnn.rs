//! Cells whose units see themselves alone: where they start, and what they carry.

use elman::{Activation, Build, IndRnn, Init, Purpose, Random};
use ndarray::Array3;

#[test]
fn an_indrnn_starts_as_a_dense_layer_that_keeps_a_part_of_its_state() {
    for init in Init::ALL {
        let network = IndRnn::new(28, 100).init(init, &mut Random::new(3, Purpose::Cell)).unwrap();
        let arrays = network.arrays();
        let [kernel, own, bias] =
            ["kernel", "recurrent_kernel", "bias"].map(|name| arrays[&format!("layers.0.{name}")].data.as_slice());
        assert_eq!((kernel.len(), own.len(), bias.len()), (2800, 100, 100));
        let bound = match init {
            Init::Tf | Init::Keras => (6.0f32 / 128.0).sqrt(),
            Init::PyTorch => 1.0 / 28f32.sqrt(),
        };
        let largest = |values: &[f32]| values.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        assert!(largest(kernel) <= bound && largest(kernel) > 0.95 * bound, "{init:?}");
        assert!(own.iter().all(|u| (0.0..1.0).contains(u)) && largest(own) > 0.9, "{init:?}");
        assert!(own.iter().any(|&u| u < 0.1), "{init:?}");
        match init {
            Init::Tf | Init::Keras => assert_eq!(largest(bias), 0.0),
            Init::PyTorch => assert!(largest(bias) <= bound && largest(bias) > 0.0),
        }
    }
}

/// A unit adds up what it reads, times u a step, and sees no other.
#[test]
fn units_are_independent() {
    let network =
        IndRnn::new(2, 2).activation(Activation::Relu).init(Init::Tf, &mut Random::new(3, Purpose::Cell)).unwrap();
    let mut arrays = network.arrays();
    for (name, values) in
        [("kernel", &[1.0, 0.0, 0.0, 1.0][..]), ("recurrent_kernel", &[0.5, 1.0]), ("bias", &[0.0, 0.25])]
    {
        arrays.get_mut(&format!("layers.0.{name}")).unwrap().data.copy_from_slice(values);
    }
    let network = network.stack().clone().with_arrays(&arrays).unwrap();
    // [B, T, I]: the first reads 8 and then nothing, the second nothing at all.
    let xs = Array3::from_shape_vec((1, 4, 2), vec![8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    let (outputs, _) = network.dynamic_rnn(xs.view()).run().unwrap();
    assert_eq!(outputs.iter().copied().collect::<Vec<f32>>(), [8.0, 0.25, 4.0, 0.5, 2.0, 0.75, 1.0, 1.0]);
}
