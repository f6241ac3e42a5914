//! What a user types and sees.

use image::ImageFormat;

use crate::support::{
    newsletter::picture,
    newsroom::{LEAST, Newsroom},
};

#[test]
fn help_goes_to_standard_output_and_names_the_exit_codes() {
    let ran = Newsroom::empty().run(["--help"]).code(0).stderr("");
    for code in ["    0  done", "    1  ", "    2  ", "    3  ", "    4  ", "    5  ", "  130  interrupted"] {
        assert!(ran.stdout.contains(code), "{ran}");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let room = Newsroom::empty();
    let help = room.run(["--help"]).stdout;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(4 < commands.len(), "{commands:?}");
    for command in commands {
        let help = room.run([command, "--help"]).code(0).stdout;
        assert!(help.contains("Example") || help.contains("Commands:"), "{command}: {help}");
        assert!(help.contains(&format!("mimeo {command}")), "{command}: {help}");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2() {
    let room = Newsroom::new();
    room.run([]).code(2);
    room.run(["sned"])
        .code(2)
        .stderr_has("unrecognized subcommand 'sned'")
        .stderr_has("'send'")
        .stderr_has("--help");
    room.run(["new"]).code(2).stderr_has("<TITLE>");
    room.run(["new", "x", "--date", "soon"]).code(2).stderr_has("--date");
    room.run(["new", "  "]).code(2).stderr("error: the title is empty\n");
}

#[test]
fn a_folder_without_settings_is_told_so() {
    Newsroom::empty().run(["new", "x"]).code(3).stdout("").stderr(
        "error[M001]: settings file not found
 --> mimeo.toml
  = help: go to the newsletter's folder, name it with `-C DIR`, or name the file with `--config FILE`

1 error
",
    );
}

#[test]
fn a_header_that_send_would_refuse_is_refused_by_check() {
    for header in
        ["Precedence = \"list\"", "X_Own = \"a\"", "Resent-From = \"a@example.org\"", "Feedback-ID = \"x\""]
    {
        Newsroom::new()
            .file("mimeo.toml", format!("{LEAST}\n[headers]\n{header}\n"))
            .run(["check"])
            .code(3)
            .stderr_has("error[M011]: invalid header field")
            .stderr_has("--> mimeo.toml:8:1");
    }
}

#[test]
fn every_mistake_in_the_settings_is_shown_at_once() {
    let text = "[newsletter]\nname = \"Über uns 周报\"\nlangauge = \"de\"\n\n[sender]\nfrom = \"Ada <ada(at)example.org>\"\n\n[pace]\nper_minute = \"fast\"\n";
    Newsroom::new().file("mimeo.toml", text).run(["new", "x"]).code(3).stdout("").stderr(
        "error[M003]: unknown setting `newsletter.langauge`
 --> mimeo.toml:3:1
  |
3 | langauge = \"de\"
  | ^^^^^^^^
  = help: did you mean `language`?

error[M007]: invalid email address in `sender.from`: it has no @
 --> mimeo.toml:6:8
  |
6 | from = \"Ada <ada(at)example.org>\"
  |        ^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: write it like \"Ada Quill <ada@example.org>\" or \"ada@example.org\"

error[M004]: `pace.per_minute` must be a whole number
 --> mimeo.toml:9:14
  |
9 | per_minute = \"fast\"
  |              ^^^^^^
  = help: write it like `per_minute = 10`

3 errors
",
    );
}

#[test]
fn a_password_in_the_relay_s_address_is_refused_and_not_repeated() {
    let ran =
        Newsroom::new().mimeo(["new", "x"]).env("MIMEO_RELAY", "smtps://ada:hunter2@smtp.example.com").run();
    let ran = ran.code(3).stderr_has("error[M009]: the URL contains a password\n --> MIMEO_RELAY:1:1\n");
    assert!(!ran.stderr.contains("hunter2"), "{ran}");
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let room = Newsroom::empty();
    assert!(!room.run(["new", "x"]).stderr.contains('\u{1b}'));
    assert!(room.run(["--color", "always", "new", "x"]).stderr.contains("\u{1b}[31merror[M001]"));
    let forced = |name| room.mimeo(["new", "x"]).env("CLICOLOR_FORCE", "1").env(name, "1").run();
    assert!(forced("MIMEO_NOTHING").stderr.contains('\u{1b}'));
    assert!(!forced("NO_COLOR").stderr.contains('\u{1b}'));
}

#[test]
fn a_new_issue_is_numbered_dated_and_never_overwrites() {
    let room =
        Newsroom::new().file("issues/2022-12-30-old/index.md", "---\ntitle: Old\nnumber: 41\n---\n\nHello\n");
    room.run(["new", "What's \"new\"?", "--date", "2023-01-06"])
        .code(0)
        .stdout("issues/2023-01-06-whats-new.md\n")
        .stderr("");
    let text = room.read("issues/2023-01-06-whats-new.md");
    assert!(text.starts_with("---\ntitle: \"What's \\\"new\\\"?\"\n"), "{text}");
    assert!(text.contains("\nnumber: 42\ndate: 2023-01-06\n") && text.contains("\ndraft: true\n"), "{text}");
    room.run(["new", "Whats new", "--date", "2023-01-06", "--folder"])
        .code(3)
        .stdout("")
        .stderr("error: `issues/2023-01-06-whats-new.md` already exists\nhint: choose another title, or edit that issue\n");
    assert_eq!(room.read("issues/2023-01-06-whats-new.md"), text);
    room.run(["new", "Third", "--date", "2023-01-13", "--folder"])
        .stdout("issues/2023-01-13-third/index.md\n");
    assert!(room.read("issues/2023-01-13-third/index.md").contains("number: 43"));
}

#[test]
fn another_folder_and_another_settings_file_can_be_named() {
    let room = Newsroom::empty().file("news/mimeo.toml", LEAST).file("other.toml", LEAST);
    room.run(["-C", "news", "new", "A", "--date", "2023-01-06"])
        .code(0)
        .stdout("news/issues/2023-01-06-a.md\n");
    room.run(["new", "A", "--date", "2023-01-06", "--config", "other.toml"])
        .code(0)
        .stdout("issues/2023-01-06-a.md\n");
    let ran = room.mimeo(["new", "B", "--date", "2023-01-06"]).env("MIMEO_CONFIG", "other.toml").run();
    ran.code(0).stdout("issues/2023-01-06-b.md\n");
}

#[test]
fn a_key_is_private_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let room = Newsroom::new();
    let ran =
        room.run(["keygen"]).code(0).stderr_has("[dkim]\ndomain = \"example.org\"\nselector = \"mimeo1\"");
    assert!(
        ran.stdout.starts_with("Name:  mimeo1._domainkey.example.org\nType:  TXT\nValue: v=DKIM1; k=rsa; p="),
        "{ran}"
    );
    let key = room.read(".mimeo/dkim-rsa.pem");
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let mode = room.path(".mimeo/dkim-rsa.pem").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    room.run(["keygen"]).code(3).stdout("").stderr(
        "error: `.mimeo/dkim-rsa.pem` already exists\nhint: choose another file with -o FILE; a key in use must not be lost\n",
    );
    assert_eq!(room.read(".mimeo/dkim-rsa.pem"), key);
    room.run(["keygen", "--ed25519", "-q"]).code(0).stderr("").stdout_has("\"v=DKIM1; k=ed25519; p=");
    room.run(["keygen", "--selector", "a b"]).code(2).stderr_has("\"a b\" is no selector");
    Newsroom::empty()
        .run(["keygen", "--domain", "example.net", "-o", "k.pem"])
        .code(0)
        .stdout_has(".example.net. ");
}

#[test]
fn the_printed_settings_are_settings() {
    let room = Newsroom::empty();
    let settings = room.run(["settings"]).code(0).stdout;
    room.write("mimeo.toml", settings);
    room.run(["new", "x", "--date", "2023-01-06"]).code(0);
}

#[test]
fn completions_and_manual_pages_know_the_commands() {
    let room = Newsroom::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        room.run(["completions", shell]).code(0).stdout_has("keygen");
    }
    room.run(["man"]).code(0).stdout_has(".TH mimeo 1").stdout_has("Exit codes");
    room.run(["man", "-o", "man"]).code(0);
    assert!(room.list("man").contains(&"mimeo-new.1".to_owned()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error_and_a_closed_pipe_is_not() {
    use std::process::Stdio;
    let room = Newsroom::empty();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = room.mimeo(["settings"]).into_command().stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("error: failed to write to standard output\n")
    );
    let mut child = room
        .mimeo(["settings"])
        .into_command()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn the_list_is_counted_and_its_bad_rows_are_named() {
    let room = Newsroom::new();
    room.run(["subscribers", "check"]).code(0).stderr("").stdout(
        "subscribers.csv: 2 people\nfor placeholders: subscriber.email, subscriber.name (empty for 1), subscriber.first_name (empty for 1)\n",
    );
    room.write("bad.csv", "email;name\nada@example.org;Ada\nADA@example.org;Ada\nnobody;X\n");
    let ran = room.run(["subscribers", "check", "--list", "bad.csv"]).code(3);
    let ran = ran.stdout("bad.csv: 1 person, 1 repeat, 1 row that cannot be read\nfor placeholders: subscriber.email, subscriber.name\n");
    ran.stderr_has(" --> bad.csv:3").stderr_has(" --> bad.csv:4, column `email`");
    let ran = room.run(["subscribers", "check", "--list", "bad.csv", "--json"]).code(3).stderr("");
    let object: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&object["people"], &object["bad"], &object["repeats"]), (&1.into(), &1.into(), &1.into()));
    assert_eq!(object["diagnostics"].as_array().unwrap().len(), 2);
    let ran = room.mimeo(["subscribers", "list"]).env("MIMEO_LIST", "bad.csv").run().code(3);
    ran.stdout("ada@example.org\tAda\n").stderr_has("bad.csv:4");
}

#[test]
fn a_list_that_is_not_there_or_is_no_list_is_told_so() {
    let room = Newsroom::new();
    room.run(["subscribers", "check", "--list", "none.csv"]).code(3).stderr(
        "error: failed to read the subscriber list `none.csv`\n  because: No such file or directory (os error 2)\nhint: `[list] path` in mimeo.toml or `--list FILE` names the list\n",
    );
    room.write("subscribers.csv", "a,b\n1,2\n");
    room.run(["subscribers", "list"]).code(3).stdout("").stderr_has("error[M30");
}

#[test]
fn the_archive_is_a_page_for_each_issue_and_a_feed_of_them() {
    let room = Newsroom::gradient_ascent()
        .file("issues/2023-02-01-later.md", "---\ntitle: Later\nnumber: 99\ndraft: true\n---\n\nNot yet.\n");
    room.run(["build", "--web", "--feed", "-o", "public"]).code(0).stderr_has("public/feed.xml");
    let page = room.read("public/2022-12-30-a-year-in-review/index.html");
    assert!(!page.contains("<script") && !page.contains("cid:"), "{page}");
    assert!(
        page.contains("https://gradient-ascent.example.org/archive/2022-12-30-a-year-in-review/"),
        "{page}"
    );
    let pictures: Vec<&str> = page
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|source| !source.contains("://"))
        .collect();
    assert!(pictures.len() > 3, "{pictures:?}");
    for picture in pictures {
        assert!(room.path("public/2022-12-30-a-year-in-review").join(picture).is_file(), "{picture}");
    }
    assert!(!room.path("public/2023-02-01-later").exists());
    let xml = room.read("public/feed.xml");
    let feed = roxmltree::Document::parse(&xml).unwrap();
    let texts = |name: &'static str| {
        let found = feed.descendants().filter(move |node| node.tag_name().name() == name);
        found.map(|node| node.text().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    // The feed's own title, then the newest issue's; a draft is no issue yet.
    assert_eq!(texts("title").len(), 3, "{xml}");
    assert!(texts("title")[1].contains("quiet") || texts("title")[1].contains("Quiet"), "{xml}");
    assert!(xml.contains("rel=\"self\" type=\"application/atom+xml\" href=\"https://gradient-ascent.example.org/archive/feed.xml\""));
}

#[test]
fn one_page_needs_its_issue_only_and_a_feed_tells_all_that_is_broken() {
    let room = Newsroom::new()
        .file("issues/a.md", "---\ntitle: A\n---\n\nGood.\n")
        .file("issues/b.md", "---\ntitle: B\n---\n\n::: video\n")
        .file("issues/c.md", "---\ntitle: [\n---\n\nBad.\n");
    room.run(["build", "a", "--web"]).code(0);
    assert!(room.read("build/a/index.html").contains("<p>Good.</p>"));
    assert!(!room.path("build/a.html").exists());
    room.run(["build", "--feed"]).code(3).stderr_has("issues/b.md").stderr_has("issues/c.md");
    assert!(!room.path("build/feed.xml").exists());
    room.run(["build"]).code(2).stderr_has("ISSUE");
}

#[test]
fn a_letter_that_is_only_looked_at_shows_words_where_names_will_be() {
    let issue = "---\ntitle: Hello\nsubject: For {{ subscriber.first_name }}\n---\n\nDear {{ subscriber.first_name | upper }}, how is \
                 {{ subscriber.home_town }}, [{{ subscriber.city | default(\"there\") }}](https://example.org/?c={{ subscriber.home_town }})?\n";
    let room = Newsroom::new().file("issues/hello.md", issue);
    room.run(["build", "hello"]).code(0);
    for file in ["build/hello.html", "build/hello.txt"] {
        let text = room.read(file);
        assert!(text.contains("Dear ADA, how is Home town") && !text.contains("{{"), "{text}");
        assert!(text.contains("?c=Home%20town"), "{text}");
    }
    assert!(room.read("build/hello.mjml").contains("{{ subscriber.home_town }}"));
}

#[test]
fn settings_are_found_above_and_paths_lead_from_where_the_user_is() {
    let issue = "---\ntitle: One two three\npreheader: \"A short letter for a test.\"\nnumber: 1\ndate: 2026-01-02\n---\n\n\
        Words.\n\n![A hill](hill.png)\n\n<!-- mimeo:nothing -->\n\n[a](nowhere)\n";
    let room = Newsroom::new()
        .file("issues/2026-01-02-one/index.md", issue)
        .file("issues/2026-01-02-one/hill.png", picture(400, 20, ImageFormat::Png))
        .file("issues/2026-01-02-one/deep/er/x", "")
        .file("issues/2026-01-02-one/index.toml", "");
    let program = env!("CARGO_BIN_EXE_mimeo");
    for (folder, command, place) in [
        (".", "check", "--> issues/2026-01-02-one/index.md:14:1"),
        ("issues", "check", "--> ../issues/2026-01-02-one/index.md:14:1"),
        ("issues", "check one", "--> ../issues/2026-01-02-one/index.md:14:1"),
        ("issues/2026-01-02-one", "check index.md", "--> index.md:14:1"),
        ("issues/2026-01-02-one", "check ./index.md", "--> ./index.md:14:1"),
        ("issues/2026-01-02-one", "-C ../.. check index.md", "--> index.md:14:1"),
        ("issues/2026-01-02-one/deep/er", "check 1", "--> ../../../../issues/2026-01-02-one/index.md:14:1"),
    ] {
        let ran = room.shell(&format!("cd {folder} && '{program}' {command}")).code(3).stderr_has(place);
        assert!(!ran.stderr.contains("M230"), "the picture is beside the issue\n{ran}");
        assert_eq!(ran.stderr.matches("error[").count(), 1, "{ran}");
    }
    room.write("issues/2026-01-02-one/index.md", issue.replace("[a](nowhere)", ""));
    for folder in ["issues", "issues/2026-01-02-one/deep"] {
        room.shell(&format!("cd {folder} && '{program}' build one -o out")).code(0);
        assert!(room.path(folder).join("out/2026-01-02-one.html").exists());
        // What the newsletter keeps is in its own folder.
        room.shell(&format!("cd {folder} && '{program}' send one --yes --allow M485")).code(0);
        assert!(!room.path(folder).join(".mimeo").exists() && room.path(".mimeo/ledger.db").exists());
    }
    let git = "git init -q . && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm one";
    room.shell(git).code(0);
    room.write("issues/2026-01-02-one/index.md", issue);
    let line = format!("cd issues/2026-01-02-one && '{program}' check index.md --since HEAD");
    room.shell(&line).code(3).stderr_has("--> index.md:14:1");
    let diff = format!("cd issues/2026-01-02-one && '{program}' diff index.md HEAD");
    room.write("issues/2026-01-02-one/index.md", issue.replace("Words", "Other").replace("[a](nowhere)", ""));
    room.shell(&diff).code(0).stdout_has("Other");
}

#[test]
fn a_no_is_an_answer_and_no_error() {
    let room = Newsroom::new().file("issues/one.md", "---\ntitle: Words\n---\nWords.\n");
    for answer in ["\\n", "n\\n", "no\\n", "what\\n"] {
        let ran = room.at_terminal("send one", answer).code(1).stdout_has("nothing was sent");
        assert!(!ran.stdout.contains("error"), "{ran}");
    }
    room.at_terminal("send one", "y\\n").code(0);
}

#[test]
fn an_option_means_one_thing_in_all_commands() {
    let room = Newsroom::empty();
    let help = room.run(["--help"]).stdout;
    let names =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    let mut meanings = std::collections::BTreeMap::new();
    for name in names.into_iter().filter(|name| *name != "help") {
        let help = room.run([name, "-h"]).stdout;
        for line in help.lines().map(str::trim) {
            for (option, value) in
                [("--list", "--list <FILE>"), ("--ledger", "--ledger <FILE>"), ("--relay", "--relay <URL>")]
            {
                if line.starts_with(&format!("{option} ")) {
                    assert!(line.starts_with(value), "{name}: {line}");
                    meanings
                        .entry(option)
                        .or_insert_with(std::collections::BTreeSet::new)
                        .insert(line.to_owned());
                }
            }
        }
    }
    assert_eq!(meanings.len(), 3, "{meanings:?}");
}
