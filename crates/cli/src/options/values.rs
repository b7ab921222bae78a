//! Values of the options of a table: those that flags give, or a file.

use std::collections::BTreeMap;

use clap::{ArgMatches, Command};
use serde::de::MapAccess;
use serde::ser::SerializeMap;

use super::described::Described;
use super::value::Value;

/// Values by the names of their options; of the others nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Those that flags give.
    pub(crate) fn given<T>(table: &[Described<T>], matches: &ArgMatches) -> Self {
        Values(table.iter().filter_map(|of| Some((of.name, of.given(matches)?))).collect())
    }

    /// One of each option: their names.
    pub(crate) fn full<T>(table: &[Described<T>]) -> Self {
        Values(table.iter().map(|of| (of.name, of.example())).collect())
    }

    /// Takes the next value of a file, if `name` is an option's. Returns whether it is.
    ///
    /// # Errors
    /// If the value is of another type.
    pub(crate) fn read<'de, T, M: MapAccess<'de>>(
        &mut self,
        table: &[Described<T>],
        name: &str,
        file: &mut M,
    ) -> Result<bool, M::Error> {
        let Some(of) = table.iter().find(|of| of.name == name) else { return Ok(false) };
        let value = of.read(file)?;
        // Equal settings are equal, whether a file says a default or not.
        match Some(&value) == of.default.as_ref() {
            true => self.0.remove(of.name),
            false => self.0.insert(of.name, value),
        };
        Ok(true)
    }

    /// Writes them in the order of the table; with its default where nothing is said.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn write<T, S: SerializeMap>(&self, table: &[Described<T>], file: &mut S) -> Result<(), S::Error> {
        let values = table.iter().filter_map(|of| Some((of.name, self.get(of)?)));
        values.into_iter().try_for_each(|(name, value)| file.serialize_entry(name, &value))
    }

    /// That of an option, or its default.
    pub(crate) fn get<T>(&self, of: &Described<T>) -> Option<Value> {
        self.0.get(of.name).or(of.default.as_ref()).cloned()
    }

    /// Whether anything is said of this option.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn insert(&mut self, name: &'static str, value: Value) {
        self.0.insert(name, value);
    }

    /// These before those that are there.
    pub(crate) fn extend(&mut self, others: &Values) {
        self.0.extend(others.0.iter().map(|(&name, value)| (name, value.clone())));
    }

    /// Forgets those of the options that are not to be kept.
    pub(crate) fn retain<T>(&mut self, table: &[Described<T>], keep: impl Fn(&Described<T>) -> bool) {
        table.iter().filter(|of| !keep(of)).for_each(|of| {
            self.0.remove(of.name);
        });
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// Puts all into their places.
    pub(crate) fn set<T>(&self, table: &[Described<T>], to: &mut T) {
        for of in table {
            if let Some(value) = self.get(of) {
                of.set(to, value);
            }
        }
    }
}

/// A command with the flags of those options of a table that stand in one part of the help.
pub(crate) fn flags<T>(command: Command, table: &[Described<T>], heading: &str) -> Command {
    command.args(table.iter().filter(|of| of.heading == heading).map(Described::flag))
}
