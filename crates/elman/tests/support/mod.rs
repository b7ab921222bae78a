//! Golden files, arrays compared with a tolerance, networks of every kind, and small tasks.
#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod models;
pub(crate) mod networks;
pub(crate) mod tasks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use elman::formats::Array;
use ndarray::{ArrayView2, ArrayView3};

pub(crate) type Arrays = BTreeMap<String, Array>;

pub(crate) fn golden(name: &str) -> Arrays {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden").join(name);
    elman::formats::read(&path).unwrap().arrays
}

pub(crate) fn matrix(array: &Array) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((array.shape[0], array.shape[1]), &array.data).unwrap()
}

pub(crate) fn cube(array: &Array) -> ArrayView3<'_, f32> {
    ArrayView3::from_shape((array.shape[0], array.shape[1], array.shape[2]), &array.data).unwrap()
}

pub(crate) fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |m, x| m.max(x.abs()))
}

/// Panics where two arrays differ by more than `tolerance` times `scale`.
pub(crate) fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32, scale: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off <= tolerance * scale, "{what}: off by {off}, allowed {}", tolerance * scale);
    assert!(found.iter().all(|x| x.is_finite()), "{what} is not finite");
}
