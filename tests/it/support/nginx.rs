//! A real nginx in front of the service, with the settings that the documentation shows.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{project::repository, skip};

const PROGRAM: &str = "/usr/sbin/nginx";

/// Ended with the value.
pub(crate) struct Nginx {
    child: Child,
    folder: tempfile::TempDir,
}

/// The `server` block of a page of the documentation.
pub(crate) fn documented() -> String {
    let page = fs::read_to_string(repository().join("docs/service.md")).unwrap();
    let text = page.split("## nginx").nth(1).unwrap().split("```text\n").nth(1).unwrap();
    text.split("```").next().unwrap().to_owned()
}

impl Nginx {
    /// Listens on a port and passes requests on to another; says so and returns `None` where nginx is not installed. Of what the
    /// documentation shows, TLS is taken out, and the name has its port.
    pub(crate) fn start(port: u16, to: u16) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            skip("nginx is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let server: String = documented()
            .lines()
            .filter(|line| !line.trim_start().starts_with("ssl_"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
            .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{port};"))
            .replace("server_name news.example.org;", "server_name 127.0.0.1;")
            .replace("$host", "$http_host")
            .replace("127.0.0.1:8025", &format!("127.0.0.1:{to}"));
        write(folder.path(), &server);
        let child = command(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let nginx = Self { child, folder };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "nginx did not start: {}", nginx.log());
            std::thread::yield_now();
        }
        Some(nginx)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

/// Writes whole settings around a `server` block, and has nginx look at them.
fn write(folder: &Path, server: &str) {
    let root = folder.display();
    let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {root}/{name};\n"))
        .concat();
    let settings = format!(
        "daemon off;\nuser root;\npid {root}/pid;\nerror_log {root}/error.log;\nevents {{}}\n\
         http {{\naccess_log off;\n{places}{server}}}\n"
    );
    fs::write(folder.join("nginx.conf"), settings).unwrap();
    let tested = command(folder).arg("-t").output().unwrap();
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
}

/// Has nginx look at a `server` block; says so where it is not installed.
pub(crate) fn check(server: &str) {
    if !Path::new(PROGRAM).exists() {
        return skip("nginx is not installed");
    }
    write(tempfile::tempdir().unwrap().path(), server);
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg("-e")
        .arg(folder.join("error.log"))
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"));
    command
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it.
        let _ = Command::new("kill").args(["-QUIT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}
