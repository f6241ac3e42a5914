//! One issue, one template: one letter, whose placeholders for people stay open.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Assets, Escape, Newsletter, Pattern, RenderedIssue, Template,
    blocks::{CODE_BUDGET, ITEMS_MAX, MjmlWriter, items, plain},
    design::Design,
    fill::{Filler, attribute},
    mjml::{Element, press, print},
    scope::Scope,
    template::{Expansion, expand, fence},
    text::text,
    theme,
    tokens::Tokens,
    words::{is_right_to_left, words},
};
use crate::{
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

/// Makes a letter. `Err` holds at least one error, and everything else that was noticed; `Ok` comes with warnings and
/// notes. Problems of the issue and the template themselves are theirs to report and not repeated here.
pub fn render(
    issue: &Issue,
    newsletter: &Newsletter,
    template: &Template,
    assets: &Assets,
    frame: &Frame,
) -> Result<(RenderedIssue, Diagnostics), Diagnostics> {
    let sheet = press_sheet(issue, newsletter, template, assets, frame)?;
    let head = &issue.head;
    let view = web_address(issue, newsletter, &frame.slug);
    let scope = Scope::new(issue, newsletter, derived(issue, newsletter, frame));
    let rendered = RenderedIssue {
        slug: frame.slug.clone(),
        title: head.title.clone(),
        number: head.number,
        language: language(issue, newsletter).to_owned(),
        subject: sheet.subject,
        html: sheet.html,
        text: text(issue, newsletter, &scope, assets, view.as_deref()),
        mjml: sheet.mjml,
        pictures: assets.clone().into_pictures(),
        from: newsletter.from.clone(),
        reply_to: newsletter.reply_to.clone(),
        date: frame.date,
        list_id: newsletter.list_id.clone(),
        newsletter: newsletter.name.clone(),
        unsubscribe: newsletter.unsubscribe.clone(),
        archive: newsletter.archive.clone(),
        view,
        bounces: newsletter.bounces.clone(),
        headers: newsletter.headers.clone(),
    };
    Ok((rendered, sheet.diagnostics))
}

/// The blocks of an issue and how many bytes of its HTML each takes, up to the beginning of the next one; the first
/// entry, with an empty span, is what stands above the text, and the last block's share ends with the text's slot.
pub fn block_bytes(
    issue: &Issue,
    newsletter: &Newsletter,
    template: &Template,
    assets: &Assets,
    frame: &Frame,
) -> Result<Vec<(Span, usize)>, Diagnostics> {
    let sheet = press_sheet(issue, newsletter, template, assets, frame)?;
    let mut starts = vec![(0..0, 0)];
    starts.extend(sheet.marks);
    let ends: Vec<usize> = starts.iter().skip(1).map(|(_, at)| *at).chain([sheet.bytes]).collect();
    Ok(starts.into_iter().zip(ends).map(|((span, start), end)| (span, end - start)).collect())
}

/// How a letter looks: the program's own design, the template's, the newsletter's, the issue's, each over the last.
pub fn design(issue: &Issue, newsletter: &Newsletter, template: &Template) -> (Design, Diagnostics) {
    let mut design = Design::default();
    let mut diagnostics = Vec::new();
    if let Some((settings, place)) = template.design() {
        design.overlay(settings, &|_| place.clone(), &mut diagnostics);
    }
    let file = Place::File { path: "mimeo.toml".into() };
    design.overlay(&newsletter.design, &|_| file.clone(), &mut diagnostics);
    let spans = &issue.head.spans;
    let place = |key: &str| {
        let outer = key.split('.').next().unwrap_or_default();
        let known = [format!("design.{key}"), format!("design.{outer}"), "design".to_owned()];
        let span = known.iter().find_map(|key| spans.get(key));
        issue.source.place(span.cloned().unwrap_or_default())
    };
    design.overlay(&issue.head.design, &place, &mut diagnostics);
    let is_issues = !issue.head.design.is_empty();
    // At the colour of the words where the issue gives it, else at that of their ground.
    let blame = |palette: &str, words: &str, ground: &str| {
        let keys = [
            format!("{palette}.{words}"),
            words.to_owned(),
            format!("{palette}.{ground}"),
            ground.to_owned(),
        ];
        let given = keys.iter().find(|key| spans.contains_key(&format!("design.{key}")));
        if is_issues { place(given.unwrap_or(&keys[0])) } else { file.clone() }
    };
    for (name, palette) in [("light", &design.light), ("dark", &design.dark)] {
        for (words, colour, ground, on) in palette.pairs() {
            let contrast = colour.contrast(on);
            if contrast < 4.5 {
                let message =
                    format!("in the {name} colours, {words} on {ground} has a contrast of {contrast:.1}");
                let diagnostic =
                    Diagnostic::at("M241", Severity::Warning, blame(name, words, ground), message);
                diagnostics.push(
                    diagnostic.help("many people cannot read less than 4.5; choose a darker or lighter one"),
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
    let text = paragraphs.find(|text| LONG_ENOUGH <= text.chars().count()).unwrap_or(first);
    let Some((end, _)) = text.char_indices().nth(CHARACTERS_MAX) else { return text };
    let cut = &text[..end];
    format!("{}…", cut.rsplit_once(' ').map_or(cut, |(words, _)| words))
}

/// The names that are worked out from what is given.
fn derived(issue: &Issue, newsletter: &Newsletter, frame: &Frame) -> BTreeMap<String, Value> {
    let words = words(language(issue, newsletter));
    let day = issue.head.date.map(|date| words.day(date)).unwrap_or_default();
    BTreeMap::from([
        ("slug".to_owned(), Value::Text(frame.slug.clone())),
        ("day".to_owned(), Value::Text(day)),
        ("view".to_owned(), Value::Text(web_address(issue, newsletter, &frame.slug).unwrap_or_default())),
    ])
}

/// A letter fresh from the press.
struct Sheet {
    subject: Pattern,
    html: Pattern,
    mjml: String,
    marks: Vec<(Span, usize)>,
    bytes: usize,
    diagnostics: Diagnostics,
}

fn press_sheet(
    issue: &Issue,
    newsletter: &Newsletter,
    template: &Template,
    assets: &Assets,
    frame: &Frame,
) -> Result<Sheet, Diagnostics> {
    let language = language(issue, newsletter);
    let right_to_left = is_right_to_left(language);
    let (design, diagnostics) = design(issue, newsletter, template);
    let scope = Scope::new(issue, newsletter, derived(issue, newsletter, frame));
    let inputs = template.sources().iter().map(|source| source.text());
    let settings = format!("{newsletter:?}{:?}{frame:?}", issue.head);
    let tokens = Tokens::new(inputs.chain([issue.source.text(), &settings]));
    let mut links = vec!["unsubscribe"];
    links.extend(web_address(issue, newsletter, &frame.slug).map(|_| "view"));
    links.extend(newsletter.archive.as_ref().map(|_| "archive"));
    let mut filler = Filler::new(&scope, tokens, (&issue.head, &issue.source), &design, links);
    filler.diagnostics = diagnostics;
    filler.opening = opening(issue);

    let subject = filler.phrase(&issue.head.subject, &issue.source, Escape::Header);
    let name =
        Placeholder { path: vec!["issue".into(), "preheader".into()], filters: Vec::new(), span: 0..0 };
    let preheader = filler.placeholder(&name, &issue.source, Escape::Attribute);
    // A description for everybody cannot hold a name.
    let description = if filler.tokens.is_open(&preheader) { String::new() } else { preheader };

    let mut setter = MjmlWriter {
        issue,
        design: &design,
        assets,
        filler,
        words: words(language),
        right_to_left,
        code_budget: CODE_BUDGET,
        has_syntax: false,
        crowded: items(&issue.document.blocks) > ITEMS_MAX,
        fence: |setter, span| {
            let mut expansion = Expansion {
                filler: &mut setter.filler,
                sections: Vec::new(),
                logo: None,
                address: &|source| setter.assets.address(source),
            };
            fence(&setter.issue.source, span, &mut expansion)
        },
    };
    let sections = setter.document();
    let logo = setter.logo(&newsletter.name);
    let MjmlWriter { mut filler, has_syntax, .. } = setter;
    let mut expansion =
        Expansion { filler: &mut filler, sections, logo, address: &|source| assets.address(source) };
    let mut root = expand(template.nodes(), &mut expansion);
    root.set("lang", attribute(language));
    root.set("dir", if right_to_left { "rtl" } else { "ltr" });
    theme::mark_roles(&mut root);
    if !root.children().iter().any(|child| child.name == "mj-head") {
        root.children_mut().insert(0, Element::new("mj-head"));
    }
    for child in root.children_mut() {
        match child.name.as_ref() {
            "mj-head" => {
                theme::dress(child, &design, right_to_left);
                child.children_mut().extend(theme::head(&design, &description, has_syntax));
            }
            "mj-body" => child.set("width", format!("{}px", design.width)),
            _ => {}
        }
    }

    let mut diagnostics = std::mem::take(&mut filler.diagnostics);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics);
    }
    let pressed = match press(&root) {
        Ok(html) => html,
        Err(problem) => {
            let place = Place::File { path: issue.source.path().to_owned() };
            let message = format!("the letter cannot be made: {problem}");
            let diagnostic = Diagnostic::at("M227", Severity::Error, place, message);
            diagnostics.push(diagnostic.help("this is a fault of the program: please report it"));
            return Err(diagnostics);
        }
    };
    let tokens = &filler.tokens;
    let (html, marks) = tokens.split(&pressed);
    let bytes = html.pieces.iter().map(|piece| match piece {
        super::Piece::Literal(text) => text.len(),
        super::Piece::Open { .. } => 0,
    });
    Ok(Sheet {
        subject: tokens.split(&subject).0,
        bytes: bytes.sum(),
        html,
        mjml: tokens.readable(&print(&root)),
        marks,
        diagnostics,
    })
}
