//! `mimeo preview` over HTTP, from the real program.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, process::Command};

use crate::support::{
    preview::{Preview, next},
    project::{Project, repository},
};

const ISSUE: &str = "---\ntitle: A quiet week\nsubject: Hello {{ subscriber.first_name | default(\"friend\") }}\n\
    preheader: What we repaired\nnumber: 7\ndate: 2023-01-06\n---\n\n## The workshop\n\n\
    Dear {{ subscriber.first_name | default(\"friend\") }}, we repaired the kettle.\n";

fn project() -> Project {
    Project::new().file("issues/7.md", ISSUE)
}

#[test]
fn the_letter_is_the_one_its_reader_gets() {
    let project = project();
    let preview = Preview::of(&project);
    let letter = preview.json("/api/letter");
    assert_eq!(letter["subject"], "Hello Bob");
    assert_eq!(letter["reader"], "bob@example.com");
    assert_eq!(letter["preheader"], "What we repaired");
    assert!(letter["text"].as_str().unwrap().contains("Dear Bob, we repaired the kettle."), "{letter}");
    assert!(letter["headers"].as_str().unwrap().contains("To: Bob <bob@example.com>"), "{letter}");
    let other = preview.json("/api/letter?as=carol@example.net");
    assert_eq!(other["subject"], "Hello friend");
    assert!(preview.get("/letter?as=carol@example.net").contains("Dear friend,"));
    assert!(preview.get("/raw").contains("\r\nList-Id: "));
}

#[test]
fn people_are_found_by_a_part_of_their_address() {
    let project = project();
    let preview = Preview::of(&project);
    let found = preview.json("/api/people?q=CAROL");
    assert_eq!(found["people"][0]["address"], "carol@example.net");
    assert_eq!(found["people"].as_array().unwrap().len(), 1);
}

#[test]
fn light_and_dark_do_not_depend_on_the_machine() {
    let project = project();
    let preview = Preview::of(&project);
    let (light, dark) = (preview.get("/letter?scheme=light"), preview.get("/letter?scheme=dark"));
    assert!(!light.contains("prefers-color-scheme") && !dark.contains("prefers-color-scheme"));
    assert!(light.contains("@media (min-width:999999px){") && dark.contains("@media (min-width:0px){"));
}

#[test]
fn findings_name_their_place_and_the_budget_adds_up() {
    let project = project().file("issues/7.md", format!("{ISSUE}\n[click here](http://example.com/)\n"));
    let ran = Preview::of(&project).json("/api/findings");
    let one =
        ran["findings"].as_array().unwrap().iter().find(|one| one["heading"]["anchor"] == "the-workshop");
    let one = one.unwrap_or_else(|| panic!("{ran}"));
    assert!(one["place"].as_str().unwrap().starts_with("issues/7.md:13:"), "{ran}");
    assert!(
        ran["shares"].as_array().unwrap().iter().any(|share| share["section"] == "The workshop"),
        "{ran}"
    );
}

#[test]
fn a_saved_file_is_reported_at_once_also_when_it_is_saved_by_renaming() {
    let project = project();
    let preview = Preview::of(&project);
    let mut events = preview.events();
    project.write("issues/7.md", ISSUE.replace("kettle", "teapot"));
    next(&mut events);
    assert!(preview.get("/letter").contains("teapot"));
    project.write("issues/.7.md.swp", ISSUE.replace("kettle", "lantern"));
    fs::rename(project.path("issues/.7.md.swp"), project.path("issues/7.md")).unwrap();
    while !preview.get("/letter").contains("lantern") {
        next(&mut events);
    }
    project.write("subscribers.csv", "email,first name\nzoe@example.com,Zoe\n");
    while preview.json("/api/letter")["subject"] != "Hello Zoe" {
        next(&mut events);
    }
}

#[test]
fn a_folder_that_is_made_later_is_watched_as_well() {
    let project = project();
    let preview = Preview::of(&project);
    let mut events = preview.events();
    let plain = fs::read_to_string(repository().join("templates/plain.mjml")).unwrap();
    // A template of one's own, once it is wanted, and a change to it.
    for word in ["a first foot", "a second foot"] {
        let foot =
            format!("<mj-section><mj-column><mj-text>{word}</mj-text></mj-column></mj-section></mj-body>");
        project.write("templates/default.mjml", plain.replace("</mj-body>", &foot));
        while !preview.get("/letter").contains(word) {
            next(&mut events);
        }
    }
}

#[test]
fn the_browser_is_opened_with_an_address_that_works_once() {
    let project = project();
    let pipe = project.path("asked");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    project.write("bin/xdg-open", "#!/bin/sh\necho \"$1\" > \"$MIMEO_TEST_ASKED\"\n");
    fs::set_permissions(project.path("bin/xdg-open"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
    let mimeo = project.mimeo(["preview"]).env("PATH", &path).env("MIMEO_TEST_ASKED", &pipe);
    let preview = Preview::started(mimeo);
    // Reading waits until the program writes. Every user can read the arguments of a program, so that the address which
    // the browser is started with works once.
    let asked = fs::read_to_string(&pipe).unwrap();
    let once = asked.trim().strip_prefix(&format!("http://{}", preview.host)).unwrap();
    assert!(!once.contains(preview.folder.trim_matches('/')), "{once}");
    let answer = preview.ask_outside(&preview.host, once);
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert!(answer.contains(&format!("\r\nlocation: {}\r\n", preview.folder)), "{answer}");
    let answer = preview.ask_outside(&preview.host, once);
    assert!(answer.starts_with("HTTP/1.1 410") && !answer.contains("location"), "{answer}");
    drop(preview);
    project.write("quiet", "");
    let mimeo = project.mimeo(["preview", "--no-open"]).env("PATH", &path);
    let preview = Preview::started(mimeo.env("MIMEO_TEST_ASKED", project.path("quiet")));
    preview.get("/");
    assert_eq!(project.read("quiet"), "");
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    project()
        .run(["preview", "--no-open", "--port", &port])
        .code(1)
        .stderr_has(&format!("port {port} is taken"));
}

#[test]
fn a_broken_issue_shows_what_is_wrong_and_is_fixed_without_a_restart() {
    let project = project().file("issues/7.md", "---\ntitle: [\n---\n\nHello\n");
    let preview = Preview::of(&project);
    let mut events = preview.events();
    let letter = preview.json("/api/letter");
    let problem = &letter["problems"][0];
    assert_eq!(problem["severity"], "error", "{letter}");
    assert!(problem["place"].as_str().unwrap().starts_with("issues/7.md:"), "{letter}");
    project.write("issues/7.md", ISSUE);
    while !preview.json("/api/letter")["problems"].as_array().unwrap().is_empty() {
        next(&mut events);
    }
}

#[test]
fn another_hosts_name_is_refused() {
    let project = project();
    let preview = Preview::of(&project);
    for host in [
        "evil.example.com",
        "127.0.0.1.example.com",
        "localhost.example.com:80",
        "[::1].evil.example",
        "127.0.0.1:1@evil.example",
        "localhost:80x",
        "localhost:",
        "localhost\r\nHost: evil.example",
        "",
    ] {
        for path in ["/", "/api/letter", "/letter", "/raw", "/events"] {
            let answer = preview.ask(host, path);
            assert!(answer.starts_with("HTTP/1.1 403"), "{host} {path}: {answer}");
        }
    }
    let answer = preview.ask("localhost", "/");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn without_the_printed_address_no_letter_and_no_subscriber_is_shown() {
    let project = project();
    let preview = Preview::of(&project);
    let wrong = format!("/{}/", "0".repeat(32));
    for folder in ["/", "//", &wrong, "/once/", "/once/0"] {
        for path in ["", "api/letter", "api/people", "api/findings", "letter", "raw", "events", "preview.js"]
        {
            let answer = preview.ask_outside(&preview.host, &format!("{folder}{path}"));
            assert!(answer.starts_with("HTTP/1.1 4"), "{folder}{path}: {answer}");
            assert!(!answer.contains(preview.folder.trim_matches('/')), "{folder}{path}: {answer}");
        }
    }
}

#[test]
fn a_folder_that_another_takes_the_place_of_is_followed() {
    let project = project();
    let preview = Preview::of(&project);
    let mut events = preview.events();
    // As `git checkout` of another branch, or a person who puts a copy in its place.
    for word in ["teapot", "lantern"] {
        project.write("other/7.md", ISSUE.replace("kettle", word));
        fs::rename(project.path("issues"), project.path(&format!("old-{word}"))).unwrap();
        fs::rename(project.path("other"), project.path("issues")).unwrap();
        while !preview.get("/letter").contains(word) {
            next(&mut events);
        }
        let word = format!("{word} again");
        project.write("issues/7.md", ISSUE.replace("kettle", &word));
        while !preview.get("/letter").contains(&word) {
            next(&mut events);
        }
    }
    // What happens in the folders that were moved away is no concern of the preview: the new ones are still followed.
    project.write("old-teapot/7.md", "something else");
    project.write("issues/7.md", ISSUE.replace("kettle", "bellows"));
    while !preview.get("/letter").contains("bellows") {
        next(&mut events);
    }
}

#[test]
fn a_broken_issue_keeps_the_last_good_letter() {
    let project = project();
    let preview = Preview::of(&project);
    let mut events = preview.events();
    assert_eq!(preview.json("/api/letter")["stale"], false);
    project.write("issues/7.md", ISSUE.replace("title: A", "title: [A"));
    let letter = loop {
        next(&mut events);
        let letter = preview.json("/api/letter");
        if letter["stale"] == true {
            break letter;
        }
    };
    let place = letter["problems"][0]["place"].as_str().unwrap();
    assert!(place.starts_with("issues/7.md:3:"), "{place}");
    assert_eq!(letter["subject"], "Hello Bob");
    assert!(preview.get("/letter").contains("kettle"));
    project.write("issues/7.md", ISSUE.replace("kettle", "teapot"));
    while !preview.get("/letter").contains("teapot") {
        next(&mut events);
    }
    assert_eq!(preview.json("/api/letter")["stale"], false);
}

#[test]
fn a_readers_field_runs_no_script() {
    let hostile = "email,first name\nbob@example.com,<script>alert(1)</script><img src=x onerror=alert(2)>\n";
    let project = project().file("subscribers.csv", hostile);
    let preview = Preview::of(&project);
    let letter = preview.get("/letter");
    assert!(!letter.contains("<script") && !letter.contains("<img src=x"), "{letter}");
    let policy = letter.lines().find(|line| line.starts_with("content-security-policy: ")).unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    assert!(!policy.contains("script-src") && !policy.contains("allow-scripts"), "{policy}");
    let page = preview.get("/");
    assert_eq!(page.matches("<iframe").count(), page.matches("sandbox=\"allow-same-origin").count());
    assert!(!page.contains("allow-scripts"));
    let off = preview.get("/letter?images=off");
    let policy = off.lines().find(|line| line.starts_with("content-security-policy: ")).unwrap();
    assert!(!policy.contains("img-src"), "{policy}");
}

#[test]
fn one_file_holds_the_whole_preview_and_no_readers_address() {
    let project = project();
    project.run(["preview", "7", "--static", "preview.html"]).code(0);
    let page = project.read("preview.html");
    assert!(page.contains("Hello friend") && page.contains("we repaired the kettle"));
    assert!(!page.contains("bob@example.com"), "an address of the list is in the file");
    assert!(!page.contains("src=\"/") && !page.contains("<link rel=\"stylesheet\""));
    project.write("issues/7.md", ISSUE.replace("kettle", "</script><script>alert(1)</script>"));
    project.run(["preview", "7", "--static", "preview.html"]);
    assert_eq!(project.read("preview.html").matches("<script").count(), 2);
}

#[test]
fn an_invented_reader_has_a_value_for_each_field_and_someone_on_the_list_has_their_own() {
    let project = project();
    project.write("issues/7.md", format!("{ISSUE}\nFor {{{{ subscriber.first_name }}}}.\n"));
    project.write("subscribers.csv", "email,first name\nbob@example.com,Bob\neve@example.net,\n");
    project.run(["preview", "7", "--static", "preview.html"]).code(0);
    let page = project.read("preview.html");
    // Eve lacks a first name, which is a finding, but her address does not go into a file.
    assert!(!page.contains("eve@example.net"), "{page}");
    assert!(page.contains("For Ada.") && !page.contains("{{ subscriber.first_name }}"), "{page}");
    project.run(["preview", "7", "--static", "preview.html", "--as", "bob@example.com"]).code(0);
    assert!(project.read("preview.html").contains("For Bob."));
    project.run(["preview", "7", "--static", "preview.html", "--as", "eve@example.net"]).code(3);
}

#[test]
fn hostile_files_and_requests_get_an_answer() {
    let project = project();
    let preview = Preview::of(&project);
    let mut events = preview.events();
    for (bytes, broken) in [
        (b"---\ntitle: x\n---\n\xff\xfe".to_vec(), true),
        (format!("{ISSUE}{}", "> ".repeat(20_000)).into_bytes(), false),
        (format!("{ISSUE}{}", "[".repeat(50_000)).into_bytes(), false),
        (Vec::new(), true),
    ] {
        project.write("issues/7.md", &bytes);
        next(&mut events);
        // Every state of the file gets an answer; a broken one comes to say so.
        while preview.json("/api/letter")["problems"].as_array().unwrap().is_empty() && broken {
            next(&mut events);
        }
        preview.get("/api/findings");
    }
    project.write("issues/7.md", ISSUE);
    while !preview.json("/api/letter")["problems"].as_array().unwrap().is_empty() {
        next(&mut events);
    }
    let letter = preview.json("/api/letter?as=%3Cscript%3E%0d%0aBcc:x");
    assert!(letter["problems"][0]["message"].as_str().unwrap().contains("invalid email address"), "{letter}");
    for path in ["/picture/..%2f..%2fmimeo.toml", "/picture/x", "/../mimeo.toml", "/issues/7.md"] {
        let answer = preview.ask(&preview.host, path);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}
