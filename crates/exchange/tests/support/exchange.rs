//! Models of every kind on their way to other programs and back.

use std::collections::BTreeMap;

use elman::{Model, Purpose, Random};
use elman_exchange::{Error, Imported, Report};

use super::{Arrays, assert_close, cube, golden};

/// Another program's answers, of f32 as ours.
const TOLERANCE: f32 = 1e-5;

/// Panics unless two models are the same in every bit, job and masks included.
pub(crate) fn assert_same(what: &str, found: &Model, expected: &Model) {
    let bits = |model: &Model| -> BTreeMap<String, (Vec<usize>, Vec<u32>)> {
        let of = |array: elman::formats::Array| (array.shape, array.data.iter().map(|x| x.to_bits()).collect());
        model.arrays().into_iter().map(|(name, array)| (name, of(array))).collect()
    };
    assert_eq!(bits(found), bits(expected), "{what}");
    let json = |model: &Model| serde_json::to_string(&model.config()).unwrap();
    assert_eq!(json(found), json(expected), "{what}");
}

/// What a conversion is refused with.
pub(crate) fn refusal<T>(result: Result<T, Error>) -> String {
    match result {
        Err(error @ Error::Exchange { .. }) => error.to_string(),
        Err(error) => panic!("not an error of the exchange: {error}"),
        Ok(_) => panic!("it is not refused"),
    }
}

/// A report line by line, as a user reads it.
pub(crate) fn text(report: &Report) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let mut lines: Vec<String> = Vec::new();
    for moved in &report.moves {
        let places = |places: &[elman_exchange::Place]| list(places.iter().map(ToString::to_string).collect());
        let changes = list(moved.changes.iter().map(ToString::to_string).collect());
        lines.push(format!("{} → {}: {changes}", places(&moved.from), places(&moved.to)).trim().to_owned());
    }
    lines.extend(report.notes.iter().map(|note| format!("- {note}")));
    lines.push(report.verdict().to_string());
    lines.join("\n") + "\n"
}

/// Compares an imported model with what the other program answered: `answers` holds inputs, lengths and outputs below the
/// case's name. Steps past a row's end do not count. `probabilities` where those are what was recorded.
pub(crate) fn assert_agrees(answers: &Arrays, case: &str, imported: &Imported, probabilities: bool) {
    let of = |name: &str| answers.get(&format!("{case}/{name}")).unwrap_or_else(|| panic!("{case}/{name}"));
    let (inputs, outputs) = (cube(of("inputs")), of("outputs"));
    let lengths: Vec<usize> = of("lengths").data.iter().map(|&length| length as usize).collect();
    let mut found = imported.model.logits(inputs, Some(&lengths)).unwrap();
    if probabilities {
        for mut row in found.rows_mut() {
            let largest = row.fold(f32::NEG_INFINITY, |m, &x| m.max(x));
            row.mapv_inplace(|x| (x - largest).exp());
            let sum = row.sum();
            row.mapv_inplace(|x| x / sum);
        }
    }
    let classes = *outputs.shape.last().unwrap();
    assert_eq!(found.len(), outputs.data.len(), "{case}");
    let steps = inputs.dim().1;
    let every_step = outputs.shape.len() == 3;
    let counts = |place: usize| !every_step || place % steps < lengths[place / steps];
    let kept = |data: &[f32]| -> Vec<f32> {
        data.chunks(classes).enumerate().filter(|(place, _)| counts(*place)).flat_map(|(_, row)| row.to_vec()).collect()
    };
    assert_close(case, &kept(found.as_slice().unwrap()), &kept(&outputs.data), TOLERANCE, 1.0);
}

/// A file of golden/models.
pub(crate) fn golden_model(name: &str) -> Arrays {
    golden(&format!("models/{name}"))
}

/// Arrays with some of them missing, renamed, doubled or of another shape, as nobody would write them.
pub(crate) fn shaken(arrays: &Arrays, seed: u64) -> Arrays {
    let mut random = Random::new(seed, Purpose::Data);
    let mut shaken = arrays.clone();
    for _ in 0..=random.below(3) {
        let names: Vec<String> = shaken.keys().cloned().collect();
        if names.is_empty() {
            break;
        }
        let [name, other] = [0, 1].map(|_| names[random.below(names.len() as u32) as usize].clone());
        let mut array = shaken[&name].clone();
        match random.below(6) {
            0 => drop(shaken.remove(&name)),
            1 => drop(shaken.insert(other, array)),
            2 => drop(shaken.insert(name.replace('0', "1"), array)),
            3 => {
                array.shape.reverse();
                shaken.insert(name, array);
            }
            4 => {
                let length = random.below(9) as usize;
                let axis = random.below(array.shape.len().max(1) as u32) as usize;
                array.shape.iter_mut().skip(axis).take(1).for_each(|of| *of = length);
                array.data = vec![0.5; array.shape.iter().product()];
                shaken.insert(name, array);
            }
            _ => {
                array.shape = vec![1; random.below(4) as usize];
                array.data.truncate(1);
                shaken.insert(name, array);
            }
        }
    }
    shaken
}
