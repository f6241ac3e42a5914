//! A real Dovecot of our own with IMAP and POP3, beside the machine's. Needs root.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    ports::free_port,
    postfix::{chown, is_root, open_to_all, pem},
    relay, skip,
};

/// The password of every user.
pub(crate) const PASSWORD: &str = "hunter2";

pub(crate) struct Dovecot {
    folder: tempfile::TempDir,
    maildir: PathBuf,
    /// IMAP: in clear (with STARTTLS), and TLS from the start; POP3 likewise.
    ports: [u16; 4],
}

impl Dovecot {
    /// Starts it; says so and returns `None` where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::over(None)
    }

    /// The same, with another maildir as the mailbox of all users.
    pub(crate) fn over(maildir: Option<PathBuf>) -> Option<Self> {
        for program in ["/usr/sbin/dovecot", "/usr/lib/dovecot/imap", "/usr/lib/dovecot/pop3"] {
            if !Path::new(program).exists() {
                skip(&format!("{program} is not installed"));
                return None;
            }
        }
        if !is_root() {
            skip("only root can start a Dovecot");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("mimeo-dovecot").tempdir_in("/tmp").unwrap();
        open_to_all(folder.path());
        let maildir = maildir.unwrap_or_else(|| folder.path().join("mail/ada"));
        let dovecot = Self { folder, maildir, ports: [(); 4].map(|()| free_port()) };
        dovecot.write_settings();
        let status = dovecot.command(&[]).status().unwrap();
        assert!(status.success(), "{}", dovecot.log());
        for port in dovecot.ports {
            let began = Instant::now();
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(
                    began.elapsed() < Duration::from_secs(30),
                    "Dovecot did not start: {}",
                    dovecot.log()
                );
                std::thread::yield_now();
            }
        }
        Some(dovecot)
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new("/usr/sbin/dovecot");
        command.args(["-c", &self.path("dovecot.conf")]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The address of ada's mailbox.
    pub(crate) fn url(&self, scheme: &str) -> String {
        let port = match scheme {
            "imap" => self.ports[0],
            "imaps" => self.ports[1],
            "pop3" => self.ports[2],
            _ => self.ports[3],
        };
        format!("{scheme}://ada@127.0.0.1:{port}")
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Ada's maildir.
    pub(crate) fn maildir(&self) -> &Path {
        &self.maildir
    }

    /// A message for ada.
    pub(crate) fn deliver(&self, name: &str, message: &str) {
        let path = self.maildir().join("tmp").join(name);
        fs::write(&path, message).unwrap();
        chown("nobody:nogroup", path.to_str().unwrap());
        fs::rename(&path, self.maildir().join("new").join(name)).unwrap();
    }

    /// Takes all messages out of ada's inbox.
    pub(crate) fn empty(&self) {
        for part in ["new", "cur"] {
            for entry in fs::read_dir(self.maildir().join(part)).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
        }
    }

    /// Files of a folder, the inbox being the empty one: those that are not seen, and those that are.
    pub(crate) fn messages(&self, folder: &str) -> (usize, usize) {
        let root =
            if folder.is_empty() { self.maildir.clone() } else { self.maildir.join(format!(".{folder}")) };
        let names = |part: &str| -> Vec<String> {
            let Ok(entries) = fs::read_dir(root.join(part)) else { return Vec::new() };
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
        };
        let (new, cur) = (names("new"), names("cur"));
        let seen = cur.iter().filter(|name| name.rsplit(',').next().unwrap().contains('S')).count();
        (new.len() + cur.len() - seen, seen)
    }

    fn write_settings(&self) {
        for name in ["run", "mail", "mail/ada", "mail/ada/new", "mail/ada/cur", "mail/ada/tmp"] {
            fs::create_dir(self.path(name)).unwrap();
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
            if name.starts_with("mail") {
                chown("nobody:nogroup", &self.path(name));
            }
        }
        let (certificate, key, authority) = relay::certificate(relay::Certificate::Good);
        fs::write(self.path("cert.pem"), pem("CERTIFICATE", &certificate)).unwrap();
        fs::write(self.path("key.pem"), pem("PRIVATE KEY", &key)).unwrap();
        fs::write(self.path("ca.pem"), authority).unwrap();
        let root = self.folder.path().to_str().unwrap();
        let maildir = self.maildir.display();
        let [imap, imaps, pop3, pop3s] = self.ports;
        let settings = format!(
            "base_dir = {root}/run\nprotocols = imap pop3\nlisten = 127.0.0.1\nlog_path = {root}/log\n\
             default_internal_user = dovecot\ndefault_login_user = dovenull\n\
             mail_location = maildir:{maildir}\nmail_uid = 65534\nmail_gid = 65534\nfirst_valid_uid = 1\n\
             disable_plaintext_auth = no\nssl = yes\nssl_cert = <{root}/cert.pem\nssl_key = <{root}/key.pem\n\
             auth_mechanisms = plain login\nauth_failure_delay = 0\nmail_max_userip_connections = 100\n\
             passdb {{\n  driver = static\n  args = password={PASSWORD}\n}}\n\
             userdb {{\n  driver = static\n  args = uid=65534 gid=65534 home={root}/mail/%u allow_all_users=yes\n}}\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {imap}\n  }}\n  inet_listener imaps {{\n    \
             port = {imaps}\n    ssl = yes\n  }}\n}}\n\
             service pop3-login {{\n  inet_listener pop3 {{\n    port = {pop3}\n  }}\n  inet_listener pop3s {{\n    \
             port = {pop3s}\n    ssl = yes\n  }}\n}}\n"
        );
        fs::write(self.path("dovecot.conf"), settings).unwrap();
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let _ = self.command(&["stop"]).status();
    }
}
