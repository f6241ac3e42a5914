//! The spelling of placeholders.

use super::{
    find::{Found, find},
    phrase::{Filter, Part, Phrase, Placeholder},
    scanner::Scanner,
};
use crate::source::{Diagnostic, Diagnostics, Source, Span, nearest};

/// The names a placeholder can begin with.
const SPACES: [&str; 6] = ["subscriber", "issue", "newsletter", "link", "design", "words"];
/// The names of the filters.
const FILTERS: [&str; 6] = ["default", "upper", "lower", "title", "capitalize", "trim"];
impl Phrase {
    /// Reads a stretch of a file: an issue's front matter, a template. `\{{` is a literal `{{`.
    ///
    /// Problems (codes M201 to M207) are added to `diagnostics`; what could not be read stays as text.
    pub fn parse(source: &Source, span: Span, diagnostics: &mut Diagnostics) -> Self {
        let text = source.text().get(span.clone()).unwrap_or_default();
        phrase(text, source, &|inner: Span| span.start + inner.start..span.start + inner.end, diagnostics)
    }

    /// Reads a value whose spelling in the file may differ from its text (escapes, folded lines). Problems are
    /// placed exactly where the file spells the value as it is, else at the whole `span`.
    pub fn parse_value(text: &str, source: &Source, span: Span, diagnostics: &mut Diagnostics) -> Self {
        let spelling = source.text().get(span.clone()).unwrap_or_default();
        match spelling.find(text) {
            Some(at) => {
                let start = span.start + at;
                phrase(text, source, &|inner: Span| start + inner.start..start + inner.end, diagnostics)
            }
            None => phrase(text, source, &|_| span.clone(), diagnostics),
        }
    }
}

impl Placeholder {
    /// Reads one placeholder, braces included: the text of `{{ … }}`. Problems are added to `diagnostics` at
    /// `span`, or within it when the text is as long as the span.
    pub fn parse(text: &str, source: &Source, span: Span, diagnostics: &mut Diagnostics) -> Option<Self> {
        let exact = span.len() == text.len();
        let at = |inner: Span| {
            if exact { span.start + inner.start..span.start + inner.end } else { span.clone() }
        };
        placeholder(text, source, &at, diagnostics)
    }
}

/// Reads a whole text; `at` turns places in it into places in the file.
pub(in crate::issue) fn phrase(
    text: &str,
    source: &Source,
    at: &dyn Fn(Span) -> Span,
    diagnostics: &mut Diagnostics,
) -> Phrase {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut done = 0;
    for found in find(text, true) {
        match found {
            Found::Escape(span) => {
                literal.push_str(&text[done..span.start]);
                done = span.end;
            }
            Found::Placeholder(span) => {
                let local = |inner: Span| at(span.start + inner.start..span.start + inner.end);
                if let Some(placeholder) = placeholder(&text[span.clone()], source, &local, diagnostics) {
                    literal.push_str(&text[done..span.start]);
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Open(placeholder));
                    done = span.end;
                }
            }
            Found::Unclosed(span) => diagnostics.push(unclosed(source, at(span))),
            Found::Statement(span) => diagnostics.push(statement(source, at(span))),
        }
    }
    literal.push_str(&text[done..]);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Phrase(parts)
}

/// `{{` without its end.
pub(in crate::issue) fn unclosed(source: &Source, span: Span) -> Diagnostic {
    Diagnostic::error("M201", source, span, "`{{` has no `}}` on its line")
        .help("close it with `}}`, or write `\\{{` for two braces that readers see")
}

/// A statement of a template language.
pub(in crate::issue) fn statement(source: &Source, span: Span) -> Diagnostic {
    Diagnostic::error("M207", source, span, "statements such as `{% if … %}` have no meaning here").help(
        "a placeholder with a default serves most cases: `{{ subscriber.first_name | default(\"friend\") }}`; \
         write `\\{%` for characters that readers see",
    )
}

/// Reads one placeholder, braces included.
fn placeholder(
    text: &str,
    source: &Source,
    at: &dyn Fn(Span) -> Span,
    diagnostics: &mut Diagnostics,
) -> Option<Placeholder> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let mut scanner = Scanner { text: inner, at: 0 };
    match read(&mut scanner) {
        Ok((path, filters)) => {
            let span = at(0..text.len());
            Some(Placeholder { path, filters, span })
        }
        Err(SyntaxError { code, message, help, span }) => {
            let place = at(span.start + 2..span.end + 2);
            diagnostics.push(Diagnostic::error(code, source, place, message).help(help));
            None
        }
    }
}

/// What is wrong with a placeholder; the span counts from behind its opening braces.
struct SyntaxError {
    code: &'static str,
    message: String,
    help: String,
    span: Span,
}

const SHAPE: &str = "write `{{ subscriber.first_name }}`, or `\\{{` for two braces that readers see";

fn read(scanner: &mut Scanner<'_>) -> Result<(Vec<String>, Vec<Filter>), SyntaxError> {
    let start = scanner.space();
    let Some(first) = scanner.name() else {
        let message = match scanner.rest().trim() {
            "" => "this placeholder is empty".to_owned(),
            other => format!("`{other}` is not a name such as `subscriber.first_name`"),
        };
        return Err(SyntaxError { code: "M202", message, help: SHAPE.into(), span: scanner.rest_span() });
    };
    let mut path = vec![first.to_owned()];
    while scanner.take(".") {
        match scanner.name() {
            Some(name) => path.push(name.to_owned()),
            None => {
                return Err(SyntaxError {
                    code: "M202",
                    message: format!("a name is missing behind `{}.`", path.join(".")),
                    help: SHAPE.into(),
                    span: start..scanner.at,
                });
            }
        }
    }
    if !SPACES.contains(&path[0].as_str()) {
        let help = match nearest(&path[0], SPACES) {
            Some(space) => {
                let rest: String = path[1..].iter().map(|name| format!(".{name}")).collect();
                format!("did you mean `{space}{rest}`?")
            }
            None if path.len() == 1 => {
                format!(
                    "write `subscriber.{0}` for a column of the list, `issue.{0}` for a front matter field",
                    path[0]
                )
            }
            None => "placeholders begin with `subscriber.`, `issue.`, `newsletter.` or `link.`".into(),
        };
        let message = format!("unknown placeholder `{}`", path.join("."));
        return Err(SyntaxError { code: "M203", message, help, span: start..scanner.at });
    }
    if path.len() == 1 {
        return Err(SyntaxError {
            code: "M202",
            message: format!("`{}` alone is not a value", path[0]),
            help: format!("name what you want, for example `{}`", example(&path[0])),
            span: start..scanner.at,
        });
    }
    let mut filters = Vec::new();
    loop {
        scanner.space();
        if scanner.rest().is_empty() {
            return Ok((path, filters));
        }
        let from = scanner.at;
        if !scanner.take("|") {
            return Err(SyntaxError {
                code: "M202",
                message: format!("`{}` does not belong here", scanner.rest().trim_end()),
                help: "behind the name only filters can follow, each after a `|`".into(),
                span: from..scanner.at + scanner.rest().trim_end().len(),
            });
        }
        filters.push(filter(scanner)?);
    }
}

fn example(space: &str) -> &'static str {
    match space {
        "subscriber" => "subscriber.first_name",
        "issue" => "issue.title",
        "newsletter" => "newsletter.name",
        _ => "link.unsubscribe",
    }
}

fn filter(scanner: &mut Scanner<'_>) -> Result<Filter, SyntaxError> {
    let start = scanner.space();
    let Some(name) = scanner.name() else {
        return Err(SyntaxError {
            code: "M204",
            message: "a filter is missing behind `|`".into(),
            help: format!("the filters are {}", list(&FILTERS)),
            span: start..start,
        });
    };
    let name_span = start..scanner.at;
    let plain = match name {
        "default" => None,
        "upper" => Some(Filter::Upper),
        "lower" => Some(Filter::Lower),
        "title" => Some(Filter::Title),
        "capitalize" => Some(Filter::Capitalize),
        "trim" => Some(Filter::Trim),
        _ => {
            let help = nearest(name, FILTERS).map_or_else(
                || format!("the filters are {}", list(&FILTERS)),
                |known| format!("did you mean `{known}`?"),
            );
            return Err(SyntaxError {
                code: "M204",
                message: format!("unknown filter `{name}`"),
                help,
                span: name_span,
            });
        }
    };
    scanner.space();
    if let Some(filter) = plain {
        if scanner.take("(") {
            scanner.space();
            if !scanner.take(")") {
                return Err(SyntaxError {
                    code: "M205",
                    message: format!("`{name}` takes no argument"),
                    help: format!("write `| {name}`"),
                    span: name_span,
                });
            }
        }
        return Ok(filter);
    }
    const DEFAULT: &str = "write `default(\"friend\")`, with what readers see when the value is missing";
    if scanner.take(":") {
        return Err(SyntaxError {
            code: "M206",
            message: "`default: …` is another template language's spelling".into(),
            help: DEFAULT.into(),
            span: start..scanner.at,
        });
    }
    let wrong = |span: Span| SyntaxError {
        code: "M205",
        message: "`default` needs one text in quotes".into(),
        help: DEFAULT.into(),
        span,
    };
    if !scanner.take("(") {
        return Err(wrong(name_span));
    }
    scanner.space();
    let value = scanner.quoted().ok_or_else(|| wrong(name_span.clone()))?;
    scanner.space();
    if !scanner.take(")") {
        return Err(wrong(name_span));
    }
    Ok(Filter::Default(value))
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, expected: &str) {
        let source = Source::new("a.md", text);
        let mut diagnostics = Vec::new();
        let phrase = Phrase::parse(&source, 0..text.len(), &mut diagnostics);
        assert_eq!(diagnostics, []);
        assert_eq!(phrase.to_string(), expected);
    }

    #[track_caller]
    fn complains(text: &str, column: u32, code: &str, message: &str, help: &str) {
        let source = Source::new("a.md", text);
        let mut diagnostics = Vec::new();
        Phrase::parse(&source, 0..text.len(), &mut diagnostics);
        assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
        let found = &diagnostics[0];
        assert_eq!(found.to_string(), format!("a.md:1:{column}: {message}"));
        assert_eq!(found.code, code);
        assert_eq!(found.help.as_deref(), Some(help));
    }

    #[test]
    fn placeholders_read_back_as_they_print() {
        reads("Hi {{subscriber.first_name}}!", "Hi {{ subscriber.first_name }}!");
        reads("{{ issue.title | upper|trim() }}", "{{ issue.title | upper | trim }}");
        reads("{{ subscriber.x | default('a \"b\"') }}", "{{ subscriber.x | default(\"a \\\"b\\\"\") }}");
        reads("{{ subscriber.x | default(\"}} {{\") }}", "{{ subscriber.x | default(\"}} {{\") }}");
        reads("{{ newsletter.social.mastodon }}", "{{ newsletter.social.mastodon }}");
        reads("{{{ issue.a }}}", "{{{ issue.a }}}");
    }

    #[test]
    fn a_backslash_keeps_braces_for_the_reader() {
        reads(r"\{{ name }} and \{% if %}", "{{ name }} and {% if %}");
        reads("a { b } {c} }}", "a { b } {c} }}");
    }

    #[test]
    fn every_mistake_has_its_place_and_a_way_out() {
        let close = "close it with `}}`, or write `\\{{` for two braces that readers see";
        complains("Hi {{ subscriber.x", 4, "M201", "`{{` has no `}}` on its line", close);
        complains("Hi {{ subscriber.x\n}}", 4, "M201", "`{{` has no `}}` on its line", close);
        complains("{{ }}", 4, "M202", "this placeholder is empty", SHAPE);
        complains("{{ 1 + 1 }}", 4, "M202", "`1 + 1` is not a name such as `subscriber.first_name`", SHAPE);
        complains(
            "{{ subscribr.x }}",
            4,
            "M203",
            "unknown placeholder `subscribr.x`",
            "did you mean `subscriber.x`?",
        );
        complains(
            "{{ first_name }}",
            4,
            "M203",
            "unknown placeholder `first_name`",
            "write `subscriber.first_name` for a column of the list, `issue.first_name` for a front matter field",
        );
        complains("{{ issue.a | uper }}", 14, "M204", "unknown filter `uper`", "did you mean `upper`?");
        complains("{{ issue.a | upper(1) }}", 14, "M205", "`upper` takes no argument", "write `| upper`");
        let default = "write `default(\"friend\")`, with what readers see when the value is missing";
        complains("{{ issue.a | default }}", 14, "M205", "`default` needs one text in quotes", default);
        complains(
            "{{ issue.a | default: \"x\" }}",
            14,
            "M206",
            "`default: …` is another template language's spelling",
            default,
        );
        complains(
            "{{ issue.a b }}",
            12,
            "M202",
            "`b` does not belong here",
            "behind the name only filters can follow, each after a `|`",
        );
    }
}
