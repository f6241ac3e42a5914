//! What differs between two texts, by line, and within changed lines by word.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use super::diagnostics::clean;

/// Changed lines that stand near each other, with lines around them that both texts have.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hunk {
    /// The first line of it in the text as it was, from 1.
    pub before: usize,
    /// The first line of it in the text as it is now, from 1.
    pub now: usize,
    /// Its lines, those that are gone before those that came.
    pub lines: Vec<Line>,
}

/// A line of either text, or of both.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// Whose line it is.
    pub sign: Sign,
    /// The line in pieces, without its end.
    pub pieces: Vec<Piece>,
}

/// Whose line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Sign {
    /// Both texts have it.
    #[serde(rename = " ")]
    Kept,
    /// Only the text as it was.
    #[serde(rename = "-")]
    Gone,
    /// Only the text as it is now.
    #[serde(rename = "+")]
    Came,
}

/// A stretch of a line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Piece {
    /// The words.
    pub text: String,
    /// Whether just these words differ from the line's counterpart.
    pub changed: bool,
}

impl Sign {
    /// As in a patch.
    pub fn as_char(self) -> char {
        match self {
            Self::Kept => ' ',
            Self::Gone => '-',
            Self::Came => '+',
        }
    }
}

impl Line {
    /// The whole line.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }
}

/// The smallest difference of two texts that have nothing in common takes long to find; after this time a larger one is
/// told.
const PATIENCE: Duration = Duration::from_millis(500);

/// What differs, with so many lines around each change.
pub fn changes(before: &str, now: &str, around: usize) -> Vec<Hunk> {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, now);
    let groups = diff.grouped_ops(around);
    let hunk = |group: &Vec<similar::DiffOp>| {
        let first = group.first()?;
        let lines = group.iter().flat_map(|op| diff.iter_inline_changes(op)).map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => Sign::Kept,
                ChangeTag::Delete => Sign::Gone,
                ChangeTag::Insert => Sign::Came,
            };
            Line { sign, pieces: pieces(change.values()) }
        });
        Some(Hunk {
            before: first.old_range().start + 1,
            now: first.new_range().start + 1,
            lines: lines.collect(),
        })
    };
    groups.iter().filter_map(hunk).collect()
}

/// Neighbours of one kind together, without the line's end.
fn pieces(values: &[(bool, &str)]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (changed, text) in values {
        let text = text.trim_end_matches(['\n', '\r']);
        match pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.changed == *changed => last.text.push_str(text),
            _ => pieces.push(Piece { text: text.to_owned(), changed: *changed }),
        }
    }
    // A line that differs as a whole needs no mark within it.
    if pieces.iter().all(|piece| piece.changed || piece.text.trim().is_empty()) {
        pieces.iter_mut().for_each(|piece| piece.changed = false);
    }
    pieces
}

/// How like each other two texts are: 1 when they are the same, 0 when they share no line.
pub fn likeness(before: &str, now: &str) -> f32 {
    TextDiff::configure().timeout(PATIENCE).diff_lines(before, now).ratio()
}

const GONE: Style = AnsiColor::Red.on_default();
const CAME: Style = AnsiColor::Green.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();

/// One line as in a patch, changed words underlined. Colours are in it; the stream takes them out where they are not
/// wanted.
pub fn human_line(line: &Line) -> String {
    let style = match line.sign {
        Sign::Kept => Style::new(),
        Sign::Gone => GONE,
        Sign::Came => CAME,
    };
    let mut out = format!("{style}{}", line.sign.as_char());
    for piece in &line.pieces {
        let text = clean(&piece.text);
        let marked = style.bold().underline();
        match piece.changed {
            true => out.push_str(&format!("{style:#}{marked}{text}{marked:#}{style}")),
            false => out.push_str(&text),
        }
    }
    out.push_str(&format!("{style:#}"));
    out
}

/// A unified difference for people.
pub fn human(hunks: &[Hunk]) -> String {
    let mut out = String::new();
    for hunk in hunks {
        let count = |other: Sign| hunk.lines.iter().filter(|line| line.sign != other).count();
        let (before, now) = (count(Sign::Came), count(Sign::Gone));
        let place = format!("@@ -{},{before} +{},{now} @@", hunk.before, hunk.now);
        out.push_str(&format!("{PLACE}{place}{PLACE:#}\n"));
        for line in &hunk.lines {
            out.push_str(&human_line(line));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, now: &str, expected: &str) {
        let told = anstream::adapter::strip_str(&human(&changes(before, now, 1))).to_string();
        assert_eq!(told, expected);
    }

    #[test]
    fn changed_lines_are_told_with_those_around_them() {
        check("a\nb\n", "a\nb\n", "");
        check("", "a\n", "@@ -1,0 +1,1 @@\n+a\n");
        check("a\nb\nc\nd\ne\n", "a\nb\nx\nd\ne\n", "@@ -2,3 +2,3 @@\n b\n-c\n+x\n d\n");
        check("a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+b\n");
        check(
            "1\n2\n3\n4\n5\n6\n",
            "0\n2\n3\n4\n5\n7\n",
            "@@ -1,2 +1,2 @@\n-1\n+0\n 2\n@@ -5,2 +5,2 @@\n 5\n-6\n+7\n",
        );
    }

    #[test]
    fn words_are_marked_where_a_line_is_kept_in_part() {
        let hunks = changes("we mended the old kettle\n", "we mended the new kettle\n", 0);
        let marked: Vec<_> =
            hunks[0].lines.iter().flat_map(|line| &line.pieces).filter(|one| one.changed).collect();
        assert_eq!(marked.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["old", "new"]);
        let hunks = changes("all of it\n", "nothing\n", 0);
        assert!(hunks[0].lines.iter().flat_map(|line| &line.pieces).all(|one| !one.changed));
    }

    #[test]
    fn nothing_in_a_text_can_drive_the_terminal() {
        let told = human(&changes("a\n", "\u{1b}]0;x\u{7}\n", 0));
        assert!(!anstream::adapter::strip_str(&told).to_string().contains(['\u{1b}', '\u{7}']), "{told:?}");
    }

    #[test]
    fn likeness_is_one_for_the_same_text() {
        assert_eq!(likeness("a\nb\n", "a\nb\n"), 1.0);
        assert_eq!(likeness("a\n", "b\n"), 0.0);
        assert!(0.5 < likeness("a\nb\nc\n", "a\nb\nd\n"));
    }
}
