use std::collections::BTreeMap;

use super::{
    i18n::{IN_TEMPLATES, words_with},
    newsletter::Newsletter,
};
use crate::{
    issue::{Filter, Issue, Placeholder, Value},
    source::nearest,
};

/// The names that an issue and its template can use, and their values.
pub(crate) struct Scope {
    issue: BTreeMap<String, Value>,
    newsletter: BTreeMap<String, Value>,
    words: BTreeMap<String, Value>,
}

/// What a placeholder is when the issue is rendered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fill {
    /// Known now, filters applied, not escaped.
    Text(String),
    /// Known only when the letter is composed.
    Open(Placeholder),
    /// No such name; the nearest known one.
    Unknown(Option<String>),
}

/// What a letter's links can be called.
pub(crate) const LINKS: [&str; 4] = ["unsubscribe", "preferences", "view", "archive"];

impl Scope {
    /// Collects the names.
    pub(crate) fn new(issue: &Issue, newsletter: &Newsletter, derived: BTreeMap<String, Value>) -> Self {
        let text = |value: &str| Value::Text(value.to_owned());
        let head = &issue.head;
        let mut names = head.fields.clone();
        names.insert("title".into(), text(&head.title));
        names.insert(
            "number".into(),
            head.number.map_or(Value::Text(String::new()), |n| Value::Integer(n.into())),
        );
        names.insert("date".into(), text(&head.date.map(|date| date.to_string()).unwrap_or_default()));
        names.insert("author".into(), text(head.author.as_deref().unwrap_or_default()));
        names.insert("language".into(), text(head.language.as_deref().unwrap_or(&newsletter.language)));
        names.extend(derived);
        let mut ours = newsletter.fields.clone();
        ours.insert("name".into(), text(&newsletter.name));
        ours.insert("tagline".into(), text(newsletter.tagline.as_deref().unwrap_or_default()));
        ours.insert("site".into(), text(newsletter.site.as_deref().unwrap_or_default()));
        ours.insert("archive".into(), text(newsletter.archive.as_deref().unwrap_or_default()));
        ours.insert("postal_address".into(), text(newsletter.postal_address.as_deref().unwrap_or_default()));
        ours.insert("subscribe".into(), text(newsletter.footer.subscribe.as_deref().unwrap_or_default()));
        let said = words_with(&newsletter.texts, head.language.as_deref().unwrap_or(&newsletter.language));
        let said = IN_TEMPLATES.iter().filter_map(|name| {
            Some(((*name).to_owned(), Value::Text(said.in_template(name, &newsletter.name)?)))
        });
        Self { issue: names, newsletter: ours, words: said.collect() }
    }

    /// The names that begin with `newsletter.`.
    pub(crate) fn newsletter_names(&self) -> Vec<String> {
        self.newsletter.keys().map(|name| format!("newsletter.{name}")).collect()
    }

    /// The value of a placeholder, or why there is none yet.
    pub(crate) fn fill(&self, placeholder: &Placeholder) -> Fill {
        let mut path = placeholder.path.iter().map(String::as_str);
        let (first, rest) = (path.next().unwrap_or_default(), path.collect::<Vec<_>>());
        let names = match first {
            "issue" => &self.issue,
            "newsletter" => &self.newsletter,
            "words" => &self.words,
            "subscriber" if rest.len() == 1 => return Fill::Open(placeholder.clone()),
            "link" if rest.len() == 1 => {
                return if LINKS.contains(&rest[0]) {
                    Fill::Open(placeholder.clone())
                } else {
                    Fill::Unknown(nearest(rest[0], LINKS).map(|name| format!("link.{name}")))
                };
            }
            _ => {
                let spaces = ["issue", "newsletter", "subscriber", "link", "design", "words"];
                return Fill::Unknown(nearest(first, spaces).map(|space| {
                    std::iter::once(space).chain(rest.iter().copied()).collect::<Vec<_>>().join(".")
                }));
            }
        };
        let mut value = rest.first().and_then(|name| names.get(*name));
        for name in rest.iter().skip(1) {
            value = match value {
                Some(Value::Map(map)) => map.get(*name),
                _ => None,
            };
        }
        let has_default = placeholder.filters.iter().any(|filter| matches!(filter, Filter::Default(_)));
        match value {
            Some(value) => Fill::Text(apply(&placeholder.filters, &show(value))),
            None if has_default => Fill::Text(apply(&placeholder.filters, "")),
            None => Fill::Unknown(
                rest.first()
                    .and_then(|name| nearest(name, names.keys().map(String::as_str)))
                    .map(|name| format!("{first}.{name}")),
            ),
        }
    }
}

/// A value as text: lists joined by commas, maps not at all.
fn show(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(value) => value.clone(),
        Value::List(values) => values.iter().map(show).collect::<Vec<_>>().join(", "),
        Value::Map(_) => String::new(),
    }
}

/// Applies filters, left to right; the default steps in for an empty value where it is.
pub fn apply(filters: &[Filter], value: &str) -> String {
    filters.iter().fold(value.to_owned(), |value, filter| match filter {
        Filter::Default(fallback) if value.trim().is_empty() => fallback.clone(),
        Filter::Default(_) => value,
        Filter::Upper => value.to_uppercase(),
        Filter::Lower => value.to_lowercase(),
        Filter::Trim => value.trim().to_owned(),
        Filter::Capitalize => capitalize(&value),
        Filter::Title => value.split_inclusive(char::is_whitespace).map(capitalize).collect(),
    })
}

fn capitalize(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
    })
}
