//! Fetching from a server in this process.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Cursor, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use super::*;
use crate::source::Source;

/// A server that knows some paths (`/host/path?query`) and counts requests.
struct Web {
    net: Net,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Status line and further headers, and the body.
type Answer = (&'static str, Vec<u8>);

fn web(answers: Vec<(&'static str, Answer)>) -> Web {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let answers: BTreeMap<&str, Answer> = answers.into_iter().collect();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut first = String::new();
            reader.read_line(&mut first).unwrap();
            let mut header = String::new();
            while reader.read_line(&mut header).unwrap() > 2 {
                header.clear();
            }
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let missing = ("404 Not Found", Vec::new());
            let (status, body) = answers.get(path.as_str()).unwrap_or(&missing);
            seen.lock().unwrap().push(path);
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // A client that has seen enough hangs up.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    Web { net: Net::at(endpoint), asked }
}

fn ok(body: impl Into<Vec<u8>>) -> Answer {
    ("200 OK", body.into())
}

fn still() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(32, 18).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn issue(root: &Path, text: &str) -> Issue {
    let path = root.join("issues/one.md");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    Issue::parse(Source::new(path, format!("---\ntitle: One\n---\n\n{text}\n"))).unwrap()
}

fn facts(path: &Path) -> Vendored {
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn only(mut report: Vec<(String, Became)>) -> Became {
    assert_eq!(report.len(), 1, "{report:?}");
    report.remove(0).1
}

const VIDEO: &str = "https://www.youtube.com/watch?v=abcdefghijk";
const OEMBED: &str =
    "/www.youtube.com/oembed?format=json&url=https%3A%2F%2Fwww%2Eyoutube%2Ecom%2Fwatch%3Fv%3Dabcdefghijk";

#[test]
fn a_video_is_fetched_once_with_its_best_still() {
    let root = tempfile::tempdir().unwrap();
    let issue = issue(root.path(), VIDEO);
    let oembed =
        r#"{"title":"A talk <b>","thumbnail_url":"https://i.ytimg.com/vi/abcdefghijk/hqdefault.jpg"}"#;
    let web = web(vec![
        (OEMBED, ("302 Found\r\nLocation: https://elsewhere.example/o", Vec::new())),
        ("/elsewhere.example/o", ok(oembed)),
        ("/i.ytimg.com/vi/abcdefghijk/maxresdefault.jpg", ok(still())),
    ]);
    let Became::Stored(path) = only(vendor(root.path(), &issue, &web.net).unwrap()) else { panic!() };
    let stored = facts(&path);
    assert_eq!((stored.url.as_str(), stored.title.as_deref()), (VIDEO, Some("A talk <b>")));
    assert_eq!(fs::read(path.with_file_name(stored.still.unwrap())).unwrap(), still());
    let asked = web.asked.lock().unwrap().len();
    assert_eq!(asked, 3);
    assert_eq!(only(vendor(root.path(), &issue, &web.net).unwrap()), Became::Known);
    assert_eq!(web.asked.lock().unwrap().len(), asked);
}

#[test]
fn posts_tell_author_words_and_date() {
    let root = tempfile::tempdir().unwrap();
    let status = r#"{"content":"<p>One<br>two</p><p>Three &amp; four</p>","created_at":"2024-05-03T10:00:00Z",
        "account":{"display_name":"Ada","acct":"ada"},
        "media_attachments":[{"type":"image","preview_url":"https://files.example/p.jpg","description":"A hill"}]}"#;
    let tweet = r#"{"author_name":"Ben","author_url":"https://twitter.com/ben",
        "html":"<blockquote><p lang=\"en\">Hello <a href=\"https://t.co/x\">there</a></p>&mdash; Ben (@ben) <a href=\"https://twitter.com/ben/status/1\">May 3, 2024</a></blockquote>"}"#;
    let page = r#"<html><head><meta property="og:title" content="Cy (@cy) on Threads">
        <meta property="og:description" content="Words &lt;3"></head></html>"#;
    let web = web(vec![
        ("/social.example/api/v1/statuses/123456", ok(status)),
        ("/files.example/p.jpg", ok(still())),
        (
            "/publish.twitter.com/oembed?omit_script=1&url=https%3A%2F%2Fx%2Ecom%2Fben%2Fstatus%2F123456",
            ok(tweet),
        ),
        ("/www.threads.net/@cy/post/Cabc", ok(page)),
    ]);
    let text = "https://social.example/@ada/123456\n\nhttps://x.com/ben/status/123456\n\n\
                https://www.threads.net/@cy/post/Cabc";
    let report = vendor(root.path(), &issue(root.path(), text), &web.net).unwrap();
    let stored: Vec<Vendored> = report
        .into_iter()
        .map(|(url, became)| match became {
            Became::Stored(path) => facts(&path),
            other => panic!("{url}: {other:?}"),
        })
        .collect();
    let output: Vec<_> = stored
        .iter()
        .map(|post| {
            [&post.author, &post.handle, &post.date, &post.text].map(|part| part.clone().unwrap_or_default())
        })
        .collect();
    assert_eq!(
        output,
        [
            ["Ada", "@ada", "2024-05-03", "One\ntwo\n\nThree & four"],
            ["Ben", "@ben", "May 3, 2024", "Hello there"],
            ["Cy", "@cy", "", "Words <3"],
        ]
        .map(|row| row.map(String::from))
    );
    assert_eq!(stored[0].picture_alt.as_deref(), Some("A hill"));
    assert!(stored[0].picture.is_some() && stored[1].picture.is_none());
}

#[test]
fn what_is_big_private_endless_or_missing_is_reported_and_nothing_is_stored() {
    let root = tempfile::tempdir().unwrap();
    for (answer, expected) in [
        (ok(vec![b' '; 2 * 1024 * 1024 + 1]), "failed to fetch"),
        (("302 Found\r\nLocation: http://169.254.169.254/", Vec::new()), "not a public https address"),
        (("302 Found\r\nLocation: https://www.youtube.com:22/", Vec::new()), "not a public https address"),
        (
            (
                "301 Moved\r\nLocation: ?format=json&url=https%3A%2F%2Fwww%2Eyoutube%2Ecom%2Fwatch%3Fv%3Dabcdefghijk",
                Vec::new(),
            ),
            "without an end",
        ),
        (("404 Not Found", Vec::new()), "answered 404"),
        (ok("no JSON"), "says nothing"),
        (ok("{}"), "says nothing"),
    ] {
        let web = web(vec![(OEMBED, answer)]);
        let Became::Failed(why) = only(vendor(root.path(), &issue(root.path(), VIDEO), &web.net).unwrap())
        else {
            panic!("{expected}");
        };
        assert!(why.contains(expected), "{why}");
        assert!(!root.path().join("issues/one.vendor").exists());
    }
}

#[test]
fn what_the_author_wrote_is_not_fetched() {
    let root = tempfile::tempdir().unwrap();
    let web = web(Vec::new());
    assert_eq!(vendor(root.path(), &issue(root.path(), "No embeds."), &web.net).unwrap(), []);
    assert!(web.asked.lock().unwrap().is_empty());
}
