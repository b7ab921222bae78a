//! The chart of a sweep: the share of the peak against each size that varies, a line for each cell.
//!
//! Where a size was measured several times, as in records of several sweeps, the median is drawn. A measurement
//! that was disturbed has no share: it is left out, and the chart says how many were.

use std::collections::BTreeMap;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::median::median;
use super::record::{Record, Varies};
use super::report::Report;
use crate::options::network::CELLS;
use crate::picture::axis::Axis;
use crate::picture::canvas::{
    Area, BLUE, GREEN, INK, PALE_INK, PINK, VERMILION, axes, px, stroke, style, svg, text, write,
};

/// The picture's size.
const SIZE: (u32, u32) = (960, 760);

/// Height of the title and the key above the panels.
const HEADER: u32 = 66;
/// From a panel's left edge to its lines, and from its top.
const INSET: (u32, u32) = (68, 24);
/// To the right of the lines.
const MARGIN: u32 = 20;

/// A share that is good: a line to see it by.
const GOOD: f64 = 0.6;

/// In the order of [`CELLS`].
const COLORS: [RGBColor; 4] = [BLUE, VERMILION, GREEN, PINK];

/// The panels, row by row.
const PANELS: [Varies; 4] = [Varies::Hidden, Varies::Batch, Varies::Steps, Varies::Threads];

/// Draws the records into the file.
pub(crate) fn draw(path: &Path, records: &[Record]) -> anyhow::Result<()> {
    write(path, picture(records))
}

/// The whole picture, as SVG.
fn picture(records: &[Record]) -> anyhow::Result<String> {
    svg(SIZE, |root| {
        header(root, records)?;
        let (_, panels) = root.split_vertically(px(HEADER));
        for (area, varies) in panels.split_evenly((2, 2)).iter().zip(PANELS) {
            panel(area, records, varies)?;
        }
        Ok(())
    })
}

/// The title, the key, and what does not vary.
fn header(root: &Area, records: &[Record]) -> anyhow::Result<()> {
    text(root, "Training: share of the processor's peak", (INSET.0, 26), HPos::Left, &style(20, INK))?;
    let mut left = INSET.0;
    let middle = |x: u32| (px(x) as i32, px(KEY) as i32);
    for (cell, color) in CELLS.into_iter().zip(COLORS) {
        if records.iter().any(|record| record.report.cell == cell) {
            root.draw(&PathElement::new([middle(left), middle(left + 24)], stroke(color, 2.2)))?;
            root.draw(&Circle::new(middle(left + 12), px(3), color.filled()))?;
            text(root, cell, (left + 30, KEY), HPos::Left, &style(13, INK))?;
            left += 30 + 7 * cell.len() as u32 + 24;
        }
    }
    let right = |line: &str, y: u32| text(root, line, (SIZE.0 - MARGIN, y), HPos::Right, &style(13, PALE_INK));
    let disturbed = records.iter().filter(|record| record.report.share_of_peak.is_none()).count();
    if disturbed > 0 {
        right(&format!("left out, disturbed: {disturbed} of {}", records.len()), 26)?;
    }
    right(&format!("base: {}", base(records)), KEY)
}

/// Middle of the line of the key.
const KEY: u32 = 54;

/// The sizes while another one varies, and on what.
fn base(records: &[Record]) -> String {
    let while_another = |size: &str, value: fn(&Report) -> usize| {
        let fixed = |record: &&Record| record.varies != Varies::SmallBatch && record.varies.size() != size;
        records.iter().find(fixed).map(|record| value(&record.report))
    };
    let sizes = [
        while_another("hidden", |report| report.hidden).map(|hidden| format!("hidden {hidden}")),
        while_another("batch", |report| report.batch).map(|batch| format!("batch {batch}")),
        while_another("steps", |report| report.steps).map(|steps| format!("{steps} steps")),
        while_another("input", |report| report.input).map(|input| format!("input {input}")),
        while_another("threads", |report| report.threads).map(|threads| format!("{threads} threads")),
        records.first().map(|record| record.report.isa.clone()),
    ];
    sizes.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// One panel: axes, the line of what is good, a line for each cell.
fn panel(area: &Area, records: &[Record], varies: Varies) -> anyhow::Result<()> {
    // The threads of the small batch go beside those of the base.
    let groups: &[Varies] = if varies == Varies::Threads { &[Varies::SmallBatch, varies] } else { &[varies] };
    let sizes = records.iter().filter(|record| groups.contains(&record.varies));
    let sizes = sizes.map(|record| (varies.of(&record.report), varies.of(&record.report)));
    let Some((low, high)) = sizes.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        let (none, middle) = (format!("{}: not measured", varies.size()), (SIZE.0 / 4, (SIZE.1 - HEADER) / 4));
        return text(area, &none, middle, HPos::Center, &style(13, PALE_INK));
    };
    let (low, high) = (low as f64, high as f64);
    let axis = if varies == Varies::Threads { Axis::whole(low, high) } else { Axis::octaves(low, high) };
    let ends = [(axis.low, GOOD), (axis.high, GOOD)];
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(INSET.1))
        .margin_right(px(MARGIN))
        .margin_bottom(px(8))
        .margin_left(px(8))
        .x_label_area_size(px(42))
        .y_label_area_size(px(INSET.0 - 8))
        .build_cartesian_2d(axis, Axis::linear(0.0, 1.0))?;
    axes(&mut chart, varies.size(), "share of peak")?;
    chart.draw_series([PathElement::new(ends, stroke(PALE_INK, 1.0))])?;
    for &group in groups {
        for (cell, color) in CELLS.into_iter().zip(COLORS) {
            let points = points(records, group, cell);
            let line = points.iter().map(|&(size, share)| (size, share.min(1.0)));
            if group == Varies::SmallBatch {
                let dashes = DashedLineSeries::new(line.clone(), px(6), px(4), stroke(color, 1.6));
                chart.draw_series(dashes)?;
            } else {
                chart.draw_series(LineSeries::new(line.clone(), stroke(color, 2.2)))?;
            }
            chart.draw_series(line.map(|point| Circle::new(point, px(3), color.filled())))?;
        }
    }
    let small =
        records.iter().find(|record| groups.contains(&Varies::SmallBatch) && record.varies == Varies::SmallBatch);
    if let Some(Record { report, .. }) = small {
        let note = format!("dashed: batch {}, hidden {}", report.batch, report.hidden);
        text(area, &note, (SIZE.0 / 2 - MARGIN, INSET.1 / 2), HPos::Right, &style(13, PALE_INK))?;
    }
    Ok(())
}

/// Sizes and shares of a cell in a group, by size.
fn points(records: &[Record], group: Varies, cell: &str) -> Vec<(f64, f64)> {
    let mut shares: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.varies == group && record.report.cell == cell) {
        if let Some(share) = record.report.share_of_peak {
            shares.entry(group.of(&record.report)).or_default().push(share);
        }
    }
    shares.into_iter().map(|(size, shares)| (size as f64, median(shares))).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record of a cell where `varies` has the size.
    pub(crate) fn record(varies: Varies, cell: &str, size: usize, share: f64) -> Record {
        let mut report = Report {
            cell: cell.into(),
            batch: 128,
            steps: 28,
            input: 28,
            hidden: 128,
            threads: 2,
            network: format!("{cell} 28 → 128"),
            lengths: "full".into(),
            isa: "avx2".into(),
            arithmetic: elman::Arithmetic::F32,
            unit_peak_gflops: None,
            share_of_unit_peak: None,
            train_step_ms: 3.0,
            element_ns: 837.0,
            train_gflops: 100.0 * share,
            peak_gflops: 100.0,
            share_of_peak: Some(share),
            share_of_peak_best: Some(share),
            disturbed_share: None,
            infer_sequences_per_second: 123_456.0,
            stream_step_us: Some(1.0),
            stream_step_p99_us: None,
            vanishing_step_ms: None,
            vanishing_ratio: None,
        };
        match varies {
            Varies::Hidden => report.hidden = size,
            Varies::Batch => report.batch = size,
            Varies::Steps => report.steps = size,
            Varies::Threads => report.threads = size,
            Varies::SmallBatch => (report.batch, report.hidden, report.threads) = (4, 1024, size),
        }
        Record { varies, report }
    }

    #[test]
    fn the_picture_has_a_line_for_each_cell_and_the_sizes() {
        let mut records = Vec::new();
        for varies in Varies::ALL {
            for cell in CELLS {
                records.extend([1, 2, 4].map(|size| record(varies, cell, size, 0.1 * size as f64)));
            }
        }
        let svg = picture(&records).unwrap();
        for name in [
            "rnn",
            "lstm",
            "gru",
            "indrnn",
            "hidden (log)",
            "batch (log)",
            "steps (log)",
            "threads",
            "dashed: batch 4, hidden 1024",
        ] {
            assert!(svg.contains(&format!("\n{name}\n")), "{name}");
        }
        assert!(svg.contains("\nbase: hidden 128, batch 128, 28 steps, input 28, 2 threads, avx2\n"));
        // Three points a cell in five groups, and the dot of the key.
        assert_eq!(svg.matches("<circle").count(), CELLS.len() * (5 * 3 + 1));

        let one = picture(&records[..3]).unwrap();
        assert!(one.contains("\nrnn\n") && !one.contains("\nlstm\n"));
        assert!(
            one.contains("\nbatch: not measured\n")
                && one.contains("\nbase: batch 128, 28 steps, input 28, 2 threads, avx2\n")
        );
    }

    #[test]
    fn the_median_of_several_sittings_is_drawn() {
        let records = [0.2, 0.9, 0.3].map(|share| record(Varies::Batch, "gru", 8, share));
        assert_eq!(points(&records, Varies::Batch, "gru"), [(8.0, 0.3)]);
        assert_eq!(points(&records, Varies::Batch, "rnn"), []);
    }

    #[test]
    fn odd_sizes_and_shares_can_be_drawn() {
        for (size, share) in [(1, 0.0), (28, 1.0), (1 << 24, 1e300), (3, f64::MIN_POSITIVE)] {
            for varies in Varies::ALL {
                let svg = picture(&[record(varies, "lstm", size, share), record(varies, "lstm", 2, 0.5)]).unwrap();
                assert!(svg.trim_end().ends_with("</svg>"), "{size} {share}");
            }
        }
    }

    #[test]
    fn a_disturbed_measurement_is_left_out() {
        let svg = |share| {
            let Record { varies, report } = record(Varies::Batch, "gru", 8, share);
            let undisturbed = record(Varies::Batch, "gru", 16, 0.5);
            picture(&[Record { varies, report: report.judged() }, undisturbed]).unwrap()
        };
        let left_out = |svg: &str| svg.contains("\nleft out, disturbed: 1 of 2\n");
        assert!(left_out(&svg(1.03)) && !left_out(&svg(1.01)));
        assert_eq!(svg(1.03).matches("<circle").count() + 1, svg(1.01).matches("<circle").count());
    }
}
