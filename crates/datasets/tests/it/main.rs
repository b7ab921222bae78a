//! One program for all tests that need no process of their own: linking is most of what a test program costs.

#[path = "../make/mod.rs"]
mod make;

mod any_idx;
mod any_sequences;
mod any_series;
mod any_text;
mod calendar;
#[cfg(all(feature = "japanese-vowels", feature = "shakespeare"))]
mod embedded;
mod folder;
mod idx;
#[cfg(feature = "mnist")]
mod mnist;
mod page;
mod sequences;
mod series;
mod text;
