//! The one list of what letters and pages keep of HTML: elements, attributes, addresses, styles.

use percent_encoding::{AsciiSet, CONTROLS};

/// What a URL may not hold as it is (RFC 3986 section 2); `%` stays, it may begin an escape.
pub(crate) const NOT_IN_URLS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What becomes of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Kept among words.
    Inline,
    /// Kept, but not among words.
    Block,
    /// Kept; it has no end.
    Void,
    /// Taken out with everything in it.
    Dropped,
    /// Taken out; what it holds stays.
    Unknown,
}

const INLINE: [&str; 21] = [
    "a", "abbr", "b", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s",
    "samp", "small", "span", "strike", "strong", "sub",
];
const MORE_INLINE: [&str; 7] = ["sup", "tt", "u", "var", "bdi", "bdo", "dfn"];
const BLOCK: [&str; 27] = [
    "blockquote",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
    "address",
    "colgroup",
];
const VOID: [&str; 3] = ["br", "hr", "img"];
const DROPPED: [&str; 11] = [
    "script", "style", "template", "textarea", "title", "svg", "math", "noscript", "head", "select", "object",
];

/// Elements that are a `<div>` with a name: mail clients change some of them, and lose nothing with a `<div>`.
const NAMED_DIVS: [&str; 15] = [
    "article",
    "aside",
    "details",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "header",
    "hgroup",
    "legend",
    "main",
    "nav",
    "search",
    "section",
    "summary",
];

/// The name under which letters keep a block.
pub(crate) fn kept_name(name: &str) -> &str {
    if NAMED_DIVS.contains(&name) { "div" } else { name }
}

/// Names to compare a misspelt one with.
pub(crate) const NAMES: [&str; 12] = [
    "span",
    "strong",
    "small",
    "table",
    "center",
    "blockquote",
    "code",
    "mark",
    "abbr",
    "font",
    "pre",
    "img",
];

pub(crate) fn fate(name: &str) -> Fate {
    if INLINE.contains(&name) || MORE_INLINE.contains(&name) {
        Fate::Inline
    } else if BLOCK.contains(&name) {
        Fate::Block
    } else if VOID.contains(&name) {
        Fate::Void
    } else if DROPPED.contains(&name) {
        Fate::Dropped
    } else {
        Fate::Unknown
    }
}

pub(crate) fn keeps(name: &str, attribute: &str) -> bool {
    match attribute {
        "style" | "title" | "lang" | "dir" => true,
        "align" => fate(name) == Fate::Block || name == "img",
        "href" | "name" => name == "a",
        "src" | "alt" => name == "img",
        "width" | "height" => matches!(name, "img" | "table" | "td" | "th"),
        "colspan" | "rowspan" | "scope" | "valign" => matches!(name, "td" | "th"),
        "bgcolor" => matches!(name, "table" | "tr" | "td" | "th"),
        "border" | "cellpadding" | "cellspacing" | "role" => name == "table",
        "start" | "type" => name == "ol",
        "value" => name == "li",
        "color" | "face" | "size" => name == "font",
        _ => false,
    }
}

/// Whether an attribute stays on a page of the archive too, whose style sheet decides how things look.
pub(crate) fn is_kept_on_pages(name: &str, attribute: &str) -> bool {
    let is_look = matches!(
        attribute,
        "style" | "bgcolor" | "border" | "cellpadding" | "cellspacing" | "role" | "color" | "face" | "size"
    );
    keeps(name, attribute) && !is_look && !matches!(attribute, "href" | "src")
}

/// Whether `id` or `name` of an element stays, as a place in the letter that links can lead to.
pub(crate) fn anchor_fits(name: &str) -> bool {
    match fate(name) {
        Fate::Inline => true,
        Fate::Block => !matches!(name, "tr" | "tbody" | "thead" | "tfoot" | "colgroup"),
        Fate::Void | Fate::Dropped | Fate::Unknown => false,
    }
}

/// Attributes without which nothing is lost that a letter could show.
pub(crate) fn is_harmless(attribute: &str) -> bool {
    matches!(attribute, "class" | "target" | "rel" | "loading" | "decoding" | "srcset" | "sizes")
        || attribute.starts_with("data-")
        || attribute.starts_with("aria-")
}

/// Whether an address has no scheme, or one that letters can use. Control characters and spaces hide schemes.
pub(crate) fn is_safe(address: &str) -> bool {
    let compact: String =
        address.chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(200).collect();
    let scheme_end = compact.find([':', '/', '?', '#']);
    match scheme_end {
        Some(at) if compact.as_bytes()[at] == b':' => {
            let scheme = compact[..at].to_ascii_lowercase();
            is_known_scheme(&scheme)
        }
        _ => !compact.split(['/', '?', '#']).next().unwrap_or_default().contains('&'),
    }
}

/// Pictures have fewer schemes than links.
pub(crate) fn safe_picture(address: &str) -> bool {
    let scheme = address.trim_start().split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    is_safe(address)
        && scheme
            .is_none_or(|scheme| matches!(scheme.as_str(), "http" | "https") || !is_known_scheme(&scheme))
}

/// Schemes of links that mail clients follow.
pub(crate) const LINK_SCHEMES: [&str; 6] = ["http", "https", "mailto", "tel", "sms", "webcal"];

/// Schemes that lead somewhere where a program for them is installed: a link may have one, and the check says that few
/// mail clients follow it. None of them runs a script or opens a local file.
const OTHER_SCHEMES: [&str; 52] = [
    "bitcoin",
    "callto",
    "dat",
    "discord",
    "ethereum",
    "facetime",
    "fb-messenger",
    "feed",
    "ftp",
    "ftps",
    "gemini",
    "geo",
    "git",
    "gopher",
    "ipfs",
    "ipns",
    "irc",
    "irc6",
    "ircs",
    "itms",
    "itms-apps",
    "lightning",
    "magnet",
    "maps",
    "market",
    "matrix",
    "msteams",
    "mumble",
    "news",
    "nntp",
    "nostr",
    "obsidian",
    "podcast",
    "rtsp",
    "sftp",
    "sgnl",
    "sip",
    "sips",
    "skype",
    "slack",
    "spotify",
    "ssh",
    "steam",
    "teamspeak",
    "tg",
    "threema",
    "viber",
    "vscode",
    "whatsapp",
    "xmpp",
    "zoommtg",
    "zoomus",
];

/// Whether a scheme is one that a link in a letter may have.
pub(crate) fn is_known_scheme(scheme: &str) -> bool {
    LINK_SCHEMES.iter().chain(&OTHER_SCHEMES).any(|known| known.eq_ignore_ascii_case(scheme))
}

const PROPERTIES: [&str; 20] = [
    "color",
    "background-color",
    "line-height",
    "letter-spacing",
    "width",
    "max-width",
    "height",
    "vertical-align",
    "white-space",
    "direction",
    "border",
    "border-radius",
    "border-collapse",
    "border-color",
    "border-style",
    "border-width",
    "word-break",
    "list-style-type",
    "text-align",
    "text-decoration",
];

/// Properties that begin so are kept too.
const FAMILIES: [&str; 8] =
    ["font", "text-", "padding", "margin", "border-top", "border-right", "border-bottom", "border-left"];

/// A declaration of a `style` attribute as it is kept, if it is.
pub(crate) fn declaration(text: &str) -> Option<String> {
    let (property, value) = text.split_once(':')?;
    let property = property.trim().to_ascii_lowercase();
    let value = value.trim().trim_end_matches("!important").trim_end();
    let lower = value.to_ascii_lowercase();
    let known =
        PROPERTIES.contains(&property.as_str()) || FAMILIES.iter().any(|start| property.starts_with(start));
    let plain = value.len() <= 200
        && property.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        && !value.is_empty()
        && value.chars().all(|c| c.is_alphanumeric() || " #%,.-+'\"()".contains(c))
        && !lower.contains("url(")
        && !lower.contains("expression(");
    (known && plain).then(|| format!("{property}:{value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_run_something_are_refused() {
        for url in
            ["https://a.example", "/x", "#x", "a/b:c", "mailto:a@example.com", "tel:+1", "?x:y", "", "a.png"]
        {
            assert!(is_safe(url), "{url}");
        }
        for url in
            ["javascript:alert(1)", "JaVa\nScript:x", " data:text/html,x", "vbscript:x", "java&Tab;script:x"]
        {
            assert!(!is_safe(url), "{url}");
        }
    }

    #[test]
    fn every_list_is_in_the_lists() {
        for name in NAMES {
            assert!(!matches!(fate(name), Fate::Unknown | Fate::Dropped), "{name}");
        }
    }
}
