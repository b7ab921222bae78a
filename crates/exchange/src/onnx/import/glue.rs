//! The operators with which exporters put tensors in shape: they move elements, or compute shapes.

use std::rc::Rc;

use elman_formats::onnx::Element as Type;

use super::node::Call;
use super::value::{Data, Element, Places, Value, axis, common_shape, count, small_count, strides};

/// The outputs of an operator that only moves elements or computes with known numbers; none where it is no such operator.
pub(super) fn run(call: &Call<'_>) -> Option<Result<Vec<Value>, String>> {
    let one = |value: Result<Value, String>| Some(value.map(|value| vec![value]));
    match call.node.op_type.as_str() {
        "Identity" | "Dropout" => one(same(call)),
        "Cast" => one(cast(call)),
        "Transpose" => one(transpose(call)),
        "Squeeze" => one(squeeze(call)),
        "Unsqueeze" => one(unsqueeze(call)),
        "Reshape" => one(reshape(call)),
        "Flatten" => one(flatten(call)),
        "Slice" => one(slice(call)),
        "Gather" => one(gather(call)),
        "Split" => Some(split(call)),
        "Concat" => one(concat(call)),
        "Expand" => one(expand(call)),
        "Tile" => one(tile(call)),
        "Shape" => one(shape(call)),
        "Size" => one(call.input(0).map(|value| Value::ints(vec![], vec![value.len() as i64]))),
        "ConstantOfShape" => one(constant_of_shape(call)),
        "Range" => one(range(call)),
        "Where" => one(select(call)),
        "ReduceProd" => one(reduce_prod(call)),
        "Not" => one(not(call)),
        "Pad" => one(super::pad::pad(call)),
        _ => None,
    }
}

/// The value itself, where dropout leaves it so.
fn same(call: &Call<'_>) -> Result<Value, String> {
    if call.node.op_type == "Dropout" && dropout_acts(call)? {
        return Err(
            "it is set to drop elements by chance, as in training; export the model for inference (model.eval())"
                .into(),
        );
    }
    call.input(0).cloned()
}

/// Whether a Dropout is set to act.
fn dropout_acts(call: &Call<'_>) -> Result<bool, String> {
    let is_zero = |value: &Value| matches!(&value.data, Data::Floats(data) if data.iter().all(|&x| x == 0.0));
    if call.given(1).is_some_and(is_zero) {
        return Ok(false);
    }
    match (call.given(2), call.opset) {
        (Some(training), _) => match &training.data {
            Data::Ints(data) => Ok(data.iter().any(|&x| x != 0)),
            _ => Err("whether it drops elements, as in training, is given when the graph runs; export the model for \
                      inference (model.eval())"
                .into()),
        },
        (None, ..7) => Ok(call.int("is_test", 0) == 0 && call.float("ratio", 0.5) != 0.0),
        (None, _) => Ok(false),
    }
}

/// Known numbers as another type holds them. What flows through the graph keeps what it is about: which casts of it are
/// allowed, the interpreter decides before.
fn cast(call: &Call<'_>) -> Result<Value, String> {
    let (value, kind) = (call.input(0)?, cast_to(call)?);
    let shape = value.shape.clone();
    let cast = match (&value.data, kind) {
        (Data::Flow(_), _) => value.clone(),
        (Data::Floats(data), Type::Float16 | Type::BFloat16) if value.kind != kind && !data.iter().all(is_small) => {
            return Err(rounds(kind));
        }
        (Data::Floats(_), _) if kind.is_float() || kind == Type::Double => value.clone(),
        (Data::Floats(data), Type::Bool) => Value::ints_of(kind, shape, data.iter().map(|&x| i64::from(x != 0.0))),
        (Data::Floats(data), _) => Value::ints_of(kind, shape, data.iter().map(|&x| x as i64)),
        (Data::Ints(data), _) if kind.is_float() || kind == Type::Double => {
            Value::floats(shape, data.iter().map(|&x| x as f32).collect())
        }
        (Data::Ints(data), _) => Value::ints_of(kind, shape, data.iter().copied()),
    };
    Ok(Value { kind, origins: value.origins.clone(), ..cast })
}

/// Whether a number is whole and so small that every type of floats holds it.
fn is_small(x: &f32) -> bool {
    x.fract() == 0.0 && x.abs() <= 256.0
}

/// The type that a Cast makes.
pub(super) fn cast_to(call: &Call<'_>) -> Result<Type, String> {
    let code = i32::try_from(call.int("to", 0)).unwrap_or(0);
    Type::of_code(code).ok_or_else(|| {
        format!("it casts to {}, which is not known here; export the model in float", Type::name_of(code))
    })
}

/// Why a cast to half a float's bits is refused.
pub(super) fn rounds(kind: Type) -> String {
    format!("it rounds to {}, which no layer here does; export the model in float", kind.name())
}

fn transpose(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let rank = value.shape.len();
    let order: Vec<usize> = match call.ints("perm") {
        Some(order) => order.iter().map(|&number| axis(number, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    match sorted == (0..rank).collect::<Vec<_>>() {
        true => Ok(value.transposed(&order)),
        false => Err(format!("its order {order:?} is none of {rank} axes")),
    }
}

fn squeeze(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let drop = match call.list("axes", 1)? {
        Some(axes) => axes.iter().map(|&number| axis(number, value.shape.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..value.shape.len()).filter(|&axis| value.shape[axis] == 1).collect(),
    };
    if let Some(&axis) = drop.iter().find(|&&axis| value.shape[axis] != 1) {
        return Err(format!("axis {axis} of {:?} is not 1", value.shape));
    }
    let kept = (0..value.shape.len()).filter(|axis| !drop.contains(axis));
    value.reshaped(kept.map(|axis| value.shape[axis]).collect())
}

fn unsqueeze(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let axes = call.list("axes", 1)?.ok_or("its axes are missing")?;
    let rank = value.shape.len() + axes.len();
    let new = axes.iter().map(|&number| axis(number, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut distinct = new.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() != new.len() {
        return Err(format!("its axes {axes:?} are not distinct"));
    }
    let mut old = value.shape.iter().copied();
    let shape: Vec<usize> = (0..rank)
        .map(|axis| if new.contains(&axis) { Some(1) } else { old.next() })
        .map(|length| length.unwrap_or(1))
        .collect();
    value.reshaped(shape)
}

fn reshape(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let wanted = call.list("shape", 1)?.ok_or("its shape is missing")?;
    let zero_is_zero = call.int("allowzero", 0) != 0;
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (at, &length) in wanted.iter().enumerate() {
        shape.push(match length {
            -1 if open.is_none() => {
                open = Some(at);
                1
            }
            0 if !zero_is_zero => *value.shape.get(at).ok_or("it keeps an axis that there is not")?,
            length => usize::try_from(length).map_err(|_| format!("its shape is {wanted:?}"))?,
        });
    }
    if let Some(at) = open {
        let rest = count(&shape)?;
        if rest == 0 || value.len() % rest != 0 {
            return Err(format!("a tensor of shape {:?} has no shape {wanted:?}", value.shape));
        }
        shape[at] = value.len() / rest;
    }
    value.reshaped(shape)
}

fn flatten(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let rank = value.shape.len();
    let at = match call.int("axis", 1) {
        number if number == rank as i64 => rank,
        number => axis(number, rank)?,
    };
    value.reshaped(vec![value.shape[..at].iter().product(), value.shape[at..].iter().product()])
}

fn slice(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let rank = value.shape.len();
    let starts = call.list("starts", 1)?.ok_or("its starts are missing")?;
    let ends = call.list("ends", 2)?.ok_or("its ends are missing")?;
    let axes = call.list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = if call.given(4).is_some() { call.known_ints(4)?.to_vec() } else { vec![1; starts.len()] };
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err("its starts, ends, axes and steps are not as many".into());
    }
    let own: Vec<isize> = strides(&value.shape).into_iter().map(|stride| stride as isize).collect();
    let mut seen = vec![false; rank];
    let (mut shape, mut walk, mut first) = (value.shape.clone(), own.clone(), 0isize);
    for at in 0..starts.len() {
        let axis = axis(axes[at], rank)?;
        if std::mem::replace(&mut seen[axis], true) {
            return Err(format!("axis {axis} is cut twice"));
        }
        let (length, step) = (value.shape[axis] as i64, steps[at]);
        let from_end = |number: i64| if number < 0 { number.saturating_add(length) } else { number };
        let (start, taken) = match step {
            0 => return Err("its step is 0".into()),
            1.. => {
                let (start, end) = (from_end(starts[at]).clamp(0, length), from_end(ends[at]).clamp(0, length));
                (start, (end - start).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
            }
            _ => {
                let start = from_end(starts[at]).clamp(-1, length - 1);
                let end = from_end(ends[at]).clamp(-1, length - 1);
                (start, (start - end).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
            }
        };
        shape[axis] = taken as usize;
        if taken > 0 {
            first += start as isize * own[axis];
        }
        // A step longer than the axis takes one element: how long it is does not matter.
        walk[axis] = own[axis] * step.clamp(-length.max(1), length.max(1)) as isize;
    }
    let places = Places::signed(&shape, walk, first);
    Ok(value.moved(shape, places))
}

/// Elements along an axis by their numbers. Vectors for tokens are looked up elsewhere.
fn gather(call: &Call<'_>) -> Result<Value, String> {
    let (value, indices) = (call.input(0)?, call.known_ints(1)?);
    let along = axis(call.int("axis", 0), value.shape.len())?;
    let length = value.shape[along];
    let indices = indices.iter().map(|&number| axis(number, length)).collect::<Result<Vec<_>, _>>();
    let indices = indices.map_err(|_| format!("an index is beyond the {length} elements of axis {along}"))?;
    let (front, back): (usize, usize) =
        (value.shape[..along].iter().product(), value.shape[along + 1..].iter().product());
    let shape = [&value.shape[..along], &call.input(1)?.shape, &value.shape[along + 1..]].concat();
    if count(&shape)? > value.len() {
        small_count(&shape)?;
    }
    let from = (0..front).flat_map(|outer| {
        indices.iter().flat_map(move |&index| {
            let start = (outer * length + index) * back;
            start..start + back
        })
    });
    Ok(value.moved(shape, from.collect::<Vec<_>>().into_iter()))
}

fn split(call: &Call<'_>) -> Result<Vec<Value>, String> {
    let value = call.input(0)?;
    let along = axis(call.int("axis", 0), value.shape.len())?;
    let (length, parts) = (value.shape[along], call.node.output.len());
    let sizes = match call.list("split", 1)? {
        Some(sizes) => sizes.iter().map(|&size| usize::try_from(size)).collect::<Result<Vec<_>, _>>(),
        None => {
            let size = length.div_ceil(parts.max(1));
            Ok((0..parts).map(|part| size.min(length.saturating_sub(part * size))).collect())
        }
    };
    let sizes = sizes.map_err(|_| "a part is negative".to_owned())?;
    let whole = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
    if sizes.len() != parts || whole != Some(length) {
        return Err(format!("parts {sizes:?} of an axis of {length}"));
    }
    let own = strides(&value.shape);
    let mut start = 0;
    let part = |size: usize| {
        let mut shape = value.shape.clone();
        shape[along] = size;
        let places = Places::new(&shape, &own, start * own[along]);
        start += size;
        value.moved(shape, places)
    };
    Ok(sizes.into_iter().map(part).collect())
}

fn concat(call: &Call<'_>) -> Result<Value, String> {
    let parts = (0..call.inputs.len()).map(|at| call.input(at)).collect::<Result<Vec<_>, _>>()?;
    let first = *parts.first().ok_or("it has no inputs")?;
    let along = axis(call.int("axis", 0), first.shape.len())?;
    let others = |value: &Value| {
        let mut shape = value.shape.clone();
        if shape.len() == first.shape.len() {
            shape[along] = 0;
        }
        shape
    };
    if parts.iter().any(|part| others(part) != others(first)) {
        return Err("its inputs differ in an axis along which they are not joined".into());
    }
    let mut shape = first.shape.clone();
    shape[along] = parts.iter().map(|part| part.shape[along]).sum();
    let front: usize = shape[..along].iter().product();
    let widths: Vec<usize> = parts.iter().map(|part| part.shape[along..].iter().product()).collect();
    let mut origins: Vec<_> = Vec::new();
    for place in parts.iter().flat_map(|part| part.origins.iter()) {
        if !origins.contains(place) {
            origins.push(place.clone());
        }
    }
    fn joined<T: Copy>(parts: &[&[T]], widths: &[usize], front: usize) -> Vec<T> {
        let row = |row: usize| parts.iter().zip(widths).flat_map(move |(part, &width)| &part[row * width..][..width]);
        (0..front).flat_map(row).copied().collect()
    }
    let ints: Option<Vec<&[i64]>> = parts.iter().map(|part| as_ints(part)).collect();
    let floats: Option<Vec<&[f32]>> = parts.iter().map(|part| as_floats(part)).collect();
    let value = match (ints, floats) {
        (Some(ints), _) => Value::ints_of(first.kind, shape, joined(&ints, &widths, front).into_iter()),
        (_, Some(floats)) => Value::floats(shape, joined(&floats, &widths, front)),
        _ => {
            small_count(&shape)?;
            let elements: Vec<Rc<Vec<Element>>> = parts.iter().map(|part| part.elements()).collect();
            let elements: Vec<&[Element]> = elements.iter().map(|part| part.as_slice()).collect();
            Value::flow(shape, joined(&elements, &widths, front))
        }
    };
    Ok(Value { origins: Rc::new(origins), ..value })
}

fn as_ints(value: &Value) -> Option<&[i64]> {
    if let Data::Ints(data) = &value.data { Some(data) } else { None }
}

fn as_floats(value: &Value) -> Option<&[f32]> {
    if let Data::Floats(data) = &value.data { Some(data) } else { None }
}

/// A list of lengths.
fn lengths(numbers: &[i64]) -> Result<Vec<usize>, String> {
    let lengths = numbers.iter().map(|&number| usize::try_from(number)).collect::<Result<Vec<_>, _>>();
    lengths.map_err(|_| format!("{numbers:?} is no shape"))
}

fn expand(call: &Call<'_>) -> Result<Value, String> {
    let value = call.input(0)?;
    let shape = common_shape(&value.shape, &lengths(call.known_ints(1)?)?)?;
    value.stretched(&shape)
}

fn tile(call: &Call<'_>) -> Result<Value, String> {
    let (value, repeats) = (call.input(0)?, lengths(call.known_ints(1)?)?);
    if repeats.len() != value.shape.len() {
        return Err("its repeats are not one for each axis".into());
    }
    // Each axis as two, the repeats before the length: then one walk with steps of 0.
    let own = strides(&value.shape);
    let (mut apart, mut steps, mut shape) = (Vec::new(), Vec::new(), Vec::new());
    for axis in 0..repeats.len() {
        apart.extend([repeats[axis], value.shape[axis]]);
        steps.extend([0, own[axis]]);
        shape.push(repeats[axis].checked_mul(value.shape[axis]).ok_or("its repeats are too many")?);
    }
    small_count(&apart)?;
    Ok(value.moved(shape, Places::new(&apart, &steps, 0)))
}

fn shape(call: &Call<'_>) -> Result<Value, String> {
    let shape = &call.input(0)?.shape;
    let rank = shape.len() as i64;
    let bound = |number: i64| (if number < 0 { number.saturating_add(rank) } else { number }).clamp(0, rank) as usize;
    let (start, end) = (bound(call.int("start", 0)), bound(call.int("end", rank)));
    let part: Vec<i64> = shape[start..end.max(start)].iter().map(|&length| length as i64).collect();
    Ok(Value::ints(vec![part.len()], part))
}

fn constant_of_shape(call: &Call<'_>) -> Result<Value, String> {
    let shape = lengths(call.known_ints(0)?)?;
    let count = small_count(&shape)?;
    // The interpreter has read the attribute as input 1.
    match call.given(1).map(|value| &value.data) {
        Some(Data::Ints(data)) if data.len() == 1 => {
            let kind = call.input(1)?.kind;
            Ok(Value::ints_of(kind, shape, std::iter::repeat_n(data[0], count)))
        }
        Some(Data::Floats(data)) if data.len() == 1 => Ok(Value::floats(shape, vec![data[0]; count])),
        Some(_) => Err("its value is not one number".into()),
        None => Ok(Value::floats(shape, vec![0.0; count])),
    }
}

fn range(call: &Call<'_>) -> Result<Value, String> {
    let [start, limit, step] = [call.known_int(0)?, call.known_int(1)?, call.known_int(2)?];
    if step == 0 {
        return Err("its step is 0".into());
    }
    let span = if step > 0 { i128::from(limit) - i128::from(start) } else { i128::from(start) - i128::from(limit) };
    let count = (span.max(0) as u128).div_ceil(u128::from(step.unsigned_abs()));
    let count = small_count(&[usize::try_from(count).unwrap_or(usize::MAX)])?;
    Ok(Value::ints(vec![count], (0..count as i64).map(|at| start + at * step).collect()))
}

fn select(call: &Call<'_>) -> Result<Value, String> {
    let (yes, no) = (call.input(1)?, call.input(2)?);
    let shape = common_shape(&common_shape(&call.input(0)?.shape, &yes.shape)?, &no.shape)?;
    call.known_ints(0)?;
    let [which, yes, no] = [call.input(0)?, yes, no].map(|value| value.stretched(&shape));
    let (which, yes, no) = (which?, yes?, no?);
    let Some(which) = as_ints(&which) else { return Err("its condition is not known before it runs".into()) };
    fn picked<T: Copy>(which: &[i64], yes: &[T], no: &[T]) -> Vec<T> {
        which.iter().zip(yes.iter().zip(no)).map(|(&which, (&yes, &no))| if which != 0 { yes } else { no }).collect()
    }
    Ok(match (&yes.data, &no.data) {
        (Data::Ints(yes_data), Data::Ints(no)) => {
            Value::ints_of(yes.kind, shape, picked(which, yes_data, no).into_iter())
        }
        (Data::Floats(yes), Data::Floats(no)) => Value::floats(shape, picked(which, yes, no)),
        _ => Value::flow(shape, picked(which, &yes.elements(), &no.elements())),
    })
}

fn not(call: &Call<'_>) -> Result<Value, String> {
    let flags = call.known_ints(0)?.iter().map(|&flag| i64::from(flag == 0));
    Ok(Value::ints_of(Type::Bool, call.input(0)?.shape.clone(), flags))
}

/// The product of all elements, or along one axis of a vector: shapes are no more.
fn reduce_prod(call: &Call<'_>) -> Result<Value, String> {
    let data = call.known_ints(0)?;
    if call.input(0)?.shape.len() > 1 {
        return Err("it is computed for vectors alone".into());
    }
    let product = data.iter().try_fold(1i64, |product, &x| product.checked_mul(x)).ok_or("its product is too large")?;
    let shape = if call.int("keepdims", 1) != 0 { call.input(0)?.shape.iter().map(|_| 1).collect() } else { vec![] };
    Ok(Value::ints(shape, vec![product]))
}
