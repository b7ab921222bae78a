//! One small training, which the checkpoints among the first inputs are of.

use elman::{Adam, Arrays, Build, EarlyStopping, Head, Init, Lstm, Model, Purpose, Random, Trainer};
use ndarray::{Array1, Array3};

/// Epochs of it.
pub const EPOCHS: u64 = 3;

/// Steps of a window, where its rows are read as streams.
pub const WINDOW: usize = 2;

/// Six rows of four steps, one feature.
pub fn data() -> Arrays {
    let xs = Array3::from_shape_fn((6, 4, 1), |(row, step, _)| (row * step) as f32 % 3.0 - 1.0);
    Arrays::classes(xs, Array1::from_shape_fn(6, |row| row % 2)).unwrap_or_else(|error| panic!("{error}"))
}

/// Not yet trained.
pub fn trainer() -> Trainer {
    let model = || -> Result<Model, elman::Error> {
        let network = Lstm::new(1, 2).init(Init::Tf, &mut Random::new(1, Purpose::Cell))?;
        Model::new(&network, Head::every_step(2), Init::Tf, &mut Random::new(1, Purpose::Head))
    };
    Trainer::new(model().unwrap_or_else(|error| panic!("{error}")), Adam::new(0.01)).batch_size(2).threads(1)
}

/// Early stopping as it stands after an epoch.
pub fn stopping() -> EarlyStopping {
    EarlyStopping::new(2)
}
