//! Formulas, set and drawn by RaTeX with the fonts of KaTeX.

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use image::{DynamicImage, ImageReader, Rgb, RgbImage, imageops};
use ratex_layout::{LayoutOptions, layout, to_display_list, validate_layout};
use ratex_render::{RenderOptions, render_to_png};
use ratex_types::{color::Color, math_style::MathStyle as Style};

use super::{
    formula::{Formula, Ink, to_png},
    walk::MathStyle,
};

/// A longer formula is not drawn, in bytes.
const LONGEST: usize = 4096;

/// Pixels of the file for one on the page.
const DENSITY: f32 = 2.0;

/// How far the middle of lower-case letters is above the line, in sizes of the text: where mail clients put the middle of
/// a picture among words.
const AXIS: f64 = 0.23;

/// A PNG, and its width and height.
pub(super) fn draw(formula: &Formula, ink: &Ink) -> Result<(Vec<u8>, u32, u32), String> {
    if formula.tex.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    // The author's text is put into a crate of someone else's.
    catch_unwind(AssertUnwindSafe(|| set(formula, ink)))
        .unwrap_or_else(|_| Err("it cannot be set".to_owned()))
}

fn set(formula: &Formula, ink: &Ink) -> Result<(Vec<u8>, u32, u32), String> {
    let is_inline = formula.style == MathStyle::Inline;
    let tree = ratex_parser::parse(formula.tex.trim()).map_err(|error| error.to_string())?;
    let style = if is_inline { Style::Text } else { Style::Display };
    let options = LayoutOptions::default().with_style(style).with_color(color(ink.text));
    let laid_out = layout(&tree, &options);
    validate_layout(&laid_out)?;
    let list = to_display_list(&laid_out);
    let size = ink.size as f32 * if is_inline { 1.05 } else { 1.15 };
    let padding = if is_inline { 2.0 } else { 8.0 };
    let png = render_to_png(
        &list,
        &RenderOptions {
            font_size: size,
            padding,
            background_color: color(ink.paper),
            font_dir: String::new(),
            device_pixel_ratio: DENSITY,
        },
    )?;
    let mut picture = ImageReader::with_format(Cursor::new(png), image::ImageFormat::Png)
        .decode()
        .map_err(|error| error.to_string())?
        .into_rgb8();
    if is_inline {
        picture = centered(&picture, (list.height, list.depth), f64::from(size * DENSITY), ink);
    }
    let (width, height) = picture.dimensions();
    let bytes = to_png(&DynamicImage::ImageRgb8(picture)).map_err(|error| error.to_string())?;
    Ok((bytes, width, height))
}

fn color([red, green, blue]: [u8; 3]) -> Color {
    let part = |value: u8| f32::from(value) / 255.0;
    Color::new(part(red), part(green), part(blue), 1.0)
}

/// The picture with space above or below, so that its middle is where that of the letters around it is.
fn centered(picture: &RgbImage, (above, below): (f64, f64), size: f64, ink: &Ink) -> RgbImage {
    let (up, down) = ((above - AXIS) * size, (below + AXIS) * size);
    let more = (up - down).round();
    let space = more.abs() as u32;
    let mut out = RgbImage::from_pixel(picture.width(), picture.height() + space, Rgb(ink.paper));
    let top = if more < 0.0 { i64::from(space) } else { 0 };
    imageops::overlay(&mut out, picture, 0, top);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: Ink = Ink { text: [0x24, 0x29, 0x2f], paper: [0xff, 0xfe, 0xfb], size: 17 };

    fn formula(style: MathStyle, tex: &str) -> Formula {
        Formula { tex: tex.to_owned(), style, span: 0..0 }
    }

    #[test]
    fn formulas_are_drawn_in_the_ink_and_size_of_the_letter() {
        for tex in [
            "E = mc^2",
            r"\frac{a}{b}",
            r"\sum_{i=1}^{n} x_i",
            r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        ] {
            for style in [MathStyle::Inline, MathStyle::Display] {
                let (bytes, width, height) =
                    draw(&formula(style, tex), &INK).unwrap_or_else(|why| panic!("{tex}: {why}"));
                let picture = image::load_from_memory(&bytes).expect("a picture").into_rgb8();
                assert_eq!(picture.dimensions(), (width, height));
                assert_eq!(picture.get_pixel(0, 0).0, INK.paper, "{tex}");
                let darkest = picture.pixels().map(|pixel| pixel.0).min().expect("pixels");
                assert!(darkest[0] < 0x50, "{tex}: {darkest:?}");
                assert!(bytes.len() < 8_000, "{tex}: {} bytes", bytes.len());
            }
            let again = draw(&formula(MathStyle::Display, tex), &INK);
            assert_eq!(again, draw(&formula(MathStyle::Display, tex), &INK), "{tex}");
        }
    }

    #[test]
    fn what_is_no_formula_is_refused_and_nothing_panics() {
        for tex in [r"\frac{a}", r"\undefined{x}", "{", r"\begin{matrix}", &"x".repeat(5000)] {
            assert!(draw(&formula(MathStyle::Inline, tex), &INK).is_err(), "{tex}");
        }
    }
}
