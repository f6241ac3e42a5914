//! The languages whose code gets colors, with their grammars.
//!
//! Each grammar is a crate of its own, kept by the people of tree-sitter or of the language. A grammar's patterns are
//! compiled when the first block in its language is met, and only then. Grammars are large: those of languages that
//! letters seldom show are built with the feature `highlight-all` only.

use std::sync::OnceLock;

use tree_sitter_highlight::HighlightConfiguration;
use tree_sitter_language::LanguageFn;

use super::captures::CAPTURES;

/// A language: the names that authors use for it, its grammar, and the queries that find what has a color.
struct Grammar {
    names: &'static [&'static str],
    language: LanguageFn,
    /// Put together in this order; of two that match the same words, a later one wins.
    highlights: &'static [&'static str],
    injections: &'static str,
    locals: &'static str,
}

impl Grammar {
    const fn new(
        names: &'static [&'static str],
        language: LanguageFn,
        highlights: &'static [&'static str],
    ) -> Self {
        Self { names, language, highlights, injections: "", locals: "" }
    }

    const fn with_injections(self, injections: &'static str) -> Self {
        Self { injections, ..self }
    }

    const fn with_locals(self, locals: &'static str) -> Self {
        Self { locals, ..self }
    }

    /// None if the grammar and its queries do not go together, which a test excludes.
    fn compile(&self) -> Option<HighlightConfiguration> {
        let name = self.names.first().copied().unwrap_or_default();
        // Editors know by `@spell` where to look for misspelled words; here it would hide the name before it.
        let highlights = self.highlights.join("\n").replace("@spell", "");
        let mut compiled = HighlightConfiguration::new(
            self.language.into(),
            name,
            &highlights,
            self.injections,
            self.locals,
        )
        .ok()?;
        compiled.configure(&CAPTURES.map(|(name, _)| name));
        Some(compiled)
    }
}

/// Go's own query names functions first and all identifiers after them, which hides the functions.
const GO_FUNCTIONS: &str = "
(function_declaration name: (identifier) @function)
(method_declaration name: (field_identifier) @function.method)
(call_expression function: (identifier) @function)
(call_expression function: (selector_expression field: (field_identifier) @function.method))
";

/// In alphabetical order of their first names.
static GRAMMARS: &[Grammar] = &[
    Grammar::new(
        &["bash", "sh", "shell", "zsh"],
        tree_sitter_bash::LANGUAGE,
        &[tree_sitter_bash::HIGHLIGHT_QUERY],
    ),
    Grammar::new(&["c", "h", "objc"], tree_sitter_c::LANGUAGE, &[tree_sitter_c::HIGHLIGHT_QUERY]),
    Grammar::new(
        &["cpp", "c++", "cc", "cxx", "hpp"],
        tree_sitter_cpp::LANGUAGE,
        &[tree_sitter_c::HIGHLIGHT_QUERY, tree_sitter_cpp::HIGHLIGHT_QUERY],
    ),
    #[cfg(feature = "highlight-all")]
    Grammar::new(
        &["csharp", "c#", "cs"],
        tree_sitter_c_sharp::LANGUAGE,
        &[tree_sitter_c_sharp::HIGHLIGHTS_QUERY],
    ),
    Grammar::new(&["css"], tree_sitter_css::LANGUAGE, &[tree_sitter_css::HIGHLIGHTS_QUERY]),
    Grammar::new(&["diff", "patch"], tree_sitter_diff::LANGUAGE, &[tree_sitter_diff::HIGHLIGHTS_QUERY]),
    #[cfg(feature = "highlight-all")]
    Grammar::new(
        &["elixir", "ex", "exs"],
        tree_sitter_elixir::LANGUAGE,
        &[tree_sitter_elixir::HIGHLIGHTS_QUERY],
    ),
    #[cfg(feature = "highlight-all")]
    Grammar::new(&["erlang", "erl"], tree_sitter_erlang::LANGUAGE, &[tree_sitter_erlang::HIGHLIGHTS_QUERY]),
    Grammar::new(
        &["go", "golang"],
        tree_sitter_go::LANGUAGE,
        &[tree_sitter_go::HIGHLIGHTS_QUERY, GO_FUNCTIONS],
    ),
    #[cfg(feature = "highlight-all")]
    Grammar::new(&["haskell", "hs"], tree_sitter_haskell::LANGUAGE, &[tree_sitter_haskell::HIGHLIGHTS_QUERY])
        .with_locals(tree_sitter_haskell::LOCALS_QUERY),
    Grammar::new(
        &["html", "htm", "svelte", "vue"],
        tree_sitter_html::LANGUAGE,
        &[tree_sitter_html::HIGHLIGHTS_QUERY],
    )
    .with_injections(tree_sitter_html::INJECTIONS_QUERY),
    Grammar::new(
        &["java", "groovy", "gradle"],
        tree_sitter_java::LANGUAGE,
        &[tree_sitter_java::HIGHLIGHTS_QUERY],
    ),
    Grammar::new(
        &["javascript", "js", "jsx", "mjs", "cjs"],
        tree_sitter_javascript::LANGUAGE,
        &[tree_sitter_javascript::HIGHLIGHT_QUERY, tree_sitter_javascript::JSX_HIGHLIGHT_QUERY],
    )
    .with_injections(tree_sitter_javascript::INJECTIONS_QUERY)
    .with_locals(tree_sitter_javascript::LOCALS_QUERY),
    Grammar::new(
        &["json", "jsonc", "json5"],
        tree_sitter_json::LANGUAGE,
        &[tree_sitter_json::HIGHLIGHTS_QUERY],
    ),
    Grammar::new(&["lua"], tree_sitter_lua::LANGUAGE, &[tree_sitter_lua::HIGHLIGHTS_QUERY])
        .with_locals(tree_sitter_lua::LOCALS_QUERY),
    Grammar::new(
        &["make", "makefile", "mk"],
        tree_sitter_make::LANGUAGE,
        &[tree_sitter_make::HIGHLIGHTS_QUERY],
    ),
    Grammar::new(&["markdown", "md"], tree_sitter_md::LANGUAGE, &[tree_sitter_md::HIGHLIGHT_QUERY_BLOCK])
        .with_injections(tree_sitter_md::INJECTION_QUERY_BLOCK),
    Grammar::new(
        &["markdown_inline"],
        tree_sitter_md::INLINE_LANGUAGE,
        &[tree_sitter_md::HIGHLIGHT_QUERY_INLINE],
    ),
    Grammar::new(&["nix"], tree_sitter_nix::LANGUAGE, &[tree_sitter_nix::HIGHLIGHTS_QUERY])
        .with_injections(tree_sitter_nix::INJECTIONS_QUERY),
    Grammar::new(&["php"], tree_sitter_php::LANGUAGE_PHP_ONLY, &[tree_sitter_php::HIGHLIGHTS_QUERY]),
    Grammar::new(&["php_tags"], tree_sitter_php::LANGUAGE_PHP, &[tree_sitter_php::HIGHLIGHTS_QUERY])
        .with_injections(tree_sitter_php::INJECTIONS_QUERY),
    Grammar::new(
        &["python", "py", "python3"],
        tree_sitter_python::LANGUAGE,
        &[tree_sitter_python::HIGHLIGHTS_QUERY],
    ),
    #[cfg(feature = "highlight-all")]
    Grammar::new(&["r"], tree_sitter_r::LANGUAGE, &[tree_sitter_r::HIGHLIGHTS_QUERY])
        .with_locals(tree_sitter_r::LOCALS_QUERY),
    Grammar::new(&["ruby", "rb"], tree_sitter_ruby::LANGUAGE, &[tree_sitter_ruby::HIGHLIGHTS_QUERY])
        .with_locals(tree_sitter_ruby::LOCALS_QUERY),
    Grammar::new(&["rust", "rs"], tree_sitter_rust::LANGUAGE, &[tree_sitter_rust::HIGHLIGHTS_QUERY])
        .with_injections(tree_sitter_rust::INJECTIONS_QUERY),
    #[cfg(feature = "highlight-all")]
    Grammar::new(&["scala", "sbt"], tree_sitter_scala::LANGUAGE, &[tree_sitter_scala::HIGHLIGHTS_QUERY])
        .with_locals(tree_sitter_scala::LOCALS_QUERY),
    Grammar::new(
        &["sql", "postgresql", "postgres", "sqlite", "mysql", "plpgsql"],
        tree_sitter_sequel::LANGUAGE,
        &[tree_sitter_sequel::HIGHLIGHTS_QUERY],
    ),
    #[cfg(feature = "highlight-all")]
    Grammar::new(&["swift"], tree_sitter_swift::LANGUAGE, &[tree_sitter_swift::HIGHLIGHTS_QUERY])
        .with_locals(tree_sitter_swift::LOCALS_QUERY),
    Grammar::new(&["toml"], tree_sitter_toml_ng::LANGUAGE, &[tree_sitter_toml_ng::HIGHLIGHTS_QUERY]),
    Grammar::new(
        &["tsx"],
        tree_sitter_typescript::LANGUAGE_TSX,
        &[
            tree_sitter_javascript::HIGHLIGHT_QUERY,
            tree_sitter_javascript::JSX_HIGHLIGHT_QUERY,
            tree_sitter_typescript::HIGHLIGHTS_QUERY,
        ],
    )
    .with_locals(tree_sitter_typescript::LOCALS_QUERY),
    Grammar::new(
        &["typescript", "ts", "mts", "cts"],
        tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        &[tree_sitter_javascript::HIGHLIGHT_QUERY, tree_sitter_typescript::HIGHLIGHTS_QUERY],
    )
    .with_locals(tree_sitter_typescript::LOCALS_QUERY),
    Grammar::new(
        &["xml", "svg", "rss", "atom", "mjml", "plist"],
        tree_sitter_xml::LANGUAGE_XML,
        &[tree_sitter_xml::XML_HIGHLIGHT_QUERY],
    ),
    Grammar::new(&["yaml", "yml"], tree_sitter_yaml::LANGUAGE, &[tree_sitter_yaml::HIGHLIGHTS_QUERY]),
    #[cfg(feature = "highlight-all")]
    Grammar::new(&["zig"], tree_sitter_zig::LANGUAGE, &[tree_sitter_zig::HIGHLIGHTS_QUERY]),
];

const COUNT: usize = GRAMMARS.len();

/// The grammar for a language by one of its names, in lower case.
pub(super) fn grammar(name: &str) -> Option<&'static HighlightConfiguration> {
    static COMPILED: [OnceLock<Option<HighlightConfiguration>>; COUNT] = [const { OnceLock::new() }; COUNT];
    let at = GRAMMARS.iter().position(|grammar| grammar.names.contains(&name))?;
    COMPILED[at].get_or_init(|| GRAMMARS[at].compile()).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_grammar_and_its_queries_go_together_and_each_name_is_one_grammars() {
        let mut names: Vec<&str> = Vec::new();
        for grammar in GRAMMARS {
            let first = grammar.names[0];
            assert!(grammar.compile().is_some(), "{first}");
            names.extend(grammar.names);
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(GRAMMARS.iter().map(|grammar| grammar.names[0]).is_sorted());
    }
}
