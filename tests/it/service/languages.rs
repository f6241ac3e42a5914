//! Pages and letters in the reader's language.

use mail_parser::MessageParser;
use serde_json::Value;

use super::{letters, link, served, served_with, token};
use crate::support::service::{HOST, Service};

#[test]
fn pages_are_in_the_language_of_the_address_the_browser_or_the_newsletter() {
    let project = served();
    let service = Service::of(&project);
    for (path, accepted, language, direction, words) in [
        ("/subscribe", "", "en", "ltr", "Email address"),
        ("/subscribe", "de-AT, en;q=0.8", "de-AT", "ltr", "E-Mail-Adresse"),
        ("/subscribe", "xx, ar;q=0.5", "ar", "rtl", "dir=\"rtl\""),
        ("/subscribe", "xx", "en", "ltr", "Email address"),
        ("/subscribe?lang=he", "de", "he", "rtl", "action=\"?lang=he\""),
        ("/subscribe?lang=%22%3E", "de", "de", "ltr", "E-Mail-Adresse"),
        ("/subscribe/sent?lang=fr", "", "fr", "ltr", "Si cette adresse"),
        ("/preferences", "ja", "ja", "ltr", "メール"),
        ("/unsubscribe/abc?lang=de", "", "de", "ltr", "Link"),
        ("/nothing?lang=de", "", "de", "ltr", "<html"),
    ] {
        let answer =
            service.request("GET", path, &format!("Accept-Language: {accepted}\r\n"), b"").has(words);
        let html = format!("<html lang=\"{language}\" dir=\"{direction}\">");
        assert!(answer.body.contains(&html), "{path} {accepted}: {answer}");
    }
}

#[test]
fn the_language_of_a_form_goes_on_to_its_letter_its_button_and_the_person() {
    let project = served();
    let service = Service::of(&project);
    let page = service.get("/subscribe?lang=ar").code(200).has("name=\"language\" value=\"ar\"");
    assert!(page.body.contains("dir=\"ltr\" value=\"\""), "an address is written from left to right: {page}");
    let answer = service.post("/subscribe?lang=ar", "email=ann@example.com&language=ar").code(303);
    assert_eq!(answer.field("location"), Some("/subscribe/sent?lang=ar"));
    let (_, subject, text) = letters(&project, 1).remove(0);
    assert_eq!(subject, "يُرجى تأكيد اشتراكك");
    let letter = project.read("outbox/ann@example.com.eml");
    let html = MessageParser::new().parse(letter.as_bytes()).unwrap().body_html(0).unwrap().into_owned();
    assert!(html.contains("dir=\"rtl\""), "{html}");
    let confirm = link(&text, "confirm");
    assert!(confirm.ends_with("?lang=ar"), "{confirm}");
    service.get(&confirm).code(200).has("<html lang=\"ar\" dir=\"rtl\">").has("action=\"?lang=ar\"");
    service.post(&confirm, "").code(200).has("<html lang=\"ar\" dir=\"rtl\">");
    let shown = project.run(["subscribers", "show", "ann@example.com", "--json"]).code(0).stdout;
    let record: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(record["person"]["language"], "ar");
    let wording = record["consents"][0]["wording"].as_str().unwrap();
    assert!(
        !wording.contains("I want to get"),
        "what was read is kept, in the language it was read in: {wording}"
    );
    // The person's language is that of pages about them, whatever their browser prefers; only an address says it better.
    let leave = format!("/unsubscribe/{}", token(&project, "ann@example.com"));
    let get = |path: &str| service.request("GET", path, "Accept-Language: de\r\n", b"").code(200);
    get(&leave).has("<html lang=\"ar\" dir=\"rtl\">").has("action=\"?lang=ar\"");
    get(&format!("{leave}?lang=de")).has("<html lang=\"de\" dir=\"ltr\">");
    service.post(&format!("{leave}?lang=ar"), "List-Unsubscribe=One-Click").code(200).has("dir=\"rtl\"");
}

#[test]
fn a_reader_chooses_a_language_by_its_own_name() {
    let project = served();
    project.run(["subscribers", "add", "ann@example.com", "--language", "pt-BR"]).code(0);
    let service = Service::of(&project);
    service.post("/preferences", "email=ann@example.com").code(303);
    let path = link(&letters(&project, 1)[0].2, "preferences");
    service
        .get(&path)
        .code(200)
        .has("<html lang=\"pt-BR\" dir=\"ltr\">")
        .has("<option value=\"pt-BR\" lang=\"pt-BR\" selected>Português</option>")
        .has("<option value=\"he\" lang=\"he\">עברית</option>");
    service.post(&path, "action=save&language=he").code(200).has("<html lang=\"he\" dir=\"rtl\">");
    service.get(&path).code(200).has("<html lang=\"he\" dir=\"rtl\">");
}

#[test]
fn json_and_the_embedded_form_are_answered_in_the_forms_language() {
    let project = served_with(
        "\n[serve.form]\nname = true\nfields = [\"city\"]\norigins = [\"https://example.org\"]\n",
    );
    let service = Service::of(&project);
    let answer = |fields: &str, body: &str| {
        let fields = format!("Content-Type: application/x-www-form-urlencoded\r\n{fields}");
        service.request("POST", "/subscribe", &fields, body.as_bytes())
    };
    let script = "Accept: application/json\r\nOrigin: https://example.org\r\n";
    let refused = answer(script, "email=x&language=de").code(422);
    assert_eq!(refused.field("access-control-allow-origin"), Some("https://example.org"));
    assert!(refused.body.starts_with("{\"error\":\"Das ist keine"), "{refused}");
    answer(script, "email=ann@example.com&language=de").code(202).has("{\"message\":\"Wenn diese Adresse");
    // A script that could not read the answer has nothing done, so that its form can be sent again without it.
    let other = "Accept: application/json\r\nOrigin: https://evil.example.com\r\n";
    let unlisted = answer(other, "email=bo@example.com").code(403);
    assert_eq!(unlisted.field("access-control-allow-origin"), None);
    assert_eq!(letters(&project, 1).len(), 1);
    let plain = project.run(["serve", "--snippet"]).code(0).stdout;
    let scripted = project.run(["serve", "--snippet", "script"]).code(0).stdout;
    assert!(!plain.contains("<script") && !plain.contains("style="), "{plain}");
    assert!(plain.contains("name=\"city\"") && plain.contains("name=\"name\""), "{plain}");
    let line = format!("<script src=\"https://{HOST}/subscribe.js\" defer></script>\n");
    assert_eq!(scripted, plain + &line);
    let script = service.get("/subscribe.js").code(200);
    assert_eq!(script.field("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.field("cross-origin-resource-policy"), Some("cross-origin"));
}
