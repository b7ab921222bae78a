//! `confusion.svg`: a square for each pair of classes, the darker the larger its part of the true class.

use std::path::Path;

use elman::Confusion;
use plotters::prelude::*;
use plotters::style::FontTransform;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::names::short;
use crate::picture::canvas::{Area, BLUE, INK, PALE_INK, px, stroke, style, svg, text, write};

/// About how wide and high all squares together are, in pixels.
const MATRIX: u32 = 560;

/// Letters of names: pixels, and about how wide one is; those of Chinese, Japanese and Korean are about square.
const LETTER: u32 = 13;
const LETTER_WIDTH: u32 = 8;
const WIDE_LETTER: u32 = 14;

/// Squares are no larger, and where there are few classes not much larger than their counts.
const SQUARE_MAX: u32 = 56;

/// Squares smaller than that have no count in them, and no names beside them.
const SQUARE_OF_TEXT: u32 = 14;

/// Names are whole; one that is a text of its own is cut, or the picture would have room for nothing else.
const NAME_MAX: usize = 120;

/// The scale of the shades, at the right: its distance, its width, the room for its numbers.
const SCALE_BAR: [u32; 3] = [20, 14, 46];

/// It is not lower, however few squares there are.
const SCALE_MIN: u32 = 112;

/// Draws the matrix: true classes down, predicted ones across. Counted are `of`: sequences, or steps.
pub(super) fn draw(path: &Path, confusion: &Confusion, names: &[String], of: &str) -> anyhow::Result<()> {
    let classes = names.len() as u32;
    let square = (MATRIX / classes.max(1)).clamp(1, SQUARE_MAX);
    let named = square >= SQUARE_OF_TEXT;
    let names: Vec<String> = names.iter().map(|name| short(name, NAME_MAX)).collect();
    let longest = names.iter().map(|name| width_of(name)).max().unwrap_or(0);
    // Names that are wider than a square stand upright.
    let upright = longest + 4 > square;
    let (beside, above) = match named {
        true => (longest + 10, if upright { longest + 10 } else { LETTER + 10 }),
        false => (6, 6),
    };
    let (left, top) = (34 + beside, 78 + above);
    let side = square * classes;
    let width = (left + side + SCALE_BAR.iter().sum::<u32>()).max(320);
    let picture = svg((width, top + side.max(SCALE_MIN) + 24), |root| {
        text(root, "Confusion", (16, 24), HPos::Left, &style(20, INK))?;
        let note = format!("shade: part of the {of} of the true class");
        text(root, &note, (16, 48), HPos::Left, &style(13, PALE_INK))?;
        scale(root, (left + side + SCALE_BAR[0], top), side.max(SCALE_MIN))?;
        text(root, "predicted", (left + side / 2, 68), HPos::Center, &style(15, INK))?;
        upright_text(root, "true", (20, top + side / 2), HPos::Center, 15)?;
        for ((truth, predicted), &count) in confusion.counts.indexed_iter() {
            let (row, column) = (truth as u32, predicted as u32);
            let part = count as f64 / confusion.counts.row(truth).sum().max(1) as f64;
            let corner = |column: u32, row: u32| (px(left + column * square) as i32, px(top + row * square) as i32);
            if count > 0 {
                let shade = shade(part);
                root.draw(&Rectangle::new([corner(column, row), corner(column + 1, row + 1)], shade.filled()))?;
            }
            if count > 0 && named {
                let ink = if part > 0.5 { WHITE } else { INK };
                let digits = count.to_string();
                let size = LETTER.min(square * 3 / 2 / digits.len().max(2) as u32).max(5);
                let middle = (left + column * square + square / 2, top + row * square + square / 2);
                text(root, &digits, middle, HPos::Center, &style(size, RGBColor(ink.0, ink.1, ink.2)))?;
            }
        }
        grid(root, (left, top), square, classes, named)?;
        if named {
            for (at, name) in (0u32..).zip(&names) {
                let middle = at * square + square / 2;
                text(root, name, (left - 8, top + middle), HPos::Right, &style(LETTER, INK))?;
                match upright {
                    true => upright_text(root, name, (left + middle, top - 8), HPos::Left, LETTER)?,
                    false => text(root, name, (left + middle, top - 14), HPos::Center, &style(LETTER, INK))?,
                }
            }
        }
        Ok(())
    });
    write(path, picture)
}

/// The scale of the shades, from all of a class down to none of it.
fn scale(root: &Area, (left, top): (u32, u32), height: u32) -> anyhow::Result<()> {
    const PIECES: u32 = 48;
    let corner = |x: u32, piece: u32| (px(x) as i32, (px(top) + px(height) * piece / PIECES) as i32);
    let right = left + SCALE_BAR[1];
    for piece in 0..PIECES {
        let part = 1.0 - f64::from(piece) / f64::from(PIECES - 1);
        // Each reaches down to the end, below those that follow: so no ground is seen between them.
        root.draw(&Rectangle::new([corner(left, piece), corner(right, PIECES)], shade(part).filled()))?;
    }
    let frame = stroke(RGBColor(0xd0, 0xd0, 0xd0), 1.0);
    root.draw(&Rectangle::new([corner(left, 0), corner(right, PIECES)], frame))?;
    for percent in [0, 25, 50, 75, 100] {
        let at = top + height * (100 - percent) / 100;
        text(root, &format!("{percent}%"), (right + 5, at), HPos::Left, &style(11, INK))?;
    }
    Ok(())
}

/// About how wide a name is, in pixels.
fn width_of(name: &str) -> u32 {
    name.chars().map(|c| if c >= '\u{1100}' { WIDE_LETTER } else { LETTER_WIDTH }).sum()
}

/// From white to blue.
fn shade(part: f64) -> RGBColor {
    let mix = |color: u8| (255.0 + part.sqrt() * (f64::from(color) - 255.0)).round() as u8;
    RGBColor(mix(BLUE.0), mix(BLUE.1), mix(BLUE.2))
}

/// Lines between the squares; around all of them alone where they are small.
fn grid(root: &Area, (left, top): (u32, u32), square: u32, classes: u32, between: bool) -> anyhow::Result<()> {
    let pale = RGBColor(0xd0, 0xd0, 0xd0);
    let side = square * classes;
    let point = |x: u32, y: u32| (px(left + x) as i32, px(top + y) as i32);
    for line in (0..=classes).filter(|&line| between || line == 0 || line == classes) {
        let at = line * square;
        root.draw(&PathElement::new([point(0, at), point(side, at)], stroke(pale, 1.0)))?;
        root.draw(&PathElement::new([point(at, 0), point(at, side)], stroke(pale, 1.0)))?;
    }
    Ok(())
}

/// Text from below upwards, beside a point given in pixels.
fn upright_text(root: &Area, words: &str, at: (u32, u32), side: HPos, size: u32) -> anyhow::Result<()> {
    let style = style(size, INK).transform(FontTransform::Rotate270).pos(Pos::new(side, VPos::Center));
    let words: String = words.chars().filter(|c| !c.is_control()).collect(); // XML has no way to write them
    Ok(root.draw_text(&words, &style, (px(at.0) as i32, px(at.1) as i32))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(classes: usize) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("confusion.svg");
        let names: Vec<String> = (0..classes).map(|class| format!("<class {class}>")).collect();
        let mut confusion = Confusion::new(classes);
        (0..classes).for_each(|class| (0..7).for_each(|row| confusion.add(class, if row == 0 { 0 } else { class })));
        draw(&path, &confusion, &names, "sequences").unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn every_class_has_its_name_and_counts() {
        let svg = drawn(3);
        for words in ["&lt;class 2&gt;", "predicted", "true"] {
            assert!(svg.contains(words), "no {words}");
        }
        // The ground, and the squares in which something is: 3 on the diagonal, 2 below the first; the scale and its frame.
        assert_eq!(svg.matches("<rect").count(), 6 + 48 + 1);
        for percent in [0, 25, 50, 75, 100] {
            assert!(svg.contains(&format!("\n{percent}%\n")), "{percent}%");
        }
        assert_eq!(svg.matches("\n6\n").count(), 2);
    }

    #[test]
    fn names_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("confusion.svg");
        let names = ["walking upstairs with a heavy load, slowly", "步行", "x"].map(str::to_owned);
        let mut confusion = Confusion::new(3);
        (0..3).for_each(|class| confusion.add(class, class));
        draw(&path, &confusion, &names, "sequences").unwrap();
        let svg = std::fs::read_to_string(path).unwrap();
        for name in &names {
            assert_eq!(svg.matches(&format!("\n{name}\n")).count(), 2, "{name}");
        }
        let width = |svg: &str| svg.split('"').nth(1).unwrap().parse::<u32>().unwrap();
        assert!(width(&svg) > 42 * LETTER_WIDTH + 3 * 56, "{}", width(&svg));
    }

    #[test]
    fn a_thousand_classes_make_a_picture_without_names() {
        let svg = drawn(1000);
        assert!(!svg.contains("class 7"));
        assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
    }
}
