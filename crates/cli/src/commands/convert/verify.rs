//! Whether a converted model does what the other one does.

use elman::Model;
use elman_exchange::Hints;
use elman_exchange::files::Partner;

use super::check::Check;
use super::made_up::MadeUp;
use super::place;
use super::sample::Sample;
use crate::flags::convert::ConvertArgs;

/// All comparisons that are asked for: with what was written, read again; with tract, of a graph; with a sample.
///
/// # Errors
/// If the models do not do the same, or one of them cannot be run.
pub(super) fn all(args: &ConvertArgs, from: Partner, to: Partner, model: &Model) -> anyhow::Result<Vec<Check>> {
    let mut checks = Vec::new();
    if args.verify {
        let made_up = MadeUp::of(model);
        let ours = model.logits(made_up.inputs.view(), Some(&made_up.lengths))?;
        let (again, _) = place::load(
            to,
            &args.output,
            &Hints { like: Some(model.config()), allow_nonfinite: true, ..Hints::default() },
            None,
        )?;
        let theirs = again.logits(made_up.inputs.view(), Some(&made_up.lengths))?;
        let reads = model.head().reads;
        checks.push(Check::of("what was written, read again", &theirs, &ours, reads, &made_up.lengths)?);
        for (partner, path) in [(from, &args.input), (to, &args.output)] {
            if partner == Partner::Onnx {
                checks.push(graph(path, model)?);
            }
        }
    }
    if let Some(path) = &args.sample {
        checks.extend(Sample::read(path, model)?.compare(model)?);
    }
    Ok(checks)
}

#[cfg(feature = "tract")]
fn graph(path: &std::path::Path, model: &Model) -> anyhow::Result<Check> {
    super::tract::check(path, model)
}

#[cfg(not(feature = "tract"))]
fn graph(path: &std::path::Path, _: &Model) -> anyhow::Result<Check> {
    let against = format!("tract, running {}", path.display());
    Ok(Check::left_out(&against, "this elman was built without it; build it with --features tract"))
}
