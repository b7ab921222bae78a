//! One program for all tests that need no process of their own: linking is most of what a test program costs.

#[path = "../support/mod.rs"]
mod support;

mod any_config;
mod architecture;
mod arithmetic;
mod book;
mod classify;
mod compare;
mod convert;
mod diagnose;
mod echo;
mod endings;
mod ensemble;
mod eval_and_predict;
mod inspect_and_bench;
#[cfg(unix)]
mod kills;
mod layers;
mod optimizers;
mod options;
mod pages;
mod predict_sequences;
#[cfg(target_os = "linux")]
mod ranks;
mod reading;
mod recipe;
mod refusals;
mod regress;
mod release;
#[cfg(unix)]
mod resume;
mod safety;
mod same_bits;
// The examples that it runs have embedded data for those who give none.
#[cfg(all(feature = "japanese-vowels", feature = "sunspots"))]
mod saved_runs;
mod series;
mod series_recipe;
#[cfg(all(unix, feature = "serve"))]
mod serve;
mod several;
mod shell;
mod sweep;
mod tables;
mod tag;
mod text;
mod train;
mod tune;
mod wrong_files;
