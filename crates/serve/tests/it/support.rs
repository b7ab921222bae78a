//! A server of a few small models.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use elman::series::Scaling;
use elman::text::Vocabulary;
use elman::{ClassMeaning, Ensemble, Gru, Head, Init, Layer, Link, Lstm, Merge, Model, Rnn, Stack, Standardizer};
use elman_serve::{Error, Notice, Settings, serve_until};
use tokio::sync::oneshot;

use crate::client::Client;

/// The letters of the model of text.
pub(crate) const LETTERS: &str = "\n abcdefghijklmnopqrstuvwxyz";

pub(crate) fn plain() -> Model {
    Model::init(Lstm::new(3, 20), 4, Init::PyTorch, 1).unwrap()
}

/// A value at each step, of two layers.
pub(crate) fn values() -> Model {
    let stack = Stack::new(Gru::new(2, 17)).then(Rnn::new(17, 9));
    Model::init(stack, Head::values(2, Link::Sigmoid).reads(elman::Reads::EveryStep), Init::PyTorch, 2).unwrap()
}

/// A mean over the steps.
pub(crate) fn pooled() -> Model {
    Model::init(Gru::new(1, 8), Head::last_state(3).reads(elman::Reads::Mean), Init::PyTorch, 3).unwrap()
}

pub(crate) fn text() -> Model {
    let vocabulary = Vocabulary::characters(LETTERS).unwrap();
    let stack = Stack::new(Lstm::new(8, 24)).embedding(vocabulary.len());
    let mut model = Model::init(stack, Head::every_step(vocabulary.len()), Init::PyTorch, 4).unwrap();
    model.meaning = Some(vocabulary.into());
    model
}

/// Named classes of two features in their own units, of which values may be missing.
pub(crate) fn classes() -> Model {
    let scalings = vec![Some(Scaling { mean: 5.0, scale: 2.0 }), Some(Scaling { mean: -1.0, scale: 0.5 })];
    let standardizer = Standardizer { mask: true, scalings, ..Standardizer::identity(2) };
    let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let mut model = Model::init(Rnn::new(4, 12), 3, Init::PyTorch, 5).unwrap();
    model.meaning =
        Some(ClassMeaning::new(&named(&["left", "right", "up"]), &named(&["x", "y"]), &standardizer).into());
    model
}

/// The same classes, one for each step.
pub(crate) fn tags() -> Model {
    let meaning = classes().class_meaning().unwrap().clone();
    let mut model = Model::init(Gru::new(4, 12), Head::every_step(3), Init::PyTorch, 8).unwrap();
    model.meaning = Some(ClassMeaning { label_per_step: true, ..meaning }.into());
    model
}

/// Reads its rows from their ends, too.
pub(crate) fn both_ways() -> Model {
    let layer = Layer::new(Gru::new(2, 6)).bidirectional(Merge::Concat);
    Model::init(Stack::new(layer), 2, Init::PyTorch, 6).unwrap()
}

/// A state without bound.
pub(crate) fn unbounded() -> Model {
    let mut model = Model::init(Rnn::new(1, 4).activation(elman::Activation::Relu), 2, Init::PyTorch, 7).unwrap();
    let mut arrays = model.arrays();
    arrays.values_mut().for_each(|array| array.data.fill(1e10));
    model.set_arrays(&arrays).unwrap();
    model
}

/// Files of all of them.
pub(crate) fn write_models(folder: &Path) -> Vec<(String, PathBuf)> {
    let models = [
        ("plain", plain()),
        ("values", values()),
        ("pooled", pooled()),
        ("text", text()),
        ("classes", classes()),
        ("tags", tags()),
        ("both-ways", both_ways()),
        ("unbounded", unbounded()),
    ];
    let write = |(name, model): (&str, Model)| {
        let path = folder.join(format!("{name}.safetensors"));
        model.save(&path).unwrap();
        (name.to_owned(), path)
    };
    models.into_iter().map(write).collect()
}

/// A server that ends with its value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) folder: Arc<tempfile::TempDir>,
    pub(crate) said: Arc<Mutex<Vec<String>>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap()), change)
    }

    /// On the models of a folder, which are written where they are not there.
    pub(crate) fn on(folder: Arc<tempfile::TempDir>, change: impl FnOnce(&mut Settings)) -> Self {
        let models = write_models(folder.path());
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings { listen, models, threads: 2, ..Settings::default() };
        change(&mut settings);
        let (end, ended) = oneshot::channel();
        let (sender, receiver) = mpsc::channel();
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = said.clone();
        let load = |path: &Path| Ensemble::load(path).map_err(|error| error.to_string());
        let notice = move |notice: Notice| match notice {
            Notice::Listening(address) => sender.send(address).unwrap(),
            Notice::Said(line) => heard.lock().unwrap().push(line),
            _ => {}
        };
        let thread = std::thread::spawn(move || {
            serve_until(settings, Arc::new(load), notice, async move {
                let _ = ended.await;
            })
        });
        let address = receiver.recv().unwrap_or_else(|_| panic!("no server: {:?}", said.lock().unwrap()));
        Server { address, folder, said, end: Some(end), thread: Some(thread) }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// A new session of a model: its path.
    pub(crate) fn session(&self, client: &mut Client, model: &str) -> String {
        let made = client.ask("POST", &format!("/v1/models/{model}/sessions"), &[], &[]).ok();
        format!("/v1/models/{model}/sessions/{}", made["session"].as_str().unwrap())
    }

    /// Ends it cleanly.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Error> {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.end();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}

/// Numbers between -1 and 1, the same for the same seed.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut random = elman::Random::new(seed, elman::Purpose::Data);
    (0..count).map(|_| random.uniform(1.0)).collect()
}
