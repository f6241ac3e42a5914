//! POP3: messages are fetched one by one, and deleted at the end of the session; until then the server forgets nothing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::{
    account::Account,
    error::MailboxError,
    mail::{Disposal, Mail, SIZE_MAX},
    stream::{StartTls, Stream, connect, within},
};

const START_TLS: StartTls = StartTls { command: b"STLS\r\n", yes: "+OK" };
/// Bytes of the list of messages. Those behind it are read another time.
const LIST_MAX: usize = 8 * 1024 * 1024;
/// Bytes of one line of a message; more of it is dropped.
const LINE_MAX: usize = 64 * 1024;

/// A session after the login.
#[derive(Debug)]
pub(super) struct Pop3 {
    stream: BufReader<Stream>,
    account: Account,
    waiting: VecDeque<u32>,
    /// Messages by the server's lasting names (UIDL).
    names: BTreeMap<u32, String>,
    /// Names of messages that were left in the mailbox.
    left: BTreeSet<String>,
}

impl Pop3 {
    pub(super) async fn open(account: &Account) -> Result<Self, MailboxError> {
        let (stream, is_greeted) = connect(account, &START_TLS).await?;
        let mut pop3 = Self {
            stream: BufReader::new(stream),
            account: account.clone(),
            waiting: VecDeque::new(),
            names: BTreeMap::new(),
            left: BTreeSet::new(),
        };
        if !is_greeted {
            pop3.answer("its greeting").await?;
        }
        let refused = |error| match error {
            MailboxError::Command { host, reason, .. } => MailboxError::Login { host, reason },
            other => other,
        };
        pop3.command("USER", &format!("USER {}", account.login)).await.map_err(refused)?;
        let password = account.password.as_ref().map(|secret| secret.expose()).unwrap_or_default();
        pop3.command("PASS", &format!("PASS {password}")).await.map_err(refused)?;
        pop3.command("UIDL", "UIDL").await?;
        for line in pop3.body("UIDL", LIST_MAX).await?.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            let mut words = line.split_whitespace();
            if let (Some(Ok(id)), Some(name)) = (words.next().map(str::parse), words.next()) {
                pop3.waiting.push_back(id);
                pop3.names.insert(id, name.to_owned());
            }
        }
        Ok(pop3)
    }

    /// Does not read again what was left in the mailbox before.
    pub(super) fn skip(&mut self, left: BTreeSet<String>) {
        let names = &self.names;
        self.waiting.retain(|id| names.get(id).is_none_or(|name| !left.contains(name)));
        self.left = left;
    }

    pub(super) async fn next(&mut self) -> Result<Option<Mail>, MailboxError> {
        let Some(id) = self.waiting.pop_front() else { return Ok(None) };
        self.command("RETR", &format!("RETR {id}")).await?;
        let bytes = self.body("RETR", SIZE_MAX).await?;
        let name = self.names.get(&id).map(String::as_str).unwrap_or_default();
        Ok(Some(Mail { name: format!("{};UID={name}", self.account), id, bytes }))
    }

    pub(super) async fn dispose(&mut self, id: u32, disposal: Disposal) -> Result<(), MailboxError> {
        if disposal == Disposal::Done && !self.account.keep {
            return self.command("DELE", &format!("DELE {id}")).await;
        }
        self.left.extend(self.names.get(&id).cloned());
        Ok(())
    }

    /// Ends the session, which deletes what was marked for it. Returns what was left.
    pub(super) async fn close(mut self) -> Result<BTreeSet<String>, MailboxError> {
        self.command("QUIT", "QUIT").await?;
        Ok(self.left)
    }

    /// Sends a command, and reads whether it succeeded.
    async fn command(&mut self, name: &'static str, line: &str) -> Result<(), MailboxError> {
        if line.contains(['\r', '\n']) {
            let reason = "the login or the password has a line break in it".to_owned();
            return Err(MailboxError::Login { host: self.account.host.clone(), reason });
        }
        let Self { stream, account, .. } = self;
        let send = async {
            stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            stream.flush().await
        };
        within(account, name, send).await?.map_err(|error| gone(account, &error))?;
        self.answer(name).await
    }

    async fn answer(&mut self, name: &'static str) -> Result<(), MailboxError> {
        let Self { stream, account, .. } = self;
        let line = within(account, name, line(stream)).await?.map_err(|error| gone(account, &error))?;
        let text = String::from_utf8_lossy(&line);
        if text.starts_with("+OK") {
            return Ok(());
        }
        let reason = text.trim_start_matches("-ERR").trim().chars().take(300).collect();
        Err(MailboxError::Command { host: account.host.clone(), command: name, reason })
    }

    /// Reads up to the line with a dot alone. Of what is longer than `most`, the first bytes are kept.
    async fn body(&mut self, name: &'static str, most: usize) -> Result<Vec<u8>, MailboxError> {
        let Self { stream, account, .. } = self;
        let mut bytes = Vec::new();
        loop {
            let line = within(account, name, line(stream)).await?.map_err(|error| gone(account, &error))?;
            if line == b"." {
                return Ok(bytes);
            }
            let line = line.strip_prefix(b".").unwrap_or(&line);
            if bytes.len() < most {
                bytes.extend_from_slice(line);
                bytes.push(b'\n');
            }
        }
    }
}

/// One line without its end; of one that is too long, the first bytes.
async fn line(stream: &mut BufReader<Stream>) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    loop {
        let buffer = stream.fill_buf().await?;
        if buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up"));
        }
        let end = memchr::memchr(b'\n', buffer).map(|at| at + 1);
        let taken = end.unwrap_or(buffer.len());
        if kept.len() < LINE_MAX {
            kept.extend_from_slice(&buffer[..taken]);
        }
        stream.consume(taken);
        if end.is_some() {
            while matches!(kept.last(), Some(b'\n' | b'\r')) {
                kept.pop();
            }
            return Ok(kept);
        }
    }
}

fn gone(account: &Account, error: &io::Error) -> MailboxError {
    MailboxError::Connect { host: account.host.clone(), reason: error.to_string() }
}
