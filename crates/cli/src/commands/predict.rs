//! `elman predict`: what a trained model says of files.

use anyhow::bail;

use super::predict_sequences;
use crate::flags::predict::PredictArgs;
use crate::flags::threads::threads;
use crate::folder;
use crate::jobs;
use crate::output::Output;

pub(crate) fn predict(args: &PredictArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let threads = threads(args.threads)?;
    let model = folder::load_finite_model(&args.run, args.allow_nonfinite)?;
    let job = folder::job(&args.run, model.first())?;
    // A model that names no job: one of another program's.
    let stranger = model.first().meaning.is_none() && !args.run.join(folder::CONFIG).exists();
    if stranger && predict_sequences::is_for(model.first(), &args.files) {
        return predict_sequences::predict(args, model, threads, &mut output);
    }
    match jobs::named(&job) {
        Some(job) => (job.predict)(args, model, threads, &mut output),
        None => {
            bail!("{} is a run of job {job:?}, which has nothing to predict from a file", args.run.display())
        }
    }
}
