//! Masks are drawn at their rates, each unit by itself.

use elman_kernels::{LANES, draw_mask};

use crate::random::Random;

/// Words of a mask.
const WORDS: usize = 200_000;

/// A share of `count` is the expected one, within five standard deviations.
#[track_caller]
fn assert_share(case: &str, found: usize, count: usize, expected: f64) {
    let deviation = (expected * (1.0 - expected) / count as f64).sqrt();
    let share = found as f64 / count as f64;
    assert!((share - expected).abs() <= 5.0 * deviation, "{case}: {share}, not {expected} ± {deviation:.1e}");
}

#[test]
fn units_are_dropped_at_their_rate_each_by_itself() {
    for p in [1e-4f32, 0.01, 0.1, 0.25, 0.3, 0.5, 0.75, 0.999, 1.0] {
        let mut random = Random::new(p.to_bits().into());
        let mut words = vec![0u16; WORDS];
        draw_mask(p, &mut || random.next() as u32, &mut words);
        // The rate is met to 1/65,536; one that is nearly 1 is no more than that below it.
        let kept = 1.0 - (f64::from(p) * 65_536.0).round().min(65_535.0) / 65_536.0;
        let bit = |index: usize| words[index / LANES] >> (index % LANES) & 1 == 1;
        let units = WORDS * LANES;
        assert_share(&format!("p {p}, kept"), (0..units).filter(|&unit| bit(unit)).count(), units, kept);
        for lane in 0..LANES {
            let count = words.iter().filter(|&&word| word >> lane & 1 == 1).count();
            assert_share(&format!("p {p}, kept in lane {lane}"), count, WORDS, kept);
        }
        for apart in [1, 4, LANES] {
            let pairs: Vec<usize> = (0..units - apart).step_by(2 * apart).collect();
            let both = pairs.iter().filter(|&&unit| bit(unit) && bit(unit + apart)).count();
            assert_share(&format!("p {p}, kept both of two {apart} apart"), both, pairs.len(), kept * kept);
        }
    }
}

#[test]
fn nothing_is_dropped_at_rate_0() {
    let mut random = Random::new(1);
    let mut words = vec![0x5a5au16; 1000];
    draw_mask(0.0, &mut || random.next() as u32, &mut words);
    assert!(words.iter().all(|&word| word == u16::MAX));
}
