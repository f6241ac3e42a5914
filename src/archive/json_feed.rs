//! All issues as a JSON Feed, version 1.1.

use serde_json::{Map, Value, json};

use super::{
    feed::{Entry, authority, content, encode, midnight, moment, summary},
    page::language,
};
use crate::render::Newsletter;

/// The feed of a newsletter, entries in the order given. `address` is the feed's own, when it is known.
pub fn json_feed(newsletter: &Newsletter, entries: &[Entry<'_>], address: Option<&str>) -> String {
    let authority = authority(newsletter);
    let mut feed = Map::new();
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            feed.insert(name.to_owned(), value.into());
        }
    };
    set("version", Some("https://jsonfeed.org/version/1.1"));
    set("title", Some(&newsletter.name));
    set("description", newsletter.tagline.as_deref());
    set("home_page_url", newsletter.archive.as_deref().or(newsletter.site.as_deref()));
    set("feed_url", address);
    set("language", Some(&newsletter.language));
    let author = newsletter.from.name.as_deref().unwrap_or(&newsletter.name);
    feed.insert("authors".to_owned(), json!([{ "name": author }]));
    let items: Vec<Value> = entries.iter().map(|entry| item(newsletter, entry, &authority)).collect();
    feed.insert("items".to_owned(), items.into());
    let mut text = serde_json::to_string_pretty(&Value::Object(feed)).unwrap_or_default();
    text.push('\n');
    text
}

fn item(newsletter: &Newsletter, entry: &Entry<'_>, authority: &str) -> Value {
    let head = &entry.issue.head;
    let day = head.date.map_or_else(|| "2020".to_owned(), |date| date.to_string());
    let title = if head.title.trim().is_empty() { entry.slug } else { head.title.trim() };
    let mut item = Map::new();
    item.insert("id".to_owned(), format!("tag:{authority},{day}:{}", encode(entry.slug)).into());
    item.insert("title".to_owned(), title.into());
    if let Some(address) = entry.address {
        item.insert("url".to_owned(), address.into());
    }
    item.insert("content_html".to_owned(), content(newsletter, entry).into());
    let summary = summary(newsletter, entry);
    if !summary.is_empty() {
        item.insert("summary".to_owned(), summary.into());
    }
    if let Some(date) = head.date {
        item.insert("date_published".to_owned(), moment(midnight(date)).into());
    }
    if let Some(author) = head.author.as_deref().filter(|name| !name.trim().is_empty()) {
        item.insert("authors".to_owned(), json!([{ "name": author }]));
    }
    item.insert("language".to_owned(), language(entry.issue, newsletter).into());
    Value::Object(item)
}
