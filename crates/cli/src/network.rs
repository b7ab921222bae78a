//! Cells, layers and their options: the same flags and settings for every job.

use clap::Args;
use clap::builder::PossibleValuesParser;
use elman::{
    Activation, AnyCell, Error, GateActivation, Gru, Head, IndRnn, Layer, Lstm, Merge, Noise, Nonlinearity, Reads,
    Reset, Rnn, Stack,
};
use serde::{Deserialize, Serialize};

use crate::settings::set;

/// The names of the cells.
pub(crate) const CELLS: [&str; 4] = ["rnn", "lstm", "gru", "indrnn"];

/// Flags of a network. What is not given comes from the configuration.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct NetworkArgs {
    /// The cell: rnn, lstm, gru or indrnn
    #[arg(long, value_parser = PossibleValuesParser::new(CELLS), help_heading = "Model")]
    pub(crate) cell: Option<String>,
    /// Number of layers, stacked
    #[arg(long, value_name = "N", help_heading = "Model")]
    layers: Option<usize>,
    /// Read each sequence in both directions; the outputs are concatenated (concat) or added (sum) for the next layer, and
    /// a head on the final states reads both
    #[arg(long, value_name = "MERGE", num_args = 0..=1, require_equals = true, default_missing_value = "concat",
        value_parser = PossibleValuesParser::new(["concat", "sum"]), help_heading = "Model")]
    bidirectional: Option<String>,
    /// Add the input of each layer above the first to its output; a head on the final state is affected from 3 layers on
    #[arg(long, help_heading = "Model")]
    residual: bool,
    /// Dropout between layers: fraction of the outputs dropped in training
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Model")]
    dropout: Option<f32>,
    /// Activation: of the state of rnn and indrnn, of the candidate of lstm and gru, and of the memory that an lstm shows
    #[arg(long, value_parser = PossibleValuesParser::new(Activation::ALL.map(Activation::name)), help_heading = "Cell")]
    activation: Option<String>,
    /// lstm, gru: activation of the gates. hard_sigmoid is Keras 3's, a/6 + 1/2 within 0 and 1; hard_sigmoid_keras2 is
    /// 0.2 a + 1/2, ONNX's default too
    #[arg(long, value_parser = PossibleValuesParser::new(GateActivation::ALL.map(GateActivation::name)),
        help_heading = "Cell")]
    recurrent_activation: Option<String>,
    /// gru: apply the reset gate after the recurrent product, as PyTorch does, or before it, as TensorFlow 1 does
    #[arg(long, value_parser = PossibleValuesParser::new(["after", "before"]), help_heading = "Cell")]
    reset: Option<String>,
    /// lstm: peephole connections from the memory to the gates
    #[arg(long, help_heading = "Cell")]
    peepholes: bool,
    /// lstm: the forget gate is 1 minus the input gate
    #[arg(long, help_heading = "Cell")]
    coupled: bool,
    /// lstm: project the output to N units
    #[arg(long, value_name = "N", help_heading = "Cell")]
    projection: Option<usize>,
    /// lstm: clip the memory to ±X
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Cell")]
    cell_clip: Option<f32>,
    /// lstm: clip the projected state to ±X
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Cell")]
    projection_clip: Option<f32>,
    /// lstm, gru: layer normalisation of each gate
    #[arg(long, help_heading = "Cell")]
    layer_norm: bool,
    /// Dropout of the state before the recurrent product, with one mask per sequence
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Cell")]
    recurrent_dropout: Option<f32>,
    /// lstm, gru: dropout of the candidate, at each step
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Cell")]
    candidate_dropout: Option<f32>,
    /// Zoneout: fraction of the state that keeps its value at each step
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Cell")]
    zoneout: Option<f32>,
    /// lstm: zoneout of the memory
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Cell")]
    memory_zoneout: Option<f32>,
}

/// A network's settings, as in `config.toml`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct NetworkConfig {
    pub(crate) cell: String,
    pub(crate) hidden_size: usize,
    pub(crate) layers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bidirectional: Option<Merge>,
    pub(crate) residual: bool,
    pub(crate) dropout: f32,
    pub(crate) activation: Activation,
    #[serde(skip_serializing_if = "GateActivation::is_default")]
    pub(crate) recurrent_activation: GateActivation,
    pub(crate) reset: Reset,
    pub(crate) peepholes: bool,
    pub(crate) coupled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) projection: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cell_clip: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) projection_clip: Option<f32>,
    pub(crate) layer_norm: bool,
    pub(crate) recurrent_dropout: f32,
    pub(crate) candidate_dropout: f32,
    pub(crate) zoneout: f32,
    pub(crate) memory_zoneout: f32,
    /// Options that a flag gave, though perhaps their defaults: a cell that has no such option refuses them too.
    #[serde(skip)]
    pub(crate) given: Vec<&'static str>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        NetworkConfig {
            cell: "rnn".into(),
            hidden_size: 128,
            layers: 1,
            bidirectional: None,
            residual: false,
            dropout: 0.0,
            activation: Activation::default(),
            recurrent_activation: GateActivation::default(),
            reset: Reset::default(),
            peepholes: false,
            coupled: false,
            projection: None,
            cell_clip: None,
            projection_clip: None,
            layer_norm: false,
            recurrent_dropout: 0.0,
            candidate_dropout: 0.0,
            zoneout: 0.0,
            memory_zoneout: 0.0,
            given: Vec::new(),
        }
    }
}

impl NetworkConfig {
    /// With a value for everything that may be absent: the names of all settings.
    pub(crate) fn full() -> Self {
        NetworkConfig {
            bidirectional: Some(Merge::Concat),
            recurrent_activation: GateActivation::HardSigmoid,
            projection: Some(1),
            cell_clip: Some(1.0),
            projection_clip: Some(1.0),
            ..NetworkConfig::default()
        }
    }

    /// Puts flags before the settings.
    pub(crate) fn set(&mut self, args: &NetworkArgs) {
        let given = [
            ("recurrent_activation", args.recurrent_activation.is_some()),
            ("reset", args.reset.is_some()),
            ("candidate_dropout", args.candidate_dropout.is_some()),
            ("memory_zoneout", args.memory_zoneout.is_some()),
        ];
        self.given.extend(given.into_iter().filter(|(_, given)| *given).map(|(what, _)| what));
        set(&mut self.cell, args.cell.as_ref());
        set(&mut self.layers, args.layers.as_ref());
        set(&mut self.dropout, args.dropout.as_ref());
        set(&mut self.recurrent_dropout, args.recurrent_dropout.as_ref());
        set(&mut self.candidate_dropout, args.candidate_dropout.as_ref());
        set(&mut self.zoneout, args.zoneout.as_ref());
        set(&mut self.memory_zoneout, args.memory_zoneout.as_ref());
        self.projection = args.projection.or(self.projection);
        self.cell_clip = args.cell_clip.or(self.cell_clip);
        self.projection_clip = args.projection_clip.or(self.projection_clip);
        for (setting, flag) in [
            (&mut self.residual, args.residual),
            (&mut self.peepholes, args.peepholes),
            (&mut self.coupled, args.coupled),
            (&mut self.layer_norm, args.layer_norm),
        ] {
            *setting |= flag;
        }
        // The parser has let through known names only.
        match args.bidirectional.as_deref() {
            Some("sum") => self.bidirectional = Some(Merge::Sum),
            Some(_) => self.bidirectional = Some(Merge::Concat),
            None => {}
        }
        if let Some(activation) = args.activation.as_deref().and_then(Activation::from_name) {
            self.activation = activation;
        }
        if let Some(gates) = args.recurrent_activation.as_deref().and_then(GateActivation::from_name) {
            self.recurrent_activation = gates;
        }
        match args.reset.as_deref() {
            Some("before") => self.reset = Reset::Before,
            Some(_) => self.reset = Reset::After,
            None => {}
        }
    }

    /// The cell for inputs of `input` floats.
    fn cell(&self, input: usize) -> Result<AnyCell, Error> {
        let hidden = self.hidden_size;
        let noise = Noise {
            recurrent_dropout: self.recurrent_dropout,
            candidate_dropout: self.candidate_dropout,
            zoneout: self.zoneout,
            memory_zoneout: self.memory_zoneout,
        };
        let cell = match self.cell.as_str() {
            "rnn" => AnyCell::Rnn(Rnn { input, hidden, activation: self.activation, noise }),
            "indrnn" => AnyCell::IndRnn(IndRnn { input, hidden, activation: self.activation, noise }),
            "lstm" => AnyCell::Lstm(Lstm {
                input,
                hidden,
                projection: self.projection,
                peepholes: self.peepholes,
                coupled: self.coupled,
                cell_clip: self.cell_clip,
                projection_clip: self.projection_clip,
                layer_norm: self.layer_norm,
                activation: self.activation,
                recurrent_activation: self.recurrent_activation,
                noise,
            }),
            "gru" => AnyCell::Gru(Gru {
                input,
                hidden,
                reset: self.reset,
                layer_norm: self.layer_norm,
                activation: self.activation,
                recurrent_activation: self.recurrent_activation,
                noise,
            }),
            _ => {
                let expected = format!("one of: {}", CELLS.join(", "));
                return Err(Error::Setting { what: "cell", found: format!("{:?}", self.cell), expected });
            }
        };
        // What another cell has. An option whose default is a value may have been given as that.
        let [lstm, gru] = ["lstm", "gru"].map(|cell| self.cell == cell);
        let gates = lstm || gru;
        let given = |what| self.given.contains(&what);
        for (what, foreign, whose) in [
            (
                "recurrent_activation",
                !gates && (!self.recurrent_activation.is_default() || given("recurrent_activation")),
                "lstm and gru",
            ),
            ("reset", !gru && (self.reset != Reset::default() || given("reset")), "gru"),
            ("peepholes", !lstm && self.peepholes, "lstm"),
            ("coupled", !lstm && self.coupled, "lstm"),
            ("projection", !lstm && self.projection.is_some(), "lstm"),
            ("cell_clip", !lstm && self.cell_clip.is_some(), "lstm"),
            ("projection_clip", !lstm && self.projection_clip.is_some(), "lstm"),
            ("layer_norm", !gates && self.layer_norm, "lstm and gru"),
            ("candidate_dropout", !gates && given("candidate_dropout"), "lstm and gru"),
            ("memory_zoneout", !lstm && given("memory_zoneout"), "lstm"),
        ] {
            if foreign {
                let why = format!("it is an option of {whose}");
                return Err(Error::Unsupported { what, cell: cell.get().name(), why });
            }
        }
        Ok(cell)
    }

    /// The layers, for inputs of `input` floats.
    ///
    /// # Errors
    /// If a cell does not compute an option, or a size is out of range.
    pub(crate) fn stack(&self, input: usize) -> Result<Stack, Error> {
        if !(1..=Stack::LAYERS_MAX).contains(&self.layers) {
            let expected = format!("1 to {}", Stack::LAYERS_MAX);
            return Err(Error::Setting { what: "layers", found: self.layers.to_string(), expected });
        }
        if self.residual && self.layers == 1 {
            let expected = "2 or more for residual connections, which lead past the layers above the first".into();
            return Err(Error::Setting { what: "layers", found: "1".into(), expected });
        }
        let mut layers: Vec<Layer> = Vec::new();
        for index in 0..self.layers {
            let input = layers.last().map_or(input, Layer::output);
            let mut layer = Layer::new(self.cell(input)?).residual(self.residual && index > 0);
            layer.bidirectional = self.bidirectional;
            // A dropout with nothing to lead to is refused by the check.
            if index + 1 < self.layers || self.layers == 1 {
                layer.dropout = self.dropout;
            }
            layers.push(layer);
        }
        let stack = Stack { embedding: None, layers };
        stack.check()?;
        Ok(stack)
    }
}

/// The layers in a line: `lstm 28 → 128 (peepholes), lstm 128 → 128`.
pub(crate) fn describe(stack: &Stack) -> String {
    let layers: Vec<String> = stack.layers.iter().map(describe_layer).collect();
    layers.join(", ")
}

/// What a head predicts, and where it is more than a dense layer on the last state or every step, what it reads and
/// through what.
pub(crate) fn describe_head(head: &Head) -> String {
    let mut text = head.describe();
    if let Reads::Mean | Reads::Max = head.reads {
        text += &format!(" on {}", head.reads.describe());
    }
    if !head.hidden.is_empty() {
        let layers = head.hidden.iter().map(|layer| match describe_phi(layer.activation) {
            Some(phi) => format!("{} {phi}", layer.size),
            None => layer.size.to_string(),
        });
        text += &format!(" through hidden layers of {}", layers.collect::<Vec<_>>().join(", "));
    }
    text
}

/// None: there is none.
fn describe_phi(phi: Nonlinearity) -> Option<String> {
    match (phi, phi.constant()) {
        (Nonlinearity::Identity, _) => None,
        (_, Some(constant)) => Some(format!("{} {constant}", phi.name())),
        (_, None) => Some(phi.name().into()),
    }
}

fn describe_layer(layer: &Layer) -> String {
    let cell = layer.cell.get();
    let mut options: Vec<String> = Vec::new();
    match &layer.cell {
        AnyCell::Rnn(Rnn { activation, .. }) | AnyCell::IndRnn(IndRnn { activation, .. }) => {
            options.push(activation.name().into());
        }
        AnyCell::Lstm(lstm) => {
            let on = [
                (!lstm.activation.is_default(), lstm.activation.name().to_owned()),
                (!lstm.recurrent_activation.is_default(), format!("gates {}", lstm.recurrent_activation.name())),
                (lstm.peepholes, "peepholes".to_owned()),
                (lstm.coupled, "coupled".to_owned()),
                (lstm.layer_norm, "layer norm".to_owned()),
                (lstm.projection.is_some(), format!("memory {}", lstm.hidden)),
                (lstm.cell_clip.is_some(), format!("cell clip {}", lstm.cell_clip.unwrap_or_default())),
                (
                    lstm.projection_clip.is_some(),
                    format!("projection clip {}", lstm.projection_clip.unwrap_or_default()),
                ),
            ];
            options.extend(on.into_iter().filter(|(on, _)| *on).map(|(_, text)| text));
        }
        AnyCell::Gru(gru) => {
            options.push(if gru.reset == Reset::After { "reset after" } else { "reset before" }.into());
            options.extend((!gru.activation.is_default()).then(|| gru.activation.name().into()));
            let gates = gru.recurrent_activation;
            options.extend((!gates.is_default()).then(|| format!("gates {}", gates.name())));
            options.extend(gru.layer_norm.then(|| "layer norm".into()));
        }
        AnyCell::Dense(dense) => options.extend(describe_phi(dense.activation)),
        AnyCell::LayerNorm(norm) => options.push(format!("epsilon {}", norm.epsilon)),
        AnyCell::Scale(_) | AnyCell::Custom(_) => {}
    }
    let noise = cell.noise();
    for (rate, name) in [
        (noise.recurrent_dropout, "recurrent dropout"),
        (noise.candidate_dropout, "candidate dropout"),
        (noise.zoneout, "zoneout"),
        (noise.memory_zoneout, "memory zoneout"),
        (layer.dropout, "dropout"),
    ] {
        if rate > 0.0 {
            options.push(format!("{name} {rate}"));
        }
    }
    match layer.bidirectional {
        Some(Merge::Concat) => options.push("both directions, side by side".into()),
        Some(Merge::Sum) => options.push("both directions, added".into()),
        Some(Merge::Average) => options.push("both directions, their mean".into()),
        Some(Merge::Multiply) => options.push("both directions, multiplied".into()),
        None => {}
    }
    if layer.residual {
        options.push("residual".into());
    }
    let options = if options.is_empty() { String::new() } else { format!(" ({})", options.join(", ")) };
    format!("{} {} → {}{options}", cell.name(), layer.input(), layer.output())
}
