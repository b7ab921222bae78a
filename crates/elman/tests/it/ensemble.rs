//! Ensembles: their answers are the means of their members', and one file holds them all.

use elman::formats::{self, File};
use elman::{
    Arrays, Ensemble, Error, Gru, Head, Init, Labelled, Link, Lstm, Meaning, Model, Predictor, Reads, Rnn, Stack,
};
use ndarray::{Array1, Array2, Array3, Axis};

/// Members that differ in their seeds.
fn members(stack: impl Into<Stack>, head: &Head, count: u64) -> Vec<Model> {
    let stack = stack.into();
    (1..=count).map(|seed| Model::init(stack.clone(), head.clone(), Init::PyTorch, seed).unwrap()).collect()
}

fn inputs() -> Array3<f32> {
    Array3::from_shape_fn((7, 5, 2), |(n, t, i)| ((n * 31 + t * 17 + i * 7) % 13) as f32 / 6.0 - 1.0)
}

/// What `of` gives of each member, and their mean.
fn mean_of(members: &[Model], mut of: impl FnMut(&mut Predictor) -> Array2<f32>) -> Array2<f32> {
    let all: Vec<_> = members.iter().map(|member| of(&mut Predictor::new(member.clone(), 1))).collect();
    let views: Vec<_> = all.iter().map(|one| one.view()).collect();
    ndarray::stack(Axis(0), &views).unwrap().mean_axis(Axis(0)).unwrap()
}

/// Answers are sums of a few numbers of 32 bits.
fn assert_close(found: &Array2<f32>, expected: &Array2<f32>) {
    assert_eq!(found.dim(), expected.dim());
    found.iter().zip(expected).for_each(|(found, expected)| assert!((found - expected).abs() < 1e-6));
}

#[test]
fn probabilities_are_means_and_so_is_what_they_are_judged_by() {
    let labels: Vec<usize> = (0..7).map(|row| row % 3).collect();
    let data = Arrays::classes(inputs(), Array1::from_vec(labels.clone())).unwrap();
    let members = members(Gru::new(2, 6), &Head::last_state(3), 4);
    let mut predictor = Predictor::new(Ensemble::new(members.clone()).unwrap(), 2);
    let found = predictor.predict(&data).unwrap();
    assert_close(&found, &mean_of(&members, |one| one.predict(&data).unwrap()));

    let figures = predictor.evaluate(&data).unwrap();
    let loss = found.outer_iter().zip(&labels).map(|(row, &label)| -f64::from(row[label]).ln()).sum::<f64>() / 7.0;
    assert!((figures.loss - loss).abs() < 1e-9, "{} {loss}", figures.loss);
    let right = found.outer_iter().zip(&labels).filter(|(row, label)| row.iter().all(|&p| p <= row[**label])).count();
    assert_eq!((figures.correct, figures.rows), (right, 7));

    // Jensen: the loss of a mean is at most the mean of the losses.
    let each = members.iter().map(|member| Predictor::new(member.clone(), 1).evaluate(&data).unwrap().loss);
    assert!(figures.loss <= each.sum::<f64>() / 4.0);
}

#[test]
fn one_member_answers_as_the_model_alone_to_the_bit() {
    let data = Arrays::classes(inputs(), Array1::zeros(7)).unwrap();
    let model = members(Lstm::new(2, 5), &Head::last_state(2), 1).remove(0);
    let mut of_one = Predictor::new(Ensemble::new(vec![model.clone()]).unwrap(), 1);
    let mut alone = Predictor::new(model, 1);
    assert_eq!(of_one.predict(&data).unwrap(), alone.predict(&data).unwrap());
    assert_eq!(of_one.evaluate(&data).unwrap(), alone.evaluate(&data).unwrap());
}

#[test]
fn steps_have_means_too() {
    let labels = Array2::from_shape_fn((7, 5), |(n, t)| (n + t) % 2);
    let data = Arrays::step_classes(inputs(), labels.clone()).unwrap();
    let members = members(Rnn::new(2, 4), &Head::every_step(2), 3);
    let mut predictor = Predictor::new(Ensemble::new(members.clone()).unwrap(), 1);
    let found = predictor.predict_steps(&data, 3).unwrap();
    assert_close(&found, &mean_of(&members, |one| one.predict_steps(&data, 3).unwrap()));
    let (mut loss, mut right) = (0.0, 0);
    for row in 0..7 {
        for (step, p) in predictor.predict_steps(&data, row).unwrap().outer_iter().enumerate() {
            let label = labels[[row, step]];
            loss -= f64::from(p[label]).ln() / 35.0;
            right += usize::from(p[label] >= p[1 - label]);
        }
    }
    let figures = predictor.evaluate(&data).unwrap();
    assert!((figures.loss - loss).abs() < 1e-9, "{} {loss}", figures.loss);
    assert_eq!((figures.correct, figures.rows), (right, 35));
    let message = predictor.evaluate_streams(&data, 5).unwrap_err().to_string();
    assert!(message.contains("an ensemble of 3") && message.contains("a single one"), "{message}");
}

#[test]
fn values_are_means_under_their_link() {
    let wanted = Array2::from_shape_fn((7, 2), |(n, f)| if n == 3 { f32::NAN } else { ((n + f) % 2) as f32 });
    let data = Arrays::values(inputs(), wanted.clone()).unwrap();
    for link in [Link::Identity, Link::Sigmoid] {
        let members = members(Gru::new(2, 4), &Head::values(2, link).reads(Reads::Mean), 3);
        let mut predictor = Predictor::new(Ensemble::new(members.clone()).unwrap(), 1);
        let found = predictor.values(&data).unwrap();
        assert_close(&found, &mean_of(&members, |one| one.values(&data).unwrap()));
        let loss = |(&p, &y): (&f32, &f32)| {
            let (p, y) = (f64::from(p), f64::from(y));
            match link {
                Link::Identity => (p - y).powi(2),
                Link::Sigmoid => -y * p.ln() - (1.0 - y) * (1.0 - p).ln(),
            }
        };
        let expected = found.iter().zip(&wanted).filter(|(_, y)| !y.is_nan()).map(loss).sum::<f64>() / 12.0;
        let figures = predictor.evaluate(&data).unwrap();
        assert!((figures.loss - expected).abs() < 1e-6, "{} {expected}", figures.loss);
        assert_eq!(figures.rows, 12);
    }
}

#[test]
fn quantiles_are_means_level_by_level_and_never_cross() {
    let levels = [0.1, 0.5, 0.9];
    let wanted = Array2::from_shape_fn((7, 2), |(n, f)| (n * 3 + f) as f32 / 10.0);
    let data = Arrays::values(inputs(), wanted.clone()).unwrap();
    let members = members(Gru::new(2, 4), &Head::quantiles(&levels, 2), 5);
    let mut predictor = Predictor::new(Ensemble::new(members.clone()).unwrap(), 1);
    let found = predictor.quantiles(&data).unwrap();
    let flat = |quantiles: Array3<f32>| quantiles.into_shape_with_order((7, 6)).unwrap();
    assert_close(&flat(found.clone()), &mean_of(&members, |one| flat(one.quantiles(&data).unwrap())));
    found.rows().into_iter().for_each(|row| assert!(row.windows(2).into_iter().all(|pair| pair[0] <= pair[1])));
    // Untrained networks cross: this was no accident.
    let crossed = |member: &Model| {
        let raw = member.logits(inputs().view(), None).unwrap();
        raw.rows().into_iter().any(|row| row.to_vec().chunks(3).any(|of| of[0] > of[1] || of[1] > of[2]))
    };
    assert!(members.iter().any(crossed));

    let pinball = |y: f64, z: f64, level: f64| (level * (y - z)).max((level - 1.0) * (y - z));
    let mut loss = 0.0;
    for ((n, f, q), &z) in found.indexed_iter() {
        loss += pinball(f64::from(wanted[[n, f]]), f64::from(z), f64::from(levels[q])) / 42.0;
    }
    assert!((predictor.evaluate(&data).unwrap().loss - loss).abs() < 1e-6);
}

#[test]
fn a_file_holds_all_members_and_says_so_to_who_expects_one() {
    let folder = tempfile::tempdir().unwrap();
    let [several, one, again] = ["several", "one", "again"].map(|name| folder.path().join(name));
    let mut members = members(Lstm::new(2, 5), &Head::last_state(2), 3);
    for member in &mut members {
        (member.steps, member.meaning) = (Some(5), Some(Meaning::Echo));
    }
    let ensemble = Ensemble::new(members.clone()).unwrap();
    ensemble.save(&several).unwrap();
    let loaded = Ensemble::load(&several).unwrap();
    assert_eq!(loaded.members().len(), 3);
    assert_eq!(loaded.parameter_count(), 3 * members[0].parameter_count());
    for (loaded, member) in loaded.members().iter().zip(&members) {
        assert_eq!(loaded.arrays(), member.arrays());
        assert_eq!((loaded.steps, &loaded.meaning), (Some(5), &Some(Meaning::Echo)));
    }
    loaded.save(&again).unwrap();
    assert_eq!(std::fs::read(&several).unwrap(), std::fs::read(&again).unwrap());

    let error = Model::load(&several).unwrap_err();
    assert!(matches!(error, Error::SeveralModels { members: 3, .. }), "{error}");
    assert!(error.to_string().contains("an ensemble of 3 models") && error.to_string().contains("Ensemble::load"));
    assert!(loaded.sole().unwrap_err().to_string().contains("an ensemble of 3"));

    // One member is a model, and a model is one member.
    Ensemble::from(members[0].clone()).save(&one).unwrap();
    assert_eq!(Model::load(&one).unwrap().arrays(), members[0].arrays());
    assert_eq!(Ensemble::load(&one).unwrap().sole().unwrap().arrays(), members[0].arrays());
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let message = |members: Vec<Model>| Ensemble::new(members).unwrap_err().to_string();
    assert!(message(Vec::new()).contains("at least 1"));
    let [small, large] = [3, 4].map(|units| members(Gru::new(2, units), &Head::last_state(2), 1).remove(0));
    assert!(message(vec![small.clone(), large]).contains("member 2"));
    let mut named = small.clone();
    named.meaning = Some(Meaning::Echo);
    assert!(message(vec![small.clone(), small.clone(), named]).contains("member 3"));
}

/// Why a file of three members with a change is refused.
fn refused(change: impl FnOnce(&mut File)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    Ensemble::new(members(Rnn::new(2, 3), &Head::last_state(2), 3)).unwrap().save(&path).unwrap();
    let mut file = formats::read(&path).unwrap();
    change(&mut file);
    formats::write(&path, &file).unwrap();
    Ensemble::load(&path).unwrap_err().to_string()
}

#[test]
fn a_damaged_file_is_refused_by_name() {
    let count = |text: &str| {
        let text = text.to_owned();
        let change = |config: &String| config.replace("\"members\":3", &format!("\"members\":{text}"));
        refused(move |file| file.metadata.values_mut().for_each(|config| *config = change(config)))
    };
    for text in ["0", "1", "18446744073709551615", "1000000"] {
        assert!(count(text).contains("number of members"), "{text}: {}", count(text));
    }
    for text in ["-3", "\"x\"", "1e9"] {
        assert!(count(text).contains("its configuration: invalid"), "{text}: {}", count(text));
    }
    assert!(count("2").contains("is of none of its 2 members"));
    assert!(count("4").contains("member 4: ") && count("4").contains("is missing"));
    let missing = refused(|file| drop(file.arrays.remove("member.2.head.bias")));
    assert!(missing.contains("member 2: head.bias is missing"), "{missing}");
    let strange = refused(|file| {
        let array = file.arrays["member.1.head.bias"].clone();
        file.arrays.insert("member.01.head.bias".into(), array);
    });
    assert!(strange.contains("member.01.head.bias is of none"), "{strange}");
    assert!(refused(|file| drop(file.metadata.remove("elman"))).contains("no configuration"));
}

#[test]
fn data_that_does_not_fit_is_refused_as_by_a_model() {
    let members = members(Rnn::new(3, 4), &Head::last_state(2), 2);
    let mut predictor = Predictor::new(Ensemble::new(members).unwrap(), 1);
    let data = Arrays::classes(inputs(), Array1::zeros(7)).unwrap();
    assert!(matches!(data.target(), elman::Target::Class(_)));
    assert!(predictor.evaluate(&data).is_err() && predictor.predict(&data).is_err());
}
