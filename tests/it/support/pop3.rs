//! A POP3 server in this process whose first sessions go wrong.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

/// How one session goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The password is refused, with this answer.
    Refuses(&'static str),
    /// It hangs up instead of sending the message of this number.
    HangsUpAt(usize),
}

/// The server; it ends when it is dropped.
pub(crate) struct Pop3 {
    address: SocketAddr,
    /// Messages that were not deleted, by number.
    messages: Arc<Mutex<Vec<Option<String>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Pop3 {
    /// Of each session in turn, what goes wrong; with those behind them, nothing does.
    pub(crate) fn start(messages: Vec<String>, wrong: Vec<Wrong>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let messages = Arc::new(Mutex::new(messages.into_iter().map(Some).collect::<Vec<_>>()));
        let held = Arc::clone(&messages);
        let thread = std::thread::spawn(move || {
            let mut wrong = wrong.into_iter();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                // A connection that says nothing is the end.
                let mut first = [0];
                (&stream).write_all(b"+OK\r\n").unwrap();
                if !matches!(stream.peek(&mut first), Ok(1)) {
                    break;
                }
                let _ = session(&stream, &held, wrong.next());
            }
        });
        Self { address, messages, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("pop3://ada@{}?tls=none", self.address)
    }

    /// Messages that are left.
    pub(crate) fn left(&self) -> usize {
        self.messages.lock().unwrap().iter().flatten().count()
    }
}

/// `None` when either side hangs up.
fn session(stream: &TcpStream, messages: &Mutex<Vec<Option<String>>>, wrong: Option<Wrong>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let mut deleted = Vec::new();
    let write = |text: &str| {
        let mut to = stream;
        to.write_all(text.as_bytes()).ok()
    };
    loop {
        let line = lines.next()?.ok()?;
        let number = || line.split(' ').nth(1)?.parse::<usize>().ok();
        match (line.split(' ').next()?, wrong) {
            ("PASS", Some(Wrong::Refuses(answer))) => write(&format!("-ERR {answer}\r\n"))?,
            ("RETR", Some(Wrong::HangsUpAt(at))) if number()? == at => return None,
            ("RETR", _) => {
                let text = messages.lock().unwrap()[number()? - 1].clone()?;
                write(&format!("+OK\r\n{}\r\n.\r\n", text.replace("\n.", "\n..").replace('\n', "\r\n")))?;
            }
            ("UIDL", _) => {
                let held = messages.lock().unwrap();
                let there = (1..=held.len()).filter(|at| held[at - 1].is_some());
                let list: String = there.map(|at| format!("{at} id{at}\r\n")).collect();
                drop(held);
                write(&format!("+OK\r\n{list}.\r\n"))?;
            }
            ("DELE", _) => {
                deleted.push(number()? - 1);
                write("+OK\r\n")?;
            }
            ("QUIT", _) => {
                deleted.iter().for_each(|at| messages.lock().unwrap()[*at] = None);
                return write("+OK\r\n");
            }
            _ => write("+OK\r\n")?,
        }
    }
}

impl Drop for Pop3 {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
