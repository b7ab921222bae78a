//! Files of images to classify: PNG and IDX.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use elman::datasets::{Images, images};
use elman::formats::{self, FileKind};

/// The first bytes of every PNG file.
const PNG_SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Most pixels of a PNG file: far beyond any image that a network reads row by row.
const PIXELS_MAX: usize = 1 << 26;

/// The most bytes of a file of images: an IDX file has up to 4 GiB of them, and its header.
const FILE_MAX: u64 = (1 << 32) + (1 << 10);

/// What an image lies on, where it is transparent and does not say so itself.
#[derive(Clone, Copy)]
pub(super) enum Ground {
    Dark,
    Light,
}

impl Ground {
    /// That of ink: light ink lies on a dark ground, and `--invert` says that it is dark.
    pub(super) fn of(invert: bool) -> Self {
        if invert { Ground::Light } else { Ground::Dark }
    }

    fn level(self) -> u8 {
        match self {
            Ground::Dark => 0,
            Ground::Light => 255,
        }
    }
}

/// A file of images.
pub(super) fn read_file(path: &Path, ground: Ground) -> anyhow::Result<Images> {
    // In one go: a pipe can be read once.
    let bytes = formats::read_file(path, FILE_MAX).with_context(|| format!("cannot read {}", path.display()))?;
    read_on(&path.display().to_string(), &bytes, ground)
}

/// Reads the content of a file of images as `elman predict` would: a PNG file, or an IDX file of images, gzipped or not; the
/// first bytes tell. What is transparent is dark. `name` stands for it in messages.
///
/// # Errors
/// If it is neither, is damaged, or claims more than 2²⁶ pixels as a PNG file or 4 GiB as an IDX file.
pub fn read_images(name: &str, bytes: &[u8]) -> anyhow::Result<Images> {
    read_on(name, bytes, Ground::Dark)
}

fn read_on(name: &str, bytes: &[u8], ground: Ground) -> anyhow::Result<Images> {
    if bytes.starts_with(&PNG_SIGNATURE) {
        return read_png(name, bytes, ground);
    }
    match formats::sniff_bytes(bytes) {
        FileKind::Idx | FileKind::Gzip | FileKind::Unknown | FileKind::Empty => {}
        FileKind::Jpeg => bail!("{name} is {}; save it as PNG, and give that", FileKind::Jpeg),
        kind => bail!(
            "{name} is {kind}; expected a PNG file or an IDX file of images behind the model (a model of another program reads \
             sequences once elman convert --classes has named its classes)"
        ),
    }
    images::parse_images(name, bytes).with_context(|| {
        format!(
            "{name} is neither a PNG file nor a good IDX file of images (a model of another program reads sequences once \
             elman convert --classes has named its classes)"
        )
    })
}

/// A PNG of any kind as one grey image: colours by their luma (ITU-R BT.601), what is transparent over the background that
/// the file names (bKGD), or over the ground.
fn read_png(name: &str, bytes: &[u8], ground: Ground) -> anyhow::Result<Images> {
    let damaged = |error: png::DecodingError| anyhow!("cannot read {name}: {}", plain(&error.to_string()));
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (cols, rows) = (reader.info().width as usize, reader.info().height as usize);
    if cols.saturating_mul(rows) > PIXELS_MAX {
        bail!("cannot read {name}: {cols}×{rows} pixels; expected at most {PIXELS_MAX} in all");
    }
    let size = reader.output_buffer_size().with_context(|| format!("cannot read {name}: too large"))?;
    let mut buffer = vec![0; size];
    let info = reader.next_frame(&mut buffer).map_err(damaged)?;
    let pixels = &buffer[..info.buffer_size()];
    let under = u32::from(background(reader.info()).unwrap_or(ground.level()));
    let over = |grey: u8, alpha: u8| {
        let alpha = u32::from(alpha);
        ((u32::from(grey) * alpha + under * (255 - alpha) + 127) / 255) as u8
    };
    let images = match info.color_type {
        png::ColorType::Grayscale => pixels.to_vec(),
        png::ColorType::GrayscaleAlpha => pixels.chunks_exact(2).map(|p| over(p[0], p[1])).collect(),
        png::ColorType::Rgb => pixels.chunks_exact(3).map(luma).collect(),
        png::ColorType::Rgba => pixels.chunks_exact(4).map(|p| over(luma(p), p[3])).collect(),
        png::ColorType::Indexed => bail!("cannot read {name}: its palette was not resolved"),
    };
    Ok(Images { images, rows, cols })
}

/// What the decoder says, with a chunk by its name alone: it shows all that the name's letters mean, as Rust's debug text.
fn plain(text: &str) -> String {
    let short = text.split_once("ChunkType { type: ").and_then(|(before, rest)| {
        // The name may have any characters, also a brace.
        let (name, rest) = rest.split_once(", critical: ")?;
        let (_, after) = rest.split_once(" }")?;
        Some(format!("{before}{name}{after}"))
    });
    short.unwrap_or_else(|| text.to_owned())
}

/// The background that a file names, as grey: a place in the palette, or one or three samples of its depth.
fn background(info: &png::Info<'_>) -> Option<u8> {
    let named = info.bkgd.as_deref()?;
    if info.color_type == png::ColorType::Indexed {
        let at = 3 * usize::from(*named.first()?);
        return info.palette.as_deref()?.get(at..at + 3).map(luma);
    }
    let most = (1u32 << info.bit_depth as u32) - 1;
    let sample = |pair: &[u8]| (u32::from(u16::from_be_bytes([pair[0], pair[1]])).min(most) * 255 / most) as u8;
    let samples: Vec<u8> = named.chunks_exact(2).map(sample).collect();
    match samples[..] {
        [grey] => Some(grey),
        [_, _, _] => Some(luma(&samples)),
        _ => None,
    }
}

/// 0.299 R + 0.587 G + 0.114 B
fn luma(pixel: &[u8]) -> u8 {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_chunk_is_shown_by_its_name() {
        let bits = "critical: true, private: false, reserved: false, safecopy: false";
        for name in ["IDAT", r"ID\u{85}T", "ID}T", "ID,T"] {
            let text = format!("CRC error while decoding ChunkType {{ type: {name}, {bits} }} chunk.");
            assert_eq!(plain(&text), format!("CRC error while decoding {name} chunk."));
        }
        assert_eq!(plain("unexpected end of file"), "unexpected end of file");
    }
}
