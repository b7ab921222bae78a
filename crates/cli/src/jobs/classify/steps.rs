//! A class for each step: what there is to say of such labels, the answers to files, and what the network is compared with.
//!
//! N sequences, T steps, C classes.

use elman::datasets::SequenceSet;
use elman::{
    Adam, Classified, Classifier, Decay, Error, Head, Labelled, LabelledSequences, Model, Predictor, Sequences,
    StepScale, Trainer,
};
use serde_json::{Value, json};

use super::judged::confusion;
use super::names::few;
use super::parts::Parts;
use crate::output::Output;
use crate::settings::training::TrainingConfig;
use crate::shown::amounts::thousands;

/// Prints the answers to the steps of a file's sequences: a table with commas, or with `--json` an object for each sequence.
pub(super) fn print(
    classifier: &Classifier,
    file: &str,
    ids: Option<&[String]>,
    answers: &[Vec<Classified>],
    output: &mut Output,
) -> anyhow::Result<()> {
    let classes = &classifier.meaning().classes;
    for (index, steps) in answers.iter().enumerate() {
        let id = ids.map(|ids| ids[index].as_str());
        let mut csv = csv::Writer::from_writer(Vec::new());
        if index == 0 {
            csv.write_record(["id", "step", "label", "probability"])?;
        }
        for (step, answer) in steps.iter().enumerate() {
            let probability = format!("{:.4}", answer.probabilities[answer.class]);
            let id = id.map_or_else(|| index.to_string(), str::to_owned);
            csv.write_record([&id, &step.to_string(), classifier.name(answer), &probability])?;
        }
        let text = String::from_utf8(csv.into_inner()?)?;
        let named: Vec<&str> = steps.iter().map(|answer| classifier.name(answer)).collect();
        let probabilities: Vec<&[f32]> = steps.iter().map(|answer| answer.probabilities.as_slice()).collect();
        let object = json!({
            "event": "prediction", "file": file, "index": index, "id": id, "labels": named, "classes": classes,
            "probabilities": probabilities,
        });
        output.result(text.trim_end(), &object)?;
    }
    Ok(())
}

/// How many labels are missing, for the line about the data; nothing where none are.
pub(super) fn missing(parts: &Parts) -> String {
    let sets = [&parts.training, &parts.validation, &parts.test];
    let labels = || sets.into_iter().filter_map(|set| set.step_labels.as_deref()).flatten();
    let (all, missing) = (labels().count(), labels().filter(|label| label.is_none()).count());
    let without = match parts.unlabelled {
        0 => String::new(),
        1 => "\n1 sequence without a label is left out".to_owned(),
        count => format!("\n{count} sequences without a label are left out"),
    };
    let labels = match missing {
        0 => format!("\na label for each of {} steps", thousands(all as u64)),
        _ => format!(
            "\na label for each step; {} of {} are missing, and count neither in the loss nor in a score",
            thousands(missing as u64),
            thousands(all as u64)
        ),
    };
    labels + &without
}

/// The sequences of a set of which some step has a label, and how many have none.
pub(super) fn labelled(set: SequenceSet) -> (SequenceSet, usize) {
    let Some(labels) = &set.step_labels else { return (set, 0) };
    let known = |&row: &usize| labels[set.offsets[row]..set.offsets[row + 1]].iter().any(Option::is_some);
    let rows: Vec<usize> = (0..set.len()).filter(known).collect();
    match set.len() - rows.len() {
        0 => (set, 0),
        without => (set.select(&rows), without),
    }
}

/// What there is to say of labels of steps that say nothing of steps, or of a class that is never learnt.
pub(super) fn warnings(parts: &Parts) -> Vec<String> {
    let mut found = Vec::new();
    let labels_of = |set: &SequenceSet, row: usize| -> Vec<u32> {
        let labels = set.step_labels.as_deref().unwrap_or_default();
        labels[set.offsets[row]..set.offsets[row + 1]].iter().flatten().copied().collect()
    };
    let sets = [&parts.training, &parts.validation, &parts.test];
    let mut rows = sets.into_iter().flat_map(|set| (0..set.len()).map(move |row| (set, row)));
    if rows.all(|(set, row)| labels_of(set, row).windows(2).all(|pair| pair[0] == pair[1])) {
        found.push(
            "no sequence has two labels: each has one class, which is learnt better without --label-per-step"
                .to_owned(),
        );
    }
    let set = &parts.training;
    let mut known = vec![false; set.classes.len()];
    set.step_labels.iter().flatten().flatten().for_each(|&label| known[label as usize] = true);
    let absent = set.classes.iter().zip(known).filter(|(_, known)| !known).map(|(name, _)| name.clone());
    let absent: Vec<String> = absent.collect();
    if !absent.is_empty() {
        found.push(format!(
            "no step of the training part has these labels, so they cannot be learnt: {}; add sequences with them, or draw \
             other parts: --seed",
            few(&absent)
        ));
    }
    found
}

/// How right simpler ways are about the steps of the test.
pub(super) struct Simpler {
    /// Always naming the class that most steps in training have.
    largest: f64,
    /// Naming a step by its own features alone: multinomial logistic regression.
    alone: f64,
    /// Naming a step as the one before it is in truth, which nobody knows who has to name it; the first by the largest class.
    before: f64,
}

/// Steps of the training of [`Simpler::alone`], which has no memory to learn.
const STEPS: u64 = 300;

impl Simpler {
    /// # Errors
    /// If the logistic regression leaves the finite numbers.
    pub(super) fn of(
        training: &LabelledSequences,
        test: &LabelledSequences,
        classes: usize,
        config: &TrainingConfig,
    ) -> anyhow::Result<Self> {
        let mut counts = vec![0_u64; classes];
        training.step_labels().unwrap_or_default().iter().flatten().for_each(|&label| counts[label as usize] += 1);
        let largest = (0..classes).rev().max_by_key(|&class| counts[class]).unwrap_or(0);
        let (mut all, mut of_largest, mut of_before) = (0_u64, 0_u64, 0_u64);
        for row in 0..test.len() {
            let mut before = largest;
            for step in 0..test.length(row) {
                let Some(label) = test.target().class(row, Some(step)) else { continue };
                all += 1;
                of_largest += u64::from(label == largest);
                of_before += u64::from(label == before);
                before = label;
            }
        }
        let share = |count: u64| count as f64 / all.max(1) as f64;
        let trained = logistic(training, classes, config)?;
        let confusion = confusion(&mut Predictor::new(trained, config.threads), test)?;
        let alone = share(confusion.counts.diag().sum());
        Ok(Simpler { largest: share(of_largest), alone, before: share(of_before) })
    }

    /// For the eye.
    pub(super) fn line(&self) -> String {
        format!(
            "to compare, steps of the test that are right: always the largest class {:.3}; each step by its features alone \
             (logistic regression) {:.3}; the label of the step before, were it known {:.3}",
            self.largest, self.alone, self.before
        )
    }

    pub(super) fn object(&self) -> Value {
        json!({
            "event": "simpler", "largest_class": self.largest, "step_alone": self.alone, "label_before": self.before,
        })
    }
}

/// Multinomial logistic regression on the features of a step: a factor and a summand for each, then the dense layer.
fn logistic(training: &LabelledSequences, classes: usize, config: &TrainingConfig) -> Result<Model, Error> {
    let model = Model::init(StepScale::new(training.input()), Head::every_step(classes), config.init, config.seed)?;
    let rows = config.batch_size.of(training.len());
    let mut trainer = Trainer::new(model, Adam::new(0.03))
        .batch_size(rows)
        .seed(config.seed)
        .threads(config.threads)
        .schedule(Decay::Cosine { minimum: 0.0 });
    let batches = (training.len() / rows.max(1)).max(1) as u64;
    for epoch in trainer.fit(training)?.epochs(STEPS.div_ceil(batches)) {
        epoch?;
    }
    Ok(trainer.into_model())
}
