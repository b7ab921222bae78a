//! How a table writes its times and numbers, where that is said; and what its columns were taken for, in JSON.

use elman::Error;
use elman::datasets::series::{Column, NotRead, Rounded, Taken, Why};
use serde_json::{Value, json};

use crate::flags::writing::Writing;
use crate::output::Output;

/// The decimal mark that a setting names.
///
/// # Errors
/// If it is none.
pub(crate) fn decimal(writing: &Writing) -> Result<Option<char>, Error> {
    match writing.decimal.as_deref() {
        None => Ok(None),
        Some("." | "point") => Ok(Some('.')),
        Some("," | "comma") => Ok(Some(',')),
        Some(other) => {
            let expected = "a point or a comma, as . or , (or point, comma)".into();
            Err(Error::Setting { what: "decimal", found: other.into(), expected })
        }
    }
}

/// What parts thousands, as a setting names it: `Some(None)` for nothing.
///
/// # Errors
/// If it is none.
pub(crate) fn thousands(writing: &Writing) -> Result<Option<Option<char>>, Error> {
    match writing.thousands.as_deref() {
        None => Ok(None),
        Some("none") => Ok(Some(None)),
        Some("," | "comma") => Ok(Some(Some(','))),
        Some("." | "point") => Ok(Some(Some('.'))),
        Some(" " | "blank") => Ok(Some(Some(' '))),
        Some("'" | "apostrophe") => Ok(Some(Some('\''))),
        Some(other) => {
            let expected =
                "a comma, a point, a blank or an apostrophe (or comma, point, blank, apostrophe), or none".into();
            Err(Error::Setting { what: "thousands", found: other.into(), expected })
        }
    }
}

/// Refuses marks that are none, and the two together where they are one mark.
///
/// # Errors
/// If they are, or one of them is none.
pub(crate) fn check(writing: &Writing) -> Result<(), Error> {
    let (decimal, thousands) = (decimal(writing)?, thousands(writing)?);
    if decimal.is_some() && thousands == Some(decimal) {
        let found = writing.thousands.clone().unwrap_or_default();
        return Err(Error::Setting { what: "thousands", found, expected: "another mark than that of decimals".into() });
    }
    Ok(())
}

/// The marks that a table showed, and that a shorter one might leave open.
pub(crate) fn seen(taken: &Taken) -> Writing {
    let (decimal, thousands) = taken.marks.unzip();
    Writing {
        time_format: taken.time.as_ref().and_then(|time| time.pattern.clone()),
        decimal: decimal.map(String::from),
        thousands: thousands.flatten().map(String::from),
    }
}

/// What columns were taken for.
pub(crate) fn object(taken: &Taken) -> Value {
    let column = |column: &Column| json!({"column": column.name, "numbers": column.numbers, "as": column.how});
    let not_read = |of: &NotRead| match &of.why {
        Why::Text { line, cell } => json!({"column": of.column, "line": line, "cell": cell, "why": "no number"}),
        Why::Unnamed => json!({"column": of.column, "why": "no name"}),
        Why::Empty => json!({"column": of.column, "why": "no value"}),
        Why::Times => json!({"column": of.column, "why": "other times"}),
        _ => json!({"column": of.column, "why": of.to_string()}),
    };
    let time = taken.time.as_ref();
    json!({
        "time": time.map(|time| json!({
            "columns": time.columns, "what": time.what, "pattern": time.pattern, "example": time.example,
        })),
        "id": taken.id, "label": taken.label, "target": taken.target.as_ref().map(column),
        "numbers": taken.numbers.iter().map(column).collect::<Vec<_>>(), "more_numbers": taken.more_numbers,
        "not_read": taken.not_read.iter().map(not_read).collect::<Vec<_>>(), "more_not_read": taken.more_not_read,
        "remarks": taken.comments,
    })
}

/// Warns of columns that lose what changes in them.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn warn_of_rounding(output: &mut Output, rounded: &[Rounded]) -> anyhow::Result<()> {
    rounded.iter().try_for_each(|of| output.warn(&of.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_have_names() {
        let writing = |decimal: Option<&str>, thousands: Option<&str>| Writing {
            decimal: decimal.map(str::to_owned),
            thousands: thousands.map(str::to_owned),
            ..Writing::default()
        };
        assert_eq!(decimal(&writing(Some(","), None)).unwrap(), Some(','));
        assert_eq!(thousands(&writing(None, Some("blank"))).unwrap(), Some(Some(' ')));
        let open = writing(None, Some("none"));
        assert_eq!((decimal(&open).unwrap(), thousands(&open).unwrap()), (None, Some(None)));
        let refused = |decimal, thousands| check(&writing(decimal, thousands)).unwrap_err().to_string();
        assert!(refused(Some(";"), None).contains("decimal is ;; expected a point or a comma"));
        assert!(refused(None, Some("x")).contains("thousands is x"));
        assert!(refused(Some(","), Some("comma")).contains("another mark"));
        check(&writing(Some(","), Some("."))).unwrap();
        check(&open).unwrap();
    }
}
