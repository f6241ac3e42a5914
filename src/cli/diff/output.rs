//! The differences, printed for people and for programs.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::{
    args::Args,
    differences::{Changed, Differences, Set},
    letter::Picture,
    revision::Revision,
};
use crate::{
    check::Link,
    cli::json::VERSION,
    report::{changes, diagnostics, format::human_bytes},
    source::Diagnostic,
};

/// So many declarations of styles are named.
const LOOKS_MAX: usize = 6;

const HEAD: Style = Style::new().bold();

/// The letters and what is said about them.
pub(super) struct Compared {
    pub(super) then: Revision,
    pub(super) title: String,
    /// The path from the newsletter's folder on.
    pub(super) path: String,
    pub(super) differences: Differences,
}

/// For programs, and for the page.
pub(super) fn json(args: &Args, compared: &Compared) -> Value {
    let Compared { then, title, path, differences } = compared;
    let mut output = json!(differences);
    output["issue"] = path.as_str().into();
    output["was"] = (then.path != *path).then(|| then.path.clone()).into();
    output["title"] = title.as_str().into();
    output["revision"] = args.revision.as_str().into();
    output["commit"] = then.commit.as_str().into();
    output["date"] = then.date.as_str().into();
    output["same"] = differences.is_same_letter().into();
    let findings = |found: &[Diagnostic]| diagnostics::json(found)["diagnostics"].take();
    output["version"] = VERSION.into();
    output["findings"] = json!({ "new": findings(&differences.new), "gone": findings(&differences.gone) });
    output
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
    let mut output = picture.name.clone();
    if let (Some(width), Some(height)) = (picture.width, picture.height) {
        output.push_str(&format!(", {width} × {height}"));
    }
    if let Some(size) = picture.bytes {
        output.push_str(&format!(", {}", human_bytes(size)));
    }
    output
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
    let output = |size: usize| human_bytes(size as u64);
    let by = match size.now.cmp(&size.before) {
        std::cmp::Ordering::Less => format!("{} less", output(size.before - size.now)),
        std::cmp::Ordering::Equal => "as before".to_owned(),
        std::cmp::Ordering::Greater => format!("{} more", output(size.now - size.before)),
    };
    let (now, limit) = (output(size.now), output(size.limit));
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
    let output = |one: &Diagnostic| {
        format!("{} {}: {} ({})", one.severity.word(), one.code, diagnostics::sentence(one), one.place)
    };
    differences.gone.iter().for_each(|one| lines(out, &output(one), ""));
    differences.new.iter().for_each(|one| lines(out, "", &output(one)));
}
