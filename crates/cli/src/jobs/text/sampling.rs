//! `elman sample`: text from a model, as it is made.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use elman::datasets::text;
use elman::text::{Sampler, Sampling, Utf8, Vocabulary};
use elman::{Ensemble, Error};

use super::sample::{shown, write};
use crate::flags::sample::SampleArgs;
use crate::folder;
use crate::output::Output;

/// Most samples at once, and most units of all of them together.
const SAMPLES_MAX: usize = 1024;
const UNITS_MAX: usize = 1 << 28;

pub(crate) fn sample(args: &SampleArgs, ensemble: Ensemble, output: &mut Output) -> anyhow::Result<()> {
    let sampling = Sampling { temperature: args.temperature, top_k: args.top_k, top_p: args.top_p };
    sampling.check()?;
    within("samples", args.samples, SAMPLES_MAX)?;
    within("length", args.length, UNITS_MAX / args.samples)?;
    let model = folder::member(ensemble, &args.run, None)?;
    let vocabulary = model.vocabulary()?.clone();
    let prime = prime(args, &vocabulary)?;
    let tokens = vocabulary.encode_bytes(&prime).context("cannot read --prime")?;
    let mut sampler = Sampler::new(&Arc::new(model), args.seed, args.samples)?;
    sampler.read(&tokens)?;
    if let Some(out) = &args.out {
        refuse_inputs(out, args)?;
        let mut bytes = prime;
        bytes.extend(sampler.write(args.length, sampling)?.concat());
        return write(out, &vocabulary, &bytes);
    }
    if args.samples == 1 && !output.json {
        return stream(&mut sampler, &vocabulary, sampling, &prime, args.length);
    }
    let samples = sampler.write(args.length, sampling)?;
    for (seed, sample) in (0u64..).map(|n| args.seed.wrapping_add(n)).zip(samples) {
        let (text, mut object) = shown(&vocabulary, seed, [&prime[..], &sample].concat());
        object["prime"] = shown(&vocabulary, seed, prime.clone()).0.into();
        output.verbatim(format_args!("== seed {seed}\n{text}"), &object)?;
    }
    Ok(())
}

/// What the sample starts with, in bytes.
fn prime(args: &SampleArgs, vocabulary: &Vocabulary) -> anyhow::Result<Vec<u8>> {
    Ok(match (&args.prime_file, vocabulary) {
        (None, _) => args.prime.clone().into_bytes(),
        (Some(file), Vocabulary::Bytes) => text::read_bytes(file)?,
        (Some(file), Vocabulary::Characters(_)) => text::read(file)?.into_bytes(),
    })
}

/// A sample does not take the place of the model that made it, nor of what it starts with.
fn refuse_inputs(out: &Path, args: &SampleArgs) -> anyhow::Result<()> {
    // What does not exist yet is no input.
    let Ok(out) = out.canonicalize() else { return Ok(()) };
    let run = [folder::MODEL, folder::CONFIG, folder::METRICS].map(|name| args.run.join(name));
    for input in run.iter().chain([&args.run]).chain(&args.prime_file) {
        if input.canonicalize().is_ok_and(|input| input == out) {
            bail!("{} is what the sample is made from; choose another --out", input.display());
        }
    }
    Ok(())
}

fn within(what: &'static str, found: usize, most: usize) -> Result<(), Error> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    Err(Error::Setting { what, found: found.to_string(), expected: format!("1 to {most}") })
}

/// One sample on standard output, each character when it is whole; bytes as they are, but for a terminal. A reader that has
/// gone ends it: nothing else is to be done.
fn stream(
    sampler: &mut Sampler,
    vocabulary: &Vocabulary,
    sampling: Sampling,
    prime: &[u8],
    length: usize,
) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    let is_terminal = stdout.is_terminal();
    let mut write = |bytes: &[u8]| match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.context("cannot write to standard output").map(|()| true),
    };
    let is_bytes = *vocabulary == Vocabulary::Bytes;
    let raw = is_bytes && !is_terminal;
    let mut utf8 = if is_bytes { Utf8::escaping() } else { Utf8::default() };
    let (mut bytes, mut text) = (prime.to_vec(), String::new());
    for unit in 0..=length {
        if unit > 0 {
            sampler.next(sampling)?.iter().for_each(|&token| vocabulary.push(token, &mut bytes));
        }
        if !raw {
            utf8.push(&bytes, &mut text);
        }
        let ready = if raw { &bytes[..] } else { text.as_bytes() };
        if !ready.is_empty() && !write(ready)? {
            return Ok(());
        }
        bytes.clear();
        text.clear();
    }
    if raw {
        return Ok(());
    }
    utf8.finish(&mut text);
    text.push('\n');
    write(text.as_bytes())?;
    Ok(())
}
