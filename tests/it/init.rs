//! `mimeo init`: from nothing to a newsletter that can be checked and sent.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::project::{Project, Ran};

const NAME: &str = "The \"Slow\" Kettle";
const FLAGS: [&str; 5] = ["init", "--name", NAME, "--from", "Noor <noor@kettle.example.org>"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&FLAGS[..], more].concat()
}

/// The findings of `mimeo check`, without those that ask for something that `init` cannot know.
fn findings(project: &Project) -> Vec<String> {
    let ran = project.run(["check", "--format", "json"]).code(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let findings = report["diagnostics"].as_array().unwrap_or_else(|| panic!("{report}"));
    let codes = findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned());
    // No DKIM key, and no page to unsubscribe at: true of every new newsletter, and only notes.
    codes.filter(|code| code != "M483" && code != "M486").collect()
}

#[test]
fn a_new_newsletter_can_be_checked_previewed_and_sent_into_the_outbox() {
    let project = Project::empty();
    let ran = project.run(with(&["--postal-address", "1 Kettle Lane\\n12345 Minimum"])).code(0).stdout("");
    for line in ["created `mimeo.toml`", "created `subscribers.csv`", "  mimeo send 1 --dry-run"] {
        assert!(ran.stderr.contains(line), "{ran}");
    }
    assert_eq!(findings(&project), Vec::<String>::new());
    project.run(["check", "--deny", "warnings"]).code(0);
    project.run(["preview", "--static", "page.html"]).code(0);
    project.run(["send", "1", "--dry-run"]).code(0);
    project.run(["send", "1", "--yes"]).code(0).stderr_has("2 accepted");
    assert_eq!(project.list("outbox").len(), 2, "{:?}", project.list("outbox"));
    assert_eq!(project.list("issues").len(), 1);
    project.run(["new", "The second"]).code(0);
    project.run(["build", "2"]).code(0);
    let mode = fs::metadata(project.path("subscribers.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a list is for its owner only");
}

#[test]
fn what_a_new_newsletter_lacks_is_said_and_nothing_else() {
    let project = Project::empty();
    project.run(FLAGS).code(0);
    assert_eq!(findings(&project), ["M482"], "only the postal address is missing");
}

#[test]
fn the_three_commands_at_the_end_work_as_they_are_printed() {
    let project = Project::empty();
    let ran = project.run(with(&["the kettle's folder"])).code(0);
    let commands: Vec<_> = ran.stderr.lines().filter_map(|line| line.strip_prefix("  mimeo ")).collect();
    assert_eq!(commands.len(), 3, "{ran}");
    let program = env!("CARGO_BIN_EXE_mimeo");
    for command in &commands[1..] {
        project.shell(&format!("'{program}' {command}")).code(0);
    }
    assert!(project.path("the kettle's folder/outbox").is_dir());
}

#[test]
fn git_ignores_people_keys_and_letters() {
    let project = Project::empty();
    project.run(with(&["--list", "lists/people.csv"])).code(0);
    project.run(["send", "1", "--yes"]).code(0);
    project.run(["build", "1", "-o", "build"]).code(0);
    let ran = project.shell("git init -q . && git add --all && git ls-files").code(0);
    let mut tracked: Vec<_> = ran.stdout.lines().collect();
    tracked.retain(|name| !name.starts_with("issues/"));
    assert_eq!(tracked, [".gitignore", "mimeo.toml"]);
}

#[test]
fn files_that_exist_are_kept_and_named() {
    let project = Project::empty()
        .file("README.md", "mine")
        .file(".gitignore", "mine")
        .file("subscribers.csv", "mine")
        .file("issues/old.md", "# Mine\n");
    let ran = project.run(with(&["--ci", "github"])).code(0);
    for name in [".gitignore", "subscribers.csv", "issues"] {
        assert!(ran.stderr.contains(&format!("kept `{name}`, which already exists\n")), "{name}\n{ran}");
    }
    assert!(
        ran.stderr.contains("check that it has these lines: `/subscribers.csv`, `/*.csv`, `/.mimeo/`"),
        "{ran}"
    );
    for name in ["README.md", ".gitignore", "subscribers.csv"] {
        assert_eq!(project.read(name), "mine");
    }
    assert_eq!(project.list("issues"), ["old.md"]);
}

#[test]
fn a_newsletter_keeps_its_settings_and_gets_what_it_lacks() {
    let project = Project::empty();
    let settings =
        "[newsletter]\nname = \"Old\"\n[sender]\nfrom = \"a@example.org\"\n[list]\npath = \"p.csv\"\n";
    project.write("mimeo.toml", settings);
    project.run(FLAGS).code(2).stderr_has("`mimeo.toml` already exists, so `--name` has no effect");
    assert_eq!(fs::read_dir(project.path("")).unwrap().count(), 1, "nothing was written");
    project.run(["init"]).code(0).stderr_has("created `p.csv`");
    assert_eq!(project.read("mimeo.toml"), settings);
    assert!(project.read(".gitignore").contains("/p.csv\n"));
    // Once more: everything is there.
    let ran = project.run(["init"]).code(0);
    assert!(!ran.stderr.contains("created"), "{ran}");
}

#[test]
fn without_a_terminal_name_and_sender_are_required_and_flags_are_validated() {
    let project = Project::empty();
    let cases: [(&[&str], &str); 6] = [
        (&["init"], "cannot prompt: not a terminal\nhint: pass --name and --from"),
        (&["init", "--name", "A"], "cannot prompt: not a terminal"),
        (&["init", "--name", " ", "--from", "a@example.org"], "invalid value for --name: it is empty"),
        (&["init", "--name", "A", "--from", "a"], "invalid value for --from: invalid email address"),
        (
            &["init", "--name", "A", "--from", "a@example.org", "--relay", "ftp://x"],
            "invalid value for --relay",
        ),
        (
            &["init", "--name", "A", "--from", "a@example.org", "--list", "../x.csv"],
            "invalid value for --list: name a file in the newsletter's folder",
        ),
    ];
    for (arguments, expected) in cases {
        project.run(arguments).code(2).stderr_has(expected);
    }
    assert_eq!(fs::read_dir(project.path("")).unwrap().count(), 0, "nothing was written");
}

/// Runs `mimeo init` at a terminal, with these lines typed.
fn typed(project: &Project, lines: &str) -> Ran {
    project.mimeo(["init"]).env("TERM", "dumb").at_terminal(lines)
}

#[test]
fn at_a_terminal_it_asks_four_questions_and_repeats_those_with_an_invalid_answer() {
    let project = Project::empty();
    let ran =
        typed(&project, "The Slow Kettle\nnoor\nNoor <noor@kettle.example.org>\n\npeople.csv\n").code(0);
    let ran = ran
        .stdout_has("Name of the newsletter: ")
        .stdout_has("invalid email address")
        .stdout_has("[outbox]: ");
    assert_eq!(ran.stdout.matches("Sender, as in").count(), 2, "{ran}");
    let settings = project.read("mimeo.toml");
    for line in
        ["name = \"The Slow Kettle\"", "path = \"people.csv\"", "from = \"Noor <noor@kettle.example.org>\""]
    {
        assert!(settings.contains(line), "{settings}");
    }
    assert!(project.path("people.csv").is_file());
}

#[test]
fn workflows_are_yaml_and_their_commands_work_here() {
    for (host, path) in [("github", ".github/workflows/newsletter.yml"), ("gitlab", ".gitlab-ci.yml")] {
        let project = Project::empty();
        project.run(with(&["--ci", host])).code(0).stderr_has(path);
        // As in a fresh checkout: no list, no ledger.
        fs::remove_file(project.path("subscribers.csv")).unwrap();
        let text = project.read(path);
        let commands = text.lines().filter_map(|line| {
            line.trim_start()
                .trim_start_matches("- ")
                .strip_prefix("run: ")
                .or(line.trim_start().strip_prefix("- "))
        });
        let commands: Vec<_> = commands.filter(|line| line.starts_with("mimeo ")).collect();
        assert_eq!(commands.len(), 1, "{text}");
        project.run(commands[0].split(' ').skip(1).collect::<Vec<_>>()).code(0);
        assert!(text.contains(&format!("--version {} --locked", env!("CARGO_PKG_VERSION"))), "{text}");
        let mut parser = saphyr_parser::Parser::new_from_str(&text);
        assert!(parser.all(|event| event.is_ok()), "{path}");
    }
}

#[test]
fn a_managed_list_starts_empty_and_takes_readers() {
    let project = Project::empty();
    let ran = project
        .run(with(&["--list", "managed"]))
        .code(0)
        .stderr_has("  mimeo subscribers add you@example.org");
    assert!(!ran.stderr.contains("subscribers.csv"), "{ran}");
    assert!(project.read("mimeo.toml").contains("[list]\nmanaged = true\n"));
    assert!(project.read(".gitignore").contains("\n/*.csv\n"), "exports of other services stay out of git");
    assert_eq!(findings(&project), ["M482"]);
    project.run(["preview", "--static", "page.html"]).code(0);
    project.run(["send", "1", "--dry-run"]).code(0).stderr_has("no subscriber on the list");
    let steps = ran.stderr.lines().skip_while(|line| *line != "Next:").skip(1);
    let columns: std::collections::BTreeSet<_> = steps.map(|step| step.find('#')).collect();
    assert!(columns.len() == 1 && !columns.contains(&None), "what the commands do is in one column: {ran}");
    project.run(["subscribers", "add", "you@example.org"]).code(0);
    let dry = project.run(["send", "1", "--dry-run"]).code(0);
    let each = dry.stderr.split_once(" each), made in").unwrap().0.rsplit('(').next().unwrap();
    assert!(!each.contains(" to "), "one letter has one size: {each}");
    project.run(["send", "1", "--yes"]).code(0).stderr_has("1 accepted");
}
