//! Values for a reader who is not real: a letter that is only looked at shows words where names will be, and no
//! `{{ placeholder }}`.

use super::{
    pattern::{Pattern, Piece},
    rendered_issue::RenderedIssue,
    scope::apply as apply_filters,
};
use crate::issue::Placeholder;

/// Where the unsubscribe link of an invented reader leads.
const NOWHERE: &str = "https://example.org/unsubscribe/sample";

/// The token of an invented reader.
const NO_TOKEN: &str = "sample";

/// A value for a field of the list that no one has filled in: `favorite_tea` becomes `Favorite tea`.
pub fn sample_value(field: &str) -> String {
    match field {
        "name" => "Ada Example".to_owned(),
        "first_name" => "Ada".to_owned(),
        "last_name" => "Example".to_owned(),
        "email" | "address" => "reader@example.org".to_owned(),
        _ => {
            let words = field.replace(['_', '-'], " ");
            let mut letters = words.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

impl RenderedIssue {
    /// One of its parts (subject, HTML, text) as an invented reader would see it.
    pub fn sample(&self, part: &Pattern) -> String {
        let mut out = String::new();
        for piece in &part.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Open { placeholder, escape } => {
                    let value = apply_filters(&placeholder.filters, &self.sample_of(placeholder));
                    out.push_str(&escape.apply(&value));
                }
            }
        }
        out
    }

    fn sample_of(&self, placeholder: &Placeholder) -> String {
        let name: Vec<&str> = placeholder.path.iter().map(String::as_str).collect();
        match name[..] {
            ["link", "view"] => self.view.clone().unwrap_or_default(),
            ["link", "preferences"] => {
                self.preferences.as_deref().unwrap_or_default().replacen("{token}", NO_TOKEN, 1)
            }
            ["link", "archive"] => self.archive.clone().unwrap_or_default(),
            ["link", _] => NOWHERE.to_owned(),
            ["subscriber", field] => sample_value(field),
            _ => String::new(),
        }
    }
}
