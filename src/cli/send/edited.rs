//! What differs between the frozen letter and the edited one.

use crate::{cli::sending::plain, render::RenderedIssue};

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
            lines.extend(changed_lines(&plain(before), &plain(now)));
        }
    }
    if frozen.text == edited.text && frozen.html != edited.html {
        what.push("the layout");
        lines.extend(changed_lines(&plain(&frozen.html), &plain(&edited.html)));
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
    let mut told = match what.as_slice() {
        [] => "something in its settings differs".to_owned(),
        [one] if !one.ends_with('s') => format!("{one} differs"),
        all => format!("{} differ", all.join(", ")),
    };
    for line in lines.iter().take(LINES_MAX) {
        told.push_str("\n  ");
        told.push_str(line);
    }
    if LINES_MAX < lines.len() {
        told.push_str(&format!("\n  and {} changed lines more", lines.len() - LINES_MAX));
    }
    told
}

/// The lines between what both have in common at the beginning and at the end; inside, lines that both have are left
/// out as well.
fn changed_lines(before: &str, now: &str) -> Vec<String> {
    let (before, now): (Vec<&str>, Vec<&str>) = (before.lines().collect(), now.lines().collect());
    let head = before.iter().zip(&now).take_while(|(before, now)| before == now).count();
    let tail = before[head..].iter().rev().zip(now[head..].iter().rev()).take_while(|(b, n)| b == n).count();
    let (before, now) = (&before[head..before.len() - tail], &now[head..now.len() - tail]);
    let (gone, came) = (only_in(before, now), only_in(now, before));
    let told = |sign: &str, line: &str| {
        let line = line.trim();
        let short: String = line.chars().take(WIDTH_MAX).collect();
        format!("{sign} {short}{}", if short.len() < line.len() { "\u{2026}" } else { "" })
    };
    gone.map(|line| told("-", line)).chain(came.map(|line| told("+", line))).collect()
}

fn only_in<'a>(these: &'a [&str], those: &[&str]) -> impl Iterator<Item = &'a str> {
    let those: std::collections::HashSet<String> = those.iter().map(|line| (*line).to_owned()).collect();
    these.iter().copied().filter(move |line| !line.trim().is_empty() && !those.contains(*line))
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
