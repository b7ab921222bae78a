//! `elman train echo`: say random bits again, some steps later.
//!
//! The bits come in parallel streams, and the network reads them in pieces of a few steps. What was heard before a piece
//! only the carried state knows: without it the first steps of a piece cannot be right.

pub(crate) mod flags;
mod picture;
pub(crate) mod settings;

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use elman::{
    EchoPieces, Ensemble, Error, Evaluation, Head, Heard, Meaning, Model, Predictor, Purpose, Random, Sequences,
    Trainer,
};
use serde_json::json;

use self::flags::EchoArgs;
use self::settings::EchoSettings;
use crate::flags::diagnose::DiagnoseArgs;
use crate::flags::eval::EvalArgs;
use crate::flags::tune::Tuned;
use crate::folder;
use crate::jobs::figures::{self, Figure, report, test_figures, with_validation};
use crate::jobs::job::{Follow, Job};
use crate::jobs::several::{self, Asked};
use crate::output::Output;
use crate::run::fingerprint::Fingerprint;
use crate::run::held::Resumed;
use crate::run::{self, Begin, Reading, Task, Watch};
use crate::settings::{JobSettings, Settings};
use crate::shown::amounts::thousands;

/// The picture in the run's folder.
const PICTURE: &str = "echo.svg";

/// Which of the independent series of a seed.
#[derive(Clone, Copy)]
enum Part {
    Training,
    Validation,
    Test,
}

/// Say random bits again.
pub(crate) struct EchoJob;

impl Job for EchoJob {
    const ABOUT: &'static str = "Repeat random bits some steps later: what a state is for";
    const FIGURES: &'static [Figure] = figures::OF_CLASSES;

    type Flags = EchoArgs;
    type Settings = EchoSettings;

    fn tuned(flags: &mut EchoArgs) -> &mut Tuned {
        &mut flags.repeat.tuned
    }

    fn train(args: &EchoArgs) -> anyhow::Result<()> {
        let mut settings = Settings::<EchoSettings>::new(&args.common)?;
        let job = &mut settings.job;
        job.series_length = args.series_length.unwrap_or(job.series_length);
        job.echo_step = args.echo_step.unwrap_or(job.echo_step);
        job.sequence_length = args.sequence_length.unwrap_or(job.sequence_length);
        job.reset_state |= args.reset_state;
        let asked = Asked::of(&args.common, &args.repeat);
        several::train::<Self, _>(settings, (), &asked, run)
    }

    fn resume(resumed: Resumed) -> anyhow::Result<()> {
        several::resume::<Self, _>(resumed, run)
    }

    fn eval(args: &EvalArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
        let series = test_series(&args.run, args.data.as_deref())?;
        let settings = Settings::<EchoSettings>::read(&args.run.join(folder::CONFIG))?;
        let window = settings.job.sequence_length;
        let mut predictor = Predictor::new(model, threads);
        let test = match settings.job.reset_state {
            true => predictor.evaluate(&EchoPieces { series: &series, window })?,
            false => predictor.evaluate_streams(&series, window)?,
        };
        report(output, &test, &format!("the model {} is damaged", args.run.display()))
    }

    fn diagnose(args: &DiagnoseArgs, _: &Model, window: usize, follow: &mut Follow<'_>) -> anyhow::Result<()> {
        let series = test_series(&args.run, args.data.as_deref())?;
        follow(&EchoPieces { window: window.min(series.steps()), series: &series })
    }
}

fn run(settings: Settings<EchoSettings>, (): (), begin: Begin<'_>, mut output: Output) -> anyhow::Result<()> {
    let settings = &settings;
    EchoSettings::check_with(settings)?;
    let (training, window) = (&settings.training, settings.job.sequence_length);
    let data = series(settings, Part::Training)?;
    let (stack, head) = (settings.network.stack(1)?, Head::every_step(2));
    let mut model = training.model(&settings.optimization, stack, head, window, data.len())?;
    model.meaning = Some(Meaning::Echo);
    let mut trainer = training.trainer(model, &settings.optimization)?.batch_size(data.len());
    let what = format!(
        "{} bits in {} streams, echoed after {} steps; pieces of {window} steps, the state {}\n{}",
        thousands(data.bits.len() as u64),
        data.len(),
        data.delay,
        if settings.job.reset_state { "reset at each" } else { "carried from each to the next" },
        run::describe(&trainer, window, data.bits.len())?,
    );
    let task = Task {
        name: format!("echo-{}", settings.network.cell),
        settings: settings.to_toml()?,
        data: &data,
        // The bits are made from the seed.
        fingerprint: Fingerprint::default(),
        reading: Reading::Streams { window, carry: !settings.job.reset_state },
        training,
        stopping: settings.optimization.early_stopping()?,
        remark: what,
    };
    let mut watch = Listener { series: series(settings, Part::Validation)?, window, reset: settings.job.reset_state };
    let trained = run::train(begin, &task, &mut trainer, &mut watch, &mut output)?;
    let listener = Listener { series: series(settings, Part::Test)?, ..watch };
    let test = listener.evaluate(&mut trainer)?;
    let heard = Heard::new(&listener.series, window, &Arc::new(trainer.into_model()))?;
    picture::draw(&trained.folder.join(PICTURE), &heard, &listener.series)?;
    let own = if listener.reset { &heard.reset } else { &heard.carried };
    let by_step: Vec<String> = own.iter().map(|accuracy| format!("{accuracy:.2}")).collect();
    let object = json!({"event": "by_step", "accuracy": own, "reset_state": listener.reset});
    output.result(format_args!("right at each step of a piece: {}", by_step.join(" ")), &object)?;
    report(&mut output, &test, "the last steps have left the finite numbers. Try a smaller learning rate")?;
    trained.finish(&test_figures(&test))
}

/// The series that a run is tested on.
fn test_series(run: &Path, data: Option<&Path>) -> anyhow::Result<elman::Echo> {
    let config = run.join(folder::CONFIG);
    if data.is_some() || !config.exists() {
        bail!("the bits of an echo are made from the seed of a run; name its folder, without --data");
    }
    Ok(series(&Settings::<EchoSettings>::read(&config)?, Part::Test)?)
}

/// One of the series that a seed gives.
fn series(settings: &Settings<EchoSettings>, part: Part) -> Result<elman::Echo, Error> {
    let EchoSettings { series_length, echo_step, .. } = settings.job;
    let streams = settings.training.streams()?;
    elman::Echo::new(
        series_length,
        streams,
        echo_step,
        &mut Random::at(settings.training.seed, Purpose::Data, part as u64, 0),
    )
}

/// Hears a series as the network was trained: piece by piece, with the state carried or not.
struct Listener {
    series: elman::Echo,
    window: usize,
    reset: bool,
}

impl Listener {
    fn evaluate(&self, trainer: &mut Trainer) -> Result<Evaluation, Error> {
        if self.reset {
            return trainer.evaluate(&EchoPieces { series: &self.series, window: self.window });
        }
        trainer.evaluate_streams(&self.series, self.window)
    }
}

impl Watch for Listener {
    fn validate(&mut self, trainer: &mut Trainer) -> Result<Option<Evaluation>, Error> {
        self.evaluate(trainer).map(Some)
    }

    fn line(&self, epoch: &elman::Epoch, validation: Option<&Evaluation>) -> String {
        with_validation(epoch, validation)
    }

    fn unit(&self) -> &'static str {
        "bits"
    }
}
