//! elman in a page.
//!
//! A module of WebAssembly that JavaScript asks through one function: a request in JSON, and bytes where there are some; an
//! answer in JSON, and bytes. It has no threads, no files and no clock. What it needs beside the request, digits and texts, it
//! asks for by name: the answer says what is missing, and whoever asked fetches it, hands it over and asks again.

#[allow(unsafe_code, reason = "memory that JavaScript hands over and takes")]
pub mod abi;
mod data;
mod failure;
mod jobs;
mod models;
mod request;
mod settings;
mod state;
mod training;
