//! `elman predict`, `eval` and `inspect` on models that no job made: taggers, models of tokens, values.

use std::collections::BTreeMap;

use crate::support::{Place, objects};
use elman::formats::numpy::{self, Array, Values};
use elman::{
    Gru, Head, Init, Link, Model, Network, Nonlinearity, Purpose, Random, Reads, Rnn, Stack, StepDense, StepNorm,
};
use serde_json::Value;

fn save(place: &Place, stack: impl Into<Stack>, head: Head) {
    let network = Network::new(stack, Init::PyTorch, &mut Random::new(3, Purpose::Cell)).unwrap();
    let model = Model::new(&network, head, Init::PyTorch, &mut Random::new(4, Purpose::Head)).unwrap();
    model.save(place.path("m.safetensors")).unwrap();
}

/// Two sequences of three steps and two features.
fn with_sequences() -> Place {
    let place = Place::new();
    let x: Vec<f32> = (0..12).map(|k| (k as f32 * 0.7).sin()).collect();
    let file: BTreeMap<_, _> = [("x".to_owned(), Array { shape: vec![2, 3, 2], values: Values::F32(x) })].into();
    numpy::write_npz(&place.path("x.npz"), &file).unwrap();
    place
}

fn network() -> Stack {
    Stack::new(StepDense::new(2, 4).activation(Nonlinearity::Gelu)).then(StepNorm::new(4)).then(Gru::new(4, 5))
}

fn answers(place: &Place, line: &str) -> (Vec<String>, Vec<Value>) {
    let text = place.elman(line).succeeded().iter().map(ToString::to_string).collect();
    let json = place.elman(&format!("{line} --json"));
    json.succeeded();
    (text, objects(&json.stdout))
}

#[test]
fn a_tagger_names_a_class_at_every_step() {
    let place = with_sequences();
    save(&place, network(), Head::every_step(3));
    let (text, found) = answers(&place, "predict m.safetensors x.npz");
    assert_eq!((text.len(), found.len()), (2, 2));
    for (index, object) in found.iter().enumerate() {
        assert_eq!((&object["event"], &object["index"]), (&"prediction".into(), &index.into()));
        let classes: Vec<u64> = object["classes"].as_array().unwrap().iter().map(|c| c.as_u64().unwrap()).collect();
        assert_eq!(classes.len(), 3);
        for (class, step) in classes.iter().zip(object["probabilities"].as_array().unwrap()) {
            let step: Vec<f64> = step.as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
            assert!((step.iter().sum::<f64>() - 1.0).abs() < 1e-6 && step.iter().all(|p| *p <= step[*class as usize]));
        }
        let listed: Vec<String> = classes.iter().map(ToString::to_string).collect();
        assert_eq!(text[index], format!("x.npz[{index}]: classes {}", listed.join(" ")));
    }
}

#[test]
fn values_are_answered_in_their_units() {
    let place = with_sequences();
    for (link, count, reads) in [(Link::Identity, 1, Reads::LastState), (Link::Sigmoid, 2, Reads::Max)] {
        save(&place, network(), Head::values(count, link).reads(reads).hidden(4, Nonlinearity::Relu));
        let (text, found) = answers(&place, "predict m.safetensors x.npz");
        for (index, object) in found.iter().enumerate() {
            let values: Vec<f64> = object["values"].as_array().unwrap().iter().map(|y| y.as_f64().unwrap()).collect();
            assert_eq!(values.len(), count);
            assert!(link == Link::Identity || values.iter().all(|y| (0.0..=1.0).contains(y)));
            let (name, listed) = text[index].split_once(if count == 1 { " value " } else { " values " }).unwrap();
            assert_eq!(name, format!("x.npz[{index}]:"));
            for (word, y) in listed.split(' ').zip(values) {
                assert!((word.parse::<f64>().unwrap() - y).abs() < 2e-6, "{listed} {y}");
            }
        }
    }
    save(&place, network(), Head::values(2, Link::Identity).reads(Reads::EveryStep));
    let (text, found) = answers(&place, "predict m.safetensors x.npz");
    assert_eq!(text[0].matches(';').count(), 2, "{}", text[0]);
    assert_eq!(found[0]["values"].as_array().unwrap().len(), 3);
}

#[test]
fn a_class_of_a_sequence_has_its_probability() {
    let place = with_sequences();
    save(&place, network(), Head::last_state(3).reads(Reads::Mean));
    let (text, found) = answers(&place, "predict m.safetensors x.npz");
    let class = found[1]["class"].as_u64().unwrap();
    assert!(text[1].starts_with(&format!("x.npz[1]: class {class}, probability 0.")), "{}", text[1]);
    // A table, whose columns have names of their own.
    place.write("t.csv", b"id,a,b\nu,0.1,0.2\nu,0.3,0.1\nv,1,0\n");
    let (text, _) = answers(&place, "predict m.safetensors t.csv");
    assert!(text[0].starts_with("t.csv[u]: class ") && text[1].starts_with("t.csv[v]: class "), "{text:?}");
}

/// Such a model reads values as they stand: also those that a table keeps as differences from their middle, which a row
/// near 0 prevents.
#[test]
fn values_far_from_0_are_read_whole() {
    let place = Place::new();
    save(&place, network(), Head::values(2, Link::Identity));
    let far = "u,100000,-0.5\nu,100002,0.5\nu,100001,0.25\n";
    place.write("far.csv", format!("id,a,b\n{far}").as_bytes());
    place.write("both.csv", format!("id,a,b\n{far}v,0,0.5\n").as_bytes());
    place.write("near.csv", format!("id,a,b\n{}", far.replace("10000", "")).as_bytes());
    let answer = |file: &str| answers(&place, &format!("predict m.safetensors {file}")).1[0]["values"].clone();
    assert_eq!(answer("far.csv"), answer("both.csv"));
    assert_ne!(answer("far.csv"), answer("near.csv"));
}

#[test]
fn tokens_come_as_lines_of_numbers() {
    let place = Place::new();
    save(&place, Stack::new(Rnn::new(3, 5)).embedding(7), Head::every_step(4));
    place.write("a.txt", b"0 1 2\n\n6,5\r\n");
    place.write("b", b"3 3 3 3");
    let (text, found) = answers(&place, "predict m.safetensors a.txt b");
    let lengths: Vec<usize> = found.iter().map(|object| object["classes"].as_array().unwrap().len()).collect();
    assert_eq!(lengths, [3, 2, 4]);
    assert!(text[1].starts_with("a.txt[1]: classes ") && text[2].starts_with("b[0]: classes "), "{text:?}");
    for (content, wrong) in [
        ("0 7", "line 1: \"7\" is no token; expected whole numbers from 0 to 6"),
        ("0\n1 x", "line 2: \"x\""),
        ("1.0", "\"1.0\""),
        ("-1", "\"-1\""),
        ("\n \n", "holds no token"),
    ] {
        place.write("bad", content.as_bytes());
        let refused = place.elman("predict m.safetensors a.txt bad");
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{content:?}");
        assert!(refused.stderr.contains(wrong), "{content:?}: {}", refused.stderr);
    }
    place.write("bad", &[0xff, 0xfe, 0x00]);
    assert!(place.elman("predict m.safetensors bad").stderr.contains("lines of token numbers"));
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let place = with_sequences();
    save(&place, Gru::new(3, 4), Head::values(1, Link::Identity));
    let stderr = |line: &str| {
        let refused = place.elman(line);
        assert_eq!(refused.code, Some(1), "{line}: {}", refused.stdout);
        refused.stderr
    };
    assert!(stderr("predict m.safetensors x.npz").contains("the model reads 3 features"));
    assert!(stderr("predict m.safetensors x.npz --invert").contains("--invert is for images"));
    save(&place, network(), Head::values(1, Link::Identity));
    place.write("t.csv", b"id,a,b\nu,0.1,0.2\nu,,0.1\n");
    let missing = stderr("predict m.safetensors t.csv");
    assert!(missing.contains("cannot predict from t.csv") && missing.contains("NaN"), "{missing}");
    let eval = stderr("eval m.safetensors");
    assert!(eval.contains("it predicts 1 value on the last state") && eval.contains("elman predict"), "{eval}");
    let diagnose = stderr("diagnose m.safetensors");
    assert!(!diagnose.contains("panicked"), "{diagnose}");
    save(&place, network(), Head::quantiles(&[0.5], 2));
    assert!(stderr("predict m.safetensors x.npz").contains("use elman forecast"));
}

#[test]
fn inspect_says_what_a_head_reads_and_through_what() {
    let place = with_sequences();
    let head = Head::values(2, Link::Sigmoid)
        .reads(Reads::Mean)
        .hidden(8, Nonlinearity::LeakyRelu(0.2))
        .hidden(4, Nonlinearity::Identity);
    save(&place, network(), head);
    let (text, found) = answers(&place, "inspect m.safetensors");
    let first = "dense 2 → 4 (gelu), layer-norm 4 → 4 (epsilon 0.00001), gru 4 → 5 (reset after), 2 values from 0 to 1 (sigmoid) \
                 on the mean over the steps through hidden layers of 8 leaky_relu 0.2, 4, ";
    assert!(text[0].starts_with(first), "{}", text[0]);
    assert!(text.iter().any(|line| line.starts_with("head.0.kernel")));
    assert_eq!(found[0]["model"]["head"]["hidden"][1]["size"], 4);
}
