//! Fields of forms as HTML, each with its label.

use std::fmt::Write as _;

use super::{
    page::{attribute, escape},
    texts::{Languages, Texts},
};
use crate::subscriber::Topic;

/// Characters of a name.
pub(super) const NAME_MAX: usize = 100;
/// Characters of another field.
pub(super) const FIELD_MAX: usize = 200;
/// The field with a topic that was chosen; there may be several.
pub(super) const TOPIC: &str = "topic";
/// The field that says that a form asks for topics, so that none of them can be chosen.
pub(super) const ASKS_TOPICS: &str = "topics";

/// A field for an address. `described` is the ID of what is wrong with its value.
pub(super) fn email(texts: &Texts, value: &str, described: Option<&str>) -> String {
    let described =
        described.map(|id| format!(" aria-invalid=\"true\" aria-describedby=\"{id}\"")).unwrap_or_default();
    format!(
        "<label for=\"email\">{}</label>\n<input type=\"email\" id=\"email\" name=\"email\" dir=\"ltr\" value=\"{}\" \
         required maxlength=\"254\" autocomplete=\"email\"{described}>\n",
        escape(&texts.email),
        attribute(value)
    )
}

/// A field for a line of text.
pub(super) fn text(name: &str, label: &str, value: &str, autocomplete: &str) -> String {
    let (id, most) = (attribute(name), if name == "name" { NAME_MAX } else { FIELD_MAX });
    format!(
        "<label for=\"{id}\">{}</label>\n<input type=\"text\" id=\"{id}\" name=\"{id}\" dir=\"auto\" value=\"{}\" \
         maxlength=\"{most}\" autocomplete=\"{autocomplete}\">\n",
        escape(label),
        attribute(value)
    )
}

/// A box to check for each topic that readers can choose; nothing if there are none.
pub(super) fn topics(texts: &Texts, topics: &[Topic], is_chosen: impl Fn(&str) -> bool) -> String {
    if topics.is_empty() {
        return String::new();
    }
    let mut html = format!(
        "<fieldset aria-describedby=\"topics-hint\">\n<legend>{}</legend>\n\
         <input type=\"hidden\" name=\"{ASKS_TOPICS}\" value=\"chosen\">\n",
        escape(&texts.topics)
    );
    for topic in topics {
        let checked = if is_chosen(&topic.slug) { " checked" } else { "" };
        let about = topic.description.as_deref();
        let about = about
            .map(|about| format!(" <span class=\"hint\" dir=\"auto\">{}</span>", escape(about)))
            .unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(
            html,
            "<label><input type=\"checkbox\" name=\"{TOPIC}\" value=\"{}\"{checked}> <span><bdi>{}</bdi>{about}</span></label>",
            attribute(&topic.slug),
            escape(&topic.title)
        );
    }
    let _ = writeln!(
        html,
        "<p class=\"hint\" id=\"topics-hint\">{}</p>\n</fieldset>",
        escape(&texts.topics_hint)
    );
    html
}

/// A choice of the languages that there are texts for, each by its own name, and the one that is `chosen`.
pub(super) fn language(texts: &Texts, languages: &Languages, chosen: &str) -> String {
    let mut html = format!(
        "<label for=\"language\">{}</label>\n<select id=\"language\" name=\"language\" autocomplete=\"language\">\n",
        escape(&texts.language)
    );
    let mut option = |tag: &str, name: &str, is_chosen: bool| {
        let selected = if is_chosen { " selected" } else { "" };
        let tag = attribute(tag);
        let _ = writeln!(html, "<option value=\"{tag}\" lang=\"{tag}\"{selected}>{}</option>", escape(name));
    };
    let known = languages.find(chosen);
    if known.is_none() {
        option(chosen, chosen, true);
    }
    for (tag, name) in languages.names() {
        // A language's variant is kept: `pt-BR` is not made `pt`.
        let is_chosen = known == Some(tag);
        option(if is_chosen { chosen } else { tag }, name, is_chosen);
    }
    html + "</select>\n"
}

/// A button that sends its form; `action` is what it asks for, where a page has several.
pub(super) fn button(label: &str, action: Option<&str>) -> String {
    let quiet = if action.is_none_or(|action| action == "save") { "" } else { " quiet" };
    let action = action.map(|action| format!(" name=\"action\" value=\"{action}\"")).unwrap_or_default();
    format!("<button class=\"button{quiet}\" type=\"submit\"{action}>{}</button>\n", escape(label))
}
