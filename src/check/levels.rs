//! How seriously the owner takes each rule.

use std::collections::BTreeMap;

use super::findings::{Rule, rule, rules};
use crate::source::{Diagnostics, Place, Severity, Source, nearest};

/// What becomes of a rule's findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The finding is not shown.
    Allow,
    /// Shown with this severity.
    As(Severity),
}

impl Level {
    /// Reads `allow`, `note`, `warning` or `error`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "allow" | "off" => Self::Allow,
            "note" => Self::As(Severity::Note),
            "warning" | "warn" => Self::As(Severity::Warning),
            "error" | "deny" => Self::As(Severity::Error),
            _ => return None,
        })
    }
}

/// A code that no rule has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode {
    /// As it was written.
    pub code: String,
    /// The nearest one there is.
    pub nearest: Option<&'static str>,
}

/// Levels from the settings, the command line and comments in the issue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    by_code: BTreeMap<String, Level>,
}

impl Levels {
    /// Each finding with the level of its rule.
    pub const fn new() -> Self {
        Self { by_code: BTreeMap::new() }
    }

    /// Sets the level of a rule; the last word counts.
    ///
    /// # Errors
    ///
    /// [`UnknownCode`] if no rule has this code, or its level cannot be changed.
    pub fn set(&mut self, code: &str, level: Level) -> Result<(), UnknownCode> {
        let code = code.trim().to_ascii_uppercase();
        // An error that keeps an issue from becoming a letter at all has no other level.
        let has_level = |rule: &Rule| rule.severity < Severity::Error || rule.is_from_check();
        if !rule(&code).is_some_and(has_level) {
            let nearest = nearest(&code, rules().iter().filter(|rule| has_level(rule)).map(|rule| rule.code));
            return Err(UnknownCode { nearest, code });
        }
        self.by_code.insert(code, level);
        Ok(())
    }

    /// Reads comments such as `<!-- mimeo allow M415 M416 -->` in an issue; unknown codes come back with their place.
    pub fn read_comments(&mut self, source: &Source) -> Vec<(UnknownCode, Place)> {
        let text = source.text();
        let (mut at, mut unknown) = (0, Vec::new());
        while let Some(start) = text[at..].find("<!--").map(|found| at + found) {
            let inside = start + 4;
            // `<!-->` and `<!--->` are comments without anything in them.
            if let Some(end) = [">", "->"].iter().find(|end| text[inside..].starts_with(**end)) {
                at = inside + end.len();
                continue;
            }
            let Some(end) = text[inside..].find("-->").map(|found| inside + found) else { break };
            let mut words =
                text[inside..end].split([' ', ',', '\t', '\n', '\r', ':']).filter(|word| !word.is_empty());
            if words.next() == Some("mimeo")
                && let Some(level) = words.next().and_then(Level::parse)
            {
                for code in words {
                    if let Err(error) = self.set(code, level) {
                        unknown.push((error, source.place(start..end + 3)));
                    }
                }
            }
            at = end + 3;
        }
        unknown
    }

    /// Applies the levels: some findings go, some become louder or quieter.
    pub fn apply(&self, found: Diagnostics) -> Diagnostics {
        found
            .into_iter()
            .filter_map(|mut diagnostic| match self.by_code.get(diagnostic.code) {
                Some(Level::Allow) => None,
                Some(Level::As(severity)) => {
                    diagnostic.severity = *severity;
                    Some(diagnostic)
                }
                None => Some(diagnostic),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Diagnostic;

    #[test]
    fn the_shortest_comments_are_no_levels_and_stop_nothing() {
        let text = "<!--> a --> <!---> b --> <!----> <!-- mimeo allow M415 --> <!-- mimeo allow M416 <!--";
        let mut levels = Levels::default();
        assert_eq!(levels.read_comments(&Source::new("a.md", text)), Vec::new());
        let source = Source::new("a.md", text);
        let found = ["M415", "M416"].map(|code| Diagnostic::warning(code, &source, 0..1, "a"));
        assert_eq!(levels.apply(found.into()).len(), 1);
    }

    #[test]
    fn a_comment_in_the_issue_quiets_a_rule() {
        let source = Source::new(
            "a.md",
            "Words\n\n<!-- mimeo allow M415, m416 -->\n<!-- other -->\n<!-- mimeo warn M999 -->",
        );
        let mut levels = Levels::default();
        let unknown = levels.read_comments(&source);
        assert_eq!(unknown.len(), 1);
        assert_eq!(unknown[0].1.to_string(), "a.md:5:1");
        let found = vec![
            Diagnostic::warning("M415", &source, 0..1, "a"),
            Diagnostic::warning("M412", &source, 0..1, "b"),
            Diagnostic::warning("M416", &source, 0..1, "c"),
        ];
        let left: Vec<_> = levels.apply(found).into_iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(left, ["M412"]);
    }
}
