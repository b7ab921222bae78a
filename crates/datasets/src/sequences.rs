//! Labelled sequences: N of them, each of its own length, a few features at each step.
//!
//! Read from a `.ts` or `.arff` file of the UEA and UCR archive, a long table (`.csv`, `.tsv`) or NumPy's `.npz`:
//!
//! - **`.ts`**: a case a line, its dimensions between `:`, their values between `,`, its class at the end; `?` is
//!   missing.
//! - **`.arff`**: a case a line, its values between `,`, its class at the end; several dimensions in one quoted value, parted
//!   by `\n`; `?` is missing, and at the end of all dimensions no step.
//! - **`.csv`, `.tsv`**: a step a line, in the columns `id`, `time`, `label` and one for each feature. Steps are sorted
//!   by their times, and stay in the order of the file where there are none. Or, without a line of names, a sequence a
//!   line behind its class: the UCR archive's `.tsv`.
//! - **`.npz`**: `x` `[N, T, I]`, `y` `[N]` and `lengths` `[N]`, as [`ColumnNames`] names them.
//!
//! Tables and arrays may have a label for each step instead, `y` `[N, T]`: [`ColumnNames::label_per_step`].
//!
//! `.ts`, `.arff` and tables may be gzipped and have up to 1 GiB of text, 2²⁸ cells, 2²⁰ columns or dimensions and
//! 2²⁴ sequences. A missing value is NaN and stays so; [`SequenceSet::missing`] counts them. Numbers are rounded to `f32`,
//! those of a feature that is far from 0 as differences from its middle.
//!
//! ```
//! use elman_datasets::sequences::{self, ColumnNames};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("walks.csv");
//! std::fs::write(&path, "id,time,x,y,label\na,0,0.5,1,left\na,1,0.7,,left\nb,0,0.1,2,right\n")?;
//!
//! let walks = sequences::load_labelled(&path, &ColumnNames::default())?;
//! assert_eq!((walks.len(), walks.features(), walks.missing()), (2, 2, 1));
//! assert_eq!((walks.length(0), walks.row(1)), (2, &[0.1, 2.0][..]));
//! assert_eq!(walks.classes, ["left", "right"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arff;
mod arrays;
mod numbered;
mod split;
mod steps;
mod ts;
mod ucr;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::path::Path;

use crate::idx::Source;
use crate::limits::Limits;
use crate::names::Names;
use crate::series::{Rounded, StandIn, Taken};
use crate::table::numbers::Rounding;
use crate::table::{Table, number::Notations};
use crate::{Error, text};

pub use self::numbered::{load_numbered, parse_numbered};

/// N sequences of I features, with their classes where they are known.
#[derive(Clone, PartialEq)]
pub struct SequenceSet {
    /// `[I]`: the names of the features.
    pub names: Vec<String>,
    /// The names of the classes; none without labels.
    pub classes: Vec<String>,
    /// `[I]`: what the values of each feature are differences from; none where that is 0 for all.
    pub centres: Vec<f64>,
    /// `[Σ lengths, I]`: all steps of the first sequence, then those of the second, each less the centre of its feature. NaN
    /// where a value is missing.
    pub values: Vec<f32>,
    /// `[N + 1]`: where each sequence starts in `values`, in steps, and where the last one ends.
    pub offsets: Vec<usize>,
    /// `[N]`: places in `classes`. None in a file to predict.
    pub labels: Option<Vec<usize>>,
    /// `[Σ lengths]`: places in `classes`, None where a step has no label. Only of a file that was read with
    /// [`ColumnNames::label_per_step`], whose sequences have no labels as wholes.
    pub step_labels: Option<Vec<Option<u32>>>,
    /// `[N]`: the ids of the sequences, where the format has them.
    pub ids: Option<Vec<String>>,
    /// What was found on the way.
    pub report: Report,
}

/// What a reader found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What each column of a table was taken for; None of another format.
    pub taken: Option<Taken>,
    /// Features of which single precision cannot keep what changes, even as differences from their middle.
    pub rounded: Vec<Rounded>,
    /// Values that look as if they stood for missing ones.
    pub stand_ins: Vec<StandIn>,
}

/// What rounding costs, for the first features of the first sequences: of many, one or the other is enough.
struct Roundings {
    features: usize,
    /// `[N, I]`, no more than [`Roundings::MOST`].
    each: Vec<Rounding>,
}

impl Roundings {
    const MOST: usize = 1 << 12;

    /// Of so many features.
    fn new(features: usize) -> Self {
        Roundings { features, each: Vec::new() }
    }

    /// The next number of a feature of a sequence, less its centre. The steps of several sequences may come in turns.
    fn push(&mut self, sequence: usize, feature: usize, number: f64) {
        let at = sequence.saturating_mul(self.features).saturating_add(feature);
        if at >= self.each.len() && at < Self::MOST {
            self.each.resize(at + 1, Rounding::NONE);
        }
        if let Some(rounding) = self.each.get_mut(at) {
            rounding.push(number);
        }
    }

    fn found(&self, names: &[String]) -> Vec<Rounded> {
        let lost = |(feature, name): (usize, &String)| {
            let each = self.each.iter().skip(feature).step_by(self.features.max(1));
            let (lost, of) = each.copied().reduce(Rounding::and)?.lost()?;
            Some(Rounded { column: name.clone(), lost, of })
        };
        names.iter().enumerate().filter_map(lost).collect()
    }
}

impl SequenceSet {
    /// The number of sequences, N.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// True if there are no sequences.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of features, I.
    pub fn features(&self) -> usize {
        self.names.len()
    }

    /// The number of steps of sequence `row`.
    ///
    /// # Panics
    /// If there is no sequence `row`.
    pub fn length(&self, row: usize) -> usize {
        self.offsets[row + 1] - self.offsets[row]
    }

    /// `[T, I]`: the values of sequence `row`.
    ///
    /// # Panics
    /// If there is no sequence `row`.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[self.offsets[row] * self.features()..self.offsets[row + 1] * self.features()]
    }

    /// What the values of a feature are differences from.
    pub fn centre(&self, feature: usize) -> f64 {
        self.centres.get(feature).copied().unwrap_or_default()
    }

    /// How many values are missing.
    pub fn missing(&self) -> usize {
        self.values.iter().filter(|value| value.is_nan()).count()
    }

    /// The set as a model sees it that was trained on `features` and `classes`: labels count in the order of those
    /// classes.
    /// `origin` stands for the set in messages.
    ///
    /// # Errors
    /// [`Error::Features`] if its features are not those, in that order; [`Error::UnseenClass`] if a label is not one
    /// of the classes.
    pub fn matched(mut self, origin: &str, features: &[String], classes: &[String]) -> Result<Self, Error> {
        if self.names != features {
            let (origin, expected, found) = (origin.to_owned(), features.to_vec(), self.names);
            return Err(Error::Features { origin, expected, found });
        }
        if let Some(labels) = &mut self.labels {
            let places: HashMap<&str, usize> = classes.iter().zip(0..).map(|(name, i)| (name.as_str(), i)).collect();
            let places: Vec<_> = self.classes.iter().map(|name| places.get(name.as_str()).copied()).collect();
            for (row, label) in labels.iter_mut().enumerate() {
                *label = places[*label].ok_or_else(|| Error::UnseenClass {
                    origin: origin.to_owned(),
                    row,
                    id: self.ids.as_ref().map(|ids| ids[row].clone()),
                    label: self.classes[*label].clone(),
                    classes: classes.to_vec(),
                })?;
            }
            self.classes = classes.to_vec();
        }
        if let Some(labels) = &mut self.step_labels {
            let places = self.classes.iter().map(|name| classes.iter().position(|other| other == name));
            let places: Vec<Option<u32>> = places.map(|place| place.map(|place| place as u32)).collect();
            for (step, label) in labels.iter_mut().enumerate() {
                let Some(known) = label else { continue };
                let row = self.offsets.partition_point(|&first| first <= step) - 1;
                *label = Some(places[*known as usize].ok_or_else(|| Error::UnseenClass {
                    origin: origin.to_owned(),
                    row,
                    id: self.ids.as_ref().map(|ids| ids[row].clone()),
                    label: self.classes[*known as usize].clone(),
                    classes: classes.to_vec(),
                })?);
            }
            self.classes = classes.to_vec();
        }
        Ok(self)
    }

    fn drop_unused_classes(&mut self) {
        // Labels of steps have no header that could name more.
        let Some(labels) = &mut self.labels else { return };
        let mut places = vec![None; self.classes.len()];
        labels.iter().for_each(|&label| places[label] = Some(0));
        places.iter_mut().flatten().zip(0..).for_each(|(place, next)| *place = next);
        labels.iter_mut().for_each(|label| *label = places[*label].unwrap_or_default());
        let mut used = places.iter().map(Option::is_some);
        self.classes.retain(|_| used.next() == Some(true));
    }
}

impl fmt::Debug for SequenceSet {
    /// Without the values, which are many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, features, classes) = (self.len(), self.features(), self.classes.len());
        write!(f, "SequenceSet {{ {n} sequences, {features} features, {classes} classes }}")
    }
}

/// What columns and arrays are called.
#[derive(Clone, Debug, Default)]
pub struct ColumnNames {
    /// In a table: the column that says to which sequence a step belongs. `id` if not given.
    pub id: Option<String>,
    /// In a table: the column to sort the steps of a sequence by, or those of the parts of a time; an empty name for none. If
    /// not given, it is `time`, `date`, `datetime`, `ds` or `timestamp` where there is one, or the only column of times.
    pub time: Option<Vec<String>>,
    /// In a table: how times are written, as [`Reader::time_format`](crate::series::Reader::time_format) says.
    pub time_format: Option<String>,
    /// In a table: the decimal mark of all numbers.
    pub decimal: Option<char>,
    /// In a table: what parts thousands in all numbers, or that nothing does.
    pub thousands: Option<Option<char>>,
    /// In a table: numbers that stand for missing values.
    pub missing: Vec<f64>,
    /// The column of labels in a table, the array of labels in an `.npz`. If not given, it is `label` or `y` where
    /// there is one, and else the sequences have no labels. In a table whose features are given it is `label` alone.
    pub label: Option<String>,
    /// In a table: the columns of features, in this order. If not given, all that have no other use, in their order.
    pub features: Option<Vec<String>>,
    /// In an `.npz`: the array of values, `[N, T, I]`. `x` if not given.
    pub values: Option<String>,
    /// In an `.npz`: the array of lengths, `[N]`, each 1 to T. If not given, it is `lengths` where there is one, and
    /// else all sequences have T steps.
    pub lengths: Option<String>,
    /// Whether labels are numbers to regress on, and no classes: they need not be whole.
    pub numbers: bool,
    /// Whether each step has a label of its own, or none: in a table an empty cell, in an `.npz` an empty text or NaN.
    pub label_per_step: bool,
}

/// Reads a file of sequences, with labels or without; its format is that which its name ends in.
///
/// # Errors
/// [`Error`] that names the file, the line or array, what was expected and what was found.
pub fn load(path: &Path, settings: &ColumnNames) -> Result<SequenceSet, Error> {
    read(&Source::Path(path.to_owned()), settings)
}

/// Reads the content of a file of sequences; `name` says the format by its end, and stands for the file in messages.
///
/// # Errors
/// As [`load`].
pub fn parse(name: &str, bytes: &[u8], settings: &ColumnNames) -> Result<SequenceSet, Error> {
    read(&Source::Bytes { name, bytes }, settings)
}

/// Reads a file to learn from. Its classes are those that some sequence has, also where a header names more.
///
/// # Errors
/// As [`load`], and [`Error::NoLabels`] or [`Error::Classes`] if it has no labels or fewer than two classes.
pub fn load_labelled(path: &Path, settings: &ColumnNames) -> Result<SequenceSet, Error> {
    read_labelled(&Source::Path(path.to_owned()), settings)
}

/// Reads the content of a file to learn from; `name` says the format by its end, and stands for the file in messages.
///
/// # Errors
/// As [`load_labelled`].
pub fn parse_labelled(name: &str, bytes: &[u8], settings: &ColumnNames) -> Result<SequenceSet, Error> {
    read_labelled(&Source::Bytes { name, bytes }, settings)
}

/// Reads a file to learn from, and one to test with. Labels of both count in the order of the training set's classes,
/// and from a table the test set takes the training set's features: further columns have no use.
///
/// # Errors
/// As [`load_labelled`]; [`Error::Features`] or [`Error::UnseenClass`] if the files do not belong together.
pub fn train_test(train: &Path, test: &Path, settings: &ColumnNames) -> Result<(SequenceSet, SequenceSet), Error> {
    let train_set = load_labelled(train, settings)?;
    let mut settings = settings.clone();
    if matches!((format(train)?, format(test)?), (Format::Steps, Format::Steps)) {
        settings.features = Some(train_set.names.clone());
        let label = train_set.report.taken.as_ref().and_then(|taken| taken.label.clone());
        settings.label = settings.label.or(label.filter(|label| label != LABEL));
    }
    let test_set = load(test, &settings)?;
    labelled(&test_set, test, &settings)?;
    let test_set = test_set.matched(&test.display().to_string(), &train_set.names, &train_set.classes)?;
    Ok((train_set, test_set))
}

/// Reads the text of a `.ts` file, which may hold no case; `name` stands for it in messages.
///
/// # Errors
/// As [`load`].
pub fn parse_ts(name: &str, text: &str) -> Result<SequenceSet, Error> {
    ts::parse(name, text, false, Limits::default())
}

fn read(source: &Source, settings: &ColumnNames) -> Result<SequenceSet, Error> {
    let origin = source.origin();
    let set = match format(source.path())? {
        Format::Ts | Format::Arff if settings.label_per_step => return Err(Error::StepLabels { origin }),
        Format::Ts => ts::parse(&origin, &text::load(source)?, settings.numbers, Limits::default())?,
        Format::Arff => arff::parse(&origin, &text::load(source)?, Limits::default(), settings.numbers)?,
        Format::Steps => table(&origin, &text::load(source)?, settings, Limits::default())?,
        Format::Arrays => arrays::read(source, settings)?,
    };
    if set.is_empty() { Err(Error::NoSequences { origin }) } else { Ok(set) }
}

/// The column of labels, where none is named.
const LABEL: &str = "label";

/// A table: of a step a line below names, or of a sequence a line without.
fn table(origin: &str, text: &str, settings: &ColumnNames, limits: Limits) -> Result<SequenceSet, Error> {
    let mut table = Table::new(origin, text, limits)?;
    table.missing.clone_from(&settings.missing);
    let notations = Notations::given(settings.decimal, settings.thousands);
    let set = match table.headless {
        true => ucr::parse(&table),
        false => steps::parse(table, settings, notations),
    };
    set.map_err(|refusal| refusal.of(origin))
}

fn read_labelled(source: &Source, settings: &ColumnNames) -> Result<SequenceSet, Error> {
    let mut set = read(source, settings)?;
    labelled(&set, source.path(), settings)?;
    set.drop_unused_classes();
    if set.classes.len() < 2 {
        return Err(Error::Classes { origin: source.origin(), found: set.classes });
    }
    Ok(set)
}

fn labelled(set: &SequenceSet, path: &Path, settings: &ColumnNames) -> Result<(), Error> {
    if set.labels.is_some() || set.step_labels.is_some() {
        return Ok(());
    }
    let label = |name| settings.label.as_deref().unwrap_or(name);
    let advice = match format(path)? {
        Format::Ts => "its header says @classLabel false".to_owned(),
        Format::Arff => "all its classes are ?".to_owned(),
        Format::Steps => format!("looked for a column {}; its other columns: {}", label(LABEL), set.names.join(", ")),
        Format::Arrays => format!("looked for an array {}", label("y")),
    };
    Err(Error::NoLabels { origin: path.display().to_string(), advice })
}

enum Format {
    Ts,
    Arff,
    Steps,
    Arrays,
}

fn format(path: &Path) -> Result<Format, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    match plain.rsplit_once('.') {
        Some((_, "ts")) => Ok(Format::Ts),
        Some((_, "arff")) => Ok(Format::Arff),
        Some((_, "csv" | "tsv")) => Ok(Format::Steps),
        Some((_, "npz")) if plain == name => Ok(Format::Arrays),
        _ => Err(Error::Format { path: path.to_owned() }),
    }
}

/// The classes of some labels, in order: of numbers where all are numbers, else of letters. Of each label, its place in
/// `names` becomes that in the classes.
fn classes(names: Names, mut labels: Vec<usize>) -> (Vec<String>, Vec<usize>) {
    let mut names = names.into_vec();
    let numbers: Option<Vec<f64>> = names.iter().map(|name| name.parse().ok()).collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|&a, &b| {
        let by_number = numbers.as_ref().map(|numbers| numbers[a].total_cmp(&numbers[b]));
        by_number.unwrap_or(Ordering::Equal).then_with(|| names[a].cmp(&names[b]))
    });
    let mut places = vec![0; names.len()];
    order.iter().zip(0..).for_each(|(&name, place)| places[name] = place);
    labels.iter_mut().for_each(|label| *label = places[*label]);
    (order.into_iter().map(|name| mem::take(&mut names[name])).collect(), labels)
}

/// The same of labels of steps, of which some are not known.
fn step_classes(names: Names, labels: Vec<Option<u32>>) -> (Vec<String>, Vec<Option<u32>>) {
    let (classes, places) = classes(names, labels.iter().flatten().map(|&label| label as usize).collect());
    let mut places = places.into_iter();
    let place = |label: Option<u32>| label.and_then(|_| places.next()).map(|place| place as u32);
    (classes, labels.into_iter().map(place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_in_the_order_of_numbers_or_letters() {
        let of = |labels: &[&str]| {
            let mut names = Names::default();
            let places = labels.iter().map(|label| names.place_or_push(label)).collect();
            classes(names, places)
        };
        assert_eq!(of(&["10", "9", "10", "-1"]), (vec!["-1".into(), "9".into(), "10".into()], vec![2, 1, 2, 0]));
        assert_eq!(of(&["b", "10", "9"]), (vec!["10".into(), "9".into(), "b".into()], vec![2, 0, 1]));
    }
}
