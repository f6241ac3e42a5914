//! TLS and logins: whatever is wrong, nothing is said that an onlooker may not hear.

use mimeograph::transport::{Login, Relay as Settings, RelayConfigError, Secret, Smtp};

use super::{Session, source::TestSource};
use crate::support::relay::{At, Certificate, Do, Relay, Script, When};

fn password(settings: &mut Settings) {
    settings.password = Some(Secret::new("hunter2"));
}

#[tokio::test]
async fn letters_go_out_over_starttls_and_over_implicit_tls() {
    for script in [
        Script::new().with_starttls(Certificate::Good),
        Script::new().with_implicit_tls(Certificate::Good),
        Script::new().with_starttls(Certificate::Good).with_smtputf8(),
        Script::new().with_implicit_tls(Certificate::Good).without_pipelining(),
    ] {
        for mechanisms in ["PLAIN LOGIN", "LOGIN"] {
            let script = script.clone().with_login(mechanisms, "bob@example.org", "hunter2");
            let session = Session::with(script, TestSource::new(5), "bob@example.org", password).await;
            let session = session.expect(&format!("{}done", "accepted, ".repeat(5)));
            assert_eq!(session.relay.counters().handshakes, 1);
            assert_eq!(session.relay.counters().logins, 1);
        }
    }
}

#[tokio::test]
async fn a_large_letter_survives_tls_whole() {
    let text = "one line of seventy-odd characters, so that the letter has many of them.\r\n".repeat(20_000);
    let source = TestSource::of(vec![super::source::letter(1, "r1@example.com", &text)]);
    let session = Session::with(Script::new().with_starttls(Certificate::Good), source, "", |_| {}).await;
    let session = session.expect("accepted, done");
    assert!(session.relay.accepted()[0].bytes.ends_with(
        text.as_bytes().trim_ascii_end().iter().chain(b"\r\n\r\n").copied().collect::<Vec<_>>().as_slice()
    ));
}

#[tokio::test]
async fn a_wrong_certificate_stops_everything() {
    for (certificate, words) in [
        (
            Certificate::WrongName,
            "the relay cannot be used (TLS): the relay's certificate is for mail.example.org, not for 127.0.0.1",
        ),
        (Certificate::Expired, "the relay cannot be used (TLS): the relay's certificate has expired"),
        (
            Certificate::UnknownAuthority,
            "the relay cannot be used (TLS): the relay's certificate was issued by an authority that this machine \
             does not know; if you trust it, name its certificate, or the relay's own, in `ca_file`",
        ),
    ] {
        for script in [Script::new().with_starttls(certificate), Script::new().with_implicit_tls(certificate)]
        {
            let script = script.with_login("PLAIN", "bob", "hunter2");
            let session = Session::with(script, TestSource::new(1), "bob", password).await;
            let session = session.expect("back, stop at TLS: tls");
            assert_eq!(session.result.unwrap_err().to_string(), words);
            assert_eq!(session.relay.counters().logins, 0);
        }
    }
}

#[tokio::test]
async fn starttls_taken_out_on_the_way_stops_everything() {
    let script = Script::new().strip_starttls().with_login("PLAIN", "bob", "hunter2");
    let session =
        Session::with(script, TestSource::new(1), "bob", password).await.expect("back, stop at TLS: tls");
    assert_eq!(session.relay.counters().logins, 0);
    assert_eq!(session.relay.counters().command("MAIL"), 0);
    assert_eq!(
        session.result.unwrap_err().to_string(),
        "the relay cannot be used (TLS): the relay does not offer STARTTLS, and without it nothing is sent"
    );
}

#[tokio::test]
async fn starttls_refused_stops_everything() {
    for (reply, expected) in [
        ("454 4.7.0 TLS not available", "back, down at TLS: 454"),
        ("502 5.5.1 what", "back, stop at TLS: 502"),
        ("250 sure", "back, stop at TLS: protocol"),
    ] {
        let script = Script::new().with_starttls(Certificate::Good).say(At::StartTls, reply);
        Session::of(script, 1).await.expect(expected);
    }
}

#[tokio::test]
async fn replies_injected_before_tls_are_not_believed() {
    let forged =
        "250-relay.example.net\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 forged\r\n";
    let script = Script::new().with_starttls(Certificate::Good).with_login("PLAIN", "bob", "hunter2").rule(
        At::StartTls,
        When::Always,
        Do::Add(forged.to_owned()),
    );
    let session =
        Session::with(script, TestSource::new(1), "bob", password).await.expect("back, stop at TLS: tls");
    assert_eq!(session.relay.counters().logins, 0);
    assert!(session.result.unwrap_err().to_string().contains("bytes arrived between"));
}

#[tokio::test]
async fn a_handshake_that_is_junk_or_never_ends_stops_everything() {
    let script =
        |action| Script::new().with_implicit_tls(Certificate::Good).rule(At::Handshake, When::Always, action);
    let session =
        Session::of(script(Do::Say("220 this is not TLS, whatever you think it is".into())), 1).await;
    let session = session.expect("back, stop at TLS: tls");
    assert_eq!(
        session.result.unwrap_err().to_string(),
        "the relay cannot be used (TLS): what the relay speaks on this port is not TLS: write the address with \
         `smtp://` (STARTTLS, port 587) instead of `smtps://` (port 465)"
    );
    Session::of(script(Do::Close), 1).await.expect("back, down at TLS: io");
    let session = Session::with(script(Do::Hang), TestSource::new(1), "", |settings| {
        settings.timeouts.handshake = std::time::Duration::from_millis(60);
    });
    session.await.expect("back, down at TLS: timeout");
}

#[tokio::test]
async fn a_login_that_is_refused_is_tried_once() {
    for (login, mechanism) in [("PLAIN", Login::Auto), ("LOGIN", Login::Auto), ("XOAUTH2", Login::Xoauth2)] {
        let script = Script::new().with_starttls(Certificate::Good).with_login(login, "bob", "another");
        let session = Session::with(script, TestSource::new(3), "bob", |settings| {
            password(settings);
            settings.mechanism = mechanism;
        })
        .await
        .expect("back, untouched, untouched, stop at login: 535");
        assert_eq!(session.relay.counters().logins, 1);
        let words = format!("{:?} {}", session.result, session.result.as_ref().unwrap_err());
        assert!(!words.contains("hunter2"), "{words}");
    }
}

#[tokio::test]
async fn a_token_logs_in_as_well() {
    let script = Script::new().with_starttls(Certificate::Good).with_login("XOAUTH2", "bob", "hunter2");
    let session = Session::with(script, TestSource::new(1), "bob", |settings| {
        password(settings);
        settings.mechanism = Login::Xoauth2;
    });
    session.await.expect("accepted, done");
}

#[tokio::test]
async fn logins_refused_for_good_and_for_now_are_distinguished() {
    let login =
        |mechanisms| Script::new().with_starttls(Certificate::Good).with_login(mechanisms, "bob", "hunter2");
    for (script, expected) in [
        (login("PLAIN").say(At::Auth, "454 4.7.0 temporary failure"), "back, down at login: 454"),
        (login("PLAIN").say(At::Auth, "421 4.7.0 busy"), "back, down at login: 421"),
        (login("PLAIN").say(At::Auth, "534 5.7.9 use another way"), "back, stop at login: 534"),
        (login("PLAIN").say(At::Auth, "250 sure"), "back, stop at login: protocol"),
        (login("PLAIN").say(At::Auth, "334 more"), "back, stop at login: protocol"),
        (login("CRAM-MD5"), "back, stop at login: protocol"),
        (Script::new().with_starttls(Certificate::Good), "back, stop at login: protocol"),
    ] {
        Session::with(script, TestSource::new(1), "bob", password).await.expect(expected);
    }
}

#[tokio::test]
async fn a_login_without_tls_is_for_this_machine_only() {
    let session = Session::with(
        Script::new().with_login("PLAIN", "bob", "hunter2"),
        TestSource::new(1),
        "bob",
        password,
    );
    session.await.expect("accepted, done");
    assert!(matches!(
        Settings::parse("smtp://bob@smtp.example.com?tls=none"),
        Err(RelayConfigError::LoginInTheClear { .. })
    ));
}

#[tokio::test]
async fn a_probe_says_whether_the_relay_can_be_used() {
    let relay =
        Relay::start(Script::new().with_starttls(Certificate::Good).with_login("PLAIN", "bob", "hunter2"));
    let mut settings = Session::settings(&relay, "bob");
    password(&mut settings);
    Smtp::new(settings.clone()).unwrap().probe().await.unwrap();
    settings.password = Some(Secret::new("wrong"));
    assert!(Smtp::new(settings).unwrap().probe().await.is_err());
    assert_eq!(relay.counters().command("MAIL"), 0);
}

#[test]
fn certificates_that_cannot_be_read_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let mut settings = Settings::parse("smtps://smtp.example.com").unwrap();
    settings.ca_file = Some(path.clone());
    let words = Smtp::new(settings.clone()).unwrap_err().to_string();
    assert_eq!(words, format!("failed to read the certificates in `{}`", path.display()));
    std::fs::write(&path, "nothing").unwrap();
    let words = Smtp::new(settings).unwrap_err().to_string();
    assert_eq!(
        words,
        format!("`{}` holds no usable certificate: there is no BEGIN CERTIFICATE in it", path.display())
    );
}

#[tokio::test]
async fn a_self_signed_certificate_that_ca_file_names_is_trusted() {
    for script in [
        Script::new().with_starttls(Certificate::SelfSigned),
        Script::new().with_implicit_tls(Certificate::SelfSigned),
    ] {
        Session::of(script.clone(), 2).await.expect("accepted, accepted, done");
        let session = Session::with(script, TestSource::new(1), "", |settings| settings.ca_file = None).await;
        let session = session.expect("back, stop at TLS: tls");
        let words = session.result.unwrap_err().to_string();
        assert!(words.contains("`ca_file`") && !words.contains("OtherError"), "{words}");
    }
}

#[tokio::test]
async fn a_relay_that_refuses_plain_as_a_mechanism_is_logged_in_to_with_login() {
    let script = Script::new().with_starttls(Certificate::Good).with_login("PLAIN LOGIN", "bob", "hunter2");
    let script = script.say_once(At::Auth, "504 5.7.4 Unrecognized authentication type");
    let session =
        Session::with(script, TestSource::new(2), "bob", password).await.expect("accepted, accepted, done");
    assert_eq!((session.relay.counters().connections, session.relay.counters().logins), (1, 2));
}

#[tokio::test]
async fn a_relay_that_only_knows_cram_md5_is_an_error_that_says_so() {
    let script = Script::new().with_starttls(Certificate::Good).with_login("CRAM-MD5", "bob", "hunter2");
    let session = Session::with(script, TestSource::new(1), "bob", password)
        .await
        .expect("back, stop at login: protocol");
    let words = session.result.unwrap_err().to_string();
    assert!(words.contains("offers only CRAM-MD5") && words.contains("PLAIN, LOGIN and XOAUTH2"), "{words}");
}

#[tokio::test]
async fn a_password_that_a_relay_repeats_is_not_repeated_by_us() {
    for echo in ["hunter2", "aHVudGVyMg==", "AGJvYgBodW50ZXIy"] {
        let reply = format!("535 5.7.8 not with {echo} please");
        let script = Script::new()
            .with_starttls(Certificate::Good)
            .with_login("PLAIN", "bob", "hunter2")
            .say(At::Auth, &reply);
        let session = Session::with(script, TestSource::new(1), "bob", password)
            .await
            .expect("back, stop at login: 535");
        let words = format!("{:?}", session.result.unwrap_err());
        assert!(words.contains("[password]") && !words.contains(echo), "{words}");
    }
    // Later, too: a refusal is kept in the ledger.
    let script = Script::new()
        .with_starttls(Certificate::Good)
        .with_login("PLAIN", "bob", "hunter2")
        .say(At::Rcpt, "550 5.1.1 not for hunter2");
    let session =
        Session::with(script, TestSource::new(1), "bob", password).await.expect("rejected RCPT 550, done");
    assert!(!format!("{:?}", session.source.fates()).contains("hunter2"));
}

#[tokio::test]
async fn a_relay_that_waits_for_tls_behind_smtp_is_reported_within_seconds() {
    let relay = Relay::start(Script::new().with_implicit_tls(Certificate::Good));
    let began = std::time::Instant::now();
    for tail in ["", "?tls=none"] {
        let settings = Settings::parse(&format!("smtp://127.0.0.1:{}{tail}", relay.port())).unwrap();
        let down = Smtp::new(settings).unwrap().probe().await.unwrap_err();
        assert!(!down.passing && down.to_string().contains("`smtps://`"), "{down}");
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(30));
}

#[tokio::test]
async fn a_relay_without_tls_behind_smtps_is_reported_within_seconds() {
    let relay = Relay::start(Script::new());
    let settings = Settings::parse(&format!("smtps://127.0.0.1:{}", relay.port())).unwrap();
    let down = Smtp::new(settings).unwrap().probe().await.unwrap_err();
    assert!(!down.passing && down.to_string().contains("`smtp://`"), "{down}");
}
