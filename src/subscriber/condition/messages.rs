//! What is said about mistakes in a condition.

use super::kind::Kind;

/// What makes two values comparable.
pub(super) fn way_out(left: Kind, right: Kind) -> &'static str {
    match (left, right) {
        (Kind::Text, Kind::Number) | (Kind::Number, Kind::Text) => {
            "columns of a list are text: write the number between quotation marks, or int(column)"
        }
        (Kind::Time, Kind::Text) | (Kind::Text, Kind::Time) => {
            "make a time of the text: date(\"2026-03-01\")"
        }
        (Kind::Words, _) | (_, Kind::Words) => "a list holds words: \"beta\" in tags",
        (Kind::Text, Kind::Bool) | (Kind::Bool, Kind::Text) => {
            "columns of a list are text: write the word between quotation marks"
        }
        _ => "compare values of one kind",
    }
}

/// What the parser says, in fewer words.
pub(super) fn syntax_message(message: &str) -> String {
    let known = [
        ("mismatched input '<EOF>'", "the condition is incomplete"),
        ("token recognition error", "unexpected character"),
    ];
    if let Some((_, words)) = known.iter().find(|(start, _)| message.contains(start)) {
        return (*words).to_owned();
    }
    if let Some(name) = message.strip_prefix("reserved identifier: ") {
        return format!("`{name}` is a word of the language: write subscriber[\"{name}\"]");
    }
    let quoted = message.split('\'').nth(1).filter(|text| !text.is_empty() && text.len() < 40);
    match quoted {
        Some("<EOF>") => "the condition is incomplete".to_owned(),
        Some(text) if message.contains("input") => format!("unexpected `{text}`"),
        _ => message.to_lowercase(),
    }
}
