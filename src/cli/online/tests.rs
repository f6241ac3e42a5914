//! A server in this process stands for the web.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::Arc,
};

use super::*;

struct Web {
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A server that answers `METHOD /host/path` with a status line and headers; all else is not there.
fn web(answers: &[(&'static str, &'static str)]) -> Web {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let answers: BTreeMap<_, _> = answers.iter().copied().collect();
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
            let asked = first.rsplit_once(' ').unwrap().0.to_owned();
            let answer = answers.get(asked.as_str()).copied().unwrap_or("404 Not Found");
            seen.lock().unwrap().push(asked);
            let _ = write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    Web { endpoint, asked }
}

fn now() -> Timestamp {
    "2023-01-06T09:00:00Z".parse().unwrap()
}

fn url(address: &str) -> Url {
    Url::parse(address).unwrap()
}

#[test]
fn an_address_is_asked_for_its_head_and_then_for_itself() {
    let web = web(&[
        ("HEAD /a.example/there", "200 OK"),
        ("HEAD /a.example/no-head", "405 Method Not Allowed"),
        ("GET /a.example/no-head", "200 OK"),
        ("HEAD /a.example/gone", "410 Gone"),
        ("GET /a.example/gone", "410 Gone"),
        ("HEAD /a.example/robots", "403 Forbidden"),
        ("GET /a.example/robots", "403 Forbidden"),
        ("HEAD /a.example/moved", "301 Moved Permanently\r\nLocation: https://b.example/new"),
        ("HEAD /a.example/lent", "302 Found\r\nLocation: /moved"),
        ("HEAD /b.example/new", "200 OK"),
        ("HEAD /a.example/round", "301 Moved Permanently\r\nLocation: /round"),
        ("HEAD /a.example/away", "301 Moved Permanently\r\nLocation: file:///etc/passwd"),
    ]);
    let net = Net::at(web.endpoint);
    let unclear = |why: &str| Answer::Unclear(why.to_owned());
    for (address, expected) in [
        ("https://a.example/there", Answer::There),
        ("http://a.example/there", Answer::There),
        ("https://a.example/no-head", Answer::There),
        ("https://a.example/gone", Answer::Gone(410)),
        ("https://a.example/missing", Answer::Gone(404)),
        ("https://a.example/robots", unclear("it answered 403")),
        ("https://a.example/moved", Answer::Moved("https://b.example/new".into())),
        ("https://a.example/lent", Answer::There),
        ("https://a.example/round", unclear("it leads from page to page without an end")),
        ("https://a.example/away", unclear("`file:///etc/passwd` is not a public https address")),
    ] {
        let (answer, _) = probe(&net, &url(address), Instant::now() + TIMEOUT);
        assert_eq!(answer, expected, "{address}");
    }
}

#[test]
fn a_private_address_is_never_asked() {
    let net = Net::new();
    for address in
        ["http://127.0.0.1/", "https://169.254.169.254/latest", "http://[::1]/", "http://10.0.0.1/"]
    {
        let (answer, _) = probe(&net, &url(address), Instant::now() + TIMEOUT);
        let Answer::Unclear(why) = answer else { panic!("{address}: {answer:?}") };
        assert!(why.contains("private network"), "{address}: {why}");
    }
}

#[test]
fn nothing_is_asked_when_the_time_is_over() {
    let web = web(&[("HEAD /a.example/", "200 OK")]);
    let net = Net::at(web.endpoint);
    let (answer, is_heard) = probe(&net, &url("https://a.example/"), Instant::now());
    assert_eq!((answer, is_heard), (Answer::Unclear("there was no time left to ask".into()), false));
    assert!(web.asked.lock().unwrap().is_empty());
}

#[test]
fn what_was_heard_is_kept_for_days_and_bad_news_for_an_hour() {
    let web = web(&[("HEAD /a.example/there", "200 OK")]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".mimeo/links.json");
    let addresses = [url("https://a.example/there"), url("https://a.example/missing")];
    let hours = |hours: i64| now() + SignedDuration::from_hours(hours);
    for (at, expected) in [
        // HEAD for both, and GET for the missing one; then the store answers; then the missing one is asked again.
        (hours(0), 3),
        (hours(0), 3),
        (hours(2), 5),
        (hours(80), 8),
        // A clock that was set back makes nothing fresh.
        (hours(-5), 11),
    ] {
        let mut online = Online::with(Net::at(web.endpoint.clone()), path.clone(), at);
        let answers = online.ask(&addresses);
        assert_eq!(answers["https://a.example/there"], Answer::There);
        assert_eq!(answers["https://a.example/missing"], Answer::Gone(404));
        online.store().unwrap();
        assert_eq!(web.asked.lock().unwrap().len(), expected, "{at}");
    }
    std::fs::write(&path, "{ broken").unwrap();
    assert_eq!(Online::with(Net::at(web.endpoint), path, now()).ask(&addresses).len(), 2);
}

#[test]
fn a_run_asks_a_limited_number_of_addresses_on_usual_ports() {
    let web = web(&[]);
    let folder = tempfile::tempdir().unwrap();
    let mut online = Online::with(Net::at(web.endpoint), folder.path().join("links.json"), now());
    let many: Vec<Url> =
        (0..ADDRESSES_MAX + 5).map(|number| url(&format!("https://a.example/{number}"))).collect();
    online.left = 3;
    let answers = online.ask(&many);
    let gone = answers.values().filter(|answer| **answer == Answer::Gone(404)).count();
    assert_eq!((gone, answers.len()), (3, many.len()));
    let odd = [url("https://a.example:8443/"), url("https://user@a.example/")];
    assert!(online.ask(&odd).values().all(|answer| matches!(answer, Answer::Unclear(_))));
    assert_eq!(web.asked.lock().unwrap().len(), 6);
}

#[test]
fn a_certificate_that_is_not_valid_is_reported_as_such() {
    use rustls::{CertificateError, Error};
    for (problem, expected) in [
        (CertificateError::Expired, "has expired"),
        (CertificateError::NotValidForName, "is for another name"),
        (CertificateError::UnknownIssuer, "was issued by an unknown authority"),
    ] {
        let inside = io::Error::other(Error::InvalidCertificate(problem.clone()));
        for source in [ureq::Error::Rustls(Error::InvalidCertificate(problem)), ureq::Error::Io(inside)] {
            let error = NetError::Failed { host: "a.example".into(), source: Box::new(source) };
            assert_eq!(answer_of(&error), Answer::Certificate(expected.into()));
        }
    }
    let source = Box::new(ureq::Error::HostNotFound);
    let error = NetError::Failed { host: "a.example".into(), source };
    assert!(matches!(answer_of(&error), Answer::Unclear(_)));
}
