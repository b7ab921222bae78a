//! Numbers as tables write them: with a decimal point or comma, with thousands apart, as True and False; and what stands
//! for a value that is missing.

/// What stands for a missing value beside nothing at all, in any case.
const MISSING: [&str; 10] = ["nan", "-nan", "na", "n/a", "<na>", "#n/a", "null", "none", "?", "."];

/// Whether a cell holds no value.
pub(crate) fn is_missing(cell: &str) -> bool {
    cell.is_empty() || MISSING.iter().any(|missing| cell.eq_ignore_ascii_case(missing))
}

/// True as 1 and False as 0, in any case.
pub(crate) fn truth(cell: &str) -> Option<f64> {
    match cell.len() {
        4 if cell.eq_ignore_ascii_case("true") => Some(1.0),
        5 if cell.eq_ignore_ascii_case("false") => Some(0.0),
        _ => None,
    }
}

/// A decimal mark, and what parts thousands: a place in [`NOTATIONS`]. A table can have 2²⁰ columns, each with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notation(u8);

/// Every notation that is read, the plain one first: the decimal mark, and what parts thousands.
const NOTATIONS: [(char, Option<char>); 8] = [
    ('.', None),
    ('.', Some(',')),
    (',', None),
    (',', Some('.')),
    ('.', Some(' ')),
    (',', Some(' ')),
    ('.', Some('\'')),
    (',', Some('\'')),
];

impl Notation {
    /// As programs write numbers: `-1.5e3`.
    pub(crate) const PLAIN: Notation = Notation(0);

    /// The decimal mark, and what parts thousands.
    pub(crate) fn marks(self) -> (char, Option<char>) {
        NOTATIONS[usize::from(self.0)]
    }

    /// The finite number that a cell is.
    pub(crate) fn read(self, cell: &str) -> Option<f64> {
        if self == Self::PLAIN {
            return cell.parse().ok().filter(|number: &f64| number.is_finite());
        }
        let (decimal, thousands) = self.marks();
        let unsigned = cell.strip_prefix(['-', '+']).unwrap_or(cell);
        if unsigned.starts_with(['-', '+']) {
            return None;
        }
        let (whole, fraction) = unsigned.split_once(decimal).unwrap_or((unsigned, ""));
        let mut text = String::with_capacity(cell.len() + 1);
        text.extend(cell.starts_with('-').then_some('-'));
        match thousands {
            Some(mark) if whole.contains(|c| parts(c, mark)) => {
                let mut groups = whole.split(|c| parts(c, mark));
                let first = groups.next().filter(|first| (1..=3).contains(&first.len()) && !first.starts_with('0'))?;
                text.push_str(first);
                for group in groups {
                    text.push_str(Some(group).filter(|group| group.len() == 3)?);
                }
                if !text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
            }
            _ => text.push_str(whole),
        }
        if text.contains(['.', ',']) || fraction.contains(['.', ',']) {
            return None;
        }
        if unsigned.contains(decimal) {
            text.push('.');
            text.push_str(fraction);
        }
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    pub(crate) fn has_decimal_comma(self) -> bool {
        self.marks().0 == ','
    }

    /// In words; None of the plain one.
    pub(crate) fn words(self) -> Option<String> {
        let (decimal, thousands) = self.marks();
        let thousands = thousands.map(|mark| match mark {
            ' ' => "thousands between blanks".to_owned(),
            mark => format!("thousands between {mark:?}"),
        });
        match (decimal, thousands) {
            (',', None) => Some("decimal comma".into()),
            (',', Some(thousands)) => Some(format!("decimal comma, {thousands}")),
            (_, thousands) => thousands,
        }
    }
}

/// Whether a character is this mark between thousands. All blanks are one.
fn parts(c: char, mark: char) -> bool {
    c == mark || (mark == ' ' && matches!(c, '\u{a0}' | '\u{2009}' | '\u{202f}')) || (mark == '\'' && c == '’')
}

/// Notations in which a cell, or every cell of a column, is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notations(u8);

/// What the cells of a column leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Nothing.
    One(Notation),
    /// A comma that may be the decimal mark or part thousands.
    Ambiguous,
}

impl Notations {
    /// All: nothing is known yet.
    pub(crate) const ALL: Notations = Notations(0xff);
    /// Those in which a number with a point, and nothing else of the kind, is plain.
    const POINT: u8 = 0b0101_0011;
    const THOUSANDS_COMMA: u8 = 0b10;
    const DECIMAL_COMMA: u8 = 0b1010_1100;

    /// Those with these marks, where they are given. Without thousands: `Some(None)`.
    pub(crate) fn given(decimal: Option<char>, thousands: Option<Option<char>>) -> Self {
        let fits = |of: &(char, Option<char>)| {
            decimal.is_none_or(|mark| mark == of.0) && thousands.is_none_or(|mark| mark == of.1)
        };
        let bits = NOTATIONS.iter().enumerate().filter(|(_, of)| fits(of)).map(|(place, _)| 1 << place);
        Notations(bits.fold(0, |all, bit: u8| all | bit))
    }

    /// Those in which a cell is a number, and the number if it is a plain one.
    pub(crate) fn of(cell: &str) -> (Self, Option<f64>) {
        let plain = Notation::PLAIN.read(cell);
        let all = |allowed: &[u8]| cell.bytes().all(|byte| byte.is_ascii_digit() || allowed.contains(&byte));
        if plain.is_some() && all(b"+-") {
            return (Self::ALL, plain);
        }
        let with_point = plain.is_some() && all(b"+-.eE");
        let bits = if with_point { Self::POINT } else { u8::from(plain.is_some()) };
        let others = (1..NOTATIONS.len() as u8).filter(|place| bits & 1 << place == 0);
        let read = others.filter(|&place| Notation(place).read(cell).is_some()).map(|place| 1 << place);
        (Notations(read.fold(bits, |all, bit: u8| all | bit)), plain)
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Notations(self.0 & other.0)
    }

    /// Whether all cells are numbers in this notation too.
    pub(crate) fn has(self, notation: Notation) -> bool {
        self.0 & 1 << notation.0 != 0
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether a point that was read as the decimal mark may also part thousands.
    pub(crate) fn may_part_by_points(self) -> bool {
        self.0 & 0b1000 != 0
    }

    /// The notation of a column, all of whose cells are numbers in these; the plain one where it is among them.
    pub(crate) fn settle(self) -> Settled {
        let plain = self.0 & 1 != 0;
        if !plain && self.0 & Self::THOUSANDS_COMMA != 0 && self.0 & Self::DECIMAL_COMMA != 0 {
            return Settled::Ambiguous;
        }
        // Without a bit no cell is a number, and what the notation is does not matter.
        let place = self.0.trailing_zeros() as u8;
        Settled::One(if self.is_none() { Notation::PLAIN } else { Notation(place) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[&str]) -> Settled {
        cells.iter().fold(Notations::ALL, |all, cell| all.and(Notations::of(cell).0)).settle()
    }

    fn read(cells: &[&str]) -> Vec<f64> {
        let Settled::One(notation) = column(cells) else { panic!("{cells:?} are ambiguous") };
        cells.iter().map(|cell| notation.read(cell).unwrap_or_else(|| panic!("{cell:?}"))).collect()
    }

    #[test]
    fn a_column_shows_its_marks() {
        assert_eq!(read(&["1.5", "-2e3", "1.234"]), [1.5, -2000.0, 1.234]);
        assert_eq!(read(&["1,5", "-2", "10,257"]), [1.5, -2.0, 10.257]);
        assert_eq!(read(&["10,257", "1,234,567", "3"]), [10_257.0, 1_234_567.0, 3.0]);
        assert_eq!(read(&["10,257.5", "9,999"]), [10_257.5, 9_999.0]);
        assert_eq!(read(&["1.234,5", "-1.000"]), [1_234.5, -1_000.0]);
        assert_eq!(read(&["1.234.567", "1.234"]), [1_234_567.0, 1_234.0]);
        assert_eq!(read(&["1 234", "12\u{a0}345,5"]), [1_234.0, 12_345.5]);
        assert_eq!(read(&["1'234.5", "1’234"]), [1_234.5, 1_234.0]);
        assert_eq!(read(&["0,123"]), [0.123], "no thousands begin with 0");
        assert_eq!(read(&["1234,567"]), [1234.567], "a first group has at most three digits");
    }

    #[test]
    fn a_comma_before_three_digits_is_ambiguous_until_said() {
        assert_eq!(column(&["10,257", "9,345", "7"]), Settled::Ambiguous);
        let with =
            |decimal, thousands| match Notations::of("10,257").0.and(Notations::given(decimal, thousands)).settle() {
                Settled::One(notation) => notation.read("10,257"),
                Settled::Ambiguous => None,
            };
        assert_eq!(with(Some(','), None), Some(10.257));
        assert_eq!(with(Some('.'), None), Some(10_257.0));
        assert_eq!(with(None, Some(Some(','))), Some(10_257.0));
        assert_eq!(with(None, Some(None)), Some(10.257));
    }

    #[test]
    fn what_is_no_number() {
        for cell in [
            "1,23,456",
            "1,2345,678",
            "12.34.56",
            "1,5,5",
            "x",
            "inf",
            "1e999",
            "--1",
            "+-1,5",
            "++1 234",
            "1 2",
            "0x10",
            "1,2.3,4",
        ] {
            assert!(Notations::of(cell).0.is_none(), "{cell}");
        }
        assert!(Notations::of("1.5").0.and(Notations::of("1,5").0).is_none());
    }

    #[test]
    fn missing_values_and_truths() {
        assert!(["", "NaN", "NA", "n/a", "NULL", "None", "?", "<NA>", ".", "#N/A"].into_iter().all(is_missing));
        assert!(!["0", "-", "x", "nana"].into_iter().any(is_missing));
        assert_eq!(["True", "FALSE", "true", "yes", "1"].map(truth), [Some(1.0), Some(0.0), Some(1.0), None, None]);
    }
}
