//! A real Postfix of our own: its own settings, queue and ports, nothing under /etc touched. Needs root.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{ports::free_port, relay, skip};

/// The login that it takes.
pub(crate) const LOGIN: &str = "ada";
/// And its password.
pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct Postfix {
    folder: tempfile::TempDir,
    /// STARTTLS and login are required.
    pub(crate) submission: u16,
    /// TLS from the first byte, and a login.
    pub(crate) implicit: u16,
    /// Neither.
    pub(crate) plain: u16,
}

impl Postfix {
    /// Starts it; says so and returns `None` where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        for program in ["/usr/sbin/postfix", "/usr/sbin/dovecot"] {
            if !Path::new(program).exists() {
                skip(&format!("{program} is not installed"));
                return None;
            }
        }
        if !is_root() {
            skip("only root can start a Postfix");
            return None;
        }
        // The users of its daemons must reach it.
        let folder = tempfile::Builder::new().prefix("mimeo-postfix").tempdir_in("/tmp").unwrap();
        open_to_all(folder.path());
        let ports = [(); 3].map(|()| free_port());
        let postfix = Self { folder, submission: ports[0], implicit: ports[1], plain: ports[2] };
        postfix.write_settings();
        postfix.run("dovecot", &["-c", &postfix.path("dovecot/dovecot.conf")]);
        postfix.run("postfix", &["-c", &postfix.path("etc"), "start"]);
        for port in ports {
            let began = Instant::now();
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(
                    began.elapsed() < Duration::from_secs(30),
                    "Postfix did not start: {}",
                    postfix.log()
                );
                std::thread::yield_now();
            }
        }
        Some(postfix)
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Letters that have arrived for someone.
    pub(crate) fn mailbox(&self, address: &str) -> Vec<Vec<u8>> {
        let mark = format!("\nDelivered-To: {}\n", address.to_lowercase());
        let is_theirs = |letter: &[u8]| {
            let head = String::from_utf8_lossy(&letter[..letter.len().min(2_000)]).to_lowercase();
            head.contains(&mark.to_lowercase())
        };
        self.arrived().iter().map(|path| fs::read(path).unwrap()).filter(|letter| is_theirs(letter)).collect()
    }

    /// Waits until so many letters have arrived in all.
    pub(crate) fn wait_for(&self, letters: usize) {
        let began = Instant::now();
        loop {
            let arrived = self.arrived().len();
            if letters <= arrived {
                return;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{arrived} of {letters} arrived: {}",
                self.log()
            );
            std::thread::yield_now();
        }
    }

    /// All letters share a box; each says whom it was delivered to.
    fn arrived(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("mail/box/new")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The box that all letters share.
    pub(crate) fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail/box")
    }

    /// A copy of the tested program that other users can run, wherever this repository is.
    pub(crate) fn program(&self) -> String {
        let copy = self.path("mimeo");
        install(Path::new(env!("CARGO_BIN_EXE_mimeo")), "0755", Path::new(&copy));
        copy
    }

    /// From now on, mail for an address with any extension is piped into a command, as the user `daemon`.
    pub(crate) fn pipe(&self, address: &str, command: &str) {
        let change = |name: &str, change: &dyn Fn(String) -> String| {
            let path = self.path(name);
            fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
        };
        change("etc/master.cf", &|text| {
            format!("{text}mimeo unix - n n - - pipe\n  flags=R user=daemon argv=/bin/sh -c {{{command}}}\n")
        });
        change("etc/main.cf", &|text| {
            let maps = format!("transport_maps = inline:{{ {{{address} = mimeo:}}, ");
            format!("{}recipient_delimiter = +\n", text.replace("transport_maps = inline:{ ", &maps))
        });
        self.run("postfix", &["-c", &self.path("etc"), "reload"]);
    }

    /// Submits a message on this machine, without an envelope sender, as systems send reports.
    pub(crate) fn report(&self, to: &str, message: &str) {
        let mut sendmail = Command::new("/usr/sbin/sendmail")
            .args(["-C", &self.path("etc"), "-f", "", to])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(sendmail.stdin.as_mut().unwrap(), message.as_bytes()).unwrap();
        drop(sendmail.stdin.take());
        assert!(sendmail.wait().unwrap().success(), "{}", self.log());
    }

    /// Tries again at once what waits in its queue.
    pub(crate) fn flush(&self) {
        self.run("postqueue", &["-c", &self.path("etc"), "-f"]);
    }

    /// Waits until its log has these words.
    pub(crate) fn wait_for_log(&self, words: &str) {
        let began = Instant::now();
        while !self.log().contains(words) {
            assert!(began.elapsed() < Duration::from_secs(60), "no {words:?}: {}", self.log());
            std::thread::yield_now();
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("maillog")).unwrap_or_default()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = Command::new(format!("/usr/sbin/{program}"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{program} {arguments:?}: {}", self.log());
    }

    fn write_settings(&self) {
        let root = self.folder.path().to_str().unwrap();
        for name in ["etc", "queue", "data", "mail", "dovecot", "dovecot/run"] {
            fs::create_dir(self.path(name)).unwrap();
            open_to_all(Path::new(&self.path(name)));
        }
        chown("postfix", &self.path("data"));
        chown("nobody:nogroup", &self.path("mail"));
        let (certificate, key, authority) = relay::certificate(relay::Certificate::Good);
        fs::write(self.path("cert.pem"), pem("CERTIFICATE", &certificate)).unwrap();
        fs::write(self.path("key.pem"), pem("PRIVATE KEY", &key)).unwrap();
        fs::write(self.path("ca.pem"), authority).unwrap();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {root}/queue\ndata_directory = {root}/data\n\
             command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\n\
             setgid_group = postdrop\nmaillog_file = {root}/maillog\nmaillog_file_prefixes = {root}\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mx.example.test\nmydestination =\n\
             mynetworks = 127.0.0.0/8\nalias_maps =\nlocal_recipient_maps =\nvirtual_mailbox_domains = static:all\n\
             virtual_mailbox_maps = static:box/\nvirtual_mailbox_base = {root}/mail\n\
             virtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\nvirtual_transport = virtual\n\
             smtpd_reject_unlisted_recipient = no\n\
             transport_maps = inline:{{ {{gone.example.com = error:5.1.1 User unknown}}, \
             {{full.example.com = error:5.2.2 Mailbox full}}, \
             {{refused.example.com = error:5.7.1 Content rejected as spam}} }}\n\
             smtpd_tls_cert_file = {root}/cert.pem\nsmtpd_tls_key_file = {root}/key.pem\n\
             smtpd_tls_security_level = may\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {root}/dovecot/auth\n\
             smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject\n\
             smtpd_client_connection_count_limit = 100\nsmtpd_peername_lookup = no\nsmtpd_error_sleep_time = 0\n\
             in_flow_delay = 0\n"
        );
        fs::write(self.path("etc/main.cf"), main).unwrap();
        let (submission, implicit, plain) = (self.submission, self.implicit, self.plain);
        let login =
            "-o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject";
        let master = format!(
            "127.0.0.1:{submission} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt {login}\n\
             127.0.0.1:{implicit} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {login}\n\
             127.0.0.1:{plain} inet n - n - - smtpd\n\
             pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
             rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
             trace unix - - n - 0 bounce\nverify unix - - n - 1 verify\nflush unix n - n 1000? 0 flush\n\
             proxymap unix - - n - - proxymap\nsmtp unix - - n - - smtp\nrelay unix - - n - - smtp\n\
             showq unix n - n - - showq\nerror unix - - n - - error\nretry unix - - n - - error\n\
             discard unix - - n - - discard\nlocal unix - n n - - local\nvirtual unix - n n - - virtual\n\
             lmtp unix - - n - - lmtp\nanvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\n\
             tlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n"
        );
        fs::write(self.path("etc/master.cf"), master).unwrap();
        let dovecot = format!(
            "base_dir = {root}/dovecot/run\nprotocols =\nlog_path = {root}/dovecot/log\n\
             default_internal_user = dovecot\ndefault_login_user = dovenull\nauth_mechanisms = plain login\n\
             passdb {{\n  driver = passwd-file\n  args = scheme=PLAIN {root}/dovecot/users\n}}\n\
             userdb {{\n  driver = static\n  args = uid=65534 gid=65534 home={root}/mail\n}}\n\
             service auth {{\n  unix_listener {root}/dovecot/auth {{\n    mode = 0660\n    user = postfix\n  }}\n}}\n\
             service stats {{\n  unix_listener stats-writer {{\n    mode = 0666\n  }}\n}}\nssl = no\n"
        );
        fs::write(self.path("dovecot/dovecot.conf"), dovecot).unwrap();
        fs::write(self.path("dovecot/users"), format!("{LOGIN}:{PASSWORD}\n")).unwrap();
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let quiet = |program: &str, arguments: &[&str]| {
            let _ = Command::new(format!("/usr/sbin/{program}"))
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        };
        quiet("postfix", &["-c", &self.path("etc"), "stop"]);
        quiet("dovecot", &["-c", &self.path("dovecot/dovecot.conf"), "stop"]);
    }
}

pub(super) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

pub(super) fn chown(owner: &str, path: &str) {
    assert!(Command::new("chown").args([owner, path]).status().unwrap().success());
}

pub(super) fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Copies a program, as root's. Another process writes the copy: one that this process had open for writing could not be run
/// while another test starts a program.
pub(crate) fn install(program: &Path, mode: &str, to: &Path) {
    assert!(Command::new("install").args(["-m", mode]).arg(program).arg(to).status().unwrap().success());
}

pub(crate) fn pem(kind: &str, der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der))
}
