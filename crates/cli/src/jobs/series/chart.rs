//! The picture of a forecast: the end of each series, and the medians and intervals of forecasts over it.
//!
//! F steps of the horizon, Q levels.

use std::path::Path;

use elman::datasets::series::{Frequency, Series, SeriesSet};
use elman::series::{SeasonalNaive, point};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::picture::axis::Axis;
use crate::picture::canvas::{Area, BLUE, GREEN, INK, PALE_INK, axes, px, stroke, style, svg, text, write};
use crate::shown::amounts::thousands;

/// Most series of a picture.
pub(crate) const PANELS_MAX: usize = 4;

/// Horizons of history before the first forecast.
const HISTORY: usize = 8;

/// Height of a panel, alone and among others.
const HEIGHTS: [u32; 2] = [400, 240];
const WIDTH: u32 = 960;
/// Height of the title and the key.
const HEADER: u32 = 66;
/// From a panel's left edge to its axes.
const LEFT: u32 = 68;

/// How dark an interval is; they lie on each other.
const SHADE: f64 = 0.15;

/// Most intervals that the key names.
const NAMED_MAX: usize = 5;

/// What a picture is of.
pub(crate) struct About<'a> {
    pub(crate) title: &'a str,
    pub(crate) set: &'a SeriesSet,
    pub(crate) levels: &'a [f32],
    /// Steps of a season, of the naive forecast.
    pub(crate) season: usize,
}

/// A series and forecasts of it.
pub(crate) struct Panel<'a> {
    pub(crate) series: &'a Series,
    /// In the order of time.
    pub(crate) forecasts: Vec<Drawn>,
}

/// A forecast to draw.
pub(crate) struct Drawn {
    /// Its first step.
    step: usize,
    /// [F, Q]
    quantiles: Vec<f32>,
    /// The seasonal naive forecast from the same step `[F]`; empty where nothing is known before it.
    naive: Vec<f32>,
}

impl Drawn {
    /// With the naive forecast of the same steps.
    pub(crate) fn new(series: &Series, step: usize, quantiles: Vec<f32>, season: usize, levels: &[f32]) -> Self {
        let past = &series.target[..step];
        let naive = SeasonalNaive::new(past, season, levels, quantiles.len() / levels.len()).forecast(past);
        Drawn { step, quantiles, naive: naive.map_or_else(Vec::new, |(points, _)| points) }
    }
}

/// Draws the panels, one above the other: some of the `all` series there are.
pub(crate) fn draw(path: &Path, about: &About, panels: &[Panel], all: usize) -> anyhow::Result<()> {
    let height = HEIGHTS[usize::from(panels.len() > 1)];
    let picture = svg((WIDTH, HEADER + height * panels.len() as u32), |root| {
        text(root, about.title, (LEFT, 26), HPos::Left, &style(20, INK))?;
        if panels.len() < all {
            let count = format!("{} of {} series", panels.len(), thousands(all as u64));
            text(root, &count, (WIDTH - 22, 26), HPos::Right, &style(13, PALE_INK))?;
        }
        legend(root, about)?;
        let (_, mut rest) = root.split_vertically(px(HEADER));
        for one in panels {
            let (area, below) = rest.split_vertically(px(height));
            panel(&area, about, one)?;
            rest = below;
        }
        Ok(())
    });
    write(path, picture)
}

/// What lines and shades mean, below the title: each by its name.
fn legend(root: &Area, about: &About) -> anyhow::Result<()> {
    let middle = 52;
    let mut left = LEFT;
    let name = |left: &mut u32, words: &str| -> anyhow::Result<()> {
        text(root, words, (*left + 30, middle), HPos::Left, &style(13, INK))?;
        *left += 30 + 7 * words.chars().count() as u32 + 20;
        Ok(())
    };
    let line = |left: u32, color: RGBColor, width: f64| -> anyhow::Result<()> {
        let at = |x: u32| (px(x) as i32, px(middle) as i32);
        Ok(root.draw(&PathElement::new([at(left), at(left + 24)], stroke(color, width)))?)
    };
    line(left, INK, 1.4)?;
    name(&mut left, "observed")?;
    line(left, BLUE, 2.2)?;
    name(&mut left, "median")?;
    let intervals = intervals(about.levels);
    for (index, &(lower, upper)) in intervals.iter().take(NAMED_MAX).enumerate() {
        // As dark as they are with the wider ones below them.
        let shade = 1.0 - (1.0 - SHADE).powi(index as i32 + 1);
        let corner = |x: u32, y: u32| (px(x) as i32, px(y) as i32);
        let swatch = [corner(left, middle - 6), corner(left + 24, middle + 6)];
        root.draw(&Rectangle::new(swatch, BLUE.mix(shade).filled()))?;
        let percent = |place: usize| places_of(about.levels[place]);
        name(&mut left, &format!("{}–{}%", percent(lower), percent(upper)))?;
    }
    if intervals.len() > NAMED_MAX {
        text(root, "…", (left, middle), HPos::Left, &style(13, INK))?;
        left += 28;
    }
    for dash in 0..3 {
        let at = |x: u32| (px(x) as i32, px(middle) as i32);
        let from = left + 9 * dash;
        root.draw(&PathElement::new([at(from), at(from + 5)], stroke(GREEN, 1.8)))?;
    }
    let naive = if about.season > 1 { format!("naive, season {}", about.season) } else { "naive".into() };
    name(&mut left, &naive)
}

/// A level in percent: 2.5, 10.
fn places_of(level: f32) -> String {
    ((1000.0 * f64::from(level)).round() / 10.0).to_string()
}

/// Places of the lower and upper quantiles, the widest interval first: the outermost two, and so on inwards.
fn intervals(levels: &[f32]) -> Vec<(usize, usize)> {
    (0..levels.len() / 2).map(|lower| (lower, levels.len() - 1 - lower)).collect()
}

fn panel(area: &Area, about: &About, panel: &Panel) -> anyhow::Result<()> {
    let About { set, levels, .. } = *about;
    let Panel { series, forecasts } = panel;
    let horizon = |drawn: &Drawn| drawn.quantiles.len() / levels.len();
    let first = forecasts.iter().map(|drawn| drawn.step.saturating_sub(HISTORY * horizon(drawn))).min().unwrap_or(0);
    let last = forecasts.iter().map(|drawn| drawn.step + horizon(drawn) - 1).max().unwrap_or(0).max(series.steps() - 1);
    // Values are kept as differences from the centre of their series.
    let whole = |y: f32| series.centre() + f64::from(y);
    let values = series.target[first..]
        .iter()
        .chain(forecasts.iter().flat_map(|drawn| drawn.quantiles.iter().chain(&drawn.naive)));
    let extent = values.filter(|y| y.is_finite()).map(|&y| (whole(y), whole(y)));
    let (low, high) = extent.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 1.0));
    let room = if low < high { 0.06 * (high - low) } else { 0.1 * if low == 0.0 { 1.0 } else { low.abs() } };
    // What is never below 0 has its axis there.
    let bottom = if low >= 0.0 && low < room { 0.0 } else { low - room };
    let x = Axis::labelled(first as f64 - 0.5, last as f64 + 0.5, ticks(set, series, first, last));
    let named = if series.id.is_empty() { set.target.clone() } else { format!("{} {}", set.target, series.id) };
    let y = Axis::linear(bottom, high + room);
    // Numbers of many digits have their room.
    let beside = (LEFT - 8).max(8 * y.widest() as u32 + 28);
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(8))
        .margin_right(px(22))
        .margin_left(px(8))
        .margin_bottom(px(4))
        .x_label_area_size(px(26))
        .y_label_area_size(px(beside))
        .build_cartesian_2d(x, y)?;
    let name: String = named.chars().filter(|c| !c.is_control()).take(40).collect();
    axes(&mut chart, "", &name)?;

    for drawn in forecasts {
        let at = |h: usize, place: usize| ((drawn.step + h) as f64, whole(drawn.quantiles[h * levels.len() + place]));
        let steps = horizon(drawn);
        for (lower, upper) in intervals(levels) {
            let edge = (0..steps).map(|h| at(h, lower)).chain((0..steps).rev().map(|h| at(h, upper)));
            chart.draw_series([Polygon::new(edge.collect::<Vec<_>>(), BLUE.mix(SHADE).filled())])?;
        }
    }
    for known in lines(&series.target, first) {
        let known: Vec<_> = known.into_iter().map(|(step, y)| (step, series.centre() + y)).collect();
        if let [point] = known[..] {
            chart.draw_series([Circle::new(point, px(2), INK.filled())])?;
        }
        chart.draw_series(LineSeries::new(known, stroke(INK, 1.4)))?;
    }
    for drawn in forecasts {
        let naive: Vec<_> = drawn.naive.iter().enumerate().map(|(h, &y)| ((drawn.step + h) as f64, whole(y))).collect();
        if let [point] = naive[..] {
            chart.draw_series([Circle::new(point, px(3), stroke(GREEN, 1.6))])?;
        }
        chart.draw_series(DashedLineSeries::new(naive, px(5), px(4), stroke(GREEN, 1.8)))?;
        let rows = drawn.quantiles.chunks(levels.len()).enumerate();
        let median: Vec<_> = rows.map(|(h, row)| ((drawn.step + h) as f64, whole(point(levels, row)))).collect();
        chart.draw_series(LineSeries::new(median.clone(), stroke(BLUE, 2.2)))?;
        if median.len() == 1 {
            chart.draw_series(median.into_iter().map(|point| Circle::new(point, px(3), BLUE.filled())))?;
        }
        // Where the forecast was made.
        let origin = drawn.step as f64 - 0.5;
        chart.draw_series([PathElement::new([(origin, bottom), (origin, high + room)], stroke(PALE_INK, 0.8))])?;
    }
    Ok(())
}

/// The known values from a step on, a line for each stretch without a gap.
fn lines(values: &[f32], first: usize) -> Vec<Vec<(f64, f64)>> {
    let points = values.iter().enumerate().skip(first).map(|(step, &y)| (step as f64, f64::from(y)));
    let points: Vec<_> = points.collect();
    points.split(|(_, y)| y.is_nan()).filter(|line| !line.is_empty()).map(<[_]>::to_vec).collect()
}

/// About so many numbers stand below a panel.
const TICKS: usize = 7;

/// Places and names on the axis of time: whole years where steps are months and there are some years, or else every n-th
/// step as the file writes it.
fn ticks(set: &SeriesSet, series: &Series, first: usize, last: usize) -> Vec<(f64, String)> {
    let steps = last - first + 1;
    if let Frequency::Months { every, .. } = set.frequency {
        let years = steps as i64 * i64::from(every.get()) / 12;
        if years >= 3 {
            let every = [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|&every| years / every <= 10);
            let every = every.unwrap_or(1000);
            let year = |step: usize| set.time(series, step as i64).map(|time| time.civil().year);
            let begins = |&step: &usize| {
                let (before, now) = (set.time(series, step as i64 - 1), year(step));
                now.is_some_and(|now| now % every == 0 && before.is_some_and(|before| before.civil().year < now))
            };
            return (first..=last)
                .filter(begins)
                .filter_map(|step| Some((step as f64, year(step)?.to_string())))
                .collect();
        }
    }
    let every = steps.div_ceil(TICKS).max(1);
    let text = |step: usize| Some((step as f64, set.time_text(series, step as i64)?));
    (first + every / 2..=last).step_by(every).filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use elman::datasets::series::Reader;

    use super::*;

    #[test]
    fn lines_break_where_nothing_is_known() {
        let values = [9.0, 1.0, f32::NAN, 2.0, 3.0, f32::NAN];
        assert_eq!(lines(&values, 1), [vec![(1.0, 1.0)], vec![(3.0, 2.0), (4.0, 3.0)]]);
    }

    #[test]
    fn months_are_shown_by_years_and_days_as_they_are() {
        let parse = |text: &str| Reader::new("y").parse("a.csv", text.as_bytes()).unwrap();
        let months: String = (0..60).map(|m| format!("{}-{:02},1\n", 2000 + m / 12, m % 12 + 1)).collect();
        let set = parse(&format!("month,y\n{months}"));
        let names = |ticks: Vec<(f64, String)>| ticks.into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names(ticks(&set, &set.series[0], 6, 62)), ["2001", "2002", "2003", "2004", "2005"]);
        let set = parse("day,y\n2024-02-27,1\n2024-02-28,1\n2024-02-29,1\n");
        assert_eq!(names(ticks(&set, &set.series[0], 1, 4)), ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]);
    }

    #[test]
    fn intervals_are_nested() {
        assert_eq!(intervals(&[0.1, 0.3, 0.5, 0.7, 0.9]), [(0, 4), (1, 3)]);
        assert_eq!(intervals(&[0.5]), []);
    }

    #[test]
    fn the_picture_names_what_it_shows_and_counts_the_rest() {
        let rows: String = (0..30).map(|t| format!("{t},{}e-9\n", [1.0, 2.0, 4.0][t % 3] + t as f64 / 100.0)).collect();
        let set = Reader::new("y").parse("a.csv", format!("t,y\n{rows}").as_bytes()).unwrap();
        let levels = [0.025, 0.1, 0.5, 0.9, 0.975];
        let quantiles: Vec<f32> = (0..3).flat_map(|_| [1e-9, 2e-9, 3e-9, 4e-9, 5e-9]).collect();
        let drawn = |season| {
            let series = &set.series[0];
            let forecasts = vec![Drawn::new(series, 27, quantiles.clone(), season, &levels)];
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("f.svg");
            let about = About { title: "Forecast", set: &set, levels: &levels, season };
            draw(&path, &about, &[Panel { series, forecasts }], 190).unwrap();
            std::fs::read_to_string(path).unwrap()
        };
        let svg = drawn(3);
        for words in ["1 of 190 series", "observed", "median", "2.5–97.5%", "10–90%", "naive, season 3", "2e-9", "4e-9"]
        {
            assert!(svg.contains(&format!("\n{words}\n")), "no {words} in {svg}");
        }
        assert!(drawn(1).contains("\nnaive\n"));
        // The last season again, and the last value.
        let naive = |season| Drawn::new(&set.series[0], 27, quantiles.clone(), season, &levels).naive;
        assert_eq!(naive(3), set.series[0].target[24..27]);
        assert_eq!(naive(1), [set.series[0].target[26]; 3]);
    }
}
