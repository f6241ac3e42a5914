//! The fields with a meaning of their own, checked; everything else is kept as it is.

use jiff::civil::Date;

use super::{
    dates::parse_date,
    node::{Entry, Kind, Node, normal, report_duplicates},
    values::{FrontMatter, Value},
};
use crate::{
    issue::placeholder::{Part, Phrase},
    source::{Diagnostic, Diagnostics, Source, Span, nearest},
};

/// The names with a meaning of their own.
pub(super) const KNOWN: [&str; 13] = [
    "title",
    "subject",
    "preheader",
    "number",
    "date",
    "author",
    "template",
    "draft",
    "language",
    "lang",
    "pictures",
    "design",
    "topics",
];
/// Fields of other programs that serve as a preheader.
const PREHEADERS: [&str; 4] = ["description", "summary", "preview", "excerpt"];

/// Makes a front matter of its entries.
pub(super) fn read(source: &Source, entries: Vec<Entry>, diagnostics: &mut Diagnostics) -> FrontMatter {
    report_duplicates(source, &entries, diagnostics);
    let mut reader = Reader { source, diagnostics, head: FrontMatter::default() };
    for entry in entries {
        reader.entry(entry);
    }
    let mut head = reader.head;
    if !head.spans.contains_key("preheader") {
        let summary = PREHEADERS.iter().find_map(|name| match head.fields.get(*name) {
            Some(Value::Text(text)) if !text.trim().is_empty() => Some((*name, text.clone())),
            _ => None,
        });
        if let Some((name, text)) = summary {
            let span = head.spans.get(name).cloned().unwrap_or_default();
            let line = one_line(&text);
            head.preheader = Phrase::parse_value(&line, source, span, diagnostics);
        }
    }
    head
}

struct Reader<'a> {
    source: &'a Source,
    diagnostics: &'a mut Diagnostics,
    head: FrontMatter,
}

impl Reader<'_> {
    fn entry(&mut self, entry: Entry) {
        let mut name = normal(&entry.key);
        if name == "lang" {
            name = "language".into();
        }
        if self.head.spans.contains_key(&name) {
            return;
        }
        // The place of a key's value, which later modules point at; the key itself when there is no value.
        let span = if entry.node.span.is_empty() { entry.span.clone() } else { entry.node.span.clone() };
        self.head.spans.insert(name.clone(), span.clone());
        let node = entry.node;
        match name.as_str() {
            "title" => {
                if let Some(title) = self.text("title", &node, &span) {
                    self.head.title = self.title(&title, span);
                }
            }
            "subject" => {
                if let Some(text) = self.text("subject", &node, &span) {
                    self.head.subject = Phrase::parse_value(&text, self.source, span, self.diagnostics);
                }
            }
            "preheader" => {
                if !matches!(node.kind, Kind::Null)
                    && let Some(text) = self.optional_text("preheader", &node, &span)
                {
                    self.head.preheader = Phrase::parse_value(&text, self.source, span, self.diagnostics);
                }
            }
            "number" => self.head.number = self.number(&node, span),
            "date" => self.head.date = self.date(&node, span),
            "author" => {
                self.head.author = self.optional_text("author", &node, &span).filter(|text| !text.is_empty())
            }
            "template" => self.head.template = self.template(&node, span),
            "draft" => self.head.draft = self.draft(&node, span),
            "language" => self.head.language = self.language(&node, span),
            "pictures" => self.head.pictures = self.pictures(&node, span),
            "topics" => {
                self.head.topics = self.topics(&node, span);
                self.head.fields.insert("topics".to_owned(), node.value());
            }
            "design" => match node.kind {
                Kind::Map(entries) => {
                    self.places("design", &entries);
                    self.head.design =
                        entries.into_iter().map(|entry| (entry.key, entry.node.value())).collect();
                }
                Kind::Null => {}
                _ => self.wrong("design", "names and values, as in `[design]` of `mimeo.toml`", &node, span),
            },
            _ => {
                if let Some(known) = nearest(&name, KNOWN).filter(|_| !PREHEADERS.contains(&name.as_str())) {
                    self.diagnostics.push(
                        Diagnostic::warning(
                            "M103",
                            self.source,
                            entry.span,
                            format!("unknown field `{}`: it has no effect of its own", entry.key),
                        )
                        .help(format!(
                            "did you mean `{known}`? It is kept for the template as `issue.{}`",
                            entry.key
                        )),
                    );
                }
                if normal(&entry.key) != entry.key {
                    self.head.spans.insert(entry.key.clone(), span);
                }
                self.head.fields.insert(entry.key, node.value());
            }
        }
    }

    /// Where the keys of a map are, as `design.light.accent`: for problems that are found later.
    fn places(&mut self, path: &str, entries: &[Entry]) {
        for entry in entries {
            let path = format!("{path}.{}", entry.key);
            self.head.spans.entry(path.clone()).or_insert_with(|| entry.span.clone());
            if let Kind::Map(inner) = &entry.node.kind {
                self.places(&path, inner);
            }
        }
    }

    fn error(&mut self, code: &'static str, span: Span, message: String, help: &str) {
        self.diagnostics.push(Diagnostic::error(code, self.source, span, message).help(help));
    }

    fn wrong(&mut self, name: &str, wanted: &str, node: &Node, span: Span) {
        self.error(
            "M104",
            span,
            format!("`{name}` is {}", node.name()),
            &format!("`{name}` must be {wanted}"),
        );
    }

    /// A text that must not be empty.
    fn text(&mut self, name: &str, node: &Node, span: &Span) -> Option<String> {
        let text = match node.kind {
            Kind::Null => Some(String::new()),
            _ => self.optional_text(name, node, span),
        }?;
        if !text.is_empty() {
            return Some(text);
        }
        let help = match name {
            "subject" => {
                "write the line that readers see in their inbox, or leave `subject` out to use the title"
            }
            _ => "write a title, or leave `title` out to use the first heading",
        };
        self.error("M106", span.clone(), format!("{name} is empty"), help);
        None
    }

    /// A text on one line. Numbers and truth values count as they are written.
    fn optional_text(&mut self, name: &str, node: &Node, span: &Span) -> Option<String> {
        match &node.kind {
            Kind::Text(text) => Some(one_line(text)),
            Kind::Null => Some(String::new()),
            Kind::Integer(_) | Kind::Float(_) | Kind::Bool(_) => {
                Some(self.source.text().get(span.clone()).unwrap_or_default().trim().to_owned())
            }
            Kind::List(_) | Kind::Map(_) => {
                self.wrong(name, "a text", node, span.clone());
                None
            }
        }
    }

    fn title(&mut self, title: &str, span: Span) -> String {
        let phrase = Phrase::parse_value(title, self.source, span.clone(), self.diagnostics);
        if phrase.0.iter().any(|part| matches!(part, Part::Open(_))) {
            self.error(
                "M208",
                span,
                "a placeholder is not allowed in the title".into(),
                "the title is the same for every reader; put the placeholder into `subject`",
            );
        }
        phrase.to_string()
    }

    fn number(&mut self, node: &Node, span: Span) -> Option<u32> {
        let written = match &node.kind {
            Kind::Null => return None,
            Kind::Integer(number) => number.to_string(),
            Kind::Float(_) => self.source.text().get(span.clone()).unwrap_or_default().trim().to_owned(),
            Kind::Text(text) => text.trim().trim_start_matches('#').to_owned(),
            _ => String::new(),
        };
        let number = written.parse().ok();
        if number.is_none() {
            let digits = written.strip_prefix(['-', '+']).unwrap_or(&written);
            if digits.starts_with(|c: char| c.is_ascii_digit()) && digits.parse::<f64>().is_ok() {
                self.error(
                    "M105",
                    span,
                    format!("{written} is not a valid edition number"),
                    "write a whole number from 0 to 4294967295, for example `42`",
                );
            } else {
                self.wrong("number", "a whole number, for example `42`", node, span);
            }
        }
        number
    }

    fn date(&mut self, node: &Node, span: Span) -> Option<Date> {
        let text = match &node.kind {
            Kind::Null => return None,
            Kind::Text(text) => text.trim().to_owned(),
            _ => self.source.text().get(span.clone()).unwrap_or_default().to_owned(),
        };
        let date = parse_date(&text);
        if date.is_none() {
            self.error(
                "M105",
                span,
                format!("`{text}` is not a date"),
                "write year, month and day, as in `2022-12-30` (a time may follow: `2022-12-30T09:00:00+01:00`)",
            );
        }
        date
    }

    fn template(&mut self, node: &Node, span: Span) -> Option<String> {
        let name = self.optional_text("template", node, &span)?;
        let name = name.strip_suffix(".mjml").unwrap_or(&name).to_owned();
        if name.contains(['/', '\\', '\0']) || name.starts_with('.') {
            self.error(
                "M109",
                span,
                format!("invalid template name `{name}`"),
                "write the name of a file in `templates/`, without its folder, for example `default`",
            );
            return None;
        }
        Some(name).filter(|name| !name.is_empty())
    }

    fn draft(&mut self, node: &Node, span: Span) -> bool {
        match &node.kind {
            Kind::Null => false,
            Kind::Bool(value) => *value,
            Kind::Text(text) => match text.to_lowercase().as_str() {
                "yes" | "on" | "true" => true,
                "no" | "off" | "false" => false,
                _ => {
                    self.wrong("draft", "`true` or `false`", node, span);
                    true
                }
            },
            _ => {
                self.wrong("draft", "`true` or `false`", node, span);
                true
            }
        }
    }

    fn language(&mut self, node: &Node, span: Span) -> Option<String> {
        let tag = self.optional_text("language", node, &span)?;
        if tag.is_empty() {
            return None;
        }
        let tag = tag.replace('_', "-");
        let mut parts = tag.split('-');
        let first = parts.next().unwrap_or_default();
        let is_valid = (2..=8).contains(&first.len())
            && first.bytes().all(|byte| byte.is_ascii_alphabetic())
            && parts.all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
            && (first.len() <= 3 || tag.contains('-'));
        if !is_valid {
            self.error(
                "M109",
                span,
                format!("invalid language tag `{tag}`"),
                "write a tag such as `en`, `de`, `pt-BR` or `ar` (BCP 47)",
            );
            return None;
        }
        Some(tag)
    }

    /// A list of topics, or one text with commas between them.
    fn topics(&mut self, node: &Node, span: Span) -> Vec<String> {
        let mut found = Vec::new();
        let mut add = |head: &mut FrontMatter, text: &str, span: &Span| {
            let topics = text.split(',').map(str::trim).filter(|topic| !topic.is_empty());
            for topic in topics {
                head.spans.insert(format!("topics.{topic}"), span.clone());
                if !found.iter().any(|known| known == topic) {
                    found.push(topic.to_owned());
                }
            }
        };
        let wanted = "a list of topics, for example `[tea, cups]`";
        match &node.kind {
            Kind::Null => {}
            Kind::Text(text) => add(&mut self.head, text, &span),
            Kind::List(items) => {
                for item in items {
                    match &item.kind {
                        Kind::Text(text) => add(&mut self.head, text, &item.span),
                        _ => self.wrong("topics", wanted, item, item.span.clone()),
                    }
                }
            }
            _ => self.wrong("topics", wanted, node, span),
        }
        found
    }

    fn pictures(&mut self, node: &Node, span: Span) -> Option<String> {
        let place = self.optional_text("pictures", node, &span)?;
        match place.as_str() {
            "" => None,
            "inside" | "site" => Some(place),
            _ => {
                self.error(
                    "M109",
                    span,
                    format!("invalid place for pictures `{place}`"),
                    "write `inside` (they travel in the letter) or `site` (they are loaded from the newsletter's site)",
                );
                None
            }
        }
    }
}

/// Line breaks and runs of spaces become one space, control characters go.
fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}
