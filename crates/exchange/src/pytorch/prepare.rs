//! What a module computes from other parameters while it runs, and what a file leaves out: the plain arrays of both.
//!
//! | in the file | the array |
//! |--|--|
//! | `weight_g`, `weight_v`, or `parametrizations.weight.original0`, `original1`: `weight_norm` | `weight` = g · v / ‖v‖ |
//! | metadata `{"encoder.weight": "decoder.weight"}`, as `safetensors.torch.save_model` writes it | the same array under both names |

use std::collections::BTreeMap;

use elman_formats::Array;
use elman_formats::torch::LeftOut;

use crate::report::Place;

/// What is wrong: the array, and why.
pub(super) type Wrong = (String, String);

/// The plain arrays.
#[derive(Default)]
pub(super) struct Prepared {
    /// Arrays that a file does not hold, by their names.
    pub(super) made: BTreeMap<String, Array>,
    /// Of each that was computed, what it was computed from.
    pub(super) made_of: BTreeMap<String, Vec<Place>>,
    /// Names in the file that are in none of the plain arrays.
    pub(super) used: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Names of counters, which no answer depends on.
const COUNTERS: [&str; 7] =
    ["num_batches_tracked", "n_averaged", "global_step", "step", "steps", "epoch", "position_ids"];

/// Makes the plain arrays of those of a file, and its metadata.
///
/// # Errors
/// If an array is computed from others in a way that is not known here.
pub(super) fn prepare<'a>(
    arrays: impl Iterator<Item = (&'a String, &'a Array)>,
    metadata: &BTreeMap<String, String>,
) -> Result<Prepared, Wrong> {
    let arrays: BTreeMap<&str, &Array> = arrays.map(|(name, array)| (name.as_str(), array)).collect();
    let arrays = &arrays;
    let mut prepared = Prepared::default();
    for &name in arrays.keys() {
        if let Some((weight, direction)) = weight_norm(name, arrays) {
            let (length, direction_array) = (arrays[name], arrays[direction.as_str()]);
            let array = folded(length, direction_array).ok_or_else(|| {
                let why = format!(
                    "it has shape {:?}, and {direction} {:?}: that is no weight_norm of rows, of columns or of the whole",
                    length.shape, direction_array.shape
                );
                (name.to_owned(), why)
            })?;
            let place = |name: &str| Place::new(name, &arrays[name].shape);
            prepared.made_of.insert(weight.clone(), vec![place(name), place(&direction)]);
            prepared.made.insert(weight, array);
            prepared.used.extend([name.to_owned(), direction]);
        }
    }
    for &name in arrays.keys().filter(|name| !prepared.used.iter().any(|used| used == *name)) {
        if let Some(why) = computed(name) {
            return Err((name.to_owned(), why));
        }
    }
    for (name, same) in metadata {
        if let Some(array) = arrays.get(same.as_str()).filter(|_| !arrays.contains_key(name.as_str())) {
            prepared.made.insert(name.clone(), (*array).clone());
            prepared
                .notes
                .push(format!("{name} is {same}, as the file's metadata says: both were given the same numbers"));
        }
    }
    Ok(prepared)
}

/// The weight that a length of `weight_norm` belongs to, and the name of the direction beside it.
fn weight_norm(name: &str, arrays: &BTreeMap<&str, &Array>) -> Option<(String, String)> {
    let (weight, direction) = match name.strip_suffix("_g") {
        Some(weight) => (weight.to_owned(), format!("{weight}_v")),
        None => {
            let of = name.strip_suffix(".original0")?;
            let (module, weight) = of.rsplit_once("parametrizations.")?;
            (format!("{module}{weight}"), format!("{of}.original1"))
        }
    };
    (arrays.contains_key(direction.as_str()) && !arrays.contains_key(weight.as_str())).then_some((weight, direction))
}

/// g · v / ‖v‖: of the whole, or of each row or column, as g has them. Taken in double precision and rounded once.
fn folded(length: &Array, direction: &Array) -> Option<Array> {
    let [rows, columns] = direction.shape[..] else { return None };
    let groups: Box<dyn Fn(usize) -> usize> = match length.shape[..] {
        [] => Box::new(|_| 0),
        [r, 1] if r == rows => Box::new(move |at| at / columns),
        [1, c] if c == columns => Box::new(move |at| at % columns),
        _ => return None,
    };
    let mut squares = vec![0.0_f64; length.data.len()];
    for (at, &x) in direction.data.iter().enumerate() {
        squares[groups(at)] += f64::from(x).powi(2);
    }
    let scale: Vec<f64> = length.data.iter().zip(&squares).map(|(&g, sum)| f64::from(g) / sum.sqrt()).collect();
    let data = direction.data.iter().enumerate().map(|(at, &v)| (f64::from(v) * scale[groups(at)]) as f32).collect();
    Some(Array { shape: direction.shape.clone(), data })
}

/// Why an array stands for another one that is computed from it, by its name.
fn computed(name: &str) -> Option<String> {
    let (module, last) = name.rsplit_once('.').unwrap_or(("", name));
    if let Some((module, of)) = name.rsplit_once("parametrizations.") {
        let weight = of.split('.').next().unwrap_or_default();
        let module = module.trim_end_matches('.');
        return Some(format!(
            "{weight} is computed from it while the module runs, by a parametrization that is not known here; before saving, \
             make it an array of its own: torch.nn.utils.parametrize.remove_parametrizations(model.{module}, \"{weight}\")"
        ));
    }
    let weight = last.strip_suffix("_orig")?;
    Some(format!(
        "{weight} is computed from it while the module runs, as spectral_norm and pruning do; before saving, make it an array \
         of its own: torch.nn.utils.remove_spectral_norm(model.{module}, \"{weight}\") or \
         torch.nn.utils.prune.remove(model.{module}, \"{weight}\")"
    ))
}

/// Looks at the tensors of types that are not read: counters are noted; what could matter is refused.
///
/// # Errors
/// The first tensor that could.
pub(super) fn left_out<'a>(of: impl Iterator<Item = (&'a str, LeftOut)>) -> Result<Option<String>, Wrong> {
    let mut counters = Vec::new();
    for (name, why) in of {
        let last = name.rsplit('.').next().unwrap_or(name);
        match why {
            LeftOut::Integer if COUNTERS.contains(&last) => counters.push(name),
            LeftOut::Integer => {
                let why = format!(
                    "{why}, and no integers are part of a model that is known here; if no answer depends on it, leave it \
                     out: torch.save({{k: v for k, v in model.state_dict().items() if k != \"{name}\"}}, path)"
                );
                return Err((name.to_owned(), why));
            }
            _ => return Err((name.to_owned(), why.to_string())),
        }
    }
    Ok((!counters.is_empty())
        .then(|| format!("counters are left out, no answer depends on them: {}", crate::transfer::listed(&counters))))
}
