//! Which stretches of a program are comments, keywords, strings and so on.
//!
//! The grammars are read when the first block with a known language is met, and only then.

use std::sync::OnceLock;

use syntect::parsing::{ParseState, ScopeStack, SyntaxReference, SyntaxSet};

/// A stretch of code with one role.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch<'a> {
    /// The code.
    pub(crate) text: &'a str,
    /// Index into the theme's colours; none for the text's own colour.
    pub(crate) role: Option<usize>,
}

/// Code longer than this is never coloured: it would not fit a letter.
const CODE_MAX: usize = 20_000;

/// The stretches of a program; none when its language is not known or it is too long.
pub(crate) fn stretches<'a>(language: &str, code: &'a str) -> Option<Vec<Stretch<'a>>> {
    if code.len() > CODE_MAX || is_plain(language) {
        return None;
    }
    let grammars = grammars();
    let grammar = grammar(grammars, language)?;
    let mut state = ParseState::new(grammar);
    let mut scopes = ScopeStack::new();
    let mut stretches: Vec<Stretch<'a>> = Vec::new();
    let mut line_start = 0;
    for line in code.split_inclusive('\n') {
        let owned = if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") };
        let changes = state.parse_line(&owned, grammars).ok()?;
        let mut at = 0;
        for (position, change) in changes {
            let position = position.min(line.len());
            push(&mut stretches, code, line_start + at..line_start + position, role(&scopes));
            at = at.max(position);
            scopes.apply(&change).ok()?;
        }
        push(&mut stretches, code, line_start + at..line_start + line.len(), role(&scopes));
        line_start += line.len();
    }
    Some(stretches)
}

/// Adds a stretch, joined with the last one where they look the same. Blanks take any colour.
fn push<'a>(
    stretches: &mut Vec<Stretch<'a>>,
    code: &'a str,
    range: std::ops::Range<usize>,
    role: Option<usize>,
) {
    if range.is_empty() {
        return;
    }
    let Some(text) = code.get(range.clone()) else { return };
    if let Some(last) = stretches.last_mut() {
        let start = range.start - last.text.len();
        if (last.role == role || text.trim().is_empty())
            && let Some(joined) = code.get(start..range.end)
        {
            last.text = joined;
            return;
        }
    }
    stretches.push(Stretch { text, role });
}

/// The role of the innermost scope that has one.
fn role(scopes: &ScopeStack) -> Option<usize> {
    scopes.as_slice().iter().rev().find_map(|scope| {
        let name = scope.build_string();
        let starts = |prefix: &str| name.starts_with(prefix);
        if starts("comment") || starts("punctuation.definition.comment") {
            Some(Some(0))
        } else if starts("string") || starts("markup.inserted") {
            Some(Some(2))
        } else if starts("keyword.operator") || starts("punctuation") || starts("variable.parameter") {
            if starts("punctuation.definition.string") { Some(Some(2)) } else { None }
        } else if starts("keyword") || starts("storage") || starts("markup.deleted") {
            Some(Some(1))
        } else if starts("constant") || starts("support.constant") {
            Some(Some(3))
        } else if starts("entity.name.function")
            || starts("support.function")
            || starts("entity.name.section")
        {
            Some(Some(4))
        } else if starts("entity.name")
            || starts("support.type")
            || starts("support.class")
            || starts("entity.other")
        {
            Some(Some(5))
        } else if starts("meta.interpolation") || starts("source") {
            Some(None)
        } else {
            None
        }
    })?
}

fn is_plain(language: &str) -> bool {
    matches!(
        language.to_ascii_lowercase().as_str(),
        "" | "text" | "txt" | "plain" | "plaintext" | "none" | "console" | "output"
    )
}

fn grammars() -> &'static SyntaxSet {
    static GRAMMARS: OnceLock<SyntaxSet> = OnceLock::new();
    GRAMMARS.get_or_init(SyntaxSet::load_defaults_newlines)
}

fn grammar<'a>(grammars: &'a SyntaxSet, language: &str) -> Option<&'a SyntaxReference> {
    let token = language.trim_start_matches('.').to_ascii_lowercase();
    let token = match token.as_str() {
        // Near enough, where the grammar itself does not ship.
        "typescript" | "ts" | "tsx" | "jsx" | "mjs" => "js",
        "sh" | "shell" | "zsh" => "bash",
        "jsonc" | "json5" => "json",
        "golang" => "go",
        other => other,
    };
    grammars.find_syntax_by_token(token).filter(|grammar| grammar.name != "Plain Text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_put_together_are_the_code() {
        for (language, code) in [
            ("rust", "fn main() {\n    let é = \"a\\n\"; // ☃\n}\n\n"),
            ("python", "def f(x):\n\treturn x # no line end"),
            ("html", "<p class=\"x\">&amp;</p>\r\n"),
            ("json", "{\"a\": [1, true, null]}"),
        ] {
            let stretches = stretches(language, code).expect("a known language");
            let joined: String = stretches.iter().map(|stretch| stretch.text).collect();
            assert_eq!(joined, code, "{language}");
        }
    }

    #[test]
    fn words_get_the_role_that_readers_expect() {
        let stretches = stretches("rust", "// c\nfn f() -> u8 { 1 }").expect("a known language");
        let roles: Vec<_> =
            stretches.iter().filter_map(|s| s.role.map(|role| (s.text.trim(), role))).collect();
        assert!(
            roles.contains(&("// c", 0)) && roles.contains(&("fn", 1)) && roles.contains(&("1", 3)),
            "{roles:?}"
        );
    }

    #[test]
    fn an_unknown_language_stays_plain() {
        assert_eq!(stretches("klingon", "qapla'"), None);
        assert_eq!(stretches("text", "x"), None);
    }
}
