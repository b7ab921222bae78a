//! `elman sample`: text from a model, as it is made.

use std::io::{self, Write};

use anyhow::{Context, bail};
use elman::Error;
use elman::text::{Sampler, Sampling, Utf8, Vocabulary};
use serde_json::json;

use crate::args::SampleArgs;
use crate::output::Output;
use crate::run_folder;

/// Most samples at once, and most units of all of them together.
const SAMPLES_MAX: usize = 1024;
const UNITS_MAX: usize = 1 << 28;

pub(crate) fn sample(args: &SampleArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let sampling = Sampling { temperature: args.temperature, top_k: args.top_k, top_p: args.top_p };
    sampling.check()?;
    within("samples", args.samples, SAMPLES_MAX)?;
    within("length", args.length, UNITS_MAX / args.samples)?;
    let model = run_folder::load_finite_model(&args.run, false)?;
    let job = run_folder::job(&args.run, &model)?;
    if model.job.is_none() && model.stack().embedding.is_some() {
        bail!(
            "{} does not say which characters its tokens are; give them to it: elman convert IN OUT --vocabulary FILE",
            args.run.display()
        );
    }
    if job != "text" {
        bail!("{} is a run of job {job:?}; samples are made by one of \"text\"", args.run.display());
    }
    let vocabulary = Vocabulary::of(&model)?;
    let prime = vocabulary.encode(&args.prime).context("cannot read --prime")?;
    let mut sampler = Sampler::new(&model, args.seed, args.samples)?;
    sampler.read(&prime)?;
    if args.samples == 1 && !output.json {
        return stream(&mut sampler, &vocabulary, sampling, args);
    }
    let texts = sampled(&mut sampler, &vocabulary, sampling, args.length)?;
    for (seed, text) in (0u64..).map(|n| args.seed.wrapping_add(n)).zip(texts) {
        let text = format!("{}{text}", args.prime);
        let object = json!({"event": "sample", "seed": seed, "prime": args.prime, "text": text});
        output.verbatim(format_args!("== seed {seed}\n{text}"), &object)?;
    }
    Ok(())
}

fn within(what: &'static str, found: usize, most: usize) -> Result<(), Error> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    Err(Error::Setting { what, found: found.to_string(), expected: format!("1 to {most}") })
}

/// So many units of every sample: their texts.
pub(crate) fn sampled(
    sampler: &mut Sampler<'_>,
    vocabulary: &Vocabulary,
    sampling: Sampling,
    length: usize,
) -> Result<Vec<String>, Error> {
    let mut bytes: Vec<Vec<u8>> = Vec::new();
    for _ in 0..length {
        let tokens = sampler.next(sampling)?;
        bytes.resize(tokens.len(), Vec::new());
        bytes.iter_mut().zip(tokens).for_each(|(bytes, &token)| vocabulary.push(token, bytes));
    }
    Ok(bytes.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect())
}

/// One sample on standard output, each character when it is whole. A reader that has gone ends it: nothing else is to be
/// done.
fn stream(
    sampler: &mut Sampler<'_>,
    vocabulary: &Vocabulary,
    sampling: Sampling,
    args: &SampleArgs,
) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    let mut write = |text: &str| match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.context("cannot write to standard output").map(|()| true),
    };
    let (mut utf8, mut bytes, mut text) = (Utf8::default(), Vec::new(), args.prime.clone());
    for _ in 0..args.length {
        let tokens = sampler.next(sampling)?;
        tokens.iter().for_each(|&token| vocabulary.push(token, &mut bytes));
        utf8.push(&bytes, &mut text);
        bytes.clear();
        if !text.is_empty() && !write(&text)? {
            return Ok(());
        }
        text.clear();
    }
    utf8.finish(&mut text);
    text.push('\n');
    write(&text)?;
    Ok(())
}
