//! The documentation is executed: command lines and settings in README and `docs/` have to work as they are written.
//!
//! Each page has a newsletter in which its commands run, one after the other, as a reader would type them. Settings are
//! loaded, options are looked up in the help. What has several homes (exit codes, the output in the README) is compared.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

use crate::support::{
    blesses,
    preview::Preview,
    project::{LEAST, Project, Ran, repository, same_everywhere},
    relay::{Relay, Script},
};

/// Programs other than `mimeo` that command lines of the documentation may start with. They are not run here.
const NOT_RUN: [&str; 9] =
    ["apt-get", "bash", "MIMEO_BLESS=1", "cargo", "docker", "git", "just", "npm", "sudo"];

fn page(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The pages for users. What contributors read speaks of tools that need not be here.
fn pages() -> Vec<String> {
    let mut names = vec!["README.md".to_owned()];
    for entry in fs::read_dir(repository().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    names
}

/// A fenced block: its language and its lines.
struct Fence {
    language: String,
    text: String,
}

/// The fenced blocks of a page, also those in a list.
fn fences(page: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let Some(language) = line.trim_start().strip_prefix("```").filter(|rest| !rest.starts_with('`'))
        else {
            continue;
        };
        let mut text = String::new();
        for line in lines.by_ref().take_while(|line| line.trim() != "```") {
            text.push_str(line.get(indent..).unwrap_or_default());
            text.push('\n');
        }
        fences.push(Fence { language: language.to_owned(), text });
    }
    fences
}

/// The command lines of a shell block, without comments.
fn command_lines(fence: &Fence) -> impl Iterator<Item = &str> {
    let lines = fence.text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Runs a line of the documentation, without its questions: no one is at the terminal, and no browser opens.
fn run(project: &Project, line: &str, relay: Option<&Relay>) -> Option<Ran> {
    let line = line.replacen("cargo run -- ", "mimeo ", 1).replace(" --port 8080", "");
    if NOT_RUN.contains(&line.split(' ').next().unwrap_or_default()) {
        return None;
    }
    let environment = |command: &mut Command| {
        if let Some(relay) = relay {
            command.env("MIMEO_RELAY", relay.url()).env("MIMEO_RELAY_PASSWORD", "secret");
        }
    };
    if line.starts_with("mimeo preview") && !line.contains("--static") {
        let arguments: Vec<&str> = line.split(' ').skip(1).filter(|word| *word != "--no-open").collect();
        let preview = Preview::started(project.mimeo([&arguments[..], &["--no-open"]].concat()));
        assert!(preview.ask(&preview.host, "/").starts_with("HTTP/1.1 200"), "{line}");
        return None;
    }
    let asks = line.starts_with("mimeo send") && !line.contains("--yes") && !line.contains("--dry-run");
    let line = if asks { format!("{line} --yes --first") } else { line };
    assert!(line.starts_with("mimeo "), "{line}: add it to the list of programs that are not run");
    let program = env!("CARGO_BIN_EXE_mimeo");
    let mut command = Command::new("bash");
    command.args(["-c", &line.replacen("mimeo ", &format!("'{program}' "), 1)]);
    command.current_dir(project.path("")).stdin(Stdio::null());
    same_everywhere(&mut command).env("XDG_STATE_HOME", project.path(".state"));
    environment(&mut command);
    Some(Ran::of(command))
}

/// Runs all of a page's command lines in one folder.
fn run_page(project: &Project, name: &str, relay: Option<&Relay>) {
    for fence in fences(&page(name)).iter().filter(|fence| fence.language == "sh") {
        for line in command_lines(fence) {
            if let Some(ran) = run(project, line, relay) {
                assert_eq!(ran.code, Some(0), "{name}: {line}\n{ran}");
            }
        }
    }
}

/// Numbers and units of time vary from run to run.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for c in text.replace(" ms,", " s,").chars() {
        match c {
            '0'..='9' if plain.ends_with('0') => {}
            '0'..='9' => plain.push('0'),
            '.' | ',' if plain.ends_with('0') => {}
            other => plain.push(other),
        }
    }
    plain
}

#[test]
fn the_readme_can_be_followed_and_prints_what_it_shows() {
    let project = Project::gradient_ascent();
    let text = page("README.md");
    let fences = fences(&text);
    let lines: Vec<_> =
        fences.iter().filter(|fence| fence.language == "sh").flat_map(command_lines).collect();
    // The first one builds what is quickest to build.
    assert_eq!(lines[0], "cargo run -- send a-year-in-review --yes");
    let shown = fences.iter().find(|fence| fence.language == "text").unwrap();
    let ran = run(&project, lines[0], None).unwrap().code(0);
    assert_eq!(without_numbers(&ran.stderr), without_numbers(&shown.text), "the README shows another output");
    run_page(&project, "README.md", None);
    assert_eq!(project.list("outbox").len(), 12, "the second run sends nothing");
}

/// The newsletter that the guide sets up: its settings, its list and its first issue.
#[test]
fn the_guide_can_be_followed_from_an_empty_folder_to_a_sent_issue() {
    let relay = Relay::start(Script::new());
    let text = page("docs/guide.md");
    let fences = fences(&text);
    let block = |language: &str| &fences.iter().find(|fence| fence.language == language).unwrap().text;
    let project = Project::empty().file("mimeo.toml", block("toml")).file("subscribers.csv", block("csv"));
    let mut relay_is_set_up = false;
    for fence in &fences {
        match fence.language.as_str() {
            "toml" if fence.text.starts_with("[relay]") => relay_is_set_up = true,
            "sh" => {
                for line in command_lines(fence) {
                    let ran = run(&project, line, relay_is_set_up.then_some(&relay));
                    if let Some(ran) = ran {
                        assert_eq!(ran.code, Some(0), "{line}\n{ran}");
                    }
                    if line.starts_with("mimeo new \"The first cup\"") {
                        let path = format!("issues/{}", project.list("issues")[0]);
                        project.write(&path, format!("{}\n{}", block("yaml"), block("markdown")));
                    }
                    if line.starts_with("mimeo test") {
                        let path = format!(
                            "issues/{}",
                            project
                                .list("issues")
                                .into_iter()
                                .find(|name| name.ends_with("first-cup.md"))
                                .unwrap()
                        );
                        project.write(&path, project.read(&path).replace("draft: true\n", ""));
                    }
                }
            }
            _ => {}
        }
    }
    assert!(relay_is_set_up);
    let mut recipients = relay.recipients();
    recipients.sort();
    assert_eq!(recipients, ["ada@example.com", "jorg@example.net", "noor@kettle.example.org"]);
}

#[test]
fn the_page_about_preview_and_diff_can_be_followed() {
    let project = Project::gradient_ascent();
    let git = "git init -q -b main . && git add --all && git -c user.name=Ada -c user.email=ada@example.org \
               -c commit.gpgsign=false commit -q -m state && git tag v1.0";
    project.shell(git).code(0);
    run_page(&project, "docs/preview.md", None);
}

#[test]
fn the_page_about_approval_can_be_followed() {
    let issue = "---\ntitle: The first cup\n---\nHello.\n";
    let project = Project::new().file("issues/2023-01-13-the-first-cup.md", issue);
    run_page(&project, "docs/approval.md", None);
    assert_eq!(project.list("approvals"), ["2023-01-13-the-first-cup.toml"]);
}

#[test]
fn the_pages_about_installing_dns_and_backups_can_be_followed() {
    let project = Project::new().file("issues/one.md", "---\ntitle: The first cup\n---\nHello.\n");
    run_page(&project, "docs/install.md", None);
    assert!(project.read("_mimeo").contains("compdef"));
    run_page(&project, "docs/dns.md", None);
    project.run(["send", "one", "--yes"]).code(0);
    run_page(&project, "docs/backup.md", None);
}

#[test]
fn the_page_about_lists_can_be_followed() {
    let project = Project::empty().file("mimeo.toml", format!("{LEAST}\n[list]\nmanaged = true\n")).file(
        "all.csv",
        "email,city,age,since,tags,joined_at\nann@example.com,Berlin,41,2020-01-01,beta,2026-01-02\n",
    );
    project.run(["subscribers", "import", "all.csv", "--yes"]).code(0);
    run_page(&project, "docs/lists.md", None);
}

#[test]
fn the_page_about_moving_can_be_followed() {
    let project = Project::empty()
        .file("mimeo.toml", format!("{LEAST}\n[list]\nmanaged = true\n"))
        .file("left.csv", "email\nbob@example.com\n")
        .file("friends.csv", "email\nzoe@example.com\n");
    for (name, fixture) in [
        ("subscribed", "mailchimp-subscribed"),
        ("unsubscribed", "mailchimp-unsubscribed"),
        ("cleaned", "mailchimp-cleaned"),
        ("nonsubscribed", "nonsubscribed-mailchimp"),
        ("email_list.kettle", "substack"),
        ("members", "ghost"),
        ("subscribers", "kit"),
        ("buttondown", "buttondown"),
        ("beehiiv", "beehiiv"),
        ("listmonk", "listmonk"),
        ("contacts", "keila"),
    ] {
        let fixture = repository().join(format!("tests/fixtures/exports/{fixture}.csv"));
        project.write(&format!("{name}.csv"), fs::read(fixture).unwrap());
    }
    run_page(&project, "docs/moving.md", None);
    assert_eq!(project.read("active.csv").lines().next().unwrap().split(',').next(), Some("email"));
    assert!(project.list("to-mailchimp").contains(&"unsubscribed.csv".to_owned()));
}

#[test]
fn the_page_about_moving_says_of_each_status_what_an_import_makes_of_it() {
    let text = page("docs/moving.md");
    let project = Project::empty().file("mimeo.toml", format!("{LEAST}\n[list]\nmanaged = true\n"));
    for (service, header, before) in [
        ("Kit", "email,first_name,created_at,state", "x@example.com,X,2024-01-02,"),
        ("Buttondown", "email,secondary_id,creation_date,subscriber_type", "x@example.com,1,2024-01-02,"),
        ("beehiiv", "Email,Subscription Tier,Created At,Status", "x@example.com,free,2024-01-02,"),
        ("listmonk", "uuid,email,name,attributes,status", "1,x@example.com,X,{},"),
        ("Keila", "Email,First name,Last name,Data,External ID,Status", "x@example.com,X,Y,,,"),
    ] {
        let section = text.split(&format!("## Moving from {service}\n")).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | `"));
        let mut words = 0;
        for (there, here) in rows.filter(|(there, _)| !there.starts_with('`')) {
            let here = here.split('`').next().unwrap();
            for word in there.split(", ") {
                project.write("one.csv", format!("{header}\n{before}{word}\n"));
                let from = service.to_lowercase();
                let ran =
                    project.run(["subscribers", "import", "--from", &from, "one.csv", "--json"]).code(0);
                let summary: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
                assert_eq!(summary["created"][here], 1, "{service} {word}: {ran}");
                words += 1;
            }
        }
        assert!(words >= 3, "{service}: {words} statuses");
    }
}

#[test]
fn other_pages_have_no_command_lines_that_are_not_run() {
    // The page of findings is made from the findings, whose examples are tests of their own (`findings.rs`).
    let run = [
        "README.md",
        "docs/approval.md",
        "docs/backup.md",
        "docs/dns.md",
        "docs/findings.md",
        "docs/guide.md",
    ];
    let run = [&run[..], &["docs/install.md", "docs/lists.md", "docs/moving.md", "docs/preview.md"]].concat();
    for name in pages().iter().filter(|name| !run.contains(&name.as_str())) {
        let text = page(name);
        let fences = fences(&text);
        let lines: Vec<_> =
            fences.iter().filter(|fence| fence.language == "sh").flat_map(command_lines).collect();
        assert!(lines.is_empty(), "give {name} a test in tests/it/documentation.rs that runs {lines:?}");
    }
}

/// Blocks of `bash` are shown and not run, and why. Their commands must exist all the same.
const SHOWN: [(&str, usize, &str); 5] = [
    ("docs/backup.md", 1, "a nightly script with folders of the reader's machine"),
    ("docs/ci.md", 3, "scripts for a machine of CI; `suppression_file.rs` runs each"),
    ("docs/install.md", 1, "needs docker and a published image"),
    ("docs/many-machines.md", 1, "needs a server; `moving.rs` copies a ledger to one"),
    (
        "docs/workers.md",
        5,
        "commands that wait, on a dispatch that is open; `work`, `stop`, `watch` and `schedule` run them",
    ),
];

#[test]
fn every_block_of_bash_has_a_reason_not_to_be_run_and_names_commands_that_exist() {
    for name in pages() {
        let text = page(&name);
        let blocks: Vec<Fence> = fences(&text).into_iter().filter(|fence| fence.language == "bash").collect();
        let expected = SHOWN.iter().find(|(page, ..)| *page == name).map_or(0, |(_, blocks, _)| *blocks);
        assert_eq!(
            blocks.len(),
            expected,
            "{name}: use `sh` for commands that a test can run, or list it here"
        );
        for line in blocks.iter().flat_map(command_lines).filter(|line| line.starts_with("mimeo ")) {
            assert_eq!(unknown_options(line), Vec::<String>::new(), "{name}: {line}");
        }
    }
    let languages = pages().into_iter().flat_map(|name| fences(&page(&name))).map(|fence| fence.language);
    let shells: Vec<String> =
        languages.filter(|name| ["shell", "console", "zsh"].contains(&name.as_str())).collect();
    assert_eq!(shells, [""; 0], "say `sh`, or `bash`");
}

#[test]
fn every_block_of_settings_loads() {
    let mut blocks = 0;
    for name in pages() {
        for fence in fences(&page(&name)).iter().filter(|fence| fence.language == "toml") {
            let settings = if fence.text.contains("[newsletter]") {
                fence.text.clone()
            } else if fence.text.trim_start().starts_with('[') {
                format!("{LEAST}\n{}", fence.text)
            } else {
                format!("{}\n{LEAST}", fence.text)
            };
            let ran = Project::new().file("mimeo.toml", settings).run(["subscribers", "check"]);
            assert_eq!(ran.code, Some(0), "{name}:\n{}\n{ran}", fence.text);
            blocks += 1;
        }
    }
    assert!(blocks > 3, "{blocks}");
}

#[test]
fn the_compose_file_is_yaml_and_its_commands_exist() {
    use saphyr_parser::{Event, Parser};
    let text = page("docs/many-machines.md");
    let compose = fences(&text).into_iter().find(|fence| fence.language == "yaml").unwrap().text;
    let words: Vec<String> = Parser::new_from_str(&compose)
        .map(|event| event.unwrap_or_else(|error| panic!("{error}\n{compose}")).0)
        .filter_map(|event| match event {
            Event::Scalar(text, ..) => Some(text.into_owned()),
            _ => None,
        })
        .collect();
    for name in ["services", "database", "service", "worker", "replicas", "stop_grace_period"] {
        assert!(words.iter().any(|word| word == name), "{name}");
    }
    let mut commands = 0;
    for line in compose.lines().filter_map(|line| line.trim().strip_prefix("command: ")) {
        let words: Vec<String> = serde_json::from_str(line).unwrap();
        if words[0] != "postgres" {
            assert_eq!(unknown_options(&format!("mimeo {}", words.join(" "))), Vec::<String>::new());
            commands += 1;
        }
    }
    assert_eq!(commands, 2);
}

#[test]
fn the_units_of_systemd_are_units() {
    let mut units = 0;
    for name in pages() {
        for fence in fences(&page(&name))
            .iter()
            .filter(|fence| fence.language == "ini" && fence.text.contains("[Unit]"))
        {
            units += 1;
            for section in ["[Unit]", "[Service]", "[Install]"] {
                assert!(fence.text.contains(section), "{name}: {section}");
            }
            for line in fence.text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])) {
                assert!(line.split_once('=').is_some(), "{name}: {line}");
            }
            let start = fence.text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
            let command = start.rsplit_once("/mimeo").unwrap().1;
            assert_eq!(unknown_options(&format!("mimeo{command}")), Vec::<String>::new(), "{name}");
        }
    }
    assert!(units >= 3, "{units}");
}

#[test]
fn every_front_matter_in_the_documentation_makes_an_issue() {
    let mut issues = 0;
    for name in pages() {
        for fence in fences(&page(&name)).iter().filter(|fence| fence.text.starts_with("---\n")) {
            let project = Project::new().file("issues/one.md", format!("{}\nHello.\n", fence.text));
            project.run(["build", "one"]).code(0);
            issues += 1;
        }
    }
    assert!(issues >= 3, "{issues}");
}

/// The help of a command, or of a command's command.
fn help(words: &[&str]) -> Option<String> {
    let project = Project::empty();
    let ran = project.run([&words[..2.min(words.len())], &["--help"]].concat());
    let ran = if ran.code == Some(0) { ran } else { project.run([&words[..1], &["--help"]].concat()) };
    (ran.code == Some(0)).then_some(ran.stdout)
}

/// The options that a command line uses and its help does not have.
fn unknown_options(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word != "mimeo").skip(1).collect();
    let is_word = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase());
    let names: Vec<&str> = words.iter().take_while(is_word).copied().collect();
    let Some(command) = names.first().filter(|name| **name != "help") else { return Vec::new() };
    let Some(help) = help(&names) else { return vec![format!("the command `{command}`")] };
    let options = words.iter().filter(|word| word.starts_with("--"));
    let options = options.map(|word| word.split(['=', '|', '\\', ']']).next().unwrap_or_default());
    let known: BTreeSet<&str> = help
        .split(|c: char| c != '-' && !c.is_alphanumeric())
        .filter(|word| word.starts_with("--"))
        .collect();
    options.filter(|option| !known.contains(*option)).map(|option| format!("`{option}`")).collect()
}

/// Command lines in code inside of sentences and tables.
fn inline_commands(page: &str) -> BTreeSet<String> {
    let text: String = {
        let mut inside = false;
        page.lines()
            .filter(|line| {
                let is_fence = line.trim_start().starts_with("```");
                inside ^= is_fence;
                !inside && !is_fence
            })
            .flat_map(|line| [line, " "])
            .collect()
    };
    text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("mimeo ")).map(str::to_owned).collect()
}

#[test]
fn every_command_that_the_documentation_names_exists_with_its_options() {
    let mut wrong = Vec::new();
    let mut commands = 0;
    for name in pages() {
        for line in inline_commands(&page(&name)) {
            commands += 1;
            wrong.extend(unknown_options(&line).into_iter().map(|what| format!("{name}: {line}: {what}")));
        }
    }
    assert!(wrong.is_empty(), "not in the help:\n{}", wrong.join("\n"));
    assert!(commands > 30, "{commands}");
}

#[test]
fn every_example_in_a_help_uses_options_that_exist() {
    let commands = Project::empty().run(["--help"]).stdout;
    let names = commands.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names: Vec<&str> =
        names.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 15, "{names:?}");
    let mut wrong = Vec::new();
    for name in names.into_iter().filter(|name| *name != "help") {
        let help = help(&[name]).unwrap();
        let examples = help.lines().skip_while(|line| !line.starts_with("Example"));
        for line in examples.filter(|line| line.trim_start().starts_with("mimeo ")) {
            for part in line.split(['|', '>', ';']).flat_map(|part| part.split("&&")) {
                wrong.extend(unknown_options(part).into_iter().map(|what| format!("{line}: {what}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_readme_and_the_guide_have_the_exit_codes_of_the_help() {
    let help = Project::empty().run(["--help"]).stdout;
    let codes = help.split_once("Exit codes:\n").expect("the help has exit codes").1;
    // Long lines are wrapped; a code begins a new one.
    let mut meanings: Vec<(String, String)> = Vec::new();
    for line in codes.lines().filter(|line| !line.trim().is_empty()) {
        match line.trim_start().split_once("  ").filter(|(code, _)| code.parse::<u8>().is_ok()) {
            Some((code, meaning)) => meanings.push((code.to_owned(), meaning.trim().to_owned())),
            None => {
                let (_, meaning) = meanings.last_mut().expect("a code comes first");
                *meaning = format!("{meaning} {}", line.trim());
            }
        }
    }
    assert_eq!(meanings.len(), 7, "{meanings:?}");
    for name in ["README.md", "docs/guide.md", "docs/exit-codes.md"] {
        let text = page(name);
        for (code, meaning) in &meanings {
            assert!(text.contains(&format!("| {code} | {meaning} |")), "{name}: {code} | {meaning}");
        }
    }
}

#[test]
fn every_command_is_in_the_list_of_commands() {
    let help = Project::empty().run(["--help"]).stdout;
    let names = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = names.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    let text = page("docs/commands.md");
    for name in names.filter(|name| *name != "help") {
        assert!(text.contains(&format!("`mimeo {name}")), "docs/commands.md has no `mimeo {name}`");
    }
}

#[test]
fn the_page_of_settings_has_what_the_program_prints() {
    let settings = Project::empty().run(["settings"]).code(0).stdout;
    let text = page("docs/settings.md");
    let fences = fences(&text);
    let reference = fences.last().unwrap();
    if blesses() && reference.text != settings {
        fs::write(repository().join("docs/settings.md"), text.replace(&reference.text, &settings)).unwrap();
        return;
    }
    assert!(reference.text == settings, "docs/settings.md is stale: run this test with MIMEO_BLESS=1");
}

#[test]
fn users_and_readers_of_the_source_are_promised_the_same() {
    let text = page("docs/guarantees.md");
    let list =
        text.split_once("\n1. ").unwrap().1.split_once("\nNot promised").unwrap().0.replace("\n   ", " ");
    let promised: Vec<&str> = list
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' '))
        .collect();
    let text = page("ARCHITECTURE.md");
    let table = text.split_once("## Seven promises").unwrap().1.split_once("\n## ").unwrap().0;
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|row| row.starts_with("| ")).map(|row| row.split(" | ").collect()).collect();
    let kept: Vec<&str> =
        rows.iter().filter(|row| row[0] != "| #" && !row[0].contains("---")).map(|row| row[1]).collect();
    assert_eq!((promised.len(), kept.len()), (7, 7), "{promised:?} {kept:?}");
    for (promised, kept) in promised.iter().zip(kept) {
        assert!(promised.starts_with(kept), "docs/guarantees.md: {promised}\nARCHITECTURE.md: {kept}");
    }
}
