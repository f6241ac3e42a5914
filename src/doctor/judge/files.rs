use super::super::{Level, Line, Part};

/// What is known of the newsletter's files.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// The ledger, when there is one: the number of its dispatches, or what is wrong with it.
    pub ledger: Option<Result<u64, (String, Option<String>)>>,
    /// Days since the last backup by `mimeo ledger backup`.
    pub backup_days: Option<i64>,
    /// Private files that git tracks: what each is, in words.
    pub tracked: Vec<String>,
    /// Bytes that are free where the ledger is.
    pub free: Option<u64>,
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
            .help("remove them with `git rm --cached`, add them to .gitignore, and make new keys if the repository was shared")
    });
    lines.extend(facts.free.map(|free| {
        let text = format!("{} MiB are free on the ledger's disk", free >> 20);
        match free {
            ..FREE_MIN => {
                line("disk", Level::Error, text).help("free some space: without it a dispatch stops")
            }
            FREE_MIN..FREE_WARNING => {
                line("disk", Level::Warning, text).help("free some space before the next issue")
            }
            _ => line("disk", Level::Ok, text),
        }
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_judged() {
        let healthy =
            FileFacts { ledger: Some(Ok(3)), backup_days: Some(2), tracked: Vec::new(), free: Some(9 << 30) };
        let levels = |facts: &FileFacts| {
            judge_files(facts).into_iter().map(|line| (line.check, line.level)).collect::<Vec<_>>()
        };
        let all_ok = [("ledger", Level::Ok), ("backup", Level::Ok), ("git", Level::Ok), ("disk", Level::Ok)];
        assert_eq!(levels(&healthy), all_ok);
        let damage = Some(Err(("malformed".to_owned(), None)));
        for (facts, check, level) in [
            (FileFacts { ledger: None, ..healthy.clone() }, "ledger", Level::Note),
            (FileFacts { ledger: damage, ..healthy.clone() }, "ledger", Level::Error),
            (FileFacts { backup_days: None, ..healthy.clone() }, "backup", Level::Warning),
            (FileFacts { backup_days: Some(31), ..healthy.clone() }, "backup", Level::Warning),
            (FileFacts { tracked: vec!["the list".into()], ..healthy.clone() }, "git", Level::Error),
            (FileFacts { free: Some(FREE_MIN - 1), ..healthy.clone() }, "disk", Level::Error),
            (FileFacts { free: Some(FREE_WARNING - 1), ..healthy.clone() }, "disk", Level::Warning),
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
