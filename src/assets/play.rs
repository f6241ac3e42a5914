use std::{collections::HashMap, io::Cursor};

use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
    },
    imageops,
};

/// Changes when the drawing changes, so that earlier files are not taken for new ones.
pub(super) const VERSION: &str = "play mark 2";

/// Wider stills are made smaller: twice the width of a letter is enough for every screen.
const WIDTH_MAX: u32 = 1280;
/// What a PNG's palette can hold.
const PALETTE_MAX: usize = 256;
const JPEG_QUALITY: u8 = 84;
/// Enough for 8000 by 8000 pixels.
const ALLOCATION_MAX: u64 = 256 * 1024 * 1024;

/// A still with a play mark: its bytes, and its extension.
pub(super) fn mark(bytes: &[u8]) -> image::ImageResult<(Vec<u8>, &'static str)> {
    let (mut picture, format) = decode(bytes)?;
    if picture.width() > WIDTH_MAX {
        let height = (u64::from(picture.height()) * u64::from(WIDTH_MAX) / u64::from(picture.width())).max(1);
        picture = picture.resize_exact(WIDTH_MAX, height as u32, imageops::FilterType::Triangle);
    }
    let has_alpha = picture.color().has_alpha();
    let mut canvas = picture.into_rgba8();
    let is_drawing = !has_alpha && format == ImageFormat::Png && colors(&canvas).len() <= PALETTE_MAX;
    draw(&mut canvas);
    if is_drawing && let Some(png) = indexed(&canvas) {
        return Ok((png, "png"));
    }
    if has_alpha {
        let mut png = Vec::new();
        canvas.write_with_encoder(png_encoder(&mut png))?;
        return Ok((png, "png"));
    }
    let flat = DynamicImage::ImageRgba8(canvas).into_rgb8();
    let mut jpeg = Vec::new();
    flat.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY))?;
    // Photographs stay JPEG; a WebP, which Outlook does not show, becomes one.
    if matches!(format, ImageFormat::Jpeg | ImageFormat::WebP) {
        return Ok((jpeg, "jpg"));
    }
    // Drawings stay sharp, unless that costs much more.
    let mut png = Vec::new();
    flat.write_with_encoder(png_encoder(&mut png))?;
    if png.len() <= jpeg.len() + jpeg.len() / 2 { Ok((png, "png")) } else { Ok((jpeg, "jpg")) }
}

fn png_encoder(out: &mut Vec<u8>) -> PngEncoder<&mut Vec<u8>> {
    PngEncoder::new_with_quality(out, CompressionType::Best, FilterType::Adaptive)
}

/// How often each color is there; looks no further than a little past what a palette can hold.
fn colors(canvas: &RgbaImage) -> HashMap<[u8; 3], u32> {
    let mut found = HashMap::new();
    for pixel in canvas.pixels() {
        let [r, g, b, _] = pixel.0;
        *found.entry([r, g, b]).or_insert(0) += 1;
        if found.len() > 16 * PALETTE_MAX {
            break;
        }
    }
    found
}

/// A PNG with a palette. The mark brings in blends, of which the rarest give way to the nearest that is left; none when
/// that would be many.
fn indexed(canvas: &RgbaImage) -> Option<Vec<u8>> {
    let found = colors(canvas);
    if found.len() > 16 * PALETTE_MAX {
        return None;
    }
    let mut palette: Vec<([u8; 3], u32)> = found.into_iter().collect();
    palette.sort_by_key(|&(color, count)| (std::cmp::Reverse(count), color));
    let distance = |a: [u8; 3], b: [u8; 3]| -> u32 {
        a.iter().zip(b).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let kept: Vec<[u8; 3]> = palette.iter().take(PALETTE_MAX).map(|&(color, _)| color).collect();
    let places: HashMap<[u8; 3], u8> = palette
        .iter()
        .map(|&(color, _)| {
            let nearest = (0..kept.len()).min_by_key(|&at| distance(kept[at], color)).unwrap_or_default();
            (color, nearest as u8)
        })
        .collect();
    let pixels: Vec<u8> =
        canvas.pixels().map(|pixel| places[&[pixel.0[0], pixel.0[1], pixel.0[2]]]).collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, canvas.width(), canvas.height());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(kept.concat());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    encoder.write_header().ok()?.write_image_data(&pixels).ok()?;
    Some(out)
}

/// Decodes within limits, upright.
pub(super) fn decode(bytes: &[u8]) -> image::ImageResult<(DynamicImage, ImageFormat)> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(8000), Some(8000));
    limits.max_alloc = Some(ALLOCATION_MAX);
    reader.limits(limits);
    let format = reader.format().unwrap_or(ImageFormat::Png);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok((picture, format))
}

/// Draws a dark disc with a white rim and a white triangle into the middle.
fn draw(canvas: &mut RgbaImage) {
    let (width, height) = (canvas.width() as f32, canvas.height() as f32);
    let radius = (width.min(height) * 0.16).clamp(6.0, 96.0);
    let (x0, y0) = (width / 2.0, height / 2.0);
    let (left, right) =
        ((x0 - radius - 1.0).max(0.0) as u32, ((x0 + radius + 2.0) as u32).min(canvas.width()));
    let (top, bottom) =
        ((y0 - radius - 1.0).max(0.0) as u32, ((y0 + radius + 2.0) as u32).min(canvas.height()));
    for y in top..bottom {
        for x in left..right {
            let (dx, dy) = (x as f32 + 0.5 - x0, y as f32 + 0.5 - y0);
            let disc = coverage(radius - dx.hypot(dy));
            if disc == 0.0 {
                continue;
            }
            let pixel = canvas.get_pixel_mut(x, y);
            blend(&mut pixel.0, [20, 20, 24], disc * 0.72);
            // The rim parts the disc from a dark picture.
            let rim = (radius * 0.04).max(1.0);
            blend(&mut pixel.0, [255, 255, 255], disc * coverage(rim - (radius - dx.hypot(dy))) * 0.85);
            blend(&mut pixel.0, [255, 255, 255], coverage(inside_triangle(dx, dy, radius * 0.5)));
        }
    }
}

/// How far a point lies inside a triangle that points right, with its middle in the origin.
fn inside_triangle(x: f32, y: f32, size: f32) -> f32 {
    // The three sides of an equilateral triangle are `size / 2` from its middle.
    let slanted = (size * 0.5) - x * 0.5;
    let root3_half = 3f32.sqrt() / 2.0;
    (x + size * 0.5).min(slanted - y.abs() * root3_half)
}

/// The share of a pixel that a shape covers, when its edge is `distance` pixels away (negative: outside).
fn coverage(distance: f32) -> f32 {
    (distance + 0.5).clamp(0.0, 1.0)
}

/// Lays a color over a pixel.
fn blend(pixel: &mut [u8; 4], color: [u8; 3], share: f32) {
    for (channel, wanted) in pixel.iter_mut().zip(color) {
        *channel = (f32::from(*channel) * (1.0 - share) + f32::from(wanted) * share).round() as u8;
    }
    pixel[3] = (f32::from(pixel[3]) + (255.0 - f32::from(pixel[3])) * share).round() as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let picture =
            DynamicImage::ImageRgb8(image::RgbImage::from_pixel(width, height, image::Rgb([128; 3])));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn the_mark_is_white_in_the_middle_dark_around_it_and_leaves_the_corners_alone() {
        let (bytes, extension) = mark(&gray(600, 338, ImageFormat::Png)).unwrap();
        assert_eq!(extension, "png");
        let marked = image::load_from_memory(&bytes).unwrap().into_rgb8();
        assert_eq!(marked.dimensions(), (600, 338));
        assert_eq!(marked.get_pixel(300, 169).0, [255; 3]);
        assert!(marked.get_pixel(300, 169 - 45).0[0] < 60);
        assert_eq!(marked.get_pixel(2, 2).0, [128; 3]);
        // The mark is the same above and below the middle.
        for x in 240..360 {
            assert_eq!(marked.get_pixel(x, 169 - 30), marked.get_pixel(x, 168 + 30));
        }
    }

    #[test]
    fn photographs_stay_jpeg_and_big_ones_become_smaller() {
        let (bytes, extension) = mark(&gray(2560, 1440, ImageFormat::Jpeg)).unwrap();
        assert_eq!(extension, "jpg");
        assert_eq!(image::load_from_memory(&bytes).unwrap().width(), WIDTH_MAX);
    }

    #[test]
    fn a_drawing_of_few_colors_keeps_a_palette_and_its_colors() {
        let stripes = image::RgbImage::from_fn(600, 338, |x, _| image::Rgb([(x / 12 * 5) as u8, 60, 90]));
        let mut png = Cursor::new(Vec::new());
        stripes.write_to(&mut png, ImageFormat::Png).unwrap();
        let (bytes, extension) = mark(png.get_ref()).unwrap();
        assert_eq!((extension, bytes[25]), ("png", 3), "an indexed PNG");
        let marked = image::load_from_memory(&bytes).unwrap().into_rgb8();
        assert_eq!(marked.get_pixel(300, 169).0, [255; 3]);
        for x in [0, 100, 599] {
            assert_eq!(marked.get_pixel(x, 5), stripes.get_pixel(x, 5));
        }
    }

    #[test]
    fn a_drawing_that_would_be_heavy_as_a_png_becomes_a_jpeg() {
        let noise = image::RgbImage::from_fn(300, 200, |x, y| {
            let seed = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761);
            image::Rgb([8, 16, 24].map(|shift| 100 + ((seed >> shift) & 15) as u8))
        });
        let mut png = Cursor::new(Vec::new());
        noise.write_to(&mut png, ImageFormat::Png).unwrap();
        let (bytes, extension) = mark(png.get_ref()).unwrap();
        assert_eq!(extension, "jpg");
        assert!(bytes.len() < png.get_ref().len());
    }

    #[test]
    fn the_smallest_stills_and_broken_ones_do_no_harm() {
        for (width, height) in [(1, 1), (1, 50), (50, 1), (7, 3)] {
            mark(&gray(width, height, ImageFormat::Png)).unwrap();
        }
        let whole = gray(64, 64, ImageFormat::Png);
        for length in 0..whole.len() {
            // The very end of the file holds no pixels, so only the front half has to be missed.
            assert!(mark(&whole[..length]).is_err() || length > whole.len() / 2);
        }
    }
}
