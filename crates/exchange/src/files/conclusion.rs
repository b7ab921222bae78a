//! What became of a model on its way: every array, and the verdict, as text and as JSON.

use serde_json::json;

use super::Partner;
use crate::{Compared, Move, Place, Report, Verdict};

/// The reports of a conversion in their order: from another program to elman, from elman to another, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Way(pub Vec<(Partner, Partner, Report)>);

impl Way {
    /// A line for each array and each note, an empty one before each part.
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().flat_map(|(from, to, report)| text(*from, *to, report)).collect()
    }

    /// The parts as objects.
    pub fn objects(&self) -> Vec<serde_json::Value> {
        self.0.iter().map(|(from, to, report)| object(*from, *to, report)).collect()
    }

    /// What was compared number by number, and what was not, a line each.
    pub fn compared(&self) -> Vec<String> {
        self.0.iter().flat_map(|(_, _, report)| compared(report)).collect()
    }

    /// Whether a file had arrays and nothing that says what is computed with them: no proof by numbers is within reach.
    pub fn has_nothing_to_compute(&self) -> bool {
        self.0.iter().any(|(_, _, of)| !of.assumed.is_empty() && of.compared.is_none())
    }

    /// That of the whole way: exact only if each part of it is.
    pub fn verdict(&self) -> Verdict {
        let rounded = self.0.iter().any(|(_, _, report)| report.verdict() == Verdict::Rounded);
        if rounded { Verdict::Rounded } else { Verdict::Exact }
    }

    /// The verdict in words: where a file does not say how its arrays are connected, that is assumed, and said.
    pub fn conclusion(&self) -> String {
        let verdict = self.verdict();
        let all = |lines: fn(&Report) -> &[String]| -> Vec<&str> {
            self.0.iter().flat_map(|(_, _, of)| lines(of)).map(String::as_str).collect()
        };
        let (assumed, precision) = (all(|of| &of.assumed), all(|of| &of.precision));
        let precision: String = precision.iter().map(|line| format!("; {line}")).collect();
        if assumed.is_empty() {
            return format!("{verdict}{precision}");
        }
        let arrays = match verdict {
            Verdict::Exact => "the arrays are exact",
            Verdict::Rounded => "the arrays are exact, but for numbers that were computed from two, rounded once",
        };
        format!("{arrays}{precision}; what is done with them is assumed: {}", assumed.join("; "))
    }
}

/// A line for each array, and the notes.
fn text(from: Partner, to: Partner, report: &Report) -> Vec<String> {
    let names = |places: &[Place]| places.iter().map(Place::to_string).collect::<Vec<_>>().join(" + ");
    let rows: Vec<[String; 3]> =
        report.moves.iter().map(|of| [names(&of.from), names(&of.to), changes(of).join(", ")]).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (left, right) = (width(0), width(1));
    let mut lines = vec![String::new(), format!("{from} → {to}, {} arrays", report.moves.len())];
    for [from, to, changes] in &rows {
        lines.push(format!("  {from:left$}  →  {to:right$}  {changes}").trim_end().to_owned());
    }
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    lines
}

fn changes(of: &Move) -> Vec<String> {
    of.changes.iter().map(ToString::to_string).collect()
}

fn object(from: Partner, to: Partner, report: &Report) -> serde_json::Value {
    let places = |places: &[Place]| -> Vec<serde_json::Value> {
        places.iter().map(|place| json!({"name": place.name, "shape": place.shape})).collect()
    };
    let moves: Vec<serde_json::Value> = report
        .moves
        .iter()
        .map(|of| json!({"from": places(&of.from), "to": places(&of.to), "changes": changes(of)}))
        .collect();
    let mut object = json!({"from": from.to_string(), "to": to.to_string(), "arrays": moves, "notes": report.notes,
        "assumed": report.assumed, "precision": report.precision});
    if let Some(compared) = &report.compared {
        object["compared"] = comparison(compared);
    }
    object
}

fn compared(report: &Report) -> Vec<String> {
    let Some(compared) = &report.compared else { return Vec::new() };
    let left_out = compared.left_out.iter().map(|what| format!("not compared: {what}"));
    std::iter::once(format!("compared with {compared}")).chain(left_out).collect()
}

fn comparison(compared: &Compared) -> serde_json::Value {
    json!({
        "against": compared.what, "batches": compared.batches, "rows": [compared.rows.0, compared.rows.1],
        "steps": [compared.steps.0, compared.steps.1], "largest_difference": compared.largest_difference,
        "left_out": compared.left_out,
    })
}
