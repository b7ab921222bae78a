//! The test of a model of series: forecasts from every origin of the test part, beside the seasonal naive ones.
//!
//! F steps of the horizon, Q levels.

use anyhow::bail;
use elman::series::{Answers, Backtest, Comparison, Forecast, Metrics, Scaled, Start, Window, Windows, decimal};
use elman::{Predictor, Sequences, SeriesMeaning};
use serde_json::{Value, json};

use super::by_series::BySeries;
use crate::output::Output;
use crate::shown::amounts::thousands;
use crate::shown::digits::{Digits, significant};

/// Most values of all forecasts together, F × Q for each; beyond, origins are left out evenly. 64 MiB, three times over.
const VALUES_MAX: usize = 1 << 24;

/// Most rows of the table by step of the horizon.
const ROWS_MAX: usize = 12;

/// The origins of a test, and what a model is compared with there.
pub(crate) struct Test<'a> {
    scaled: &'a Scaled,
    windows: Windows,
    /// Each origin, or every n-th.
    every: usize,
    start: Start,
    season: usize,
    levels: Vec<f32>,
    horizon: usize,
}

/// What came out.
pub(crate) struct Figures {
    /// Beside the seasonal naive forecast.
    overall: Comparison,
    by_step: Vec<Option<Comparison>>,
    /// Of the same forecasts with their intervals as the network gives them, where they are calibrated.
    raw: Option<Metrics>,
    /// Of the last known value again, where the seasonal naive forecast is not just that.
    last_value: Option<Metrics>,
    pub(crate) by_series: BySeries,
    pub(crate) forecasts: Vec<Forecast>,
}

impl<'a> Test<'a> {
    /// All windows behind the start of the test.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn new(
        scaled: &'a Scaled,
        meaning: &SeriesMeaning,
        window: Window,
        levels: &[f32],
    ) -> anyhow::Result<Self> {
        let (set, start) = (&scaled.set, meaning.test());
        let windows = scaled.since_test(window, meaning)?;
        if windows.is_empty() {
            bail!(
                "there is nothing to test on: the test begins at {}, and from there on no series has {} steps, one of them \
                 known, with {} steps before them",
                start.describe(set),
                window.horizon,
                window.context
            );
        }
        let values = windows.len().saturating_mul(window.horizon * levels.len());
        let every = values.div_ceil(VALUES_MAX).max(1);
        Ok(Test {
            scaled,
            windows: windows.every(every),
            every,
            start,
            season: meaning.season,
            levels: levels.to_vec(),
            horizon: window.horizon,
        })
    }

    /// Origins that are forecast from.
    pub(crate) fn origins(&self) -> usize {
        self.windows.len()
    }

    /// Forecasts from all origins.
    ///
    /// # Errors
    /// If the model's forecasts are not numbers, or nothing that they can be compared with is known.
    pub(crate) fn run(&self, predictor: &mut Predictor) -> anyhow::Result<Figures> {
        let set = &self.scaled.set;
        let backtest = |season| Backtest::new(set, self.start, season, &self.levels, self.horizon);
        let (mut seasonal, mut last_value) = (backtest(self.season)?, backtest(1)?);
        let answers = Answers::of(predictor, &self.windows)?;
        for (&origin, quantiles) in self.windows.origins().iter().zip(&answers.quantiles) {
            seasonal.add(origin, quantiles)?;
            if self.season != 1 {
                last_value.add(origin, quantiles)?;
            }
        }
        let mut raw = backtest(1)?;
        for (&origin, quantiles) in self.windows.origins().iter().zip(answers.raw.iter().flatten()) {
            raw.add(origin, quantiles)?;
        }
        let Some(overall) = seasonal.overall() else {
            bail!("nothing is known before the test: there is no naive forecast to compare with")
        };
        Ok(Figures {
            overall,
            by_step: seasonal.by_step(),
            raw: raw.overall().map(|of| of.model),
            last_value: last_value.overall().map(|of| of.naive),
            by_series: BySeries::new(&set.report.ids, set.series.iter().map(|series| &series.id), seasonal.by_series()),
            forecasts: seasonal.forecasts().to_vec(),
        })
    }

    /// Prints the figures: tables and a sentence, or one object.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn report(&self, figures: &Figures, output: &mut Output) -> anyhow::Result<()> {
        let text = format!("\n{}", self.text(figures).join("\n"));
        output.result(text, &self.object(figures))
    }

    fn text(&self, figures: &Figures) -> Vec<String> {
        let Figures { overall: Comparison { model, naive }, .. } = figures;
        let errors = |of: &Comparison| [of.model.mae, of.naive.mae, of.model.mean_pinball, of.naive.mean_pinball];
        let steps_known = figures.by_step.iter().flatten().flat_map(errors);
        let digits = Digits::of(errors(&figures.overall).into_iter().chain(steps_known));
        let steps = if self.horizon == 1 { "step" } else { "steps" };
        let thinned = if self.every > 1 { format!(", from every {}th origin", self.every) } else { String::new() };
        let mut lines = vec![
            format!(
                "backtest: {} forecasts of {} {steps} from {} on{thinned}; {} values",
                thousands(figures.forecasts.len() as u64),
                self.horizon,
                self.start.describe(&self.scaled.set),
                thousands(model.values),
            ),
            String::new(),
            row("", ["model".into(), format!("naive, season {}", self.season)]),
            row("mean absolute error (MAE)", [model, naive].map(|of| digits.write(of.mae))),
            row("MAE by a season's change (MASE)", [model, naive].map(|of| of.mase.map_or("-".into(), significant))),
            row("mean pinball loss", [model, naive].map(|of| digits.write(of.mean_pinball))),
        ];
        for (of_model, of_naive) in model.coverage.iter().zip(&naive.coverage) {
            let (lower, upper) = (100.0 * f64::from(of_model.lower), 100.0 * (1.0 - f64::from(of_model.lower)));
            let name = format!("within {}–{}%: {} expected", round(lower), round(upper), percent(of_model.expected));
            lines.push(row(&name, [of_model, of_naive].map(|of| percent(of.found))));
        }
        if let Some(raw) = &figures.raw {
            let found: Vec<String> = raw.coverage.iter().map(|of| percent(of.found)).collect();
            if !found.is_empty() {
                lines.push(format!("before calibration: {}", found.join(", ")));
            }
        }
        lines.push(String::new());
        lines.extend(self.by_step(figures, digits));
        lines.push(String::new());
        lines.extend(conclusion(figures, self.season));
        lines.extend(figures.by_series.line());
        lines
    }

    /// Errors by step of the horizon.
    fn by_step(&self, figures: &Figures, digits: Digits) -> Vec<String> {
        let head = ["step", "MAE", "naive", "pinball", "naive", "covered"];
        let widest = figures.overall.model.coverage.first();
        let covered = widest.map_or(String::new(), |of| format!(" ({} expected)", percent(of.expected)));
        let mut lines = vec![format!("{}{covered}", cells(head.map(str::to_owned)))];
        for (step, comparison) in figures.by_step.iter().enumerate().filter(|&(step, _)| shown(step + 1, self.horizon))
        {
            let Some(Comparison { model, naive }) = comparison else { continue };
            let [mae, naive_mae] = [model, naive].map(|of| digits.write(of.mae));
            let [pinball, naive_pinball] = [model, naive].map(|of| digits.write(of.mean_pinball));
            let covered = model.coverage.first().map_or("-".into(), |of| percent(of.found));
            lines.push(cells([(step + 1).to_string(), mae, naive_mae, pinball, naive_pinball, covered]));
        }
        lines
    }

    /// The figures as `--json` prints them and a run's folder keeps them.
    pub(crate) fn object(&self, figures: &Figures) -> Value {
        let by_step: Vec<Value> = (1..)
            .zip(&figures.by_step)
            .filter_map(|(step, of)| {
                let of = of.as_ref()?;
                Some(json!({"step": step, "model": metrics(&of.model), "naive": metrics(&of.naive)}))
            })
            .collect();
        json!({
            "event": "backtest", "origins": figures.forecasts.len(), "every": self.every, "horizon": self.horizon,
            "start": self.start.describe(&self.scaled.set), "season": self.season, "levels": levels(&self.levels),
            "model": metrics(&figures.overall.model), "naive": metrics(&figures.overall.naive),
            "raw": figures.raw.as_ref().map(metrics),
            "last_value": figures.last_value.as_ref().map(metrics), "by_step": by_step,
            "mean_over_series": figures.by_series.object(),
            "beats_naive": beats(&figures.overall.model, &figures.overall.naive),
        })
    }
}

/// Better in both: in the point forecast and over all quantiles.
fn beats(model: &Metrics, naive: &Metrics) -> bool {
    model.mae < naive.mae && model.mean_pinball < naive.mean_pinball
}

fn conclusion(figures: &Figures, season: usize) -> Vec<String> {
    let says = |naive: &Metrics, name: &str| {
        let model = &figures.overall.model;
        let verb = if beats(model, naive) { "beats" } else { "does NOT beat" };
        let figures = [("MAE", model.mae, naive.mae), ("pinball loss", model.mean_pinball, naive.mean_pinball)];
        let part = |(name, model, naive): (&str, f64, f64)| match naive {
            naive if naive > 0.0 => format!("its {name} is {}% of that forecast's", significant(100.0 * model / naive)),
            _ if model == 0.0 => format!("its {name} is 0, as that forecast's"),
            _ => format!("its {name} is above that forecast's, which is 0"),
        };
        format!("the model {verb} {name}: {}", figures.map(part).join(", "))
    };
    let seasonal = match season {
        1 => "the naive forecast, the last value again".to_owned(),
        _ => format!("the seasonal naive forecast (season {season})"),
    };
    let last = figures.last_value.as_ref().map(|naive| says(naive, "the last value again (season 1)"));
    [Some(says(&figures.overall.naive, &seasonal)), last].into_iter().flatten().collect()
}

fn metrics(of: &Metrics) -> Value {
    let coverage: Vec<Value> = of
        .coverage
        .iter()
        .map(|of| json!({"lower": decimal(of.lower), "expected": round(of.expected), "found": of.found}))
        .collect();
    json!({
        "values": of.values, "mae": of.mae, "mase": of.mase, "pinball": of.pinball, "mean_pinball": of.mean_pinball,
        "coverage": coverage,
    })
}

/// Levels as they were written: 0.1, and not the number of 32 bits next to it.
pub(crate) fn levels(levels: &[f32]) -> Vec<f64> {
    levels.iter().copied().map(decimal).collect()
}

/// To a millionth or so: what is 0.8 in decimals looks so.
fn round(number: f64) -> f64 {
    if number.abs() > 1.0 { (number * 10.0).round() / 10.0 } else { (number * 1e6).round() / 1e6 }
}

/// All steps of a short horizon; of a long one the first, the last and some between.
fn shown(step: usize, horizon: usize) -> bool {
    let every = horizon.div_ceil(ROWS_MAX);
    step == 1 || step == horizon || step.is_multiple_of(every)
}

fn row(name: &str, [model, naive]: [String; 2]) -> String {
    format!("{name:32} {model:>10} {naive:>18}")
}

fn cells([step, rest @ ..]: [String; 6]) -> String {
    let rest: String = rest.iter().map(|cell| format!(" {cell:>9}")).collect();
    format!("{step:>5}{rest}")
}

fn percent(part: f64) -> String {
    format!("{:.1}%", 100.0 * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_horizon_is_shown_in_part() {
        let steps = |horizon| (1..=horizon).filter(|&step| shown(step, horizon)).collect::<Vec<_>>();
        assert_eq!(steps(3), [1, 2, 3]);
        assert_eq!(steps(24), [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]);
        assert_eq!(steps(1), [1]);
    }

    #[test]
    fn levels_are_decimals() {
        assert_eq!(levels(&[0.1, 0.975]), [0.1, 0.975]);
    }
}
