//! `mimeo serve`, running for a test.

use std::{
    fmt,
    io::{BufRead as _, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Stdio},
    time::Duration,
};

use super::project::{Mimeo, Project};

/// Where readers reach the service in tests.
pub(crate) const HOST: &str = "news.example.org";

/// The program, ended with the test.
pub(crate) struct Service {
    child: Child,
    place: Place,
    host: String,
    metrics: Option<String>,
}

#[derive(Clone)]
pub(crate) enum Place {
    Tcp(String),
    Unix(PathBuf),
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Of a newsletter whose `[serve] url` is at [`HOST`], on a port of its own, with metrics.
    pub(crate) fn of(project: &Project) -> Self {
        Self::started(project.mimeo(["-q", "serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]))
    }

    /// With arguments of one's own.
    pub(crate) fn started(mimeo: Mimeo) -> Self {
        let mut command = mimeo.into_command();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut next = |start: &str| lines.next()?.strip_prefix(start).map(str::to_owned);
        let place = next("listening on ").expect("it says where it listens");
        let metrics =
            command.get_args().any(|argument| argument == "--metrics").then(|| next("metrics on ").unwrap());
        let place = match place.strip_prefix("unix:") {
            Some(path) => Place::Unix(command.get_current_dir().unwrap().join(path)),
            None => Place::Tcp(place),
        };
        Self { child, place, host: HOST.to_owned(), metrics }
    }

    /// Whose `[serve] url` is somewhere else.
    pub(crate) fn at(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// The program's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub(crate) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Ends it as an owner does, and waits; its exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let status = std::process::Command::new("kill").arg(self.id().to_string()).status().unwrap();
        assert!(status.success());
        self.child.wait().unwrap().code()
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A request with these header fields, each with its line end, and a body.
    pub(crate) fn request(&self, method: &str, path: &str, fields: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n",
            self.host,
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// The answer to these bytes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        self.place.raw(bytes).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, "", b"")
    }

    /// Sends a form as browsers do.
    pub(crate) fn post(&self, path: &str, form: &str) -> Answer {
        self.request("POST", path, "Content-Type: application/x-www-form-urlencoded\r\n", form.as_bytes())
    }

    /// The metrics' text.
    pub(crate) fn metrics(&self) -> String {
        let place = Place::Tcp(self.metrics.clone().expect("it was started with --metrics"));
        place.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap().code(200).body
    }
}

impl Place {
    /// The answer to these bytes, if there is one.
    pub(crate) fn raw(&self, bytes: &[u8]) -> std::io::Result<Answer> {
        fn ask(mut stream: impl Read + Write, bytes: &[u8]) -> std::io::Result<Answer> {
            // A refusal may come before everything is written.
            let written = stream.write_all(bytes);
            let mut answer = Vec::new();
            let read = stream.read_to_end(&mut answer);
            if answer.is_empty() {
                written?;
                read?;
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Answer::parse(&String::from_utf8_lossy(&answer)))
        }
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                ask(stream, bytes)
            }
            Self::Unix(path) => ask(UnixStream::connect(path)?, bytes),
        }
    }
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.unwrap_or_else(|| panic!("{text:?}")),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn code(self, expected: u16) -> Self {
        assert_eq!(self.status, expected, "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn has(self, part: &str) -> Self {
        assert!(self.body.contains(part), "no {part:?} in\n{self}");
        self
    }

    /// A header field's value.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{}", self.head, self.body)
    }
}
