//! Any valid configuration builds, learns a step, and comes back from its file with the same bits; any other is refused in
//! words.

use std::path::Path;

use crate::support::networks::inputs;
use elman::{
    Activation, Adam, AnyCell, Arrays, Gru, Head, Init, Layer, Link, Lstm, Merge, Model, Network, Noise, Nonlinearity,
    Predictor, Predicts, Purpose, Random, Reads, Reset, Rnn, Stack, StepDense, StepNorm, StepScale, Trainer, formats,
};
use ndarray::{Array1, Array2, Array3};
use proptest::prelude::*;

const ROWS: usize = 5;
const STEPS: usize = 4;

/// A layer, but for its input, which the layers before it decide.
#[derive(Clone, Debug)]
struct Recipe {
    cell: usize,
    hidden: usize,
    projection: Option<usize>,
    options: [bool; 4],
    clip: Option<f32>,
    noise: [f32; 4],
    direction: Option<Merge>,
    residual: bool,
    dropout: f32,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let rate = || prop_oneof![Just(0.0_f32), 0.0..0.9_f32];
    let merge = prop_oneof![
        Just(None),
        Just(Some(Merge::Concat)),
        Just(Some(Merge::Sum)),
        Just(Some(Merge::Average)),
        Just(Some(Merge::Multiply))
    ];
    let numbers = (0..6_usize, 1..20_usize, proptest::option::of(1..20_usize), proptest::option::of(0.05..2.0_f32));
    (numbers, any::<[bool; 4]>(), [rate(), rate(), rate(), rate()], merge, any::<bool>(), rate()).prop_map(
        |((cell, hidden, projection, clip), options, noise, direction, residual, dropout)| Recipe {
            cell,
            hidden,
            projection,
            options,
            clip,
            noise,
            direction,
            residual,
            dropout,
        },
    )
}

impl Recipe {
    fn layer(&self, input: usize, last: bool) -> Layer {
        let Recipe { hidden, options: [a, b, c, _], .. } = *self;
        let [recurrent_dropout, candidate_dropout, zoneout, memory_zoneout] = self.noise;
        let noise = Noise { recurrent_dropout, candidate_dropout, zoneout, memory_zoneout: 0.0 };
        let cell: AnyCell = match self.cell {
            0 => Rnn::new(input, hidden)
                .activation(if a { Activation::Relu } else { Activation::Tanh })
                .noise(Noise { candidate_dropout: 0.0, ..noise })
                .into(),
            1 => {
                let mut lstm = Lstm::new(input, hidden).peepholes(a).coupled(b).layer_norm(c);
                lstm.projection = self.projection;
                lstm.cell_clip = self.clip;
                lstm.projection_clip = self.clip.filter(|_| self.projection.is_some() && a);
                lstm.noise(Noise { memory_zoneout, ..noise }).into()
            }
            2 => StepDense::new(input, hidden).activation(phi(hidden)).into(),
            3 => StepNorm::new(input).epsilon(1e-3).into(),
            4 => StepScale::new(input).into(),
            _ => Gru::new(input, hidden)
                .reset(if a { Reset::Before } else { Reset::After })
                .layer_norm(b)
                .noise(noise)
                .into(),
        };
        let mut layer = Layer::new(cell).dropout(if last { 0.0 } else { self.dropout });
        layer.bidirectional = self.direction;
        layer.residual = self.residual && layer.input() == layer.output();
        layer
    }
}

/// One of the pointwise functions; not the exponential, three of which leave the range of `f32`.
fn phi(number: usize) -> Nonlinearity {
    let tame: Vec<_> = Nonlinearity::ALL.into_iter().filter(|phi| *phi != Nonlinearity::Exponential).collect();
    tame[number % tame.len()]
}

#[derive(Clone, Debug)]
struct Whole {
    recipes: Vec<Recipe>,
    input: usize,
    tokens: Option<usize>,
    head: Head,
}

fn whole() -> impl Strategy<Value = Whole> {
    let head = prop_oneof![
        (2..9_usize).prop_map(Head::last_state),
        (2..9_usize).prop_map(Head::every_step),
        (1..4_usize).prop_map(|horizon| Head::quantiles(&[0.1, 0.5, 0.9], horizon)),
        (1..4_usize, prop_oneof![Just(Link::Identity), Just(Link::Sigmoid)])
            .prop_map(|(outputs, link)| Head::values(outputs, link)),
    ];
    let reads = proptest::option::of(prop_oneof![
        Just(Reads::EveryStep),
        Just(Reads::Mean),
        Just(Reads::Max),
        Just(Reads::Attention)
    ]);
    let hidden = proptest::collection::vec(1..20_usize, 0..3);
    let head = (head, reads, hidden).prop_map(|(head, reads, hidden)| {
        let quantiles = matches!(head.predicts, Predicts::Quantiles(_));
        let head = hidden.into_iter().fold(head, |head, size| head.hidden(size, phi(size)));
        match reads {
            Some(reads) if !(quantiles && reads == Reads::EveryStep) => head.reads(reads),
            _ => head,
        }
    });
    (proptest::collection::vec(recipe(), 1..4), 1..9_usize, proptest::option::of(2..9_usize), head)
        .prop_map(|(recipes, input, tokens, head)| Whole { recipes, input, tokens, head })
}

impl Whole {
    fn model(&self) -> Model {
        let mut width = self.input;
        let mut layers = Vec::new();
        for (index, recipe) in self.recipes.iter().enumerate() {
            let layer = recipe.layer(width, index + 1 == self.recipes.len());
            width = layer.output();
            layers.push(layer);
        }
        let mut stack = Stack::of(None, layers);
        if let Some(tokens) = self.tokens {
            stack = stack.embedding(tokens);
        }
        let network = Network::new(stack, Init::PyTorch, &mut Random::new(3, Purpose::Cell)).unwrap();
        Model::new(&network, self.head.clone(), Init::PyTorch, &mut Random::new(4, Purpose::Head)).unwrap()
    }
}

/// The answers of a model to the same inputs, as bits.
fn answers(model: Model, xs: &Array3<f32>) -> Vec<u32> {
    let data = xs;
    let head = model.head().clone();
    let mut predictor = Predictor::new(model, 1);
    let bits = |floats: Vec<f32>| floats.into_iter().map(f32::to_bits).collect();
    match (head.predicts, head.reads) {
        (_, Reads::EveryStep) => bits((0..ROWS).flat_map(|row| predictor.predict_steps(data, row).unwrap()).collect()),
        (Predicts::Quantiles(_), _) => bits(predictor.quantiles(data).unwrap().into_iter().collect()),
        (Predicts::Values(_), _) => bits(predictor.values(data).unwrap().into_iter().collect()),
        (Predicts::Classes(_), _) => bits(predictor.predict(data).unwrap().into_iter().collect()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn any_valid_model_learns_a_step_and_survives_its_file(whole in whole()) {
        let model = whole.model();
        let xs = inputs(&model.network(), ROWS, STEPS, 5);
        let task = match model.head().horizon() {
            None => Arrays::classes(xs.clone(), Array1::from_shape_fn(ROWS, |row| row % 2)),
            Some(of) => Arrays::values(xs.clone(), Array2::from_shape_fn((ROWS, of), |(row, _)| (row % 2) as f32)),
        }
        .unwrap();
        let before = model.arrays();
        let mut trainer = Trainer::new(model, Adam::new(0.01)).threads(1);
        trainer.train_rows(&task, &[0, 1, 2, 3, 4]).unwrap();
        let model = trainer.into_model();
        prop_assert!(model.arrays() != before, "nothing was learnt");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        model.save(&path).unwrap();
        let loaded = Model::load(&path).unwrap();
        prop_assert_eq!(loaded.arrays(), model.arrays());
        prop_assert_eq!(answers(loaded, &xs), answers(model, &xs));
    }

    #[test]
    fn any_other_configuration_is_refused_or_sound(
        whole in whole(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..VALUES.len()), 1..3),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        whole.model().save(&path).unwrap();
        let mut file = formats::read(&path).unwrap();
        for (place, value) in edits {
            let config = file.metadata.values_mut().next().unwrap();
            *config = edited(config, place, VALUES[value]);
        }
        formats::write(&path, &file).unwrap();
        check(&path);
    }

    #[test]
    fn any_bytes_in_a_model_file_are_refused_or_sound(
        whole in whole(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        whole.model().save(&path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        // The header, where a byte means most.
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        for (place, byte) in edits {
            bytes[place.index(header)] = byte;
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len()) % 7);
        std::fs::write(&path, bytes).unwrap();
        check(&path);
    }
}

/// What a part of a configuration is replaced by.
const VALUES: [&str; 16] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "2",
    "-1",
    "0.5",
    "1e39",
    "16384",
    "18446744073709551615",
    "\"\"",
    "\"tanh\"",
    "[]",
    "{}",
    "[1,2]",
];

/// JSON with one of its values replaced, at any depth.
fn edited(config: &str, place: prop::sample::Index, value: &str) -> String {
    // Where a value begins: after a colon, a comma in a list, or a bracket.
    let begins: Vec<usize> = config.match_indices([':', '[']).map(|(at, _)| at + 1).collect();
    let begin = begins[place.index(begins.len())];
    let mut depth = 0_i32;
    let end = config[begin..]
        .char_indices()
        .find(|&(_, c)| {
            let ends = depth == 0 && [',', '}', ']'].contains(&c);
            depth += i32::from(['{', '['].contains(&c)) - i32::from(['}', ']'].contains(&c));
            ends
        })
        .map_or(config.len(), |(at, _)| begin + at);
    format!("{}{value}{}", &config[..begin], &config[end..])
}

/// Refused in words, or a model that answers.
fn check(path: &Path) {
    match Model::load(path) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(model) => {
            let xs = inputs(&model.network(), ROWS, STEPS, 5);
            answers(model, &xs);
        }
    }
}
