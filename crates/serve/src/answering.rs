//! A model with what answers for it, on whatever thread asks.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use elman::diagnose::StreamGates;
use elman::series::{Forecaster, decimal};
use elman::{Classifier, Ensemble, Model, Predictor, Reads, Regressor, Stream};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::reading::{Kind, Reading};

/// A model under a name, and what answers whole sequences.
pub(crate) struct Answering {
    pub(crate) name: String,
    ensemble: Ensemble,
    pub(crate) model: Arc<Model>,
    pub(crate) reading: Reading,
    /// A stream before its first step, or why there is none.
    pub(crate) stream: Result<Stream, String>,
    /// Made when somebody first asks for gates.
    gates: OnceLock<Result<Arc<StreamGates>, elman::Error>>,
    answerers: Mutex<Vec<Answerer>>,
}

/// What answers whole sequences, one request at a time.
pub(crate) enum Answerer {
    Classes(Box<Classifier>),
    Numbers(Box<Regressor>),
    Series(Box<Forecaster>),
    Plain(Box<Predictor>),
}

impl Answering {
    /// # Errors
    /// If it cannot answer: why.
    pub(crate) fn new(name: &str, ensemble: Ensemble) -> Result<Self, String> {
        let model = Arc::new(ensemble.first().clone());
        let reading = Reading::of(&ensemble);
        let stream = match (ensemble.members().len(), reading.no_steps()) {
            (1, None) => model.stream().map_err(|error| error.to_string()),
            (_, Some(why)) => Err(why),
            (members, None) => Err(format!("it is an ensemble of {members} networks, which has no one state")),
        };
        let (gates, answerers) = (OnceLock::new(), Mutex::default());
        let answering = Answering { name: name.into(), ensemble, model, reading, stream, gates, answerers };
        // What cannot answer is found now, and not by a client.
        let answerer = answering.new_answerer().map_err(|failure| failure.message)?;
        answering.put_back(answerer);
        Ok(answering)
    }

    /// A stream before its first step.
    ///
    /// # Errors
    /// If it has none: why.
    pub(crate) fn stream(&self) -> Result<&Stream, Failure> {
        self.stream.as_ref().map_err(|why| Failure::unfit(format!("{} has no sessions: {why}", self.name)))
    }

    /// What tells the gates of its streams.
    ///
    /// # Errors
    /// If it has no streams: why.
    pub(crate) fn gates(&self) -> Result<Arc<StreamGates>, Failure> {
        let gates = self.gates.get_or_init(|| Ok(Arc::new(StreamGates::new(&self.model)?)));
        gates.as_ref().map(Arc::clone).map_err(|error| Failure::unfit(error.to_string()))
    }

    /// Bytes of a session's state.
    pub(crate) fn state_bytes(&self) -> usize {
        self.stream.as_ref().map_or(0, |start| start.state().size())
    }

    /// As it stands in the list of models, where sessions may begin or not.
    pub(crate) fn listed(&self, read_only: bool) -> Value {
        let job = self.model.meaning.as_ref().and_then(|of| of.job());
        json!({ "name": self.name, "job": job, "sessions": self.stream.is_ok() && !read_only })
    }

    fn new_answerer(&self) -> Result<Answerer, Failure> {
        let ensemble = self.ensemble.clone();
        Ok(match &self.reading.kind {
            Kind::Classes(_) => Answerer::Classes(Box::new(Classifier::new(ensemble, 1)?)),
            Kind::Numbers(_) => Answerer::Numbers(Box::new(Regressor::new(ensemble, 1)?)),
            Kind::Series(_) => Answerer::Series(Box::new(Forecaster::new(ensemble, 1)?)),
            Kind::Text(_) | Kind::Plain => Answerer::Plain(Box::new(Predictor::new(ensemble, 1))),
        })
    }

    fn put_back(&self, answerer: Answerer) {
        self.answerers.lock().unwrap_or_else(PoisonError::into_inner).push(answerer);
    }

    /// Lets something answer that nobody else uses meanwhile.
    pub(crate) fn with_answerer<A>(&self, of: impl FnOnce(&mut Answerer) -> Result<A, Failure>) -> Result<A, Failure> {
        let idle = self.answerers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut answerer = match idle {
            Some(answerer) => answerer,
            None => self.new_answerer()?,
        };
        let answer = of(&mut answerer);
        self.put_back(answerer);
        answer
    }

    /// What there is to know of it, on a server that may have no sessions at all.
    pub(crate) fn describe(&self, read_only: bool) -> Value {
        let (model, reading) = (&self.model, &self.reading);
        let sessions = match &self.stream {
            Ok(_) if read_only => json!({ "available": false, "why": "the server is read-only" }),
            Ok(_) => json!({ "available": true, "state_bytes": self.state_bytes() }),
            Err(why) => json!({ "available": false, "why": why }),
        };
        let mut about = json!({
            "name": self.name,
            "job": model.meaning.as_ref().and_then(|meaning| meaning.job()),
            "fingerprint": format!("{:08x}", model.fingerprint()),
            "members": self.ensemble.members().len(),
            "parameters": self.ensemble.parameter_count(),
            "layers": model.stack().layers,
            "inputs": { "features": reading.features, "tokens": model.stack().embedding.map(|of| of.tokens) },
            "steps": model.steps,
            "answers": { "each_step": model.head().reads == Reads::EveryStep, "what": model.head().describe(),
                         "outputs": model.head().outputs(), "names": reading.names() },
            "sessions": sessions,
        });
        match &reading.kind {
            Kind::Classes(of) => about["inputs"]["names"] = json!(of.features),
            Kind::Numbers(of) => {
                about["inputs"]["names"] = json!(of.sequences.features);
                about["answers"]["target"] = json!(of.target);
            }
            Kind::Text(of) => about["inputs"]["unit"] = json!(of.unit()),
            Kind::Series(of) => {
                let window = model.series_window().ok();
                about["series"] = json!({
                    "target": of.target, "time": of.time, "id": of.id, "covariates": of.covariates, "known": of.known,
                    "frequency": of.frequency, "season": of.season,
                    "context": window.as_ref().map(|(window, _)| window.context),
                    "horizon": window.as_ref().map(|(window, _)| window.horizon),
                    "levels": window.map(|(_, levels)| levels.into_iter().map(decimal).collect::<Vec<_>>()),
                });
            }
            Kind::Plain => {}
        }
        about
    }
}
