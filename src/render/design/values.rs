//! Values of settings, and what is wrong with them.

use crate::{issue::Value, source::nearest};

/// What is wrong with a value, and what to do.
pub(super) type Problem = (String, Option<String>);

pub(super) fn known_names<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known names: {}", known.collect::<Vec<_>>().join(", ")),
    }
}

pub(super) fn stack(key: &str, value: &Value) -> Result<String, Problem> {
    let Value::Text(text) = value else {
        return Err((format!("`{key}` in the design is not a text"), None));
    };
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | ',' | '\'' | '"' | '-' | '_');
    if text.trim().is_empty() || !text.chars().all(allowed) {
        return Err((
            format!("`{key}` in the design is not a list of font families"),
            Some("write for example: \"Georgia, 'Times New Roman', serif\"".into()),
        ));
    }
    let families: Vec<String> =
        text.split(',').map(|family| family.trim().replace('"', "'")).filter(|f| !f.is_empty()).collect();
    const GENERIC: [&str; 5] = ["serif", "sans-serif", "monospace", "cursive", "system-ui"];
    if !families.last().is_some_and(|last| GENERIC.contains(&last.as_str())) {
        return Err((
            format!("`{key}` in the design does not end in a family that every reader has"),
            Some(format!("end it with one of {}", GENERIC.join(", "))),
        ));
    }
    Ok(families.join(","))
}

pub(super) fn flag(key: &str, value: &Value) -> Result<bool, Problem> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        _ => Err((format!("`{key}` in the design is neither true nor false"), None)),
    }
}

pub(super) fn number(key: &str, value: &Value, low: u32, high: u32) -> Result<u32, Problem> {
    let wanted = match value {
        Value::Integer(number) => u32::try_from(*number).ok(),
        Value::Text(text) => text.trim().trim_end_matches("px").parse().ok(),
        _ => None,
    };
    wanted.filter(|number| (low..=high).contains(number)).ok_or_else(|| {
        (
            format!("`{key}` in the design is not a number from {low} to {high}"),
            Some("it counts CSS pixels, for example 600".into()),
        )
    })
}

/// Space between lines, in hundredths of the size of the text.
pub(super) fn line_height(value: &Value) -> Result<u32, Problem> {
    let wanted = match value {
        Value::Float(number) => Some(*number),
        Value::Integer(number) => i32::try_from(*number).ok().map(f64::from),
        _ => None,
    };
    wanted
        .filter(|number| (1.2..=2.0).contains(number))
        .map(|number| (number * 100.0).round() as u32)
        .ok_or_else(|| {
            (
                "`line_height` in the design is not a number from 1.2 to 2".to_owned(),
                Some("it counts sizes of the text, for example 1.6".to_owned()),
            )
        })
}
