//! How the tiles of a batch are shared out: by the shapes alone, whatever the threads.

use crate::network::layer::Stack;

/// Most groups of tiles, and so the most threads that a step can use.
const GROUPS_MAX: usize = 32;

/// Bytes that the groups' gradients may take, unless there are just two groups.
const GROUPS_BYTES: usize = 64 << 20;

/// Parameters that one thread works on at a time. A multiple of 16.
pub(crate) const BLOCK: usize = 4096;

/// The widest state from which on all threads share a product rather than that some have nothing to do: a product of a
/// smaller network is done too soon.
pub(crate) const WIDE: usize = 256;

/// Groups that a batch is worked off in.
pub(crate) fn group_count(stack: &Stack, parameters: usize, batch_size: usize) -> usize {
    let tiles = batch_size.div_ceil(stack.tile_rows(batch_size)).max(1);
    let affordable = GROUPS_BYTES / (parameters * size_of::<f32>());
    tiles.min(affordable.clamp(2, GROUPS_MAX))
}
