//! `elman predict` of a run of images: their classes and probabilities.

use std::path::Path;

use anyhow::bail;
use elman::datasets::{Images, images};
use elman::{Ensemble, Model, Predictor, most_probable};
use serde_json::json;

use super::images::{Ground, read_file};
use crate::flags::predict::PredictArgs;
use crate::output::Output;

pub(super) fn predict(args: &PredictArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    // All files are read before the first line is printed: a bad one leaves no half a result.
    let mut inputs = Vec::new();
    for file in &args.files {
        let mut images = read_file(file, Ground::of(args.invert))?;
        check_size(model.first(), &images, file)?;
        if args.invert {
            images.images.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        }
        inputs.push((file, images));
    }
    for (file, images) in &inputs {
        let advice = match args.invert {
            true => "if its ink is light on a dark ground, leave out --invert",
            false => "if its ink is dark on a light or transparent ground, give --invert",
        };
        if let Some(text) = images::blank(&images.images, images.rows * images.cols, &file.display().to_string()) {
            output.warn(&format!("{text}: the answer says nothing; {advice}"))?;
        }
    }
    let mut predictor = Predictor::new(model, threads);
    for (file, images) in inputs {
        let probabilities = predictor.predict(&images)?;
        for (index, row) in probabilities.outer_iter().enumerate() {
            let row = row.to_vec();
            let Some(class) = most_probable(&row) else {
                bail!("the model's answer for {} is not a number; {} is damaged", file.display(), args.run.display());
            };
            let name =
                if images.len() == 1 { file.display().to_string() } else { format!("{}[{index}]", file.display()) };
            let listed: Vec<String> = row.iter().map(|p| format!("{p:.3}")).collect();
            let text = format!("{name}: class {class}, probability {:.3} [{}]", row[class], listed.join(" "));
            let mut object = json!({
                "event": "prediction", "file": file.display().to_string(), "index": index, "class": class, "probabilities": row,
            });
            if images::is_blank(images.image(index)) {
                object["blank"] = true.into();
            }
            output.result(text, &object)?;
        }
    }
    Ok(())
}

/// A model reads images of one size.
fn check_size(model: &Model, images: &Images, file: &Path) -> anyhow::Result<()> {
    let (steps, input) = (model.steps.unwrap_or(images.rows), model.stack().input());
    if (images.rows, images.cols) != (steps, input) {
        bail!(
            "{} is {} pixels wide and {} high; the model reads images {input} wide and {steps} high",
            file.display(),
            images.cols,
            images.rows
        );
    }
    Ok(())
}
