//! IMAP: messages are searched, fetched in batches, and moved or marked after they were processed.

use std::{collections::VecDeque, time::Duration};

use async_imap::{
    Client, Session,
    error::Error,
    extensions::idle::IdleResponse,
    types::{Capability, Flag},
};
use tokio_stream::StreamExt;

use super::{
    account::Account,
    error::MailboxError,
    mail::{BATCH, Disposal, Mail, SIZE_MAX},
    stream::{StartTls, Stream, connect, within},
};

/// Marks messages that were looked at, where the server takes keywords of its clients.
const KEYWORD: &str = "$mimeo";
/// A server may close an idle connection after half an hour (RFC 2177).
const IDLE_MAX: Duration = Duration::from_secs(25 * 60);

const START_TLS: StartTls = StartTls { command: b"a0 STARTTLS\r\n", yes: "a0 OK" };

/// A session in which the folder is selected.
#[derive(Debug)]
pub(super) struct Imap {
    session: Session<Stream>,
    account: Account,
    can_move: bool,
    can_idle: bool,
    has_keyword: bool,
    /// Numbers of messages that are not fetched yet.
    waiting: VecDeque<u32>,
    fetched: VecDeque<Mail>,
    done: Vec<u32>,
    left: Vec<u32>,
}

impl Imap {
    pub(super) async fn open(account: &Account) -> Result<Self, MailboxError> {
        let (stream, is_greeted) = connect(account, &START_TLS).await?;
        let mut client = Client::new(stream);
        if !is_greeted {
            let greeting = within(account, "its greeting", client.read_response()).await?;
            let gone = || MailboxError::Connect {
                host: account.host.clone(),
                reason: "the server hung up".to_owned(),
            };
            greeting.map_err(|_| gone())?.ok_or_else(gone)?;
        }
        let password = account.password.as_ref().map(|secret| secret.expose()).unwrap_or_default();
        let login = within(account, "LOGIN", client.login(&account.login, password)).await?;
        let mut session = login.map_err(|(error, _)| match error {
            Error::No(reason) | Error::Bad(reason) => {
                MailboxError::Login { host: account.host.clone(), reason }
            }
            other => failed(account, "LOGIN", &other),
        })?;
        let known = run(account, "CAPABILITY", session.capabilities()).await?;
        let can = |name: &str| known.has(&Capability::Atom(name.to_owned()));
        let (can_move, can_idle) = (can("MOVE"), can("IDLE"));
        let folder = run(account, "SELECT", session.select(&account.folder)).await?;
        let has_keyword = folder.permanent_flags.iter().any(|flag| matches!(flag, Flag::MayCreate));
        let mut imap = Self {
            session,
            account: account.clone(),
            can_move,
            can_idle,
            has_keyword,
            waiting: VecDeque::new(),
            fetched: VecDeque::new(),
            done: Vec::new(),
            left: Vec::new(),
        };
        imap.search().await?;
        Ok(imap)
    }

    /// Looks for messages that were not processed.
    async fn search(&mut self) -> Result<(), MailboxError> {
        let query = match (self.has_keyword, &self.account.move_to) {
            (true, _) => format!("UNDELETED UNKEYWORD {KEYWORD}"),
            (false, Some(_)) => "UNDELETED".to_owned(),
            (false, None) => "UNDELETED UNSEEN".to_owned(),
        };
        let found = run(&self.account, "SEARCH", self.session.uid_search(&query)).await?;
        let mut found: Vec<u32> = found.into_iter().collect();
        found.sort_unstable();
        self.waiting = found.into();
        Ok(())
    }

    pub(super) async fn next(&mut self) -> Result<Option<Mail>, MailboxError> {
        while self.fetched.is_empty() {
            let batch: Vec<u32> = (0..BATCH).map_while(|_| self.waiting.pop_front()).collect();
            if batch.is_empty() {
                self.flush().await?;
                return Ok(None);
            }
            self.fetch(&batch).await?;
        }
        Ok(self.fetched.pop_front())
    }

    async fn fetch(&mut self, batch: &[u32]) -> Result<(), MailboxError> {
        let Self { session, account, fetched, .. } = self;
        // Looking at a message does not mark it as read.
        let items = format!("(UID BODY.PEEK[]<0.{SIZE_MAX}>)");
        let fetch = async {
            let mut answers = std::pin::pin!(session.uid_fetch(set(batch), items).await?);
            while let Some(answer) = answers.next().await {
                let answer = answer?;
                if let (Some(id), Some(body)) = (answer.uid, answer.body()) {
                    let name = format!("{account};UID={id}");
                    fetched.push_back(Mail { name, id, bytes: body.to_vec() });
                }
            }
            Ok::<_, Error>(())
        };
        run(account, "FETCH", fetch).await
    }

    pub(super) async fn dispose(&mut self, id: u32, disposal: Disposal) -> Result<(), MailboxError> {
        match disposal {
            Disposal::Done => self.done.push(id),
            Disposal::Leave => self.left.push(id),
        }
        if self.done.len() + self.left.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    /// Moves and marks what was processed.
    async fn flush(&mut self) -> Result<(), MailboxError> {
        let (done, left) = (std::mem::take(&mut self.done), std::mem::take(&mut self.left));
        if !left.is_empty() && self.has_keyword {
            self.store(&left, &format!("+FLAGS.SILENT ({KEYWORD})")).await?;
        }
        if done.is_empty() {
            return Ok(());
        }
        let Some(folder) = self.account.move_to.clone() else {
            let keyword = if self.has_keyword { format!(" {KEYWORD}") } else { String::new() };
            return self.store(&done, &format!("+FLAGS.SILENT (\\Seen{keyword})")).await;
        };
        match self.move_into(&folder, &done).await {
            Ok(()) => Ok(()),
            // There is no such folder yet.
            Err(MailboxError::Command { .. }) => {
                run(&self.account, "CREATE", self.session.create(&folder)).await?;
                self.move_into(&folder, &done).await
            }
            Err(error) => Err(error),
        }
    }

    async fn move_into(&mut self, folder: &str, ids: &[u32]) -> Result<(), MailboxError> {
        if self.can_move {
            return run(&self.account, "MOVE", self.session.uid_mv(set(ids), folder)).await;
        }
        run(&self.account, "COPY", self.session.uid_copy(set(ids), folder)).await?;
        self.store(ids, "+FLAGS.SILENT (\\Seen \\Deleted)").await?;
        let Self { session, account, .. } = self;
        let expunge = async {
            let mut gone = std::pin::pin!(session.expunge().await?);
            while let Some(one) = gone.next().await {
                one?;
            }
            Ok::<_, Error>(())
        };
        run(account, "EXPUNGE", expunge).await
    }

    async fn store(&mut self, ids: &[u32], flags: &str) -> Result<(), MailboxError> {
        let Self { session, account, .. } = self;
        let store = async {
            let mut answers = std::pin::pin!(session.uid_store(set(ids), flags).await?);
            while let Some(answer) = answers.next().await {
                answer?;
            }
            Ok::<_, Error>(())
        };
        run(account, "STORE", store).await
    }

    /// Waits until something is new, and looks for it.
    pub(super) async fn wait(mut self, time: Duration) -> Result<Self, MailboxError> {
        self.flush().await?;
        if !self.can_idle {
            tokio::time::sleep(time).await;
            run(&self.account, "NOOP", self.session.noop()).await?;
            self.search().await?;
            return Ok(self);
        }
        let Self { session, account, .. } = self;
        let mut idle = session.idle();
        run(&account, "IDLE", idle.init()).await?;
        let (news, _stop) = idle.wait_with_timeout(time.min(IDLE_MAX));
        let news = news.await.map_err(|error| failed(&account, "IDLE", &error))?;
        let session = run(&account, "IDLE", idle.done()).await?;
        let mut imap = Self { session, account, ..self };
        if !matches!(news, IdleResponse::ManualInterrupt) {
            imap.search().await?;
        }
        Ok(imap)
    }

    pub(super) async fn close(mut self) -> Result<(), MailboxError> {
        self.flush().await?;
        // What was to be done is done; a server that hangs up now has lost nothing.
        let _ = within(&self.account, "LOGOUT", self.session.logout()).await?;
        Ok(())
    }
}

/// Numbers as a command names them.
fn set(ids: &[u32]) -> String {
    ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

async fn run<T>(
    account: &Account,
    command: &'static str,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, MailboxError> {
    within(account, command, future).await?.map_err(|error| failed(account, command, &error))
}

fn failed(account: &Account, command: &'static str, error: &Error) -> MailboxError {
    let host = account.host.clone();
    match error {
        Error::No(reason) | Error::Bad(reason) => {
            MailboxError::Command { host, command, reason: reason.clone() }
        }
        other => MailboxError::Connect { host, reason: other.to_string() },
    }
}
