//! `elman train mnist`: the tutorial's job.
//!
//! An image is a sequence of its rows of pixels; the cell's final state names the digit.

use std::path::{Path, PathBuf};

use anyhow::bail;
use elman::datasets::{ImageSet, Split, images};
use elman::{Error, Evaluation, Head, Model, Predictor, Trainer};
use serde::{Deserialize, Serialize};

use crate::args::{EvalArgs, MnistArgs};
use crate::fingerprint::Fingerprint;
use crate::network::NetworkConfig;
use crate::optimization::OptimizationConfig;
use crate::output::{Output, report, test_figures, thousands, with_validation};
use crate::resume::Resumed;
use crate::run::{self, Begin, Plan, Reading, Watch};
use crate::run_folder;
use crate::settings::{Job, Settings, absolute, set_option};
use crate::training::TrainingConfig;

/// The job's own settings.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Mnist {
    /// The folder of the data set; MNIST, in the binary, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,
}

impl Job for Mnist {
    const NAME: &'static str = "mnist";

    fn defaults() -> Settings<Self> {
        Settings {
            job: Mnist::default(),
            training: TrainingConfig::default(),
            optimization: OptimizationConfig::new("adam", 0.001),
            network: NetworkConfig::default(),
        }
    }

    fn full() -> Self {
        Mnist { data: Some(PathBuf::new()) }
    }

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()> {
        // What the size of the images does not decide.
        settings.network.stack(1)?;
        Ok(())
    }

    fn check_without_data(settings: &Settings<Self>) -> Result<(), Error> {
        settings.training.check_batch()
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(Mnist { data: absolute("data", self.data.as_deref())? })
    }
}

/// The images of a folder, or MNIST from the binary.
///
/// # Errors
/// If they cannot be read, or there is no folder and the binary was built without MNIST.
fn load_data(folder: Option<&Path>) -> anyhow::Result<Split> {
    match folder {
        Some(folder) => Ok(images::load_dir(folder)?),
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

/// Trains, evaluates, and leaves the run's folder behind.
pub(crate) fn train(args: &MnistArgs) -> anyhow::Result<()> {
    let mut settings = Settings::<Mnist>::new(&args.common)?;
    set_option(&mut settings.job.data, &args.data);
    let open = args.common.batch_is_open();
    run(settings, open, Begin::New(args.common.out.as_deref()), Output::new(args.common.output))
}

/// The same for a run that goes on.
pub(crate) fn resume(resumed: Resumed) -> anyhow::Result<()> {
    run(resumed.settings()?, false, Begin::Again(resumed.held), resumed.output)
}

/// `open`: whether a batch is all rows where there are few.
fn run(mut settings: Settings<Mnist>, open: bool, begin: Begin<'_>, mut output: Output) -> anyhow::Result<()> {
    Mnist::check_with(&settings)?;
    let data = load_data(settings.job.data.as_deref())?;
    warn_of_blank(&data, &mut output)?;
    let chosen = settings.training.fit_batch(data.train.len(), open);
    let mut trainer = settings.training.trainer(model(&settings, &data)?, &settings.optimization)?;
    let said = [Some(describe(&trainer, &data)?), chosen];
    let plan = Plan {
        name: format!("mnist-{}", settings.network.cell),
        settings: settings.to_toml()?,
        data: &data.train,
        fingerprint: fingerprint(&data),
        reading: Reading::Rows,
        training: &settings.training,
        stopping: settings.optimization.early_stopping()?,
        remark: said.into_iter().flatten().collect::<Vec<_>>().join("\n"),
    };
    let trained = run::train(begin, &plan, &mut trainer, &mut Validation(&data), &mut output)?;
    let test = trainer.evaluate(&data.test)?;
    report(&mut output, &test, "the last steps have left the finite numbers. Try a smaller learning rate")?;
    trained.finish(&test_figures(&test))
}

/// Says which images show nothing: a label of theirs cannot be learned.
fn warn_of_blank(data: &Split, output: &mut Output) -> anyhow::Result<()> {
    for (set, name) in
        [(&data.train, "the training images"), (&data.validation, "validation"), (&data.test, "the test")]
    {
        if let Some(text) = images::blank(&set.images, set.rows * set.cols, name) {
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
fn model(settings: &Settings<Mnist>, data: &Split) -> anyhow::Result<Model> {
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

/// `elman eval` of a run: the test images of its data set, or of another.
pub(crate) fn eval(args: &EvalArgs, model: Model, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let images = test_images(&args.run, args.data.as_deref(), &model)?;
    let test = Predictor::new(model, threads).evaluate(&images)?;
    report(output, &test, &format!("the model {} is damaged", args.run.display()))
}

/// The test images of a folder, or of what a run was trained on, of the size that its model reads.
pub(crate) fn test_images(run: &Path, folder: Option<&Path>, model: &Model) -> anyhow::Result<ImageSet> {
    let config = run.join(run_folder::CONFIG);
    let folder = match folder {
        Some(folder) => Some(folder.to_path_buf()),
        None if config.exists() => Settings::<Mnist>::read(&config)?.job.data,
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
