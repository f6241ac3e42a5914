//! What readers choose to read about.

use serde_json::Value;

use super::{letters, link, served_with, status, until};
use crate::support::{project::Project, service::Service};

const TOPICS: &str = "\n[topics]\ntea = { title = \"Tea & herbs\", description = \"Of leaves\" }\ncups = \"Cups\"\n\
     secret = { title = \"Secret\", public = false }\n";

const ABOUT_TEA: &str = "---\ntitle: About tea\nnumber: 2\ndate: 2026-02-02\ntopics: [tea]\n---\n\nTea.\n";

fn record(project: &Project, address: &str) -> Value {
    serde_json::from_str(&project.run(["subscribers", "show", address, "--json"]).code(0).stdout).unwrap()
}

/// Subscribes with a form, and confirms.
fn subscribe(project: &Project, service: &Service, address: &str, more: &str) {
    let before = project.list("outbox").len();
    service.post("/subscribe", &format!("email={address}{more}")).code(303);
    let all = letters(project, before + 1);
    let (_, _, text) = all.iter().find(|(to, ..)| to == address).unwrap();
    service.post(&link(text, "confirm"), "").code(200);
}

#[test]
fn topics_are_chosen_in_the_form_kept_with_the_consent_and_changed_later() {
    let project = served_with(TOPICS).file("issues/tea.md", ABOUT_TEA);
    let service = Service::of(&project);
    service
        .get("/subscribe")
        .code(200)
        .has(
            "<input type=\"checkbox\" name=\"topic\" value=\"tea\" checked> <span><bdi>Tea &amp; herbs</bdi>",
        )
        .has("Of leaves");
    assert!(!service.get("/subscribe").body.contains("Secret"), "a topic that is not public is not shown");
    // What was chosen is still chosen when the form comes back.
    let again = service.post("/subscribe", "email=x&topics=chosen&topic=cups").code(422);
    assert!(
        again.body.contains("value=\"cups\" checked") && !again.body.contains("value=\"tea\" checked"),
        "{again}"
    );
    subscribe(&project, &service, "cups@example.com", "&topics=chosen&topic=cups&topic=secret&topic=nothing");
    subscribe(&project, &service, "none@example.com", "&topics=chosen");
    subscribe(&project, &service, "all@example.com", "");
    for (address, expected) in [("cups", vec!["cups"]), ("none", vec![]), ("all", vec!["cups", "tea"])] {
        let record = record(&project, &format!("{address}@example.com"));
        assert_eq!(record["person"]["topics"], serde_json::json!(expected), "{record}");
        assert_eq!(record["consents"][0]["topics"], serde_json::json!(expected), "{record}");
    }
    project.run(["subscribers", "show", "all@example.com"]).code(0).stdout_has("about cups,tea");
    project.run(["send", "tea", "--dry-run"]).code(0).stderr_has("1 person gets it");
    // On the person's own page; the owner's topics stay.
    project.run(["subscribers", "topics", "cups@example.com", "--add", "secret"]).code(0);
    service.post("/preferences", "email=cups@example.com").code(303);
    until("a link", || {
        letters(&project, 3)
            .iter()
            .any(|(to, subject, _)| to == "cups@example.com" && subject == "Your subscription")
    });
    let all = letters(&project, 3);
    let path = link(&all.iter().find(|(to, ..)| to == "cups@example.com").unwrap().2, "preferences");
    let page = service.get(&path).code(200).has("value=\"cups\" checked>");
    assert!(!page.body.contains("value=\"tea\" checked") && !page.body.contains("Secret"), "{page}");
    service.post(&path, "action=save&language=en&topics=chosen&topic=tea").code(200);
    let changed = record(&project, "cups@example.com");
    assert_eq!(changed["person"]["topics"], serde_json::json!(["secret", "tea"]));
    assert!(
        changed["history"].as_array().unwrap().iter().any(|entry| entry["change"] == "topics +tea -cups"),
        "{changed}"
    );
    // A form that does not ask leaves them.
    service.post(&path, "action=save&language=en").code(200);
    assert_eq!(
        record(&project, "cups@example.com")["person"]["topics"],
        serde_json::json!(["secret", "tea"])
    );
    project.run(["send", "tea", "--dry-run"]).code(0).stderr_has("2 people get it");
    assert_eq!(status(&project, "none@example.com"), "active");
}
