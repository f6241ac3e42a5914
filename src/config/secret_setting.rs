//! How a setting says where a secret is kept.

use std::path::Path;

use toml::de::DeValue;

use super::{
    command::SettingCommand,
    paths::under,
    raw::{Table, without_excerpt},
    secret::SecretRef,
};
use crate::source::{Diagnostic, Span};

/// `{ env = "NAME" }`, `{ file = "path" }` or `{ command = ["program", "argument"] }`.
pub(super) fn secret(table: &Table<'_>, name: &'static str, base: &Path) -> Option<SecretRef> {
    let value = table.any(name)?;
    let notes = table.notes();
    let full = table.name_of(name);
    let DeValue::Table(_) = value.get_ref() else {
        let diagnostic = Diagnostic::error(
            "M010",
            &notes.source,
            value.span(),
            format!("`{full}` must say where the secret is kept, and not what it is"),
        )
        .help(format!(
            "write `{name} = {{ env = \"NAME\" }}`, `{name} = {{ file = \"path\" }}` or `{name} = {{ command = [\"program\", \"argument\"] }}`"
        ));
        notes.push(without_excerpt(diagnostic));
        return None;
    };
    let inner = table.table(name);
    let found = [
        inner.text("env", "NAME").map(|name| SecretRef::Env(name.value)),
        inner.text("file", "path").map(|path| SecretRef::File(under(base, &path.value))),
        command(&inner, &full, &value.span(), base),
    ];
    let named = ["env", "file", "command"].into_iter().filter(|name| inner.any(name).is_some()).count();
    if named != 1 {
        let message = match named {
            0 => format!("`{full}` does not say where the secret is kept"),
            _ => format!("`{full}` names more than one place"),
        };
        notes.error("M010", value.span(), message, "name exactly one of `env`, `file` and `command`");
    }
    inner.finish();
    found.into_iter().flatten().next()
}

fn command(inner: &Table<'_>, setting: &str, span: &Span, base: &Path) -> Option<SecretRef> {
    let words = inner.texts("command", "[\"pass\", \"show\", \"mail/newsletter\"]")?;
    if words.is_empty() {
        let message = format!("`{}` is empty", inner.name_of("command"));
        inner.notes().error("M005", span.clone(), message, "name a program and its arguments");
        return None;
    }
    let words = words.into_iter().map(|word| word.value).collect();
    let place = inner.notes().source.place(span.clone());
    Some(SecretRef::Command(Box::new(SettingCommand::new(setting, place, words, base))))
}
