//! The list, as a letter will meet it.

use std::{collections::BTreeMap, path::Path};

use super::findings::rule;
use crate::{
    issue::{Filter, Placeholder},
    source::{Diagnostic, Diagnostics, Place, Severity, Source, nearest},
    subscriber::{List, ListError, Row},
};

/// Mailboxes that several people read.
const ROLES: [&str; 14] = [
    "abuse",
    "admin",
    "billing",
    "contact",
    "help",
    "hostmaster",
    "info",
    "mailer-daemon",
    "noreply",
    "no-reply",
    "postmaster",
    "sales",
    "support",
    "webmaster",
];

/// Domains that people mean when they slip.
const COMMON: [&str; 16] = [
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "yahoo.co.uk",
    "hotmail.com",
    "outlook.com",
    "icloud.com",
    "live.com",
    "aol.com",
    "proton.me",
    "protonmail.com",
    "gmx.de",
    "gmx.net",
    "web.de",
    "fastmail.com",
    "mail.ru",
];

/// So many people of a kind are named.
const NAMED: usize = 5;

#[derive(Default)]
struct Kind {
    count: u64,
    first: Vec<String>,
    line: Option<u64>,
}

impl Kind {
    fn add(&mut self, line: u64, what: String) {
        self.count += 1;
        self.line.get_or_insert(line);
        if self.first.len() < NAMED {
            self.first.push(what);
        }
    }

    fn names(&self) -> String {
        let more = self.count as usize - self.first.len();
        let names = self.first.join(", ");
        if more == 0 { names } else { format!("{names} and {more} more") }
    }
}

/// Reads the list once, and looks at it beside the placeholders that a letter fills in. `sources` are the files of the letter.
pub(super) fn check_list<'a>(
    list: List,
    placeholders: impl Iterator<Item = &'a Placeholder>,
    sources: &[&Source],
) -> Result<Diagnostics, ListError> {
    let path = list.path().to_owned();
    let mut found = Vec::new();
    let needed = needed_columns(&list, placeholders, sources, &mut found);
    let mut seen = Seen::default();
    for row in list {
        seen.add(row?, &needed, &mut found);
    }
    seen.report(&path, &mut found);
    Ok(found)
}

/// A finding about the list: a row of it, or the file as a whole.
fn find(
    code: &'static str,
    path: &Path,
    (line, column): (Option<u64>, Option<String>),
    message: String,
    help: impl Into<String>,
) -> Diagnostic {
    let path = path.to_owned();
    let place = match line {
        Some(line) => Place::Row { path, line, column },
        None => Place::File { path },
    };
    Diagnostic::at(code, severity(code), place, message).help(help)
}

fn severity(code: &str) -> Severity {
    rule(code).expect("every code that is found has a rule").severity
}

/// Where the files of a letter have a placeholder of the reader first.
fn written_at(name: &str, sources: &[&Source]) -> Option<Place> {
    let written = format!("subscriber.{name}");
    sources.iter().find_map(|source| {
        let text = source.text();
        let is_whole = |at: &usize| {
            let next = text[at + written.len()..].chars().next();
            next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
        };
        let at = memchr::memmem::find_iter(text.as_bytes(), &written).find(is_whole)?;
        Some(source.place(at..at + written.len()))
    })
}

/// The columns that placeholders without a default need. Reports those that the list does not have.
fn needed_columns<'a>(
    list: &List,
    placeholders: impl Iterator<Item = &'a Placeholder>,
    sources: &[&Source],
    found: &mut Diagnostics,
) -> Vec<&'a str> {
    let mut needed: Vec<&str> = Vec::new();
    for placeholder in placeholders {
        let [space, name] = placeholder.path.as_slice() else { continue };
        if space != "subscriber"
            || matches!(name.as_str(), "email" | "address")
            || needed.contains(&name.as_str())
        {
            continue;
        }
        let has_default = placeholder.filters.iter().any(|filter| matches!(filter, Filter::Default(_)));
        if !list.columns().contains(name) {
            let help = match nearest(name, list.columns().iter().map(String::as_str)) {
                Some(near) => format!("did you mean `subscriber.{near}`?"),
                None => format!("its columns are: {}", list.columns().join(", ")),
            };
            let message = format!("the list has no column for `subscriber.{name}`");
            let place =
                written_at(name, sources).unwrap_or_else(|| Place::File { path: list.path().to_owned() });
            found.push(Diagnostic::at("M491", severity("M491"), place, message).help(help));
        } else if !has_default {
            needed.push(name);
        }
    }
    needed
}

/// What was seen on the list.
#[derive(Default)]
struct Seen<'a> {
    roles: Kind,
    slips: Kind,
    repeats: Kind,
    /// People without a value, by the column that a letter needs.
    empty: BTreeMap<&'a str, Kind>,
}

impl<'a> Seen<'a> {
    fn add(&mut self, row: Row, needed: &[&'a str], found: &mut Diagnostics) {
        match row {
            Row::Person { line, subscriber } => {
                let address = &subscriber.address;
                let local = address.local();
                if ROLES.iter().any(|role| local.eq_ignore_ascii_case(role)) {
                    self.roles.add(line, address.expose().to_owned());
                }
                if let Some(meant) = slip(address.domain()) {
                    self.slips.add(line, format!("{address} ({meant}?)"));
                }
                for name in needed.iter().filter(|name| subscriber.field(name).is_none()) {
                    self.empty.entry(name).or_default().add(line, address.to_string());
                }
            }
            Row::Repeat(diagnostic) => {
                let line = if let Place::Row { line, .. } = diagnostic.place { line } else { 0 };
                self.repeats.add(line, format!("line {line}"));
            }
            Row::Bad(diagnostic) => found.push(diagnostic),
            Row::Inactive { .. } => {}
        }
    }

    fn report(self, path: &Path, found: &mut Diagnostics) {
        for (name, kind) in self.empty {
            let people = if kind.count == 1 {
                "1 subscriber".to_owned()
            } else {
                format!("{} subscribers", kind.count)
            };
            let message = format!("`subscriber.{name}` is empty for {people}: {}", kind.names());
            let help = format!("fill it in, or write `{{{{ subscriber.{name} | default(\"…\") }}}}`");
            found.push(find("M492", path, (kind.line, Some(name.to_owned())), message, help));
        }
        for (code, kind, what, help) in [
            ("M494", self.roles, "role addresses", "ask for personal addresses"),
            ("M495", self.slips, "domains that look misspelled", "ask, or fix the obvious ones"),
            ("M496", self.repeats, "rows with an address that was used before", "remove one of each pair"),
        ] {
            if kind.count > 0 {
                found.push(find(code, path, (kind.line, None), format!("{what}: {}", kind.names()), help));
            }
        }
    }
}

/// The well-known domain that this one is a letter away from.
fn slip(domain: &str) -> Option<&'static str> {
    if COMMON.contains(&domain) {
        return None;
    }
    // Short domains are a letter away from many honest ones. What is cheap to compare comes first: lists are long.
    COMMON.into_iter().filter(|known| known.len() >= 8).find(|known| {
        domain.len().abs_diff(known.len()) <= 1
            && domain.chars().next() == known.chars().next()
            && nearest(domain, [*known]) == Some(known)
    })
}

#[cfg(test)]
mod tests {
    use super::slip;

    #[test]
    fn a_slip_is_near_a_well_known_domain_and_is_not_one() {
        for (domain, meant) in [
            ("gmial.com", Some("gmail.com")),
            ("gmail.con", Some("gmail.com")),
            ("hotmial.com", Some("hotmail.com")),
            ("gmail.com", None),
            ("example.com", None),
            ("email.com", None),
            ("gmx.at", None),
        ] {
            assert_eq!(slip(domain), meant, "{domain}");
        }
    }
}
