//! Agreement with the cells and wrappers of TensorFlow 1, Keras 3 and PyTorch: outputs, final states and every gradient.
//! The files and the scripts that make them are in `golden/`.
//!
//! A peer's arrays become ours by a permutation of columns, by adding two biases, by transposing: linear maps. The
//! gradients by our arrays are taken through the same maps, so each is compared in the peer's own layout.

use crate::support::{Arrays, assert_close, cube, golden, largest, matrix};
use elman::formats::Array;
use elman::{Activation, Build, CellState, Gru, IndRnn, Isa, Layer, Lstm, Merge, Network, Reset, Rnn, Stack, State};
use ndarray::Array2;

/// Relative to the largest element of an array: rounding of sums in another order.
const TOLERANCE: f32 = 1e-5;

/// What stands for the largest element where that is smaller: an array may be all zero.
const SMALLEST: f32 = 1e-3;

/// A part of a peer's array as a part of one of ours.
#[derive(Clone)]
struct Map {
    peer: String,
    ours: String,
    /// Our first row.
    row: usize,
    /// For each gate of the part in the peer's order: our first column.
    columns: Vec<usize>,
    /// The peer's first row, its first column, and its columns: all, or those of one gate.
    peer_row: usize,
    peer_column: usize,
    peer_columns: Option<usize>,
    rows: usize,
    /// Whether the peer has columns as rows.
    transposed: bool,
}

/// A case of a golden file.
struct Case<'a> {
    golden: &'a Arrays,
    name: String,
    maps: Vec<Map>,
    /// Where our network has its arrays, by their shapes.
    shapes: Vec<(String, Vec<usize>)>,
}

impl Case<'_> {
    fn get(&self, name: &str) -> &Array {
        let full = format!("{}/{name}", self.name);
        self.golden.get(&full).unwrap_or_else(|| panic!("no {full}"))
    }

    /// Our arrays, from the peer's.
    fn arrays(&self) -> Arrays {
        let mut arrays: Arrays = self
            .shapes
            .iter()
            .map(|(name, shape)| {
                (name.clone(), Array { shape: shape.clone(), data: vec![0.0; shape.iter().product()] })
            })
            .collect();
        for map in &self.maps {
            let peer = self.get(&map.peer);
            let ours = arrays.get_mut(&map.ours).unwrap_or_else(|| panic!("no array {}", map.ours));
            map.for_each(peer, &ours.shape.clone(), |from, to| ours.data[to] += peer.data[from]);
        }
        arrays
    }

    /// Our gradient by a peer's array.
    fn gradient(&self, map: &Map, gradients: &Arrays) -> Vec<f32> {
        let (peer, ours) = (self.get(&map.peer), &gradients[&map.ours]);
        let mut found = vec![f32::NAN; peer.data.len()];
        map.for_each(peer, &ours.shape, |from, to| found[from] = ours.data[to]);
        found
    }
}

impl Map {
    /// Calls `each` with (index in the peer's array, index in ours).
    fn for_each(&self, peer: &Array, ours: &[usize], mut each: impl FnMut(usize, usize)) {
        let wide = peer.shape[peer.shape.len() - 1];
        let our_wide = ours[ours.len() - 1];
        let all = if self.transposed { peer.shape[0] } else { wide };
        let columns = self.peer_columns.unwrap_or(all);
        let hidden = columns / self.columns.len();
        for row in 0..self.rows {
            for column in 0..columns {
                let to = (self.row + row) * our_wide + self.columns[column / hidden] + column % hidden;
                let (r, c) = (self.peer_row + row, self.peer_column + column);
                let from = if self.transposed { c * wide + r } else { r * wide + c };
                each(from, to);
            }
        }
    }
}

/// Columns of gates: `order[k]` is the place among ours of the peer's gate k.
fn gates(order: &[usize], hidden: usize) -> Vec<usize> {
    order.iter().map(|gate| gate * hidden).collect()
}

fn map(peer: &str, ours: String, rows: usize, columns: &[usize]) -> Map {
    let columns = columns.to_vec();
    Map {
        peer: peer.into(),
        ours,
        row: 0,
        columns,
        peer_row: 0,
        peer_column: 0,
        peer_columns: None,
        rows,
        transposed: false,
    }
}

/// The shapes of a network's arrays, from one with any values.
fn shapes(stack: impl Into<Stack>) -> Vec<(String, Vec<usize>)> {
    let random = &mut elman::Random::new(1, elman::Purpose::Cell);
    let network = Network::new(stack, elman::Init::Tf, random).unwrap();
    network.arrays().into_iter().map(|(name, array)| (name, array.shape)).collect()
}

/// TensorFlow's joint kernel [I + P, G H] and bias of a cell under a prefix.
fn joint(peer: &str, kernel: &str, bias: &str, ours: &str, input: usize, state: usize, columns: &[usize]) -> Vec<Map> {
    let kernel = format!("{peer}{kernel}");
    let from_state = Map { peer_row: input, ..map(&kernel, format!("{ours}recurrent_kernel"), state, columns) };
    vec![
        map(&kernel, format!("{ours}kernel"), input, columns),
        from_state,
        map(&format!("{peer}{bias}"), format!("{ours}bias"), 1, columns),
    ]
}

/// i j f o in TensorFlow, i f g o here.
fn tf_lstm(peer: &str, ours: &str, lstm: Lstm) -> Vec<Map> {
    let order = gates(&[0, 2, 1, 3], lstm.hidden);
    let state = lstm.projection.unwrap_or(lstm.hidden);
    let mut maps = joint(peer, "kernel", "bias", ours, lstm.input, state, &order);
    if lstm.peepholes {
        for (row, name) in ["w_i_diag", "w_f_diag", "w_o_diag"].into_iter().enumerate() {
            maps.push(Map { row, ..map(&format!("{peer}{name}"), format!("{ours}peepholes"), 1, &[0]) });
        }
    }
    if lstm.projection.is_some() {
        maps.push(map(&format!("{peer}projection/kernel"), format!("{ours}projection"), lstm.hidden, &[0]));
    }
    maps
}

fn tf_gru(peer: &str, ours: &str, gru: Gru) -> Vec<Map> {
    let (input, hidden) = (gru.input, gru.hidden);
    let mut maps = joint(peer, "gates/kernel", "gates/bias", ours, input, hidden, &gates(&[0, 1], hidden));
    maps.extend(joint(peer, "candidate/kernel", "candidate/bias", ours, input, hidden, &[2 * hidden]));
    maps
}

/// Whether the forget bias is added at run time: TensorFlow's is.
#[derive(PartialEq)]
enum ForgetBias {
    Stored,
    Added,
}

/// Runs a case forward and back, on every instruction set. `states` are the peer's names of each cell's state.
fn check(case: &Case<'_>, stack: impl Into<Stack>, states: &[&str], forget_bias: ForgetBias) {
    let stack = stack.into();
    let mut arrays = case.arrays();
    if forget_bias == ForgetBias::Added {
        for (name, array) in &mut arrays {
            let layer = name.split('.').nth(1).and_then(|index| index.parse::<usize>().ok());
            let is_lstm = layer.is_some_and(|layer| stack.layers[layer].cell.get().name() == "lstm");
            if is_lstm && name.ends_with(".bias") {
                let hidden = array.data.len() / 4;
                array.data[hidden..2 * hidden].iter_mut().for_each(|b| *b += 1.0);
            }
        }
    }
    let network = stack.clone().with_arrays(&arrays).unwrap();
    let lengths: Vec<usize> = case.get("lengths").data.iter().map(|&length| length as usize).collect();
    let memories: Vec<bool> = stack
        .layers
        .iter()
        .flat_map(|layer| std::iter::repeat_n(layer.cell.get().memory() > 0, layer.directions()))
        .collect();
    let state = |prefix: &str| State {
        cells: states
            .iter()
            .zip(&memories)
            .map(|(cell, &has_memory)| {
                let of = |name: &str| matrix(case.get(&format!("{prefix}/{cell}{name}"))).to_owned();
                let h = of("h");
                let c = if has_memory { of("c") } else { Array2::zeros((h.nrows(), 0)) };
                CellState { h, c }
            })
            .collect(),
    };
    let (initial, expected, cotangent) = (state("initial"), state("state"), state("cotangent/state"));
    let xs = cube(case.get("inputs"));
    for isa in Isa::available() {
        let what = |array: &str| format!("{isa}: {}: {array}", case.name);
        let run = network.dynamic_rnn(xs).sequence_length(&lengths).initial_state(&initial).isa(isa);
        let unrolled = run.unroll().unwrap();
        let compare = |name: &str, found: &[f32], expected: &[f32]| {
            assert_close(&what(name), found, expected, TOLERANCE, largest(expected).max(SMALLEST));
        };
        compare("outputs", unrolled.outputs().as_slice().unwrap(), &case.get("outputs").data);
        for (found, expected) in unrolled.state().cells.iter().zip(&expected.cells) {
            compare("h", found.h.as_slice().unwrap(), expected.h.as_slice().unwrap());
            compare("c", found.c.as_slice().unwrap(), expected.c.as_slice().unwrap());
        }
        let d = unrolled.backward(Some(cube(case.get("cotangent/outputs"))), Some(&cotangent)).unwrap();
        compare("dx", d.inputs.as_slice().unwrap(), &case.get("gradient/inputs").data);
        let initial = state("gradient/initial");
        for (found, expected) in d.initial_state.cells.iter().zip(&initial.cells) {
            compare("dh_0", found.h.as_slice().unwrap(), expected.h.as_slice().unwrap());
            compare("dc_0", found.c.as_slice().unwrap(), expected.c.as_slice().unwrap());
        }
        // A peer's array may be cut into several of ours: what none of them has is compared with another map.
        for map in &case.maps {
            let (found, expected) = (case.gradient(map, &d.arrays), &case.get(&format!("gradient/{}", map.peer)).data);
            let kept: Vec<(f32, f32)> =
                found.iter().zip(expected).filter(|(found, _)| !found.is_nan()).map(|(&a, &b)| (a, b)).collect();
            assert!(!kept.is_empty(), "{}", map.peer);
            let (found, expected): (Vec<f32>, Vec<f32>) = kept.into_iter().unzip();
            compare(&format!("gradient by {}", map.peer), &found, &expected);
        }
    }
}

fn case<'a>(golden: &'a Arrays, name: &str, stack: impl Into<Stack>, maps: Vec<Map>) -> Case<'a> {
    Case { golden, name: name.into(), maps, shapes: shapes(stack) }
}

const FIRST: &str = "layers.0.";

#[test]
fn tensorflow_lstm_with_its_options() {
    let golden = golden("tensorflow_cells.safetensors");
    let lstm = Lstm::new(5, 7);
    for (name, lstm) in [
        ("lstm", lstm),
        ("lstm_peepholes", lstm.peepholes(true)),
        ("lstm_projection", lstm.peepholes(true).projection(3).projection_clip(0.25)),
        ("lstm_clip", lstm.cell_clip(0.3)),
        ("lstm_peepholes_clip", lstm.peepholes(true).cell_clip(0.3)),
    ] {
        check(&case(&golden, name, lstm, tf_lstm("", FIRST, lstm)), lstm, &[""], ForgetBias::Added);
    }
}

#[test]
fn tensorflow_gru() {
    let golden = golden("tensorflow_cells.safetensors");
    let gru = Gru::new(5, 7).reset(Reset::Before);
    check(&case(&golden, "gru", gru, tf_gru("", FIRST, gru)), gru, &[""], ForgetBias::Stored);
}

#[test]
fn tensorflow_stacks_and_residual_connections() {
    let golden = golden("tensorflow_cells.safetensors");
    let (lstm, gru) = (Lstm::new(5, 7), Gru::new(7, 6).reset(Reset::Before));
    let stack = Stack::new(lstm).then(gru).then(Rnn::new(6, 5));
    let mut maps = tf_lstm("cell_0/", FIRST, lstm);
    maps.extend(tf_gru("cell_1/", "layers.1.", gru));
    maps.extend(joint("cell_2/", "kernel", "bias", "layers.2.", 6, 5, &[0]));
    let states = ["cell_0/", "cell_1/", "cell_2/"];
    check(&case(&golden, "multi", stack.clone(), maps), stack, &states, ForgetBias::Added);

    let lstm = Lstm::new(5, 5);
    let stack = Stack::new(lstm).then(Layer::new(lstm).residual(true));
    let mut maps = tf_lstm("cell_0/", FIRST, lstm);
    maps.extend(tf_lstm("cell_1/", "layers.1.", lstm));
    check(&case(&golden, "residual", stack.clone(), maps), stack, &states[..2], ForgetBias::Added);
}

#[test]
fn tensorflow_bidirectional_dynamic_rnn() {
    let golden = golden("tensorflow_cells.safetensors");
    let lstm = Lstm::new(5, 7);
    let layer = Layer::new(lstm).bidirectional(Merge::Concat);
    let mut maps = tf_lstm("fw/", "layers.0.forward.", lstm);
    maps.extend(tf_lstm("bw/", "layers.0.backward.", lstm));
    check(&case(&golden, "bidirectional", layer.clone(), maps), layer, &["fw/", "bw/"], ForgetBias::Added);
}

fn keras(peer: &str, ours: &str, input: usize, hidden: usize, order: &[usize]) -> Vec<Map> {
    let columns = gates(order, hidden);
    let of = |name: &str, rows| map(&format!("{peer}{name}"), format!("{ours}{name}"), rows, &columns);
    vec![of("kernel", input), of("recurrent_kernel", hidden), of("bias", 1)]
}

#[test]
fn keras_cells() {
    let golden = golden("keras_cells.safetensors");
    for (name, activation) in [("rnn_tanh", Activation::Tanh), ("rnn_relu", Activation::Relu)] {
        let rnn = Rnn::new(5, 7).activation(activation);
        check(&case(&golden, name, rnn, keras("", FIRST, 5, 7, &[0])), rnn, &[""], ForgetBias::Stored);
    }
    let lstm = Lstm::new(5, 7);
    check(&case(&golden, "lstm", lstm, keras("", FIRST, 5, 7, &[0, 1, 2, 3])), lstm, &[""], ForgetBias::Stored);
    // z r n in Keras.
    let before = Gru::new(5, 7).reset(Reset::Before);
    check(&case(&golden, "gru_before", before, keras("", FIRST, 5, 7, &[1, 0, 2])), before, &[""], ForgetBias::Stored);
    let after = Gru::new(5, 7);
    let mut maps = keras("", FIRST, 5, 7, &[1, 0, 2]);
    maps.extend(recurrent_bias("bias", FIRST, 7, &[1, 0, 2], 1));
    check(&case(&golden, "gru_after", after, maps), after, &[""], ForgetBias::Stored);
}

/// The recurrent bias of a GRU as a peer stores it, gates in `order`: those of r and z join ours, that of n stays apart.
fn recurrent_bias(peer: &str, ours: &str, hidden: usize, order: &[usize], peer_row: usize) -> Vec<Map> {
    let maps = order.iter().enumerate().map(|(k, &gate)| {
        let (name, column) = if gate == 2 { ("recurrent_bias", 0) } else { ("bias", gate * hidden) };
        let of = map(peer, format!("{ours}{name}"), 1, &[column]);
        Map { peer_row, peer_column: k * hidden, peer_columns: Some(hidden), ..of }
    });
    maps.collect()
}

#[test]
fn keras_bidirectional() {
    let golden = golden("keras_cells.safetensors");
    for (name, merge) in [("concat", Merge::Concat), ("sum", Merge::Sum)] {
        for case_name in [format!("bidirectional_{name}"), format!("bidirectional_full_{name}")] {
            let layer = Layer::new(Lstm::new(5, 7)).bidirectional(merge);
            let mut maps = keras("forward/", "layers.0.forward.", 5, 7, &[0, 1, 2, 3]);
            maps.extend(keras("backward/", "layers.0.backward.", 5, 7, &[0, 1, 2, 3]));
            let states = ["forward/", "backward/"];
            check(&case(&golden, &case_name, layer.clone(), maps), layer, &states, ForgetBias::Stored);
        }
    }
}

/// PyTorch's four arrays of a cell, `[G H, …]`: two biases that are added.
fn pytorch(suffix: &str, ours: &str, input: usize, hidden: usize, state: usize, order: &[usize]) -> Vec<Map> {
    let columns = gates(order, hidden);
    let of = |peer: &str, name: &str, rows, transposed| Map {
        transposed,
        ..map(&format!("{peer}_{suffix}"), format!("{ours}{name}"), rows, &columns)
    };
    // A bias of one axis has its columns in its only row.
    vec![
        of("weight_ih", "kernel", input, true),
        of("weight_hh", "recurrent_kernel", state, true),
        of("bias_ih", "bias", 1, false),
        of("bias_hh", "bias", 1, false),
    ]
}

fn pytorch_gru(suffix: &str, ours: &str, input: usize, hidden: usize) -> Vec<Map> {
    let mut maps = pytorch(suffix, ours, input, hidden, hidden, &[0, 1, 2]);
    maps.pop();
    maps.extend(recurrent_bias(&format!("bias_hh_{suffix}"), ours, hidden, &[0, 1, 2], 0));
    maps
}

#[test]
fn pytorch_cells() {
    let golden = golden("pytorch_cells.safetensors");
    for (name, activation) in [("rnn_tanh", Activation::Tanh), ("rnn_relu", Activation::Relu)] {
        let rnn = Rnn::new(5, 7).activation(activation);
        check(&case(&golden, name, rnn, pytorch("l0", FIRST, 5, 7, 7, &[0])), rnn, &[""], ForgetBias::Stored);
    }
    let lstm = Lstm::new(5, 7);
    check(&case(&golden, "lstm", lstm, pytorch("l0", FIRST, 5, 7, 7, &[0, 1, 2, 3])), lstm, &[""], ForgetBias::Stored);
    let lstm = lstm.projection(3);
    let mut maps = pytorch("l0", FIRST, 5, 7, 3, &[0, 1, 2, 3]);
    maps.push(Map { transposed: true, ..map("weight_hr_l0", format!("{FIRST}projection"), 7, &[0]) });
    check(&case(&golden, "lstm_projection", lstm, maps), lstm, &[""], ForgetBias::Stored);
    let gru = Gru::new(5, 7);
    check(&case(&golden, "gru", gru, pytorch_gru("l0", FIRST, 5, 7)), gru, &[""], ForgetBias::Stored);
}

/// The paper's equation, which PyTorch differentiated.
#[test]
fn indrnn() {
    let golden = golden("indrnn.safetensors");
    let maps = |layer: usize, input| {
        let of = |peer: &str, name: &str, rows| map(peer, format!("layers.{layer}.{name}"), rows, &[0]);
        vec![
            of(&format!("w{layer}"), "kernel", input),
            of(&format!("u{layer}_diag"), "recurrent_kernel", 1),
            of(&format!("bias{layer}"), "bias", 1),
        ]
    };
    for activation in [Activation::Relu, Activation::Tanh, Activation::Sigmoid] {
        let rnn = IndRnn::new(5, 7).activation(activation);
        check(&case(&golden, activation.name(), rnn, maps(0, 5)), rnn, &[""], ForgetBias::Stored);
    }
    let layer = |input| IndRnn::new(input, 7).activation(Activation::Relu);
    let stack = Stack::new(layer(5)).then(layer(7));
    let both = [maps(0, 5), maps(1, 7)].concat();
    check(&case(&golden, "relu_2layers", stack.clone(), both), stack, &["l0/", "l1/"], ForgetBias::Stored);
}

#[test]
fn pytorch_stacks() {
    let golden = golden("pytorch_cells.safetensors");
    let stack = Stack::new(Gru::new(5, 7)).then(Gru::new(7, 7));
    let mut maps = pytorch_gru("l0", FIRST, 5, 7);
    maps.extend(pytorch_gru("l1", "layers.1.", 7, 7));
    check(&case(&golden, "gru_2layers", stack.clone(), maps), stack, &["l0/", "l1/"], ForgetBias::Stored);

    let layer = |input| Layer::new(Lstm::new(input, 7)).bidirectional(Merge::Concat);
    let stack = Stack::new(layer(5)).then(layer(14));
    let mut maps = Vec::new();
    for (index, input) in [(0, 5), (1, 14)] {
        for (suffix, direction) in [("", "forward"), ("_reverse", "backward")] {
            let ours = format!("layers.{index}.{direction}.");
            maps.extend(pytorch(&format!("l{index}{suffix}"), &ours, input, 7, 7, &[0, 1, 2, 3]));
        }
    }
    let states = ["l0/", "l0_reverse/", "l1/", "l1_reverse/"];
    check(&case(&golden, "lstm_2layers_bidirectional", stack.clone(), maps), stack, &states, ForgetBias::Stored);
}
