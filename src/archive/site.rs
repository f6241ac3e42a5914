//! All issues together: a page that lists them, one for each topic, and what search engines and feed readers ask for.
//!
//! Links are relative, so that the same pages can be published at any address.

use std::collections::BTreeMap;

use super::{
    feed::{Entry, summary},
    page::{Around, Neighbor, Shell, escaped, quoted, reading_time},
};
use crate::{
    issue::{Issue, Value},
    render::{
        Design, Newsletter,
        i18n::{Words, words_with},
    },
};

/// The issues of a newsletter that are published, as a small web site.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    newsletter: &'a Newsletter,
    design: &'a Design,
    /// The newest first.
    entries: Vec<Entry<'a>>,
}

/// A topic and where its page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// As the issues name it.
    pub name: String,
    /// Its page's folder below `topics/`.
    pub slug: String,
    /// How many issues have it.
    pub issues: usize,
}

impl<'a> Archive<'a> {
    /// An archive of these issues; drafts are left out, and the newest comes first.
    pub fn new(newsletter: &'a Newsletter, design: &'a Design, mut entries: Vec<Entry<'a>>) -> Self {
        entries.retain(|entry| !entry.issue.head.draft);
        entries.sort_by(|a, b| {
            (b.issue.head.date, b.issue.head.number, b.slug).cmp(&(
                a.issue.head.date,
                a.issue.head.number,
                a.slug,
            ))
        });
        Self { newsletter, design, entries }
    }

    /// The issues, the newest first.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The topics of all issues, by name.
    pub fn topics(&self) -> Vec<Topic> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for name in self.entries.iter().flat_map(|entry| topics(entry.issue)) {
            *counts.entry(name).or_default() += 1;
        }
        let mut all: Vec<Topic> = Vec::new();
        for (name, issues) in counts {
            let wanted = slug(&name);
            let taken = all
                .iter()
                .filter(|topic| topic.slug == wanted || topic.slug.starts_with(&format!("{wanted}-")))
                .count();
            let slug = if taken == 0 { wanted } else { format!("{wanted}-{}", taken + 1) };
            all.push(Topic { name, slug, issues });
        }
        all
    }

    /// What the page of an issue says of its neighbors.
    pub fn around(&self, slug: &str) -> Around {
        let at = self.entries.iter().position(|entry| entry.slug == slug);
        let neighbor = |at: Option<usize>| {
            let entry = self.entries.get(at?)?;
            Some(Neighbor { title: title(entry).to_owned(), path: format!("../{}/", path(entry.slug)) })
        };
        let all = self.topics();
        let own = at.map(|at| topics(self.entries[at].issue)).unwrap_or_default();
        Around {
            is_in_archive: true,
            newer: neighbor(at.and_then(|at| at.checked_sub(1))),
            older: neighbor(at.map(|at| at + 1)),
            topics: all
                .into_iter()
                .filter(|topic| own.contains(&topic.name))
                .map(|topic| Neighbor { path: format!("../topics/{}/", topic.slug), title: topic.name })
                .collect(),
        }
    }

    fn words(&self) -> &'static Words {
        words_with(&self.newsletter.texts, &self.newsletter.language)
    }

    /// The page that lists all issues.
    pub fn index(&self) -> String {
        let words = self.words();
        let mut main = format!("<h1>{}</h1>\n", escaped(&self.newsletter.name));
        if let Some(tagline) = self.newsletter.tagline.as_deref().filter(|line| !line.is_empty()) {
            main.push_str(&format!("<p class=\"tagline\">{}</p>\n", escaped(tagline)));
        }
        if let Some(url) = &self.newsletter.footer.subscribe {
            main.push_str(&format!(
                "<p><a class=\"button\" href=\"{}\">{}</a></p>\n",
                quoted(url),
                escaped(words.page("subscribe"))
            ));
        }
        let all = self.topics();
        if !all.is_empty() {
            let links: String = all
                .iter()
                .map(|topic| {
                    format!(
                        "<li><a href=\"topics/{}/\">{}</a> <span class=\"byline\">{}</span></li>\n",
                        topic.slug,
                        escaped(&topic.name),
                        topic.issues
                    )
                })
                .collect();
            main.push_str(&format!(
                "<nav class=\"topics\" aria-label=\"{}\"><ul>\n{links}</ul></nav>\n",
                quoted(words.page("topics"))
            ));
        }
        main.push_str(&self.list(self.entries.iter(), ""));
        let address = self.newsletter.archive.as_deref().map(with_slash);
        self.shell("", address, self.newsletter.name.clone(), self.newsletter.tagline.clone()).page(&main)
    }

    /// The page of a topic, by its slug.
    pub fn topic(&self, slug: &str) -> Option<String> {
        let topic = self.topics().into_iter().find(|topic| topic.slug == slug)?;
        let about = self.words().page("about").replace("{topic}", &topic.name);
        let issues = self.entries.iter().filter(|entry| topics(entry.issue).contains(&topic.name));
        let main = format!("<h1>{}</h1>\n{}", escaped(&about), self.list(issues, "../../"));
        let address = self
            .newsletter
            .archive
            .as_deref()
            .map(|archive| format!("{}topics/{}/", with_slash(archive), topic.slug));
        let title = format!("{about} · {}", self.newsletter.name);
        Some(self.shell("../../", address, title, Some(about)).page(&main))
    }

    fn shell(&self, root: &str, address: Option<String>, title: String, about: Option<String>) -> Shell<'_> {
        Shell {
            newsletter: self.newsletter,
            design: self.design,
            language: &self.newsletter.language,
            title,
            description: about.unwrap_or_default(),
            address,
            picture: None,
            published: None,
            archive: Some(root.to_owned()),
        }
    }

    fn list<'e>(&self, entries: impl Iterator<Item = &'e Entry<'a>>, root: &str) -> String
    where
        'a: 'e,
    {
        let own = &self.newsletter.language;
        let items: String = entries
            .map(|entry| {
                let head = &entry.issue.head;
                let language = head.language.as_deref().unwrap_or(own);
                let words = words_with(&self.newsletter.texts, language);
                let lang = if language == own { String::new() } else { format!(" lang=\"{}\"", quoted(language)) };
                let number = head.number.map(|number| format!("#{number}"));
                let date =
                    head.date.map(|date| format!("<time datetime=\"{date}\">{}</time>", escaped(&words.day(date))));
                let details: Vec<String> =
                    [number, date, Some(escaped(&reading_time(entry.issue, words)))].into_iter().flatten().collect();
                format!(
                    "<li{lang}><h2><a href=\"{root}{}/\">{}</a></h2>\n<p class=\"byline\">{}</p>\n<p>{}</p></li>\n",
                    quoted(&path(entry.slug)),
                    escaped(title(entry)),
                    details.join(" · "),
                    escaped(&summary(self.newsletter, entry)),
                )
            })
            .collect();
        match items.is_empty() {
            true => format!("<p>{}</p>\n", escaped(self.words().page("none"))),
            false => format!("<ol class=\"issues\">\n{items}</ol>\n"),
        }
    }

    /// The addresses of all pages, as search engines read them; none without an address of the archive.
    pub fn sitemap(&self) -> Option<String> {
        let archive = with_slash(self.newsletter.archive.as_deref()?);
        let mut out = String::from(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
        );
        let mut add = |url: &str, date: Option<String>| {
            let date = date.map(|date| format!("<lastmod>{date}</lastmod>")).unwrap_or_default();
            out.push_str(&format!("  <url><loc>{}</loc>{date}</url>\n", escaped(url)));
        };
        let newest = self.entries.iter().filter_map(|entry| entry.issue.head.date).max();
        add(&archive, newest.map(|date| date.to_string()));
        for entry in &self.entries {
            let address =
                entry.address.map_or_else(|| format!("{archive}{}/", path(entry.slug)), str::to_owned);
            add(&address, entry.issue.head.date.map(|date| date.to_string()));
        }
        for topic in self.topics() {
            add(&format!("{archive}topics/{}/", topic.slug), None);
        }
        out.push_str("</urlset>\n");
        Some(out)
    }

    /// `robots.txt`: everything may be read, and where the site map is.
    pub fn robots(&self) -> String {
        let map = self.newsletter.archive.as_deref().map(with_slash);
        let map = map.map(|archive| format!("\nSitemap: {archive}sitemap.xml\n")).unwrap_or_default();
        format!("User-agent: *\nAllow: /\n{map}")
    }
}

fn with_slash(address: &str) -> String {
    format!("{}/", address.trim_end_matches('/'))
}

fn title<'e>(entry: &'e Entry<'_>) -> &'e str {
    match entry.issue.head.title.trim() {
        "" => entry.slug,
        title => title,
    }
}

/// The name of an issue's folder as part of a URL.
fn path(slug: &str) -> String {
    crate::render::Escape::UrlPart.apply(slug)
}

/// The topics that an issue names: `topics` of its front matter, or `tags`; a list, or words with commas between them.
fn topics(issue: &Issue) -> Vec<String> {
    let fields = &issue.head.fields;
    let mut names: Vec<String> = match fields.get("topics").or_else(|| fields.get("tags")) {
        Some(Value::List(list)) => list
            .iter()
            .filter_map(|value| match value {
                Value::Text(text) => Some(text.trim().to_owned()),
                _ => None,
            })
            .collect(),
        Some(Value::Text(text)) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        _ => Vec::new(),
    };
    names.retain(|name| !name.is_empty());
    names.dedup();
    names
}

/// A name as a folder's: letters and digits of any script, in lower case, with hyphens between words.
fn slug(name: &str) -> String {
    let plain: String =
        name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let joined = plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if joined.is_empty() { "topic".to_owned() } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_a_folder_of_its_own() {
        for (name, expected) in
            [("Machine learning", "machine-learning"), ("C++", "c"), ("日本", "日本"), ("!?", "topic")]
        {
            assert_eq!(slug(name), expected);
        }
    }
}
