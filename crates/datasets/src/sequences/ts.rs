//! `.ts`, the format of the UEA and UCR archive of time series classification.
//!
//! ```text
//! # a comment
//! @problemName Walks
//! @timeStamps false
//! @missing true
//! @univariate false
//! @dimensions 2
//! @equalLength false
//! @classLabel true left right
//! @data
//! 0.5,0.7:1,?:left
//! ```
//!
//! <https://www.sktime.net/en/stable/api_reference/file_specifications/ts.html>. A case is a line; its dimensions have
//! one length here, and are called `dim_0`, `dim_1` and so on.

use std::collections::HashMap;

use super::{Report, Roundings, SequenceSet};
use crate::Error;
use crate::error::shown;
use crate::limits::Limits;
use crate::line::Line;
use crate::table::numbers::centre;

const KEYS: &str = "one of @problemName, @timeStamps, @missing, @univariate, @dimensions, @equalLength, @seriesLength, \
                    @classLabel, @data";

/// What the lines before the data say; none where they do not.
#[derive(Default)]
struct Header {
    missing: Option<bool>,
    univariate: Option<bool>,
    dimensions: Option<usize>,
    equal_length: Option<bool>,
    series_length: Option<usize>,
    /// The names of the classes; inside, none where the cases have no class.
    classes: Option<Option<Vec<String>>>,
    /// Whether each case has a number in the place of a class.
    numbers: bool,
}

/// `numbers`: whether cases may have a number each, in the place of a class.
pub(super) fn parse(origin: &str, text: &str, numbers: bool, limits: Limits) -> Result<SequenceSet, Error> {
    let mut lines = Line::of(origin, text, '#');
    let header = header(origin, &mut lines, numbers, limits)?;
    let labelled = header.numbers || header.classes.clone().flatten().is_some();
    let centres = centres(lines.clone().map(|(_, text)| text), labelled);
    let mut cases = Cases::new(header, centres, limits);
    for (line, text) in lines {
        cases.push(line, text)?;
    }
    Ok(cases.finish())
}

fn header<'a>(
    origin: &'a str,
    lines: &mut impl Iterator<Item = (Line<'a>, &'a str)>,
    numbers: bool,
    limits: Limits,
) -> Result<Header, Error> {
    let mut header = Header::default();
    let mut seen = Vec::new();
    let mut last = Line { origin, number: 1 };
    for (line, text) in lines {
        last = line;
        let (key, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let (lower, value) = (key.to_lowercase(), value.trim());
        // The two spellings of one key.
        let lower = if lower == "@dimension" { "@dimensions".to_owned() } else { lower };
        if seen.contains(&lower) {
            return Err(line.error(None, format!("{key} once"), "it again"));
        }
        match lower.as_str() {
            "@problemname" => {}
            "@timestamps" => {
                if boolean(line, key, value)? {
                    return Err(line.error(
                        None,
                        "@timeStamps false: values with times are not read",
                        "@timeStamps true",
                    ));
                }
            }
            "@missing" => header.missing = Some(boolean(line, key, value)?),
            "@univariate" => header.univariate = Some(boolean(line, key, value)?),
            "@dimensions" => header.dimensions = Some(positive(line, key, value)?),
            "@equallength" => header.equal_length = Some(boolean(line, key, value)?),
            "@serieslength" => header.series_length = Some(positive(line, key, value)?),
            "@classlabel" => header.classes = Some(class_names(line, key, value, limits)?),
            "@targetlabel" if !numbers => {
                let expected = "@classLabel: cases with a number each are for a regression, and no classes";
                return Err(line.error(None, expected, "@targetLabel"));
            }
            "@targetlabel" => {
                header.numbers = boolean(line, key, value)?;
                header.classes = Some(header.numbers.then(Vec::new));
            }
            "@data" if !value.is_empty() => return Err(line.error(None, "@data alone", shown(text))),
            "@data" => {
                if header.univariate == Some(true) && header.dimensions.is_some_and(|dimensions| dimensions > 1) {
                    return Err(line.error(None, "one dimension, as @univariate true says", "@dimensions of more"));
                }
                if header.classes.is_none() {
                    return Err(line.error(None, "@classLabel before it, false where cases have no class", "none"));
                }
                return Ok(header);
            }
            _ => return Err(line.error(None, KEYS, shown(text))),
        }
        seen.push(lower);
    }
    Err(last.error(None, "@data after it, and a case a line", "the end of the file"))
}

/// What each dimension is kept as differences from; none where all are 0. What is no number is seen later.
fn centres<'a>(lines: impl Iterator<Item = &'a str>, labelled: bool) -> Vec<f64> {
    let mut ranges: Vec<(f64, f64)> = Vec::new();
    for text in lines {
        let values = if labelled { text.rsplit_once(':').map_or("", |(values, _)| values) } else { text };
        for (dimension, series) in values.split(':').enumerate() {
            let numbers = series.split(',').filter_map(|cell| number(cell.trim())).filter(|number| !number.is_nan());
            let range = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), number| {
                (least.min(number), most.max(number))
            });
            match ranges.get_mut(dimension) {
                Some(all) => *all = (all.0.min(range.0), all.1.max(range.1)),
                None => ranges.push(range),
            }
        }
    }
    if ranges.iter().all(|&(least, most)| centre(least, most) == 0.0) {
        return Vec::new();
    }
    ranges.into_iter().map(|(least, most)| centre(least, most)).collect()
}

/// A number that is finite, or NaN.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| !number.is_infinite())
}

fn boolean(line: Line, key: &str, value: &str) -> Result<bool, Error> {
    match value.to_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(line.error(Some(key.to_owned()), "true or false", shown(value))),
    }
}

fn positive(line: Line, key: &str, value: &str) -> Result<usize, Error> {
    let number = value.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| line.error(Some(key.to_owned()), "a number above 0", shown(value)))
}

fn class_names(line: Line, key: &str, value: &str, limits: Limits) -> Result<Option<Vec<String>>, Error> {
    if value.split_whitespace().count() > limits.columns + 1 {
        return Err(limits.too_many_columns(line.origin, line.number, "classes"));
    }
    let mut words = value.split_whitespace();
    let labelled = boolean(line, key, words.next().unwrap_or_default())?;
    let names: Vec<String> = words.map(str::to_owned).collect();
    let at = || Some(key.to_owned());
    if !labelled {
        return match names.first() {
            Some(name) => Err(line.error(at(), "no classes after false", shown(name))),
            None => Ok(None),
        };
    }
    if names.is_empty() {
        return Err(line.error(at(), "the names of the classes after true", "nothing"));
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    if let Some(twice) = sorted.windows(2).find(|two| two[0] == two[1]) {
        return Err(line.error(at(), "each class once", format!("{} twice", shown(twice[0]))));
    }
    Ok(Some(names))
}

/// The cases read so far.
struct Cases {
    limits: Limits,
    header: Header,
    /// The place of each class; none where the cases have no class.
    places: Option<HashMap<String, usize>>,
    /// As many as the first case has, and then all.
    dimensions: Option<usize>,
    /// As long as the first case, where all are to be.
    steps: Option<usize>,
    /// `[I]`, or none.
    centres: Vec<f64>,
    roundings: Roundings,
    values: Vec<f32>,
    offsets: Vec<usize>,
    labels: Vec<usize>,
}

impl Cases {
    fn new(header: Header, centres: Vec<f64>, limits: Limits) -> Self {
        let names = header.classes.clone().flatten();
        let places = names.map(|names| names.into_iter().zip(0..).collect::<HashMap<_, _>>());
        let dimensions = if header.univariate == Some(true) { Some(1) } else { header.dimensions };
        let steps = header.series_length;
        let roundings = Roundings::new(0);
        let (values, offsets, labels) = (Vec::new(), vec![0], Vec::new());
        Self { limits, header, places, dimensions, steps, centres, roundings, values, offsets, labels }
    }

    fn push(&mut self, line: Line, text: &str) -> Result<(), Error> {
        let Line { origin, number: at_line } = line;
        if self.offsets.len() > self.limits.sequences {
            return Err(self.limits.too_many_sequences(origin, at_line, "cases"));
        }
        // The class is no dimension.
        let parts_max = self.limits.columns + usize::from(self.places.is_some());
        let mut series: Vec<&str> = text.split(':').take(parts_max + 1).collect();
        if series.len() > parts_max {
            return Err(self.limits.too_many_columns(origin, at_line, "dimensions"));
        }
        if let Some(places) = &mut self.places {
            // There is a last part, also of a line without a colon.
            let label = series.pop().unwrap_or_default().trim();
            if series.is_empty() {
                return Err(line.error(None, "values, and a class after the last colon", "no colon"));
            }
            let place = match (places.get(label).copied(), self.header.numbers) {
                (Some(place), _) => place,
                (None, true) => {
                    let next = places.len();
                    places.insert(label.to_owned(), next);
                    next
                }
                (None, false) => {
                    let expected = "one of those that @classLabel names";
                    return Err(line.error(Some("class".to_owned()), expected, shown(label)));
                }
            };
            self.labels.push(place);
        }

        let features = *self.dimensions.get_or_insert(series.len());
        if series.len() != features {
            return Err(line.error(None, format!("{features} dimensions, between colons"), series.len().to_string()));
        }
        let length = |series: &str| series.split(',').count();
        let steps = length(series[0]);
        if self.header.series_length.is_some() || self.header.equal_length == Some(true) {
            let expected = *self.steps.get_or_insert(steps);
            if steps != expected {
                let expected = format!("{expected} values, as the header says or the first case has");
                return Err(line.error(Some("dimension 0".to_owned()), expected, steps.to_string()));
            }
        }
        // Before memory is taken for all of them.
        if let Some((dimension, found)) =
            series.iter().map(|series| length(series)).enumerate().find(|&(_, found)| found != steps)
        {
            let expected = format!("{steps} values, as dimension 0 has: dimensions of different lengths are not read");
            return Err(line.error(Some(format!("dimension {dimension}")), expected, found.to_string()));
        }

        let start = self.values.len();
        if steps * features > self.limits.cells - start {
            return Err(self.limits.too_many_cells(origin, at_line));
        }
        self.values.resize(start + steps * features, 0.0);
        self.roundings.features = features;
        let case = self.offsets.len() - 1;
        for (dimension, series) in series.iter().enumerate() {
            for (step, text) in series.split(',').map(str::trim).enumerate() {
                let at = || Some(format!("dimension {dimension}, value {step}"));
                let centre = self.centres.get(dimension).copied().unwrap_or_default();
                let value = if text == "?" { Some(f64::NAN) } else { number(text) };
                let value = value.map(|value| value - centre).filter(|value| !(*value as f32).is_infinite());
                let value =
                    value.ok_or_else(|| line.error(at(), "a finite number, or ? where it is missing", shown(text)))?;
                if value.is_nan() && self.header.missing == Some(false) {
                    return Err(line.error(at(), "a number, as @missing false says", shown(text)));
                }
                self.roundings.push(case, dimension, value);
                self.values[start + step * features + dimension] = value as f32;
            }
        }
        self.offsets.push(self.offsets[self.offsets.len() - 1] + steps);
        Ok(())
    }

    fn finish(self) -> SequenceSet {
        let features = self.dimensions.unwrap_or(0);
        let classes = match (self.header.numbers, self.places) {
            (true, Some(places)) => {
                let mut names: Vec<(String, usize)> = places.into_iter().collect();
                names.sort_by_key(|&(_, place)| place);
                Some(names.into_iter().map(|(name, _)| name).collect())
            }
            _ => self.header.classes.flatten(),
        };
        let names: Vec<String> = (0..features).map(|dimension| format!("dim_{dimension}")).collect();
        SequenceSet {
            report: Report { rounded: self.roundings.found(&names), ..Report::default() },
            names,
            centres: self.centres,
            labels: classes.is_some().then_some(self.labels),
            classes: classes.unwrap_or_default(),
            values: self.values,
            offsets: self.offsets,
            step_labels: None,
            ids: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_is_kept_is_refused_with_the_line() {
        let read = |limits| {
            let text = "@classLabel true a b\n@data\n1,2:3,4:a\n5:6:b\n";
            parse("x.ts", text, false, limits).map_err(|error| error.to_string())
        };
        let most = Limits { cells: 6, columns: 2, sequences: 2 };
        assert_eq!(read(most).unwrap().values, [1.0, 3.0, 2.0, 4.0, 5.0, 6.0]);
        for (limits, says) in [
            (
                Limits { cells: 5, ..most },
                "cannot read x.ts: line 4: expected at most 5 cells up to this line, found more",
            ),
            (
                Limits { sequences: 1, ..most },
                "line 4: expected at most 1 cases, found more; cut the file into smaller ones",
            ),
            (Limits { columns: 1, ..most }, "line 1: expected at most 1 classes, found more; leave some out"),
        ] {
            let message = read(limits).unwrap_err();
            assert!(message.contains(says), "{message}");
        }
        for text in ["@classLabel false\n@data\n1:2:3\n", "@classLabel true a\n@data\n1:2:3:a\n"] {
            let message = parse("x.ts", text, false, most).unwrap_err().to_string();
            assert!(message.contains("line 3: expected at most 2 dimensions, found more"), "{message}");
        }
    }
}
