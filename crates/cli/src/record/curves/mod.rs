//! `curves.svg`: the loss and the accuracy of a run by step, one above the other.
//!
//! The faint line is what the training reports said, the strong one its moving mean; the dots are the validation set's,
//! one per epoch. A loss that spans more than a factor of [`LOG_FROM`](axes::LOG_FROM) gets a logarithmic axis; accuracy is shown from where
//! it is once the first steps are done. Where a loss is not finite the line has a gap, and the first such step is marked.

mod axes;
mod panel;
mod points;

use std::path::Path;

use plotters::style::text_anchor::HPos;

use self::axes::{INSET, accuracy_axis, inset, loss_axis};
use self::panel::{MARGIN, panel};
use self::points::Curves;
use crate::picture::canvas::{INK, PALE_INK, px, style, svg, text, write};
use crate::record::metrics::Row;
use crate::shown::digits::places;

/// The picture's size.
const SIZE: (u32, u32) = (900, 700);

/// Height of the title above the panels.
const HEADER: u32 = 44;
/// Draws the rows into the file, titled by its folder. `kept` is the epoch whose weights are the model's, where it is not
/// the last.
pub(crate) fn draw(path: &Path, rows: &[Row], kept: Option<u64>) -> anyhow::Result<()> {
    let title = path.parent().and_then(Path::file_name).map_or("Training".into(), |name| name.to_string_lossy());
    write(path, picture(&title, rows, kept))
}

/// The whole picture, as SVG.
fn picture(title: &str, rows: &[Row], kept: Option<u64>) -> anyhow::Result<String> {
    let curve = |value: fn(&Row) -> Option<f32>| {
        rows.iter().filter_map(|row| Some((row.step as f64, f64::from(value(row)?)))).collect::<Vec<_>>()
    };
    let loss = Curves { name: "loss", training: curve(|r| Some(r.loss)), validation: curve(|r| r.validation_loss) };
    let accuracy =
        Curves { name: "accuracy", training: curve(|r| r.accuracy), validation: curve(|r| r.validation_accuracy) };

    let kept = kept.and_then(|epoch| rows.iter().rfind(|row| row.epoch == epoch && row.validation_loss.is_some()));
    let place = kept.map(|row| (row.step as f64, row.epoch));

    svg(SIZE, |root| {
        text(root, title, (INSET, 26), HPos::Left, &style(20, INK))?;
        text(root, &summary(rows, kept), (SIZE.0 - MARGIN, 26), HPos::Right, &style(13, PALE_INK))?;
        let (_, panels) = root.split_vertically(px(HEADER));
        let last = rows.iter().map(|row| row.step).max().unwrap_or(0).max(1) as f64;
        if accuracy.finite().next().is_some() {
            let (upper, lower) = panels.split_vertically(px((SIZE.1 - HEADER) / 2));
            let axes = [loss_axis(&loss), accuracy_axis(&accuracy, last)];
            let left = axes.iter().map(inset).max().unwrap_or(INSET);
            let [of_loss, of_accuracy] = axes;
            panel(&upper, &loss, of_loss, left, last, place)?;
            panel(&lower, &accuracy, of_accuracy, left, last, place)
        } else {
            // The job has no accuracy.
            let axis = loss_axis(&loss);
            let left = inset(&axis);
            panel(&panels, &loss, axis, left, last, place)
        }
    })
}

/// Where the run stands, in a line; the figures are those of the weights that the model has.
fn summary(rows: &[Row], kept: Option<&Row>) -> String {
    let Some(last) = rows.last() else { return "no reports yet".to_owned() };
    let mut line = format!("epoch {}, step {}", last.epoch, last.step);
    if let Some(row) = kept {
        line += &format!("; kept: epoch {}", row.epoch);
    }
    let validated = || rows.iter().rev().find(|row| row.validation_loss.is_some());
    if let Some(row) = kept.or_else(validated) {
        let part = |name, value: Option<f32>| match value {
            Some(value) if value.is_finite() && value.abs() >= 1e4 => format!(", {name} {value:.2e}"),
            Some(value) => format!(", {name} {}", places(f64::from(value), 3)),
            None => String::new(),
        };
        line += &part("validation loss", row.validation_loss);
        line += &part("accuracy", row.validation_accuracy);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::points::{GROUPS_MAX, above, groups, smoothed};
    use super::*;
    use crate::picture::axis::Axis;

    const ROW: Row = Row {
        step: 1,
        epoch: 1,
        loss: 0.5,
        accuracy: Some(0.75),
        learning_rate: 0.001,
        grad_norm: 1.0,
        seconds: 0.0,
        validation_loss: None,
        validation_accuracy: None,
    };

    /// A run of so many reports, with a validation every 25.
    fn run(reports: u64, loss: impl Fn(u64) -> f32) -> Vec<Row> {
        let row = |step| {
            let loss = loss(step);
            let validation = (step % 25 == 0).then_some(loss);
            Row { step, loss, validation_loss: validation, validation_accuracy: validation.map(|_| 0.8), ..ROW }
        };
        (1..=reports).map(row).collect()
    }

    /// Every number in the attributes that place things.
    fn coordinates(svg: &str) -> impl Iterator<Item = i64> {
        let places = [" points=", " x=", " x1=", " x2=", " y=", " y1=", " y2=", " cx=", " cy="];
        let values =
            places.into_iter().flat_map(|name| svg.split(name).skip(1).map(|rest| rest.split('"').nth(1).unwrap()));
        values.flat_map(|value| value.split([' ', ',']).filter(|number| !number.is_empty()).map(|n| n.parse().unwrap()))
    }

    #[test]
    fn everything_stays_within_the_picture() {
        let nan_accuracy = |row: &Row| Row { accuracy: None, validation_accuracy: None, ..*row };
        let falling = run(100, |step| 2.3 / step as f32);
        let cases = [
            vec![],
            vec![ROW],
            vec![Row { validation_loss: Some(0.4), validation_accuracy: Some(0.5), ..ROW }],
            vec![Row { step: u64::MAX, ..ROW }],
            vec![Row { step: 0, ..ROW }],
            falling.iter().map(nan_accuracy).collect(),
            falling,
            run(100, |_| f32::NAN),
            run(100, |step| if step < 50 { 1.0 } else { f32::INFINITY }),
            run(100, |step| if step < 50 { f32::NEG_INFINITY } else { 1.0 }),
            run(100, |step| if step % 2 == 0 { f32::NAN } else { 1.0 }),
            run(100, |step| if step == 50 { f32::MAX } else { f32::MIN }),
            run(100, |step| if step == 50 { f32::MAX } else { f32::from_bits(1) }),
            run(100, |_| f32::MAX),
            run(100, |_| 0.7),
            run(100, |_| -0.7),
            run(100, |_| 0.0),
            run(100, |step| 1.0 + step as f32 * f32::EPSILON),
        ];
        for (number, rows) in cases.iter().enumerate() {
            let svg = picture("run", rows, None).unwrap();
            assert!(svg.starts_with("<svg width=\"900\" height=\"700\" viewBox=\"0 0 7200 5600\""), "case {number}");
            assert!(svg.trim_end().ends_with("</svg>"), "case {number}");
            let limit = i64::from(px(SIZE.0));
            assert!(coordinates(&svg).all(|at| (0..=limit).contains(&at)), "case {number}");
        }
    }

    #[test]
    fn a_long_run_makes_no_large_file_and_keeps_its_spikes() {
        let rows = run(100_000, |step| if step == 77_777 { 50.0 } else { 1.0 + 0.1 * (step % 7) as f32 });
        assert!(picture("run", &rows, None).unwrap().len() < 100_000);
        let points: Vec<_> = rows.iter().map(|row| (row.step as f64, f64::from(row.loss))).collect();
        let groups = groups(&points);
        assert!(groups.len() <= GROUPS_MAX);
        assert_eq!(groups.iter().filter(|group| group.max == 50.0).count(), 1);
    }

    #[test]
    fn the_mean_of_a_straight_line_is_that_line_and_gaps_stay() {
        let points: Vec<_> = (0..400).map(|i| (f64::from(i), f64::from(i))).collect();
        let mean = smoothed(&groups(&points));
        assert_eq!(mean[..395], points[..395]);

        let mut broken = points;
        broken[200].1 = f64::NAN;
        let mean = smoothed(&groups(&broken));
        assert_eq!(mean.iter().filter(|point| point.1.is_nan()).count(), 1);
        assert!(mean[200].1.is_nan());
    }

    #[test]
    fn the_picture_tells_where_a_loss_breaks() {
        let svg = picture("run", &run(100, |step| if step < 50 { 1.0 } else { f32::NAN }), None).unwrap();
        assert!(svg.contains("first loss that is not finite: step 50"));

        let whole = picture("run", &run(100, |_| 1.0), None).unwrap();
        assert!(!whole.contains("not finite"));
        // One value gone: the line is two, and the mark is one.
        let gap = picture("run", &run(100, |step| if step == 60 { f32::NAN } else { 1.0 }), None).unwrap();
        let lines = |svg: &str| svg.matches("<polyline").count();
        assert_eq!(lines(&gap), lines(&whole) + 2);
    }

    #[test]
    fn a_title_is_no_markup() {
        let svg = picture("<a> & \u{1b}b", &[ROW], None).unwrap();
        assert!(svg.contains("&lt;a&gt; &amp; b"));
    }

    #[test]
    fn the_file_is_the_picture_titled_by_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let run_dir = dir.path().join("mnist-rnn-1");
        std::fs::create_dir(&run_dir).unwrap();
        let path = run_dir.join("curves.svg");
        std::fs::write(&path, "<svg>old</svg>").unwrap();
        let rows = run(100, |step| 1.0 / step as f32);
        draw(&path, &rows, None).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert_eq!(svg, picture("mnist-rnn-1", &rows, None).unwrap());
        assert!(svg.contains("\nmnist-rnn-1\n"));

        std::fs::write(&path, "a model").unwrap();
        let error = draw(&path, &rows, None).unwrap_err().to_string();
        assert!(
            error.ends_with("curves.svg exists and is not a picture; choose another name, or remove it"),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"a model");

        let error = format!("{:#}", draw(&dir.path().join("none/curves.svg"), &rows, None).unwrap_err());
        assert!(error.starts_with("cannot write ") && error.contains("none/curves.svg: "), "{error}");
    }

    #[test]
    fn accuracy_is_shown_where_it_happens() {
        let risen = |step: u64| 1.0 - 0.9 / (1.0 + 0.2 * step as f32);
        let rows: Vec<Row> = run(1000, |_| 1.0)
            .into_iter()
            .map(|row| Row {
                accuracy: Some(risen(row.step)),
                validation_accuracy: row.validation_accuracy.map(|_| risen(row.step)),
                ..row
            })
            .collect();
        let curve = |of: fn(&Row) -> Option<f32>| {
            rows.iter().filter_map(|row| Some((row.step as f64, f64::from(of(row)?)))).collect::<Vec<_>>()
        };
        let of =
            Curves { name: "accuracy", training: curve(|r| r.accuracy), validation: curve(|r| r.validation_accuracy) };
        let axis = accuracy_axis(&of, 1000.0);
        assert!((0.93..0.97).contains(&axis.low) && (0.99..=1.0).contains(&axis.high), "{} {}", axis.low, axis.high);
        let svg = picture("run", &rows, None).unwrap();
        assert!(svg.contains("0.25 at step 1, below this axis"), "{svg}");
        let limit = i64::from(px(SIZE.0));
        assert!(coordinates(&svg).all(|at| (0..=limit).contains(&at)));
        // Where all are right, and numbers are long, the picture is wide enough for them.
        let flat = Curves { name: "accuracy", training: vec![(1.0, 1.0), (2.0, 0.9999)], validation: vec![] };
        assert!(accuracy_axis(&flat, 2.0).low < 0.9901);
        assert_eq!([Axis::linear(0.0, 1.0), Axis::linear(0.0, 1e-30)].map(|axis| inset(&axis)), [80, 95]);
        // Of a few reports all are seen, and of a job that is never good so is the top.
        let few = Curves { name: "accuracy", training: of.training[..10].to_vec(), validation: vec![] };
        assert!(accuracy_axis(&few, 10.0).low < 0.25);
        let poor = Curves { name: "accuracy", training: vec![(1.0, 0.2), (2.0, 0.4)], validation: vec![] };
        assert!(accuracy_axis(&poor, 2.0).high < 0.5);
    }

    #[test]
    fn lines_are_cut_where_they_leave_the_panel() {
        let line = [(0.0, 0.0), (1.0, 2.0), (2.0, 0.0), (3.0, f64::NAN), (4.0, 5.0)];
        assert_eq!(above(&line, 1.0), [vec![(0.5, 1.0), (1.0, 2.0), (1.5, 1.0)], vec![(4.0, 5.0)]]);
        assert_eq!(above(&line[..3], -1.0), [line[..3].to_vec()]);
        assert_eq!(above(&[], 0.0), Vec::<Vec<_>>::new());
    }

    #[test]
    fn the_figures_are_those_of_the_weights_that_are_kept() {
        let rows = [
            Row { step: 1, epoch: 1, validation_loss: Some(0.5), ..ROW },
            Row { step: 2, epoch: 2, validation_loss: Some(0.25), validation_accuracy: Some(0.9), ..ROW },
            Row { step: 3, epoch: 3, validation_loss: Some(0.75), ..ROW },
        ];
        let svg = picture("run", &rows, Some(2)).unwrap();
        assert!(svg.contains("epoch 3, step 3; kept: epoch 2, validation loss 0.250, accuracy 0.900"), "{svg}");
        assert_eq!(svg.matches("\nkept: epoch 2\n").count(), 2, "one in each panel");
        let svg = picture("run", &rows, None).unwrap();
        assert!(svg.contains("epoch 3, step 3, validation loss 0.750") && !svg.contains("kept"), "{svg}");
        // A loss that spans decades says so at its axis.
        assert!(picture("run", &run(100, |step| 1.0 / step as f32), None).unwrap().contains("\nloss (log)\n"));
    }
}
