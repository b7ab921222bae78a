//! From a `.keras` archive.

use elman_formats::keras::Archive;

use super::cells::{leave_out_training, take_dense, take_embedding, take_layer};
use super::chain::{Wrong, chain};
use super::options::{Dense, Part, Recurrent, part};
use super::{METADATA_KEY, PARTNER, scaling};
use crate::exchange::assembly::{self, Beside, Found};
use crate::exchange::transfer::Transfer;
use crate::exchange::{Hints, Imported, Units};
use crate::model::{Config, STEPS_MAX};
use crate::{Error, Reads};

/// What the configuration says, its layers in their roles.
#[derive(Default)]
struct Roles {
    steps: Option<usize>,
    /// The path of its weights.
    embedding: Option<String>,
    layers: Vec<Recurrent>,
    head: Option<Dense>,
}

/// Makes a model of an archive: an embedding or none, recurrent layers, and a dense layer behind them. An archive that
/// [`export`](super::export()) made gives back the model it was made of.
///
/// # Errors
/// If a layer or an option is not computed here, or arrays are missing, unknown or of shapes that do not fit: which, with
/// what was expected and found.
pub fn import(archive: &Archive, hints: &Hints) -> Result<Imported, Error> {
    let mut transfer = Transfer::taken_from(PARTNER, &archive.arrays);
    let own = match archive.metadata.get(METADATA_KEY) {
        Some(config) => Some(Config::parse(&config.to_string()).map_err(|why| transfer.refused("the archive", why))?),
        None => None,
    };
    let refused = |transfer: &Transfer<'_>, (what, why): Wrong| transfer.refused(what, why);
    let links = chain(&archive.config).map_err(|wrong| refused(&transfer, wrong))?;
    let (mut roles, mut notes) = (Roles::default(), Vec::new());
    let units = match hints.like.as_ref().or(own.as_ref()) {
        Some(config) => Units::of_config(config)?,
        None => None,
    };
    for link in &links {
        if scaling::is_that_of(link, units.as_ref()).map_err(|wrong| refused(&transfer, wrong))? {
            notes.push(format!("{} is the scaling that the model's job has", link.name));
            continue;
        }
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
        Some(path) => Some(take_embedding(&mut transfer, &path)?),
        None => None,
    };
    let mut chain = Vec::new();
    for layer in &layers {
        chain.push(take_layer(&mut transfer, layer, chain.len(), hints, hints.like.as_ref().or(own.as_ref()))?);
    }
    let layers = assembly::chained(&transfer, chain, false)?;
    let width = layers.last().map_or(0, |last| match reads {
        Reads::EveryStep | Reads::Mean | Reads::Max => last.output(),
        Reads::LastState => last.summary(),
    });
    let head = take_dense(&mut transfer, &head, &[width])?;
    let found = Found { embedding, layers, head };
    let beside = Beside {
        what: "an archive",
        own: own.as_ref(),
        activations: true,
        reads: Some(reads),
        adds_forget_bias: false,
    };
    let mut imported = assembly::model(transfer, found, hints, &beside, "those of the model's layers")?;
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
            Part::Embedding { path } => {
                if self.embedding.is_some() || !self.layers.is_empty() || self.head.is_some() {
                    return wrong("it is an Embedding behind other layers; expected it to be the first");
                }
                self.embedding = Some(path);
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
