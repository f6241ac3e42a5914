//! What the columns of a list are.

use std::collections::HashMap;

use super::{
    consent::{self, ColumnMeanings, ConsentColumn},
    hidden::OtherColumn,
    inactive::{Inactive, is_mailchimp},
    meaning::Meaning,
    normalize::normalize,
};

/// Usual spellings, normalized, the likeliest first: when a list has several, the first here is meant.
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

/// What columns mean whose names say it only beside those of the same service.
fn beside(name: &str, header: &[String]) -> Option<Meaning> {
    let has = |names: &[&str]| header.iter().any(|other| names.contains(&other.as_str()));
    match name {
        // Substack's table of subscribers has the kind of plan here.
        "type" if has(&["stripe_plan"]) => Some(Meaning::Field),
        // CleverReach
        "activated" if has(&["deactivated"]) => Some(Meaning::Confirmation),
        // AWeber
        "stop_time" if has(&["stop_status", "ad_tracking"]) => Some(Meaning::Cause(Inactive::OptedOut)),
        // The end of a course.
        "stop_time" if has(&["start_time"]) => Some(Meaning::Field),
        _ => None,
    }
}

/// The columns of a list.
#[derive(Debug)]
pub(super) struct Header {
    /// As written, for reports.
    pub(super) titles: Vec<String>,
    /// Normalized, for placeholders; empty where nothing is written above a column.
    pub(super) names: Vec<String>,
    pub(super) email: Option<usize>,
    pub(super) name: Option<usize>,
    pub(super) first_name: Option<usize>,
    pub(super) last_name: Option<usize>,
    /// Columns that say whether a person wants letters.
    pub(super) consent: Vec<ConsentColumn>,
    /// Columns that look as if they did, and are not understood.
    pub(super) unclear: Vec<usize>,
    /// Columns that say nothing about it by themselves, but a cell may. None in an export of our own, where the status says all.
    pub(super) others: Vec<OtherColumn>,
    pub(super) meanings: ColumnMeanings,
}

impl Header {
    pub(super) fn new(titles: Vec<String>, meanings: &ColumnMeanings) -> Self {
        let names: Vec<String> = titles.iter().map(|title| normalize(title)).collect();
        let find = |spellings: &[&str]| {
            spellings.iter().find_map(|spelling| names.iter().position(|name| name == spelling))
        };
        let columns = [find(EMAIL), find(NAME), find(FIRST_NAME), find(LAST_NAME)];
        let (mut consent, mut unclear, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let is_own =
            ["status", "status_at", "joined_at"].iter().all(|own| names.iter().any(|name| name == own));
        for (index, name) in names.iter().enumerate() {
            if let Some(meaning) = beside(name, &names).filter(|_| !meanings.contains_key(name)) {
                if meaning != Meaning::Field {
                    consent.push(ConsentColumn { index, meaning, is_guessed: false });
                }
                continue;
            }
            match consent::titled(&titles[index], index, meanings) {
                Ok(Some(column)) => consent.push(column),
                Ok(None) if is_own || meanings.contains_key(name) => {}
                Ok(None) if EMAIL.contains(&name.as_str()) => others.push(OtherColumn::of_addresses(index)),
                Ok(None) if columns.contains(&Some(index)) => {
                    others.push(OtherColumn::new(index, name).of_names());
                }
                Ok(None) => others.push(OtherColumn::new(index, name)),
                Err(()) => unclear.push(index),
            }
        }
        let [email, name, first_name, last_name] = columns;
        Self {
            email,
            name,
            first_name,
            last_name,
            consent,
            unclear,
            others,
            meanings: meanings.clone(),
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

    /// Whether it is that of an export of Mailchimp.
    pub(super) fn is_mailchimp(&self) -> bool {
        is_mailchimp(self.names.iter().map(String::as_str))
    }

    /// The spellings of the address's column, for help.
    pub(super) fn email_spellings() -> impl Iterator<Item = &'static str> {
        EMAIL.iter().copied()
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
            assert_eq!(normalize(title), name, "{title}");
        }
    }

    #[test]
    fn some_names_are_about_consent_only_beside_others() {
        let opted_out = Meaning::Cause(Inactive::OptedOut);
        for (titles, consent, unclear) in [
            ("email,stop_time", &[][..], 1),
            ("email,start_time,stop_time", &[], 0),
            ("email,Ad Tracking,Stop Time", &[opted_out], 0),
            ("email,start_time,Stop Time,Stop Status", &[opted_out], 0),
            ("email,activated", &[], 0),
            ("email,activated,deactivated", &[Meaning::Confirmation, opted_out], 0),
            ("email,type,stripe_plan", &[], 0),
        ] {
            let titles_of = || titles.split(',').map(str::to_owned).collect();
            let header = Header::new(titles_of(), &ColumnMeanings::new());
            let meanings: Vec<_> = header.consent.iter().map(|column| column.meaning).collect();
            assert_eq!((&meanings[..], header.unclear.len()), (consent, unclear), "{titles}");
            let names = ["stop_time", "activated", "deactivated", "type"];
            let explained = ColumnMeanings::from(names.map(|name| (name.to_owned(), Meaning::Field)));
            let header = Header::new(titles_of(), &explained);
            assert!(header.consent.is_empty() && header.unclear.is_empty(), "{titles}");
        }
    }

    #[test]
    fn the_likeliest_of_several_columns_is_the_address() {
        let header = Header::new(
            ["Mail", "Name", "Email", "mail address"].map(str::to_owned).to_vec(),
            &ColumnMeanings::new(),
        );
        assert_eq!(header.email, Some(2));
        let names: Vec<_> = header.fields().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["mail", "mail_address"]);
    }
}
