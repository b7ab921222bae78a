//! `elman eval`: loss and accuracy of a trained model.

use anyhow::bail;

use crate::args::{EvalArgs, threads};
use crate::jobs;
use crate::output::Output;
use crate::predict_sequences::may_read_images;
use crate::run_folder;

pub(crate) fn eval(args: &EvalArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let threads = threads(args.threads)?;
    let model = run_folder::load_finite_model(&args.run, args.allow_nonfinite)?;
    let stranger = model.job.is_none() && !args.run.join(run_folder::CONFIG).exists();
    if stranger && !may_read_images(&model) {
        bail!(
            "cannot evaluate {}: it predicts {} on {}, and no file that this command reads holds what it should have said; \
             elman predict shows its answers",
            args.run.display(),
            model.head().describe(),
            model.head().reads.describe()
        );
    }
    match run_folder::job(&args.run, &model)?.as_str() {
        "mnist" => jobs::mnist::eval(args, model, threads, &mut output),
        "echo" => jobs::echo::eval(args, model, threads, &mut output),
        "text" => jobs::text::eval(args, model, threads, &mut output),
        "series" => jobs::series::eval(args, model, threads, &mut output),
        "classify" => jobs::classify::eval(args, model, threads, &mut output),
        job => bail!("{} is a run of job {job:?}, which this program does not evaluate", args.run.display()),
    }
}
