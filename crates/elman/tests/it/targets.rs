//! What is to be said of sequences, and how it is weighed: class weights, quantiles, large batches in small parts.

use crate::support::tasks::{Values, model, neighbours, signs};
use elman::{
    Adam, Arrays, BatchSize, Ensemble, Error, Gru, Head, Labelled, Link, Lstm, Model, Predictor, Purpose, Random,
    Reads, Rnn, Sequences, StepClass, StepValues, Target, Trainer,
};
use ndarray::{Array1, Array2, Array3, Axis};

/// The mean of a row and noise that is even in ±1, and twice that; some values are not known.
fn noisy_means(rows: usize) -> Values {
    let mut random = Random::new(3, Purpose::Data);
    let xs = Array3::from_shape_simple_fn((rows, 4, 1), || random.uniform(1.0));
    let means = xs.mean_axis(Axis(1)).unwrap();
    let values = Array2::from_shape_fn((rows, 2), |(row, place)| {
        let value = means[[row, 0]] + random.uniform(1.0);
        if row % 7 == 3 && place == 1 { f32::NAN } else { value * (place + 1) as f32 }
    });
    Values { arrays: Arrays::classes(xs, Array1::zeros(rows)).unwrap(), answers: values }
}

#[test]
fn quantiles_are_learned_with_their_levels() {
    let data = noisy_means(4000);
    let head = Head::quantiles(&[0.1, 0.5, 0.9], 2);
    let mut trainer = Trainer::new(model(Gru::new(1, 8), head), Adam::new(0.01)).batch_size(100).threads(2);
    for epoch in trainer.fit(&data).unwrap().epochs(12) {
        let epoch = epoch.unwrap();
        assert!(epoch.accuracy.is_nan() && !epoch.to_string().contains("Acc"), "{epoch}");
    }
    let evaluation = trainer.evaluate(&data).unwrap();
    // Of a value even in ±1: τ (1 − τ) of each level, 0.09, 0.25, 0.09. The second value is twice as large.
    assert!((evaluation.loss - 0.143 * 1.46).abs() < 0.01, "{}", evaluation.loss);
    assert_eq!(evaluation.rows, data.answers.iter().filter(|y| !y.is_nan()).count());
    let quantiles = Predictor::new(trainer.into_model(), 2).quantiles(&data).unwrap();
    assert_eq!(quantiles.dim(), (4000, 2, 3));
    for (place, level) in [0.1, 0.5, 0.9].into_iter().enumerate() {
        for horizon in 0..2 {
            let pairs = quantiles.outer_iter().zip(data.answers.outer_iter());
            let below = pairs.filter(|(q, y)| y[horizon] < q[[horizon, place]]).count() as f64;
            let known = data.answers.column(horizon).iter().filter(|y| !y.is_nan()).count() as f64;
            assert!((below / known - level).abs() < 0.04, "{} below level {level}", below / known);
        }
    }
    assert!(quantiles.lanes(Axis(2)).into_iter().all(|q| q[0] <= q[1] && q[1] <= q[2]));
}

#[test]
fn the_gradient_of_quantiles_leaves_unknown_values_out() {
    let mut data = noisy_means(40);
    let head = Head::quantiles(&[0.2, 0.7], 2);
    let mut trainer = Trainer::new(model(Rnn::new(1, 5), head), Adam::new(0.01)).batch_size(40);
    let all: Vec<u32> = (0..40).collect();
    let (whole, gradient) = trainer.gradient(&data, &all).unwrap();
    // The mean over each known value by itself.
    let (mut loss, mut sums, mut known) = (0.0, crate::support::Arrays::new(), 0);
    let values = data.answers.clone();
    for row in 0..40u32 {
        for place in 0..2 {
            data.answers.row_mut(row as usize).fill(f32::NAN);
            data.answers[[row as usize, place]] = values[[row as usize, place]];
            if values[[row as usize, place]].is_nan() {
                continue;
            }
            let (one, part) = trainer.gradient(&data, &[row]).unwrap();
            assert_eq!(one.rows, 1);
            loss += one.loss;
            known += 1;
            crate::support::networks::add_arrays(&mut sums, &part);
        }
    }
    assert_eq!(whole.rows, known);
    assert!((whole.loss - loss / known as f64).abs() < 1e-6);
    sums.values_mut().for_each(|array| array.data.iter_mut().for_each(|x| *x /= known as f32));
    crate::support::networks::assert_same_arrays("quantiles", &gradient, &sums, crate::support::networks::ROUNDING);
}

#[test]
fn nothing_known_is_refused() {
    let mut data = noisy_means(10);
    data.answers.fill(f32::NAN);
    let mut trainer = Trainer::new(model(Rnn::new(1, 5), Head::quantiles(&[0.5], 2)), Adam::new(0.01)).batch_size(10);
    let message = trainer.fit(&data).err().unwrap().to_string();
    assert!(message.contains("known"), "{message}");
}

#[test]
fn heads_and_data_must_say_the_same_kind_of_thing() {
    let values = noisy_means(10);
    let message = |head: Head| {
        let mut trainer = Trainer::new(model(Rnn::new(1, 5), head), Adam::new(0.01)).batch_size(5);
        trainer.fit(&values).err().unwrap().to_string()
    };
    assert!(message(Head::last_state(2)).contains("values"), "{}", message(Head::last_state(2)));
    let other = message(Head::quantiles(&[0.5], 3));
    assert!(other.contains("[2]") && other.contains("[3]"), "{other}");
    let quantiles = model(Rnn::new(3, 5), Head::quantiles(&[0.5], 3));
    let mut trainer = Trainer::new(quantiles.clone(), Adam::new(0.01)).batch_size(5);
    assert!(matches!(trainer.fit(&signs(20)).err(), Some(Error::Shape { .. })), "classes for a head of quantiles");
    assert!(Predictor::new(quantiles, 1).predict(&signs(20)).is_err());
    assert!(Predictor::new(model(Rnn::new(3, 5), 2), 1).quantiles(&signs(20)).is_err());
}

#[test]
fn a_class_weight_counts_a_row_so_often() {
    let data = signs(90);
    let rows: Vec<u32> = (0..90).collect();
    let label = |row: u32| data.target().class(row as usize, None).unwrap();
    let often: Vec<u32> = rows.iter().flat_map(|&row| vec![row; 1 + 2 * label(row)]).collect();
    let trainer = || Trainer::new(model(Lstm::new(3, 9), 2), Adam::new(0.01)).batch_size(300).threads(2);
    let (loss, gradient) = trainer().class_weights(vec![1.0, 3.0]).gradient(&data, &rows).unwrap();
    let (expected, repeated) = trainer().gradient(&data, &often).unwrap();
    assert!((loss.loss - expected.loss).abs() < 1e-6, "{} {}", loss.loss, expected.loss);
    assert_eq!(loss.rows, 90);
    crate::support::networks::assert_same_arrays("weights", &gradient, &repeated, crate::support::networks::ROUNDING);

    let steps = neighbours(20, 9, false);
    let trainer = || Trainer::new(model(Lstm::new(1, 9), Head::every_step(2)), Adam::new(0.01)).batch_size(20);
    let rows: Vec<u32> = (0..20).collect();
    let (plain, gradient) = trainer().gradient(&steps, &rows).unwrap();
    let (same, other) = trainer().class_weights(vec![2.5, 2.5]).gradient(&steps, &rows).unwrap();
    assert!((plain.loss - same.loss).abs() < 1e-6, "equal weights change nothing");
    crate::support::networks::assert_same_arrays(
        "equal weights",
        &gradient,
        &other,
        crate::support::networks::ROUNDING,
    );
}

/// By the loss of sharp labels: smoothed ones are their mean over all classes, in part.
#[test]
fn a_smoothed_label_is_a_mixture_of_all_classes() {
    const SMOOTHING: f32 = 0.3;
    let rows: Vec<u32> = (0..40).collect();
    let mut data = signs(40);
    let trainer = || Trainer::new(model(Lstm::new(3, 9), 3), Adam::new(0.01)).batch_size(40).threads(2);
    let (found, gradient) = trainer().label_smoothing(SMOOTHING).gradient(&data, &rows).unwrap();
    let (own, sharp) = trainer().gradient(&data, &rows).unwrap();
    assert_eq!(found.accuracy, own.accuracy, "what is right does not depend on it");
    assert_eq!(
        trainer().label_smoothing(SMOOTHING).evaluate(&data).unwrap().loss,
        trainer().evaluate(&data).unwrap().loss
    );
    let mut loss = (1.0 - f64::from(SMOOTHING)) * own.loss;
    let mut expected = sharp;
    expected.values_mut().for_each(|array| array.data.iter_mut().for_each(|x| *x *= 1.0 - SMOOTHING));
    for class in 0..3 {
        crate::support::tasks::labels(&mut data).fill(class);
        let (of_class, part) = trainer().gradient(&data, &rows).unwrap();
        loss += f64::from(SMOOTHING) / 3.0 * of_class.loss;
        for (name, array) in &mut expected {
            array.data.iter_mut().zip(&part[name].data).for_each(|(x, part)| *x += SMOOTHING / 3.0 * part);
        }
    }
    assert!((found.loss - loss).abs() < 1e-6, "{} {loss}", found.loss);
    crate::support::networks::assert_same_arrays("smoothed", &gradient, &expected, crate::support::networks::ROUNDING);
}

#[test]
fn label_smoothing_must_fit() {
    let message = |head: Head, smoothing| {
        let trainer = Trainer::new(model(Rnn::new(3, 5), head), Adam::new(0.01)).batch_size(10);
        trainer.label_smoothing(smoothing).gradient(&signs(30), &[0]).unwrap_err().to_string()
    };
    for smoothing in [1.0, -0.1, f32::NAN] {
        let message = message(Head::last_state(2), smoothing);
        assert!(message.contains("the label smoothing") && message.contains("0 to below 1"), "{message}");
    }
    let message = message(Head::values(1, Link::Identity), 0.1);
    assert!(message.contains("it is for classes"), "{message}");
}

#[test]
fn class_weights_must_fit() {
    let data = signs(30);
    for (weights, part) in [
        (vec![1.0], "one for each class"),
        (vec![1.0, 0.0], "above 0"),
        (vec![1.0, f32::NAN], "above 0"),
        (vec![f32::INFINITY, 1.0], "above 0"),
    ] {
        let mut trainer = Trainer::new(model(Rnn::new(3, 5), 2), Adam::new(0.01)).batch_size(10).class_weights(weights);
        let message = trainer.fit(&data).err().unwrap().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_batch_in_parts_has_the_gradient_of_the_whole() {
    let data = signs(300);
    let all: Vec<u32> = (0..300).collect();
    let gradient = |micro: usize| {
        let trainer = Trainer::new(model(Gru::new(3, 20), 2), Adam::new(0.01)).batch_size(300).threads(2);
        trainer.micro_batch(micro).gradient(&data, &all).unwrap()
    };
    let (whole, arrays) = gradient(0);
    for micro in [300, 1000] {
        let (loss, same) = gradient(micro);
        assert!(loss == whole && same == arrays, "parts of {micro}: one part");
    }
    for micro in [1, 7, 64, 299] {
        let (loss, other) = gradient(micro);
        assert!((loss.loss - whole.loss).abs() < 1e-6 && loss.rows == 300, "parts of {micro}");
        crate::support::networks::assert_same_arrays(
            &format!("{micro}"),
            &other,
            &arrays,
            crate::support::networks::ROUNDING,
        );
    }
}

#[test]
fn a_full_batch_is_all_rows_whatever_the_seed() {
    let data = signs(150);
    let trained = |batch: BatchSize, micro: usize, seed: u64| -> Model {
        let trainer = Trainer::new(model(Rnn::new(3, 9), 2), Adam::new(0.01)).batch_size(batch).micro_batch(micro);
        let mut trainer = trainer.seed(seed);
        let mut fit = trainer.fit(&data).unwrap().epochs(3);
        assert_eq!(fit.batches(), 1);
        while let Some(step) = fit.next_step() {
            assert_eq!(step.unwrap().scored, 150);
        }
        trainer.into_model()
    };
    let full = trained(BatchSize::Full, 32, 1).arrays();
    assert!(trained(BatchSize::Rows(150), 32, 2).arrays() == full);
    // Parts of 150 rows or more are the whole.
    assert!(trained(BatchSize::Full, 0, 1).arrays() == trained(BatchSize::Full, 150, 1).arrays());
}

/// A data set of one's own: numbers of its rows, and what a function says of them.
struct Own<T> {
    rows: Vec<Vec<f32>>,
    says: T,
}

impl<T: Sync> Sequences for Own<T> {
    fn len(&self) -> usize {
        self.rows.len()
    }
    fn steps(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0)
    }
    fn input(&self) -> usize {
        1
    }
    fn length(&self, row: usize) -> usize {
        self.rows[row].len()
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        x[0] = self.rows[row][step];
    }
}

impl Labelled for Own<Vec<u8>> {
    fn target(&self) -> Target<'_> {
        Target::Class(&self.says)
    }
}

impl Labelled for Own<f32> {
    fn target(&self) -> Target<'_> {
        Target::StepValues(self)
    }
}

/// Each number times another.
impl StepValues for Own<f32> {
    fn width(&self) -> usize {
        1
    }
    fn values(&self, row: usize, step: usize, y: &mut [f32]) {
        y[0] = self.says * self.rows[row][step];
    }
}

#[test]
fn a_data_set_of_one_s_own_may_hide_its_type() {
    let mut random = Random::new(4, Purpose::Data);
    let rows: Vec<Vec<f32>> = (0..40).map(|row| (0..1 + row % 5).map(|_| random.uniform(1.0)).collect()).collect();
    let signs: Vec<u8> = rows.iter().map(|row| u8::from(row.iter().sum::<f32>() > 0.0)).collect();
    let (classes, steps) = (Own { rows: rows.clone(), says: signs }, Own { rows, says: 0.5 });
    let every = Head::values(1, Link::Identity).reads(Reads::EveryStep);
    let train = |head: &Head, data: &dyn Labelled| {
        let trainer = || Trainer::new(model(Gru::new(1, 6), head.clone()), Adam::new(0.02)).batch_size(8);
        let mut trainer = trainer();
        assert!(trainer.fit(data).unwrap().epochs(3).all(|epoch| epoch.is_ok()));
        let loss = trainer.evaluate(data).unwrap().loss;
        (loss, trainer.into_model().arrays())
    };
    let plain = |head: &Head, data: Result<Arrays, Error>, of: &dyn Sequences| {
        let lengths: Vec<usize> = (0..of.len()).map(|row| of.length(row)).collect();
        train(head, &data.unwrap().lengths(lengths).unwrap())
    };
    let mut xs = Array3::zeros((40, 5, 1));
    for (row, numbers) in classes.rows.iter().enumerate() {
        numbers.iter().enumerate().for_each(|(t, &x)| xs[[row, t, 0]] = x);
    }
    let labels: Vec<usize> = classes.says.iter().map(|&label| usize::from(label)).collect();
    let (two, halves) = (Head::last_state(2), xs.mapv(|x| 0.5 * x));
    let same_classes = plain(&two, Arrays::classes(xs.clone(), labels), &classes);
    let same_steps = plain(&every, Arrays::step_values(xs, halves), &steps);
    let boxed: Vec<(Head, Box<dyn Labelled>, _)> =
        vec![(two, Box::new(classes), same_classes), (every, Box::new(steps), same_steps)];
    for (head, data, same) in &boxed {
        assert!(train(head, &**data) == *same, "lent");
        assert!(train(head, data) == *same, "in a box");
        assert!(train(head, &&**data) == *same, "lent twice");
        let mut predictor = Predictor::new(model(Gru::new(1, 6), head.clone()), 1);
        let inputs: &dyn Sequences = data;
        match head.reads {
            Reads::EveryStep => assert_eq!(predictor.predict_steps(inputs, 6).unwrap().dim(), (2, 1)),
            _ => assert_eq!(predictor.predict(inputs).unwrap().dim(), (40, 2)),
        }
    }
}

#[test]
fn targets_of_steps_are_refused_by_a_head_on_whole_rows() {
    let xs = || Array3::zeros((5, 4, 1));
    let classes = Arrays::step_classes(xs(), Array2::zeros((5, 4))).unwrap();
    let values = Arrays::step_values(xs(), Array3::zeros((5, 4, 2))).unwrap();
    for (head, data, found) in [
        (Head::last_state(2), &classes, "a class for each step"),
        (Head::values(2, Link::Identity), &values, "2 values for each step"),
        (Head::quantiles(&[0.5], 2), &values, "2 values for each step"),
    ] {
        let mut trainer = Trainer::new(model(Gru::new(1, 6), head), Adam::new(0.02)).batch_size(5);
        let message = trainer.fit(data).err().unwrap().to_string();
        let expected = "expected one for each row, for the head reads the last state; or a head on every step";
        assert_eq!(message, format!("the data set is data with {found}; {expected}"));
    }
    for (data, what) in [
        (Arrays::classes(xs(), vec![0; 4]), "labels has shape [4]; expected [5]"),
        (Arrays::step_classes(xs(), Array2::zeros((5, 3))), "labels of steps has shape [5, 3]; expected [5, 4]"),
        (Arrays::values(xs(), Array2::zeros((6, 3))), "values has shape [6]; expected [5]"),
        (Arrays::step_values(xs(), Array3::zeros((5, 5, 1))), "values of steps has shape [5, 5]; expected [5, 4]"),
    ] {
        assert_eq!(data.unwrap_err().to_string(), what);
    }
}

#[test]
fn weights_of_classes_that_do_not_fit_are_refused_by_every_way_to_train() {
    let data = signs(20);
    let mut trainer = Trainer::new(model(Rnn::new(3, 5), 2), Adam::new(0.01)).class_weights(vec![1.0; 3]);
    let message = trainer.train_rows(&data, &[0]).unwrap_err().to_string();
    assert!(message.contains("number of class weights is 3"), "{message}");
    assert_eq!(trainer.gradient(&data, &[0]).unwrap_err().to_string(), message);
    assert_eq!(trainer.accumulate(&data, &elman::Batch::from(&[0][..])).unwrap_err().to_string(), message);
}

/// Sequences whose steps have classes, of which some are not known; those of row 3 none.
struct Tagged(Arrays, Array2<Option<usize>>);

impl Tagged {
    fn new() -> Self {
        let mut random = Random::new(9, Purpose::Data);
        let xs = Array3::from_shape_simple_fn((12, 5, 2), || random.uniform(1.0));
        let known = |row: usize, step: usize| row != 3 && (row * 5 + step * 3) % 4 != 1;
        let labels = Array2::from_shape_fn((12, 5), |(row, t)| known(row, t).then_some((row + t) % 3));
        let arrays = Arrays::classes(xs, Array1::zeros(12)).unwrap();
        Tagged(arrays.lengths((0..12).map(|row| 3 + row % 3).collect::<Vec<_>>()).unwrap(), labels)
    }
}

impl Sequences for Tagged {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn steps(&self) -> usize {
        self.0.steps()
    }
    fn input(&self) -> usize {
        self.0.input()
    }
    fn length(&self, row: usize) -> usize {
        self.0.length(row)
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        self.0.read(row, step, x);
    }
}

impl Labelled for Tagged {
    fn target(&self) -> Target<'_> {
        Target::StepClasses(self)
    }
}

impl StepClass for Tagged {
    fn class(&self, row: usize, step: usize) -> usize {
        self.1[[row, step]].unwrap()
    }
    fn is_known(&self, row: usize, step: usize) -> bool {
        self.1[[row, step]].is_some()
    }
}

#[test]
fn steps_whose_class_is_not_known_count_nowhere() {
    let mut data = Tagged::new();
    let tagger = || model(Gru::new(2, 5), Head::every_step(3));
    for weights in [vec![], vec![0.5, 2.0, 1.0]] {
        let weight = |class: usize| f64::from(weights.get(class).copied().unwrap_or(1.0));
        let mut trainer = Trainer::new(tagger(), Adam::new(0.01)).batch_size(4).class_weights(weights.clone());
        let all: Vec<u32> = (0..12).collect();
        let (whole, gradient) = trainer.gradient(&data, &all).unwrap();
        let (mut loss, mut sums, mut sum, mut known) = (0.0, crate::support::Arrays::new(), 0.0, 0);
        let labels = data.1.clone();
        for ((row, step), label) in labels.indexed_iter() {
            let Some(label) = label.filter(|_| step < data.length(row)) else { continue };
            data.1.fill(None);
            data.1[[row, step]] = Some(label);
            let (one, mut part) = trainer.gradient(&data, &[row as u32]).unwrap();
            assert_eq!(one.rows, 1);
            loss += one.loss * weight(label);
            part.values_mut().for_each(|array| array.data.iter_mut().for_each(|x| *x *= weight(label) as f32));
            (sum, known) = (sum + weight(label), known + 1);
            crate::support::networks::add_arrays(&mut sums, &part);
        }
        data.1 = labels;
        assert_eq!(whole.rows, known);
        assert!((whole.loss - loss / sum).abs() < 1e-6);
        sums.values_mut().for_each(|array| array.data.iter_mut().for_each(|x| *x /= sum as f32));
        crate::support::networks::assert_same_arrays("tags", &gradient, &sums, crate::support::networks::ROUNDING);
    }
    let of_one = Predictor::new(tagger(), 2).evaluate(&data).unwrap();
    let ensemble = Ensemble::new(vec![tagger(), tagger()]).unwrap();
    let of_two = Predictor::new(ensemble, 2).evaluate(&data).unwrap();
    assert_eq!((of_one.rows, of_one.correct), (of_two.rows, of_two.correct));
    assert!((of_one.loss - of_two.loss).abs() < 1e-6, "{} and {}", of_one.loss, of_two.loss);
}

#[test]
fn a_row_without_a_known_class_is_left_out_of_training() {
    let mut data = Tagged::new();
    let trainer = |batch| Trainer::new(model(Gru::new(2, 5), Head::every_step(3)), Adam::new(0.01)).batch_size(batch);
    let mut with = trainer(1);
    let steps = with.fit(&data).unwrap().epochs(2).map(|epoch| epoch.unwrap().loss).collect::<Vec<_>>();
    assert!(steps.iter().all(|loss| loss.is_finite()));
    assert_eq!(with.steps_done(), 22, "11 of 12 rows");
    let message = trainer(12).fit(&data).err().unwrap().to_string();
    assert!(message.contains("1 to 11"), "{message}");
    data.1.fill(None);
    let message = trainer(1).fit(&data).err().unwrap().to_string();
    assert!(message.contains("without a step whose class is known"), "{message}");
}
