//! Suppressions in a file under git, and sending from a checkout that starts empty.

use std::{fs, path::Path, process::Command};

use crate::support::{
    project::{LEAST, Project, Ran, repository},
    relay::{Relay, Script},
};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const ISSUE: &str = "---\ntitle: Hello\nnumber: 1\ndate: 2022-12-30\n---\n\nHello.\n";

/// A newsletter in a repository that keeps its suppressions in a file; with a list, as a secret of the CI would bring it.
fn project() -> Project {
    let settings = LEAST.replace("[sender]", "key = { env = \"MIMEO_KEY\" }\n\n[sender]");
    Project::empty()
        .file("mimeo.toml", format!("{settings}\n[suppress]\nfile = \"suppressions.txt\"\n"))
        .file("subscribers.csv", "email\nann@example.com\nbob@example.com\ncy@example.com\n")
        .file("issues/one.md", ISSUE)
        .file(".gitignore", ".mimeo/\noutbox/\nsubscribers.csv\n")
}

fn run<'a>(project: &Project, arguments: impl AsRef<[&'a str]>) -> Ran {
    project.mimeo(arguments).env("MIMEO_KEY", KEY).run()
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]);
    let ran = command.args(arguments).current_dir(folder).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// What a clone has, as a newsletter of its own.
fn clone(project: &Project) -> Project {
    let copy = Project::empty();
    git(project.path("").as_path(), &["init", "-q"]);
    git(project.path("").as_path(), &["add", "-A"]);
    git(project.path("").as_path(), &["commit", "-qm", "state"]);
    git(copy.path("").as_path(), &["clone", "-q", project.path("").to_str().unwrap(), "clone"]);
    fs::copy(project.path("subscribers.csv"), copy.path("clone/subscribers.csv")).unwrap();
    copy
}

fn in_clone<'a>(copy: &Project, arguments: impl AsRef<[&'a str]>) -> Ran {
    run(copy, [&["-C", "clone"], arguments.as_ref()].concat())
}

#[test]
fn a_checkout_without_the_ledger_writes_to_no_one_who_said_no() {
    let project = project();
    run(&project, ["suppress", "bob@example.com", "--reason", "unsubscribed", "--note", "asked by phone"])
        .code(0);
    let file = project.read("suppressions.txt");
    assert!(!file.contains("bob") && !file.contains("phone") && file.contains(" unsubscribed "), "{file}");
    let copy = clone(&project);
    let found = in_clone(&copy, ["check"]);
    assert!(!found.stdout.contains("M493") && !found.stderr.contains("M493"), "{found}");
    in_clone(&copy, ["send", "one", "--dry-run"]).code(0).stderr_has("2 people get it (1 suppressed)");
    in_clone(&copy, ["test", "one", "--to", "Bob@example.com"])
        .code(3)
        .stderr_has("…@example.com is suppressed");
    in_clone(&copy, ["suppress"]).code(0).stdout_has("bob@example.com,unsubscribed,");
    in_clone(&copy, ["send", "one", "--yes"]).code(0).stderr_has("2 accepted, 1 suppressed");
    // Lifted here, and in the file.
    in_clone(&copy, ["unsuppress", "bob@example.com"]).code(0);
    assert_eq!(copy.read("clone/suppressions.txt").lines().count(), 3);
    in_clone(&copy, ["unsuppress", "bob@example.com"]).code(3).stderr_has("1 address was not suppressed");
}

#[test]
fn who_unsubscribed_is_in_the_file_too() {
    let project = project();
    run(&project, ["unsubscribe", "bob@example.com"]).code(0);
    assert!(project.read("suppressions.txt").contains(" unsubscribed "));
    let copy = clone(&project);
    in_clone(&copy, ["send", "one", "--dry-run"]).code(0).stderr_has("2 people get it (1 suppressed)");
}

#[test]
fn who_is_suppressed_in_the_file_while_an_issue_is_sent_gets_no_letter() {
    let project = project();
    run(&project, ["suppress", "--write-file"]).code(0).stderr_has("`suppressions.txt` has 0 suppressions");
    run(&project, ["send", "one", "--yes", "--limit", "1"]).code(0);
    let copy = clone(&project);
    in_clone(&copy, ["suppress", "cy@example.com"]).code(0);
    project.write("suppressions.txt", copy.read("clone/suppressions.txt"));
    // Also when the person is not on the list any more.
    project.write("subscribers.csv", "email\nann@example.com\nbob@example.com\n");
    run(&project, ["send", "one", "--yes"]).code(0).stderr_has("2 accepted, 1 suppressed");
}

#[test]
fn a_missing_file_or_key_and_a_merge_conflict_are_errors() {
    let project = project();
    for command in [
        &["send", "one", "--dry-run"][..],
        &["send", "one", "--yes"],
        &["test", "one", "--to", "me@example.com"],
    ] {
        run(&project, command).code(3).stderr_has("the suppression file `suppressions.txt` is missing");
    }
    run(&project, ["suppress", "bob@example.com"]).code(0);
    let good = project.read("suppressions.txt");
    project
        .mimeo(["send", "one", "--yes"])
        .env("MIMEO_KEY", KEY.replace('0', "1"))
        .run()
        .code(3)
        .stderr_has("was made with another key of the newsletter");
    project.write("suppressions.txt", format!("{good}<<<<<<< HEAD\n"));
    for command in
        [&["send", "one", "--yes"][..], &["suppress", "cy@example.com"], &["unsuppress", "bob@example.com"]]
    {
        run(&project, command).code(3).stderr_has("suppressions.txt:5: unresolved merge conflict");
    }
    project.write("suppressions.txt", good);
    let settings = project.read("mimeo.toml").replace("key = { env = \"MIMEO_KEY\" }\n", "");
    project.write("mimeo.toml", settings);
    fs::remove_dir_all(project.path(".mimeo")).unwrap();
    project.run(["send", "one", "--yes"]).code(3).stderr_has(
        "the newsletter's key `.mimeo/key` is missing, and the suppressions in `suppressions.txt`",
    );
    assert!(!project.path(".mimeo/key").exists() && project.list("outbox").is_empty());
}

#[test]
fn a_key_that_a_program_knows_needs_trust_in_every_command_that_uses_it() {
    let project = project();
    let settings = project.read("mimeo.toml");
    let key = format!("key = {{ command = [\"echo\", \"{KEY}\"] }}");
    project.write("mimeo.toml", settings.replace("key = { env = \"MIMEO_KEY\" }", &key));
    for command in [
        &["suppress", "bob@example.com"][..],
        &["unsuppress", "bob@example.com"],
        &["suppress", "--write-file"],
        &["unsubscribe", "cy@example.com"],
    ] {
        project.run(command).code(3).stderr_has("mimeo trust");
        project.run([command, &["--trust"]].concat()).code(0);
    }
    assert_eq!(
        project.read("suppressions.txt").lines().filter(|line| line.contains(" unsubscribed ")).count(),
        1
    );
}

#[test]
fn notes_survive_export_import_and_a_command_without_addresses() {
    let project = Project::new();
    project.run(["suppress", "--note", "asked by phone"]).code(2).stderr_has("no address to suppress");
    project.run(["suppress", "ann@example.com", "--note", "asked by phone, \"twice\""]).code(0);
    project.write("old.csv", "email,reason,note\nbob@example.com,spamtrap,see ticket 7\ncy@example.com,,\nann@example.com,,other\n");
    project.run(["suppress", "--from", "old.csv", "--note", "from the old list"]).code(0);
    project.run(["suppress", "dee@example.com"]).code(0);
    project.run(["suppress", "dee@example.com", "--note", "wrote twice"]).code(0);
    let export = project.run(["suppress"]).code(0).stdout;
    for part in
        ["asked by phone, \"\"twice\"\"", "spamtrap; see ticket 7", "from the old list", "wrote twice"]
    {
        assert!(export.contains(part), "no {part:?} in {export}");
    }
    let other = Project::new().file("s.csv", &export);
    other.run(["suppress", "--from", "s.csv"]).code(0);
    other.run(["suppress"]).code(0).stdout(&export);
}

/// The scripts of the page about CI.
fn scripts() -> Vec<String> {
    let page = fs::read_to_string(repository().join("docs/ci.md")).unwrap();
    let blocks = page.split("```bash\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(script, _)| script.to_owned()).filter(|script| script.starts_with("set -eu")).collect()
}

#[test]
fn the_scripts_for_ci_send_once_and_refuse_when_the_folder_is_lost() {
    let scripts = scripts();
    assert_eq!(scripts.len(), 2);
    for (script, variable) in scripts.iter().zip(["STATE", "STORE"]) {
        let relay = Relay::start(Script::new());
        let project = project();
        run(&project, ["suppress", "bob@example.com"]).code(0);
        fs::remove_dir_all(project.path(".mimeo")).unwrap();
        let kept = tempfile::tempdir().unwrap();
        let source = clone(&project);
        let in_fresh_clone = |first: bool| {
            let fresh = Project::empty();
            git(fresh.path("").as_path(), &["clone", "-q", source.path("clone").to_str().unwrap(), "clone"]);
            fs::copy(project.path("subscribers.csv"), fresh.path("clone/subscribers.csv")).unwrap();
            let bin = Path::new(env!("CARGO_BIN_EXE_mimeo")).parent().unwrap().display().to_string();
            let mut command = Command::new("sh");
            command.args(["-c", script, "send.sh", "one"]).current_dir(fresh.path("clone"));
            command.env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()));
            command
                .env("MIMEO_KEY", KEY)
                .env("MIMEO_RELAY", relay.url())
                .env("XDG_STATE_HOME", fresh.path("state"));
            command.env(variable, kept.path()).env("ISSUE", "one");
            if first {
                command.env("MIMEO_FIRST", "1");
            }
            Ran::of(command)
        };
        in_fresh_clone(false).code(2).stderr_has("has never sent through a relay");
        in_fresh_clone(true).code(0).stderr_has("2 accepted, 1 suppressed");
        in_fresh_clone(false).code(0).stderr_has("nothing to send");
        fs::remove_dir_all(kept.path()).unwrap();
        fs::create_dir(kept.path()).unwrap();
        in_fresh_clone(false).code(2).stderr_has("has never sent through a relay");
        assert_eq!(relay.accepted().len(), 2, "{variable}: everybody got it once");
    }
}

#[test]
fn a_copy_that_was_not_stored_stops_the_next_run() {
    let kept = tempfile::tempdir().unwrap();
    fs::write(kept.path().join("sending"), "").unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", &scripts()[1]]).env("STORE", kept.path()).env("ISSUE", "one");
    Ran::of(command).code(1).stderr_has("an earlier run has not stored its ledger");
}
