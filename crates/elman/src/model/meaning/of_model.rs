//! What a model means, if it is of the kind that is asked for and fits its arrays.

use super::{ClassMeaning, Meaning, NumberMeaning, SeriesMeaning, series};
use crate::Error;
use crate::model::model::Model;
use crate::series::Window;
use crate::text::Vocabulary;

impl Model {
    /// What a model of classes reads and answers.
    ///
    /// # Errors
    /// If the model is none, or its names do not fit its arrays.
    pub fn class_meaning(&self) -> Result<&ClassMeaning, Error> {
        match &self.meaning {
            Some(Meaning::Classes(classes)) => {
                classes.check(self.stack(), self.head())?;
                Ok(classes)
            }
            None => Err(Error::meaning("it does not say what its classes are")),
            Some(other) => Err(other.is_not("classes of sequences")),
        }
    }

    /// What a model of numbers reads and answers.
    ///
    /// # Errors
    /// If the model is none, or its features do not fit its arrays.
    pub fn number_meaning(&self) -> Result<&NumberMeaning, Error> {
        match &self.meaning {
            Some(Meaning::Numbers(numbers)) => {
                numbers.check(self.stack(), self.head())?;
                Ok(numbers)
            }
            None => Err(Error::meaning("it does not say what its numbers are")),
            Some(other) => Err(other.is_not("numbers of sequences")),
        }
    }

    /// What a model of series reads and answers.
    ///
    /// # Errors
    /// If the model is none, or its columns do not fit its arrays.
    pub fn series_meaning(&self) -> Result<&SeriesMeaning, Error> {
        match &self.meaning {
            Some(Meaning::Series(series)) => {
                series.check(self.stack(), self.head())?;
                Ok(series)
            }
            None => Err(Error::meaning("it keeps no series")),
            Some(other) => Err(other.is_not("forecasts of series")),
        }
    }

    /// How much a model of series reads and predicts, and the levels of its quantiles.
    ///
    /// # Errors
    /// If it is none.
    pub fn series_window(&self) -> Result<(Window, Vec<f32>), Error> {
        series::window(self.head(), self.steps)
    }

    /// The characters or bytes of a model of text.
    ///
    /// # Errors
    /// If the model is none, or its vocabulary does not fit its arrays.
    pub fn vocabulary(&self) -> Result<&Vocabulary, Error> {
        let vocabulary = match &self.meaning {
            Some(Meaning::Text(vocabulary)) => vocabulary,
            None => {
                return Err(Error::setting("the model's job", "not named", Vocabulary::EXPECTED));
            }
            Some(other) => {
                let name = other.job().unwrap_or("without a name");
                let found = Error::setting("the model's job", name, Vocabulary::EXPECTED);
                return Err(Vocabulary::of_json(&other.to_json()).err().unwrap_or(found));
            }
        };
        let tokens = self.stack().embedding.map_or(0, |embedding| embedding.tokens);
        for (what, found) in [("the embedding", tokens), ("the head", self.head().outputs())] {
            if found != vocabulary.len() {
                return Err(Error::shape(format!("{what} of a model of text"), &[found], &[vocabulary.len()]));
            }
        }
        Ok(vocabulary)
    }
}

impl Meaning {
    /// Why it is not what was asked for.
    fn is_not(&self, what: &str) -> Error {
        if let Some(why) = self.damage() {
            return Error::meaning(format!("what it keeps is damaged: {why}"));
        }
        let found = self.job().map_or("no job that is known here".to_owned(), |job| format!("job {job:?}"));
        Error::meaning(format!("it is of {found}; expected {what}"))
    }
}
