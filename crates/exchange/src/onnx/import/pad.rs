//! Pad: elements around a tensor.

use super::node::Call;
use super::value::{Data, Element, Value, axis, small_count, strides};

/// A tensor with constants around it, or without its outer elements where pads are negative.
pub(super) fn pad(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let rank = value.shape.len();
    let mode = call.text("mode").unwrap_or_else(|| "constant".into());
    let given = call.list(if call.opset < 2 { "paddings" } else { "pads" }, 1)?.ok_or("its pads are missing")?;
    let axes: Vec<usize> = match call.given(3) {
        Some(_) => call.known_ints(3)?.iter().map(|&number| axis(number, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).collect(),
    };
    if given.len() != 2 * axes.len() {
        return Err(format!("its pads are {given:?}; expected two for each of {} axes", axes.len()));
    }
    let mut ends = vec![(0_i64, 0_i64); rank];
    for (at, &axis) in axes.iter().enumerate() {
        ends[axis] = (given[at], given[axes.len() + at]);
    }
    if ends.iter().all(|end| *end == (0, 0)) {
        return Ok(value.clone());
    }
    if mode != "constant" {
        return Err(format!(
            "its mode is {mode:?}, where layers here pad with zeros; export the model with padding_mode=\"zeros\""
        ));
    }
    let fill = match call.given(2).map(|value| &value.data) {
        None => f64::from(call.float("value", 0.0)),
        Some(Data::Floats(data)) if data.len() == 1 => f64::from(data[0]),
        Some(Data::Ints(data)) if data.len() == 1 => data[0] as f64,
        Some(_) => return Err("what it pads with is not one known number".into()),
    };
    let mut shape = Vec::with_capacity(rank);
    for (&length, &(before, after)) in value.shape.iter().zip(&ends) {
        let padded = (length as i64).checked_add(before).and_then(|sum| sum.checked_add(after));
        let padded = padded.and_then(|sum| usize::try_from(sum).ok());
        shape.push(padded.ok_or_else(|| format!("its pads {given:?} do not fit the shape {:?}", value.shape))?);
    }
    let count = small_count(&shape)?;
    let (own, new) = (strides(&value.shape), strides(&shape));
    // The place in the tensor before, if there is one.
    let place = |at: usize| -> Option<usize> {
        let mut from = 0;
        for axis in 0..rank {
            let along = (at / new[axis] % shape[axis]) as i64 - ends[axis].0;
            let along = usize::try_from(along).ok().filter(|&along| along < value.shape[axis])?;
            from += along * own[axis];
        }
        Some(from)
    };
    let places = (0..count).map(place);
    Ok(match &value.data {
        Data::Floats(data) => Value {
            kind: value.kind,
            ..Value::floats(shape.clone(), places.map(|at| at.map_or(fill as f32, |at| data[at])).collect())
        },
        Data::Ints(data) => {
            let padded = places.map(|at| at.map_or(fill as i64, |at| data[at])).collect::<Vec<_>>();
            Value::ints_of(value.kind, shape.clone(), padded.into_iter())
        }
        Data::Flow(data) => Value::flow(
            shape.clone(),
            places.map(|at| at.map_or(Element::Number(fill as f32), |at| data[at])).collect(),
        ),
    })
}
