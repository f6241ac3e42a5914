use std::io::Cursor;

use image::{
    DynamicImage, ImageReader, Limits, Rgb, RgbImage, Rgba, RgbaImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
    imageops,
};

use super::{
    vendored::short_digest,
    walk::{MathStyle, Pointer, pointers},
};
use crate::{issue::Issue, source::Span};

/// No formula is drawn larger, in pixels of the file.
const SIDE_MAX: u32 = 4000;
const ALLOCATION_MAX: u64 = 64 * 1024 * 1024;

impl MathStyle {
    /// Clear space around the ink, in pixels of the file: two of them make one on the page.
    fn margin(self) -> u32 {
        match self {
            Self::Inline => 6,
            Self::Display => 20,
        }
    }

    /// As a command gets it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Display => "display",
        }
    }
}

/// A formula of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formula {
    /// What it says.
    pub tex: String,
    /// How it is set.
    pub style: MathStyle,
    /// Where it is, or the block around it.
    pub span: Span,
}

impl Formula {
    /// The name of its picture in the folder of stored data.
    pub fn file_name(&self) -> String {
        file_name(self.style, &self.tex)
    }
}

/// What formulas are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    /// The color of the text: red, green, blue.
    pub text: [u8; 3],
    /// The background of the letter.
    pub paper: [u8; 3],
    /// The size of the text, in CSS pixels.
    pub size: u32,
}

/// The formulas of an issue, in reading order.
pub fn formulas(issue: &Issue) -> Vec<Formula> {
    let mut found = Vec::new();
    pointers(&issue.document, &mut |pointer, span| {
        if let Pointer::Formula(style, tex) = pointer {
            found.push(Formula { tex: tex.to_owned(), style, span });
        }
    });
    found
}

/// The same formula has the same picture.
pub(super) fn file_name(style: MathStyle, tex: &str) -> String {
    format!("formula-{}.png", short_digest(&[style.name().as_bytes(), b"\n", tex.trim().as_bytes()]))
}

/// The name of its picture for dark backgrounds.
pub(super) fn dark_name(light: &str) -> String {
    format!("{}-dark.png", light.strip_suffix(".png").unwrap_or(light))
}

/// A formula that was drawn in grays on white, in these colors: the same picture for another background, and its width and
/// height. None for one in colors of its own, which would lose what they say.
pub(super) fn recolored(bytes: &[u8], ink: &Ink) -> Option<(Vec<u8>, u32, u32)> {
    let DynamicImage::ImageLuma8(grays) = read(bytes).ok()? else { return None };
    let colors: Vec<Rgb<u8>> = (0..=255_u16)
        .map(|gray| {
            let mix = |text: u8, paper: u8| {
                let sum = u16::from(text) * (255 - gray) + u16::from(paper) * gray;
                ((sum + 127) / 255) as u8
            };
            Rgb([0, 1, 2].map(|part| mix(ink.text[part], ink.paper[part])))
        })
        .collect();
    let (width, height) = grays.dimensions();
    let picture = RgbImage::from_fn(width, height, |x, y| colors[usize::from(grays.get_pixel(x, y).0[0])]);
    Some((to_png(&picture.into()).ok()?, width, height))
}

/// Reads a picture of a sensible size.
fn read(bytes: &[u8]) -> image::ImageResult<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(SIDE_MAX), Some(SIDE_MAX));
    limits.max_alloc = Some(ALLOCATION_MAX);
    reader.limits(limits);
    reader.decode()
}

/// Writes a picture as a PNG that is as small as can be.
pub(super) fn to_png(picture: &DynamicImage) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(PngEncoder::new_with_quality(
        &mut bytes,
        CompressionType::Best,
        FilterType::Adaptive,
    ))?;
    Ok(bytes)
}

/// A drawn formula as a letter needs it: on white, since dark ink on a clear background is a hole in the dark, and no mail
/// client turns pictures around.
pub fn on_white(style: MathStyle, bytes: &[u8]) -> image::ImageResult<Vec<u8>> {
    let ink = read(bytes)?.into_rgba8();
    let margin = style.margin();
    let (width, height) = (ink.width() + 2 * margin, ink.height() + 2 * margin);
    let mut sheet = RgbaImage::from_pixel(width, height, Rgba([255; 4]));
    imageops::overlay(&mut sheet, &ink, i64::from(margin), i64::from(margin));
    let is_gray = sheet.pixels().all(|pixel| pixel.0[0] == pixel.0[1] && pixel.0[1] == pixel.0[2]);
    let sheet = DynamicImage::ImageRgba8(sheet);
    let flat: DynamicImage = if is_gray { sheet.into_luma8().into() } else { sheet.into_rgb8().into() };
    to_png(&flat)
}
