//! Sixteen `f32` at a time, on whatever the processor has.
//!
//! A kernel is written once, generic over [`Simd`], and compiled once for each instruction set. [`Isa`] names the
//! sets; [`Isa::best`] finds the widest that this processor runs. A set is a file here and a line in `instruction_sets!`.
//! All `unsafe` of vector code lives in this folder.

#[allow(dead_code, reason = "a processor may have every set")]
mod absent;
mod block;
mod tiles;

pub(crate) use block::{Left, Right, multiply};
pub(crate) use tiles::Tiles;

use std::fmt;

/// Floats in one vector, and columns in one panel of weights.
pub const LANES: usize = 16;

/// Declares the sets: [`Isa`], and for each the module that has its `Set`, of one name with it.
///
/// A module has `Set`, which `detect`s whether the processor has it and `vectorize`s a kernel ([`absent::Absent`] stands
/// for one of another family of processors), and `FUSES`: whether a multiplication and the addition behind it are
/// rounded once.
macro_rules! instruction_sets {
    ($($(#[$doc:meta])* $variant:ident in $module:ident;)+) => {
        $(mod $module;)+

        /// An instruction set that kernels are compiled for.
        ///
        /// Results are bit-identical for one set, whatever the number of threads. The sets that fuse a multiplication with
        /// the addition behind it, all but [`Isa::Portable`] and [`Isa::Simd128`], give the same bits too; so do those two,
        /// which round twice and may differ from the others in the last bit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Isa {
            $($(#[$doc])* $variant,)+
        }

        impl Isa {
            /// Every set, from the plainest to the widest, whether this processor has it or not.
            pub const ALL: [Isa; [$(Isa::$variant),+].len()] = [$(Isa::$variant),+];

            /// Whether this processor runs the set.
            pub fn is_available(self) -> bool {
                match self {
                    $(Isa::$variant => $module::Set::detect().is_some(),)+
                }
            }

            /// Whether a multiplication and the addition behind it are rounded once: such sets give the same bits.
            pub fn fuses(self) -> bool {
                match self {
                    $(Isa::$variant => $module::FUSES,)+
                }
            }

            /// The name used on the command line and in files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Isa::$variant => stringify!($module),)+
                }
            }

            /// Runs `kernel`, compiled for this set.
            ///
            /// # Panics
            /// If this processor does not have the set.
            #[inline]
            pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
                match self {
                    $(Isa::$variant => match $module::Set::detect() {
                        Some(set) => set.vectorize(kernel),
                        None => self.refuse(),
                    },)+
                }
            }
        }
    };
}

// From the plainest to the widest.
instruction_sets! {
    /// Plain Rust, no instruction beyond the target's baseline. Runs everywhere.
    Portable in portable;
    /// WebAssembly's SIMD128: browsers since 2021 to 2023. It is chosen when a module is compiled.
    Simd128 in simd128;
    /// NEON: every 64-bit ARM processor.
    Neon in neon;
    /// AVX2 and FMA: x86-64 processors since 2013.
    Avx2 in avx2;
    /// AVX-512 F: x86-64 servers since 2017, AMD's since Zen 4.
    Avx512 in avx512;
}

impl Isa {
    /// The widest set of this processor.
    pub fn best() -> Isa {
        Isa::ALL.into_iter().rev().find(|isa| isa.is_available()).unwrap_or(Isa::Portable)
    }

    /// The sets of this processor, the plainest first.
    pub fn available() -> impl Iterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// Whether the processor multiplies pieces of bf16 by a unit of its own, with this set.
    pub fn has_tiles(self) -> bool {
        struct Ask;
        impl Kernel for Ask {
            type Output = bool;
            #[inline(always)]
            fn run<S: Simd>(self, s: S) -> bool {
                s.tiles().is_some()
            }
        }
        self.run(Ask)
    }

    /// The set of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Isa> {
        Isa::ALL.into_iter().find(|isa| isa.name() == name)
    }

    #[cold]
    fn refuse(self) -> ! {
        panic!("this processor does not have the instruction set {self}")
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Work to be compiled for each instruction set. `run` and all that it calls must be `#[inline(always)]`, or the
/// compiler leaves it outside the function that may use the set's instructions.
pub(crate) trait Kernel {
    /// What the work returns.
    type Output;

    /// Does the work with the vectors of `s`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// Vectors of sixteen `f32` of one instruction set. A value of the type is the proof that the processor has it.
pub(crate) trait Simd: Copy {
    /// Sixteen floats.
    type F: Copy;

    /// Rows of a block of the product whose accumulators just fit the registers: 2 to 8.
    const ROWS: usize;
    /// Panels of such a block: 1 or 2.
    const PANELS: usize;

    /// Registers of a vector.
    const REGISTERS: usize;
    /// Vectors of the loop that measures the peak: twelve registers or more, and as many as leave room for its constants.
    const PEAK_VECTORS: usize;

    /// Sixteen times `x`.
    fn splat(self, x: f32) -> Self::F;
    /// The first sixteen of `from`. Panics if there are fewer.
    fn load(self, from: &[f32]) -> Self::F;
    /// Over the first sixteen of `to`. Panics if there are fewer.
    fn store(self, v: Self::F, to: &mut [f32]);
    /// `a b + c`, rounded once where the set can.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `a + b`
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a b`
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// The square root.
    fn sqrt(self, a: Self::F) -> Self::F;
    /// The smaller of the two, and NaN where `a` is NaN.
    fn at_most(self, a: Self::F, limit: Self::F) -> Self::F;
    /// The larger of the two, and NaN where `a` is NaN.
    fn at_least(self, a: Self::F, limit: Self::F) -> Self::F;
    /// `a` where `sign > 0`, else 0.
    fn where_positive(self, sign: Self::F, a: Self::F) -> Self::F;

    /// `a` where its magnitude is at least `least`, or it is NaN; else 0.
    fn fade(self, a: Self::F, least: Self::F) -> Self::F;

    /// `a` as a bf16: rounded to 8 bits of significand, to the nearest, ties to even. NaN may become anything.
    fn to_bf16(self, a: Self::F) -> Self::F;

    /// Lane by lane: `a` where the lane's bit is set, else `b`. Lane 0 is the lowest bit.
    fn select(self, bits: u16, a: Self::F, b: Self::F) -> Self::F;

    /// The sum of the lanes, added in a fixed order.
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(a, &mut lanes);
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
            width /= 2;
        }
        lanes[0]
    }

    /// The processor's unit for products of bf16 pieces, if it has one.
    #[inline(always)]
    fn tiles(self) -> Option<Tiles> {
        None
    }

    /// Runs `kernel` where the compiler may use the set's instructions.
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output;
}
