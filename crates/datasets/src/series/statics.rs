//! Columns that say one thing of each series: a region, a size.
//!
//! S series.

use super::ids;
use crate::Error;
use crate::names::Names;
use crate::table::Table;
use crate::table::number::is_missing;

/// Most columns that are looked at, and most series times columns.
const COLUMNS_MAX: usize = 64;
const VALUES_MAX: usize = 1 << 20;

/// Most different texts of a column that is not asked for: beyond, it is a name rather than a kind.
pub(crate) const TEXTS_MAX: usize = 50;

/// What a column says of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum StaticValue {
    /// A number, NaN where it is missing.
    Number(f64),
    /// A text, empty where it is missing.
    Text(String),
}

/// A column that has one value for each series and different ones for some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Constant {
    pub(crate) column: usize,
    /// How many different texts it has.
    pub(crate) texts: usize,
}

/// Those of `candidates` that have one value for each series: of cells that are missing in some rows the others count. None
/// where there is one series, or where there are too many to look at.
pub(crate) fn constant(table: &Table, id: &[usize], candidates: &[usize]) -> Result<Vec<Constant>, Error> {
    if id.is_empty() || candidates.is_empty() || candidates.len() > COLUMNS_MAX {
        return Ok(Vec::new());
    }
    let (mut series, mut name) = (Names::default(), String::new());
    // Of each candidate that may still be one, the places of its texts in `texts` `[S]`.
    let mut alive: Vec<(usize, Vec<Option<usize>>)> = candidates.iter().map(|&column| (column, Vec::new())).collect();
    let mut texts = Names::default();
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        ids::join(id.iter().map(|&column| row.text(column)), &mut name);
        let place = series.place_or_push(&name);
        if place * alive.len() > VALUES_MAX {
            return Ok(Vec::new());
        }
        alive.retain_mut(|(column, of)| {
            of.resize(of.len().max(place + 1), None);
            let text = row.text(*column);
            is_missing(text) || {
                let text = texts.place_or_push(text);
                *of[place].get_or_insert(text) == text
            }
        });
        if alive.is_empty() {
            break;
        }
    }
    let mut found = Vec::new();
    for (column, of) in alive {
        let mut different: Vec<usize> = of.into_iter().flatten().collect();
        different.sort_unstable();
        different.dedup();
        if different.len() > 1 {
            found.push(Constant { column, texts: different.len() });
        }
    }
    Ok(found)
}
