//! `elman convert`: there and back, what it says, and what it refuses.

use std::collections::BTreeMap;

use crate::support::{Place, objects};
use elman::formats::numpy::{self, Array, Values};

/// A file for each partner, by its ending.
const FILES: [&str; 5] = ["m.safetensors", "m.keras", "m.weights.h5", "m.npz", "m.onnx"];

/// A run that each partner can express.
fn place() -> Place {
    let place = Place::with_set();
    place.elman(&format!("{} --quiet --num-epoch 1 --out run", crate::support::QUICK)).succeeded();
    place
}

/// What elman wrote for another program comes back as the file that it was, with all that it says.
#[test]
fn there_and_back_is_exact_in_every_byte() {
    let place = place();
    for file in FILES {
        let there = place.elman(&format!("convert run {file} --verify"));
        let said = there.succeeded();
        assert!(said.iter().any(|line| line.starts_with("verdict: exact")), "{file}: {}", there.stdout);
        assert!(said.iter().any(|line| line.contains("read again: largest difference 0.0e0")), "{}", there.stdout);
        let back = format!("{file}-back.safetensors");
        // Weights alone carry no configuration: it is taken from the run.
        let like = if file.ends_with(".h5") { "--like run" } else { "" };
        place.elman(&format!("convert {file} {back} {like}")).succeeded();
        assert_eq!(place.bytes(&back), place.bytes("run/model.safetensors"), "{file}");
    }
}

/// Answers in single precision, of sums in another order.
const ANSWERS: f32 = 1e-5;

/// Sequences of two features in other units, cells of them missing: `walks.csv`, and their values.
fn walks(place: &Place) -> Vec<Vec<[f32; 2]>> {
    let mut text = "id,time,x,y,label\n".to_owned();
    let mut all = Vec::new();
    for row in 0..24 {
        let mut sequence = Vec::new();
        for step in 0..4 {
            let noise = (row * 31 + step * 17) % 13;
            let x = 1000.0 + noise as f32 + if row % 2 == 0 { 20.0 } else { 0.0 };
            let y = if (row + step) % 5 == 0 { f32::NAN } else { noise as f32 / 1000.0 };
            let cell = if y.is_nan() { String::new() } else { y.to_string() };
            text += &format!("s{row},{step},{x},{cell},{}\n", ["left", "right"][row % 2]);
            sequence.push([x, y]);
        }
        all.push(sequence);
    }
    place.write("walks.csv", text.as_bytes());
    all
}

/// What a file for another program reads stands in its note, and is what the commands read: the same values of a table give
/// the same answers. That graphs and layers scale so, the library's tests show.
#[test]
fn an_exported_run_answers_on_raw_values_as_predict_and_forecast_do() {
    let place = Place::new();
    let walks = walks(&place);
    let train = "--hidden-size 6 --num-epoch 3 --threads 2 --quiet";
    place.elman(&format!("train classify --recipe plain --data walks.csv {train} --cell lstm --out run")).succeeded();
    let answers = place.elman("predict run walks.csv --json");
    answers.succeeded();
    let answers = objects(&answers.stdout);
    let mut sales = "step,y,price\n".to_owned();
    let value = |t: usize| 5000.0 + [10.0, 14.0, 19.0, 21.0, 16.0, 11.0][t % 6] + (t % 5) as f32;
    let price = |t: usize| 0.001 * (t % 7) as f32;
    (0..120).for_each(|t| sales += &format!("{t},{},{}\n", value(t), price(t)));
    place.write("sales.csv", sales.as_bytes());
    let flags = "--target y --time step --season 6 --context 12 --horizon 3";
    place
        .elman(&format!("train series --data sales.csv {flags} {train} --cell lstm --recipe plain --out ahead"))
        .succeeded();
    let forecast = place.elman("forecast ahead --json");
    forecast.succeeded();
    let mut forecast = objects(&forecast.stdout);
    forecast.retain(|object| object["event"] == "forecast");

    for file in ["m.onnx", "m.safetensors", "m.keras", "m.npz"] {
        for run in ["run", "ahead"] {
            let file = format!("{run}-{file}");
            let said = place.elman(&format!("convert {run} {file} --verify"));
            assert!(said.succeeded().iter().any(|line| line.contains("in their own units")), "{}", said.stdout);
            let back = format!("{file}-back.safetensors");
            place.elman(&format!("convert {file} {back} --to elman")).succeeded();
            assert_eq!(place.bytes(&back), place.bytes(&format!("{run}/model.safetensors")), "{file}");
        }
    }
    let model = |name: &str| elman::Model::load(place.path(&format!("{name}-m.onnx-back.safetensors"))).unwrap();
    let classifier = model("run");
    let units = elman_exchange::Units::of(&classifier).unwrap().unwrap();
    for (sequence, answer) in walks.iter().zip(&answers) {
        let values = ndarray::Array3::from_shape_fn((1, 4, 2), |(_, step, column)| sequence[step][column]);
        let logits = classifier.logits(units.read(values.view(), &[]).unwrap().view(), None).unwrap();
        let [left, right] = [logits[(0, 0, 0)].exp(), logits[(0, 0, 1)].exp()];
        let found = answer["probabilities"]["left"].as_f64().unwrap() as f32;
        assert!((left / (left + right) - found).abs() < ANSWERS, "{answer}");
    }
    let series = model("ahead");
    let units = elman_exchange::Units::of(&series).unwrap().unwrap();
    assert_eq!(units.columns(), 2, "counted steps have no calendar");
    let values = ndarray::Array3::from_shape_fn((1, 12, 2), |(_, t, column)| [value(108 + t), price(108 + t)][column]);
    let logits = series.logits(units.read(values.view(), &[]).unwrap().view(), None).unwrap();
    let levels = forecast[0]["levels"].as_array().unwrap().len();
    for (z, object) in logits.as_slice().unwrap().chunks(levels).zip(&forecast) {
        let mut z = z.to_vec();
        z.sort_by(f32::total_cmp);
        for (z, found) in z.into_iter().zip(object["quantiles"].as_array().unwrap()) {
            let found = found.as_f64().unwrap() as f32;
            assert!((units.answer(z, &[], 0).unwrap() - found).abs() < ANSWERS * found, "{object}");
        }
    }
}

/// The network alone is for who scales already, and the only way where a file has no place for more.
#[test]
fn the_network_alone_is_asked_for() {
    let place = Place::new();
    walks(&place);
    place
        .elman("train classify --recipe plain --data walks.csv --hidden-size 6 --num-epoch 1 --quiet --out run")
        .succeeded();
    place.elman("convert run m.weights.h5").refused(1, &["m.weights.h5", "no place for the scaling", "--standardized"]);
    for file in ["m.onnx", "m.safetensors", "m.keras", "m.weights.h5"] {
        let said = place.elman(&format!("convert run {file} --standardized --verify"));
        assert!(said.succeeded().iter().any(|line| line.contains("standardized values")), "{}", said.stdout);
        let like = if file.ends_with(".h5") { "--like run" } else { "" };
        place.elman(&format!("convert {file} {file}-back.safetensors --to elman {like}")).succeeded();
        assert_eq!(place.bytes(&format!("{file}-back.safetensors")), place.bytes("run/model.safetensors"), "{file}");
    }
    for line in ["convert m.onnx again.safetensors --standardized", "convert plain p.onnx --standardized"] {
        if line.contains("plain") {
            place.write_set("set", crate::support::SIDE, crate::support::SIDE);
            place.elman(&format!("{} --quiet --num-epoch 1 --out plain", crate::support::QUICK)).succeeded();
        }
        place.elman(line).refused(2, &["standardized is given", "no such flag"]);
    }
}

/// A recording of another program holds values in their own units, or what the network reads: either is compared.
#[test]
fn a_recording_in_units_of_the_data_is_compared() {
    let place = Place::new();
    let walks = walks(&place);
    place
        .elman("train classify --recipe plain --data walks.csv --hidden-size 6 --num-epoch 1 --quiet --out run")
        .succeeded();
    let answers = objects(&place.elman("predict run walks.csv --json").stdout);
    let probabilities: Vec<f32> = answers
        .iter()
        .flat_map(|answer| ["left", "right"].map(|name| answer["probabilities"][name].as_f64().unwrap() as f32))
        .collect();
    let write = |name: &str, probabilities: Vec<f32>| {
        let x: Vec<f32> = walks.iter().flatten().flatten().copied().collect();
        let of = |shape: &[usize], values| Array { shape: shape.to_vec(), values: Values::F32(values) };
        let arrays: BTreeMap<_, _> =
            [("x".into(), of(&[24, 4, 2], x)), ("probabilities".into(), of(&[24, 2], probabilities))].into();
        numpy::write_npz(&place.path(name), &arrays).unwrap();
    };
    write("right.npz", probabilities.clone());
    write("wrong.npz", probabilities.iter().rev().copied().collect());
    let said = place.elman("convert run m.onnx --sample right.npz");
    assert!(said.succeeded().iter().any(|line| line.contains("verified against the probabilities")), "{}", said.stdout);
    place.elman("convert run w.onnx --sample wrong.npz").refused(1, &["differs from the probabilities of wrong.npz"]);
}

#[test]
fn a_text_keeps_its_vocabulary_on_the_way() {
    let place = Place::new();
    place.write("book.txt", "so it goes and ".repeat(60).as_bytes());
    let train = "train text --data book.txt --hidden-size 8 --num-epoch 1 --batch-size 4 --sequence-length 10 --quiet --out run";
    place.elman(train).succeeded();
    let sample = |run: &str| place.elman(&format!("sample {run} --length 30 --seed 4")).succeeded().join("\n");
    let expected = sample("run");
    for file in ["m.safetensors", "m.keras", "m.onnx"] {
        place.elman(&format!("convert run {file} --verify")).succeeded();
        place.elman(&format!("convert {file} {file}-back.safetensors")).succeeded();
        assert_eq!(sample(&format!("{file}-back.safetensors")), expected, "{file}");
    }
    // Without what elman said of it, the characters come from the text that it was trained on.
    let bare =
        elman::formats::File { metadata: BTreeMap::new(), ..crate::support::model(&place.path("m.safetensors")) };
    elman::formats::write(&place.path("bare.safetensors"), &bare).unwrap();
    place.elman("convert bare.safetensors named.safetensors --vocabulary book.txt").succeeded();
    assert_eq!(sample("named.safetensors"), expected);
    // That text may be long.
    place.write("long.txt", "so it goes and ".repeat(80_000).as_bytes());
    place.elman("convert bare.safetensors long.safetensors --vocabulary long.txt").succeeded();
    assert_eq!(place.bytes("long.safetensors"), place.bytes("named.safetensors"));
    place.write("other.txt", b"abc");
    let refused = place.elman("convert bare.safetensors other.safetensors --vocabulary other.txt");
    refused.refused(1, &["vocabulary has 3 characters", "the model reads"]);
    assert!(!place.path("other.safetensors").exists());
}

#[test]
fn a_report_is_one_object_in_json() {
    let place = place();
    let done = place.elman("convert run m.safetensors --json --verify");
    done.succeeded();
    let [object] = &objects(&done.stdout)[..] else { panic!("{}", done.stdout) };
    assert_eq!(object["event"], "conversion");
    let step = &object["steps"][0];
    assert_eq!((&step["from"], &step["to"]), (&"elman".into(), &"PyTorch".into()));
    let kernel =
        step["arrays"].as_array().unwrap().iter().find(|of| of["from"][0]["name"] == "layers.0.kernel").unwrap();
    assert_eq!(kernel["to"][0]["shape"], serde_json::json!([16, 8]));
    assert_eq!(kernel["changes"], serde_json::json!(["transposed"]));
    assert_eq!(object["verification"][0]["largest_difference"], 0.0);
}

fn sample(place: &Place, answer: f32) {
    let array = |shape: &[usize], data: Vec<f32>| Array { shape: shape.to_vec(), values: Values::F32(data) };
    let arrays =
        [("x".to_owned(), array(&[2, 8, 8], vec![0.0; 128])), ("logits".to_owned(), array(&[2, 3], vec![answer; 6]))];
    numpy::write_npz(&place.path("sample.npz"), &arrays.into()).unwrap();
}

/// A model that does not do what was recorded is not left behind.
#[test]
fn a_sample_that_differs_leaves_nothing() {
    let place = place();
    sample(&place, 77.0);
    let done = place.elman("convert run m.onnx --sample sample.npz");
    done.refused(1, &["the logits of sample.npz", "differs from", "row 0, step 0", "77 there"]);
    assert!(!place.path("m.onnx").exists());
    sample(&place, f32::NAN);
    place.elman("convert run m.onnx --sample sample.npz").refused(1, &["by inf"]);
}

#[test]
fn nothing_is_written_over() {
    let place = place();
    place.write("m.onnx", b"mine");
    place.elman("convert run m.onnx").refused(1, &["m.onnx is there already"]);
    assert_eq!(place.bytes("m.onnx"), b"mine");
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let place = place();
    for (line, code, words) in [
        ("convert nowhere m.onnx", 1, &["nowhere does not exist", ".safetensors, .pt"][..]),
        ("convert run m.txt", 1, &["m.txt", "its name says no format", ".onnx"]),
        ("convert run m.pt", 1, &["m.pt", "PyTorch", ".safetensors", "safetensors.torch.load_file"]),
        ("convert run m.onnx --to keras", 1, &["m.onnx for Keras", ".keras or .weights.h5"]),
        ("convert run m.keras --streaming", 2, &["streaming", "it is for ONNX"]),
        ("convert run m.keras --activation relu", 2, &["activation", "says itself what it is"]),
        ("convert run m.onnx --forget-bias 1", 2, &["--forget-bias"]),
        ("convert run m.safetensors --classes a,b", 1, &["2 classes are named", "3 classes"]),
        ("convert run m.safetensors --classes a,b,a", 1, &["two classes are named \"a\""]),
        ("convert run m.safetensors --unit byte", 1, &["256 bytes", "no tokens"]),
        ("convert run/config.toml m.onnx", 1, &["config.toml", "it is text, which no model is made of"]),
    ] {
        place.elman(line).refused(code, words);
    }
    let before = place.names("");
    place
        .elman("train mnist --data set --cell lstm --peepholes --hidden-size 8 --num-epoch 1 --quiet --out deep")
        .succeeded();
    for file in ["m.safetensors", "m.keras"] {
        place.elman(&format!("convert deep {file}")).refused(1, &["peepholes", "given to"]);
    }
    place.elman("convert deep m.onnx").succeeded();
    assert_eq!(place.names("").len(), before.len() + 2);
}

/// A pickle that would run a command when Python reads it.
#[test]
fn a_pickle_runs_nothing() {
    let place = Place::new();
    place.write("evil.pt", b"\x80\x02cposix\nsystem\nX\x0c\x00\x00\x00touch pwned\x85R.");
    let done = place.elman("convert evil.pt m.safetensors");
    done.refused(1, &["evil.pt"]);
    assert_eq!(place.names(""), ["evil.pt"]);
}

/// A sample that says nothing, or nothing that could be, verifies nothing.
#[test]
fn a_sample_must_fit_the_model() {
    let place = place();
    let array = |shape: &[usize], x: f32| {
        let count: usize = shape.iter().product();
        Array { shape: shape.to_vec(), values: Values::F32(vec![x; count]) }
    };
    let refuse = |arrays: &[(&str, Array)], words: &[&str]| {
        let arrays = arrays.iter().map(|(name, array)| ((*name).to_owned(), array.clone())).collect();
        numpy::write_npz(&place.path("sample.npz"), &arrays).unwrap();
        place.elman("convert run m.onnx --sample sample.npz").refused(1, words);
        assert!(!place.path("m.onnx").exists());
    };
    let (x, logits) = (array(&[2, 8, 8], 0.0), array(&[2, 3], 0.0));
    refuse(&[("x", array(&[0, 8, 8], 0.0)), ("logits", array(&[0, 3], 0.0))], &["sample.npz", "nothing to compare"]);
    refuse(&[("x", array(&[2, 8], 0.0)), ("logits", logits.clone())], &["x has shape [2, 8]", "[N, T, I], I being 8"]);
    refuse(&[("logits", logits.clone())], &["no array x [N, T, I]; found logits"]);
    refuse(&[("x", x.clone())], &["none of logits, probabilities, quantiles and values"]);
    refuse(&[("x", x.clone()), ("logits", array(&[2, 8, 3], 0.0))], &["expected [2, 3]", "--reads every-step"]);
    refuse(&[("x", x.clone()), ("quantiles", logits.clone())], &["no answers of the model's kind", "3 classes"]);
    refuse(
        &[("x", x.clone()), ("logits", logits.clone()), ("lengths", array(&[2], 9.0))],
        &["lengths[0] is 9; expected a whole number from 0 to 8"],
    );
    refuse(&[("x", x.clone()), ("logits", logits.clone()), ("lengths", array(&[2], -1.0))], &["lengths[0] is -1"]);
    refuse(&[("x", array(&[2, 8, 8], f32::NAN)), ("logits", logits)], &["sample.npz", "differs"]);
}
