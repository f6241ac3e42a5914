use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::super::net::{Net, NetError};
use crate::{
    assets::Vendored,
    markup::{Token, tokens},
    source::without_disguise,
};

/// What a host says about a video or a post.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Without the address and the picture's file.
    pub(super) facts: Vendored,
    /// Addresses of its picture, the best first.
    pub(super) pictures: Vec<String>,
}

/// Longer texts are cut, in characters.
const WORDS_MAX: usize = 4000;

/// Title and still of a video: by oEmbed, else by what its page says about itself.
pub(super) fn video(url: &str, net: &Net) -> Result<Found, NetError> {
    let endpoint = match host(url).as_str() {
        "youtube.com" | "youtu.be" | "youtube-nocookie.com" => {
            Some("https://www.youtube.com/oembed?format=json&url=")
        }
        "vimeo.com" | "player.vimeo.com" => Some("https://vimeo.com/api/oembed.json?width=1280&url="),
        _ => None,
    };
    let Some(endpoint) = endpoint else { return page(url, net).map(as_video) };
    let answer = json(&format!("{endpoint}{}", encoded(url)), net)?;
    let mut pictures = Vec::new();
    if let Some(still) = string(&answer, "/thumbnail_url") {
        // The named still has black bars; there is nearly always a better one beside it.
        if still.contains("/hqdefault.") {
            pictures.push(still.replace("/hqdefault.", "/maxresdefault."));
        }
        pictures.push(still);
    }
    let facts = Vendored { title: string(&answer, "/title"), ..Vendored::default() };
    something(url, Found { facts, pictures })
}

/// Author, words and picture of a post.
pub(super) fn post(url: &str, net: &Net) -> Result<Found, NetError> {
    let found = match host(url).as_str() {
        "twitter.com" | "x.com" | "mobile.twitter.com" => {
            quoted(&format!("https://publish.twitter.com/oembed?omit_script=1&url={}", encoded(url)), net)
        }
        "bsky.app" => quoted(&format!("https://embed.bsky.app/oembed?url={}", encoded(url)), net),
        _ => match status_address(url) {
            Some(address) => status(&address, net),
            None => page(url, net).map(as_post),
        },
    };
    match found {
        Ok(found) if found.facts.text.is_some() => Ok(found),
        // What the interface of a host does not tell, its page may.
        Ok(_) | Err(NetError::Status { .. } | NetError::Nothing(_)) => {
            something(url, as_post(page(url, net)?))
        }
        Err(error) => Err(error),
    }
}

/// oEmbed of a host that answers with a quotation.
fn quoted(address: &str, net: &Net) -> Result<Found, NetError> {
    let answer = json(address, net)?;
    let html = string(&answer, "/html").unwrap_or_default();
    let parts = tokens(&html);
    let end = parts.iter().position(|token| matches!(token, Token::Close { name } if name == "p"));
    let text = words(&parts[..end.unwrap_or(parts.len())]);
    // The last link of the quotation is its date.
    let last = parts.iter().rposition(|token| matches!(token, Token::Open { name, .. } if name == "a"));
    let date = match (last, end) {
        (Some(last), Some(end)) if last > end => some(words(&parts[last..])),
        _ => None,
    };
    let handle = string(&answer, "/author_url").and_then(|url| {
        let name = url.trim_end_matches('/').rsplit('/').next()?.trim_start_matches('@').to_owned();
        (!name.is_empty()).then(|| format!("@{name}"))
    });
    let facts = Vendored {
        author: string(&answer, "/author_name"),
        handle,
        date,
        text: some(text),
        ..Vendored::default()
    };
    Ok(Found { facts, pictures: Vec::new() })
}

/// Where a Mastodon server tells about the post at `https://host/@user/digits`.
fn status_address(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let mut parts = url.path_segments()?;
    let (user, id) = (parts.next()?, parts.next()?);
    let is_status = user.starts_with('@') && !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    is_status.then(|| format!("https://{}/api/v1/statuses/{id}", url.host_str().unwrap_or_default()))
}

fn status(address: &str, net: &Net) -> Result<Found, NetError> {
    let answer = json(address, net)?;
    let text = words(&tokens(&string(&answer, "/content").unwrap_or_default()));
    let is_image = string(&answer, "/media_attachments/0/type").as_deref() == Some("image");
    let pictures = ["/media_attachments/0/preview_url", "/media_attachments/0/url"];
    let facts = Vendored {
        author: string(&answer, "/account/display_name").or_else(|| string(&answer, "/account/username")),
        handle: string(&answer, "/account/acct").map(|name| format!("@{name}")),
        date: string(&answer, "/created_at").map(|at| at.chars().take(10).collect()),
        text: some(text),
        picture_alt: is_image.then(|| string(&answer, "/media_attachments/0/description")).flatten(),
        ..Vendored::default()
    };
    let pictures = pictures.iter().filter(|_| is_image).filter_map(|path| string(&answer, path)).collect();
    Ok(Found { facts, pictures })
}

/// What a page says about itself (Open Graph): title, words, picture.
struct PageFacts {
    title: Option<String>,
    text: Option<String>,
    picture: Option<String>,
}

fn page(url: &str, net: &Net) -> Result<PageFacts, NetError> {
    let body = net.get(url)?;
    let html = String::from_utf8_lossy(&body);
    let mut shown = PageFacts { title: None, text: None, picture: None };
    for token in tokens(&html) {
        let Token::Open { name, .. } = &token else { continue };
        if name != "meta" {
            continue;
        }
        let content = token.attribute("content").map(cut).filter(|text| !text.is_empty());
        match token.attribute("property").or_else(|| token.attribute("name")) {
            Some("og:title") => shown.title = shown.title.or(content),
            Some("og:description") => shown.text = shown.text.or(content),
            Some("og:image" | "og:image:url") => {
                let base = Url::parse(url).ok();
                let whole = content.and_then(|path| base?.join(&path).ok()).map(String::from);
                shown.picture = shown.picture.or(whole);
            }
            _ => {}
        }
    }
    if shown.title.is_none() && shown.text.is_none() {
        return Err(NetError::Nothing(url.to_owned()));
    }
    Ok(shown)
}

fn as_video(shown: PageFacts) -> Found {
    let facts = Vendored { title: shown.title, ..Vendored::default() };
    Found { facts, pictures: shown.picture.into_iter().collect() }
}

/// Titles of posts read `Name (@handle) on Host`. Their pictures are mostly portraits, so they are left out.
fn as_post(shown: PageFacts) -> Found {
    let title = shown.title.unwrap_or_default();
    let (author, handle) = match title.split_once(" (@") {
        Some((author, rest)) => (author, rest.split_once(')').map(|(handle, _)| format!("@{handle}"))),
        None => (title.as_str(), None),
    };
    let facts = Vendored { author: some(author.to_owned()), handle, text: shown.text, ..Vendored::default() };
    Found { facts, pictures: Vec::new() }
}

fn something(url: &str, found: Found) -> Result<Found, NetError> {
    let is_empty = found.facts == Vendored::default() && found.pictures.is_empty();
    if is_empty { Err(NetError::Nothing(url.to_owned())) } else { Ok(found) }
}

fn json(address: &str, net: &Net) -> Result<Value, NetError> {
    let body = net.get(address)?;
    serde_json::from_slice(&body).map_err(|_| NetError::Nothing(host(address)))
}

/// The words of some HTML: an empty line between paragraphs.
fn words(parts: &[Token<'_>]) -> String {
    let mut out = String::new();
    for token in parts {
        match token {
            Token::Text(text) => out.push_str(&text.replace('\n', " ")),
            Token::Open { name, .. } if name == "br" => out.push('\n'),
            Token::Close { name } if name == "p" => out.push_str("\n\n"),
            _ => {}
        }
    }
    cut(&out)
}

fn string(value: &Value, path: &str) -> Option<String> {
    value.pointer(path)?.as_str().map(cut).filter(|text| !text.is_empty())
}

/// Text from outside: trimmed, of bearable length, without control characters.
fn cut(text: &str) -> String {
    let tame = without_disguise(text).take(WORDS_MAX);
    tame.collect::<String>().trim().to_owned()
}

fn some(text: String) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn host(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    host.strip_prefix("www.").or_else(|| host.strip_prefix("m.")).unwrap_or(&host).to_owned()
}

fn encoded(url: &str) -> String {
    utf8_percent_encode(url, NON_ALPHANUMERIC).to_string()
}
