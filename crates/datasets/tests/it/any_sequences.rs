//! Any set that a file can hold is read back the same, and no bytes make a reader panic.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::make::Folder;
use elman_datasets::SequenceSet;
use elman_datasets::sequences::{self, ColumnNames, Report};
use elman_formats::numpy::{Array, Values, write_npz};
use proptest::prelude::*;

/// Some features, and for each sequence its class and its values, of which each length holds as many as there are
/// features. About one in eight is missing.
#[derive(Debug, Clone)]
struct Sequences {
    features: usize,
    rows: Vec<(usize, Vec<f32>)>,
}

fn any_sequences() -> impl Strategy<Value = Sequences> {
    let value = prop_oneof![7 => any::<f32>().prop_filter("finite", |x| x.is_finite()), 1 => Just(f32::NAN)];
    (1..4_usize).prop_flat_map(move |features| {
        let values = (1..5_usize).prop_flat_map({
            let value = value.clone();
            move |steps| prop::collection::vec(value.clone(), steps * features)
        });
        let rows = prop::collection::vec((0..3_usize, values), 1..6);
        rows.prop_map(move |rows| Sequences { features, rows })
    })
}

impl Sequences {
    /// The set that a file of these is read as: classes in order, only those that occur.
    fn set(&self) -> SequenceSet {
        let mut classes: Vec<usize> = self.rows.iter().map(|(class, _)| *class).collect();
        classes.sort_unstable();
        classes.dedup();
        let place = |class: usize| classes.iter().position(|&other| other == class).unwrap();
        let mut offsets = vec![0];
        for (_, values) in &self.rows {
            offsets.push(offsets.last().unwrap() + values.len() / self.features);
        }
        SequenceSet {
            names: vec![String::new(); self.features],
            classes: classes.iter().map(|class| format!("class{class}")).collect(),
            centres: Vec::new(),
            report: Report::default(),
            values: self.rows.iter().flat_map(|(_, values)| values).copied().collect(),
            offsets,
            labels: Some(self.rows.iter().map(|(class, _)| place(*class)).collect()),
            step_labels: None,
            ids: None,
        }
    }

    fn ts(&self, missing: &str, end: &str) -> String {
        let mut text = format!("@classLabel true {}{end}@data{end}", self.set().classes.join(" "));
        for (class, values) in &self.rows {
            for feature in 0..self.features {
                let series = values.iter().skip(feature).step_by(self.features);
                let series: Vec<String> = series.map(|value| cell(*value, missing)).collect();
                write!(text, "{}:", series.join(",")).unwrap();
            }
            write!(text, "class{class}{end}").unwrap();
        }
        text
    }

    /// The steps in the order of `shuffle`.
    fn table(&self, separator: &str, end: &str, shuffle: u64) -> String {
        let mut lines = Vec::new();
        for (row, (class, values)) in self.rows.iter().enumerate() {
            for (step, values) in values.chunks(self.features).enumerate() {
                let mut cells = vec![format!("\"row {row}\""), (step * 3).to_string(), format!("class{class}")];
                cells.extend(values.iter().map(|value| cell(*value, "")));
                // Sequences appear in their order: their first steps do.
                let key = if step == 0 { 0 } else { shuffle.wrapping_mul(2 * lines.len() as u64 + 1) | 1 };
                lines.push((key, cells.join(separator)));
            }
        }
        lines.sort_by_key(|(key, _)| *key);
        let mut header = ["id", "time", "label"].map(str::to_owned).to_vec();
        header.extend((0..self.features).map(|feature| format!("feature {feature}")));
        let lines = lines.into_iter().map(|(_, line)| line + end);
        header.join(separator) + end + &lines.collect::<String>()
    }

    fn arrays(&self) -> BTreeMap<String, Array> {
        let lengths: Vec<usize> = self.rows.iter().map(|(_, values)| values.len() / self.features).collect();
        let steps = lengths.iter().copied().max().unwrap();
        let mut x = Vec::new();
        for (_, values) in &self.rows {
            x.extend_from_slice(values);
            x.resize(x.len().next_multiple_of(steps * self.features), f32::INFINITY);
        }
        let n = self.rows.len();
        let labels = self.rows.iter().map(|(class, _)| format!("class{class}")).collect();
        let lengths = lengths.into_iter().map(|length| length as i64).collect();
        [
            ("x", Array { shape: vec![n, steps, self.features], values: Values::F32(x) }),
            ("y", Array { shape: vec![n], values: Values::Text(labels) }),
            ("lengths", Array { shape: vec![n], values: Values::I64(lengths) }),
        ]
        .map(|(name, array)| (name.to_owned(), array))
        .into()
    }
}

fn cell(value: f32, missing: &str) -> String {
    if value.is_nan() { missing.to_owned() } else { value.to_string() }
}

/// Equal in all but the names. Values are the same in their bits, but that one NaN is as good as another, and that what is
/// kept as a difference from a centre is the same when both are added.
fn same(a: &SequenceSet, b: &SequenceSet) -> bool {
    let whole = |set: &SequenceSet, at: usize| {
        let centre = set.centre(at % set.features());
        (centre != 0.0, f64::from(set.values[at]) + centre)
    };
    let equal = |at: usize| match (whole(a, at), whole(b, at)) {
        ((_, x), (_, y)) if x.is_nan() || y.is_nan() => x.is_nan() && y.is_nan(),
        ((false, _), (false, _)) => a.values[at].to_bits() == b.values[at].to_bits(),
        // Numbers below the smallest normal one are as far apart as the smallest of all is large.
        ((_, x), (_, y)) => (x - y).abs() <= (f64::from(f32::EPSILON) * y.abs()).max(f64::from(f32::from_bits(1))),
    };
    let rest = |set: &SequenceSet| (set.features(), set.classes.clone(), set.offsets.clone(), set.labels.clone());
    rest(a) == rest(b) && a.values.len() == b.values.len() && (0..a.values.len()).all(equal)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_set_is_read_back_the_same(
        sequences in any_sequences(),
        missing in prop::sample::select(vec!["?", "NaN"]),
        separator in prop::sample::select(vec![",", ";", "\t"]),
        end in prop::sample::select(vec!["\n", "\r\n"]),
        shuffle in any::<u64>(),
    ) {
        let folder = Folder::new()
            .with("x.ts", sequences.ts(missing, end).as_bytes())
            .with("x.csv", sequences.table(separator, end, shuffle).as_bytes());
        write_npz(&folder.file("x.npz"), &sequences.arrays()).unwrap();
        // Between semicolons points might part thousands.
        let settings = ColumnNames { decimal: Some('.'), ..ColumnNames::default() };
        for name in ["x.ts", "x.csv", "x.npz"] {
            let read = sequences::load(&folder.file(name), &settings).unwrap();
            prop_assert!(same(&read, &sequences.set()), "{name}");
        }
    }

    /// Bytes at random, and good files with some bytes changed, put in or taken out. A file gives what its bytes give.
    #[test]
    fn any_damage_is_refused_in_words_or_read_as_a_set(
        sequences in any_sequences(),
        noise in prop::collection::vec(any::<u8>(), 1..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<u8>()), 1..6),
    ) {
        let ts = sequences.ts("?", "\n").into_bytes();
        let csv = sequences.table(",", "\n", 1).into_bytes();
        for mut bytes in [ts, csv, noise] {
            for (at, how, byte) in &changes {
                let at = at.index(bytes.len());
                // Mostly bytes that mean something.
                let byte = b"\0\n\r\",:;?@-.0e9\t \xc3"[usize::from(*byte) % 17];
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ if bytes.len() > 1 => drop(bytes.remove(at)),
                    _ => {}
                }
            }
            let folder = Folder::new().with("x.ts", &bytes).with("x.csv", &bytes).with("x.npz", &bytes);
            for name in ["x.ts", "x.csv", "x.npz"] {
                let read = sequences::load(&folder.file(name), &ColumnNames::default());
                let parsed = sequences::parse(name, &bytes, &ColumnNames::default());
                prop_assert_eq!(read.is_ok(), parsed.is_ok());
                match (read, parsed) {
                    (Ok(set), Ok(parsed)) => {
                        prop_assert!(same(&set, &parsed));
                        // What is read is a set.
                        prop_assert_eq!(set.values.len(), set.offsets[set.len()] * set.features());
                        prop_assert!((0..set.len()).all(|row| set.length(row) > 0));
                        let labels = set.labels.iter().flatten();
                        prop_assert!(labels.copied().all(|label| label < set.classes.len()));
                    }
                    (read, _) => prop_assert!(read.unwrap_err().to_string().contains(name)),
                }
            }
        }
    }
}
