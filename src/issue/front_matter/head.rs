//! Where a front matter begins and ends, and which kind it is.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    fields::KNOWN,
    node::{Entry, Kind, Node, normal},
    yaml,
};
use crate::source::{Diagnostic, Diagnostics, Source, Span};

/// No front matter is longer, in bytes.
const LONGEST: usize = 64 * 1024;

/// The entries of the front matter, and where the text begins.
pub(super) fn read(source: &Source, diagnostics: &mut Diagnostics) -> (Vec<Entry>, usize) {
    let text = source.text();
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    // Empty lines above the first fence are a slip of the hand, not a text.
    let first = start + text[start..].len() - text[start..].trim_start().len();
    let first_line = line_at(text, first);
    let fence = text[first_line.clone()].trim_end();
    let is_fence = fence.len() >= 3 && (dashes(fence) || fence.bytes().all(|byte| byte == b'+'));
    if !is_fence {
        return bare(source, start);
    }
    let is_toml = fence.starts_with('+');
    // A file can begin with a divider: only a line that looks like a field makes a front matter of it.
    let body_start = next_line(text, first_line.end);
    let closing = lines(text, body_start).find(|line| closes(text[line.clone()].trim_end(), fence));
    let looks =
        lines(text, body_start).find(|line| !text[line.clone()].trim().is_empty()).is_some_and(|line| {
            let line = text[line].trim();
            line.starts_with('#') && !line.starts_with("# ")
                || key_of(line, if is_toml { '=' } else { ':' }).is_some()
                || (is_toml && line.starts_with('['))
                || line.starts_with('{')
                || closes(line, fence)
        });
    match closing {
        Some(closing) if looks || is_toml => {
            let span = body_start..closing.start;
            let body = next_line(text, closing.end);
            if span.len() > LONGEST {
                diagnostics.push(too_long(source, first_line));
                return (Vec::new(), body);
            }
            let entries = if is_toml {
                read_toml(source, span, diagnostics)
            } else {
                yaml::read(source, span, diagnostics)
            };
            (entries, body)
        }
        None if looks => {
            diagnostics.push(
                Diagnostic::error("M101", source, first_line, "the front matter is not closed")
                    .help(format!("put a line with `{fence}` below its last field")),
            );
            // The fields are read as far as they look like fields, so that their problems are reported too.
            let end = lines(text, body_start)
                .find(|line| text[line.clone()].trim().is_empty())
                .map_or(text.len(), |line| line.start);
            let span = body_start..end.min(body_start + LONGEST);
            if !text.is_char_boundary(span.end) {
                return (Vec::new(), end);
            }
            let entries = if is_toml {
                read_toml(source, span, diagnostics)
            } else {
                yaml::read(source, span, diagnostics)
            };
            (entries, end)
        }
        _ => (Vec::new(), start),
    }
}

fn too_long(source: &Source, span: Span) -> Diagnostic {
    Diagnostic::error("M101", source, span, "the front matter is longer than 64 KiB")
        .help("look for a missing closing line; long texts belong below the front matter")
}

fn dashes(line: &str) -> bool {
    line.bytes().all(|byte| byte == b'-')
}

fn closes(line: &str, fence: &str) -> bool {
    line.len() >= 3
        && match fence.as_bytes()[0] {
            b'-' => dashes(line) || line == "...",
            _ => line.bytes().all(|byte| byte == b'+'),
        }
}

/// The line at an offset, without its end.
fn line_at(text: &str, start: usize) -> Span {
    let end = memchr::memchr(b'\n', &text.as_bytes()[start..]).map_or(text.len(), |at| start + at);
    start..end
}

/// Where the line behind this line end begins.
fn next_line(text: &str, end: usize) -> usize {
    (end + 1).min(text.len())
}

fn lines(text: &str, start: usize) -> impl Iterator<Item = Span> {
    let mut at = Some(start);
    std::iter::from_fn(move || {
        let start = at.filter(|&start| start < text.len())?;
        let line = line_at(text, start);
        at = Some(line.end + 1);
        Some(line)
    })
}

/// The name in front of a `:` or `=`.
fn key_of(line: &str, mark: char) -> Option<&str> {
    let (key, rest) = line.split_once(mark)?;
    let key = key.trim_matches(['"', '\'']).trim();
    let is_name = key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'));
    let apart = mark == '=' || rest.is_empty() || rest.starts_with([' ', '\t']);
    (is_name && apart && key.starts_with(|c: char| c.is_alphabetic()) && key.chars().count() <= 40)
        .then_some(key)
}

/// `Key: value` lines at the top of the file up to the first empty one, if each of them is one and a known field
/// is among them.
fn bare(source: &Source, start: usize) -> (Vec<Entry>, usize) {
    let text = source.text();
    let mut entries = Vec::new();
    let mut end = start;
    for line in lines(text, start) {
        let content = text[line.clone()].trim_end();
        if content.trim().is_empty() {
            if entries.is_empty() {
                continue;
            }
            end = next_line(text, line.end);
            break;
        }
        let Some(key) = key_of(content, ':') else { return (Vec::new(), start) };
        let colon = content.find(':').unwrap_or(content.len());
        let value = content[colon + 1..].trim();
        let value_start = line.start + colon + 1 + content[colon + 1..].find(value).unwrap_or(0);
        let span = value_start..value_start + value.len();
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let node = match unquoted {
            Some(inner) => Node { span, kind: Kind::Text(inner.to_owned()) },
            None => Node::plain(value, span),
        };
        entries.push(Entry { key: normal(key), span: line.start..line.start + colon, node });
        end = next_line(text, line.end);
        if entries.len() > 200 {
            return (Vec::new(), start);
        }
    }
    if entries.iter().any(|entry| KNOWN.contains(&entry.key.as_str())) {
        (entries, end)
    } else {
        (Vec::new(), start)
    }
}

fn read_toml(source: &Source, span: Span, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    let text = &source.text()[span.clone()];
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().unwrap_or(0..0);
        let at = span.start + at.start..span.start + at.end;
        let what = error.message().lines().next().unwrap_or("syntax error").trim_end_matches('.');
        if what.contains("duplicate key") {
            let key = source.text().get(at.clone()).unwrap_or_default().trim();
            diagnostics.push(
                Diagnostic::error("M107", source, at.clone(), format!("duplicate field `{key}`"))
                    .help("keep one"),
            );
        } else {
            diagnostics.push(
                Diagnostic::error(
                    "M102",
                    source,
                    at,
                    format!("the front matter cannot be read as TOML: {what}"),
                )
                .help("TOML writes `name = \"value\"`, with texts in quotes"),
            );
        }
    }
    entries(table.into_inner(), span.start)
}

fn entries(table: DeTable<'_>, base: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| {
            let span = key.span();
            Entry {
                key: key.into_inner().into_owned(),
                span: base + span.start..base + span.end,
                node: node(value, base),
            }
        })
        .collect();
    entries.sort_by_key(|entry| entry.span.start);
    entries
}

fn node(value: Spanned<DeValue<'_>>, base: usize) -> Node {
    let span = value.span();
    let kind = match value.into_inner() {
        DeValue::String(text) => Kind::Text(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Kind::Text(number.to_string()), Kind::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Kind::Text(number.to_string()), Kind::Float)
        }
        DeValue::Boolean(value) => Kind::Bool(value),
        DeValue::Datetime(value) => Kind::Text(value.to_string()),
        DeValue::Array(values) => Kind::List(values.into_iter().map(|value| node(value, base)).collect()),
        DeValue::Table(table) => Kind::Map(entries(table, base)),
    };
    Node { span: base + span.start..base + span.end, kind }
}
