//! The flat buffer of parameters, and the plain arrays in it.
//!
//! All parameters of a model lie in one buffer, in the order the kernels read: the embedding, then each cell, then the
//! head; gradients and moments have the same layout. Users and files see plain row-major arrays; they are packed and
//! unpacked here.

use std::collections::BTreeMap;
use std::ops::Range;

use elman_formats::Array;
use elman_kernels::cell::{transpose, transposed_len, transposed_panels};
use elman_kernels::layout::{Entry, Transpose};
use elman_kernels::{Aligned, Cell, Dense, LANES, Nonlinearity};

use crate::Error;
use crate::network::layer::Stack;

/// What the names of a cell's arrays start with, in [`Model::arrays`](crate::Model::arrays): those of a layer's only direction, or of
/// one of two.
pub fn prefix(layer: usize, directions: usize, direction: usize) -> String {
    match (directions, direction) {
        (1, _) => format!("layers.{layer}."),
        (_, 0) => format!("layers.{layer}.forward."),
        _ => format!("layers.{layer}.backward."),
    }
}

/// One direction of one layer: a cell with weights of its own.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    /// The layer it belongs to.
    pub(crate) layer: usize,
    /// Whether it reads rows from their ends.
    pub(crate) reversed: bool,
    /// Its weights in the flat buffer.
    pub(crate) weights: Range<usize>,
    /// What of them is kept transposed, and where.
    transposes: Vec<Transpose>,
    pub(crate) transposed: Range<usize>,
    /// What the names of its arrays start with.
    prefix: String,
}

/// A dense layer of a head.
#[derive(Clone, Debug)]
pub(crate) struct HeadLayer {
    pub(crate) dense: Dense,
    pub(crate) activation: Nonlinearity,
    /// Its weights in the flat buffer.
    pub(crate) weights: Range<usize>,
    /// Their transpose among the transposed ones.
    pub(crate) transposed: Range<usize>,
}

/// The layer that scores the steps, of a head that attends to them: `score = vᵀ tanh(h W + b)`.
#[derive(Clone, Debug)]
pub(crate) struct AttentionLayer {
    /// W and b, [O, A] and `[A]`.
    pub(crate) dense: Dense,
    /// Their place in the flat buffer.
    pub(crate) weights: Range<usize>,
    /// Their transpose among the transposed ones.
    pub(crate) transposed: Range<usize>,
    /// v `[A]` in the flat buffer.
    pub(crate) context: Range<usize>,
}

/// Where everything of a model lies.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Of the embedding [V, E], row-major.
    pub(crate) embedding: Range<usize>,
    pub(crate) tracks: Vec<Track>,
    /// Of each layer, its tracks.
    layers: Vec<Range<usize>>,
    /// Of a head that attends to the steps, what scores them.
    pub(crate) attention: Option<AttentionLayer>,
    /// Of the head, the hidden layers before that of the outputs; empty without a head.
    pub(crate) head: Vec<HeadLayer>,
    /// Floats of the parameters, padding included, and of the transposed weights.
    pub(crate) len: usize,
    pub(crate) transposed_len: usize,
    entries: Vec<(String, Entry, Range<usize>)>,
}

impl Plan {
    /// The plan of a stack, with what of a head stands on it: the layer that scores the steps, if there is one, and the
    /// dense layers; or with none.
    pub(crate) fn new(stack: &Stack, attention: Option<Dense>, layers: &[(Dense, Nonlinearity)]) -> Self {
        let mut at = 0;
        let mut transposed_at = 0;
        let mut entries = Vec::new();
        let mut take = |len: usize| {
            let range = at..at + len;
            at += len.next_multiple_of(LANES);
            range
        };
        let embedding = take(stack.embedding.map_or(0, |embedding| embedding.tokens * embedding.size));
        if let Some(of) = stack.embedding {
            let entry = Entry::plain("kernel", elman_kernels::layout::Role::Kernel, &[of.tokens, of.size], 0);
            entries.push(("embedding.kernel".into(), entry, embedding.clone()));
        }
        let mut tracks = Vec::new();
        let mut tracks_of = Vec::with_capacity(stack.layers.len());
        for (index, layer) in stack.layers.iter().enumerate() {
            tracks_of.push(tracks.len()..tracks.len() + layer.directions());
            for direction in 0..layer.directions() {
                let cell = layer.cell.get();
                let prefix = prefix(index, layer.directions(), direction);
                let layout = cell.layout();
                let weights = take(layout.len);
                let transposes = cell.transposes();
                let transposed = transposed_at..transposed_at + transposed_len(&transposes);
                transposed_at = transposed.end;
                for entry in layout.entries {
                    entries.push((format!("{prefix}{}", entry.name), entry, weights.clone()));
                }
                tracks.push(Track { layer: index, reversed: direction == 1, weights, transposes, transposed, prefix });
            }
        }
        let attention = attention.map(|dense| {
            let (weights, context) = (take(dense.weights_len()), take(dense.output));
            for entry in dense.layout() {
                entries.push((format!("head.attention.{}", entry.name), entry, weights.clone()));
            }
            let entry = Entry::plain("context", elman_kernels::layout::Role::Dense, &[dense.output], 0);
            entries.push(("head.attention.context".into(), entry, context.clone()));
            let transposed = transposed_at..transposed_at + dense.transposed_len();
            transposed_at = transposed.end;
            AttentionLayer { dense, weights, transposed, context }
        });
        let mut head = Vec::with_capacity(layers.len());
        for (index, &(dense, activation)) in layers.iter().enumerate() {
            let prefix = if index + 1 < layers.len() { format!("head.{index}.") } else { "head.".to_owned() };
            let weights = take(dense.weights_len());
            for entry in dense.layout() {
                entries.push((format!("{prefix}{}", entry.name), entry, weights.clone()));
            }
            let transposed = transposed_at..transposed_at + dense.transposed_len();
            transposed_at = transposed.end;
            head.push(HeadLayer { dense, activation, weights, transposed });
        }
        Plan { embedding, tracks, layers: tracks_of, attention, head, len: at, transposed_len: transposed_at, entries }
    }

    /// The cell of a track.
    pub(crate) fn cell<'a>(&self, stack: &'a Stack, track: usize) -> &'a dyn Cell {
        stack.layers[self.tracks[track].layer].cell.get()
    }

    /// The parameters that training keeps within ±a bound, by where they lie, and the bound.
    pub(crate) fn bounded(&self, stack: &Stack) -> Vec<(Range<usize>, f32)> {
        let of = |track: usize| {
            let (part, bound) = self.cell(stack, track).bounded()?;
            let start = self.tracks[track].weights.start;
            Some((start + part.start..start + part.end, bound))
        };
        (0..self.tracks.len()).filter_map(of).collect()
    }

    /// The tracks of a layer.
    pub(crate) fn tracks_of(&self, layer: usize) -> Range<usize> {
        self.layers[layer].clone()
    }

    /// Every plain array: its name, its entry, and its part of the flat buffer.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry, Range<usize>)> {
        self.entries.iter().map(|(name, entry, range)| (name.as_str(), entry, range.clone()))
    }

    /// The entries of a track's arrays.
    pub(crate) fn entries_of(&self, track: usize) -> impl Iterator<Item = &Entry> {
        let prefix = &self.tracks[track].prefix;
        self.entries.iter().filter(move |(name, _, _)| name.starts_with(prefix.as_str())).map(|(_, entry, _)| entry)
    }

    /// Parameters without padding.
    pub(crate) fn count(&self) -> usize {
        self.entries.iter().map(|(_, entry, _)| entry.count()).sum()
    }

    /// The plain arrays of a buffer that is laid out as the parameters.
    pub(crate) fn unpack(&self, flat: &[f32]) -> BTreeMap<String, Array> {
        let unpack = |entry: &Entry, range: Range<usize>| {
            let mut data = vec![0.0; entry.count()];
            entry.unpack(&flat[range], &mut data);
            Array { shape: entry.shape.clone(), data }
        };
        self.entries().map(|(name, entry, range)| (name.to_owned(), unpack(entry, range))).collect()
    }

    /// A buffer of the given plain arrays.
    ///
    /// # Errors
    /// If a name is missing or unknown, or a shape differs.
    pub(crate) fn pack(&self, arrays: &BTreeMap<String, Array>) -> Result<Aligned, Error> {
        // Before any memory is set aside: sizes that a file claims must be those of arrays that are there.
        self.check(arrays)?;
        let mut flat = Aligned::zeros(self.len);
        self.fill(arrays, &mut flat);
        Ok(flat)
    }

    /// The same into a buffer whose padding stays as it is.
    ///
    /// # Errors
    /// As [`Plan::pack`]; the buffer is then as it was.
    pub(crate) fn pack_into(&self, arrays: &BTreeMap<String, Array>, flat: &mut [f32]) -> Result<(), Error> {
        self.check(arrays)?;
        self.fill(arrays, flat);
        Ok(())
    }

    fn check(&self, arrays: &BTreeMap<String, Array>) -> Result<(), Error> {
        let known = || self.entries().map(|(name, _, _)| name).collect::<Vec<_>>().join(", ");
        if let Some(name) = arrays.keys().find(|&name| self.entries().all(|(known, _, _)| known != name)) {
            return Err(Error::setting("an array's name", name, format!("one of {}", known())));
        }
        for (name, entry, _) in self.entries() {
            let Some(array) = arrays.get(name) else {
                return Err(Error::setting("array", format!("{name} missing"), known()));
            };
            if array.shape != entry.shape {
                return Err(Error::shape(name, &array.shape, &entry.shape));
            }
        }
        Ok(())
    }

    fn fill(&self, arrays: &BTreeMap<String, Array>, flat: &mut [f32]) {
        for (name, entry, range) in self.entries() {
            entry.pack(&arrays[name].data, &mut flat[range]);
        }
    }

    /// The dense layers of the head, in the order in which they lie: each with its weights and their transpose.
    fn dense(&self) -> impl Iterator<Item = (Dense, &Range<usize>, &Range<usize>)> {
        let attention = self.attention.iter().map(|of| (of.dense, &of.weights, &of.transposed));
        attention.chain(self.head.iter().map(|of| (of.dense, &of.weights, &of.transposed)))
    }

    /// The weights of each track and of the head as the backward pass reads them.
    pub(crate) fn transpose(&self, parameters: &[f32], transposed: &mut [f32]) {
        for track in &self.tracks {
            let weights = &parameters[track.weights.clone()];
            transpose(&track.transposes, weights, &mut transposed[track.transposed.clone()]);
        }
        for (dense, weights, at) in self.dense() {
            let out = &mut transposed[at.clone()];
            for (panel, out) in out.chunks_exact_mut(dense.output * LANES).enumerate() {
                dense.transpose(&parameters[weights.clone()], panel, out);
            }
        }
    }

    /// The same, panel by panel, for several threads.
    pub(crate) fn panels<'a>(&'a self, transposed: &'a mut [f32]) -> Vec<Panel<'a>> {
        let mut panels = Vec::new();
        let mut rest = transposed;
        for track in &self.tracks {
            let (now, later) = std::mem::take(&mut rest).split_at_mut(track.transposed.len());
            rest = later;
            for (parts, index, out) in transposed_panels(&track.transposes, now) {
                panels.push(Panel { weights: track.weights.clone(), of: Of::Cell(parts), index, out });
            }
        }
        for (dense, weights, transposed) in self.dense() {
            let (now, later) = std::mem::take(&mut rest).split_at_mut(transposed.len());
            rest = later;
            for (index, out) in now.chunks_exact_mut(dense.output * LANES).enumerate() {
                panels.push(Panel { weights: weights.clone(), of: Of::Head(dense), index, out });
            }
        }
        panels
    }
}

/// A panel of the transposed weights, to be filled.
pub(crate) struct Panel<'a> {
    weights: Range<usize>,
    of: Of<'a>,
    index: usize,
    out: &'a mut [f32],
}

enum Of<'a> {
    Cell(&'a [Transpose]),
    Head(Dense),
}

impl Panel<'_> {
    /// Fills it from the flat buffer.
    pub(crate) fn fill(&mut self, parameters: &[f32]) {
        let weights = &parameters[self.weights.clone()];
        match &self.of {
            Of::Cell(parts) => parts.iter().for_each(|part| part.fill(weights, self.index, self.out)),
            Of::Head(dense) => dense.transpose(weights, self.index, self.out),
        }
    }
}
