//! Two letters side by side, in one file.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{letter, letter_view::LetterView, page};

const CSS: &str = include_str!("page/compare.css");
const SCRIPT: &str = include_str!("page/compare.js");
const PAGE: &str = include_str!("page/compare.html");

/// Two letters to the same person, and what is reported about their differences.
pub struct Comparison<'a> {
    /// The letter as it was.
    pub before: &'a LetterView,
    /// The letter as it is.
    pub now: &'a LetterView,
    /// What `mimeo diff --json` says.
    pub differences: &'a Value,
}

/// The whole page as one file that asks no one for anything.
pub fn comparison(comparison: &Comparison<'_>) -> String {
    let sides = [comparison.before, comparison.now];
    // The same bytes have the same name, so that a picture of both letters is kept once.
    let pictures: serde_json::Map<String, Value> = sides
        .iter()
        .flat_map(|view| &view.pictures)
        .map(|(cid, kind, bytes)| {
            (cid.clone(), format!("data:{kind};base64,{}", STANDARD.encode(bytes)).into())
        })
        .collect();
    let letters = sides.map(|view| {
        json!({
            "light": letter::in_scheme(&view.html, false),
            "dark": letter::in_scheme(&view.html, true),
        })
    });
    let data = json!({ "differences": comparison.differences, "letters": letters, "pictures": pictures });
    page::whole(PAGE, &[page::CSS, CSS], SCRIPT, &data)
}
