use crate::doctor::line::{Level, Line, Part};

/// A word for it, its name, and what it demands: each by its check and in words.
type Provider = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What large mailbox providers demand from 5,000 letters a day, by the checks that show it.
const PROVIDERS: [Provider; 2] = [
    (
        "gmail-yahoo",
        "Gmail and Yahoo",
        &[
            ("spf", "SPF"),
            ("dkim", "DKIM"),
            ("dmarc", "DMARC"),
            ("alignment", "alignment"),
            ("reverse", "a reverse name"),
            ("one-click", "one-click unsubscribing"),
        ],
    ),
    (
        "outlook",
        "Outlook.com",
        &[("spf", "SPF"), ("dkim", "DKIM"), ("dmarc", "DMARC"), ("alignment", "alignment")],
    ),
];

/// What is missing for large providers, from the lines of all other parts. Parts that were skipped count as not known.
pub fn judge_providers(lines: &[Line]) -> Vec<Line> {
    let judge = |(check, name, demands): &Provider| {
        let missing: Vec<&str> = demands
            .iter()
            .filter(|(check, _)| {
                lines.iter().any(|line| {
                    // A note is no fault, except where it says that the demand is not met.
                    let least = if matches!(line.check, "one-click" | "alignment") {
                        Level::Note
                    } else {
                        Level::Warning
                    };
                    line.check == *check && line.level >= least
                })
            })
            .map(|(_, words)| *words)
            .collect();
        let known = demands.iter().any(|(check, _)| lines.iter().any(|line| line.check == *check));
        known.then(|| {
            if missing.is_empty() {
                Line::new(
                    Part::Providers,
                    check,
                    Level::Ok,
                    format!("{name}: nothing is missing for 5,000 letters a day"),
                )
            } else {
                Line::new(
                    Part::Providers,
                    check,
                    Level::Note,
                    format!(
                        "{name}: missing or to be looked at for 5,000 letters a day: {}",
                        missing.join(", ")
                    ),
                )
            }
        })
    };
    PROVIDERS.iter().filter_map(judge).collect()
}
