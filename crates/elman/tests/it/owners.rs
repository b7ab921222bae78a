//! The groups of a batch may have several owners, who pass the sum of the gradients on: the same bits as one trainer alone.

use crate::support::networks::{LSTM_NOISE, random_cube};
use crate::support::tasks::{Values, model, neighbours, signs};
use elman::{
    Adam, BatchSize, Course, Descent, Gradient, Gru, Head, Labelled, Layer, Link, Lstm, Model, Reads, Rnn, Rprop,
    Stack, Step, Trainer,
};
use ndarray::{Array1, Array2};

/// A job: how its trainer is made, and how its data is read.
struct Job<'a> {
    what: &'a str,
    trainer: &'a dyn Fn() -> Trainer,
    data: &'a dyn Labelled,
    /// Steps of a window of streams, and whether the state is carried.
    window: Option<(usize, bool)>,
}

const EPOCHS: u64 = 3;

impl Job<'_> {
    fn course(&self, trainer: &mut Trainer) -> Course {
        let course = match self.window {
            None => Course::rows(trainer, self.data).unwrap(),
            Some((window, true)) => Course::streams(trainer, self.data, window).unwrap(),
            Some((window, false)) => Course::streams(trainer, self.data, window).unwrap().without_carried_state(),
        };
        course.epochs(EPOCHS)
    }

    /// One trainer, the loop of the library.
    fn alone(&self) -> (Vec<Step>, Trainer) {
        let mut trainer = (self.trainer)().threads(2);
        let mut course = self.course(&mut trainer);
        let steps = std::iter::from_fn(|| course.next(&mut trainer, self.data)).collect::<Result<_, _>>().unwrap();
        (steps, trainer)
    }

    /// So many trainers, each with a part of the groups; the sum goes round in segments of `segment` floats.
    fn shared(&self, owners: usize, segment: usize) -> (Vec<Step>, Vec<Trainer>) {
        let mut trainers: Vec<Trainer> = (0..owners).map(|owner| (self.trainer)().threads(1 + owner % 2)).collect();
        let mut courses: Vec<Course> = trainers.iter_mut().map(|trainer| self.course(trainer)).collect();
        let mut steps = Vec::new();
        loop {
            let mut sum = Gradient::zeros(trainers[0].model());
            for (owner, (trainer, course)) in trainers.iter_mut().zip(&mut courses).enumerate() {
                let Some(batch) = course.batch(trainer, self.data) else { return (steps, trainers) };
                let batch = batch.unwrap();
                let groups = trainer.groups(self.data, &batch);
                let own = owner * groups / owners..(owner + 1) * groups / owners;
                let mut share = trainer.share(self.data, &batch, own).unwrap();
                for (index, part) in sum.flat.chunks_mut(segment).enumerate() {
                    share.add(index * segment, part).unwrap();
                }
                share.note(&mut sum.ledger).unwrap();
            }
            for (owner, (trainer, course)) in trainers.iter_mut().zip(&mut courses).enumerate() {
                let step = trainer.apply(&sum).unwrap();
                let step = course.done(trainer, step);
                if owner == 0 {
                    steps.push(step);
                }
            }
        }
    }

    fn check(&self, least: usize) {
        let (steps, alone) = self.alone();
        {
            let mut trainer = (self.trainer)();
            let batch = self.course(&mut trainer).batch(&mut trainer, self.data).unwrap().unwrap();
            let groups = trainer.groups(self.data, &batch);
            assert!(groups >= least, "{}: {groups} groups", self.what);
        }
        for owners in 1..=7 {
            let (found, trainers) = self.shared(owners, 37 * owners);
            // As text: an accuracy may be NaN.
            assert_eq!(format!("{found:?}"), format!("{steps:?}"), "{}, {owners} owners", self.what);
            for trainer in &trainers {
                assert!(bits(trainer.model()) == bits(alone.model()), "{}, {owners} owners", self.what);
                assert_eq!(trainer.carried_state(), alone.carried_state(), "{}, {owners} owners", self.what);
            }
        }
    }
}

fn bits(model: &Model) -> Vec<u32> {
    model.flat().iter().map(|x| x.to_bits()).collect()
}

fn values(rows: usize, width: usize) -> Values {
    let mut answers = Array2::from_shape_fn((rows, width), |(row, k)| ((row * 7 + k * 3) % 11) as f32 / 11.0);
    answers[[3, 0]] = f32::NAN;
    Values { arrays: elman::Arrays::classes(random_cube((rows, 5, 3), 4), Array1::zeros(rows)).unwrap(), answers }
}

#[test]
fn classes_have_any_number_of_owners() {
    let data = signs(250);
    let lstm = || Trainer::new(model(Lstm::new(3, 9), 2), Adam::new(0.02)).batch_size(240);
    Job { what: "classes", trainer: &lstm, data: &data, window: None }.check(8);
    let weighted = || lstm().class_weights(vec![1.0, 2.5]).truncate(2);
    Job { what: "weights of classes", trainer: &weighted, data: &data, window: None }.check(8);
    // Fewer groups than owners: some own none.
    let few = || lstm().batch_size(30);
    Job { what: "few groups", trainer: &few, data: &data, window: None }.check(2);
    let noisy = || {
        let stack = Stack::new(Layer::new(Lstm::new(3, 8).noise(LSTM_NOISE)).dropout(0.3))
            .then(Layer::new(Gru::new(8, 8)).residual(true).dropout(0.2))
            .then(Rnn::new(8, 5));
        Trainer::new(model(stack, Head::last_state(2).reads(Reads::Mean)), Adam::new(0.02)).batch_size(240)
    };
    Job { what: "dropout", trainer: &noisy, data: &data, window: None }.check(8);
    let full = || {
        let clipped = Descent::new(Adam::new(0.02)).clip_norm(0.1).weight_decay(0.01);
        Trainer::new(model(Rnn::new(3, 9), 2), clipped).batch_size(BatchSize::Full).micro_batch(230)
    };
    Job { what: "a full batch in parts", trainer: &full, data: &data, window: None }.check(8);
    let rprop = || Trainer::new(model(Gru::new(3, 6), 2), Rprop::default()).batch_size(BatchSize::Full).micro_batch(40);
    Job { what: "Rprop", trainer: &rprop, data: &data, window: None }.check(2);
}

#[test]
fn values_and_quantiles_have_any_number_of_owners() {
    let data = values(250, 2);
    for (what, head) in [
        ("values", Head::values(2, Link::Identity)),
        ("a sigmoid", Head::values(2, Link::Sigmoid).reads(Reads::Max)),
        ("attention", Head::values(2, Link::Identity).reads(Reads::Attention)),
        ("quantiles", Head::quantiles(&[0.1, 0.5, 0.9], 2)),
    ] {
        let trainer = || Trainer::new(model(Gru::new(3, 9), head.clone()), Adam::new(0.02)).batch_size(230);
        Job { what, trainer: &trainer, data: &data, window: None }.check(8);
    }
}

#[test]
fn steps_and_streams_have_any_number_of_owners() {
    let data = neighbours(240, 9, false);
    let stack = || Stack::new(Layer::new(Lstm::new(1, 6).projection(3)).dropout(0.3)).then(Gru::new(3, 5));
    let trainer = || Trainer::new(model(stack(), Head::every_step(2)), Adam::new(0.02)).batch_size(230);
    Job { what: "every step", trainer: &trainer, data: &data, window: None }.check(8);
    for carry in [true, false] {
        // Streams end at different steps, so that windows have different rows.
        Job { what: "streams", trainer: &trainer, data: &data, window: Some((4, carry)) }.check(8);
    }
    let tokens: Vec<u16> = (0..2800).map(|t: u16| (t % 90) * (t % 90) % 7).collect();
    let text = elman::text::TokenStreams::new(&tokens, 230).unwrap();
    let of_tokens =
        || Trainer::new(model(Stack::new(Gru::new(4, 9)).embedding(7), Head::every_step(7)), Adam::new(0.02));
    Job { what: "text", trainer: &of_tokens, data: &text, window: Some((5, true)) }.check(7);
}

#[test]
fn a_gradient_taken_out_and_put_in_is_a_step() {
    let data = signs(60);
    let trainer = || Trainer::new(model(Lstm::new(3, 9), 2), Adam::new(0.02)).batch_size(60);
    let rows: Vec<u32> = (5..55).collect();
    let (mut whole, mut apart, mut plain) = (trainer(), trainer(), trainer());
    for _ in 0..3 {
        let gradient = apart.accumulate(&data, &rows[..].into()).unwrap();
        let (evaluation, arrays) = whole.gradient(&data, &rows).unwrap();
        assert_eq!(gradient.ledger.score.mean_loss(), evaluation.loss);
        let step = whole.train_rows(&data, &rows).unwrap();
        assert_eq!(apart.apply(&gradient).unwrap(), step);
        // By the names of its arrays, too.
        let by_name = Gradient::of_arrays(plain.model(), &arrays, gradient.ledger.score).unwrap();
        assert_eq!(plain.apply(&by_name).unwrap(), step);
        assert!(bits(whole.model()) == bits(apart.model()) && bits(whole.model()) == bits(plain.model()));
    }
    let gradient = apart.accumulate(&data, &rows[..].into()).unwrap();
    let arrays = gradient.arrays(apart.model()).unwrap();
    for (name, entry, part) in apart.model().layout() {
        let mut array = vec![0.0; entry.count()];
        entry.unpack(&gradient.flat[part], &mut array);
        assert_eq!((&array, &entry.shape), (&arrays[name].data, &arrays[name].shape), "{name}");
    }
}

#[test]
fn a_sum_with_a_gap_and_other_data_are_refused() {
    let data = signs(250);
    let mut trainer = Trainer::new(model(Lstm::new(3, 9), 2), Adam::new(0.02)).batch_size(240);
    let mut course = Course::rows(&mut trainer, &data).unwrap();
    let batch = course.batch(&mut trainer, &data).unwrap().unwrap();
    let groups = trainer.groups(&data, &batch);
    let mut sum = Gradient::zeros(trainer.model());
    let message = trainer.share(&data, &batch, 1..2).unwrap().add_to(&mut sum).unwrap_err().to_string();
    assert!(message.contains("the first 0 of 0 groups") && message.contains("the first 1 of"), "{message}");
    trainer.share(&data, &batch, 0..1).unwrap().add_to(&mut sum).unwrap();
    let message = trainer.apply(&sum).unwrap_err().to_string();
    assert!(message.contains(&format!("the first 1 of {groups} groups")), "{message}");
    let message = trainer.share(&data, &batch, 0..groups + 1).err().unwrap().to_string();
    assert!(message.contains(&format!("some of 0..{groups}")), "{message}");
    let len = sum.flat.len();
    let message = trainer.share(&data, &batch, 0..1).unwrap().add(len - 3, &mut [0.0; 4]).unwrap_err().to_string();
    assert!(message.contains("4 floats from"), "{message}");
    let other = Trainer::new(model(Lstm::new(3, 40), 2), Adam::new(0.02)).accumulate(&data, &batch).unwrap();
    assert!(trainer.apply(&other).unwrap_err().to_string().contains("the gradient has shape"));
    let message = course.next(&mut trainer, &signs(249)).unwrap().unwrap_err().to_string();
    assert_eq!(message, "the data has shape [249, 6, 3]; expected [250, 6, 3]");
    assert!(course.next(&mut trainer, &data).is_none(), "the course has ended");
    // Of a course that began with rows of other lengths.
    let steps = neighbours(20, 6, false);
    let mut empty = neighbours(20, 6, false);
    empty.arrays.lengths.fill(0);
    let mut trainer = Trainer::new(model(Lstm::new(1, 9), Head::every_step(2)), Adam::new(0.02)).batch_size(20);
    let message = Course::rows(&mut trainer, &steps).unwrap().next(&mut trainer, &empty).unwrap().unwrap_err();
    assert!(message.to_string().contains("something to score is 0; expected 20"), "{message}");
}

#[test]
fn streams_leave_the_batch_size_alone() {
    let data = neighbours(13, 23, false);
    let mut trainer = Trainer::new(model(Gru::new(1, 5), Head::every_step(2)), Adam::new(0.02)).batch_size(7);
    assert!(trainer.fit_streams(&data, 4).unwrap().epochs(2).all(|epoch| epoch.is_ok()));
    assert_eq!(trainer.batch_size, BatchSize::Rows(7));
    assert!(trainer.fit(&data).unwrap().next_step().unwrap().is_ok());
}
