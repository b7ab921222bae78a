//! What a model means: the same text in its file, whatever it is; and models at work by it, in the units of their data.

use std::path::Path;

use elman::datasets::sequences::{ColumnNames, parse, parse_labelled};
use elman::datasets::series::{Reader, Time};
use elman::datasets::sunspots;
use elman::series::{Cut, Forecaster, Split, Start, Window, Windows};
use elman::{
    Build, ClassMeaning, Classifier, Error, Gru, Head, Init, LabelledSequences, Meaning, Missing, Model, Patch,
    Predictor, Purpose, Random, Sequences, SeriesMeaning, Standardizer,
};
use ndarray::Array2;

/// Runs of elman 0.1 whose models say what they mean, by the names of their jobs.
const RUNS: [&str; 4] = ["classify", "echo", "series", "text"];

fn run(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../golden/runs/{name}.safetensors"))
}

#[test]
fn saved_runs_of_every_job_are_read_and_written_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again");
    for name in RUNS {
        let model = Model::load(run(name)).unwrap();
        let meaning = model.meaning.as_ref().unwrap();
        assert_eq!(meaning.job(), Some(name));
        assert!(!matches!(meaning, Meaning::Other(_)), "{name}: {meaning:?}");
        model.save(&path).unwrap();
        assert!(std::fs::read(&path).unwrap() == std::fs::read(run(name)).unwrap(), "{name} is written otherwise");
    }
    let of = |name: &str| Model::load(run(name)).unwrap();
    assert_eq!(of("classify").class_meaning().unwrap().classes.len(), 9);
    assert_eq!(of("series").series_meaning().unwrap().test(), Start::At(Time(13_046_400_000_000)));
    assert_eq!(of("series").series_window().unwrap().0.horizon, 6);
    assert_eq!(of("text").vocabulary().unwrap().unit(), "character");
}

/// The JSON of every job, with all that may stand there and with the least, is the same text after a round trip.
#[test]
fn what_a_model_means_is_the_same_text_in_its_file() {
    for (json, known) in [
        (r#"{"job":"echo"}"#, true),
        (r#"{"job":"text","unit":"byte"}"#, true),
        (r#"{"characters":"\n\u001fabßé𐍈","job":"text","unit":"character"}"#, true),
        (
            r#"{"classes":["a","b"],"decimal":"comma","features":["x","y"],"id_column":"run","job":"classify","label_column":null,"standardizer":{"mask":true,"scalings":[{"mean":1e-300,"scale":0.1},null]},"thousands":".","time_column":"year,month","time_format":"YYYY.MM"}"#,
            true,
        ),
        (
            r#"{"classes":["a"],"features":["x"],"id_column":null,"job":"classify","label_column":null,"standardizer":{"mask":false,"scalings":[{"mean":0.30000000000000004,"scale":1.0}]},"time_column":null}"#,
            true,
        ),
        (
            r#"{"calendar":["sin of the month of the year"],"covariates":["price"],"decimal":",","format":"DD.MM.YYYY","frequency":"monthly","id":"shop","job":"series","scalings":[{"covariates":[{"mean":0.0,"scale":1.0}],"id":"a","target":{"mean":-2.5,"scale":3.0}}],"season":12,"target":"sales","test":"01.02.2020","test_time":-5,"thousands":"none","time":["day"],"time_format":"DD.MM.YYYY"}"#,
            true,
        ),
        (
            r#"{"calendar":[],"covariates":[],"format":"steps","frequency":"every step","job":"series","scalings":[],"season":1,"target":"y","test":"9","test_time":9,"time":["year","month"]}"#,
            true,
        ),
        // Of other programs, of later versions, damaged: nothing is lost.
        (r#""a job""#, false),
        (r#"{"names":["a",1,null,2.5,-0.0,18446744073709551615]}"#, false),
        (r#"{"job":"translate","unit":"byte"}"#, false),
        (r#"{"job":"echo","delay":3}"#, false),
        (r#"{"job":"text","more":true,"unit":"byte"}"#, false),
        (r#"{"characters":"ba","job":"text","unit":"character"}"#, false),
        (r#"{"classes":["a"],"job":"classify"}"#, false),
    ] {
        let meaning: Meaning = serde_json::from_str(json).unwrap();
        assert_eq!(!matches!(meaning, Meaning::Other(_)), known, "{json}");
        // Members in the order of their names, as files have them.
        let sorted = serde_json::from_str::<serde_json::Value>(json).unwrap().to_string();
        assert_eq!(serde_json::to_string(&meaning).unwrap(), sorted);
        assert!(!known || sorted == json, "{json}");
    }
}

#[test]
fn a_model_of_another_meaning_is_refused_in_words() {
    let of = |name: &str| Model::load(run(name)).unwrap();
    let message = |error: Error| error.to_string();
    let no_classes = message(Classifier::new(of("series"), 1).err().unwrap());
    assert!(no_classes.contains("job \"series\"; expected classes of sequences"), "{no_classes}");
    let no_series = message(Forecaster::new(of("text"), 1).err().unwrap());
    assert!(no_series.contains("job \"text\"; expected forecasts of series"), "{no_series}");
    let no_text = message(of("echo").vocabulary().unwrap_err());
    assert!(no_text.contains("echo") && no_text.contains("its vocabulary"), "{no_text}");
    let mut silent = of("classify");
    silent.meaning = None;
    assert!(message(silent.class_meaning().unwrap_err()).contains("does not say"));
    let mut damaged = of("series");
    damaged.meaning = Some(serde_json::json!({"job": "series", "target": 3}).into());
    let message = message(damaged.series_meaning().unwrap_err());
    assert!(message.contains("damaged") && message.contains("invalid type"), "{message}");
}

/// A model of two features, one of them missing now and then.
fn classifier() -> (Classifier, elman::datasets::SequenceSet) {
    let rows: String = (0..12)
        .flat_map(|id| (0..1 + id % 4).map(move |t| (id, t)))
        .map(|(id, t)| {
            let x = if (id + t) % 5 == 0 { String::new() } else { (1000 + 3 * t - id).to_string() };
            format!("s{id},{t},{x},{},{}\n", id * t, ["left", "right"][id % 2])
        })
        .collect();
    let set =
        parse_labelled("a.csv", format!("id,time,x,y,label\n{rows}").as_bytes(), &ColumnNames::default()).unwrap();
    let meaning = ClassMeaning::of(&set, Missing::Mask);
    let network = Gru::new(4, 5).init(Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let mut model = Model::new(&network, 2, Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap();
    model.meaning = Some(meaning.into());
    (Classifier::new(model, 2).unwrap(), set)
}

#[test]
fn values_in_their_own_units_are_classified_as_a_set_is() {
    let (mut classifier, set) = classifier();
    let standardizer = classifier.meaning().standardizer.clone();
    let answers = classifier.classify(set.clone()).unwrap();
    let arrays: Vec<Array2<f32>> = (0..set.len())
        .map(|row| {
            let centred = Array2::from_shape_vec((set.length(row), 2), set.row(row).to_vec()).unwrap();
            Array2::from_shape_fn(centred.dim(), |(t, f)| (set.centre(f) + f64::from(centred[[t, f]])) as f32)
        })
        .collect();
    let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
    assert_eq!(classifier.classify_arrays(&views).unwrap(), answers);
    // And as the network alone answers to what the standardizer makes of them.
    let labelled = LabelledSequences::new(set.clone(), &standardizer).unwrap();
    let probabilities = Predictor::new(classifier.model().clone(), 1).predict(&labelled).unwrap();
    assert_eq!(labelled.len(), answers.len());
    for (answer, expected) in answers.iter().zip(probabilities.outer_iter()) {
        assert_eq!(answer.probabilities, expected.to_vec());
        assert!(answer.probabilities.iter().all(|&p| p <= answer.probabilities[answer.class]));
    }
    assert_eq!(classifier.name(&answers[0]), ["left", "right"][answers[0].class]);
}

#[test]
fn sequences_that_cannot_be_classified_are_refused_by_name() {
    let (mut classifier, set) = classifier();
    let narrow = Array2::zeros((3, 1));
    let message = classifier.classify_arrays(&[narrow.view()]).unwrap_err().to_string();
    assert!(message.contains("[3, 1]") && message.contains("[3, 2]"), "{message}");
    let other = parse("b.csv", b"id,time,x,z\na,0,1,2\n", &ColumnNames::default()).unwrap();
    let message = classifier.classify(other).unwrap_err().to_string();
    assert!(message.contains('z') && message.contains('y'), "{message}");
    let mut far = set;
    far.values[0] = f32::INFINITY;
    assert!(classifier.classify(far).is_err());
}

/// A forecaster of two shops by month, untrained.
fn forecaster() -> Forecaster {
    let row = |shop: &str, t: usize| format!("{shop};{};{},5\n", month(t), 100 + t % 12);
    let rows: String = ["a", "b"].iter().flat_map(|shop| (0..60).map(move |t| row(shop, t))).collect();
    let set = Reader::new("y").id("id").parse("a.csv", format!("id;month;y\n{rows}").as_bytes()).unwrap();
    let cut = Cut::last(&set, 6, 6).unwrap();
    let split = Split::new(&set, cut, Window { context: 12, horizon: 3 }).unwrap();
    let network = Gru::new(split.train.input(), 5).init(Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let head = Head::quantiles(&[0.1, 0.5, 0.9], 3);
    let mut model = Model::new(&network, head, Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap();
    model.steps = Some(12);
    model.meaning = Some(SeriesMeaning::of(&set, cut, &split, 12).into());
    Forecaster::new(model, 2).unwrap()
}

fn month(t: usize) -> String {
    format!("{}-{:02}", 2000 + t / 12, t % 12 + 1)
}

#[test]
fn series_are_forecast_by_their_own_scalings_and_the_others_are_named() {
    let mut forecaster = forecaster();
    assert_eq!(forecaster.meaning().id.as_deref(), Some("id"));
    let row = |shop: &str, t: usize, y: &str| format!("{shop};{};{y}\n", month(t));
    let mut table = "id;month;y\n".to_owned();
    (0..62).for_each(|t| table += &row("b", t, "101,5"));
    (0..40).for_each(|t| table += &row("new", t, &format!("{},0", 7 + t % 3)));
    (0..5).for_each(|t| table += &row("short", t, "1,5"));
    (0..40).for_each(|t| table += &row("silent", t, if t < 20 { "2,5" } else { "" }));
    let history = forecaster.meaning().reader().unwrap().parse("b.csv", table.as_bytes()).unwrap();
    let selected = forecaster.select(history).unwrap();
    let ids: Vec<&str> = selected.scaled.set.series.iter().map(|series| series.id.as_str()).collect();
    assert_eq!((ids, selected.scaled.unknown.len()), (vec!["b", "new"], 0));
    assert_eq!(selected.scaled.own, ["new", "short", "silent"]);
    assert_eq!(
        (&selected.short[..], &selected.unread[..]),
        (&[("short".to_owned(), 5)][..], &["silent".to_owned()][..])
    );

    let forecasts = forecaster.forecast(&selected).unwrap();
    assert_eq!(forecasts[0].times, [month(62), month(63), month(64)]);
    // The long way, by hand.
    let windows = Windows::latest(&selected.scaled.set, &selected.scaled.scalings, forecaster.window()).unwrap();
    let quantiles = Predictor::new(forecaster.model().clone(), 1).quantiles(&windows).unwrap();
    for (row, forecast) in forecasts.iter().enumerate() {
        for ((h, q), &found) in forecast.quantiles.indexed_iter() {
            let z = windows.scaling(row).unscaled(quantiles[[row, h, q]]);
            let expected = selected.scaled.set.series[row].centre() + z.to_string().parse::<f64>().unwrap();
            assert_eq!(found, expected);
        }
    }
    assert_eq!(forecasts[1].id, "new");
}

#[test]
fn other_series_are_refused_in_words() {
    let forecaster = forecaster();
    let message = |set| forecaster.select(set).unwrap_err().to_string();
    let yearly = message(sunspots::yearly().unwrap());
    assert!(yearly.contains("yearly") && yearly.contains("monthly"), "{yearly}");
    let covariates = Reader::new("y").parse("c.csv", b"month,y,x\n2000-01,1,2\n2000-02,2,2\n2000-03,3,3\n").unwrap();
    let covariates = message(covariates);
    assert!(covariates.contains("[x]") && covariates.contains("reads []"), "{covariates}");
}

/// The same with a class for each step.
fn tagger(
    meaning_of: impl Fn(ClassMeaning) -> ClassMeaning,
) -> (Result<Classifier, Error>, elman::datasets::SequenceSet) {
    let rows: String = (0..40)
        .map(|at| {
            let y = if at % 7 == 2 { String::new() } else { (at * at % 11).to_string() };
            format!("s{},{at},{},{y},{}\n", at / 9, at % 5, ["left", "right", ""][at * 5 % 3])
        })
        .collect();
    let names = ColumnNames { label_per_step: true, ..ColumnNames::default() };
    let set = parse_labelled("a.csv", format!("id,time,x,y,label\n{rows}").as_bytes(), &names).unwrap();
    let network = Gru::new(4, 5).init(Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let head = Head::every_step(2);
    let mut model = Model::new(&network, head, Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap();
    model.meaning = Some(meaning_of(ClassMeaning::of(&set, Missing::Mask)).into());
    (Classifier::new(model, 2), set)
}

#[test]
fn a_stream_answers_to_each_step_as_the_classifier_does() {
    let (classifier, set) = tagger(|meaning| meaning);
    let mut classifier = classifier.unwrap();
    let answers = classifier.classify_steps(set.clone()).unwrap();
    assert_eq!(answers.iter().map(Vec::len).collect::<Vec<_>>(), [9, 9, 9, 9, 4]);
    assert!(set.centres.is_empty());
    let mut stream = std::sync::Arc::new(classifier.model().clone()).stream().unwrap();
    let standardizer = &classifier.meaning().standardizer;
    let mut x = vec![9.0; standardizer.input()];
    for (row, answers) in answers.iter().enumerate() {
        stream.reset();
        for (values, answer) in set.row(row).chunks_exact(2).zip(answers) {
            standardizer.step(values, &mut x).unwrap();
            assert_eq!(stream.step(&x), answer.probabilities);
        }
    }
    let message = standardizer.step(&[1.0], &mut x).unwrap_err().to_string();
    assert!(message.contains("[1]") && message.contains("[2]"), "{message}");
    let patched = standardizer.clone().patch(Patch { size: 2, stride: 1 });
    let message = patched.step(&[1.0, 2.0], &mut x).unwrap_err().to_string();
    assert!(message.contains("2 steps of the sequence as one"), "{message}");
    let message = classifier.classify(set).unwrap_err().to_string();
    assert!(message.contains("see classify_steps"), "{message}");
}

#[test]
fn a_meaning_of_steps_belongs_to_a_head_on_every_step() {
    let message = |change: fn(ClassMeaning) -> ClassMeaning| tagger(change).0.err().unwrap().to_string();
    let whole = message(|of| ClassMeaning { label_per_step: false, ..of });
    assert!(whole.contains("a sequence as a whole") && whole.contains("every step"), "{whole}");
    let patched = |of: ClassMeaning| {
        let standardizer = Standardizer { mask: false, ..of.standardizer.clone() };
        ClassMeaning { standardizer: standardizer.patch(Patch { size: 2, stride: 2 }), ..of }
    };
    assert!(message(patched).contains("reads several as one"), "{}", message(patched));
    let (mut classifier, set) = classifier();
    assert!(classifier.classify_steps(set).unwrap_err().to_string().contains("see classify"));
}
