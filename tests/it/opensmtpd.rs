//! A real OpenSMTPD as the relay that reports what came back.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    returned::suppressed,
    support::{
        ports::free_port,
        project::{LEAST, Project, repository},
        relay::{At, Do, Relay, Script, When},
        skip,
    },
};

struct OpenSmtpd {
    child: Child,
    root: tempfile::TempDir,
    port: u16,
}

impl OpenSmtpd {
    /// Starts it in a root of its own, before a server that takes what it sends on; says so and returns `None` where it is not there.
    fn start(next: &Relay) -> Option<Self> {
        let package = repository().join("target/opensmtpd");
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
        if !package.join("usr/sbin/smtpd").exists() || !is_root {
            skip("target/opensmtpd is missing (run tests/tools/opensmtpd.sh), or this is not root");
            return None;
        }
        let root = tempfile::Builder::new().prefix("mimeo-opensmtpd").tempdir_in("/tmp").unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copied = Command::new("cp").arg("-a").arg(package.join(".")).arg(root.path()).status().unwrap();
        assert!(copied.success());
        let port = free_port();
        let settings = format!(
            "listen on 127.0.0.1 port {port} hostname opensmtpd.example.net\n\
             table boxes {{ \"@example.org\" = box }}\n\
             action \"box\" maildir \"/mail\" user box virtual <boxes>\n\
             action \"out\" relay host \"{}\"\n\
             match from any for domain \"example.org\" action \"box\"\n\
             match from any for any action \"out\"\n",
            next.url().split('?').next().unwrap()
        );
        fs::write(root.path().join("etc/smtpd.conf"), settings).unwrap();
        let log = fs::File::create(root.path().join("log")).unwrap();
        let child = Command::new("chroot")
            .arg(root.path())
            .args(["/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let smtpd = Self { child, root, port };
        smtpd.until("OpenSMTPD starts", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(smtpd)
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            let log = fs::read_to_string(self.root.path().join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(60), "{what}: not in time; {log}");
            std::thread::yield_now();
        }
    }

    fn maildir(&self) -> PathBuf {
        self.root.path().join("mail")
    }
}

impl Drop for OpenSmtpd {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_opensmtpd_bounces_into_a_maildir() {
    let refusals = [
        ("@gone.", "550 5.1.1 User unknown"),
        ("@full.", "552 5.2.2 mailbox is full"),
        ("@refused.", "550 5.7.1 message rejected as spam"),
    ];
    let script = refusals.into_iter().fold(Script::new(), |script, (who, reply)| {
        script.rule(At::Rcpt, When::To(who.to_owned()), Do::Say(reply.to_owned()))
    });
    let next = Relay::start(script);
    let Some(smtpd) = OpenSmtpd::start(&next) else { return };
    let settings = format!(
        "{LEAST}bounces = \"bounces+{{token}}@example.org\"\n[relay]\nurl = \"smtp://127.0.0.1:{}?tls=none\"\n",
        smtpd.port
    );
    let people = "email\nann@gone.example.com\nbo@full.example.com\ncy@refused.example.com\ndi@example.org\n";
    let project = Project::empty()
        .file("mimeo.toml", settings)
        .file("subscribers.csv", people)
        .file("issues/one.md", "---\ntitle: One\nnumber: 1\n---\n\nhello\n");
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("4 accepted");
    let arrived = || fs::read_dir(smtpd.maildir().join("new")).map_or(0, Iterator::count);
    smtpd.until("one letter and three reports arrive", || arrived() == 4);
    let maildir = smtpd.maildir();
    let read = || project.run(["bounces", maildir.to_str().unwrap()]).code(0);
    let ran = read();
    for line in ["hard  ann@gone.example.com", "soft  bo@full.example.com", "ours  cy@refused.example.com"] {
        assert!(ran.stdout.contains(line), "{line}\n{ran}");
    }
    assert!(ran.stderr.contains("3 bounce") && ran.stderr.contains("1 address is suppressed"), "{ran}");
    read().stderr_has("3 findings were recorded before");
    let people = suppressed(&project);
    assert!(people.len() == 1 && people[0].starts_with("ann@gone.example.com,hard_bounce"), "{people:?}");
}
