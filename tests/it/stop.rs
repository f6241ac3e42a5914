//! `mimeo stop` and `mimeo resume`: senders that run elsewhere stop too, and go on when they may.

use std::process::Stdio;

use serde_json::Value;

use crate::{
    crash::{counts, project},
    pace::ledgers,
    support::{
        relay::{At, Do, Relay, Script, When},
        schema::hold,
        until,
    },
};

#[test]
fn a_stop_ends_runs_elsewhere_and_workers_go_on_after_it_is_taken_back() {
    for ledger in ledgers() {
        let slow = Do::Wait(std::time::Duration::from_millis(5));
        let relay = Relay::start(Script::new().rule(At::Dot, When::Always, slow));
        let settings = format!("{ledger}[relay]\nurl = \"{}\"\nconnections = 1\n", relay.url());
        let project = project(2_500, &settings);
        project.run(["stop", "one"]).code(3).stderr_has("`one` has not been sent");
        let start = |arguments: &[&str]| {
            let mut command = project.mimeo(arguments).into_command();
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let send = start(&["send", "one", "--yes", "--first"]);
        until("letters", || relay.counters().accepted >= 20);
        let work = start(&["work", "--watch"]);
        until("the worker's connection", || relay.counters().connections >= 2);
        project.run(["stop", "one", "--reason", " "]).code(2);
        project
            .run(["stop", "one", "--reason", "wrong link"])
            .code(0)
            .stderr_has("`one` is stopped on all machines")
            .stderr_has("`mimeo resume one` lets workers go on");
        let sent = send.wait_with_output().unwrap();
        let said = String::from_utf8(sent.stderr).unwrap();
        assert_eq!(sent.status.code(), Some(5), "{said}");
        assert!(said.contains("stopped: stopped by hand: wrong link"), "{said}");
        project.run(["status", "one"]).code(0).stdout_has("stopped by hand: wrong link; `mimeo resume one`");
        project.run(["status"]).code(0).stdout_has("; stopped by hand: wrong link");
        let status = |arguments: &[&str], name: &str| -> Value {
            let ran = project.run(arguments).code(0);
            let output = serde_json::from_str(&ran.stdout).unwrap();
            hold(name, &output);
            output
        };
        let one = || status(&["status", "one", "--json"], "status")["stopped"].clone();
        assert_eq!(one(), "stopped by hand: wrong link");
        assert_eq!(status(&["status", "--json"], "status")[0]["stopped"], "stopped by hand: wrong link");
        let page = project.list(".mimeo/reports").pop().unwrap_or_default();
        let page = project.read(&format!(".mimeo/reports/{page}"));
        assert!(page.contains("No worker goes on: stopped by hand: wrong link."), "{page}");
        project.run(["work"]).code(5).stderr_has("left alone: stopped by hand: wrong link");
        let before = relay.recipients().len();
        assert!(before < 2_500);
        project.run(["resume", "one"]).code(0).stderr_has("which was stopped by hand: wrong link");
        project.run(["resume", "one"]).code(3).stderr_has("`one` is not stopped");
        assert_eq!(one(), Value::Null);
        // The worker that was stopped is still there, or another one.
        project.run(["work", "-q"]);
        let pid = work.id().to_string();
        until("the rest of the letters", || {
            project.run(["work", "-q"]);
            counts(&project)["accepted"] == 2_500
        });
        std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
        let worked = work.wait_with_output().unwrap();
        let said = String::from_utf8(worked.stderr).unwrap();
        // It may notice the stop when it has been taken back already.
        assert!(said.contains("; stopped: "), "{said}");
        let mut recipients = relay.recipients();
        recipients.sort();
        recipients.dedup();
        assert_eq!((recipients.len(), relay.recipients().len()), (2_500, 2_500));
    }
}
