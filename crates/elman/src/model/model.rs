//! The tutorial's model: a network over the sequence, and a head of dense layers on what it gives.
//!
//! logits = h_T W + b

use std::collections::BTreeMap;
use std::path::Path;

use elman_formats as formats;
use elman_kernels::{Aligned, Arithmetic, Nonlinearity};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::model::head::{Head, Reads};
use crate::model::meaning::Meaning;
use crate::network::init::{self, Init};
use crate::network::layer::{AnyCell, Stack};
use crate::network::network::Network;
use crate::network::parameters::{AttentionLayer, HeadLayer, Plan};
use crate::network::passage::View;
use crate::random::{Purpose, Random};

/// Most steps of the sequences that a model is meant for.
pub const STEPS_MAX: usize = 1 << 24;

/// The key of a model file's metadata under which its configuration stands, as JSON.
const METADATA_KEY: &str = "elman";

/// A model's configuration: enough, beside the arrays, to build it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Version of this description; 1.
    pub version: u32,
    /// The layers, from the input on, and what comes before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<crate::network::layer::Embedding>,
    /// The layers, from the input on.
    pub layers: Vec<crate::network::layer::Layer>,
    /// How products are computed.
    #[serde(default, skip_serializing_if = "Arithmetic::is_f32")]
    pub arithmetic: Arithmetic,
    /// What stands on them.
    pub head: Head,
    /// Steps of the sequences that the model was trained on, if they all had as many.
    pub steps: Option<usize>,
    /// How many models the file holds, each with its arrays: of an [`Ensemble`](crate::Ensemble) of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<usize>,
    /// What its inputs and answers mean, as [`Model::meaning`].
    #[serde(default, rename = "job", skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Meaning>,
}

impl Config {
    /// A configuration as it stands in a file.
    ///
    /// # Errors
    /// If it is none, of another version, or its steps are out of range; the sizes are not looked at.
    pub fn parse(json: &str) -> Result<Self, String> {
        let config: Config = serde_json::from_str(json).map_err(|error| format!("its configuration: {error}"))?;
        if config.version != 1 {
            return Err(format!("its configuration has version {}; this program knows 1", config.version));
        }
        match config.steps {
            Some(steps) if !(1..=STEPS_MAX).contains(&steps) => {
                Err(format!("its steps are {steps}; expected 1 to {STEPS_MAX}"))
            }
            _ => Ok(config),
        }
    }
}

impl Config {
    /// That of a file.
    pub(super) fn of_file(file: &formats::File, path: &Path) -> Result<Self, Error> {
        let Some(config) = file.metadata.get(METADATA_KEY) else {
            return Err(Error::NoModel { path: path.into() });
        };
        Self::parse(config).map_err(|why| Error::Model { path: path.into(), why })
    }

    /// The metadata of the file of a model, or of several.
    pub(super) fn metadata(&self, path: &Path) -> Result<BTreeMap<String, String>, Error> {
        let custom = self.layers.iter().find(|layer| matches!(layer.cell, AnyCell::Custom(_)));
        if let Some(layer) = custom {
            let why = "a file cannot name a cell of one's own; write its arrays with formats::write";
            return Err(Error::Unsupported { what: "a model file", of: layer.cell.get().name(), why: why.into() });
        }
        let config =
            serde_json::to_string(self).map_err(|error| Error::Model { path: path.into(), why: error.to_string() })?;
        Ok([(METADATA_KEY.into(), config)].into())
    }
}

/// A network, a head on it, and their parameters in one flat buffer.
#[derive(Clone, Debug)]
pub struct Model {
    /// Steps that the model is meant for, if they are fixed; kept in its file.
    pub steps: Option<usize>,
    /// What its inputs and answers mean, kept in its file: a vocabulary, the names of classes, scales. None where nothing is
    /// said: of images of digits, whose classes are their own names, and of most models of other programs.
    pub meaning: Option<Meaning>,
    stack: Stack,
    head: Head,
    pub(crate) plan: Plan,
    /// Embedding, cells, head, each in the kernels' order.
    pub(crate) parameters: Aligned,
    /// What the backward pass reads instead, made anew after each change of the parameters.
    pub(crate) transposed: Aligned,
}

impl Model {
    /// A model of a network, the head's dense layers with initial values by a convention.
    ///
    /// # Errors
    /// If the head's sizes are out of range.
    pub fn new(network: &Network, head: impl Into<Head>, init: Init, random: &mut Random) -> Result<Self, Error> {
        let mut model = Self::empty(network.stack().clone(), head.into())?;
        model.parameters[..network.parameters.len()].copy_from_slice(&network.parameters);
        if let Some(AttentionLayer { dense, weights, context, .. }) = &model.plan.attention {
            let (kernel, bias) = init::dense(init, dense.input, dense.output, random);
            for (entry, values) in dense.layout().iter().zip([kernel, bias]) {
                entry.pack(&values, &mut model.parameters[weights.clone()]);
            }
            // As a dense layer with one output; a bias would change no weight.
            let (values, _) = init::dense(init, dense.output, 1, random);
            model.parameters[context.clone()].copy_from_slice(&values);
        }
        for HeadLayer { dense, weights, .. } in &model.plan.head {
            let (kernel, bias) = init::dense(init, dense.input, dense.output, random);
            for (entry, values) in dense.layout().iter().zip([kernel, bias]) {
                entry.pack(&values, &mut model.parameters[weights.clone()]);
            }
        }
        model.transpose();
        Ok(model)
    }

    /// A model of a cell, a layer or a stack, all its initial values by a convention and drawn from a seed: those that the
    /// commands give it.
    ///
    /// ```
    /// # use elman::{Build, Head, Init, Lstm, Model, Purpose, Random, Reads, Stack};
    /// # fn main() -> Result<(), elman::Error> {
    /// let model = Model::init(Lstm::new(3, 32), 2, Init::Tf, 111)?;           // two classes, on the last state
    ///
    /// // The long form has every part by itself.
    /// let network = Lstm::new(3, 32).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
    /// let long = Model::new(&network, 2, Init::Tf, &mut Random::new(111, Purpose::Head))?;
    /// assert_eq!(model.arrays(), long.arrays());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If sizes do not fit each other, or a cell does not compute an option.
    pub fn init(stack: impl Into<Stack>, head: impl Into<Head>, init: Init, seed: u64) -> Result<Self, Error> {
        let network = Network::new(stack, init, &mut Random::new(seed, Purpose::Cell))?;
        Model::new(&network, head, init, &mut Random::new(seed, Purpose::Head))
    }

    /// A model of plain arrays by the names and shapes of [`Model::arrays`].
    ///
    /// # Errors
    /// If sizes do not fit each other, or the arrays do not fit the network and its head.
    pub fn of_arrays(stack: Stack, head: Head, arrays: &BTreeMap<String, formats::Array>) -> Result<Self, Error> {
        let plan = Self::plan(&stack, &head)?;
        let parameters = plan.pack(arrays)?;
        let mut model = Self::of_parameters(stack, head, plan, parameters);
        model.transpose();
        Ok(model)
    }

    /// The same with a configuration, which is taken whole: masks, steps and meaning too.
    ///
    /// # Errors
    /// As [`Model::of_arrays`].
    pub fn of_config(config: &Config, arrays: &BTreeMap<String, formats::Array>) -> Result<Self, Error> {
        let stack = Stack::of(config.embedding, config.layers.clone()).arithmetic(config.arithmetic);
        let mut model = Self::of_arrays(stack, config.head.clone(), arrays)?;
        model.steps = config.steps;
        model.meaning.clone_from(&config.meaning);
        Ok(model)
    }

    fn empty(stack: Stack, head: Head) -> Result<Self, Error> {
        let plan = Self::plan(&stack, &head)?;
        let parameters = Aligned::zeros(plan.len);
        Ok(Self::of_parameters(stack, head, plan, parameters))
    }

    /// Where everything would lie; takes no memory for it.
    fn plan(stack: &Stack, head: &Head) -> Result<Plan, Error> {
        check_both(stack, head)?;
        Ok(Plan::new(stack, head.attention(stack), &head.dense(stack)))
    }

    fn of_parameters(stack: Stack, head: Head, plan: Plan, parameters: Aligned) -> Self {
        let transposed = Aligned::zeros(plan.transposed_len);
        Model { steps: None, meaning: None, stack, head, plan, parameters, transposed }
    }

    /// In another arithmetic: the same weights, answers that differ by what that leaves out.
    pub fn arithmetic(mut self, arithmetic: Arithmetic) -> Self {
        self.stack.arithmetic = arithmetic;
        self
    }

    /// Its layers.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// What stands on them.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The network alone, with a copy of its parameters.
    pub fn network(&self) -> Network {
        Network::from_parts(self.stack.clone(), &self.parameters)
    }

    /// The kernel and bias `[C]` of the head's last dense layer, that of the outputs.
    pub fn head_arrays(&self) -> (Array2<f32>, Vec<f32>) {
        let layer = self.head_layers().pop();
        layer.map_or_else(|| (Array2::zeros((0, 0)), Vec::new()), |layer| (layer.kernel, layer.bias))
    }

    /// The head's dense layers, from what it reads to its outputs.
    pub fn head_layers(&self) -> Vec<DenseArrays> {
        let unpack = |layer: &HeadLayer| {
            let [kernel, bias] = [0, 1].map(|which| {
                let entry = &layer.dense.layout()[which];
                let mut values = vec![0.0; entry.count()];
                entry.unpack(&self.parameters[layer.weights.clone()], &mut values);
                values
            });
            let (input, output) = (layer.dense.input, layer.dense.output);
            let kernel = Array2::from_shape_fn((input, output), |(r, c)| kernel[r * output + c]);
            DenseArrays { kernel, bias, activation: layer.activation }
        };
        self.plan.head.iter().map(unpack).collect()
    }

    /// Parameters that are trained, without padding.
    pub fn parameter_count(&self) -> usize {
        self.plan.count()
    }

    /// The configuration, as in the model's file.
    pub fn config(&self) -> Config {
        Config {
            version: 1,
            embedding: self.stack.embedding,
            layers: self.stack.layers.clone(),
            arithmetic: self.stack.arithmetic,
            head: self.head.clone(),
            steps: self.steps,
            members: None,
            meaning: self.meaning.clone(),
        }
    }

    /// The plain arrays by name, row-major: those of [`Network::arrays`], `head.kernel` and `head.bias [C]`, and those of
    /// hidden layers of the head, `head.0.kernel` and so on; of a head that attends to the steps, `head.attention.kernel
    /// [O, A]`, `head.attention.bias [A]` and `head.attention.context [A]`.
    pub fn arrays(&self) -> BTreeMap<String, formats::Array> {
        self.plan.unpack(&self.parameters)
    }

    /// Replaces all parameters by plain arrays of the names and shapes of [`Model::arrays`].
    ///
    /// # Errors
    /// If a name is missing or unknown, or a shape differs. The model is then as it was.
    pub fn set_arrays(&mut self, arrays: &BTreeMap<String, formats::Array>) -> Result<(), Error> {
        self.parameters = self.plan.pack(arrays)?;
        self.transpose();
        Ok(())
    }

    /// Writes the model, whole or not at all: its arrays, and its configuration in the metadata.
    ///
    /// # Errors
    /// If the file cannot be written, or a cell is one of the user's own, which a file cannot name; write the
    /// [`arrays`](Model::arrays) of such a model.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        Ok(formats::write(path, &self.file(path)?)?)
    }

    /// The bytes of the file that [`Model::save`] writes; errors call it `path`.
    ///
    /// # Errors
    /// If a cell is one of the user's own.
    pub fn to_bytes(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, Error> {
        let path = path.as_ref();
        Ok(formats::to_bytes(&self.file(path)?, path)?)
    }

    fn file(&self, path: &Path) -> Result<formats::File, Error> {
        Ok(formats::File { arrays: self.arrays(), metadata: self.config().metadata(path)? })
    }

    /// Whether a file of arrays is a model that [`Model::save`] wrote, whole or damaged.
    pub fn is_in(file: &formats::File) -> bool {
        file.metadata.contains_key(METADATA_KEY)
    }

    /// Reads a model that [`Model::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, has no configuration, or its arrays do not fit it; if it holds an
    /// [`Ensemble`](crate::Ensemble) of several.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::of_file(formats::read(path)?, path)
    }

    /// The same for a file in memory; errors call it `path`.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn load_bytes(bytes: &[u8], path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::of_file(formats::read_bytes(bytes, path)?, path)
    }

    pub(super) fn of_file(file: formats::File, path: &Path) -> Result<Self, Error> {
        let bad = |why: String| Error::Model { path: path.into(), why };
        let config = Config::of_file(&file, path)?;
        if let Some(members) = config.members {
            return Err(Error::SeveralModels { path: path.into(), members });
        }
        Self::of_checked(config, &file.arrays).map_err(bad)
    }

    /// A model of a file's configuration and arrays; an error is why they do not fit each other.
    pub(super) fn of_checked(config: Config, arrays: &BTreeMap<String, formats::Array>) -> Result<Self, String> {
        let stack = Stack::of(config.embedding, config.layers).arithmetic(config.arithmetic);
        // Before any memory is set aside: the sizes must be those of the arrays that the file really holds.
        check_both(&stack, &config.head).map_err(|error| error.to_string())?;
        let plan = Plan::new(&stack, config.head.attention(&stack), &config.head.dense(&stack));
        for (name, entry, _) in plan.entries() {
            let found = arrays.get(name).map(|array| &array.shape);
            if found != Some(&entry.shape) {
                let found = found.map_or("missing".into(), |shape| format!("of shape {shape:?}"));
                return Err(format!("{name} is {found}; its configuration expects {:?}", entry.shape));
            }
        }
        let mut model = Self::empty(stack, config.head).map_err(|error| error.to_string())?;
        model.steps = config.steps;
        model.meaning = config.meaning;
        model.set_arrays(arrays).map_err(|error| error.to_string())?;
        Ok(model)
    }

    /// As a tile needs it.
    pub(crate) fn view(&self) -> View<'_> {
        View { stack: &self.stack, plan: &self.plan, parameters: &self.parameters }
    }

    /// Makes the transposed weights anew.
    pub(crate) fn transpose(&mut self) {
        self.plan.transpose(&self.parameters, &mut self.transposed);
    }
}

/// A dense layer of a head as plain arrays.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseArrays {
    /// [I, O]
    pub kernel: Array2<f32>,
    /// `[O]`
    pub bias: Vec<f32>,
    /// φ of its sums; none of the layer of the outputs.
    pub activation: Nonlinearity,
}

/// Refuses a stack or a head that is none, and a head on every step of rows whose steps windows make fewer.
fn check_both(stack: &Stack, head: &Head) -> Result<(), Error> {
    stack.check()?;
    head.check()?;
    if head.reads == Reads::EveryStep && !stack.keeps_steps() {
        let expected = "one on the last state, or on the mean or maximum of the steps: the windows of its layers leave fewer \
                        steps than there are answers; with a stride of 1 and padding `same` or `causal` they are as many";
        return Err(Error::setting("the head", "one on every step", expected));
    }
    Ok(())
}
