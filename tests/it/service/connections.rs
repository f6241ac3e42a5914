//! Hosts, limits, logs, and the end of the service.

use std::{fs, process::Stdio};

use super::{served, served_with, token};
use crate::support::service::{HOST, Service};

#[test]
fn every_answer_has_the_fields_that_keep_tokens_private() {
    let project = served();
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    let service = Service::of(&project);
    let path = format!("/unsubscribe/{}", token(&project, "ann@example.com"));
    for path in [&path, "/unsubscribe/abc", "/nothing"] {
        let answer = service.get(path);
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-robots-tag", "noindex"),
            ("cross-origin-opener-policy", "same-origin"),
            (
                "content-security-policy",
                "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            ),
        ] {
            assert_eq!(answer.field(name), Some(value), "{path}: {name}");
        }
        assert_eq!(answer.field("set-cookie"), None);
        assert!(!answer.body.contains("<script") && !answer.body.contains("http"), "{answer}");
    }
    service.get("/service.css").code(200).has("--accent:#9a3412;");
}

#[test]
fn what_is_too_much_or_meant_for_others_is_refused() {
    let project = served();
    let service = Service::of(&project);
    let host = format!("Host: {HOST}\r\n");
    let long = "x".repeat(20_000);
    // As much as is read of a header, so that the refusal comes with nothing left to read.
    let filled = |start: String| format!("{start:x<16384}");
    let many = "X-A: b\r\n".repeat(100);
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n4e20\r\n{long}\r\n0\r\n\r\n");
    for (name, request, expected) in [
        ("no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), 421),
        ("another host", "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n".to_owned(), 421),
        ("two hosts", format!("GET / HTTP/1.1\r\n{host}{host}Connection: close\r\n\r\n"), 421),
        ("no page", format!("GET /x HTTP/1.1\r\n{host}Connection: close\r\n\r\n"), 404),
        (
            "a large body",
            format!("POST /x HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: 20000\r\n\r\n{long}"),
            413,
        ),
        (
            "ten megabytes",
            format!("POST /x HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: 10485760\r\n\r\n"),
            413,
        ),
        ("a large body in chunks", format!("POST /x HTTP/1.1\r\n{host}Connection: close\r\n{chunked}"), 413),
        ("a long field", filled(format!("GET / HTTP/1.1\r\n{host}X-Long: ")), 431),
        ("many fields", format!("GET / HTTP/1.1\r\n{host}{many}\r\n"), 431),
        ("a long path", filled("GET /".to_owned()), 431),
        ("no HTTP", "hello\r\n\r\n".to_owned(), 400),
    ] {
        let answer = service.raw(request.as_bytes());
        assert_eq!(answer.status, expected, "{name}: {answer}");
    }
    // The machine that watches it asks by its address.
    for (path, expected) in [("/healthz", "ok\n"), ("/readyz", "ok\n")] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        assert_eq!(service.raw(request.as_bytes()).code(200).body, expected);
    }
    service.get("/metrics").code(404);
    assert!(
        service.metrics().contains("mimeo_requests_total{route=\"other\",method=\"GET\",status=\"421\"} 3")
    );
}

#[test]
fn a_unix_socket_is_taken_over_from_a_process_that_is_gone() {
    let project = served_with("listen = \"unix:serve.sock\"\n");
    let start = || Service::started(project.mimeo(["-q", "serve"]));
    let mut service = start();
    service.get("/nothing").code(404);
    project.run(["serve"]).code(1).stderr_has("failed to listen on unix:");
    service.kill();
    assert!(project.path("serve.sock").exists());
    let mut service = start();
    service.get("/nothing").code(404);
    assert_eq!(service.end(), Some(0));
    assert!(!project.path("serve.sock").exists());
}

#[test]
fn logs_name_no_address_and_no_token() {
    let project = served_with("trusted_proxies = [\"127.0.0.1\"]\n");
    project.run(["subscribers", "add", "ann@example.com"]).code(0);
    let log = fs::File::create(project.path("log.txt")).unwrap();
    let mut command = project.mimeo(["serve", "--listen", "127.0.0.1:0"]).into_command();
    let mut child = command.stderr(Stdio::from(log)).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    let place = crate::support::service::Place::Tcp(line.trim().replace("listening on ", ""));
    let token = token(&project, "ann@example.com");
    for path in [format!("/unsubscribe/{token}"), "/ann@example.com?q=ann@example.com".to_owned()] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: 0\r\nX-Forwarded-For: 198.51.100.77\r\n\r\n"
        );
        place.raw(request.as_bytes()).unwrap();
    }
    std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let log = project.read("log.txt");
    let first: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(first["route"], "/unsubscribe/{token}");
    assert_eq!((&first["method"], &first["status"]), (&"POST".into(), &200.into()));
    assert_eq!(first["client"], "198.51.100.0/24");
    for private in [&*token, &token[..10], "ann", "100.77"] {
        assert!(!log.contains(private), "{private}: {log}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_with_their_place() {
    for (settings, message) in [
        ("[serve]\nlisten = \"127.0.0.1:1\"\n", "`[serve]` has no `url`"),
        ("[serve]\nurl = \"news.example.org\"\n", "`serve.url` is not a valid https URL"),
        ("[serve]\nurl = \"http://news.example.org/\"\n", "`serve.url` begins with http"),
        ("[serve]\nurl = \"https://news.example.org/?a=b\"\n", "`serve.url` is more than a host and a path"),
        (
            "[serve]\nurl = \"https://news.example.org/{token}\"\n",
            "`serve.url` is more than a host and a path",
        ),
        (
            "[serve]\nurl = \"https://a.example.org\"\nlisten = \"8025\"\n",
            "`serve.listen` cannot be \"8025\"",
        ),
        (
            "[serve]\nurl = \"https://a.example.org\"\ntrusted_proxies = [\"10.0.0.0/33\"]\n",
            "`serve.trusted_proxies` cannot hold \"10.0.0.0/33\"",
        ),
    ] {
        let text = format!("{}\n{settings}", crate::support::project::LEAST);
        let project = crate::support::project::Project::empty().file("mimeo.toml", text);
        let ran = project.run(["serve"]).code(3).stderr_has(message);
        assert!(ran.stderr.contains("mimeo.toml:"), "{ran}");
    }
    crate::support::project::Project::new().run(["serve"]).code(3).stderr_has("`[serve]` has no `url`");
}
