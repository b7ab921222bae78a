//! The windows of steps that Conv, MaxPool and AveragePool read, by their attributes.
//!
//! B rows, C features, L steps, K steps of a window.

use elman::{Padding, Window};

use super::node::Call;
use super::value::Value;

/// What an operator of windows reads, brought to one axis of steps.
pub(super) struct Windowed {
    /// [B, C, L]
    pub(super) x: Value,
    /// The axis of one element that was left out, of operators for pictures: 2 or 3.
    pub(super) flat: Option<usize>,
    /// K
    pub(super) size: usize,
    stride: usize,
    dilation: usize,
    padded: Padded,
}

/// What an operator says of its padding.
enum Padded {
    Ends(usize, usize),
    /// So that there are ⌈L / S⌉ windows, the odd step behind, or else in front.
    Same {
        behind: bool,
    },
}

impl Windowed {
    /// Of the input of an operator whose kernel has `kernel` elements along each axis behind the features.
    ///
    /// # Errors
    /// If it goes over more than one axis of steps, or its attributes are not those of one.
    pub(super) fn new(call: &Call<'_>, kernel: &[usize]) -> Result<Self, String> {
        let x = call.input(0)?;
        let axes = kernel.len();
        if x.shape.len() != axes + 2 || !(1..=2).contains(&axes) {
            return Err(format!(
                "its input has shape {:?} and its kernel {kernel:?}; expected rows, features and steps",
                x.shape
            ));
        }
        let of = |name: &str| -> Result<Vec<usize>, String> {
            let given = call.ints(name).map_or_else(|| vec![1; axes], <[i64]>::to_vec);
            let sizes: Option<Vec<usize>> = given.iter().map(|&size| usize::try_from(size).ok()).collect();
            sizes.filter(|sizes| sizes.len() == axes).ok_or_else(|| format!("its {name} are {given:?}"))
        };
        let (strides, dilations) = (of("strides")?, of("dilations")?);
        let pads = match call.ints("pads") {
            None => vec![0; 2 * axes],
            Some(pads) => {
                let sizes: Option<Vec<usize>> = pads.iter().map(|&size| usize::try_from(size).ok()).collect();
                let sizes = sizes.filter(|sizes| sizes.len() == 2 * axes);
                sizes.ok_or_else(|| format!("its pads are {pads:?}; expected {} of 0 or more", 2 * axes))?
            }
        };
        let auto = call.text("auto_pad").unwrap_or_default();
        // Pictures of one line are sequences.
        let flat = match axes {
            1 => None,
            _ => {
                let is_flat = |&at: &usize| {
                    x.shape[2 + at] == 1 && (kernel[at], strides[at], pads[at], pads[axes + at]) == (1, 1, 0, 0)
                };
                let Some(at) = (0..axes).find(is_flat) else {
                    return Err(format!(
                        "it goes over two axes, its kernel is {kernel:?} on an input of shape {:?}; expected one axis of \
                         steps",
                        x.shape
                    ));
                };
                Some(at)
            }
        };
        let along = flat.map_or(0, |flat| 1 - flat);
        if call.int("ceil_mode", 0) != 0 && strides[along] > 1 {
            return Err(
                "its ceil_mode is set: a last window that is not whole counts too, which no layer here does; export \
                        the model with ceil_mode=False"
                    .into(),
            );
        }
        let padded = match auto.as_str() {
            "" | "NOTSET" => Padded::Ends(pads[along], pads[axes + along]),
            "VALID" => Padded::Ends(0, 0),
            "SAME_UPPER" => Padded::Same { behind: true },
            "SAME_LOWER" => Padded::Same { behind: false },
            other => return Err(format!("its auto_pad is {other:?}")),
        };
        let shape: Vec<usize> =
            (0..axes + 2).filter(|&at| Some(at) != flat.map(|at| at + 2)).map(|at| x.shape[at]).collect();
        Ok(Windowed {
            x: x.reshaped(shape)?,
            flat: flat.map(|at| at + 2),
            size: kernel[along],
            stride: strides[along],
            dilation: dilations[along],
            padded,
        })
    }

    /// Whether the operator pads itself.
    pub(super) fn pads(&self) -> bool {
        !matches!(self.padded, Padded::Ends(0, 0))
    }

    /// The windows of a sequence that a node before has padded by `front` and `back` steps.
    ///
    /// # Errors
    /// If no layer here has such.
    pub(super) fn window(&self, front: usize, back: usize) -> Result<Window, String> {
        let window = Window::new(self.size).stride(self.stride).dilation(self.dilation);
        window.check().map_err(|error| error.to_string())?;
        let reach = window.reach();
        let padding = match self.padded {
            Padded::Ends(before, after) => ends(before + front, after + back, reach, self.stride),
            Padded::Same { .. } if front + back > 0 => {
                return Err("it pads to as many steps as there are, and so does a node before it".into());
            }
            Padded::Same { behind: true } => Padding::Same,
            // Where nothing is odd, both are one.
            Padded::Same { behind: false } if self.stride == 1 => {
                let before = (reach - 1).div_ceil(2);
                ends(before, reach - 1 - before, reach, 1)
            }
            Padded::Same { behind: false } => {
                return Err(
                    "its auto_pad is SAME_LOWER with a stride: the odd step is padded in front, where layers here \
                            pad it behind; expected SAME_UPPER, or pads"
                        .into(),
                );
            }
        };
        let window = window.padding(padding);
        // What gives more steps than there are may be cut off behind it: it is looked at again once that is known.
        let may_be_cut = |before: usize, after: usize| self.stride == 1 && before.max(after) < reach;
        match padding {
            Padding::Ends { before, after } if may_be_cut(before, after) => {}
            _ => window.check().map_err(|error| error.to_string())?,
        }
        Ok(window)
    }
}

/// A window that gives `cut` steps fewer at the end of a row: padding behind the row that a later node cuts off is none.
/// None where steps would go that padding alone does not give.
pub(super) fn cut(window: Window, cut: usize) -> Option<Window> {
    let reach = window.reach();
    let (before, after) = match window.padding {
        Padding::Valid => (0, 0),
        Padding::Causal => (reach - 1, 0),
        Padding::Ends { before, after } => (before, after),
        Padding::Same => ((reach - 1) / 2, reach - 1 - (reach - 1) / 2),
    };
    let after = after.checked_sub(cut).filter(|_| window.stride == 1)?;
    Some(window.padding(ends(before, after, reach, 1)))
}

/// Padding by its simplest name.
fn ends(before: usize, after: usize, reach: usize, stride: usize) -> Padding {
    match (before, after) {
        (0, 0) => Padding::Valid,
        (before, 0) if before + 1 == reach => Padding::Causal,
        (before, after) if stride == 1 && before + after + 1 == reach && before == (reach - 1) / 2 => Padding::Same,
        _ => Padding::Ends { before, after },
    }
}
