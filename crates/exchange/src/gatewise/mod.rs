//! Burn and flax, which keep a dense layer for each gate of a cell, or for all of its gates together.
//!
//! I input, H hidden. All matrices are [in, out], as here.
//!
//! | in the file | here |
//! |--|--|
//! | Burn: `lstm.input_gate.input_transform.weight [I, H]`, `bias [H]`; `hidden_transform`; `forget_gate`, `cell_gate`, `output_gate` | gates i f g o |
//! | Burn: `gru.reset_gate…`, `update_gate`, `new_gate` | gates r z n, the reset after the product |
//! | Burn: `rnn.gate…`; `forward.…`, `reverse.…` of `BiLstm` and its kin | an Elman cell; both directions |
//! | flax: `params/lstm/ii/kernel [I, H]`, `if`, `ig`, `io`; `hi/kernel [H, H]`, `hi/bias` … | gates i f g o |
//! | flax: `ir`, `iz`, `in`, `hr`, `hz`, `hn`; of a `SimpleCell` `i`, `h` | gates r z n; an Elman cell |
//! | flax.nnx: `dense_i/kernel [I, G H]`, `dense_h/kernel [H, G H]` | the same gates in the same order |
//! | `weight` or `kernel` [in, out], `bias`; `embedding` | the head; the vectors of tokens |

mod cells;
mod import;

use std::fmt;

pub use import::{import, import_numpy};

/// Whose names they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// What burn-store writes as safetensors.
    Burn,
    /// Parameters of flax, linen or nnx, by their paths.
    Flax,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Dialect {
    fn name(self) -> &'static str {
        match self {
            Dialect::Burn => "Burn",
            Dialect::Flax => "flax",
        }
    }

    /// Whose cells some names are of, if they are of either.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>) -> Option<Self> {
        let names = cells::Names::new(names);
        cells::cells(&names).first().map(|cell| cell.form.dialect)
    }
}
