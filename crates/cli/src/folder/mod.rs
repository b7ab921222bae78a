//! The folder of a run.
//!
//! `config.toml`, every setting; `model.safetensors`, enough alone to evaluate and predict; `metrics.csv`;
//! `curves.svg`; `test.json`, the figures at the end; TensorBoard's event file.

pub(crate) mod checkpoints;
mod finished;
pub(crate) mod lock;
mod model;
mod names;
mod place;
mod test;

pub(crate) use self::finished::is_finished;
pub(crate) use self::model::{job, load_finite_model, load_model, member};
pub(crate) use self::names::{
    BEST, BEST_CONFIG, CHOICE, CONFIG, CURVES, METRICS, MODEL, RUNS_TABLE, SAMPLE, SEVERAL, TEST, TRIALS_TABLE, TUNE,
    TUNED, member_folder,
};
pub(crate) use self::place::{create, write_text};
pub(crate) use self::test::test_figures;
