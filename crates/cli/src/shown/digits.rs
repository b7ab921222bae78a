//! Numbers for the eye: digits that count, whatever the size of a number.
//!
//! A fixed number of places shows 0.00000 where values are near 1e-9, and nine digits where they are near 1e9.

/// Digits of the largest of several numbers, of the distance between the least and the largest, and of each by itself.
const OF_LARGEST: i32 = 4;
const OF_SPREAD: i32 = 3;
const OF_EACH: i32 = 3;

/// Beyond so many digits of the largest there is only the rounding of 32 bits.
const MOST: i32 = 9;

/// Numbers of these sizes are written out; others have an exponent.
const WRITTEN_OUT: std::ops::Range<f64> = 1e-4..1e15;

/// How numbers that stand together are written: with the same last digit, unless that leaves too little of one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Digits {
    /// The power of ten of the last digit.
    last: i32,
}

impl Digits {
    /// For these numbers. What is not finite does not count.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let ends = numbers.into_iter().filter(|x| x.is_finite()).map(|x| (x, x));
        let Some((low, high)) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Digits { last: 0 } };
        let largest = exponent(low.abs().max(high.abs()));
        let spread = high - low;
        let last = (largest + 1 - OF_LARGEST).min(match spread > 0.0 && spread.is_finite() {
            true => exponent(spread) + 1 - OF_SPREAD,
            false => largest,
        });
        Digits { last: last.max(largest + 1 - MOST) }
    }

    /// A number as the others, with three digits at least.
    pub(crate) fn write(self, number: f64) -> String {
        if number == 0.0 {
            return "0".into();
        }
        if !number.is_finite() {
            return number.to_string();
        }
        let first = exponent(number);
        let last = self.last.min(first + 1 - OF_EACH);
        if WRITTEN_OUT.contains(&number.abs()) {
            format!("{number:.*}", (-last).max(0) as usize)
        } else {
            format!("{number:.*e}", (first - last).clamp(0, MOST - 1) as usize)
        }
    }
}

/// A number by itself, with four digits.
pub(crate) fn significant(number: f64) -> String {
    Digits::of([number]).write(number)
}

/// A number of 32 bits by itself, with the six digits that those hold for sure, but no zeros at its end.
pub(crate) fn of_32_bits(number: f32) -> String {
    const DIGITS: i32 = 6;
    let number = f64::from(number);
    let text = Digits { last: exponent(number) + 1 - DIGITS }.write(number);
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A number with so many places behind the point, or with an exponent where no digit of it would be seen.
pub(crate) fn places(number: f64, places: usize) -> String {
    if number != 0.0 && number.is_finite() && number.abs() < 10f64.powi(-(places as i32)) {
        return format!("{number:.2e}");
    }
    format!("{number:.places$}")
}

/// The power of ten of the first digit; 0 for 0.
fn exponent(number: f64) -> i32 {
    // The formatter is exact, where a logarithm may miss a power of ten.
    let text = format!("{number:e}");
    text.rsplit_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_by_hand() {
        let shown = [0.0, 107.73, 1.0, 89.57, 0.333_33, 1234.5, 123_456.7, 1e9, 1.234_56e-9, -0.000_012, 1e15, 1e-300];
        let expected = [
            "0",
            "107.7",
            "1.000",
            "89.57",
            "0.3333",
            "1234",
            "123457",
            "1000000000",
            "1.235e-9",
            "-1.200e-5",
            "1.000e15",
            "1.000e-300",
        ];
        assert_eq!(shown.map(significant), expected);
        let together = |numbers: &[f64]| {
            let digits = Digits::of(numbers.iter().copied());
            numbers.iter().map(|&x| digits.write(x)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(together(&[105.2, 98.65, 2.34567, 0.05]), "105.2 98.7 2.35 0.0500");
        // What differs is seen to differ.
        assert_eq!(together(&[10.0012, 10.0034]), "10.00120 10.00340");
        assert_eq!(together(&[1e9, 1e9 + 64.0]), "1000000000 1000000064");
        assert_eq!(together(&[1e-9, 2.5e-9, 0.0]), "1.000e-9 2.500e-9 0");
        assert_eq!(together(&[f64::NAN, f64::INFINITY, 1.0]), "NaN inf 1.000");
        assert_eq!(together(&[f64::MAX, f64::MIN]), "1.798e308 -1.798e308");
        assert_eq!([0.0987, 1e-7, 0.0, 2.0].map(|x| places(x, 3)), ["0.099", "1.00e-7", "0.000", "2.000"]);
    }

    #[test]
    fn numbers_of_32_bits_have_six_digits() {
        let numbers = [0.0, 1.5, -0.25, 123_456.7, 1_234_567.0, 1e-7, 0.000_123_456_7, 100.0, 0.1, 1e20];
        let expected =
            ["0", "1.5", "-0.25", "123457", "1234567", "1.00000e-7", "0.000123457", "100", "0.1", "1.00000e20"];
        assert_eq!(numbers.map(of_32_bits), expected);
    }

    /// A number of any size.
    fn any_size() -> impl Strategy<Value = f64> {
        (-1.0f64..1.0, -320i32..308).prop_map(|(part, power)| part * 10f64.powi(power))
    }

    proptest! {
        /// Of every number three digits are seen, beside whatever others it stands; and none takes a line.
        #[test]
        fn every_number_keeps_its_digits(numbers in prop::collection::vec(any_size(), 1..6)) {
            let digits = Digits::of(numbers.iter().copied());
            for &number in &numbers {
                let text = digits.write(number);
                let read: f64 = text.parse().unwrap();
                prop_assert!((read - number).abs() <= 0.005 * number.abs(), "{number:e} is written {text}");
                prop_assert!(text.len() <= 26, "{text}");
            }
            let alone = significant(numbers[0]);
            prop_assert!((alone.parse::<f64>().unwrap() - numbers[0]).abs() <= 0.0005 * numbers[0].abs(), "{alone}");
        }

        /// Numbers around another are told apart: a forecast's interval is seen, however far from 0 it is.
        #[test]
        fn what_differs_is_written_differently(centre in any_size(), spread in 1e-6f64..1.0, part in 0.02f64..1.0) {
            let step = centre.abs() * spread;
            prop_assume!(step.is_normal());
            let numbers = [centre, centre + part * step, centre + step];
            prop_assume!(numbers[0] < numbers[1] && numbers[1].is_finite());
            let digits = Digits::of(numbers);
            prop_assert_ne!(digits.write(numbers[0]), digits.write(numbers[1]));
        }
    }
}
