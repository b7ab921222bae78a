//! `--recipe`: what a forecast is relative to, how large the network is, and how its answer is settled after training.

use clap::{Args, ValueEnum};
use elman::datasets::series::SeriesSet;
use elman::series::{Base, Choice, Cut, Drawn, Relative, Smoothing};
use elman::{BatchSize, Error};
use serde::{Deserialize, Serialize};

use super::settings::SeriesSettings;
use super::sizes::Open;
use crate::options::Value;
use crate::settings::Settings;
use crate::settings::precedence::set_option;
use crate::shown::digits::significant;

/// Who decides what a flag does not say.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Recipe {
    /// The data.
    Auto,
    /// Nobody: each series scaled as a whole, and the network alone.
    Plain,
}

/// Values, or their logarithms.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transform {
    None,
    Log,
}

/// What a network's inputs and answers are divided by.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scale {
    Relative,
    Global,
}

/// By how much of a width an interval moves with each value that comes.
const RATE: f64 = 0.1;

/// Settings of the recipe, and flags of the same names; what none says, the data decides. A file from before there were
/// recipes has none of them, and is plain.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
#[command(next_help_heading = "Recipe")]
pub(crate) struct RecipeSettings {
    /// auto: forecast relative to a base forecast, the network sized, mixed and calibrated by validation; plain: each series
    /// scaled by its mean and deviation, and the network alone [default: auto]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "auto|plain")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recipe: Option<Recipe>,
    /// What the forecast is relative to, weighted by their errors: last, seasonal, or rates of exponential smoothing as
    /// "level=0.5 drift=1 season=0.3" [default: the best of some hundred over rolling forecasts before the test]
    #[arg(long, value_name = "WAYS", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<Vec<Smoothing>>,
    /// How much a naive forecast counts beside the ways of the base: last=0.25, seasonal=0.5 [default: as unsure as it is by the
    /// rolling forecasts that the base is better; nothing with --base]
    #[arg(long, value_name = "WAY=X")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) draw: Option<Drawn>,
    /// What the network reads and answers: relative to the base forecast, or scaled as a whole by the mean and deviation of
    /// its series [default: the better in validation for 600 windows and more; else, and with --base, relative]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "relative|global")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scaling: Option<Scale>,
    /// Forecast values or their logarithms: none or log [default: the one whose base forecast is better]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "none|log")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transform: Option<Transform>,
    /// How much of the network's answer counts beside the base forecast, 0 to 1 [default: what is best in validation]
    #[arg(long, value_name = "X")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blend: Option<f64>,
    /// Widen or narrow the intervals by what came in validation: true or false [default: true]
    #[arg(long, value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) calibrate: Option<bool>,
    /// Move the intervals with each value that comes after validation, by so much of their width; 0: never [default: 0.1]
    #[arg(long, value_name = "X")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) adapt: Option<f64>,
    /// No forecast is below 0: true or false [default: whether the series has zeros and nothing below; false if plain]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) non_negative: Option<bool>,
    /// Forecasts are whole numbers
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) integer: bool,
}

impl RecipeSettings {
    /// With a value for everything that may be absent.
    pub(super) fn full() -> Self {
        RecipeSettings {
            recipe: Some(Recipe::Auto),
            base: Some(Vec::new()),
            draw: Some(Drawn { to: Smoothing::LAST, by: 0.5 }),
            scaling: Some(Scale::Relative),
            transform: Some(Transform::None),
            blend: Some(1.0),
            calibrate: Some(true),
            adapt: Some(RATE),
            non_negative: Some(true),
            integer: true,
        }
    }

    /// Puts flags before the settings. What nobody says is auto, but plain in a file that does not name a recipe.
    pub(super) fn set(&mut self, args: &Self, of_file: bool) {
        set_option(&mut self.recipe, &args.recipe);
        if self.recipe.is_none() && !of_file {
            self.recipe = Some(Recipe::Auto);
        }
        set_option(&mut self.base, &args.base);
        set_option(&mut self.draw, &args.draw);
        set_option(&mut self.scaling, &args.scaling);
        set_option(&mut self.transform, &args.transform);
        set_option(&mut self.blend, &args.blend);
        set_option(&mut self.calibrate, &args.calibrate);
        set_option(&mut self.adapt, &args.adapt);
        set_option(&mut self.non_negative, &args.non_negative);
        self.integer |= args.integer;
    }

    pub(crate) fn is_auto(&self) -> bool {
        self.recipe == Some(Recipe::Auto)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let set = [
            ("base", self.base.is_some()),
            ("draw", self.draw.is_some()),
            ("scaling", self.scaling.is_some()),
            ("transform", self.transform.is_some()),
            ("blend", self.blend.is_some()),
            ("calibrate", self.calibrate.is_some()),
            ("adapt", self.adapt.is_some()),
        ];
        if let (false, Some((what, _))) = (self.is_auto(), set.into_iter().find(|(_, set)| *set)) {
            let expected = "a recipe that has it: --recipe auto".into();
            return Err(Error::Setting { what, found: "given, and the recipe is plain".into(), expected });
        }
        for (what, value) in [("blend", self.blend), ("adapt", self.adapt)] {
            if let Some(value) = value.filter(|value| !(0.0..=1.0).contains(value)) {
                return Err(Error::Setting { what, found: value.to_string(), expected: "a number from 0 to 1".into() });
            }
        }
        if self.base.as_ref().is_some_and(Vec::is_empty) {
            let expected = "at least one way to smooth, such as last".into();
            return Err(Error::Setting { what: "base", found: "[]".into(), expected });
        }
        Ok(())
    }

    /// At which rate intervals follow what comes; None where they are left as they are.
    pub(super) fn rate(&self) -> Option<f64> {
        self.calibrate.unwrap_or(true).then(|| self.adapt.unwrap_or(RATE))
    }
}

/// The base forecast that the settings or the data choose; kept with the settings. Beside it what there is to say.
///
/// # Errors
/// If a logarithm is asked for of what is not above 0.
pub(super) fn base(
    job: &mut SeriesSettings,
    set: &SeriesSet,
    cut: Cut,
    season: usize,
) -> Result<(Relative, String), Error> {
    let log = job.recipe.transform.map(|of| of == Transform::Log);
    let horizon = job.horizon;
    let Choice { base, error, other, seasonal, origins, gain } = Base::choose(set, cut.test, season, horizon, log)?;
    let mut said = "recipe auto: relative to ".to_owned();
    let base = match &job.recipe.base {
        Some(ways) => Base { ways: ways.clone(), drawn: job.recipe.draw, ..base },
        None => Base { drawn: job.recipe.draw.or(base.drawn), ..base },
    };
    if let Some(drawn) = base.drawn
        && !base.ways.contains(&drawn.to)
    {
        let expected = format!("one of the ways of the base: --base {},{}", ways_in_words(&base), drawn.to);
        return Err(Error::Setting { what: "draw", found: drawn.to_string(), expected });
    }
    said += &format!("{}{}", ways_in_words(&base).replace(',', ", "), if base.log { ", in logarithms" } else { "" });
    if job.recipe.base.is_none() {
        let percent = |error: f64| format!("{}%", significant(100.0 * error));
        said +=
            &format!("; over {origins} rolling forecasts the best has {} of the last value's error", percent(error));
        if let Some(seasonal) = seasonal {
            said += &format!(", the last season {}", percent(seasonal));
        }
        if let Some(other) = other {
            said += &format!(", {} {}", if base.log { "without logarithms" } else { "in logarithms" }, percent(other));
        }
    }
    if let Some(Drawn { to, by }) = base.drawn {
        let name = if to == Smoothing::LAST { "the last value" } else { "the last season" };
        said += &format!("; {:.0}% of the base is {name}", 100.0 * by);
        if job.recipe.base.is_none() && job.recipe.draw.is_none() {
            let [mean, error] = [gain.mean, gain.error].map(|of| format!("{:.1}", 100.0 * of));
            said += &format!(", over which the others gain {mean}% ± {error}");
        }
    }
    job.recipe.non_negative.get_or_insert_with(|| touches_zero(set));
    if job.recipe.non_negative == Some(true) {
        said += "; no forecast below 0";
    }
    job.recipe.transform = Some(if base.log { Transform::Log } else { Transform::None });
    job.recipe.base = Some(base.ways.clone());
    job.recipe.draw = base.drawn;
    Ok((Relative::to(base), said))
}

/// The ways as `--base` takes them.
fn ways_in_words(base: &Base) -> String {
    base.ways.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Whether 0 is where the values end: some are there, and none is below.
fn touches_zero(set: &SeriesSet) -> bool {
    let values = set.series.iter().flat_map(|series| series.target.iter().map(|&y| series.centre() + f64::from(y)));
    let least = values.fold(f64::INFINITY, f64::min);
    least == 0.0
}

/// Sizes the network and its training for so many windows, where nobody has chosen.
pub(super) fn sized(settings: &mut Settings<SeriesSettings>, windows: usize, open: Open) -> String {
    let hidden = match windows {
        0..=149 => 16,
        150..=599 => 32,
        600..=1999 => 64,
        _ => 128,
    };
    if open.hidden {
        settings.network.hidden_size = hidden;
    }
    let batch = match settings.training.batch_size {
        BatchSize::Rows(rows) => rows,
        BatchSize::Full => windows,
    };
    let steps = windows.div_ceil(batch.max(1)).max(1) as u64;
    if open.epochs {
        settings.training.num_epoch = settings.training.num_epoch.max(STEPS_LEAST.div_ceil(steps)).min(EPOCHS_MOST);
    }
    if open.patience {
        // As many steps without a better validation as thirty epochs of a long series have.
        let patience = (STEPS_LEAST / 6).div_ceil(steps).clamp(5, 30);
        settings.optimization = settings.optimization.clone().with("early_stopping", Value::Count(patience));
    }
    format!("{} of {} units for {windows} windows", settings.network.cell, settings.network.hidden_size)
}

/// Steps of training at least, and epochs at most.
const STEPS_LEAST: u64 = 600;
const EPOCHS_MOST: u64 = 120;
