//! `[topics]`: what readers can choose to read about.

use std::collections::BTreeMap;

use super::raw::Table;
use crate::{
    issue::Value,
    source::{Diagnostic, Place, Severity, nearest},
    subscriber::Topic,
};

/// Characters of a topic's name.
const SLUG_MAX: usize = 64;
const NAMES: [&str; 3] = ["title", "description", "public"];

/// Reads the topics, sorted by their names.
pub(super) fn read(root: &Table<'_>) -> Vec<Topic> {
    let places = root.places("topics");
    let problem = |path: &str, message: String, help: &str| {
        let Some(place) = places.get(path).or_else(|| places.get("")) else { return };
        let place: Place = place.clone();
        root.notes().push(Diagnostic::at("M005", Severity::Error, place, message).help(help));
    };
    let mut topics = Vec::new();
    for (slug, value) in root.free("topics") {
        let is_valid = (1..=SLUG_MAX).contains(&slug.len())
            && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if !is_valid {
            let help = "write it in lower-case letters, digits and hyphens; readers see the title";
            problem(&slug, format!("invalid topic `{slug}`"), help);
            continue;
        }
        match value {
            Value::Text(title) if !title.trim().is_empty() => {
                topics.push(Topic { slug, title, description: None, public: true });
            }
            Value::Map(names) => topics.extend(topic(slug, &names, &problem)),
            _ => problem(
                &slug,
                format!("`topics.{slug}` is not a title"),
                "write it as in tea = \"Tea\", or tea = { title = \"Tea\", description = \"…\", public = false }",
            ),
        }
    }
    topics
}

fn topic(
    slug: String,
    names: &BTreeMap<String, Value>,
    problem: &dyn Fn(&str, String, &str),
) -> Option<Topic> {
    let mut is_valid = true;
    let mut refuse = |name: &str, message: String, help: &str| {
        problem(&format!("{slug}.{name}"), message, help);
        is_valid = false;
    };
    for name in names.keys().filter(|name| !NAMES.contains(&name.as_str())) {
        let near = nearest(name, NAMES).map(|near| format!("did you mean `{near}`?"));
        let help =
            near.unwrap_or_else(|| "a topic has a title, a description, and may not be public".to_owned());
        refuse(name, format!("unknown setting `topics.{slug}.{name}`"), &help);
    }
    let mut text = |name: &str| match names.get(name) {
        None => None,
        Some(Value::Text(text)) if !text.trim().is_empty() => Some(text.clone()),
        Some(_) => {
            refuse(name, format!("`topics.{slug}.{name}` is not a text"), "write it between quotation marks");
            None
        }
    };
    let (title, description) = (text("title"), text("description"));
    let public = match names.get("public") {
        None => true,
        Some(Value::Bool(public)) => *public,
        Some(_) => {
            let help = "readers do not see a topic that is not public where they choose";
            refuse("public", format!("`topics.{slug}.public` must be true or false"), help);
            true
        }
    };
    if title.is_none() && !names.contains_key("title") {
        problem(&slug, format!("`topics.{slug}` has no title"), "add title = \"…\": readers see it");
        return None;
    }
    is_valid.then_some(Topic { title: title?, slug, description, public })
}
