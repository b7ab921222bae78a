//! Options, each written once.
//!
//! An entry of a table says all there is to know of an option: its name, who has it, its default, and its place in what the
//! library takes. From it come the flag with its help, the setting in `config.toml`, the value of a setting that nobody
//! gave, and the refusal of an option that belongs to something else.

mod described;
pub(crate) mod network;
pub(crate) mod optimization;
pub(crate) mod training;
mod value;
mod values;

pub(crate) use self::described::{Described, Kind, Owners};
pub(crate) use self::value::{Place, Value};
pub(crate) use self::values::{Values, flags};
