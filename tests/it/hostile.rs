//! `mimeo check` in front of files that no one would write: an answer in seconds, never a panic, and no memory without
//! a bound.

use std::{fmt::Write as _, time::Duration};

use crate::support::project::{Project, Ran};

/// No run may have more memory than this, in KiB of address space.
const MEMORY: u64 = 3 * 1024 * 1024;
/// No run may take longer; many times what a debug build takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

const HEAD: &str = "---\ntitle: A quiet week\nnumber: 7\ndate: 2023-01-06\n---\n\n";

/// Runs under limits of memory and time; what comes back is an answer, good or bad.
#[track_caller]
fn answer(name: &str, project: &Project, arguments: &[&str]) -> Ran {
    // `timeout` kills with 124, and an allocation that fails ends in a signal: neither is an answer.
    let script = format!(
        "ulimit -v {MEMORY}; exec timeout {} {} check {}",
        TIMEOUT.as_secs(),
        env!("CARGO_BIN_EXE_mimeo"),
        arguments.join(" ")
    );
    let began = std::time::Instant::now();
    let ran = project.shell(&script);
    println!("{name}: {:.1} s", began.elapsed().as_secs_f64());
    let output = ran.stderr.chars().take(2_000).collect::<String>();
    assert!(matches!(ran.code, Some(0 | 3)), "{name}: {:?}\n{output}", ran.code);
    assert!(!ran.stderr.contains("panicked"), "{name}: {output}");
    // What is reported stays readable, however much is wrong.
    let said = ran.stdout.len() + ran.stderr.len();
    assert!(said < 16 * 1024 * 1024, "{name}: {said} bytes");
    ran
}

#[test]
fn a_hostile_issue_gets_an_answer() {
    let deep =
        |open: &str, close: &str, times: usize| format!("{}x{}", open.repeat(times), close.repeat(times));
    let mut links = String::new();
    for number in 0..5_000 {
        writeln!(
            links,
            "[here](http://bit.ly/{number}?utm_source=x) [here](#nowhere{number}) ![](a{number}.svg)\n"
        )
        .unwrap();
    }
    let mut headings = String::new();
    for number in 0..3_000 {
        writeln!(headings, "{} TODO {number}\n", "#".repeat(1 + number % 6)).unwrap();
    }
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("one byte", b"\xff".to_vec()),
        ("broken UTF-8", [HEAD.as_bytes(), b"Words \xc3\x28 and \xf0\x9f\n"].concat()),
        ("binary", (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
        ("NUL bytes", [HEAD.as_bytes(), &[0; 10_000]].concat()),
        ("UTF-16", HEAD.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("one endless line", format!("{HEAD}{}", "word ".repeat(200_000)).into()),
        ("one endless word", format!("{HEAD}{}", "x".repeat(1_000_000)).into()),
        ("deep quotes", format!("{HEAD}{}", deep("> ", "", 50_000)).into()),
        ("deep lists", format!("{HEAD}{}", deep("- ", "", 20_000)).into()),
        ("deep emphasis", format!("{HEAD}{}", deep("*a _b ", "_ *", 20_000)).into()),
        ("deep brackets", format!("{HEAD}{}", deep("[", "](x)", 50_000)).into()),
        ("deep containers", format!("{HEAD}{}", "::: note\n".repeat(20_000)).into()),
        ("deep HTML", format!("{HEAD}{}", deep("<div>", "</div>", 20_000)).into()),
        ("open comments", format!("{HEAD}{}", "<!-- ".repeat(100_000)).into()),
        ("level comments", format!("{HEAD}{}", "<!-- mimeo allow M999 -->\n".repeat(2_000)).into()),
        ("open placeholders", format!("{HEAD}{}", "{{ subscriber.".repeat(50_000)).into()),
        ("backticks", format!("{HEAD}{}", (1..1_500).map(|n| "`".repeat(n) + " ").collect::<String>()).into()),
        ("a front matter without an end", format!("---\n{}", "title: x\n".repeat(100_000)).into()),
        ("aliases in YAML", b"---\ntitle: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b,*b]\n---\nText.\n".to_vec()),
        ("deep YAML", format!("---\ntitle: {}\n---\nText.\n", deep("[", "]", 30_000)).into()),
        ("a date beyond", b"---\ntitle: A\nnumber: 99999999999999999999\ndate: 99999-99-99\n---\nText.\n".to_vec()),
        ("a date at the end of time", b"---\ntitle: A quiet week\ndate: 9999-12-31\n---\nText.\n".to_vec()),
        ("signs that steer terminals", format!("{HEAD}[\x1b[31m here](https://e.org/\x1b]0;x\x07) \u{202e}TODO\n").into()),
        ("odd addresses", format!(
            "{HEAD}[a](http://[::) [b](https://\u{0}) [c](https://%) [d](//x) [e](https://\u{1f600}.example) [f](https:///)\n"
        ).into()),
        ("thousands of links with slips", format!("{HEAD}{links}").into()),
        ("thousands of headings", format!("{HEAD}::: contents\n:::\n\n{headings}").into()),
        ("a megabyte", format!("{HEAD}{}", "A sentence that says the same again.\n\n".repeat(27_000)).into()),
        ("ten megabytes", format!("{HEAD}{}", "A sentence that says the same again.\n\n".repeat(270_000)).into()),
        ("too much", format!("{HEAD}{}", "x\n".repeat(9_000_000)).into()),
    ];
    for (name, content) in cases {
        let project = Project::new().file("issues/7.md", content);
        answer(name, &project, &[]);
    }
}

#[test]
fn a_hostile_issue_is_reported_to_programs_as_well() {
    let text = format!(
        "{HEAD}[\x1b[31m here](http://e.org/\n) \u{202e}TODO \u{2028} %0A::error::x [here](https://e.org/)\n"
    );
    for form in ["json", "sarif", "github"] {
        let project = Project::new().file("issues/7 ::%0A,é.md", &text);
        let ran = answer(form, &project, &["--format", form]);
        match form {
            "github" => assert!(ran.stdout.lines().all(|line| line.starts_with("::")), "{ran}"),
            _ => assert!(serde_json::from_str::<serde_json::Value>(&ran.stdout).is_ok(), "{ran}"),
        }
    }
}

#[test]
fn a_hostile_list_gets_an_answer() {
    let many: String = (0..60_000).map(|n| format!("info{n}@gmial.com,\n")).collect();
    let columns = (0..50_000).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("binary", (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
        ("broken UTF-8", b"email,first name\nbob@example.com,Jos\xe9\n".to_vec()),
        (
            "an open quotation mark",
            format!("email,first name\n\"{}", "bob@example.com,\n".repeat(100_000)).into(),
        ),
        ("quotation marks only", format!("email\n{}", "\"".repeat(2_000_001)).into()),
        ("one endless cell", format!("email,first name\nbob@example.com,{}\n", "x".repeat(5_000_000)).into()),
        ("one endless address", format!("email\n{}@example.com\n", "x".repeat(500_000)).into()),
        ("thousands of columns", format!("email,{columns}\n").into()),
        ("commas", format!("email,first name\n{}\n", ",".repeat(1_000_000)).into()),
        ("tens of thousands of slips", format!("email,first name\n{many}").into()),
        ("tens of thousands of bad rows", format!("email,first name\n{}", "nobody\n".repeat(60_000)).into()),
        (
            "formulas and header fields",
            b"email,first name\n=cmd()@example.com,\"Bob\r\nBcc: all@example.com\"\n".to_vec(),
        ),
    ];
    for (name, content) in cases {
        let issue = format!("{HEAD}Dear {{{{ subscriber.first_name }}}},\n");
        let project = Project::new().file("issues/7.md", issue).file("subscribers.csv", content);
        answer(name, &project, &[]);
    }
}
