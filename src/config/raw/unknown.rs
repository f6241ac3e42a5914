//! Names that are not known in their section of the settings file, and what was most likely meant.

use crate::{config::reference::REFERENCE, render, source::nearest};

/// Sections whose names are the owner's own.
const OWN_NAMES: [&str; 6] =
    ["[topics]", "[list.columns]", "[headers]", "[fields]", "[footer.social]", "[check.levels]"];

/// Settings of earlier versions, and what to do about each.
const REMOVED: &[(&str, &str)] = &[(
    "relay.chunking_window",
    "delete the line: letters are always handed over with DATA, one after the other on each connection",
)];

/// What to do about a setting of an earlier version, by its full name.
pub(super) fn removed(full: &str) -> Option<&'static str> {
    REMOVED.iter().find(|(removed, _)| *removed == full).map(|(_, help)| *help)
}

/// What to do about a name in a section (`pace.window`; empty above the first one) that knows other names.
pub(super) fn help(section: &str, name: &str, is_section: bool, known: &[&str]) -> String {
    let near = nearest(name, known.iter().copied());
    match (near, elsewhere(section, name, is_section)) {
        (Some(near), None) => format!("did you mean `{near}`?"),
        (Some(near), Some(elsewhere)) => format!("did you mean `{near}`? Otherwise {elsewhere}"),
        (None, Some(elsewhere)) if section.is_empty() || is_section => elsewhere,
        (None, Some(elsewhere)) => format!("{elsewhere}; known here: {}", known.join(", ")),
        (None, None) => format!("known here: {}", known.join(", ")),
    }
}

/// Where a name belongs that is known in another section.
fn elsewhere(section: &str, name: &str, is_section: bool) -> Option<String> {
    let is_other = |header: &str| path(header) != section;
    let sections =
        headers().filter(|header| is_other(header) && path(header).rsplit('.').next() == Some(name));
    if is_section {
        return one_of(sections).map(|sections| format!("write it as {sections}"));
    }
    // The one setting that is a line above all sections.
    if name == "relay" {
        return Some("write it above the first section".to_owned());
    }
    let is_finding =
        name.len() == 4 && name.starts_with('M') && name[1..].bytes().all(|b| b.is_ascii_digit());
    let levels = is_finding.then_some("[check.levels]");
    let settings = settings().filter(|(_, one)| *one == name).map(|(header, _)| header);
    match one_of(settings.chain(levels).filter(|header| is_other(header))) {
        Some(sections) => Some(format!("write it below {sections}")),
        None => one_of(sections).map(|sections| format!("write its settings below {sections}")),
    }
}

/// The name of a section, without its brackets.
fn path(header: &str) -> &str {
    header.trim_matches(['[', ']'])
}

/// A line of the reference, switched on.
fn lines() -> impl Iterator<Item = &'static str> {
    REFERENCE.lines().map(|line| line.strip_prefix('#').unwrap_or(line))
}

/// The headers of all sections, as `[pace.window]` and `[[relays]]`.
fn headers() -> impl Iterator<Item = &'static str> {
    lines().filter(|line| line.starts_with('['))
}

/// All settings, each behind the header of its section.
fn settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut header = "";
    let of_reference = lines().filter_map(move |line| {
        if line.starts_with('[') {
            header = line;
        }
        let (name, _) = line.split_once(" = ")?;
        let is_name =
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        (is_name && !OWN_NAMES.contains(&header)).then_some((header, name))
    });
    of_reference.chain(render::design_settings().map(|name| ("[design]", name)))
}

/// Headers as an enumeration, each once.
fn one_of<'a>(headers: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for header in headers.map(|header| format!("`{header}`")) {
        if !names.contains(&header) {
            names.push(header);
        }
    }
    let last = names.pop()?;
    Some(if names.is_empty() { last } else { format!("{} or {last}", names.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_above_the_first_section_is_sent_to_its_own() {
        let mut seen = 0;
        for (header, name) in settings() {
            let help = help("", name, false, &[]);
            assert!(
                help.starts_with("write it below ") && help.contains(&format!("`{header}`")),
                "{name}: {help}"
            );
            seen += 1;
        }
        assert!(seen > 100, "{seen}");
        for header in headers().filter(|header| header.contains('.')) {
            let name = path(header).rsplit('.').next().unwrap();
            assert!(help("", name, true, &[]).contains(&format!("`{header}`")), "{header}");
        }
    }

    #[test]
    fn names_of_another_section_are_sent_there_and_others_find_what_is_known() {
        for (section, name, is_section, expected) in [
            ("", "template", false, "write it below `[newsletter]`"),
            ("", "logo", false, "write it below `[design]`"),
            ("", "M401", false, "write it below `[check.levels]`"),
            ("check", "M401", false, "write it below `[check.levels]`; known here: a, b"),
            ("", "window", true, "write it as `[pace.window]`"),
            ("", "window", false, "write its settings below `[pace.window]`"),
            ("sender", "relay", true, "write it as `[relay]`"),
            ("sender", "relay", false, "write it above the first section; known here: a, b"),
            ("relay", "per_hour", false, "write it below `[[relays]]` or `[pace]`; known here: a, b"),
            ("pace", "per_hours", false, "known here: a, b"),
            ("pace", "aa", false, "did you mean `a`?"),
            ("", "qqqqqq", true, "known here: a, b"),
        ] {
            assert_eq!(help(section, name, is_section, &["a", "b"]), expected, "{section} {name}");
        }
        assert_eq!(
            help("newsletter", "from", false, &["form"]),
            "did you mean `form`? Otherwise write it below `[sender]` or `[pace.window]`"
        );
    }
}
