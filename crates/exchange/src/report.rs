//! What became of every array on its way from one program to another.

use std::collections::BTreeMap;
use std::fmt;

use elman_formats::Half;

/// A report of a conversion: every array with its origin, its destination and what was done to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// In the order in which the arrays came out.
    pub moves: Vec<Move>,
    /// What a file does not say and was taken to be so, what the other program must be told, what was left out.
    pub notes: Vec<String>,
    /// How the arrays are connected, where a file does not say and it was assumed, piece by piece. None where the file says.
    pub assumed: Vec<String>,
    /// What has another precision there: arrays that were widened, which changes no number, and layers that compute in less.
    pub precision: Vec<String>,
    /// The numbers that were computed on both sides, where the file says enough for that.
    pub compared: Option<Compared>,
}

/// Above this, or this part of a number above 1, two programs do not agree: sums of a few hundred products in single
/// precision, in another order, differ by less.
pub const TOLERANCE: f32 = 1e-5;

/// What was computed on both sides from made-up inputs, and compared number by number. It says that much and no more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// What the model's answers were compared with, as `the graph's "logits"`.
    pub what: String,
    /// Batches, each of another shape or with other inputs.
    pub batches: usize,
    /// The fewest rows of a batch, and the most.
    pub rows: (usize, usize),
    /// The fewest steps, and the most.
    pub steps: (usize, usize),
    /// Over all numbers; relative to numbers above 1.
    pub largest_difference: f32,
    /// What was not compared, in words.
    pub left_out: Vec<String>,
}

/// One or several arrays that became one or several others.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// Where the numbers come from.
    pub from: Vec<Place>,
    /// Where they went.
    pub to: Vec<Place>,
    /// What was done, in order; none for numbers that went as they are.
    pub changes: Vec<Change>,
}

/// An array in a file, by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// As the file names it.
    pub name: String,
    /// Length of each axis.
    pub shape: Vec<usize>,
}

/// What was done to numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Rows became columns.
    Transposed,
    /// Another shape with the same numbers in the same order.
    Reshaped,
    /// The gates stand in another order.
    Gates {
        /// As `i f g o`.
        from: &'static str,
        /// As `i o f g`.
        to: &'static str,
    },
    /// One array was cut into several.
    Split,
    /// Several were put side by side.
    Joined,
    /// Two biases that are only ever added became their sum.
    Added,
    /// A batch normalisation beside a dense layer became a part of it.
    Folded,
    /// A matrix whose rows or columns are kept as a length and a direction became their product.
    WeightNorm,
    /// A constant that the other program adds while it runs was added to some numbers, or taken off.
    Constant {
        /// As `the forget gate's bias`.
        to: &'static str,
        /// What was added.
        value: f32,
    },
    /// An array of zeros that the other side has and ours does not need, or the reverse.
    Zeros,
    /// The means and deviations that the model's job keeps, beside the network's arrays.
    Scaling,
}

/// How near the arrays of two models are to each other. Of what they are computed with it says nothing: see [`Compared`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every number is there, unchanged.
    Exact,
    /// Every number is there; some are sums of two, rounded once.
    Rounded,
}

impl Report {
    /// Notes that `from` became `to`.
    pub fn moved(&mut self, from: Vec<Place>, to: Vec<Place>, changes: Vec<Change>) {
        self.moves.push(Move { from, to, changes });
    }

    /// Says how many of the arrays that were taken had 16 bits in their file.
    pub(crate) fn widened(&mut self, halves: &BTreeMap<String, Half>) {
        let mut names: Vec<&str> = self.moves.iter().flat_map(|of| &of.from).map(|place| place.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for half in [Half::F16, Half::Bf16] {
            let line = match names.iter().filter(|name| halves.get(**name) == Some(&half)).count() {
                0 => continue,
                1 => format!("1 array of {half} was widened to float32, which changes no number"),
                count => format!("{count} arrays of {half} were widened to float32, which changes no number"),
            };
            self.precision.push(line);
        }
    }

    /// Exact, unless numbers were added to each other.
    pub fn verdict(&self) -> Verdict {
        let mut changes = self.moves.iter().flat_map(|moved| &moved.changes);
        match changes.any(|change| {
            matches!(change, Change::Added | Change::Folded | Change::WeightNorm | Change::Constant { .. })
        }) {
            true => Verdict::Rounded,
            false => Verdict::Exact,
        }
    }
}

impl Place {
    /// Of a name and a shape.
    pub fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Place { name: name.into(), shape: shape.to_vec() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.name, self.shape)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Transposed => write!(f, "transposed"),
            Change::Reshaped => write!(f, "reshaped"),
            Change::Gates { from, to } => write!(f, "gates {from} → {to}"),
            Change::Split => write!(f, "split"),
            Change::Joined => write!(f, "joined"),
            Change::Added => write!(f, "added"),
            Change::WeightNorm => write!(f, "g · v / ‖v‖"),
            Change::Constant { to, value } if *value < 0.0 => write!(f, "{} taken off {to}", -value),
            Change::Constant { to, value } => write!(f, "{value} added to {to}"),
            Change::Folded => write!(f, "folded"),
            Change::Zeros => write!(f, "zeros"),
            Change::Scaling => write!(f, "the scaling of the data"),
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |(fewest, most): (usize, usize), what: &str| match (fewest, most) {
            (1, 1) => format!("1 {what}"),
            (fewest, most) if fewest == most => format!("{fewest} {what}s"),
            (fewest, most) => format!("{fewest} to {most} {what}s"),
        };
        let Compared { what, batches, rows, steps, largest_difference, .. } = self;
        let (rows, steps) = (span(*rows, "row"), span(*steps, "step"));
        let batches = span((*batches, *batches), "batch").replace("batchs", "batches");
        write!(f, "{what}: {batches} of {rows} and {steps}, largest difference {largest_difference:.1e}")
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Exact => "exact: every number is there, unchanged",
            Verdict::Rounded => "every number is there: some are sums of two, rounded once",
        })
    }
}
