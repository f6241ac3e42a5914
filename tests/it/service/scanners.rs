//! Scanners, prefetchers and curious browsers follow every link, and nothing changes.

use std::collections::BTreeSet;

use super::{all_sent, dump, letters, link, served_with, token, until};
use crate::support::{
    ports::free_port,
    project::Project,
    service::{HOST, Service},
    skip,
    tab::Tab,
};

/// A letter for people who have confirmed.
const WELCOME: (&str, &str) =
    ("templates/mail/welcome.md", "---\ntitle: Welcome\n---\n\n[Yours]({{ subscriber.link }} \"button\")\n");

/// As programs that look at links say who they are.
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.1; Trident/6.0)",
    "Barracuda Sentinel (EE)",
    "GoogleImageProxy",
    "curl/8.5.0",
];

/// The paths of links to the service in all letters of the outbox, and in their header fields.
fn links(project: &Project, start: &str) -> BTreeSet<String> {
    let mut links = BTreeSet::new();
    for name in project.list("outbox").into_iter().filter(|name| name.ends_with(".eml")) {
        let bytes = std::fs::read(project.path(&format!("outbox/{name}"))).unwrap();
        let letter = mail_parser::MessageParser::new().parse(&bytes).unwrap();
        let fields = letter.header_raw("List-Unsubscribe").unwrap_or_default().to_owned();
        for part in [&*fields, &letter.body_text(0).unwrap(), &letter.body_html(0).unwrap()] {
            for (at, _) in part.match_indices(start) {
                let end = |c: char| c.is_whitespace() || "<>\")'".contains(c);
                links.insert(part[at + start.len()..].split(end).next().unwrap().replace("&amp;", "&"));
            }
        }
    }
    links
}

/// A newsletter with a letter of each kind in its outbox: confirm, welcome, preferences, address, and an issue. The outbox keeps
/// the last letter to each address.
fn with_all_letters(project: &Project, service: &Service, url: &str) {
    for address in ["reader@example.com", "other@example.com"] {
        project.run(["subscribers", "add", address]).code(0);
    }
    let text = |address: &str| {
        let all = letters(project, 0);
        let text = all.into_iter().find(|(to, ..)| to == address).unwrap().2;
        text.replace(url, &format!("https://{HOST}"))
    };
    service.post("/subscribe", "email=new@example.com&language=de").code(303);
    service.post("/subscribe", "email=welcome@example.com").code(303);
    service.post("/preferences", "email=reader@example.com").code(303);
    letters(project, 3);
    service.post(&link(&text("welcome@example.com"), "confirm"), "").code(200);
    let own = link(&text("reader@example.com"), "preferences");
    service.post(&own, "action=address&email=moved@example.com").code(200);
    project.run(["send", "one", "--yes", "--only", "other@example.com"]).code(0);
    letters(project, 5);
    let is_welcome =
        |(to, subject, _): &(String, String, String)| to == "welcome@example.com" && subject == "Welcome";
    until("the welcome", || letters(project, 5).iter().any(is_welcome));
    all_sent(project);
}

/// The paths of forms and links on pages.
fn followed(service: &Service, paths: BTreeSet<String>) -> BTreeSet<String> {
    let mut all = paths.clone();
    for path in paths {
        let body = service.get(&path).body;
        for name in ["href=\"", "action=\""] {
            for part in body.split(name).skip(1) {
                let target = part.split('"').next().unwrap_or_default();
                if target.starts_with('/') && !target.starts_with("//") {
                    all.insert(target.to_owned());
                } else if target.starts_with('?') {
                    all.insert(format!("{}{target}", path.split('?').next().unwrap_or_default()));
                }
            }
        }
    }
    all
}

#[test]
fn every_link_of_every_letter_and_page_can_be_fetched_and_nothing_changes() {
    let project = served_with(
        "trusted_proxies = [\"127.0.0.1\"]\n\n[footer]\nsubscribe = \"https://news.example.org/subscribe\"\n",
    );
    project.write(WELCOME.0, WELCOME.1);
    let service = Service::of(&project);
    with_all_letters(&project, &service, &format!("https://{HOST}"));
    let mut paths = links(&project, &format!("https://{HOST}"));
    for kind in ["/confirm/", "/unsubscribe/", "/preferences/"] {
        assert!(paths.iter().any(|path| path.starts_with(kind)), "no {kind} in {paths:?}");
    }
    paths.extend(["/", "/subscribe", "/subscribe/sent", "/preferences"].map(str::to_owned));
    paths.insert(format!("/unsubscribe/{}", token(&project, "reader@example.com")));
    let paths = followed(&service, paths);
    let before = dump(&project);
    for (index, path) in paths.iter().enumerate() {
        for (number, agent) in AGENTS.iter().enumerate() {
            for more in
                ["", "Sec-Purpose: prefetch;prerender\r\nPurpose: prefetch\r\n", "X-Moz: prefetch\r\n"]
            {
                let fields =
                    format!("User-Agent: {agent}\r\nX-Forwarded-For: 203.{index}.{number}.1\r\n{more}");
                for method in ["GET", "HEAD", "OPTIONS"] {
                    let status = service.request(method, path, &fields, b"").status;
                    assert!(status < 400, "{method} {path}: {status}");
                }
            }
        }
        service.get(&format!(
            "{path}{}confirm=true&action=erase&List-Unsubscribe=One-Click",
            if path.contains('?') { "&" } else { "?" }
        ));
    }
    assert_eq!(dump(&project), before);
}

#[test]
fn a_browser_that_prefetches_and_opens_every_link_changes_nothing() {
    let mut tab = match Tab::open(800, 600) {
        Ok(tab) => tab,
        Err(missing) => return skip(missing),
    };
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let project = served_with("");
    let settings = project.read("mimeo.toml").replace(&format!("https://{HOST}"), &url);
    project.write("mimeo.toml", settings);
    project.write(WELCOME.0, WELCOME.1);
    let listen = format!("127.0.0.1:{port}");
    let service =
        Service::started(project.mimeo(["-q", "serve", "--listen", &listen, "--metrics", "127.0.0.1:0"]))
            .at(&listen);
    with_all_letters(&project, &service, &url);
    let paths = links(&project, &url);
    assert!(paths.len() >= 5, "{paths:?}");
    let before = dump(&project);
    let urls: Vec<String> = paths.iter().map(|path| format!("{url}{path}")).collect();
    let prefetched: String = urls
        .iter()
        .map(|url| format!("<link rel=\"prefetch\" href=\"{url}\"><a href=\"{url}\">x</a>"))
        .collect();
    let rules = serde_json::json!({ "prefetch": [{ "urls": urls, "eagerness": "immediate" }] });
    let page = format!(
        "<!doctype html><title>Mail</title><script type=\"speculationrules\">{rules}</script>{prefetched}"
    );
    let asked = |service: &Service| -> u64 {
        let metrics = service.metrics();
        let lines = metrics
            .lines()
            .filter(|line| line.starts_with("mimeo_requests_total{") && line.contains("method=\"GET\""));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    };
    let earlier = asked(&service);
    let mail = super::walk::foreign_page(&page, "default-src * 'unsafe-inline'");
    tab.run(&format!("await page.goto('{mail}')"));
    until("the browser to prefetch", || asked(&service) >= earlier + urls.len() as u64);
    assert_eq!(dump(&project), before);
    for url in &urls {
        tab.run(&format!("await page.goto('{url}'); await page.waitForLoadState('networkidle')"));
    }
    assert_eq!(dump(&project), before);
}
