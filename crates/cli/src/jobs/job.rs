//! What a job is: what `train` and the other commands ask of it.

use std::fmt;

use anyhow::bail;
use clap::{ArgMatches, Args, Command, FromArgMatches as _};
use elman::{Ensemble, Labelled, Model};

use super::figures::Figure;
use crate::flags::diagnose::DiagnoseArgs;
use crate::flags::eval::EvalArgs;
use crate::flags::forecast::ForecastArgs;
use crate::flags::predict::PredictArgs;
use crate::flags::sample::SampleArgs;
use crate::flags::tune::Tuned;
use crate::flags::{defaults, names, numbers};
use crate::output::Output;
use crate::run::held::Resumed;
use crate::settings::{JobSettings, Settings};

/// A job of `elman train`. What it does not say is the same for all jobs.
pub(crate) trait Job {
    /// What the help of `train` says of it.
    const ABOUT: &'static str;

    /// The figures of its test that `elman compare` has columns for.
    const FIGURES: &'static [Figure] = &[];

    /// The flags that it has for itself, with those of all jobs.
    type Flags: Args;

    /// The settings that it has for itself.
    type Settings: JobSettings;

    /// What of its flags says how its settings are looked for.
    fn tuned(flags: &mut Self::Flags) -> &mut Tuned;

    /// Trains, tests, and leaves the run's folder behind.
    fn train(flags: &Self::Flags) -> anyhow::Result<()>;

    /// The same for a run that goes on.
    fn resume(resumed: Resumed) -> anyhow::Result<()>;

    /// `elman eval` of a run.
    fn eval(args: &EvalArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()>;

    /// `elman predict` of a run.
    fn predict(args: &PredictArgs, _model: Ensemble, _threads: usize, _output: &mut Output) -> anyhow::Result<()> {
        bail!(
            "{} is a run of job {:?}, which has nothing to predict from a file",
            args.run.display(),
            Self::Settings::JOB
        )
    }

    /// `elman sample` of a run, if the job has samples.
    const SAMPLE: Option<Use<SampleArgs>> = None;

    /// `elman forecast` of a run, if the job has forecasts.
    const FORECAST: Option<Use<ForecastArgs>> = None;

    /// `elman diagnose` of a run: hands `follow`, which follows gradients back through it, what the run is tested on, or the
    /// same of other data. Streams are cut into sequences of `window` steps.
    fn diagnose(args: &DiagnoseArgs, model: &Model, window: usize, follow: &mut Follow<'_>) -> anyhow::Result<()>;
}

/// A [`Job`] among others: its type is forgotten.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) figures: &'static [Figure],
    /// Its command, without defaults.
    pub(crate) command: fn() -> Command,
    /// The same command with its defaults in the help, and the names that other programs have for its flags. Clap asks for
    /// that once the job is named, not at every start.
    pub(crate) complete: fn(Command) -> Command,
    /// Reads the text of a configuration, and returns it with all settings.
    pub(crate) read_config: fn(origin: &str, text: &str) -> anyhow::Result<String>,
    pub(crate) train: fn(&ArgMatches) -> anyhow::Result<()>,
    /// The same by the flags of `elman tune`.
    pub(crate) tune: fn(&ArgMatches) -> anyhow::Result<()>,
    pub(crate) resume: fn(Resumed) -> anyhow::Result<()>,
    pub(crate) eval: Answer<EvalArgs>,
    pub(crate) predict: Answer<PredictArgs>,
    pub(crate) sample: Option<Use<SampleArgs>>,
    pub(crate) forecast: Option<Use<ForecastArgs>>,
    pub(crate) diagnose: Diagnosed,
}

/// [`Job::eval`] or [`Job::predict`]
type Answer<A> = fn(&A, Ensemble, usize, &mut Output) -> anyhow::Result<()>;

/// [`Job::SAMPLE`] or [`Job::FORECAST`]
pub(crate) type Use<A> = fn(&A, Ensemble, &mut Output) -> anyhow::Result<()>;

/// [`Job::diagnose`]
type Diagnosed = fn(&DiagnoseArgs, &Model, usize, &mut Follow<'_>) -> anyhow::Result<()>;

/// What is done with the data that is followed.
pub(crate) type Follow<'a> = dyn FnMut(&dyn Labelled) -> anyhow::Result<()> + 'a;

impl Entry {
    pub(crate) const fn of<J: Job>() -> Self {
        Entry {
            name: J::Settings::JOB,
            figures: J::FIGURES,
            command: || J::Flags::augment_args(Command::new(J::Settings::JOB)).about(J::ABOUT).long_about(None),
            complete: |command| {
                #[expect(clippy::expect_used, reason = "the defaults are ours, whatever the user says")]
                let table = Settings::<J::Settings>::default_table().expect("settings of our own are a table");
                names::with_names_of_training(numbers::negative(defaults::shown(command, &table)))
            },
            read_config: |origin, text| Settings::<J::Settings>::of_new_run(origin, text)?.to_toml(),
            train: |given| J::train(&J::Flags::from_arg_matches(given).unwrap_or_else(|error| error.exit())),
            tune: |given| {
                let mut flags = J::Flags::from_arg_matches(given).unwrap_or_else(|error| error.exit());
                *J::tuned(&mut flags) = Tuned::of(given).unwrap_or_else(|error| error.exit());
                J::train(&flags)
            },
            resume: J::resume,
            eval: J::eval,
            predict: J::predict,
            sample: J::SAMPLE,
            forecast: J::FORECAST,
            diagnose: J::diagnose,
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
