//! What readers change about themselves.

use serde_json::Value;

use super::{letters, link, served, served_with, settled, status};
use crate::support::{postgres::Cluster, project::Project, service::Service};

const FORM: &str = "\n[serve.form]\nname = true\nfields = [\"city\"]\n";

/// A reader with a link to their page.
fn opened(project: &Project, service: &Service) -> String {
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    service.get("/preferences").code(200).has("Send me the link");
    service.post("/preferences", "email=ann@example.com").code(303);
    let (to, subject, text) = letters(project, 1).remove(0);
    assert_eq!((&*to, &*subject), ("ann@example.com", "Your subscription"));
    link(&text, "preferences")
}

#[test]
fn a_reader_changes_name_fields_language_and_pauses() {
    let project = served_with(FORM);
    let service = Service::of(&project);
    let path = opened(&project, &service);
    for method in ["GET", "HEAD", "OPTIONS", "PUT"] {
        service.request(method, &path, "", b"");
    }
    let page = service.get(&path).code(200).has("<label for=\"city\">").has("…@example.com");
    assert!(!page.body.contains("ann@"), "the address is masked: {page}");
    service.request("POST", &path, "Origin: https://evil.example.com\r\n", b"action=erase").code(403);
    let save =
        |more: &str| service.post(&path, &format!("action=save&name=Ann+Lee&city=Ulm&language=de{more}"));
    save("&pause=2999-01-02").code(200).has("Ihre Änderungen sind gespeichert.");
    let person = || -> Value {
        let shown = project.run(["subscribers", "show", "ann@example.com", "--json"]).code(0).stdout;
        serde_json::from_str::<Value>(&shown).unwrap()["person"].clone()
    };
    let now = person();
    assert_eq!(
        (&now["name"], &now["language"], &now["fields"]["city"]),
        (&"Ann Lee".into(), &"de".into(), &"Ulm".into())
    );
    assert_eq!((&now["status"], &now["paused_until"]), (&"paused".into(), &"2999-01-02T00:00:00Z".into()));
    service.get(&path).code(200).has("value=\"2999-01-02\"").has("value=\"Ann Lee\"");
    for bad in ["&pause=soon", "&pause=2020-01-01", "&pause=2999-02-31"] {
        save(bad).code(422);
    }
    save("&pause=").code(200);
    assert_eq!(person()["status"], "active");
    project
        .run(["subscribers", "show", "ann@example.com"])
        .code(0)
        .stdout_has("paused -> active")
        .stdout_has("reader");
    service
        .post(&path, "action=unsubscribe")
        .code(200)
        .has("Sie erhalten keine E-Mails von Small Steps mehr.");
    assert_eq!(status(&project, "ann@example.com"), "unsubscribed");
    save("").code(200);
    assert_eq!(
        status(&project, "ann@example.com"),
        "unsubscribed",
        "only a confirmation brings a person back"
    );
    service.get(&path).code(200).has("Melden Sie sich wieder an");
}

#[test]
fn a_new_address_is_confirmed_by_its_own_letter() {
    let project = served_with(FORM);
    let service = Service::of(&project);
    let path = opened(&project, &service);
    project.run(["subscribers", "add", "bo@example.com"]).code(0);
    let old = super::token(&project, "ann@example.com");
    service.post(&path, "action=address&email=nonsense").code(422);
    service.post(&path, "action=address&email=bo@example.com").code(200);
    settled(&service, "taken", 1);
    service
        .post(&path, "action=address&email=ann.lee@example.net")
        .code(200)
        .has("a letter to the new address");
    assert_eq!(status(&project, "ann@example.com"), "active");
    let all = letters(&project, 2);
    let (_, subject, text) = all.iter().find(|(to, ..)| to == "ann.lee@example.net").unwrap();
    assert_eq!(subject, "Please confirm your new address");
    service.post(&link(text, "confirm"), "").code(200);
    project.run(["subscribers", "show", "ann@example.com"]).code(3);
    assert_eq!(status(&project, "ann.lee@example.net"), "active");
    // Links of letters to the earlier address go on working, also with another key of the newsletter.
    drop(service);
    project.write(".mimeo/earlier", project.read(".mimeo/key"));
    project.write(".mimeo/key", format!("{}\n", "42".repeat(32)));
    project.shell("chmod 600 .mimeo/key .mimeo/earlier").code(0);
    let earlier = "\nearlier_keys = { file = \".mimeo/earlier\" }\n\n[sender]";
    project.write("mimeo.toml", project.read("mimeo.toml").replace("\n[sender]", earlier));
    let service = Service::of(&project);
    service.post(&format!("/unsubscribe/{old}"), "").code(200);
    assert_eq!(status(&project, "ann.lee@example.net"), "unsubscribed");
    // Who is erased is gone under each address that they had, and their links lead to no one else.
    project.run(["subscribers", "erase", "ann.lee@example.net", "--yes"]).code(0);
    project.run(["subscribers", "add", "cy@example.com"]).code(0);
    service.post(&format!("/unsubscribe/{old}"), "").code(200);
    assert_eq!(status(&project, "cy@example.com"), "active");
    project.write("back.csv", "email\nann@example.com\n");
    project.run(["subscribers", "import", "back.csv", "--json"]).code(0).stdout_has("\"erased\": 1");
}

/// Settings of a ledger in a file, and on a PostgreSQL server where there is one.
pub(super) fn ledgers() -> Vec<String> {
    let on_server =
        |cluster: &Cluster| format!("\n[ledger]\nurl = \"{}\"\n", cluster.url(&cluster.database()));
    [Some(String::new()), Cluster::shared().map(on_server)].into_iter().flatten().collect()
}

#[test]
fn a_new_address_that_waits_is_forgotten_with_the_person() {
    for ends in ["erased", "undone"] {
        for ledger in ledgers() {
            let project = served_with(&format!("{FORM}{ledger}")).file("one.csv", "email\nann@example.com\n");
            let service = Service::of(&project);
            project.run(["subscribers", "import", "one.csv", "--yes"]).code(0);
            service.post("/preferences", "email=ann@example.com").code(303);
            let path = link(&letters(&project, 1).remove(0).2, "preferences");
            service.post(&path, "action=address&email=ann.lee@example.net").code(200);
            let all = letters(&project, 2);
            let (.., text) = all.iter().find(|(to, ..)| to == "ann.lee@example.net").unwrap();
            match ends {
                "erased" => project.run(["subscribers", "erase", "ann@example.com", "--yes"]).code(0),
                _ => project.run(["subscribers", "import", "--undo", "1"]).code(0),
            };
            // The next person gets the same number in SQLite.
            project.run(["subscribers", "add", "cy@example.com"]).code(0);
            service.post(&link(text, "confirm"), "").code(410);
            assert_eq!(status(&project, "cy@example.com"), "active", "{ends}");
            project.run(["subscribers", "show", "ann.lee@example.net"]).code(3);
            assert!(!ledger.is_empty() || !super::dump(&project).contains("ann.lee"), "{ends}");
        }
    }
}

#[test]
fn an_earlier_address_in_a_file_is_not_another_person() {
    for ledger in ledgers() {
        let project = served_with(&format!("{FORM}{ledger}"));
        let service = Service::of(&project);
        let path = opened(&project, &service);
        service.post(&path, "action=address&email=ann.lee@example.net").code(200);
        let all = letters(&project, 2);
        let (.., text) = all.iter().find(|(to, ..)| to == "ann.lee@example.net").unwrap();
        service.post(&link(text, "confirm"), "").code(200);
        project.write("old.csv", "email\nann@example.com\n");
        let import = || project.run(["subscribers", "import", "old.csv", "--yes", "--json"]).code(0);
        let add = || project.run(["subscribers", "add", "ann@example.com"]).code(3);
        import().stdout_has("\"unchanged\": 1");
        add().stderr_has("is an earlier address of someone on the list: a…@example.net, who is active");
        project.run(["subscribers", "unsubscribe", "ann.lee@example.net"]).code(0);
        import().stdout_has("\"unchanged\": 1").stdout_has("\"unsubscribed\": 1");
        add().stderr_has("who is unsubscribed");
        project.run(["subscribers", "show", "ann@example.com"]).code(3);
    }
}

#[test]
fn who_is_erased_is_gone_under_their_earlier_address_too() {
    for ledger in ledgers() {
        let project = served_with(&format!("{FORM}{ledger}"));
        let service = Service::of(&project);
        let path = opened(&project, &service);
        project.run(["send", "one", "--yes"]).code(0).stderr_has("1 accepted");
        project.run(["subscribers", "add", "bo@example.com"]).code(0);
        service.post(&path, "action=address&email=ann.lee@example.net").code(200);
        let all = letters(&project, 2);
        let (.., text) = all.iter().find(|(to, ..)| to == "ann.lee@example.net").unwrap();
        service.post(&link(text, "confirm"), "").code(200);
        project.run(["suppress", "ann@example.com"]).code(0);
        let shown = project.run(["subscribers", "show", "ann.lee@example.net"]).code(0);
        shown.stdout_has("address changed from ann@example.com");
        let status =
            |more: &[&str]| project.run([&["status", "one", "--state", "accepted"], more].concat()).code(0);
        assert!(status(&["--json"]).stdout.contains("ann@example.com"));
        let erase = ["subscribers", "erase", "ann.lee@example.net", "--yes"];
        project.run(erase).code(0).stderr_has("erased (1 letter)");
        for ran in [status(&[]), status(&["--json"]), project.run(["suppress"]).code(0)] {
            assert!(!ran.stdout.contains("ann@"), "{ran}");
        }
        assert!(!ledger.is_empty() || !super::dump(&project).contains("ann@"));
        project.run(["subscribers", "add", "ann@example.com"]).code(3);
    }
}

#[test]
fn a_reader_downloads_their_data_and_erases_it() {
    let project = served_with(FORM);
    let service = Service::of(&project);
    let path = opened(&project, &service);
    let answer = service.get(&format!("{path}/subscription.json")).code(200);
    assert_eq!(answer.field("content-disposition"), Some("attachment; filename=\"subscription.json\""));
    let data: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(data["person"]["email"], "ann@example.com");
    assert!(data["history"][0]["change"].is_string() && data["letters"].is_array(), "{data}");
    service.post(&path, "action=erase").code(200).has("is erased");
    project.run(["subscribers", "show", "ann@example.com"]).code(3);
    service.get(&path).code(410);
    // Who was erased can come back, and only by confirming.
    service.post("/subscribe", "email=ann@example.com").code(303);
    settled(&service, "confirm", 1);
}

#[test]
fn a_link_is_sent_to_people_of_the_list_only_and_opens_for_an_hour() {
    let project = served_with(FORM);
    let service = Service::of(&project);
    let path = opened(&project, &service);
    service.post("/preferences", "email=stranger@example.com").code(303);
    settled(&service, "unknown", 1);
    assert_eq!(letters(&project, 1).len(), 1);
    let token = path.rsplit('/').next().unwrap();
    // The same person and the same key, an hour ago.
    let tokens = mimeograph::message::ListTokens::new(
        mimeograph::message::Tokens::new(&key(&project)),
        "small-steps.example.org",
    );
    let ann = mimeograph::address::EmailAddress::parse("ann@example.com").unwrap();
    let subject = *tokens.person(&ann.key()).as_bytes();
    let now = jiff::Timestamp::now();
    let made = |minutes: i64| {
        let at = now.checked_sub(jiff::SignedDuration::from_mins(minutes)).unwrap();
        tokens.service(mimeograph::message::Purpose::Preferences, &subject, at)
    };
    assert_eq!(made(0).len(), token.len());
    service.get(&format!("/preferences/{}", made(50))).code(200);
    service.get(&format!("/preferences/{}", made(61))).code(410);
    service.post(&format!("/preferences/{}", made(61)), "action=erase").code(410);
    assert_eq!(status(&project, "ann@example.com"), "active");
}

fn key(project: &Project) -> [u8; 32] {
    let text = project.read(".mimeo/key");
    std::array::from_fn(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap())
}

#[test]
fn the_preferences_link_of_a_letter_is_the_readers_own_and_shows_nothing_about_them() {
    let project = served();
    for address in ["ann@example.com", "bo@example.com"] {
        project.run(["subscribers", "add", address]).code(0);
    }
    project.run(["send", "one", "--yes"]).code(0);
    let sent = letters(&project, 2);
    for (to, _, text) in &sent {
        for kind in ["preferences", "unsubscribe"] {
            assert_eq!(link(text, kind), format!("/{kind}/{}", super::token(&project, to)), "{to}");
        }
    }
    let own = format!("/preferences/{}", super::token(&project, "ann@example.com"));
    // The same in a letter that is only looked at; a reader who is not real has no token.
    project.run(["build", "one", "--as", "ann@example.com"]).code(0);
    let eml = std::fs::read(project.path("build/one.eml")).unwrap();
    let html = mail_parser::MessageParser::new().parse(&eml).unwrap().body_html(0).unwrap().into_owned();
    assert!(html.contains(&format!("{own}\"")), "{html}");
    project.run(["build", "one"]).code(0);
    let html = project.read("build/one.html");
    assert!(html.contains("/preferences/sample\"") && html.contains(">Preferences</a>"), "{html}");
    assert!(html.contains("/subscribe\""), "{html}");

    let service = Service::of(&project);
    let page = service.get(&own).code(200).has("Send me the link");
    assert!(!page.body.contains("ann") && !page.body.contains("example.com"), "{page}");
    service.get(&format!("{own}/subscription.json")).code(404);
    service.request("POST", &own, "Origin: https://evil.example.com\r\n", b"").code(403);
    service.post(&own, "action=erase").code(303);
    let link_to_page = || {
        let all = letters(&project, 2);
        all.into_iter().find(|(to, subject, _)| to == "ann@example.com" && subject == "Your subscription")
    };
    super::until("the letter with the link", || link_to_page().is_some());
    service.get(&link(&link_to_page().unwrap().2, "preferences")).code(200).has("Erase everything");
    assert_eq!(status(&project, "ann@example.com"), "active");
    // A test letter changes nothing, and a stranger's token is refused.
    service.get("/preferences/TEST-LETTER--THIS-LINK-CHANGES-NOTHING-").code(200).has("changes nothing");
    service.post("/preferences/TEST-LETTER--THIS-LINK-CHANGES-NOTHING-", "").code(200).has("changes nothing");
    service.get("/preferences/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").code(404);
}
