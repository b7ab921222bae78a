//! Any settings of a job survive their file, and can be trained with; any damage to the file is refused in words that name
//! the setting or the line, or read.

use std::fmt::Write;

use crate::support::Place;
use elman_cli::{command, jobs, read_config};
use proptest::prelude::*;
use proptest::sample::Index;

/// Lines of a configuration: a name, and its value in TOML.
type Lines = Vec<(&'static str, String)>;

/// A setting, and the values of it that are tried.
type Choice = (&'static str, &'static [&'static str]);

fn lines(lines: &Lines) -> String {
    let mut text = String::new();
    lines.iter().for_each(|(name, value)| writeln!(text, "{name} = {value}").unwrap());
    text
}

/// A line or none, of one of these values.
fn maybe(name: &'static str, values: &'static [&'static str]) -> BoxedStrategy<Lines> {
    let value = prop::sample::select(values).prop_map(move |value| vec![(name, value.to_owned())]);
    prop_oneof![Just(Vec::new()), value].boxed()
}

fn some(options: &[Choice]) -> BoxedStrategy<Lines> {
    let options: Vec<_> = options.iter().map(|&(name, values)| maybe(name, values)).collect();
    options.prop_map(|lines| lines.concat()).boxed()
}

/// One of these lines, and some of those that only go with it.
fn one(name: &'static str, of: &[(&'static str, &[Choice])]) -> BoxedStrategy<Lines> {
    let of: Vec<_> = of
        .iter()
        .map(|&(value, options)| {
            some(options).prop_map(move |mut lines| {
                lines.insert(0, (name, format!("{value:?}")));
                lines
            })
        })
        .collect();
    prop::strategy::Union::new(of).boxed()
}

const BOOL: &[&str] = &["true", "false"];
const RATE: &[&str] = &["0.0", "0.25", "0.5"];
const ABOVE: &[&str] = &["0.5", "1.0", "3"];
const PHI: &[&str] = &["\"tanh\"", "\"relu\"", "\"sigmoid\"", "\"hard_sigmoid_keras2\"", "\"linear\""];
// σ, the default, is not written.
const GATES: &[&str] = &["\"hard_sigmoid\"", "\"hard_sigmoid_keras2\""];
const COUNT: &[&str] = &["1", "2", "7"];

/// Settings of a job that there is small data for, as `crate::support::jobs` makes it.
fn settings(job: &'static str) -> BoxedStrategy<Lines> {
    // Streams have no end to be read from.
    let streams = ["echo", "text"].contains(&job);
    let noise = [("recurrent_dropout", RATE), ("zoneout", RATE)];
    let own = |options: &[Choice]| [&noise[..], options].concat();
    let indrnn = own(&[("activation", PHI), ("recurrent_bound", ABOVE)]);
    let (rnn, lstm, gru) = (
        own(&[("activation", PHI)]),
        own(&[
            ("activation", PHI),
            ("recurrent_activation", GATES),
            ("peepholes", BOOL),
            ("coupled", BOOL),
            ("cell_clip", ABOVE),
            ("layer_norm", BOOL),
            ("candidate_dropout", RATE),
            ("memory_zoneout", RATE),
        ]),
        own(&[
            ("activation", PHI),
            ("recurrent_activation", GATES),
            ("reset", &["\"after\"", "\"before\""]),
            ("layer_norm", BOOL),
            ("candidate_dropout", RATE),
        ]),
    );
    let cell = one("cell", &[("rnn", &rnn), ("lstm", &lstm), ("gru", &gru), ("indrnn", &indrnn)]);
    let layers = prop_oneof![
        Just(vec![("layers", "1".to_owned())]),
        some(&[("residual", BOOL), ("dropout", RATE)]).prop_map(|mut lines| {
            lines.push(("layers", "2".to_owned()));
            lines
        })
    ];
    let both: &'static [&'static str] = if streams { &[] } else { &["\"concat\"", "\"sum\""] };
    let both = if both.is_empty() { Just(Vec::new()).boxed() } else { maybe("bidirectional", both) };

    let rate = [("learning_rate", &["0.001", "1e-2"][..]), ("weight_decay", &["0.0", "0.125"]), ("clip_norm", ABOVE)];
    let own = |options: &[Choice]| [&rate[..], options].concat();
    let adam = own(&[("beta1", RATE), ("beta2", &["0.5", "0.75"]), ("epsilon", &["1e-6"])]);
    let (sgd, momentum) = (own(&[]), own(&[("momentum", &["0.5", "0.75"])]));
    let rmsprop = own(&[("momentum", RATE), ("rms_decay", &["0.5"]), ("epsilon", &["1e-6"])]);
    let adagrad = own(&[("initial_accumulator", ABOVE)]);
    let optimizer = one(
        "optimizer",
        &[
            ("adam", &adam),
            ("adamw", &adam),
            ("sgd", &sgd),
            ("momentum", &momentum),
            ("nesterov", &momentum),
            ("rmsprop", &rmsprop),
            ("adagrad", &adagrad),
        ],
    );
    let schedule = one(
        "schedule",
        &[
            ("constant", &[]),
            ("step", &[("decay", &["0.5"]), ("decay_every", COUNT), ("decay_after", COUNT)]),
            ("exponential", &[("decay", &["0.5"])]),
            ("cosine", &[("min_learning_rate", &["0.0", "1e-4"])]),
            ("plateau", &[("decay", &["0.5"]), ("patience", COUNT), ("min_learning_rate", &["0.0"])]),
        ],
    );
    let training = some(&[
        ("weight_average", RATE),
        ("init", &["\"tf\"", "\"keras\"", "\"pytorch\""]),
        ("micro_batch", &["0", "2"]),
        ("seed", &["0", "9223372036854775807"]),
        ("batch_per_log", COUNT),
        ("truncate", &["0", "2"]),
        ("memory_budget", &["\"500MB\"", "\"1.5 GiB\""]),
        ("checkpoint_steps", &["0", "3"]),
        ("checkpoint_minutes", &["0.0", "0.5"]),
        ("keep_checkpoints", COUNT),
        ("early_stopping", &["0", "2"]),
        ("warmup", &["0", "5"]),
    ]);
    // What the small data needs, and what else the job has.
    let (needed, own): (&[(&str, &str)], _) = match job {
        "mnist" => (&[("data", "\"set\""), ("batch_size", "50")], some(&[])),
        "echo" => (
            &[("series_length", "60"), ("echo_step", "2"), ("sequence_length", "5"), ("batch_size", "3")],
            some(&[("reset_state", BOOL)]),
        ),
        "text" => (
            &[("data", "\"text.txt\""), ("sequence_length", "10"), ("batch_size", "4")],
            some(&[("unit", &["\"character\"", "\"byte\""]), ("train_frac", &["0.75"]), ("embedding_size", COUNT)]),
        ),
        "series" => (
            &[("data", "\"a.csv\""), ("target", "\"y\""), ("horizon", "3"), ("context", "8"), ("batch_size", "8")],
            some(&[
                ("season", &["6"]),
                ("time", &["[\"time\"]"]),
                ("decimal", &["\".\""]),
                ("thousands", &["\"none\""]),
                ("covariates", &["[]"]),
                ("test", &["0.25", "12"]),
                ("validation", &["0.25", "12"]),
                ("quantiles", &["[0.5]", "[0.125, 0.5]"]),
            ]),
        ),
        "regress" => (
            &[("data", "\"yields.csv\""), ("target", "\"yield\""), ("batch_size", "16")],
            some(&[
                ("ensemble", &["1", "2"]),
                ("test_part", &["0.25"]),
                ("validation", &["0.25"]),
                ("missing", &["\"mask\"", "\"mean\""]),
                ("loss", &["\"squared\"", "\"absolute\"", "\"huber\"", "\"quantile\""]),
                ("quantiles", &["[0.25, 0.5]"]),
                ("read", &["\"last\"", "\"mean\"", "\"max\"", "\"attention\"", "\"auto\""]),
                ("id_column", &["\"id\""]),
                ("time_column", &["\"time\""]),
                ("features", &["[\"x\"]"]),
            ]),
        ),
        _ => (
            &[("data", "\"walks.csv\""), ("batch_size", "6")],
            some(&[
                ("test_part", &["0.25"]),
                ("validation", &["0.25"]),
                ("class_weights", &["\"none\"", "\"balanced\"", "\"1, 2\""]),
                ("label_smoothing", &["0.0", "0.125"]),
                ("read", &["\"last\"", "\"max\"", "\"attention\"", "\"auto\""]),
                ("missing", &["\"mask\"", "\"mean\""]),
                ("id_column", &["\"id\""]),
                ("time_column", &["\"time\""]),
                ("decimal", &["\".\"", "\"point\""]),
                ("thousands", &["\"none\""]),
                ("label_column", &["\"label\""]),
                ("features", &["[\"x\", \"y\"]", "[\"y\"]"]),
            ]),
        ),
    };
    let fixed = [("hidden_size", "4"), ("num_epoch", "1"), ("threads", "2")];
    let fixed: Lines = needed.iter().chain(&fixed).map(|&(name, value)| (name, value.to_owned())).collect();
    (cell, layers, both, optimizer, schedule, training, own)
        .prop_map(move |(cell, layers, both, optimizer, schedule, training, own)| {
            let all = [fixed.clone(), cell, layers, both, optimizer, schedule, training, own].concat();
            // Decay starts from the job's own options only where the lines say what they are of.
            all.into_iter()
                .filter(|(name, value)| (*name, &**value) != ("early_stopping", "2") || job != "echo")
                .collect()
        })
        .boxed()
}

fn any_job() -> impl Strategy<Value = (&'static str, Lines)> {
    prop::sample::select(jobs().collect::<Vec<_>>()).prop_flat_map(|job| (Just(job), settings(job)))
}

/// The value that a line stands for: a whole number is as good as one with a point, and some are of 32 bits.
fn same(a: &toml::Value, b: &toml::Value) -> bool {
    let number = |value: &toml::Value| value.as_float().or(value.as_integer().map(|number| number as f64));
    match (a.as_array(), b.as_array()) {
        (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b || number(a).zip(number(b)).is_some_and(|(a, b)| a as f32 == b as f32),
    }
}

/// What a value is replaced by.
const VALUES: [&str; 18] = [
    "true",
    "0",
    "1",
    "-1",
    "0.5",
    "-0.0",
    "1e39",
    "nan",
    "inf",
    "16384",
    "9223372036854775807",
    "\"\"",
    "\"lstm\"",
    "\"full\"",
    "[]",
    "[1, 2]",
    "{}",
    "1979-05-27",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_settings_survive_their_file((job, given) in any_job()) {
        let kept = read_config(job, &lines(&given)).unwrap();
        prop_assert_eq!(&read_config(job, &kept).unwrap(), &kept);
        let table: toml::Table = kept.parse().unwrap();
        for (name, value) in &given {
            let value = format!("x = {value}").parse::<toml::Table>().unwrap()["x"].clone();
            let found = table.get(*name);
            if *name == "data" {
                let path = std::path::absolute(value.as_str().unwrap()).unwrap();
                prop_assert_eq!(found.and_then(toml::Value::as_str), path.to_str());
            } else if found.is_none() {
                // Only what is the same as nothing is left out.
                prop_assert!(["momentum", "time"].contains(name), "{name} is lost in {kept}");
            } else {
                prop_assert!(found.is_some_and(|found| same(found, &value)), "{name} = {value} became {found:?}");
            }
        }
        // Of another job it is refused.
        let other = jobs().find(|other| *other != job).unwrap();
        let message = read_config(other, &kept).unwrap_err().to_string();
        prop_assert!(message.contains(&format!("job {job:?}")), "{message}");
    }

    #[test]
    fn a_damaged_file_is_refused_in_words_or_read(
        (job, given) in any_job(),
        values in prop::collection::vec((any::<Index>(), 0..VALUES.len()), 0..3),
        bytes in prop::collection::vec((any::<Index>(), 0..3_u8, 0..16_usize), 0..3),
    ) {
        let kept = read_config(job, &lines(&given)).unwrap();
        let known: Vec<String> = kept.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect();
        let mut damaged: Vec<String> = kept.lines().map(str::to_owned).collect();
        for (line, value) in values {
            let line = line.get(&damaged);
            let name = line.split_once(" = ").unwrap().0.to_owned();
            let at = damaged.iter().position(|other| other.starts_with(&format!("{name} ="))).unwrap();
            damaged[at] = format!("{name} = {}", VALUES[value]);
        }
        let mut damaged = damaged.join("\n");
        for (at, how, byte) in bytes {
            let at = at.index(damaged.len());
            let Some(at) = (at..damaged.len()).find(|&at| damaged.is_char_boundary(at)) else { continue };
            let char = "\0\n\r\"'=#[].,-_0é".chars().nth(byte).unwrap_or('x');
            match how {
                0 => damaged.insert(at, char),
                1 => drop(damaged.remove(at)),
                _ => damaged.splice_char(at, char),
            }
        }
        match read_config(job, &damaged) {
            Ok(read) => prop_assert_eq!(read_config(job, &read).unwrap(), read),
            Err(error) => {
                let message = format!("{error:#}");
                let named = known.iter().chain([&"line".to_owned(), &"the window".to_owned()]).any(|name| message.contains(&**name));
                prop_assert!(named, "{message:?} names no setting and no line of\n{damaged}");
            }
        }
    }
}

/// A character in the place of another.
trait Splice {
    fn splice_char(&mut self, at: usize, char: char);
}

impl Splice for String {
    fn splice_char(&mut self, at: usize, char: char) {
        self.remove(at);
        self.insert(at, char);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The reader promises it: only the data or the memory can stand in the way.
    #[test]
    fn what_is_read_can_be_trained((job, given) in any_job()) {
        let place = crate::support::jobs::place();
        place.write("config.toml", lines(&given).as_bytes());
        place.elman(&format!("train {job} --config config.toml --quiet --out run")).succeeded();
        prop_assert!(same_settings(&place, job));
    }
}

/// The run has kept what it was given.
fn same_settings(place: &Place, job: &str) -> bool {
    let kept = place.text("run/config.toml");
    read_config(job, &kept).unwrap() == kept
}

#[test]
fn the_jobs_are_those_of_the_command() {
    let train = command().find_subcommand("train").unwrap().clone();
    let names: Vec<&str> = train.get_subcommands().map(clap::Command::get_name).collect();
    assert_eq!(names, jobs().collect::<Vec<_>>());
    for job in jobs() {
        assert!(read_config(job, "").is_ok());
    }
    let message = read_config("sort", "").unwrap_err().to_string();
    assert!(message.contains("\"sort\"") && message.contains("mnist, echo"), "{message}");
}

/// What training refuses with any data, so that no data need be read to know it.
#[test]
fn what_no_data_goes_with_is_refused() {
    for (job, text, says) in [
        ("mnist", "batch_size = 0", "batch_size is 0"),
        ("echo", "batch_size = \"full\"", "batch_size is full"),
        ("echo", "sequence_length = 0", "the window is 0"),
        ("echo", "sequence_length = 9223372036854775807", "the window is 9223372036854775807; expected 1 to 10000"),
        ("echo", "series_length = 9000000000000000000", "series_length is 9000000000000000000"),
        ("echo", "bidirectional = \"sum\"", "bidirectional"),
        ("text", "batch_size = 0", "batch_size is 0"),
        ("text", "bidirectional = \"concat\"", "bidirectional"),
        ("text", "embedding_size = 0", "0"),
        ("series", "quantiles = [0.5, 0.1]", "quantiles"),
        ("series", "quantiles = []", "quantiles"),
        ("series", "horizon = 9000000000", "horizon"),
        ("series", "test = 23", "test is 23 steps; expected at least 24, the horizon"),
        ("classify", "validation = 0.0\nearly_stopping = 2", "validation is 0"),
        ("classify", "id_column = \"who\"", "id_column"),
        ("mnist", "layers = 65", "layers is 65"),
        ("mnist", "cell = \"rnn\"\npeepholes = true", "peepholes"),
        ("mnist", "optimizer = \"sgd\"\nbeta1 = 0.5", "beta1"),
        ("mnist", "sed = 5", "unknown setting \"sed\""),
        ("mnist", "seed = -1", "line 1"),
        ("mnist", "job = 5", "line 1"),
    ] {
        let message = format!("{:#}", read_config(job, text).expect_err(text));
        assert!(message.contains(says), "{job}: {text}: {message}");
    }
}
