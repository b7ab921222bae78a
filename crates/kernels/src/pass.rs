//! A time in which weights stay what they are.

use std::sync::atomic::{AtomicU64, Ordering};

/// A pass over some rows, in which the weights do not change. What is made of weights within it, their pieces, is made once.
///
/// Whoever makes one holds the weights borrowed, or shared, for as long as it is used: it is made anew for other weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass(u64);

impl Pass {
    /// One that nobody else has.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Pass(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
