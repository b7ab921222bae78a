//! What a model's inputs and answers mean, as its file keeps it beside the arrays.
//!
//! In a file it stands as JSON under `job`: an object whose member `job` names the task, and whose other members are those
//! of the type here.

mod classes;
mod numbers;
mod of_model;
mod series;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

pub use self::classes::ClassMeaning;
pub use self::numbers::NumberMeaning;
pub use self::series::SeriesMeaning;
use crate::text::{TEXT, Vocabulary};

/// The names of the tasks, as files have them.
const CLASSIFY: &str = "classify";
const ECHO: &str = "echo";
const REGRESS: &str = "regress";
const SERIES: &str = "series";

/// The member of the JSON that names the task.
const NAME: &str = "job";

/// What a model's inputs and answers mean: with it, the model's file alone is enough to classify, to sample, to forecast.
///
/// A file is read into the variant that holds all it says, and written back as it was. What fits none is
/// [`Meaning::Other`], so nothing is lost on the way through a program.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Meaning {
    /// Sequences of features; the answers are the probabilities of named classes. See [`Classifier`](crate::Classifier).
    Classes(ClassMeaning),
    /// Sequences of features; the answer is a number for each. See [`Regressor`](crate::Regressor).
    Numbers(NumberMeaning),
    /// Characters or bytes; the answers are the probabilities of the next one. See [`Sampler`](crate::text::Sampler).
    Text(Vocabulary),
    /// The steps of a time series; the answers are quantiles of those that follow. See
    /// [`Forecaster`](crate::series::Forecaster).
    Series(SeriesMeaning),
    /// Bits; the answers are the probabilities of the bit that was read some steps ago. See [`Echo`](crate::Echo).
    Echo,
    /// What another program keeps, as it stands in the file; also what one of the others keeps, where it is damaged.
    Other(Value),
}

impl Meaning {
    /// The name of the task, as `elman train` has it, if there is one.
    pub fn job(&self) -> Option<&str> {
        match self {
            Meaning::Classes(_) => Some(CLASSIFY),
            Meaning::Numbers(_) => Some(REGRESS),
            Meaning::Text(_) => Some(TEXT),
            Meaning::Series(_) => Some(SERIES),
            Meaning::Echo => Some(ECHO),
            Meaning::Other(value) => value.get(NAME).and_then(Value::as_str),
        }
    }

    /// What is wrong with a [`Meaning::Other`] whose task is one of those known here; None where nothing is.
    pub fn damage(&self) -> Option<String> {
        let Meaning::Other(value) = self else { return None };
        match self.job() {
            Some(CLASSIFY) => parsed::<ClassMeaning>(value).err().map(|error| error.to_string()),
            Some(REGRESS) => parsed::<NumberMeaning>(value).err().map(|error| error.to_string()),
            Some(SERIES) => parsed::<SeriesMeaning>(value).err().map(|error| error.to_string()),
            Some(TEXT) => Vocabulary::of_json(value).err().map(|error| error.to_string()),
            _ => None,
        }
    }

    /// As it stands in a model's file.
    pub fn to_json(&self) -> Value {
        // Maps whose keys are text do not fail. A number that is not finite becomes null, which no reader takes for one.
        let named = |job: &str, value: serde_json::Result<Value>| {
            let mut value = value.unwrap_or_default();
            value[NAME] = job.into();
            value
        };
        match self {
            Meaning::Classes(classes) => named(CLASSIFY, serde_json::to_value(classes)),
            Meaning::Numbers(numbers) => named(REGRESS, serde_json::to_value(numbers)),
            Meaning::Text(vocabulary) => named(TEXT, Ok(vocabulary.to_json())),
            Meaning::Series(series) => named(SERIES, serde_json::to_value(series)),
            Meaning::Echo => json!({ NAME: ECHO }),
            Meaning::Other(value) => value.clone(),
        }
    }
}

impl From<Value> for Meaning {
    /// As it stands in a model's file; what is no other variant is [`Meaning::Other`].
    fn from(value: Value) -> Self {
        let known = match value.get(NAME).and_then(Value::as_str) {
            Some(CLASSIFY) => parsed(&value).ok().map(Meaning::Classes),
            Some(REGRESS) => parsed(&value).ok().map(Meaning::Numbers),
            Some(TEXT) => Vocabulary::of_json(&value).ok().map(Meaning::Text),
            Some(SERIES) => parsed(&value).ok().map(Meaning::Series),
            Some(ECHO) => (value.as_object().map(|object| object.len()) == Some(1)).then_some(Meaning::Echo),
            _ => None,
        };
        known.unwrap_or(Meaning::Other(value))
    }
}

impl From<ClassMeaning> for Meaning {
    fn from(of: ClassMeaning) -> Self {
        Meaning::Classes(of)
    }
}

impl From<NumberMeaning> for Meaning {
    fn from(of: NumberMeaning) -> Self {
        Meaning::Numbers(of)
    }
}

impl From<Vocabulary> for Meaning {
    fn from(of: Vocabulary) -> Self {
        Meaning::Text(of)
    }
}

impl From<SeriesMeaning> for Meaning {
    fn from(of: SeriesMeaning) -> Self {
        Meaning::Series(of)
    }
}

impl Serialize for Meaning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // By way of a value, whose members are in the order of their names: the text of a file does not depend on that of
        // fields.
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Meaning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Meaning::from)
    }
}

/// The members of an object but for the task's name.
fn parsed<T: DeserializeOwned>(value: &Value) -> serde_json::Result<T> {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        object.remove(NAME);
    }
    serde_json::from_value(value)
}
