//! `elman train mnist`: the tutorial's job.
//!
//! An image is a sequence of its rows of pixels; the cell's final state names the digit.

pub(crate) mod flags;
mod images;
mod predict;
pub(crate) mod settings;

use std::path::Path;

use anyhow::bail;
use elman::datasets::images::{blank, load_dir};
use elman::datasets::{ImageSet, Split};
use elman::{Ensemble, Error, Evaluation, Head, Model, Predictor, Trainer};

use self::flags::MnistArgs;
pub use self::images::read_images;
use self::settings::MnistSettings;
use crate::flags::diagnose::DiagnoseArgs;
use crate::flags::eval::EvalArgs;
use crate::flags::predict::PredictArgs;
use crate::flags::tune::Tuned;
use crate::folder;
use crate::jobs::figures::{self, Figure, report, test_figures, with_validation};
use crate::jobs::job::{Follow, Job};
use crate::jobs::several::{self, Asked};
use crate::output::Output;
use crate::run::fingerprint::Fingerprint;
use crate::run::held::Resumed;
use crate::run::members::{Members, train_members};
use crate::run::{self, Begin, Reading, Task, Watch};
use crate::settings::precedence::{set, set_option};
use crate::settings::{JobSettings, Settings};
use crate::shown::amounts::thousands;

/// The images of a folder, or MNIST from the binary.
///
/// # Errors
/// If they cannot be read, or there is no folder and the binary was built without MNIST.
fn load_data(folder: Option<&Path>) -> anyhow::Result<Split> {
    match folder {
        Some(folder) => Ok(load_dir(folder)?),
        #[cfg(feature = "mnist")]
        None => Ok(elman::datasets::mnist::load()?),
        #[cfg(not(feature = "mnist"))]
        None => bail!("this binary was built without MNIST; name a folder with --data"),
    }
}

/// The test images of a folder, or those of MNIST from the binary, without unpacking the others.
///
/// # Errors
/// As [`load_data`]; a folder must have all of its files here too, for they are checked against each other.
fn load_test(folder: Option<&Path>) -> anyhow::Result<ImageSet> {
    match folder {
        #[cfg(feature = "mnist")]
        None => Ok(elman::datasets::mnist::load_test()?),
        folder => Ok(load_data(folder)?.test),
    }
}

/// The tutorial's job.
pub(crate) struct MnistJob;

impl Job for MnistJob {
    const ABOUT: &'static str = "Read images row by row and classify the digit: the tutorial's job";
    const FIGURES: &'static [Figure] = figures::OF_CLASSES;

    type Flags = MnistArgs;
    type Settings = MnistSettings;

    fn tuned(flags: &mut MnistArgs) -> &mut Tuned {
        &mut flags.repeat.tuned
    }

    fn train(args: &MnistArgs) -> anyhow::Result<()> {
        let mut settings = Settings::<MnistSettings>::new(&args.common)?;
        set_option(&mut settings.job.data, &args.data);
        set(&mut settings.job.ensemble, args.several.ensemble.as_ref());
        let open = args.common.batch_is_open();
        let asked = Asked::of(&args.common, &args.repeat);
        several::train::<Self, _>(settings, open, &asked, run)
    }

    fn resume(resumed: Resumed) -> anyhow::Result<()> {
        several::resume::<Self, _>(resumed, run)
    }

    fn eval(args: &EvalArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
        let images = test_images(&args.run, args.data.as_deref(), model.first())?;
        let test = Predictor::new(model, threads).evaluate(&images)?;
        report(output, &test, &format!("the model {} is damaged", args.run.display()))
    }

    fn predict(args: &PredictArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
        predict::predict(args, model, threads, output)
    }

    fn diagnose(args: &DiagnoseArgs, model: &Model, _: usize, follow: &mut Follow<'_>) -> anyhow::Result<()> {
        follow(&test_images(&args.run, args.data.as_deref(), model)?)
    }
}

/// `open`: whether a batch is all rows where there are few.
fn run(mut settings: Settings<MnistSettings>, open: bool, begin: Begin<'_>, mut output: Output) -> anyhow::Result<()> {
    MnistSettings::check_with(&settings)?;
    let data = begin.read(|| load_data(settings.job.data.as_deref()))?;
    warn_of_blank(&data, &mut output)?;
    let chosen = settings.training.fit_batch(data.train.len(), open);
    let of_seed = |seed| {
        let settings = settings.of_seed(seed);
        Ok(settings.training.trainer(model(&settings, &data)?, &settings.optimization)?)
    };
    let first = of_seed(settings.training.seed)?;
    let said = [Some(describe(&first, &data)?), chosen];
    let task = Task {
        name: format!("mnist-{}", settings.network.cell),
        settings: settings.to_toml()?,
        data: &data.train,
        fingerprint: fingerprint(&data),
        reading: Reading::Rows,
        training: &settings.training,
        stopping: settings.optimization.early_stopping()?,
        remark: said.into_iter().flatten().collect::<Vec<_>>().join("\n"),
    };
    let members = Members { count: settings.job.ensemble, seed: settings.training.seed, first, of_seed: &of_seed };
    let (trained, model) = train_members(begin, &task, members, &mut Validation(&data), &mut output)?;
    let test = Predictor::new(model, settings.training.threads).evaluate(&data.test)?;
    report(&mut output, &test, "the last steps have left the finite numbers. Try a smaller learning rate")?;
    trained.finish(&test_figures(&test))
}

/// Says which images show nothing: a label of theirs cannot be learned.
fn warn_of_blank(data: &Split, output: &mut Output) -> anyhow::Result<()> {
    for (set, name) in
        [(&data.train, "the training images"), (&data.validation, "validation"), (&data.test, "the test")]
    {
        if let Some(text) = blank(&set.images, set.rows * set.cols, name) {
            output.warn(&format!("{text}: nothing can be learned of them; look at the file, and take them out"))?;
        }
    }
    Ok(())
}

/// Of all images and labels, and their size.
fn fingerprint(data: &Split) -> Fingerprint {
    [&data.train, &data.validation, &data.test].into_iter().fold(Fingerprint::default(), |all, set| {
        all.counts([&set.rows, &set.cols]).bytes(&set.images).bytes(&set.labels)
    })
}

struct Validation<'a>(&'a Split);

impl Watch for Validation<'_> {
    fn validate(&mut self, trainer: &mut Trainer) -> Result<Option<Evaluation>, Error> {
        trainer.evaluate(&self.0.validation).map(Some)
    }

    fn line(&self, epoch: &elman::Epoch, validation: Option<&Evaluation>) -> String {
        with_validation(epoch, validation)
    }
}

/// The tutorial's network, with its initial values.
fn model(settings: &Settings<MnistSettings>, data: &Split) -> anyhow::Result<Model> {
    let training = &settings.training;
    let stack = settings.network.stack(data.train.cols)?;
    let head = Head::last_state(data.train.classes().max(2));
    let batch = training.batch_size.of(data.train.len());
    let mut model = training.model(&settings.optimization, stack, head, data.train.rows, batch)?;
    model.steps = Some(data.train.rows);
    Ok(model)
}

/// What is about to be trained, on what, with how much memory.
fn describe(trainer: &Trainer, data: &Split) -> Result<String, Error> {
    let pixels = [&data.train, &data.validation, &data.test].map(|set| set.images.len() + set.labels.len());
    Ok(format!(
        "{} training, {} validation and {} test images of {}×{}, {} classes\n{}",
        thousands(data.train.len() as u64),
        thousands(data.validation.len() as u64),
        thousands(data.test.len() as u64),
        data.train.rows,
        data.train.cols,
        data.train.classes(),
        run::describe(trainer, data.train.rows, pixels.iter().sum())?,
    ))
}

/// The test images of a folder, or of what a run was trained on, of the size that its model reads.
fn test_images(run: &Path, folder: Option<&Path>, model: &Model) -> anyhow::Result<ImageSet> {
    let config = run.join(folder::CONFIG);
    let folder = match folder {
        Some(folder) => Some(folder.to_path_buf()),
        None if config.exists() => Settings::<MnistSettings>::read(&config)?.job.data,
        None => None,
    };
    let test = load_test(folder.as_deref())?;
    let name = folder.map_or("MNIST, in the binary".into(), |folder| folder.display().to_string());
    if let Some(steps) = model.steps
        && (test.rows, test.cols) != (steps, model.stack().input())
    {
        bail!(
            "the images of {name} are {} pixels wide and {} high; the model reads images {} wide and {steps} high; \
             --data names another set",
            test.cols,
            test.rows,
            model.stack().input()
        );
    }
    Ok(test)
}
