//! What follows from events of delivery services.

use std::sync::{Arc, Mutex};

use mimeograph::{bounce::policy::Policy, dispatch::Returns, hooks::Fetch, ledger::Ledger};
use serde_json::{Value, json};
use url::Url;

use super::{hooks, mailgun, now, secret};
use crate::{
    crash::counts,
    returned::{newsletter, send, suppressed},
    support::{
        project::Project,
        relay::{At, Do, Relay, Script, When},
        service::{HOST, Service},
    },
};

/// The identifier in a letter's field `X-Mimeo-Delivery`.
fn identifier(letter: &[u8]) -> String {
    let text = String::from_utf8_lossy(letter).into_owned();
    let value = text.split("X-Mimeo-Delivery: ").nth(1).expect("the field of the settings is there");
    value.split("\r\n").next().unwrap().to_owned()
}

fn with_identifier(project: &Project) {
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}[headers]\nX-Mimeo-Delivery = \"{{delivery}}\"\n"));
}

fn postmark(kind: &str, to: &str, more: Value) -> String {
    let mut event = json!({"RecordType": "Bounce", "Type": kind, "Email": to, "ID": kind, "BouncedAt": "2024-01-01T10:00:00Z"});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event.to_string()
}

#[test]
fn events_of_a_service_suppress_by_the_identifier_and_by_the_latest_letter() {
    let relay = Relay::start(Script::new());
    let project = newsletter(4, &relay);
    with_identifier(&project);
    let letters = send(&project, &relay, "one");
    let own = identifier(&letters[0].bytes);
    assert_eq!(own.len(), 26);
    assert!(String::from_utf8_lossy(&letters[0].bytes).contains(&format!("Message-ID: <{own}@")));
    assert_ne!(own, identifier(&letters[1].bytes));
    project
        .write("hard.json", postmark("HardBounce", &letters[0].to, json!({"Metadata": {"delivery": own}})));
    project
        .run(["bounces", "--hook", "postmark", "--dry-run", "hard.json"])
        .code(0)
        .stdout_has("[one: suppressed]");
    assert!(suppressed(&project).is_empty());
    project.run(["bounces", "--hook", "postmark", "hard.json"]).code(0).stderr_has("1 address is suppressed");
    // The same event, sent again.
    project.run(["bounces", "--hook", "postmark", "hard.json"]).code(0).stderr_has("recorded before");
    assert_eq!(suppressed(&project).len(), 1);
    // Without an identifier it is the latest letter to that address.
    project.write("spam.json", postmark("SpamComplaint", &letters[1].to, json!({})));
    project.run(["bounces", "--hook", "postmark", "spam.json"]).code(0).stdout_has("[one: suppressed]");
    assert!(suppressed(&project)[1].contains(",complaint,"), "{:?}", suppressed(&project));
    // What is about us touches no one, and no letter of ours was ever sent to a stranger.
    project.write("ours.json", postmark("SpamNotification", &letters[2].to, json!({})));
    project.write("strange.json", postmark("HardBounce", "stranger@example.org", json!({})));
    project
        .run(["bounces", "--hook", "postmark", "ours.json", "strange.json"])
        .code(0)
        .stdout_has("[one: shown]");
    assert_eq!(suppressed(&project).len(), 2);
    // An identifier of a test letter proves no delivery.
    let test = json!({"Metadata": {"delivery": "a".repeat(26)}});
    project.write("test.json", postmark("HardBounce", &letters[3].to, test));
    project.run(["bounces", "--hook", "postmark", "test.json"]).code(0);
    assert_eq!(suppressed(&project).len(), 2);
    project
        .run(["status", "one"])
        .code(0)
        .stdout_has("bounced             2")
        .stdout_has("complained          1");
    project.write("broken.json", "{");
    project
        .run(["bounces", "--hook", "postmark", "broken.json"])
        .code(3)
        .stderr_has("is not an event of postmark");
    project.run(["bounces", "--hook", "nothing", "broken.json"]).code(2).stderr_has("possible values: brevo");
}

#[test]
fn an_event_of_an_unconfirmed_letter_says_that_it_was_accepted() {
    let relay =
        Relay::start(Script::new().rule(At::Dot, When::To("reader000001".to_owned()), Do::TakeAndClose));
    let project = newsletter(3, &relay);
    project.run(["send", "one", "--yes", "--first"]);
    assert_eq!(counts(&project)["unconfirmed"], 1);
    let letter = relay.accepted().into_iter().find(|letter| letter.to.starts_with("reader000001")).unwrap();
    let click = json!({"RecordType": "Click", "Recipient": letter.to, "ReceivedAt": "2024-01-01T10:00:00Z"});
    project.write("click.json", click.to_string());
    project
        .run(["bounces", "--hook", "postmark", "click.json"])
        .code(0)
        .stderr_has("1 unconfirmed letter was accepted after all");
    assert_eq!((counts(&project)["unconfirmed"], counts(&project)["accepted"]), (0, 3));
    // Of letters that are known to be accepted, nothing is kept.
    let again =
        json!({"RecordType": "Delivery", "Recipient": letter.to, "DeliveredAt": "2024-01-01T10:00:00Z"});
    project.write("again.json", again.to_string());
    project.run(["bounces", "--hook", "postmark", "again.json"]).code(0);
    assert!(
        !project.run(["status", "--address", &letter.to]).code(0).stdout.contains("effect: nothing\n  2024")
    );
}

/// A web without pages that may be shared between threads.
struct NoWeb(Mutex<u32>);

impl Fetch for NoWeb {
    fn get(&self, _: &Url) -> Result<Vec<u8>, String> {
        *self.0.lock().unwrap() += 1;
        Err("no web in tests".to_owned())
    }
}

#[test]
fn a_hook_answers_after_its_events_are_recorded_and_a_token_counts_once() {
    let relay = Relay::start(Script::new());
    let project = newsletter(3, &relay);
    let letters = send(&project, &relay, "one");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (status, again, replayed, unknown) = runtime.block_on(async {
        let ledger = Ledger::open(&project.path(".mimeo/ledger.db")).unwrap();
        let returns =
            Returns::new(ledger, &[7; 32], "list.example.org", Policy::default(), false).await.unwrap();
        let hooks = Arc::new(hooks("mailgun", secret("key")));
        let data =
            |kind: &str, to: &str| json!({"event": kind, "recipient": to, "id": kind, "timestamp": 1.5});
        let token = "t".repeat(50);
        let at = now().as_second();
        let send = async |name: &str, body: Vec<u8>| {
            let web = Arc::new(NoWeb(Mutex::default()));
            returns.receive(&hooks, name, Vec::new(), body, web, now()).await.status
        };
        let good = mailgun("key", at, &token, &data("complained", &letters[0].to));
        let first = send("mailgun", good.clone()).await;
        let again = send("mailgun", good).await;
        let other = mailgun("key", at, &token, &data("complained", &letters[1].to));
        let replayed = send("mailgun", other).await;
        (first, again, replayed, send("postmark", b"{}".to_vec()).await)
    });
    assert_eq!((status, again, replayed, unknown), (200, 200, 401, 404));
    assert_eq!(suppressed(&project).len(), 1, "{:?}", suppressed(&project));
}

#[test]
fn the_service_takes_events_with_the_right_secret_and_writes_no_address_into_its_log() {
    let relay = Relay::start(Script::new());
    let project = newsletter(3, &relay);
    let letters = send(&project, &relay, "one");
    let settings = project.read("mimeo.toml");
    let hooks = "[hooks.postmark]\nsecret = { env = \"POSTMARK\" }\n";
    project.write("mimeo.toml", format!("{settings}[serve]\nurl = \"https://{HOST}/\"\n{hooks}"));
    let command = project.mimeo(["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let service = Service::started(command.env("POSTMARK", "open sesame"));
    let event = postmark("HardBounce", &letters[0].to, json!({}));
    let post = |path: &str, fields: &str, body: &str| service.request("POST", path, fields, body.as_bytes());
    let right = "Authorization: Bearer open sesame\r\n";
    post("/hooks/postmark", "", &event).code(401);
    post("/hooks/postmark", "Authorization: Bearer open\r\n", &event).code(401);
    post("/hooks/mailgun", right, &event).code(404);
    post("/hooks/postmark", right, "{").code(400);
    service.get("/hooks/postmark").code(405);
    assert!(suppressed(&project).is_empty());
    post("/hooks/postmark", right, &event).code(200).has("events: 1");
    assert_eq!(suppressed(&project).len(), 1);
    post("/hooks/postmark", right, &event).code(200);
    // A batch may be larger than what readers send.
    let large = json!({"RecordType": "Open", "Recipient": "x@example.com", "Filler": "x".repeat(700_000)})
        .to_string();
    post("/hooks/postmark", right, &large).code(200);
    let huge = json!({"Filler": "x".repeat(1_100_000)}).to_string();
    post("/hooks/postmark", right, &huge).code(413);
    let metrics = service.metrics();
    assert!(
        metrics.contains("mimeo_reports_total{provider=\"postmark\",effect=\"suppressed\"}"),
        "{metrics}"
    );
    assert!(metrics.contains("mimeo_reports_total{provider=\"postmark\",effect=\"refused\"} 3"), "{metrics}");
    assert!(!metrics.contains("reader0"), "{metrics}");
}
