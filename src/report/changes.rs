//! What differs between two texts, by line, and within changed lines by word.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, DiffOp, TextDiff};

use super::diagnostics::clean;

/// Changed lines that are near each other, with lines around them that both texts have.
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
    /// A line with a mark for each word; without marks it is one piece.
    fn new(sign: Sign, text: &str, marks: &[bool]) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut marks = marks.iter().copied();
        // Words keep the blanks before them, so that nothing of the line is lost.
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.len() - rest.trim_start().len();
            let end = rest[word..].find(char::is_whitespace).map_or(rest.len(), |found| word + found);
            let changed = word < end && marks.next().unwrap_or(false);
            let blanks = if changed { word } else { 0 };
            for (text, changed) in [(&rest[..blanks], false), (&rest[blanks..end], changed)] {
                match pieces.last_mut() {
                    _ if text.is_empty() => {}
                    Some(last) if last.changed == changed => last.text.push_str(text),
                    _ => pieces.push(Piece { text: text.to_owned(), changed }),
                }
            }
            rest = &rest[end..];
        }
        Self { sign, pieces }
    }

    /// The whole line.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }
}

/// The smallest difference of two texts that have nothing in common takes long to find; after this time a larger one is
/// reported.
const TIMEOUT: Duration = Duration::from_millis(500);

/// What differs, with so many lines around each change.
pub fn changes(before: &str, now: &str, around: usize) -> Vec<Hunk> {
    let diff = TextDiff::configure().timeout(TIMEOUT).diff_lines(before, now);
    let hunk = |group: &Vec<DiffOp>| {
        let first = group.first()?;
        let mut lines = Vec::new();
        for op in group {
            let side = |tag: ChangeTag| -> Vec<&str> {
                let side = diff.iter_changes(op).filter(|change| change.tag() == tag);
                side.map(|change| change.value().trim_end_matches(['\n', '\r'])).collect()
            };
            let (gone, came) = (side(ChangeTag::Delete), side(ChangeTag::Insert));
            let (gone_marks, came_marks) = marks(&gone, &came);
            lines.extend(side(ChangeTag::Equal).into_iter().map(|line| Line::new(Sign::Kept, line, &[])));
            lines
                .extend(gone.iter().zip(&gone_marks).map(|(line, marks)| Line::new(Sign::Gone, line, marks)));
            lines
                .extend(came.iter().zip(&came_marks).map(|(line, marks)| Line::new(Sign::Came, line, marks)));
        }
        Some(Hunk { before: first.old_range().start + 1, now: first.new_range().start + 1, lines })
    };
    diff.grouped_ops(around).iter().filter_map(hunk).collect()
}

/// For each line, which of its words its counterpart lacks. Where a line ends does not matter: a word more at the
/// beginning of a paragraph breaks all of its lines elsewhere.
fn marks(gone: &[&str], came: &[&str]) -> (Vec<Vec<bool>>, Vec<Vec<bool>>) {
    let words = |lines: &[&str]| lines.iter().map(|line| line.split_whitespace().count()).collect::<Vec<_>>();
    let flat = |lines: &[&str]| -> Vec<String> {
        lines.iter().flat_map(|line| line.split_whitespace()).map(str::to_owned).collect()
    };
    let (before, now) = (flat(gone), flat(came));
    let (before, now): (Vec<&str>, Vec<&str>) =
        (before.iter().map(String::as_str).collect(), now.iter().map(String::as_str).collect());
    let diff = TextDiff::configure().timeout(TIMEOUT).diff_slices(&before, &now);
    // Two texts that only share a few small words are two texts.
    let is_another = diff.ratio() < 0.4;
    let (mut only_before, mut only_now) = (vec![!is_another; before.len()], vec![!is_another; now.len()]);
    for change in diff.iter_all_changes().filter(|change| change.tag() == ChangeTag::Equal) {
        if let (Some(before), Some(now)) = (change.old_index(), change.new_index()) {
            (only_before[before], only_now[now]) = (false, false);
        }
    }
    let by_line = |flags: Vec<bool>, counts: Vec<usize>| {
        let mut flags = flags.into_iter();
        counts.into_iter().map(|count| flags.by_ref().take(count).collect()).collect()
    };
    (by_line(only_before, words(gone)), by_line(only_now, words(came)))
}

/// How like each other two texts are: 1 when they are the same, 0 when they share no line.
pub fn likeness(before: &str, now: &str) -> f32 {
    TextDiff::configure().timeout(TIMEOUT).diff_lines(before, now).ratio()
}

const GONE: Style = AnsiColor::Red.on_default();
const CAME: Style = AnsiColor::Green.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();

/// One line as in a patch, changed words underlined. Colors are in it; the stream takes them out where they are not
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
        let report = anstream::adapter::strip_str(&human(&changes(before, now, 1))).to_string();
        assert_eq!(report, expected);
    }

    #[test]
    fn changed_lines_are_reported_with_those_around_them() {
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
        let marked = |before: &str, now: &str| -> Vec<String> {
            let hunks = changes(before, now, 0);
            let pieces = hunks.iter().flat_map(|hunk| &hunk.lines).flat_map(|line| &line.pieces);
            pieces.filter(|piece| piece.changed).map(|piece| piece.text.clone()).collect()
        };
        assert_eq!(marked("we repaired the  old kettle\n", "we repaired the  new kettle\n"), ["old", "new"]);
        assert_eq!(marked("all of it\n", "nothing\n"), [""; 0]);
        // A paragraph whose lines end elsewhere.
        assert_eq!(marked("a b c d\ne f g h\n", "a x b c\nd e f g\nh\n"), ["x"]);
        let line = &changes("", "  two  words \n", 0)[0].lines[0];
        assert_eq!(line.text(), "  two  words ");
    }

    #[test]
    fn nothing_in_a_text_can_drive_the_terminal() {
        let report = human(&changes("a\n", "\u{1b}]0;x\u{7}\n", 0));
        assert!(
            !anstream::adapter::strip_str(&report).to_string().contains(['\u{1b}', '\u{7}']),
            "{report:?}"
        );
    }

    #[test]
    fn likeness_is_one_for_the_same_text() {
        assert_eq!(likeness("a\nb\n", "a\nb\n"), 1.0);
        assert_eq!(likeness("a\n", "b\n"), 0.0);
        assert!(likeness("a\nb\nc\n", "a\nb\nd\n") > 0.5);
    }
}
