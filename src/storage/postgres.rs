//! PostgreSQL: a connection that is made again when it was lost, and statements that are prepared once.
//!
//! One thread drives the sockets of all connections; callers wait for their answers in threads of their own.

pub(super) mod copy;
mod tls;
mod value;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::LazyLock,
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Config, NoTls, Row, Statement, config::SslMode, types::ToSql};

pub(super) use value::{Param, column};

use super::{
    error::Error,
    origin::Origin,
    server::{Host, Server, TlsMode},
    value::Params,
};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// Between attempts to reach a server that is away.
const PAUSE: Duration = Duration::from_millis(250);

/// Statements that are remembered; more come only from lists of domains.
const STATEMENTS_MAX: usize = 256;

/// Rows that are sent before the answer about the first is waited for.
const ROWS_AT_ONCE: usize = 500;

/// A writing transaction holds this lock alone, and what marks letters shares it: a transaction that suppresses someone
/// is alone.
const LEDGER_LOCK: i64 = 0x006d_696d_656f;

/// What a connection is set to. As start-up options: a pooler that would share the session among others refuses them.
///
/// Tables grow from empty to millions of rows before anybody has counted them, so that the planner has to use the indexes.
/// A plan that is switched off counts as endlessly expensive where there is no other: compilation (JIT) stays off, or each such
/// statement would be compiled for a quarter of a second first.
fn options(busy_timeout: Duration) -> String {
    format!(
        "-c lock_timeout={} -c statement_timeout=600000 -c idle_in_transaction_session_timeout=5000 \
         -c timezone=UTC -c standard_conforming_strings=on -c plan_cache_mode=force_generic_plan \
         -c client_min_messages=warning -c jit=off -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off",
        busy_timeout.as_millis().max(1)
    )
}

/// A connection to PostgreSQL.
pub(crate) struct Client {
    server: Server,
    busy_timeout: Duration,
    client: RefCell<tokio_postgres::Client>,
    statements: RefCell<HashMap<String, Statement>>,
    /// A transaction is open: what is lost now is not to be continued on another connection.
    in_transaction: Cell<bool>,
    origin: Cell<Origin>,
}

/// A part of a flight: a statement with its values.
pub(crate) type Part<'a> = (&'a str, Vec<&'a (dyn ToSql + Sync)>);

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to a server, and waits no longer than this for locks that others hold.
    pub(crate) fn connect(server: &Server, busy_timeout: Duration) -> Result<Self, Error> {
        let client = connect(server, busy_timeout)?;
        let this = Self {
            server: server.clone(),
            busy_timeout,
            client: RefCell::new(client),
            statements: RefCell::default(),
            in_transaction: Cell::new(false),
            origin: Cell::default(),
        };
        this.origin.set(this.ask_origin()?);
        Ok(this)
    }

    /// Looks how far the database has come.
    pub(crate) fn look_at_origin(&self) -> Result<Origin, Error> {
        let origin = self.ask_origin()?;
        self.origin.set(origin);
        Ok(origin)
    }

    fn ask_origin(&self) -> Result<Origin, Error> {
        let rows = self.query(
            "SELECT (SELECT system_identifier FROM pg_control_system()), \
             (SELECT timeline_id::bigint FROM pg_control_checkpoint()), \
             (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint",
            &[],
        )?;
        let row = rows.first().ok_or(Error::NoRows)?;
        Ok(Origin { system: row.get(0), timeline: row.get(1), position: row.get(2) })
    }

    /// Makes the connection again if it was lost. A database that is another one, or an older copy, is an error.
    pub(crate) fn ensure(&self) -> Result<(), Error> {
        if self.in_transaction.get() || !self.client.borrow().is_closed() {
            return Ok(());
        }
        let client = connect(&self.server, self.busy_timeout)?;
        self.statements.borrow_mut().clear();
        let lost = self.client.replace(client);
        let before = self.origin.get();
        let looked = self.ask_origin().and_then(|now| match before.goes_on_as(now) {
            true => Ok(now),
            false => Err(Error::Replaced { before, now }),
        });
        match looked {
            Ok(now) => self.origin.set(now),
            Err(error) => {
                // The next one looks again: nothing is done in a database that was not looked at, or is another one.
                self.client.replace(lost);
                self.statements.borrow_mut().clear();
                return Err(error);
            }
        }
        Ok(())
    }

    fn statement(&self, sql: &str) -> Result<Statement, Error> {
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        let prepared = pollster::block_on(self.client.borrow().prepare(&numbered(sql)))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS_MAX {
            statements.clear();
        }
        statements.insert(sql.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// Prepares a statement, for its errors.
    pub(crate) fn prepare(&self, sql: &str) -> Result<(), Error> {
        self.ensure()?;
        self.statement(sql).map(drop)
    }

    /// The rows that a query returns.
    pub(crate) fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        self.ensure()?;
        let statement = self.statement(sql)?;
        Ok(pollster::block_on(self.client.borrow().query(&statement, values))?)
    }

    /// Does something; returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
        self.ensure()?;
        let statement = self.statement(sql)?;
        Ok(pollster::block_on(self.client.borrow().execute(&statement, values))?)
    }

    /// Does the same with each of these rows, and waits for the answers of many together.
    pub(crate) fn execute_all(&self, sql: &str, rows: &[Vec<Param<'_>>]) -> Result<(), Error> {
        self.ensure()?;
        let statement = self.statement(sql)?;
        let client = self.client.borrow();
        type Answer = Result<u64, tokio_postgres::Error>;
        for rows in rows.chunks(ROWS_AT_ONCE) {
            let rows: Vec<_> = rows.iter().map(|row| refer(row)).collect();
            let flight = rows.iter().map(|row| -> Pin<Box<dyn Future<Output = Answer> + '_>> {
                Box::pin(client.execute(&statement, row))
            });
            for answer in pollster::block_on(all(flight.collect())) {
                answer?;
            }
        }
        Ok(())
    }

    /// Asks by a statement that is not remembered.
    pub(crate) fn query_once(&self, sql: &str) -> Result<Vec<Row>, Error> {
        self.ensure()?;
        Ok(pollster::block_on(self.client.borrow().query(sql, &[]))?)
    }

    /// Waits for a while until the server answers again, if it is away.
    pub(crate) fn wait(&self, busy_timeout: Duration) {
        let since = Instant::now();
        while let Err(Error::Unreachable(_)) = self.ensure()
            && since.elapsed() < busy_timeout
        {
            thread::sleep(PAUSE);
        }
    }

    /// Does several things, without values.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Error> {
        self.ensure()?;
        Ok(pollster::block_on(self.client.borrow().batch_execute(sql))?)
    }

    /// Opens a transaction.
    pub(crate) fn begin(&self, sql: &str) -> Result<(), Error> {
        let begun = self.batch(sql);
        self.in_transaction.set(true);
        if begun.is_err() {
            self.rollback();
        }
        begun
    }

    /// The end of a transaction.
    pub(crate) fn commit(&self) -> Result<(), Error> {
        let done = self.batch("COMMIT");
        self.in_transaction.set(false);
        done
    }

    /// Undoes the transaction.
    pub(crate) fn rollback(&self) {
        if !self.client.borrow().is_closed() {
            let _ = pollster::block_on(self.client.borrow().batch_execute("ROLLBACK"));
        }
        self.in_transaction.set(false);
    }

    /// Alone among all that write.
    pub(crate) fn begin_alone(&self) -> Result<(), Error> {
        self.begin(&format!("BEGIN; SELECT pg_advisory_xact_lock({LEDGER_LOCK})"))
    }

    /// Keeps away all that write until the connection ends. To be called before a transaction that reads everything as of one
    /// moment: its moment comes after the last of them then.
    pub(crate) fn keep_writers_away(&self) -> Result<(), Error> {
        self.batch(&format!("SELECT pg_advisory_lock({LEDGER_LOCK})"))
    }

    /// A transaction of statements that are sent together, beside others of its kind, but not beside one that is alone. No
    /// lock waits for an answer to reach us: a process that is stopped in the middle keeps no one waiting.
    ///
    /// Plans are made for these rows and for the tables as they are: one that was kept from when a table was small reads all of it
    /// for each row of a large one.
    pub(crate) fn fly(&self, parts: &[Part<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        self.ensure()?;
        let mut statements = Vec::with_capacity(parts.len());
        for (sql, _) in parts {
            statements.push(self.statement(sql)?);
        }
        let client = self.client.borrow();
        let begin = format!(
            "BEGIN; SET LOCAL plan_cache_mode = force_custom_plan; SELECT pg_advisory_xact_lock_shared({LEDGER_LOCK})"
        );
        type Answer = Result<Vec<Row>, tokio_postgres::Error>;
        let simple = |sql: String| -> Pin<Box<dyn Future<Output = Answer> + '_>> {
            let client = &client;
            Box::pin(async move { client.batch_execute(&sql).await.map(|()| Vec::new()) })
        };
        let mut flight = vec![simple(begin)];
        for (statement, (_, values)) in statements.iter().zip(parts) {
            let client = &client;
            flight.push(Box::pin(async move { client.query(statement, values).await }));
        }
        flight.push(simple("COMMIT".to_owned()));
        let mut answers = pollster::block_on(all(flight));
        if let Some(failed) = answers.iter().position(Result::is_err) {
            let error = answers.swap_remove(failed).err();
            if !client.is_closed() {
                let _ = pollster::block_on(client.batch_execute("ROLLBACK"));
            }
            return Err(error.map_or(Error::NoRows, Error::from));
        }
        let between = 1..answers.len() - 1;
        Ok(answers.drain(between).map(Result::unwrap_or_default).collect())
    }
}

/// Waits for all of them; each is started before the first is waited for. Answers come in the order of the questions.
async fn all<T>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + '_>>>) -> Vec<T> {
    let mut started: Vec<Poll<T>> = Vec::with_capacity(futures.len());
    poll_fn(|context| {
        started.extend(futures.iter_mut().map(|future| future.as_mut().poll(context)));
        Poll::Ready(())
    })
    .await;
    let mut done = Vec::with_capacity(futures.len());
    for (future, started) in futures.into_iter().zip(started) {
        done.push(match started {
            Poll::Ready(answer) => answer,
            Poll::Pending => future.await,
        });
    }
    done
}

/// The values of a statement as PostgreSQL takes them.
pub(super) fn values(params: &impl Params) -> Vec<Param<'_>> {
    (0..params.count()).map(|index| Param(params.at(index))).collect()
}

/// Values as a statement takes them.
pub(super) fn refer<'a>(values: &'a [Param<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// `?1` as `$1`.
fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut letters = sql.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_place = letter == '?' && letters.peek().is_some_and(char::is_ascii_digit);
        text.push(if is_place { '$' } else { letter });
    }
    text
}

/// The runtime whose thread drives all connections.
fn runtime() -> Result<&'static Runtime, Error> {
    static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
        Builder::new_multi_thread().worker_threads(1).thread_name("postgres").enable_all().build()
    });
    RUNTIME.as_ref().map_err(|error| Error::Unreachable(error.to_string().into()))
}

fn connect(server: &Server, busy_timeout: Duration) -> Result<tokio_postgres::Client, Error> {
    let runtime = runtime()?;
    let mut config = Config::new();
    match &server.host {
        Host::Name(name) => config.host(name.trim_matches(['[', ']'])),
        Host::Socket(folder) => config.host_path(folder),
    };
    config.port(server.port).dbname(&server.database).application_name("mimeo").connect_timeout(CONNECT);
    config.keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(Duration::from_secs(60));
    config.options(options(busy_timeout));
    if let Some(user) = &server.user {
        config.user(user);
    }
    if let Some(password) = server.password().map_err(Error::Unreachable)? {
        config.password(password);
    }
    let (reply, answer) = tokio::sync::oneshot::channel();
    let tls = server.tls;
    config.ssl_mode(if tls == TlsMode::Disable { SslMode::Disable } else { SslMode::Require });
    if tls == TlsMode::Disable {
        runtime.spawn(async move {
            match config.connect(NoTls).await {
                Err(error) => drop(reply.send(Err(error))),
                Ok((client, connection)) => {
                    drop(reply.send(Ok(client)));
                    drop(connection.await);
                }
            }
        });
    } else {
        let connector = tls::connector(tls, server.authorities.as_deref())?;
        runtime.spawn(async move {
            match config.connect(connector).await {
                Err(error) => drop(reply.send(Err(error))),
                Ok((client, connection)) => {
                    drop(reply.send(Ok(client)));
                    drop(connection.await);
                }
            }
        });
    }
    let connected = pollster::block_on(answer).map_err(|error| Error::Unreachable(Box::new(error)))?;
    connected.map_err(Error::connecting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_values_are_numbered_in_the_way_of_postgresql() {
        assert_eq!(numbered("SELECT '?' WHERE a = ?1 AND b = ?12"), "SELECT '?' WHERE a = $1 AND b = $12");
    }
}
