//! Cells whose units see themselves alone: where they start, and what they carry.

use elman::{Activation, Arrays, Build, Error, IndRnn, Init, Model, Purpose, Random, Sgd, Stack, Trainer};
use ndarray::{Array1, Array3};

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

/// Li et al. (2018), section 3.1: |u| stays within its bound, whatever the steps are; with no bound it leaves it.
#[test]
fn training_keeps_the_weights_of_the_state_within_their_bound() {
    let mut random = Random::new(5, Purpose::Data);
    let xs = Array3::from_shape_simple_fn((64, 6, 3), || random.uniform(1.0));
    let labels = Array1::from_iter(xs.outer_iter().map(|x| usize::from(x.sum() > 0.0)));
    let data = Arrays::classes(xs, labels).unwrap();
    let largest = |bound: Option<f32>, average: Option<f64>| {
        let cell = |input| IndRnn { recurrent_bound: bound, ..IndRnn::new(input, 37) };
        let model = Model::init(Stack::new(cell(3)).then(cell(37)), 2, Init::Tf, 1).unwrap();
        let mut trainer = Trainer::new(model, Sgd::new(1.0)).batch_size(16);
        trainer.descent.weight_average = average;
        trainer.fit(&data).unwrap().epochs(3).for_each(|epoch| assert!(epoch.unwrap().loss.is_finite()));
        let arrays = trainer.into_model().arrays();
        let own = |layer: usize| &arrays[&format!("layers.{layer}.recurrent_kernel")].data;
        assert!(arrays["layers.1.kernel"].data.iter().any(|w| w.abs() > 0.25));
        [0, 1].map(|layer| own(layer).iter().fold(0f32, |largest, u| largest.max(u.abs())))
    };
    assert!(largest(Some(0.25), None).iter().all(|&u| u <= 0.25));
    // A step of nothing but the bound.
    assert!(largest(Some(0.01), None).iter().all(|&u| u <= 0.01));
    assert!(largest(None, None).iter().all(|&u| u > 0.25));
    assert!(largest(Some(0.25), Some(0.5)).iter().all(|&u| u < 0.4), "an average of such weights nears the bound");
    for bound in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let error = Model::init(IndRnn::new(3, 4).recurrent_bound(bound), 2, Init::Tf, 1).unwrap_err();
        assert!(matches!(error, Error::Setting { what: "recurrent_bound", .. }), "{error}");
    }
}
