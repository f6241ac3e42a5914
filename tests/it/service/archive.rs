//! The archive at the service's address.

use std::process::Command;

use super::{served, served_with, until};
use crate::support::service::Service;

#[test]
fn the_archive_is_shown_and_kept_by_caches() {
    let project =
        served().file("issues/kettle.md", "---\ntitle: The slow kettle\n---\n\n## Steam\n\nIt whistled.\n");
    let service = Service::of(&project);
    let index = service.get("/").code(200).has("The slow kettle");
    assert_eq!(index.field("content-type"), Some("text/html; charset=utf-8"));
    let policy = index.field("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"), "{policy}");
    assert_eq!(index.field("x-robots-tag"), Some("all"));
    let tag = index.field("etag").unwrap().to_owned();
    let again = service.request("GET", "/", &format!("If-None-Match: {tag}\r\n"), b"").code(304);
    assert_eq!((again.body.as_str(), again.field("etag")), ("", Some(tag.as_str())));
    service.get("/kettle/").code(200).has("It whistled.");
    assert_eq!(service.get("/kettle").code(308).field("location"), Some("/kettle/"));
    let head = service.request("HEAD", "/kettle/", "", b"").code(200);
    assert!(
        head.body.is_empty() && head.field("content-length").is_some_and(|length| length != "0"),
        "{head}"
    );
    assert_eq!(
        service.get("/feed.xml").code(200).field("content-type"),
        Some("application/atom+xml; charset=utf-8")
    );
    service.get("/feed.json").code(200).has("https://jsonfeed.org/version/1.1");
    // Its address is that of the service, where the settings say nothing else.
    service.get("/robots.txt").code(200).has("Sitemap: https://news.example.org/sitemap.xml");
    service.get("/sitemap.xml").code(200).has("<loc>https://news.example.org/kettle/</loc>");
    service.get("/feed.xml").has("https://news.example.org/feed.xml");
    assert_eq!(service.post("/", "a=b").code(405).field("allow"), Some("GET, HEAD"));
    for path in ["/nowhere", "/kettle/../mimeo.toml", "/%2e%2e/mimeo.toml", "/mimeo.toml", "//etc/passwd"] {
        service.get(path).code(404);
    }
}

#[test]
fn an_edited_issue_is_shown_after_a_signal_and_a_broken_one_changes_nothing() {
    let project = served().file("issues/kettle.md", "---\ntitle: Kettle\n---\n\nIt whistled.\n");
    let service = Service::of(&project);
    let renew = || {
        let pid = service.id().to_string();
        assert!(Command::new("kill").args(["-USR1", &pid]).status().unwrap().success());
    };
    project.write("issues/kettle.md", "---\ntitle: Kettle\n---\n\nIt sang.\n");
    service.get("/kettle/").code(200).has("It whistled.");
    until("the archive to be made again", || {
        renew();
        service.get("/kettle/").code(200).body.contains("It sang.")
    });
    project.write("issues/kettle.md", "---\ntitle: 7: [\n---\n\nIt broke.\n");
    renew();
    service.get("/kettle/").code(200).has("It sang.");
}

#[test]
fn without_an_archive_there_is_no_page() {
    let project = served_with("archive = false\n");
    let service = Service::of(&project);
    service.get("/").code(404);
    service.get("/one/").code(404);
}
