//! Numbers that look as if they stood for missing values: -999, 9999 and the like, far from all others of their column.

use std::fmt;

/// What other programs write for a missing value: below all others, or above.
const USUAL: [f64; 10] = [-9.0, -99.0, -999.0, -9_999.0, -99_999.0, -999_999.0, 999.0, 9_999.0, 99_999.0, 999_999.0];

/// Most columns that are looked at.
const COLUMNS_MAX: usize = 1 << 12;

/// A number of a column that looks as if it stood for missing values.
#[derive(Clone, Debug, PartialEq)]
pub struct StandIn {
    /// The column.
    pub column: String,
    /// The number.
    pub value: f64,
    /// How often it is there.
    pub count: usize,
    /// The least and the largest of the others.
    pub others: (f64, f64),
}

impl Eq for StandIn {}

impl fmt::Display for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StandIn { column, value, count, others: (least, most) } = self;
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        write!(
            f,
            "column {column:?} has {value} {times}, and otherwise {least} to {most}: if it stands for a missing value, say \
             --missing-value={value}"
        )
    }
}

/// What the columns hold beside the usual numbers.
pub(crate) struct StandIns {
    /// Of each column.
    columns: Vec<Seen>,
}

#[derive(Clone)]
struct Seen {
    counts: [u32; USUAL.len()],
    /// Of all other numbers.
    others: (f64, f64),
}

impl StandIns {
    /// Of so many columns.
    pub(crate) fn new(columns: usize) -> Self {
        let none = Seen { counts: [0; USUAL.len()], others: (f64::INFINITY, f64::NEG_INFINITY) };
        StandIns { columns: vec![none; columns.min(COLUMNS_MAX)] }
    }

    /// The next number of a column, NaN where it is missing.
    pub(crate) fn push(&mut self, column: usize, number: f64) {
        let Some(seen) = self.columns.get_mut(column) else { return };
        let (least, most) = seen.others;
        // NaN is neither.
        if number >= least && number <= most {
            return;
        }
        match USUAL.iter().position(|&usual| usual == number) {
            Some(place) => seen.counts[place] = seen.counts[place].saturating_add(1),
            None => seen.others = (least.min(number), most.max(number)),
        }
    }

    /// Those that are further from all others than these are from each other, and on the other side of 0 where they are
    /// negative: the largest by size of each side.
    pub(crate) fn found(&self, names: &[String]) -> Vec<StandIn> {
        let mut found = Vec::new();
        for (seen, name) in self.columns.iter().zip(names) {
            let (least, most) = seen.others;
            if least > most {
                continue;
            }
            let far = |&value: &f64| match value < 0.0 {
                true => least >= 0.0 && least - value > most - least || value < least - 4.0 * (most - least),
                false => value - most > most - least && value > 4.0 * most.abs().max(least.abs()),
            };
            for (&value, &count) in USUAL.iter().zip(&seen.counts).filter(|(value, count)| **count > 0 && far(value)) {
                found.push(StandIn { column: name.clone(), value, count: count as usize, others: seen.others });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(numbers: &[f64]) -> Vec<(f64, usize)> {
        let mut all = StandIns::new(1);
        numbers.iter().for_each(|&number| all.push(0, number));
        all.found(&["x".to_owned()]).into_iter().map(|of| (of.value, of.count)).collect()
    }

    #[test]
    fn usual_numbers_far_from_all_others_are_found() {
        assert_eq!(found(&[-999.0, 3.0, f64::NAN, 5.0, -999.0, 7.0]), [(-999.0, 2)]);
        assert_eq!(found(&[-10.0, 20.0, -9999.0, 5.0]), [(-9999.0, 1)]);
        assert_eq!(found(&[3.0, 9999.0, 5.0]), [(9999.0, 1)]);
        // What may as well be a value is none.
        assert_eq!(found(&[-9.0, -8.0, -3.0, 4.0]), []);
        assert_eq!(found(&[-99.0, -80.0, 100.0]), []);
        assert_eq!(found(&[9999.0, 9800.0, 10_100.0]), []);
        assert_eq!(found(&[999.0, 200.0, 800.0]), []);
        assert_eq!(found(&[-999.0, -999.0]), []);
        assert_eq!(found(&[-9.0, 0.0, 1.0]), [(-9.0, 1)]);
    }
}
