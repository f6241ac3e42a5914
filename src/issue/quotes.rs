//! Quotation marks as a language writes them, in place of the straight ones that keyboards have.

/// Opening and closing marks, outer and inner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quotes {
    double: (&'static str, &'static str),
    single: (&'static str, &'static str),
}

/// What is open in a run of words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OpenQuotes {
    double: usize,
    single: usize,
}

const ENGLISH: Quotes = Quotes { double: ("“", "”"), single: ("‘", "’") };
const ANGLES: Quotes = Quotes { double: ("«", "»"), single: ("‹", "›") };

impl Quotes {
    /// The marks of a language (BCP 47), by the Unicode Common Locale Data Repository; English ones where it has the same
    /// or the language is not known.
    pub(super) fn of(language: &str) -> Self {
        let mut parts = language.split(['-', '_']).map(str::to_ascii_lowercase);
        let first = parts.next().unwrap_or_default();
        let rest: Vec<String> = parts.collect();
        let is_in = |region: &str| rest.iter().any(|part| part == region);
        match first.as_str() {
            "de" | "fr" | "it" | "gsw" | "rm" if is_in("ch") || is_in("li") || first == "gsw" => ANGLES,
            "de" | "cs" | "sk" | "sl" | "lt" | "is" | "lb" | "hsb" | "dsb" => {
                Self { double: ("„", "“"), single: ("‚", "‘") }
            }
            "bg" | "et" | "ka" | "mk" => Self { double: ("„", "“"), ..ENGLISH },
            "pl" | "ro" => Self { double: ("„", "”"), single: ("«", "»") },
            "hu" => Self { double: ("„", "”"), single: ("»", "«") },
            "hr" | "bs" => Self { double: ("„", "”"), single: ("‚", "’") },
            "sr" => Self { double: ("„", "”"), single: ("’", "’") },
            "fr" if is_in("ca") => Self { double: ("«\u{a0}", "\u{a0}»"), single: ("”", "“") },
            "fr" | "br" => Self { double: ("«\u{202f}", "\u{202f}»"), single: ("“", "”") },
            "ru" | "uk" | "be" => Self { double: ("«", "»"), single: ("„", "“") },
            "el" | "it" | "es" | "ca" | "gl" | "sq" | "eu" => {
                Self { double: ("«", "»"), single: ("“", "”") }
            }
            "pt" if is_in("pt") => Self { double: ("«", "»"), single: ("“", "”") },
            "nb" | "nn" | "no" => Self { double: ("«", "»"), ..ENGLISH },
            "fa" | "hy" => ANGLES,
            "sv" | "fi" | "he" | "da" => Self { double: ("”", "”"), single: ("’", "’") },
            _ => ENGLISH,
        }
    }

    /// A mark that Markdown made of a straight one, as readers are to see it.
    pub(super) fn shown(
        self,
        mark: char,
        (before, behind): (Option<char>, Option<char>),
        open: &mut OpenQuotes,
    ) -> &'static str {
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let ends = behind.is_none_or(|c| c.is_whitespace() || ".,;:!?)]}…".contains(c));
        let begins = before.is_none_or(|c| c.is_whitespace() || "([{".contains(c));
        let is_digit = before.is_some_and(char::is_numeric);
        match mark {
            // Inches and feet stay as they are written.
            '“' | '”' if is_digit && (open.double == 0 || is_word(behind)) => "\"",
            '“' if !ends || begins => {
                open.double += 1;
                self.double.0
            }
            '“' | '”' => {
                open.double = open.double.saturating_sub(1);
                self.double.1
            }
            '‘' | '’' if is_digit && open.single == 0 && !behind.is_some_and(char::is_alphabetic) => "'",
            '‘' if !ends || begins => {
                open.single += 1;
                self.single.0
            }
            // An apostrophe is the same in every language.
            _ if open.single == 0 || (is_word(before) && is_word(behind)) => "’",
            _ => {
                open.single -= 1;
                self.single.1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::issue::Issue;
    use crate::source::Source;

    #[track_caller]
    fn check(language: &str, text: &str, expected: &str) {
        let head = format!("---\ntitle: A letter\nlanguage: {language}\n---\n\n{text}\n");
        let issue = Issue::parse(Source::new("a.md", head)).unwrap();
        assert_eq!(issue.document.visible_text().trim(), expected, "{language}");
    }

    #[test]
    fn a_german_letter_does_not_get_english_quotation_marks() {
        check("de", "Die \"Gartenlaube\" hat 'heute' offen.", "Die „Gartenlaube“ hat ‚heute‘ offen.");
        check("de", "Wie geht's? *\"Gut\"*, sagt er.", "Wie geht’s? „Gut“, sagt er.");
        check("de-CH", "Die \"Gartenlaube\"", "Die «Gartenlaube»");
        check("fr", "Le \"mot\" d'hier", "Le « mot » d’hier");
        check("pl", "To \"słowo\"", "To „słowo”");
        check("sv", "Ett \"ord\"", "Ett ”ord”");
        check("da", "Et \"ord\"", "Et ”ord”");
        check("nb", "Et \"ord\"", "Et «ord»");
        check("ru", "Это \"слово\"", "Это «слово»");
        check("en", "A \"word\" and it's 'so'", "A “word” and it’s ‘so’");
        // What the author typed stays.
        check("de", "Die “Gartenlaube”", "Die “Gartenlaube”");
    }

    #[test]
    fn an_inch_mark_is_no_opening_quotation_mark() {
        check(
            "en",
            "A 24\" monitor, a 12\" single, and he is 6'2\" tall.",
            "A 24\" monitor, a 12\" single, and he is 6'2\" tall.",
        );
        check("en", "A 3½\" disk, a ¼\" bolt", "A 3½\" disk, a ¼\" bolt");
        check("en", "\"In 1984\" and the '90s, the 1990's", "“In 1984” and the ’90s, the 1990’s");
    }
}
