//! Programs that the settings name. They are parsed here, and cannot be started without the user's trust.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::source::Place;

/// Whether the user trusts a newsletter to run the programs that its settings name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Not, or not yet: no program is started.
    #[default]
    Withheld,
    /// The user has seen these programs and trusts them.
    Given,
}

/// A program that the settings name, with its arguments. Its words can be read by everybody, and run only with [`Trust`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingCommand {
    setting: String,
    place: Place,
    words: Vec<String>,
    folder: PathBuf,
}

/// A program was needed that the user does not trust.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{setting}` ({place}) names a program, and this newsletter is not trusted to run programs")]
pub struct Untrusted {
    /// The setting's full name.
    pub setting: String,
    /// Where it is set.
    pub place: Place,
}

impl SettingCommand {
    /// `words` begins with the program; `folder` is the folder that it runs in.
    pub fn new(setting: impl Into<String>, place: Place, words: Vec<String>, folder: &Path) -> Self {
        Self { setting: setting.into(), place, words, folder: folder.to_owned() }
    }

    /// The setting's full name, as in `dkim.key`.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// Where it is set.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its words, for a digest or a message.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The folder that it runs in, canonical when it exists.
    pub fn folder(&self) -> PathBuf {
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
    }

    /// The words to run.
    ///
    /// # Errors
    ///
    /// When the user has not said that the newsletter's programs may run.
    pub fn run(&self, trust: Trust) -> Result<&[String], Untrusted> {
        match trust {
            Trust::Given => Ok(&self.words),
            Trust::Withheld => Err(Untrusted { setting: self.setting.clone(), place: self.place.clone() }),
        }
    }
}

/// As a shell would be given it, with nothing hidden: a word that holds anything unusual is quoted and escaped.
impl fmt::Display for SettingCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words.iter().enumerate() {
            let is_plain = !word.is_empty()
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,+@%{}".contains(c));
            let space = if index == 0 { "" } else { " " };
            if is_plain { write!(f, "{space}{word}")? } else { write!(f, "{space}{word:?}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> SettingCommand {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        SettingCommand::new(
            "math.command",
            Place::File { path: "mimeo.toml".into() },
            words,
            Path::new("here"),
        )
    }

    #[test]
    fn nothing_runs_without_trust() {
        let command = command(&["tex2png", "-"]);
        assert_eq!(command.run(Trust::Given).unwrap(), ["tex2png", "-"]);
        assert_eq!(
            command.run(Trust::default()).unwrap_err().to_string(),
            "`math.command` (mimeo.toml) names a program, and this newsletter is not trusted to run programs"
        );
    }

    #[test]
    fn a_command_is_shown_with_nothing_hidden() {
        for (words, shown) in [
            (&["pass", "show", "mail/kettle"][..], "pass show mail/kettle"),
            (&["sh", "-c", "rm -rf ~"], "sh -c \"rm -rf ~\""),
            (&["a", "\u{1b}[2K\u{202e}x", ""], "a \"\\u{1b}[2K\\u{202e}x\" \"\""),
            (&["tools/tex2png", "{style}"], "tools/tex2png {style}"),
        ] {
            assert_eq!(command(words).to_string(), shown);
        }
    }
}
