//! The paper and the pens: an SVG file, written whole or not at all.
//!
//! Places are in pixels of the picture. Text is left to the program that shows the picture: no font is read, and the
//! same data gives the same bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use elman::formats::write_atomic;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;

/// `plotters` rounds to whole units of the canvas. So the canvas is this much finer than the picture, or lines would
/// have stairs.
pub(crate) const SCALE: u32 = 8;

pub(crate) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
pub(crate) const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
pub(crate) const GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
pub(crate) const PINK: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
pub(crate) const ALARM: RGBColor = RGBColor(0xb0, 0x10, 0x30);
pub(crate) const INK: RGBColor = RGBColor(0x26, 0x26, 0x26);
pub(crate) const PALE_INK: RGBColor = RGBColor(0x6b, 0x6b, 0x6b);
const AXIS: RGBColor = RGBColor(0x9a, 0x9a, 0x9a);
const GRID: RGBColor = RGBColor(0xe6, 0xe6, 0xe6);

/// A part of the picture.
pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A part of the picture with axes.
pub(crate) type Chart<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

/// A picture of `size` pixels, as SVG: what `paint` puts on a white ground.
pub(crate) fn svg(size: (u32, u32), paint: impl FnOnce(&Area) -> anyhow::Result<()>) -> anyhow::Result<String> {
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, (px(size.0), px(size.1))).into_drawing_area();
    root.fill(&WHITE)?;
    paint(&root)?;
    root.present()?;
    drop(root);
    let attributes = |(w, h): (u32, u32)| format!(r#"width="{w}" height="{h}""#);
    Ok(svg.replacen(&attributes((px(size.0), px(size.1))), &attributes(size), 1))
}

/// Writes the picture that `svg` gives. Who reads the file meanwhile sees the old picture or the new one, never a half. A file
/// that is something else is not replaced: it may be a model, named by mistake.
pub(crate) fn write(path: &Path, svg: anyhow::Result<String>) -> anyhow::Result<()> {
    if path.is_file() {
        let mut start = Vec::new();
        let read = File::open(path).and_then(|file| file.take(1).read_to_end(&mut start));
        read.with_context(|| format!("cannot read {}", path.display()))?;
        if !start.is_empty() && start != b"<" {
            bail!("{} exists and is not a picture; choose another name, or remove it", path.display());
        }
    }
    let svg = svg.with_context(|| format!("cannot draw {}", path.display()))?;
    write_atomic(path, svg.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// The frame, the grid and the numbers of a panel. A name that is empty takes no room; that of a logarithmic axis says so.
pub(crate) fn axes(chart: &mut Chart, x: &str, y: &str) -> anyhow::Result<()> {
    let named = |name: &str, axis: &Axis| match name {
        "" => String::new(),
        name if axis.is_log() => format!("{name} (log)"),
        name => name.to_owned(),
    };
    let (x, y) = (named(x, chart.as_coord_spec().x_spec()), named(y, chart.as_coord_spec().y_spec()));
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .label_style(style(13, INK))
        .axis_desc_style(style(15, INK))
        .axis_style(stroke(AXIS, 1.0))
        .bold_line_style(stroke(GRID, 1.0))
        .light_line_style(TRANSPARENT)
        .set_all_tick_mark_size(px(4))
        .draw()?;
    Ok(())
}

/// Pixels of the picture in units of the canvas.
pub(crate) fn px(pixels: u32) -> u32 {
    pixels * SCALE
}

pub(crate) fn stroke(color: impl Color, pixels: f64) -> ShapeStyle {
    color.stroke_width((pixels * f64::from(SCALE)).round() as u32)
}

/// Letters of that many pixels.
pub(crate) fn style(pixels: u32, color: RGBColor) -> TextStyle<'static> {
    // `plotters` divides by 1.24.
    ("sans-serif", 1.24 * f64::from(px(pixels))).into_font().color(&color)
}

/// Text beside a point given in pixels, in the middle of its line.
pub(crate) fn text(area: &Area, text: &str, at: (u32, u32), side: HPos, style: &TextStyle) -> anyhow::Result<()> {
    let text: String = text.chars().filter(|c| !c.is_control()).collect(); // XML has no way to write them
    let at = (px(at.0) as i32, px(at.1) as i32);
    Ok(area.draw_text(&text, &style.pos(Pos::new(side, VPos::Center)), at)?)
}

/// Names of lines beside pieces of them, from a point on to the right.
pub(crate) fn key(area: &Area, at: (u32, u32), names: &[(&str, RGBColor)]) -> anyhow::Result<()> {
    let mut left = at.0;
    for (name, color) in names {
        let middle = |x: u32| (px(x) as i32, px(at.1) as i32);
        area.draw(&PathElement::new([middle(left), middle(left + 24)], stroke(*color, 2.2)))?;
        text(area, name, (left + 30, at.1), HPos::Left, &style(13, INK))?;
        left += 30 + 7 * name.chars().count() as u32 + 24;
    }
    Ok(())
}
