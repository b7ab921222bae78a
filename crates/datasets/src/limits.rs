//! The most that is read of one table or `.ts` file.
//!
//! A text may have 1 GiB, and one of separators alone holds a cell in each byte. These bounds keep what is made of it
//! within a few GiB, and are beyond what data asks for: 1 GiB of numbers with their separators has about 2²⁷ cells.

use crate::Error;

#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Rows × columns of a table, and values of the sequences or series made of it.
    pub(crate) cells: usize,
    /// Columns of a table, dimensions and classes of a `.ts` file.
    pub(crate) columns: usize,
    /// Different sequences or series.
    pub(crate) sequences: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cells: 1 << 28, columns: 1 << 20, sequences: 1 << 24 }
    }
}

impl Limits {
    pub(crate) fn too_many_cells(&self, origin: &str, line: u64) -> Error {
        let advice = "cut the file into smaller ones, or leave out columns";
        Error::TooMany { origin: origin.to_owned(), line, max: self.cells, what: "cells up to this line", advice }
    }

    /// `what` is one of those that `columns` bounds.
    pub(crate) fn too_many_columns(&self, origin: &str, line: u64, what: &'static str) -> Error {
        let advice = "leave some out; steps belong one below the other";
        Error::TooMany { origin: origin.to_owned(), line, max: self.columns, what, advice }
    }

    pub(crate) fn too_many_sequences(&self, origin: &str, line: u64, what: &'static str) -> Error {
        let advice = "cut the file into smaller ones";
        Error::TooMany { origin: origin.to_owned(), line, max: self.sequences, what, advice }
    }
}
