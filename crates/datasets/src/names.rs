//! Names that come again and again, as ids and labels do.

use std::collections::HashMap;

/// Different names, numbered as they come. The table holds them alone: with 2²⁴ sequences a copy would be a GiB more.
#[derive(Default)]
pub(crate) struct Names {
    places: HashMap<Box<str>, usize>,
}

impl Names {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The place of a name, which is appended if it is not there.
    pub(crate) fn place_or_push(&mut self, name: &str) -> usize {
        self.place(name).unwrap_or_else(|| {
            let place = self.len();
            self.places.insert(name.into(), place);
            place
        })
    }

    /// The name at a place, to be shown: all are looked through.
    pub(crate) fn name(&self, place: usize) -> &str {
        self.places.iter().find(|&(_, &other)| other == place).map_or("", |(name, _)| name)
    }

    /// All names by their places.
    pub(crate) fn into_vec(self) -> Vec<String> {
        let mut names = vec![String::new(); self.places.len()];
        for (name, place) in self.places {
            names[place] = name.into_string();
        }
        names
    }
}
