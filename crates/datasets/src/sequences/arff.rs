//! `.arff`, Weka's format, as the UEA and UCR archive has it.
//!
//! ```text
//! % a comment
//! @relation Walks
//! @attribute walk relational
//!   @attribute t0 numeric
//!   @attribute t1 numeric
//! @end walk
//! @attribute side {left,right}
//! @data
//! '0.5,0.7\n1,?',left
//! ```
//!
//! <https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/>. A case is a line. Its attributes are the steps
//! of one dimension, or one relational attribute holds the dimensions in quotes, parted by `\n`, its own attributes being
//! their steps. The last attribute is the class, or where numbers are asked for, numeric. As in `.ts`, dimensions are called `dim_0`, `dim_1` and so on. Shorter
//! sequences are filled up with `?`: what is missing in all dimensions at the end of a case is no step.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Report, Roundings, SequenceSet};
use crate::Error;
use crate::error::shown;
use crate::limits::Limits;
use crate::line::Line;
use crate::table::numbers::centre;

/// What the lines before the data say.
struct Header {
    /// Whether one attribute holds several dimensions.
    relational: bool,
    /// The attributes of a dimension.
    steps: usize,
    /// Those that it names; of numbers, in their place, those that were found.
    classes: Vec<String>,
    /// Whether the last attribute is a number.
    numbered: bool,
}

/// The type of an attribute.
enum Kind {
    Number,
    Relation,
    Classes(Vec<String>),
}

/// Reads cases with a class each; with `numbered`, their last attribute may be numeric.
pub(super) fn parse(origin: &str, text: &str, limits: Limits, numbered: bool) -> Result<SequenceSet, Error> {
    let mut lines = Line::of(origin, text, '%');
    let header = header(origin, &mut lines, limits, numbered)?;
    let centres = centres(lines.clone().map(|(_, text)| text), &header);
    let places = header.classes.iter().cloned().zip(0..).collect();
    let mut cases = Cases {
        limits,
        places,
        dimensions: None,
        centres,
        roundings: Roundings::new(0),
        values: Vec::new(),
        offsets: vec![0],
        labels: Vec::new(),
        header,
    };
    for (line, text) in lines {
        cases.push(line, text)?;
    }
    cases.finish(origin)
}

fn header<'a>(
    origin: &'a str,
    lines: &mut impl Iterator<Item = (Line<'a>, &'a str)>,
    limits: Limits,
    numbered: bool,
) -> Result<Header, Error> {
    const EXPECTED: &str = "one of @relation, @attribute, @end, @data";
    let mut last = Line { origin, number: 1 };
    // Outside of a relation and inside: how many numbers there are.
    let (mut numbers, mut inner, mut relation) = (0_usize, None, None);
    let mut classes: Option<Vec<String>> = None;
    for (line, text) in lines {
        last = line;
        let (key, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match key.to_lowercase().as_str() {
            "@relation" => {}
            "@end" => match inner.take() {
                Some(count) => relation = Some(count),
                None => return Err(line.error(None, "@end behind the attributes of a relation", shown(text))),
            },
            "@data" => {
                if inner.is_some() {
                    return Err(line.error(None, "@end before it, behind the attributes of the relation", "@data"));
                }
                let is_numbered = classes.is_none() && numbered && numbers > 0;
                if classes.is_none() && !is_numbered {
                    let (expected, found) = match numbered {
                        true => ("a last attribute with the number of each case, as @attribute target numeric", "none"),
                        false => (
                            "a last attribute with the classes, as @attribute class {a,b}",
                            "none: cases without classes are not read, and those with a number each are for a regression",
                        ),
                    };
                    return Err(line.error(None, format!("{expected}, before it"), found));
                }
                numbers -= usize::from(is_numbered);
                let (relational, steps) = match (relation, numbers) {
                    (Some(steps), 0) => (true, steps),
                    (None, steps) => (false, steps),
                    (Some(_), _) => {
                        let expected = "one relational attribute or numbers alone before the class";
                        return Err(line.error(None, expected, "both"));
                    }
                };
                if steps == 0 {
                    return Err(line.error(None, "an attribute for each step before it", "none"));
                }
                return Ok(Header { relational, steps, classes: classes.unwrap_or_default(), numbered: is_numbered });
            }
            "@attribute" => {
                if classes.is_some() {
                    return Err(line.error(None, "the classes as the last attribute", "another attribute behind them"));
                }
                match kind(line, rest.trim(), limits)? {
                    Kind::Number => {
                        let count = inner.as_mut().unwrap_or(&mut numbers);
                        *count += 1;
                        if *count > limits.columns {
                            return Err(limits.too_many_columns(origin, line.number, "attributes"));
                        }
                    }
                    Kind::Classes(names) if inner.is_none() => classes = Some(names),
                    Kind::Relation if inner.is_none() && relation.is_none() => inner = Some(0),
                    Kind::Classes(_) | Kind::Relation => {
                        let expected = "numbers within one relation, and the classes behind its @end";
                        return Err(line.error(None, expected, shown(text)));
                    }
                }
            }
            _ => return Err(line.error(None, EXPECTED, shown(text))),
        }
    }
    Err(last.error(None, "@data after it, and a case a line", "the end of the file"))
}

/// The type of an attribute, behind its name.
fn kind(line: Line, text: &str, limits: Limits) -> Result<Kind, Error> {
    let (_, rest) = value(text).ok_or_else(|| line.error(None, "a name in closed quotes", shown(text)))?;
    let rest = rest.trim();
    if let Some(names) = rest.strip_prefix('{') {
        let names =
            names.strip_suffix('}').ok_or_else(|| line.error(None, "the classes between { and }", shown(rest)))?;
        if names.split(',').count() > limits.columns {
            return Err(limits.too_many_columns(line.origin, line.number, "classes"));
        }
        let mut all: Vec<String> = Vec::new();
        let mut cells = Cells { rest: Some(names) };
        while let Some(name) = cells.next(line)? {
            all.push(name.into_owned());
        }
        let mut sorted: Vec<&String> = all.iter().collect();
        sorted.sort();
        if let Some(twice) = sorted.windows(2).find(|two| two[0] == two[1]) {
            return Err(line.error(None, "each class once", format!("{} twice", shown(twice[0]))));
        }
        return Ok(Kind::Classes(all));
    }
    match rest.to_lowercase().as_str() {
        "numeric" | "real" | "integer" => Ok(Kind::Number),
        "relational" => Ok(Kind::Relation),
        _ => {
            let expected = "numeric, real, integer, relational, or the classes as {a,b}";
            Err(line.error(Some("the type of the attribute".to_owned()), expected, shown(rest)))
        }
    }
}

/// The first value of a text, without its quotes, up to the blank or comma that ends it, and the rest. None where its quote
/// is not closed.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let text = text.trim_start();
    let Some(quote) = text.chars().next().filter(|&c| c == '\'' || c == '"') else {
        let end = text.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Some((Cow::Borrowed(value), rest));
    };
    let inside = &text[1..];
    let mut escaped = false;
    let end = inside.find(|c: char| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (value, rest) = (&inside[..end], &inside[end + 1..]);
    if !value.contains('\\') {
        return Some((Cow::Borrowed(value), rest));
    }
    let (mut plain, mut chars) = (String::with_capacity(value.len()), value.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('r') => {}
                Some('t') => plain.push('\t'),
                Some(c) => plain.push(c),
                None => {}
            },
            c => plain.push(c),
        }
    }
    Some((Cow::Owned(plain), rest))
}

/// The values of a line, between commas.
struct Cells<'a> {
    rest: Option<&'a str>,
}

impl<'a> Cells<'a> {
    fn next(&mut self, line: Line) -> Result<Option<Cow<'a, str>>, Error> {
        let Some(rest) = self.rest else { return Ok(None) };
        let (value, rest) =
            value(rest).ok_or_else(|| line.error(None, "a quote that is closed in its line", "one that is not"))?;
        let rest = rest.trim_start();
        self.rest = match rest.strip_prefix(',') {
            None if rest.is_empty() => None,
            None => return Err(line.error(None, "a comma between values", shown(rest))),
            rest => rest,
        };
        Ok(Some(value))
    }
}

/// A number that is finite, or NaN where it is missing.
fn number(text: &str) -> Option<f64> {
    match text.trim() {
        "?" => Some(f64::NAN),
        text => text.parse().ok().filter(|number: &f64| !number.is_infinite()),
    }
}

/// What each dimension is kept as differences from; none where all are 0. What is no number is seen later.
fn centres<'a>(lines: impl Iterator<Item = &'a str>, header: &Header) -> Vec<f64> {
    let mut ranges: Vec<(f64, f64)> = Vec::new();
    for text in lines {
        let cell = match header.relational {
            true => value(text).map(|(cell, _)| cell).unwrap_or_default(),
            false => Cow::Borrowed(text.rsplit_once(',').map_or("", |(values, _)| values)),
        };
        for (dimension, values) in cell.split('\n').enumerate() {
            let numbers = values.split(',').filter_map(number).filter(|number| !number.is_nan());
            let range = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), number| {
                (least.min(number), most.max(number))
            });
            match ranges.get_mut(dimension) {
                Some(all) => *all = (all.0.min(range.0), all.1.max(range.1)),
                None => ranges.push(range),
            }
        }
    }
    let centres: Vec<f64> = ranges.into_iter().map(|(least, most)| centre(least, most)).collect();
    if centres.iter().all(|&centre| centre == 0.0) { Vec::new() } else { centres }
}

/// The cases read so far.
struct Cases {
    limits: Limits,
    header: Header,
    places: HashMap<String, usize>,
    /// As many as the first case has, and then all.
    dimensions: Option<usize>,
    /// `[I]`, or none.
    centres: Vec<f64>,
    roundings: Roundings,
    values: Vec<f32>,
    offsets: Vec<usize>,
    /// `[N]`: None where it is missing.
    labels: Vec<Option<usize>>,
}

impl Cases {
    fn push(&mut self, line: Line, text: &str) -> Result<(), Error> {
        if self.labels.len() == self.limits.sequences {
            return Err(self.limits.too_many_sequences(line.origin, line.number, "cases"));
        }
        if text.starts_with('{') {
            return Err(line.error(None, "a value for each attribute", "a sparse case, in braces"));
        }
        let mut cells = Cells { rest: Some(text) };
        let (series, label) = match self.header.relational {
            true => (cells.next(line)?.unwrap_or_default(), cells.next(line)?),
            // Numbers and their class need no quotes.
            false => {
                let (values, label) = text.rsplit_once(',').unwrap_or(("", text));
                cells.rest = Some(label);
                (Cow::Borrowed(values), cells.next(line)?)
            }
        };
        if let Some(more) = cells.rest {
            return Err(line.error(None, "the class as the last value", shown(more)));
        }
        let label = label.ok_or_else(|| line.error(None, "values, and a class behind the last comma", "no comma"))?;
        let mut place = self.places.get(label.trim()).copied();
        if place.is_none() && self.header.numbered && label.trim() != "?" {
            place = Some(self.places.len());
            self.places.insert(label.trim().to_owned(), self.places.len());
            self.header.classes.push(label.trim().to_owned());
        }
        if place.is_none() && label.trim() != "?" {
            let expected = "one of those that the last @attribute names";
            return Err(line.error(Some("class".to_owned()), expected, shown(&label)));
        }
        self.values(line, series.trim_end_matches('\n'))?;
        self.labels.push(place);
        Ok(())
    }

    /// Takes the values of a case: its dimensions between line ends.
    fn values(&mut self, line: Line, series: &str) -> Result<(), Error> {
        let (steps, found) = (self.header.steps, series.split('\n').count());
        let features = *self.dimensions.get_or_insert(found);
        if found != features {
            return Err(line.error(None, format!("{features} dimensions, as the first case has"), found.to_string()));
        }
        if features > self.limits.columns {
            return Err(self.limits.too_many_columns(line.origin, line.number, "dimensions"));
        }
        let start = self.values.len();
        // Before memory is taken for all of them.
        for (dimension, values) in series.split('\n').enumerate() {
            let found = values.split(',').count();
            if found != steps {
                let expected = format!("{steps} values, one for each attribute");
                return Err(line.error(Some(format!("dimension {dimension}")), expected, found.to_string()));
            }
        }
        if steps * features > self.limits.cells - start {
            return Err(self.limits.too_many_cells(line.origin, line.number));
        }
        self.values.resize(start + steps * features, 0.0);
        self.roundings.features = features;
        let (case, mut length) = (self.labels.len(), 0);
        for (dimension, values) in series.split('\n').enumerate() {
            for (step, text) in values.split(',').enumerate() {
                let centre = self.centres.get(dimension).copied().unwrap_or_default();
                let value = number(text).map(|value| value - centre).filter(|value| !(*value as f32).is_infinite());
                let value = value.ok_or_else(|| {
                    let at = Some(format!("dimension {dimension}, value {step}"));
                    line.error(at, "a finite number, or ? where it is missing", shown(text.trim()))
                })?;
                if !value.is_nan() {
                    length = length.max(step + 1);
                }
                self.roundings.push(case, dimension, value);
                self.values[start + step * features + dimension] = value as f32;
            }
        }
        if length == 0 {
            return Err(line.error(None, "a value", "a case of which all are missing"));
        }
        self.values.truncate(start + length * features);
        self.offsets.push(self.offsets[self.offsets.len() - 1] + length);
        Ok(())
    }

    fn finish(self, origin: &str) -> Result<SequenceSet, Error> {
        let features = self.dimensions.unwrap_or(0);
        let names: Vec<String> = (0..features).map(|dimension| format!("dim_{dimension}")).collect();
        let labels: Vec<usize> = self.labels.iter().flatten().copied().collect();
        let labelled = !labels.is_empty();
        if labelled && labels.len() < self.labels.len() {
            let missing = self.labels.len() - labels.len();
            let (expected, found) = ("a class of each case, or ? of all", format!("{missing} cases whose class is ?"));
            return Err(Line { origin, number: 1 }.error(Some("class".to_owned()), expected, found));
        }
        Ok(SequenceSet {
            report: Report { rounded: self.roundings.found(&names), ..Report::default() },
            names,
            centres: self.centres,
            labels: labelled.then_some(labels),
            classes: if labelled { self.header.classes } else { Vec::new() },
            values: self.values,
            offsets: self.offsets,
            step_labels: None,
            ids: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, limits: Limits) -> Result<SequenceSet, String> {
        parse("x.arff", text, limits, false).map_err(|error| error.to_string())
    }

    #[test]
    fn more_than_is_kept_is_refused_with_the_line() {
        let text = "@attribute w relational\n@attribute a numeric\n@attribute b real\n@end w\n@attribute c {x,y}\n@data\n\
                    '1,2\\n3,4',x\n'5,?\\n6,?',y\n";
        let most = Limits { cells: 8, columns: 2, sequences: 2 };
        assert_eq!(read(text, most).unwrap().values, [1.0, 3.0, 2.0, 4.0, 5.0, 6.0]);
        for (limits, says) in [
            (Limits { cells: 7, ..most }, "line 8: expected at most 7 cells up to this line, found more"),
            (Limits { sequences: 1, ..most }, "line 8: expected at most 1 cases, found more"),
            (Limits { columns: 1, ..most }, "line 3: expected at most 1 attributes, found more"),
        ] {
            let message = read(text, limits).unwrap_err();
            assert!(message.contains(says), "{message}");
        }
    }
}
