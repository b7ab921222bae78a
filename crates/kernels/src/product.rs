//! Matrix products, block by block: the one loop nest under every cell and layer.

use std::marker::PhantomData;
use std::ops::Range;

use crate::activation::Phi;
use crate::out::Out;
use crate::simd::{Isa, Kernel, LANES, Left, Right, Simd, multiply};
use crate::vanishing;

/// How a gradient meets what its buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The buffer's content is not read.
    Overwrite,
    /// The gradient is added.
    Add,
}

/// A part of a product: `left [rows, depth]` times `right [depth, columns]`.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) left: Left<'a>,
    pub(crate) right: Right<'a>,
    pub(crate) depth: usize,
}

/// What a sum starts from, and where it goes: both in registers, so nothing is written twice.
pub(crate) trait Ends: Send + Sync + Sized {
    /// Whether products of one to three rows are frequent enough for blocks of more panels.
    const WIDE: bool;

    /// How the matrices lie: known to the compiler, or it computes every address of the innermost loop anew.
    ///
    /// Plain: rows of the left matrix and of the panels are contiguous, `left.col` = 1 and `right.row` = 16.
    /// Otherwise the left matrix is read by columns, `left.row` = 1, and the right one as it lies, `right.panel` = 16.
    const PLAIN: bool;

    /// The value of sixteen sums of a row before the product.
    fn start<S: Simd>(&mut self, s: S, row: usize, panel: usize) -> S::F;
    /// Takes the sixteen finished sums of a row.
    fn finish<S: Simd>(&mut self, s: S, row: usize, panel: usize, sums: S::F);
    /// Where they go.
    fn out(&self) -> &Out<'_>;
    /// The same ends for another thread.
    ///
    /// # Safety
    /// As of [`Out::again`].
    #[allow(unsafe_code)]
    unsafe fn again(&self) -> Self;
}

/// The part of [`Ends`] that is the same for all with a field `out`.
macro_rules! shared_output {
    () => {
        #[inline(always)]
        fn out(&self) -> &Out<'_> {
            &self.out
        }
        #[allow(unsafe_code, clippy::needless_update)]
        unsafe fn again(&self) -> Self {
            // SAFETY: the caller's promise.
            Self { out: unsafe { self.out.again() }, ..*self }
        }
    };
}

/// The product of some panels on one thread, in f32: see [`Engine::product`](crate::Engine::product).
pub(crate) fn product_alone<'a, E: Ends>(
    isa: Isa,
    rows: usize,
    panels: Range<usize>,
    segments: impl Iterator<Item = Segment<'a>> + Clone,
    ends: E,
) {
    isa.run(Product { rows, panels, segments, ends });
}

struct Product<I, E> {
    rows: usize,
    panels: Range<usize>,
    segments: I,
    ends: E,
}

impl<'a, I: Iterator<Item = Segment<'a>> + Clone, E: Ends> Kernel for Product<I, E> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        product(s, self.rows, self.panels, self.segments, &mut self.ends);
    }
}

/// `finish(start + Σ segments)` for each row and panel of sixteen columns.
///
/// A panel of weights, or two, stay in the first-level cache while all rows pass. With few rows, several panels go side
/// by side instead, so that enough sums are under way to hide the latency of a multiply-add.
#[inline(always)]
fn product<'a, S: Simd, E: Ends>(
    s: S,
    rows: usize,
    panels: Range<usize>,
    segments: impl Iterator<Item = Segment<'a>> + Clone,
    ends: &mut E,
) {
    let mut panel = panels.start;
    while panel < panels.end {
        let left = panels.end - panel;
        let together = match rows {
            1 if E::WIDE && left >= 4 * S::PANELS => 4 * S::PANELS,
            1..=3 if E::WIDE && left >= 2 * S::PANELS => 2 * S::PANELS,
            _ if left >= S::PANELS => S::PANELS,
            _ => 1,
        };
        match (rows, together) {
            (1, 8) if E::WIDE && S::PANELS == 2 => block::<S, 1, 8, E>(s, 0, panel, segments.clone(), ends),
            (1, 4) if E::WIDE => block::<S, 1, 4, E>(s, 0, panel, segments.clone(), ends),
            (2, 4) if E::WIDE && S::PANELS == 2 => block::<S, 2, 4, E>(s, 0, panel, segments.clone(), ends),
            (3, 4) if E::WIDE && S::PANELS == 2 => block::<S, 3, 4, E>(s, 0, panel, segments.clone(), ends),
            (_, 2) if E::WIDE || S::PANELS == 2 => all_rows::<S, 2, E>(s, rows, panel, segments.clone(), ends),
            _ => all_rows::<S, 1, E>(s, rows, panel, segments.clone(), ends),
        }
        panel += together;
    }
}

/// `N` panels, all rows: as many full blocks as there are, the rest in blocks that are not too thin.
#[inline(always)]
fn all_rows<'a, S: Simd, const N: usize, E: Ends>(
    s: S,
    rows: usize,
    panel: usize,
    segments: impl Iterator<Item = Segment<'a>> + Clone,
    ends: &mut E,
) {
    let most = if N > S::PANELS { 3 } else { S::ROWS };
    let mut row = 0;
    while row < rows {
        let left = rows - row;
        let take = if left <= most {
            left
        } else if left >= most + 4 || most < 4 {
            most
        } else {
            left.div_ceil(2)
        };
        match take {
            8 if most >= 8 => block::<S, 8, N, E>(s, row, panel, segments.clone(), ends),
            7 if most >= 7 => block::<S, 7, N, E>(s, row, panel, segments.clone(), ends),
            6 if most >= 6 => block::<S, 6, N, E>(s, row, panel, segments.clone(), ends),
            5 if most >= 5 => block::<S, 5, N, E>(s, row, panel, segments.clone(), ends),
            4 if most >= 4 => block::<S, 4, N, E>(s, row, panel, segments.clone(), ends),
            3 if most >= 3 => block::<S, 3, N, E>(s, row, panel, segments.clone(), ends),
            2 => block::<S, 2, N, E>(s, row, panel, segments.clone(), ends),
            _ => block::<S, 1, N, E>(s, row, panel, segments.clone(), ends),
        }
        row += take;
    }
}

/// `M` rows by `N` panels, from start to finish in registers. A sum too small to count is 0.
#[inline(always)]
pub(crate) fn block<'a, S: Simd, const M: usize, const N: usize, E: Ends>(
    s: S,
    row: usize,
    panel: usize,
    segments: impl Iterator<Item = Segment<'a>>,
    ends: &mut E,
) {
    let mut sums = [[s.splat(0.0); N]; M];
    for (r, of_row) in sums.iter_mut().enumerate() {
        for (n, sum) in of_row.iter_mut().enumerate() {
            *sum = ends.start(s, row + r, panel + n);
        }
    }
    for segment in segments {
        let Segment { left, right, depth } = segment;
        let (left, right) = if E::PLAIN {
            debug_assert!(left.col == 1 && right.row == LANES);
            (Left { col: 1, ..left }, Right { row: LANES, ..right })
        } else {
            debug_assert!(left.row == 1 && right.panel == LANES);
            (Left { row: 1, ..left }, Right { panel: LANES, ..right })
        };
        let left = Left { data: &left.data[row * left.row..], ..left };
        let right = Right { data: &right.data[panel * right.panel..], ..right };
        multiply(s, &mut sums, left, right, depth);
    }
    for (r, of_row) in sums.into_iter().enumerate() {
        for (n, sum) in of_row.into_iter().enumerate() {
            ends.finish(s, row + r, panel + n, vanishing::gradient(s, sum));
        }
    }
}

/// Sums start at the bias, the first row of each panel of weights; φ of them is stored.
pub(crate) struct Affine<'a, P> {
    bias: &'a [f32],
    panel: usize,
    out: Out<'a>,
    phi: PhantomData<P>,
}

impl<'a, P> Affine<'a, P> {
    /// `weights [panel][depth][16]`, `out` in rows of `stride`.
    #[inline(always)]
    pub(crate) fn new(weights: &'a [f32], depth: usize, out: &'a mut [f32], stride: usize) -> Self {
        Affine { bias: weights, panel: depth * LANES, out: Out::new(out, stride, LANES), phi: PhantomData }
    }
}

impl<P: Phi> Ends for Affine<'_, P> {
    const WIDE: bool = true;
    const PLAIN: bool = true;

    #[inline(always)]
    fn start<S: Simd>(&mut self, s: S, _: usize, panel: usize) -> S::F {
        s.load(&self.bias[panel * self.panel..])
    }
    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, row: usize, panel: usize, sums: S::F) {
        s.store(P::apply(s, sums), self.out.at(row, panel));
    }
    shared_output!();
}

/// Sums start at zero and are stored as they are.
pub(crate) struct Store<'a> {
    out: Out<'a>,
}

impl<'a> Store<'a> {
    /// `out` in rows of `stride`.
    #[inline(always)]
    pub(crate) fn new(out: &'a mut [f32], stride: usize) -> Self {
        Store { out: Out::new(out, stride, LANES) }
    }
}

impl Ends for Store<'_> {
    const WIDE: bool = false;
    const PLAIN: bool = true;

    #[inline(always)]
    fn start<S: Simd>(&mut self, s: S, _: usize, _: usize) -> S::F {
        s.splat(0.0)
    }
    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, row: usize, panel: usize, sums: S::F) {
        s.store(sums, self.out.at(row, panel));
    }
    shared_output!();
}

/// Sums start at one place and go to another.
pub(crate) struct Between<'a> {
    from: &'a [f32],
    from_stride: usize,
    out: Out<'a>,
}

impl<'a> Between<'a> {
    /// `from` in rows of `from_stride`, `out` in rows of `stride`.
    #[inline(always)]
    pub(crate) fn new(from: &'a [f32], from_stride: usize, out: &'a mut [f32], stride: usize) -> Self {
        Between { from, from_stride, out: Out::new(out, stride, LANES) }
    }
}

impl Ends for Between<'_> {
    const WIDE: bool = true;
    const PLAIN: bool = true;

    #[inline(always)]
    fn start<S: Simd>(&mut self, s: S, row: usize, panel: usize) -> S::F {
        s.load(&self.from[row * self.from_stride + panel * LANES..])
    }
    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, row: usize, panel: usize, sums: S::F) {
        s.store(sums, self.out.at(row, panel));
    }
    shared_output!();
}

/// Sums start at what is there and replace it.
pub(crate) struct Onto<'a> {
    out: Out<'a>,
}

impl<'a> Onto<'a> {
    /// `out` in rows of `stride`.
    #[inline(always)]
    pub(crate) fn new(out: &'a mut [f32], stride: usize) -> Self {
        Onto { out: Out::new(out, stride, LANES) }
    }
}

impl Ends for Onto<'_> {
    const WIDE: bool = true;
    const PLAIN: bool = true;

    #[inline(always)]
    fn start<S: Simd>(&mut self, s: S, row: usize, panel: usize) -> S::F {
        s.load(self.out.at(row, panel))
    }
    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, row: usize, panel: usize, sums: S::F) {
        s.store(sums, self.out.at(row, panel));
    }
    shared_output!();
}

/// Sums go into rows of panels.
pub(crate) struct Accumulate<'a> {
    out: Out<'a>,
    mode: Mode,
}

impl<'a> Accumulate<'a> {
    /// Into rows `first_row..` of panels `[panel][depth][16]`.
    #[inline(always)]
    pub(crate) fn new(into: &'a mut [f32], depth: usize, first_row: usize, mode: Mode) -> Self {
        Accumulate { out: Out::new(&mut into[first_row * LANES..], LANES, depth * LANES), mode }
    }
}

impl Ends for Accumulate<'_> {
    const WIDE: bool = false;
    const PLAIN: bool = false;

    #[inline(always)]
    fn start<S: Simd>(&mut self, s: S, row: usize, panel: usize) -> S::F {
        match self.mode {
            Mode::Overwrite => s.splat(0.0),
            Mode::Add => s.load(self.out.at(row, panel)),
        }
    }
    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, row: usize, panel: usize, sums: S::F) {
        s.store(sums, self.out.at(row, panel));
    }
    shared_output!();
}
