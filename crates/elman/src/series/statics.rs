//! Columns that say one thing of each series, as a network reads them at every step.
//!
//! S inputs of all such columns.

use std::collections::BTreeSet;

use elman_datasets::series::{Series, SeriesSet, StaticValue};
use serde::{Deserialize, Serialize};

use super::scaling::Scaling;
use crate::Error;

/// Most different texts of a column.
const TEXTS_MAX: usize = 1000;

/// What is read of a static column: a number scaled over the series that were learnt from, or a 1 in the place of its text.
/// What is missing, or a text that was not among those, is 0 in all places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticInput {
    /// The column.
    pub column: String,
    /// Of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// The texts, in their order; none of numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
}

impl StaticInput {
    /// Of all static columns of a set.
    ///
    /// # Errors
    /// If a column has more than 1,000 different texts.
    pub fn of(set: &SeriesSet) -> Result<Vec<Self>, Error> {
        let one = |(place, column): (usize, &String)| {
            let values = || set.series.iter().filter_map(move |series| series.statics.get(place));
            let numbers = values().filter_map(|value| match value {
                StaticValue::Number(number) if !number.is_nan() => Some(*number),
                _ => None,
            });
            let texts: BTreeSet<&String> = values()
                .filter_map(|value| match value {
                    StaticValue::Text(text) if !text.is_empty() => Some(text),
                    _ => None,
                })
                .collect();
            if texts.len() > TEXTS_MAX {
                let found = format!("{column}, which has {} different texts", texts.len());
                let expected = format!("columns of at most {TEXTS_MAX}; name others with --static");
                return Err(Error::setting("static", found, expected));
            }
            let scaling = texts.is_empty().then(|| scaling(&numbers.collect::<Vec<f64>>()));
            Ok(StaticInput { column: column.clone(), scaling, texts: texts.into_iter().cloned().collect() })
        };
        set.statics.iter().enumerate().map(one).collect()
    }

    /// Inputs of the column.
    pub fn width(&self) -> usize {
        self.texts.len().max(1)
    }

    /// What each is.
    pub fn names(&self) -> Vec<String> {
        match self.texts.is_empty() {
            true => vec![self.column.clone()],
            false => self.texts.iter().map(|text| format!("{} is {text}", self.column)).collect(),
        }
    }

    /// Its inputs for a value; None of a text that is not known.
    fn write(&self, value: Option<&StaticValue>, to: &mut Vec<f32>) -> Option<()> {
        let start = to.len();
        to.resize(start + self.width(), 0.0);
        match (value, self.scaling) {
            (Some(StaticValue::Number(number)), Some(scaling)) if !number.is_nan() => {
                to[start] = ((number - scaling.mean) / scaling.scale) as f32;
            }
            (Some(StaticValue::Text(text)), None) if !text.is_empty() => {
                let place = self.texts.iter().position(|other| other == text)?;
                to[start + place] = 1.0;
            }
            _ => {}
        }
        Some(())
    }
}

/// `[S]`: what is read of a series at every step, and the columns whose text of it is not known.
pub(crate) fn read(statics: &[StaticInput], series: &Series) -> (Vec<f32>, Vec<String>) {
    let (mut inputs, mut unseen) = (Vec::new(), Vec::new());
    for (place, of) in statics.iter().enumerate() {
        if of.write(series.statics.get(place), &mut inputs).is_none() {
            unseen.push(of.column.clone());
        }
    }
    (inputs, unseen)
}

/// Mean and deviation, in double precision; where nothing is known, none.
fn scaling(numbers: &[f64]) -> Scaling {
    let count = numbers.len().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let variance = numbers.iter().map(|number| (number - mean) * (number - mean)).sum::<f64>() / count;
    let scale = if variance > 0.0 && variance.is_finite() { variance.sqrt() } else { 1.0 };
    Scaling { mean, scale }
}

#[cfg(test)]
mod tests {
    use elman_datasets::series::Reader;

    use super::*;

    #[test]
    fn numbers_are_scaled_over_the_series_and_texts_have_a_place_each() {
        let row = |(id, size, kind): (&str, &str, &str)| {
            (0..3).map(|t| format!("{id},{t},{t},{size},{kind}\n")).collect::<String>()
        };
        let rows: String = [("a", "1", "shop"), ("b", "3", "kiosk"), ("c", "", "shop")].map(row).concat();
        let set = Reader::new("y").id("id").parse("a.csv", format!("id,t,y,size,kind\n{rows}").as_bytes()).unwrap();
        let statics = StaticInput::of(&set).unwrap();
        let names: Vec<String> = statics.iter().flat_map(StaticInput::names).collect();
        assert_eq!(names, ["size", "kind is kiosk", "kind is shop"]);
        let inputs = |place: usize| read(&statics, &set.series[place]);
        assert_eq!(inputs(0), (vec![-1.0, 0.0, 1.0], vec![]));
        assert_eq!(inputs(1), (vec![1.0, 1.0, 0.0], vec![]));
        assert_eq!(inputs(2), (vec![0.0, 0.0, 1.0], vec![]));
        let mut other = set.series[0].clone();
        other.statics[1] = StaticValue::Text("market".into());
        assert_eq!(read(&statics, &other), (vec![-1.0, 0.0, 0.0], vec!["kind".to_owned()]));
        let json = serde_json::to_string(&statics).unwrap();
        assert_eq!(serde_json::from_str::<Vec<StaticInput>>(&json).unwrap(), statics);
    }
}
