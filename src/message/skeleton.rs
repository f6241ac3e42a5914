//! The MIME structure around the parts (RFC 2046), built by lettre once per issue and cut where the parts go.

use lettre::message::{
    Attachment, Body, MultiPart, SinglePart,
    header::{ContentTransferEncoding, ContentType},
};

use super::error::ComposeError;
use crate::{assets::Picture, render::TransferEncoding};

/// What is around the two parts.
#[derive(Debug)]
pub(super) struct Skeleton {
    /// From `Content-Type:` of the whole to the text part's empty line.
    pub(super) before_text: Vec<u8>,
    /// To the HTML part's empty line.
    pub(super) before_html: Vec<u8>,
    /// Pictures and the last boundaries; ends in one CRLF.
    pub(super) behind: Vec<u8>,
}

/// Builds the structure: text first, then HTML, alone or together with its pictures. `seed` is the digest, from
/// which the boundaries are made: no encoded part can hold one, as quoted-printable writes `=_` otherwise and base64 has
/// neither sign.
pub(super) fn build(
    seed: &str,
    text: TransferEncoding,
    html: TransferEncoding,
    pictures: &[Picture],
) -> Result<Skeleton, ComposeError> {
    let short = seed.get(..24).unwrap_or(seed);
    let (text_mark, html_mark) = (format!("@text-{short}@"), format!("@html-{short}@"));
    let part = |kind: ContentType, encoding: TransferEncoding, mark: &str| {
        let encoding = match encoding {
            TransferEncoding::QuotedPrintable => ContentTransferEncoding::QuotedPrintable,
            TransferEncoding::Base64 => ContentTransferEncoding::Base64,
        };
        SinglePart::builder()
            .header(kind)
            .body(Body::dangerous_pre_encoded(mark.as_bytes().to_vec(), encoding))
    };
    let text_part = part(ContentType::TEXT_PLAIN, text, &text_mark);
    let html_part = part(ContentType::TEXT_HTML, html, &html_mark);
    let alternative = MultiPart::alternative().boundary(format!("=_a_{short}")).singlepart(text_part);
    let whole = if pictures.is_empty() {
        alternative.singlepart(html_part)
    } else {
        let mut related = MultiPart::related().boundary(format!("=_r_{short}")).singlepart(html_part);
        for picture in pictures {
            let kind = ContentType::parse(&picture.media_type).map_err(|_| {
                ComposeError::Skeleton(format!("invalid media type `{}`", printable(&picture.media_type)))
            })?;
            let body = Body::new_with_encoding(picture.bytes.clone(), ContentTransferEncoding::Base64)
                .map_err(|_| ComposeError::Skeleton("a picture cannot be encoded".to_owned()))?;
            let inline = Attachment::new_inline_with_name(printable(&picture.cid), printable(&picture.name));
            related = related.singlepart(inline.body(body, kind));
        }
        alternative.multipart(related)
    };
    let bytes = whole.formatted();
    let cut = |mark: &str| {
        memchr::memmem::find(&bytes, mark.as_bytes())
            .map(|at| (at, at + mark.len()))
            .ok_or_else(|| ComposeError::Skeleton("a part was lost".to_owned()))
    };
    let ((text_at, text_end), (html_at, html_end)) = (cut(&text_mark)?, cut(&html_mark)?);
    let mut behind = bytes[html_end..].to_vec();
    while behind.ends_with(b"\r\n\r\n") {
        behind.truncate(behind.len() - 2);
    }
    Ok(Skeleton {
        before_text: bytes[..text_at].to_vec(),
        before_html: bytes[text_end..html_at].to_vec(),
        behind,
    })
}

/// What may appear in a quoted parameter: printable ASCII without quotes.
fn printable(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '_' }).collect()
}
