//! The words that we use, and those that we do not.

use std::fs;

use super::{files, ours};
use crate::support::project::repository;

/// Words that have a standard one in their place. `docs/findings.md` is made from the findings themselves.
const NOT_OUR_WORDS: [&str; 14] = [
    "anew",
    "begun ahead",
    "by lot",
    "colour",
    "colours",
    "doorplate",
    "is no address",
    "is told",
    "licence",
    "makes no sense",
    "mend",
    "mended",
    "somebody who rests",
    "told",
];

#[test]
fn the_documentation_is_written_in_standard_terms() {
    let mut pages = files("docs", ".md");
    pages.retain(|page| !page.ends_with("findings.md"));
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "BENCHMARKS.md", "CHANGELOG.md"] {
        pages.push(repository().join(name));
    }
    let mut wrong = Vec::new();
    for page in pages {
        for (number, line) in fs::read_to_string(&page).unwrap().lines().enumerate() {
            let words = line.to_lowercase();
            let words = words.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join(" ");
            let found =
                NOT_OUR_WORDS.iter().filter(|word| format!(" {words} ").contains(&format!(" {word} ")));
            wrong.extend(found.map(|word| format!("{}:{}: {word}", page.display(), number + 1)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Words that neither code nor its comments use, in names and in sentences; those of the documentation come to them. A
/// word in a string counts as well, unless `QUOTED` says why it is there.
const NOT_IN_CODE: [&str; 31] = [
    "anew",
    "ballast",
    "colour",
    "coloured",
    "colours",
    "crew",
    "desk",
    "errand",
    "gate",
    "gather",
    "gathered",
    "gathering",
    "hurry",
    "jail",
    "labelled",
    "lane",
    "lanes",
    "mend",
    "neighbour",
    "neighbours",
    "nobody",
    "normalise",
    "octet",
    "octets",
    "recognised",
    "sendings",
    "somebody",
    "stands",
    "told",
    "tale",
    "vet",
];

/// Lines that quote such a word: what they hold, and why it is there.
const QUOTED: [(&str, &str); 14] = [
    ("\"colour\"", "a misspelt word of a template"),
    ("mj-style colour", "the same"),
    ("octet-stream", "a media type"),
    ("stands for", "the usual word for what a sign or a name means"),
    (".octets()", "a method of `Ipv4Addr`"),
    ("nobody@", "an address"),
    ("somebody@", "an address"),
    ("nobody:nogroup", "the user of that name"),
    ("nobody\\n", "a row of a list that is no address"),
    ("nobody,,\\n", "a row of a list that is no address"),
    ("5.1.1 nobody", "a reply of a relay"),
    ("Kettle Lane", "an address of an invented newsletter"),
    ("Saddle Point Lane", "the same"),
    ("without any hurry", "a sentence of an issue"),
];

/// The words of a line: names are taken apart at `_` and before capital letters.
fn words_of(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in line.chars() {
        if !letter.is_alphanumeric() || letter.is_uppercase() {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            words.last_mut().unwrap().extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn the_code_is_written_in_standard_terms() {
    let mut wrong = Vec::new();
    for (name, text) in ours().iter().filter(|(name, _)| name != "tests/it/tidy/words.rs") {
        for (number, line) in text.lines().enumerate() {
            let line = QUOTED.iter().fold(line.to_owned(), |line, (quoted, _)| line.replace(quoted, ""));
            let found = words_of(&line).into_iter().filter(|word| NOT_IN_CODE.contains(&word.as_str()));
            wrong.extend(found.map(|word| format!("{name}:{}: {word}", number + 1)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(words_of("fn is_toldTo(nobody: Octets)"), ["fn", "is", "told", "to", "nobody", "octets"]);
}

/// Where a message says `x is no address`, which is `invalid address x`. What is missing is not wrong: "there is no …".
fn denials(line: &str) -> Vec<&str> {
    let found = line.match_indices(" is no ").filter(|(at, _)| {
        let (before, after) = line.split_at(*at);
        let is_quoted = before.matches('"').count() % 2 == 1;
        is_quoted && !before.to_lowercase().ends_with("there") && !after.starts_with(" is no longer")
    });
    found.map(|(at, _)| &line[at..]).collect()
}

#[test]
fn messages_say_what_is_invalid() {
    let mut wrong = Vec::new();
    for (name, text) in ours().iter().filter(|(name, _)| name.starts_with("src/")) {
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            wrong.extend(denials(line).into_iter().map(|found| format!("{name}:{}:{found}", number + 1)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(denials("let a = \"`x` is no address\";").len(), 1);
    for fine in ["\"there is no issue\"", "\"it is no longer there\"", "x // is no address"] {
        assert_eq!(denials(fine), [""; 0], "{fine}");
    }
}

/// Constants and numbers on the left of `<`, outside of strings and of ranges: `n > 0` reads better than `0 < n`.
fn reversed(line: &str) -> bool {
    let code = line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    ["if ", "while ", "&& ", "|| ", "assert!("].iter().any(|start| {
        code.match_indices(start).any(|(at, _)| {
            let mut words = code[at + start.len()..].split(' ');
            let (left, sign) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let is_fixed = left.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase())
                && left.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || c == '_' || c == '.');
            is_fixed && ["<", "<="].contains(&sign)
        })
    })
}

#[test]
fn comparisons_are_read_from_left_to_right() {
    let mut wrong = Vec::new();
    for (name, text) in ours().iter().filter(|(name, _)| !name.starts_with("tests/it/tidy")) {
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            if reversed(line) {
                wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(reversed("if 0 < n {") && reversed("a && LINE_MAX <= b.len()") && !reversed("if n < MAX {"));
    assert!(!reversed("print(\"if 0 < n\")"));
}

/// Doc comments of a single word label what the name says already.
#[test]
fn a_doc_comment_explains() {
    // A field whose word is all that there is to say.
    const ENOUGH: [&str; 7] = ["Text.", "Headings.", "Buttons.", "Left.", "Center.", "Right.", "Nothing."];
    let is_word = |comment: &str| {
        let word = comment.strip_suffix('.').unwrap_or_default();
        !word.is_empty() && word.chars().skip(1).all(|c| c.is_ascii_lowercase())
    };
    let mut wrong = Vec::new();
    for (name, text) in ours().iter().filter(|(name, _)| name.starts_with("src/")) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            let Some(comment) = line.strip_prefix("/// ") else { continue };
            let is_alone = |at: Option<usize>| {
                at.and_then(|at| lines.get(at)).is_none_or(|line| !line.starts_with("///"))
            };
            if is_word(comment)
                && !ENOUGH.contains(&comment)
                && is_alone(number.checked_sub(1))
                && is_alone(Some(number + 1))
            {
                wrong.push(format!("{name}:{}: {comment}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
