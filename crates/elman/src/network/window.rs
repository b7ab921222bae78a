//! Windows of steps: what a layer reads that takes several steps of the layer below as one.
//!
//! L steps below, K steps of a window, S from one window to the next, D from one of its steps to the next.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Largest K, S and D.
const SIZE_MAX: usize = 4096;

/// What stands beyond the ends of a row where a window reaches over them: zeros, or nothing that a maximum takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// None: windows lie within the row, and what is left at its end is not read. ⌊(L − D (K − 1) − 1) / S⌋ + 1 windows, none
    /// of a row that is shorter than one.
    #[default]
    Valid,
    /// As much as gives ⌈L / S⌉ windows, half of it in front, the odd step behind: as TensorFlow and Keras pad.
    Same,
    /// All in front, D (K − 1) steps: a window ends with the step that it stands for, so that nothing comes of later ones.
    /// ⌈L / S⌉ windows.
    Causal,
    /// So many steps in front and behind, as PyTorch and ONNX say it; D (K − 1) at most, both together.
    Ends {
        /// In front of the first step.
        before: usize,
        /// Behind the last.
        after: usize,
    },
}

/// The windows that a layer reads, each as one step: a dense layer on windows is a convolution over the steps, and one that
/// pools is pooling.
///
/// LeCun et al. (1989), <https://doi.org/10.1162/neco.1989.1.4.541>; with gaps between the steps of a window ("dilation"):
/// Yu & Koltun (2016), <https://arxiv.org/abs/1511.07122>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// K
    pub size: usize,
    /// S
    #[serde(default = "one")]
    pub stride: usize,
    /// D: 1 where the steps of a window follow each other.
    #[serde(default = "one")]
    pub dilation: usize,
    /// What stands beyond the ends.
    #[serde(default)]
    pub padding: Padding,
}

fn one() -> usize {
    1
}

impl Window {
    /// Every `size` steps that follow each other, without padding.
    pub fn new(size: usize) -> Self {
        Window { size, stride: 1, dilation: 1, padding: Padding::Valid }
    }

    /// With so many steps from one window to the next.
    pub fn stride(self, stride: usize) -> Self {
        Window { stride, ..self }
    }

    /// With so many steps from one step of a window to the next.
    pub fn dilation(self, dilation: usize) -> Self {
        Window { dilation, ..self }
    }

    /// With padding.
    pub fn padding(self, padding: Padding) -> Self {
        Window { padding, ..self }
    }

    /// D (K − 1) + 1, the steps from the first to the last of a window.
    pub fn reach(&self) -> usize {
        self.dilation * (self.size - 1) + 1
    }

    /// The windows of a row of `steps` steps, never more than those. A row without a step has none.
    pub fn count(&self, steps: usize) -> usize {
        match self.padding {
            _ if steps == 0 => 0,
            Padding::Same | Padding::Causal => steps.div_ceil(self.stride),
            Padding::Valid => within(steps, self.reach(), self.stride),
            Padding::Ends { before, after } => within(steps + before + after, self.reach(), self.stride),
        }
    }

    /// The fewest steps of a row that has `count` windows.
    pub(crate) fn least(&self, count: usize) -> usize {
        let apart = count.saturating_sub(1) * self.stride;
        match self.padding {
            _ if count == 0 => 0,
            Padding::Same | Padding::Causal => apart + 1,
            Padding::Valid => apart + self.reach(),
            Padding::Ends { before, after } => (apart + self.reach()).saturating_sub(before + after).max(1),
        }
    }

    /// Whether every row has as many windows as steps.
    pub fn keeps_steps(&self) -> bool {
        let padded = match self.padding {
            Padding::Same | Padding::Causal => true,
            Padding::Valid => self.reach() == 1,
            Padding::Ends { before, after } => before + after + 1 == self.reach(),
        };
        self.stride == 1 && padded
    }

    /// Whether every step has a window that ends with it: then a row can be read step by step, for as long as it lasts.
    pub fn is_causal(&self) -> bool {
        let in_front = match self.padding {
            Padding::Causal => true,
            Padding::Valid | Padding::Same => self.reach() == 1,
            Padding::Ends { before, after } => before + 1 == self.reach() && after == 0,
        };
        self.stride == 1 && in_front
    }

    /// Refuses windows with which a row cannot be read step by step.
    ///
    /// # Errors
    /// Why not, and what would do.
    pub(crate) fn check_causal(&self) -> Result<(), String> {
        let why = match self.padding {
            _ if self.is_causal() => return Ok(()),
            _ if self.stride > 1 => format!("it gives one step for every {}", self.stride),
            Padding::Valid | Padding::Ends { after: 0, .. } => "a row's first steps have no window".into(),
            _ => "a window reads steps that are still to come".into(),
        };
        Err(format!("{why}; a window that is padded in front alone, with a stride of 1 (causal), can be"))
    }

    /// Steps that are padded in front of a row of `steps` steps.
    pub(crate) fn before(&self, steps: usize) -> usize {
        match self.padding {
            Padding::Valid => 0,
            Padding::Causal => self.reach() - 1,
            Padding::Ends { before, .. } => before,
            Padding::Same => {
                let reached = self.count(steps).saturating_sub(1) * self.stride + self.reach();
                reached.saturating_sub(steps) / 2
            }
        }
    }

    /// The places of the steps of window `t` of a row of `steps` steps; None beyond its ends.
    pub(crate) fn places(self, steps: usize, t: usize) -> impl Iterator<Item = Option<usize>> {
        let before = self.before(steps);
        (0..self.size).map(move |k| (t * self.stride + k * self.dilation).checked_sub(before).filter(|&at| at < steps))
    }

    /// Writes window `t` `[K I]` of the steps `[L, I]` below; `fill` stands beyond their ends.
    pub(crate) fn read(self, below: &[f32], width: usize, t: usize, fill: f32, window: &mut [f32]) {
        let places = self.places(below.len() / width, t);
        for (place, to) in places.zip(window.chunks_exact_mut(width)) {
            match place {
                Some(at) => to.copy_from_slice(&below[at * width..][..width]),
                None => to.fill(fill),
            }
        }
    }

    /// Refuses sizes out of range, and padding that a window would lie in whole.
    ///
    /// # Errors
    /// If the size, the stride or the dilation is not from 1 to 4,096, or the padding of both ends is above D (K − 1).
    pub fn check(&self) -> Result<(), Error> {
        for (what, found) in [("kernel_size", self.size), ("stride", self.stride), ("dilation", self.dilation)] {
            if !(1..=SIZE_MAX).contains(&found) {
                return Err(Error::setting(what, found, format!("1 to {SIZE_MAX} steps")));
            }
        }
        if let Padding::Ends { before, after } = self.padding
            && before.saturating_add(after) >= self.reach()
        {
            let expected = format!(
                "at most {} steps for both ends, one less than a window reaches: more would give more steps than there are",
                self.reach() - 1
            );
            return Err(Error::setting("padding", format!("{before} and {after} steps"), expected));
        }
        Ok(())
    }
}

/// Windows that reach over `reach` steps, every `stride`, within `steps`.
fn within(steps: usize, reach: usize, stride: usize) -> usize {
    steps.checked_sub(reach).map_or(0, |left| left / stride + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PADDINGS: [Padding; 6] = [
        Padding::Valid,
        Padding::Same,
        Padding::Causal,
        Padding::Ends { before: 0, after: 0 },
        Padding::Ends { before: 1, after: 1 },
        Padding::Ends { before: 0, after: 2 },
    ];

    /// Every window of the shapes below.
    fn windows() -> impl Iterator<Item = Window> {
        let all = |padding| {
            (1..=5).flat_map(move |size| {
                (1..=4).flat_map(move |stride| (1..=3).map(move |dilation| Window { size, stride, dilation, padding }))
            })
        };
        PADDINGS.into_iter().flat_map(all).filter(|window| window.check().is_ok())
    }

    #[test]
    fn windows_are_those_that_the_padding_says_and_no_more() {
        for window in windows() {
            assert_eq!(window.count(0), 0);
            for steps in 1..40 {
                let (count, before) = (window.count(steps), window.before(steps));
                assert!(count <= steps, "{window:?} of {steps}: {count}");
                let after = match window.padding {
                    Padding::Valid => 0,
                    Padding::Causal => 0,
                    Padding::Ends { after, .. } => after,
                    Padding::Same => {
                        let whole = (count - 1) * window.stride + window.reach();
                        whole.saturating_sub(steps) - before
                    }
                };
                let room = before + steps + after;
                let ends = |count: usize| (count - 1) * window.stride + window.reach();
                assert!(count == 0 || ends(count) <= room, "{window:?} of {steps}: {count} do not fit");
                if window.padding != Padding::Same {
                    assert!(ends(count + 1) > room, "{window:?} of {steps}: one more than {count} fits");
                }
                assert!(!window.keeps_steps() || count == steps, "{window:?} of {steps}: {count}");
                if window.is_causal() {
                    let last = |t: usize| window.places(steps, t).last().unwrap();
                    assert!(count == steps && (0..steps).all(|t| last(t) == Some(t)), "{window:?} of {steps}");
                }
                for t in 0..count {
                    // One with holes may step over all of a short row.
                    let reads = window.dilation > 1 || window.places(steps, t).any(|at| at.is_some());
                    assert!(reads, "{window:?} of {steps}: {t} reads nothing");
                    if window.padding == Padding::Causal {
                        let last = window.places(steps, t).last().unwrap();
                        assert_eq!(last, Some(t * window.stride), "{window:?} of {steps}, window {t}");
                    }
                }
                let least = window.least(count);
                assert!(window.count(least) == count && (count == 0 || window.count(least - 1) < count), "{window:?}");
            }
        }
    }

    /// The figures of the other programs for 10 steps: `tf.nn.conv1d`, `torch.nn.Conv1d`.
    #[test]
    fn padding_is_that_of_the_other_programs() {
        let window = Window::new(3).padding(Padding::Same);
        let found: Vec<_> = [1, 2, 3].map(|s| (window.stride(s).count(10), window.stride(s).before(10))).into();
        assert_eq!(found, [(10, 1), (5, 0), (4, 1)]);
        assert_eq!(Window::new(4).padding(Padding::Same).before(10), 1);
        let torch = Window::new(3).stride(2).padding(Padding::Ends { before: 1, after: 1 });
        assert_eq!((torch.count(10), torch.before(10)), (5, 1));
        assert_eq!(Window::new(3).dilation(2).count(10), 6);
    }

    #[test]
    fn sizes_out_of_range_are_named() {
        for (window, what) in [
            (Window::new(0), "kernel_size is 0; expected 1 to 4096 steps"),
            (Window::new(3).stride(0), "stride is 0"),
            (Window::new(3).dilation(5000), "dilation is 5000"),
            (
                Window::new(3).padding(Padding::Ends { before: 2, after: 1 }),
                "padding is 2 and 1 steps; expected at most 2",
            ),
        ] {
            let found = window.check().unwrap_err().to_string();
            assert!(found.contains(what), "{found}");
        }
    }
}
