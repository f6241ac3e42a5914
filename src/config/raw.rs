//! The settings file as a tree with places, read name by name: whatever no one asked for is unknown.

mod notes;
mod own_names;
mod unknown;

pub(super) use notes::{Item, Notes, sounds_secret, without_excerpt};

use std::{cell::RefCell, ops::RangeInclusive, time::Duration};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::duration;
use crate::source::{Diagnostic, Place, Severity, Span, nearest};

/// A table of the file, or one that is not there.
pub(super) struct Table<'a> {
    notes: &'a Notes,
    /// `relay`, `pace.window`; empty for the whole file.
    path: String,
    entries: Option<&'a DeTable<'a>>,
    /// Where it begins.
    span: Span,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    pub(super) fn root(notes: &'a Notes, entries: &'a DeTable<'a>) -> Self {
        Self { notes, path: String::new(), entries: Some(entries), span: 0..0, known: RefCell::default() }
    }

    /// A table that is not there.
    pub(super) fn absent(notes: &'a Notes, name: &str) -> Self {
        Self { notes, path: name.to_owned(), entries: None, span: 0..0, known: RefCell::default() }
    }

    /// Its full name.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Tells that a required setting is missing from it.
    pub(super) fn missing(&self, message: impl Into<String>, help: impl Into<String>) {
        if self.is_there() {
            self.notes.error("M006", self.span.clone(), message, help);
        } else {
            let place = Place::File { path: self.notes.source.path().to_owned() };
            self.notes.push(Diagnostic::at("M006", Severity::Error, place, message).help(help));
        }
    }

    pub(super) fn notes(&self) -> &'a Notes {
        self.notes
    }

    pub(super) fn is_there(&self) -> bool {
        self.entries.is_some()
    }

    /// The setting's full name, as in `relay.url`.
    pub(super) fn name_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The value of any kind, which makes the name a known one.
    pub(super) fn any(&self, name: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&name) {
            known.push(name);
        }
        drop(known);
        let found = self.entries.and_then(|entries| entries.get(name));
        self.notes.note_asked(self.name_of(name), found.is_some());
        found
    }

    fn wrong_kind(&self, name: &str, span: Span, wanted: &str, example: &str) {
        let full = self.name_of(name);
        self.notes.error(
            "M004",
            span,
            format!("`{full}` must be {wanted}"),
            format!("write it like `{name} = {example}`"),
        );
    }

    /// A text that is not empty; an empty one counts as wrong.
    pub(super) fn text(&self, name: &'static str, example: &str) -> Option<Item<String>> {
        let value = self.any(name)?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_kind(name, value.span(), "a text", &format!("{example:?}"));
            return None;
        };
        if text.trim().is_empty() {
            let message = format!("`{}` is empty", self.name_of(name));
            self.notes.error("M005", value.span(), message, "give it a value, or take the line out");
            return None;
        }
        Some(Item { value: text.trim().to_owned(), span: value.span() })
    }

    pub(super) fn flag(&self, name: &'static str) -> Option<Item<bool>> {
        let value = self.any(name)?;
        let DeValue::Boolean(flag) = value.get_ref() else {
            self.wrong_kind(name, value.span(), "`true` or `false`", "true");
            return None;
        };
        Some(Item { value: *flag, span: value.span() })
    }

    /// A whole number in a range.
    pub(super) fn number(&self, name: &'static str, range: RangeInclusive<u32>) -> Option<Item<u32>> {
        let value = self.any(name)?;
        let example = range.start().max(&10).to_string();
        self.number_in(name, value, range, &example)
    }

    fn number_in(
        &self,
        name: &'static str,
        value: &Spanned<DeValue<'_>>,
        range: RangeInclusive<u32>,
        example: &str,
    ) -> Option<Item<u32>> {
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_kind(name, value.span(), "a whole number", example);
            return None;
        };
        let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let parsed =
            parsed.and_then(|number| u32::try_from(number).ok()).filter(|number| range.contains(number));
        if parsed.is_none() {
            let help = match (*range.start(), *range.end()) {
                (least, u32::MAX) => format!("use a number from {least} up"),
                (least, most) => format!("use a number from {least} to {most}"),
            };
            let message = format!("`{}` cannot be {number}", self.name_of(name));
            self.notes.error("M005", value.span(), message, help);
        }
        parsed.map(|parsed| Item { value: parsed, span: value.span() })
    }

    /// A share from 0 to 1.
    pub(super) fn share(&self, name: &'static str) -> Option<Item<f64>> {
        let value = self.any(name)?;
        let share: Option<f64> = match value.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let Some(share) = share else {
            self.wrong_kind(name, value.span(), "a number from 0 to 1", "0.25");
            return None;
        };
        if !(0.0..=1.0).contains(&share) {
            let message = format!("`{}` cannot be {share}", self.name_of(name));
            self.notes.error("M005", value.span(), message, "use a number from 0 to 1");
            return None;
        }
        Some(Item { value: share, span: value.span() })
    }

    /// A stretch of time such as `"30m"`.
    pub(super) fn duration(&self, name: &'static str) -> Option<Item<Duration>> {
        let value = self.any(name)?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_kind(name, value.span(), "a stretch of time", "\"30m\"");
            return None;
        };
        let Some(parsed) = duration::parse(text) else {
            let message = format!("`{}` cannot be {text:?}", self.name_of(name));
            let help = "write numbers with ms, s, m, h or d behind them, as in `30s`, `1h30m` or `2d`";
            self.notes.error("M005", value.span(), message, help);
            return None;
        };
        Some(Item { value: parsed, span: value.span() })
    }

    /// A stretch of time that is longer than nothing.
    pub(super) fn wait(&self, name: &'static str) -> Option<Item<Duration>> {
        let found = self.duration(name)?;
        if found.value.is_zero() {
            let text = &self.notes.source.text()[found.span.clone()];
            let message = format!("`{}` cannot be {text}", self.name_of(name));
            self.notes.error(
                "M005",
                found.span,
                message,
                "write a time that is longer than nothing, as in `30s`",
            );
            return None;
        }
        Some(found)
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<Item<T>> {
        let text = self.text(name, choices[0].0)?;
        let chosen = choose(&text.value, choices);
        if chosen.is_none() {
            let message = format!("`{}` cannot be {:?}", self.name_of(name), text.value);
            self.notes.error("M005", text.span.clone(), message, choices_help(&text.value, choices));
        }
        chosen.map(|value| Item { value, span: text.span })
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &'static str, example: &str) -> Option<Vec<Item<String>>> {
        let value = self.any(name)?;
        let DeValue::Array(values) = value.get_ref() else {
            self.wrong_kind(name, value.span(), "a list of texts", example);
            return None;
        };
        let mut texts = Vec::with_capacity(values.len());
        for value in values.iter() {
            match value.get_ref() {
                DeValue::String(text) => texts.push(Item { value: text.to_string(), span: value.span() }),
                _ => self.wrong_kind(name, value.span(), "a list of texts", example),
            }
        }
        Some(texts)
    }

    /// A list of whole numbers in a range.
    pub(super) fn numbers(&self, name: &'static str, range: RangeInclusive<u32>) -> Option<Vec<Item<u32>>> {
        let value = self.any(name)?;
        const EXAMPLE: &str = "[50, 100, 200]";
        let DeValue::Array(values) = value.get_ref() else {
            self.wrong_kind(name, value.span(), "a list of whole numbers", EXAMPLE);
            return None;
        };
        Some(values.iter().filter_map(|value| self.number_in(name, value, range.clone(), EXAMPLE)).collect())
    }

    /// A table inside this one; one that is not there when the file has none.
    pub(super) fn table(&self, name: &'static str) -> Table<'a> {
        let value = self.any(name);
        let entries = value.and_then(|value| self.entries_of(name, value));
        let span = value.map_or(0..0, Spanned::span);
        Table { notes: self.notes, path: self.name_of(name), entries, span, known: RefCell::default() }
    }

    /// The sections that begin with `[[name]]`.
    pub(super) fn tables(&self, name: &'static str) -> Vec<Table<'a>> {
        let Some(value) = self.any(name) else { return Vec::new() };
        let path = self.name_of(name);
        let wrong = |span: Span| {
            let help = format!("write it as sections that begin with `[[{path}]]`");
            self.notes.error("M004", span, format!("`{path}` must be a list of tables"), help);
        };
        let DeValue::Array(values) = value.get_ref() else {
            wrong(value.span());
            return Vec::new();
        };
        let mut tables = Vec::new();
        for value in values.iter() {
            match value.get_ref() {
                DeValue::Table(entries) => tables.push(Table {
                    notes: self.notes,
                    path: path.clone(),
                    entries: Some(entries),
                    span: value.span(),
                    known: RefCell::default(),
                }),
                _ => wrong(value.span()),
            }
        }
        tables
    }

    /// Where it begins.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    fn entries_of(&self, name: &str, value: &'a Spanned<DeValue<'a>>) -> Option<&'a DeTable<'a>> {
        match value.get_ref() {
            DeValue::Table(entries) => Some(entries),
            _ => {
                let help = format!("write it as a section that begins with `[{}]`", self.name_of(name));
                let message = format!("`{}` must be a table", self.name_of(name));
                self.notes.error("M004", value.span(), message, help);
                None
            }
        }
    }

    /// Points at every name that no one asked for; nothing is asked for afterwards.
    pub(super) fn finish(self) {
        self.unknown();
    }

    /// Points at every name that no one asked for so far.
    pub(super) fn unknown(&self) {
        let known = self.known.borrow();
        for (key, value) in self.entries.into_iter().flatten() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let full = self.name_of(name);
            let is_section = matches!(value.get_ref(), DeValue::Table(_));
            let (message, help) = match unknown::removed(&full) {
                Some(help) => (format!("the setting `{full}` was removed"), help.to_owned()),
                None => {
                    (format!("unknown setting `{full}`"), unknown::help(&self.path, name, is_section, &known))
                }
            };
            let mut diagnostic =
                Diagnostic::error("M003", &self.notes.source, key.span(), message).help(help);
            // A misspelt `password = "…"` would show the password, and so would a relay's address in the wrong section.
            let near = nearest(name, known.iter().copied());
            let source = &self.notes.source;
            let value_text = source.text().get(value.span()).unwrap_or_default();
            let line = source.line(source.position(key.span().start).line);
            let has_login = [value_text, line].iter().any(|text| text.contains("://") && text.contains('@'));
            let is_secret = if is_section {
                // As an inline table or with dots, its values are in the line.
                !line.trim_start().starts_with('[') && [value_text, line].into_iter().any(sounds_secret)
            } else {
                sounds_secret(name) || near.is_some_and(sounds_secret)
            };
            if has_login || is_secret {
                diagnostic = without_excerpt(diagnostic);
            }
            self.notes.push(diagnostic);
        }
    }
}

/// A word that may appear in a command or a DNS name: no space, no control character.
pub(super) fn is_word(notes: &Notes, name: &str, item: &Item<String>) -> bool {
    let fine = item.value.chars().all(|c| c.is_ascii_graphic());
    if !fine {
        let message = format!("`{name}` cannot be {:?}", item.value);
        notes.error("M005", item.span.clone(), message, "use letters, digits, dots and hyphens");
    }
    fine
}

/// The value of a word among choices.
pub(super) fn choose<T: Copy>(word: &str, choices: &[(&'static str, T)]) -> Option<T> {
    choices.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

/// What to do about a word that is no choice.
pub(super) fn choices_help<T>(word: &str, choices: &[(&'static str, T)]) -> String {
    match nearest(word, choices.iter().map(|(known, _)| *known)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => {
            let all: Vec<String> = choices.iter().map(|(known, _)| format!("{known:?}")).collect();
            format!("use one of {}", all.join(", "))
        }
    }
}
