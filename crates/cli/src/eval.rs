//! `elman eval`: loss and accuracy of a trained model.

use anyhow::bail;
use elman::Predictor;

use crate::args::{EvalArgs, threads};
use crate::mnist::{MnistConfig, load_data, report};
use crate::output::Output;
use crate::run_folder;

pub(crate) fn eval(args: &EvalArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let threads = threads(args.threads)?;
    let model = run_folder::load_model(&args.run)?;
    let config = args.run.join(run_folder::CONFIG);
    let folder = match &args.data {
        Some(folder) => Some(folder.clone()),
        None if config.exists() => MnistConfig::read(&config)?.data,
        None => None,
    };
    let data = load_data(folder.as_deref())?;
    let name = folder.map_or("MNIST, in the binary".into(), |folder| folder.display().to_string());
    if let Some(steps) = model.steps
        && (data.test.rows, data.test.cols) != (steps, model.stack().input())
    {
        bail!(
            "the images of {name} are {} pixels wide and {} high; the model reads images {} wide and {steps} high; \
             --data names another set",
            data.test.cols,
            data.test.rows,
            model.stack().input()
        );
    }
    let test = Predictor::new(model, threads).evaluate(&data.test)?;
    report(&mut output, &test)?;
    if !test.loss.is_finite() {
        bail!("the test loss is {}; the model {} is damaged", test.loss, args.run.display());
    }
    Ok(())
}
