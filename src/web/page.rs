//! The page around the letter.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    forced_dark::{Recoloring, recolored},
    letter,
    letter_view::LetterView,
};

pub(super) const CSS: &str = include_str!("page/preview.css");
pub(super) const SCRIPT: &str = concat!(include_str!("page/pane.js"), include_str!("page/preview.js"));
const PAGE: &str = include_str!("page/preview.html");

/// No more of a letter's source is shown in the page; pictures make it long. The whole is a link away.
const RAW_MAX: usize = 200_000;

/// The page that asks the server for everything.
pub(super) fn live() -> String {
    PAGE.replace("<!--style-->", "<link rel=\"stylesheet\" href=\"preview.css\">")
        .replace("<!--script-->", "<script src=\"preview.js\"></script>")
}

/// What the page shows of a letter, but for its HTML.
pub(super) fn facts(view: &LetterView) -> Value {
    let cut = view.raw.len().min(RAW_MAX);
    let mut facts = json!(view);
    facts["raw"] = String::from_utf8_lossy(&view.raw[..cut]).into();
    facts["raw_cut"] = (cut < view.raw.len()).into();
    facts
}

/// The whole preview as one file that asks no one for anything.
pub fn static_page(view: &LetterView, findings: &Value) -> String {
    let pictures: serde_json::Map<String, Value> = view
        .pictures
        .iter()
        .map(|(cid, kind, bytes)| {
            (cid.clone(), format!("data:{kind};base64,{}", STANDARD.encode(bytes)).into())
        })
        .collect();
    let light = letter::in_scheme(&view.html, false);
    let data = json!({
        "gmail": recolored(&light, Recoloring::Gmail),
        "outlook": recolored(&light, Recoloring::Outlook),
        "letter": facts(view),
        "findings": findings,
        "light": light,
        "dark": letter::in_scheme(&view.html, true),
        "pictures": pictures,
    });
    whole(PAGE, &[CSS], SCRIPT, &data)
}

/// The HTML part with its pictures in it.
pub(super) fn html_with_pictures(view: &LetterView) -> String {
    let mut html = view.html.clone();
    for (cid, kind, bytes) in &view.pictures {
        html = html.replace(&format!("cid:{cid}"), &format!("data:{kind};base64,{}", STANDARD.encode(bytes)));
    }
    html
}

/// A page with its styles, its script and what the script shows in it.
pub(super) fn whole(page: &str, styles: &[&str], script: &str, data: &Value) -> String {
    // Nothing in the data can end the element that it is in.
    let data = data.to_string().replace('<', "\\u003c");
    page.replace("<!--style-->", &format!("<style>{}</style>", styles.concat())).replace(
        "<!--script-->",
        &format!("<script type=\"application/json\" id=\"data\">{data}</script>\n<script>{script}</script>"),
    )
}

/// A text between tags or in an attribute in double quotes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
