//! The gradient of a batch, by groups of its tiles.
//!
//! P parameters. A batch is cut into tiles, by the shapes alone; consecutive tiles form a group with a gradient `[P]` of its
//! own; the groups' gradients are added in their order. Which thread works on which group changes no bit, nor which process.

use std::ops::Range;

use elman_kernels::{Aligned, Isa, Score, sum_arrays};

use crate::Labelled;
use crate::model::ends::Ends;
use crate::model::model::Model;
use crate::model::workers::{Task, Workers, sum};
use crate::network::groups::BLOCK;
use crate::training::batch::Batch;

/// Consecutive groups of a batch that are worked off here.
#[derive(Default)]
pub(crate) struct Groups {
    /// The first of them.
    first: usize,
    /// All groups of the batch.
    all: usize,
    groups: Vec<Group>,
}

/// Tiles that one thread works off, and the sum of their gradients.
struct Group {
    gradient: Aligned,
    score: Score,
    /// The states after a window, when they are carried.
    ends: Ends,
}

impl Groups {
    /// Room for some of `all` groups, each with a gradient of `len` floats.
    pub(crate) fn prepare(&mut self, own: Range<usize>, all: usize, len: usize) {
        let group = || Group { gradient: Aligned::zeros(len), score: Score::default(), ends: Ends::default() };
        self.groups.resize_with(own.len(), group);
        (self.first, self.all) = (own.start, all);
    }

    /// Those that are here.
    pub(crate) fn own(&self) -> Range<usize> {
        self.first..self.first + self.groups.len()
    }

    /// All of the batch.
    pub(crate) fn all(&self) -> usize {
        self.all
    }

    /// The gradients, scores and, of windows, ends of these groups of a batch, in tiles of `tile` rows. `at_once` rows are
    /// worked off at a time, each time in all groups: their gradients add up.
    pub(crate) fn work<D: Labelled + ?Sized>(
        &mut self,
        workers: &mut Workers,
        model: &Model,
        data: &D,
        batch: &Batch,
        [tile, at_once]: [usize; 2],
        task: Task<'_>,
    ) {
        let Groups { first, all, groups } = self;
        for group in groups.iter_mut() {
            group.score = Score::default();
            group.ends.clear();
            group.gradient.fill(0.0);
        }
        if groups.is_empty() {
            return;
        }
        let (first, all, windows) = (*first, *all, batch.window.is_some());
        let mut rows = batch.rows.clone();
        for rows in rows.chunks_mut(at_once.max(1)) {
            // Rows of like length share a tile: its steps then have all rows or none. Equal lengths stay in order.
            rows.sort_by_key(|&row| std::cmp::Reverse(batch.piece(data, row as usize).length));
            let (rows, tiles) = (&*rows, rows.len().div_ceil(tile));
            workers.for_each(model.stack(), groups, |engine, space, index, group| {
                let index = first + index;
                for tile_index in index * tiles / all..(index + 1) * tiles / all {
                    let rows = &rows[tile_index * tile..((tile_index + 1) * tile).min(rows.len())];
                    let pieces = rows.iter().map(|&row| batch.piece(data, row as usize));
                    group.score.add(space.train(engine, model, data, pieces, task, &mut group.gradient));
                    if windows {
                        space.keep(&mut group.ends);
                    }
                }
            });
        }
    }

    /// The score of these groups.
    pub(crate) fn score(&self) -> Score {
        sum(self.scores())
    }

    /// That of each.
    pub(crate) fn scores(&self) -> impl Iterator<Item = Score> {
        self.groups.iter().map(|group| group.score)
    }

    /// The states that their windows end in.
    pub(crate) fn ends(&self) -> impl Iterator<Item = &Ends> {
        self.groups.iter().map(|group| &group.ends)
    }

    /// Adds these groups' gradients to a running sum, one after the other, in the segment of the flat buffer that begins at
    /// `start`. Over all groups, from zeros, and with what vanishes made 0 at the end, that is [`Groups::reduce`].
    pub(crate) fn add(&self, workers: &mut Workers, start: usize, sum: &mut [f32]) {
        let Workers { pool, spaces, .. } = workers;
        let mut blocks: Vec<&mut [f32]> = sum.chunks_mut(BLOCK).collect();
        pool.for_each(spaces, &mut blocks, |_, index, block| {
            let at = start + index * BLOCK;
            for group in &self.groups {
                let gradient = &group.gradient[at..at + block.len()];
                block.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient);
            }
        });
    }

    /// The sum of all groups' gradients, in their order, with what vanishes made 0; returns the square of its norm.
    pub(crate) fn reduce(&self, workers: &mut Workers, isa: Isa, sum: &mut [f32]) -> f64 {
        let gradients: Vec<&[f32]> = self.groups.iter().map(|group| &*group.gradient).collect();
        reduce(workers, isa, &gradients, sum)
    }
}

/// The sum of arrays `[P]` in their order, with what vanishes made 0; returns the square of its norm.
pub(crate) fn reduce(workers: &mut Workers, isa: Isa, arrays: &[&[f32]], sum: &mut [f32]) -> f64 {
    let mut blocks: Vec<(&mut [f32], f64)> = sum.chunks_mut(BLOCK).map(|block| (block, 0.0)).collect();
    let Workers { pool, spaces, .. } = workers;
    pool.for_each(spaces, &mut blocks, |_, index, (block, squares)| {
        let range = index * BLOCK..index * BLOCK + block.len();
        *squares = sum_arrays(isa, arrays.iter().map(|array| &array[range.clone()]), block);
    });
    blocks.iter().map(|(_, squares)| squares).sum()
}
