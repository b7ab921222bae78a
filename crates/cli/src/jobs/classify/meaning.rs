//! What a run's model keeps of what its inputs and answers mean; and names for the classes of another program's model.

use anyhow::bail;
use elman::datasets::SequenceSet;
use elman::{ClassMeaning, Model, Reads, Standardizer};

use super::settings::ClassifySettings;

/// What a run keeps: what its data showed, and before that what was said of it.
pub(super) fn of(job: &ClassifySettings, training: &SequenceSet) -> ClassMeaning {
    let seen = job.columns().meaning(ClassMeaning::of(training, job.missing));
    let standardizer = seen.standardizer.to_scale(job.reading.standardize, training).patch(job.reading.steps());
    ClassMeaning { standardizer, ..seen }
}

/// Gives a model of another program's the names of its classes, of sequences or of their steps. It reads each feature as it
/// is; their names are those of an .npz file.
///
/// # Errors
/// If it reads tokens, has another number of classes, or two would have one name.
pub(crate) fn name_classes(model: &mut Model, classes: &[String]) -> anyhow::Result<()> {
    if model.stack().embedding.is_some() {
        bail!("the model names no class for a sequence of features: it reads tokens");
    }
    if model.head().classes() != Some(classes.len()) {
        let named = if classes.len() == 1 { "1 class is".into() } else { format!("{} classes are", classes.len()) };
        bail!("{named} named; the head predicts {}", model.head().describe());
    }
    if let Some(name) = classes.iter().enumerate().find_map(|(i, name)| classes[..i].contains(name).then_some(name)) {
        bail!("two classes are named {name:?}; expected a name for each");
    }
    if classes.iter().any(String::is_empty) {
        bail!("a class is named \"\"; expected a name for each");
    }
    let features: Vec<String> = (0..model.stack().input()).map(|feature| format!("feature_{feature}")).collect();
    let standardizer = Standardizer::identity(features.len());
    let meaning = ClassMeaning::new(classes, &features, &standardizer);
    let label_per_step = model.head().reads == Reads::EveryStep;
    model.meaning = Some(ClassMeaning { label_per_step, ..meaning }.into());
    Ok(())
}
