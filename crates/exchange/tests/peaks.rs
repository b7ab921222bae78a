//! What comparing an imported model takes of memory is bounded by its layers. One test in its own process: the allocator
//! counts for all threads.

#[path = "../../datasets/tests/peak/mod.rs"]
mod peak;

use elman::formats;
use elman_exchange::{Hints, keras};
use peak::peak;
use serde_json::{Value, json};

#[test]
fn memory_is_bounded_by_the_layers_that_are_compared() {
    // A model of Keras with layers that hand a wide one's numbers on, while its equations run.
    const WIDE: usize = 8192;
    let layer = |class: &str, config: Value| json!({ "class_name": class, "config": config });
    let mut layers = vec![
        layer("InputLayer", json!({ "batch_shape": [null, null, 1] })),
        layer("Dense", json!({ "units": WIDE, "name": "wide" })),
    ];
    layers.extend((0..200).map(|number| layer("Identity", json!({ "name": format!("identity_{number}") }))));
    layers.push(layer("SimpleRNN", json!({ "units": 1, "name": "rnn" })));
    layers.push(layer("Dense", json!({ "units": 2, "name": "head" })));
    let array = |shape: &[usize]| formats::Array { shape: shape.to_vec(), data: vec![0.01; shape.iter().product()] };
    let arrays = [
        ("dense/vars/0", array(&[1, WIDE])),
        ("dense/vars/1", array(&[WIDE])),
        ("simple_rnn/cell/vars/0", array(&[WIDE, 1])),
        ("simple_rnn/cell/vars/1", array(&[1, 1])),
        ("simple_rnn/cell/vars/2", array(&[1])),
        ("dense_1/vars/0", array(&[1, 2])),
        ("dense_1/vars/1", array(&[2])),
    ];
    let archive = formats::keras::Archive {
        config: layer("Sequential", json!({ "layers": layers })),
        metadata: json!({ "keras_version": "3.15.1" }),
        arrays: arrays.into_iter().map(|(name, array)| (format!("layers/{name}"), array)).collect(),
        attributes: Default::default(),
    };
    let (imported, most) = peak(|| keras::import(&archive, &Hints::default()));
    assert_eq!(imported.unwrap().report.compared.unwrap().batches, 6);
    let of_one = 24 * WIDE * 8;
    assert!(most <= 12 * of_one, "{most} bytes, {} times those of the wide layer's numbers", most / of_one);
}
