//! `mimeo approve`: what is sent is what a person approved, for about as many people as they knew of.

use crate::{
    crash::project,
    support::{
        project::{Project, Ran},
        relay::{Relay, Script},
    },
};

/// A newsletter that needs approvals, with a relay and so many people.
fn with_approvals(relay: &Relay, people: usize, more: &str) -> Project {
    project(people, &format!("[approval]\nrequired = true\n{more}\n[relay]\nurl = \"{}\"\n", relay.url()))
}

fn approve(project: &Project) -> Ran {
    project.run(["approve", "one", "--by", "Grace <grace@example.org>", "--yes"])
}

fn send(project: &Project) -> Ran {
    project.run(["send", "one", "--yes", "--first"])
}

fn add(project: &Project, names: impl IntoIterator<Item = usize>) {
    let mut list = project.read("subscribers.csv");
    for name in names {
        list.push_str(&format!("new{name}@example.com,New {name}\n"));
    }
    project.write("subscribers.csv", list);
}

#[test]
fn nothing_is_sent_without_an_approval_and_the_approved_letter_is() {
    let relay = Relay::start(Script::new());
    let project = with_approvals(&relay, 3, "");
    send(&project).code(3).stderr_has("has not been approved").stderr_has("mimeo approve one");
    project.run(["send", "one", "--dry-run"]).code(0).stderr_has("note: `one` has not been approved");
    assert_eq!(relay.recipients().len(), 0);
    approve(&project).code(0).stderr_has("3 people in its audience").stderr_has("approvals/one.toml");
    let text = project.read("approvals/one.toml");
    for part in
        ["issue = \"one\"", "audience = 3", "approved_by = \"Grace <grace@example.org>\"", "digest = \""]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let ran = project.run(["send", "one", "--dry-run"]).code(0);
    assert!(!ran.stderr.contains("approved"), "{ran}");
    send(&project).code(0).stderr_has("3 accepted");
    assert_eq!(relay.recipients().len(), 3);
    // One more of three is too many.
    add(&project, [1]);
    send(&project).code(3).stderr_has("the audience has grown from 3 to 4 people since");
    approve(&project).code(0).stderr_has("4 people in its audience");
    send(&project).code(0).stderr_has("4 accepted");
}

#[test]
fn another_letter_needs_another_approval() {
    let relay = Relay::start(Script::new());
    let project = with_approvals(&relay, 2, "");
    approve(&project).code(0);
    let text = project.read("issues/one.md");
    project.write("issues/one.md", text.replace("this is a letter", "this is another letter"));
    send(&project)
        .code(3)
        .stderr_has("`one` is not approved as it is now: the letter has changed since")
        .stderr_has("Grace <grace@example.org> approved it")
        .stderr_has("mimeo approve one");
    assert_eq!(relay.recipients().len(), 0);
    project.write("issues/one.md", text);
    send(&project).code(0).stderr_has("2 accepted");
}

#[test]
fn the_audience_may_grow_by_the_share_that_the_settings_allow() {
    let relay = Relay::start(Script::new());
    let project = with_approvals(&relay, 40, "");
    approve(&project).code(0);
    add(&project, 0..2);
    project.run(["send", "one", "--yes", "--first", "--limit", "1"]).code(0).stderr_has("1 accepted");
    add(&project, 2..3);
    send(&project).code(3).stderr_has("from 40 to 43 people");
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", settings.replace("required = true", "required = true\ngrowth = 0.5"));
    send(&project).code(0).stderr_has("43 accepted");
}

#[test]
fn people_who_said_no_are_not_in_the_audience() {
    let relay = Relay::start(Script::new());
    let project = with_approvals(&relay, 3, "");
    project.run(["suppress", "reader000000@example0.com"]).code(0);
    approve(&project).code(0).stderr_has("2 people in its audience");
    send(&project).code(0).stderr_has("2 accepted");
    assert_eq!(relay.recipients().len(), 2);
}

#[test]
fn an_approval_is_for_one_issue_and_can_be_taken_back() {
    let relay = Relay::start(Script::new());
    let project = with_approvals(&relay, 2, "");
    approve(&project).code(0);
    let text = project.read("approvals/one.toml");
    project.write("approvals/one.toml", text.replace("issue = \"one\"", "issue = \"other\""));
    send(&project).code(3).stderr_has("it is for the issue `other`");
    project.write("approvals/one.toml", text.replace("audience = 2", "audience = \"many\""));
    send(&project).code(3).stderr_has("approvals/one.toml:").stderr_has("this is not an approval");
    project.run(["approve", "one", "--revoke"]).code(0).stderr_has("removed");
    project.run(["approve", "one", "--revoke"]).code(3).stderr_has("has no approval");
    send(&project).code(3).stderr_has("has not been approved");
    assert_eq!(relay.recipients().len(), 0);
}

#[test]
fn the_approver_is_asked_and_is_whom_git_knows() {
    let project = project(2, "[approval]\nrequired = true\n");
    project
        .shell("git init -q . && git config user.name Grace && git config user.email grace@example.org")
        .code(0);
    project.run(["approve", "one"]).code(2).stderr_has("not a terminal");
    project.at_terminal("approve one", "n\n").code(1).stdout_has("nothing was approved");
    assert!(project.list("approvals").is_empty());
    project.at_terminal("approve one", "y\n").code(0).stdout_has("Approve it as Grace <grace@example.org>?");
    assert_eq!(project.list("approvals"), ["one.toml"]);
    let ran = project.run(["approve", "one", "--yes", "--json"]).code(0);
    let approved: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(approved["approved_by"], "Grace <grace@example.org>");
    assert_eq!(approved["audience"], 2);
    assert_eq!(approved["file"], "approvals/one.toml");
    project.run(["send", "one", "--yes"]).code(0).stderr_has("2 accepted");
}

#[test]
fn a_draft_and_a_letter_with_errors_are_not_approved() {
    let project = project(1, "");
    let text = project.read("issues/one.md");
    project.write("issues/one.md", text.replacen("---\n", "---\ndraft: true\n", 1));
    approve(&project).code(3).stderr_has("is a draft");
    project.write("issues/one.md", format!("{text}\n[nowhere](http://)\n"));
    approve(&project).code(3).stderr_has("nothing was approved");
    assert!(project.list("approvals").is_empty());
}

#[test]
fn a_scheduled_start_looks_at_the_approval_again() {
    let relay = Relay::start(Script::new());
    let set_back = |project: &Project| {
        let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
        let then =
            (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1)).strftime("%Y-%m-%dT%H:%M:%S");
        ledger.execute("UPDATE schedules SET local_time = ?1, zone = 'UTC'", [then.to_string()]).unwrap();
    };
    let detached = |project: &Project| {
        project.run(["send", "one", "--yes", "--first", "--at", "2999-12-04T09:00", "--detach"])
    };
    let project = with_approvals(&relay, 3, "");
    detached(&project).code(3).stderr_has("has not been approved");
    approve(&project).code(0);
    detached(&project).code(0);
    add(&project, [1, 2]);
    set_back(&project);
    // Elsewhere what was approved at scheduling counts.
    let elsewhere = Project::empty();
    let (ledger, secrets) = (project.path(".mimeo/ledger.db"), project.path(".mimeo"));
    let list = project.path("subscribers.csv");
    let worker = ["work", "--ledger", ledger.to_str().unwrap(), "--secrets", secrets.to_str().unwrap()];
    elsewhere.write("subscribers.csv", std::fs::read(list).unwrap());
    elsewhere
        .run(worker)
        .code(5)
        .stderr_has("is held: it is not approved as it is now: the audience has grown from 3 to 5");
    assert_eq!(relay.recipients().len(), 0);
    approve(&project).code(0);
    detached(&project).code(0);
    set_back(&project);
    project.run(["approve", "one", "--revoke"]).code(0);
    project.run(["work"]).code(5).stderr_has("is held: it has not been approved");
    assert_eq!(relay.recipients().len(), 0);
    approve(&project).code(0);
    detached(&project).code(0);
    set_back(&project);
    elsewhere.run(worker).code(0).stderr_has("5 accepted");
}
