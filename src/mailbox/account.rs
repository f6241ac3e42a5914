//! Where a mailbox is, and how it is used.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::transport::{Encryption, Secret};

/// How a mailbox is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `imaps://`, `imap://`
    Imap,
    /// `pop3s://`, `pop3://`
    Pop3,
}

/// A mailbox of the owner's.
#[derive(Clone, Debug)]
pub struct Account {
    /// How it is spoken to.
    pub protocol: Protocol,
    /// The server: what we dial, and what its certificate must say.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// How the connection is made private.
    pub encryption: Encryption,
    /// The name to log in with.
    pub login: String,
    /// The password.
    pub password: Option<Secret>,
    /// The folder that is read; IMAP only.
    pub folder: String,
    /// A folder into which processed messages are moved; IMAP only. Without one they are marked as read.
    pub move_to: Option<String>,
    /// Processed messages stay; POP3 only, which can neither move nor mark them, and deletes them otherwise.
    pub keep: bool,
    /// Certificates (PEM) to trust besides the machine's own store.
    pub ca_file: Option<PathBuf>,
    /// The longest wait for an answer.
    pub timeout: Duration,
}

/// An address that is not one of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid address of a mailbox: {0}")]
pub struct InvalidAccount(pub &'static str);

impl Account {
    /// A mailbox from its address: `imaps://ada@mail.example.org/INBOX` or `pop3s://ada@mail.example.org` (TLS from the
    /// start), `imap://…` or `pop3://…` (STARTTLS, required); `?tls=none` on this machine only.
    ///
    /// # Errors
    ///
    /// What is wrong with it. The address is not repeated, because it may have a password in it.
    pub fn parse(address: &str) -> Result<Self, InvalidAccount> {
        let url = Url::parse(address.trim())
            .map_err(|_| InvalidAccount("write it like `imaps://ada@mail.example.org/INBOX`"))?;
        let (protocol, implicit, port) = match url.scheme() {
            "imaps" => (Protocol::Imap, true, 993),
            "imap" => (Protocol::Imap, false, 143),
            "pop3s" | "pops" => (Protocol::Pop3, true, 995),
            "pop3" | "pop" => (Protocol::Pop3, false, 110),
            _ => return Err(InvalidAccount("it begins with `imaps://` or `pop3s://`")),
        };
        if url.password().is_some() {
            return Err(InvalidAccount("it has a password in it; say where the password is kept instead"));
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(InvalidAccount("it has no host"));
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok();
        let login = decoded(url.username()).unwrap_or_default();
        if login.is_empty() {
            return Err(InvalidAccount(
                "it has no login in front of the host, as in `imaps://ada@mail.example.org`",
            ));
        }
        let folder = decoded(url.path().trim_matches('/')).unwrap_or_default();
        if protocol == Protocol::Pop3 && !folder.is_empty() {
            return Err(InvalidAccount("a mailbox of POP3 has no folders"));
        }
        let mut encryption = if implicit { Encryption::Implicit } else { Encryption::StartTls };
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("tls", "none") if !implicit => encryption = Encryption::None,
                _ => {
                    return Err(InvalidAccount(
                        "its only parameter is `?tls=none`, without TLS from the start",
                    ));
                }
            }
        }
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if encryption == Encryption::None && !is_here {
            return Err(InvalidAccount(
                "without TLS the password could be read on the way: only on this machine",
            ));
        }
        if [&login, &folder].into_iter().any(|text| text.chars().any(char::is_control)) {
            return Err(InvalidAccount("it has a control character in it"));
        }
        Ok(Self {
            protocol,
            host,
            port: url.port().unwrap_or(port),
            encryption,
            login,
            password: None,
            folder: if folder.is_empty() { "INBOX".to_owned() } else { folder },
            move_to: None,
            keep: true,
            ca_file: None,
            timeout: Duration::from_secs(60),
        })
    }
}

/// Its address without the login.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.protocol, self.encryption) {
            (Protocol::Imap, Encryption::Implicit) => "imaps",
            (Protocol::Imap, _) => "imap",
            (Protocol::Pop3, Encryption::Implicit) => "pop3s",
            (Protocol::Pop3, _) => "pop3",
        };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{scheme}://{host}:{}", self.port)?;
        if self.protocol == Protocol::Imap { write!(f, "/{}", self.folder) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_protocol_encryption_login_and_folder() {
        for (address, login, folder, shown) in [
            ("imaps://ada@mail.example.org", "ada", "INBOX", "imaps://mail.example.org:993/INBOX"),
            (
                "imaps://ada%40example.org@mail.example.org/Bounces",
                "ada@example.org",
                "Bounces",
                "imaps://mail.example.org:993/Bounces",
            ),
            (
                "imap://ada@mail.example.org:1143/A%20b/c",
                "ada",
                "A b/c",
                "imap://mail.example.org:1143/A b/c",
            ),
            ("pop3s://ada@mail.example.org", "ada", "INBOX", "pop3s://mail.example.org:995"),
            ("pop3://ada@127.0.0.1:1110?tls=none", "ada", "INBOX", "pop3://127.0.0.1:1110"),
        ] {
            let account = Account::parse(address).unwrap();
            assert_eq!((account.login.as_str(), account.folder.as_str()), (login, folder), "{address}");
            assert_eq!(account.to_string(), shown);
        }
        for wrong in [
            "mail.example.org",
            "https://ada@mail.example.org",
            "imaps://mail.example.org",
            "imaps://ada:secret@mail.example.org",
            "imap://ada@mail.example.org?tls=none",
            "imaps://ada@127.0.0.1?tls=none",
            "pop3s://ada@mail.example.org/Folder",
            "imaps://ada%0d%0a@mail.example.org",
            "imaps://ada@mail.example.org?x=1",
        ] {
            assert!(Account::parse(wrong).is_err(), "{wrong}");
        }
    }
}
