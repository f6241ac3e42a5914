//! Plain Markdown that stays readable everywhere and means more in a letter: an image alone is a figure, a link that
//! calls itself a button is one, a bare address of a video is a card, a paragraph that begins with "P.S." is one.

use super::{
    context::Context,
    document::{
        AlertKind, Block, BlockKind, Button, Figure, Inline, Inlines, Post, Quote, Video, phrase_inlines,
        plain,
    },
    placeholder::{Part, Phrase},
};
use crate::source::{Span, nearest};

/// What a paragraph is.
pub(super) fn paragraph(context: &mut Context<'_>, words: Inlines, span: &Span) -> BlockKind {
    if let [Inline::Math(tex)] = words.as_slice()
        && context.text(span).starts_with("$$")
    {
        return BlockKind::Math(tex.trim().to_owned());
    }
    if let Some(kind) = embed(&words) {
        return kind;
    }
    if let Some(mut figures) = figures(context, &words) {
        return match figures.pop() {
            Some(figure) if figures.is_empty() => BlockKind::Figure(figure),
            Some(figure) => {
                figures.push(figure);
                BlockKind::Gallery(figures)
            }
            None => BlockKind::Paragraph(words),
        };
    }
    if let Some(buttons) = buttons(context, &words) {
        return BlockKind::Buttons(buttons);
    }
    if begins_postscript(&words) {
        let block = Block { span: span.clone(), kind: BlockKind::Paragraph(words) };
        return BlockKind::PostScript(vec![block]);
    }
    BlockKind::Paragraph(words)
}

fn is_space(inline: &Inline) -> bool {
    match inline {
        Inline::SoftBreak | Inline::LineBreak => true,
        Inline::Text(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// Pictures and nothing else, each perhaps within a link.
pub(super) fn figures(context: &Context<'_>, words: &[Inline]) -> Option<Vec<Figure>> {
    words.iter().filter(|word| !is_space(word)).map(|word| figure(context, word)).collect()
}

fn figure(context: &Context<'_>, word: &Inline) -> Option<Figure> {
    let (image, link) = match word {
        Inline::Image(image) => (image, None),
        Inline::Link { url, content, .. } => {
            let mut inner = content.iter().filter(|word| !is_space(word));
            match (inner.next(), inner.next()) {
                (Some(Inline::Image(image)), None) => (image, Some(url.clone())),
                _ => return None,
            }
        }
        _ => return None,
    };
    let caption =
        context.extras.get(&image.span.start).and_then(|extra| extra.title.clone()).map(phrase_inlines);
    Some(Figure { image: image.clone(), caption, credit: None, link })
}

/// Links that call themselves buttons, and nothing else.
fn buttons(context: &Context<'_>, words: &[Inline]) -> Option<Vec<Button>> {
    let buttons: Option<Vec<Button>> =
        words.iter().filter(|word| !is_space(word)).map(|word| button(context, word)).collect();
    buttons.filter(|buttons| !buttons.is_empty())
}

fn button(context: &Context<'_>, word: &Inline) -> Option<Button> {
    let Inline::Link { url, title, content, span } = word else { return None };
    let secondary = match title.to_string().trim().to_lowercase().as_str() {
        "button" => false,
        "button secondary" | "secondary button" => true,
        _ => context.extras.get(&span.start)?.button()?,
    };
    Some(Button { url: url.clone(), label: content.clone(), secondary })
}

/// Any link as a button; its title and classes may make it quieter.
pub(super) fn as_button(context: &Context<'_>, word: &Inline) -> Option<Button> {
    button(context, word).or_else(|| match word {
        Inline::Link { url, content, span, .. } => {
            let secondary =
                context.extras.get(&span.start).is_some_and(|extra| extra.attributes.has_class("secondary"));
            Some(Button { url: url.clone(), label: content.clone(), secondary })
        }
        _ => None,
    })
}

/// The address of a paragraph that is a bare address and nothing else.
fn bare_address(words: &[Inline]) -> Option<String> {
    let [Inline::Link { url, content, .. }] = words else { return None };
    let url = match url.0.as_slice() {
        [Part::Text(url)] => url,
        _ => return None,
    };
    let shown = plain(content).to_string();
    (shown == *url || format!("https://{shown}") == *url).then(|| url.clone())
}

fn embed(words: &[Inline]) -> Option<BlockKind> {
    let url = bare_address(words)?;
    if is_video(&url) {
        return Some(BlockKind::Video(Video { url, title: None, still: None, caption: None }));
    }
    is_post(&url).then(|| BlockKind::Post(post(url)))
}

/// A post of which only the address is known.
pub(super) fn post(url: String) -> Post {
    Post { url, author: None, handle: None, date: None, blocks: Vec::new(), image: None }
}

/// Host (without `www.` and `m.`) and the rest of an address.
fn parts(url: &str) -> Option<(String, &str)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..at].to_ascii_lowercase();
    let host = host.strip_prefix("www.").or_else(|| host.strip_prefix("m.")).unwrap_or(&host);
    Some((host.to_owned(), &rest[at..]))
}

/// Whether an address is one of a video at the usual hosts.
pub(super) fn is_video(url: &str) -> bool {
    let Some((host, path)) = parts(url) else { return false };
    let id = |prefix: &str| path.strip_prefix(prefix).is_some_and(|id| id.len() >= 5);
    match host.as_str() {
        "youtube.com" | "youtube-nocookie.com" => {
            (path.starts_with("/watch?") && path.contains("v="))
                || id("/shorts/")
                || id("/live/")
                || id("/embed/")
        }
        "youtu.be" => id("/"),
        "vimeo.com" | "player.vimeo.com" => {
            let path = path.trim_start_matches("/video").trim_start_matches('/');
            path.bytes().take_while(u8::is_ascii_digit).count() >= 5
        }
        _ => false,
    }
}

/// Whether an address is one of a post on a social network.
pub(super) fn is_post(url: &str) -> bool {
    let Some((host, path)) = parts(url) else { return false };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let digits = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    match (host.as_str(), parts.as_slice()) {
        ("twitter.com" | "x.com" | "mobile.twitter.com", [_, "status" | "statuses", id, ..]) => digits(id),
        ("bsky.app", ["profile", _, "post", _]) => true,
        ("threads.net" | "threads.com", [user, "post", _]) => user.starts_with('@'),
        // Mastodon, on any host: /@user/digits.
        (_, [user, id]) => user.len() > 1 && user.starts_with('@') && digits(id),
        _ => false,
    }
}

/// "P.S.", "P.P.S.", "PS:" at the beginning, in any marks.
pub(super) fn begins_postscript(words: &[Inline]) -> bool {
    let text: String = match plain(words).0.first() {
        Some(Part::Text(text)) => text.trim_start().chars().take(12).collect(),
        _ => return false,
    };
    let compact: String = text.chars().filter(|c| *c != ' ' && *c != '\u{a0}').collect();
    let dotted = compact.strip_prefix("P.").map(|mut rest| {
        while let Some(next) = rest.strip_prefix("P.") {
            rest = next;
        }
        rest.starts_with("S.") || rest.starts_with("S:")
    });
    let letters = compact.trim_start_matches('P');
    let short = letters.len() < compact.len() && (letters.starts_with("S:") || letters.starts_with("S."));
    dotted == Some(true) || short
}

const DASHES: [char; 4] = ['—', '–', '―', '⸺'];

/// A quote; a last line or paragraph that begins with a dash says whose.
pub(super) fn quote(context: &mut Context<'_>, blocks: Vec<Block>) -> BlockKind {
    alert(context, blocks).unwrap_or_else(|blocks| BlockKind::Quote(signed(blocks)))
}

/// Takes the last line off when it says whose words these are.
pub(super) fn signed(mut blocks: Vec<Block>) -> Quote {
    let count = blocks.len();
    let Some(Block { kind: BlockKind::Paragraph(words), .. }) = blocks.last_mut() else {
        return unsigned(blocks);
    };
    let line = words
        .iter()
        .rposition(|word| matches!(word, Inline::SoftBreak | Inline::LineBreak))
        .map_or(0, |at| at + 1);
    let dashed =
        |words: &[Inline]| matches!(words.first(), Some(Inline::Text(text)) if text.starts_with(DASHES));
    // Where the line before begins with a dash too, this is a dialogue.
    let before = words[..line.saturating_sub(1)]
        .iter()
        .rposition(|word| matches!(word, Inline::SoftBreak | Inline::LineBreak))
        .map_or(0, |at| at + 1);
    let dialogue = line > 0 && dashed(&words[before..]);
    if !dashed(&words[line..]) || dialogue || (line == 0 && count == 1) {
        return unsigned(blocks);
    }
    let mut by = words.split_off(line);
    words.truncate(line.saturating_sub(1));
    if let Some(Inline::Text(text)) = by.first_mut() {
        *text = text.trim_start_matches(DASHES).trim_start().to_owned();
        if text.is_empty() {
            by.remove(0);
        }
    }
    if line == 0 {
        blocks.pop();
    }
    if by.is_empty() { unsigned(blocks) } else { Quote { blocks, by: Some(by) } }
}

/// A quote without a name.
fn unsigned(blocks: Vec<Block>) -> Quote {
    Quote { blocks, by: None }
}

/// `[!KIND] An own title` at the beginning of a quote.
fn alert(context: &mut Context<'_>, mut blocks: Vec<Block>) -> Result<BlockKind, Vec<Block>> {
    let Some(Block { kind: BlockKind::Paragraph(words), span }) = blocks.first_mut() else {
        return Err(blocks);
    };
    let Some(Inline::Text(text)) = words.first_mut() else { return Err(blocks) };
    let Some((word, rest)) = text.strip_prefix("[!").and_then(|rest| rest.split_once(']')) else {
        return Err(blocks);
    };
    if word.is_empty()
        || word.len() > 20
        || !word.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    {
        return Err(blocks);
    }
    let word = word.to_owned();
    let place = span.start..(span.start + word.len() + 3).min(span.end);
    *text = rest.trim_start_matches(['+', '-']).trim_start().to_owned();
    let (kind, own) = match alert_kind(&word) {
        Some(kind) => (kind, None),
        None => {
            let help = match nearest(&word, ["note", "tip", "important", "warning", "caution"]) {
                Some(known) => format!("did you mean `[!{}]`?", known.to_uppercase()),
                None => "the kinds are NOTE, TIP, IMPORTANT, WARNING and CAUTION; any title can follow them"
                    .into(),
            };
            context.warn("M140", place, format!("unknown kind of alert `{word}`"), help);
            (AlertKind::Callout, Some(vec![Inline::Text(capitalized(&word))]))
        }
    };
    let line_end = words
        .iter()
        .position(|word| matches!(word, Inline::SoftBreak | Inline::LineBreak))
        .unwrap_or(words.len());
    let mut body = words.split_off(line_end);
    if !body.is_empty() {
        body.remove(0);
    }
    let mut title = std::mem::replace(words, body);
    title.retain(|word| !matches!(word, Inline::Text(text) if text.is_empty()));
    if words.is_empty() {
        blocks.remove(0);
    }
    let title = if title.is_empty() { own } else { Some(title) };
    Ok(BlockKind::Alert { kind, title, blocks })
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
    })
}

/// The kinds of alerts, under the names that other programs give them too.
pub(super) fn alert_kind(word: &str) -> Option<AlertKind> {
    Some(match word.to_ascii_lowercase().as_str() {
        "note" | "info" => AlertKind::Note,
        "tip" | "hint" | "success" => AlertKind::Tip,
        "important" => AlertKind::Important,
        "warning" | "attention" => AlertKind::Warning,
        "caution" | "danger" | "error" => AlertKind::Caution,
        "callout" => AlertKind::Callout,
        _ => return None,
    })
}

/// Whether nothing is said.
pub(super) fn is_blank(phrase: &Phrase) -> bool {
    phrase.0.iter().all(|part| matches!(part, Part::Text(text) if text.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_videos_and_posts_are_distinguished() {
        for url in [
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://youtube.com/watch?t=3&v=dQw4w9WgXcQ",
            "https://m.youtube.com/shorts/dQw4w9WgXcQ",
            "https://youtu.be/dQw4w9WgXcQ?t=1",
            "https://vimeo.com/76979871",
        ] {
            assert!(is_video(url) && !is_post(url), "{url}");
        }
        for url in [
            "https://twitter.com/example/status/1234567890",
            "https://x.com/example/status/1234567890?s=20",
            "https://mastodon.example/@someone/109372843234",
            "https://bsky.app/profile/example.com/post/3kabc",
            "https://www.threads.net/@someone/post/Cabc",
        ] {
            assert!(is_post(url) && !is_video(url), "{url}");
        }
        for url in [
            "https://www.youtube.com/@channel",
            "https://vimeo.com/about",
            "https://x.com/example",
            "https://example.com/watch?v=abcdef",
            "https://example.com/@someone",
            "mailto:a@example.com",
        ] {
            assert!(!is_post(url) && !is_video(url), "{url}");
        }
    }

    #[test]
    fn postscripts_are_recognized_by_their_first_letters() {
        let begins = |text: &str| begins_postscript(&[Inline::Text(text.into())]);
        for text in
            ["P.S. More", "P. S. More", "P.P.S. Yet more", "PS: More", "PPS: x", "PS. More", "P.S.: x"]
        {
            assert!(begins(text), "{text}");
        }
        for text in ["PS5 is out", "P. Smith wrote", "Psst", "ps: lower", "", "PSA: read this", "P.O. box"] {
            assert!(!begins(text), "{text}");
        }
        assert!(begins_postscript(&[
            Inline::Strong(vec![Inline::Text("P.S.".into())]),
            Inline::Text(" x".into())
        ]));
    }
}
