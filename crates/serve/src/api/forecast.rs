//! Quantiles of the values that follow a series.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::body;
use crate::answers::forecast::{answers, check};
use crate::app::App;
use crate::failure::Failure;

/// A table, column by column, with the names that it had in training.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    columns: Map<String, Value>,
}

/// `POST /v1/models/MODEL/forecast`: a table like that for training, as CSV or as columns in JSON.
pub(super) async fn forecast(
    State(app): State<Arc<App>>,
    Path(model): Path<String>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let served = app.models.get(&model)?;
    check(&served)?;
    let media = body::media(request.headers());
    let bytes = body::bytes(&app, request).await?;
    let table = match media.as_str() {
        "text/csv" => bytes.to_vec(),
        "application/json" | "" => table(&body::parse::<Asked>(&bytes)?.columns)?.into_bytes(),
        other => return Err(Failure::media(other, "text/csv, or application/json")),
    };
    Ok(Json(app.compute.run(move || answers(&served, &table)).await?))
}

/// A table as CSV.
fn table(columns: &Map<String, Value>) -> Result<String, Failure> {
    let mut cells: Vec<(&String, &Vec<Value>)> = Vec::new();
    for (name, column) in columns {
        let Value::Array(column) = column else {
            return Err(Failure::unfit(format!("column {name:?} is no list; expected a value for each step")));
        };
        if let Some((first, other)) = cells.first().filter(|(_, other)| other.len() != column.len()) {
            let (found, expected) = (column.len(), other.len());
            return Err(Failure::unfit(format!("column {name:?} has {found} values; {first:?} has {expected}")));
        }
        cells.push((name, column));
    }
    let rows = cells.first().map_or(0, |(_, column)| column.len());
    let line = |of: &mut dyn Iterator<Item = String>| of.collect::<Vec<_>>().join(",") + "\n";
    let mut text = line(&mut cells.iter().map(|(name, _)| quoted(name)));
    for row in 0..rows {
        let mut line_of = Vec::with_capacity(cells.len());
        for (name, column) in &cells {
            line_of.push(match &column[row] {
                Value::Null => String::new(),
                Value::Number(number) => number.to_string(),
                Value::String(text) => quoted(text),
                other => {
                    let message = format!("row {row} of column {name:?} is {other}; expected a number, a text or null");
                    return Err(Failure::unfit(message));
                }
            });
        }
        text += &line(&mut line_of.into_iter());
    }
    Ok(text)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_become_a_table() {
        let columns = json!({ "month": ["2020-01", "2020-02"], "a \"b\"": [1.5, null], "n": [1, 2] });
        let Value::Object(columns) = columns else { panic!() };
        let expected = "\"a \"\"b\"\"\",\"month\",\"n\"\n1.5,\"2020-01\",1\n,\"2020-02\",2\n";
        assert_eq!(table(&columns).unwrap(), expected);
        for bad in [json!({ "a": 1 }), json!({ "a": [1], "b": [1, 2] }), json!({ "a": [[1]] })] {
            let Value::Object(columns) = bad else { panic!() };
            table(&columns).unwrap_err();
        }
    }
}
