//! `mimeo preview`, running for a test.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::project::{Mimeo, Project};

/// The program, ended with the test.
pub(crate) struct Preview {
    child: Child,
    pub(crate) host: String,
    /// The secret folder of its pages, between two slashes.
    pub(crate) folder: String,
}

impl Drop for Preview {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Preview {
    /// Of the newest issue.
    pub(crate) fn of(project: &Project) -> Self {
        Self::started(project.mimeo(["preview", "--no-open"]))
    }

    /// With arguments of one's own.
    pub(crate) fn started(mimeo: Mimeo) -> Self {
        let mut command = mimeo.into_command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let rest = line.trim().strip_prefix("http://").unwrap_or_else(|| panic!("{line:?}"));
        let (host, folder) = rest.split_at(rest.find('/').unwrap());
        assert!(host.starts_with("127.0.0.1:") && folder.ends_with('/'), "{line:?}");
        Self { child, host: host.to_owned(), folder: folder.to_owned() }
    }

    /// The address that was printed.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.host, self.folder)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Asks for a path within the secret folder.
    pub(crate) fn ask(&self, host: &str, path: &str) -> String {
        self.ask_outside(host, &format!("{}{}", self.folder, path.trim_start_matches('/')))
    }

    /// Asks for a path of the server.
    pub(crate) fn ask_outside(&self, host: &str, path: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> String {
        let answer = self.ask(&self.host, path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        answer
    }

    #[track_caller]
    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// The stream of saves, once it said where it begins.
    pub(crate) fn events(&self) -> BufReader<TcpStream> {
        let mut stream = self.connect();
        write!(stream, "GET {}events HTTP/1.1\r\nHost: {}\r\n\r\n", self.folder, self.host).unwrap();
        let mut events = BufReader::new(stream);
        assert_eq!(next(&mut events), "0");
        events
    }
}

/// The next number of saves.
pub(crate) fn next(events: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(events.read_line(&mut line).unwrap(), 0, "the events ended");
        if let Some(version) = line.strip_prefix("data: ") {
            return version.trim().to_owned();
        }
    }
}
