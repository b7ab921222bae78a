//! What a run leaves in its folder: one row of numbers per report, and the same numbers for the eye.
//!
//! | file | module | for |
//! |--|--|--|
//! | `metrics.csv` | [`metrics`] | programs, and people with a spreadsheet |
//! | `curves.svg` | [`curves`] | a look, in any browser |
//! | `events.out.tfevents.…` | [`events`] | TensorBoard, also while the run goes on |
//!
//! `metrics.csv` is the source: the picture is drawn from its rows and can be drawn again from the file.

pub(crate) mod curves;
pub(crate) mod events;
pub(crate) mod metrics;
