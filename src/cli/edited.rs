//! What differs between the frozen letter and the edited one.

use crate::{render::RenderedIssue, report::changes::changes};

/// So many changed lines are shown.
const LINES_MAX: usize = 8;
/// So many characters of a line.
const WIDTH_MAX: usize = 96;

/// What differs: first in a few words, then the changed lines of the subject and the text, as `- before` and `+ now`.
pub(super) fn differences(frozen: &RenderedIssue, edited: &RenderedIssue) -> String {
    let (mut what, mut lines) = (Vec::new(), Vec::new());
    for (word, before, now) in
        [("the subject", &frozen.subject, &edited.subject), ("the text", &frozen.text, &edited.text)]
    {
        if before != now {
            what.push(word);
            lines.extend(changed_lines(&before.to_string(), &now.to_string()));
        }
    }
    if frozen.text == edited.text && frozen.html != edited.html {
        what.push("the layout");
        lines.extend(changed_lines(&frozen.html.to_string(), &edited.html.to_string()));
    }
    if frozen.pictures != edited.pictures {
        what.push("the pictures");
    }
    if frozen.from != edited.from || frozen.reply_to != edited.reply_to || frozen.bounces != edited.bounces {
        what.push("the sender");
    }
    if frozen.list_id != edited.list_id
        || frozen.unsubscribe != edited.unsubscribe
        || frozen.archive != edited.archive
        || frozen.view != edited.view
        || frozen.headers != edited.headers
    {
        what.push("the list's header fields");
    }
    let mut output = match what.as_slice() {
        [] => "something in its settings differs".to_owned(),
        [one] if !one.ends_with('s') => format!("{one} differs"),
        all => format!("{} differ", all.join(", ")),
    };
    for line in lines.iter().take(LINES_MAX) {
        output.push_str("\n  ");
        output.push_str(line);
    }
    if lines.len() > LINES_MAX {
        output.push_str(&format!("\n  and {} changed lines more", lines.len() - LINES_MAX));
    }
    output
}

/// The changed lines that say something, as `- before` and `+ now`.
fn changed_lines(before: &str, now: &str) -> Vec<String> {
    let hunks = changes(before, now, 0);
    let lines = hunks.iter().flat_map(|hunk| &hunk.lines).map(|line| (line.sign.as_char(), line.text()));
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(sign, line)| {
            let line = line.trim();
            let short: String = line.chars().take(WIDTH_MAX).collect();
            format!("{sign} {short}{}", if short.len() < line.len() { "\u{2026}" } else { "" })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_are_shown_and_common_ones_are_not() {
        let before = "Hello\n\none\ntwo\nthree\nBye\n";
        assert_eq!(changed_lines(before, before), Vec::<String>::new());
        assert_eq!(changed_lines(before, "Hello\n\none\n2\nthree\nBye\n"), ["- two", "+ 2"]);
        assert_eq!(changed_lines(before, "Hello\n\none\ntwo\nthree\nand\nBye\n"), ["+ and"]);
        assert_eq!(changed_lines("a", "b"), ["- a", "+ b"]);
        let long = "x".repeat(500);
        assert_eq!(changed_lines("", &long), [format!("+ {}\u{2026}", "x".repeat(WIDTH_MAX))]);
    }
}
