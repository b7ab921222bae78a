//! What the columns of a table were taken for, to be said before anything is done with it.

use std::fmt;

use super::number::Notation;
use super::numbers::Numbers;
use super::survey::Survey;
use super::times::Times;
use super::{Row, Table, TimeFormat};
use crate::error::shown;
use crate::series::fault::Refusal;
use crate::series::statics::TEXTS_MAX;

/// Columns that are named one by one; of more there is the number.
const NAMED_MAX: usize = 12;

/// What the columns of a table were taken for. `Display` says it in one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The times; None where rows have none.
    pub time: Option<Time>,
    /// The columns that tell series or sequences apart.
    pub id: Vec<String>,
    /// The column of labels.
    pub label: Option<String>,
    /// The column to forecast.
    pub target: Option<Column>,
    /// Or several, each a series of its own, the first few.
    pub targets: Vec<Column>,
    /// How many others of these there are.
    pub more_targets: usize,
    /// Whether the series of several targets read each other.
    pub jointly: bool,
    /// The columns among `numbers` that are known ahead.
    pub known: Vec<String>,
    /// The columns that say one thing of each series.
    pub statics: Vec<String>,
    /// The other columns of numbers, the first few.
    pub numbers: Vec<Column>,
    /// How many others of these there are.
    pub more_numbers: usize,
    /// Columns that are not read, the first few.
    pub not_read: Vec<NotRead>,
    /// How many others of these there are.
    pub more_not_read: usize,
    /// Lines that begin with `#` and are not read.
    pub comments: usize,
    /// The decimal mark that a column showed and all others allow, where that is not plain; what parts thousands, if
    /// anything does. A shorter table might leave it open.
    pub marks: Option<(char, Option<char>)>,
}

/// The times of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    /// The column, or those of the parts.
    pub columns: Vec<String>,
    /// What a time says, in words.
    pub what: String,
    /// Their pattern, where it is none of ISO's and no number.
    pub pattern: Option<String>,
    /// The first time, as the table writes it.
    pub example: String,
}

/// A column of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its cells that are not missing.
    pub numbers: usize,
    /// How they are written, where that is not plain.
    pub how: Option<String>,
}

/// A column that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRead {
    /// Its name; none of an index.
    pub column: String,
    /// Why.
    pub why: Why,
}

/// Why a column is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It has no name, as the numbers of rows that another program wrote.
    Unnamed,
    /// All its cells are missing.
    Empty,
    /// It says one thing of each series, in too many different texts.
    Texts {
        /// How many.
        count: usize,
    },
    /// It holds times, and others are the times.
    Times,
    /// A cell is no number.
    Text {
        /// The line of the first.
        line: u64,
        /// The cell.
        cell: String,
    },
}

impl Taken {
    /// Adds a column that is not read. It is made only where it is named.
    pub(crate) fn not_read(&mut self, column: impl FnOnce() -> NotRead) {
        if self.not_read.len() < NAMED_MAX { self.not_read.push(column()) } else { self.more_not_read += 1 }
    }

    /// Names the columns of numbers beside the target.
    pub(crate) fn numbers(&mut self, targets: &[Numbers], all: &[Numbers], table: &Table, survey: &Survey) {
        let columns = || targets.iter().chain(all);
        let shown = columns().find_map(Numbers::marked).filter(|&notation| {
            columns().all(|of| of.is_truths() || survey.columns[of.column()].notations.has(notation))
        });
        // Between semicolons a shorter table might leave points open.
        let facts = |of: &Numbers| survey.columns[of.column()];
        let points = || {
            table.separator() == ';'
                && columns().any(|of| facts(of).shows_points())
                && columns().all(|of| of.is_truths() || facts(of).notations.has(Notation::PLAIN))
        };
        self.marks = shown.or_else(|| points().then_some(Notation::PLAIN)).map(Notation::marks);
        if let [target] = targets {
            self.target = Some(target.describe(table, survey));
        } else {
            self.targets = targets.iter().take(NAMED_MAX).map(|of| of.describe(table, survey)).collect();
            self.more_targets = targets.len().saturating_sub(NAMED_MAX);
        }
        self.numbers = all.iter().take(NAMED_MAX).map(|of| of.describe(table, survey)).collect();
        self.more_numbers = all.len().saturating_sub(NAMED_MAX);
    }
}

impl Times {
    /// What they were taken for.
    pub(crate) fn describe(&self, table: &Table) -> Result<Time, Refusal> {
        let mut rows = table.rows();
        let parts =
            |row: &Row| self.columns.all().map(|column| row.text(column).to_owned()).collect::<Vec<_>>().join(" ");
        let example = rows.next()?.map(|row| parts(&row)).unwrap_or_default();
        let columns = self.columns.all().map(|column| table.columns[column].clone()).collect();
        let pattern = matches!(self.format, TimeFormat::Pattern(_)).then(|| self.format.to_string());
        Ok(Time { columns, what: self.format.words().to_owned(), pattern, example })
    }
}

/// A name in a list, which it may not end.
fn name(name: &str) -> String {
    match name {
        "" => "a column without a name".into(),
        name if name.contains([',', ';', ':', '"']) => format!("{name:?}"),
        name => name.into(),
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "1 number".into() } else { format!("{count} numbers") }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.how {
            Some(how) => write!(f, "{} ({how})", name(&self.name)),
            None => f.write_str(&name(&self.name)),
        }
    }
}

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = name(&self.column);
        match &self.why {
            Why::Unnamed if self.column.is_empty() => write!(f, "{column}"),
            Why::Unnamed => write!(f, "{column}, the numbers of rows"),
            Why::Empty => write!(f, "{column}, without a value"),
            Why::Texts { count } => write!(f, "{column}, {count} different texts, more than {TEXTS_MAX}"),
            Why::Times => write!(f, "{column}, other times"),
            Why::Text { line, cell } => write!(f, "{column}, line {line} {} is no number", shown(cell)),
        }
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.push(match &self.time {
            Some(Time { columns, what, pattern, example }) => {
                let columns: Vec<String> = columns.iter().map(|column| name(column)).collect();
                // Which is the day and which the month, an example alone does not say.
                let pattern = pattern.iter().map(|pattern| format!(" {pattern}")).collect::<String>();
                format!("time {}: {what}{pattern}, as {example}", columns.join(", "))
            }
            None => "time: none, rows in the order of the file".into(),
        });
        if !self.id.is_empty() {
            let id: Vec<String> = self.id.iter().map(|id| name(id)).collect();
            parts.push(format!("id {}", id.join(", ")));
        }
        parts.extend(self.label.iter().map(|label| format!("label {}", name(label))));
        parts.extend(self.target.as_ref().map(|target| format!("target {target}: {}", counted(target.numbers))));
        let more = |all: Vec<String>, more: usize| match more {
            0 => all.join(", "),
            more => format!("{} and {more} more", all.join(", ")),
        };
        if !self.targets.is_empty() {
            let all = self.targets.iter().map(Column::to_string).collect();
            let each = if self.jointly { "a series each, which reads the others" } else { "a series each" };
            parts.push(format!("targets, {each}: {}", more(all, self.more_targets)));
        }
        if !self.numbers.is_empty() {
            let what = if self.target.is_some() || !self.targets.is_empty() { "covariates" } else { "features" };
            let all = self.numbers.iter().map(Column::to_string).collect();
            parts.push(format!("{what}: {}", more(all, self.more_numbers)));
        }
        for (what, columns) in [("known ahead", &self.known), ("static", &self.statics)] {
            if !columns.is_empty() {
                parts.push(format!("{what}: {}", columns.iter().map(|of| name(of)).collect::<Vec<_>>().join(", ")));
            }
        }
        if !self.not_read.is_empty() {
            let all = self.not_read.iter().map(NotRead::to_string).collect();
            parts.push(format!("not read: {}", more(all, self.more_not_read)));
        }
        match self.comments {
            0 => {}
            1 => parts.push("1 line of remarks".into()),
            many => parts.push(format!("{many} lines of remarks")),
        }
        f.write_str(&parts.join("; "))
    }
}
