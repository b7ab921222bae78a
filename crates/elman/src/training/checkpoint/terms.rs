//! What the bits of a run hang on, noted in its checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::Checkpoint;
use crate::Error;
use crate::training::optimizer::Decay;
use crate::training::trainer::Trainer;

/// What the bits of a run hang on, each as text: numbers as JSON writes them, which is one way for each.
pub(crate) type Terms = BTreeMap<&'static str, String>;

/// As JSON: the fewest digits that read back to the same number.
pub(crate) fn text(term: &impl Serialize) -> String {
    serde_json::to_string(term).unwrap_or_else(|error| error.to_string())
}

/// The epochs of a run, where a schedule depends on them.
pub(crate) fn epochs_term(trainer: &Trainer, epochs: u64) -> Option<(&'static str, String)> {
    matches!(trainer.descent.schedule.decay, Decay::Cosine { .. }).then(|| ("num_epoch", text(&epochs)))
}

impl Trainer {
    /// The settings of the trainer that the bits hang on. Threads, memory and the instruction set are none.
    pub(crate) fn terms(&self) -> Terms {
        let (stack, head) = (self.model().stack(), self.model().head());
        // A cell of one's own cannot be written: its name must do, and the shapes of its arrays.
        let names = || stack.layers.iter().map(|layer| layer.cell.get().name()).collect::<Vec<_>>().join(", ");
        let layers = serde_json::to_string(&stack.layers).unwrap_or_else(|_| names());
        [
            ("the network", layers),
            ("the embedding", text(&stack.embedding)),
            ("the head", text(head)),
            ("arithmetic", stack.arithmetic.to_string()),
            ("the optimizer", text(&self.descent)),
            ("seed", text(&self.seed)),
            ("micro_batch", text(&self.micro_batch)),
            ("truncate", text(&self.truncate)),
            ("the class weights", text(&self.class_weights)),
            ("the label smoothing", text(&self.label_smoothing)),
        ]
        .into()
    }
}

impl Checkpoint<'_> {
    /// Refuses terms under which the run would not go on as it began. Terms that were not noted are free.
    pub(crate) fn agree(&self, terms: &Terms) -> Result<(), Error> {
        for (&what, found) in terms {
            if let Some(noted) = self.position.terms.get(what).filter(|&noted| noted != found) {
                let (found, noted) = difference(found, noted);
                let expected = format!("{noted}, as when training began: the result would be another");
                return Err(Error::setting(what, found, expected));
            }
        }
        Ok(())
    }
}

/// Two terms that differ, as a message shows them: of objects, and of lists of them, what differs; of anything else all.
fn difference(found: &str, noted: &str) -> (String, String) {
    let parsed: Option<(Value, Value)> = serde_json::from_str(found).ok().zip(serde_json::from_str(noted).ok());
    let mut parts = [Vec::new(), Vec::new()];
    if let Some((found, noted)) = &parsed {
        walk(Spot::default(), Some(found), Some(noted), &mut parts);
    }
    match parts.map(|parts| parts.join(", ")) {
        [found, noted] if !found.is_empty() => (found, noted),
        // As values they are the same.
        _ => (found.to_owned(), noted.to_owned()),
    }
}

/// Where a value stands in a term.
#[derive(Clone, Copy, Default)]
struct Spot<'v> {
    name: Option<&'v str>,
    /// Of the network, the only list of objects; from 0.
    layer: Option<usize>,
}

impl Spot<'_> {
    fn label(self, value: &str) -> String {
        let named = self.name.map_or_else(|| value.to_owned(), |name| format!("{name} = {value}"));
        match self.layer {
            Some(layer) => format!("{named} in layer {}", layer + 1),
            None => named,
        }
    }
}

/// Adds to `parts` what differs in two values; None is a value that is not there.
fn walk<'v>(spot: Spot<'v>, found: Option<&'v Value>, noted: Option<&'v Value>, parts: &mut [Vec<String>; 2]) {
    match (found, noted) {
        (Some(Value::Object(found)), Some(Value::Object(noted))) => {
            let [of_found, of_noted] = [found, noted].map(|object| object.keys().collect::<BTreeSet<_>>());
            if found.len() == 1 && noted.len() == 1 && of_found != of_noted {
                // Of two kinds, as two optimizers: what they have inside is not compared.
                for (part, names) in parts.iter_mut().zip([of_found, of_noted]) {
                    part.extend(names.into_iter().map(|kind| spot.label(kind)));
                }
                return;
            }
            for name in of_found.union(&of_noted) {
                let inside = Spot { name: Some(name), ..spot };
                walk(inside, found.get(*name), noted.get(*name), parts);
            }
        }
        (Some(Value::Array(found)), Some(Value::Array(noted)))
            if found.len() == noted.len() && found.iter().chain(noted).all(Value::is_object) =>
        {
            for (index, (found, noted)) in found.iter().zip(noted).enumerate() {
                walk(Spot { layer: Some(index), ..spot }, Some(found), Some(noted), parts);
            }
        }
        _ if found == noted => {}
        _ => {
            for (part, value) in parts.iter_mut().zip([found, noted]) {
                part.push(spot.label(&value.map_or("none".into(), Value::to_string)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn of_two_terms_what_differs_is_shown() {
        let cases = [
            ("111", "112", "111", "112"),
            ("rnn, own", "rnn", "rnn, own", "rnn"),
            (r#"{"a":1,"b":{"c":2,"d":"x"}}"#, r#"{"a":1,"b":{"c":3}}"#, r#"c = 2, d = "x""#, "c = 3, d = none"),
            (r#"[{"h":16},{"h":16}]"#, r#"[{"h":16},{"h":17}]"#, "h = 16 in layer 2", "h = 17 in layer 2"),
            (
                r#"{"algorithm":{"sgd":{"a":1}}}"#,
                r#"{"algorithm":{"adam":{"a":1}}}"#,
                "algorithm = sgd",
                "algorithm = adam",
            ),
            ("[1,2]", "[1,3]", "[1,2]", "[1,3]"),
            ("null", "[1]", "null", "[1]"),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
        ];
        for (found, noted, shown, expected) in cases {
            assert_eq!(difference(found, noted), (shown.to_owned(), expected.to_owned()), "{found} and {noted}");
        }
    }
}
