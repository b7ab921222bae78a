//! Several models of the same kind, whose answer is the mean of theirs.
//!
//! Networks that differ only in their initial values and the order of their batches err in different places; the mean of
//! their answers errs less than they do on average. Hansen & Salamon (1990), <https://doi.org/10.1109/34.58871>.

use std::collections::BTreeMap;
use std::path::Path;

use elman_formats as formats;
use elman_kernels::Arithmetic;

use crate::model::meaning::Meaning;
use crate::model::model::{Config, Model};
use crate::{AnyCell, Error};

/// Models of the same network, head and meaning: one or more. Their answer is the mean: of probabilities, of values under
/// their link, of quantiles level by level.
///
/// What answers questions takes one in the place of a model: [`Predictor`](crate::Predictor),
/// [`Classifier`](crate::Classifier), [`Forecaster`](crate::series::Forecaster).
///
/// ```
/// # use elman::{Adam, Arrays, Ensemble, Init, Model, Predictor, Rnn, Trainer};
/// # use ndarray::{Array1, Array3};
/// # fn main() -> Result<(), elman::Error> {
/// # let data = Arrays::classes(Array3::zeros((8, 5, 1)), Array1::from_iter((0..8).map(|row| row % 2)))?;
/// let mut members = Vec::new();
/// for seed in 111..114 {
///     let mut trainer = Trainer::new(Model::init(Rnn::new(1, 16), 2, Init::Tf, seed)?, Adam::new(0.01)).batch_size(8).seed(seed);
///     for epoch in trainer.fit(&data)?.epochs(5) {
///         epoch?;
///     }
///     members.push(trainer.into_model());
/// }
/// let ensemble = Ensemble::new(members)?;
/// let probabilities = Predictor::new(ensemble, 1).predict(&data)?;
/// # assert_eq!(probabilities.dim(), (8, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Ensemble {
    /// At least one; all of the same configuration.
    members: Vec<Model>,
}

impl From<Model> for Ensemble {
    /// An ensemble of one, which answers as the model does.
    fn from(model: Model) -> Self {
        Ensemble { members: vec![model] }
    }
}

impl Ensemble {
    /// In another arithmetic, all members.
    pub fn arithmetic(self, arithmetic: Arithmetic) -> Self {
        Ensemble { members: self.members.into_iter().map(|member| member.arithmetic(arithmetic)).collect() }
    }

    /// An ensemble of models, in this order.
    ///
    /// # Errors
    /// If there is none, or they are not all of the same network, head and meaning.
    pub fn new(members: Vec<Model>) -> Result<Self, Error> {
        let Some(first) = members.first() else {
            return Err(Error::setting("the number of members", 0, "at least 1"));
        };
        let other = members[1..].iter().position(|member| !alike(first, member));
        match other {
            None => Ok(Ensemble { members }),
            Some(place) => {
                let expected = "one of the same network, head, steps and meaning as member 1";
                Err(Error::setting("a member of the ensemble", format!("member {}", place + 2), expected))
            }
        }
    }

    /// Its models, in their order: at least one.
    pub fn members(&self) -> &[Model] {
        &self.members
    }

    /// Its models, in their order.
    pub fn into_members(self) -> Vec<Model> {
        self.members
    }

    /// The first member. Its network, head, steps and meaning are those of all.
    pub fn first(&self) -> &Model {
        &self.members[0]
    }

    /// The model of an ensemble of one.
    ///
    /// # Errors
    /// If it has more members.
    pub fn sole(mut self) -> Result<Model, Error> {
        match (self.members.len(), self.members.pop()) {
            (1, Some(model)) => Ok(model),
            (members, _) => Err(Error::setting(
                "the model",
                format!("an ensemble of {members} members"),
                "a single one: take a member of it",
            )),
        }
    }

    /// Gives all members another meaning.
    pub fn set_meaning(&mut self, meaning: Option<Meaning>) {
        self.members.iter_mut().for_each(|member| member.meaning.clone_from(&meaning));
    }

    /// Parameters of all members that are trained, without padding.
    pub fn parameter_count(&self) -> usize {
        self.members.iter().map(Model::parameter_count).sum()
    }

    /// Writes all members into one file, whole or not at all. An ensemble of one is written as a model; of others the arrays
    /// are called `member.1.head.bias` and so on, and the configuration says how many members there are.
    ///
    /// # Errors
    /// As [`Model::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        match self.members.as_slice() {
            [model] => model.save(path),
            _ => Ok(formats::write(path, &self.file(path)?)?),
        }
    }

    /// The bytes of the file that [`Ensemble::save`] writes; errors call it `path`.
    ///
    /// # Errors
    /// As [`Model::to_bytes`].
    pub fn to_bytes(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, Error> {
        let path = path.as_ref();
        match self.members.as_slice() {
            [model] => model.to_bytes(path),
            _ => Ok(formats::to_bytes(&self.file(path)?, path)?),
        }
    }

    /// The file of several.
    fn file(&self, path: &Path) -> Result<formats::File, Error> {
        let config = Config { members: Some(self.members.len()), ..self.first().config() };
        let metadata = config.metadata(path)?;
        let named = (1..).zip(&self.members).flat_map(|(number, member)| {
            member.arrays().into_iter().map(move |(name, array)| (format!("{}{name}", prefix(number)), array))
        });
        Ok(formats::File { arrays: named.collect(), metadata })
    }

    /// Reads what [`Ensemble::save`] or [`Model::save`] wrote: a single model is an ensemble of one.
    ///
    /// # Errors
    /// If the file cannot be read, has no configuration, or its arrays do not fit it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::of_file(formats::read(path)?, path)
    }

    /// The same for a file in memory; errors call it `path`.
    ///
    /// # Errors
    /// As [`Ensemble::load`].
    pub fn load_bytes(bytes: &[u8], path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::of_file(formats::read_bytes(bytes, path)?, path)
    }

    fn of_file(file: formats::File, path: &Path) -> Result<Self, Error> {
        let bad = |why: String| Error::Model { path: path.into(), why };
        let config = Config::of_file(&file, path)?;
        let Some(count) = config.members else { return Ok(Model::of_file(file, path)?.into()) };
        // Every member has an array: a greater number is damage, and nothing is set aside for it.
        if !(2..=file.arrays.len()).contains(&count) {
            return Err(bad(format!("its number of members is {count}; expected 2 or more, each with its arrays")));
        }
        let mut arrays: Vec<BTreeMap<String, formats::Array>> = vec![BTreeMap::new(); count];
        for (name, array) in file.arrays {
            let place = split(&name).filter(|(number, _)| (1..=count).contains(number));
            let Some((number, rest)) = place else {
                return Err(bad(format!("{name} is of none of its {count} members")));
            };
            arrays[number - 1].insert(rest.to_owned(), array);
        }
        let member = |(number, arrays): (usize, &BTreeMap<_, _>)| {
            Model::of_checked(config.clone(), arrays).map_err(|why| bad(format!("member {number}: {why}")))
        };
        let members = (1..).zip(&arrays).map(member).collect::<Result<_, _>>()?;
        Ok(Ensemble { members })
    }
}

/// Before the names of the arrays of a member, from 1.
fn prefix(number: usize) -> String {
    format!("member.{number}.")
}

/// The member, from 1, and its own name for an array.
fn split(name: &str) -> Option<(usize, &str)> {
    let (number, rest) = name.strip_prefix("member.")?.split_once('.')?;
    let parsed: usize = number.parse().ok()?;
    // Only as it is written here.
    (parsed.to_string() == number).then_some((parsed, rest))
}

/// Whether two models differ in nothing but their parameters.
fn alike(one: &Model, other: &Model) -> bool {
    let custom = |model: &Model| model.stack().layers.iter().any(|layer| matches!(layer.cell, AnyCell::Custom(_)));
    if custom(one) || custom(other) {
        // What has no text: cells of the same name with arrays of the same names and shapes.
        let shapes = |model: &Model| {
            let names: Vec<_> = model.stack().layers.iter().map(|layer| layer.cell.get().name()).collect();
            let arrays: Vec<_> = model.arrays().into_iter().map(|(name, array)| (name, array.shape)).collect();
            (names, arrays, model.head().clone(), model.steps, model.meaning.clone())
        };
        return shapes(one) == shapes(other);
    }
    let text = |model: &Model| serde_json::to_string(&model.config()).ok();
    text(one).is_some_and(|one| text(other) == Some(one))
}
