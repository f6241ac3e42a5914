//! The differences, told to people and to programs.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::{
    Args, Compared,
    differences::{Changed, Differences, Set},
    letter::Picture,
};
use crate::{
    check::Link,
    report::{changes, diagnostics, words::octets},
    source::Diagnostic,
};

/// So many declarations of styles are named.
const LOOKS_MAX: usize = 6;

const HEAD: Style = Style::new().bold();

/// For programs, and for the page.
pub(super) fn json(args: &Args, compared: &Compared) -> Value {
    let Compared { then, title, path, differences } = compared;
    let mut told = json!(differences);
    told["issue"] = path.as_str().into();
    told["was"] = (then.path != *path).then(|| then.path.clone()).into();
    told["title"] = title.as_str().into();
    told["revision"] = args.revision.as_str().into();
    told["commit"] = then.commit.as_str().into();
    told["date"] = then.date.as_str().into();
    told["same"] = differences.is_same_letter().into();
    let findings = |found: &[Diagnostic]| diagnostics::json(found)["diagnostics"].take();
    told["findings"] = json!({ "new": findings(&differences.new), "gone": findings(&differences.gone) });
    told
}

/// For people, in colors that the stream takes out where they are not wanted.
pub(super) fn human(args: &Args, compared: &Compared) -> String {
    let Compared { then, title, path, differences } = compared;
    let renamed = if then.path == *path { String::new() } else { format!(", then `{}`", then.path) };
    let mut out = format!(
        "{HEAD}{title}{HEAD:#}: `{path}` since {} ({}, {}){renamed}\n",
        args.revision, then.commit, then.date
    );
    if differences.is_same_letter() {
        out.push_str("\nthe letter is the same\n");
    }
    for field in &differences.fields {
        let (before, now) = (field.before.as_deref(), field.now.as_deref());
        section(&mut out, field.name);
        lines(&mut out, before.unwrap_or_default(), now.unwrap_or_default());
    }
    if !differences.text.is_empty() {
        section(&mut out, "text");
        out.push_str(&changes::human(&differences.text));
    }
    set(&mut out, "links", &differences.links, link);
    set(&mut out, "pictures", &differences.pictures, picture);
    looks(&mut out, differences);
    size(&mut out, differences);
    findings(&mut out, differences);
    out
}

fn section(out: &mut String, name: &str) {
    let _ = writeln!(out, "\n{HEAD}{name}{HEAD:#}"); // writing to a String cannot fail
}

/// Two short texts, one below the other.
fn lines(out: &mut String, before: &str, now: &str) {
    for hunk in changes::changes(before, now, 0) {
        for line in &hunk.lines {
            out.push_str(&changes::human_line(line));
            out.push('\n');
        }
    }
}

fn link(link: &Link) -> String {
    format!("{} <{}>", link.words, link.address)
}

fn picture(picture: &Picture) -> String {
    let mut told = picture.name.clone();
    if let (Some(width), Some(height)) = (picture.width, picture.height) {
        told.push_str(&format!(", {width} × {height}"));
    }
    if let Some(size) = picture.octets {
        told.push_str(&format!(", {}", octets(size)));
    }
    told
}

fn set<T>(out: &mut String, name: &str, set: &Set<T>, shown: impl Fn(&T) -> String) {
    if set.is_empty() {
        return;
    }
    section(out, name);
    for Changed { before, now } in &set.changed {
        lines(out, &shown(before), &shown(now));
    }
    set.removed.iter().for_each(|one| lines(out, &shown(one), ""));
    set.added.iter().for_each(|one| lines(out, "", &shown(one)));
}

fn looks(out: &mut String, differences: &Differences) {
    let looks = &differences.looks;
    let all = looks.removed.len() + looks.added.len();
    if all == 0 {
        return;
    }
    section(out, "looks");
    looks.removed.iter().take(LOOKS_MAX).for_each(|one| lines(out, one, ""));
    looks.added.iter().take(LOOKS_MAX).for_each(|one| lines(out, "", one));
    let shown = looks.removed.len().min(LOOKS_MAX) + looks.added.len().min(LOOKS_MAX);
    if shown < all {
        let _ = writeln!(out, "and {} more (--json has all)", all - shown);
    }
}

fn size(out: &mut String, differences: &Differences) {
    let size = &differences.size;
    section(out, "size");
    let told = |size: usize| octets(size as u64);
    let by = match size.now.cmp(&size.before) {
        std::cmp::Ordering::Less => format!("{} less", told(size.before - size.now)),
        std::cmp::Ordering::Equal => "as before".to_owned(),
        std::cmp::Ordering::Greater => format!("{} more", told(size.now - size.before)),
    };
    let (now, limit) = (told(size.now), told(size.limit));
    let _ = writeln!(out, "{now} of the {limit} of HTML that Gmail shows ({by})");
    if size.limit < size.now {
        let red = AnsiColor::Red.on_default().bold();
        let _ = writeln!(out, "{red}Gmail hides the end of it{red:#}");
    }
}

fn findings(out: &mut String, differences: &Differences) {
    if differences.new.is_empty() && differences.gone.is_empty() {
        return;
    }
    section(out, "findings");
    let told = |one: &Diagnostic| {
        format!("{} {}: {} ({})", one.severity.word(), one.code, diagnostics::sentence(one), one.place)
    };
    differences.gone.iter().for_each(|one| lines(out, &told(one), ""));
    differences.new.iter().for_each(|one| lines(out, "", &told(one)));
}
