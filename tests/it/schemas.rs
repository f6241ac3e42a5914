//! Every output for programs keeps to its schema in `docs/schemas`, and there is a schema for each.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::support::{
    project::{Project, Ran, repository},
    schema::{hold, violation},
};

const MANAGED: &str = "[newsletter]\nname = \"Small Steps\"\n\n[sender]\nfrom = \"Ada Example <ada@example.org>\"\n\n\
                       [list]\nmanaged = true\n";

/// A managed list with two people, and an issue.
fn managed() -> Project {
    let list =
        "email,first name,status,tags\nbob@example.com,Bob,,beta\ncarol@example.net,Carol,unsubscribed,\n";
    Project::empty()
        .file("mimeo.toml", MANAGED)
        .file("people.csv", list)
        .file("issues/one.md", "---\ntitle: The first one\n---\n\nHello.\n")
}

/// A list in a file, and an issue in a git repository that was edited after the commit.
fn committed() -> Project {
    let project = Project::new()
        .file("issues/one.md", "---\ntitle: The first one\n---\n\nHello [you](https://example.com).\n");
    project
        .shell(
            "git init -q -b main . && git add --all && git -c user.name=Ada -c user.email=ada@example.org \
         -c commit.gpgsign=false commit -q -m state",
        )
        .code(0);
    project.write("issues/one.md", "---\ntitle: The second one\n---\n\nHi there.\n\n![](missing.png)\n");
    project
}

/// One document on standard output.
#[track_caller]
fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{ran}"))
}

/// Runs a command and holds its one document to a schema.
#[track_caller]
fn document_of(project: &Project, name: &str, arguments: &[&str]) -> Value {
    let output = document(&project.run(arguments));
    hold(name, &output);
    output
}

/// Runs a command and holds each line to a schema.
#[track_caller]
fn lines_of(project: &Project, name: &str, arguments: &[&str]) -> usize {
    let ran = project.run(arguments).code(0);
    for line in ran.stdout.lines() {
        hold(name, &serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}\n{ran}")));
    }
    ran.stdout.lines().count()
}

#[test]
fn checks_and_comparisons_keep_to_their_schemas() {
    let project = committed();
    let checked = document_of(&project, "check", &["check", "--format", "json"]);
    assert_ne!(checked["diagnostics"].as_array().unwrap().len(), 0);
    project.write("issues/one.md", "---\ntitle: The second one\n---\n\nHi there.\n");
    let compared = document_of(&project, "diff", &["diff", "one", "HEAD", "--json"]);
    assert_eq!(compared["same"], false);
    let list = document_of(&project, "subscribers-check", &["subscribers", "check", "--json"]);
    assert_eq!(list["people"], 2);
    assert_eq!(lines_of(&project, "subscribers-list", &["subscribers", "list", "--json"]), 2);
}

#[test]
fn approvals_sends_and_statuses_keep_to_their_schemas() {
    let project = Project::new().file("issues/one.md", "---\ntitle: The first one\n---\n\nHello.\n");
    assert_eq!(document_of(&project, "status", &["status", "--json"]), Value::Array(Vec::new()));
    let unsent = document_of(&project, "status", &["status", "one", "--json"]);
    assert_eq!(unsent["opened_at"], Value::Null, "it says that it was never opened");
    document_of(&project, "approve", &["approve", "one", "--by", "Ada", "--yes", "--json"]);
    document_of(&project, "send", &["send", "one", "--dry-run", "--json"]);
    let later = ["send", "one", "--yes", "--at", "2999-01-01T09:00[UTC]", "--detach", "--json"];
    let later = document_of(&project, "send", &later);
    assert_eq!((&later["ended"], &later["go_on_at"]), (&"scheduled".into(), &"2999-01-01T09:00:00Z".into()));
    project.run(["unschedule", "one"]).code(0);
    let sent = document_of(&project, "send", &["send", "one", "--yes", "--json"]);
    assert_eq!(sent["tally"]["accepted"], 2);
    assert!(project.path(sent["report"].as_str().unwrap()).exists(), "the page about the run: {sent:#}");
    let again = document_of(&project, "send", &["send", "one", "--yes", "--json"]);
    assert_eq!(again["letters"], 0);
    assert_eq!(document_of(&project, "status", &["status", "--json"])[0]["version"], 1);
    assert_eq!(document_of(&project, "status", &["status", "one", "--json"])["accepted"], 2);
    let listed = document_of(&project, "status", &["status", "one", "--state", "accepted", "--json"]);
    assert_eq!(listed["deliveries"].as_array().unwrap().len(), 2);
    let person = document_of(&project, "status", &["status", "--address", "bob@example.com", "--json"]);
    assert_ne!(person["issues"][0]["events"].as_array().unwrap().len(), 0);
}

#[test]
fn managed_lists_keep_to_their_schemas() {
    let project = managed();
    document_of(&project, "subscribers-import", &["subscribers", "import", "people.csv", "--json"]);
    document_of(&project, "subscribers-import", &["subscribers", "import", "people.csv", "--yes", "--json"]);
    assert_eq!(lines_of(&project, "subscribers-list", &["subscribers", "list", "--json"]), 1);
    assert_eq!(lines_of(&project, "subscribers-export", &["subscribers", "export", "--format", "json"]), 2);
    project.run(["send", "one", "--yes"]).code(0);
    let show =
        |address| document_of(&project, "subscribers-show", &["subscribers", "show", address, "--json"]);
    assert_eq!(show("bob@example.com")["letters"][0]["issue"], "one");
    project.run(["suppress", "bob@example.com", "--note", "asked by phone"]).code(0);
    assert_eq!(show("bob@example.com")["suppression"]["note"], "asked by phone");
    document_of(&project, "subscribers-stats", &["subscribers", "stats", "--json"]);
    document_of(&project, "subscribers-import", &["subscribers", "import", "--undo", "1", "--json"]);
}

#[test]
fn failures_are_an_object_too_when_json_is_asked_for() {
    let project =
        Project::new().file("issues/one.md", "---\ntitle: The first one\ndate: never\n---\n\nHello.\n");
    for (arguments, code, kind, part) in [
        (&["send", "two", "--json"][..], 3, "bad_input", "no issue"),
        (&["send", "--json"], 2, "usage", "required arguments"),
        (&["status", "one", "--jsn", "--json"], 2, "usage", "unexpected argument"),
        (&["sned", "--json"], 2, "usage", "unrecognized subcommand"),
        (&["send", "one", "--yes", "--json"], 3, "bad_input", "1 error"),
        (&["subscribers", "show", "x@example.com", "--json"], 3, "bad_input", ""),
        (&["diff", "one", "HEAD", "--json"], 2, "usage", "no git repository"),
        (&["subscribers", "export", "--format", "json"], 3, "bad_input", ""),
    ] {
        let ran = project.run(arguments).code(code);
        let output = document(&ran);
        hold("error", &output);
        let error = &output["error"];
        assert_eq!(
            (error["code"].as_str(), error["exit_code"].as_i64()),
            (Some(kind), Some(code.into())),
            "{ran}"
        );
        assert!(error["message"].as_str().unwrap().contains(part), "{ran}");
        assert!(!ran.stderr.is_empty(), "people see it as well\n{ran}");
    }
    let ran = project.run(["send", "one", "--yes", "--json"]);
    assert_eq!(document(&ran)["error"]["diagnostics"][0]["line"], 3, "{ran}");
    project.run(["send", "two"]).code(3).stdout("");
}

#[test]
fn a_violation_of_a_schema_is_noticed() {
    let mut output = document(&managed().run(["subscribers", "stats", "--json"]));
    hold("subscribers-stats", &output);
    output["more"] = 1.into();
    assert!(violation("subscribers-stats", &output).is_some(), "a field that no schema has");
    output.as_object_mut().unwrap().retain(|name, _| name != "more" && name != "people");
    assert!(violation("subscribers-stats", &output).is_some(), "a field that is missing");
}

/// The names of commands in a help.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Every command that prints JSON, its words joined by `-`.
fn with_json() -> BTreeSet<String> {
    let project = Project::empty();
    let mut found = BTreeSet::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(words) = open.pop() {
        let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let help = project.run(arguments).code(0).stdout;
        let options = help.split("\nExamples:").next().unwrap_or_default();
        // Lines are wrapped anywhere between two words.
        let unwrapped = options.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_choice = |part: &str| part.split(']').next().unwrap_or_default().contains("json");
        if options.lines().any(|line| line.trim_start().starts_with("--json"))
            || unwrapped.split("[possible values:").skip(1).any(is_choice)
        {
            found.insert(words.join("-"));
        }
        open.extend(commands(&help).into_iter().map(|name| [&words[..], &[name]].concat()));
    }
    found
}

#[test]
fn every_command_that_prints_json_has_a_schema_that_is_documented() {
    let page = fs::read_to_string(repository().join("docs/json.md")).unwrap();
    let mut schemas: BTreeSet<String> = fs::read_dir(repository().join("docs/schemas"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".schema.json").map(str::to_owned))
        .collect();
    for name in &schemas {
        assert!(
            page.contains(&format!("](schemas/{name}.schema.json)")),
            "docs/json.md has no link to {name}"
        );
    }
    assert!(schemas.remove("error"));
    assert!(schemas.remove("status-watch"), "the objects of `status --watch --json`");
    let commands = with_json();
    assert!(commands.len() > 10, "{commands:?}");
    assert_eq!(schemas, commands, "left: schemas in docs/schemas, right: commands with --json");
}
