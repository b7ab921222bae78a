//! The unit for products of bf16 pieces that Intel's processors have (AMX): eight tiles of 16 rows by 64 bytes.
//!
//! [`Unit::multiply`](crate::pieces::Unit::multiply) says what it computes; plain vectors give the same bits. An operating system
//! lends the tiles to a process that asks: Linux alone is asked here.
#![allow(unsafe_code)]

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) use amx::Tiles;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(crate) use none::Tiles;

/// Rows of a tile.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
const TILE: usize = 16;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx {
    use super::TILE;
    use crate::arithmetic::Pair;
    use crate::pieces::{BLOCK, Packed, Room, Scratch, Sums, Unit};
    use crate::simd::{LANES, Simd};
    use std::arch::asm;
    use std::arch::x86_64::__cpuid_count;
    use std::sync::OnceLock;

    /// Products of pieces of any arithmetic.
    const PAIRS_MAX: usize = 6;

    /// The proof that the processor has the tiles and the system lends them: made by `detect` alone.
    #[derive(Clone, Copy)]
    pub(crate) struct Tiles(());

    impl Tiles {
        /// The answer holds for the process: threads inherit the leave.
        #[inline]
        pub(crate) fn detect() -> Option<Self> {
            static FOUND: OnceLock<bool> = OnceLock::new();
            FOUND
                .get_or_init(|| cfg!(feature = "assume-tiles") || !cfg!(miri) && is_there() && is_lent())
                .then_some(Self(()))
        }
    }

    impl Tiles {
        /// Runs `rounds` rounds of four products of whole tiles, and returns their operations.
        pub(crate) fn peak(self, rounds: usize) -> f64 {
            if rounds > 0 {
                let shapes = shapes(TILE, TILE);
                // SAFETY: a `Tiles` exists only where the system lends tiles; these touch tiles alone, beside the shapes.
                unsafe {
                    asm!(
                        "ldtilecfg [{shapes}]",
                        "2:",
                        "tdpbf16ps tmm0, tmm4, tmm6",
                        "tdpbf16ps tmm1, tmm4, tmm7",
                        "tdpbf16ps tmm2, tmm5, tmm6",
                        "tdpbf16ps tmm3, tmm5, tmm7",
                        "dec {rounds}",
                        "jnz 2b",
                        "tilerelease",
                        shapes = in(reg) &raw const shapes,
                        rounds = inout(reg) rounds => _,
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                        out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                        options(nostack),
                    );
                }
            }
            (rounds * 4 * TILE * LANES * BLOCK * 2) as f64
        }
    }

    /// AMX-BF16 and AMX-TILE: CPUID leaf 7, EDX, bits 22 and 24.
    fn is_there() -> bool {
        // SAFETY: every 64-bit processor has CPUID; leaf 0 says how many leaves there are.
        #[allow(unused_unsafe)]
        let (leaves, features) = unsafe { (__cpuid_count(0, 0).eax, __cpuid_count(7, 0).edx) };
        leaves >= 7 && features >> 22 & 1 == 1 && features >> 24 & 1 == 1
    }

    /// Asks Linux for the tiles' state (`arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)`).
    fn is_lent() -> bool {
        const ARCH_PRCTL: i64 = 158;
        const REQUEST: u64 = 0x1023;
        const TILE_DATA: u64 = 18;
        let mut answer = ARCH_PRCTL;
        // SAFETY: a system call that takes two numbers and touches no memory of ours; `syscall` overwrites rcx and r11.
        unsafe {
            asm!("syscall", inlateout("rax") answer, in("rdi") REQUEST, in("rsi") TILE_DATA, out("rcx") _, out("r11") _,
                options(nostack));
        }
        answer == 0
    }

    /// What LDTILECFG reads: bytes of a row and rows, for each tile.
    #[repr(C, align(64))]
    struct Shapes {
        palette: u8,
        start: u8,
        reserved: [u8; 14],
        row_bytes: [u16; 16],
        rows: [u8; 16],
    }

    /// Sums in tiles 0 to 3 (two of rows by two of panels), of the left matrix 4 and 5, of the right one 6 and 7.
    fn shapes(upper: usize, lower: usize) -> Shapes {
        let mut rows = [0; 16];
        for (tile, of) in [upper, upper, lower, lower, upper, lower, TILE, TILE].into_iter().enumerate() {
            rows[tile] = of as u8;
        }
        // A tile without rows is none.
        let row_bytes = rows.map(|rows| if rows == 0 { 0 } else { 64 });
        Shapes { palette: 1, start: 0, reserved: [0; 14], row_bytes, rows }
    }

    /// Where the blocks of a pair of pieces begin: those of the upper tile of rows, and of the first panel.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct From {
        left: *const u16,
        right: *const u16,
    }

    /// The instructions of a block of the product. Whatever is not there (lower rows, a second panel) is left out.
    ///
    /// SAFETY, for callers: `$from` has `$pairs` > 0 places, each with `$blocks` > 0 blocks of all rows and panels behind it;
    /// `$sums` has room for all rows and panels; the processor has tiles, and the system has lent them.
    macro_rules! multiply {
        ($shapes:ident, $from:ident, $pairs:ident, $blocks:ident, $row:ident, $lower:ident, $panel:ident, $sums:ident:
            [$($zero:literal),*] [$($load:literal),*] [$($dot:literal),*] [$($store:literal),*]
        ) => {
            asm!(
                "/* {lower} {panel} are read where there are such */",
                "ldtilecfg [{a}]",
                "tilezero tmm0",
                $($zero,)*
                "2:",
                "mov {a}, qword ptr [{from}]",
                "mov {b}, qword ptr [{from} + 8]",
                "mov {left}, {blocks}",
                "3:",
                "tileloadd tmm4, [{a} + {row}*1]",
                "tileloadd tmm6, [{b} + {line}*1]",
                $($load,)*
                "tdpbf16ps tmm0, tmm4, tmm6",
                $($dot,)*
                "add {a}, 64",
                "add {b}, 1024",
                "dec {left}",
                "jnz 3b",
                "add {from}, 16",
                "dec {pairs}",
                "jnz 2b",
                "mov {line}, 128",
                "tilestored [{sums} + {line}*1], tmm0",
                $($store,)*
                "tilerelease",
                from = inout(reg) $from.as_ptr() => _,
                pairs = inout(reg) $pairs => _,
                blocks = in(reg) $blocks,
                row = in(reg) $row,
                // Bytes of a row of a tile of the right matrix; in the end, those of a row of sums.
                line = inout(reg) 64usize => _,
                // How far a second tile of rows or a second panel lies behind the first.
                lower = in(reg) $lower,
                panel = in(reg) $panel,
                sums = inout(reg) $sums => _,
                a = inout(reg) &raw const $shapes => _,
                b = out(reg) _,
                left = out(reg) _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            )
        };
    }

    impl<S: Simd> Unit<S> for Tiles {
        type Word = u16;
        const ROWS: usize = 2 * TILE;
        const PANELS: usize = 2;

        #[inline(always)]
        fn room(scratch: &mut Scratch) -> Room<'_, u16> {
            scratch.halves()
        }
        #[inline(always)]
        fn put_left(s: S, pieces: S::F, to: &mut [u16]) {
            let mut floats = [0.0; LANES];
            s.store(pieces, &mut floats);
            for (to, piece) in to[..LANES].iter_mut().zip(floats) {
                *to = (piece.to_bits() >> 16) as u16;
            }
        }
        /// Two rows of a panel, column by column: as TDPBF16PS reads them.
        #[inline(always)]
        fn put_right(s: S, even: S::F, odd: S::F, to: &mut [u16]) {
            let mut floats = [[0.0; LANES]; 2];
            s.store(even, &mut floats[0]);
            s.store(odd, &mut floats[1]);
            for (lane, to) in to[..2 * LANES].chunks_exact_mut(2).enumerate() {
                to[0] = (floats[0][lane].to_bits() >> 16) as u16;
                to[1] = (floats[1][lane].to_bits() >> 16) as u16;
            }
        }
        #[inline(always)]
        fn multiply(
            self,
            _: S,
            pairs: &[Pair],
            left: Packed<'_, u16>,
            right: Packed<'_, u16>,
            rows: usize,
            panels: usize,
            blocks: usize,
            _: bool,
            sums: &mut Sums,
        ) {
            if blocks > 0 && rows > 0 {
                multiply(self, pairs, left, right, rows, panels, blocks, sums);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a product: every size by its name")]
    fn multiply(
        _: Tiles,
        pairs: &[Pair],
        left: Packed<'_, u16>,
        right: Packed<'_, u16>,
        rows: usize,
        panels: usize,
        blocks: usize,
        sums: &mut Sums,
    ) {
        assert!(
            (1..=2 * TILE).contains(&rows) && (1..=2).contains(&panels) && blocks > 0,
            "{rows} rows, {panels} panels"
        );
        assert!((1..=PAIRS_MAX).contains(&pairs.len()), "{} products of pieces", pairs.len());
        let mut from = [From { left: std::ptr::null(), right: std::ptr::null() }; PAIRS_MAX];
        for (from, &(l, r)) in from.iter_mut().zip(pairs) {
            // The last row and the last panel of these pieces lie within their words.
            let left = &left.words[l * left.piece..][..(rows - 1) * left.step + blocks * BLOCK];
            let right = &right.words[r * right.piece..][..(panels - 1) * right.step + blocks * BLOCK * LANES];
            *from = From { left: left.as_ptr(), right: right.as_ptr() };
        }
        let (upper, lower_rows) = (rows.min(TILE), rows.saturating_sub(TILE));
        let shapes = shapes(upper, lower_rows);
        let pairs = pairs.len();
        // In bytes.
        let (row, panel) = (2 * left.step, 2 * right.step);
        let lower = TILE * row;
        const { assert!(size_of::<Sums>() == 2 * TILE * 128) };
        let sums = sums.as_mut_ptr().cast::<f32>();
        // SAFETY: the asserts and slices above; a `Tiles` exists only where the system lends tiles. `Sums` has 32 rows of two panels.
        unsafe {
            match (lower_rows > 0, panels > 1) {
                (false, false) => multiply!(shapes, from, pairs, blocks, row, lower, panel, sums:
                    [] [] [] []),
                (false, true) => multiply!(shapes, from, pairs, blocks, row, lower, panel, sums:
                    ["tilezero tmm1"]
                    ["add {b}, {panel}", "tileloadd tmm7, [{b} + {line}*1]", "sub {b}, {panel}"]
                    ["tdpbf16ps tmm1, tmm4, tmm7"]
                    ["tilestored [{sums} + {line}*1 + 64], tmm1"]),
                (true, false) => multiply!(shapes, from, pairs, blocks, row, lower, panel, sums:
                    ["tilezero tmm2"]
                    ["add {a}, {lower}", "tileloadd tmm5, [{a} + {row}*1]", "sub {a}, {lower}"]
                    ["tdpbf16ps tmm2, tmm5, tmm6"]
                    ["add {sums}, 2048", "tilestored [{sums} + {line}*1], tmm2"]),
                (true, true) => multiply!(shapes, from, pairs, blocks, row, lower, panel, sums:
                    ["tilezero tmm1", "tilezero tmm2", "tilezero tmm3"]
                    ["add {b}, {panel}", "tileloadd tmm7, [{b} + {line}*1]", "sub {b}, {panel}",
                     "add {a}, {lower}", "tileloadd tmm5, [{a} + {row}*1]", "sub {a}, {lower}"]
                    ["tdpbf16ps tmm1, tmm4, tmm7", "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7"]
                    ["tilestored [{sums} + {line}*1 + 64], tmm1", "add {sums}, 2048",
                     "tilestored [{sums} + {line}*1], tmm2", "tilestored [{sums} + {line}*1 + 64], tmm3"]),
            }
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod none {
    use crate::arithmetic::Pair;
    use crate::pieces::{Packed, Room, Scratch, Sums, Unit};
    use crate::simd::Simd;

    /// Never made: this processor has no such unit.
    #[derive(Clone, Copy)]
    pub(crate) enum Tiles {}

    impl Tiles {
        pub(crate) fn peak(self, _: usize) -> f64 {
            match self {}
        }
    }

    impl<S: Simd> Unit<S> for Tiles {
        type Word = u16;
        const ROWS: usize = 1;
        const PANELS: usize = 1;

        fn room(scratch: &mut Scratch) -> Room<'_, u16> {
            scratch.halves()
        }
        fn put_left(_: S, _: S::F, _: &mut [u16]) {}
        fn put_right(_: S, _: S::F, _: S::F, _: &mut [u16]) {}
        fn multiply(
            self,
            _: S,
            _: &[Pair],
            _: Packed<'_, u16>,
            _: Packed<'_, u16>,
            _: usize,
            _: usize,
            _: usize,
            _: bool,
            _: &mut Sums,
        ) {
            match self {}
        }
    }
}
