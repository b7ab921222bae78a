//! Files of other programs by their paths: whose one is, what to do with one that no model is made of, reading and writing.

mod conclusion;
mod endings;
mod foreign;
mod partner;

pub use conclusion::Way;
pub use endings::ends_with;
pub use foreign::{no_model, not_converted, shell_word};
pub use partner::{MODEL, Partner};
