//! YAML as events, so that nesting costs no stack and every key keeps its place.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::node::{Entry, Kind, Node};
use crate::source::{Diagnostic, Diagnostics, Source, Span};

/// Deeper than any front matter, shallow enough for any stack.
const DEEPEST: usize = 16;

/// Reads a YAML mapping at `span` of the file.
pub(super) fn read(source: &Source, span: Span, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    let text = &source.text()[span.clone()];
    let places = Places::new(text, span.start);
    match events(text, &places) {
        Ok(None) => Vec::new(),
        Ok(Some(Node { kind: Kind::Map(entries), .. })) => entries,
        Ok(Some(Node { kind: Kind::Null, .. })) => Vec::new(),
        Ok(Some(node)) => {
            diagnostics.push(
                Diagnostic::error(
                    "M102",
                    source,
                    node.span.clone(),
                    format!("the front matter is {}", node.name()),
                )
                .help("write one `name: value` on each line, for example `title: A year in review`"),
            );
            Vec::new()
        }
        Err((span, message, help)) => {
            diagnostics.push(Diagnostic::error("M102", source, span, message).help(help));
            Vec::new()
        }
    }
}

type YamlError = (Span, String, &'static str);

/// A collection that is being read.
struct Open {
    start: usize,
    items: Vec<Node>,
    is_map: bool,
}

fn events(text: &str, places: &Places) -> Result<Option<Node>, YamlError> {
    const SPACES: &str = "indent with spaces, and put texts with `:` or `#` in quotes";
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, marks) = event.map_err(|error| {
            let at = places.byte(error.marker());
            (at..at, format!("the front matter cannot be read as YAML: {}", error.info()), SPACES)
        })?;
        let span = places.byte(&marks.start)..places.byte(&marks.end);
        let done = match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err((span, "the front matter has two documents".into(), "keep one"));
                }
                continue;
            }
            Event::Alias(_) => {
                return Err((span, "YAML aliases are not supported".into(), "write the value out"));
            }
            // `&` and `!` at the beginning of a text mean something to YAML, and readers would get what is behind them.
            Event::Scalar(_, _, anchor, ref tag) if anchor > 0 || tag.is_some() => {
                let sign = if tag.is_some() { '!' } else { '&' };
                let message = format!("the front matter has a text that begins with `{sign}`");
                return Err((span, message, "put the text in quotes"));
            }
            Event::Scalar(value, ScalarStyle::Plain, ..) => {
                let is_field =
                    open.len() == 1 && open.iter().all(|one| one.is_map && one.items.len() % 2 == 1);
                let whole = match open.last().and_then(|map| map.items.last()).filter(|_| is_field) {
                    None => None,
                    Some(name) if value.is_empty() => number_alone(text, name.span.end - places.base),
                    Some(_) => numbered(text, span.end - places.base, &value)
                        .map(|end| span.start - places.base..end),
                };
                match whole {
                    Some(whole) => {
                        let kind = Kind::Text(text[whole.clone()].to_owned());
                        Node { kind, span: places.base + whole.start..places.base + whole.end }
                    }
                    None => Node::plain(&value, span),
                }
            }
            Event::Scalar(value, ..) => Node { span, kind: Kind::Text(value.into_owned()) },
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() >= DEEPEST {
                    return Err((span, "the front matter is nested too deeply".into(), "make it flatter"));
                }
                let is_map = matches!(event, Event::MappingStart(..));
                open.push(Open { start: span.start, items: Vec::new(), is_map });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(collection) => collection.close(span.end, text, places)?,
                None => continue,
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
        };
        match open.last_mut() {
            Some(collection) => collection.items.push(done),
            None => root = Some(done),
        }
    }
    Ok(root)
}

/// Where a value ends that has a `#42` in it. To YAML a `#` behind a space begins a comment, and readers would get half
/// a title; a comment that is meant has a space behind its `#`, and more than a number behind that (`Issue # 42`).
fn numbered(text: &str, end: usize, value: &str) -> Option<usize> {
    let line = text[end..].lines().next().unwrap_or_default();
    let written = text[..end].trim_end_matches([' ', '\t']);
    let rest = &text[written.len()..end + line.len()];
    let behind = rest.trim_start_matches([' ', '\t']);
    let is_title = value.contains(char::is_alphabetic) && !matches!(value, "true" | "false");
    let is_number = is_number(behind, is_title);
    let is_apart = behind.len() < rest.len() && !written.ends_with('\n');
    (is_number && is_apart).then(|| written.len() + rest.trim_end().len())
}

/// A value that is all comment to YAML, as in `title: #42`, behind its name.
fn number_alone(text: &str, name_end: usize) -> Option<std::ops::Range<usize>> {
    let line = text.get(name_end..)?.lines().next()?;
    let behind = line.trim_start().strip_prefix(':')?;
    let value = behind.trim();
    let start = name_end + line.len() - behind.trim_start().len();
    (value.len() < behind.len() && is_number(value, true)).then(|| start..start + value.len())
}

/// Whether this is `#42` or `#tag`, or with `apart` also `# 42`.
fn is_number(text: &str, apart: bool) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('#')
        .is_some_and(|word| word.starts_with(char::is_alphanumeric) || (apart && digits(word.trim())))
}

impl Open {
    fn close(self, end: usize, text: &str, places: &Places) -> Result<Node, YamlError> {
        let span = self.start..end.max(self.start);
        if !self.is_map {
            return Ok(Node { span, kind: Kind::List(self.items) });
        }
        let mut entries = Vec::with_capacity(self.items.len() / 2);
        let mut items = self.items.into_iter();
        while let (Some(key), Some(node)) = (items.next(), items.next()) {
            let key_text = match &key.kind {
                Kind::Text(text) => text.clone(),
                Kind::List(_) | Kind::Map(_) => {
                    return Err((key.span, "a name must be a text".into(), "write `name: value`"));
                }
                _ => text[key.span.start - places.base..key.span.end - places.base].to_owned(),
            };
            entries.push(Entry { key: key_text, span: key.span, node });
        }
        Ok(Node { span, kind: Kind::Map(entries) })
    }
}

/// Marks count characters, spans count bytes.
struct Places {
    base: usize,
    /// The byte of each character, unless all are one byte wide.
    bytes: Option<Vec<usize>>,
    length: usize,
}

impl Places {
    fn new(text: &str, base: usize) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self { base, bytes, length: text.len() }
    }

    fn byte(&self, mark: &Marker) -> usize {
        let index = mark.index();
        self.base
            + match &self.bytes {
                Some(bytes) => bytes.get(index).copied().unwrap_or(self.length),
                None => index.min(self.length),
            }
    }
}
