//! Models of every kind as ONNX graphs, with inputs and what our own engine makes of them.

use std::collections::BTreeMap;

use elman::formats::Array;
use elman::{
    Activation, Conv1d, GateActivation, Gru, Head, IndRnn, Init, Layer, Lstm, Merge, Model, Network, Nonlinearity,
    Padding, Predicts, Purpose, Random, Reads, Reset, Rnn, Stack, State, StepDense, StepPool, Window, max_pool_1d,
};
use elman_exchange::onnx::OnnxOptions;
use ndarray::{Array1, Array3, ArrayView1, ArrayView2, Axis};

use super::networks::{LSTM_NOISE, NOISE, RNN_NOISE, random_cube, random_state};

pub(crate) const ROWS: usize = 4;
pub(crate) const STEPS: usize = 6;

/// A model, how it is exported, and its name.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) model: Model,
    pub(crate) options: OnnxOptions,
}

/// A model with random weights: no bias is zero, no gain one.
pub(crate) fn random_model(stack: impl Into<Stack>, head: impl Into<Head>) -> Model {
    let network = Network::new(stack, Init::Tf, &mut Random::new(9, Purpose::Cell)).unwrap();
    let mut model = Model::new(&network, head, Init::Tf, &mut Random::new(9, Purpose::Head)).unwrap();
    let mut random = Random::new(17, Purpose::Data);
    let mut arrays = model.arrays();
    arrays.values_mut().flat_map(|array| &mut array.data).for_each(|x| *x = random.uniform(0.6));
    model.set_arrays(&arrays).unwrap();
    model
}

/// Two kinds of hard gates.
fn lstm_hard() -> Lstm {
    Lstm::new(3, 5).recurrent_activation(GateActivation::HardSigmoid).peepholes(true)
}

fn gru_hard(reset: Reset) -> Gru {
    let gru = Gru::new(3, 5).reset(reset).activation(Activation::Linear);
    gru.recurrent_activation(GateActivation::HardSigmoidKeras2)
}

/// Networks whose cells are native operators, of every kind of stack and head.
pub(crate) fn native() -> Vec<(&'static str, Model)> {
    let last = || Head::last_state(3);
    let both = |cell: elman::AnyCell, merge| Layer::new(cell).bidirectional(merge);
    let stack = Stack::new(Layer::new(Gru::new(4, 4)).residual(true).dropout(0.3))
        .then(both(Lstm::new(4, 3).into(), Merge::Concat).residual(false))
        .then(both(Gru::new(6, 6).into(), Merge::Sum).residual(true))
        .then(Rnn::new(6, 5));
    let tokens = Stack::new(Lstm::new(4, 5)).then(Layer::new(Gru::new(5, 5)).residual(true)).embedding(11);
    vec![
        ("rnn", random_model(Rnn::new(3, 5), last())),
        ("rnn_relu", random_model(Rnn::new(3, 5).activation(Activation::Relu), Head::every_step(4))),
        ("lstm", random_model(Lstm::new(3, 5), last())),
        ("lstm_peepholes", random_model(Lstm::new(3, 5).peepholes(true), Head::every_step(3))),
        ("lstm_coupled", random_model(Lstm::new(3, 5).coupled(true).peepholes(true), last())),
        ("lstm_hard", random_model(lstm_hard(), Head::every_step(3))),
        ("lstm_relu", random_model(Lstm::new(3, 5).activation(Activation::Relu), last())),
        ("gru_hard", random_model(gru_hard(Reset::After), last())),
        ("gru_before_hard", random_model(both(gru_hard(Reset::Before).into(), Merge::Concat), last())),
        ("rnn_sigmoid", random_model(Rnn::new(3, 5).activation(Activation::Sigmoid), last())),
        (
            "rnn_linear_both",
            random_model(both(Rnn::new(3, 5).activation(Activation::Linear).into(), Merge::Sum), last()),
        ),
        ("gru_after", random_model(Gru::new(3, 5), last())),
        ("gru_before", random_model(Gru::new(3, 5).reset(Reset::Before), Head::every_step(3))),
        ("lstm_both", random_model(both(Lstm::new(3, 5).into(), Merge::Concat), last())),
        ("rnn_both", random_model(both(Rnn::new(3, 5).activation(Activation::Relu).into(), Merge::Sum), last())),
        ("stack", random_model(stack.clone(), Head::every_step(4))),
        ("stack_last", random_model(stack, last())),
        ("tokens", random_model(tokens, Head::every_step(11))),
        ("quantiles", random_model(Gru::new(2, 6), Head::quantiles(&[0.1, 0.5, 0.9], 4))),
        ("median", random_model(Lstm::new(2, 6), Head::quantiles(&[0.5], 2))),
    ]
}

/// Networks whose cells no native operator computes.
pub(crate) fn beyond() -> Vec<(&'static str, Model)> {
    let (lstm, gru) = (Lstm::new(3, 5), Gru::new(3, 5));
    let last = || Head::last_state(3);
    let both = Layer::new(lstm.projection(3).layer_norm(true).coupled(true).peepholes(true).noise(LSTM_NOISE));
    vec![
        ("lstm_projection", random_model(lstm.projection(3).projection_clip(0.1).cell_clip(0.2), last())),
        ("lstm_norm", random_model(lstm.layer_norm(true).peepholes(true), Head::every_step(3))),
        ("lstm_all", random_model(both.bidirectional(Merge::Concat), Head::every_step(3))),
        ("lstm_hard_norm", random_model(lstm_hard().layer_norm(true).activation(Activation::Relu), last())),
        ("gru_norm", random_model(gru.layer_norm(true), last())),
        ("gru_before_norm", random_model(gru.reset(Reset::Before).layer_norm(true).noise(NOISE), last())),
        ("indrnn", random_model(IndRnn::new(3, 5), last())),
        (
            "indrnn_both",
            random_model(
                Layer::new(IndRnn::new(3, 5).activation(Activation::Relu).noise(RNN_NOISE)).bidirectional(Merge::Sum),
                Head::every_step(3),
            ),
        ),
        ("rnn_zoneout", random_model(Rnn::new(3, 5).noise(RNN_NOISE), Head::every_step(3))),
    ]
}

/// Networks with convolutions, pooling or dense layers before their recurrent ones.
pub(crate) fn fronts() -> Vec<(&'static str, Model)> {
    let last = || Head::last_state(3);
    let conv = |padding| Stack::new(Conv1d::new(3, 6, 3).padding(padding).activation(Nonlinearity::Relu));
    let pooled = |pool: StepPool, window| Layer::new(pool).window(window);
    let ends = |before, after| Padding::Ends { before, after };
    // The patches of `train classify`: each of its steps is four of the data.
    let patches = Layer::new(StepDense::new(12, 6)).window(Window::new(4).stride(4));
    vec![
        ("front_dense", random_model(Stack::new(StepDense::new(3, 6)).then(Gru::new(6, 5)), Head::every_step(3))),
        ("front_patches", random_model(Stack::new(patches).then(Lstm::new(6, 5)), last())),
        ("front_valid", random_model(conv(Padding::Valid).then(Lstm::new(6, 5)), last())),
        ("front_same", random_model(conv(Padding::Same).then(Rnn::new(6, 5)), Head::every_step(3))),
        ("front_causal", random_model(conv(Padding::Causal).then(Gru::new(6, 5)), Head::every_step(3))),
        ("front_ends", random_model(conv(ends(0, 1)).then(Lstm::new(6, 5)), last())),
        (
            "front_pooled",
            random_model(
                conv(Padding::Same)
                    .then(max_pool_1d(6, 2))
                    .then(Layer::new(Lstm::new(6, 5)).bidirectional(Merge::Concat)),
                Head::last_state(3).reads(Reads::Max),
            ),
        ),
        (
            "front_means",
            random_model(
                Stack::new(pooled(StepPool::mean(3, 3), Window::new(3).padding(ends(1, 1))))
                    .then(pooled(StepPool::max(3, 2), Window::new(2).padding(Padding::Causal)))
                    .then(Gru::new(3, 5)),
                Head::last_state(3).reads(Reads::Mean),
            ),
        ),
        (
            "front_gaps",
            random_model(
                Stack::new(Conv1d::new(3, 4, 2).dilation(2).padding(ends(1, 0)).activation(Nonlinearity::Silu))
                    .then(StepDense::new(4, 6).activation(Nonlinearity::Tanh))
                    .then(Rnn::new(6, 5)),
                last(),
            ),
        ),
        (
            "front_strided",
            random_model(
                Stack::new(Conv1d::new(3, 6, 3).stride(2).padding(Padding::Same)).then(Lstm::new(6, 5)),
                last(),
            ),
        ),
        ("front_tokens", random_model(Stack::new(Conv1d::new(4, 6, 3)).then(Gru::new(6, 5)).embedding(11), last())),
    ]
}

/// The same, of whole rows.
pub(crate) fn front_cases() -> Vec<Case> {
    let plain = OnnxOptions::default().lengths(false);
    let forms = [plain, plain.native(false)];
    let cases =
        |(name, model): (&'static str, Model)| forms.map(|options| Case { name, model: model.clone(), options });
    fronts().into_iter().flat_map(cases).collect()
}

/// Every model in every form that it has.
pub(crate) fn cases() -> Vec<Case> {
    let plain = OnnxOptions::default();
    let mut cases = Vec::new();
    for (name, model) in native().into_iter().chain(beyond()) {
        let mut forms = vec![
            plain,
            plain.lengths(false),
            plain.initial_states(true),
            plain.native(false),
            plain.native(false).lengths(false),
            plain.native(false).initial_states(true),
        ];
        if !model.stack().is_bidirectional() {
            forms.extend([plain.streaming(true), plain.native(false).streaming(true)]);
        }
        cases.extend(forms.into_iter().map(|options| Case { name, model: model.clone(), options }));
    }
    cases
}

/// What an export's name says of its form.
pub(crate) fn form(options: OnnxOptions) -> String {
    let mut form = String::new();
    for (on, word) in [
        (!options.native, ".loops"),
        (options.streaming, ".streaming"),
        (options.initial_states, ".states"),
        (!options.lengths, ".whole"),
    ] {
        if on {
            form.push_str(word);
        }
    }
    form
}

impl Case {
    pub(crate) fn has_lengths(&self) -> bool {
        self.options.lengths && !self.options.streaming
    }

    pub(crate) fn has_states(&self) -> bool {
        self.options.initial_states || self.options.streaming
    }

    /// The graph's inputs and outputs by name, batch first.
    pub(crate) fn arrays(&self) -> BTreeMap<String, Array> {
        let (model, network) = (&self.model, self.model.network());
        let tokens = model.stack().embedding.map(|embedding| embedding.tokens);
        let mut xs = random_cube((ROWS, STEPS, model.stack().input()), 23);
        if let Some(tokens) = tokens {
            xs.mapv_inplace(|x| ((x + 1.0) * 0.4999 * tokens as f32).floor());
        }
        // A full row, one step, none.
        let lengths = if self.has_lengths() { vec![3, STEPS, 0, 1] } else { vec![STEPS; ROWS] };
        let mut state = network.zero_state(ROWS);
        if self.has_states() {
            state = random_state(&network, ROWS, 29);
        }
        let run = network.dynamic_rnn(xs.view()).sequence_length(&lengths).initial_state(&state);
        let (outputs, last) = run.run().unwrap();
        let mut arrays = BTreeMap::new();
        let mut put = |name: &str, shape: &[usize], data: Vec<f32>| {
            arrays.insert(name.to_owned(), Array { shape: shape.to_vec(), data });
        };
        match tokens {
            None => put("input", xs.shape(), xs.iter().copied().collect()),
            Some(_) => put("tokens", &[ROWS, STEPS], xs.iter().copied().collect()),
        }
        if self.has_lengths() {
            put("lengths", &[ROWS], lengths.iter().map(|&length| length as f32).collect());
        }
        if self.has_states() {
            put_state("initial", model, &state, &mut put);
            put_state("final", model, &last, &mut put);
        }
        self.answers(&outputs, &last, &mut put);
        arrays
    }

    fn answers(&self, outputs: &Array3<f32>, last: &State, put: &mut impl FnMut(&str, &[usize], Vec<f32>)) {
        let head = self.model.head();
        let answers = logits(&self.model, outputs, last);
        match &head.predicts {
            Predicts::Classes(classes) => {
                let shape: &[usize] = match head.reads {
                    Reads::EveryStep => &[ROWS, self.model.stack().steps_left(STEPS), *classes],
                    _ => &[ROWS, *classes],
                };
                put("logits", shape, answers.concat());
                put("probabilities", shape, answers.iter().flat_map(|logits| softmax(logits)).collect());
            }
            Predicts::Quantiles(quantiles) => {
                let levels = quantiles.levels.len();
                let mut sorted = answers.concat();
                sorted.chunks_exact_mut(levels).for_each(|value| value.sort_by(f32::total_cmp));
                put("quantiles", &[ROWS, quantiles.horizon, levels], sorted);
            }
            Predicts::Values(_) => unreachable!("no case has one"),
        }
    }
}

/// The head's answers, one after the other: of each row, or of each step of each row.
fn logits(model: &Model, outputs: &Array3<f32>, last: &State) -> Vec<Vec<f32>> {
    let (kernel, bias) = model.head_arrays();
    let dense = |read: ArrayView1<'_, f32>| -> Vec<f32> {
        let column = |c: usize| read.iter().zip(kernel.column(c)).map(|(x, w)| x * w).sum::<f32>() + bias[c];
        (0..bias.len()).map(column).collect()
    };
    match model.head().reads {
        Reads::EveryStep => {
            outputs.outer_iter().flat_map(|row| row.outer_iter().map(dense).collect::<Vec<_>>()).collect()
        }
        Reads::LastState => {
            let directions = model.stack().layers.last().unwrap().directions();
            let cells = &last.cells[last.cells.len() - directions..];
            let read = |row: usize| -> Array1<f32> { cells.iter().flat_map(|cell| cell.h.row(row).to_vec()).collect() };
            (0..outputs.dim().0).map(|row| dense(read(row).view())).collect()
        }
        reads @ (Reads::Mean | Reads::Max) => {
            let pooled = |row: ArrayView2<'_, f32>| match reads {
                Reads::Mean => row.mean_axis(Axis(0)).unwrap(),
                _ => row.fold_axis(Axis(0), f32::NEG_INFINITY, |&most, &x| most.max(x)),
            };
            outputs.outer_iter().map(|row| dense(pooled(row).view())).collect()
        }
        Reads::Attention => unreachable!("no case has one"),
    }
}

/// Logits and probabilities of a model on sequences [B, T, I].
pub(crate) fn answers(model: &Model, xs: &Array3<f32>, lengths: &[usize]) -> (Vec<f32>, Vec<f32>) {
    let network = model.network();
    let (outputs, last) = network.dynamic_rnn(xs.view()).sequence_length(lengths).run().unwrap();
    let answers = logits(model, &outputs, &last);
    (answers.concat(), answers.iter().flat_map(|logits| softmax(logits)).collect())
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|x| (x - most).exp()).sum();
    logits.iter().map(|x| (x - most).exp() / sum).collect()
}

/// `initial_h_0 [D, B, P]` and the others.
fn put_state(what: &str, model: &Model, state: &State, put: &mut impl FnMut(&str, &[usize], Vec<f32>)) {
    let mut cells = state.cells.iter();
    for (index, layer) in model.stack().layers.iter().enumerate() {
        let own: Vec<_> = cells.by_ref().take(layer.directions()).collect();
        let mut each = |name: &str, width: usize, data: Vec<f32>| {
            if width > 0 {
                put(&format!("{what}_{name}_{index}"), &[layer.directions(), ROWS, width], data);
            }
        };
        each("h", layer.cell.get().output(), own.iter().flat_map(|cell| cell.h.iter().copied()).collect());
        each("c", layer.cell.get().memory(), own.iter().flat_map(|cell| cell.c.iter().copied()).collect());
    }
}
