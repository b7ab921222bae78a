//! How a table writes its times and numbers, where that is said.

use elman_datasets::series::{Reader, Taken};

use crate::Error;

/// How a table writes its times and numbers; None where that is to be seen in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notation {
    /// As [`Reader::time_format`] takes it.
    pub time_format: Option<String>,
    /// `.` or `point`, `,` or `comma`.
    pub decimal: Option<String>,
    /// `,` `.` `'` and a blank, or `comma`, `point`, `apostrophe` and `blank`; `none` for nothing.
    pub thousands: Option<String>,
    /// Numbers that stand for missing values.
    pub missing: Vec<f64>,
}

impl Notation {
    /// What a table showed, and a shorter one might leave open.
    pub fn seen(taken: &Taken) -> Self {
        let (decimal, thousands) = taken.marks.unzip();
        Notation {
            time_format: taken.time.as_ref().and_then(|time| time.pattern.clone()),
            decimal: decimal.map(String::from),
            thousands: thousands.flatten().map(String::from),
            missing: Vec::new(),
        }
    }

    /// What is said here, and where nothing is, what is said there.
    pub fn or(self, other: Notation) -> Self {
        Notation {
            time_format: self.time_format.or(other.time_format),
            decimal: self.decimal.or(other.decimal),
            thousands: self.thousands.or(other.thousands),
            missing: if self.missing.is_empty() { other.missing } else { self.missing },
        }
    }

    /// The decimal mark.
    ///
    /// # Errors
    /// If it is none.
    pub fn decimal(&self) -> Result<Option<char>, Error> {
        match self.decimal.as_deref() {
            None => Ok(None),
            Some("." | "point") => Ok(Some('.')),
            Some("," | "comma") => Ok(Some(',')),
            Some(other) => Err(Error::setting("decimal", other, "a point or a comma, as . or , (or point, comma)")),
        }
    }

    /// What parts thousands: `Some(None)` for nothing.
    ///
    /// # Errors
    /// If it is none.
    pub fn thousands(&self) -> Result<Option<Option<char>>, Error> {
        match self.thousands.as_deref() {
            None => Ok(None),
            Some("none") => Ok(Some(None)),
            Some("," | "comma") => Ok(Some(Some(','))),
            Some("." | "point") => Ok(Some(Some('.'))),
            Some(" " | "blank") => Ok(Some(Some(' '))),
            Some("'" | "apostrophe") => Ok(Some(Some('\''))),
            Some(other) => Err(Error::setting(
                "thousands",
                other,
                "a comma, a point, a blank or an apostrophe (or comma, point, blank, apostrophe), or none",
            )),
        }
    }

    /// Refuses marks that are none, the two together where they are one, and missing values that are no numbers.
    ///
    /// # Errors
    /// If they are.
    pub fn check(&self) -> Result<(), Error> {
        let (decimal, thousands) = (self.decimal()?, self.thousands()?);
        if let Some(value) = self.missing.iter().find(|value| !value.is_finite()) {
            return Err(Error::setting("missing_value", value, "a finite number; NaN is missing anyway"));
        }
        if decimal.is_some() && thousands == Some(decimal) {
            let found = self.thousands.as_deref().unwrap_or_default();
            return Err(Error::setting("thousands", found, "another mark than that of decimals"));
        }
        Ok(())
    }

    /// A reader of such a table.
    ///
    /// # Errors
    /// If a mark is none.
    pub fn of(&self, mut reader: Reader) -> Result<Reader, Error> {
        if let Some(format) = &self.time_format {
            reader = reader.time_format(format.clone());
        }
        if let Some(mark) = self.decimal()? {
            reader = reader.decimal(mark);
        }
        if let Some(mark) = self.thousands()? {
            reader = reader.thousands(mark);
        }
        Ok(reader.missing(self.missing.iter().copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notation(decimal: Option<&str>, thousands: Option<&str>) -> Notation {
        let [decimal, thousands] = [decimal, thousands].map(|mark| mark.map(str::to_owned));
        Notation { decimal, thousands, ..Notation::default() }
    }

    #[test]
    fn marks_have_names() {
        let none = notation(None, Some("none"));
        assert_eq!(notation(Some(","), None).decimal().unwrap(), Some(','));
        assert_eq!(notation(None, Some("blank")).thousands().unwrap(), Some(Some(' ')));
        assert_eq!((none.decimal().unwrap(), none.thousands().unwrap()), (None, Some(None)));
        let message = |decimal, thousands| notation(decimal, thousands).check().unwrap_err().to_string();
        assert!(message(Some(";"), None).contains("decimal is ;; expected a point or a comma"));
        assert!(message(None, Some("x")).contains("thousands is x"));
        assert!(message(Some(","), Some("comma")).contains("another mark"));
        notation(Some(","), Some(".")).check().unwrap();
        none.check().unwrap();
    }
}
