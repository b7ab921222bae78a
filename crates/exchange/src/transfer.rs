//! Arrays on their way from one side to the other, each of them accounted for.

use std::collections::{BTreeMap, BTreeSet};

use elman_formats::Array;

use super::nonfinite;
use super::report::{Change, Place, Report};
use crate::Error;

/// A conversion at work: what it takes from, what came out so far, and the report of it.
pub(crate) struct Transfer<'a> {
    verb: &'static str,
    partner: &'static str,
    from: &'a BTreeMap<String, Array>,
    /// Names that nobody has taken yet.
    left: BTreeSet<&'a str>,
    to: BTreeMap<String, Array>,
    report: Report,
    /// What stands in the file for an array that was computed from others: those, and how.
    made_of: BTreeMap<String, (Vec<Place>, Change)>,
}

impl<'a> Transfer<'a> {
    /// From a partner to us.
    pub(crate) fn taken_from(partner: &'static str, from: &'a BTreeMap<String, Array>) -> Self {
        Self::new("taken from", partner, from)
    }

    /// From us to a partner.
    pub(crate) fn given_to(partner: &'static str, from: &'a BTreeMap<String, Array>) -> Self {
        Self::new("given to", partner, from)
    }

    fn new(verb: &'static str, partner: &'static str, from: &'a BTreeMap<String, Array>) -> Self {
        let left = from.keys().map(String::as_str).collect();
        Transfer { verb, partner, from, left, to: BTreeMap::new(), report: Report::default(), made_of: BTreeMap::new() }
    }

    /// That something cannot be converted, and why.
    pub(crate) fn refused(&self, what: impl Into<String>, why: impl Into<String>) -> Error {
        Error::Exchange { verb: self.verb, partner: self.partner, what: what.into(), why: why.into() }
    }

    /// A plain sentence for the report, once.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.report.notes.contains(&note) {
            self.report.notes.push(note);
        }
    }

    /// An array, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Array> {
        self.from.get(name)
    }

    /// An array of a shape.
    ///
    /// # Errors
    /// If it is missing, or has another shape.
    pub(crate) fn array(&self, name: &str, shape: &[usize]) -> Result<&'a Array, Error> {
        let array = self.get(name).ok_or_else(|| self.missing(name, &format!("{shape:?}")))?;
        if array.shape == shape {
            return self.whole(name, array);
        }
        Err(self.refused(name, format!("it has shape {:?}; expected {shape:?}", array.shape)))
    }

    /// A matrix of any size, but not an empty one.
    ///
    /// # Errors
    /// If it is missing, or none.
    pub(crate) fn matrix(&self, name: &str) -> Result<&'a Array, Error> {
        let array = self.get(name).ok_or_else(|| self.missing(name, "a matrix"))?;
        match array.shape[..] {
            [rows, columns] if rows > 0 && columns > 0 => self.whole(name, array),
            _ => Err(self.refused(name, format!("it has shape {:?}; expected a matrix", array.shape))),
        }
    }

    /// The array, if it has as many numbers as its shape says.
    fn whole(&self, name: &str, array: &'a Array) -> Result<&'a Array, Error> {
        let count = array.shape.iter().try_fold(1usize, |count, &length| count.checked_mul(length));
        if count == Some(array.data.len()) {
            return Ok(array);
        }
        Err(self.refused(name, format!("it has {} numbers; expected those of {:?}", array.data.len(), array.shape)))
    }

    fn missing(&self, name: &str, expected: &str) -> Error {
        self.refused(name, format!("it is missing; expected {expected} beside the others of its layer"))
    }

    /// Arrays became others: they are taken, what they became is put down, and the report says so.
    pub(crate) fn moved<const N: usize>(&mut self, from: &[&str], to: [(String, Array); N], changes: &[Change]) {
        let places = |(name, array): &(String, Array)| Place::new(name.clone(), &array.shape);
        let to_places = to.iter().map(places).collect();
        let mut from_places = Vec::new();
        let mut all = Vec::new();
        for &name in from {
            self.left.remove(name);
            match self.made_of.get(name) {
                Some((places, change)) => {
                    from_places.extend(places.iter().cloned());
                    all.push(change.clone());
                }
                None => from_places.push(Place::new(name, &self.from[name].shape)),
            }
        }
        all.extend_from_slice(changes);
        self.report.moved(from_places, to_places, all);
        self.to.extend(to);
    }

    /// Says what an array was made of before it came here: the report names that in its place.
    pub(crate) fn made_of(&mut self, name: &str, places: Vec<Place>, change: Change) {
        self.made_of.insert(name.to_owned(), (places, change));
    }

    /// An array is left out; the caller says so in a note.
    pub(crate) fn left_out(&mut self, name: &str) {
        self.left.remove(name);
    }

    /// Names that nobody has taken yet.
    pub(crate) fn left(&self) -> impl Iterator<Item = &'a str> {
        self.left.iter().copied()
    }

    /// Says which of the arrays that were taken have something that is NaN or infinite.
    ///
    /// # Errors
    /// If one has, and that is not allowed.
    pub(crate) fn check_finite(&mut self, allowed: bool) -> Result<(), Error> {
        let taken = self.report.moves.iter().flat_map(|moved| &moved.from).map(|place| &place.name);
        match nonfinite::find(taken.filter_map(|name| self.from.get_key_value(name))) {
            None => Ok(()),
            Some(found) if allowed => {
                self.note(found.to_string());
                Ok(())
            }
            Some(found) => Err(self.refused(
                "a damaged model",
                format!("{found}; take an earlier one, or give --allow-nonfinite to convert it as it is"),
            )),
        }
    }

    /// What came out, and the report.
    ///
    /// # Errors
    /// If arrays are left that nobody has taken: `expected` says what would have been.
    pub(crate) fn finish(self, expected: &str) -> Result<(BTreeMap<String, Array>, Report), Error> {
        if self.left.is_empty() {
            return Ok((self.to, self.report));
        }
        let left: Vec<&str> = self.left().collect();
        let why = format!("no part of a model that is known here reads it; expected {expected}");
        Err(self.refused(listed(&left), why))
    }
}

/// Names, the first few of many.
pub(crate) fn listed(names: &[&str]) -> String {
    const MOST: usize = 12;
    match names.len() {
        0 => "nothing".into(),
        1..=MOST => names.join(", "),
        more => format!("{} and {} more", names[..MOST].join(", "), more - MOST),
    }
}
