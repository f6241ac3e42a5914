//! One-click requests while an issue is sent: how long their answers take, and whether each counts for a letter that begins after
//! its answer.
//!
//! `cargo bench --bench service -- [PEOPLE] [REQUESTS A SECOND] [LETTERS A SECOND]`; usually 100,000, 1,000 and 2,000.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const HOST: &str = "news.example.org";
/// Connections that requests come on, kept open as a proxy keeps them.
const CONNECTIONS: usize = 32;
/// The bound that the project holds itself to.
const P99_MAX: Duration = Duration::from_millis(200);

/// When the relay asked for the body of each letter that came whole, by recipient.
type Begun = Arc<Mutex<HashMap<String, Instant>>>;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let number = |at: usize, usual| numbers.get(at).copied().unwrap_or(usual);
    let (people, per_second, pace) = (number(0, 100_000), number(1, 1_000), number(2, 2_000));
    let folder = tempfile::tempdir().unwrap();
    let (relay, begun) = relay();
    let tokens = newsletter(folder.path(), &relay, people, pace);
    let mut service = mimeo(folder.path(), &["-q", "serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    let mut send = mimeo(folder.path(), &["-q", "send", "one", "--yes", "--first"]).spawn().unwrap();
    while begun.lock().unwrap().is_empty() {
        assert!(send.try_wait().unwrap().is_none(), "the send ended before its first letter");
        thread::sleep(Duration::from_millis(1));
    }
    let began = Instant::now();
    let answers = load(&address, &tokens, per_second, &mut send);
    let took = began.elapsed();
    send.wait().unwrap();
    let whole = began.elapsed();
    assert!(Command::new("kill").arg(service.id().to_string()).status().unwrap().success());
    service.wait().unwrap();
    judge(&answers, &begun.lock().unwrap(), took, whole, people);
}

/// The program in a folder.
fn mimeo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mimeo"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .stdin(Stdio::null());
    command
}

/// A managed list with so many people; their addresses and tokens, in an order of their own.
fn newsletter(folder: &Path, relay: &str, people: usize, pace: usize) -> Vec<(String, String)> {
    let settings = format!(
        "[newsletter]\nname = \"Small Steps\"\n\n[sender]\nfrom = \"Ada <ada@example.org>\"\n\n[list]\nmanaged = true\n\n\
         [relay]\nurl = \"smtp://{relay}?tls=none\"\nconnections = 8\n\n[pace]\nper_second = {pace}\nadaptive = false\n\n\
         [serve]\nurl = \"https://{HOST}/\"\ntrusted_proxies = [\"127.0.0.1\"]\n"
    );
    fs::write(folder.join("mimeo.toml"), settings).unwrap();
    fs::create_dir(folder.join("issues")).unwrap();
    fs::write(
        folder.join("issues/one.md"),
        "---\ntitle: One\nnumber: 1\ndate: 2026-01-02\n---\n\nHello to all of you.\n",
    )
    .unwrap();
    let rows: String = (0..people).map(|index| format!("reader{index}@example.com\n")).collect();
    fs::write(folder.join("list.csv"), format!("email\n{rows}")).unwrap();
    assert!(mimeo(folder, &["-q", "subscribers", "import", "list.csv", "--yes"]).status().unwrap().success());
    let list = mimeo(folder, &["subscribers", "list", "--json"]).output().unwrap();
    let person = |line: &str| {
        let person: serde_json::Value = serde_json::from_str(line).unwrap();
        (person["email"].as_str().unwrap().to_owned(), person["token"].as_str().unwrap().to_owned())
    };
    let mut tokens: Vec<_> = String::from_utf8(list.stdout).unwrap().lines().map(person).collect();
    // Neither in the order of the list nor in the opposite one: some letters come before their request, and some after.
    tokens.sort_by_key(|(_, token)| token[20..].to_owned());
    tokens
}

/// A relay that takes everything, and notes when it asked for each body.
fn relay() -> (String, Begun) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let begun = Begun::default();
    let noted = Arc::clone(&begun);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let noted = Arc::clone(&noted);
            // A connection that ends is not an event here.
            thread::spawn(move || drop(converse(stream.unwrap(), &noted)));
        }
    });
    (address, begun)
}

fn converse(stream: TcpStream, begun: &Begun) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut output = stream.try_clone()?;
    let mut input = BufReader::new(stream);
    output.write_all(b"220 relay\r\n")?;
    let (mut line, mut recipient, mut is_body) = (Vec::new(), String::new(), false);
    let mut asked = Instant::now();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let reply: &[u8] = match line.get(..4).unwrap_or(&line) {
            _ if is_body && line != b".\r\n" => continue,
            _ if is_body => {
                is_body = false;
                // Without its body it is no letter: its reader left while the relay asked for it.
                begun.lock().unwrap().insert(recipient.clone(), asked);
                b"250 2.0.0 ok\r\n"
            }
            b"EHLO" => b"250-relay\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            b"RCPT" => {
                let text = String::from_utf8_lossy(&line);
                recipient = text.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                b"250 2.1.5 ok\r\n"
            }
            b"DATA" => {
                is_body = true;
                asked = Instant::now();
                b"354 go\r\n"
            }
            _ => b"250 2.0.0 ok\r\n",
        };
        output.write_all(reply)?;
    }
}

/// A request: whose, when it was answered, and how long that took since it was due; `None` if it was not answered with 200.
type Answer = (String, Option<(Instant, Duration)>);

/// Sends requests at their times until the send ends. The time of one that has to wait for a connection counts from when it was due.
fn load(address: &str, tokens: &[(String, String)], per_second: usize, send: &mut Child) -> Vec<Answer> {
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let (began, most) = (Instant::now(), Mutex::new(tokens.len() * 3 / 4));
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = connect(address);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= *most.lock().unwrap() {
                        return;
                    }
                    let due = began + Duration::from_secs(1).mul_f64(index as f64 / per_second as f64);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let (whose, token) = &tokens[index];
                    let is_taken = request(&mut connection, token, index).is_ok_and(|status| status == 200);
                    let now = Instant::now();
                    if !is_taken {
                        connection = connect(address);
                    }
                    let answered = is_taken.then(|| (now, now - due));
                    answers.lock().unwrap().push((whose.clone(), answered));
                }
            });
        }
        while send.try_wait().unwrap().is_none() && next.load(Ordering::Relaxed) < *most.lock().unwrap() {
            thread::sleep(Duration::from_millis(20));
        }
        *most.lock().unwrap() = 0;
    });
    answers.into_inner().unwrap()
}

fn connect(address: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    BufReader::new(stream)
}

fn request(connection: &mut BufReader<TcpStream>, token: &str, index: usize) -> std::io::Result<u16> {
    let body = "List-Unsubscribe=One-Click";
    let text = format!(
        "POST /unsubscribe/{token} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         X-Forwarded-For: 203.{}.{}.1\r\nContent-Length: {}\r\n\r\n{body}",
        index / 250 % 250,
        index % 250,
        body.len()
    );
    connection.get_mut().write_all(text.as_bytes())?;
    let (mut status, mut length, mut line) = (0, 0, String::new());
    loop {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
        } else if let Some(rest) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = rest.trim().parse().unwrap_or(0);
        } else if line == "\r\n" {
            break;
        }
    }
    connection.read_exact(&mut vec![0; length])?;
    Ok(status)
}

/// Prints what came of it, and fails if a letter began after its reader's request was answered.
fn judge(
    answers: &[Answer],
    begun: &HashMap<String, Instant>,
    took: Duration,
    whole: Duration,
    people: usize,
) {
    let mut times: Vec<Duration> =
        answers.iter().filter_map(|(_, answered)| Some(answered.as_ref()?.1)).collect();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let refused = answers.len() - times.len();
    let (mut late, mut kept) = (0, 0);
    for (whose, answered) in answers {
        let (Some((answered, _)), begun) = (answered, begun.get(whose)) else { continue };
        kept += u32::from(begun.is_none());
        late += u32::from(begun.is_some_and(|begun| begun > answered));
    }
    println!(
        "{} letters of {people} in {:.1} s; {} requests in {:.1} s ({:.0}/s), {refused} refused",
        begun.len(),
        whole.as_secs_f64(),
        answers.len(),
        took.as_secs_f64(),
        answers.len() as f64 / took.as_secs_f64()
    );
    println!(
        "answers: median {:.1?}, p90 {:.1?}, p99 {:.1?}, worst {:.1?}; {kept} letters kept back, {late} begun after their answer",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
    println!("p99 below {P99_MAX:?}: {}", if at(0.99) <= P99_MAX { "yes" } else { "no" });
    assert_eq!(late, 0, "a letter began after its reader had left");
    assert_eq!(refused, 0, "requests were refused");
}
