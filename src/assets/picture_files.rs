//! What a picture's bytes say beyond its type and size: whether the file is whole, and whether it moves.

/// What was seen on a walk over the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The file ends before its picture does.
    pub is_cut_off: bool,
    /// It has more than one frame.
    pub moves: bool,
}

/// Walks over the parts of a picture, without unpacking any of it. Of a kind that is not known here nothing is said.
pub fn seen(media_type: &str, bytes: &[u8]) -> Seen {
    match media_type {
        "image/png" => png(bytes),
        "image/gif" => gif(bytes),
        "image/jpeg" => Seen { is_cut_off: !jpeg_is_whole(bytes), moves: false },
        "image/webp" => webp(bytes),
        _ => Seen::default(),
    }
}

/// The opaque pixels of a picture that is partly transparent, at most some thousands of them. `None` for any other picture.
pub fn opaque_pixels(bytes: &[u8]) -> Option<Vec<[u8; 3]>> {
    const MOST: usize = 10_000;
    let (picture, _) = super::play::decode(bytes).ok()?;
    if !picture.color().has_alpha() {
        return None;
    }
    let picture = picture.into_rgba8();
    let step = (picture.pixels().len() / MOST).max(1);
    let (mut opaque, mut clear) = (Vec::new(), 0);
    for pixel in picture.pixels().step_by(step) {
        let [red, green, blue, alpha] = pixel.0;
        match alpha {
            0..32 => clear += 1,
            128.. => opaque.push([red, green, blue]),
            _ => {}
        }
    }
    // A rounded corner is no transparent picture.
    (clear * 10 > opaque.len() && !opaque.is_empty()).then_some(opaque)
}

/// Chunks of length, name, content and sum up to `IEND`; `acTL` tells of more than one frame.
fn png(bytes: &[u8]) -> Seen {
    let (mut at, mut moves) = (8, false);
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        match &head[4..] {
            b"IEND" => return Seen { is_cut_off: false, moves },
            b"acTL" => moves = true,
            _ => {}
        }
        at = at.saturating_add(length).saturating_add(12);
    }
    Seen { is_cut_off: true, moves }
}

/// Extensions and frames up to the trailer (GIF89a, appendix A). A missing trailer alone hurts no one.
fn gif(bytes: &[u8]) -> Seen {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut frames = 0;
    let mut at = 13 + bytes.get(10).map_or(0, |flags| table(*flags));
    let mut is_cut_off = false;
    'blocks: while let Some(kind) = bytes.get(at) {
        at += match kind {
            0x21 => 2,
            0x2C => {
                frames += 1;
                let Some(flags) = bytes.get(at + 9) else {
                    is_cut_off = true;
                    break;
                };
                11 + table(*flags)
            }
            _ => break,
        };
        loop {
            match bytes.get(at) {
                Some(0) => break,
                Some(length) => at += 1 + usize::from(*length),
                None => {
                    is_cut_off = true;
                    break 'blocks;
                }
            }
        }
        at += 1;
    }
    Seen { is_cut_off: is_cut_off || frames == 0, moves: frames > 1 }
}

/// A JPEG ends with the mark `FFD9`, behind which cameras and programs add things of their own.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    memchr::memmem::rfind(bytes, &[0xFF, 0xD9]).is_some()
}

/// A RIFF says how long it is; an `ANIM` chunk tells of more than one frame.
fn webp(bytes: &[u8]) -> Seen {
    let length = bytes
        .get(4..8)
        .map_or(u64::MAX, |four| u64::from(u32::from_le_bytes([four[0], four[1], four[2], four[3]])));
    let moves = bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & 2 != 0);
    Seen { is_cut_off: (bytes.len() as u64) < length.saturating_add(8), moves }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder, codecs};

    use super::*;

    fn encoded(media_type: &str) -> Vec<u8> {
        let pixels: Vec<u8> = (0..32 * 32 * 3u32).map(|at| (at * 7 % 251) as u8).collect();
        let mut out = Vec::new();
        let color = ExtendedColorType::Rgb8;
        match media_type {
            "image/png" => codecs::png::PngEncoder::new(&mut out).write_image(&pixels, 32, 32, color),
            "image/jpeg" => codecs::jpeg::JpegEncoder::new(&mut out).write_image(&pixels, 32, 32, color),
            "image/webp" => {
                codecs::webp::WebPEncoder::new_lossless(&mut out).write_image(&pixels, 32, 32, color)
            }
            _ => codecs::gif::GifEncoder::new(&mut out).encode(&pixels, 32, 32, color),
        }
        .unwrap();
        out
    }

    #[test]
    fn a_file_that_was_cut_off_is_distinguished_from_a_whole_one() {
        for media_type in ["image/png", "image/jpeg", "image/webp", "image/gif"] {
            let whole = encoded(media_type);
            assert_eq!(seen(media_type, &whole), Seen::default(), "{media_type}");
            let cut = &whole[..whole.len() / 2];
            assert!(seen(media_type, cut).is_cut_off, "{media_type}");
            // Nothing that a file can hold makes the walk go wrong.
            for end in 0..whole.len().min(200) {
                seen(media_type, &whole[..end]);
            }
        }
        assert_eq!(seen("image/avif", b"anything"), Seen::default());
    }

    #[test]
    fn frames_are_counted_without_unpacking_them() {
        let mut out = Vec::new();
        let mut encoder = codecs::gif::GifEncoder::new(&mut out);
        for shade in [0, 200] {
            encoder.encode(&[shade; 16 * 16 * 3], 16, 16, ExtendedColorType::Rgb8).unwrap();
        }
        drop(encoder);
        assert_eq!(seen("image/gif", &out), Seen { is_cut_off: false, moves: true });
    }
}
