//! One program for all tests that need no process of their own: linking is most of what a test program costs.

#[path = "../support/mod.rs"]
mod support;

mod any_model;
mod any_vocabulary;
mod arithmetic;
mod attention;
mod averaged_weights;
mod conv;
mod descent;
mod diagnose;
mod directions;
mod ensemble;
mod golden;
mod gradients;
mod heads;
mod indrnn;
mod laws;
mod learning;
mod logits;
mod masks;
mod meaning;
mod model_files;
mod model_streams;
mod not_a_number;
mod optimizer;
mod optimizer_peers;
mod outside_numbers;
mod owners;
mod peers;
mod peers_of_a_trainer;
mod relative;
mod resume;
mod rooms;
mod series;
mod stream_gates;
mod streams;
mod tapes;
mod targets;
mod training;
mod windows;
