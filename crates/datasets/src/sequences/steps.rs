//! A long table: a line for each step of each sequence.
//!
//! ```text
//! id,time,x,y,label
//! a,0,0.5,1.0,left
//! a,1,0.7,,left
//! b,0,0.1,2.0,right
//! ```
//!
//! The lines of a sequence need not stand together. Sequences are in the order in which they appear, their steps in that of
//! their times. Where each line has a label of its own, an empty one is not known.

use std::cmp::Ordering;
use std::mem;

use super::{ColumnNames, LABEL, Report, Roundings, SequenceSet, classes, step_classes};
use crate::Error;
use crate::names::Names;
use crate::series::fault::Refusal;
use crate::table::number::Notations;
use crate::table::numbers::{Found, Numbers};
use crate::table::stand_in::StandIns;
use crate::table::survey::Survey;
use crate::table::taken::{NotRead, Taken, Time, Why};
use crate::table::{Row, Table, times};

/// Which columns are what.
struct Columns {
    id: usize,
    time: Option<Order>,
    label: Option<usize>,
    /// No name was given for the label, and no column is called so.
    label_guessed: bool,
    /// Whether each line has a label of its own.
    label_per_step: bool,
    features: Vec<Numbers>,
    taken: Taken,
}

/// What steps are sorted by.
enum Order {
    /// Any numbers.
    Numbers(usize),
    /// Times by the calendar.
    Times(times::Times),
}

impl Columns {
    fn new(table: &Table, settings: &ColumnNames, notations: Notations) -> Result<Self, Refusal> {
        let survey = Survey::new(table, notations)?;
        // Where nothing is said, names may be in capitals; the exact one goes first.
        let either = |name: &str| {
            let is = |column: &String| column.eq_ignore_ascii_case(name);
            let exact = table.columns.iter().position(|column| column == name);
            exact.or_else(|| table.columns.iter().position(is))
        };
        let id = match &settings.id {
            Some(name) => table.column(name)?,
            None => either("id").map_or_else(|| table.column("id"), Ok)?,
        };
        let named = match &settings.features {
            Some(names) => Some(names.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?),
            None => None,
        };
        // A feature of the caller's may have the name that time or labels have where nothing is said.
        let is_feature = |column: usize| named.iter().flatten().any(|&feature| feature == column);
        let position = |name: &str| table.columns.iter().position(|column| column == name);
        let label = match &settings.label {
            Some(name) => Some(table.column(name)?),
            None => either(LABEL).filter(|&column| !is_feature(column)).or_else(|| match named {
                // Where features are named it may be any other column.
                Some(_) => None,
                None => position("y"),
            }),
        };
        let label_guessed = settings.label.is_none() && label.is_some_and(|label| table.columns[label] != LABEL);
        let free: Vec<usize> = (0..table.columns.len())
            .filter(|&column| column != id && Some(column) != label && !is_feature(column))
            .collect();
        let time = times::find_optional(table, &survey, settings.time.as_deref(), &free)?;
        drop(free);

        let times = time.iter().flat_map(|time| time.all()).map(|column| (column, "time"));
        let used = [(Some(id), "id"), (label, "label")].into_iter().filter_map(|(column, name)| Some((column?, name)));
        let used: Vec<(usize, &'static str)> = used.chain(times).collect();
        // A byte a column, for there can be 2²⁰: its place in `NAMES`, and one.
        const NAMES: [&str; 4] = ["id", "label", "time", "feature"];
        let mut uses = vec![0_u8; table.columns.len()];
        let features = named.iter().flatten().map(|&column| (column, "feature"));
        for (column, name) in used.iter().copied().chain(features) {
            let place = NAMES.iter().position(|&other| other == name).unwrap_or_default() as u8 + 1;
            let before = mem::replace(&mut uses[column], place);
            if let Some(other) = usize::from(before).checked_sub(1).map(|before| NAMES[before]) {
                let (origin, column) = (table.origin().to_owned(), table.columns[column].clone());
                return Err(Error::ColumnTwice { origin, name: column, uses: [other, name] }.into());
            }
        }
        let mut taken = Taken { id: vec![table.columns[id].clone()], ..Taken::default() };
        taken.label = label.map(|label| table.columns[label].clone());
        let unused = uses.iter().filter(|&&by| by == 0).count();
        let mut features = Vec::with_capacity(named.as_ref().map_or(unused, Vec::len));
        match named {
            Some(named) => {
                for column in named {
                    features.push(Numbers::of(table, &survey, column)?);
                }
            }
            None => {
                for column in (0..table.columns.len()).filter(|&column| uses[column] == 0) {
                    match Numbers::find(table, &survey, column)? {
                        Found::Numbers(numbers) => features.push(numbers),
                        // A feature that training never saw is a case of its own, said later.
                        Found::Not(Why::Empty) => {
                            features.push(Numbers::of(table, &survey, column)?);
                        }
                        Found::Not(why) => taken.not_read(|| NotRead { column: table.columns[column].clone(), why }),
                    }
                }
            }
        }
        if features.is_empty() {
            // A column of text is the feature that was meant: its first cell says why it is none.
            let text = |of: &&NotRead| matches!(of.why, Why::Text { .. });
            if let Some(of) = taken.not_read.iter().find(text) {
                Numbers::of(table, &survey, table.column(&of.column)?)?;
            }
            let (name, found) = ("of a feature".to_owned(), table.columns.clone());
            return Err(Error::Column { origin: table.origin().to_owned(), name, found }.into());
        }
        let time = time.map(|time| Order::new(table, &survey, time, settings)).transpose()?;
        taken.time = time.as_ref().map(|time| time.describe(table)).transpose()?;
        taken.numbers(&[], &features, table, &survey);
        let label_per_step = settings.label_per_step;
        Ok(Self { id, time, label, label_guessed, label_per_step, features, taken })
    }
}

impl Order {
    fn new(table: &Table, survey: &Survey, time: times::TimeColumns, settings: &ColumnNames) -> Result<Self, Refusal> {
        if let (times::TimeColumns::One(column), None) = (&time, &settings.time_format) {
            let facts = survey.columns[*column];
            if facts.known > facts.wrong && !survey.is_times(*column) {
                return Ok(Order::Numbers(*column));
            }
        }
        let format = times::format(table, &time, settings.time_format.as_deref())?;
        Ok(Order::Times(times::Times { columns: time, format }))
    }

    fn describe(&self, table: &Table) -> Result<Time, Refusal> {
        match self {
            Order::Times(times) => times.describe(table),
            Order::Numbers(column) => {
                let mut rows = table.rows();
                let example = rows.next()?.map(|row| row.text(*column).to_owned()).unwrap_or_default();
                Ok(Time {
                    columns: vec![table.columns[*column].clone()],
                    what: "numbers".into(),
                    pattern: None,
                    example,
                })
            }
        }
    }

    fn name(&self, table: &Table) -> String {
        match self {
            Order::Numbers(column) => table.columns[*column].clone(),
            Order::Times(times) => {
                times.columns.all().map(|column| table.columns[column].as_str()).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// The sequences seen so far, by their ids.
#[derive(Default)]
struct Ids {
    ids: Names,
    label_names: Names,
    /// `[N]`, places in `label_names`; or nothing without labels of sequences.
    labels: Vec<usize>,
    /// [rows], places in `label_names`; or nothing without labels of steps.
    step_labels: Vec<Option<u32>>,
}

impl Ids {
    /// The place of the row's sequence. Its label must be that of the other rows.
    fn place(&mut self, row: &Row, columns: &Columns) -> Result<usize, Error> {
        let id = row.text(columns.id);
        if id.is_empty() {
            return Err(row.error(columns.id, "an id"));
        }
        let label = columns.label.map(|column| (column, row.text(column)));
        let label = match label.filter(|_| columns.label_per_step) {
            Some((_, label)) => {
                let known = (!label.is_empty()).then(|| self.label_names.place_or_push(label) as u32);
                self.step_labels.push(known);
                None
            }
            None => label,
        };
        if let Some((column, "")) = label {
            return Err(row.error(column, "a label (with --label-per-step a step may have none)"));
        }
        if let Some(place) = self.ids.place(id) {
            if let Some((column, label)) = label
                && self.label_names.place(label) != Some(self.labels[place])
            {
                let before = self.label_names.name(self.labels[place]);
                let guessed = match columns.label_guessed {
                    true => " (no column is called label, so these are taken for labels: name the column with --label)",
                    false => "",
                };
                let expected = format!(
                    "the label {before}, as in the lines of id {id} before{guessed}; or read a label of each step: \
                     --label-per-step"
                );
                return Err(row.error(column, &expected));
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

/// The times of all rows.
enum Times {
    None,
    /// While all are: times in nanoseconds have more digits than a float. Or points of time.
    Integers(Vec<i64>),
    /// Finite.
    Floats(Vec<f64>),
}

impl Times {
    /// Appends the time of a row, of which there are at most `rows_max`.
    fn push(&mut self, row: &Row, by: &Order, rows_max: usize) -> Result<(), Refusal> {
        if let Self::None = self {
            *self = Self::Integers(Vec::with_capacity(rows_max));
        }
        let column = match by {
            Order::Numbers(column) => *column,
            Order::Times(times) => {
                let time = times.of(row)?;
                if let Self::Integers(all) = self {
                    all.push(time.0);
                }
                return Ok(());
            }
        };
        let text = row.text(column);
        if text.is_empty() {
            return Err(row.error(column, "a time").into());
        }
        let integer = text.parse::<i64>().ok();
        let number = text.parse().ok().filter(|time: &f64| time.is_finite());
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
        same.map(|two| [two[0], two[1]])
    }

    fn compare(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        match self {
            Self::None => Ordering::Equal,
            Self::Integers(integers) => integers[a].cmp(&integers[b]),
            // By value: -0 is 0.
            Self::Floats(floats) => (floats[a] + 0.0).total_cmp(&(floats[b] + 0.0)),
        }
    }

    /// The time of a row, to be shown.
    fn shown(&self, row: u32, by: &Order) -> String {
        let row = row as usize;
        match (self, by) {
            (Self::None, _) => String::new(),
            (Self::Integers(times), Order::Times(by)) => by.format.write(crate::series::Time(times[row])),
            (Self::Integers(integers), _) => integers[row].to_string(),
            (Self::Floats(floats), _) => floats[row].to_string(),
        }
    }
}

/// Two rows of a sequence with the same time.
struct Same {
    place: usize,
    first: u32,
    second: u32,
}

pub(super) fn parse(mut table: Table, settings: &ColumnNames, notations: Notations) -> Result<SequenceSet, Refusal> {
    let mut columns = Columns::new(&table, settings, notations)?;
    let (features, rows_max) = (columns.features.len(), table.rows_max());

    let (mut ids, mut times) = (Ids::default(), Times::None);
    // [rows, I], then [rows]: in the order of the file. Rows and sequences are numbered in 32 bits: `limits` are below.
    let (mut values, mut places) = (Vec::with_capacity(rows_max * features), Vec::with_capacity(rows_max));
    let mut roundings = Roundings::new(features);
    let mut stand_ins = StandIns::new(features);
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        let place = ids.place(&row, &columns)?;
        if let Some(by) = &columns.time {
            times.push(&row, by, rows_max)?;
        }
        for (feature, of) in columns.features.iter().enumerate() {
            let number = of.read(&row)?;
            stand_ins.push(feature, number);
            let number = number - of.centre;
            roundings.push(place, feature, number);
            values.push(number as f32);
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
    if let (Some(Same { place, first, second }), Some(by)) = (same, &columns.time) {
        let (line, before) = (table.line_of(second as usize)?, table.line_of(first as usize)?);
        let guessed = match by {
            Order::Times(of) if settings.time.is_none() && of.columns.is_parts() => {
                " (no column is called time, so these are taken for it: with --time \"\" rows stay in the order of the file)"
            }
            _ => "",
        };
        let expected = format!("a time that id {} has once{guessed}", ids.ids.name(place));
        let found = format!("{}, as in line {before}", times.shown(second, by));
        let at = Some(format!("column {}", by.name(&table)));
        return Err(Error::Line { origin: table.origin().to_owned(), line, at, expected, found }.into());
    }
    drop(times);
    // Most files are in order: then a second copy of all values would be one too many.
    if !order.is_sorted() {
        let mut sorted = Vec::with_capacity(values.len());
        order.iter().for_each(|&row| sorted.extend_from_slice(&values[row as usize * features..][..features]));
        values = sorted;
        if !ids.step_labels.is_empty() {
            ids.step_labels = order.iter().map(|&row| ids.step_labels[row as usize]).collect();
        }
    }
    drop(order);
    let centres = match columns.features.iter().all(|of| of.centre == 0.0) {
        true => Vec::new(),
        false => columns.features.iter().map(|of| of.centre).collect(),
    };
    columns.taken.comments = table.remarks()?;
    let names: Vec<String> = columns.features.iter().map(|of| mem::take(&mut table.columns[of.column()])).collect();
    let of_steps = columns.label.filter(|_| columns.label_per_step);
    let (classes, labels, step_labels) = match of_steps {
        Some(_) => {
            let (classes, labels) = step_classes(ids.label_names, ids.step_labels);
            (classes, None, Some(labels))
        }
        None => {
            let (classes, labels) = classes(ids.label_names, ids.labels);
            (classes, columns.label.map(|_| labels), None)
        }
    };
    let report =
        Report { taken: Some(columns.taken), rounded: roundings.found(&names), stand_ins: stand_ins.found(&names) };
    let ids = Some(ids.ids.into_vec());
    Ok(SequenceSet { names, classes, centres, values, offsets, labels, step_labels, ids, report })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn more_ids_or_cells_than_are_kept_are_refused_with_the_line() {
        let read = |cells, sequences| {
            let limits = Limits { cells, sequences, ..Limits::default() };
            let text = "id,x,label\na,1,k\nb,2,k\na,3,k\n\nc,4,k\n";
            super::super::table("a.csv", text, &ColumnNames::default(), limits).map_err(|error| error.to_string())
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
