//! Flags by the names that other programs have for them, and errors by the names of flags.
//!
//! Where a name of Keras, PyTorch or char-rnn means what a flag of ours means, it is that flag, though no help shows it.
//! Where it means something else, or nothing here, the error says what to do instead.

use std::borrow::Cow;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use elman::Error;

/// A flag of training by its id, and what else it is called.
const TRAINING: [(&str, &[&str]); 27] = [
    ("learning_rate", &["lr"]),
    (
        "num_epoch",
        &["epochs", "epoch", "num-epochs", "max-epochs", "max-epoch", "n-epochs", "nepochs", "num-train-epochs"],
    ),
    ("batch_size", &["batch", "bs", "train-batch-size", "per-device-train-batch-size"]),
    (
        "hidden_size",
        &["units", "num-units", "rnn-size", "hidden", "hidden-dim", "hidden-units", "num-hidden", "n-hidden", "nhid"],
    ),
    ("layers", &["num-layers", "n-layers", "nlayers", "num-hidden-layers"]),
    ("sequence_length", &["seq-length", "seq-len", "seqlen", "bptt", "num-steps", "truncated-backprop-length"]),
    ("embedding_size", &["embedding-dim", "embed-dim", "emb-size", "emsize"]),
    ("cell", &["rnn-type", "cell-type", "model"]),
    ("activation", &["nonlinearity"]),
    ("optimizer", &["optim", "opt"]),
    ("weight_decay", &["wd"]),
    ("clip_norm", &["clipnorm", "max-grad-norm", "clip-grad-norm", "clip"]),
    ("clip_value", &["clipvalue"]),
    ("beta1", &["beta-1", "adam-beta1"]),
    ("beta2", &["beta-2", "adam-beta2"]),
    ("epsilon", &["eps", "adam-eps", "adam-epsilon"]),
    ("schedule", &["scheduler", "lr-scheduler", "lr-scheduler-type"]),
    ("warmup", &["warmup-steps", "num-warmup-steps"]),
    ("min_learning_rate", &["min-lr", "eta-min"]),
    ("weight_average", &["ema", "ema-decay", "ema-momentum", "model-ema", "polyak"]),
    ("early_stopping", &["early-stopping-patience"]),
    ("seed", &["random-seed", "manual-seed", "random-state"]),
    ("threads", &["num-threads", "nthreads", "n-jobs"]),
    ("out", &["output-dir", "save-dir", "outdir"]),
    ("batch_per_log", &["log-interval", "log-every", "print-every", "logging-steps"]),
    ("checkpoint_steps", &["save-every", "save-steps", "checkpoint-every"]),
    ("horizon", &["prediction-length", "pred-len", "forecast-horizon"]),
];

/// The same for `sample`.
const SAMPLING: [(&str, &[&str]); 5] = [
    ("prime", &["primetext", "prime-text", "prompt", "start"]),
    ("length", &["max-new-tokens", "max-length", "num-chars"]),
    ("temperature", &["temp"]),
    ("samples", &["num-samples", "num-return-sequences"]),
    ("seed", &["random-seed", "manual-seed"]),
];

/// The same for `bench`.
const MEASURING: [(&str, &[&str]); 4] = [
    ("hidden", &["hidden-size", "units", "rnn-size"]),
    ("batch", &["batch-size"]),
    ("steps", &["sequence-length", "seq-length", "seq-len"]),
    ("layers", &["num-layers"]),
];

/// Names of other programs that are no flag of ours, and what to do instead.
const ELSEWHERE: [(&[&str], &str); 19] = [
    (
        &["device", "gpu", "gpus", "gpuid", "gpu-id", "cuda", "no-cuda", "use-cuda", "opencl", "mps"],
        "elman computes on the processor; '--threads N' says on how many threads",
    ),
    (&["num-workers", "workers"], "data is read at once, before training; '--threads N' is for the computation"),
    (
        &["grad-clip", "gradient-clip-val", "clip-gradients"],
        "'--clip-norm X' bounds the norm of the gradient, '--clip-value X' each element (char-rnn's grad_clip)",
    ),
    (
        &["keep-prob", "output-keep-prob", "input-keep-prob"],
        "'--dropout P' is the part that is dropped, 1 minus the part that is kept",
    ),
    (
        &["dropout-rate", "dropouti", "dropouth"],
        "'--dropout P' acts between layers, '--recurrent-dropout P' on the state",
    ),
    (
        &["decay-rate", "learning-rate-decay", "lr-decay", "learning-rate-decay-after", "gamma"],
        "'--schedule step --decay X --decay-after N' lowers the learning rate; '--rms-decay X' is rmsprop's",
    ),
    (&["val-frac", "test-frac"], "'--train-frac P' is the part of a text to train on; the rest is for validation"),
    (
        &["validation-split", "val-split", "val-size", "valid-size"],
        "'--validation X' of classify and series is the part for validation; mnist has a part of its own",
    ),
    (&["test-size", "test-split"], "'--test X' of classify and series is the part for the test"),
    (&["data-dir", "dataset", "input-file", "train-file", "data-path"], "'--data PATH' names the data"),
    (&["init-from", "resume", "resume-from-checkpoint", "load", "checkpoint"], "'elman resume RUN' goes on with a run"),
    (&["l2", "l2-reg", "regularization"], "'--weight-decay X' adds X times the weight to its gradient"),
    (&["l1", "l1-reg"], "there is no L1 penalty; '--weight-decay X' is the L2 one"),
    (&["verbose", "v"], "progress is shown unless '--quiet' is given"),
    (
        &["fp16", "bf16", "amp", "precision", "dtype"],
        "elman computes in 32 bits, whose results are the same everywhere",
    ),
    (&["shuffle", "no-shuffle"], "rows are read in another order each epoch, which '--seed N' decides"),
    (&["loss", "metrics", "criterion"], "each job has its own loss; the help of the job says what it measures"),
    (&["model-dir", "model-path", "save"], "'--out DIR' is the folder of the run"),
    (
        &["patience"],
        "'--early-stopping N' stops a training, '--schedule plateau --patience N' lowers its learning rate",
    ),
];

/// A job of `train` with the names of other programs.
pub(crate) fn with_names_of_training(job: Command) -> Command {
    with_names(job, &TRAINING)
}

pub(crate) fn with_names_of_sampling(sample: Command) -> Command {
    with_names(sample, &SAMPLING)
}

pub(crate) fn with_names_of_measuring(bench: Command) -> Command {
    with_names(bench, &MEASURING)
}

fn with_names(command: Command, names: &'static [(&str, &[&'static str])]) -> Command {
    // A name that is a flag of this command is that flag.
    let taken: Vec<String> = command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
    let others = |arg: &Arg| {
        let own = names.iter().find(|(id, _)| arg.get_id() == id).map_or(&[][..], |(_, others)| others);
        own.iter().copied().filter(|name| !taken.iter().any(|flag| flag == name)).collect::<Vec<_>>()
    };
    command.mut_args(|arg| {
        let others = others(&arg);
        arg.aliases(others)
    })
}

/// An error of the parser, with what to do instead of a flag that another program has.
pub(crate) fn explained(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(found)) =
        error.get(ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::UnknownArgument)
    else {
        return error;
    };
    let name = found.trim_start_matches('-').split('=').next().unwrap_or_default();
    let Some((_, instead)) = ELSEWHERE.iter().find(|(names, _)| names.contains(&name)) else { return error };
    error.remove(ContextKind::SuggestedArg);
    error.remove(ContextKind::SuggestedValue);
    error.remove(ContextKind::SuggestedSubcommand);
    // It names the flag that the parser took it for.
    error.remove(ContextKind::Usage);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![(*instead).into()]));
    error
}

/// Settings that the library calls otherwise than their flag, by the flag's id.
const INSIDE: [(&str, &str); 7] = [
    ("hidden", "hidden_size"),
    ("the window", "sequence_length"),
    ("input size", "embedding_size"),
    ("test_part", "test"),
    ("id_column", "id"),
    ("time_column", "time"),
    ("label_column", "label"),
];

/// What went wrong, with settings by the names of their flags. `command` and `given` are those of the innermost subcommand;
/// a setting that came from a file keeps its name there.
pub(crate) fn by_flags(error: &anyhow::Error, command: &Command, given: &ArgMatches) -> String {
    let plain = format!("{error:#}");
    if error.chain().count() != 1 {
        return plain;
    }
    let from_file = command.get_arguments().any(|arg| arg.get_id() == "config")
        && given.value_source("config") == Some(ValueSource::CommandLine);
    let flag = |what: &str| {
        let id = INSIDE.iter().find(|(inside, _)| *inside == what).map_or(what, |(_, id)| id);
        let arg = command.get_arguments().find(|arg| arg.get_id() == id)?;
        let typed = given.value_source(id) == Some(ValueSource::CommandLine);
        arg.get_long().filter(|_| typed || !from_file).map(|long| format!("--{long}"))
    };
    let named = |what: &'static str| flag(what).map_or(Cow::Borrowed(what), Cow::Owned);
    match error.downcast_ref::<Error>() {
        Some(Error::Setting { what, found, expected }) => {
            // Names within the text are words with underscores; others may be plain words.
            let words = expected.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let word = |word: &str| {
                let end = word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                match flag(end).filter(|_| end.contains('_')) {
                    Some(flag) => flag + &word[end.len()..],
                    None => word.to_owned(),
                }
            };
            format!("{} is {found}; expected {}", named(what), words.map(word).collect::<String>())
        }
        Some(Error::Unsupported { what, of, why }) => format!("{} is not computed for {of}: {why}", named(what)),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::command_line;

    fn parsed(line: &str) -> Result<ArgMatches, clap::Error> {
        command_line::command().try_get_matches_from(command_line::with_dashes(line.split(' ').map(OsString::from)))
    }

    #[test]
    fn names_of_other_programs_are_flags_where_they_mean_the_same() {
        for line in [
            "elman train mnist --lr 0.01 --epochs 3 --units 64 --num-layers 2 --wd 0.1 --max-grad-norm 5",
            "elman train text --rnn_size 128 --num_layers 2 --seq_length 50 --max_epochs 9 --model lstm --batch 32",
            "elman train text --emsize 200 --nhid 200 --nlayers 2 --bptt 35 --clip 0.25",
            "elman train series --epochs 2 --prediction-length 12 --hidden-dim 8 --random_state 1",
            "elman train classify --epochs=2 --lr=1e-3 --beta_1 0.9 --clipnorm 1 --log-interval 5",
            "elman train echo --num_epochs 5 --truncated_backprop_length 15",
            "elman sample run --temp 0.5 --primetext a --num_samples 2 --max_new_tokens 10",
            "elman bench --hidden-size 32 --batch-size 4 --seq-len 7",
        ] {
            assert!(parsed(line).is_ok(), "{line}: {}", parsed(line).unwrap_err());
        }
        let matches = parsed("elman train mnist --lr 0.25 --epochs 7").unwrap();
        let job = matches.subcommand().unwrap().1.subcommand().unwrap().1;
        assert_eq!(job.get_one::<f64>("learning_rate"), Some(&0.25));
        assert_eq!(job.get_one::<u64>("num_epoch"), Some(&7));
        // Nothing of it in the help.
        let help = parsed("elman train text --help").unwrap_err().to_string();
        assert!(!help.contains("rnn-size") && !help.contains("--epochs") && help.contains("--num-epoch"), "{help}");
    }

    #[test]
    fn names_that_mean_something_else_are_answered_with_ours() {
        for (line, words) in [
            ("elman train mnist --device cuda", "elman computes on the processor; '--threads N'"),
            ("elman train mnist --gpu=0", "'--threads N'"),
            ("elman train text --grad_clip 5", "'--clip-value X'"),
            ("elman train text --val_frac 0.05", "'--train-frac P'"),
            ("elman train text --init_from a", "'elman resume RUN'"),
            ("elman train mnist --validation_split 0.1", "'--validation X'"),
            ("elman train classify --keep-prob 0.5", "'--dropout P'"),
            ("elman train text --data_dir a", "'--data PATH'"),
            ("elman predict run a.png --device cpu", "'--threads N'"),
        ] {
            let text = explained(parsed(line).unwrap_err()).to_string();
            let tips: Vec<&str> = text.lines().filter(|line| line.contains("tip:")).collect();
            assert!(tips.len() == 1 && tips[0].contains(words) && !text.contains("Usage"), "{line}: {text}");
        }
        // Others keep the parser's own tip.
        let text = explained(parsed("elman train mnist --hiden-size 3").unwrap_err()).to_string();
        assert!(text.contains("'--hidden-size'"), "{text}");
    }

    #[test]
    fn every_flag_that_a_tip_names_is_there() {
        let command = command_line::command();
        let mut all = vec![];
        fn flags(command: &Command, all: &mut Vec<String>) {
            all.extend(command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")));
            command.get_subcommands().for_each(|command| flags(command, all));
        }
        flags(&command, &mut all);
        for (names, instead) in ELSEWHERE {
            let named = instead.split(['\'', ' ']).filter(|word| word.starts_with("--"));
            named.for_each(|flag| assert!(all.iter().any(|known| known == flag), "{flag} of {names:?}"));
        }
        for (id, others) in TRAINING.iter().chain(&SAMPLING).chain(&MEASURING) {
            let own = format!("--{}", id.replace('_', "-"));
            assert!(all.contains(&own), "{own}");
            for other in *others {
                assert!(!ELSEWHERE.iter().any(|(names, _)| names.contains(other)), "{other} is both");
            }
        }
    }

    #[test]
    fn errors_name_the_flag() {
        let of = |line: &str, error: Error| {
            let matches = parsed(line).unwrap();
            let (path, given) = command_line::innermost(&matches);
            by_flags(&error.into(), &command_line::plain_command(&path), given)
        };
        let setting = |what, expected: &str| Error::Setting { what, found: "0".into(), expected: expected.into() };
        let line = "elman train mnist --hidden-size 0";
        assert_eq!(of(line, setting("hidden_size", "1 to 9")), "--hidden-size is 0; expected 1 to 9");
        assert_eq!(of(line, setting("hidden", "1 to 9")), "--hidden-size is 0; expected 1 to 9");
        assert_eq!(
            of("elman train classify", setting("validation", "above 0 with early_stopping, which")),
            "--validation is 0; expected above 0 with --early-stopping, which"
        );
        assert_eq!(of(line, setting("the text", "more")), "the text is 0; expected more");
        let unsupported = Error::Unsupported { what: "layer_norm", of: "rnn", why: "it is not".into() };
        assert_eq!(of(line, unsupported), "--layer-norm is not computed for rnn: it is not");
        // What stands in a file has its name there, unless a flag went before it.
        let file = "elman train mnist --config a.toml --seed 1";
        assert_eq!(of(file, setting("num_epoch", "1")), "num_epoch is 0; expected 1");
        assert_eq!(of(file, setting("seed", "1")), "--seed is 0; expected 1");
        // And a command without that flag is no place for it.
        assert_eq!(of("elman eval run", setting("batch_size", "1")), "batch_size is 0; expected 1");
        let deep = anyhow::Error::from(setting("seed", "1")).context("cannot read it");
        let matches = parsed(line).unwrap();
        assert_eq!(
            by_flags(&deep, &command_line::plain_command(&["train", "mnist"]), command_line::innermost(&matches).1),
            "cannot read it: seed is 0; expected 1"
        );
    }
}
