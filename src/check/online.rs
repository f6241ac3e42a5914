//! What the web said about the addresses in an issue.

use std::collections::BTreeMap;

use url::Url;

use super::{facts, findings::rule};
use crate::{
    issue::{Issue, Part},
    source::{Diagnostic, Diagnostics, Span},
};

/// What the web said about an address.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is there.
    There,
    /// It has moved for good, and is there.
    Moved(String),
    /// It is not there: the status.
    Gone(u16),
    /// Its certificate is not valid: in which way.
    Certificate(String),
    /// It could not be determined: why.
    Unclear(String),
}

/// Answers by address, as [`addresses`] writes it.
pub type Answers = BTreeMap<String, Answer>;

/// The addresses of an issue that the web can be asked about, each once: links, and pictures elsewhere.
pub fn addresses(issue: &Issue) -> Vec<Url> {
    let mut all: Vec<Url> = places(issue).into_iter().map(|(url, _, _)| url).collect();
    all.sort();
    all.dedup();
    all
}

/// What is to be said about an issue after the web was asked.
pub(super) fn check_answers(issue: &Issue, answers: &Answers) -> Diagnostics {
    let mut found = Vec::new();
    for (url, is_picture, span) in places(issue) {
        let (code, message, help) = match answers.get(url.as_str()) {
            None | Some(Answer::There) => continue,
            Some(Answer::Gone(status)) => (
                if is_picture { "M437" } else { "M421" },
                format!("`{}` not found (status {status})", short(&url)),
                "fix the address, or remove it".to_owned(),
            ),
            Some(Answer::Moved(to)) => {
                ("M422", format!("`{}` has moved permanently", short(&url)), format!("use `{to}`"))
            }
            Some(Answer::Certificate(problem)) => (
                "M423",
                format!("the certificate of `{}` {problem}", url.host_str().unwrap_or_default()),
                "browsers show a warning instead: link to another page, or tell its owner".to_owned(),
            ),
            Some(Answer::Unclear(why)) => (
                "M424",
                format!("could not verify `{}`: {why}", short(&url)),
                "open it in a browser".to_owned(),
            ),
        };
        let severity = rule(code).expect("every code that is found has a rule").severity;
        found.push(Diagnostic::at(code, severity, issue.source.place(span), message).help(help));
    }
    found
}

fn short(url: &Url) -> String {
    let text = url.as_str();
    if text.chars().count() <= 100 { text.to_owned() } else { text.chars().take(99).chain(['…']).collect() }
}

/// Addresses without their fragment, whether it is a picture, and where each is.
fn places(issue: &Issue) -> Vec<(Url, bool, Span)> {
    let facts = facts::find(&issue.document);
    let links = facts
        .links
        .iter()
        .filter(|link| !link.url.0.iter().any(|part| matches!(part, Part::Open(_))))
        .map(|link| (link.url.to_string(), false, link.span.clone()));
    let pictures = facts.images.iter().map(|image| (image.source.clone(), true, image.span.clone()));
    links
        .chain(pictures)
        .filter_map(|(address, is_picture, span)| {
            let mut url = Url::parse(&address).ok()?;
            url.set_fragment(None);
            matches!(url.scheme(), "http" | "https").then_some((url, is_picture, span))
        })
        .collect()
}
