//! An issue as a page of the web, made from the document.
//!
//! In: an `Issue`, its [`Newsletter`], [`Assets`] and [`Design`]. Out: one HTML page, complete in itself.
//! Never: holds a script, a name of a reader or a link to leave; fetches nothing but pictures.

mod block;
mod inline;
mod markup;
mod placeholder_gaps;

use std::collections::BTreeMap;

use crate::{
    assets::Assets,
    issue::{Issue, Value},
    render::{
        Design, Escape, Newsletter, Palette,
        scope::Scope,
        words::{Words, is_right_to_left, words},
    },
};

/// Where the pictures of a page are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PicturePaths<'a> {
    /// At the newsletter's `site`; without one, pictures give way to their alternative texts.
    Site,
    /// In the newsletter's folder, reached from the page by this prefix, for example `../../` or nothing.
    Folder(&'a str),
}

/// What a page knows of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// The issue's name: the file's (or folder's) name without its extension.
    pub slug: &'a str,
    /// The page's own address, when it is known.
    pub address: Option<&'a str>,
    /// Where its pictures are.
    pub pictures: PicturePaths<'a>,
}

/// The page of an issue: semantic HTML with a style sheet of its own, light and dark, and fit to be printed.
/// Placeholders for people take their defaults, or leave no trace.
pub fn web_page(
    issue: &Issue,
    newsletter: &Newsletter,
    assets: &Assets,
    design: &Design,
    page: Page<'_>,
) -> String {
    let head = &issue.head;
    let language = language(issue, newsletter);
    let direction = if is_right_to_left(language) { "rtl" } else { "ltr" };
    let mut weaver = PageWriter::new(issue, newsletter, assets, page);
    let article = weaver.article();
    let preheader = weaver.phrase(&head.preheader);
    let text = |text: &str| Escape::Html.apply(text);
    let quoted = |text: &str| Escape::Attribute.apply(text);
    let mut meta = String::new();
    if !preheader.is_empty() {
        meta.push_str(&format!("<meta name=\"description\" content=\"{}\">\n", quoted(&preheader)));
    }
    if let Some(address) = page.address {
        meta.push_str(&format!("<link rel=\"canonical\" href=\"{}\">\n", quoted(address)));
    }
    let name = match newsletter.archive.as_deref().or(newsletter.site.as_deref()) {
        Some(home) => format!("<a href=\"{}\">{}</a>", quoted(home), text(&newsletter.name)),
        None => text(&newsletter.name),
    };
    let title = match head.title.trim() {
        "" => text(&newsletter.name),
        title => format!("{} · {}", text(title), text(&newsletter.name)),
    };
    let heading = match head.title.trim() {
        "" => String::new(),
        title => format!("<h1>{}</h1>\n", text(title)),
    };
    let byline = weaver.byline();
    let tagline =
        newsletter.tagline.as_deref().map(|line| format!("\n<p>{}</p>", text(line))).unwrap_or_default();
    format!(
        "<!doctype html>\n<html lang=\"{language}\" dir=\"{direction}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n{meta}<style>\n{style}</style>\n\
         </head>\n<body>\n<header class=\"masthead\"><p>{name}</p></header>\n<main>\n<article>\n<header>\n{heading}\
         {byline}</header>\n{article}</article>\n</main>\n<footer>\n<p>{name}</p>{tagline}\n</footer>\n</body>\n</html>\n",
        language = quoted(language),
        style = style(design),
    )
}

/// The language of an issue.
pub(super) fn language<'a>(issue: &'a Issue, newsletter: &'a Newsletter) -> &'a str {
    issue.head.language.as_deref().unwrap_or(&newsletter.language)
}

/// Weaves the document of one issue into HTML.
pub(super) struct PageWriter<'a> {
    issue: &'a Issue,
    newsletter: &'a Newsletter,
    assets: &'a Assets,
    scope: Scope,
    words: &'static Words,
    page: Page<'a>,
    /// Which notes were referred to already: only the first reference is where the note leads back to.
    noted: Vec<bool>,
}

impl<'a> PageWriter<'a> {
    pub(super) fn new(
        issue: &'a Issue,
        newsletter: &'a Newsletter,
        assets: &'a Assets,
        page: Page<'a>,
    ) -> Self {
        let words = words(language(issue, newsletter));
        let day = issue.head.date.map(|date| words.day(date)).unwrap_or_default();
        let derived = BTreeMap::from([
            ("slug".to_owned(), Value::Text(page.slug.to_owned())),
            ("day".to_owned(), Value::Text(day)),
            ("view".to_owned(), Value::Text(page.address.unwrap_or_default().to_owned())),
        ]);
        let noted = vec![false; issue.document.footnotes.len()];
        let scope = Scope::new(issue, newsletter, derived);
        Self { issue, newsletter, assets, scope, words, page, noted }
    }

    /// Number, day and author.
    fn byline(&self) -> String {
        let head = &self.issue.head;
        let number = head.number.map(|number| format!("#{number}"));
        let date = head.date.map(|date| {
            format!("<time datetime=\"{date}\">{}</time>", Escape::Html.apply(&self.words.day(date)))
        });
        let author = head.author.as_deref().map(|author| Escape::Html.apply(author));
        let details: Vec<String> = [number, date, author].into_iter().flatten().collect();
        match details.is_empty() {
            true => String::new(),
            false => format!("<p class=\"byline\">{}</p>\n", details.join(" · ")),
        }
    }
}

/// The page's style sheet in the newsletter's colors.
fn style(design: &Design) -> String {
    // A family list comes from settings: what could end the rule, or the element, is left out.
    let family = |family: &str| family.replace(['<', '>', '{', '}', ';', '\\', '\n'], "");
    format!(
        ":root{{color-scheme:light dark;{light};--font:{font};--heading:{heading};--code:{code};--width:{width}px}}\n\
         @media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{sheet}",
        light = colours(&design.light),
        dark = colours(&design.dark),
        font = family(&design.font),
        heading = family(&design.heading_font),
        code = family(&design.code_font),
        width = design.width.max(320) + 80,
        sheet = include_str!("page/page.css"),
    )
}

fn colours(palette: &Palette) -> String {
    let Palette { accent, on_accent, text, heading, muted, background: _, paper, panel, rule } = palette;
    format!(
        "--accent:{accent};--on-accent:{on_accent};--text:{text};--title:{heading};--muted:{muted};--paper:{paper};\
         --panel:{panel};--rule:{rule}"
    )
}
