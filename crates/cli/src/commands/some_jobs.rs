//! `elman sample` and `elman forecast`: what some jobs do with their runs, and others do not.

use std::path::Path;

use anyhow::bail;

use crate::flags::forecast::ForecastArgs;
use crate::flags::sample::SampleArgs;
use crate::folder;
use crate::jobs::job::{Entry, Use};
use crate::jobs::{self, JOBS};
use crate::output::Output;

pub(crate) fn sample(args: &SampleArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let model = folder::load_finite_model(&args.run, false)?;
    let job = folder::job(&args.run, model.first())?;
    if model.first().meaning.is_none() && model.first().stack().embedding.is_some() {
        bail!(
            "{} does not say which characters its tokens are; give them to it: elman convert IN OUT --vocabulary FILE",
            args.run.display()
        );
    }
    let sample = member(&args.run, &job, |entry| entry.sample, "samples are made by one of")?;
    sample(args, model, &mut output)
}

pub(crate) fn forecast(args: &ForecastArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let model = folder::load_finite_model(&args.run, false)?;
    let job = folder::job(&args.run, model.first())?;
    let forecast = member(&args.run, &job, |entry| entry.forecast, "forecasts are made by one of")?;
    forecast(args, model, &mut output)
}

/// What a run's job has of something that not every job has.
///
/// # Errors
/// If it has none; the message names the jobs that do, after the words `by`.
fn member<A>(run: &Path, job: &str, of: fn(&Entry) -> Option<Use<A>>, by: &str) -> anyhow::Result<Use<A>> {
    match jobs::named(job).and_then(of) {
        Some(member) => Ok(member),
        None => {
            let others = JOBS.iter().filter(|entry| of(entry).is_some()).map(|entry| format!("{:?}", entry.name));
            bail!("{} is a run of job {job:?}; {by} {}", run.display(), others.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_have_it_are_named_to_those_that_do_not() {
        let sample = |job: &str| member(Path::new("a"), job, |entry| entry.sample, "samples are made by one of");
        let forecast = |job: &str| member(Path::new("a"), job, |entry| entry.forecast, "forecasts are made by one of");
        for job in jobs::jobs() {
            assert_eq!((sample(job).is_ok(), forecast(job).is_ok()), (job == "text", job == "series"), "{job}");
        }
        let refused = forecast("other").unwrap_err().to_string();
        assert_eq!(refused, "a is a run of job \"other\"; forecasts are made by one of \"series\"");
    }
}
