//! The texts of the files that a new newsletter starts with.

use std::path::Path;

use super::{answers::Answers, args::Ci};

const SETTINGS: &str = include_str!("settings.toml");
const FIRST_ISSUE: &str = include_str!("first_issue.md");
const GITHUB: &str = include_str!("github.yml");
const GITLAB: &str = include_str!("gitlab.yml");

/// Two invented people.
pub(super) const LIST: &str = "email,first name\nada@example.com,Ada\njorg@example.net,Jörg\n";

/// `mimeo.toml`
pub(super) fn settings(answers: &Answers) -> String {
    let quote = |text: &str| toml::Value::from(text).to_string();
    let postal_address = match &answers.postal_address {
        // `\n` in the flag is a line break in the letter, as in the settings.
        Some(address) => format!("postal_address = {}", quote(&address.replace("\\n", "\n"))),
        None => "#postal_address = \"1 Example Street\\n12345 Example\"".to_owned(),
    };
    let relay = match &answers.relay {
        Some(url) => format!("[relay]\nurl = {}", quote(url)),
        None => "#[relay]\n#url = \"smtps://login@smtp.example.com\"".to_owned(),
    };
    // Values last: a name may contain what looks like a place for another value.
    let mut text = String::with_capacity(SETTINGS.len() + 200);
    let mut rest = SETTINGS;
    while let Some((before, after)) = rest.split_once("{{") {
        let (place, after) = after.split_once("}}").expect("the template closes its places");
        text.push_str(before);
        text.push_str(&match place {
            "name" => quote(&answers.name),
            "from" => quote(&answers.from),
            "postal_address" => postal_address.clone(),
            "list" if answers.is_managed() => "managed = true".to_owned(),
            "list" => format!("path = {}", quote(&answers.list)),
            "relay" => relay.clone(),
            other => unreachable!("the template has no place `{other}`"),
        });
        rest = after;
    }
    text + rest
}

pub(super) fn first_issue(date: &str, is_managed: bool) -> String {
    let text = FIRST_ISSUE.replace("{date}", date);
    if !is_managed {
        return text;
    }
    // A new managed list has no columns of its own.
    text.replace("subscriber.first_name", "subscriber.name")
        .replace("takes the column `first name` of your list.", "takes the name in your list.")
}

/// What must not be published: people, keys and letters. Tables in the folder are exports of other services.
pub(super) fn gitignore(list: Option<&Path>) -> String {
    let list = list.map_or_else(String::new, |list| format!("/{}\n", list.display()));
    format!(
        "# People, keys and letters do not belong into version control. Back them up instead.\n{list}/*.csv\n/.mimeo/\n/outbox/\n/build/\n"
    )
}

/// The workflow's path and text.
pub(super) fn workflow(ci: Ci) -> (&'static str, String) {
    let (path, text) = match ci {
        Ci::GitHub => (".github/workflows/newsletter.yml", GITHUB),
        Ci::GitLab => (".gitlab-ci.yml", GITLAB),
    };
    (path, text.replace("{version}", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_survives_the_settings_file() {
        let name = "The \"Slow\" Kettle \\ {{from}} {{list}} # 1";
        let answers = Answers {
            name: name.to_owned(),
            from: "\"Quill, Ada\" <ada@example.org>".to_owned(),
            relay: Some("smtps://noor@smtp.example.org".to_owned()),
            list: "lists/all \"people\".csv".to_owned(),
            postal_address: Some("1 Street\\n2 Town".to_owned()),
        };
        let settings: toml::Table = settings(&answers).parse().unwrap();
        let text = |section: &str, name: &str| settings[section][name].as_str().unwrap().to_owned();
        assert_eq!(text("newsletter", "name"), name);
        assert_eq!(text("newsletter", "postal_address"), "1 Street\n2 Town");
        assert_eq!(text("sender", "from"), answers.from);
        assert_eq!(text("relay", "url"), answers.relay.unwrap());
        assert_eq!(text("list", "path"), answers.list);
    }
}
