//! `[newsletter]`, `[sender]`, `[unsubscribe]`, `[design]`, `[math]`, `[headers]` and `[fields]`: what readers see.

use std::{collections::BTreeMap, path::Path};

use toml::Spanned;
use url::Url;

use super::{
    command::SettingCommand,
    mailbox,
    raw::{Item, Table},
};
use crate::{
    address::EmailAddress,
    assets::PicturePlace,
    message::{DELIVERY_TOKEN_MAX, check_archive, check_header, check_list_id, check_one_click},
    render::{Footer, Mailbox, Newsletter, OwnTexts, Unsubscribe},
    service,
    source::Diagnostic,
};

/// Reads them all; `None` when something that cannot be left out is missing. `section` is `[newsletter]`.
pub(super) fn read(
    root: &Table<'_>,
    section: &Table<'_>,
    serve: Option<&service::Settings>,
) -> Option<Newsletter> {
    let notes = section.notes();
    let name = one_line(section, "name", "Gradient Ascent");
    if name.is_none() && section.any("name").is_none() {
        section.missing("the newsletter's name is missing", "add `name = \"…\"` under `[newsletter]`");
    }
    let language = section.text("language", "en").filter(|language| is_language_tag(section, language));
    let site = web_address(section, "site", "https://news.example.org/");
    let pictures =
        section.choice("pictures", &[("inside", PicturePlace::Inside), ("site", PicturePlace::Site)]);
    if let Some(pictures) = &pictures
        && pictures.value == PicturePlace::Site
        && section.any("site").is_none()
    {
        let message = "pictures cannot be on the site: `site` is not set";
        let help = "add `site = \"https://…/\"`, or write `pictures = \"inside\"`";
        notes.error("M012", pictures.span.clone(), message, help);
    }
    let template = section.text("template", "default").filter(|template| is_template_name(section, template));
    let tagline = one_line(section, "tagline", "A letter about …");
    let archive = web_address(section, "archive", "https://news.example.org/issues/");
    let postal_address = section.text("postal_address", "1 Example Street, 12345 Example");
    let sender = root.table("sender");
    let from = mailbox(&sender, "from");
    if from.is_none() && sender.any("from").is_none() {
        sender.missing("the sender is missing", "add `from = \"Name <address>\"` under `[sender]`");
    }
    let reply_to = mailbox(&sender, "reply_to");
    let bounces = address(&sender, "bounces").filter(|bounces| has_room_for_token(&sender, bounces));
    let list_id = sender.text("list_id", "letters.example.org").filter(|id| is_list_id(&sender, id));
    sender.finish();
    let leaving = root.table("unsubscribe");
    // `mimeo serve` answers there, unless another address does.
    let https = one_click(&leaving).or_else(|| serve.map(service::Settings::unsubscribe_link));
    let mailto = address(&leaving, "mailto");
    leaving.finish();
    let footer = footer(root);
    let topics = super::topics::read(root);
    let (design, fields, headers) = (root.free("design"), root.free("fields"), headers(root));
    let (name, from) = (name?, from?);
    let site = site.map(|site| if site.ends_with('/') { site } else { site + "/" });
    Some(Newsletter {
        tagline,
        language: language.map_or_else(|| "en".to_owned(), |language| language.value),
        pictures: pictures
            .map_or(if site.is_some() { PicturePlace::Site } else { PicturePlace::Inside }, |pictures| {
                pictures.value
            }),
        site,
        archive,
        postal_address: postal_address.map(|address| address.value),
        bounces: bounces.unwrap_or_else(|| from.address.clone()),
        list_id: list_id
            .map_or_else(|| Newsletter::default_list_id(&name, from.address.domain()), |id| id.value),
        unsubscribe: Unsubscribe {
            // Readers must be able to leave: when nothing is said, an answer to the sender is the way.
            mailto: mailto
                .or_else(|| https.is_none().then(|| reply_to.as_ref().unwrap_or(&from).address.clone())),
            https,
        },
        template: template.map_or_else(|| "default".to_owned(), |template| template.value),
        name,
        from,
        reply_to,
        design,
        design_places: root.places("design"),
        footer,
        topics,
        texts: OwnTexts::default(),
        headers,
        fields,
    })
}

/// A text that ends up in header fields.
fn one_line(table: &Table<'_>, name: &'static str, example: &str) -> Option<String> {
    let item = table.text(name, example)?;
    if item.value.chars().any(char::is_control) {
        let message = format!("`{}` contains a line break or another control character", table.name_of(name));
        table.notes().error("M005", item.span, message, "write it in one line");
        return None;
    }
    Some(item.value)
}

fn is_language_tag(table: &Table<'_>, item: &Item<String>) -> bool {
    let mut parts = item.value.split('-');
    let first = parts.next().unwrap_or_default();
    let fine = (2..=8).contains(&first.len())
        && first.bytes().all(|letter| letter.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|letter| letter.is_ascii_alphanumeric())
        });
    if !fine {
        let message = format!("invalid language tag {:?}", item.value);
        table.notes().error("M005", item.span.clone(), message, "write it like \"en\", \"pt-BR\" or \"ar\"");
    }
    fine
}

fn is_template_name(table: &Table<'_>, item: &Item<String>) -> bool {
    let fine = !item.value.contains(['/', '\\', '\0']) && !item.value.starts_with('.');
    if !fine {
        let message = format!("invalid template name {:?}", item.value);
        let help = "name a file in `templates/` without its `.mjml`, for example \"default\"";
        table.notes().error("M005", item.span.clone(), message, help);
    }
    fine
}

fn web_address(table: &Table<'_>, name: &'static str, example: &str) -> Option<String> {
    let item = table.text(name, example)?;
    let fine = Url::parse(&item.value).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.password().is_none()
    });
    if let (true, "archive", Err(reason)) = (fine, name, check_archive(&item.value)) {
        let message = format!("invalid `{}`: {reason}", table.name_of(name));
        table.notes().error("M008", item.span, message, format!("write it like {example:?}"));
        return None;
    }
    if !fine || item.value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let message = format!("`{}` is not a valid http or https URL", table.name_of(name));
        table.notes().error("M008", item.span, message, format!("write it like {example:?}"));
        return None;
    }
    Some(item.value)
}

fn mailbox(table: &Table<'_>, name: &'static str) -> Option<Mailbox> {
    let item = table.text(name, "Ada Quill <ada@example.org>")?;
    match mailbox::parse(&item.value) {
        Ok(mailbox) => Some(mailbox),
        Err(error) => {
            not_an_address(table, name, &item, &error.to_string());
            None
        }
    }
}

fn address(table: &Table<'_>, name: &'static str) -> Option<EmailAddress> {
    let item = table.text(name, "letters@example.org")?;
    match EmailAddress::parse(&item.value) {
        Ok(address) => Some(address),
        Err(error) => {
            not_an_address(table, name, &item, &error.to_string());
            None
        }
    }
}

fn not_an_address(table: &Table<'_>, name: &str, item: &Item<String>, why: &str) {
    let message = format!("invalid email address in `{}`: {why}", table.name_of(name));
    let help = match name {
        "from" | "reply_to" => "write it like \"Ada Quill <ada@example.org>\" or \"ada@example.org\"",
        _ => "write it like \"letters@example.org\"",
    };
    table.notes().error("M007", item.span.clone(), message, help);
}

/// `List-Id` is a name like a domain (RFC 2919 section 2).
fn is_list_id(table: &Table<'_>, item: &Item<String>) -> bool {
    let fine = item.value.contains('.')
        && check_list_id(&item.value).is_ok()
        && item.value.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_'))
        });
    if !fine {
        let message = format!("`{}` cannot be {:?}", table.name_of("list_id"), item.value);
        let help = "write a name below a domain of yours, without angle brackets: \"letters.example.org\"";
        table.notes().error("M005", item.span.clone(), message, help);
    }
    fine
}

/// RFC 8058 wants https, so that no one on the way can read who leaves.
fn one_click(table: &Table<'_>) -> Option<String> {
    const EXAMPLE: &str = "https://news.example.org/leave/{token}";
    let item = table.text("https", EXAMPLE)?;
    let url = Url::parse(&item.value.replace("{token}", "token"));
    let fine = url.is_ok_and(|url| url.scheme() == "https" && url.host().is_some())
        && item.value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"'));
    if !fine {
        let message = format!("`{}` is not a valid https URL", table.name_of("https"));
        table.notes().error("M008", item.span, message, format!("write it like {EXAMPLE:?}"));
        return None;
    }
    if let Err(reason) = check_one_click(&item.value) {
        let message = format!("invalid `{}`: {reason}", table.name_of("https"));
        table.notes().error("M008", item.span, message, format!("write it like {EXAMPLE:?}"));
        return None;
    }
    Some(item.value)
}

/// `[footer]`: what the end of a letter links to.
fn footer(root: &Table<'_>) -> Footer {
    let section = root.table("footer");
    let subscribe = web_address(&section, "subscribe", "https://news.example.org/subscribe");
    let preferences = web_address(&section, "preferences", "https://news.example.org/preferences/{token}");
    let feed = web_address(&section, "feed", "https://news.example.org/issues/feed.xml");
    let reply = section.flag("reply").is_some_and(|reply| reply.value);
    let mut social = Vec::new();
    for (name, url) in section.named_texts("social") {
        let is_web = Url::parse(&url.value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if is_web && !name.value.chars().any(char::is_control) {
            social.push((name.value, url.value));
        } else {
            let message =
                format!("`footer.social.{}` is not a valid http or https URL", name.value.escape_debug());
            let help = "write for example: Mastodon = \"https://social.example.org/@news\"";
            section.notes().error("M008", url.span, message, help);
        }
    }
    section.finish();
    Footer { subscribe, preferences, feed, reply, social }
}

/// The addresses that test letters may go to from the preview.
pub(super) fn preview(root: &Table<'_>) -> Vec<EmailAddress> {
    let section = root.table("preview");
    let mut addresses = Vec::new();
    for item in section.texts("test_to", "[\"me@example.org\"]").unwrap_or_default() {
        match EmailAddress::parse(&item.value) {
            Ok(address) => addresses.push(address),
            Err(error) => {
                let message = format!("invalid email address in `preview.test_to`: {error}");
                section.notes().error("M007", item.span, message, "write it like \"me@example.org\"");
            }
        }
    }
    section.finish();
    addresses
}

/// The command that draws formulas, and whether they are drawn without one.
pub(super) fn math(root: &Table<'_>, folder: &Path) -> (Option<SettingCommand>, bool) {
    let section = root.table("math");
    let pictures = section.flag("pictures").is_none_or(|pictures| pictures.value);
    (math_command(root, section, folder), pictures)
}

fn math_command(root: &Table<'_>, section: Table<'_>, folder: &Path) -> Option<SettingCommand> {
    let span = section.any("command").map(Spanned::span);
    let words = section.texts("command", "[\"tools/tex2png\", \"{style}\"]").unwrap_or_default();
    section.finish();
    if let Some(first) = words.first().filter(|first| first.value.trim().is_empty()) {
        let message = "`math.command` names no program";
        root.notes().error("M005", first.span.clone(), message, "begin with the program's name");
        return None;
    }
    let words: Vec<String> = words.into_iter().map(|word| word.value).collect();
    if words.is_empty() {
        return None;
    }
    let place = root.notes().source.place(span?);
    Some(SettingCommand::new("math.command", place, words, folder))
}

fn headers(root: &Table<'_>) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in root.named_texts("headers") {
        let notes = root.notes();
        if let Err(reason) = check_header(&name.value, &value.value) {
            let message = format!("invalid header field `{}`: {reason}", name.value.escape_debug());
            let help = match name.value.to_ascii_lowercase().as_str() {
                "from" | "reply-to" => "set it under `[sender]`",
                "list-unsubscribe" | "list-unsubscribe-post" => "set it under `[unsubscribe]`",
                _ => "change the line or remove it",
            };
            notes.error("M011", name.span, message, help);
        } else if headers.keys().any(|known| known.eq_ignore_ascii_case(&name.value)) {
            let message = format!("the header field `{}` is set twice", name.value);
            notes.push(Diagnostic::error("M011", &notes.source, name.span, message).help("keep one of them"));
        } else {
            headers.insert(name.value, value.value);
        }
    }
    headers
}

/// Whether `bounces` has at most one `{token}` in its local part, and room for the longest one (RFC 5321 section 4.5.3.1.1).
fn has_room_for_token(sender: &Table<'_>, bounces: &EmailAddress) -> bool {
    const LOCAL_MAX: usize = 64;
    let local = bounces.local();
    let rest = local.replacen("{token}", "", 1);
    let longest = rest.len() + if rest.len() < local.len() { DELIVERY_TOKEN_MAX } else { 0 };
    let (message, help) = if rest.contains(['{', '}']) {
        (
            "invalid `bounces`: its only placeholder is `{token}`, once",
            "write it as \"bounces+{token}@news.example.org\"",
        )
    } else if longest > LOCAL_MAX {
        (
            "invalid `bounces`: with a token its local part is longer than 64 bytes",
            "keep what is around `{token}` to 38 bytes",
        )
    } else {
        return true;
    };
    let Some(place) = sender.any("bounces") else { return false };
    sender.notes().error("M012", place.span(), message, help);
    false
}
