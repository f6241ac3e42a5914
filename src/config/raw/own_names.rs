//! Tables whose names, or whose values too, are the owner's own: domains, topics, footers.

use std::{cell::RefCell, collections::BTreeMap};

use toml::de::{DeTable, DeValue};

use super::{Item, Table};
use crate::{issue::Value, source::Place};

impl<'a> Table<'a> {
    /// The tables inside a table whose names are the owner's own, such as domains.
    pub(in crate::config) fn named_tables(&self, name: &'static str) -> Vec<(Item<String>, Table<'a>)> {
        let Some(entries) = self.any(name).and_then(|value| self.entries_of(name, value)) else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (key, value) in entries {
            let path = format!("{}.\"{}\"", self.name_of(name), key.get_ref());
            let key = Item { value: key.get_ref().to_string(), span: key.span() };
            let DeValue::Table(inner) = value.get_ref() else {
                let help = format!("write it like `\"{}\" = {{ … }}`", key.value);
                self.notes.error("M004", value.span(), format!("`{path}` must be a table"), help);
                continue;
            };
            let (entries, span) = (Some(inner), value.span());
            tables.push((key, Table { notes: self.notes, path, entries, span, known: RefCell::default() }));
        }
        tables
    }

    /// Texts whose names are the owner's own.
    pub(in crate::config) fn named_texts(&self, name: &'static str) -> Vec<(Item<String>, Item<String>)> {
        let Some(entries) = self.any(name).and_then(|value| self.entries_of(name, value)) else {
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (key, value) in entries {
            let DeValue::String(text) = value.get_ref() else {
                let message = format!("`{}.{}` must be a text", self.name_of(name), key.get_ref());
                let help = format!("write it like `{} = \"…\"`", key.get_ref());
                self.notes.error("M004", value.span(), message, help);
                continue;
            };
            texts.push((
                Item { value: key.get_ref().to_string(), span: key.span() },
                Item { value: text.to_string(), span: value.span() },
            ));
        }
        texts
    }

    /// A table whose names and values are the owner's own.
    pub(in crate::config) fn free(&self, name: &'static str) -> BTreeMap<String, Value> {
        let entries = self.any(name).and_then(|value| self.entries_of(name, value));
        entries.map(free_table).unwrap_or_default()
    }

    /// Where a section is, by an empty key, and where its names are; those of inner tables as `inner.name`.
    pub(in crate::config) fn places(&self, name: &str) -> BTreeMap<String, Place> {
        let mut places = BTreeMap::new();
        let Some(section) = self.entries.and_then(|entries| entries.get(name)) else { return places };
        places.insert(String::new(), self.notes.source.place(section.span()));
        let DeValue::Table(entries) = section.get_ref() else { return places };
        for (key, value) in entries {
            places.insert(key.get_ref().to_string(), self.notes.source.place(key.span()));
            let DeValue::Table(inner) = value.get_ref() else { continue };
            for name in inner.keys() {
                places.insert(
                    format!("{}.{}", key.get_ref(), name.get_ref()),
                    self.notes.source.place(name.span()),
                );
            }
        }
        places
    }
}

fn free_table(entries: &DeTable<'_>) -> BTreeMap<String, Value> {
    entries.iter().map(|(key, value)| (key.get_ref().to_string(), free(value.get_ref()))).collect()
}

fn free(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Text(number.to_string()), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::Text(number.to_string()), Value::Float)
        }
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(moment) => Value::Text(moment.to_string()),
        DeValue::Array(values) => Value::List(values.iter().map(|value| free(value.get_ref())).collect()),
        DeValue::Table(entries) => Value::Map(free_table(entries)),
    }
}
