//! `elman convert`: models from and for other programs.

mod check;
mod made_up;
mod place;
mod sample;
#[cfg(feature = "tract")]
mod tract;
mod verify;

use anyhow::{Context, bail};
use elman::datasets::text;
use elman::text::Vocabulary;
use elman::{Error, Model};
use elman_exchange::files::{Partner, Way};
use elman_exchange::{Hints, Units, Verdict};
use serde_json::json;

use crate::flags::convert::ConvertArgs;
use crate::flags::output::OutputArgs;
use crate::folder;
use crate::jobs;
use crate::output::Output;

pub(crate) fn convert(args: &ConvertArgs) -> anyhow::Result<()> {
    let mut output = Output::new(OutputArgs { json: args.json, quiet: false });
    let from = Partner::of_input(&args.input, args.from)?;
    let to = Partner::of_output(&args.output, args.to, from)?;
    if args.output.exists() {
        bail!("{} is there already; choose another name, or remove it", args.output.display());
    }
    if from == to && from != Partner::Elman {
        bail!("{} and {} are both {from}; there is nothing to convert", args.input.display(), args.output.display());
    }
    let options = args.onnx_options(to)?;
    let hints = hints(args, from)?;

    let (mut model, mut read) = place::load(from, &args.input, &hints, args.member)?;
    keep_vocabulary(args, &mut model)?;
    if let Some(classes) = &args.classes {
        jobs::classify::name_classes(&mut model, classes)?;
    }
    if let Some(report) = &mut read {
        report.notes.extend(unnamed(&model));
    }
    let scaled = Units::of(&model)?.is_some() || elman_exchange::relative(&model).is_some();
    if args.standardized && (to == Partner::Elman || !scaled) {
        let expected = "no such flag: OUT is elman's own, or the model reads its inputs as they are".into();
        return Err(Error::Setting { what: "standardized", found: "given".into(), expected }.into());
    }
    let written = place::save(to, &args.output, &model, &options)?;
    // Of two reports the first is empty where the model is ours, and the second where it becomes so.
    let parts = [(from, Partner::Elman, read), (Partner::Elman, to, written)].into_iter();
    let way = Way(parts.filter_map(|(from, to, report)| report.map(|report| (from, to, report))).collect());

    let checks = verify::all(args, from, to, &model).inspect_err(|_| {
        // A file that does not do what the model does is worse than none. It was not there before.
        let _ = std::fs::remove_file(&args.output);
    })?;
    if args.json {
        let object = json!({
            "event": "conversion", "input": args.input, "output": args.output,
            "steps": way.objects(), "exact": way.verdict() == Verdict::Exact, "verdict": way.conclusion(),
            "verification": checks,
        });
        return output.result("", &object);
    }
    output.line(&format!("{} ({from}) → {} ({to})", args.input.display(), args.output.display()))?;
    for line in way.lines() {
        output.line(&line)?;
    }
    output.line(&format!("\nverdict: {}", way.conclusion()))?;
    for line in way.compared() {
        output.line(&line)?;
    }
    if args.sample.is_none() && way.has_nothing_to_compute() {
        output.line("not compared: arrays alone hold nothing to compute; --sample FILE compares answers")?;
    }
    for check in checks {
        output.line(&check.to_string())?;
    }
    Ok(())
}

/// What the flags say of a model that a file does not say.
fn hints(args: &ConvertArgs, from: Partner) -> anyhow::Result<Hints> {
    let like = match &args.like {
        None => None,
        Some(path) => Some(folder::load_model(path)?.first().config()),
    };
    let hints = Hints {
        activation: args.activation(),
        reads: args.reads(),
        forget_bias: args.forget_bias,
        hidden_activation: args.hidden_activation(),
        values: args.values(),
        like,
        allow_nonfinite: args.allow_nonfinite,
    };
    if args.member.is_some() && from != Partner::Elman {
        let expected = "no such flag: only a model of elman has members".into();
        return Err(Error::Setting { what: "member", found: "given".into(), expected }.into());
    }
    let given = [
        ("activation", hints.activation.is_some()),
        ("reads", hints.reads.is_some()),
        ("forget_bias", hints.forget_bias.is_some()),
        ("hidden_activation", hints.hidden_activation.is_some()),
        ("values", hints.values.is_some()),
        ("like", hints.like.is_some()),
    ];
    if from == Partner::Elman
        && let Some((what, _)) = given.iter().find(|(_, given)| *given)
    {
        let expected = "no such flag: a model of elman says itself what it is".into();
        return Err(Error::Setting { what, found: "given".into(), expected }.into());
    }
    if let Some(value) = hints.forget_bias
        && !(value.is_finite() && from == Partner::Tensorflow)
    {
        let expected = "a finite number, for a model of TensorFlow 1, whose cell adds it while it runs".into();
        return Err(Error::Setting { what: "forget_bias", found: value.to_string(), expected }.into());
    }
    Ok(hints)
}

/// What a model does not say that other commands ask for.
fn unnamed(model: &Model) -> Option<String> {
    if model.meaning.is_some() || model.head().classes().is_none() {
        return None;
    }
    let note = match model.stack().embedding {
        Some(_) => {
            "which characters the tokens are is not known, and elman sample asks for it: --vocabulary FILE, or --unit byte"
        }
        None => {
            "the classes have no names, and elman predict takes the input for images, row by row; with --classes it reads \
             sequences"
        }
    };
    Some(note.into())
}

/// Gives a model of tokens the characters that they stand for.
fn keep_vocabulary(args: &ConvertArgs, model: &mut Model) -> anyhow::Result<()> {
    let vocabulary = match (&args.vocabulary, args.unit.as_deref()) {
        (None, Some("byte")) => Vocabulary::Bytes,
        (Some(path), _) => {
            let text = text::read(path)?;
            Vocabulary::characters(&text).with_context(|| format!("cannot use {}", path.display()))?
        }
        (None, _) => return Ok(()),
    };
    let tokens = model.stack().embedding.map(|embedding| embedding.tokens);
    if tokens != Some(vocabulary.len()) || model.head().classes() != tokens {
        let found = match tokens {
            None => "no tokens".into(),
            Some(tokens) => format!("{tokens} tokens and {}", model.head().describe()),
        };
        bail!("the vocabulary has {} {}s; the model reads {found}", vocabulary.len(), vocabulary.unit());
    }
    model.meaning = Some(vocabulary.into());
    Ok(())
}
