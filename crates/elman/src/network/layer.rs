//! What a network is made of: cells, layers of them, and a stack of layers.

use std::sync::Arc;

use elman_kernels::reference::Reference;
use elman_kernels::{
    Arithmetic, Cell, Engine, Gru, IndRnn, Isa, Lstm, Nonlinearity, Pass, Pooling, Rnn, StepDense, StepNorm, StepPool,
    StepScale, Team, tile_rows,
};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::network::window::{Padding, Window};

/// Largest I, H and P: beyond, one matrix alone has more than a quarter of a billion weights.
const SIZE_MAX: usize = 16_384;

/// Most tokens of an embedding.
const TOKENS_MAX: usize = 1 << 20;

/// Declares [`AnyCell`]: what each kind is called here and in the kernels. In files it has the name that serde is told, or
/// else its own in small letters.
macro_rules! any_cell {
    ($($(#[$about:meta])* $kind:ident($cell:ident),)+) => {
        /// A cell of any kind: a recurrent one, or a layer without a state.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(tag = "cell", rename_all = "lowercase")]
        pub enum AnyCell {
            $($(#[$about])* $kind($cell),)+
            /// A cell of one's own. A model file cannot name it.
            #[serde(skip)]
            Custom(Arc<dyn Cell>),
        }

        impl AnyCell {
            /// What it can do.
            pub fn get(&self) -> &dyn Cell {
                match self {
                    $(AnyCell::$kind(cell) => cell,)+
                    AnyCell::Custom(cell) => &**cell,
                }
            }

            /// The same mathematics in plain `f64`; none of a cell of one's own, whose inside its author alone knows.
            pub fn reference(&self) -> Option<&dyn Reference> {
                match self {
                    $(AnyCell::$kind(cell) => Some(cell),)+
                    AnyCell::Custom(_) => None,
                }
            }
        }

        $(impl From<$cell> for AnyCell {
            fn from(cell: $cell) -> Self {
                AnyCell::$kind(cell)
            }
        })+
    };
}

any_cell! {
    /// The Elman cell.
    Rnn(Rnn),
    /// The LSTM.
    Lstm(Lstm),
    /// The GRU.
    Gru(Gru),
    /// An Elman cell whose units see themselves alone.
    IndRnn(IndRnn),
    /// A dense layer at every step.
    Dense(StepDense),
    /// Layer normalisation of every step.
    #[serde(rename = "layer-norm")]
    LayerNorm(StepNorm),
    /// A factor and a shift for every feature.
    Scale(StepScale),
    /// The largest of some steps, or their mean.
    Pool(StepPool),
}

impl AnyCell {
    /// A cell of one's own.
    pub fn custom(cell: impl Cell + 'static) -> Self {
        AnyCell::Custom(Arc::new(cell))
    }

    /// Whether a step reads what the one before has left: false of a dense layer, a normalisation, a scale.
    pub fn has_state(&self) -> bool {
        self.get().has_state()
    }

    /// Refuses sizes and options that the cell does not compute.
    fn check(&self) -> Result<(), Error> {
        let cell = self.get();
        size("input size", cell.input())?;
        let what = if cell.has_state() { "hidden_size" } else { "output size" };
        size(what, if cell.memory() > 0 { cell.memory() } else { cell.output() })?;
        let noise = cell.noise();
        for (what, rate) in [
            ("recurrent_dropout", noise.recurrent_dropout),
            ("candidate_dropout", noise.candidate_dropout),
            ("zoneout", noise.zoneout),
            ("memory_zoneout", noise.memory_zoneout),
        ] {
            check_rate(what, rate)?;
        }
        if cell.memory() == 0 && noise.memory_zoneout > 0.0 {
            return Err(unsupported(
                "memory_zoneout",
                cell,
                "it has no memory beside its state; zoneout is for the state",
            ));
        }
        match self {
            AnyCell::Rnn(_) | AnyCell::IndRnn(_) if noise.candidate_dropout > 0.0 => {
                Err(unsupported("candidate_dropout", cell, "it has no candidate beside its state"))
            }
            AnyCell::IndRnn(IndRnn { recurrent_bound: Some(bound), .. }) if !(*bound > 0.0 && bound.is_finite()) => {
                Err(Error::setting("recurrent_bound", bound, "a finite number above 0"))
            }
            AnyCell::Lstm(lstm) => check_lstm(lstm),
            AnyCell::Dense(dense) => check_nonlinearity(dense.activation),
            AnyCell::LayerNorm(norm) if !(norm.epsilon > 0.0 && norm.epsilon.is_finite()) => {
                Err(Error::setting("epsilon", norm.epsilon, "a finite number above 0"))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses constants of a pointwise function that have no meaning.
pub(crate) fn check_nonlinearity(phi: Nonlinearity) -> Result<(), Error> {
    match phi {
        Nonlinearity::HardSigmoid(slope) if !(slope > 0.0 && slope.is_finite()) => {
            Err(Error::setting("the slope of hard_sigmoid", slope, "a finite number above 0"))
        }
        Nonlinearity::Elu(x) | Nonlinearity::LeakyRelu(x) if !x.is_finite() => {
            Err(Error::setting("the constant of an activation", x, "a finite number"))
        }
        _ => Ok(()),
    }
}

fn check_lstm(lstm: &Lstm) -> Result<(), Error> {
    if let Some(projection) = lstm.projection {
        size("projection", projection)?;
    }
    for (what, limit) in [("cell_clip", lstm.cell_clip), ("projection_clip", lstm.projection_clip)] {
        if let Some(limit) = limit
            && !(limit > 0.0 && limit.is_finite())
        {
            return Err(Error::setting(what, limit, "a finite number above 0"));
        }
    }
    if lstm.projection_clip.is_some() && lstm.projection.is_none() {
        return Err(unsupported("projection_clip", lstm, "it has no projection"));
    }
    Ok(())
}

fn size(what: &'static str, size: usize) -> Result<(), Error> {
    if (1..=SIZE_MAX).contains(&size) { Ok(()) } else { Err(Error::setting(what, size, format!("1 to {SIZE_MAX}"))) }
}

/// Refuses what is no part of a whole.
fn check_rate(what: &'static str, rate: f32) -> Result<(), Error> {
    // Masks are drawn to 1/65,536; 1 would leave nothing.
    if (0.0..1.0).contains(&rate) && (rate * 65_536.0).round() < 65_536.0 {
        return Ok(());
    }
    Err(Error::setting(what, rate, "at least 0 and below 1"))
}

fn unsupported(what: &'static str, cell: &dyn Cell, why: &str) -> Error {
    Error::Unsupported { what, of: cell.name(), why: why.into() }
}

/// How the two directions of a layer become one output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Merge {
    /// Side by side, `[2 P]`: the forward direction first.
    #[default]
    Concat,
    /// Added, `[P]`.
    Sum,
    /// Their mean, `[P]`.
    Average,
    /// Multiplied unit by unit, `[P]`.
    Multiply,
}

impl Merge {
    /// How the final states become what a head reads: as the outputs do, except that those of [`Merge::Sum`] stand side by
    /// side, as they do in every model file so far; a head on both adds them where its kernel says so twice.
    pub(crate) fn of_states(self) -> Self {
        if self == Merge::Sum { Merge::Concat } else { self }
    }

    /// Floats of what becomes of two directions of P each.
    fn width(self, one: usize) -> usize {
        if self == Merge::Concat { 2 * one } else { one }
    }

    /// Both directions `[P]` as one.
    pub(crate) fn join(self, forward: &[f32], backward: &[f32], out: &mut [f32]) {
        let pairs = forward.iter().zip(backward);
        match self {
            Merge::Concat => {
                let (first, second) = out.split_at_mut(forward.len());
                first.copy_from_slice(forward);
                second.copy_from_slice(backward);
            }
            Merge::Sum => out.iter_mut().zip(pairs).for_each(|(out, (f, b))| *out = f + b),
            Merge::Average => out.iter_mut().zip(pairs).for_each(|(out, (f, b))| *out = 0.5 * (f + b)),
            Merge::Multiply => out.iter_mut().zip(pairs).for_each(|(out, (f, b))| *out = f * b),
        }
    }

    /// The gradient by one direction `[P]`, the other being `other`, from that by both as one.
    pub(crate) fn back(self, d: &[f32], other: &[f32], reversed: bool, out: &mut [f32]) {
        match self {
            Merge::Concat => out.copy_from_slice(&d[usize::from(reversed) * out.len()..][..out.len()]),
            Merge::Sum => out.copy_from_slice(&d[..out.len()]),
            Merge::Average => out.iter_mut().zip(d).for_each(|(out, d)| *out = 0.5 * d),
            Merge::Multiply => out.iter_mut().zip(d).zip(other).for_each(|((out, d), other)| *out = d * other),
        }
    }
}

/// A layer: a cell, in one direction or both, and what happens to its outputs on their way to the next layer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Layer {
    /// The cell.
    #[serde(flatten)]
    pub cell: AnyCell,
    /// With a second cell of the same kind that reads each row from its own last step to its first. Its outputs are put
    /// back in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bidirectional: Option<Merge>,
    /// Windows of several steps below that it reads, each as one; without, it reads every step by itself. The cell's input
    /// is that of a window: its steps one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Whether the layer's input is added to its outputs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub residual: bool,
    /// Part of the outputs that is dropped in training on the way to the next layer, anew at each step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropout: f32,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl<C: Into<AnyCell>> From<C> for Layer {
    fn from(cell: C) -> Self {
        Layer::new(cell)
    }
}

impl Layer {
    /// A layer in one direction.
    pub fn new(cell: impl Into<AnyCell>) -> Self {
        Layer { cell: cell.into(), bidirectional: None, window: None, residual: false, dropout: 0.0 }
    }

    /// In both directions.
    pub fn bidirectional(self, merge: Merge) -> Self {
        Layer { bidirectional: Some(merge), ..self }
    }

    /// On windows of steps, each read as one: the cell's input is K times what the layer reads of a step.
    pub fn window(self, window: Window) -> Self {
        Layer { window: Some(window), ..self }
    }

    /// With its input added to its outputs, or not.
    pub fn residual(self, residual: bool) -> Self {
        Layer { residual, ..self }
    }

    /// With a part of its outputs dropped in training.
    pub fn dropout(self, dropout: f32) -> Self {
        Layer { dropout, ..self }
    }

    /// I, the floats that it reads of a step below.
    pub fn input(&self) -> usize {
        self.cell.get().input() / self.window.map_or(1, |window| window.size.max(1))
    }

    /// What stands beyond the ends of a row in its windows.
    pub(crate) fn beyond(&self) -> f32 {
        match self.cell {
            // No maximum is there.
            AnyCell::Pool(StepPool { pooling: Pooling::Max, .. }) => f32::NEG_INFINITY,
            _ => 0.0,
        }
    }

    /// Refuses windows that do not fit the cell.
    fn check_window(&self) -> Result<(), Error> {
        let cell = self.cell.get();
        if let AnyCell::Pool(pool) = &self.cell
            && self.window.map(|window| window.size) != Some(pool.steps)
        {
            let found =
                self.window.map_or("no window".to_owned(), |window| format!("a window of {} steps", window.size));
            return Err(Error::setting("the window of a layer that pools", found, format!("{} steps", pool.steps)));
        }
        let Some(window) = self.window else { return Ok(()) };
        window.check()?;
        if matches!(self.cell, AnyCell::Pool(_)) && window.dilation > 1 && window.padding != Padding::Valid {
            let expected = "no padding, or a dilation of 1: a window with gaps may step over all of a short row, and has no maximum";
            return Err(Error::setting("the padding of a layer that pools", format!("{:?}", window.padding), expected));
        }
        if !cell.input().is_multiple_of(window.size) {
            let expected = format!("a multiple of {}, the steps of a window", window.size);
            return Err(Error::setting("the input of a layer on windows", cell.input(), expected));
        }
        if self.residual {
            return Err(unsupported("residual", cell, "the layer reads windows, which are no outputs"));
        }
        Ok(())
    }

    /// Directions, 1 or 2.
    pub fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional.is_some())
    }

    /// Floats of its outputs: P, or 2 P where two directions stand side by side.
    pub fn output(&self) -> usize {
        let one = self.cell.get().output();
        self.bidirectional.map_or(one, |merge| merge.width(one))
    }

    /// Floats of its final states as a head on the last state reads them.
    pub fn summary(&self) -> usize {
        let one = self.cell.get().output();
        self.bidirectional.map_or(one, |merge| merge.of_states().width(one))
    }
}

/// A vector for each token, looked up: what a network of tokens starts with.
///
/// Tokens come as floats, one a step: whole numbers from 0, exact up to 2²⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// V, the tokens.
    pub tokens: usize,
    /// Floats of a vector.
    pub size: usize,
}

impl Embedding {
    /// Whether a float is a token: a whole number below V.
    pub fn holds(&self, x: f32) -> bool {
        x.fract() == 0.0 && x >= 0.0 && x < self.tokens as f32
    }
}

/// Layers, each reading the outputs of the one before. They may be of any kinds in any order; without a recurrent one among
/// them, the network sees one step at a time, and only a head that takes steps together knows of others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stack {
    /// Vectors for tokens, before the first layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<Embedding>,
    /// From the input on.
    pub layers: Vec<Layer>,
    /// How products are computed, those of a head on the layers too.
    #[serde(default, skip_serializing_if = "Arithmetic::is_f32")]
    pub arithmetic: Arithmetic,
}

impl<L: Into<Layer>> From<L> for Stack {
    fn from(layer: L) -> Self {
        Stack::new(layer)
    }
}

impl Stack {
    /// Most layers of a stack.
    pub const LAYERS_MAX: usize = 64;

    /// A stack of one layer.
    pub fn new(layer: impl Into<Layer>) -> Self {
        Stack::of(None, vec![layer.into()])
    }

    /// A stack of layers, the first of which may read the vectors of tokens; in f32.
    pub fn of(embedding: Option<Embedding>, layers: Vec<Layer>) -> Self {
        Stack { embedding, layers, arithmetic: Arithmetic::F32 }
    }

    /// With another layer on top.
    pub fn then(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// For tokens, with vectors of the size that the first layer reads.
    pub fn embedding(self, tokens: usize) -> Self {
        let size = self.layers.first().map_or(0, Layer::input);
        Stack { embedding: Some(Embedding { tokens, size }), ..self }
    }

    /// In another arithmetic.
    pub fn arithmetic(self, arithmetic: Arithmetic) -> Self {
        Stack { arithmetic, ..self }
    }

    /// What its products are computed with, on one thread or by a team, in a pass.
    pub(crate) fn engine<'a>(&self, isa: Isa, pass: Pass, team: Option<&'a Team<'a>>) -> Engine<'a> {
        Engine { isa, arithmetic: self.arithmetic, pass: Some(pass), team }
    }

    /// Floats of a step of the data: 1 for tokens.
    pub fn input(&self) -> usize {
        if self.embedding.is_some() { 1 } else { self.layers.first().map_or(0, Layer::input) }
    }

    /// Floats of the outputs of the last layer.
    pub fn output(&self) -> usize {
        self.layers.last().map_or(0, Layer::output)
    }

    /// Floats of the final states h of the last layer as a head on them reads them: [`Reads::LastState`](crate::Reads).
    pub fn summary(&self) -> usize {
        self.layers.last().map_or(0, Layer::summary)
    }

    /// Rows of the tiles that a batch is cut into.
    pub(crate) fn tile_rows(&self, batch: usize) -> usize {
        tile_rows(self.widest(), batch)
    }

    /// The widest state of the cells.
    pub(crate) fn widest(&self) -> usize {
        let widths = self.layers.iter().map(|layer| layer.cell.get().output().max(layer.cell.get().memory()));
        widths.max().unwrap_or(1)
    }

    /// Steps that its outputs have of a row of `steps` steps: fewer where a layer reads windows. None are left of a row that
    /// is shorter than they reach.
    pub fn steps_left(&self, steps: usize) -> usize {
        self.layers.iter().filter_map(|layer| layer.window).fold(steps, |steps, window| window.count(steps))
    }

    /// The fewest steps of a row of which one is left.
    pub fn least_steps(&self) -> usize {
        self.layers.iter().rev().filter_map(|layer| layer.window).fold(1, |count, window| window.least(count))
    }

    /// Whether a layer reads windows of steps.
    pub fn has_windows(&self) -> bool {
        self.layers.iter().any(|layer| layer.window.is_some())
    }

    /// Whether its outputs have as many steps as every row.
    pub fn keeps_steps(&self) -> bool {
        self.layers.iter().filter_map(|layer| layer.window).all(|window| window.keeps_steps())
    }

    /// Whether a layer reads its rows from their ends, so that outputs depend on later inputs.
    pub fn is_bidirectional(&self) -> bool {
        self.layers.iter().any(|layer| layer.bidirectional.is_some())
    }

    /// Refuses what a layer that reads its rows from their ends, or windows of their steps, cannot do, and says why.
    pub(crate) fn check_forward(&self, what: &'static str, why: &str) -> Result<(), Error> {
        let is = |layer: &&Layer| layer.bidirectional.is_some() || layer.window.is_some();
        let Some(layer) = self.layers.iter().find(is) else { return Ok(()) };
        let how = if layer.window.is_some() { "reads windows of several steps" } else { "is bidirectional" };
        Err(unsupported(what, layer.cell.get(), &format!("the layer {how}: {why}")))
    }

    /// Refuses what cannot be done step by step, and says why. Windows that end with the step that they stand for can.
    ///
    /// # Errors
    /// The first layer that reads its rows from their ends, or windows that do not.
    pub(crate) fn check_steps(&self, what: &'static str, why: &str) -> Result<(), Error> {
        for layer in &self.layers {
            if layer.bidirectional.is_some() {
                let why = format!("the layer is bidirectional: {why}");
                return Err(unsupported(what, layer.cell.get(), &why));
            }
            if let Some(Err(reason)) = layer.window.map(|window| window.check_causal()) {
                let why = format!("the layer reads windows of several steps, and {reason}: {why}");
                return Err(unsupported(what, layer.cell.get(), &why));
            }
        }
        Ok(())
    }

    /// Refuses layers that cannot read parallel streams window by window.
    ///
    /// # Errors
    /// If a layer is bidirectional: it would need the steps to come.
    pub fn check_streams(&self) -> Result<(), Error> {
        self.check_forward("a carried state", "it would need the steps to come")
    }

    /// Whether training draws masks.
    pub fn is_noisy(&self) -> bool {
        self.layers.iter().any(|layer| layer.dropout > 0.0 || !layer.cell.get().noise().is_none())
    }

    /// Refuses sizes that do not fit each other, and options that a cell does not compute.
    ///
    /// # Errors
    /// The first of them, by its name.
    pub fn check(&self) -> Result<(), Error> {
        let most = Self::LAYERS_MAX;
        if !(1..=most).contains(&self.layers.len()) {
            return Err(Error::setting("layers", self.layers.len(), format!("1 to {most}")));
        }
        if let Some(Embedding { tokens, size: found }) = self.embedding {
            if !(1..=TOKENS_MAX).contains(&tokens) {
                return Err(Error::setting("tokens", tokens, format!("1 to {TOKENS_MAX}")));
            }
            if found != self.layers[0].input() {
                return Err(Error::shape("the vectors of the embedding", &[found], &[self.layers[0].input()]));
            }
        }
        let mut before: Option<usize> = None;
        for (index, layer) in self.layers.iter().enumerate() {
            layer.cell.check()?;
            layer.check_window()?;
            check_rate("dropout", layer.dropout)?;
            if let Some(before) = before
                && layer.input() != before
            {
                return Err(Error::shape(format!("the input of layer {index}"), &[layer.input()], &[before]));
            }
            if layer.residual && layer.input() != layer.output() {
                let what = format!("the input of layer {index}, which is residual,");
                return Err(Error::shape(what, &[layer.input()], &[layer.output()]));
            }
            if index + 1 == self.layers.len() && layer.dropout > 0.0 {
                let why = "dropout is applied between layers, and it is the last one";
                return Err(unsupported("dropout", layer.cell.get(), why));
            }
            before = Some(layer.output());
        }
        Ok(())
    }
}
