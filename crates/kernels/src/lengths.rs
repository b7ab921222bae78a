//! What the rows of a tile do: where they start, how many run each step, and whether masks apply.
//!
//! T steps, R rows of the tile.

/// Where a sequence starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// h_0 = 0 and c_0 = 0: their products are skipped.
    Zero,
    /// What step 0 holds.
    Given,
}

/// Whether the masks of a cell's [`Noise`](crate::Noise) are drawn, or their mean is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Masks as [`draw_row_mask`](crate::Unroll::draw_row_mask) and
    /// [`draw_step_masks`](crate::Unroll::draw_step_masks) drew them.
    Training,
    /// Nothing is dropped; zoneout takes its mean.
    Inference,
}

/// What a tile's rows do: how many there are, and how many of them run each step.
#[derive(Clone, Copy, Debug)]
pub struct Lengths<'a> {
    /// R
    pub rows: usize,
    /// `[T]`
    pub active: &'a [usize],
    /// Where the rows start.
    pub initial: Initial,
    /// Whether masks apply.
    pub phase: Phase,
    /// Steps after which the gradient by the state is cut: truncated back-propagation through time. 0: never.
    pub truncate: usize,
    /// Steps of the sequence before these, when it is worked off in parts.
    pub offset: usize,
}

impl<'a> Lengths<'a> {
    /// Rows of a whole sequence, without masks, the gradient never cut.
    pub fn whole(rows: usize, active: &'a [usize], initial: Initial) -> Self {
        Lengths { rows, active, initial, phase: Phase::Inference, truncate: 0, offset: 0 }
    }

    pub(crate) fn at(&self, t: usize) -> usize {
        self.active.get(t).copied().unwrap_or(0)
    }

    /// Whether no gradient goes from step t to the step before.
    pub(crate) fn cut(&self, t: usize) -> bool {
        let t = self.offset + t;
        self.truncate > 0 && t > 0 && t.is_multiple_of(self.truncate)
    }

    pub(crate) fn fresh(&self, t: usize) -> bool {
        t == 0 && self.initial == Initial::Zero
    }
}
