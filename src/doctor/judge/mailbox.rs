use crate::doctor::line::{Level, Line, Part};

/// The mailbox in which letters come back, and what became of logging in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxFacts {
    /// Its server.
    pub host: String,
    /// Whether it could be opened, with what to do if not.
    pub opened: Result<(), (String, Option<String>)>,
}

/// Lines about the bounce mailbox; `None` when the settings name none.
pub fn judge_mailbox(facts: Option<&MailboxFacts>) -> Vec<Line> {
    let line = |level, text: String| Line::new(Part::Bounces, "bounce-mailbox", level, text);
    let Some(MailboxFacts { host, opened }) = facts else {
        return vec![
            line(Level::Note, "no mailbox for letters that come back is set".to_owned())
                .help("set `[bounces.mailbox] url`, give messages to `mimeo bounces`, or take reports of your relay with `[hooks]`"),
        ];
    };
    vec![match opened {
        Ok(()) => line(Level::Ok, format!("the bounce mailbox at `{host}` can be read")),
        Err((reason, help)) => {
            let line = line(Level::Error, format!("the bounce mailbox at `{host}` cannot be read: {reason}"));
            line.help(help.as_deref().unwrap_or(
                "look at `[bounces.mailbox]`: readers who are gone get every issue until this works",
            ))
        }
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounce_mailbox_is_judged_by_whether_it_opens() {
        let with = |opened| Some(MailboxFacts { host: "mail.example.org".to_owned(), opened });
        let refused = || Err(("the login was refused".to_owned(), None));
        for (facts, level, part) in [
            (None, Level::Note, "no mailbox"),
            (with(Ok(())), Level::Ok, "can be read"),
            (with(refused()), Level::Error, "the login was refused"),
        ] {
            let lines = judge_mailbox(facts.as_ref());
            assert!(lines.len() == 1 && lines[0].level == level && lines[0].text.contains(part), "{lines:?}");
            assert!(level == Level::Ok || lines[0].help.is_some());
        }
    }
}
