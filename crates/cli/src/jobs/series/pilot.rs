//! Relative to the base forecast, or scaled as a whole: where validation is long, a few steps of both say which.
//!
//! It happens before a run has a folder, and what it chooses stands in the run's settings: so nothing of it is kept, and a
//! run that is resumed does not ask again.

use elman::datasets::series::SeriesSet;
use elman::series::{Cut, Relative, Split, Window};
use elman::{Head, Predictor, Sequences};

use super::recipe::Scale;
use super::settings::SeriesSettings;
use super::sizes;
use crate::settings::Settings;
use crate::shown::digits::places;

/// Windows to learn from, from which on it is asked; and of which it learns most, with those of validation.
const WINDOWS: usize = 600;
const MOST: [usize; 2] = [2048, 512];

/// Steps of each.
const STEPS: usize = 200;

/// The loss of the network that is scaled as a whole must be smaller by so much, relatively; else the other is as good, and
/// plainer.
const GAIN: f64 = 0.02;

/// The better one by the loss in validation, relative to the base forecast for both; with what there is to say.
///
/// # Errors
/// If the settings or the series do not fit, or a training leaves the finite numbers.
pub(super) fn better(
    settings: &Settings<SeriesSettings>,
    (set, cut, window): (&SeriesSet, Cut, Window),
    relative: &Relative,
    windows: usize,
) -> anyhow::Result<(Scale, Option<String>)> {
    // Whole scales are of values, not of their logarithms.
    if windows < WINDOWS || relative.base.log {
        return Ok((Scale::Relative, None));
    }
    let (training, levels) = (&settings.training, settings.job.levels());
    let mut losses = [0.0; 2];
    for (loss, global) in losses.iter_mut().zip([false, true]) {
        let relative = Relative { global, ..relative.clone() };
        let Split { train, validation, .. } = Split::relative(set, cut, window, &relative)?;
        let thin = |of: elman::series::Windows, most| {
            let every = sizes::every(of.len(), most);
            of.every(every)
        };
        let (train, validation) = (thin(train, MOST[0]), thin(validation, MOST[1]));
        let stack = settings.network.stack(train.input())?;
        let batch = training.batch_size.of(train.len());
        let head = Head::quantiles(&levels, window.horizon);
        let mut model = training.model(&settings.optimization, stack, head, window.context, batch)?;
        model.steps = Some(window.context);
        relative.start(&mut model)?;
        let mut trainer = training.trainer(model, &settings.optimization)?;
        let fit = trainer.fit(&train)?;
        let epochs = STEPS.div_ceil(fit.batches().max(1)) as u64;
        let mut fit = fit.epochs(epochs);
        for _ in 0..STEPS {
            let Some(step) = fit.next_step() else { break };
            step?;
        }
        let mut predictor = Predictor::new(trainer.into_model(), training.threads);
        *loss = relative.settle(&mut predictor, &validation, Some(1.0), None)?.network_loss;
    }
    let [relative, global] = losses;
    let scale = if global < (1.0 - GAIN) * relative { Scale::Global } else { Scale::Relative };
    let name = if scale == Scale::Global { "global" } else { "relative" };
    let [relative, global] = losses.map(|loss| places(loss, 4));
    Ok((
        scale,
        Some(format!(
            "scaling {name}: after {STEPS} steps the loss in validation is {relative} relative, {global} global"
        )),
    ))
}
