//! What a form asks for, from its fields.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;

use super::{
    client,
    fields::{ASKS_TOPICS, FIELD_MAX, NAME_MAX, TOPIC},
    form::Form,
    settings::RequestAddress,
    texts::fill,
    visit::{Visit, language_tag},
};
use crate::{
    address::EmailAddress,
    audience::{Signup, SignupKind, Words},
    subscriber::{Fields, Topic},
};

/// A form that comes back sooner was not filled in by a person.
const SOONEST: Duration = Duration::from_secs(3);
/// A form that comes back later was kept by a program.
const LATEST: Duration = Duration::from_secs(24 * 3600);
/// How long the letter waits then.
const DELAY: Duration = Duration::from_secs(600);
/// How long a sign-up can be confirmed.
const CONFIRM_TIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// Characters of a form's name.
const FORM_NAME_MAX: usize = 40;

/// A sign-up by a form.
pub(super) fn signup(visit: &Visit, form: &Form, address: EmailAddress, now: Timestamp) -> Signup {
    let settings = &visit.settings.form;
    let mut fields = Fields::default();
    for name in &settings.fields {
        let value = clean(form.get(name), FIELD_MAX);
        if !value.is_empty() {
            fields.insert(name, &value);
        }
    }
    let name = Some(clean(form.get("name"), NAME_MAX)).filter(|name| settings.asks_name && is_name(name));
    let language = language_tag(form.get("language")).unwrap_or_else(|| visit.language().to_owned());
    let wait = if is_suspicious(visit, form, now) { DELAY } else { Duration::ZERO };
    let form_name = clean(form.get("form"), FORM_NAME_MAX);
    let kept = visit.settings.request_address;
    Signup {
        id: (visit.random)(),
        kind: SignupKind::Subscribe,
        address,
        name,
        fields,
        topics: topics(form, &settings.topics),
        language: Some(language),
        person: None,
        form: if form_name.is_empty() { "subscribe".to_owned() } else { form_name },
        wording: consent(visit),
        requested_at: now,
        requested_from: visit.client.and_then(|client| kept_address(client, kept)),
        due_at: now.checked_add(wait).unwrap_or(now),
        expires_at: now.checked_add(CONFIRM_TIME).unwrap_or(Timestamp::MAX),
    }
}

/// What people agree to.
pub(super) fn consent(visit: &Visit) -> String {
    let text = visit.settings.form.consent.as_ref().unwrap_or(&visit.texts().consent);
    fill(text, &[("newsletter", &visit.look.newsletter)])
}

/// The topics that a form chooses of those that readers can choose. A form that does not ask for them chooses all: it
/// subscribes to the newsletter.
pub(super) fn topics(form: &Form, known: &[Topic]) -> Words {
    let asks = form.has(ASKS_TOPICS) || form.has(TOPIC);
    let is_chosen = |slug: &&str| !asks || form.all(TOPIC).any(|chosen| chosen == *slug);
    known.iter().map(|topic| topic.slug.as_str()).filter(is_chosen).collect()
}

fn kept_address(client: IpAddr, kept: RequestAddress) -> Option<String> {
    match kept {
        RequestAddress::Whole => Some(client.to_string()),
        RequestAddress::Truncated => Some(client::block(client).to_string()),
        RequestAddress::Nothing => None,
    }
}

/// Whether a form of our own page came back too soon or too late. Forms on other pages have no stamp.
fn is_suspicious(visit: &Visit, form: &Form, now: Timestamp) -> bool {
    if !form.has("t") {
        return false;
    }
    let shown = visit.tokens.read_stamp("subscribe", form.get("t"));
    let age = shown.and_then(|shown| Duration::try_from(now.duration_since(shown)).ok());
    age.is_none_or(|age| age < SOONEST || age > LATEST)
}

/// A line of text without control characters.
pub(super) fn clean(text: &str, most: usize) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Advertising is no name.
fn is_name(text: &str) -> bool {
    let lower = text.to_lowercase();
    !text.is_empty() && !["://", "www.", "http", "@"].iter().any(|bad| lower.contains(bad))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advertising_is_no_name() {
        for (name, expected) in [
            ("Ann O'Neil", true),
            ("阿达", true),
            ("", false),
            ("Win now http://x.example", false),
            ("www.x.example", false),
            ("ann@example.com", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
        assert_eq!(clean("  a\r\nBcc: b ", 100), "a  Bcc: b");
        assert_eq!(clean(&"x".repeat(300), 100).len(), 100);
    }

    #[test]
    fn a_form_chooses_topics_that_there_are() {
        let topic =
            |slug: &str| Topic { slug: slug.into(), title: slug.into(), description: None, public: true };
        let known = [topic("tea"), topic("cups")];
        for (fields, expected) in [
            (&[][..], "cups,tea"),
            (&[("topics", "chosen")], ""),
            (&[("topics", "chosen"), ("topic", "tea")], "tea"),
            (&[("topic", "tea"), ("topic", "secret")], "tea"),
        ] {
            assert_eq!(topics(&Form::of(fields), &known).to_string(), expected, "{fields:?}");
        }
    }
}
