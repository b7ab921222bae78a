//! `elman eval`: loss and accuracy of a trained model.

use anyhow::bail;

use super::predict_sequences::may_read_images;
use crate::flags::eval::EvalArgs;
use crate::flags::threads::threads;
use crate::folder;
use crate::jobs;
use crate::output::Output;

pub(crate) fn eval(args: &EvalArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let threads = threads(args.threads)?;
    let model = folder::load_finite_model(&args.run, args.allow_nonfinite)?;
    let first = model.first();
    let stranger = first.meaning.is_none() && !args.run.join(folder::CONFIG).exists();
    if stranger && !may_read_images(first) {
        bail!(
            "cannot evaluate {}: it predicts {} on {}, and no file that this command reads holds what it should have said; \
             elman predict shows its answers",
            args.run.display(),
            first.head().describe(),
            first.head().reads.describe()
        );
    }
    let job = folder::job(&args.run, first)?;
    match jobs::named(&job) {
        Some(job) => (job.eval)(args, model, threads, &mut output),
        None => bail!("{} is a run of job {job:?}, which this program does not evaluate", args.run.display()),
    }
}
