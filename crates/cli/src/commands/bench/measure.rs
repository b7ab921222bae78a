//! A point measured: its training step beside the processor's peak, inference, streaming.
//!
//! The peak is measured in short rounds that alternate with the step, so that both see the same neighbours; the
//! figures are medians over the rounds, and the best round's share.

use std::sync::Arc;
use std::time::Instant;

use elman::{Adam, Init, Model, Predictor, Sequences, Trainer, peak_rate, unit_peak_rate};

use super::effort::Effort;
use super::latency::latency;
use super::median::median;
use super::point::{Point, RATE};
use super::report::{Report, Shares};
use crate::shown::network;

/// Seconds that the steps of a round take, about; the peak's loop takes as long.
const ROUND: f64 = 0.02;

/// Measures a point.
///
/// # Errors
/// If the machine has no memory for it, a cell does not compute an option, or the loss leaves the finite numbers.
pub(crate) fn measure(point: &Point, effort: Effort) -> anyhow::Result<Report> {
    let stack = point.stack()?;
    point.check_memory(&stack)?;
    let model = Model::init(stack.clone(), Point::head(), Init::Tf, 111)?;
    let network = Arc::new(model.network());
    let adam = Adam::new(RATE);
    let mut trainer = Trainer::new(model, adam).batch_size(point.batch).seed(111).threads(point.threads);
    let data = point.made_up_data()?;
    let rows: Vec<u32> = (0..point.batch as u32).collect();
    let isa = trainer.isa;
    let steps: usize = (0..data.len()).map(|row| data.length(row)).sum();
    let operations = point.operations(&stack, steps);

    let mut vanishing = if point.vanishing { Some(Vanishing::new(point, &stack)?) } else { None };
    let repeats = repeats(|| trainer.train_rows(&data, &rows).map(drop))?;
    let rounds = effort.part(0.7).rounds(|| {
        let peak = peak_rate(isa, point.threads, ROUND);
        let step = seconds(repeats, || trainer.train_rows(&data, &rows).map(drop))?;
        let vanishing = match &mut vanishing {
            Some(vanishing) => Some(seconds(repeats, || vanishing.train(&rows))?),
            None => None,
        };
        Ok::<_, elman::Error>(Round { peak, step, vanishing, share: operations / step / peak })
    });
    let rounds = rounds.into_iter().collect::<Result<Vec<Round>, _>>()?;
    let step = median(rounds.iter().map(|round| round.step));
    let arithmetic = stack.arithmetic;
    let unit = if arithmetic.is_f32() { None } else { unit_peak_rate(isa, point.threads, 5.0 * ROUND) };
    let unit = unit.map(|unit| unit / arithmetic.products() as f64);
    let shares = Shares::of(rounds.iter().map(|round| round.share));

    let of_vanishing = |figure: fn(&Round, f64) -> f64| {
        let figures: Vec<f64> =
            rounds.iter().filter_map(|round| round.vanishing.map(|step| figure(round, step))).collect();
        (!figures.is_empty()).then(|| median(figures))
    };
    drop(vanishing);

    // The trainer's workspaces go before the predictor's come.
    let mut predictor = Predictor::new(trainer.into_model(), point.threads);
    let inference = self::repeats(|| predictor.predict(&data).map(drop))?;
    let inference = effort.part(0.2).rounds(|| seconds(inference, || predictor.predict(&data).map(drop)));
    let inference = median(inference.into_iter().collect::<Result<Vec<f64>, _>>()?);

    let stream = latency(&network, isa, effort.part(0.1));
    Ok(Report {
        cell: point.network.cell.clone(),
        batch: point.batch,
        steps: point.steps,
        input: point.input,
        hidden: point.network.hidden_size,
        threads: point.threads,
        network: network::describe(&stack),
        lengths: point.lengths.clone(),
        isa: isa.name().into(),
        arithmetic,
        train_step_ms: step * 1e3,
        element_ns: step * 1e9 / steps as f64,
        train_gflops: operations / step / 1e9,
        peak_gflops: median(rounds.iter().map(|round| round.peak)) / 1e9,
        share_of_peak: shares.median,
        share_of_peak_best: shares.best,
        disturbed_share: shares.disturbed,
        unit_peak_gflops: unit.map(|unit| unit / 1e9),
        share_of_unit_peak: unit.map(|unit| operations / step / unit),
        infer_sequences_per_second: point.batch as f64 / inference,
        stream_step_us: stream.as_ref().map(|stream| stream.median * 1e6),
        stream_step_p99_us: stream.as_ref().map(|stream| stream.p99 * 1e6),
        vanishing_step_ms: of_vanishing(|_, step| step * 1e3),
        vanishing_ratio: of_vanishing(|round, step| step / round.step),
    })
}

struct Round {
    /// Operations a second.
    peak: f64,
    /// Seconds a step.
    step: f64,
    /// Seconds a step on numbers that vanish.
    vanishing: Option<f64>,
    share: f64,
}

/// A network whose states and gradients fall to nothing, and inputs that do: its recurrent weights are half as large.
struct Vanishing {
    trainer: Trainer,
    data: elman::Arrays,
}

/// So small that the network stays as it is.
const STILL: f64 = 1e-9;

impl Vanishing {
    fn new(point: &Point, stack: &elman::Stack) -> anyhow::Result<Self> {
        let mut model = Model::init(stack.clone(), Point::head(), Init::Tf, 111)?;
        let mut arrays = model.arrays();
        for (_, array) in arrays.iter_mut().filter(|(name, _)| name.ends_with("recurrent_kernel")) {
            array.data.iter_mut().for_each(|w| *w *= 0.5);
        }
        model.set_arrays(&arrays)?;
        let trainer = Trainer::new(model, Adam::new(STILL)).batch_size(point.batch).seed(111).threads(point.threads);
        Ok(Vanishing { trainer, data: point.vanishing_data()? })
    }

    fn train(&mut self, rows: &[u32]) -> Result<(), elman::Error> {
        self.trainer.train_rows(&self.data, rows).map(drop)
    }
}

/// How many times make a round: by a first few, unless the first alone takes as long.
fn repeats<E>(mut work: impl FnMut() -> Result<(), E>) -> Result<usize, E> {
    let first = seconds(1, &mut work)?;
    let once = if first < ROUND { seconds(2, &mut work)? } else { first };
    Ok((ROUND / once).ceil().clamp(1.0, 1e6) as usize)
}

/// Mean seconds of so many times.
fn seconds<E>(times: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let started = Instant::now();
    for _ in 0..times {
        work()?;
    }
    Ok(started.elapsed().as_secs_f64() / times as f64)
}

#[cfg(test)]
mod tests {
    use super::super::point::tests::tutorial;
    use super::*;

    #[test]
    fn the_time_ends_the_rounds_but_not_the_first_three() {
        let rounds = |rounds, seconds| Effort { rounds, seconds }.rounds(|| ()).len();
        assert_eq!([rounds(1, 0.0), rounds(2, 0.0), rounds(100, 0.0), rounds(100, f64::INFINITY)], [1, 2, 3, 100]);
    }

    #[test]
    fn the_figures_fit_each_other() {
        // Of uneven lengths, only the steps that run count.
        let point = Point { batch: 5, steps: 7, input: 3, lengths: "even".into(), ..tutorial() };
        let report = measure(&point, Effort { rounds: 1, seconds: 0.0 }).unwrap();
        let data = point.made_up_data().unwrap();
        let steps: usize = (0..5).map(|row| data.length(row)).sum();
        assert!((5..35).contains(&steps), "{steps}");
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
        assert!(near(report.element_ns * steps as f64, report.train_step_ms * 1e6));
        assert!(near(report.share_of_peak.unwrap(), report.train_gflops / report.peak_gflops));
        assert_eq!(report.share_of_peak, report.share_of_peak_best);
        assert!(report.infer_sequences_per_second > 0.0 && report.stream_step_p99_us.unwrap() > 0.0);
    }

    #[test]
    fn a_step_on_what_vanishes_is_measured_where_it_is_asked_for() {
        let point = Point { batch: 2, steps: 1000, input: 3, vanishing: true, ..tutorial() };
        let report = measure(&point, Effort { rounds: 1, seconds: 0.0 }).unwrap();
        let (step, ratio) = (report.vanishing_step_ms.unwrap(), report.vanishing_ratio.unwrap());
        assert!((step / report.train_step_ms / ratio - 1.0).abs() < 1e-9, "{report:?}");
        let data = point.vanishing_data().unwrap();
        let (mut first, mut last) = ([0.0; 3], [0.0; 3]);
        data.read(0, 0, &mut first);
        data.read(0, 850, &mut last);
        assert!(first.iter().any(|x| x.is_normal()) && last.iter().all(|x| !x.is_normal()), "{first:?} {last:?}");
        let report =
            measure(&Point { vanishing: false, steps: 2, ..point }, Effort { rounds: 1, seconds: 0.0 }).unwrap();
        assert_eq!((report.vanishing_step_ms, report.vanishing_ratio), (None, None));
    }

    #[test]
    fn what_no_memory_holds_is_an_error() {
        let point = Point { steps: 1 << 24, batch: 1 << 24, ..tutorial() };
        let error = measure(&point, Effort { rounds: 1, seconds: 0.0 }).unwrap_err().to_string();
        assert!(error.contains("memory"), "{error}");
    }
}
