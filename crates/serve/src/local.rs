//! A model that answers requests where it is, without a server.

use elman::{Ensemble, Stream};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::answering::Answering;
use crate::answers::{forecast, generate, parse, sequences, steps};
use crate::failure::Failure;

/// Most steps of a request: those of a server as it is without a flag.
const STEPS_MAX: usize = 65_536;

/// Why a request is not answered, in words for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// HTTP's status, as a server would give it.
    pub status: u16,
    /// What is wrong, and what to do.
    pub message: String,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Refused { status: failure.status.as_u16(), message: failure.message }
    }
}

/// A model that answers where it is: the JSON that the paths of a server take and give, for a page that has the models in
/// itself.
///
/// ```
/// # use elman::{Head, Init, Lstm, Model};
/// use elman_serve::Local;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let model = Model::init(Lstm::new(2, 4), Head::every_step(3), Init::Tf, 111)?;
/// let local = Local::new("mine", model.into())?;
/// let mut session = local.session()?;
/// let answered = session.step(br#"{ "x": [0.5, 0.25] }"#)?;
/// assert!(answered.starts_with(r#"{"steps":1,"answers":[{"class":"#));
/// # Ok(())
/// # }
/// ```
pub struct Local(Answering);

impl Local {
    /// A model under a name.
    ///
    /// # Errors
    /// If it cannot answer: why.
    pub fn new(name: &str, ensemble: Ensemble) -> Result<Self, Refused> {
        match Answering::new(name, ensemble) {
            Ok(answering) => Ok(Local(answering)),
            Err(message) => Err(Refused { status: StatusCode::UNPROCESSABLE_ENTITY.as_u16(), message }),
        }
    }

    /// As it stands in the list of `GET /v1/models`.
    pub fn listed(&self) -> Value {
        self.0.listed(false)
    }

    /// As `GET /v1/models/MODEL`.
    pub fn describe(&self) -> Value {
        self.0.describe(false)
    }

    /// As `POST …/predict`.
    ///
    /// # Errors
    /// If the request does not fit the model.
    pub fn predict(&self, request: &[u8]) -> Result<String, Refused> {
        let asked: sequences::Asked = parse(request)?;
        let predictions = sequences::answers(&self.0, &asked.sequences(&self.0, STEPS_MAX)?)?;
        text(&sequences::Answered { predictions })
    }

    /// As `POST …/forecast` of a table as CSV.
    ///
    /// # Errors
    /// If the model forecasts no series, or the table is not one of its kind.
    pub fn forecast(&self, table: &[u8]) -> Result<String, Refused> {
        forecast::check(&self.0)?;
        text(&forecast::answers(&self.0, table)?)
    }

    /// As `POST …/generate`.
    ///
    /// # Errors
    /// If the model makes no text, or the request does not fit it.
    pub fn generate(&self, request: &[u8]) -> Result<String, Refused> {
        let sample = generate::Sample::new(parse(request)?, &self.0, STEPS_MAX)?;
        let mut made = String::new();
        let stopped = sample.write(|piece| {
            made.push_str(piece);
            true
        })?;
        text(&json!({ "text": made, "stopped": stopped }))
    }

    /// A state that goes on from step to step, from zeros on.
    ///
    /// # Errors
    /// If the model has none: why.
    pub fn session(&self) -> Result<LocalSession<'_>, Refused> {
        Ok(LocalSession { model: &self.0, stream: self.0.stream()?.clone() })
    }

    /// One that goes on where another stood, whose stream was [taken out](LocalSession::into_stream).
    pub fn resume(&self, stream: Stream) -> LocalSession<'_> {
        LocalSession { model: &self.0, stream }
    }
}

/// A session of a [`Local`] model.
pub struct LocalSession<'a> {
    model: &'a Answering,
    stream: Stream,
}

impl LocalSession<'_> {
    /// As `POST …/sessions/SESSION/step`.
    ///
    /// # Errors
    /// If the steps do not fit the model, or take the state out of the finite numbers. The session stays as it was.
    pub fn step(&mut self, request: &[u8]) -> Result<String, Refused> {
        let mut asked: steps::Asked = parse(request)?;
        let xs = asked.inputs(self.model, STEPS_MAX)?;
        let found = self.stream.state().steps(0);
        if let Some(expected) = asked.at.filter(|&expected| expected != found) {
            let message = format!("the session is at step {found}; the request expects {expected}");
            return Err(Failure::conflict(message).into());
        }
        let mut stream = self.stream.clone();
        let (mut answers, mut hidden, mut gates) = (Vec::new(), Vec::new(), Vec::new());
        let of_gates = asked.gates(self.model)?;
        let input = self.model.model.stack().input();
        let count = xs.len() / input;
        for (at, x) in xs.chunks_exact(input).enumerate() {
            let seen = match &of_gates {
                Some(of_gates) => of_gates.read(&mut stream, x, &[0]).pop(),
                None => {
                    stream.read(x);
                    None
                }
            };
            if asked.each() || at + 1 == count {
                gates.extend(seen);
                answers.extend_from_slice(stream.answer());
                if asked.hidden {
                    hidden.extend_from_slice(stream.h(0));
                }
            }
        }
        if !stream.is_finite(0) {
            let why = "these steps take the session's state out of the finite numbers; it stays as it was before them";
            return Err(Failure::unfit(why).into());
        }
        let hidden = asked.hidden.then_some(hidden.as_slice());
        let gates = asked.gates.then_some(gates);
        let advanced = steps::Advanced::new(self.model, found + count as u64, &answers, hidden, gates)?;
        self.stream = stream;
        text(&advanced)
    }

    /// Its state, to be kept apart from the model.
    pub fn into_stream(self) -> Stream {
        self.stream
    }
}

/// As JSON.
fn text(answer: &impl Serialize) -> Result<String, Refused> {
    Ok(serde_json::to_string(answer).map_err(|error| Failure::broken(error.to_string()))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman::{Head, Init, Lstm, Model};

    fn local() -> Local {
        Local::new("a", Model::init(Lstm::new(2, 4), Head::every_step(3), Init::Tf, 1).unwrap().into()).unwrap()
    }

    #[test]
    fn steps_one_by_one_are_steps_together() {
        let local = local();
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let mut one = local.session().unwrap();
        let each: Vec<Value> =
            ["[1,2]", "[3,4]"].iter().map(|x| value(&one.step(format!("{{\"x\":{x}}}").as_bytes()).unwrap())).collect();
        let both = local.session().unwrap().step(br#"{"steps":[[1,2],[3,4]],"hidden":true}"#).unwrap();
        let both = value(&both);
        assert_eq!(both["steps"], 2);
        assert_eq!(both["answers"], json!([each[0]["answers"][0], each[1]["answers"][0]]));
        assert_eq!(both["hidden"].as_array().unwrap().len(), 2);
        let both = local.session().unwrap().step(br#"{"steps":[[1,2],[3,4]],"gates":true}"#).unwrap();
        let both = value(&both);
        assert_eq!(both["gates"][1][1]["name"], "f", "an LSTM's second gate: {both}");
        let mut on = local.resume(one.into_stream());
        assert_eq!(value(&on.step(br#"{"x":[0,0],"answers":"last"}"#).unwrap())["steps"], 3);
        let last = local.session().unwrap().step(br#"{"steps":[[1,2],[3,4]],"answers":"last"}"#).unwrap();
        assert_eq!(value(&last)["answers"], json!([both["answers"][1]]));
    }

    #[test]
    fn what_does_not_fit_leaves_the_session_as_it_was() {
        let local = local();
        let mut session = local.session().unwrap();
        for (bad, status, part) in [
            (&b"{"[..], 400, "no JSON"),
            (br#"{"x":[1]}"#, 422, "has 1 numbers; the model reads 2"),
            (br#"{"x":[1,2],"at":7}"#, 409, "is at step 0"),
            (br#"{"text":"a"}"#, 422, "reads no text"),
        ] {
            let refused = session.step(bad).unwrap_err();
            assert!(refused.status == status && refused.message.contains(part), "{refused:?}");
        }
        assert!(session.step(br#"{"x":[1,2],"at":0}"#).unwrap().starts_with("{\"steps\":1,"));
        assert_eq!(local.generate(br#"{"length":3}"#).unwrap_err().status, 422);
        assert!(local.forecast(b"").unwrap_err().message.contains("forecasts no series"));
        assert!(local.predict(b"{}").unwrap_err().message.contains("expected sequences"));
        assert!(local.predict(br#"{"sequences":[[[1,2],[3,4]]]}"#).unwrap().contains("\"steps\":["));
    }
}
