use mimeograph::{
    audience::{Audience, Label, NewPerson, Words},
    ledger::{Begun, NewDispatch, Wanted},
    message::{ListTokens, Tokens},
    subscriber::{Fields, Subscriber},
};

use super::{ISSUE, managed, on_each};
use crate::support::{
    ledgers::{self, address, at, claim, issue, states},
    project::{LEAST, Project},
};

const TOPICS: &str =
    "[topics]\ntea = \"Tea\"\ncups = { title = \"Cups\", description = \"About cups\", public = false }\n";

/// A newsletter with topics, and an issue about tea and cups.
fn with_topics(project: Project) -> Project {
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n{TOPICS}"));
    project.write("issues/one.md", ISSUE.replace("number: 1", "number: 1\ntopics: [tea, cups]"));
    project
}

#[test]
fn only_readers_who_want_one_of_its_topics_get_an_issue() {
    on_each(|managed| {
        let project = with_topics(managed());
        project.run(["subscribers", "add", "ann@example.com", "--topic", "tea"]).code(0);
        project.run(["subscribers", "add", "bo@example.com", "--topic", "cups", "--topic", "tea"]).code(0);
        project.run(["subscribers", "add", "cy@example.com"]).code(0);
        project
            .run(["subscribers", "add", "di@example.com", "--topic", "tae"])
            .code(2)
            .stderr_has("unknown topic `tae`")
            .stderr_has("did you mean `tea`?");
        project
            .run(["send", "one", "--dry-run"])
            .code(0)
            .stderr_has("2 people get it (1 not subscribed to its topics)");
        project.run(["send", "one", "--yes", "--limit", "1"]).code(0);
        // Both topics are off now: what was planned for them is not sent.
        project
            .run(["subscribers", "topics", "bo@example.com", "--remove", "tea", "--remove", "cups"])
            .code(0)
            .stderr_has("1 person changed");
        project
            .run(["subscribers", "show", "bo@example.com"])
            .code(0)
            .stdout_has("topics -cups -tea  chosen (owner)");
        project.run(["send", "one", "--yes"]).code(0);
        project
            .run(["status", "one", "--state", "suppressed"])
            .code(0)
            .stdout_has("bo@example.com")
            .stdout_has("not subscribed to its topics in the list");
        // Someone who turns a topic on later gets the issue.
        project.run(["subscribers", "topics", "cy@example.com", "--add", "cups"]).code(0);
        project.run(["send", "one", "--yes"]).code(0).stderr_has("1 new on the list");
        let accepted = project.run(["status", "one", "--state", "accepted"]).code(0).stdout;
        assert!(accepted.contains("ann@example.com") && accepted.contains("cy@example.com"), "{accepted}");
        assert!(!accepted.contains("bo@example.com"), "{accepted}");
    });
}

#[test]
fn people_of_a_file_have_their_topics_in_a_column() {
    let project = with_topics(Project::new());
    project
        .run(["send", "one", "--dry-run"])
        .code(3)
        .stderr_has("`subscribers.csv` has no column `topics`, and the issue is about tea, cups");
    project.write(
        "subscribers.csv",
        "email,topics\nann@example.com,\"news, tea\"\nbo@example.com,news\ncy@example.com,\ndi@example.com,cups\n",
    );
    project
        .run(["send", "one", "--yes"])
        .code(0)
        .stderr_has("2 people get it (2 not subscribed to its topics)");
    assert_eq!(project.list("outbox"), ["ann@example.com.eml", "di@example.com.eml"]);
    // An issue without topics is for everyone.
    project.write("issues/two.md", ISSUE.replace("number: 1", "number: 2"));
    project.run(["send", "two", "--dry-run"]).code(0).stderr_has("4 people get it");
}

#[test]
fn a_topic_that_the_settings_do_not_have_is_an_error_with_the_nearest() {
    let project = with_topics(managed());
    project.write("issues/one.md", ISSUE.replace("number: 1", "number: 1\ntopics: [tae, coffee]"));
    project
        .run(["check", "one"])
        .code(3)
        .stderr_has("error[M110]: unknown topic `tae`")
        .stderr_has("issues/one.md:5:10")
        .stderr_has("did you mean `tea`?")
        .stderr_has("unknown topic `coffee`")
        .stderr_has("the newsletter has: cups, tea");
    project.write(
        "mimeo.toml",
        format!("{LEAST}\n[topics]\nTea = \"Tea\"\ncups = {{ titel = \"Cups\", public = 1 }}\n"),
    );
    project
        .run(["check", "one"])
        .code(3)
        .stderr_has("invalid topic `Tea`")
        .stderr_has("unknown setting `topics.cups.titel`")
        .stderr_has("did you mean `title`?")
        .stderr_has("`topics.cups.public` must be true or false")
        .stderr_has("`topics.cups` has no title");
    let project = with_topics(managed());
    for command in [&["subscribers", "list"][..], &["subscribers", "export"], &["send", "one", "--yes"]] {
        project
            .run([command, &["--where", "email != \"\" && \"tae\" in topics"]].concat())
            .code(2)
            .stderr_has("--where:1:16")
            .stderr_has("unknown topic `tae`")
            .stderr_has("did you mean `tea`?");
    }
    project
        .run(["subscribers", "list", "--where", "status=pasued", "--status", "all"])
        .code(2)
        .stderr_has("unknown status `pasued`")
        .stderr_has("did you mean `paused`?");
}

fn reader(name: &str, topics: &str) -> NewPerson {
    NewPerson {
        address: address(&format!("{name}@example.com")),
        name: None,
        fields: Fields::default(),
        tags: Words::default(),
        topics: Words::parse(topics),
        language: None,
        source: "test".to_owned(),
    }
}

#[tokio::test]
async fn a_topic_turned_off_and_a_pause_count_until_a_letter_begins() {
    ledgers::on_each(async |shelf| {
        let ledger = shelf.ledger.clone();
        let tokens = ListTokens::new(Tokens::new(&[7; 32]), "letters.example.org");
        let audience = Audience::open(ledger.clone(), tokens, at(0)).await.unwrap();
        let mut people = Vec::new();
        for (name, topics) in [
            ("off", "tea"),
            ("kept", "tea,cups"),
            ("paused", "tea"),
            ("over", "tea"),
            ("back", "tea"),
            ("same", "tea"),
        ] {
            let person = audience.add(reader(name, topics), "test", at(0)).await.unwrap();
            people.push(Ok::<Subscriber, _>(person.into_subscriber()));
        }
        let mut rendered = issue("one");
        rendered.topics = vec!["tea".to_owned(), "cups".to_owned()];
        let new = NewDispatch { rendered: &rendered, opened_at: at(1) };
        let opened = ledger.open_dispatch(&new, people).await.unwrap();
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(&ledger, opened.dispatch, &worker, 9, at(2)).await;
        assert_eq!(claims.len(), 6);
        let who = |name: &str| vec![address(&format!("{name}@example.com"))];
        let remove = async |name: &str, topics: &str| {
            let none = Words::default();
            audience.label(Label::Topics, who(name), none, Words::parse(topics), at(3)).await.unwrap()
        };
        remove("off", "tea").await;
        remove("kept", "tea").await;
        remove("back", "tea").await;
        audience
            .label(Label::Topics, who("back"), Words::parse("cups"), Words::default(), at(3))
            .await
            .unwrap();
        audience.pause(address("paused@example.com"), None, at(3)).await.unwrap();
        audience.pause(address("over@example.com"), Some(at(4)), at(3)).await.unwrap();
        for claim in &claims {
            let name = claim.subscriber.address.expose().split('@').next().unwrap().to_owned();
            let expected = match name.as_str() {
                "off" | "paused" => Begun::Suppressed,
                _ => Begun::Begun,
            };
            assert_eq!(ledger.begin(claim, at(5)).await.unwrap(), expected, "{name}");
        }
        let states = states(&ledger, opened.dispatch).await;
        assert!(
            states.contains(&"off: suppressed".to_owned())
                && states.contains(&"paused: suppressed".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_pause_from_before_the_claim_counts_where_claims_are_pre_committed() {
    ledgers::on_each(async |shelf| {
        let ledger = shelf.ledger.clone();
        let tokens = ListTokens::new(Tokens::new(&[7; 32]), "letters.example.org");
        let audience = Audience::open(ledger.clone(), tokens, at(0)).await.unwrap();
        let mut people = Vec::new();
        for name in ["paused", "free"] {
            let person = audience.add(reader(name, "tea"), "test", at(0)).await.unwrap();
            people.push(Ok::<Subscriber, _>(person.into_subscriber()));
        }
        let rendered = issue("one");
        let new = NewDispatch { rendered: &rendered, opened_at: at(1) };
        let dispatch = ledger.open_dispatch(&new, people).await.unwrap().dispatch;
        audience.pause(address("paused@example.com"), None, at(1)).await.unwrap();
        let worker = ledger.register_worker("outbox", at(2)).await.unwrap();
        let wanted = Wanted { pre_commit: true, ..Wanted::default() };
        // The first one opens the log.
        ledger.claim(dispatch, &worker, 0, at(2), &wanted).await.unwrap();
        let claims = ledger.claim(dispatch, &worker, 9, at(2), &wanted).await.unwrap();
        assert_eq!(ledger.begin(&claims[0], at(3)).await.unwrap(), Begun::Suppressed);
        assert_eq!(ledger.begin(&claims[1], at(3)).await.unwrap(), Begun::Begun);
    })
    .await;
}
