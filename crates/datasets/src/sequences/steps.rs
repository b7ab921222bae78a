//! A long table: a line for each step of each sequence.
//!
//! ```text
//! id,time,x,y,label
//! a,0,0.5,1.0,left
//! a,1,0.7,,left
//! b,0,0.1,2.0,right
//! ```
//!
//! The lines of a sequence need not stand together. Sequences are in the order in which they appear.

use std::cmp::Ordering;
use std::mem;

use super::{SequenceSet, Settings, classes};
use crate::Error;
use crate::error::shown;
use crate::limits::Limits;
use crate::names::Names;
use crate::table::{Row, Table};

/// Which columns are what.
struct Columns {
    id: usize,
    time: Option<usize>,
    label: Option<usize>,
    features: Vec<usize>,
}

impl Columns {
    fn new(origin: &str, table: &Table, settings: &Settings) -> Result<Self, Error> {
        // A feature of the caller's may have the name that time or labels have where nothing is said.
        let free = |name: &str| !settings.features.iter().flatten().any(|feature| feature == name);
        let optional = |given: &Option<String>, name: &str| match given {
            Some(name) => table.column(name).map(Some),
            None => Ok(table.columns.iter().position(|column| column == name).filter(|_| free(name))),
        };
        let id = table.column(settings.id.as_deref().unwrap_or("id"))?;
        let time = optional(&settings.time, "time")?;
        let label = optional(&settings.label, "label")?;
        let used = [(Some(id), "id"), (time, "time"), (label, "label")];
        let used = used.into_iter().filter_map(|(column, name)| Some((column?, name)));
        let features = match &settings.features {
            Some(names) => names.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?,
            None => (0..table.columns.len()).filter(|i| used.clone().all(|(column, _)| column != *i)).collect(),
        };
        let mut uses = vec![None; table.columns.len()];
        for (column, name) in used.chain(features.iter().map(|&column| (column, "feature"))) {
            if let Some(other) = uses[column].replace(name) {
                let (origin, column) = (origin.to_owned(), table.columns[column].clone());
                return Err(Error::ColumnTwice { origin, name: column, uses: [other, name] });
            }
        }
        if features.is_empty() {
            let (name, found) = ("of a feature".to_owned(), table.columns.clone());
            return Err(Error::Column { origin: origin.to_owned(), name, found });
        }
        Ok(Self { id, time, label, features })
    }
}

/// The sequences seen so far, by their ids.
#[derive(Default)]
struct Ids {
    ids: Names,
    label_names: Names,
    /// `[N]`, places in `label_names`; or nothing without labels.
    labels: Vec<usize>,
}

impl Ids {
    /// The place of the row's sequence. Its label must be that of the other rows.
    fn place(&mut self, row: &Row, columns: &Columns) -> Result<usize, Error> {
        let id = row.text(columns.id);
        if id.is_empty() {
            return Err(row.error(columns.id, "an id"));
        }
        let label = columns.label.map(|column| (column, row.text(column)));
        if let Some((column, "")) = label {
            return Err(row.error(column, "a label"));
        }
        if let Some(place) = self.ids.place(id) {
            if let Some((column, label)) = label
                && self.label_names.place(label) != Some(self.labels[place])
            {
                let before = self.label_names.name(self.labels[place]);
                return Err(row.error(column, &format!("the label {before}, as in the lines of id {id} before")));
            }
            return Ok(place);
        }
        if self.ids.len() == row.table.limits.sequences {
            return Err(row.too_many_sequences("different ids"));
        }
        self.labels.extend(label.map(|(_, label)| self.label_names.place_or_push(label)));
        Ok(self.ids.place_or_push(id))
    }
}

/// The times of all rows, as the first one is.
enum Times {
    None,
    /// The rows stay in their order. No time stands twice in a sequence.
    Text {
        /// One behind the other.
        all: String,
        /// Where each ends: in 32 bits, for a file has at most 1 GiB.
        ends: Vec<u32>,
    },
    /// While all are: times in nanoseconds have more digits than a float.
    Integers(Vec<i64>),
    /// Finite.
    Floats(Vec<f64>),
}

impl Times {
    /// Appends the time of a row, of which there are at most `rows_max`.
    fn push(&mut self, row: &Row, column: usize, rows_max: usize) -> Result<(), Error> {
        let text = row.text(column);
        if text.is_empty() {
            return Err(row.error(column, "a time"));
        }
        let integer = text.parse::<i64>().ok();
        let number = text.parse().ok().filter(|time: &f64| time.is_finite());
        match self {
            Self::None if number.is_none() => {
                *self = Self::Text { all: String::new(), ends: Vec::with_capacity(rows_max) }
            }
            Self::None => *self = Self::Integers(Vec::with_capacity(rows_max)),
            _ => {}
        }
        if let Self::Integers(integers) = self
            && integer.is_none()
        {
            let mut floats = Vec::with_capacity(rows_max);
            // Rounded as their text would be.
            floats.extend(integers.iter().map(|&integer| integer as f64));
            *self = Self::Floats(floats);
        }
        let wrong = || row.error(column, "a number, as the first time is");
        match self {
            Self::None => {}
            Self::Text { .. } if number.is_some() => return Err(row.error(column, "text, as the first time is")),
            Self::Text { all, ends } => {
                all.push_str(text);
                ends.push(all.len() as u32);
            }
            Self::Integers(integers) => integers.push(integer.ok_or_else(wrong)?),
            Self::Floats(floats) => floats.push(number.ok_or_else(wrong)?),
        }
        Ok(())
    }

    /// Sorts the rows of a sequence, which are in the order of the file. Returns two of the same time, if there
    /// are any: of all that are like one before, the first.
    fn sort(&self, rows: &mut [u32]) -> Option<[u32; 2]> {
        if let Self::None = self {
            return None;
        }
        rows.sort_unstable_by(|&a, &b| self.compare(a, b).then(a.cmp(&b)));
        let same = rows.windows(2).filter(|two| self.compare(two[0], two[1]).is_eq()).min_by_key(|two| two[1]);
        let same = same.map(|two| [two[0], two[1]]);
        if let Self::Text { .. } = self {
            rows.sort_unstable();
        }
        same
    }

    fn compare(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        match self {
            Self::None => Ordering::Equal,
            Self::Text { all, ends } => text(all, ends, a).cmp(text(all, ends, b)),
            Self::Integers(integers) => integers[a].cmp(&integers[b]),
            // By value: -0 is 0.
            Self::Floats(floats) => (floats[a] + 0.0).total_cmp(&(floats[b] + 0.0)),
        }
    }

    /// The time of a row, to be shown.
    fn shown(&self, row: u32) -> String {
        let row = row as usize;
        match self {
            Self::None => String::new(),
            Self::Text { all, ends } => shown(text(all, ends, row)),
            Self::Integers(integers) => integers[row].to_string(),
            Self::Floats(floats) => floats[row].to_string(),
        }
    }
}

fn text<'a>(all: &'a str, ends: &[u32], row: usize) -> &'a str {
    let start = row.checked_sub(1).map_or(0, |before| ends[before]);
    &all[start as usize..ends[row] as usize]
}

/// Two rows of a sequence with the same time.
struct Same {
    place: usize,
    first: u32,
    second: u32,
}

pub(super) fn parse(origin: &str, text: &str, settings: &Settings, limits: Limits) -> Result<SequenceSet, Error> {
    let mut table = Table::new(origin, text, limits)?;
    table.check_named()?;
    let columns = Columns::new(origin, &table, settings)?;
    let (features, rows_max) = (columns.features.len(), table.rows_max());

    let (mut ids, mut times) = (Ids::default(), Times::None);
    // [rows, I], then [rows]: in the order of the file. Rows and sequences are numbered in 32 bits: `limits` are below.
    let (mut values, mut places) = (Vec::with_capacity(rows_max * features), Vec::with_capacity(rows_max));
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        let place = ids.place(&row, &columns)?;
        if let Some(column) = columns.time {
            times.push(&row, column, rows_max)?;
        }
        for &column in &columns.features {
            values.push(row.number(column)?);
        }
        places.push(place as u32);
    }

    let mut offsets = vec![0; ids.ids.len() + 1];
    for &place in &places {
        offsets[place as usize + 1] += 1;
    }
    for place in 0..ids.ids.len() {
        offsets[place + 1] += offsets[place];
    }
    // [rows]: the rows of each sequence, in the order of the file.
    let (mut order, mut next) = (vec![0; places.len()], offsets.clone());
    for (&place, row) in places.iter().zip(0..) {
        let next = &mut next[place as usize];
        order[*next] = row;
        *next += 1;
    }
    drop((places, next));
    let mut same: Option<Same> = None;
    for (place, ends) in offsets.windows(2).enumerate() {
        if let Some([first, second]) = times.sort(&mut order[ends[0]..ends[1]])
            && same.as_ref().is_none_or(|same| second < same.second)
        {
            same = Some(Same { place, first, second });
        }
    }
    if let (Some(Same { place, first, second }), Some(column)) = (same, columns.time) {
        let (line, before) = (table.line_of(second as usize)?, table.line_of(first as usize)?);
        let expected = format!("a time that id {} has once", ids.ids.name(place));
        let found = format!("{}, as in line {before}", times.shown(second));
        let at = Some(format!("column {}", table.columns[column]));
        return Err(Error::Line { origin: origin.to_owned(), line, at, expected, found });
    }
    drop(times);
    // Most files are in order: then a second copy of all values would be one too many.
    if !order.is_sorted() {
        let mut sorted = Vec::with_capacity(values.len());
        order.iter().for_each(|&row| sorted.extend_from_slice(&values[row as usize * features..][..features]));
        values = sorted;
    }
    drop(order);
    let names = columns.features.iter().map(|&column| mem::take(&mut table.columns[column])).collect();
    let (classes, labels) = classes(ids.label_names, ids.labels);
    let labels = columns.label.map(|_| labels);
    Ok(SequenceSet { names, classes, values, offsets, labels, ids: Some(ids.ids.into_vec()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_ids_or_cells_than_are_kept_are_refused_with_the_line() {
        let read = |cells, sequences| {
            let limits = Limits { cells, sequences, ..Limits::default() };
            let text = "id,x,label\na,1,k\nb,2,k\na,3,k\n\nc,4,k\n";
            parse("a.csv", text, &Settings::default(), limits).map_err(|error| error.to_string())
        };
        assert_eq!(read(12, 3).unwrap().values, [1.0, 3.0, 2.0, 4.0]);
        let message = read(12, 2).unwrap_err();
        assert_eq!(
            message,
            "cannot read a.csv: line 6: expected at most 2 different ids, found more; cut the file into smaller ones"
        );
        assert!(read(11, 3).unwrap_err().contains("line 6: expected at most 11 cells"));
    }
}
