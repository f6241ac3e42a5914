//! What the columns of a list are.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

/// Usual spellings, normalised, the likeliest first: when a list has several, the first here is meant.
const EMAIL: &[&str] = &[
    "email",
    "e_mail",
    "email_address",
    "e_mail_address",
    "emailaddress",
    "mail",
    "mail_address",
    "mailaddress",
    "email_adresse",
    "e_mail_adresse",
    "mailadresse",
    "mail_adresse",
    "adresse_email",
    "adresse_e_mail",
    "adresse_mail",
    "courriel",
    "correo",
    "correo_electronico",
    "correo_electrónico",
    "primary_email",
    "subscriber_email",
    "user_email",
];
const NAME: &[&str] = &["name", "full_name", "fullname", "display_name", "subscriber_name", "complete_name"];
const FIRST_NAME: &[&str] = &[
    "first_name",
    "firstname",
    "given_name",
    "givenname",
    "forename",
    "fname",
    "vorname",
    "prénom",
    "prenom",
];
const LAST_NAME: &[&str] =
    &["last_name", "lastname", "family_name", "familyname", "surname", "lname", "nachname", "familienname"];

/// The columns of a list.
#[derive(Debug)]
pub(super) struct Header {
    /// As written, for reports.
    pub(super) titles: Vec<String>,
    /// Normalised, for placeholders; empty where nothing is written above a column.
    pub(super) names: Vec<String>,
    pub(super) email: Option<usize>,
    pub(super) name: Option<usize>,
    pub(super) first_name: Option<usize>,
    pub(super) last_name: Option<usize>,
    /// Columns that tell whether somebody wants letters now.
    pub(super) wishes: Vec<(usize, Wish)>,
}

/// How a column tells whether somebody wants letters now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// `status`: a word.
    Status,
    /// `active`: yes or no.
    Active,
    /// `paused`: yes or no.
    Paused,
}

/// What a cell says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Write,
    Rest,
    Unknown,
}

impl Header {
    pub(super) fn new(titles: Vec<String>) -> Self {
        let names: Vec<String> = titles.iter().map(|title| normalise(title)).collect();
        let find = |spellings: &[&str]| {
            spellings.iter().find_map(|spelling| names.iter().position(|name| name == spelling))
        };
        let wishes = [("status", Wish::Status), ("active", Wish::Active), ("paused", Wish::Paused)]
            .iter()
            .filter_map(|(name, wish)| Some((names.iter().position(|n| n == name)?, *wish)))
            .collect();
        Self {
            email: find(EMAIL),
            name: find(NAME),
            first_name: find(FIRST_NAME),
            last_name: find(LAST_NAME),
            wishes,
            titles,
            names,
        }
    }

    /// Two columns with one name: both their indices.
    pub(super) fn doubles(&self) -> Vec<(usize, usize)> {
        let mut first = HashMap::new();
        let mut doubles = Vec::new();
        for (index, name) in self.names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            match first.get(name) {
                Some(&earlier) => doubles.push((earlier, index)),
                None => {
                    first.insert(name, index);
                }
            }
        }
        doubles
    }

    /// The columns that become fields: index and name, and once more under `first_name` or `last_name` when they are
    /// spelt otherwise.
    pub(super) fn fields(&self) -> Vec<(usize, String)> {
        let mut fields: Vec<_> = self
            .names
            .iter()
            .enumerate()
            .filter(|(index, name)| {
                !name.is_empty() && Some(*index) != self.email && Some(*index) != self.name
            })
            .map(|(index, name)| (index, name.clone()))
            .collect();
        for (index, name) in [(self.first_name, "first_name"), (self.last_name, "last_name")] {
            if let Some(index) = index.filter(|index| self.names[*index] != name) {
                fields.push((index, name.to_owned()));
            }
        }
        fields
    }

    /// The spellings of the address's column, for help.
    pub(super) fn email_spellings() -> impl Iterator<Item = &'static str> {
        EMAIL.iter().copied()
    }
}

/// A column's name as placeholders spell it: `First Name` is `first_name`, `E-Mail` is `e_mail`.
pub fn normalise(title: &str) -> String {
    let mut name = String::with_capacity(title.len());
    for c in title.nfc().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.truncate(name.trim_end_matches('_').len());
    name
}

impl Wish {
    /// What a cell says; an empty one says nothing against a letter.
    pub(super) fn read(self, cell: &str) -> Says {
        let word = cell.trim().to_lowercase().replace([' ', '-'], "_");
        match self {
            _ if word.is_empty() => Says::Write,
            Self::Status => match word.as_str() {
                "active" | "subscribed" | "confirmed" | "enabled" | "opted_in" | "valid" | "ok" => {
                    Says::Write
                }
                "paused" | "inactive" | "disabled" | "snoozed" | "pending" | "unconfirmed"
                | "unsubscribed" | "unsubscribe" | "opted_out" | "removed" | "deleted" | "cleaned"
                | "bounced" | "hard_bounce" | "hard_bounced" | "complained" | "complaint" | "spam"
                | "suppressed" | "blocked" | "invalid" => Says::Rest,
                _ => Says::Unknown,
            },
            Self::Active | Self::Paused => {
                match word.as_str() {
                    "true" | "yes" | "y" | "1" | "x" | "on" | "ja" | "oui" | "sí" | "si" | "wahr" => {
                        if self == Self::Active { Says::Write } else { Says::Rest }
                    }
                    "false" | "no" | "n" | "0" | "off" | "nein" | "non" | "falsch" => {
                        if self == Self::Active { Says::Rest } else { Says::Write }
                    }
                    _ => Says::Unknown,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_placeholders_can_spell() {
        for (title, name) in [
            ("First Name", "first_name"),
            ("E-Mail-Adresse", "e_mail_adresse"),
            ("  Ort (Stadt) ", "ort_stadt"),
            ("Prénom", "prénom"),
            ("Pre\u{301}nom", "prénom"),
            ("#", ""),
            ("名前", "名前"),
            ("__a__b__", "a_b"),
        ] {
            assert_eq!(normalise(title), name, "{title}");
        }
    }

    #[test]
    fn the_likeliest_of_several_columns_is_the_address() {
        let header = Header::new(["Mail", "Name", "Email", "mail address"].map(str::to_owned).to_vec());
        assert_eq!(header.email, Some(2));
        let names: Vec<_> = header.fields().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["mail", "mail_address"]);
    }

    #[test]
    fn a_wish_is_read_in_the_usual_words_and_never_guessed() {
        for (wish, cell, says) in [
            (Wish::Status, "Active", Says::Write),
            (Wish::Status, "", Says::Write),
            (Wish::Status, "Hard bounce", Says::Rest),
            (Wish::Status, "unsubscribed", Says::Rest),
            (Wish::Status, "gold", Says::Unknown),
            (Wish::Paused, "TRUE", Says::Rest),
            (Wish::Paused, "no", Says::Write),
            (Wish::Active, "0", Says::Rest),
            (Wish::Active, "ja", Says::Write),
            (Wish::Active, "maybe", Says::Unknown),
        ] {
            assert_eq!(wish.read(cell), says, "{wish:?} {cell}");
        }
    }
}
