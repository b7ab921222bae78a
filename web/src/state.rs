//! What there is between two requests, and what each of them does.

use std::collections::BTreeMap;
use std::rc::Rc;

use elman::diagnose::Followed;
use elman::{Ensemble, Error};
use elman_serve::Local;
use serde_json::{Value, json};

use crate::data::{Data, Part};
use crate::failure::Failure;
use crate::jobs::{Work, memory};
use crate::models::{Kept, Models, Opened, Trained, unknown};
use crate::request::Request;
use crate::training::Training;

/// Steps of the sequences that a stream is cut into for a diagnosis, unless it is looked back over more: the command's.
const DIAGNOSED: usize = 64;

/// What there is between two requests.
#[derive(Default)]
pub(crate) struct State {
    data: Data,
    models: Models,
    sessions: BTreeMap<u64, Kept>,
    /// The number of the next session.
    next: u64,
}

/// An answer in JSON, and bytes.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) json: String,
    pub(crate) bytes: Vec<u8>,
}

impl From<Value> for Answer {
    fn from(json: Value) -> Self {
        Answer { json: json.to_string(), bytes: Vec::new() }
    }
}

impl From<String> for Answer {
    fn from(json: String) -> Self {
        Answer { json, bytes: Vec::new() }
    }
}

impl From<Vec<u8>> for Answer {
    fn from(bytes: Vec<u8>) -> Self {
        Answer { json: "null".into(), bytes }
    }
}

impl State {
    /// Does what is asked for.
    ///
    /// # Errors
    /// If it cannot be done, or data is missing: then the same may be asked again.
    pub(crate) fn answer(&mut self, request: &[u8], bytes: Vec<u8>) -> Result<Answer, Failure> {
        let request = serde_json::from_slice(request)
            .map_err(|error| Failure::malformed(format!("the request is not as expected: {error}")))?;
        let State { data, models, sessions, next } = self;
        Ok(match request {
            Request::Put { name } => {
                data.put(name, bytes);
                Value::Null.into()
            }
            Request::Models {} => {
                let names: Vec<String> = models.trained.keys().chain(models.opened.keys()).cloned().collect();
                let listed = names.iter().map(|name| Ok(models.local(name)?.listed()));
                json!({ "models": listed.collect::<Result<Vec<Value>, Failure>>()? }).into()
            }
            Request::Describe { model } => models.local(&model)?.describe().into(),
            Request::Predict { model } => models.local(&model)?.predict(&bytes)?.into(),
            Request::Generate { model } => models.local(&model)?.generate(&bytes)?.into(),
            Request::Forecast { model } => models.local(&model)?.forecast(&bytes)?.into(),
            Request::Session { model } => {
                let local = models.local(&model)?;
                let stream = Some(local.session()?.into_stream());
                *next += 1;
                sessions.insert(*next, Kept { local, stream });
                json!(*next).into()
            }
            Request::SessionStep { session } => {
                let kept = sessions.get_mut(&session).ok_or_else(|| Failure::unknown("there is no such session"))?;
                let stream = kept.stream.take().ok_or_else(|| Failure::unknown("there is no such session"))?;
                let mut session = kept.local.resume(stream);
                let answered = session.step(&bytes);
                kept.stream = Some(session.into_stream());
                answered?.into()
            }
            Request::SessionEnd { session } => {
                sessions.remove(&session);
                Value::Null.into()
            }
            Request::Open { name } => open(models, name, &bytes)?.into(),
            Request::Forget { name } => {
                let gone = models.trained.remove(&name).is_some() | models.opened.remove(&name).is_some();
                if gone { Value::Null.into() } else { return Err(unknown(&name)) }
            }
            Request::Save { model } => models.save(&model)?.into(),
            Request::Train { job, name, settings } => {
                let training = Training::begin(job, *settings, bytes, data)?;
                let info = training.info();
                models.opened.remove(&name);
                models.trained.insert(name, Trained::new(training));
                info.into()
            }
            Request::Step { name } => models.training(&name)?.step()?.into(),
            Request::Set { name, change } => models.training(&name)?.set(&change)?.into(),
            Request::Evaluate { name, part } => models.training(&name)?.evaluate(part.as_deref(), data)?.into(),
            Request::Diagnose { model, rows, steps } => {
                diagnose(models, data, &model, Followed { rows, steps })?.into()
            }
            Request::Echo { name } => {
                let training = models.training(&name)?;
                let Work::Echo(bits) = &training.work else {
                    return Err(Failure::unfit(format!("{name:?} is no training of the job echo")));
                };
                bits.heard(&training.model().clone().into())?.into()
            }
            Request::Digits { part, from, to } => {
                let part = Part::of(&part)?;
                let count = to.saturating_sub(from);
                let set = data.read(part, from, count)?;
                let json = json!({ "rows": set.rows, "cols": set.cols, "classes": set.labels }).to_string();
                Answer { json, bytes: set.images }
            }
            Request::Memory { rows, settings } => memory::show(rows, &settings)?.into(),
            Request::Panic {} => panic!("asked for by a test"),
        })
    }
}

/// A model of a file.
fn open(models: &mut Models, name: String, bytes: &[u8]) -> Result<Value, Failure> {
    let ensemble = Ensemble::load_bytes(bytes, &name)?;
    let numbers = ensemble.members().iter().flat_map(|member| member.flat());
    if let Some(found) = numbers.copied().find(|x| !x.is_finite()) {
        return Err(Error::NotFinite { what: format!("a parameter of {name}"), found: f64::from(found) }.into());
    }
    let local = Rc::new(Local::new(&name, ensemble.clone())?);
    let about = local.describe();
    models.trained.remove(&name);
    models.opened.insert(name, Opened { ensemble, local });
    Ok(about)
}

/// How far back a model learns: on the data of its training, or for one that was opened on the test digits, if it reads them.
fn diagnose(models: &mut Models, data: &mut Data, name: &str, followed: Followed) -> Result<Value, Failure> {
    let window = followed.steps.map_or(DIAGNOSED, |steps| steps.max(DIAGNOSED));
    if let Some(trained) = models.trained.get(name) {
        let training = &trained.training;
        let model = training.trainer.averaged();
        let look = |data: &dyn elman::Labelled| followed.run(&model, data);
        return Ok(training.work.with_followed(window, data, look)?.object());
    }
    let opened = models.opened.get(name).ok_or_else(|| unknown(name))?;
    let model = opened.ensemble.first();
    if (model.stack().input(), model.steps, model.stack().embedding) != (28, Some(28), None) {
        let why = "of a model from a file only the data of the digits is here; train one, or use elman diagnose";
        return Err(Failure::unfit(format!("{name} is not diagnosed: {why}")));
    }
    Ok(followed.run(model, &*data.images(Part::Test, None)?)?.object())
}
