//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Args, CommandFactory, Parser, Subcommand};

use crate::convert::ConvertArgs;
use crate::flags;
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
  elman resume runs/mnist-rnn-1          continue a run that was interrupted
  elman eval runs/mnist-rnn-1            its loss and accuracy on the test images
  elman predict runs/mnist-rnn-1 7.png   what digit is it?
  elman train text --data book.txt       a network that writes
  elman sample runs/text-lstm-1          what it writes

ELMAN_ISA selects the instruction set: portable, avx2, avx512 or neon. The default is the widest available."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network; without a job, list the jobs
    #[command(arg_required_else_help = true)]
    Train {
        #[command(subcommand)]
        job: Box<Job>,
    },
    /// Continue a run that was interrupted, with the same result to the last bit
    Resume(ResumeArgs),
    /// Measure a trained model on test data
    Eval(EvalArgs),
    /// Classify images or sequences, with the probability of each class
    Predict(PredictArgs),
    /// Generate text with a trained model
    Sample(SampleArgs),
    /// Forecast the values that follow a time series, as quantiles
    Forecast(ForecastArgs),
    /// Show the configuration, arrays, parameters and memory of a model or run
    Inspect(InspectArgs),
    /// Compare runs: their figures, the settings that differ, and a picture of their losses
    Compare(CompareArgs),
    /// Show how far back a network learns, whether its gates move, and what a step does to the state
    Diagnose(DiagnoseArgs),
    /// Convert models from and to PyTorch, Keras, TensorFlow 1 and ONNX, with a report on every array
    Convert(ConvertArgs),
    /// Measure the speed of training, inference and streaming against the processor's peak; --sweep varies the sizes
    Bench(BenchArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the man page, or write a page for each command into a folder
    Man(ManArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Read images row by row and classify the digit: the tutorial's job
    Mnist(MnistArgs),
    /// Repeat random bits some steps later: what a state is for
    Echo(EchoArgs),
    /// Read a text and predict each next character: a network that writes
    Text(TextArgs),
    /// Forecast time series as quantiles, compared with the seasonal naive forecast
    Series(SeriesArgs),
    /// Classify sequences of any features and lengths: Japanese Vowels, or your own file
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
    /// Folder with the four IDX files of a data set [default: MNIST, in the binary]
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Flags of `train echo`.
#[derive(Args, Debug)]
#[command(after_help = "\
Random bits in parallel streams; the class of a step is the bit some steps earlier. The network reads pieces of a \
few steps. At the start of a piece it can only be right if its state is carried over from the piece before.

Examples:
  elman train echo
  elman train echo --reset-state            the first steps of each piece must be wrong half the time
  elman train echo --echo-step 8 --hidden-size 16 --cell gru")]
pub(crate) struct EchoArgs {
    /// Bits to train on, over all streams; the test has as many
    #[arg(long, value_name = "N", help_heading = "Data")]
    pub(crate) series_length: Option<usize>,
    /// Steps from a bit to its echo
    #[arg(long, value_name = "N", help_heading = "Data")]
    pub(crate) echo_step: Option<usize>,
    /// Steps of a piece; gradients go no further back
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) sequence_length: Option<usize>,
    /// Start each piece from a zero state instead of the state at the end of the piece before
    #[arg(long, help_heading = "Training")]
    pub(crate) reset_state: bool,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Flags of `train text`.
#[derive(Args, Debug)]
#[command(after_help = "\
The text is read as parallel streams, in windows of a few characters, with the state carried from window to \
window. Its end is for validation. The figures are bits per character; 0 would mean knowing the text by heart.

Examples:
  elman train text                          eight plays by Shakespeare, in the binary
  elman train text --data book.txt --num-epoch 30
  elman train text --data song.mid --unit byte
  elman train text --hidden-size 512 --dropout 0.3 --schedule cosine")]
pub(crate) struct TextArgs {
    /// A text in UTF-8, gzipped or not; with --unit byte any file [default: eight plays by Shakespeare, in the binary]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    /// What a step reads: a character or a byte
    #[arg(long, value_parser = PossibleValuesParser::new(["character", "byte"]), help_heading = "Data")]
    pub(crate) unit: Option<String>,
    /// Fraction of the text to train on; the rest is for validation
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Data")]
    pub(crate) train_frac: Option<f64>,
    /// Steps of a window; gradients go no further back
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) sequence_length: Option<usize>,
    /// Size of the vector that stands for a character [default: the hidden size]
    #[arg(long, value_name = "N", help_heading = "Model")]
    pub(crate) embedding_size: Option<usize>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Flags of `train classify`.
#[derive(Args, Debug)]
#[command(after_help = "\
A file of sequences is a table with one step per line (.csv, .tsv), the UEA archive's .ts, or NumPy's .npz. Each \
feature is scaled to mean 0 and standard deviation 1 over the training part.

Examples:
  elman train classify                        nine speakers, by their vowels
  elman train classify --data walks.csv --test new-walks.csv
  elman train classify --data walks.csv --id walk --label who --class-weights balanced
  elman train classify --data ECG_TRAIN.ts --test ECG_TEST.ts --bidirectional --early-stopping 10")]
pub(crate) struct ClassifyArgs {
    /// Sequences to learn from [default: Japanese Vowels, in the binary]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) data: Option<PathBuf>,
    /// Sequences to test with: a file, or a part of the data, each class its share [default: 0.2]
    #[arg(long, alias = "test-part", value_name = "FILE|X", allow_negative_numbers = true, help_heading = "Files")]
    pub(crate) test: Option<String>,
    /// Part of what is to be learnt from for validation, each class its share; 0 for none
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Data")]
    pub(crate) validation: Option<f64>,
    /// In a table, the column that says to which sequence a step belongs [default: id]
    #[arg(long, alias = "id-column", value_name = "COLUMN", help_heading = "Data")]
    pub(crate) id: Option<String>,
    /// In a table, the column by which steps are sorted, or those of the parts of a time, as year,month; "" for none
    /// [default: time or date, or the only column of times]
    #[arg(long, alias = "time-column", value_name = "COLUMNS", help_heading = "Data")]
    pub(crate) time: Option<String>,
    /// How times are written, as DD/MM/YYYY or %d/%m/%Y [default: seen from all]
    #[arg(long, value_name = "FORM", help_heading = "Data")]
    pub(crate) time_format: Option<String>,
    /// The decimal mark of all numbers: point or comma [default: seen from each column]
    #[arg(long, value_name = "MARK", help_heading = "Data")]
    pub(crate) decimal: Option<String>,
    /// What parts thousands: comma, point, blank, apostrophe or none [default: seen from each column]
    #[arg(long, value_name = "MARK", help_heading = "Data")]
    pub(crate) thousands: Option<String>,
    /// In a table, the column of labels, in an .npz the array [default: label or y]
    #[arg(long, alias = "label-column", value_name = "COLUMN", help_heading = "Data")]
    pub(crate) label: Option<String>,
    /// In a table, the columns that are read, as a,b,c [default: all others of numbers]
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
    /// Print one JSON object per line instead of text
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// Only warnings and errors on standard error
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
A run continues from its newest checkpoint, after Ctrl-C, a kill or a power failure. The result is the same, bit for \
bit, as without the break. The settings are those of the run, and its data must not have changed. See docs/training.md.

Examples:
  elman resume runs/mnist-rnn-1
  elman resume runs/mnist-rnn-1 --threads 8
  elman train mnist --checkpoint-steps 100 --keep-checkpoints 3     write them more often, keep more")]
pub(crate) struct ResumeArgs {
    /// The run's folder
    pub(crate) run: PathBuf,
    /// Threads; they do not affect the result [default: as many as the run had]
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
    /// validation part of the run's own data]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Threads [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Let the model's weights be NaN or infinite; otherwise such a model is refused
    #[arg(long)]
    pub(crate) allow_nonfinite: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman predict runs/mnist-rnn-1 digit.png
  elman predict runs/mnist-rnn-1 scan.png --invert        for dark ink on a light ground
  elman predict runs/mnist-rnn-1 t10k-images-idx3-ubyte.gz --json
  elman predict runs/classify-gru-1 walks.csv")]
pub(crate) struct PredictArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Images: PNG files, or IDX files with many, gzipped or not; for a run of classify, files of sequences
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Invert the images first: MNIST has light ink on a dark ground
    #[arg(long)]
    pub(crate) invert: bool,
    /// Threads [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Let the model's weights be NaN or infinite; otherwise such a model is refused
    #[arg(long)]
    pub(crate) allow_nonfinite: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Without --prime the network first reads a line end, so that it starts a new line; if its training text has no line \
ends, it reads the first of its characters.

Examples:
  elman sample runs/text-lstm-1
  elman sample runs/text-lstm-1 --prime \"ROMEO. \" --temperature 0.7
  elman sample runs/text-lstm-1 --top-p 0.9 --samples 3 --json
  elman sample runs/text-lstm-2 --prime-file start.mid --out new.mid    for bytes

A model of bytes writes them as they are, nothing added, to a file or a pipe; a terminal is shown those that are no \
text as \\xff.")]
pub(crate) struct SampleArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Text to start with
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) prime: String,
    /// A file that the text starts with: UTF-8, or for a model of bytes any file
    #[arg(long, value_name = "FILE", conflicts_with = "prime")]
    pub(crate) prime_file: Option<PathBuf>,
    /// Write the sample into a file, instead of on standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "samples"])]
    pub(crate) out: Option<PathBuf>,
    /// Characters or bytes to generate after it
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) length: usize,
    /// Below 1 favours probable characters, above 1 evens them out; 0 always takes the most probable
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) temperature: f32,
    /// Choose among the K most probable characters only [default: all]
    #[arg(long, value_name = "K")]
    pub(crate) top_k: Option<usize>,
    /// Choose among the most probable characters whose probabilities add up to P [default: all]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub(crate) top_p: Option<f32>,
    /// Seed of the random choices
    #[arg(long, value_name = "N", default_value_t = 111)]
    pub(crate) seed: u64,
    /// Number of samples; their seeds are the seed, the seed + 1, and so on
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
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
The table has the loss and accuracy of the best epoch, the figures of the test at the end of a run, and the settings that \
differ. The picture shows the validation loss against epochs and seconds, on logarithmic axes.

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
Three tables and a picture: the gradient of the loss with respect to the state k steps before the end, for every layer \
and direction; how often gates are saturated; the eigenvalues of the recurrent matrix and of a step. \
docs/diagnostics.md says how to read them.

Examples:
  elman diagnose runs/mnist-lstm-1
  elman diagnose runs/mnist-lstm-1 --rows 500 --out lstm.svg
  elman diagnose model.safetensors --data fashion/ --json")]
pub(crate) struct DiagnoseArgs {
    /// A run's folder, or a model file
    pub(crate) run: PathBuf,
    /// Another data set, as for eval [default: the run's own]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Sequences to follow, spread evenly over the data [default: 64, or all if there are fewer]
    #[arg(long, value_name = "N")]
    pub(crate) rows: Option<usize>,
    /// How many steps to look back at most [default: all]
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
The peak is that of a loop of multiply-adds on registers alone, timed alternately with the step, on as many threads. \
Operations are 2·m·n·k for each matrix product of the step, and nothing else.

--vanishing times a second step alternately with the first: of a network whose states and gradients, like its inputs, \
fall to nothing within some hundred steps. Numbers that small become 0 before they are subnormal, on which some processors \
are slow, so both should take the same time.

A sweep varies the hidden size, batch, steps and threads, one at a time, from the sizes given; then the threads again at \
batch 4 and hidden size 1024. Without --cell it covers all cells. It takes some minutes; Ctrl-C ends it after the \
point that is being measured, and what it has is drawn.

Examples:
  elman bench
  elman bench --hidden 512 --threads 1 --json
  elman bench --cell lstm --zoneout 0.1 --lengths even
  elman bench --cell lstm --steps 1024 --vanishing
  elman bench --sweep --chart sweep.svg
  elman bench --sweep --cell gru --threads 1 --json > sweep.jsonl
  elman bench --from sweep.jsonl --chart sweep.svg")]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Rows per batch
    #[arg(long, default_value_t = 128, value_name = "B")]
    pub(crate) batch: usize,
    /// Steps per sequence
    #[arg(long, default_value_t = 28, value_name = "T")]
    pub(crate) steps: usize,
    /// Inputs per step
    #[arg(long, default_value_t = 28, value_name = "I")]
    pub(crate) input: usize,
    /// Hidden units
    #[arg(long, default_value_t = 128, value_name = "H")]
    pub(crate) hidden: usize,
    /// Lengths of the rows: full, or even, spread evenly from 1 to all steps
    #[arg(long, default_value = "full", value_parser = PossibleValuesParser::new(["full", "even"]))]
    pub(crate) lengths: String,
    /// Threads [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Time a step on numbers that vanish, too
    #[arg(long, conflicts_with = "sweep")]
    pub(crate) vanishing: bool,
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
        "input", "hidden", "lengths", "threads", "vanishing", "rounds", "sweep", "json"])]
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
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  elman man | man -l -
  elman man ~/.local/share/man/man1      then: man elman-train-mnist")]
pub(crate) struct ManArgs {
    /// Folder for the pages of all commands; created if missing
    pub(crate) dir: Option<PathBuf>,
}

/// The command line, each job's defaults in its help. They are looked up when the job is named, not at every start.
pub fn command() -> clap::Command {
    fn with_defaults<J: settings::Job>(job: clap::Command) -> clap::Command {
        #[expect(clippy::expect_used, reason = "the defaults are ours, whatever the user says")]
        let table = Settings::<J>::default_table().expect("settings of our own are a table");
        flags::with_names_of_training(negative(job.mut_args(|arg| with_default(arg, &table))))
    }
    let command = negative(Cli::command())
        .mut_subcommand("sample", flags::with_names_of_sampling)
        .mut_subcommand("bench", flags::with_names_of_measuring);
    command.mut_subcommand("train", |train| {
        train
            .mut_subcommand(Mnist::NAME, |job| job.defer(with_defaults::<Mnist>))
            .mut_subcommand(Echo::NAME, |job| job.defer(with_defaults::<Echo>))
            .mut_subcommand(Text::NAME, |job| job.defer(with_defaults::<Text>))
            .mut_subcommand(SeriesJob::NAME, |job| job.defer(with_defaults::<SeriesJob>))
            .mut_subcommand(Classify::NAME, |job| job.defer(with_defaults::<Classify>))
    })
}

/// The names of the subcommands that were given, and the flags of the innermost.
pub(crate) fn innermost(matches: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let (mut path, mut given) = (Vec::new(), matches);
    while let Some((name, inner)) = given.subcommand() {
        path.push(name);
        given = inner;
    }
    (path, given)
}

/// The definition of such a subcommand, without defaults.
pub(crate) fn plain_command(path: &[&str]) -> clap::Command {
    let mut command = Cli::command();
    for name in path {
        let Some(inner) = command.find_subcommand(name).cloned() else { break };
        command = inner;
    }
    command
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
