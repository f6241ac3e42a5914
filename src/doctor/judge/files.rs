use crate::doctor::line::{Level, Line, Part};

/// What is known of the newsletter's files.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// The ledger, when there is one: the number of its dispatches, or what is wrong with it.
    pub ledger: Option<Result<u64, (String, Option<String>)>>,
    /// The server that the ledger is on, and its version as numbers; `None` for a file, or a server that does not answer.
    pub server: Option<(String, Option<u32>)>,
    /// Days since the last backup by `mimeo ledger backup`.
    pub backup_days: Option<i64>,
    /// Private files that git tracks: what each is, in words.
    pub tracked: Vec<String>,
    /// Bytes that are free where the ledger is.
    pub free: Option<u64>,
    /// Bytes that the next dispatch takes, about.
    pub needed: u64,
    /// The file of suppressions, if the settings name one: how many it has, or what is wrong with it.
    pub suppressions: Option<Result<u64, (String, Option<String>)>>,
}

/// A backup should not be older, in days.
const BACKUP_DAYS_MAX: i64 = 30;
/// Below this a dispatch may fail.
const FREE_MIN: u64 = 64 << 20;
/// Below this it is time to make room.
const FREE_WARNING: u64 = 512 << 20;

/// Lines about ledger, list, keys and disk.
pub fn judge_files(facts: &FileFacts) -> Vec<Line> {
    let line = |check, level, text: String| Line::new(Part::Files, check, level, text);
    let mut lines = vec![match &facts.ledger {
        None => {
            line("ledger", Level::Note, "there is no ledger yet: nothing has been sent from here".to_owned())
                .help("if issues were sent from another machine or checkout, bring its `.mimeo` here first")
        }
        Some(Ok(dispatches)) => {
            line("ledger", Level::Ok, format!("no damage found in the ledger; issues in it: {dispatches}"))
        }
        Some(Err((reason, help))) => {
            let line = line("ledger", Level::Error, format!("the ledger cannot be used: {reason}"));
            match help {
                Some(help) => line.help(help),
                None => line,
            }
        }
    }];
    lines.extend(facts.server.as_ref().map(|(name, version)| server(name, *version)));
    if matches!(facts.ledger, Some(Ok(dispatches)) if dispatches > 0) {
        const HELP: &str =
            "run `mimeo ledger backup FILE` after each issue, and keep the copy on another machine";
        lines.push(match facts.backup_days {
            None => line(
                "backup",
                Level::Warning,
                "the ledger has never been backed up with `mimeo ledger backup`".to_owned(),
            )
            .help(HELP),
            Some(days) if days > BACKUP_DAYS_MAX => {
                line("backup", Level::Warning, format!("the last backup of the ledger is {days} days old"))
                    .help(HELP)
            }
            Some(days) => line(
                "backup",
                Level::Ok,
                format!(
                    "the ledger was backed up {}",
                    match days {
                        ..=0 => "today".to_owned(),
                        1 => "yesterday".to_owned(),
                        days => format!("{days} days ago"),
                    }
                ),
            ),
        });
    }
    lines.push(if facts.tracked.is_empty() {
        line("git", Level::Ok, "no private file is tracked by git".to_owned())
    } else {
        line("git", Level::Error, facts.tracked.join("; "))
            .help("remove them with `git rm --cached`, and add them to .gitignore; if a key was shared with them, make a new one")
    });
    lines.extend(facts.free.map(|free| {
        let text = format!("{} are free on the ledger's disk", size(free));
        if free < FREE_MIN.saturating_add(facts.needed) {
            line("disk", Level::Error, text).help("free some space: the next dispatch would stop without it")
        } else if free < FREE_WARNING.saturating_add(facts.needed) {
            line("disk", Level::Warning, text).help("free some space before the next issue")
        } else {
            line("disk", Level::Ok, text)
        }
    }));
    lines.extend(facts.suppressions.as_ref().map(suppressions));
    lines
}

/// As people say it: `512 MB`, `48 GB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

/// The oldest PostgreSQL that the ledger is made for.
const POSTGRES_MIN: u32 = 13;

/// The line about the server that the ledger is on.
fn server(name: &str, version: Option<u32>) -> Line {
    let line = |level, text: String| Line::new(Part::Files, "ledger-server", level, text);
    match version {
        Some(version) if version < POSTGRES_MIN => {
            line(Level::Warning, format!("the ledger's server is {name}, which is older than {POSTGRES_MIN}"))
                .help("upgrade the server: mimeo is made for PostgreSQL 13 and later, and tested with 15")
        }
        _ => line(Level::Ok, format!("the ledger's server is {name}")),
    }
}

/// The line about the file of suppressions.
fn suppressions(file: &Result<u64, (String, Option<String>)>) -> Line {
    let line = |level, text: String| Line::new(Part::Files, "suppressions", level, text);
    match file {
        Ok(number) => {
            line(Level::Ok, format!("the file of suppressions can be read; entries in it: {number}"))
        }
        Err((reason, help)) => {
            let line = line(Level::Error, format!("the file of suppressions cannot be used: {reason}"));
            match help {
                Some(help) => line.help(help),
                None => line,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_judged() {
        let healthy = FileFacts {
            ledger: Some(Ok(3)),
            server: None,
            backup_days: Some(2),
            tracked: Vec::new(),
            free: Some(9 << 30),
            needed: 1 << 20,
            suppressions: None,
        };
        let levels = |facts: &FileFacts| {
            judge_files(facts).into_iter().map(|line| (line.check, line.level)).collect::<Vec<_>>()
        };
        let all_ok = [("ledger", Level::Ok), ("backup", Level::Ok), ("git", Level::Ok), ("disk", Level::Ok)];
        assert_eq!(levels(&healthy), all_ok);
        let damage = Some(Err(("malformed".to_owned(), None)));
        for (facts, check, level) in [
            (FileFacts { ledger: None, ..healthy.clone() }, "ledger", Level::Note),
            (FileFacts { ledger: damage, ..healthy.clone() }, "ledger", Level::Error),
            (
                FileFacts { server: Some(("PostgreSQL 15.8".into(), Some(15))), ..healthy.clone() },
                "ledger-server",
                Level::Ok,
            ),
            (
                FileFacts { server: Some(("PostgreSQL 12.1".into(), Some(12))), ..healthy.clone() },
                "ledger-server",
                Level::Warning,
            ),
            (FileFacts { backup_days: None, ..healthy.clone() }, "backup", Level::Warning),
            (FileFacts { backup_days: Some(31), ..healthy.clone() }, "backup", Level::Warning),
            (FileFacts { tracked: vec!["the list".into()], ..healthy.clone() }, "git", Level::Error),
            (FileFacts { free: Some(FREE_MIN - 1), ..healthy.clone() }, "disk", Level::Error),
            (FileFacts { free: Some(FREE_WARNING - 1), ..healthy.clone() }, "disk", Level::Warning),
            (FileFacts { needed: 9 << 30, ..healthy.clone() }, "disk", Level::Error),
            (FileFacts { suppressions: Some(Ok(2)), ..healthy.clone() }, "suppressions", Level::Ok),
            (
                FileFacts { suppressions: Some(Err(("is missing".into(), None))), ..healthy.clone() },
                "suppressions",
                Level::Error,
            ),
        ] {
            assert!(levels(&facts).contains(&(check, level)), "{check}: {:?}", levels(&facts));
        }
        // A ledger without a dispatch need not be backed up.
        assert!(
            !levels(&FileFacts { ledger: Some(Ok(0)), ..healthy })
                .iter()
                .any(|(check, _)| *check == "backup")
        );
    }
}
