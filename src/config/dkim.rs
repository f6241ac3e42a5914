//! `[dkim]`: what letters are signed with.

use std::path::Path;

use super::{
    raw::{Table, is_word},
    secret_setting::secret,
    settings::{Dkim, DkimEd25519},
};

/// Both signatures, when there is one.
pub(super) fn dkim(root: &Table<'_>, base: &Path) -> Option<Dkim> {
    let section = root.table("dkim");
    let notes = section.notes();
    let word = |table: &Table<'_>, name: &'static str, example: &str| {
        let item = table.text(name, example);
        if item.is_none() && table.is_there() && table.any(name).is_none() {
            let message = format!("`[{}]` has no `{name}`", table.path());
            table.missing(message, format!("add `{name} = {example:?}`"));
        }
        item.filter(|item| is_word(notes, &table.name_of(name), item)).map(|item| item.value)
    };
    let key = |table: &Table<'_>| {
        let key = secret(table, "key", base);
        if key.is_none() && table.is_there() && table.any("key").is_none() {
            let message = format!("`[{}]` has no `key`", table.path());
            let help = "make one with `mimeo keygen` and add `key = { file = \"…\" }`";
            table.missing(message, help);
        }
        key
    };
    let domain = word(&section, "domain", "example.org");
    let selector = word(&section, "selector", "mimeo1");
    let rsa = key(&section);
    let second = section.table("ed25519");
    let (second_selector, second_key) = (word(&second, "selector", "mimeo2"), key(&second));
    second.finish();
    section.finish();
    let ed25519 = second_selector.zip(second_key).map(|(selector, key)| DkimEd25519 { selector, key });
    Some(Dkim { domain: domain?, selector: selector?, key: rsa?, ed25519 })
}
