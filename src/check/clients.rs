//! Which mail clients support what: a condensed copy of Can I email, dated, as data beside the code.

use std::sync::LazyLock;

/// The data, a line for each feature; `just caniemail` writes it again.
const DATA: &str = include_str!("clients.txt");

/// Clients that stand for one name when all of them answer alike.
const FAMILIES: [(&[&str], &str); 2] =
    [(&["Gmail on the web", "the Gmail apps"], "Gmail"), (&["Yahoo", "the Yahoo apps"], "Yahoo")];

struct Data {
    date: &'static str,
    clients: Vec<&'static str>,
    /// By name; a letter for each client.
    features: Vec<(&'static str, &'static str)>,
}

static READ: LazyLock<Data> = LazyLock::new(|| {
    let mut data = Data { date: "", clients: Vec::new(), features: Vec::new() };
    for line in DATA.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once(' ') {
            Some(("date", date)) => data.date = date,
            Some(("clients", names)) => data.clients = names.split(", ").collect(),
            Some((name, answers)) => data.features.push((name, answers)),
            None => {}
        }
    }
    data.features.sort_unstable();
    data
});

/// The day of the data, for example `2026-05-13`.
pub fn clients_date() -> &'static str {
    READ.date
}

fn answers(feature: &str) -> Option<&'static str> {
    let at = READ.features.binary_search_by(|(name, _)| (*name).cmp(feature)).ok()?;
    Some(READ.features[at].1)
}

/// Whether anything is known of a feature, such as `css-float`.
pub(super) fn is_known(feature: &str) -> bool {
    answers(feature).is_some()
}

/// The clients that do not support a feature, as a sentence begins: "Gmail and Outlook on Windows"; none when all do,
/// or nothing is known of it.
pub(super) fn without(feature: &str) -> Option<String> {
    let answers = answers(feature)?;
    let mut names: Vec<&str> = Vec::new();
    for (name, answer) in READ.clients.iter().zip(answers.chars()) {
        if answer == 'n' {
            names.push(name);
        }
    }
    for (members, family) in FAMILIES {
        if members.iter().all(|member| names.contains(member)) {
            let first = names.iter().position(|name| members.contains(name)).unwrap_or(0);
            names[first] = family;
            names.retain(|name| *name == family || !members.contains(name));
        }
    }
    let sentence = match names.as_slice() {
        [] => return None,
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_has_a_letter_for_each_client_and_a_date() {
        assert!(READ.date.parse::<jiff::civil::Date>().is_ok(), "{}", READ.date);
        assert!(READ.features.len() > 250);
        for (name, answers) in &READ.features {
            assert_eq!(answers.len(), READ.clients.len(), "{name}");
            assert!(answers.chars().all(|c| "yan-".contains(c)), "{name}: {answers}");
        }
    }

    #[test]
    fn clients_are_named_as_people_name_them() {
        for (feature, expected) in [
            ("image-png", None),
            ("image-webp", Some("Outlook on Windows")),
            ("image-svg", Some("Gmail on the web")),
            ("css-position", Some("Gmail and Outlook on Windows")),
            ("css-transform", Some("Gmail, Outlook on Windows, Outlook.com and Yahoo")),
            ("css-at-keyframes", Some("Gmail, Outlook on Windows, Outlook.com and the Yahoo apps")),
            ("css-nothing", None),
        ] {
            assert_eq!(without(feature).as_deref(), expected, "{feature}");
        }
    }
}
