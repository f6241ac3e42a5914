//! One issue, one template: one letter, whose placeholders for people stay open.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    blocks::{CODE_BUDGET, MjmlWriter, extent, plain, runs_leftward},
    design::Design,
    fill::{Filler, attribute},
    i18n::words_with,
    language::is_right_to_left,
    mjml::{Element, join, print, to_html},
    newsletter::Newsletter,
    pattern::{Escape, Pattern, Piece},
    rendered_issue::RenderedIssue,
    scope::Scope,
    template::{Expansion, Template, expand, fence},
    text::text,
    theme,
    tokens::Tokens,
};
use crate::{
    assets::Assets,
    issue::{Issue, Placeholder, Value, document::BlockKind},
    source::{Diagnostic, Diagnostics, Place, Severity, Span},
};

/// What is given from outside, so that the same issue makes the same letter.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The issue's name: the file's (or folder's) name without its extension.
    pub slug: String,
    /// The `Date` of every letter.
    pub date: Timestamp,
}

/// Everything a letter is made from.
#[derive(Clone, Copy, Debug)]
pub struct LetterInputs<'a> {
    /// The issue to lay out.
    pub issue: &'a Issue,
    /// The newsletter it appears in.
    pub newsletter: &'a Newsletter,
    /// What it is laid out by.
    pub template: &'a Template,
    /// Its pictures and what is stored about its videos and posts.
    pub assets: &'a Assets,
    /// What is given from outside.
    pub frame: &'a Frame,
}

/// A rendered issue, and what was learned on the way.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Letter {
    /// The letter, with placeholders for the reader still open.
    pub rendered: RenderedIssue,
    /// Each block of the document with the bytes of HTML from its beginning to the beginning of the next one. The first
    /// entry, with an empty span, is everything above the text; the share of the last block ends with the text.
    pub blocks: Vec<(Span, usize)>,
    /// Warnings and notes.
    pub diagnostics: Diagnostics,
}

/// Renders a letter.
///
/// # Errors
///
/// At least one error, and everything else that was found. Problems of the issue and the template themselves are theirs
/// to report and not repeated here.
pub fn render(inputs: &LetterInputs<'_>) -> Result<Letter, Diagnostics> {
    let LetterInputs { issue, newsletter, template, assets, frame } = *inputs;
    let (design, found) = design(issue, newsletter, template);
    let scope = Scope::new(issue, newsletter, derived(inputs));
    let mut filler = filler(inputs, &scope, &design);
    filler.diagnostics = found;
    let subject = filler.phrase(&issue.head.subject, &issue.source, Escape::Header);
    let (root, mut filler) = tree(inputs, &design, filler);

    let mut diagnostics = std::mem::take(&mut filler.diagnostics);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics);
    }
    let html = match to_html(&root) {
        Ok(html) => html,
        Err(problem) => {
            let place = Place::File { path: issue.source.path().to_owned() };
            let message = format!("cannot render the letter: {problem}");
            let diagnostic = Diagnostic::at("M227", Severity::Error, place, message);
            diagnostics.push(diagnostic.help("this is a bug in mimeo: please report it"));
            return Err(diagnostics);
        }
    };
    let tokens = &filler.tokens;
    let (html, marks) = tokens.split(&html);
    let view = web_address(issue, newsletter, &frame.slug);
    let blocks = block_bytes(&html, marks);
    let rendered = RenderedIssue {
        slug: frame.slug.clone(),
        title: issue.head.title.clone(),
        number: issue.head.number,
        language: language(issue, newsletter).to_owned(),
        subject: tokens.split(&subject).0,
        html,
        text: text(issue, newsletter, &scope, assets, view.as_deref()),
        mjml: tokens.readable(&print(&root)),
        pictures: assets.clone().into_pictures(),
        from: newsletter.from.clone(),
        reply_to: newsletter.reply_to.clone(),
        date: frame.date,
        list_id: newsletter.list_id.clone(),
        newsletter: newsletter.name.clone(),
        unsubscribe: newsletter.unsubscribe.clone(),
        archive: newsletter.archive.clone(),
        view,
        preferences: newsletter.footer.preferences.clone(),
        bounces: newsletter.bounces.clone(),
        headers: newsletter.headers.clone(),
        topics: if newsletter.topics.is_empty() { Vec::new() } else { issue.head.topics.clone() },
    };
    Ok(Letter { rendered, blocks, diagnostics })
}

/// See [`Letter::blocks`].
fn block_bytes(html: &Pattern, marks: Vec<(Span, usize)>) -> Vec<(Span, usize)> {
    let bytes = html.pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => text.len(),
        Piece::Open { .. } => 0,
    });
    let mut starts = vec![(0..0, 0)];
    starts.extend(marks);
    let ends: Vec<usize> = starts.iter().skip(1).map(|(_, at)| *at).chain([bytes.sum()]).collect();
    starts.into_iter().zip(ends).map(|((span, start), end)| (span, end - start)).collect()
}

/// How a letter looks: the program's own design, the template's, the newsletter's, the issue's, each over the last.
pub fn design(issue: &Issue, newsletter: &Newsletter, template: &Template) -> (Design, Diagnostics) {
    let mut design = Design::default();
    let mut diagnostics = Vec::new();
    if let Some((settings, place)) = template.design() {
        design.overlay(settings, &|_| place.clone(), &mut diagnostics);
    }
    design.overlay(&newsletter.design, &|key| newsletter.design_place(key), &mut diagnostics);
    let spans = &issue.head.spans;
    let place = |key: &str| {
        let outer = key.split('.').next().unwrap_or_default();
        let known = [format!("design.{key}"), format!("design.{outer}"), "design".to_owned()];
        let span = known.iter().find_map(|key| spans.get(key));
        issue.source.place(span.cloned().unwrap_or_default())
    };
    design.overlay(&issue.head.design, &place, &mut diagnostics);
    let is_issues = !issue.head.design.is_empty();
    // At the color of the words where the issue gives it, else at that of their background.
    let blame = |palette: &str, words: &str, background: &str| {
        let keys = [
            format!("{palette}.{words}"),
            words.to_owned(),
            format!("{palette}.{background}"),
            background.to_owned(),
        ];
        let given = keys.iter().find(|key| spans.contains_key(&format!("design.{key}")));
        if is_issues {
            place(given.unwrap_or(&keys[0]))
        } else {
            let given = keys.iter().find(|key| newsletter.design_places.contains_key(key.as_str()));
            newsletter.design_place(given.unwrap_or(&keys[0]))
        }
    };
    for (name, palette) in [("light", &design.light), ("dark", &design.dark)] {
        for (words, color, background, on) in palette.pairs() {
            let contrast = color.contrast(on);
            if contrast < 4.5 {
                let message =
                    format!("in the {name} colors, {words} on {background} has a contrast of {contrast:.1}");
                let diagnostic =
                    Diagnostic::at("M241", Severity::Warning, blame(name, words, background), message);
                diagnostics.push(
                    diagnostic.help("many people cannot read text with a contrast below 4.5; choose a darker or lighter color"),
                );
            }
        }
    }
    (design, diagnostics)
}

fn language<'a>(issue: &'a Issue, newsletter: &'a Newsletter) -> &'a str {
    issue.head.language.as_deref().unwrap_or(&newsletter.language)
}

/// Where the issue can be read on the web: `view` of its front matter, or its name below the newsletter's archive.
pub fn web_address(issue: &Issue, newsletter: &Newsletter, slug: &str) -> Option<String> {
    match issue.head.fields.get("view") {
        Some(Value::Text(url)) => return Some(url.clone()).filter(|url| !url.is_empty()),
        Some(Value::Bool(false)) => return None,
        _ => {}
    }
    let archive = newsletter.archive.as_deref()?;
    Some(format!("{}/{slug}/", archive.trim_end_matches('/')))
}

/// The first words that say something, for inboxes of an issue without a preheader: past the greeting, cut between
/// words.
fn opening(issue: &Issue) -> String {
    const LONG_ENOUGH: usize = 40;
    const CHARACTERS_MAX: usize = 120;
    let paragraphs = issue.document.blocks.iter().filter_map(|block| match &block.kind {
        BlockKind::Paragraph(content) => {
            Some(plain(content).split_whitespace().collect::<Vec<_>>().join(" "))
        }
        _ => None,
    });
    let mut paragraphs = paragraphs.filter(|text| !text.is_empty()).peekable();
    let first = paragraphs.peek().cloned().unwrap_or_default();
    let text = paragraphs.find(|text| text.chars().count() >= LONG_ENOUGH).unwrap_or(first);
    let Some((end, _)) = text.char_indices().nth(CHARACTERS_MAX) else { return text };
    let cut = &text[..end];
    format!("{}…", cut.rsplit_once(' ').map_or(cut, |(words, _)| words))
}

/// The names that are worked out from what is given.
fn derived(inputs: &LetterInputs<'_>) -> BTreeMap<String, Value> {
    let LetterInputs { issue, newsletter, frame, .. } = *inputs;
    let words = words_with(&newsletter.texts, language(issue, newsletter));
    let day = issue.head.date.map(|date| words.day(date)).unwrap_or_default();
    let (count, links) = extent(&issue.document);
    let mut derived = BTreeMap::from([
        ("slug".to_owned(), Value::Text(frame.slug.clone())),
        ("day".to_owned(), Value::Text(day)),
        ("view".to_owned(), Value::Text(web_address(issue, newsletter, &frame.slug).unwrap_or_default())),
        ("links".to_owned(), Value::Text(if links > 1 { words.links(links) } else { String::new() })),
    ]);
    // The author's own word on it is a better one.
    if !issue.head.fields.contains_key("reading_time") {
        derived.insert("reading_time".to_owned(), Value::Text(words.reading_time(count)));
    }
    derived
}

/// What fills the placeholders of the issue and its template.
fn filler<'a>(inputs: &LetterInputs<'a>, scope: &'a Scope, design: &'a Design) -> Filler<'a> {
    let LetterInputs { issue, newsletter, template, frame, .. } = *inputs;
    let texts = template.sources().iter().map(|source| source.text());
    let settings = format!("{newsletter:?}{:?}{frame:?}", issue.head);
    let tokens = Tokens::new(texts.chain([issue.source.text(), &settings]));
    let mut links = vec!["unsubscribe"];
    links.extend(web_address(issue, newsletter, &frame.slug).map(|_| "view"));
    links.extend(newsletter.archive.as_ref().map(|_| "archive"));
    links.extend(newsletter.footer.preferences.as_ref().map(|_| "preferences"));
    let mut filler = Filler::new(scope, tokens, (&issue.head, &issue.source), design, links);
    filler.opening = opening(issue);
    filler
}

/// The template with the document in its place, as one tree of MJML.
fn tree<'a>(inputs: &LetterInputs<'a>, design: &'a Design, mut filler: Filler<'a>) -> (Element, Filler<'a>) {
    let LetterInputs { issue, newsletter, template, assets, .. } = *inputs;
    let language = language(issue, newsletter);
    let right_to_left = is_right_to_left(language);
    let description = description(issue, &mut filler);
    let mut writer = MjmlWriter {
        issue,
        design,
        assets,
        filler,
        words: words_with(&newsletter.texts, language),
        right_to_left,
        code_budget: CODE_BUDGET,
        is_row: false,
        due_kind: None,
        hoisted: String::new(),
        mixes_directions: right_to_left || issue.source.text().chars().any(runs_leftward),
        fence: |writer, span| {
            let mut expansion = Expansion {
                filler: &mut writer.filler,
                sections: Vec::new(),
                logos: [None, None],
                cover: None,
                links: String::new(),
                address: &|source| writer.assets.address(source),
            };
            fence(&writer.issue.source, span, &mut expansion)
        },
    };
    let sections = writer.document();
    let logos = [false, true].map(|is_centered| writer.logo(&newsletter.name, is_centered));
    let cover = writer.cover();
    let links = writer.footer_links(newsletter);
    let MjmlWriter { mut filler, hoisted, .. } = writer;
    let address = &|source: &str| assets.address(source);
    let mut expansion = Expansion { filler: &mut filler, sections, logos, cover, links, address };
    let mut root = expand(template.nodes(), &mut expansion);
    root.set("lang", attribute(language));
    root.set("dir", if right_to_left { "rtl" } else { "ltr" });
    theme::mark_roles(&mut root, design);
    if !root.children().iter().any(|child| child.name == "mj-head") {
        root.children_mut().insert(0, Element::new("mj-head"));
    }
    if let Some(head) = root.children_mut().iter_mut().find(|child| child.name == "mj-head") {
        theme::dress(head, design, right_to_left);
    }
    let is_bare = theme::sections_are_bare(&root);
    join(&mut root, is_bare);
    let used = theme::Used::by(&root);
    for child in root.children_mut() {
        match child.name.as_ref() {
            "mj-head" => child.children_mut().extend(theme::head(design, &description, &hoisted, &used)),
            "mj-body" => child.set("width", format!("{}px", design.width)),
            _ => {}
        }
    }
    (root, filler)
}

/// The preheader, as the letter's description; empty when it holds a name, as a description for everybody cannot.
fn description(issue: &Issue, filler: &mut Filler<'_>) -> String {
    let name =
        Placeholder { path: vec!["issue".into(), "preheader".into()], filters: Vec::new(), span: 0..0 };
    let preheader = filler.placeholder(&name, &issue.source, Escape::Attribute);
    if filler.tokens.is_open(&preheader) { String::new() } else { preheader }
}
