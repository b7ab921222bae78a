//! What the columns of a table were taken for, in JSON.

use elman::datasets::series::{Column, NotRead, Rounded, StandIn, Taken, Why};
use serde_json::{Value, json};

use crate::output::Output;

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
        "id": ids(&taken.id), "label": taken.label, "target": taken.target.as_ref().map(column),
        "numbers": taken.numbers.iter().map(column).collect::<Vec<_>>(), "more_numbers": taken.more_numbers,
        "not_read": taken.not_read.iter().map(not_read).collect::<Vec<_>>(), "more_not_read": taken.more_not_read,
        "remarks": taken.comments,
    })
}

/// The column of ids by its name, several as a list, none as null.
fn ids(columns: &[String]) -> Value {
    match columns {
        [] => Value::Null,
        [column] => json!(column),
        columns => json!(columns),
    }
}

/// Warns of columns that lose what changes in them, and of numbers that may stand for missing values.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn warn(output: &mut Output, rounded: &[Rounded], stand_ins: &[StandIn]) -> anyhow::Result<()> {
    let texts = rounded.iter().map(Rounded::to_string).chain(stand_ins.iter().map(StandIn::to_string));
    texts.into_iter().try_for_each(|text| output.warn(&text))
}
