//! What the documentation says about programs around the service.

use std::{fs, process::Command};

use crate::support::{
    nginx,
    ports::free_port,
    project::{Project, repository},
    relay,
};

fn page() -> String {
    fs::read_to_string(repository().join("docs/service.md")).unwrap()
}

#[test]
fn the_documented_nginx_settings_are_valid_with_tls_too() {
    let (certificate, key, _) = relay::certificate(relay::Certificate::Good);
    let folder = tempfile::tempdir().unwrap();
    let (chain, private) = (folder.path().join("fullchain.pem"), folder.path().join("privkey.pem"));
    fs::write(&chain, crate::support::postfix::pem("CERTIFICATE", &certificate)).unwrap();
    fs::write(&private, crate::support::postfix::pem("PRIVATE KEY", &key)).unwrap();
    let server = nginx::documented();
    let with_files: String = server
        .lines()
        .map(|line| match line.trim_start() {
            text if text.starts_with("ssl_certificate_key") => {
                format!("ssl_certificate_key {};\n", private.display())
            }
            text if text.starts_with("ssl_certificate") => format!("ssl_certificate {};\n", chain.display()),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_eq!(with_files.matches("ssl_certificate").count(), 2);
    nginx::check(&with_files.replace("listen 443 ssl;", &format!("listen 127.0.0.1:{} ssl;", free_port())));
}

#[test]
fn units_and_containers_start_the_service_with_options_that_it_has() {
    let page = page();
    let unit = page.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/mimeo ")).unwrap();
    let container = page.lines().find_map(|line| line.trim().strip_prefix("command: ")).unwrap();
    for line in [unit, container] {
        // Without settings it ends at once: what is wrong is not the options.
        let arguments: Vec<&str> = line.split(' ').collect();
        Project::new().run(arguments).code(3).stderr_has("`[serve]` has no `url`");
    }
    // The grace of the container is longer than that of the program.
    assert!(page.contains("stop_grace_period: 30s") && page.contains("within 20 seconds"));
    let folder = tempfile::tempdir().unwrap();
    let text = page.split("```ini\n").nth(1).unwrap().split("```").next().unwrap();
    let file = folder.path().join("mimeo.service");
    // The program and the user of the example are not here.
    fs::write(&file, text.replace("/usr/local/bin/mimeo", "/bin/true").replace("User=newsletter\n", ""))
        .unwrap();
    let Ok(checked) = Command::new("systemd-analyze").arg("verify").arg(&file).output() else {
        // Not every machine has systemd; what it would say of `[Unit]` and the like is the same everywhere.
        for section in ["[Unit]", "[Service]", "[Install]"] {
            assert!(text.contains(section), "{text}");
        }
        return;
    };
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(!said.contains("mimeo.service:"), "{said}");
}
