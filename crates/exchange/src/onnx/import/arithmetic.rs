//! Operators of two tensors where both are known: shapes are computed so.

use elman_formats::onnx::Element as Type;

use super::node::Call;
use super::value::{Data, Value, common_shape};

/// What an operator makes of two whole numbers; none where it is no such operator, or the result is none.
fn of_ints(op: &str, a: i64, b: i64) -> Option<i64> {
    Some(match op {
        "Add" => a.checked_add(b)?,
        "Sub" => a.checked_sub(b)?,
        "Mul" => a.checked_mul(b)?,
        "Div" => a.checked_div(b)?,
        // The sign of the remainder is that of b, or with `fmod` that of a.
        "Mod" => match a.checked_rem(b)? {
            rest if rest != 0 && (rest < 0) != (b < 0) => rest + b,
            rest => rest,
        },
        "fmod" => a.checked_rem(b)?,
        "Min" => a.min(b),
        "Max" => a.max(b),
        "Equal" => (a == b).into(),
        "Less" => (a < b).into(),
        "LessOrEqual" => (a <= b).into(),
        "Greater" => (a > b).into(),
        "GreaterOrEqual" => (a >= b).into(),
        "And" => (a != 0 && b != 0).into(),
        "Or" => (a != 0 || b != 0).into(),
        _ => return None,
    })
}

fn of_floats(op: &str, a: f32, b: f32) -> Option<f32> {
    Some(match op {
        "Add" => a + b,
        "Sub" => a - b,
        "Mul" => a * b,
        "Div" => a / b,
        "fmod" => a % b,
        // What is not a number stays so.
        "Min" if a.is_nan() || b.is_nan() => f32::NAN,
        "Max" if a.is_nan() || b.is_nan() => f32::NAN,
        "Min" => a.min(b),
        "Max" => a.max(b),
        _ => return None,
    })
}

fn of_comparison(op: &str, a: f32, b: f32) -> Option<bool> {
    Some(match op {
        "Equal" => a == b,
        "Less" => a < b,
        "LessOrEqual" => a <= b,
        "Greater" => a > b,
        "GreaterOrEqual" => a >= b,
        _ => return None,
    })
}

/// Whether the result is a truth value.
fn decides(op: &str) -> bool {
    of_comparison(op, 0.0, 0.0).is_some() || matches!(op, "And" | "Or")
}

/// Whether an operator is computed here, where what it reads is known.
pub(super) fn knows(op: &str) -> bool {
    of_ints(op, 1, 1).is_some()
}

/// The result where both inputs are known numbers of one kind; none where they are not.
pub(super) fn run(call: &Call<'_>) -> Option<Result<Value, String>> {
    let op = call.node.op_type.as_str();
    if !knows(op) || call.inputs.len() != 2 {
        return None;
    }
    let (a, b) = (call.given(0)?, call.given(1)?);
    if matches!((&a.data, &b.data), (Data::Flow(_), _) | (_, Data::Flow(_))) {
        return None;
    }
    let op = if op == "Mod" && call.int("fmod", 0) != 0 { "fmod" } else { op };
    Some(known(op, a, b))
}

fn known(op: &str, a: &Value, b: &Value) -> Result<Value, String> {
    let shape = common_shape(&a.shape, &b.shape)?;
    let (a, b) = (a.stretched(&shape)?, b.stretched(&shape)?);
    let kind = a.kind;
    let mut origins = a.origins.to_vec();
    origins.extend(b.origins.iter().filter(|place| !a.origins.contains(place)).cloned());
    let value = match (&a.data, &b.data) {
        (Data::Ints(a), Data::Ints(b)) => {
            let numbers: Option<Vec<i64>> = a.iter().zip(b.iter()).map(|(&a, &b)| of_ints(op, a, b)).collect();
            let numbers = numbers.ok_or("its result is no whole number of 64 bits")?;
            Value::ints_of(if decides(op) { Type::Bool } else { kind }, shape, numbers.into_iter())
        }
        (Data::Floats(a), Data::Floats(b)) if decides(op) => {
            let flags: Option<Vec<bool>> = a.iter().zip(b.iter()).map(|(&a, &b)| of_comparison(op, a, b)).collect();
            let flags = flags.ok_or("it is not computed for floats")?;
            Value::ints_of(Type::Bool, shape, flags.into_iter().map(i64::from))
        }
        (Data::Floats(a), Data::Floats(b)) => {
            let numbers: Option<Vec<f32>> = a.iter().zip(b.iter()).map(|(&a, &b)| of_floats(op, a, b)).collect();
            Value::floats(shape, numbers.ok_or("it is not computed for floats")?)
        }
        _ => return Err("its inputs are of two types".into()),
    };
    Ok(Value { origins: origins.into(), ..value })
}
