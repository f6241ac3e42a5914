//! How fast a relay is fed: letters of 60 KB over ten connections to our counting sink, with no ledger and nothing to
//! compose, beside Postfix's `smtp-source` (Debian: `apt-get install postfix`) in the same minutes.
//!
//! `cargo bench --bench transport -- [LETTERS] [ROUNDS]`

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "the relay of the tests is used here, and a bench may fail")]

#[path = "../tests/it/support/relay.rs"]
mod relay;

use std::{
    hint::black_box,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use mimeograph::{
    address::EmailAddress,
    message::Message,
    transport::{
        Halt, Letter, LetterSource, Outbox, Outcome, Permit, Relay as Settings, Secret, Smtp, Transport,
    },
};

use relay::{Certificate, Relay, Script};

const CONNECTIONS: usize = 10;
const LETTER_SIZE: usize = 60_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["sink", kind] => sink(kind),
        ["send", address, ca_file, letters] => send(address, ca_file, letters.parse().unwrap()),
        _ => {
            let number =
                |at: usize, usual: u64| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(usual);
            compare(number(0, 20_000), number(1, 5));
        }
    }
}

/// A sink in a process of its own, until its standard input ends.
fn sink(kind: &str) {
    let script = match kind {
        "tls" => Script::new().with_starttls(Certificate::Good).with_login("PLAIN", "bob", "hunter2"),
        _ => Script::new(),
    };
    let relay = Relay::start(script.counting_only());
    let login = if kind == "tls" { "bob" } else { "" };
    let ca_file = relay.ca_file().map_or("-".to_owned(), |path| path.display().to_string());
    println!("{} {} {ca_file}", relay.port(), relay.url_with_login(login));
    let mut line = String::new();
    let mut input = std::io::stdin().lock();
    while input.read_line(&mut line).unwrap() > 0 {
        println!("{}", relay.counters().accepted);
        relay.reset();
        line.clear();
    }
}

/// Hands over so many letters, and ends.
fn send(address: &str, ca_file: &str, letters: u64) {
    let mut settings = Settings::parse(address).unwrap();
    if ca_file != "-" {
        settings.ca_file = Some(ca_file.into());
        settings.password = Some(Secret::new("hunter2"));
    }
    let transport = Transport::Smtp(Smtp::new(settings).unwrap());
    let source = Pile::new(letters);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (transport, source) = (&*Box::leak(Box::new(transport)), &*Box::leak(Box::new(source)));
        let connections: Vec<_> =
            (0..CONNECTIONS).map(|_| tokio::spawn(transport.run(source, Halt::never()))).collect();
        for connection in connections {
            connection.await.unwrap().unwrap();
        }
        assert_eq!(source.accepted.load(Relaxed), letters);
    });
}

struct Sink {
    child: Child,
    answers: BufReader<ChildStdout>,
    port: String,
    address: String,
    ca_file: String,
}

impl Sink {
    fn start(kind: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["sink", kind])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut word = || words.next().unwrap();
        let (port, address, ca_file) = (word(), word(), word());
        Self { child, answers, port, address, ca_file }
    }

    /// Letters taken since the last question.
    fn taken(&mut self) -> u64 {
        use std::io::Write;
        writeln!(self.child.stdin.as_mut().unwrap(), "?").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What one run of one program cost.
#[derive(Clone, Copy)]
struct Cost {
    letters_per_second: f64,
    /// Processor time a letter.
    microseconds: f64,
}

/// Runs a program under the shell's clock.
fn time(program: &str, arguments: &[&str], letters: u64) -> Cost {
    let output = Command::new("bash")
        .args(["-c", "TIMEFORMAT='%3R %3U %3S'; time \"$0\" \"$@\" >/dev/null 2>&1", program])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{program} failed");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let seconds: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    Cost {
        letters_per_second: letters as f64 / seconds[0],
        microseconds: (seconds[1] + seconds[2]) * 1e6 / letters as f64,
    }
}

fn compare(letters: u64, rounds: u64) {
    let myself = std::env::current_exe().unwrap().display().to_string();
    let mut plain = Sink::start("plain");
    let mut tls = Sink::start("tls");
    let count = letters.to_string();
    let modes = ["plain", "STARTTLS"];
    let mut reference = Vec::new();
    let mut ours: Vec<Vec<Cost>> = vec![Vec::new(); modes.len()];
    for _ in 0..rounds {
        let target = format!("127.0.0.1:{}", plain.port);
        let source = [
            "-d",
            "-s",
            "10",
            "-m",
            &count,
            "-l",
            "60000",
            "-f",
            "news@example.org",
            "-t",
            "r@example.com",
            &target,
        ];
        if std::path::Path::new("/usr/sbin/smtp-source").exists() {
            reference.push(time("/usr/sbin/smtp-source", &source, letters));
            assert_eq!(plain.taken(), letters);
        }
        for (mode, costs) in modes.iter().zip(&mut ours) {
            let sink = if *mode == "STARTTLS" { &mut tls } else { &mut plain };
            let arguments = ["send", &sink.address, &sink.ca_file, &count];
            costs.push(time(&myself, &arguments, letters));
            assert_eq!(sink.taken(), letters);
        }
    }
    println!(
        "{letters} letters of {LETTER_SIZE} bytes, {CONNECTIONS} connections, {rounds} rounds; median [least..most]"
    );
    let print = |name: &str, costs: &[Cost]| {
        let rate = spread(costs.iter().map(|cost| cost.letters_per_second));
        let cpu = spread(costs.iter().map(|cost| cost.microseconds));
        println!(
            "{name:22} {:>8.0} [{:.0}..{:.0}] letters/s   {:>6.1} [{:.1}..{:.1}] µs of processor a letter",
            rate.1, rate.0, rate.2, cpu.1, cpu.0, cpu.2
        );
    };
    if reference.is_empty() {
        println!("SKIPPED: smtp-source is not installed");
    } else {
        print("smtp-source", &reference);
    }
    for (mode, costs) in modes.iter().zip(&ours) {
        print(mode, costs);
        if !reference.is_empty() {
            let pairs = || costs.iter().zip(&reference);
            let rate =
                spread(pairs().map(|(ours, theirs)| ours.letters_per_second / theirs.letters_per_second));
            let cpu = spread(pairs().map(|(ours, theirs)| ours.microseconds / theirs.microseconds));
            println!(
                "{:22} {:>8.2} [{:.2}..{:.2}] × smtp-source    {:>6.2} [{:.2}..{:.2}] × its processor time",
                "", rate.1, rate.0, rate.2, cpu.1, cpu.0, cpu.2
            );
        }
    }
    outbox(10_000, rounds);
}

/// The outbox beside plainly writing the same files.
fn outbox(letters: u64, rounds: u64) {
    let mut ratios = Vec::new();
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let bytes = letter(0).message.into_bytes();
        let start = Instant::now();
        for n in 0..letters {
            std::fs::write(folder.path().join(format!("plain{n}@example.com.eml")), &bytes).unwrap();
        }
        let plainly = start.elapsed().as_secs_f64();
        drop(folder);
        let folder = tempfile::tempdir().unwrap();
        let transport = Transport::Outbox(Outbox::new(folder.path()));
        let source = Pile::new(letters);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let start = Instant::now();
        runtime.block_on(transport.run(&source, Halt::never())).unwrap();
        let ours = start.elapsed().as_secs_f64();
        assert_eq!(source.accepted.load(Relaxed), letters);
        ratios.push(ours / plainly);
        rates.push(letters as f64 / ours);
    }
    let (rate, ratio) = (spread(rates.into_iter()), spread(ratios.into_iter()));
    println!(
        "{:22} {:>8.0} [{:.0}..{:.0}] letters/s   {:.2} [{:.2}..{:.2}] × the time of plainly writing the files",
        "outbox", rate.1, rate.0, rate.2, ratio.1, ratio.0, ratio.2
    );
}

/// Least, median, most.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}

fn letter(number: u64) -> Letter<u64> {
    let line = "A line of a letter, as long as quoted-printable makes them, and then one dot.=\r\n";
    let mut bytes =
        b"From: News <news@example.org>\r\nTo: <r@example.com>\r\nSubject: No. 1\r\n\r\n".to_vec();
    while bytes.len() + line.len() < LETTER_SIZE {
        bytes.extend_from_slice(line.as_bytes());
    }
    let address = |text: &str| EmailAddress::parse(text).unwrap();
    let to = address(&format!("r{number}@example.com"));
    let message = Message::new(address("news@example.org"), to, bytes).unwrap();
    Letter { ticket: number, message }
}

/// A source that hands out the same few letters again and again, so that only the transport is measured.
struct Pile {
    letters: Mutex<Vec<Letter<u64>>>,
    left: AtomicU64,
    accepted: AtomicU64,
    made: AtomicU64,
}

impl Pile {
    fn new(count: u64) -> Self {
        Self {
            letters: Mutex::default(),
            left: AtomicU64::new(count),
            accepted: AtomicU64::default(),
            made: AtomicU64::default(),
        }
    }

    fn take(&self) -> Option<Letter<u64>> {
        self.left.try_update(Relaxed, Relaxed, |left| left.checked_sub(1)).ok()?;
        let old = self.letters.lock().unwrap().pop();
        let mut letter = old.unwrap_or_else(|| letter(self.made.fetch_add(1, Relaxed)));
        // The outbox names its files after addresses.
        letter.ticket += 1_000_000;
        Some(letter)
    }
}

impl LetterSource for Pile {
    type Ticket = u64;

    async fn next(&self) -> Option<Letter<u64>> {
        self.take()
    }

    fn next_now(&self) -> Option<Letter<u64>> {
        self.take()
    }

    async fn begin(&self, ticket: &mut u64) -> Permit {
        black_box(ticket);
        Permit::Go
    }

    fn end(&self, letter: Letter<u64>, outcome: Outcome) {
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        self.accepted.fetch_add(1, Relaxed);
        self.letters.lock().unwrap().push(letter);
    }

    fn give_back(&self, _: Letter<u64>) {
        self.left.fetch_add(1, Relaxed);
    }
}
