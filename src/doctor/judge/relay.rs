use super::{super::dns::is_within, clock};
use crate::{
    doctor::line::{Level, Line, Part},
    transport::Inspection,
};

/// What became of looking at the relay.
#[derive(Debug)]
pub struct RelayFacts {
    /// The relay's address without its login.
    pub name: String,
    /// Its host.
    pub host: String,
    /// Whether it is this machine.
    pub is_loopback: bool,
    /// What it offers, or why it cannot be used, with what to do.
    pub inspection: Result<Inspection, (String, Option<String>)>,
    /// Whether it took the login, with what to do if not; `None` without a login.
    pub login: Option<Result<(), (String, Option<String>)>>,
    /// Days until its certificate ends.
    pub certificate_days: Option<i64>,
    /// Whether letters are signed with a key of the settings.
    pub signs: bool,
    /// By how many seconds this machine's clock is ahead of the relay's; negative if it is behind. `None` if it does not say.
    pub clock_ahead: Option<i64>,
}

/// A certificate should have more days left.
const DAYS_MIN: i64 = 14;
/// Letters may grow to this size, in bytes.
const SIZE_MIN: u64 = 1_000_000;

/// Lines about the relay; `None` when there is none.
pub fn judge_relay(facts: Option<&RelayFacts>) -> Vec<Line> {
    let line = |check, level, text: String| Line::new(Part::Relay, check, level, text);
    let Some(facts) = facts else {
        return vec![
            line("relay", Level::Warning, "no relay is set: letters become files in the outbox".to_owned())
                .help("set `[relay] url` in mimeo.toml to the server that takes mail from you"),
        ];
    };
    let with_help = |line: Line, help: &Option<String>| match help {
        Some(help) => line.help(help),
        None => line,
    };
    let name = &facts.name;
    let inspection = match &facts.inspection {
        Ok(inspection) => inspection,
        Err((reason, help)) => {
            let text = format!("`{name}` cannot be used: {reason}");
            return vec![with_help(line("relay", Level::Error, text), help)];
        }
    };
    let mut lines = vec![line("relay", Level::Ok, format!("`{name}` answers"))];
    lines.push(match inspection.tls_version {
        Some(version) => line("tls", Level::Ok, format!("the connection is private ({version})")),
        None if facts.is_loopback => line("tls", Level::Ok, "without TLS, on this machine".to_owned()),
        None => line(
            "tls",
            Level::Error,
            "the connection is not private: everyone on the way can read letters and addresses".to_owned(),
        )
        .help("take `?tls=none` out of `[relay] url`"),
    });
    lines.extend(facts.certificate_days.map(|days| {
        let text = format!(
            "the relay's certificate is valid for {days} more {}",
            if days == 1 { "day" } else { "days" }
        );
        if days < DAYS_MIN {
            line("certificate", Level::Warning, text)
                .help("have it renewed before the next issue; nothing can be sent after its end")
        } else {
            line("certificate", Level::Ok, text)
        }
    }));
    lines.push(match &facts.login {
        Some(Ok(())) => line("login", Level::Ok, "the relay takes the login".to_owned()),
        Some(Err((reason, help))) => {
            with_help(line("login", Level::Error, format!("logging in failed: {reason}")), help)
        }
        None if inspection.logins.is_empty() => {
            line("login", Level::Ok, "the relay wants no login".to_owned())
        }
        None => line(
            "login",
            Level::Note,
            format!("no login is set, and the relay offers one ({})", inspection.logins.join(", ")),
        )
        .help("if it wants one, put the login before the @ in `[relay] url`"),
    });
    lines.push(limits(inspection));
    lines.extend(facts.clock_ahead.map(|ahead| clock(Part::Relay, ahead, "that of the relay")));
    if facts.signs && is_within(&facts.host, "amazonaws.com") {
        lines.push(
            line(
                "own-signature",
                Level::Warning,
                "Amazon SES replaces Message-ID and Date, which breaks signatures that were made before"
                    .to_owned(),
            )
            .help("set up Easy DKIM at SES for your domain, and take `[dkim]` out of mimeo.toml"),
        );
    }
    lines
}

fn limits(inspection: &Inspection) -> Line {
    let mut offers: Vec<&str> = Vec::new();
    for (name, is_offered) in [
        ("PIPELINING", inspection.pipelining),
        ("CHUNKING", inspection.chunking),
        ("8BITMIME", inspection.eight_bit_mime),
        ("SMTPUTF8", inspection.smtputf8),
        ("DSN", inspection.dsn),
    ] {
        if is_offered {
            offers.push(name);
        }
    }
    let offers = if offers.is_empty() { "no extensions".to_owned() } else { offers.join(", ") };
    let line = |level, text| Line::new(Part::Relay, "limits", level, text);
    match inspection.size {
        Some(size) if size > 0 && size < SIZE_MIN => line(
            Level::Warning,
            format!("the relay takes letters of at most {size} bytes, and offers {offers}"),
        )
        .help(
            "letters with pictures inside can be larger: set `pictures = \"site\"`, or ask the relay's owner",
        ),
        Some(size) if size > 0 => line(
            Level::Ok,
            format!("the relay takes letters of up to {} MB, and offers {offers}", size / 1_000_000),
        ),
        _ => line(Level::Ok, format!("the relay names no limit for a letter's size, and offers {offers}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_end_soon_open_connections_and_broken_signatures_are_found() {
        let facts = |host: &str, days, tls_version| RelayFacts {
            name: format!("smtps://{host}:465"),
            host: host.to_owned(),
            is_loopback: false,
            inspection: Ok(Inspection { tls_version, ..Inspection::default() }),
            login: None,
            certificate_days: days,
            signs: true,
            clock_ahead: None,
        };
        let private = Some("TLS 1.3");
        for (facts, check, level) in [
            (facts("smtp.example", Some(14), private), "certificate", Level::Ok),
            (facts("smtp.example", Some(13), private), "certificate", Level::Warning),
            (facts("smtp.example", None, private), "tls", Level::Ok),
            (facts("smtp.example", None, None), "tls", Level::Error),
            (facts("email-smtp.eu-central-1.amazonaws.com", None, private), "own-signature", Level::Warning),
        ] {
            let lines = judge_relay(Some(&facts));
            assert!(
                lines.iter().any(|line| line.check == check && line.level == level),
                "{check}: {lines:?}"
            );
        }
        assert_eq!(judge_relay(None)[0].level, Level::Warning);
    }
}
