//! A loop over the steps of sequences, with a graph of its own for each step.

use std::collections::HashMap;

use super::super::node::Call;
use super::super::value::Value;
use super::machine::{Fault, Machine, Scopes, floats, made};

/// The outputs of a Scan along the first axis of what it reads and gives.
pub(super) fn run(machine: &mut Machine<'_>, call: &Call<'_>, scopes: &Scopes) -> Result<Vec<Value>, Fault> {
    if call.opset < 9 {
        return Err("a Scan of an older version, which has another form; export with opset 9 or later".into());
    }
    let body = call.node.attribute.iter().find(|attribute| attribute.name == "body").and_then(|a| a.g.as_ref());
    let Some(body) = body else { return Err("its body is missing".into()) };
    let scanned = usize::try_from(call.int("num_scan_inputs", 0)).unwrap_or(0);
    let Some(states) = call.inputs.len().checked_sub(scanned).filter(|_| scanned > 0) else {
        return Err(format!("it has {} inputs, of which it scans {scanned}", call.inputs.len()).into());
    };
    let is_zero = |name: &str| call.ints(name).is_none_or(|axes| axes.iter().all(|&axis| axis == 0));
    if !is_zero("scan_input_axes") || !is_zero("scan_output_axes") {
        return Err("it goes along another axis than the first".into());
    }
    let reversed = |name: &str, at: usize| call.ints(name).and_then(|all| all.get(at)).is_some_and(|&way| way == 1);
    if body.input.len() != call.inputs.len() || body.output.len() < states {
        return Err("its body has other inputs or outputs than it".into());
    }
    let inputs = (0..call.inputs.len()).map(|at| call.input(at)).collect::<Result<Vec<_>, _>>()?;
    let steps = inputs[states].shape.first().copied().unwrap_or(0);
    if steps == 0 || inputs[states..].iter().any(|value| value.shape.first() != Some(&steps)) {
        return Err("what it scans has no steps, or not as many".into());
    }
    let mut carried: Vec<Value> = inputs[..states].iter().map(|&value| value.clone()).collect();
    let mut given: Vec<Vec<Value>> = vec![Vec::new(); body.output.len() - states];
    let mut inner = scopes.clone();
    inner.push(HashMap::new());
    for step in 0..steps {
        let mut scope = HashMap::new();
        for (at, (info, &value)) in body.input.iter().zip(&inputs).enumerate() {
            let own = match at.checked_sub(states) {
                None => carried[at].clone(),
                Some(at) => {
                    let t = if reversed("scan_input_directions", at) { steps - 1 - step } else { step };
                    slice(value, t)
                }
            };
            scope.insert(info.name.clone(), own);
        }
        inner.pop();
        inner.push(scope);
        for (index, node) in body.node.iter().enumerate() {
            let outputs = machine.node(body, index, node, &inner).map_err(Fault::Stop)?;
            if let Some(scope) = inner.last_mut() {
                scope.extend(node.output.iter().cloned().zip(outputs).filter(|(name, _)| !name.is_empty()));
            }
        }
        for (at, info) in body.output.iter().enumerate() {
            let value = machine.value(body, &info.name, &inner).map_err(Fault::Stop)?;
            let value = value.ok_or_else(|| format!("its body does not give {:?}", info.name))?;
            match at.checked_sub(states) {
                None => carried[at] = value,
                Some(at) => given[at].push(value),
            }
        }
    }
    let mut outputs = carried;
    for (at, mut parts) in given.into_iter().enumerate() {
        if reversed("scan_output_directions", at) {
            parts.reverse();
        }
        outputs.push(stacked(&parts)?);
    }
    Ok(outputs)
}

/// One element along the first axis.
fn slice(value: &Value, at: usize) -> Value {
    let shape = value.shape[1..].to_vec();
    let count: usize = shape.iter().product();
    value.moved(shape, at * count..(at + 1) * count)
}

/// Floats of one shape, one after the other.
fn stacked(parts: &[Value]) -> Result<Value, String> {
    let Some(first) = parts.first() else { return Err("it gives nothing".into()) };
    if parts.iter().any(|part| part.shape != first.shape) {
        return Err("what its body gives changes its shape".into());
    }
    let mut data = Vec::with_capacity(parts.len() * first.len());
    for part in parts {
        data.extend_from_slice(floats(part)?);
    }
    made([&[parts.len()], &first.shape[..]].concat(), data)
}
