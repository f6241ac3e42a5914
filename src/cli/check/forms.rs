//! Findings in the forms that other programs read: SARIF, and GitHub's workflow commands.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    check::{Rule, rule},
    report::diagnostics::{explanation, sentence},
    source::{Diagnostic, Place, Severity},
};

/// Path, line, column, and where it ends.
fn region(place: &Place) -> (String, Option<(u32, u32, u32, u32)>) {
    match place {
        Place::File { path } => (path.display().to_string(), None),
        Place::Row { path, line, .. } => {
            let line = u32::try_from(*line).unwrap_or(u32::MAX);
            (path.display().to_string(), Some((line, 1, line, 1)))
        }
        Place::Text { path, start, end, .. } => {
            (path.display().to_string(), Some((start.line, start.column, end.line, end.column)))
        }
    }
}

/// Static Analysis Results Interchange Format 2.1.0.
pub(super) fn sarif(found: &[Diagnostic]) -> serde_json::Value {
    let codes: BTreeSet<&str> = found.iter().map(|one| one.code).collect();
    let rules: Vec<_> = codes
        .iter()
        .map(|code| match rule(code) {
            Some(rule) => {
                let mut form = json!({
                    "id": code,
                    "shortDescription": { "text": rule.title },
                    "fullDescription": { "text": rule.explanation.replace('\n', " ") },
                    "defaultConfiguration": { "level": rule.severity.word() },
                    "help": { "text": help(rule) },
                });
                if let Some(page) = explanation(code) {
                    form["helpUri"] = page.into();
                }
                form
            }
            None => json!({ "id": code }),
        })
        .collect();
    let results: Vec<_> = found
        .iter()
        .map(|one| {
            let (path, region) = region(&one.place);
            let mut location = json!({ "artifactLocation": { "uri": reference(&path) } });
            if let Some((line, column, end_line, end_column)) = region {
                location["region"] = json!({
                    "startLine": line.max(1), "startColumn": column.max(1),
                    "endLine": end_line.max(1), "endColumn": end_column.max(1),
                });
            }
            let help = one.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            json!({
                "ruleId": one.code,
                "level": one.severity.word(),
                "message": { "text": format!("{}{help}", sentence(one)) },
                "locations": [{ "physicalLocation": location }],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "mimeo", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A path as a relative reference (RFC 3986); GitHub matches it with the files of the repository.
fn reference(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut out = String::new();
    for byte in path.trim_start_matches("./").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn help(rule: &Rule) -> String {
    let Rule { explanation, bad, good, .. } = rule;
    format!("{explanation}\n\nInstead of\n\n{bad}\nwrite\n\n{good}")
}

/// A workflow command of GitHub Actions.
pub(super) fn github(one: &Diagnostic) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let word = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let (path, region) = region(&one.place);
    let place = match region {
        Some((line, column, end_line, end_column)) if line == end_line => {
            format!(",line={line},endLine={end_line},col={column},endColumn={end_column}")
        }
        Some((line, _, end_line, _)) => format!(",line={line},endLine={end_line}"),
        None => String::new(),
    };
    let help = one.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let message = escape(&format!("{}{help}", sentence(one)));
    format!("::{word} file={}{place},title={}::{message}\n", property(&path), one.code)
}
