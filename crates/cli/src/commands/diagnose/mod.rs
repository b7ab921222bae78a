//! `elman diagnose`: how far back a trained network learns, whether its gates move, what its step does to the state.

mod chart;
mod tables;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use elman::diagnose::{Diagnosis, Followed};
use elman::{Labelled, Model};
use serde_json::{Value, json};

use crate::flags::diagnose::DiagnoseArgs;
use crate::folder;
use crate::jobs;
use crate::output::Output;

/// Steps of the sequences that a stream is cut into, unless it is looked back over more.
const STEPS: usize = 64;

/// The picture in a run's folder.
const PICTURE: &str = "diagnosis.svg";

pub(crate) fn diagnose(args: &DiagnoseArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let ensemble = folder::load_model(&args.run)?;
    let members = ensemble.members().len();
    let member = args.member.or((members > 1).then_some(1));
    if let (Some(member), true) = (member, members > 1) {
        output.remark(&format!("an ensemble of {members} networks; member {member} is followed (--member)"));
    }
    let model = folder::member(ensemble, &args.run, member)?;
    let window = args.steps.map_or(STEPS, |steps| steps.max(STEPS));
    let job = folder::job(&args.run, &model)?;
    let Some(job) = jobs::named(&job) else {
        bail!("{} is a run of job {job:?}, which diagnose does not know", args.run.display())
    };
    let mut followed = None;
    (job.diagnose)(args, &model, window, &mut |data| {
        followed = Some(follow(args, &model, data)?);
        Ok(())
    })?;
    let Some((diagnosis, rows)) = followed else { bail!("{} has nothing to follow", args.run.display()) };
    let picture = match &args.out {
        Some(file) => Some(file.clone()),
        // A model file alone has no folder of its own to put it in.
        None => args.run.is_dir().then(|| args.run.join(PICTURE)),
    };
    if let Some(file) = &picture {
        chart::draw(file, &title(&args.run), &diagnosis)?;
    }
    if output.json {
        return output.result("", &object(&diagnosis, picture.as_deref()));
    }
    if model.head().reads.pools() {
        output.remark(
            "The head takes all steps together, so its gradient enters at each of them. What is followed is that of the same \
             layer on the last one alone: how far the network remembers.",
        );
    }
    for line in tables::text(&model, &diagnosis, rows) {
        output.line(&line)?;
    }
    if let Some(file) = picture {
        output.remark(&format!("The picture is in {}.", file.display()));
    }
    Ok(())
}

/// Rows that lie evenly over the data, followed back from the loss of each at its end.
fn follow(args: &DiagnoseArgs, model: &Model, data: &dyn Labelled) -> anyhow::Result<(Diagnosis, usize)> {
    let found = Followed { rows: args.rows, steps: args.steps }.run(model, data);
    Ok((found.with_context(|| format!("cannot diagnose {}", args.run.display()))?, data.len()))
}

/// What a picture is called.
fn title(run: &Path) -> String {
    let full: PathBuf = std::path::absolute(run).unwrap_or_else(|_| run.to_path_buf());
    full.file_name().unwrap_or(run.as_os_str()).to_string_lossy().into_owned()
}

/// Everything, with the summaries of the curves beside them.
fn object(diagnosis: &Diagnosis, picture: Option<&Path>) -> Value {
    let mut object = diagnosis.object();
    object["event"] = "diagnosis".into();
    object["picture"] = json!(picture);
    object
}
