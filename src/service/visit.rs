//! A request of a reader: whose it is, and in which language it is answered.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use axum::{extract::Request, http::header};

use super::{page::Page, state::Shared, texts::Texts};

/// Characters of a language tag (RFC 5646, section 4.4.1).
const TAG_MAX: usize = 35;
/// Languages of a request that are looked at.
const ACCEPTED_MAX: usize = 16;

/// A request, with what all requests share.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    shared: Arc<Shared>,
    /// The client's address, as far as it is known.
    pub(super) client: Option<IpAddr>,
    language: String,
    /// Whether the next page of this reader has to be asked for in this language: no browser says so by itself.
    is_named: bool,
}

impl Deref for Visit {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Visit {
    /// The language is that of `?lang=`, the one that the browser prefers of those that there are texts for, or the
    /// newsletter's.
    pub(super) fn new(shared: &Arc<Shared>, request: &Request, client: Option<IpAddr>) -> Self {
        let named = request.uri().query().and_then(named).filter(|tag| shared.languages.has(tag));
        let is_named = named.is_some();
        let fields = request.headers().get_all(header::ACCEPT_LANGUAGE).iter();
        let fields = fields.filter_map(|field| field.to_str().ok());
        let language = named.or_else(|| accepted(fields).into_iter().find(|tag| shared.languages.has(tag)));
        let language = language.unwrap_or_else(|| shared.language.clone());
        Self { shared: Arc::clone(shared), client, language, is_named }
    }

    /// Answers in the language of a person or a form, unless the address names another one.
    pub(super) fn prefer(&mut self, language: Option<&str>) {
        let language = language.and_then(language_tag).filter(|tag| self.languages.has(tag));
        if let Some(language) = language.filter(|_| !self.is_named) {
            (self.language, self.is_named) = (language, true);
        }
    }

    /// Answers in the language that a person has chosen just now.
    pub(super) fn switch(&mut self, language: &str) {
        self.is_named = false;
        self.prefer(Some(language));
    }

    /// The reader's language.
    pub(super) fn language(&self) -> &str {
        &self.language
    }

    /// The texts of pages, in the reader's language.
    pub(super) fn texts(&self) -> &Texts {
        self.languages.get(&self.language)
    }

    /// An empty page with a title. Its forms lead to the same address, in the same language.
    pub(super) fn page(&self, title: &str) -> Page {
        let language = if self.languages.has(&self.language) { &self.language } else { "en" };
        Page::new(language, title).led_to(&self.query())
    }

    /// `?lang=de` behind an address of ours, where the language has to be named.
    pub(super) fn query(&self) -> String {
        if self.is_named { format!("?lang={}", self.language) } else { String::new() }
    }

    /// The address of a page of ours.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{}{path}{}", self.settings.base(), self.query())
    }
}

/// A language tag, or nothing.
pub(super) fn language_tag(text: &str) -> Option<String> {
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    ((2..=TAG_MAX).contains(&text.len()) && text.split('-').all(is_part)).then(|| text.to_owned())
}

/// The language that a query names.
fn named(query: &str) -> Option<String> {
    query.split('&').find_map(|pair| language_tag(pair.strip_prefix("lang=")?))
}

/// The languages of `Accept-Language`, the dearest first (RFC 9110, section 12.5.4).
fn accepted<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<String> {
    let parse = |one: &str| {
        let mut parts = one.split(';').map(str::trim);
        let tag = language_tag(parts.next()?)?;
        let weight =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
        (weight > 0.0).then_some((tag, weight))
    };
    let mut tags: Vec<_> =
        fields.flat_map(|field| field.split(',')).take(ACCEPTED_MAX).filter_map(parse).collect();
    tags.sort_by(|one, other| other.1.total_cmp(&one.1));
    tags.into_iter().map(|(tag, _)| tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_tag() {
        for (text, expected) in [
            ("de", true),
            ("pt-BR", true),
            ("zh-Hant", true),
            ("", false),
            ("x", false),
            ("de\"", false),
            ("../a", false),
        ] {
            assert_eq!(language_tag(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn languages_come_in_the_order_of_their_weights() {
        for (field, expected) in [
            ("de", &["de"][..]),
            ("fr;q=0.5, de-AT, en;q=0.8", &["de-AT", "en", "fr"]),
            ("en;q=0, *;q=0.1, ar", &["ar"]),
            ("de;q=x, \u{e4}, ../../a", &[]),
            ("", &[]),
        ] {
            assert_eq!(accepted([field].into_iter()), expected, "{field}");
        }
        assert_eq!(accepted(["de;q=0.1", "fr"].into_iter()), ["fr", "de"]);
        let many = vec!["x1,de"; 100].join(",");
        assert!(accepted([&*many].into_iter()).len() <= ACCEPTED_MAX);
    }

    #[test]
    fn a_query_may_name_a_language() {
        for (query, expected) in [
            ("lang=de", Some("de")),
            ("a=b&lang=ar", Some("ar")),
            ("language=de", None),
            ("lang=", None),
            ("lang=%22", None),
        ] {
            assert_eq!(named(query).as_deref(), expected, "{query}");
        }
    }
}
