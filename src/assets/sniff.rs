use std::io::Cursor;

use image::{ImageDecoder, codecs::jpeg::JpegDecoder, metadata::Orientation};
use imagesize::{Compression, ImageType};

/// What the first bytes of a picture say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sniffed {
    pub(super) media_type: &'static str,
    /// Width and height in pixels as a reader sees them.
    pub(super) size: Option<(u32, u32)>,
}

/// Type and size of a picture; `None` for what is no picture that a letter could show.
pub(super) fn sniff(bytes: &[u8]) -> Option<Sniffed> {
    let media_type = match imagesize::image_type(bytes) {
        Ok(ImageType::Png) => "image/png",
        Ok(ImageType::Jpeg) => "image/jpeg",
        Ok(ImageType::Gif) => "image/gif",
        Ok(ImageType::Webp) => "image/webp",
        Ok(ImageType::Bmp) => "image/bmp",
        Ok(ImageType::Tiff) => "image/tiff",
        Ok(ImageType::Ico) => "image/x-icon",
        Ok(ImageType::Jxl) => "image/jxl",
        Ok(ImageType::Heif(Compression::Av1)) => "image/avif",
        Ok(ImageType::Heif(_)) => "image/heic",
        _ if is_svg(bytes) => return Some(Sniffed { media_type: "image/svg+xml", size: None }),
        _ => return None,
    };
    let size = imagesize::blob_size(bytes).ok().and_then(|size| {
        let size = (u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?);
        (size.0 > 0 && size.1 > 0).then_some(size)
    });
    let size = match size {
        Some((width, height)) if media_type == "image/jpeg" && is_turned(bytes) => Some((height, width)),
        size => size,
    };
    Some(Sniffed { media_type, size })
}

/// Whether a camera noted that the picture lies on its side: mail clients turn it, so its sides swap.
fn is_turned(bytes: &[u8]) -> bool {
    let orientation = JpegDecoder::new(Cursor::new(bytes)).and_then(|mut decoder| decoder.orientation());
    matches!(
        orientation,
        Ok(Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH)
    )
}

fn is_svg(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    let start = start.trim_start_matches('\u{feff}').trim_start();
    start.starts_with("<svg")
        || ((start.starts_with("<?xml") || start.starts_with("<!")) && start.contains("<svg"))
}
