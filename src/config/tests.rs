use std::path::Path;

use super::{
    file::tree,
    load::from_tree,
    raw::{Notes, Table},
    *,
};
use crate::{
    source::{Diagnostics, Source},
    transport::{Login, Pipelining},
};

const LEAST: &str = "[newsletter]\nname = \"N\"\n[sender]\nfrom = \"Ada <ada@example.org>\"\n";

fn load(text: &str) -> Result<Config, Vec<String>> {
    load_with(text, &Overrides::default())
}

fn load_with(text: &str, overrides: &Overrides) -> Result<Config, Vec<String>> {
    let found = Config::parse(Path::new("."), Source::new("mimeo.toml", text), overrides);
    let lines =
        |diagnostics: Diagnostics| diagnostics.iter().map(|d| format!("{} {d}", d.code)).collect::<Vec<_>>();
    found
        .map_err(lines)
        .and_then(|(config, noticed)| if noticed.is_empty() { Ok(config) } else { Err(lines(noticed)) })
}

#[track_caller]
fn check(addition: &str, expected: &[&str]) {
    match load(&format!("{LEAST}{addition}")) {
        Ok(_) => panic!("accepted: {addition}"),
        Err(found) => assert_eq!(found, expected),
    }
}

#[test]
fn two_lines_are_enough_and_need_no_account() {
    let config = load(LEAST).unwrap();
    assert_eq!(goes_to(&config), "outbox");
    assert_eq!(config.ledger.file(), Some(Path::new(".mimeo/ledger.db")));
    assert_eq!(config.list.path(), Path::new("subscribers.csv"));
    assert_eq!(config.newsletter.list_id, "n.example.org");
    assert_eq!(config.newsletter.bounces.expose(), "ada@example.org");
    assert_eq!(config.newsletter.unsubscribe.mailto.as_ref().unwrap().expose(), "ada@example.org");
    assert!(config.pace.limits.is_empty() && config.pace.adaptive && config.pace.window.is_none());
    assert!(config.relay().unwrap().is_none());
}

/// The reference with every example line switched on.
fn full_reference() -> String {
    let is_example =
        |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[' || c == '"');
    REFERENCE.lines().map(|line| line.strip_prefix('#').filter(|rest| is_example(rest)).unwrap_or(line)).fold(
        String::new(),
        |mut all, line| {
            all.push_str(line);
            all.push('\n');
            all
        },
    )
}

#[test]
fn the_reference_loads_as_it_is_and_with_every_example_on() {
    load(REFERENCE).unwrap();
    // A ledger is in a file or on a server.
    let text = full_reference().replace("path = \".mimeo/ledger.db\"\n", "");
    let (start, end) = (text.find("[[relays]]").unwrap(), text.find("[outbox]").unwrap());
    // And there is one relay, or several.
    let several = text[start..end].to_owned();
    let config = load(&text.replace(&several, "")).unwrap();
    assert!(config.ledger.file().is_none());
    assert_eq!(config.pace.limits.len(), 4);
    assert_eq!(config.pace.domains["example.com"].connections, Some(2));
    let config = load(&format!("{LEAST}{several}")).unwrap();
    assert_eq!(config.transport.relays().len(), 2);
}

#[test]
fn a_url_is_not_taken_for_the_path_of_a_ledger() {
    for url in ["postgres://postgres@/letters?host=/tmp", "sqlite://ledger.db"] {
        let refused = load(&format!("{LEAST}[ledger]\npath = \"{url}\"\n")).unwrap_err();
        assert!(
            refused.iter().any(|one| one.to_string().contains("`path` is a file, and this is a URL")),
            "{refused:?}"
        );
    }
}

#[test]
fn every_setting_is_in_the_reference() {
    let text = full_reference();
    let notes = Notes::new(Source::new("reference.toml", text));
    let tree = tree(&notes).unwrap();
    from_tree(Path::new("."), &Table::root(&notes, &tree), &Overrides::default());
    let asked = notes.asked();
    let missing: Vec<_> = asked.iter().filter(|(_, there)| !**there).map(|(name, _)| name).collect();
    // A secret is named in one of three ways; the reference shows all three in words.
    let alone = |name: &str| [".env", ".file", ".command"].iter().any(|way| name.ends_with(way));
    // One of several relays has what the only one has.
    let shown = |name: &str| {
        let single = name.strip_prefix("relays.").map(|rest| format!("relay.{rest}"));
        single.is_some_and(|single| asked.get(&single) == Some(&true))
    };
    assert_eq!(
        missing.iter().filter(|name| !alone(name) && !shown(name)).collect::<Vec<_>>(),
        Vec::<&&String>::new()
    );
    assert!(asked.len() > 60, "the settings were really asked for: {}", asked.len());
}

#[test]
fn the_defaults_in_the_reference_are_the_defaults() {
    let defaults = load(LEAST).unwrap();
    let shown: String = full_reference();
    for line in [
        format!("attempts_max = {}", defaults.retry.attempts_max),
        format!("refusals_in_a_row = {}", defaults.brake.refusals_in_a_row),
        format!("share = {}", defaults.brake.share),
        format!("sample = {}", defaults.brake.sample),
        format!("hard_bounces = {}", defaults.suppress_hard_bounces),
        format!("history = {}", defaults.check.history),
        format!("give_up_after = \"{}d\"", defaults.retry.give_up_after.as_secs() / 86_400),
        format!("first_wait = \"{}m\"", defaults.retry.first_wait.as_secs() / 60),
        format!("wait_max = \"{}h\"", defaults.retry.wait_max.as_secs() / 3600),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}");
    }
}

#[test]
fn everything_that_is_wrong_comes_at_once_and_in_order() {
    let text = "[newsletter]\nnmae = \"N\"\nlanguage = 7\n[sender]\nfrom = \"Ada ada@example.org>\"\n[pace]\nper_minute = 0\n[retry]\nfirst_wait = \"soon\"\n";
    assert_eq!(
        load(text).unwrap_err(),
        [
            "M006 mimeo.toml:1:1: the newsletter's name is missing",
            "M003 mimeo.toml:2:1: unknown setting `newsletter.nmae`",
            "M004 mimeo.toml:3:12: `newsletter.language` must be a text",
            "M007 mimeo.toml:5:8: invalid email address in `sender.from`: there is a `>` without a `<`",
            "M005 mimeo.toml:7:14: `pace.per_minute` cannot be 0",
            "M005 mimeo.toml:9:14: `retry.first_wait` cannot be \"soon\"",
        ]
    );
}

#[test]
fn an_empty_file_says_what_is_needed() {
    assert_eq!(
        load("").unwrap_err(),
        ["M006 mimeo.toml: the newsletter's name is missing", "M006 mimeo.toml: the sender is missing"]
    );
}

#[test]
fn a_misspelt_name_is_answered_with_the_nearest_known_one() {
    let text = format!("{LEAST}[pase]\nper_minute = 1\n");
    let found =
        Config::parse(Path::new("."), Source::new("mimeo.toml", text), &Overrides::default()).unwrap_err();
    assert_eq!(found[0].to_string(), "mimeo.toml:5:2: unknown setting `pase`");
    assert_eq!(found[0].help.as_deref(), Some("did you mean `pace`?"));
}

#[test]
fn a_setting_that_was_removed_says_what_to_do() {
    let text = format!("{LEAST}[relay]\nurl = \"smtp://127.0.0.1:25?tls=none\"\nchunking_window = 8\n");
    let found =
        Config::parse(Path::new("."), Source::new("mimeo.toml", text), &Overrides::default()).unwrap_err();
    assert_eq!(found[0].to_string(), "mimeo.toml:7:1: the setting `relay.chunking_window` was removed");
    assert!(found[0].help.as_deref().unwrap().starts_with("delete the line"), "{:?}", found[0].help);
}

#[test]
fn each_wrong_value_is_named() {
    for (addition, expected) in [
        ("[relay]\n", "M006 mimeo.toml:5:1: `[relay]` has no `url`"),
        ("[relay]\nurl = \"smtps://a:b@h\"\n", "M009 mimeo.toml:6:7: the URL contains a password"),
        ("[math]\ncommand = [\"\"]\n", "M005 mimeo.toml:6:12: `math.command` names no program"),
        (
            "[relay]\nurl = \"smpts://h\"\n",
            "M008 mimeo.toml:6:7: no address of a relay: `smpts` is neither smtp nor smtps",
        ),
        (
            "[relay]\nurl = \"smtps://a@h\"\npassword = \"hunter2\"\n",
            "M010 mimeo.toml:7:12: `relay.password` must say where the secret is kept, and not what it is",
        ),
        (
            "[relay]\nurl = \"smtps://a@h\"\npassword = { env = \"A\", file = \"b\" }\n",
            "M010 mimeo.toml:7:12: `relay.password` names more than one place",
        ),
        (
            "[relay]\nurl = \"smtps://h\"\nauth = \"cram\"\n",
            "M005 mimeo.toml:7:8: `relay.auth` cannot be \"cram\"",
        ),
        (
            "[headers]\nSubject = \"x\"\n",
            "M011 mimeo.toml:6:1: invalid header field `Subject`: mimeo or a relay writes this field",
        ),
        (
            "[headers]\nX-A = \"x\\r\\nBcc: y\"\n",
            "M011 mimeo.toml:6:1: invalid header field `X-A`: its value contains a line break or another control character",
        ),
        (
            "[unsubscribe]\nhttps = \"http://a.example/\"\n",
            "M008 mimeo.toml:6:9: `unsubscribe.https` is not a valid https URL",
        ),
        (
            "[pace]\nwindow = { days = [\"mondey\", \"x\"] }\n",
            "M005 mimeo.toml:6:30: `pace.window.days` cannot hold \"x\"",
        ),
        (
            "[pace]\nwindow = { time_zone = \"Berlin\" }\n",
            "M005 mimeo.toml:6:24: no time zone is called \"Berlin\"",
        ),
        (
            "[pace]\nwindow = { from = \"25:00\" }\n",
            "M005 mimeo.toml:6:19: `pace.window.from` must be a time of the day",
        ),
        ("[pace]\nbrake = { share = 3 }\n", "M005 mimeo.toml:6:19: `pace.brake.share` cannot be 3"),
        ("[check.levels]\nM401 = \"loud\"\n", "M005 mimeo.toml:6:8: `check.levels.M401` cannot be \"loud\""),
        (
            "[dkim]\ndomain = \"example.org\"\nselector = \"a\"\n",
            "M006 mimeo.toml:5:1: `[dkim]` has no `key`",
        ),
        (
            "[bounces.mailbox]\nurl = \"pop3s://a@h\"\nmove_to = \"Done\"\n",
            "M013 mimeo.toml:7:11: `bounces.mailbox.move_to` is for a mailbox of IMAP",
        ),
        (
            "[bounces.mailbox]\nurl = \"imaps://a@h\"\nkeep = false\n",
            "M013 mimeo.toml:7:8: `bounces.mailbox.keep` is for a mailbox of POP3",
        ),
        ("[list]\npath = \"\"\n", "M005 mimeo.toml:6:8: `list.path` is empty"),
        ("list = 3\n", "M004 mimeo.toml:5:8: `sender.list` must be a table"),
    ] {
        if addition.starts_with("list =") {
            check(addition, &["M003 mimeo.toml:5:1: unknown setting `sender.list`"]);
        } else {
            check(addition, &[expected]);
        }
    }
}

#[test]
fn invalid_toml_is_reported_line_by_line() {
    let found = load("[newsletter\nname = \"N\"\ntagline = \"ada\"\nlanguage = = 3\n").unwrap_err();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("M002 mimeo.toml:1:"), "{found:#?}");
    assert!(found[1].starts_with("M002 mimeo.toml:4:"), "{found:#?}");
    let found = load("[newsletter]\nname = ada\n").unwrap_err();
    assert_eq!(
        found,
        ["M002 mimeo.toml:2:8: this is not TOML: string values must be quoted, expected literal string"]
    );
}

#[test]
fn a_password_in_the_file_is_not_shown_again() {
    for text in [
        "[relay]\nurl = \"smtps://me:hunter2@h\"\n",
        "[relay]\nurl = \"smtps://me@h\"\npassword = \"hunter2\"\n",
        "[relay]\nurl = \"smtps://me@h\"\npasword = \"hunter2\"\n",
        "relay = \"smtps://me:hunter2@h\"\n",
        "relay = smtps://me:hunter2@h\n",
        "[outbox]\nrelay = \"smtps://me:hunter2@h\"\n",
        "[sender]\nrelay = { url = \"smtps://me:hunter2@h\" }\n",
        "[sender]\nrelays = [\"smtps://me:hunter2@h\"]\n",
        "[sender]\nrelay = { url = \"smtps://h\", password = \"hunter2\" }\n",
        "[sender]\nrelay.url = \"smtps://me:hunter2@h\"\n",
        "[sender]\nrelay.password = \"hunter2\"\n",
        "relays = [\"smtps://me:hunter2@h\"]\n",
        "pace = \"smtps://me:hunter2@h\"\n",
    ] {
        let source = Source::new("mimeo.toml", format!("{text}{LEAST}"));
        let found = Config::parse(Path::new("."), source, &Overrides::default()).unwrap_err();
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }
    let overrides =
        Overrides { relay: Some(Override::flag("--relay", "smtps://me:hunter2@h")), ..Overrides::default() };
    let found = load_with(LEAST, &overrides).unwrap_err();
    assert_eq!(found, ["M009 --relay:1:1: the URL contains a password"]);
}

/// The outbox's folder, or the relay's address.
fn goes_to(config: &Config) -> String {
    match &config.transport {
        Transport::Relays(relays) => {
            relays.iter().map(|one| one.relay.to_string()).collect::<Vec<_>>().join(", ")
        }
        Transport::Outbox(folder) => folder.display().to_string(),
    }
}

#[test]
fn a_relay_is_one_line() {
    let config = load(&format!("relay = \"smtps://ada@smtp.example.com\"\n{LEAST}")).unwrap();
    let [RelaySettings { relay, password, .. }] = config.transport.relays() else { panic!("an outbox") };
    assert_eq!(relay.to_string(), "smtps://smtp.example.com:465");
    assert_eq!(relay.login.as_deref(), Some("ada"));
    assert_eq!(*password, Some(SecretRef::Env("MIMEO_RELAY_PASSWORD".into())));
}

#[test]
fn the_section_says_more_about_the_relay() {
    let config = load(&format!(
        "{LEAST}[relay]\nurl = \"smtps://ada@h\"\npassword = {{ command = [\"echo\", \"hunter2\"] }}\nconnections = 9\n\
         messages_per_connection = 50\npipelining = false\nauth = \"xoauth2\"\ntimeouts = {{ accept = \"20m\" }}\n"
    ));
    let mut config = config.unwrap();
    assert!(config.relay().is_err(), "the user has not trusted the command");
    config.trust = Trust::Given;
    let relay = config.relay().unwrap().unwrap();
    assert_eq!(relay.password.unwrap().expose(), "hunter2");
    assert_eq!((relay.connections.get(), relay.letters_per_connection.unwrap().get()), (9, 50));
    assert_eq!((relay.pipelining, relay.mechanism), (Pipelining::Off, Login::Xoauth2));
    assert_eq!(relay.timeouts.accept.as_secs(), 1200);
}

#[test]
fn the_stronger_word_decides_between_relay_and_outbox() {
    let file = format!("{LEAST}[relay]\nurl = \"smtp://h\"\n");
    let outbox = |strength| Some(Override { value: "o".into(), origin: "--outbox", strength });
    let with = |overrides| load_with(&file, &overrides).unwrap();
    assert_eq!(goes_to(&with(Overrides::default())), "smtp://h:587");
    let flag = with(Overrides { outbox: outbox(Strength::Flag), ..Overrides::default() });
    assert_eq!(goes_to(&flag), "o");
    let both = with(Overrides {
        outbox: outbox(Strength::Environment),
        relay: Some(Override::flag("--relay", "smtp://127.0.0.1:2525?tls=none")),
        ..Overrides::default()
    });
    assert_eq!(goes_to(&both), "smtp://127.0.0.1:2525");
    assert_eq!(both.outbox, Path::new("o"));
}

#[test]
fn paths_are_relative_to_the_file_and_flags_to_the_current_directory() {
    let source = Source::new("news/mimeo.toml", format!("{LEAST}[list]\npath = \"people.csv\"\n"));
    let overrides = Overrides { ledger: Some(Override::flag("--ledger", "here.db")), ..Overrides::default() };
    let (config, _) = Config::parse(Path::new("news"), source, &overrides).unwrap();
    assert_eq!(config.list.path(), Path::new("news/people.csv"));
    assert_eq!(config.ledger.file(), Some(Path::new("here.db")));
    assert_eq!(config.outbox, Path::new("news/outbox"));
    assert_eq!(config.issues(), Path::new("news/issues"));
}

#[test]
fn a_window_and_times_may_be_written_either_way() {
    let config = load(&format!(
        "{LEAST}[pace]\nwindow = {{ days = [\"Monday\", \"fri\"], from = 09:30:00, to = \"17:00\", time_zone = \"Europe/Berlin\" }}\n"
    ))
    .unwrap();
    let window = config.pace.window.unwrap();
    assert_eq!(window.days.len(), 2);
    assert_eq!(window.from, jiff::civil::time(9, 30, 0, 0));
    assert_eq!(window.to, jiff::civil::time(17, 0, 0, 0));
}

#[test]
fn design_and_fields_travel_as_they_are() {
    use crate::issue::Value;
    let config = load(&format!(
        "{LEAST}[design]\nwidth = 600\n[design.light]\ntext = \"#112233\"\n[fields]\nmotto = \"up\"\n"
    ))
    .unwrap();
    assert_eq!(config.newsletter.design["width"], Value::Integer(600));
    assert!(
        matches!(&config.newsletter.design["light"], Value::Map(map) if map["text"] == Value::Text("#112233".into()))
    );
    assert_eq!(config.newsletter.fields["motto"], Value::Text("up".into()));
}

#[test]
fn a_file_that_is_not_there_says_where_to_look() {
    let folder = tempfile::tempdir().unwrap();
    let found = Config::load(folder.path(), &Overrides::default()).unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "settings file not found");
    std::fs::write(folder.path().join("mimeo.toml"), b"name = \"\xff\"").unwrap();
    let found = Config::load(folder.path(), &Overrides::default()).unwrap_err();
    assert_eq!(found[0].message, "the settings file is not UTF-8");
}

#[test]
fn several_relays_have_names_shares_and_domains() {
    let config = load(&format!(
        "{LEAST}[[relays]]\nname = \"eu\"\nurl = \"smtps://ada@a\"\nweight = 3\nper_hour = 7\n[[relays]]\nname = \"us-1\"\n\
         url = \"smtps://bob@b\"\ndomains = [\"GMX.de\", \"bücher.example\"]\npassword = {{ file = \"p\" }}\n"
    ));
    let config = config.unwrap();
    let [eu, us] = config.transport.relays() else { panic!("two relays") };
    assert_eq!(goes_to(&config), "eu (smtps://a:465), us-1 (smtps://b:465)");
    assert_eq!((eu.weight, eu.limits.len(), eu.domains.len()), (3, 1, 0));
    assert_eq!(eu.password, Some(SecretRef::Env("MIMEO_RELAY_PASSWORD_EU".into())));
    assert_eq!(
        (us.weight, &us.domains[..]),
        (1, &["gmx.de".to_owned(), "xn--bcher-kva.example".to_owned()][..])
    );
    assert_eq!(us.password, Some(SecretRef::File("p".into())));
    assert_eq!(config.transport.main_relay().unwrap().relay.host, "a");
}

#[test]
fn a_flag_names_one_of_several_relays_or_another_one() {
    let several =
        "[[relays]]\nname = \"a\"\nurl = \"smtps://a\"\n[[relays]]\nname = \"b\"\nurl = \"smtps://b\"\n";
    let with = |relay: &str| {
        let overrides = Overrides { relay: Some(Override::flag("--relay", relay)), ..Overrides::default() };
        load_with(&format!("{LEAST}{several}"), &overrides)
    };
    assert_eq!(goes_to(&with("b").unwrap()), "b (smtps://b:465)");
    assert_eq!(goes_to(&with("smtps://c").unwrap()), "smtps://c:465");
    assert_eq!(with("c").unwrap_err(), ["M008 --relay:1:1: unknown relay `c`"]);
}

#[test]
fn what_is_wrong_with_several_relays_is_reported_at_its_place() {
    let one =
        |name: &str, more: &str| format!("[[relays]]\nname = \"{name}\"\nurl = \"smtps://{name}\"\n{more}");
    for (settings, expected) in [
        (one("a", "") + &one("a", ""), vec!["M013 mimeo.toml:8:1: two relays are called `a`"]),
        (
            one("a", "domains = [\"x.example\"]\n"),
            vec!["M013 mimeo.toml:5:1: no relay is for other recipient domains than those that are listed"],
        ),
        (one("a", "domains = []\n"), vec!["M005 mimeo.toml:5:1: `relays.domains` is empty"]),
        (one("a", "domains = [\"x y\"]\n"), vec!["M005 mimeo.toml:8:12: invalid domain \"x y\""]),
        (one("a", "weight = 2000\n"), vec!["M005 mimeo.toml:8:10: `relays.weight` cannot be 2000"]),
        (one("outbox", ""), vec!["M005 mimeo.toml:6:8: `relays.name` cannot be \"outbox\""]),
        (
            "[[relays]]\nname = \"a\"\n".to_owned(),
            vec!["M006 mimeo.toml:5:1: a relay of `[[relays]]` has no `url`"],
        ),
        (
            "[relays]\nname = \"a\"\n".to_owned(),
            vec!["M004 mimeo.toml:5:1: `relays` must be a list of tables"],
        ),
        (
            format!("[relay]\nurl = \"smtps://h\"\n{}", one("a", "")),
            vec!["M013 mimeo.toml:5:1: `[relay]` and `[[relays]]` cannot both say where letters go"],
        ),
    ] {
        check(&settings, &expected);
    }
}

#[test]
fn what_is_known_in_a_section_is_named_once() {
    let sections = [
        "[relays]\nqqqq = 1\n",
        "[[relays]]\nname = \"a\"\nurl = \"smtps://a\"\nqqqq = 1\n",
        "[relay]\nurl = \"smtps://a\"\nqqqq = 1\n",
        "[pace]\nqqqq = 1\n",
        "[list]\nqqqq = 1\n",
        "[serve]\nqqqq = 1\n",
        "[ledger]\nqqqq = 1\n",
    ];
    let mut looked_at = 0;
    for section in sections {
        let source = Source::new("mimeo.toml", format!("{LEAST}{section}"));
        let found = Config::parse(Path::new("."), source, &Overrides::default()).unwrap_err();
        for help in found.iter().filter_map(|one| one.help.as_deref()) {
            let Some(names) = help.strip_prefix("known here: ") else { continue };
            let names: Vec<&str> = names.split(", ").collect();
            let mut once = names.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), names.len(), "{section}: {names:?}");
            looked_at += 1;
        }
    }
    assert!(looked_at >= 6, "{looked_at}");
}
