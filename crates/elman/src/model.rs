//! The tutorial's model: a network over the sequence, and a dense layer on its final state or on every step.
//!
//! logits = h_T W + b

use std::collections::BTreeMap;
use std::path::Path;

use elman_formats as formats;
use elman_kernels::{Aligned, Dense};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::head::Head;
use crate::init::{self, Init};
use crate::layer::{AnyCell, Stack};
use crate::network::Network;
use crate::parameters::Plan;
use crate::random::Random;
use crate::tile::View;

/// Most steps of the sequences that a model is meant for.
pub(crate) const STEPS_MAX: usize = 1 << 24;

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
    pub embedding: Option<crate::layer::Embedding>,
    /// The layers, from the input on.
    pub layers: Vec<crate::layer::Layer>,
    /// What stands on them.
    pub head: Head,
    /// Steps of the sequences that the model was trained on, if they all had as many.
    pub steps: Option<usize>,
    /// What its job keeps beside the arrays: a vocabulary, the names of classes, scales.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<serde_json::Value>,
}

impl Config {
    /// A configuration as it stands in a file.
    ///
    /// # Errors
    /// If it is none, of another version, or its steps are out of range; the sizes are not looked at.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
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

/// A network, a dense layer on it, and their parameters in one flat buffer.
#[derive(Clone, Debug)]
pub struct Model {
    /// Steps that the model is meant for, if they are fixed; kept in its file.
    pub steps: Option<usize>,
    /// What its job keeps beside the arrays, in the model's file: a vocabulary, the names of classes, scales.
    pub job: Option<serde_json::Value>,
    stack: Stack,
    head: Head,
    pub(crate) plan: Plan,
    /// Embedding, cells, head, each in the kernels' order.
    pub(crate) parameters: Aligned,
    /// What the backward pass reads instead, made anew after each change of the parameters.
    pub(crate) transposed: Aligned,
}

impl Model {
    /// A model of a network, the dense layer with initial values by a convention.
    ///
    /// # Errors
    /// If the head's sizes are out of range.
    pub fn new(network: &Network, head: impl Into<Head>, init: Init, random: &mut Random) -> Result<Self, Error> {
        let mut model = Self::empty(network.stack().clone(), head.into())?;
        model.parameters[..network.parameters.len()].copy_from_slice(&network.parameters);
        let dense = model.dense();
        let (kernel, bias) = init::dense(init, dense.input, dense.output, random);
        if let Some((_, range, _)) = &model.plan.head {
            for (entry, values) in dense.layout().iter().zip([kernel, bias]) {
                entry.pack(&values, &mut model.parameters[range.clone()]);
            }
        }
        model.transpose();
        Ok(model)
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

    /// The same with a configuration, which is taken whole: masks, steps and job too.
    ///
    /// # Errors
    /// As [`Model::of_arrays`].
    pub(crate) fn of_config(config: &Config, arrays: &BTreeMap<String, formats::Array>) -> Result<Self, Error> {
        let stack = Stack { embedding: config.embedding, layers: config.layers.clone() };
        let mut model = Self::of_arrays(stack, config.head.clone(), arrays)?;
        model.steps = config.steps;
        model.job.clone_from(&config.job);
        Ok(model)
    }

    fn empty(stack: Stack, head: Head) -> Result<Self, Error> {
        let plan = Self::plan(&stack, &head)?;
        let parameters = Aligned::zeros(plan.len);
        Ok(Self::of_parameters(stack, head, plan, parameters))
    }

    /// Where everything would lie; takes no memory for it.
    fn plan(stack: &Stack, head: &Head) -> Result<Plan, Error> {
        stack.check()?;
        head.check()?;
        Ok(Plan::new(stack, Some(head.dense(stack))))
    }

    fn of_parameters(stack: Stack, head: Head, plan: Plan, parameters: Aligned) -> Self {
        let transposed = Aligned::zeros(plan.transposed_len);
        Model { steps: None, job: None, stack, head, plan, parameters, transposed }
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

    /// The dense layer's kernel and bias `[C]`.
    pub fn head_arrays(&self) -> (Array2<f32>, Vec<f32>) {
        let mut arrays = self.arrays();
        let [kernel, bias] =
            ["head.kernel", "head.bias"].map(|name| arrays.remove(name).map(|array| array.data).unwrap_or_default());
        let dense = self.dense();
        let kernel = Array2::from_shape_fn((dense.input, dense.output), |(r, c)| kernel[r * dense.output + c]);
        (kernel, bias)
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
            head: self.head.clone(),
            steps: self.steps,
            job: self.job.clone(),
        }
    }

    /// The plain arrays by name, row-major: those of [`Network::arrays`], `head.kernel` and `head.bias [C]`.
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
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let custom = self.stack.layers.iter().find(|layer| matches!(layer.cell, AnyCell::Custom(_)));
        if let Some(layer) = custom {
            let why = "a file cannot name a cell of one's own; write its arrays with formats::write";
            return Err(Error::Unsupported { what: "a model file", cell: layer.cell.get().name(), why: why.into() });
        }
        let config = serde_json::to_string(&self.config())
            .map_err(|error| Error::Model { path: path.into(), why: error.to_string() })?;
        let file = formats::File { arrays: self.arrays(), metadata: [(METADATA_KEY.into(), config)].into() };
        Ok(formats::write(path, &file)?)
    }

    /// Whether a file of arrays is a model that [`Model::save`] wrote, whole or damaged.
    pub fn is_in(file: &formats::File) -> bool {
        file.metadata.contains_key(METADATA_KEY)
    }

    /// Reads a model that [`Model::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, has no configuration, or its arrays do not fit it.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::of_file(formats::read(path)?, path)
    }

    /// The same for a file in memory; errors call it `path`.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn load_bytes(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        Self::of_file(formats::read_bytes(bytes, path)?, path)
    }

    fn of_file(file: formats::File, path: &Path) -> Result<Self, Error> {
        let bad = |why: String| Error::Model { path: path.into(), why };
        let Some(config) = file.metadata.get(METADATA_KEY) else {
            return Err(bad(format!(
                "no configuration under the key {METADATA_KEY:?} of its metadata; expected a model that elman wrote"
            )));
        };
        let config = Config::parse(config).map_err(bad)?;
        let stack = Stack { embedding: config.embedding, layers: config.layers };
        // Before any memory is set aside: the sizes must be those of the arrays that the file really holds.
        stack.check().and_then(|()| config.head.check()).map_err(|error| bad(error.to_string()))?;
        let plan = Plan::new(&stack, Some(config.head.dense(&stack)));
        for (name, entry, _) in plan.entries() {
            let found = file.arrays.get(name).map(|array| &array.shape);
            if found != Some(&entry.shape) {
                let found = found.map_or("missing".into(), |shape| format!("of shape {shape:?}"));
                return Err(bad(format!("{name} is {found}; its configuration expects {:?}", entry.shape)));
            }
        }
        let mut model = Self::empty(stack, config.head).map_err(|error| bad(error.to_string()))?;
        model.steps = config.steps;
        model.job = config.job;
        model.set_arrays(&file.arrays).map_err(|error| bad(error.to_string()))?;
        Ok(model)
    }

    pub(crate) fn dense(&self) -> Dense {
        self.head.dense(&self.stack)
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
