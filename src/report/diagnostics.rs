//! What is wrong in a file, for people and for programs.
//!
//! `annotate-snippets` was tried in its version 0.12 and shows nearly the same: tabs, wide characters, masked controls, long
//! lines cut around the mark. It is not used, because a diagnostic keeps one line of its file and not the file, the preview
//! needs [`Marked`] to cut that line into its page in the same way, and what remains for the crate is the frame around it. It
//! would add a line to each finding and take emoji that are joined (a family, a flag) apart.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::source::{Diagnostic, Place, Position, Severity, is_disguise};

/// So many columns of a long line are shown around the mark.
const WINDOW: usize = 100;

const BAR: Style = AnsiColor::Blue.on_default().bold();
const BOLD: Style = Style::new().bold();

/// For people: each with its line shown and marked, then what to do. Colors and links are in it; the stream takes them out
/// where they are not wanted. Codes are links to their explanations if the terminal can follow links.
pub fn human(diagnostics: &[Diagnostic], links: Links) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        one(&mut out, diagnostic, links);
        out.push('\n');
    }
    out
}

/// Whether codes are links that a terminal can follow (OSC 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// The terminal shows them.
    Yes,
    /// The terminal would show their addresses, or nothing can be followed.
    No,
}

/// The page that explains a finding; none as long as the project has no public address.
pub fn explanation(code: &str) -> Option<String> {
    explanation_at(env!("CARGO_PKG_REPOSITORY"), code)
}

/// The page at this address; `OWNER` in it stands for a name that is not known yet.
fn explanation_at(repository: &str, code: &str) -> Option<String> {
    let is_public = !repository.contains("/OWNER/");
    is_public.then(|| format!("{repository}/blob/HEAD/src/check/findings/{code}.md"))
}

/// A code as a terminal shows it: a link to its page if there is one.
fn linked(code: &str, page: Option<&str>) -> String {
    match page {
        Some(page) => format!("\u{1b}]8;;{page}\u{1b}\\{code}\u{1b}]8;;\u{1b}\\"),
        None => code.to_owned(),
    }
}

/// So many notes or warnings of one code are shown for a file before the rest are folded.
const FOLD_AFTER: usize = 3;

/// Leaves out repeated notes and warnings, and says how many of each code there are beside those that are shown.
pub fn fold(diagnostics: &[Diagnostic]) -> (Vec<Diagnostic>, String) {
    let mut seen: BTreeMap<(&Path, &str), usize> = BTreeMap::new();
    let mut more: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for one in diagnostics {
        let times = seen.entry((one.place.path(), one.code)).or_default();
        *times += 1;
        if one.severity == Severity::Error || *times <= FOLD_AFTER {
            shown.push(one.clone());
        } else {
            *more.entry(one.code).or_default() += 1;
        }
    }
    let more: Vec<String> = more.iter().map(|(code, times)| format!("{times} more of {code}")).collect();
    let line = if more.is_empty() {
        String::new()
    } else {
        format!("and {} (use --all to print them)\n\n", more.join(", "))
    };
    (shown, line)
}

/// `2 errors, 1 warning`; `no problems` when there are none.
pub fn counts(diagnostics: &[Diagnostic]) -> String {
    let parts: Vec<String> =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
            .into_iter()
            .filter_map(|(severity, word)| match number(diagnostics, severity) {
                0 => None,
                1 => Some(format!("1 {word}")),
                many => Some(format!("{many} {word}s")),
            })
            .collect();
    if parts.is_empty() { "no problems".to_owned() } else { parts.join(", ") }
}

/// For programs: one object with a `diagnostics` array and the counts. Lines and columns count from 1, columns in
/// characters; the end is just behind the last one.
pub fn json(diagnostics: &[Diagnostic]) -> Value {
    json!({
        "diagnostics": diagnostics.iter().map(one_json).collect::<Vec<_>>(),
        "errors": number(diagnostics, Severity::Error),
        "warnings": number(diagnostics, Severity::Warning),
        "notes": number(diagnostics, Severity::Note),
    })
}

fn number(diagnostics: &[Diagnostic], severity: Severity) -> usize {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
}

/// One as an object.
pub fn one_json(diagnostic: &Diagnostic) -> Value {
    let mut object = json!({
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "help": diagnostic.help,
    });
    match &diagnostic.place {
        Place::File { path } => object["path"] = path.to_string_lossy().into(),
        Place::Text { path, start, end, .. } => {
            object["path"] = path.to_string_lossy().into();
            object["line"] = start.line.into();
            object["column"] = start.column.into();
            object["end_line"] = end.line.into();
            object["end_column"] = end.column.into();
        }
        Place::Row { path, line, column } => {
            object["path"] = path.to_string_lossy().into();
            object["line"] = (*line).into();
            object["field"] = column.clone().into();
        }
    }
    object
}

fn one(out: &mut String, diagnostic: &Diagnostic, links: Links) {
    let (word, color) = match diagnostic.severity {
        Severity::Error => ("error", AnsiColor::Red.on_default().bold()),
        Severity::Warning => ("warning", AnsiColor::Yellow.on_default().bold()),
        Severity::Note => ("note", AnsiColor::Cyan.on_default().bold()),
    };
    let message = clean(&sentence(diagnostic));
    let place = clean(&diagnostic.place.to_string());
    let gutter = match &diagnostic.place {
        Place::Text { start, excerpt, .. } if !excerpt.is_empty() => start.line.to_string().len(),
        _ => 1,
    };
    let mut line = |text: std::fmt::Arguments<'_>| {
        let _ = out.write_fmt(text); // writing to a String cannot fail
        let kept = out.trim_end_matches(' ').len();
        out.truncate(kept);
        out.push('\n');
    };
    let page = if links == Links::Yes { explanation(diagnostic.code) } else { None };
    let code = linked(diagnostic.code, page.as_deref());
    line(format_args!("{color}{word}[{code}]{color:#}{BOLD}: {message}{BOLD:#}"));
    line(format_args!("{:gutter$}{BAR}-->{BAR:#} {place}", ""));
    if let Place::Text { start, end, excerpt, .. } = &diagnostic.place
        && !excerpt.is_empty()
    {
        let Marked { before, marked, after } = Marked::new(excerpt, *start, *end);
        line(format_args!("{:gutter$} {BAR}|{BAR:#}", ""));
        line(format_args!("{BAR}{} |{BAR:#} {before}{marked}{after}", start.line));
        let (space, marks) = (before.width(), "^".repeat(marked.width().max(1)));
        line(format_args!("{:gutter$} {BAR}|{BAR:#} {:space$}{color}{marks}{color:#}", "", ""));
    }
    if let Some(help) = &diagnostic.help {
        let help = clean(help);
        line(format_args!("{:gutter$} {BAR}={BAR:#} {BOLD}help{BOLD:#}: {help}", ""));
    }
}

/// The message with its subject: what is said about a cell or a file begins with the verb, as in
/// `list.csv:3, column `email`: is empty`.
pub fn sentence(diagnostic: &Diagnostic) -> String {
    let message = &diagnostic.message;
    let subject = match &diagnostic.place {
        Place::Row { column: Some(column), .. } => column.clone(),
        Place::Row { path, .. } | Place::File { path } => path.display().to_string(),
        Place::Text { .. } => return message.clone(),
    };
    match message.split(' ').next() {
        Some("is" | "holds" | "has") => format!("`{subject}` {message}"),
        _ => message.clone(),
    }
}

/// A line cut into what is before, in and behind the mark, each as it is shown.
pub struct Marked {
    /// What is before the mark.
    pub before: String,
    /// What is marked.
    pub marked: String,
    /// What is behind it.
    pub after: String,
}

impl Marked {
    /// Cuts the line in which a stretch begins.
    pub fn new(excerpt: &str, start: Position, end: Position) -> Self {
        let at = |column: u32| {
            let index = (column as usize).saturating_sub(1);
            excerpt.char_indices().nth(index).map_or(excerpt.len(), |(offset, _)| offset)
        };
        let from = at(start.column);
        let to = if start.line == end.line { at(end.column).max(from) } else { excerpt.len() };
        let marked = first(&excerpt[from..to], WINDOW);
        let room = WINDOW.saturating_sub(marked.width());
        let before = last(&excerpt[..from], room.max(WINDOW / 4));
        let after = if marked.len() < clean(&excerpt[from..to]).len() {
            String::new()
        } else {
            first(&excerpt[to..], WINDOW.saturating_sub(before.width() + marked.width()).max(WINDOW / 4))
        };
        Self { before, marked, after }
    }
}

/// The beginning of a text, at most so many columns wide.
fn first(text: &str, columns: usize) -> String {
    // No character is narrower than nothing, but four a column are plenty to look at.
    let near: String = text.chars().take(columns * 4).collect();
    let shown = clean(&near);
    if near.len() == text.len() && shown.width() <= columns {
        return shown;
    }
    let mut kept = String::new();
    for letter in shown.chars() {
        kept.push(letter);
        if columns < kept.width() + 1 {
            kept.pop();
            break;
        }
    }
    kept + "…"
}

/// The end of a text, at most so many columns wide.
fn last(text: &str, columns: usize) -> String {
    let letters: Vec<char> = text.chars().rev().take(columns * 4).collect();
    let near: String = letters.iter().rev().collect();
    let shown = clean(&near);
    if near.len() == text.len() && shown.width() <= columns {
        return shown;
    }
    let mut from = shown.len();
    for (offset, _) in shown.char_indices().rev() {
        if columns < shown[offset..].width() + 1 {
            break;
        }
        from = offset;
    }
    format!("…{}", &shown[from..])
}

/// The text as a terminal may show it: tabs are four spaces, and nothing in it moves the cursor, sets a color or turns
/// the direction of writing.
pub(super) fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\t' => shown.push_str("    "),
            letter if is_disguise(letter) => shown.push('\u{fffd}'),
            letter => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn plain(diagnostics: &[Diagnostic]) -> String {
        anstream::adapter::strip_str(&human(diagnostics, Links::Yes)).to_string()
    }

    #[track_caller]
    fn check(text: &str, marked: &str, expected: &str) {
        let source = Source::new("issues/042.md", text);
        let start = text.find(marked).unwrap();
        let diagnostic = Diagnostic::error("M101", &source, start..start + marked.len(), "no").help("fix it");
        let expected = format!("error[M101]: no\n{expected}\n\n");
        assert_eq!(plain(&[diagnostic]), expected, "\n{expected}");
    }

    #[test]
    fn a_code_leads_to_its_page_once_the_project_has_a_public_address() {
        let page = explanation_at("https://git.example.org/ada/mimeograph", "M101").unwrap();
        assert_eq!(page, "https://git.example.org/ada/mimeograph/blob/HEAD/src/check/findings/M101.md");
        let shown = linked("M101", Some(&page));
        assert_eq!(shown, format!("\u{1b}]8;;{page}\u{1b}\\M101\u{1b}]8;;\u{1b}\\"));
        assert_eq!(explanation_at("https://git.example.org/OWNER/mimeograph", "M101"), None);
        assert_eq!(linked("M101", None), "M101");
    }

    #[test]
    fn the_line_is_shown_and_marked() {
        check(
            "a\nsubjcet: Hi\n",
            "subjcet",
            " --> issues/042.md:2:1\n  |\n2 | subjcet: Hi\n  | ^^^^^^^\n  = help: fix it",
        );
    }

    #[test]
    fn marks_stand_under_what_they_mean_whatever_its_width() {
        check("\tx: y", "y", " --> issues/042.md:1:5\n  |\n1 |     x: y\n  |        ^\n  = help: fix it");
        check(
            "周报: 你好 x",
            "你好",
            " --> issues/042.md:1:5\n  |\n1 | 周报: 你好 x\n  |       ^^^^\n  = help: fix it",
        );
        check("👩‍👩‍👧 🎉 x", "x", " --> issues/042.md:1:9\n  |\n1 | 👩‍👩‍👧 🎉 x\n  |       ^\n  = help: fix it");
        check("e\u{301}e x", "x", " --> issues/042.md:1:5\n  |\n1 | e\u{301}e x\n  |    ^\n  = help: fix it");
    }

    #[test]
    fn an_empty_span_is_marked_too() {
        let source = Source::new("a.md", "ab\n");
        let text = plain(&[Diagnostic::warning("M102", &source, 2..2, "something is missing")]);
        assert_eq!(text, "warning[M102]: something is missing\n --> a.md:1:3\n  |\n1 | ab\n  |   ^\n\n");
    }

    #[test]
    fn a_span_over_several_lines_marks_the_rest_of_the_first() {
        check("ab cd\nef\n", "cd\nef", " --> issues/042.md:1:4\n  |\n1 | ab cd\n  |    ^^\n  = help: fix it");
    }

    #[test]
    fn the_gutter_is_as_wide_as_the_line_number() {
        check(
            &format!("{}x", "\n".repeat(99)),
            "x",
            "   --> issues/042.md:100:1\n    |\n100 | x\n    | ^\n    = help: fix it",
        );
    }

    #[test]
    fn a_long_line_is_cut_around_its_mark() {
        let text = format!("{}HERE{}", "a".repeat(5000), "b".repeat(5_000_000));
        let source = Source::new("a.md", text);
        let shown = plain(&[Diagnostic::error("M101", &source, 5000..5004, "no")]);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[3].starts_with("1 | …aaaa") && lines[3].ends_with("bbb…"), "{shown}");
        assert!(lines[3].chars().count() < 140, "{shown}");
        let (line, marks) = (lines[3].find("HERE").unwrap(), lines[4].find('^').unwrap());
        assert_eq!(line - "…".len() + 1, marks, "{shown}");
        let long = plain(&[Diagnostic::error("M101", &source, 0..5_000_000, "no")]);
        assert!(long.len() < 600, "{long}");
    }

    #[test]
    fn nothing_in_a_file_can_drive_the_terminal() {
        let source = Source::new("a\u{1b}[2J.md", "x \u{1b}]0;title\u{7} \u{202e}evil\n");
        let shown = plain(&[Diagnostic::error("M101", &source, 0..1, "a\u{1b}[31m").help("b\u{7}")]);
        assert!(!shown.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
    }

    #[test]
    fn places_without_a_text_are_one_line() {
        let file = Diagnostic::at(
            "M001",
            Severity::Error,
            Place::File { path: "mimeo.toml".into() },
            "there is none",
        );
        let row = Place::Row { path: "list.csv".into(), line: 3, column: Some("email".into()) };
        let row = Diagnostic::at("M301", Severity::Note, row, "there is no @").help("write it");
        assert_eq!(
            plain(&[file, row]),
            "error[M001]: there is none\n --> mimeo.toml\n\nnote[M301]: there is no @\n --> list.csv:3, column `email`\n  = help: write it\n\n"
        );
    }

    #[test]
    fn what_is_said_about_a_cell_or_a_file_gets_its_subject() {
        let row = Place::Row { path: "list.csv".into(), line: 3, column: Some("email".into()) };
        let found = [
            Diagnostic::at("M311", Severity::Error, row, "is missing"),
            Diagnostic::at("M301", Severity::Error, Place::File { path: "list.csv".into() }, "is empty"),
        ];
        assert_eq!(
            plain(&found),
            "error[M311]: `email` is missing\n --> list.csv:3, column `email`\n\nerror[M301]: `list.csv` is empty\n --> list.csv\n\n"
        );
    }

    #[test]
    fn severities_have_their_colors() {
        let source = Source::new("a.md", "x\n");
        let text = human(&[Diagnostic::error("M101", &source, 0..1, "no")], Links::No);
        assert!(text.starts_with("\u{1b}[1m\u{1b}[31merror[M101]\u{1b}[0m"), "{text:?}");
    }

    #[test]
    fn counts_are_words() {
        let source = Source::new("a.md", "x\n");
        let (error, note) =
            (Diagnostic::error("M101", &source, 0..1, "a"), Diagnostic::note("M102", &source, 0..1, "b"));
        assert_eq!(counts(&[]), "no problems");
        assert_eq!(counts(&[error.clone(), note.clone(), error]), "2 errors, 1 note");
    }

    #[test]
    fn programs_get_one_object() {
        let source = Source::new("a.md", "x yz\n");
        let warning = Diagnostic::warning("M102", &source, 2..4, "odd").help("even");
        assert_eq!(
            json(&[warning]),
            json!({
                "diagnostics": [{
                    "code": "M102", "severity": "warning", "message": "odd", "help": "even",
                    "path": "a.md", "line": 1, "column": 3, "end_line": 1, "end_column": 5,
                }],
                "errors": 0, "warnings": 1, "notes": 0,
            })
        );
    }
}
