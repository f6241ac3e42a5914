//! `templates/texts/LANGUAGE.toml`: texts of the owner's own in place of ours.

use std::{ffi::OsStr, fs, path::Path};

use toml::{
    Table,
    de::{DeTable, DeValue},
};

use crate::{
    assets::{Fence, Leads},
    render::{OwnTexts, TEXT_SECTIONS, language_tag},
    service,
    source::{Diagnostic, Diagnostics, Place, Severity, Source, nearest},
};

/// No such file is larger than this, in bytes.
const LARGEST: usize = 256 * 1024;
/// The section of texts of the service.
const SERVICE: &str = "service";

/// Reads the files of the folder. What is wrong with one is a diagnostic at its place.
pub(super) fn read(templates: &Path, diagnostics: &mut Diagnostics) -> OwnTexts {
    let mut own = OwnTexts::default();
    let Ok(entries) = fs::read_dir(templates.join("texts")) else { return own };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension() == Some(OsStr::new("toml"))) {
        let fail = |message: String, help: &str| {
            Diagnostic::at("M005", Severity::Error, Place::File { path: path.clone() }, message).help(help)
        };
        let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        if language_tag(name) != name {
            let help = format!("call it `{}.toml`", language_tag(name));
            diagnostics.push(fail(format!("`{name}` is not the name of a language's file"), &help));
            continue;
        }
        let is_inside =
            Fence::new(templates).is_ok_and(|fence| matches!(fence.leads(path), Leads::Inside(_)));
        match Source::read(path, LARGEST) {
            Ok(source) if is_inside => {
                let before = diagnostics.len();
                check(&source, diagnostics);
                if diagnostics.len() == before {
                    own.add(name.to_owned(), toml::from_str(source.text()).unwrap_or_default());
                }
            }
            Ok(_) => {
                diagnostics.push(fail("the file is a link that leads out of the folder".into(), "copy it"))
            }
            Err(error) => {
                diagnostics.push(fail(format!("the file cannot be read: {error}"), "save it as UTF-8"))
            }
        }
    }
    own
}

/// The names that a section may have; `None` for a section that there is not.
fn names(section: &str) -> Option<Vec<String>> {
    if section == SERVICE {
        return Some(service::text_names().map(str::to_owned).collect());
    }
    TEXT_SECTIONS.contains(&section).then(|| OwnTexts::names(section)).flatten()
}

fn check(source: &Source, diagnostics: &mut Diagnostics) {
    let table = match DeTable::parse(source.text()) {
        Ok(table) => table,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let message = format!("this is not TOML: {}", error.message().trim().replace('\n', ", "));
            let one = Diagnostic::error("M002", source, span, message);
            diagnostics.push(one.help("put text in quotes, and start sections with `[name]`"));
            return;
        }
    };
    for (section, value) in table.get_ref() {
        let sections = || TEXT_SECTIONS.into_iter().chain([SERVICE]);
        let name = section.get_ref();
        let (Some(known), DeValue::Table(entries)) = (names(name), value.get_ref()) else {
            let help = nearest(name, sections()).map_or_else(
                || format!("sections are: {}", sections().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `[{near}]`?"),
            );
            let message = format!("unknown section `{name}`");
            diagnostics.push(Diagnostic::error("M003", source, section.span(), message).help(help));
            continue;
        };
        for (key, value) in entries {
            let text = key.get_ref();
            if !known.iter().any(|known| known == text) {
                let help = nearest(text, known.iter().map(String::as_str)).map_or_else(
                    || format!("texts of `[{name}]` are: {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("unknown text `{name}.{text}`");
                diagnostics.push(Diagnostic::error("M003", source, key.span(), message).help(help));
                continue;
            }
            let plain = source
                .text()
                .get(value.span())
                .and_then(|text| toml::from_str::<Table>(&format!("value = {text}")).ok()?.remove("value"));
            if let Some(problem) = plain.and_then(|value| OwnTexts::problem(name, text, &value)) {
                let message = format!("`{name}.{text}` cannot be used: {problem}");
                let help = "write one line of plain text between quotation marks";
                diagnostics.push(Diagnostic::error("M005", source, value.span(), message).help(help));
            }
        }
    }
}
