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
    issue::{Issue, Phrase, Value, document::Image},
    render::{
        Design, Escape, Newsletter, Palette, cover, extent,
        i18n::{Words, words_with},
        is_right_to_left,
        scope::Scope,
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

/// A page to which another one leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// What it is called.
    pub title: String,
    /// Where it is, from the page that leads there.
    pub path: String,
}

/// What is around the page of an issue, when it is one of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Whether there is a list of all issues, and feeds, one folder above the page's.
    pub is_in_archive: bool,
    /// The next issue.
    pub newer: Option<Neighbor>,
    /// The one before.
    pub older: Option<Neighbor>,
    /// The pages of its topics.
    pub topics: Vec<Neighbor>,
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
    web_page_in(issue, newsletter, assets, design, page, &Around::default())
}

/// The page of an issue in an archive; see [`web_page`].
pub fn web_page_in(
    issue: &Issue,
    newsletter: &Newsletter,
    assets: &Assets,
    design: &Design,
    page: Page<'_>,
    around: &Around,
) -> String {
    let head = &issue.head;
    let mut weaver = PageWriter::new(issue, newsletter, assets, page);
    let article = weaver.article();
    let description = weaver.phrase(&head.preheader);
    let title = match head.title.trim() {
        "" => newsletter.name.clone(),
        title => format!("{title} · {}", newsletter.name),
    };
    let mut heading = match head.title.trim() {
        "" => String::new(),
        title => format!("<h1>{}</h1>\n", escaped(title)),
    };
    if let Some(Value::Text(subtitle)) = head.fields.get("subtitle") {
        heading.push_str(&format!("<p class=\"tagline\">{}</p>\n", escaped(subtitle)));
    }
    let cover = weaver.cover();
    let shell = Shell {
        newsletter,
        design,
        language: language(issue, newsletter),
        title,
        description,
        address: page.address.map(str::to_owned),
        picture: cover
            .as_ref()
            .and_then(|(source, _)| assets.picture(source))
            .and_then(|asset| assets.site_address(asset)),
        published: head.date.map(|date| date.to_string()),
        archive: around.is_in_archive.then(|| "../".to_owned()),
    };
    let byline = weaver.byline();
    let cover = cover.map(|(_, html)| html).unwrap_or_default();
    let rest = neighbors(around, weaver.words);
    shell
        .page(&format!("<article>\n<header>\n{heading}{byline}</header>\n{cover}{article}</article>\n{rest}"))
}

/// Links to the topics and to the issues before and after.
fn neighbors(around: &Around, words: &Words) -> String {
    let mut out = String::new();
    if !around.topics.is_empty() {
        let links: String = around
            .topics
            .iter()
            .map(|topic| {
                format!("<li><a href=\"{}\">{}</a></li>\n", quoted(&topic.path), escaped(&topic.title))
            })
            .collect();
        out.push_str(&format!(
            "<nav class=\"topics\" aria-label=\"{}\"><ul>\n{links}</ul></nav>\n",
            quoted(words.page("topics"))
        ));
    }
    let link = |neighbor: &Neighbor, rel: &str, name: &str| {
        format!(
            "<li class=\"{rel}\"><span class=\"byline\">{}</span><br><a rel=\"{rel}\" href=\"{}\">{}</a></li>\n",
            escaped(words.page(name)),
            quoted(&neighbor.path),
            escaped(&neighbor.title)
        )
    };
    let older = around.older.as_ref().map(|one| link(one, "prev", "older"));
    let newer = around.newer.as_ref().map(|one| link(one, "next", "newer"));
    if older.is_some() || newer.is_some() {
        out.push_str(&format!(
            "<nav class=\"around\" aria-label=\"{}\"><ul>\n{}{}</ul></nav>\n",
            quoted(words.page("issues")),
            older.unwrap_or_default(),
            newer.unwrap_or_default()
        ));
    }
    out
}

/// What is around every page: the head with its metadata, the newsletter's name, the end.
pub(super) struct Shell<'a> {
    pub(super) newsletter: &'a Newsletter,
    pub(super) design: &'a Design,
    pub(super) language: &'a str,
    pub(super) title: String,
    pub(super) description: String,
    /// The page's own address.
    pub(super) address: Option<String>,
    /// The address of a picture that stands for it elsewhere.
    pub(super) picture: Option<String>,
    /// The day of an issue.
    pub(super) published: Option<String>,
    /// The way from the page to the archive's folder, when it is in one.
    pub(super) archive: Option<String>,
}

impl Shell<'_> {
    /// The page with this in its `main`.
    pub(super) fn page(&self, main: &str) -> String {
        let newsletter = self.newsletter;
        let direction = if is_right_to_left(self.language) { "rtl" } else { "ltr" };
        let words = words_with(&newsletter.texts, self.language);
        let home = match &self.archive {
            Some(path) if path.is_empty() => Some("./".to_owned()),
            Some(path) => Some(path.clone()),
            None => newsletter.archive.clone().or_else(|| newsletter.site.clone()),
        };
        let name = match home {
            Some(home) => format!("<a href=\"{}\">{}</a>", quoted(&home), escaped(&newsletter.name)),
            None => escaped(&newsletter.name),
        };
        let tagline = newsletter
            .tagline
            .as_deref()
            .map(|line| format!("\n<p>{}</p>", escaped(line)))
            .unwrap_or_default();
        let mut links: Vec<String> = Vec::new();
        if let Some(path) = &self.archive {
            links.push(format!("<a href=\"{path}feed.xml\">{}</a>", escaped(words.page("feed"))));
        }
        if let Some(url) = &newsletter.footer.subscribe {
            links.push(format!("<a href=\"{}\">{}</a>", quoted(url), escaped(words.page("subscribe"))));
        }
        for (name, url) in &newsletter.footer.social {
            links.push(format!("<a rel=\"me\" href=\"{}\">{}</a>", quoted(url), escaped(name)));
        }
        let links = if links.is_empty() { String::new() } else { format!("\n<p>{}</p>", links.join(" · ")) };
        format!(
            "<!doctype html>\n<html lang=\"{language}\" dir=\"{direction}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n{meta}<style>\n{style}</style>\n\
             </head>\n<body>\n<a class=\"skip\" href=\"#main\">{skip}</a>\n<header class=\"masthead\"><p>{name}</p></header>\n\
             <main id=\"main\">\n{main}</main>\n<footer>\n<p>{name}</p>{tagline}{links}\n</footer>\n</body>\n</html>\n",
            language = quoted(self.language),
            title = escaped(&self.title),
            skip = escaped(words.page("skip")),
            meta = self.meta(),
            style = style(self.design),
        )
    }

    /// What search engines and social networks read of a page.
    fn meta(&self) -> String {
        let mut meta = String::new();
        let mut add = |html: String| meta.push_str(&(html + "\n"));
        let property =
            |name: &str, value: &str| format!("<meta property=\"{name}\" content=\"{}\">", quoted(value));
        if !self.description.is_empty() {
            add(format!("<meta name=\"description\" content=\"{}\">", quoted(&self.description)));
        }
        if let Some(address) = &self.address {
            add(format!("<link rel=\"canonical\" href=\"{}\">", quoted(address)));
        }
        let light = &self.design.light;
        let dark = &self.design.dark;
        for (scheme, palette) in [("light", light), ("dark", dark)] {
            add(format!(
                "<meta name=\"theme-color\" media=\"(prefers-color-scheme:{scheme})\" content=\"{}\">",
                palette.paper
            ));
        }
        add(property("og:type", if self.published.is_some() { "article" } else { "website" }));
        add(property("og:title", self.title.trim_end_matches(&format!(" · {}", self.newsletter.name))));
        add(property("og:site_name", &self.newsletter.name));
        if !self.description.is_empty() {
            add(property("og:description", &self.description));
        }
        if let Some(address) = &self.address {
            add(property("og:url", address));
        }
        if let Some(picture) = &self.picture {
            add(property("og:image", picture));
            add("<meta name=\"twitter:card\" content=\"summary_large_image\">".to_owned());
        }
        if let Some(day) = &self.published {
            add(property("article:published_time", day));
        }
        if let Some(path) = &self.archive {
            let name = quoted(&self.newsletter.name);
            for (kind, file) in [("atom+xml", "feed.xml"), ("feed+json", "feed.json")] {
                add(format!(
                    "<link rel=\"alternate\" type=\"application/{kind}\" title=\"{name}\" href=\"{path}{file}\">"
                ));
            }
        }
        meta
    }
}

/// Text between tags.
pub(super) fn escaped(text: &str) -> String {
    Escape::Html.apply(text)
}

/// Text in an attribute.
pub(super) fn quoted(text: &str) -> String {
    Escape::Attribute.apply(text)
}

/// How long an issue takes to read: the author's own word on it, or what its length says.
pub(super) fn reading_time(issue: &Issue, words: &Words) -> String {
    match issue.head.fields.get("reading_time") {
        Some(Value::Text(time)) => time.clone(),
        _ => words.reading_time(extent(&issue.document).0),
    }
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
        let words = words_with(&newsletter.texts, language(issue, newsletter));
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
        let time = escaped(&reading_time(self.issue, self.words));
        let details: Vec<String> = [number, date, author, Some(time)].into_iter().flatten().collect();
        format!("<p class=\"byline\">{}</p>\n", details.join(" · "))
    }

    /// The picture that the front matter names as the issue's cover: its name, and its HTML.
    fn cover(&mut self) -> Option<(String, String)> {
        let source = cover(self.issue)?.to_owned();
        let alt = match self.issue.head.fields.get("cover_alt") {
            Some(Value::Text(alt)) => alt.clone(),
            _ => String::new(),
        };
        let image = Image { source: source.clone(), alt: Phrase::plain(alt), width: None, span: 0..0 };
        Some((source, format!("<figure class=\"cover\">{}</figure>\n", self.image(&image, ""))))
    }
}

/// The page's style sheet in the newsletter's colors.
fn style(design: &Design) -> String {
    // A family list comes from settings: what could end the rule, or the element, is left out.
    let family = |family: &str| family.replace(['<', '>', '{', '}', ';', '\\', '\n'], "");
    format!(
        ":root{{color-scheme:light dark;{light};--font:{font};--heading:{heading};--code:{code};--width:{width}px}}\n\
         @media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{sheet}",
        light = colors(&design.light),
        dark = colors(&design.dark),
        font = family(&design.font),
        heading = family(&design.heading_font),
        code = family(&design.code_font),
        width = design.width.max(320) + 80,
        sheet = include_str!("page/page.css"),
    )
}

fn colors(palette: &Palette) -> String {
    let Palette { accent, on_accent, text, heading, muted, background, paper, panel, rule } = palette;
    format!(
        "--accent:{accent};--on-accent:{on_accent};--text:{text};--title:{heading};--muted:{muted};--paper:{paper};\
         --panel:{panel};--rule:{rule};--background:{background}"
    )
}
