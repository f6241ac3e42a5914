//! What the workloads share: a newsletter of so many people, a counting sink in a process of its own, the cost of a
//! program, and a table of ratios with their targets.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::relay::{At, Certificate, Do, Relay, Script, When};

/// Where the newsletter's folder is, for what lies beside the sources.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The program that readers of the README use, built in the same profile as this one.
pub(crate) const MIMEO: &str = env!("CARGO_BIN_EXE_mimeo");
pub(crate) const SMTP_SOURCE: &str = "/usr/sbin/smtp-source";
/// Bytes of a letter, about, as the reference prints them.
pub(crate) const LETTER_SIZE: &str = "60000";
const ISSUE: &str = "the-long-walk";

/// Least, median and most.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

pub(crate) fn spread(values: impl IntoIterator<Item = f64>) -> Spread {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let median = |values: &[f64]| {
        let half = values.len() / 2;
        if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) }
    };
    Spread { least: values[0], median: median(&values), most: values[values.len() - 1] }
}

/// What one run of one program cost.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// When it began, in seconds since 1970.
    pub(crate) began: f64,
    pub(crate) seconds: f64,
    /// Processor time, in seconds.
    pub(crate) cpu: f64,
    pub(crate) peak_mib: f64,
}

impl Cost {
    pub(crate) fn per_second(&self, letters: u64) -> f64 {
        letters as f64 / self.seconds
    }

    /// Processor time a letter, in microseconds.
    pub(crate) fn microseconds(&self, letters: u64) -> f64 {
        self.cpu * 1e6 / letters as f64
    }
}

/// Runs a program to its end. `prefix` is in front of it: `taskset`, `ip netns exec`.
pub(crate) fn cost(prefix: &[&str], command: &[&str]) -> Cost {
    let output = tempfile::NamedTempFile::new().unwrap();
    let report = Command::new("python3")
        .env("BENCH_PASSWORD", "hunter2")
        // What the program keeps outside of the newsletter goes with the measurement.
        .env("XDG_STATE_HOME", output.path().with_extension("state"))
        .arg(Path::new(ROOT).join("benches/limits/cost.py"))
        .arg(output.path())
        .args(prefix)
        .args(command)
        .output()
        .expect("python3 is installed");
    let said = fs::read_to_string(output.path()).unwrap_or_default();
    assert!(
        report.status.success(),
        "{command:?} failed:\n{said}\n{}",
        String::from_utf8_lossy(&report.stderr)
    );
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    let number = |name: &str| report[name].as_f64().unwrap();
    Cost {
        began: number("began"),
        seconds: number("seconds"),
        cpu: number("cpu"),
        peak_mib: number("peak_kib") / 1024.0,
    }
}

/// A sink in a process of its own, which ends with this value.
pub(crate) struct Sink {
    child: Child,
    answers: BufReader<ChildStdout>,
    pub(crate) host: String,
    pub(crate) url: String,
    pub(crate) ca_file: String,
}

/// What a sink took since it was last asked.
pub(crate) struct Taken {
    pub(crate) letters: u64,
    pub(crate) connections: u64,
    /// When it took the first letter, in seconds since 1970.
    pub(crate) first: f64,
}

impl Sink {
    /// `kind` is one of those that [`serve`] knows.
    pub(crate) fn start(kind: &str, prefix: &[&str]) -> Self {
        let myself = std::env::current_exe().unwrap().display().to_string();
        let words: Vec<&str> = prefix.iter().copied().chain([myself.as_str(), "sink", kind]).collect();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let [host, url, ca_file] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("the sink did not start: {line:?}");
        };
        let (host, url, ca_file) = (host.to_owned(), url.to_owned(), ca_file.to_owned());
        Self { child, answers, host, url, ca_file }
    }

    /// Asks for the counters, and sets them to zero.
    pub(crate) fn taken(&mut self) -> Taken {
        writeln!(self.child.stdin.as_mut().unwrap(), "?").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let numbers: Vec<f64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
        Taken { letters: numbers[0] as u64, connections: numbers[1] as u64, first: numbers[2] }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Is a sink until standard input ends: `near` and `far` (on the far host of the long line), `far-tls` with STARTTLS
/// and a login, `far-tls-refusing` the same, refusing every fiftieth recipient.
pub(crate) fn serve(kind: &str) {
    let mut script = Script::new().counting_only();
    if kind.contains("tls") {
        script = script.with_starttls(Certificate::Good).with_login("PLAIN", "bob", "hunter2");
    }
    if kind.ends_with("refusing") {
        let refusal = Do::Say("550 5.1.1 no such user".to_owned());
        script = script.rule(At::Rcpt, When::Every(50), refusal);
    }
    let host = if kind.starts_with("far") { "10.99.0.2:0" } else { "127.0.0.1:0" };
    let relay = Relay::start_on(host, script);
    let url = relay.url_with_login(if kind.contains("tls") { "bob" } else { "" });
    let ca_file = relay.ca_file().map_or("-".to_owned(), |path| path.display().to_string());
    let host = if kind.starts_with("far") { "10.99.0.2" } else { "127.0.0.1" };
    println!("{host}:{} {url} {ca_file}", relay.port());
    let mut line = String::new();
    let mut input = std::io::stdin().lock();
    while input.read_line(&mut line).unwrap() > 0 {
        let counters = relay.counters();
        let first = counters
            .first_accepted
            .map_or(0.0, |at| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64());
        println!("{} {} {first:.6}", counters.accepted, counters.connections);
        relay.reset();
        line.clear();
    }
}

/// A newsletter in a folder of its own: an issue of 60 KB with five placeholders, and a list.
pub(crate) struct Newsletter {
    folder: tempfile::TempDir,
}

impl Newsletter {
    pub(crate) fn new(people: u64) -> Self {
        let folder = tempfile::Builder::new().prefix("mimeo-bench-").tempdir_in(target()).unwrap();
        let newsletter = Self { folder };
        newsletter.write(&format!("issues/2022-12-30-{ISSUE}.md"), &issue());
        newsletter.list(people);
        newsletter
    }

    /// Another list in the place of the present one.
    pub(crate) fn list(&self, people: u64) {
        let file = fs::File::create(self.path().join("subscribers.csv")).unwrap();
        let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
        writeln!(file, "email,name,first_name,city,plan,since").unwrap();
        for n in 0..people {
            let (domain, year) = (n % 97, 2000 + n % 24);
            writeln!(
                file,
                "reader{n}@mail{domain}.example.com,Ann{n} Lee,Ann{n},\"Ulm, Donau\",yearly,{year}"
            )
            .unwrap();
        }
        file.flush().unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The settings for a relay, with more lines behind them.
    pub(crate) fn relay(&self, sink: &Sink, connections: u64, more: &str) {
        let mut relay = format!("[relay]\nurl = \"{}\"\nconnections = {connections}\n", sink.url);
        if sink.ca_file != "-" {
            writeln!(relay, "ca_file = \"{}\"\npassword = {{ env = \"BENCH_PASSWORD\" }}", sink.ca_file)
                .unwrap();
        }
        self.settings(&format!("{relay}{more}"));
    }

    pub(crate) fn settings(&self, more: &str) {
        let text = format!(
            "[newsletter]\nname = \"Gradient Ascent\"\npostal_address = \"12 Saddle Point Connection\"\n\
             [sender]\nfrom = \"Ada Quill <ada@letters.example.org>\"\n\
             [unsubscribe]\nhttps = \"https://letters.example.org/leave/{{token}}\"\n\
             mailto = \"leave@letters.example.org\"\n\
             [list]\npath = \"subscribers.csv\"\n{more}"
        );
        self.write("mimeo.toml", &text);
    }

    /// Forgets who has what, and all letters in the outbox.
    pub(crate) fn forget(&self) {
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-generation"] {
            let _ = fs::remove_file(self.path().join(".mimeo").join(name));
        }
        for name in [".mimeo", "outbox"] {
            let _ = fs::remove_dir_all(self.path().join(name));
        }
    }

    /// Sends the issue to everybody, as an owner would.
    pub(crate) fn send(&self, prefix: &[&str], more: &[&str]) -> Cost {
        let folder = self.path().display().to_string();
        let words = [&[MIMEO, "-C", &folder, "send", ISSUE, "--yes", "--first"], more].concat();
        cost(prefix, &words)
    }

    /// HTML and text of the issue in files, with `{{first_name}}` at each placeholder, for the peers.
    pub(crate) fn parts(&self) -> (PathBuf, PathBuf) {
        let out = self.path().join("parts");
        let status = Command::new(MIMEO)
            .args(["-C".as_ref(), self.path().as_os_str(), "build".as_ref(), ISSUE.as_ref(), "-o".as_ref()])
            .arg(&out)
            .output()
            .unwrap()
            .status;
        assert!(status.success());
        let part = |ending: &str| {
            let path = out.join(format!("2022-12-30-{ISSUE}.{ending}"));
            let text = fs::read_to_string(&path).unwrap();
            let mut pieces = text.split("{{");
            let mut filled = pieces.next().unwrap_or_default().to_owned();
            for piece in pieces {
                filled.push_str("{{first_name}}");
                filled.push_str(piece.split_once("}}").map_or("", |(_, rest)| rest));
            }
            fs::write(&path, filled).unwrap();
            path
        };
        (part("html"), part("txt"))
    }
}

/// Prose of ours, long enough for 60 KB on the wire, text part and HTML together.
fn issue() -> String {
    let line = "The optimiser walked down the slope for a week, and this is what it saw: a valley, a ridge, and a \
                long plain with very little grass on it. ";
    let mut text = String::from(
        "---\ntitle: The long walk\npreheader: Sixty kilobytes of walking downhill, for the bench that weighs \
         letters\nnumber: 1\ndate: 2022-12-30\n---\n\nDear {{ subscriber.first_name | default(\"friend\") }} in \
         {{ subscriber.city | default(\"town\") }},\n\n",
    );
    for part in 0..28 {
        writeln!(text, "## Part {part}\n\n{}\n", line.repeat(5)).unwrap();
        if part == 10 {
            text.push_str(
                "You are on the {{ subscriber.plan | default(\"free\") }} plan, since \
                 {{ subscriber.since | default(\"long ago\") }}, and this letter goes to {{ subscriber.email }}.\n\n",
            );
        }
    }
    text
}

/// A folder on the disk that the sources are on: a ledger in memory would prove nothing.
fn target() -> PathBuf {
    let folder = Path::new(ROOT).join("target/bench");
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn smtp_source(sink: &Sink, sessions: u64, letters: u64, prefix: &[&str]) -> Cost {
    let (sessions, letters) = (sessions.to_string(), letters.to_string());
    let words = [
        SMTP_SOURCE,
        "-d",
        "-s",
        &sessions,
        "-m",
        &letters,
        "-l",
        LETTER_SIZE,
        "-f",
        "news@example.org",
        "-t",
        "reader@example.com",
        &sink.host,
    ];
    cost(prefix, &words)
}

/// Nodemailer's pool with letters of the same content. It reports its own time, without that of starting Node.
pub(crate) fn nodemailer(
    sink: &Sink,
    connections: u64,
    letters: u64,
    parts: &(PathBuf, PathBuf),
    key: Option<&Path>,
    prefix: &[&str],
) -> Cost {
    let (host, port) = sink.host.split_once(':').unwrap();
    let mut command = prefix.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    command.extend(["node".to_owned(), format!("{ROOT}/benches/peers/nodemailer.js")]);
    command.extend([host.to_owned(), port.to_owned(), connections.to_string(), letters.to_string()]);
    command.extend([parts.0.display().to_string(), parts.1.display().to_string()]);
    command.extend(key.map(|key| key.display().to_string()));
    let out = Command::new(&command[0]).args(&command[1..]).output().expect("node is installed");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let number = |name: &str| report[name].as_f64().unwrap();
    Cost { began: 0.0, seconds: number("seconds"), cpu: number("cpu"), peak_mib: 0.0 }
}

/// Whether something that a workload needs is here; says so when it is not.
pub(crate) fn is_here(path: &str, how: &str) -> bool {
    let found = Path::new(path).exists() || Path::new(ROOT).join(path).exists();
    if !found {
        println!("  SKIPPED: {path} is missing: {how}");
    }
    found
}

pub(crate) fn has_nodemailer() -> bool {
    is_here("benches/peers/node_modules/nodemailer", "npm install --prefix benches/peers")
}

/// A line of figures.
pub(crate) fn print(name: &str, unit: &str, values: impl IntoIterator<Item = f64>) -> Spread {
    let spread = spread(values);
    let digits = if spread.median < 100.0 { 2 } else { 0 };
    println!(
        "  {name:44} {:>10.digits$} [{:.digits$}..{:.digits$}] {unit}",
        spread.median, spread.least, spread.most
    );
    spread
}

/// What is to be reached.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// Target, and floor below it.
    AtLeast(f64, f64),
    /// Target, and the most that is still borne.
    AtMost(f64, f64),
}

/// A line with a verdict.
pub(crate) fn judge(name: &str, unit: &str, goal: Goal, values: impl IntoIterator<Item = f64>) {
    let spread = print(name, unit, values);
    let (reached, borne, sign, target) = match goal {
        Goal::AtLeast(target, floor) => (target <= spread.median, floor <= spread.median, "≥", target),
        Goal::AtMost(target, most) => (spread.median <= target, spread.median <= most, "≤", target),
    };
    let verdict = match (reached, borne) {
        (true, _) => "reached",
        (false, true) => "within the floor, not reached",
        (false, false) => "MISSED",
    };
    println!("  {:44} target {sign} {target}: {verdict}", "");
}

/// The machine in two lines.
pub(crate) fn machine() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("a processor without a name", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = read("/proc/meminfo");
    let memory = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0);
    let (kernel, load) = (read("/proc/sys/kernel/osrelease"), read("/proc/loadavg"));
    println!("{model}, {cores} cores, {:.0} GiB, Linux {}", memory / 1048576.0, kernel.trim());
    println!("load before: {}", load.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
}
