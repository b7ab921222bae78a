//! Whole sequences, of equal lengths or not.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use elman::formats::numpy::{Values, read_npy_bytes};
use ndarray::Array2;

use super::body;
use crate::answers::sequences::{Answered, Asked, answers};
use crate::app::App;
use crate::failure::Failure;
use crate::reading::{Cell, cell, cut};
use crate::served::Served;

/// `POST /v1/models/MODEL/predict`
pub(super) async fn predict(
    State(app): State<Arc<App>>,
    Path(model): Path<String>,
    request: Request,
) -> Result<Json<Answered>, Failure> {
    let served = app.models.get(&model)?;
    let media = body::media(request.headers());
    let most = app.settings.max_steps;
    let sequences = match media.as_str() {
        "application/x-npy" | "application/octet-stream" => {
            let bytes = body::bytes(&app, request).await?;
            of_npy(&bytes, &served, most)?
        }
        "application/json" | "" => {
            let asked: Asked = body::parse(&body::bytes(&app, request).await?)?;
            asked.sequences(&served, most)?
        }
        other => return Err(Failure::media(other, "application/json, or application/x-npy")),
    };
    let predictions = app.compute.run(move || answers(&served, &sequences)).await?;
    Ok(Json(Answered { predictions }))
}

/// NumPy's array [N, T, F] or [T, F] of 32 or 64 bits.
fn of_npy(bytes: &[u8], served: &Served, most: usize) -> Result<Vec<Array2<f32>>, Failure> {
    let array = read_npy_bytes(bytes, FilePath::new("the body")).map_err(|error| Failure::unfit(error.to_string()))?;
    let values: Vec<f32> = match array.values {
        Values::F32(values) => values,
        Values::F64(values) => values.into_iter().map(|value| value as f32).collect(),
        other => return Err(Failure::unfit(format!("the array is of {}; expected f32 or f64", other.type_name()))),
    };
    let (n, t, f) = match *array.shape.as_slice() {
        [t, f] => (1, t, f),
        [n, t, f] => (n, t, f),
        _ => {
            let message =
                format!("the array has shape {:?}; expected [N, T, F], or [T, F] of one sequence", array.shape);
            return Err(Failure::unfit(message));
        }
    };
    if t == 0 || f == 0 {
        return Err(Failure::unfit(format!("the array has shape {:?}: it holds no number", array.shape)));
    }
    let cells: Vec<Cell> = values.into_iter().map(cell).collect();
    let rows = cut(&cells, t, f);
    if rows.len() != n {
        return Err(Failure::unfit("the array has not as many numbers as its shape says"));
    }
    served.reading.arrays(&rows, most)
}
