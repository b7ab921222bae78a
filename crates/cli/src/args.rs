//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Args, CommandFactory, Parser, Subcommand};

use crate::convert::ConvertArgs;
use crate::jobs::classify::Classify;
use crate::jobs::echo::Echo;
use crate::jobs::mnist::Mnist;
use crate::jobs::series::SeriesJob;
use crate::jobs::series::args::{ForecastArgs, SeriesArgs};
use crate::jobs::text::Text;
use crate::network::NetworkArgs;
use crate::numbers::negative;
use crate::settings::{self, Job as _, Settings};
use crate::training::CommonArgs;

/// Recurrent neural networks: train, evaluate, predict.
#[derive(Debug, Parser)]
#[command(
    name = "elman",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Examples:
  elman train mnist                      the tutorial's network, on digits that are in the binary
  elman resume runs/mnist-rnn-1          the run was ended: go on with it
  elman eval runs/mnist-rnn-1            its loss and accuracy on the test images
  elman predict runs/mnist-rnn-1 7.png   what digit is it?
  elman train text --data book.txt       a network that writes
  elman sample runs/text-lstm-1          what it writes

ELMAN_ISA chooses the instruction set: portable, avx2, avx512 or neon; without it, the widest is used."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network; without a job, lists the jobs
    #[command(arg_required_else_help = true)]
    Train {
        #[command(subcommand)]
        job: Box<Job>,
    },
    /// Go on with a run that was ended before its time, to the same bits
    Resume(ResumeArgs),
    /// Loss and other figures of a trained model on test data
    Eval(EvalArgs),
    /// Classes and probabilities of images or sequences
    Predict(PredictArgs),
    /// Text that a trained model makes, as it is made
    Sample(SampleArgs),
    /// The values that follow a time series, in quantiles
    Forecast(ForecastArgs),
    /// Configuration, arrays, parameters and memory of a model or run
    Inspect(InspectArgs),
    /// Losses of several runs beside each other, as a table and a picture
    Compare(CompareArgs),
    /// How far back a network learns, whether its gates move, what its step does to the state
    Diagnose(DiagnoseArgs),
    /// Models from and for PyTorch, Keras, TensorFlow 1 and ONNX, with a report of every array
    Convert(ConvertArgs),
    /// Speed of training, inference and streaming, beside the processor's peak; over many sizes with --sweep
    Bench(BenchArgs),
    /// Completions for a shell, as a script on standard output
    Completions(CompletionsArgs),
    /// Pages for man: the main page on standard output, or a page for each command into a folder
    Man(ManArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Read images row by row and name the digit: the tutorial's job
    Mnist(MnistArgs),
    /// Say random bits again, some steps later: what a state is for
    Echo(EchoArgs),
    /// Read a text and say at each character what comes next: a network that writes
    Text(TextArgs),
    /// Forecast time series, in quantiles, and compare with the seasonal naive forecast
    Series(SeriesArgs),
    /// Name the class of sequences of any features and lengths: Japanese Vowels, or your own file
    Classify(ClassifyArgs),
}

/// Flags of `train mnist`. What is not given comes from `--config`, then from the tutorial's defaults.
#[derive(Args, Debug)]
#[command(after_help = "\
Each flag works with underscores too: --learning_rate 0.001.

Examples:
  elman train mnist
  elman train mnist --hidden_size 64 --num_epoch 3 --out runs/small
  elman train mnist --cell lstm --layers 2 --dropout 0.2
  elman train mnist --cell gru --bidirectional --hidden_size 64
  elman train mnist --optimizer rmsprop --schedule cosine --early-stopping 3
  elman train mnist --data fashion/      the four IDX files of another set, gzipped or not")]
pub(crate) struct MnistArgs {
    /// A folder with the four IDX files of a data set [default: MNIST, in the binary]
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Flags of `train echo`.
#[derive(Args, Debug)]
#[command(after_help = "\
Random bits in parallel streams; the class of a step is the bit some steps before. The network sees
pieces of a few steps. It can be right at the start of a piece only if its state is carried there.

Examples:
  elman train echo
  elman train echo --reset-state            the first steps of each piece cannot be right
  elman train echo --echo-step 8 --hidden-size 16 --cell gru")]
pub(crate) struct EchoArgs {
    /// Bits to train on, in all streams; as many others are for the test
    #[arg(long, value_name = "N", help_heading = "Data")]
    pub(crate) series_length: Option<usize>,
    /// Steps from a bit to its echo
    #[arg(long, value_name = "N", help_heading = "Data")]
    pub(crate) echo_step: Option<usize>,
    /// Steps of a piece: no gradient goes further back
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) sequence_length: Option<usize>,
    /// Start each piece from zero, instead of from the state that the piece before left
    #[arg(long, help_heading = "Training")]
    pub(crate) reset_state: bool,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Flags of `train text`.
#[derive(Args, Debug)]
#[command(after_help = "\
The text is read as parallel streams, in windows of a few characters, the state carried from window to
window. Its end is for validation. The figures are bits a character: 0 would be to know the text.

Examples:
  elman train text                          eight plays by Shakespeare, in the binary
  elman train text --data book.txt --num-epoch 30
  elman train text --data song.mid --unit byte
  elman train text --hidden-size 512 --dropout 0.3 --schedule cosine")]
pub(crate) struct TextArgs {
    /// A text in UTF-8, gzipped or not; with --unit byte any file [default: eight plays by Shakespeare, in the binary]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    /// What is read at a step: a character of those in the text, or a byte
    #[arg(long, value_parser = PossibleValuesParser::new(["character", "byte"]), help_heading = "Data")]
    pub(crate) unit: Option<String>,
    /// Part of the text that is trained on; its end is for validation
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Data")]
    pub(crate) train_frac: Option<f64>,
    /// Steps of a window: no gradient goes further back
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) sequence_length: Option<usize>,
    /// Floats of the vector that stands for a character [default: the hidden size]
    #[arg(long, value_name = "N", help_heading = "Model")]
    pub(crate) embedding_size: Option<usize>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Flags of `train classify`.
#[derive(Args, Debug)]
#[command(after_help = "\
A file of sequences is a table with a step a line (.csv, .tsv), the UEA archive's .ts, or NumPy's .npz.
Each feature is read with mean 0 and standard deviation 1 over the training part.

Examples:
  elman train classify                        nine speakers, by their vowels
  elman train classify --data walks.csv --test new-walks.csv
  elman train classify --data walks.csv --id-column walk --label-column who --class-weights balanced
  elman train classify --data ECG_TRAIN.ts --test ECG_TEST.ts --bidirectional --early-stopping 10")]
pub(crate) struct ClassifyArgs {
    /// Sequences to learn from [default: Japanese Vowels, in the binary]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    /// Sequences to test with [default: a part of the data]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) test: Option<PathBuf>,
    /// Part of the data for the test, each class its share, where no file is
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Data")]
    pub(crate) test_part: Option<f64>,
    /// Part of what is to be learnt from for validation, each class its share; 0 for none
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Data")]
    pub(crate) validation: Option<f64>,
    /// In a table, the column that says to which sequence a step belongs [default: id]
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    pub(crate) id_column: Option<String>,
    /// In a table, the column by which steps are sorted [default: time, if there is one]
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    pub(crate) time_column: Option<String>,
    /// In a table, the column of labels, in an .npz the array [default: label or y]
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    pub(crate) label_column: Option<String>,
    /// In a table, the columns that are read, as a,b,c [default: all others]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data")]
    pub(crate) features: Option<Vec<String>>,
    /// How missing values are read: as the mean, with an input beside each feature that says so (mask), or as the mean
    #[arg(long, value_parser = PossibleValuesParser::new(["mask", "mean"]), help_heading = "Data")]
    pub(crate) missing: Option<String>,
    /// How much a row of each class counts: none (all alike), balanced (rare classes more), or numbers, as 1,2,0.5
    #[arg(long, value_name = "W", allow_hyphen_values = true, help_heading = "Training")]
    pub(crate) class_weights: Option<String>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct OutputArgs {
    /// One JSON object a line on standard output, instead of text
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// Nothing on standard error but errors
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
A run goes on from its newest checkpoint: after Ctrl-C or a kill, after the machine went down. What it
leaves in the end is the same, bit for bit, as without the break. The settings are those of the run;
its data must be what it was. docs/training.md says more.

Examples:
  elman resume runs/mnist-rnn-1
  elman resume runs/mnist-rnn-1 --threads 8
  elman train mnist --checkpoint-steps 100 --keep-checkpoints 3     more often, and more of them")]
pub(crate) struct ResumeArgs {
    /// The run's folder
    pub(crate) run: PathBuf,
    /// Threads; changes no bit of the result [default: those of the run]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman eval runs/mnist-rnn-1
  elman eval model.safetensors --data fashion/
  elman eval runs/text-lstm-1 --data other.txt
  elman eval runs/classify-gru-1 --data walks.csv")]
pub(crate) struct EvalArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Other data: a folder with the four IDX files of a data set, or for the other jobs a file [default: the test or
    /// validation part of what the run was trained on]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Threads [default: the processors there are]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman predict runs/mnist-rnn-1 digit.png
  elman predict runs/mnist-rnn-1 scan.png --invert        ink is dark on a light ground
  elman predict runs/mnist-rnn-1 t10k-images-idx3-ubyte.gz --json
  elman predict runs/classify-gru-1 walks.csv")]
pub(crate) struct PredictArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Images: PNG files, or IDX files with many, gzipped or not; for a run of classify, files of sequences
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Turn light into dark first: MNIST's ink is light on a dark ground
    #[arg(long)]
    pub(crate) invert: bool,
    /// Threads [default: the processors there are]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Without --prime the network reads a line end first, so that it starts a line; where its training text has none, the
first of its characters.

Examples:
  elman sample runs/text-lstm-1
  elman sample runs/text-lstm-1 --prime \"ROMEO. \" --temperature 0.7
  elman sample runs/text-lstm-1 --top-p 0.9 --samples 3 --json
  elman sample runs/text-lstm-2 --prime-file start.mid --out new.mid      a model of bytes gives bytes

A model of bytes writes them as they are, nothing added, to a file or a pipe; a terminal is shown those that are no
text as \\xff.")]
pub(crate) struct SampleArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// What the text starts with
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) prime: String,
    /// A file that the text starts with: UTF-8, or for a model of bytes any file
    #[arg(long, value_name = "FILE", conflicts_with = "prime")]
    pub(crate) prime_file: Option<PathBuf>,
    /// Write the sample into a file, instead of on standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "samples"])]
    pub(crate) out: Option<PathBuf>,
    /// Characters to make after it, or bytes
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) length: usize,
    /// Below 1 the probable becomes more so, above 1 less; at 0 the most probable character is always taken
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) temperature: f32,
    /// Choose among the K most probable only [default: all]
    #[arg(long, value_name = "K")]
    pub(crate) top_k: Option<usize>,
    /// Choose among the fewest most probable only whose probabilities sum to P [default: all]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub(crate) top_p: Option<f32>,
    /// Another seed, another text
    #[arg(long, value_name = "N", default_value_t = 111)]
    pub(crate) seed: u64,
    /// Samples, made side by side: each is that of the seed, of the seed + 1, and so on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) samples: usize,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman inspect runs/mnist-rnn-1
  elman inspect model.safetensors --json")]
pub(crate) struct InspectArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
The picture shows the validation loss against epochs and against seconds, on logarithmic axes.

Examples:
  elman compare runs/mnist-rnn-1 runs/mnist-rnn-2 --chart compare.svg")]
pub(crate) struct CompareArgs {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Draw the losses as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) chart: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Three tables and a picture: the gradient of the loss by the state k steps before the end, for every
layer and direction; the gates that stand at a bound; the eigenvalues of the recurrent matrix and of
a step. docs/diagnostics.md says how to read them.

Examples:
  elman diagnose runs/mnist-lstm-1
  elman diagnose runs/mnist-lstm-1 --rows 500 --out lstm.svg
  elman diagnose model.safetensors --data fashion/ --json")]
pub(crate) struct DiagnoseArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Another data set: what eval of the run takes [default: the run's own]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Sequences to follow, evenly over all of them [default: 64, or all of fewer]
    #[arg(long, value_name = "N")]
    pub(crate) rows: Option<usize>,
    /// Most steps to look back over [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,
    /// Where the picture is written [default: diagnosis.svg in the run's folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
The share of the peak is that of a loop of multiply-adds on registers alone, timed in turn with
the step, on as many threads. Operations are 2·m·n·k of each product of the step, nothing else.

A sweep varies hidden, batch, steps and threads, one at a time, from the sizes given; then the
threads again at batch 4 and hidden 1024. Without --cell it does so for rnn, lstm and gru. It takes
some minutes.

Examples:
  elman bench
  elman bench --hidden 512 --threads 1 --json
  elman bench --cell lstm --zoneout 0.1 --lengths even
  elman bench --sweep --chart sweep.svg
  elman bench --sweep --cell gru --threads 1 --json > sweep.jsonl
  elman bench --from sweep.jsonl --chart sweep.svg")]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Rows of a batch
    #[arg(long, default_value_t = 128, value_name = "B")]
    pub(crate) batch: usize,
    /// Steps of a sequence
    #[arg(long, default_value_t = 28, value_name = "T")]
    pub(crate) steps: usize,
    /// Floats of a step
    #[arg(long, default_value_t = 28, value_name = "I")]
    pub(crate) input: usize,
    /// Floats of the state
    #[arg(long, default_value_t = 128, value_name = "H")]
    pub(crate) hidden: usize,
    /// Steps of the rows: all, or evenly from 1 to all
    #[arg(long, default_value = "full", value_parser = PossibleValuesParser::new(["full", "even"]))]
    pub(crate) lengths: String,
    /// Threads [default: the processors there are]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Rounds of peak and step in turn; in a sweep, at most as many as fit into a second
    #[arg(long, default_value_t = 60, value_name = "N")]
    pub(crate) rounds: usize,
    /// Measure many points: one size at a time varied from those given
    #[arg(long)]
    pub(crate) sweep: bool,
    /// Draw a sweep as SVG: share of the peak by each size
    #[arg(long, value_name = "FILE")]
    pub(crate) chart: Option<PathBuf>,
    /// Measure nothing: draw the records that --sweep --json wrote
    #[arg(long, value_name = "FILE", requires = "chart", conflicts_with_all = ["NetworkArgs", "batch", "steps",
        "input", "hidden", "lengths", "threads", "rounds", "sweep", "json"])]
    pub(crate) from: Option<PathBuf>,
    /// One JSON object, or one a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman completions bash > ~/.local/share/bash-completion/completions/elman
  elman completions zsh > ~/.zfunc/_elman
  elman completions fish > ~/.config/fish/completions/elman.fish")]
pub(crate) struct CompletionsArgs {
    /// For which shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman man | man -l -
  elman man ~/.local/share/man/man1      then: man elman-train-mnist")]
pub(crate) struct ManArgs {
    /// A folder for the pages of all commands; it is made if it is not there
    pub(crate) dir: Option<PathBuf>,
}

/// The command line, each job's defaults in its help. They are looked up when the job is named, not at every start.
pub fn command() -> clap::Command {
    fn with_defaults<J: settings::Job>(job: clap::Command) -> clap::Command {
        #[expect(clippy::expect_used, reason = "the defaults are ours, whatever the user says")]
        let table = Settings::<J>::default_table().expect("settings of our own are a table");
        negative(job.mut_args(|arg| with_default(arg, &table)))
    }
    negative(Cli::command()).mut_subcommand("train", |train| {
        train
            .mut_subcommand(Mnist::NAME, |job| job.defer(with_defaults::<Mnist>))
            .mut_subcommand(Echo::NAME, |job| job.defer(with_defaults::<Echo>))
            .mut_subcommand(Text::NAME, |job| job.defer(with_defaults::<Text>))
            .mut_subcommand(SeriesJob::NAME, |job| job.defer(with_defaults::<SeriesJob>))
            .mut_subcommand(Classify::NAME, |job| job.defer(with_defaults::<Classify>))
    })
}

/// Says in a flag's help what it is without the flag, unless the help says it.
fn with_default(arg: Arg, table: &toml::Table) -> Arg {
    let default = match table.get(arg.get_id().as_str()) {
        Some(toml::Value::String(text)) => text.clone(),
        Some(toml::Value::Integer(value)) => value.to_string(),
        Some(toml::Value::Float(value)) => value.to_string(),
        Some(toml::Value::Array(values)) => {
            values.iter().map(|value| value.to_string().trim_matches('"').to_owned()).collect::<Vec<_>>().join(",")
        }
        _ => return arg,
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if help.contains("[default") { arg } else { arg.help(format!("{help} [default: {default}]")) }
}

/// The threads that a flag asks for, or all there are.
pub(crate) fn threads(flag: Option<usize>) -> Result<usize, elman::Error> {
    match flag {
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        Some(threads @ 1..=THREADS_MAX) => Ok(threads),
        Some(threads) => Err(elman::Error::Setting {
            what: "threads",
            found: threads.to_string(),
            expected: format!("1 to {THREADS_MAX}"),
        }),
    }
}

/// More threads than any machine has; each takes a workspace.
const THREADS_MAX: usize = 1024;

/// The tutorial's flags have underscores, ours dashes: `--learning_rate=0.1` becomes `--learning-rate=0.1`. Values
/// and what stands behind `--` stay as they are.
pub(crate) fn with_dashes(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut flags = true;
    args.map(move |arg| {
        let Some(text) = arg.to_str() else { return arg };
        flags &= text != "--";
        if !flags || !text.starts_with("--") {
            return arg;
        }
        match text.split_once('=') {
            Some((name, value)) => format!("{}={value}", name.replace('_', "-")).into(),
            None => text.replace('_', "-").into(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman::BatchSize;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn underscores_in_flags_become_dashes_and_nowhere_else() {
        let args = ["elman", "--a_b", "--c_d=e_f", "g_h", "--", "--i_j"].map(OsString::from);
        let expected = ["elman", "--a-b", "--c-d=e_f", "g_h", "--", "--i_j"].map(OsString::from);
        assert!(with_dashes(args.into_iter()).eq(expected));
    }

    #[test]
    fn every_flag_of_the_tutorial_is_there() {
        let flags = "elman train mnist --learning_rate 0.01 --seed 1 --batch_size 2 --num_epoch 3 --batch_per_log 4 \
                     --hidden_size 5";
        let cli = Cli::try_parse_from(with_dashes(flags.split(' ').map(OsString::from))).unwrap();
        let Command::Train { job } = cli.command else { panic!("another command") };
        let Job::Mnist(args) = *job else { panic!("another job") };
        let settings = Settings::<Mnist>::new(&args.common).unwrap();
        let training = &settings.training;
        assert_eq!(settings.optimization.descent().unwrap().algorithm.learning_rate(), 0.01);
        assert_eq!(training.batch_size, BatchSize::Rows(2));
        assert_eq!([training.seed, training.num_epoch, training.batch_per_log], [1, 3, 4]);
        assert_eq!(settings.network.hidden_size, 5);
    }
}
