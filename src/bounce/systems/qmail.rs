//! qmail's bounce messages (QSBMF) and the many systems that write them: a paragraph that begins with `<address>:`.

use super::said::Said;
use crate::bounce::{mail::Mail, ours::Ours, people};

/// Each paragraph of the form `<address>:` and the lines under it.
pub(super) fn read(mail: &Mail, _: &Ours) -> Said {
    let mut said: Said = Vec::new();
    let mut open = false;
    for line in mail.words.lines() {
        let trimmed = line.trim();
        if let Some((address, rest)) = head(trimmed) {
            said.extend(people::first(address).map(|address| (address, rest.to_owned())));
            open = true;
        } else if trimmed.is_empty() {
            open = open && said.last().is_some_and(|(_, words)| words.is_empty());
        } else if open && let Some((_, words)) = said.last_mut() {
            words.push(' ');
            words.push_str(trimmed);
        }
    }
    said
}

/// `<ann@example.com>: words`.
fn head(line: &str) -> Option<(&str, &str)> {
    let (address, rest) = line.strip_prefix('<')?.split_once('>')?;
    let rest = rest.trim_start();
    // Postfix puts the address behind a forwarding in between: `(expanded from <...>):`.
    let rest = if rest.starts_with('(') {
        rest.split_once(')').map_or(rest, |(_, rest)| rest.trim_start())
    } else {
        rest
    };
    let rest = rest.strip_prefix(':')?;
    address.contains('@').then_some((address, rest.trim()))
}
