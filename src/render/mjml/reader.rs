//! MJML text becomes nodes with their places. Tolerant: it reports and goes on.

use super::components::component;
use crate::source::{Diagnostic, Diagnostics, Source, Span};

/// Something in an MJML file.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The file it is in (includes come from others).
    pub(crate) source: Source,
    /// Its opening tag, or the whole comment.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) kind: NodeKind,
}

/// What is in an MJML file.
#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    /// An element that holds elements.
    Element {
        /// The tag, in lower case.
        name: String,
        /// As written.
        attributes: Vec<Attribute>,
        /// What is in it.
        children: Vec<Node>,
    },
    /// An element whose content is taken as it is.
    Raw {
        /// The tag, in lower case.
        name: String,
        /// As written.
        attributes: Vec<Attribute>,
        /// Where its content is.
        content: Span,
    },
    /// `<!-- mimeo:… -->`: the words behind the colon.
    Directive(String),
}

/// An attribute as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    /// Its name.
    pub(crate) name: String,
    /// Its value; HTML source.
    pub(crate) value: String,
    /// Where the name is.
    pub(crate) span: Span,
    /// Where the value begins.
    pub(crate) value_start: usize,
}

/// Elements deeper than this are refused; MJML itself needs six levels.
const DEPTH_MAX: usize = 32;

struct Open {
    name: String,
    attributes: Vec<Attribute>,
    span: Span,
    children: Vec<Node>,
}

/// Reads a stretch of a file.
pub(crate) fn read(source: &Source, range: Span, diagnostics: &mut Diagnostics) -> Vec<Node> {
    Reader { source, text: &source.text()[..range.end], at: range.start, diagnostics }.read()
}

struct Reader<'a> {
    source: &'a Source,
    text: &'a str,
    at: usize,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn read(mut self) -> Vec<Node> {
        let mut stack: Vec<Open> = Vec::new();
        let mut top: Vec<Node> = Vec::new();
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            if let Some(node) = self.comment() {
                if let Some(node) = node {
                    stack.last_mut().map_or(&mut top, |open| &mut open.children).push(node);
                }
            } else if rest.starts_with("</") {
                self.close(&mut stack, &mut top);
            } else if rest.starts_with("<!") || rest.starts_with("<?") {
                self.at += rest.find('>').map_or(rest.len(), |end| end + 1);
            } else if rest.starts_with('<') && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
                let Some((name, attributes, span, is_empty)) = self.tag() else { continue };
                let is_raw = component(&name).is_some_and(|component| component.is_raw);
                let inside_attributes = stack.last().is_some_and(|open| open.name == "mj-attributes");
                if is_raw && !inside_attributes {
                    let content = if is_empty { self.at..self.at } else { self.raw(&name, &span) };
                    let kind = NodeKind::Raw { name, attributes, content };
                    let node = Node { source: self.source.clone(), span, kind };
                    stack.last_mut().map_or(&mut top, |open| &mut open.children).push(node);
                } else if is_empty || stack.len() >= DEPTH_MAX {
                    if !is_empty {
                        self.diagnostics.push(
                            Diagnostic::error(
                                "M210",
                                self.source,
                                span.clone(),
                                "elements are nested too deeply",
                            )
                            .help(format!("no letter needs more than {DEPTH_MAX} levels")),
                        );
                        return top;
                    }
                    let kind = NodeKind::Element { name, attributes, children: Vec::new() };
                    let node = Node { source: self.source.clone(), span, kind };
                    stack.last_mut().map_or(&mut top, |open| &mut open.children).push(node);
                } else {
                    stack.push(Open { name, attributes, span, children: Vec::new() });
                }
            } else {
                self.text_between();
            }
        }
        while let Some(open) = stack.pop() {
            self.diagnostics.push(
                Diagnostic::error(
                    "M210",
                    self.source,
                    open.span.clone(),
                    format!("`{}` is never closed", open.name),
                )
                .help(format!("add `</{}>`", open.name)),
            );
            Self::put(self.source, open, &mut stack, &mut top);
        }
        top
    }

    fn put(source: &Source, open: Open, stack: &mut [Open], top: &mut Vec<Node>) {
        let kind =
            NodeKind::Element { name: open.name, attributes: open.attributes, children: open.children };
        let node = Node { source: source.clone(), span: open.span, kind };
        stack.last_mut().map_or(top, |open| &mut open.children).push(node);
    }

    /// A comment: `Some(None)` for one that is only for people.
    fn comment(&mut self) -> Option<Option<Node>> {
        let rest = &self.text[self.at..];
        let inside = rest.strip_prefix("<!--")?;
        let start = self.at;
        let Some(end) = inside.find("-->") else {
            self.diagnostics.push(
                Diagnostic::error("M210", self.source, start..start + 4, "this comment is never closed")
                    .help("add `-->`"),
            );
            self.at = self.text.len();
            return Some(None);
        };
        self.at += 4 + end + 3;
        let words = inside[..end].trim();
        Some(words.strip_prefix("mimeo:").map(|words| Node {
            source: self.source.clone(),
            span: start..self.at,
            kind: NodeKind::Directive(words.trim().to_owned()),
        }))
    }

    fn close(&mut self, stack: &mut Vec<Open>, top: &mut Vec<Node>) {
        let start = self.at;
        let rest = &self.text[start..];
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        self.at += end;
        let name = rest[2..end].trim_end_matches('>').trim().to_ascii_lowercase();
        let Some(depth) = stack.iter().rposition(|open| open.name == name) else {
            self.diagnostics.push(
                Diagnostic::error("M210", self.source, start..self.at, format!("`</{name}>` closes nothing"))
                    .help("take it out, or open the element before it"),
            );
            return;
        };
        while stack.len() > depth {
            let Some(open) = stack.pop() else { break };
            if stack.len() > depth {
                self.diagnostics.push(
                    Diagnostic::error(
                        "M210",
                        self.source,
                        open.span.clone(),
                        format!("`{}` is not closed before `</{name}>`", open.name),
                    )
                    .help(format!("add `</{}>`", open.name)),
                );
            }
            Self::put(self.source, open, stack, top);
        }
    }

    /// An opening tag: its name, attributes, span, and whether it is closed at once.
    fn tag(&mut self) -> Option<(String, Vec<Attribute>, Span, bool)> {
        let start = self.at;
        let text = self.text;
        let bytes = text.as_bytes();
        let mut at = start + 1;
        let name_end = end_of_name(text, at);
        let name = text[at..name_end].to_ascii_lowercase();
        at = name_end;
        let mut attributes: Vec<Attribute> = Vec::new();
        loop {
            at += text[at..].len() - text[at..].trim_start().len();
            match bytes.get(at) {
                None => {
                    self.diagnostics.push(
                        Diagnostic::error(
                            "M210",
                            self.source,
                            start..name_end,
                            format!("the tag of `{name}` is never closed"),
                        )
                        .help("add `>`"),
                    );
                    self.at = text.len();
                    return None;
                }
                Some(b'>') => {
                    self.at = at + 1;
                    return Some((name, attributes, start..at + 1, false));
                }
                Some(b'/') if bytes.get(at + 1) == Some(&b'>') => {
                    self.at = at + 2;
                    return Some((name, attributes, start..at + 2, true));
                }
                Some(b'<') => {
                    self.diagnostics.push(
                        Diagnostic::error(
                            "M210",
                            self.source,
                            start..at,
                            format!("the tag of `{name}` is not closed before the next one"),
                        )
                        .help("add `>`"),
                    );
                    self.at = at;
                    return None;
                }
                Some(b'/' | b'=' | b'"' | b'\'') => at += 1,
                Some(_) => {
                    let end = end_of_name(text, at);
                    let end = if end == at {
                        at + text[at..].chars().next().map_or(1, char::len_utf8)
                    } else {
                        end
                    };
                    let attribute = &text[at..end];
                    let span = at..end;
                    let (value, value_start, after) = value(text, end);
                    if attributes.iter().any(|known| known.name == attribute) {
                        self.diagnostics.push(
                            Diagnostic::error(
                                "M212",
                                self.source,
                                span,
                                format!("duplicate attribute `{attribute}`"),
                            )
                            .help("keep one of them"),
                        );
                    } else {
                        attributes.push(Attribute {
                            name: attribute.to_owned(),
                            value: value.to_owned(),
                            span,
                            value_start,
                        });
                    }
                    at = after;
                }
            }
        }
    }

    /// The content of an element that is taken as it is; goes behind its closing tag.
    fn raw(&mut self, name: &str, opening: &Span) -> Span {
        let start = self.at;
        let mut from = start;
        while let Some(found) = self.text[from..].find("</") {
            let tag = from + found;
            let behind = &self.text[tag + 2..];
            let matches = behind.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name));
            let after = behind.get(name.len()..).unwrap_or_default().trim_start();
            if matches && after.starts_with('>') {
                self.at = self.text.len() - after.len() + 1;
                return start..tag;
            }
            from = tag + 2;
        }
        self.diagnostics.push(
            Diagnostic::error("M210", self.source, opening.clone(), format!("`{name}` is never closed"))
                .help(format!("add `</{name}>`")),
        );
        self.at = self.text.len();
        start..self.at
    }

    /// Text where only elements may appear.
    fn text_between(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let end = rest[first..].find('<').map_or(rest.len(), |end| first + end);
        self.at += end;
        let words = rest[..end].trim();
        if !words.is_empty() {
            let at = start + (rest[..end].len() - rest[..end].trim_start().len());
            self.diagnostics.push(
                Diagnostic::error(
                    "M210",
                    self.source,
                    at..at + words.len(),
                    "text is not allowed between elements",
                )
                .help("put it into an `mj-text`"),
            );
        }
    }
}

fn end_of_name(text: &str, from: usize) -> usize {
    let is_name = |c: char| !c.is_whitespace() && !matches!(c, '=' | '>' | '/' | '<' | '"' | '\'');
    from + text[from..].find(|c| !is_name(c)).unwrap_or(text.len() - from)
}

/// The value behind an attribute's name: the value, where it begins, and where reading goes on.
fn value(text: &str, name_end: usize) -> (&str, usize, usize) {
    let rest = &text[name_end..];
    let Some(behind) = rest.trim_start().strip_prefix('=') else { return ("", name_end, name_end) };
    let behind = behind.trim_start();
    let start = text.len() - behind.len();
    for quote in ['"', '\''] {
        if let Some(inside) = behind.strip_prefix(quote) {
            let end = inside.find(quote).unwrap_or(inside.len());
            return (&inside[..end], start + 1, (start + 1 + end + 1).min(text.len()));
        }
    }
    let end = behind.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(behind.len());
    (&behind[..end], start, start + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let source = Source::new("t.mjml", text);
        let mut diagnostics = Vec::new();
        read(&source, 0..text.len(), &mut diagnostics);
        diagnostics.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn content_of_text_is_taken_as_it_is() {
        let source = Source::new("t.mjml", "<mj-text a='1'><p>a<p>b < c\r\n<b>é >\n</b></MJ-TEXT >");
        let mut diagnostics = Vec::new();
        let nodes = read(&source, 0..source.text().len(), &mut diagnostics);
        assert!(diagnostics.is_empty());
        let NodeKind::Raw { content, attributes, .. } = &nodes[0].kind else { panic!("not raw") };
        assert_eq!(&source.text()[content.clone()], "<p>a<p>b < c\r\n<b>é >\n</b>");
        assert_eq!(attributes[0].value, "1");
    }

    #[test]
    fn broken_files_are_read_to_the_end_and_every_problem_has_its_place() {
        let table = [
            ("<mj-body>", "t.mjml:1:1: `mj-body` is never closed"),
            (
                "<mj-body><mj-section></mj-body>",
                "t.mjml:1:10: `mj-section` is not closed before `</mj-body>`",
            ),
            ("</mj-body>", "t.mjml:1:1: `</mj-body>` closes nothing"),
            ("<mj-body>é x</mj-body>", "t.mjml:1:10: text is not allowed between elements"),
            ("<!-- x", "t.mjml:1:1: this comment is never closed"),
            ("<mj-text>x", "t.mjml:1:1: `mj-text` is never closed"),
            ("<mj-section a=1 a=2 />", "t.mjml:1:17: duplicate attribute `a`"),
            (
                "<mj-section\n<mj-column />",
                "t.mjml:1:1: the tag of `mj-section` is not closed before the next one",
            ),
            ("<mj-section é=\"", "t.mjml:1:1: the tag of `mj-section` is never closed"),
            ("<", "t.mjml:1:1: text is not allowed between elements"),
        ];
        for (text, problem) in table {
            assert_eq!(problems(text), [problem], "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let text = "<mj-section>".repeat(100_000);
        assert_eq!(problems(&text), ["t.mjml:1:385: elements are nested too deeply"]);
    }
}
