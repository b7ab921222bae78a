//! What a network's inputs and answers mean, by what its job keeps: the units of its data.
//!
//! V values of a step in their own units, K numbers beside them, I inputs of the network, S series, F values of Q quantiles.
//!
//! A job of classes or of series trains on standardised values. A file for another program says how they are made, or makes
//! them itself: a network that is fed what stands in a table answers with anything.

use elman::series::Scaling;
use elman::series::StaticInput;
use elman::text::Vocabulary;
use elman::{ClassMeaning, Config, Layer, Meaning, Model, Predicts, SeriesMeaning, Standardizer};
use elman_formats::Array;
use ndarray::{Array3, ArrayView3};
use serde_json::{Value, json};

use super::transfer::Transfer;
use crate::Error;

/// A deviation that brings whatever is read to nearly 0: of a feature of which training saw no value. Its square is an `f32`.
const NEVER: f32 = 1e18;

/// How an input of the network is made of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// `[z_1 … z_V]`
    Values,
    /// `[z_1 … z_V, m_1 … m_V]`, m 1 where a value is missing.
    Marks,
    /// `[z_1, k_1, …, z_V, k_V, calendar]`, k 1 where a value is known.
    Known,
}

/// The units of a model's data: how the network's inputs are made of a table's values, and what its answers are.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    layout: Layout,
    /// `[V]`: what the values are called.
    names: Vec<String>,
    /// `[K]`: what is read beside them, as it is.
    beside: Vec<String>,
    /// `[S]`: the series that have scalings of their own; none where all rows have one.
    pub(super) series: Vec<String>,
    /// [max(S, 1), V]; None where training saw no value.
    scalings: Vec<Vec<Option<Scaling>>>,
    /// Whether the answers are values of the first column.
    answers: bool,
    /// How a step of the network is made, in words, where two numbers a value do not say it; the values above are then the
    /// inputs of the network.
    own: Option<String>,
}

impl Units {
    /// Those of a model; None where it reads what it is given as it is.
    ///
    /// # Errors
    /// If its job is one that scales, and does not fit its network.
    pub fn of(model: &Model) -> Result<Option<Self>, Error> {
        Self::of_config(&model.config())
    }

    pub(super) fn of_config(config: &Config) -> Result<Option<Self>, Error> {
        let units = match &config.meaning {
            Some(Meaning::Classes(of)) => Self::of_classes(of),
            Some(Meaning::Series(of)) => Self::of_series(of, &config.head.predicts),
            // Text is read as it is, damaged or not.
            Some(damaged) if matches!(damaged.job(), Some("classify" | "series")) => {
                let why = damaged.damage().unwrap_or_default();
                return Err(Error::setting("the model's job", why, "what its job keeps"));
            }
            _ => return Ok(None),
        };
        let Some(units) = units else { return Ok(None) };
        let input = config.layers.first().map_or(0, Layer::input);
        let known = units.scalings.iter().all(|row| row.len() == units.names.len());
        if config.embedding.is_some() || input != units.input() || !known {
            let found = format!("of {} inputs", units.input());
            return Err(Error::setting("the model's job", found, format!("{input}, as its network reads")));
        }
        let sound = |scaling: &Scaling| scaling.mean.is_finite() && scaling.scale.is_finite() && scaling.scale > 0.0;
        if let Some(bad) = units.scalings.iter().flatten().flatten().find(|scaling| !sound(scaling)) {
            let found = format!("with mean {} and standard deviation {}", bad.mean, bad.scale);
            return Err(Error::setting("the model's job", found, "finite ones, the deviation above 0"));
        }
        Ok(Some(units))
    }

    fn of_classes(of: &ClassMeaning) -> Option<Self> {
        let input = of.standardizer.input();
        if let Some(own) = of.standardizer.describe().filter(|_| !of.standardizer.is_by_step()) {
            return Some(Units {
                layout: Layout::Values,
                names: (0..input).map(|at| format!("input_{at}")).collect(),
                beside: Vec::new(),
                series: Vec::new(),
                scalings: vec![vec![Some(Scaling::IDENTITY); input]],
                answers: false,
                own: Some(own),
            });
        }
        let Standardizer { scalings, mask, .. } = of.standardizer.clone();
        let as_it_is = scalings.iter().all(|scaling| *scaling == Some(Scaling::IDENTITY));
        let layout = if mask { Layout::Marks } else { Layout::Values };
        (mask || !as_it_is).then(|| Units {
            layout,
            names: of.features.clone(),
            beside: Vec::new(),
            series: Vec::new(),
            scalings: vec![scalings],
            answers: false,
            own: None,
        })
    }

    fn of_series(of: &SeriesMeaning, predicts: &Predicts) -> Option<Self> {
        // No scaling: see [`relative`].
        if of.relative.is_some() {
            return None;
        }
        let statics = of.statics.iter().flat_map(StaticInput::names);
        let horizon = if let Predicts::Quantiles(quantiles) = predicts { quantiles.horizon } else { 0 };
        // As the network reads them, at the last step alone.
        let known =
            (1..=horizon).flat_map(|step| of.known.iter().map(move |name| format!("{name} {step} ahead, scaled")));
        let known: Vec<String> = known.collect();
        let mut rows: Vec<Vec<Option<Scaling>>> = Vec::new();
        for series in &of.scalings {
            rows.push([series.target].into_iter().chain(series.covariates.iter().copied()).map(Some).collect());
        }
        let first = rows.first()?.clone();
        let alike = rows.iter().all(|row| *row == first);
        Some(Units {
            layout: Layout::Known,
            names: [&of.target].into_iter().chain(&of.covariates).cloned().collect(),
            beside: [of.calendar.clone(), statics.collect(), known].concat(),
            series: if alike { Vec::new() } else { of.scalings.iter().map(|of| of.id.clone()).collect() },
            scalings: if alike { vec![first] } else { rows },
            answers: true,
            own: None,
        })
    }

    /// V + K: the numbers of a step as a graph of ours reads them, in their own units, NaN for what is missing.
    pub fn columns(&self) -> usize {
        self.names.len() + self.beside.len()
    }

    /// V
    pub(super) fn values(&self) -> usize {
        self.names.len()
    }

    /// K
    pub(super) fn beside(&self) -> usize {
        self.beside.len()
    }

    /// I, the floats of a step as the network reads them.
    pub fn input(&self) -> usize {
        match self.layout {
            Layout::Values => self.names.len(),
            Layout::Marks => 2 * self.names.len(),
            Layout::Known => 2 * self.names.len() + self.beside.len(),
        }
    }

    /// The series that have scalings of their own, in the order in which their numbers count; none where all rows are
    /// scaled alike.
    pub fn series(&self) -> &[String] {
        &self.series
    }

    pub(super) fn has_marks(&self) -> bool {
        self.layout == Layout::Marks
    }

    pub(super) fn has_known(&self) -> bool {
        self.layout == Layout::Known
    }

    pub(super) fn answers(&self) -> bool {
        self.answers
    }

    /// What the network reads [N, T, I] of values in their own units [N, T, V + K], NaN for what is missing; `series [N]`
    /// are the numbers of the rows' series, of which only a model of several asks.
    ///
    /// # Errors
    /// If the values have another width, or a row has no series.
    pub fn read(&self, values: ArrayView3<'_, f32>, series: &[usize]) -> Result<Array3<f32>, Error> {
        let (rows, steps, width) = values.dim();
        if width != self.columns() {
            return Err(Error::shape("the values", &[rows, steps, width], &[rows, steps, self.columns()]));
        }
        let mut inputs = Array3::zeros((rows, steps, self.input()));
        for ((row, step, column), &value) in values.indexed_iter() {
            let count = self.names.len();
            if column >= count {
                inputs[(row, step, 2 * count + column - count)] = value;
                continue;
            }
            let scaling = self.row(series, row)?[column];
            let z = scaling.map_or(f32::NAN, |scaling| scaling.scaled(value));
            let (at, mark) = match self.layout {
                Layout::Values => (column, None),
                Layout::Marks => (column, Some((count + column, z.is_nan()))),
                Layout::Known => (2 * column, Some((2 * column + 1, !z.is_nan()))),
            };
            inputs[(row, step, at)] = if z.is_nan() { 0.0 } else { z };
            if let Some((at, mark)) = mark {
                inputs[(row, step, at)] = f32::from(u8::from(mark));
            }
        }
        Ok(inputs)
    }

    /// Values in their own units [N, T, V + K] of scaled ones, the inverse of what [`Units::read`] does first.
    ///
    /// # Errors
    /// If a row has no series.
    pub(super) fn unread(&self, mut scaled: Array3<f32>, series: &[usize]) -> Result<Array3<f32>, Error> {
        for ((row, _, column), value) in scaled.indexed_iter_mut() {
            if let Some(Some(scaling)) = self.row(series, row)?.get(column) {
                *value = scaling.unscaled(*value);
            }
        }
        Ok(scaled)
    }

    /// A network's answer in its own units.
    ///
    /// # Errors
    /// If the row has no series.
    pub fn answer(&self, z: f32, series: &[usize], row: usize) -> Result<f32, Error> {
        match self.row(series, row)?.first() {
            Some(Some(scaling)) if self.answers => Ok(scaling.unscaled(z)),
            _ => Ok(z),
        }
    }

    fn row(&self, series: &[usize], row: usize) -> Result<&[Option<Scaling>], Error> {
        let at = if self.series.is_empty() { 0 } else { series.get(row).copied().unwrap_or(usize::MAX) };
        let Some(scalings) = self.scalings.get(at) else {
            let expected = format!("the number of a series, 0 to {}", self.scalings.len() - 1);
            return Err(Error::setting("series", format!("missing in row {row}"), expected));
        };
        Ok(scalings)
    }

    /// Means, what `f32` leaves of them, and deviations: `[V]`, or [S, V] of several series. A feature that training never
    /// saw has mean 0 and deviation 1.
    pub(super) fn columns_scaled(&self) -> [Array; 3] {
        let of = |part: fn(&Scaling) -> f64| -> Array {
            let data = self.scalings.iter().flatten().map(|of| part(&of.unwrap_or(Scaling::IDENTITY)) as f32).collect();
            Array { shape: self.shape(self.names.len()), data }
        };
        [of(|of| of.mean), of(|of| of.mean - f64::from(of.mean as f32)), of(|of| of.scale)]
    }

    /// `[V]`: 1 where training never saw a value.
    pub(super) fn never(&self) -> Vec<i64> {
        self.scalings[0].iter().map(|scaling| i64::from(scaling.is_none())).collect()
    }

    /// Mean and deviation of every input of the network, `[I]`, or [S, I] of several series: of marks and of the calendar
    /// 0 and 1, as they are read as they are.
    pub(super) fn inputs_scaled(&self) -> [Array; 2] {
        let mut found = [Vec::new(), Vec::new()];
        let mut put = |mean: f32, deviation: f32| {
            found[0].push(mean);
            found[1].push(deviation);
        };
        for row in &self.scalings {
            for scaling in row {
                match scaling {
                    Some(scaling) => put(scaling.mean as f32, scaling.scale as f32),
                    None => put(0.0, NEVER),
                }
                if self.has_known() {
                    put(0.0, 1.0);
                }
            }
            let rest = self.input() - row.len() * if self.has_known() { 2 } else { 1 };
            (0..rest).for_each(|_| put(0.0, 1.0));
        }
        found.map(|data| Array { shape: self.shape(self.input()), data })
    }

    /// Mean and deviation of the answers, `[1]`, or [S, 1] of several series.
    pub(super) fn answers_scaled(&self) -> [Array; 2] {
        let of = |part: fn(&Scaling) -> f64| -> Array {
            let first = |row: &Vec<Option<Scaling>>| part(&row.first().copied().flatten().unwrap_or(Scaling::IDENTITY));
            Array { shape: self.shape(1), data: self.scalings.iter().map(|row| first(row) as f32).collect() }
        };
        [of(|of| of.mean), of(|of| of.scale)]
    }

    fn shape(&self, width: usize) -> Vec<usize> {
        if self.series.is_empty() { vec![width] } else { vec![self.scalings.len(), width] }
    }

    /// What has to be done with sequences before the network reads them, where the file does not do it.
    pub(super) fn own_note(&self) -> Option<String> {
        let own = self.own.as_ref()?;
        Some(format!(
            "a step of the network is made before it: {own}; `elman predict` and the library's Classifier do so"
        ))
    }

    /// The first value that 32-bit floats, as another program is given them, do not tell apart, and why; `notes` get those
    /// that they hold worse than rounding does. Of a network whose steps are made before it: that no file makes them.
    pub(super) fn coarse(&self, notes: &mut Vec<String>) -> Option<(String, String)> {
        if let Some(own) = &self.own {
            let why = format!(
                "the network reads {own}: no file for another program makes that by itself; export the network alone: \
                 --standardized"
            );
            return Some(("the steps".into(), why));
        }
        for (name, scaling) in self.scalings.iter().flat_map(|row| self.names.iter().zip(row)) {
            let Some(Scaling { mean, scale }) = scaling else { continue };
            // Half the distance between two floats there, at most.
            let lost = mean.abs() * f64::from(f32::EPSILON) / 2.0 / scale;
            if lost > 0.25 {
                let why = format!(
                    "its values lie around {mean}, where 32-bit floats are farther apart than half its deviation, {scale}: \
                     another program could not tell them apart; take the offset off the column before training, or export \
                     the network alone: --standardized"
                );
                return Some((name.clone(), why));
            }
            if lost > 1e-4 {
                notes.push(format!(
                    "32-bit floats hold values of {name:?}, around {mean}, to {lost:.0e} of its deviation: what is given so is \
                     rounded so"
                ));
            }
        }
        None
    }

    /// The first value whose mean or deviation 32-bit floats hold too badly to be one array's numbers, and why; `notes`
    /// get those that are held worse than rounding.
    pub(super) fn unheld(&self, notes: &mut Vec<String>) -> Option<(String, String)> {
        for (name, scaling) in self.scalings.iter().flat_map(|row| self.names.iter().zip(row)) {
            let Some(scaling) = scaling else { continue };
            let lost = (scaling.mean - f64::from(scaling.mean as f32)).abs() / scaling.scale;
            let narrow = !(1e-30..=1e18).contains(&scaling.scale);
            if lost > 1e-3 || narrow || !(scaling.mean as f32).is_finite() {
                let why = format!(
                    "its mean, {}, is held by 32-bit floats to {lost:.0e} of its deviation, {}; take its offset off the \
                     column before training, export to ONNX, where the mean has two parts, or export the network alone: \
                     --standardized",
                    scaling.mean, scaling.scale
                );
                return Some((name.clone(), why));
            }
            if lost > 1e-5 {
                notes.push(format!("32-bit floats hold the mean of {name:?} to {lost:.0e} of its deviation"));
            }
        }
        None
    }

    /// What a reader of the file is told of an input, in a sentence.
    pub(super) fn marks_note(&self) -> Option<String> {
        let (v, i) = (self.names.len(), self.input());
        match self.layout {
            Layout::Values => None,
            Layout::Marks => Some(format!(
                "of the {i} inputs of a step the first {v} are the features, in their own units, and the others 1 where a \
                 feature's value is missing, else 0; a missing value is given as its feature's mean"
            )),
            Layout::Known => Some(format!(
                "of the {i} inputs of a step the first {} are the target and whether it is known, 1 or 0, then the same of \
                 each covariate, all in their own units, then the calendar; an unknown value is given as its mean",
                2 * v
            )),
        }
    }

    /// The same for programs, as JSON.
    fn described(&self) -> Value {
        let one = |(name, at): (&String, usize)| {
            let of = |part: fn(&Scaling) -> f64| -> Value {
                let all: Vec<Option<f64>> = self.scalings.iter().map(|row| row[at].as_ref().map(part)).collect();
                if self.series.is_empty() { json!(all[0]) } else { json!(all) }
            };
            json!({"name": name, "mean": of(|of| of.mean), "deviation": of(|of| of.scale)})
        };
        let values: Vec<Value> = self.names.iter().zip(0..).map(one).collect();
        let missing = match self.layout {
            Layout::Values => "the mean",
            Layout::Marks => "the mean, and 1 in an input of its own",
            Layout::Known => "the mean, and 0 in an input of its own",
        };
        json!({"values": values, "as they are": self.beside, "series": self.series, "a missing value is read as": missing})
    }
}

/// What a model's inputs and answers mean, for the metadata of a file: inputs and outputs, each as JSON. `standardized`
/// where the file holds the network alone.
pub(super) fn meaning(config: &Config, units: Option<&Units>) -> [(&'static str, Value); 2] {
    let mut inputs = json!({"job": config.meaning.as_ref().and_then(Meaning::job)});
    let standardized = "standardized: (value - mean) / deviation";
    let classes = match &config.meaning {
        Some(Meaning::Classes(of)) => {
            if units.is_none() {
                inputs["units"] = json!(standardized);
                inputs["features"] = json!(of.features);
                if let Some(step) = of.standardizer.describe() {
                    inputs["step"] = json!(step);
                }
            }
            Some(&of.classes)
        }
        Some(Meaning::Series(of)) => {
            if units.is_none() {
                inputs["units"] = json!(standardized);
                inputs["features"] = Value::Null;
            }
            for (key, value) in [
                ("frequency", json!(of.frequency)),
                ("season", json!(of.season)),
                ("format", json!(of.format)),
                ("time", json!(of.time)),
                ("target", json!(of.target)),
                ("covariates", json!(of.covariates)),
                ("calendar", json!(of.calendar)),
            ] {
                inputs[key] = value;
            }
            None
        }
        Some(Meaning::Text(vocabulary)) => {
            inputs["unit"] = json!(vocabulary.unit());
            if let Vocabulary::Characters(characters) = vocabulary {
                inputs["characters"] = json!(characters.iter().collect::<String>());
            }
            None
        }
        _ => None,
    };
    if let Some(units) = units {
        inputs["units"] = units.described();
    }
    if let Some(steps) = config.steps {
        inputs["steps"] = json!(steps);
    }
    let outputs = match &config.head.predicts {
        Predicts::Classes(count) => json!({"classes": classes.map_or(json!(count), |names| json!(names))}),
        Predicts::Quantiles(of) => json!({
            "levels": of.levels, "horizon": of.horizon,
            "units": if units.is_some() { "those of the target" } else { "standardized" },
        }),
        Predicts::Values(of) => json!({"values": of.outputs}),
    };
    [("elman.inputs", inputs), ("elman.outputs", outputs)]
}

/// Why a model's data cannot be given to another program in its own units: what it reads and answers is relative to a base
/// forecast, made of all values of a series before it. None of other models.
pub fn relative(model: &Model) -> Option<&'static str> {
    match &model.meaning {
        Some(Meaning::Series(of)) if of.relative.is_some() => Some(
            "the model forecasts relative to a base forecast, which is made of all that a series had before; no other \
             program's file holds that. Train with --recipe plain, or export the network alone: --standardized",
        ),
        Some(Meaning::Numbers(_)) => Some(
            "the model reads and answers in standardized values, and the scale of its numbers is not written for other \
             programs; export the network alone: --standardized",
        ),
        _ => None,
    }
}

/// What stands between such a model's network and its answer.
pub(super) fn between(model: &Model) -> &'static str {
    match &model.meaning {
        Some(Meaning::Numbers(_)) => "the scale of the numbers",
        _ => "the base forecast",
    }
}

/// What is said of the network of such a model, exported alone.
pub(super) fn alone(model: &Model) -> &'static str {
    match &model.meaning {
        Some(Meaning::Numbers(_)) => {
            "the network alone: it reads standardized values, (value - mean) / deviation, and answers with a standardized \
             number; the means and deviations are in the configuration under its job"
        }
        _ => {
            "the network alone: it reads and answers in values relative to a base forecast; that forecast, the part of the \
             answer that counts and the calibration are in the configuration under its job"
        }
    }
}

/// The units of a model that goes to a partner as arrays, whose numbers are put in order there; `raw` where it shall read
/// data in its own units.
///
/// # Errors
/// If its job is damaged, or 32-bit floats do not hold a mean.
pub(super) fn given(transfer: &mut Transfer<'_>, model: &Model, raw: bool) -> Result<Option<Units>, Error> {
    if let Some(why) = relative(model) {
        if raw {
            return Err(transfer.refused(between(model), why));
        }
        transfer.note(alone(model));
        return Ok(None);
    }
    let Some(units) = Units::of(model)? else { return Ok(None) };
    if !raw {
        transfer.note(
            "the network alone: it reads standardized values, (value - mean) / deviation, and answers in them; the means \
             and deviations are in the configuration under its job",
        );
        units.own_note().into_iter().for_each(|note| transfer.note(note));
        return Ok(None);
    }
    let mut notes = Vec::new();
    if let Some((what, why)) = units.coarse(&mut notes).or_else(|| units.unheld(&mut notes)) {
        return Err(transfer.refused(format!("the scaling of {what:?}"), why));
    }
    notes.into_iter().chain(units.marks_note()).for_each(|note| transfer.note(note));
    Ok(Some(units))
}

/// Takes the arrays of a scaling that a file carries for inputs and for answers: they must be those of the job that the
/// configuration has. `names` are those of means and deviations of inputs, and of answers.
///
/// # Errors
/// If nothing says what they scale, or they are not those of the job.
pub(super) fn taken(transfer: &mut Transfer<'_>, names: [&str; 4], like: Option<&Config>) -> Result<(), Error> {
    let there: Vec<&str> = names.into_iter().filter(|name| transfer.get(name).is_some()).collect();
    let units = match like {
        Some(config) => Units::of_config(config)?,
        None => None,
    };
    let Some(first) = there.first() else {
        if units.is_some() {
            transfer.note(
                "the file scales no inputs: its network reads them standardized, as the job of the model has them",
            );
        }
        return Ok(());
    };
    let Some(units) = units else {
        let why = "the file scales what its network reads, and nothing says what that is; give --like with the run that it \
                   was made of";
        return Err(transfer.refused(*first, why));
    };
    let [means, deviations] = units.inputs_scaled();
    let mut expected = vec![(names[0], means), (names[1], deviations)];
    if units.answers() {
        let [means, deviations] = units.answers_scaled();
        expected.extend([(names[2], means), (names[3], deviations)]);
    }
    for (name, array) in expected {
        let found = transfer.array(name, &array.shape)?;
        if let Some(at) = (0..array.data.len()).find(|&at| found.data[at].to_bits() != array.data[at].to_bits()) {
            let why = format!(
                "number {at} is {}, and the job of the model has {}; convert the file that elman wrote, or put its numbers back",
                found.data[at], array.data[at]
            );
            return Err(transfer.refused(name, why));
        }
        transfer.left_out(name);
    }
    transfer.note("the scaling of inputs and answers is that of the model's job");
    Ok(())
}
