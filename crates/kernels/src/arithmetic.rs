//! How the products of a network are computed: in f32, or in pieces of bf16.

use std::fmt;

/// How products of matrices are computed. A setting of a network, not a property of the machine: each gives the same bits on
/// every processor, with a unit for products of bf16 or without.
///
/// A float has 24 bits of significand, a bf16 has 8: a float is the sum of three bf16 "pieces" h + m + l, each the rest of the one
/// before, rounded. The product of two floats is then a sum of products of pieces, of which the smallest are left out. Each is
/// exact in f32, for 8 + 8 bits fit 24, and they are summed in f32, the small ones first. So a network in pieces is f32 in all that
/// it keeps: weights, states, gradients, sums. Only what is multiplied is cut.
///
/// | | products of pieces | what is left out of a product, relative to it |
/// |--|--|--|
/// | `F32` | – | nothing |
/// | `Split3` | hh hm mh mm hl lh | 2⁻²⁴ |
/// | `Split2` | hh hm mh | 2⁻¹⁶ |
/// | `Bf16` | hh | 2⁻⁸ |
///
/// Where a row of the left matrix or a panel of the right one holds a number that is not finite, or none of bf16 (3.39e38 and
/// more), their sums are those of f32. A piece or a sum below 2⁻¹²⁶ is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arithmetic {
    /// One chain of multiply-adds in f32.
    #[default]
    F32,
    /// Six products of pieces: at least as near to the true sums as f32's chain.
    Split3,
    /// Three products of pieces: some 16 bits of each product.
    Split2,
    /// One product: inputs, states, weights and gradients rounded to bf16 where they are multiplied.
    Bf16,
}

/// Which piece of the left matrix and which of the right one: 0, 1 and 2 for h, m and l.
pub(crate) type Pair = (usize, usize);

impl Arithmetic {
    /// Every one, f32 first.
    pub const ALL: [Arithmetic; 4] = [Arithmetic::F32, Arithmetic::Split3, Arithmetic::Split2, Arithmetic::Bf16];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Arithmetic::F32 => "f32",
            Arithmetic::Split3 => "split3",
            Arithmetic::Split2 => "split2",
            Arithmetic::Bf16 => "bf16",
        }
    }

    /// The one of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Arithmetic> {
        Arithmetic::ALL.into_iter().find(|arithmetic| arithmetic.name() == name)
    }

    /// Whether it is f32: what a file that says nothing means.
    pub fn is_f32(&self) -> bool {
        *self == Arithmetic::F32
    }

    /// Products of pieces that stand for one of floats; 1 in f32.
    pub fn products(self) -> usize {
        self.pairs().len().max(1)
    }

    /// The products of pieces in the order in which they are summed, the smallest first. None in f32.
    pub(crate) fn pairs(self) -> &'static [Pair] {
        match self {
            Arithmetic::F32 => &[],
            Arithmetic::Split3 => &[(2, 0), (0, 2), (1, 1), (1, 0), (0, 1), (0, 0)],
            Arithmetic::Split2 => &[(1, 0), (0, 1), (0, 0)],
            Arithmetic::Bf16 => &[(0, 0)],
        }
    }

    /// Pieces of a float.
    pub(crate) fn pieces(self) -> usize {
        self.pairs().first().map_or(0, |&(left, _)| left + 1)
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
