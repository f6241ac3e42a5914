//! The connection to a mail server: TCP, TLS from the start or after STARTTLS, and lines.

use std::{fmt, io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{account::Account, error::MailboxError};
use crate::transport::{Encryption, secured};

/// Bytes of one line of an answer.
const LINE_MAX: usize = 4096;

/// A connection, encrypted or not.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Socket for T {}

pub(super) type Stream = Box<dyn Socket>;

/// How a protocol asks for TLS in the middle of a connection.
pub(super) struct StartTls {
    /// What it sends.
    pub(super) command: &'static [u8],
    /// How the answer begins that means yes.
    pub(super) yes: &'static str,
}

/// Connects. True if the server's greeting was read, because TLS began after it.
pub(super) async fn connect(account: &Account, start: &StartTls) -> Result<(Stream, bool), MailboxError> {
    let refused = |reason: String| MailboxError::Connect { host: account.host.clone(), reason };
    let dial = TcpStream::connect((account.host.as_str(), account.port));
    let mut stream =
        within(account, "connecting", dial).await?.map_err(|error| refused(error.to_string()))?;
    let _ = stream.set_nodelay(true);
    match account.encryption {
        Encryption::None => return Ok((Box::new(stream), false)),
        Encryption::Implicit => {}
        Encryption::StartTls => {
            let greeting = async {
                line(&mut stream).await?;
                stream.write_all(start.command).await?;
                line(&mut stream).await
            };
            let answer =
                within(account, "STARTTLS", greeting).await?.map_err(|error| refused(error.to_string()))?;
            // Nothing that came in clear counts: whoever is in between could have written it.
            if !answer.starts_with(start.yes) {
                return Err(refused("the server does not offer TLS".to_owned()));
            }
        }
    }
    let shake = secured(&account.host, account.ca_file.as_deref(), stream);
    let stream =
        within(account, "the TLS handshake", shake).await?.map_err(|error| refused(error.to_string()))?;
    Ok((Box::new(stream), account.encryption == Encryption::StartTls))
}

/// Waits as long as the account allows.
pub(super) async fn within<T>(
    account: &Account,
    command: &'static str,
    future: impl Future<Output = T>,
) -> Result<T, MailboxError> {
    let silent = |_| MailboxError::Silent { host: account.host.clone(), command };
    timeout(account.timeout.max(Duration::from_secs(1)), future).await.map_err(silent)
}

/// One line, byte by byte: what follows it may be the beginning of TLS.
async fn line(stream: &mut TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    loop {
        let byte = stream.read_u8().await?;
        if byte == b'\n' {
            return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        line.push(byte);
        if line.len() > LINE_MAX {
            return Err(io::Error::other("a line is too long"));
        }
    }
}
