//! Optimizers: one step of each, in one pass over flat arrays.
//!
//! θ parameters, g their gradient, α the rate of the step. A file for each kind has its equations.
//!
//! What vanishes, a moment or a weight that decays, becomes 0 before it is subnormal: see `vanishing.rs`.
//!
//! A parameter of 0 whose gradient is always 0 stays 0: so does the padding of panels.

mod adagrad;
mod adam;
mod rmsprop;
mod rprop;
mod sgd;

pub use adagrad::AdagradStep;
pub use adam::AdamStep;
pub use rmsprop::RmsPropStep;
pub use rprop::RpropStep;
pub use sgd::MomentumStep;

use crate::simd::{Isa, Kernel, LANES, Simd};
use crate::vanishing;

/// Most arrays that an optimizer keeps beside the parameters.
pub const MOMENTS_MAX: usize = 2;

/// What one step of an optimizer does, with its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// θ ← θ − α g
    Sgd {
        /// α
        rate: f32,
    },
    /// Moments: the velocity.
    Momentum(MomentumStep),
    /// Moments: the velocity.
    Nesterov(MomentumStep),
    /// Moments: the mean square; and the velocity, unless the momentum is 0.
    RmsProp(RmsPropStep),
    /// Moments: the sum of squares.
    Adagrad(AdagradStep),
    /// Moments: m and v.
    Adam(AdamStep),
    /// Moments: the gradient of the step before and each parameter's step size.
    Rprop(RpropStep),
}

impl Rule {
    /// Arrays that it keeps beside the parameters: 0 to [`MOMENTS_MAX`].
    pub fn moments(self) -> usize {
        match self {
            Rule::Sgd { .. } => 0,
            Rule::Momentum(_) | Rule::Nesterov(_) | Rule::Adagrad(_) => 1,
            Rule::RmsProp(step) => 1 + usize::from(step.momentum != 0.0),
            Rule::Adam(_) | Rule::Rprop(_) => 2,
        }
    }
}

/// What is done to the gradient before a [`Rule`] sees it: g ← min(max(s g, −c), c) + λ θ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shaping {
    /// s: below 1 where the norm is clipped.
    pub scale: f32,
    /// c: clips each element; infinite where none is clipped.
    pub limit: f32,
    /// λ: the weights' decay as the gradient of λ/2 |θ|².
    pub decay: f32,
}

impl Shaping {
    /// The gradient as it is.
    pub const NONE: Shaping = Shaping { scale: 1.0, limit: f32::INFINITY, decay: 0.0 };
}

/// One step over arrays of the same length: parameters, their gradient, and the moments that the rule keeps, in the
/// order that it names; the rest of them empty.
///
/// # Panics
/// If the lengths differ or are not a multiple of 16.
pub fn descend(
    isa: Isa,
    rule: Rule,
    shaping: Shaping,
    parameters: &mut [f32],
    gradient: &[f32],
    moments: [&mut [f32]; MOMENTS_MAX],
) {
    let n = parameters.len();
    assert!(n.is_multiple_of(LANES), "{n} parameters are not whole vectors of 16");
    let expected = [0, 1].map(|index| if index < rule.moments() { n } else { 0 });
    let found = [moments[0].len(), moments[1].len()];
    assert!(
        gradient.len() == n && found == expected,
        "gradient and moments must have {n} floats for {rule:?}: found {} and {found:?}",
        gradient.len()
    );
    let arrays = Arrays { parameters, gradient, moments };
    match rule {
        Rule::Sgd { rate } => arrays.run(isa, shaping, sgd::Sgd { rate }),
        Rule::Momentum(step) => arrays.run(isa, shaping, sgd::Momentum(step)),
        Rule::Nesterov(step) => arrays.run(isa, shaping, sgd::Nesterov(step)),
        Rule::RmsProp(step) if step.momentum == 0.0 => arrays.run(isa, shaping, rmsprop::Plain(step)),
        Rule::RmsProp(step) => arrays.run(isa, shaping, rmsprop::WithMomentum(step)),
        Rule::Adagrad(step) => arrays.run(isa, shaping, step),
        Rule::Adam(step) if step.decay == 0.0 => arrays.run(isa, shaping, adam::Plain(step)),
        Rule::Adam(step) => arrays.run(isa, shaping, adam::Decayed(step)),
        Rule::Rprop(step) => arrays.run(isa, shaping, step),
    }
}

/// A rule for sixteen parameters at a time.
trait Formula<const MOMENTS: usize>: Copy {
    /// The new parameters and moments.
    fn step<S: Simd>(self, s: S, theta: S::F, g: S::F, moments: [S::F; MOMENTS]) -> (S::F, [S::F; MOMENTS]);
}

struct Arrays<'a> {
    parameters: &'a mut [f32],
    gradient: &'a [f32],
    moments: [&'a mut [f32]; MOMENTS_MAX],
}

impl Arrays<'_> {
    /// Whether the gradient is shaped is decided here, outside the loop: most often it is not, and then no bit of it is
    /// touched.
    fn run<F: Formula<M>, const M: usize>(self, isa: Isa, shaping: Shaping, formula: F) {
        if shaping == Shaping::NONE {
            isa.run(Pass { arrays: self, shape: AsItIs, formula });
        } else {
            isa.run(Pass { arrays: self, shape: shaping, formula });
        }
    }
}

trait Shape: Copy {
    /// The gradient that the rule sees.
    fn shape<S: Simd>(self, s: S, theta: S::F, g: S::F) -> S::F;
    /// The new parameters, as they are stored.
    fn settle<S: Simd>(self, s: S, theta: S::F) -> S::F;
}

#[derive(Clone, Copy)]
struct AsItIs;

impl Shape for AsItIs {
    #[inline(always)]
    fn shape<S: Simd>(self, _: S, _: S::F, g: S::F) -> S::F {
        g
    }
    #[inline(always)]
    fn settle<S: Simd>(self, _: S, theta: S::F) -> S::F {
        theta
    }
}

impl Shape for Shaping {
    #[inline(always)]
    fn shape<S: Simd>(self, s: S, theta: S::F, g: S::F) -> S::F {
        let scaled = s.mul(s.splat(self.scale), g);
        let clipped = s.at_least(s.at_most(scaled, s.splat(self.limit)), s.splat(-self.limit));
        vanishing::gradient(s, s.mul_add(s.splat(self.decay), theta, clipped))
    }
    /// A weight that decays would become subnormal in time.
    #[inline(always)]
    fn settle<S: Simd>(self, s: S, theta: S::F) -> S::F {
        vanishing::gradient(s, theta)
    }
}

struct Pass<'a, H, F, const M: usize> {
    arrays: Arrays<'a>,
    shape: H,
    formula: F,
}

impl<H: Shape, F: Formula<M>, const M: usize> Kernel for Pass<'_, H, F, M> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Arrays { parameters, gradient, mut moments } = self.arrays;
        for (index, (theta, g)) in parameters.chunks_exact_mut(LANES).zip(gradient.chunks_exact(LANES)).enumerate() {
            let at = index * LANES;
            let old = s.load(theta);
            let g = self.shape.shape(s, old, s.load(g));
            let mut kept = [g; M];
            for (kept, moments) in kept.iter_mut().zip(&moments) {
                *kept = s.load(&moments[at..]);
            }
            let (new, kept) = self.formula.step(s, old, g, kept);
            for (kept, moments) in kept.into_iter().zip(&mut moments) {
                s.store(kept, &mut moments[at..]);
            }
            s.store(self.shape.settle(s, new), theta);
        }
    }
}
