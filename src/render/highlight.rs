//! Which parts of a program are comments, keywords, strings and so on.
//!
//! The program is parsed by tree-sitter: a grammar per language in C, no regular expressions of an engine that no one keeps.

use std::{cell::RefCell, ops::Range};

use tree_sitter_highlight::{HighlightEvent, Highlighter};

mod captures;
mod grammars;

use captures::CAPTURES;
use grammars::grammar;

/// A stretch of code with one role.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch<'a> {
    /// The code.
    pub(crate) text: &'a str,
    /// Index into the theme's colors; none for the text's own color.
    pub(crate) role: Option<usize>,
}

/// Code longer than this is never colored: it would not fit a letter.
const CODE_MAX: usize = 20_000;

thread_local! {
    /// Parsers are expensive to make and can be used again.
    static HIGHLIGHTER: RefCell<Highlighter> = RefCell::new(Highlighter::new());
}

/// The stretches of a program; none when its language is not known or it is too long.
pub(crate) fn stretches<'a>(language: &str, code: &'a str) -> Option<Vec<Stretch<'a>>> {
    if code.len() > CODE_MAX {
        return None;
    }
    let name = language.trim_start_matches('.').to_ascii_lowercase();
    let name = if name == "php" && code.contains("<?") { "php_tags" } else { &name };
    let grammar = grammar(name)?;
    HIGHLIGHTER.with_borrow_mut(|highlighter| {
        let inner = |name: &str| self::grammar(&name.to_ascii_lowercase());
        let events = highlighter.highlight(grammar, code.as_bytes(), None, None, inner).ok()?;
        let mut roles: Vec<Option<usize>> = Vec::new();
        let mut stretches = Vec::new();
        let mut done = 0;
        for event in events {
            match event.ok()? {
                HighlightEvent::HighlightStart(capture) => roles.push(CAPTURES.get(capture.0)?.1),
                HighlightEvent::HighlightEnd => _ = roles.pop(),
                HighlightEvent::Source { start, end } => {
                    push(&mut stretches, code, done..start, None);
                    push(&mut stretches, code, start.max(done)..end, roles.last().copied().flatten());
                    done = done.max(end);
                }
            }
        }
        push(&mut stretches, code, done..code.len(), None);
        let whole = stretches.iter().map(|stretch| stretch.text.len()).sum::<usize>() == code.len();
        whole.then_some(stretches)
    })
}

/// Adds a stretch, joined with the last one where they look the same. Spaces take any color.
fn push<'a>(stretches: &mut Vec<Stretch<'a>>, code: &'a str, range: Range<usize>, role: Option<usize>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of a program with their roles.
    type Roles = &'static [(&'static str, usize)];

    /// A language, a program in it, and some of its pieces.
    const PROGRAMS: &[(&str, &str, Roles)] = &[
        ("rust", "// c\nfn f() -> u8 { 1 }", &[("// c", 0), ("fn", 1), ("f", 4), ("u8", 5), ("1", 3)]),
        (
            "python",
            "def f(x):\n\treturn \"x\" # no line end",
            &[("def", 1), ("f", 4), ("\"x\"", 2), ("# no line end", 0)],
        ),
        ("js", "const a = `x${b}y`; // c\r\n", &[("const", 1), ("// c", 0)]),
        ("jsx", "const a = <p className=\"x\">é</p>;", &[("const", 1), ("p", 5), ("\"x\"", 2)]),
        ("ts", "type A = { b: string };\nlet x: A = 1;", &[("let", 1), ("A", 5), ("1", 3)]),
        ("tsx", "let x: A = <p>☃</p>;", &[("let", 1), ("A", 5)]),
        ("go", "package main\nfunc f() string { return \"x\" }", &[("func", 1), ("f", 4), ("\"x\"", 2)]),
        ("c", "int main(void) { return 0; } /* c */", &[("int", 5), ("main", 4), ("/* c */", 0)]),
        ("cpp", "class A {}; // c\nint f() { return 1; }", &[("class", 1), ("// c", 0)]),
        #[cfg(feature = "highlight-all")]
        ("c#", "class A { int F() { return 1; } } // c", &[("class", 1), ("// c", 0)]),
        ("java", "class A { int f() { return 1; } } // c", &[("class", 1), ("// c", 0), ("1", 3)]),
        ("json", "{\"a\": [1, true, null]}", &[("\"a\"", 2), ("1", 3)]),
        (
            "html",
            "<p class=\"x\">&amp;</p>\r\n<style>p { color: red }</style><script>let a = 1</script>",
            &[("p", 5), ("let", 1)],
        ),
        ("css", "p { color: #fff; } /* c */", &[("p", 5), ("/* c */", 0)]),
        ("sh", "# c\nif true; then echo \"x\"; fi", &[("# c", 0), ("if", 1), ("\"x\"", 2)]),
        ("ruby", "def f\n  'x' # c\nend", &[("def", 1), ("f", 4), ("'x'", 2), ("# c", 0)]),
        ("php", "function f() { return 'x'; } // c", &[("function", 1), ("f", 4), ("'x'", 2)]),
        ("php", "<p><?php echo 'x'; ?></p>", &[("'x'", 2)]),
        ("toml", "# c\n[a]\nb = \"x\"", &[("# c", 0), ("\"x\"", 2)]),
        ("yaml", "# c\na: \"x\"\nb: 1", &[("# c", 0), ("\"x\"", 2), ("1", 3)]),
        ("sql", "SELECT a FROM b WHERE c = 'x'; -- c", &[("SELECT", 1), ("'x'", 2), ("-- c", 0)]),
        ("diff", "-a\n+b\n", &[]),
        ("lua", "local function f() return 'x' end -- c", &[("'x'", 2), ("-- c", 0)]),
        ("makefile", "# c\nall: b\n\tcc x\n", &[("# c", 0)]),
        ("xml", "<!-- c --><a b=\"x\">y</a>", &[("<!-- c -->", 0)]),
        #[cfg(feature = "highlight-all")]
        ("swift", "func f() -> Int { return 1 } // c", &[("func", 1), ("f", 4), ("// c", 0)]),
        #[cfg(feature = "highlight-all")]
        ("zig", "const a = 1; // c", &[("const", 1), ("// c", 0)]),
        #[cfg(feature = "highlight-all")]
        ("elixir", "defmodule A do\n  # c\nend", &[("defmodule", 1), ("# c", 0)]),
        ("nix", "# c\nlet a = 1; in a", &[("# c", 0), ("let", 1)]),
        #[cfg(feature = "highlight-all")]
        ("r", "f <- function(x) \"x\" # c", &[("function", 1), ("\"x\"", 2), ("# c", 0)]),
        #[cfg(feature = "highlight-all")]
        ("haskell", "module A where\nf :: Int\nf = 1 -- c", &[("module", 1), ("-- c", 0)]),
        #[cfg(feature = "highlight-all")]
        ("scala", "object A { def f = \"x\" } // c", &[("object", 1), ("\"x\"", 2), ("// c", 0)]),
        #[cfg(feature = "highlight-all")]
        ("erlang", "-module(a).\nf() -> \"x\". % c", &[("\"x\"", 2), ("% c", 0)]),
        ("md", "# Title\n\nWords with `code`.\n", &[]),
    ];

    #[test]
    fn stretches_put_together_are_the_code_with_the_roles_that_readers_expect() {
        let mut wrong = Vec::new();
        for (language, code, expected) in PROGRAMS {
            let stretches = stretches(language, code).expect(language);
            let joined: String = stretches.iter().map(|stretch| stretch.text).collect();
            assert_eq!(joined, *code, "{language}");
            let roles: Vec<_> =
                stretches.iter().filter_map(|one| Some((one.text.trim(), one.role?))).collect();
            for one in *expected {
                if !roles.contains(one) {
                    wrong.push(format!("{language}: {one:?} is not in {roles:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn programs_that_are_cut_or_broken_stay_whole() {
        for (language, code, _) in PROGRAMS {
            for (end, _) in code.char_indices().step_by(9) {
                let cut = &code[..end];
                let joined = stretches(language, cut).map(|all| all.iter().map(|one| one.text).collect());
                assert_eq!(joined, Some(cut.to_owned()), "{language}");
            }
            let mixed = format!("\u{0}}}]){code}\"'`({{[<{code}");
            stretches(language, &mixed).expect(language);
        }
    }

    #[test]
    fn an_unknown_language_stays_plain() {
        for language in ["klingon", "text", "", "console"] {
            assert_eq!(stretches(language, "x"), None);
        }
    }
}
