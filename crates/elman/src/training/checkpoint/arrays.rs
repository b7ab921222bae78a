//! The arrays of a checkpoint: those of a file, or a view of a trainer's.

use std::borrow::Cow;
use std::collections::BTreeMap;

use elman_formats::Array;
use ndarray::Array2;

use crate::training::trainer::Trainer;

/// What the names of its arrays start with.
pub(super) const PARAMETERS: &str = "parameters.";
pub(super) const PREVIOUS: &str = "previous.";
pub(super) const BEST: &str = "best.";
pub(super) const AVERAGE: &str = "average.";
pub(super) const CARRIED: &str = "carried.";

/// That of a moment's arrays.
pub(super) fn moment(name: &str) -> String {
    format!("moments.{name}.")
}

/// By names with a prefix that says what they are.
pub(super) enum Arrays<'a> {
    Owned(BTreeMap<String, Array>),
    Live {
        trainer: &'a Trainer,
        /// The best weights of early stopping.
        best: Option<&'a [f32]>,
    },
}

impl Arrays<'_> {
    /// The buffers that are laid out as the parameters, by their prefix.
    fn buffers(trainer: &Trainer, best: Option<&[f32]>, mut with: impl FnMut(&str, &[f32])) {
        with(PARAMETERS, &trainer.model().parameters);
        trainer.previous.iter().for_each(|previous| with(PREVIOUS, previous));
        for (name, array) in trainer.state.names.iter().zip(&trainer.state.moments) {
            with(&moment(name), array);
        }
        trainer.state.average.iter().for_each(|average| with(AVERAGE, average));
        best.iter().for_each(|best| with(BEST, best));
    }

    /// The states that streams carry, by their names.
    fn carried(trainer: &Trainer) -> impl Iterator<Item = (String, &Array2<f32>)> {
        let cells = trainer.carried.iter().flat_map(|carried| carried.cells.iter().enumerate());
        cells.flat_map(|(index, cell)| {
            [("h", &cell.h), ("c", &cell.c)].map(|(name, array)| (format!("{CARRIED}{index}.{name}"), array))
        })
    }

    /// The names and shapes of all.
    pub(super) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        match self {
            Arrays::Owned(arrays) => arrays.iter().map(|(name, array)| (name.clone(), array.shape.clone())).collect(),
            Arrays::Live { trainer, best } => {
                let mut shapes: BTreeMap<_, _> =
                    Self::carried(trainer).map(|(name, array)| (name, array.shape().to_vec())).collect();
                Self::buffers(trainer, *best, |prefix, _| {
                    let entries = trainer.model().plan.entries();
                    shapes.extend(entries.map(|(name, entry, _)| (format!("{prefix}{name}"), entry.shape.clone())));
                });
                shapes
            }
        }
    }

    /// The floats of one of them, row-major; none of a name that is not among them.
    pub(super) fn floats(&self, name: &str) -> Cow<'_, [f32]> {
        match self {
            Arrays::Owned(arrays) => {
                arrays.get(name).map_or_else(Default::default, |array| Cow::Borrowed(&*array.data))
            }
            Arrays::Live { trainer, best } => {
                if let Some((_, array)) = Self::carried(trainer).find(|(carried, _)| carried == name) {
                    return array.iter().copied().collect();
                }
                let mut floats = Vec::new();
                Self::buffers(trainer, *best, |prefix, flat| {
                    let Some(own) = name.strip_prefix(prefix) else { return };
                    if let Some((_, entry, range)) = trainer.model().plan.entries().find(|(known, ..)| *known == own) {
                        floats.resize(entry.count(), 0.0);
                        entry.unpack(&flat[range], &mut floats);
                    }
                });
                floats.into()
            }
        }
    }

    /// Copies of those of a prefix, by their own names.
    pub(super) fn of(&self, prefix: &str) -> BTreeMap<String, Array> {
        let shapes = self.shapes().into_iter();
        let named = shapes.filter_map(|(name, shape)| Some((name.strip_prefix(prefix)?.to_owned(), name, shape)));
        named.map(|(own, name, shape)| (own, Array { shape, data: self.floats(&name).into_owned() })).collect()
    }
}
