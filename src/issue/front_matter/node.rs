use std::collections::BTreeMap;

use super::values::Value;
use crate::source::{Diagnostic, Diagnostics, Source, Span};

/// A value of a front matter and where it is, in any of its formats.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) span: Span,
    pub(super) node: Node,
}

impl Node {
    /// A bare word: what YAML's core schema (YAML 1.2.2 section 10.3.2) makes of it.
    pub(super) fn plain(text: &str, span: Span) -> Self {
        let kind = match text {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" => Kind::Bool(true),
            "false" | "False" | "FALSE" => Kind::Bool(false),
            _ => number(text).unwrap_or_else(|| Kind::Text(text.to_owned())),
        };
        Self { span, kind }
    }

    /// The value for templates; duplicate keys were reported before, the first one counts.
    pub(super) fn value(self) -> Value {
        match self.kind {
            Kind::Null => Value::Text(String::new()),
            Kind::Bool(value) => Value::Bool(value),
            Kind::Integer(value) => Value::Integer(value),
            Kind::Float(value) => Value::Float(value),
            Kind::Text(value) => Value::Text(value),
            Kind::List(nodes) => Value::List(nodes.into_iter().map(Self::value).collect()),
            Kind::Map(entries) => {
                let mut map = BTreeMap::new();
                for entry in entries {
                    map.entry(entry.key).or_insert_with(|| entry.node.value());
                }
                Value::Map(map)
            }
        }
    }

    /// What it is, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Integer(_) | Kind::Float(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map of names",
        }
    }
}

fn number(text: &str) -> Option<Kind> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // One that is too large stays as it is written: as a floating-point number it would be another one.
        return text.parse().ok().map(Kind::Integer);
    }
    let float =
        digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    float.then(|| text.parse().ok()).flatten().map(Kind::Float)
}

/// Names as they are compared: lower case, `_` for hyphens and spaces.
pub(super) fn normal(key: &str) -> String {
    key.trim().to_lowercase().replace(['-', ' '], "_")
}

/// Reports every key that is twice in one map, at any depth.
pub(super) fn report_duplicates(source: &Source, entries: &[Entry], diagnostics: &mut Diagnostics) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for entry in entries {
        let line = source.position(entry.span.start).line;
        if let Some(first) = seen.get(&normal(&entry.key)) {
            diagnostics.push(
                Diagnostic::error(
                    "M107",
                    source,
                    entry.span.clone(),
                    format!("duplicate field `{}`", entry.key),
                )
                .help(format!("keep one; the first is on line {first}")),
            );
        } else {
            seen.insert(normal(&entry.key), line);
        }
        report_within(source, &entry.node, diagnostics);
    }
}

fn report_within(source: &Source, node: &Node, diagnostics: &mut Diagnostics) {
    match &node.kind {
        Kind::Map(entries) => report_duplicates(source, entries, diagnostics),
        Kind::List(nodes) => nodes.iter().for_each(|node| report_within(source, node, diagnostics)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_have_the_types_of_the_core_schema() {
        let show = |text: &str| format!("{:?}", Node::plain(text, 0..0).kind);
        for (text, expected) in [
            ("12", "Integer(12)"),
            ("-3", "Integer(-3)"),
            ("1.5", "Float(1.5)"),
            ("true", "Bool(true)"),
            ("~", "Null"),
            ("yes", "Text(\"yes\")"),
            ("1.2.3", "Text(\"1.2.3\")"),
            ("2022-12-30", "Text(\"2022-12-30\")"),
            ("inf", "Text(\"inf\")"),
            ("99999999999999999999", "Text(\"99999999999999999999\")"),
        ] {
            assert_eq!(show(text), expected, "{text}");
        }
    }
}
