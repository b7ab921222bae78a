//! Arrays of an `.npz`: N sequences, padded to T steps, of I features.
//!
//! - `x` `[N, T, I]`, of `f32`, `f64`, `i32`, `i64` or `u8`
//! - `y` `[N]`, the labels: integers or text, to regress on numbers of any type; may be absent. Of steps `[N, T]`, where an
//!   empty text or a NaN among whole numbers is a label that is not known
//! - `lengths` `[N]`, integers from 1 to T; may be absent. What follows the length of a row is not read.
//!
//! The features are called `feature_0`, `feature_1` and so on.

use elman_formats::numpy::{Array, Npz, Values};

use super::{ColumnNames, Report, Roundings, SequenceSet, classes, step_classes};
use crate::Error;
use crate::error::shown;
use crate::idx::Source;
use crate::names::Names;
use crate::table::numbers::centre;

pub(super) fn read(source: &Source, settings: &ColumnNames) -> Result<SequenceSet, Error> {
    let origin = source.origin();
    let file = match source {
        Source::Path(path) => Npz::open(path),
        Source::Bytes { bytes, .. } => Npz::of_bytes(bytes.to_vec(), source.path()),
    };
    let mut file = file.map_err(Error::Numpy)?;
    let x_name = settings.values.as_deref().unwrap_or("x");
    let x = file.read(x_name).map_err(Error::Numpy)?;
    let wrong = |name: &str, expected: String, found: String| Error::Array {
        origin: origin.clone(),
        name: name.to_owned(),
        expected,
        found,
    };
    let &[n, steps, features] = x.shape.as_slice() else {
        let expected = "the shape [N, T, I]: sequences, steps, features".to_owned();
        return Err(wrong(x_name, expected, format!("{:?}", x.shape)));
    };
    if x.values.is_empty() {
        return Err(wrong(x_name, "at least one sequence, step and feature".to_owned(), format!("{:?}", x.shape)));
    }

    // An array beside x: one value for each sequence.
    let mut beside = |given: &Option<String>, name: &str, each: &[usize]| -> Result<Option<(String, Array)>, Error> {
        let name = given.as_deref().unwrap_or(name);
        if given.is_none() && !file.names().any(|other| other == name) {
            return Ok(None);
        }
        let array = file.read(name).map_err(Error::Numpy)?;
        if array.shape != each {
            let expected = match each {
                [_] => format!("the shape [{n}], one value for each sequence of {x_name}"),
                _ => format!("the shape [{n}, {steps}], a label for each step of {x_name}"),
            };
            let flag = "; a label for each step is read with --label-per-step";
            let expected = if each == [n] && array.shape == [n, steps] { expected + flag } else { expected };
            return Err(wrong(name, expected, format!("{:?}", array.shape)));
        }
        Ok(Some((name.to_owned(), array)))
    };
    let each = [n, steps];
    let y = beside(&settings.label, "y", if settings.label_per_step { &each } else { &each[..1] })?;
    let lengths = beside(&settings.lengths, "lengths", &[n])?;

    let lengths = match lengths {
        None => vec![steps; n],
        Some((name, array)) => {
            let expected = || format!("integers from 1 to {steps}, the steps of {x_name}");
            let found = array.values.type_name();
            let integers = integers(array.values).ok_or_else(|| wrong(&name, expected(), found.to_owned()))?;
            let length = |(row, length): (usize, i64)| {
                let usable = usize::try_from(length).ok().filter(|length| (1..=steps).contains(length));
                usable.ok_or_else(|| wrong(&name, expected(), format!("{length} for sequence {row}")))
            };
            integers.into_iter().enumerate().map(length).collect::<Result<_, _>>()?
        }
    };
    let mut step_labels = None;
    let labels = match y {
        None => None,
        Some((name, array)) if settings.label_per_step => {
            let (names, labels) = labels_of_steps(array.values, &lengths, steps).map_err(|found| {
                wrong(
                    &name,
                    "integers or text, a label for each step, or NaN or nothing where it is not known".to_owned(),
                    found,
                )
            })?;
            step_labels = Some(step_classes(names, labels));
            None
        }
        Some((name, array)) => {
            let expected = "integers or text, a label for each sequence".to_owned();
            let mut names = Names::default();
            let places: Vec<usize> = match array.values {
                Values::Text(labels) => labels.iter().map(|label| names.place_or_push(label)).collect(),
                Values::F64(numbers) if settings.numbers => {
                    numbers.iter().map(|number| names.place_or_push(&number.to_string())).collect()
                }
                Values::F32(numbers) if settings.numbers => {
                    numbers.iter().map(|number| names.place_or_push(&number.to_string())).collect()
                }
                values => {
                    let found = values.type_name().to_owned();
                    let integers = integers(values).ok_or_else(|| wrong(&name, expected, found))?;
                    integers.iter().map(|label| names.place_or_push(&label.to_string())).collect()
                }
            };
            let none = names.place("").and_then(|none| places.iter().position(|&place| place == none));
            if let Some(row) = none {
                return Err(wrong(&name, "a label for each sequence".to_owned(), format!("none for sequence {row}")));
            }
            Some((names, places))
        }
    };

    let mut offsets = vec![0];
    for length in &lengths {
        offsets.push(offsets[offsets.len() - 1] + length);
    }
    let not_finite = |at: usize, found: &str| {
        let (row, step, feature) = (at / (steps * features), at / features % steps, at % features);
        let found = format!("{} in sequence {row}, step {step}, feature {feature}", shown(found));
        wrong(x_name, "numbers that are finite in f32, or NaN where one is missing".to_owned(), found)
    };
    let padded = Padded { row: steps * features, lengths: &lengths, features };
    let kept = match &x.values {
        Values::F32(x) => padded.values(x, f64::from, not_finite)?,
        Values::F64(x) => padded.values(x, |x| x, not_finite)?,
        Values::I32(x) => padded.values(x, f64::from, not_finite)?,
        Values::I64(x) => padded.values(x, |x| x as f64, not_finite)?,
        Values::U8(x) => padded.values(x, f64::from, not_finite)?,
        other => return Err(wrong(x_name, "numbers".to_owned(), other.type_name().to_owned())),
    };
    let names: Vec<String> = (0..features).map(|feature| format!("feature_{feature}")).collect();
    let report = Report { rounded: kept.roundings.found(&names), ..Report::default() };
    let Centred { values, centres, .. } = kept;
    let (classes, labels) = labels.map_or((Vec::new(), None), |(names, labels)| {
        let (classes, labels) = classes(names, labels);
        (classes, Some(labels))
    });
    let (classes, step_labels) = match step_labels {
        Some((classes, labels)) => (classes, Some(labels)),
        None => (classes, None),
    };
    Ok(SequenceSet { names, classes, centres, values, offsets, labels, step_labels, ids: None, report })
}

/// The labels of the steps of all rows, without what follows their lengths, as places in their names; or what was found that
/// is none.
fn labels_of_steps(values: Values, lengths: &[usize], steps: usize) -> Result<(Names, Vec<Option<u32>>), String> {
    let whole = |number: f64| match number {
        number if number.is_nan() => Ok(String::new()),
        number if number.fract() == 0.0 => Ok(number.to_string()),
        number => Err(number.to_string()),
    };
    let label = |at: usize| match &values {
        Values::Text(labels) => Ok(labels[at].clone()),
        Values::F64(numbers) => whole(numbers[at]),
        Values::F32(numbers) => whole(f64::from(numbers[at])),
        Values::I32(numbers) => Ok(numbers[at].to_string()),
        Values::I64(numbers) => Ok(numbers[at].to_string()),
        Values::U8(numbers) => Ok(numbers[at].to_string()),
        other => Err(other.type_name().to_owned()),
    };
    let (mut names, mut labels) = (Names::default(), Vec::with_capacity(lengths.iter().sum()));
    for (row, &length) in lengths.iter().enumerate() {
        for step in 0..length {
            let text = label(row * steps + step).map_err(|found| format!("{found} in sequence {row}, step {step}"))?;
            labels.push((!text.is_empty()).then(|| names.place_or_push(&text) as u32));
        }
    }
    Ok((names, labels))
}

fn integers(values: Values) -> Option<Vec<i64>> {
    match values {
        Values::I32(values) => Some(values.into_iter().map(i64::from).collect()),
        Values::I64(values) => Some(values),
        Values::U8(values) => Some(values.into_iter().map(i64::from).collect()),
        _ => None,
    }
}

/// How rows of one size hold sequences of several.
struct Padded<'a> {
    /// The values of a row, T·I.
    row: usize,
    lengths: &'a [usize],
    features: usize,
}

/// The values of all rows, without what follows their lengths, less their centres.
struct Centred {
    values: Vec<f32>,
    /// `[I]`, or none where all are 0.
    centres: Vec<f64>,
    roundings: Roundings,
}

impl Padded<'_> {
    /// `not_finite` says where a value is infinite.
    fn values<T: Copy + ToString>(
        &self,
        x: &[T],
        float: impl Fn(T) -> f64,
        not_finite: impl Fn(usize, &str) -> Error,
    ) -> Result<Centred, Error> {
        let known = || {
            let rows = x.chunks_exact(self.row).zip(self.lengths);
            rows.flat_map(|(all, length)| &all[..length * self.features])
        };
        let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); self.features];
        for step in known().map(|&x| float(x)).enumerate() {
            let (at, value) = step;
            let (least, most) = &mut ranges[at % self.features];
            // Of NaN and a number the number is taken.
            (*least, *most) = (least.min(value), most.max(value));
        }
        let centres: Vec<f64> = ranges.into_iter().map(|(least, most)| centre(least, most)).collect();
        let mut values = Vec::with_capacity(self.lengths.iter().sum::<usize>() * self.features);
        let mut roundings = Roundings::new(self.features);
        for (row, (all, length)) in x.chunks_exact(self.row).zip(self.lengths).enumerate() {
            for (at, &x) in all[..length * self.features].iter().enumerate() {
                let feature = at % self.features;
                let value = float(x) - centres[feature];
                if (value as f32).is_infinite() {
                    return Err(not_finite(row * self.row + at, &x.to_string()));
                }
                roundings.push(row, feature, value);
                values.push(value as f32);
            }
        }
        let centres = if centres.iter().all(|&centre| centre == 0.0) { Vec::new() } else { centres };
        Ok(Centred { values, centres, roundings })
    }
}
