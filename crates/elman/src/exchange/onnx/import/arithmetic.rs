//! Operators of two tensors where both are known: shapes are computed so.

use super::node::Call;
use super::value::{Data, Value, common_shape};

/// What an operator makes of two whole numbers; none where it is no such operator, or the result is none.
fn of_ints(op: &str, a: i64, b: i64) -> Option<i64> {
    Some(match op {
        "Add" => a.checked_add(b)?,
        "Sub" => a.checked_sub(b)?,
        "Mul" => a.checked_mul(b)?,
        "Div" => a.checked_div(b)?,
        "Mod" => a.checked_rem_euclid(b)?,
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
        _ => return None,
    })
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
    Some(known(op, a, b))
}

fn known(op: &str, a: &Value, b: &Value) -> Result<Value, String> {
    let shape = common_shape(&a.shape, &b.shape)?;
    let (a, b) = (a.stretched(&shape)?, b.stretched(&shape)?);
    let mut origins = a.origins.to_vec();
    origins.extend(b.origins.iter().filter(|place| !a.origins.contains(place)).cloned());
    let value = match (&a.data, &b.data) {
        (Data::Ints(a), Data::Ints(b)) => {
            let numbers: Option<Vec<i64>> = a.iter().zip(b.iter()).map(|(&a, &b)| of_ints(op, a, b)).collect();
            Value::ints(shape, numbers.ok_or("its result is no whole number of 64 bits")?)
        }
        (Data::Floats(a), Data::Floats(b)) => {
            let numbers: Option<Vec<f32>> = a.iter().zip(b.iter()).map(|(&a, &b)| of_floats(op, a, b)).collect();
            Value::floats(shape, numbers.ok_or("it is not computed for floats")?)
        }
        _ => return Err("its inputs are of two types".into()),
    };
    Ok(Value { origins: origins.into(), ..value })
}
