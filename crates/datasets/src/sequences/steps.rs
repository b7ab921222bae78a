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

use std::collections::{HashMap, HashSet};

use super::{SequenceSet, Settings, classes};
use crate::Error;
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
        let mut uses = HashMap::new();
        let uses_of = [(Some(id), "id"), (time, "time"), (label, "label")];
        let mut used = uses_of.into_iter().filter_map(|(column, name)| Some((column?, name))).collect::<Vec<_>>();
        let features = match &settings.features {
            Some(names) => names.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?,
            None => (0..table.columns.len()).filter(|i| used.iter().all(|(column, _)| column != i)).collect(),
        };
        used.extend(features.iter().map(|&column| (column, "feature")));
        for (column, name) in used {
            if let Some(other) = uses.insert(column, name) {
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
    places: HashMap<String, usize>,
    names: Vec<String>,
    /// `[N]`, or nothing without labels.
    labels: Vec<String>,
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
        if let Some(&place) = self.places.get(id) {
            if let Some((column, label)) = label
                && self.labels[place] != label
            {
                let expected = format!("the label {}, as in the lines of id {id} before", self.labels[place]);
                return Err(row.error(column, &expected));
            }
            return Ok(place);
        }
        let place = self.names.len();
        self.places.insert(id.to_owned(), place);
        self.names.push(id.to_owned());
        self.labels.extend(label.map(|(_, label)| label.to_owned()));
        Ok(place)
    }
}

/// The times of all rows, as the first one is.
enum Times {
    None,
    /// The rows stay in their order. No time stands twice in a sequence.
    Text(HashSet<(usize, String)>),
    /// Also as integers while all are: times in nanoseconds have more digits than a float.
    Numbers(Vec<f64>, Option<Vec<i64>>),
}

impl Times {
    fn push(&mut self, row: &Row, column: usize, place: usize, id: &str) -> Result<(), Error> {
        let text = row.text(column);
        if text.is_empty() {
            return Err(row.error(column, "a time"));
        }
        let number = text.parse().ok().filter(|time: &f64| time.is_finite());
        if let Self::None = self {
            *self = match number {
                Some(_) => Self::Numbers(Vec::new(), Some(Vec::new())),
                None => Self::Text(HashSet::new()),
            };
        }
        match self {
            Self::None => {}
            Self::Text(_) if number.is_some() => return Err(row.error(column, "text, as the first time is")),
            Self::Text(seen) => {
                if !seen.insert((place, text.to_owned())) {
                    return Err(row.error(column, &format!("a time that id {id} has once")));
                }
            }
            Self::Numbers(floats, integers) => {
                floats.push(number.ok_or_else(|| row.error(column, "a number, as the first time is"))?);
                match text.parse() {
                    Ok(integer) => integers.iter_mut().for_each(|integers| integers.push(integer)),
                    Err(_) => *integers = None,
                }
            }
        }
        Ok(())
    }

    fn order(&self, a: usize, b: usize) -> std::cmp::Ordering {
        match self {
            Self::Numbers(_, Some(integers)) => integers[a].cmp(&integers[b]),
            // By value: -0 is 0. All are finite.
            Self::Numbers(floats, None) => (floats[a] + 0.0).total_cmp(&(floats[b] + 0.0)),
            Self::None | Self::Text(_) => a.cmp(&b),
        }
    }
}

pub(super) fn parse(origin: &str, text: &str, settings: &Settings) -> Result<SequenceSet, Error> {
    let table = Table::new(origin, text)?;
    table.check_named()?;
    let columns = Columns::new(origin, &table, settings)?;
    let names = columns.features.iter().map(|&column| table.columns[column].clone()).collect();
    let time_name = columns.time.map(|column| format!("column {}", table.columns[column]));

    let (mut ids, mut times) = (Ids::default(), Times::None);
    // [rows, I], then [rows] each: in the order of the file.
    let (mut values, mut places, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        let place = ids.place(&row, &columns)?;
        if let Some(column) = columns.time {
            times.push(&row, column, place, &ids.names[place])?;
        }
        for &column in &columns.features {
            values.push(row.number(column)?);
        }
        places.push(place);
        lines.push(row.line);
    }

    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].cmp(&places[b]).then_with(|| times.order(a, b)));
    for two in order.windows(2) {
        let (first, second) = (two[0], two[1]);
        if places[first] == places[second] && times.order(first, second).is_eq() {
            let id = &ids.names[places[first]];
            let found = match &times {
                Times::Numbers(_, Some(integers)) => integers[second].to_string(),
                Times::Numbers(floats, None) => floats[second].to_string(),
                Times::None | Times::Text(_) => String::new(),
            };
            let expected = format!("a time that id {id} has once");
            let found = format!("{found}, as in line {}", lines[first]);
            return Err(Error::Line { origin: origin.to_owned(), line: lines[second], at: time_name, expected, found });
        }
    }

    let features = columns.features.len();
    let mut offsets = vec![0; ids.names.len() + 1];
    for &place in &places {
        offsets[place + 1] += 1;
    }
    for place in 0..ids.names.len() {
        offsets[place + 1] += offsets[place];
    }
    let values = order.iter().flat_map(|&row| &values[row * features..][..features]).copied().collect();
    let (classes, labels) = classes(&ids.labels);
    let labels = columns.label.map(|_| labels);
    Ok(SequenceSet { names, classes, values, offsets, labels, ids: Some(ids.names) })
}
