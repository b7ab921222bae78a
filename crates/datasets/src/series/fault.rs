//! What can be wrong with a file of time series.

use crate::Error;

/// Why a file is not the time series that were asked for. Lines count from 1, the header being the first.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesFault {
    /// The file has no byte.
    #[error("it is empty; expected a header that names its columns, and rows")]
    Empty,
    /// A column that is asked for is not there.
    #[error("it has no column {name:?} for the {role}; its columns are {}", list(columns))]
    NoColumn {
        /// `target`, `time`, `id`, `covariates`, `known` or `static`.
        role: &'static str,
        /// The name asked for.
        name: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// One column is asked for twice.
    #[error("the column {name:?} is both {first} and {second}; name another for one of them")]
    ColumnTwice {
        /// The name.
        name: String,
        /// One part it shall take.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Series shall read each other, and there is one.
    #[error("one target is read, {target:?}; expected several for --jointly, as --target a,b,c")]
    Alone {
        /// The target.
        target: String,
    },
    /// No column holds times.
    #[error(
        "none of its columns holds times; its columns are {}{}. Name the time column; times are written 2009, 2009-05, 2009Q2, \
         2009-05-31 or 2009-05-31T13:00:00, or as whole numbers that count steps",
        list(columns),
        parted(columns)
    )]
    NoTime {
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The columns that are named for the time do not make one.
    #[error(
        "the columns {} do not make a time together; name one column of times, or columns called year and month (and day, \
         and hour) or year and quarter",
        list(columns)
    )]
    TimeParts {
        /// The columns named.
        columns: Vec<String>,
    },
    /// No column is named to forecast, and none alone holds numbers.
    #[error("no target is named, and more than one column could be it, or none: name one of {}", list(columns))]
    NoTarget {
        /// Those that hold numbers, or all where none does.
        columns: Vec<String>,
    },
    /// Two columns hold times.
    #[error(
        "the columns {:?} and {:?} both hold times; say which are the times of the rows with --time, as --time {0}",
        columns[0], columns[1]
    )]
    TimesTwice {
        /// The first two.
        columns: [String; 2],
    },
    /// Day and month can be either.
    #[error(
        "line {line}, column {column:?}: {found:?} may be {} or {}, and no time of the column tells which; say --time-format \
         {0} or --time-format {1}",
        forms[0], forms[1]
    )]
    TimeAmbiguous {
        /// The line of the first time.
        line: u64,
        /// The column.
        column: String,
        /// The first time.
        found: String,
        /// The two forms that all times can be of.
        forms: [String; 2],
    },
    /// A form of times is none.
    #[error(
        "--time-format is {found:?}; expected a pattern such as DD/MM/YYYY, YYYYMM, Mon-D-YYYY or %d/%m/%Y %H:%M; or year, \
         steps, seconds, milliseconds, microseconds or nanoseconds"
    )]
    TimeFormat {
        /// What is named.
        found: String,
    },
    /// A cell is no time.
    #[error("line {line}, column {column:?}: {found:?} is not a time; expected {expected}")]
    Time {
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A time is of another form than those before.
    #[error(
        "line {line}, column {column:?}: the time {found:?} is of another form than {first:?} on line {first_line}; \
         write all times in one form"
    )]
    TimeForm {
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        found: String,
        /// The line of the first time.
        first_line: u64,
        /// The first time.
        first: String,
    },
    /// A cell is no number.
    #[error(
        "line {line}, column {column:?}: {found:?} {why}{}; empty cells, NaN, NA, null and ? stand for what is missing",
        marks(found)
    )]
    Number {
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        found: String,
        /// Why not.
        why: &'static str,
    },
    /// A number has a mark that may be one for decimals, or for thousands.
    #[error(
        "line {line}, column {column:?}: {found:?} may have a decimal mark or thousands apart, and no cell of the column tells \
         which; say --decimal {mark} or --thousands {mark}"
    )]
    NumberAmbiguous {
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        found: String,
        /// The mark.
        mark: char,
    },
    /// A column holds numbers but for a few cells.
    #[error(
        "line {line}, column {column:?}: {found:?} is not a finite number{}, and {numbers} of the column's {known} cells are; mend it, \
         leave it empty, or name the columns to read without {column:?}",
        marks(found)
    )]
    NearlyNumbers {
        /// The line of the first that is none.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        found: String,
        /// Cells that are numbers.
        numbers: u32,
        /// Cells that are not missing.
        known: u32,
    },
    /// A row does not say which series it belongs to.
    #[error("line {line}, column {column:?}: the id of the series is missing")]
    NoId {
        /// The line.
        line: u64,
        /// The column.
        column: String,
    },
    /// A column that shall say one thing of each series says two.
    #[error(
        "line {line}, column {column:?}: {found:?} is another value than {before:?} of the same series{}; a static column has one \
         for each series: leave it out of --static, or mend the line",
        of(id)
    )]
    StaticChanges {
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The series, if the file holds several.
        id: Option<String>,
        /// The cell.
        found: String,
        /// The value of the lines before.
        before: String,
    },
    /// Too few rows to know the frequency.
    #[error("its longest series has {found} rows, expected at least {expected}: the frequency is seen from the times")]
    TooFew {
        /// Rows of the longest series.
        found: usize,
        /// Rows it takes.
        expected: usize,
    },
    /// Two rows of a series have the same time.
    #[error("lines {first} and {second} have the same time, {time}{}; {advice}", of(id))]
    SameTime {
        /// The series, if the file holds several.
        id: Option<String>,
        /// The time, as in the file.
        time: String,
        /// The line of one.
        first: u64,
        /// The line of the other.
        second: u64,
        /// What to do.
        advice: String,
    },
    /// The times are not those of one frequency.
    #[error(
        "the times do not follow one frequency: most rows are {frequency}, but line {second} ({second_time}) is not a whole \
         number of steps after line {first} ({first_time}){}; mend those times, or cut the file where its frequency changes",
        of(id)
    )]
    Mixed {
        /// The series, if the file holds several.
        id: Option<String>,
        /// The frequency of most rows, in words.
        frequency: String,
        /// The line before.
        first: u64,
        /// Its time.
        first_time: String,
        /// The line that deviates.
        second: u64,
        /// Its time.
        second_time: String,
    },
    /// The frequency of the times changes, or one series has another than the others.
    #[error(
        "the times do not follow one frequency: most rows are {frequency}, but from line {first} ({first_time}) to line {last} \
         ({last_time}) each is {steps} steps of that after the one before{}; cut the file where its frequency changes, or \
         give each frequency a file of its own",
        of(id)
    )]
    Changes {
        /// The series, if the file holds several.
        id: Option<String>,
        /// The frequency of most rows, in words.
        frequency: String,
        /// How many of its steps the rows in between are apart.
        steps: u64,
        /// The line of the first of them.
        first: u64,
        /// Its time.
        first_time: String,
        /// The line of the last.
        last: u64,
        /// Its time.
        last_time: String,
    },
    /// Nearly all periods are missing.
    #[error(
        "its {rows} rows{} span {periods} periods ({frequency}), more than {} for each row; look for a wrong time, or leave \
         out the rows before the long gap",
        of(id),
        super::infer::PERIODS_PER_ROW_MAX
    )]
    Sparse {
        /// The series, if the file holds several.
        id: Option<String>,
        /// Rows there are.
        rows: usize,
        /// Periods from the first to the last.
        periods: u64,
        /// The frequency, in words.
        frequency: String,
    },
    /// The periods of all series take more memory than there shall be.
    #[error(
        "its series span {periods} periods in all, of {width} values each, expected at most {max} values; leave \
         out covariates, or cut the file into smaller ones"
    )]
    TooMany {
        /// Periods of all series.
        periods: u64,
        /// The target and its covariates.
        width: usize,
        /// The most values there may be.
        max: usize,
    },
    /// A target has no value at all.
    #[error("the target {target:?} has no value{}: all its cells are missing; leave the series out", of(id))]
    NoValue {
        /// The column.
        target: String,
        /// The series, if the file holds several.
        id: Option<String>,
    },
}

/// Why a pass over a table ends early: a line that is none of a table, or what a column or cell holds.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) enum Refusal {
    Table(#[from] Error),
    Series(#[from] SeriesFault),
}

impl Refusal {
    /// `origin` stands for the table in the message.
    pub(crate) fn of(self, origin: &str) -> Error {
        match self {
            Refusal::Table(error) => error,
            Refusal::Series(fault) => Error::Series { origin: origin.to_owned(), fault: Box::new(fault) },
        }
    }
}

/// The first few names: a file can have thousands.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What to do about marks that no number of its column has.
fn marks(cell: &str) -> &'static str {
    if cell.contains('−') {
        return ": its minus is another character than -; write that";
    }
    let bare = cell.trim_matches(|c: char| "$€£¥%() ".contains(c));
    if bare != cell && bare.bytes().all(|byte| byte.is_ascii_digit() || b",.+-'".contains(&byte)) && !bare.is_empty() {
        return ": leave out signs of currency and percent, and write what is below 0 with a -";
    }
    let marks =
        cell.contains([',', '.']) && cell.bytes().all(|byte| byte.is_ascii_digit() || b",.+- '".contains(&byte));
    if marks { " beside the others of its column: --decimal and --thousands say which marks it has" } else { "" }
}

/// What to do about a table that seems to have one column.
fn parted(names: &[String]) -> &'static str {
    match names {
        [name] if name.contains(['|', ' ', ':']) => {
            " (cells are parted by commas, semicolons or tabs: separate them so)"
        }
        _ => "",
    }
}

fn of(id: &Option<String>) -> String {
    id.as_ref().map(|id| format!(" in series {id:?}")).unwrap_or_default()
}
