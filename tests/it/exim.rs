//! A real Exim as the relay that reports what came back.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    returned::suppressed,
    support::{
        ports::free_port,
        postfix::install,
        project::{LEAST, Project, repository},
        skip,
    },
};

struct Exim {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Exim {
    /// Starts it; says so and returns `None` where it is not there.
    fn start() -> Option<Self> {
        let program = repository().join("target/exim/usr/sbin/exim4");
        let has_user =
            Command::new("id").arg("Debian-exim").stderr(Stdio::null()).stdout(Stdio::null()).status();
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
        if !program.exists() || !is_root || !has_user.is_ok_and(|status| status.success()) {
            skip("target/exim is missing (run tests/tools/exim.sh), or this is not root");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("mimeo-exim").tempdir_in("/tmp").unwrap();
        let root = folder.path();
        for part in ["", "spool", "log", "mail"] {
            fs::create_dir_all(root.join(part)).unwrap();
            fs::set_permissions(root.join(part), fs::Permissions::from_mode(0o777)).unwrap();
        }
        // Exim runs itself again as its own user, who may not be able to enter the repository's folder.
        let copy = root.join("exim");
        install(&program, "4755", &copy);
        let program = copy;
        let port = free_port();
        let config = root.join("exim.conf");
        fs::write(&config, settings(root, &program, port)).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
        let child = Command::new(&program)
            .args(["-C", config.to_str().unwrap(), "-bdf"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let exim = Self { child, folder, port };
        exim.until("Exim starts", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(exim)
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            let log = fs::read_to_string(self.folder.path().join("log/mainlog")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(60), "{what}: not in time; {log}");
            std::thread::yield_now();
        }
    }

    fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn settings(root: &Path, program: &Path, port: u16) -> String {
    let root = root.display();
    let refusals = [
        ("gone", "Unknown user"),
        ("full", "552 5.2.2 mailbox is full"),
        ("refused", "550 5.7.1 message rejected as spam"),
    ];
    let refusing: String = refusals
        .iter()
        .map(|(name, why)| {
            format!("{name}:\n  driver = redirect\n  domains = {name}.example.com\n  allow_fail\n  data = :fail: {why}\n")
        })
        .collect();
    format!(
        "primary_hostname = exim.example.net\nexim_path = {}\nspool_directory = {root}/spool\n\
         log_file_path = {root}/log/%slog\npid_file_path = {root}/exim.pid\ndaemon_smtp_ports = {port}\n\
         local_interfaces = 127.0.0.1\nexim_user = Debian-exim\nexim_group = Debian-exim\nnever_users =\n\
         keep_environment =\nhost_lookup =\nrfc1413_query_timeout = 0s\nacl_smtp_rcpt = accept\n\
         begin routers\n{refusing}box:\n  driver = accept\n  transport = box\n\
         begin transports\nbox:\n  driver = appendfile\n  maildir_format\n  create_directory\n  \
         directory = {root}/mail\n  user = Debian-exim\nbegin retry\n* * F,1h,1m\n",
        program.display()
    )
}

#[test]
fn a_real_exim_bounces_into_a_maildir() {
    let Some(exim) = Exim::start() else { return };
    let settings = format!(
        "{LEAST}bounces = \"bounces+{{token}}@example.org\"\n[relay]\nurl = \"smtp://127.0.0.1:{}?tls=none\"\n",
        exim.port
    );
    let people = "email\nann@gone.example.com\nbo@full.example.com\ncy@refused.example.com\ndi@example.com\n";
    let project = Project::empty()
        .file("mimeo.toml", settings)
        .file("subscribers.csv", people)
        .file("issues/one.md", "---\ntitle: One\nnumber: 1\n---\n\nhello\n");
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("4 accepted");
    let arrived = || fs::read_dir(exim.maildir().join("new")).map_or(0, Iterator::count);
    exim.until("one letter and three reports arrive", || arrived() == 4);
    let ran = project.run(["bounces", exim.maildir().to_str().unwrap()]).code(0);
    for line in ["hard  ann@gone.example.com", "soft  bo@full.example.com", "ours  cy@refused.example.com"] {
        assert!(ran.stdout.contains(line), "{line}\n{ran}");
    }
    assert!(ran.stderr.contains("3 bounce") && ran.stderr.contains("1 address is suppressed"), "{ran}");
    assert!(
        suppressed(&project)[0].starts_with("ann@gone.example.com,hard_bounce"),
        "{:?}",
        suppressed(&project)
    );
}
