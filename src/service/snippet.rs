//! The form for a page of the owner's own: it needs no script and no style, and holds nothing that is secret.

use super::{
    fields,
    page::{attribute, escape},
    settings::Settings,
    texts::Languages,
};
use crate::render::OwnTexts;

/// Sends the form of a snippet without leaving its page.
pub(super) const SCRIPT: &str = include_str!("subscribe.js");

/// Whether a page of the owner's own also gets a line of script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnippetScript {
    /// The form alone.
    Without,
    /// With a line that keeps readers on their page. Without scripts the form works as before.
    With,
}

/// The form as HTML, in a language.
pub fn snippet(settings: &Settings, language: &str, own: &OwnTexts, script: SnippetScript) -> String {
    let languages = Languages::new(own);
    let texts = languages.get(language);
    let mut lines = vec![
        format!(
            "<form action=\"{}\" method=\"post\" accept-charset=\"utf-8\">",
            attribute(&settings.link("subscribe"))
        ),
        format!(
            "  <p><label>{} <input type=\"email\" name=\"email\" required maxlength=\"254\" autocomplete=\"email\"></label></p>",
            escape(&texts.email)
        ),
    ];
    if settings.form.asks_name {
        lines.push(format!(
            "  <p><label>{} <input type=\"text\" name=\"name\" maxlength=\"{}\" autocomplete=\"name\"></label></p>",
            escape(&texts.name),
            fields::NAME_MAX
        ));
    }
    for field in &settings.form.fields {
        let field = escape(field);
        lines.push(format!(
            "  <p><label>{field} <input type=\"text\" name=\"{field}\" maxlength=\"{}\"></label></p>",
            fields::FIELD_MAX
        ));
    }
    for line in fields::topics(texts, &settings.form.topics, |_| true).lines() {
        lines.push(format!("  {line}"));
    }
    // Hidden by an attribute: a page with a strict policy would not take a style.
    lines.push(format!(
        "  <p hidden><label>{} <input type=\"text\" name=\"website\" tabindex=\"-1\" autocomplete=\"off\"></label></p>",
        escape(&texts.website)
    ));
    lines.push(format!("  <input type=\"hidden\" name=\"language\" value=\"{}\">", attribute(language)));
    lines.push("  <input type=\"hidden\" name=\"form\" value=\"embedded\">".to_owned());
    lines.push(format!("  <p><button type=\"submit\">{}</button></p>", escape(&texts.subscribe_button)));
    lines.push("</form>".to_owned());
    if script == SnippetScript::With {
        let source = attribute(&settings.link("subscribe.js"));
        lines.push(format!("<script src=\"{source}\" defer></script>"));
    }
    lines.join("\n") + "\n"
}
