//! What mimeo can find, as data: one Markdown file for each code in `src/check/findings`.
//!
//! A file has a title (`# M439: animated picture`), the severity in italics, an explanation, and an example with its
//! fix. `mimeo explain`, `docs/findings.md` and SARIF are made of these files; the code of a check holds the check alone.

use std::sync::LazyLock;

use crate::source::{Diagnostic, Severity, Source, Span};

/// Something that mimeo can find in the settings, an issue, a template or the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// A stable name, such as `M401`.
    pub code: &'static str,
    /// How bad it is, unless the owner sets another level.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Why it matters, with the evidence, and what to do. Lines are wrapped.
    pub explanation: &'static str,
    /// An example of it.
    pub bad: &'static str,
    /// The example of `bad` after it was fixed.
    pub good: &'static str,
}

impl Rule {
    /// Whether the finding is made by `mimeo check` alone; the others are made whenever a file is read.
    pub fn is_from_check(&self) -> bool {
        self.code >= "M400"
    }
}

/// All rules, by code.
pub fn rules() -> &'static [Rule] {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        let parse = |(code, text)| {
            parse(code, text).unwrap_or_else(|| panic!("src/check/findings/{code}.md is malformed"))
        };
        FILES.iter().copied().map(parse).collect()
    });
    &RULES
}

/// The rule with a code, if there is one.
pub fn rule(code: &str) -> Option<&'static Rule> {
    let rules = rules();
    rules.binary_search_by(|rule| rule.code.cmp(code)).ok().map(|at| &rules[at])
}

/// A finding in a file, with the severity that its rule has by default.
pub(super) fn at(
    source: &Source,
    code: &'static str,
    span: Span,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    let severity = rule(code).expect("every code that is found has a rule").severity;
    Diagnostic::at(code, severity, source.place(span), message).help(help)
}

/// Reads the file of one rule.
fn parse(code: &'static str, text: &'static str) -> Option<Rule> {
    let (head, rest) = text.split_once("\n\n")?;
    let title = head.strip_prefix("# ")?.strip_prefix(code)?.strip_prefix(": ")?;
    let (severity, rest) = rest.split_once("\n\n")?;
    let severity = match severity {
        "*Error.*" => Severity::Error,
        "*Warning.*" => Severity::Warning,
        "*Note.*" => Severity::Note,
        _ => return None,
    };
    let (explanation, rest) = rest.split_once("\n\nInstead of\n\n")?;
    let (bad, rest) = rest.split_once("\n\nwrite\n\n")?;
    Some(Rule { code, severity, title, explanation, bad: fenced(bad)?, good: fenced(rest)? })
}

/// The content of a code fence, with its last line break.
fn fenced(text: &'static str) -> Option<&'static str> {
    let (opening, rest) = text.trim_end().split_once('\n')?;
    rest.strip_suffix(opening.strip_suffix("text")?)
}

macro_rules! files {
    ($($code:ident)*) => {
        &[$((stringify!($code), include_str!(concat!("findings/", stringify!($code), ".md")))),*]
    };
}

/// Code and file of each rule, by code.
#[rustfmt::skip]
const FILES: &[(&str, &str)] = files! {
    M001 M002 M003 M004 M005 M006 M007 M008 M009 M010 M011 M012 M013 M101 M102 M103 M104 M105 M106 M107 M108 M109 M110
    M120 M121 M122 M123 M130 M131 M132 M133 M134 M135 M140 M150 M151 M152 M160 M161 M162 M163 M164 M165 M170 M171 M172 M173 M174
    M201 M202 M203 M204 M205 M206 M207 M208 M209 M210 M211 M212 M213 M214 M215 M216 M217 M218 M220 M221 M222 M223
    M224 M225 M226 M227 M230 M231 M232 M233 M234 M235 M236 M237 M238 M239 M240 M241 M242 M243 M244 M301 M302 M303 M304
    M305 M310 M311 M312 M313 M314 M315 M316 M317 M318 M319 M320 M321 M322 M400 M401 M402 M405 M406 M407 M408 M411 M412 M413
    M414 M415 M416 M417 M418 M419 M420 M421 M422 M423 M424 M425 M430 M431 M432 M433 M434 M435 M436 M437 M438
    M439 M441 M442 M443 M444 M445 M446 M447 M448 M449 M450 M451 M452 M453 M454 M455 M460 M461 M462 M463 M470 M471 M472
    M473 M474 M475 M476 M481 M482 M483 M484 M485 M486 M487 M488 M489 M491 M492 M493 M494 M495 M496
};

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_file_is_embedded_in_order_and_is_well_formed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/check/findings");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let files: BTreeSet<String> = fs::read_dir(folder).unwrap().map(name).collect();
        let embedded: Vec<String> = rules().iter().map(|rule| format!("{}.md", rule.code)).collect();
        assert_eq!(embedded, files.into_iter().collect::<Vec<_>>());
        for rule in rules() {
            assert!(rule.explanation.len() >= 20 && rule.explanation.ends_with('.'), "{}", rule.code);
            assert!(!rule.title.ends_with('.') && rule.title.len() <= 72, "{}", rule.code);
            assert!(rule.bad.ends_with('\n') && rule.bad != rule.good, "{}", rule.code);
        }
    }

    #[test]
    fn a_malformed_file_is_not_a_rule() {
        let text =
            "# M1: one\n\n*Note.*\n\nWhy.\n\nInstead of\n\n```text\na\n```\n\nwrite\n\n```text\nb\n```\n";
        assert!(parse("M1", text).is_some());
        for (from, to) in
            [("M1", "M2"), ("Note", "Nota"), ("Instead", "For"), ("write", "say"), ("text\nb", "b")]
        {
            assert_eq!(parse("M1", Box::leak(text.replace(from, to).into_boxed_str())), None, "{from}");
        }
    }
}
