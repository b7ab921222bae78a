//! What stands before and behind the network, in units of the data: scaling, missing values, and answers scaled back.
//!
//! V values, K numbers beside them, S series.
//!
//! A scaling folded into the first kernel would sum products that cancel: x / deviation and mean / deviation are both large
//! where a mean is far from 0. Subtracted first, and exactly where a value is near its mean, nothing is lost. The kernels
//! also stay as they are, bit for bit.

use elman::Model;
use elman_formats::Array;
use elman_formats::onnx::{Attribute, Element};

use super::{BATCH, Exporter};
use crate::onnx::DEVIATIONS;
use crate::units::Units;

impl Exporter<'_> {
    /// What the network reads [B, T, I] of what the graph is given [B, T, V + K].
    pub(super) fn standardized(&mut self, input: String) -> String {
        let Some(units) = self.units.clone() else { return input };
        let (values, beside) = (units.values(), units.beside());
        let mut x = input;
        let mut calendar = None;
        if beside > 0 {
            let sizes = self.builder.ints(&[values as i64, beside as i64]);
            let names = ["input.values", "input.calendar"];
            self.builder.nodes("Split", &[&x, &sizes], &names, vec![Attribute::int("axis", 2)]);
            x = names[0].to_owned();
            calendar = Some(names[1]);
        }
        if !units.series().is_empty() {
            self.builder.input("series", Element::Int64, &[BATCH]);
        }
        let [means, rest, deviations] = units.columns_scaled();
        // What a mean has beyond 32 bits counts only where it is a part of the deviation that a float can show.
        let lost = rest.data.iter().zip(&deviations.data).any(|(rest, deviation)| (rest / deviation).abs() > 1e-8);
        x = self.by("Sub", &x, "input.mean", &means, "input.centred");
        if lost {
            x = self.by("Sub", &x, "input.mean_rest", &rest, "input.centred_whole");
        }
        x = self.by("Div", &x, DEVIATIONS, &deviations, "input.scaled");
        let builder = &mut self.builder;
        let mut missing = builder.node("IsNaN", &[&x], "input.is_nan", vec![]);
        let never = units.never();
        if never.contains(&1) {
            // What training never saw is never read.
            let flags = builder.flags("input.never", &never);
            let bool = vec![Attribute::int("to", Element::Bool.code().into())];
            let flags = builder.node("Cast", &[&flags], "input.is_never", bool);
            missing = builder.node("Or", &[&missing, &flags], "input.missing", vec![]);
        }
        let zero = builder.float(0.0);
        let read = builder.node("Where", &[&missing, &zero, &x], "input.read", vec![]);
        let float = || vec![Attribute::int("to", Element::Float.code().into())];
        let last = || vec![Attribute::int("axis", 2)];
        if units.has_marks() {
            let marks = builder.node("Cast", &[&missing], "input.marks", float());
            return builder.node("Concat", &[&read, &marks], "input.all", last());
        }
        if !units.has_known() {
            return read;
        }
        let known = builder.node("Not", &[&missing], "input.is_known", vec![]);
        let known = builder.node("Cast", &[&known], "input.known", float());
        let behind = builder.ints(&[3]);
        let pairs = [(&read, "input.read_apart"), (&known, "input.known_apart")]
            .map(|(of, name)| builder.node("Unsqueeze", &[of, &behind], name, vec![]));
        let pairs = builder.node("Concat", &[&pairs[0], &pairs[1]], "input.pairs", vec![Attribute::int("axis", 3)]);
        let shape = builder.ints(&[0, 0, 2 * values as i64]);
        let flat = builder.node("Reshape", &[&pairs, &shape], "input.side_by_side", vec![]);
        match calendar {
            Some(calendar) => builder.node("Concat", &[&flat, calendar], "input.all", last()),
            None => flat,
        }
    }

    /// Quantiles [B, F, Q] in the units of the target, as the output; nothing where the graph does not scale.
    pub(super) fn in_units(&mut self, scaled: &str) {
        let Some(units) = self.units.clone() else { return };
        let [means, deviations] = units.answers_scaled();
        let wide = self.by("Mul", scaled, "quantiles.deviation", &deviations, "quantiles.spread");
        self.by("Add", &wide, "quantiles.mean", &means, "quantiles");
    }

    /// An operator with constants `[V]` on [B, T, V]; of constants [S, V] those of each row's series.
    fn by(&mut self, op: &str, x: &str, name: &str, array: &Array, output: &str) -> String {
        let builder = &mut self.builder;
        builder.weights(name, array);
        let mut constants = name.to_owned();
        if array.shape.len() == 2 {
            let rows = builder.node("Gather", &[name, "series"], &format!("{name}.of_series"), vec![]);
            let middle = builder.ints(&[1]);
            constants = builder.node("Unsqueeze", &[&rows, &middle], &format!("{name}.of_rows"), vec![]);
        }
        builder.node(op, &[x, &constants], output, vec![])
    }
}

/// What a reader of the graph is told of its inputs.
pub(super) fn note(units: &Units) -> String {
    let answers = if units.answers() { "; quantiles come out in those of the target" } else { "" };
    let series = match units.series().len() {
        0 => String::new(),
        count => {
            format!("; series [batch] is the number of each row's series, of {count}, in the order of elman.inputs")
        }
    };
    format!("values go in as the table has them, in their own units, NaN where one is missing{answers}{series}")
}

/// The same as the graph says it of itself.
pub(super) fn doc(model: &Model, units: Option<&Units>) -> String {
    let what = format!("A recurrent network of elman; it predicts {}.", model.head().describe());
    let inputs = match units {
        Some(units) => format!(" {}.", note(units).replacen("values", "Values", 1)),
        None if matches!(Units::of(model), Ok(Some(_))) => " It reads and answers standardized values.".into(),
        None => String::new(),
    };
    format!("{what}{inputs} The metadata elman.inputs and elman.outputs say what they are.")
}
