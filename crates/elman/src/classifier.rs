//! The tutorial's model: a cell over the sequence, a dense layer on its final state, a class.
//!
//! logits = h_T W + b

use std::collections::BTreeMap;
use std::path::Path;

use elman_formats as formats;
use elman_kernels as kernels;
use elman_kernels::{Aligned, LANES, panels};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::init::{self, Init};
use crate::parameters::{Entry, Layout, dense_layout};
use crate::random::Random;
use crate::rnn::{Rnn, RnnCell};

/// Most classes of a model.
const CLASSES_MAX: usize = 65_536;

/// Most steps of the sequences that a model is meant for.
const STEPS_MAX: usize = 1 << 24;

/// The key of a model file's metadata under which its configuration stands, as JSON.
const METADATA_KEY: &str = "elman";

/// What the names of the cell's and the head's arrays start with.
const CELL: &str = "layers.0.";
const HEAD: &str = "head.";

/// A model's configuration: enough, beside the arrays, to build it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Version of this description; 1.
    pub version: u32,
    /// The cells, from the input on. One, for now.
    pub layers: Vec<LayerConfig>,
    /// What stands on the final state.
    pub head: HeadConfig,
    /// Steps of the sequences that the model was trained on, if they all had as many.
    pub steps: Option<usize>,
}

/// One layer of cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cell", rename_all = "lowercase")]
pub enum LayerConfig {
    /// The Elman cell.
    Rnn(Rnn),
}

/// The last layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadConfig {
    /// Classes to choose from.
    pub classes: usize,
}

/// A cell, a dense layer on its final state, and their parameters in one flat buffer.
#[derive(Clone, Debug)]
pub struct Classifier {
    /// The cell's sizes and options.
    pub rnn: Rnn,
    /// C, the classes.
    pub classes: usize,
    /// Steps that the model is meant for, if they are fixed; kept in its file.
    pub steps: Option<usize>,
    /// Cell, then head, each in the kernels' order.
    pub(crate) parameters: Aligned,
    /// What the backward pass reads instead: see [`Transposed`].
    pub(crate) transposed: Transposed,
}

/// Rᵀ of the cell and Wᵀ of the head in panels, made anew after each change of the parameters.
#[derive(Clone, Debug)]
pub(crate) struct Transposed {
    pub(crate) recurrent: Aligned,
    pub(crate) head: Aligned,
}

impl Classifier {
    /// A classifier on a cell, the dense layer with initial values by a convention.
    ///
    /// # Errors
    /// If there are fewer than two classes, or more than 65,536.
    pub fn new(cell: &RnnCell, classes: usize, init: Init, random: &mut Random) -> Result<Self, Error> {
        let mut model = Self::empty(cell.rnn, classes)?;
        model.parameters[..cell.weights.len()].copy_from_slice(&cell.weights);
        let (kernel, bias) = init::dense(init, cell.rnn.hidden, classes, random);
        let head = model.head_layout();
        let weights = &mut model.parameters[cell.weights.len()..];
        for (entry, values) in head.entries.iter().zip([kernel, bias]) {
            entry.pack(&values, weights);
        }
        model.transpose();
        Ok(model)
    }

    fn empty(rnn: Rnn, classes: usize) -> Result<Self, Error> {
        rnn.check()?;
        check_classes(classes)?;
        let dense = dense_of(rnn, classes);
        let cell = rnn.kernel();
        Ok(Classifier {
            rnn,
            classes,
            steps: None,
            parameters: Aligned::zeros(cell.weights_len() + dense.weights_len()),
            transposed: Transposed {
                recurrent: Aligned::zeros(cell.recurrent_transposed_len()),
                head: Aligned::zeros(dense.transposed_len()),
            },
        })
    }

    /// The cell alone, with a copy of its parameters.
    pub fn cell(&self) -> RnnCell {
        let mut weights = Aligned::zeros(self.cell_len());
        weights.copy_from_slice(&self.parameters[..self.cell_len()]);
        RnnCell { rnn: self.rnn, weights }
    }

    /// The dense layer's kernel [H, C] and bias `[C]`.
    pub fn head(&self) -> (Array2<f32>, Vec<f32>) {
        let (layout, weights) = (self.head_layout(), &self.parameters[self.cell_len()..]);
        (layout.entries[0].matrix(weights), layout.entries[1].unpack(weights))
    }

    /// Parameters that are trained, without padding.
    pub fn parameter_count(&self) -> usize {
        self.rnn.layout("").count() + self.head_layout().count()
    }

    /// The configuration, as in the model's file.
    pub fn config(&self) -> Config {
        Config {
            version: 1,
            layers: vec![LayerConfig::Rnn(self.rnn)],
            head: HeadConfig { classes: self.classes },
            steps: self.steps,
        }
    }

    /// The plain arrays by name: `layers.0.kernel [I, H]`, `layers.0.recurrent_kernel [H, H]`, `layers.0.bias [H]`,
    /// `head.kernel [H, C]`, `head.bias [C]`. Row-major.
    pub fn arrays(&self) -> BTreeMap<String, formats::Array> {
        self.unpack(&self.parameters)
    }

    /// Replaces all parameters by plain arrays of the names and shapes of [`Classifier::arrays`].
    ///
    /// # Errors
    /// If a name is missing or unknown, or a shape differs. The model is then as it was.
    pub fn set_arrays(&mut self, arrays: &BTreeMap<String, formats::Array>) -> Result<(), Error> {
        let known: Vec<_> = self.entries().map(|(entry, _)| entry.name).collect();
        if let Some(name) = arrays.keys().find(|name| !known.contains(name)) {
            return Err(Error::setting("an array's name", name, format!("one of {}", known.join(", "))));
        }
        let mut packed = Aligned::zeros(self.parameters.len());
        for (entry, range) in self.entries() {
            let Some(array) = arrays.get(&entry.name) else {
                return Err(Error::setting("array", format!("{} missing", entry.name), known.join(", ")));
            };
            if array.shape != entry.shape {
                return Err(Error::shape(entry.name, &array.shape, &entry.shape));
            }
            entry.pack(&array.data, &mut packed[range]);
        }
        self.parameters = packed;
        self.transpose();
        Ok(())
    }

    /// Writes the model, whole or not at all: its arrays, and its configuration in the metadata.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let config = serde_json::to_string(&self.config())
            .map_err(|error| Error::Model { path: path.into(), why: error.to_string() })?;
        let file = formats::File { arrays: self.arrays(), metadata: [(METADATA_KEY.into(), config)].into() };
        Ok(formats::write(path, &file)?)
    }

    /// Reads a model that [`Classifier::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, has no configuration, or its arrays do not fit it.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = formats::read(path)?;
        let bad = |why: String| Error::Model { path: path.into(), why };
        let Some(config) = file.metadata.get(METADATA_KEY) else {
            return Err(bad(format!(
                "no configuration under the key {METADATA_KEY:?} of its metadata; expected a model that elman wrote"
            )));
        };
        let config: Config =
            serde_json::from_str(config).map_err(|error| bad(format!("its configuration: {error}")))?;
        if config.version != 1 {
            return Err(bad(format!("its configuration has version {}; this program knows 1", config.version)));
        }
        let [LayerConfig::Rnn(rnn)] = config.layers[..] else {
            return Err(bad(format!("it has {} layers; this program knows one", config.layers.len())));
        };
        if config.steps.is_some_and(|steps| !(1..=STEPS_MAX).contains(&steps)) {
            return Err(bad(format!("its steps are {:?}; expected 1 to {STEPS_MAX}", config.steps)));
        }
        // Before any memory is set aside: the sizes must be those of the arrays that the file really holds.
        rnn.check().and_then(|()| check_classes(config.head.classes)).map_err(|error| bad(error.to_string()))?;
        let head = dense_layout(HEAD, rnn.hidden, config.head.classes);
        for entry in rnn.layout(CELL).entries.into_iter().chain(head.entries) {
            let found = file.arrays.get(&entry.name).map(|array| &array.shape);
            if found != Some(&entry.shape) {
                let found = found.map_or("missing".into(), |shape| format!("of shape {shape:?}"));
                return Err(bad(format!("{} is {found}; its configuration expects {:?}", entry.name, entry.shape)));
            }
        }
        let mut model = Self::empty(rnn, config.head.classes).map_err(|error| bad(error.to_string()))?;
        model.steps = config.steps;
        model.set_arrays(&file.arrays).map_err(|error| bad(error.to_string()))?;
        Ok(model)
    }

    pub(crate) fn dense(&self) -> kernels::Dense {
        dense_of(self.rnn, self.classes)
    }

    /// Floats of the cell's weights: where those of the head start.
    pub(crate) fn cell_len(&self) -> usize {
        self.rnn.kernel().weights_len()
    }

    fn head_layout(&self) -> Layout {
        dense_layout(HEAD, self.rnn.hidden, self.classes)
    }

    /// All arrays, and where their layer's weights lie in the flat buffer.
    fn entries(&self) -> impl Iterator<Item = (Entry, std::ops::Range<usize>)> {
        let (cell, head) = (self.rnn.layout(CELL), self.head_layout());
        let (middle, end) = (cell.len, cell.len + head.len);
        let cell = cell.entries.into_iter().map(move |entry| (entry, 0..middle));
        cell.chain(head.entries.into_iter().map(move |entry| (entry, middle..end)))
    }

    /// The plain arrays of a buffer that is laid out as the parameters.
    pub(crate) fn unpack(&self, flat: &[f32]) -> BTreeMap<String, formats::Array> {
        self.entries()
            .map(|(entry, range)| {
                let data = entry.unpack(&flat[range]);
                (entry.name, formats::Array { shape: entry.shape, data })
            })
            .collect()
    }

    /// Makes the transposed panels anew.
    pub(crate) fn transpose(&mut self) {
        let Classifier { rnn, classes, parameters, transposed, .. } = self;
        for (panel, out) in transposed.panels(*rnn, *classes) {
            transpose_panel(*rnn, *classes, parameters, panel, out);
        }
    }
}

fn check_classes(classes: usize) -> Result<(), Error> {
    if !(2..=CLASSES_MAX).contains(&classes) {
        return Err(Error::setting("the number of classes", classes, format!("2 to {CLASSES_MAX}")));
    }
    Ok(())
}

/// The dense layer on a cell's final state.
pub(crate) fn dense_of(rnn: Rnn, classes: usize) -> kernels::Dense {
    kernels::Dense { input: rnn.hidden, output: classes }
}

impl Transposed {
    /// The panels, numbered: those of Rᵀ, then those of the head's Wᵀ.
    pub(crate) fn panels(&mut self, rnn: Rnn, classes: usize) -> impl Iterator<Item = (usize, &mut [f32])> {
        let recurrent = self.recurrent.chunks_exact_mut(rnn.hidden * LANES);
        recurrent.chain(self.head.chunks_exact_mut(classes * LANES)).enumerate()
    }
}

/// Fills one of [`Transposed::panels`].
pub(crate) fn transpose_panel(rnn: Rnn, classes: usize, parameters: &[f32], panel: usize, out: &mut [f32]) {
    let cell = rnn.kernel();
    let (weights, head) = parameters.split_at(cell.weights_len());
    match panel.checked_sub(panels(rnn.hidden)) {
        None => cell.transpose_recurrent(weights, panel, out),
        Some(panel) => dense_of(rnn, classes).transpose(head, panel, out),
    }
}
