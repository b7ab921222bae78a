//! Any series are read back the same from their table, and any damage to it is refused in words, or read as series.

use std::fmt::Write;

use elman_datasets::Error;
use elman_datasets::series::{Frequency, Reader, SeriesSet, Time, TimeFormat};
use proptest::prelude::*;

/// How times go on and are written, and the first of all.
type Grid = (Frequency, TimeFormat, Time);

/// Series on one grid: where each starts, in steps, and its rows: None where there is none, else target and covariates, NaN
/// where they are missing.
#[derive(Clone, Debug)]
struct Table {
    grid: Grid,
    covariates: usize,
    series: Vec<(i64, Vec<Option<Vec<f32>>>)>,
}

/// Grids of each kind, by a time and the next.
const GRIDS: [(&str, &str, &str); 9] = [
    ("2009-05-31", "2009-06-01", "daily"),
    ("2009/05/25", "2009/06/01", "weekly"),
    ("2009-05", "2009-06", "monthly"),
    ("2009Q2", "2009Q3", "quarterly"),
    ("1850", "1851", "yearly"),
    ("-17", "-14", "steps"),
    ("2009-05-31T13:00", "2009-05-31T14:00", "hourly"),
    ("2009-05-31 13:00:00+02:00", "2009-05-31 13:00:10+02:00", "seconds"),
    ("2009-05-31T13:00:00.000250Z", "2009-05-31T13:00:00.000500Z", "parts of seconds"),
];

/// What the reader sees in three times in a row.
fn grid(first: &str, second: &str) -> Grid {
    let text = format!("t,y\n{first},1\n{second},2\n");
    // A third row decides nothing of the form, only that there are enough.
    let times: Vec<Time> = [first, second].iter().map(|text| TimeFormat::recognise(text).unwrap().0).collect();
    let third = Time(times[1].0 + (times[1].0 - times[0].0));
    let format = TimeFormat::recognise(first).unwrap().1;
    let third = match (first.len(), format) {
        (4, TimeFormat::Step) => "1852".to_owned(),
        (_, TimeFormat::Quarter { .. }) => "2009Q4".to_owned(),
        (_, TimeFormat::Month { .. }) => "2009-07".to_owned(),
        _ => format.write(third),
    };
    let set = Reader::new("y").parse("grid", format!("{text}{third},3\n").as_bytes()).unwrap();
    (set.frequency, set.format, set.series[0].start)
}

fn table() -> impl Strategy<Value = Table> {
    let value = prop_oneof![7 => any::<f32>().prop_filter("finite", |x| x.is_finite()), 1 => Just(f32::NAN)];
    (0..GRIDS.len(), 0..3_usize).prop_flat_map(move |(index, covariates)| {
        let values = prop::collection::vec(value.clone(), 1 + covariates);
        let rows = prop::collection::vec(prop::option::weighted(0.8, values), 1..9);
        let series = prop::collection::vec((0..40_i64, rows), 1..4);
        let (first, second, _) = GRIDS[index];
        series.prop_map(move |mut series| {
            for (_, rows) in &mut series {
                // Every series has a first and a last row, and neighbours that show the grid; and a value that is known.
                let whole = || Some(vec![0.5; 1 + covariates]);
                rows.insert(0, whole());
                rows.splice(1..1, [whole(), whole()]);
                rows.push(whole());
                // Steps next to each other are in the majority: where they are not, the grid is another.
                let last = rows.len();
                rows.extend((0..last).map(|_| whole()));
            }
            Table { grid: grid(first, second), covariates, series }
        })
    })
}

impl Table {
    fn text(&self, missing: &str, separator: &str, end: &str, reversed: bool) -> String {
        let (frequency, format, start) = self.grid;
        let mut lines = Vec::new();
        for (id, (first, rows)) in self.series.iter().enumerate() {
            for (step, row) in rows.iter().enumerate() {
                let Some(row) = row else { continue };
                let time = frequency.after(start, first + step as i64).unwrap();
                let mut line = format!("series {id}{separator}{}", format.write(time));
                for value in row {
                    let value = if value.is_nan() { missing.to_owned() } else { value.to_string() };
                    write!(line, "{separator}{value}").unwrap();
                }
                lines.push(line);
            }
        }
        if reversed {
            // The series keep their order: their first rows stay.
            let firsts: Vec<String> = (0..self.series.len())
                .map(|id| {
                    lines.iter().find(|line| line.starts_with(&format!("series {id}{separator}"))).unwrap().clone()
                })
                .collect();
            lines.retain(|line| !firsts.contains(line));
            lines.reverse();
            lines.splice(0..0, firsts);
        }
        let mut header = vec!["id".to_owned(), "t".to_owned(), "y".to_owned()];
        header.extend((0..self.covariates).map(|index| format!("x{index}")));
        lines.insert(0, header.join(separator));
        lines.iter().flat_map(|line| [line, end]).collect()
    }

    fn reader(&self) -> Reader {
        Reader::new("y").id("id").time(["t"])
    }
}

/// Whether a value is the one of the table, kept as a difference from a centre.
fn same(value: f32, centre: f64, expected: Option<f32>) -> bool {
    match expected.filter(|expected| !expected.is_nan()) {
        None => value.is_nan(),
        Some(expected) if centre == 0.0 => value.to_bits() == expected.to_bits(),
        Some(expected) => {
            let (whole, expected) = (f64::from(value) + centre, f64::from(expected));
            (whole - expected).abs() <= f64::from(f32::EPSILON) * expected.abs()
        }
    }
}

/// What is read is series on a grid, and says of each time how the file writes it.
fn check(set: &SeriesSet) {
    assert!(!set.series.is_empty());
    for series in &set.series {
        assert!(series.steps() > 0 && series.covariates.len() == series.steps() * set.covariates.len());
        assert!(series.target.iter().any(|y| !y.is_nan()));
        for step in 0..series.steps() {
            assert!(set.time_text(series, step as i64).is_some());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_series_are_read_back_the_same(
        table in table(),
        missing in prop::sample::select(vec!["", "NaN", "na", "?", "null"]),
        separator in prop::sample::select(vec![",", ";", "\t"]),
        end in prop::sample::select(vec!["\n", "\r\n", "\n\n"]),
        reversed in any::<bool>(),
    ) {
        let text = table.text(missing, separator, end, reversed);
        let set = table.reader().parse("given", text.as_bytes()).unwrap();
        check(&set);
        let (frequency, format, start) = table.grid;
        prop_assert_eq!((set.frequency, set.format), (frequency, format));
        prop_assert_eq!(set.series.len(), table.series.len());
        for (id, (series, (first, rows))) in set.series.iter().zip(&table.series).enumerate() {
            prop_assert_eq!(&series.id, &format!("series {id}"));
            prop_assert_eq!(Some(series.start), frequency.after(start, *first));
            prop_assert_eq!(series.steps(), rows.len());
            for (step, row) in rows.iter().enumerate() {
                let expected = |column: usize| row.as_ref().map(|row| row[column]);
                prop_assert!(same(series.target[step], series.centre(), expected(0)));
                // A column without a number is no covariate; the first rows have all.
                for column in 0..table.covariates {
                    let value = series.covariates[step * table.covariates + column];
                    prop_assert!(same(value, series.covariate_centre(column), expected(1 + column)));
                }
            }
        }
        let gaps: usize = table.series.iter().map(|(_, rows)| rows.iter().filter(|row| row.is_none()).count()).sum();
        prop_assert_eq!(set.report.gaps, gaps);
    }

    #[test]
    fn a_damaged_table_is_refused_in_words_or_read(
        table in table(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, 0..24_usize), 1..6),
    ) {
        let mut bytes = table.text("", ",", "\n", false).into_bytes();
        for (at, how, byte) in changes {
            let at = at.index(bytes.len());
            let byte = b"\0\n\r\",;\t-+:.QTZ0199e?N\xc3\xa9 "[byte];
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        for reader in [table.reader(), Reader::new("y"), Reader::new("y").id("t"), Reader::new("x0").time(["id", "t"])] {
            match reader.parse("given", &bytes) {
                Ok(set) => check(&set),
                Err(Error::Series { fault, .. }) => prop_assert!(fault.to_string().len() > 20, "{fault}"),
                Err(error) => prop_assert!(error.to_string().contains("given"), "{error}"),
            }
        }
    }
}
