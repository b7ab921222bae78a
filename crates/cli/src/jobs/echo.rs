//! `elman train echo`: say random bits again, some steps later.
//!
//! The bits come in parallel streams, and the network reads them in pieces of a few steps. What was heard before a piece
//! only the carried state knows: without it the first steps of a piece cannot be right.

use std::path::Path;

use anyhow::bail;
use elman::{
    BatchSize, Error, Evaluation, Head, Labelled, Model, Predictor, Purpose, Random, Sequences, StepClass, Target,
    Trainer,
};
use ndarray::{Array2, Array3, Axis as Along, s};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::{EchoArgs, EvalArgs};
use crate::fingerprint::Fingerprint;
use crate::network::NetworkConfig;
use crate::optimization::OptimizationConfig;
use crate::output::{Output, report, test_figures, thousands, with_validation};
use crate::picture::axis::Axis;
use crate::picture::canvas::{BLUE, GREEN, INK, PALE_INK, VERMILION, axes, key, px, stroke, style, svg, text, write};
use crate::resume::Resumed;
use crate::run::{self, Begin, Plan, Reading, Watch};
use crate::run_folder;
use crate::settings::{Job, Settings};
use crate::training::TrainingConfig;

/// The picture in the run's folder.
const PICTURE: &str = "echo.svg";

/// Streams, and steps of all of them, that are looked at step by step.
const STREAMS_MAX: usize = 100;
const STEPS_MAX: usize = 50_000;

/// Steps that the picture shows.
const SHOWN: usize = 60;

/// The job's own settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Echo {
    /// Bits to train on.
    series_length: usize,
    echo_step: usize,
    /// Steps of a piece.
    sequence_length: usize,
    reset_state: bool,
}

/// Those of Hallström's tutorial.
impl Default for Echo {
    fn default() -> Self {
        Echo { series_length: 50_000, echo_step: 3, sequence_length: 15, reset_state: false }
    }
}

impl Job for Echo {
    const NAME: &'static str = "echo";

    fn defaults() -> Settings<Self> {
        let training = TrainingConfig {
            batch_size: BatchSize::Rows(5),
            num_epoch: 100,
            batch_per_log: 100,
            ..TrainingConfig::default()
        };
        let network = NetworkConfig { hidden_size: 4, ..NetworkConfig::default() };
        let optimization = OptimizationConfig::new("adagrad", 0.3);
        Settings { job: Echo::default(), training, optimization, network }
    }

    fn full() -> Self {
        Echo::default()
    }

    /// The library refuses what cannot echo.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The bits are the data: all is known.
    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()> {
        let Echo { series_length, echo_step, sequence_length, .. } = settings.job;
        let steps = elman::Echo::steps_of(series_length, settings.training.streams()?, echo_step)?;
        settings.network.stack(1)?;
        // Before anything is measured by it.
        if !(1..=steps).contains(&sequence_length) {
            let (found, expected) = (sequence_length.to_string(), format!("1 to {steps}, the steps of the data"));
            return Err(Error::Setting { what: "the window", found, expected }.into());
        }
        Ok(())
    }

    fn check_without_data(settings: &Settings<Self>) -> Result<(), Error> {
        settings.network.stack(1)?.check_streams()
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(self.clone())
    }
}

/// Which of the independent series of a seed.
#[derive(Clone, Copy)]
enum Part {
    Training,
    Validation,
    Test,
}

/// Trains, evaluates, and leaves the run's folder behind.
pub(crate) fn train(args: &EchoArgs) -> anyhow::Result<()> {
    let mut settings = Settings::<Echo>::new(&args.common)?;
    let job = &mut settings.job;
    job.series_length = args.series_length.unwrap_or(job.series_length);
    job.echo_step = args.echo_step.unwrap_or(job.echo_step);
    job.sequence_length = args.sequence_length.unwrap_or(job.sequence_length);
    job.reset_state |= args.reset_state;
    run(&settings, Begin::New(args.common.out.as_deref()), Output::new(args.common.output))
}

/// The same for a run that goes on.
pub(crate) fn resume(resumed: Resumed) -> anyhow::Result<()> {
    run(&resumed.settings()?, Begin::Again(resumed.held), resumed.output)
}

fn run(settings: &Settings<Echo>, begin: Begin<'_>, mut output: Output) -> anyhow::Result<()> {
    Echo::check_with(settings)?;
    let (training, window) = (&settings.training, settings.job.sequence_length);
    let data = series(settings, Part::Training)?;
    let (stack, head) = (settings.network.stack(1)?, Head::every_step(2));
    let mut model = training.model(&settings.optimization, stack, head, window, data.len())?;
    model.job = Some(json!({"job": Echo::NAME}));
    let mut trainer = training.trainer(model, &settings.optimization)?.batch_size(data.len());
    let what = format!(
        "{} bits in {} streams, echoed after {} steps; pieces of {window} steps, the state {}\n{}",
        thousands(data.bits.len() as u64),
        data.len(),
        data.delay,
        if settings.job.reset_state { "reset at each" } else { "carried from each to the next" },
        run::describe(&trainer, window, data.bits.len())?,
    );
    let plan = Plan {
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
    let trained = run::train(begin, &plan, &mut trainer, &mut watch, &mut output)?;
    let listener = Listener { series: series(settings, Part::Test)?, ..watch };
    let test = listener.evaluate(&mut trainer)?;
    let heard = Heard::new(&listener, trainer.model())?;
    draw(&trained.folder.join(PICTURE), &heard, &listener.series)?;
    let own = if listener.reset { &heard.reset } else { &heard.carried };
    let by_step: Vec<String> = own.iter().map(|accuracy| format!("{accuracy:.2}")).collect();
    let object = json!({"event": "by_step", "accuracy": own, "reset_state": listener.reset});
    output.result(format_args!("right at each step of a piece: {}", by_step.join(" ")), &object)?;
    report(&mut output, &test, "the last steps have left the finite numbers. Try a smaller learning rate")?;
    trained.finish(&test_figures(&test))
}

/// `elman eval` of a run: on the test series of its seed.
pub(crate) fn eval(args: &EvalArgs, model: Model, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let series = test_series(&args.run, args.data.as_deref())?;
    let settings = Settings::<Echo>::read(&args.run.join(run_folder::CONFIG))?;
    let window = settings.job.sequence_length;
    let mut predictor = Predictor::new(model, threads);
    let test = match settings.job.reset_state {
        true => predictor.evaluate(&Pieces { series: &series, window })?,
        false => predictor.evaluate_streams(&series, window)?,
    };
    report(output, &test, &format!("the model {} is damaged", args.run.display()))
}

/// The series that a run is tested on.
pub(crate) fn test_series(run: &Path, data: Option<&Path>) -> anyhow::Result<elman::Echo> {
    let config = run.join(run_folder::CONFIG);
    if data.is_some() || !config.exists() {
        bail!("the bits of an echo are made from the seed of a run; name its folder, without --data");
    }
    Ok(series(&Settings::<Echo>::read(&config)?, Part::Test)?)
}

/// One of the series that a seed gives.
fn series(settings: &Settings<Echo>, part: Part) -> Result<elman::Echo, Error> {
    let Echo { series_length, echo_step, .. } = settings.job;
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
            return trainer.evaluate(&Pieces { series: &self.series, window: self.window });
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

/// The pieces of all streams, each a sequence by itself.
pub(crate) struct Pieces<'a> {
    pub(crate) series: &'a elman::Echo,
    /// Steps of a piece.
    pub(crate) window: usize,
}

impl Pieces<'_> {
    /// The stream of a piece, and its first step there.
    fn place(&self, row: usize) -> (usize, usize) {
        let pieces = self.series.steps().div_ceil(self.window);
        (row / pieces, row % pieces * self.window)
    }
}

impl Sequences for Pieces<'_> {
    fn len(&self) -> usize {
        self.series.len() * self.series.steps().div_ceil(self.window)
    }
    fn steps(&self) -> usize {
        self.window
    }
    fn input(&self) -> usize {
        1
    }
    fn length(&self, row: usize) -> usize {
        self.window.min(self.series.steps() - self.place(row).1)
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        let (stream, start) = self.place(row);
        self.series.read(stream, start + step, x);
    }
}

impl Labelled for Pieces<'_> {
    fn target(&self) -> Target<'_> {
        Target::StepClasses(self)
    }
}

impl StepClass for Pieces<'_> {
    fn class(&self, row: usize, step: usize) -> usize {
        let (stream, start) = self.place(row);
        self.series.class(stream, start + step)
    }
}

/// What the network says of a series, with the state carried from piece to piece and without.
struct Heard {
    /// Probability of a 1 at the first steps of the first stream, carried.
    first: Vec<f32>,
    /// Share of the pieces that are right at each of their steps.
    carried: Vec<f64>,
    reset: Vec<f64>,
}

impl Heard {
    fn new(listener: &Listener, model: &Model) -> Result<Self, Error> {
        let (series, window) = (&listener.series, listener.window);
        let network = model.network();
        let (kernel, bias) = model.head_arrays();
        // Log odds of a 1, [N, T].
        let odds = |xs: Array3<f32>| -> Result<Array2<f32>, Error> {
            let (outputs, _) = network.dynamic_rnn(xs.view()).run()?;
            let (weights, bias) = (&kernel.column(1) - &kernel.column(0), bias[1] - bias[0]);
            Ok(outputs.map_axis(Along(2), |h| h.dot(&weights) + bias))
        };
        // Whole pieces alone, and no more than tell the share: all outputs are held at once.
        let rows = series.len().min(STREAMS_MAX);
        let pieces = (series.steps() / window).min((STEPS_MAX / (rows * window)).max(1));
        let bits = series.bits.slice(s![..rows, ..pieces * window]).mapv(f32::from);
        let (streams, steps) = bits.dim();
        let cut = |array: Array2<f32>| array.into_shape_with_order((streams * pieces, window)).unwrap_or_default();
        let whole = odds(bits.clone().insert_axis(Along(2)))?;
        let first = whole.row(0).iter().take(SHOWN).map(|odds| 1.0 / (1.0 + (-odds).exp())).collect();
        let labels = cut(Array2::from_shape_fn((streams, steps), |(row, t)| series.class(row, t) as f32));
        let right = |odds: Array2<f32>| -> Vec<f64> {
            let right = |(&odds, &label): (&f32, &f32)| (odds > 0.0) == (label > 0.5);
            let columns = odds.columns().into_iter().zip(labels.columns());
            columns
                .map(|(odds, labels)| odds.iter().zip(labels).filter(|&pair| right(pair)).count())
                .map(|count| count as f64 / labels.nrows() as f64)
                .collect()
        };
        let carried = right(cut(whole));
        let reset = right(odds(cut(bits).insert_axis(Along(2)))?);
        Ok(Heard { first, carried, reset })
    }
}

/// The first steps, and how often the network is right at each step of a piece.
fn draw(path: &Path, heard: &Heard, series: &elman::Echo) -> anyhow::Result<()> {
    let size = (900, 620);
    let left = 64;
    let picture = svg(size, |root| {
        text(root, &format!("Echo after {} steps", series.delay), (left, 26), HPos::Left, &style(20, INK))?;
        let (_, rest) = root.split_vertically(px(44));
        let (upper, lower) = rest.split_vertically(px(300));
        // The bit, its echo and the answer, one above the other.
        let mut chart = ChartBuilder::on(&upper)
            .margin_top(px(30))
            .margin_right(px(22))
            .margin_left(px(12))
            .x_label_area_size(px(42))
            .y_label_area_size(px(left - 12))
            .build_cartesian_2d(Axis::count(heard.first.len() as f64), Axis::linear(-0.2, 3.7))?;
        chart
            .configure_mesh()
            .x_desc("step")
            .disable_y_mesh()
            .disable_y_axis()
            .label_style(style(13, INK))
            .axis_desc_style(style(15, INK))
            .draw()?;
        let shown = 0..heard.first.len();
        let line = |floor: f64, value: &dyn Fn(usize) -> f64| -> Vec<(f64, f64)> {
            let steps = shown.clone();
            steps.flat_map(|t| [(t as f64, floor + value(t)), (t as f64 + 1.0, floor + value(t))]).collect()
        };
        let bit = line(2.5, &|t| f64::from(series.bits[[0, t]]));
        let echo = line(1.25, &|t| series.class(0, t) as f64);
        let answer = line(0.0, &|t| f64::from(heard.first[t]));
        for (points, color) in [(bit, PALE_INK), (echo, GREEN), (answer, BLUE)] {
            chart.draw_series(LineSeries::new(points, stroke(color, 1.8)))?;
        }
        key(&upper, (left, 15), &[("bit", PALE_INK), ("its echo", GREEN), ("the network's probability of a 1", BLUE)])?;

        let mut chart = ChartBuilder::on(&lower)
            .margin_top(px(30))
            .margin_right(px(22))
            .margin_left(px(12))
            .margin_bottom(px(6))
            .x_label_area_size(px(42))
            .y_label_area_size(px(left - 12))
            .build_cartesian_2d(Axis::whole(1.0, heard.carried.len() as f64), Axis::linear(0.4, 1.02))?;
        axes(&mut chart, "step of a piece", "right")?;
        for (accuracy, color) in [(&heard.reset, VERMILION), (&heard.carried, BLUE)] {
            let points = || accuracy.iter().enumerate().map(|(t, &right)| (t as f64 + 1.0, right));
            chart.draw_series(LineSeries::new(points(), stroke(color, 2.0)))?;
            chart.draw_series(points().map(|point| Circle::new(point, px(3), color.filled())))?;
        }
        key(&lower, (left, 15), &[("state carried into each piece", BLUE), ("state reset at each piece", VERMILION)])
    });
    write(path, picture)
}
