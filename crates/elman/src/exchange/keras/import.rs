//! From a `.keras` archive.

use std::collections::BTreeMap;

use elman_formats::Array;
use elman_formats::keras::Archive;
use serde_json::Value;

use super::cells::{leave_out_training, take_dense, take_embedding, take_layer};
use super::chain::{Store, Wrong, chain};
use super::equations::Version;
use super::names::Weights;
use super::options::{Dense, Part, Recurrent, part};
use super::proof::Proof;
use super::{METADATA_KEY, PARTNER};
use crate::exchange::assembly::{self, Beside, Found};
use crate::exchange::transfer::Transfer;
use crate::exchange::{Hints, Imported};
use crate::model::{Config, STEPS_MAX};
use crate::{Error, Reads};

/// What the configuration says, its layers in their roles.
#[derive(Default)]
struct Roles {
    steps: Option<usize>,
    embedding: Option<Weights>,
    layers: Vec<Recurrent>,
    head: Option<Dense>,
}

/// A model's file, whatever its format.
pub(super) struct Saved<'a> {
    /// As notes name it: `an archive`.
    pub(super) what: &'static str,
    /// The layers.
    pub(super) config: &'a Value,
    pub(super) arrays: &'a BTreeMap<String, Array>,
    pub(super) store: Store<'a>,
    pub(super) version: Version,
    /// The configuration that elman wrote into it.
    pub(super) own: Option<&'a Value>,
}

/// Makes a model of an archive: an embedding or none, recurrent layers, and a dense layer behind them. An archive that
/// [`export`](super::export()) made gives back the model it was made of. The model is then compared with the equations of
/// Keras's layers, by value, on random batches.
///
/// # Errors
/// If a layer or an option is not computed here, or arrays are missing, unknown or of shapes that do not fit: which, with
/// what was expected and found. If the model computes something else than the layers of the file.
pub fn import(archive: &Archive, hints: &Hints) -> Result<Imported, Error> {
    let version = archive.metadata.get("keras_version").and_then(Value::as_str);
    let saved = Saved {
        what: "an archive",
        config: &archive.config,
        arrays: &archive.arrays,
        store: Store::Paths,
        version: if version.is_some_and(|version| version.starts_with("2.")) { Version::Two } else { Version::Three },
        own: archive.metadata.get(METADATA_KEY),
    };
    import_saved(&saved, hints)
}

/// The same of any file with a configuration and weights.
///
/// # Errors
/// As [`import`].
pub(super) fn import_saved(saved: &Saved<'_>, hints: &Hints) -> Result<Imported, Error> {
    let mut transfer = Transfer::taken_from(PARTNER, saved.arrays);
    let own = match saved.own {
        Some(config) => Some(Config::parse(&config.to_string()).map_err(|why| transfer.refused("the archive", why))?),
        None => None,
    };
    let refused = |transfer: &Transfer<'_>, (what, why): Wrong| transfer.refused(what, why);
    let links = chain(saved.config, &saved.store).map_err(|wrong| refused(&transfer, wrong))?;
    let (mut roles, mut notes) = (Roles::default(), Vec::new());
    for link in &links {
        let part = part(link, &mut notes).map_err(|wrong| refused(&transfer, wrong))?;
        roles.add(link.name, part, &mut notes).map_err(|wrong| refused(&transfer, wrong))?;
    }
    notes.into_iter().for_each(|note| transfer.note(note));
    leave_out_training(&mut transfer);
    let Roles { steps, embedding, layers, head } = roles;
    let Some(head) = head else {
        return Err(
            transfer.refused("the model", "it has no Dense layer behind its recurrent ones; expected one, the head")
        );
    };
    assembly::check_depth(&transfer, layers.len())?;
    let reads = reads(&layers, &head).map_err(|wrong| refused(&transfer, wrong))?;
    let embedding = match embedding {
        Some(weights) => Some(take_embedding(&mut transfer, &weights)?),
        None => None,
    };
    let mut chain = Vec::new();
    for layer in &layers {
        chain.push(take_layer(&mut transfer, layer, chain.len(), hints, hints.like.as_ref().or(own.as_ref()))?);
    }
    let proof = Proof {
        links: &links,
        arrays: saved.arrays,
        version: saved.version,
        layers: layers.iter().map(|layer| layer.name.clone()).collect(),
    };
    let layers = assembly::chained(&transfer, chain, false)?;
    let width = layers.last().map_or(0, |last| match reads {
        Reads::EveryStep | Reads::Mean | Reads::Max => last.output(),
        Reads::LastState => last.summary(),
    });
    let softmax = head.softmax;
    let head = take_dense(&mut transfer, &head, &[width])?;
    let found = Found { embedding, layers, head };
    let beside =
        Beside { what: saved.what, own: own.as_ref(), activations: true, reads: Some(reads), adds_forget_bias: false };
    let mut imported = assembly::model(transfer, found, hints, &beside, "those of the model's layers")?;
    let differs = |(what, why): Wrong| Error::Exchange { verb: "taken from", partner: PARTNER, what, why };
    let evidence = proof.run(&imported.model, softmax).map_err(differs)?;
    imported.report.notes.push(format!(
        "compared with the equations of Keras's layers: {} batches, largest difference {:.0e}",
        evidence.batches, evidence.largest
    ));
    if hints.like.is_none() && own.is_none() {
        imported.model.steps = steps.filter(|steps| (1..=STEPS_MAX).contains(steps));
    }
    Ok(imported)
}

impl Roles {
    /// Puts a layer in its role.
    fn add(&mut self, name: &str, part: Part, notes: &mut Vec<String>) -> Result<(), Wrong> {
        let wrong = |why: &str| Err((name.to_owned(), why.to_owned()));
        match part {
            Part::Input(steps) => self.steps = steps,
            Part::Nothing => {}
            Part::Softmax => match &mut self.head {
                Some(head) if !head.softmax => head.softmax = true,
                Some(_) => return wrong("it is a softmax behind another; expected one, behind the head"),
                None => return wrong("it is a softmax before the head; expected one behind it, and none elsewhere"),
            },
            Part::Flatten => {
                if self.layers.last().is_none_or(|last| last.return_sequences == Some(true)) {
                    return wrong(
                        "it puts all steps side by side, so that the layer behind it has weights for each; expected a \
                         recurrent layer with return_sequences=False, or a pooling layer, in its place",
                    );
                }
            }
            Part::Embedding(weights) => {
                if self.embedding.is_some() || !self.layers.is_empty() || self.head.is_some() {
                    return wrong("it is an Embedding behind other layers; expected it to be the first");
                }
                self.embedding = Some(weights);
            }
            Part::Recurrent(layer) => {
                if self.head.is_some() {
                    return wrong("it is a recurrent layer behind a Dense; expected the Dense to be the last");
                }
                if let Some(before) = self.layers.last()
                    && before.return_sequences == Some(false)
                {
                    return wrong("the recurrent layer before it does not return sequences");
                }
                self.layers.push(*layer);
            }
            Part::Dropout(rate) => {
                let note =
                    format!("{name} drops a part of {rate} in training, not between recurrent layers, and is left out");
                match self.layers.last_mut() {
                    // Whether another recurrent layer follows is seen at the end.
                    Some(layer) if self.head.is_none() => layer.dropout = rate,
                    _ if rate > 0.0 => notes.push(note),
                    _ => {}
                }
            }
            Part::Dense(dense) => {
                if self.layers.is_empty() {
                    return wrong("it is a Dense before any recurrent layer; expected one behind them, the head");
                }
                if self.head.is_some() {
                    return wrong("it is a second Dense; expected one, the head");
                }
                // Ours drops between layers alone.
                if let Some(last) = self.layers.last_mut()
                    && last.dropout > 0.0
                {
                    notes.push(format!(
                        "a part of {} of what {name} reads is dropped in training, not between recurrent layers, and is left out",
                        last.dropout
                    ));
                    last.dropout = 0.0;
                }
                self.head = Some(dense);
            }
        }
        Ok(())
    }
}

/// What the head reads, by what the last layer returns.
fn reads(layers: &[Recurrent], head: &Dense) -> Result<Reads, Wrong> {
    match layers.last().and_then(|last| last.return_sequences) {
        Some(true) => Ok(Reads::EveryStep),
        _ if head.at_every_step => {
            Err((head.name.clone(), "it is applied at every step of a layer that returns its last output alone".into()))
        }
        _ => Ok(Reads::LastState),
    }
}
