//! Threads, and what each of them needs to carry tiles through a classifier.

use elman_kernels as kernels;
use elman_kernels::rnn::{Gradients, Upstream};
use elman_kernels::{
    Aligned, Dense, Isa, Mode, Pool, Score, in_top_1, padded, softmax, softmax_cross_entropy, tile_rows,
};
use ndarray::{Array2, ArrayViewMut2, Axis};

use crate::classifier::{Classifier, dense_of};
use crate::rnn::Rnn;
use crate::tile::Tile;
use crate::{Error, Labelled, Sequences};

/// A pool of threads with a workspace each, sized once for a model and the steps of its data.
pub(crate) struct Workers {
    pub(crate) isa: Isa,
    pub(crate) pool: Pool,
    pub(crate) spaces: Vec<Workspace>,
    steps: usize,
    /// As asked for: the system may have refused some.
    threads: usize,
    classes: usize,
    rnn: kernels::Rnn,
}

/// Everything one thread needs for one tile.
pub(crate) struct Workspace {
    tile: Tile,
    dense: Dense,
    labels: Vec<u32>,
    /// Final states as the dense layer reads them, [R, its input stride].
    last: Aligned,
    /// [R, its output stride]: logits, then their gradient.
    logits: Aligned,
    /// [R, Hp]: gradient by the final states.
    d_last: Aligned,
    scratch: Aligned,
}

impl Workers {
    pub(crate) fn new(model: &Classifier, steps: usize, threads: usize, isa: Isa) -> Self {
        let pool = Pool::new(threads);
        let spaces = (0..pool.threads()).map(|_| Workspace::new(model, steps)).collect();
        Workers { isa, pool, spaces, steps, threads, classes: model.classes, rnn: model.rnn.kernel() }
    }

    /// Whether they were made for this model and data.
    pub(crate) fn fits(&self, model: &Classifier, steps: usize, threads: usize, isa: Isa) -> bool {
        (self.rnn, self.classes) == (model.rnn.kernel(), model.classes)
            && (self.steps, self.threads, self.isa) == (steps, threads, isa)
    }

    /// Loss and accuracy over a whole data set.
    pub(crate) fn evaluate<D: Labelled>(&mut self, model: &Classifier, data: &D) -> Score {
        let rows = tile_rows(self.rnn.hidden);
        let mut scores = vec![Score::default(); data.len().div_ceil(rows)];
        let isa = self.isa;
        self.pool.for_each(&mut self.spaces, &mut scores, |space, index, score| {
            space.forward(isa, model, data, index * rows..((index + 1) * rows).min(data.len()));
            *score = space.loss(data, 1.0);
        });
        scores.into_iter().fold(Score::default(), |mut sum, score| {
            sum.add(score);
            sum
        })
    }

    /// Probabilities [N, C] of every row of a data set.
    pub(crate) fn predict<D: Sequences>(&mut self, model: &Classifier, data: &D) -> Array2<f32> {
        let rows = tile_rows(self.rnn.hidden);
        let mut probabilities = Array2::zeros((data.len(), model.classes));
        let mut tiles: Vec<ArrayViewMut2<'_, f32>> = probabilities.axis_chunks_iter_mut(Axis(0), rows).collect();
        let isa = self.isa;
        self.pool.for_each(&mut self.spaces, &mut tiles, |space, index, out| {
            let first = index * rows;
            space.forward(isa, model, data, first..first + out.nrows());
            for (row, _, place) in space.tile.rows() {
                let logits = &mut space.logits[place * model.dense().output_stride()..][..model.classes];
                softmax(logits);
                out.row_mut(row - first).iter_mut().zip(logits).for_each(|(to, from)| *to = *from);
            }
        });
        probabilities
    }
}

impl Workspace {
    /// Bytes of a workspace: known from the sizes alone.
    pub(crate) fn bytes(rnn: Rnn, classes: usize, steps: usize) -> usize {
        let (cell, dense, rows) = (rnn.kernel(), dense_of(rnn, classes), tile_rows(rnn.hidden));
        let floats = Tile::floats(cell, steps, rows)
            + rows * (dense.input_stride() + dense.output_stride() + padded(rnn.hidden))
            + scratch_max(cell, rows);
        floats * size_of::<f32>()
    }

    fn new(model: &Classifier, steps: usize) -> Self {
        let (rnn, dense, rows) = (model.rnn.kernel(), model.dense(), tile_rows(model.rnn.hidden));
        let mut last = Aligned::zeros(rows * dense.input_stride());
        for row in last.chunks_exact_mut(dense.input_stride()) {
            row[dense.input_at() - 1] = 1.0;
        }
        Workspace {
            tile: Tile::new(rnn, steps, rows),
            dense,
            labels: Vec::with_capacity(rows),
            last,
            logits: Aligned::zeros(rows * dense.output_stride()),
            d_last: Aligned::zeros(rows * padded(rnn.hidden)),
            scratch: Aligned::zeros(scratch_max(rnn, rows)),
        }
    }

    /// From the rows of a data set to their logits.
    pub(crate) fn forward<D: Sequences>(
        &mut self,
        isa: Isa,
        model: &Classifier,
        data: &D,
        rows: impl IntoIterator<Item = usize>,
    ) {
        let (cell, head) = model.parameters.split_at(model.cell_len());
        let dense = self.dense;
        self.tile.gather(data, rows);
        self.tile.forward(isa, cell);
        for (_, length, place) in self.tile.rows() {
            let to = &mut self.last[place * dense.input_stride() + dense.input_at()..][..dense.input];
            to.copy_from_slice(self.tile.state(length, place));
        }
        let count = self.tile.count();
        let last = &self.last[..count * dense.input_stride()];
        dense.forward(isa, head, last, count, &mut self.logits[..count * dense.output_stride()]);
    }

    /// From the logits to the loss; the logits become its gradient times `scale`.
    pub(crate) fn loss<D: Labelled>(&mut self, data: &D, scale: f32) -> Score {
        self.labels.clear();
        self.labels.extend(self.tile.rows().map(|(row, _, _)| data.label(row) as u32));
        let stride = self.dense.output_stride();
        let logits = &mut self.logits[..self.tile.count() * stride];
        softmax_cross_entropy(logits, stride, self.dense.output, &self.labels, scale)
    }

    /// From the gradient by the logits to that by all parameters.
    pub(crate) fn backward(&mut self, isa: Isa, model: &Classifier, gradient: &mut [f32], mode: Mode) {
        let (count, dense) = (self.tile.count(), self.dense);
        let (cell, head) = gradient.split_at_mut(model.cell_len());
        let d_last = &mut self.d_last[..count * padded(dense.input)];
        dense.backward(
            isa,
            &model.transposed.head,
            &self.last[..count * dense.input_stride()],
            count,
            &self.logits[..count * dense.output_stride()],
            d_last,
            head,
            mode,
        );
        let upstream = Upstream { state: d_last, outputs: None };
        let gradients = Gradients { weights: cell, mode, inputs: None, initial: None };
        // The scratch is laid out by the number of rows.
        let scratch = &mut self.scratch[..model.rnn.kernel().scratch_len(count)];
        self.tile.backward(isa, &model.transposed.recurrent, &[], upstream, gradients, scratch);
    }
}

/// The workers for data of `steps` steps: those there are, or new ones.
pub(crate) fn take_workers<'a>(
    workers: &'a mut Option<Workers>,
    model: &Classifier,
    steps: usize,
    threads: usize,
    isa: Isa,
) -> &'a mut Workers {
    let fits = |w: &Workers| w.fits(model, steps, threads, isa);
    if workers.as_ref().is_some_and(|workers| !fits(workers)) {
        *workers = None;
    }
    workers.get_or_insert_with(|| Workers::new(model, steps, threads, isa))
}

/// Floats of the scratch for a tile of `rows` rows or fewer: fewer rows can need more.
fn scratch_max(rnn: kernels::Rnn, rows: usize) -> usize {
    (1..=rows).map(|rows| rnn.scratch_len(rows)).max().unwrap_or(0)
}

/// Refuses data that the model cannot read.
pub(crate) fn check_inputs<D: Sequences>(
    model: &Classifier,
    data: &D,
    mut rows: impl Iterator<Item = usize>,
) -> Result<(), Error> {
    if data.input() != model.rnn.input {
        let (count, steps) = (data.len(), data.steps());
        return Err(Error::shape("the data", &[count, steps, data.input()], &[count, steps, model.rnn.input]));
    }
    if let Some(row) = rows.find(|&row| data.length(row) > data.steps()) {
        return Err(Error::Length { row, length: data.length(row), steps: data.steps() });
    }
    Ok(())
}

/// Refuses a data set with inputs or labels that the model has no place for.
pub(crate) fn check_all<D: Labelled>(model: &Classifier, data: &D) -> Result<(), Error> {
    check_inputs(model, data, 0..data.len())?;
    check_labels(model, data, 0..data.len())
}

/// Refuses rows that are not in the data set, or that the model cannot read.
pub(crate) fn check_rows<D: Labelled>(model: &Classifier, data: &D, rows: &[u32]) -> Result<(), Error> {
    if let Some(row) = rows.iter().find(|&&row| row as usize >= data.len()) {
        return Err(Error::setting("a row's number", row, format!("below {}, the rows of the data set", data.len())));
    }
    if rows.is_empty() {
        return Err(Error::setting("the batch", "empty", "at least one row"));
    }
    check_inputs(model, data, rows.iter().map(|&row| row as usize))?;
    check_labels(model, data, rows.iter().map(|&row| row as usize))
}

fn check_labels<D: Labelled>(model: &Classifier, data: &D, mut rows: impl Iterator<Item = usize>) -> Result<(), Error> {
    match rows.find(|&row| data.label(row) >= model.classes) {
        Some(row) => Err(Error::Label { row, label: data.label(row), classes: model.classes }),
        None => Ok(()),
    }
}

/// The class of highest probability; of equals the first. None if a probability is not a number.
pub fn most_probable(probabilities: &[f32]) -> Option<usize> {
    (0..probabilities.len()).find(|&class| in_top_1(probabilities, class))
}
