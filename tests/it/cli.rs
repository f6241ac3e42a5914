//! What a user types and sees.

use image::ImageFormat;

use crate::support::{
    newsletter::picture,
    project::{LEAST, Project},
    schema::hold,
};

#[test]
fn help_goes_to_standard_output_and_names_the_exit_codes() {
    let ran = Project::empty().run(["--help"]).code(0).stderr("");
    for code in ["    0  done", "    1  ", "    2  ", "    3  ", "    4  ", "    5  ", "  130  interrupted"] {
        assert!(ran.stdout.contains(code), "{ran}");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let project = Project::empty();
    let help = project.run(["--help"]).stdout;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() > 4, "{commands:?}");
    for command in commands {
        let help = project.run([command, "--help"]).code(0).stdout;
        assert!(help.contains("Example") || help.contains("Commands:"), "{command}: {help}");
        assert!(help.contains(&format!("mimeo {command}")), "{command}: {help}");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2() {
    let project = Project::new();
    project.run([]).code(2);
    project
        .run(["sned"])
        .code(2)
        .stderr_has("unrecognized subcommand 'sned'")
        .stderr_has("'send'")
        .stderr_has("--help");
    project.run(["new"]).code(2).stderr_has("<TITLE>");
    project.run(["new", "x", "--date", "soon"]).code(2).stderr_has("--date");
    project.run(["new", "  "]).code(2).stderr("error: the title is empty\n");
}

#[test]
fn a_folder_without_settings_is_an_error_that_says_so() {
    let project = Project::empty();
    for arguments in [&["preview"][..], &["preview", "x", "--static", "page.html"]] {
        project.run(arguments).code(3).stderr_has("settings file not found").stderr_has("`mimeo init`");
    }
    project.run(["new", "x"]).code(3).stdout("").stderr(
        "error[M001]: settings file not found
 --> mimeo.toml
  = help: start a newsletter with `mimeo init`, go to the folder of yours, name it with `-C DIR`, or name the file with `--config FILE`

1 error
",
    );
}

#[test]
fn a_header_that_send_would_refuse_is_refused_by_check() {
    for header in
        ["Precedence = \"list\"", "X_Own = \"a\"", "Resent-From = \"a@example.org\"", "Feedback-ID = \"x\""]
    {
        Project::new()
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
    Project::new().file("mimeo.toml", text).run(["new", "x"]).code(3).stdout("").stderr(
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
        Project::new().mimeo(["new", "x"]).env("MIMEO_RELAY", "smtps://ada:hunter2@smtp.example.com").run();
    let ran = ran.code(3).stderr_has("error[M009]: the URL contains a password\n --> MIMEO_RELAY:1:1\n");
    assert!(!ran.stderr.contains("hunter2"), "{ran}");
}

#[test]
fn colors_are_for_terminals_and_for_those_who_ask() {
    let project = Project::empty();
    assert!(!project.run(["new", "x"]).stderr.contains('\u{1b}'));
    assert!(project.run(["--color", "always", "new", "x"]).stderr.contains("\u{1b}[31merror[M001]"));
    let forced = |name| project.mimeo(["new", "x"]).env("CLICOLOR_FORCE", "1").env(name, "1").run();
    assert!(forced("MIMEO_NOTHING").stderr.contains('\u{1b}'));
    assert!(!forced("NO_COLOR").stderr.contains('\u{1b}'));
}

#[test]
fn a_new_issue_is_numbered_dated_and_never_overwrites() {
    let project =
        Project::new().file("issues/2022-12-30-old/index.md", "---\ntitle: Old\nnumber: 41\n---\n\nHello\n");
    project
        .run(["new", "What's \"new\"?", "--date", "2023-01-06"])
        .code(0)
        .stdout("issues/2023-01-06-whats-new.md\n")
        .stderr("");
    let text = project.read("issues/2023-01-06-whats-new.md");
    assert!(text.starts_with("---\ntitle: \"What's \\\"new\\\"?\"\n"), "{text}");
    assert!(text.contains("\nnumber: 42\ndate: 2023-01-06\n") && text.contains("\ndraft: true #"), "{text}");
    project.run(["new", "Whats new", "--date", "2023-01-06", "--folder"])
        .code(3)
        .stdout("")
        .stderr("error: `issues/2023-01-06-whats-new.md` already exists\nhint: choose another title, or edit that issue\n");
    assert_eq!(project.read("issues/2023-01-06-whats-new.md"), text);
    project
        .run(["new", "Third", "--date", "2023-01-13", "--folder"])
        .stdout("issues/2023-01-13-third/index.md\n");
    assert!(project.read("issues/2023-01-13-third/index.md").contains("number: 43"));
}

#[test]
fn another_folder_and_another_settings_file_can_be_named() {
    let project = Project::empty().file("news/mimeo.toml", LEAST).file("other.toml", LEAST);
    project
        .run(["-C", "news", "new", "A", "--date", "2023-01-06"])
        .code(0)
        .stdout("news/issues/2023-01-06-a.md\n");
    project
        .run(["new", "A", "--date", "2023-01-06", "--config", "other.toml"])
        .code(0)
        .stdout("issues/2023-01-06-a.md\n");
    let ran = project.mimeo(["new", "B", "--date", "2023-01-06"]).env("MIMEO_CONFIG", "other.toml").run();
    ran.code(0).stdout("issues/2023-01-06-b.md\n");
}

#[test]
fn a_key_is_private_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new();
    let ran =
        project.run(["keygen"]).code(0).stderr_has("[dkim]\ndomain = \"example.org\"\nselector = \"mimeo1\"");
    assert!(
        ran.stdout.starts_with("Name:  mimeo1._domainkey.example.org\nType:  TXT\nValue: v=DKIM1; k=rsa; p="),
        "{ran}"
    );
    let key = project.read(".mimeo/dkim-rsa.pem");
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let mode = project.path(".mimeo/dkim-rsa.pem").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    project.run(["keygen"]).code(3).stdout("").stderr(
        "error: `.mimeo/dkim-rsa.pem` already exists\nhint: choose another file with -o FILE; a key in use must not be lost\n",
    );
    assert_eq!(project.read(".mimeo/dkim-rsa.pem"), key);
    project.run(["keygen", "--ed25519", "-q"]).code(0).stderr("").stdout_has("\"v=DKIM1; k=ed25519; p=");
    project.run(["keygen", "--selector", "a b"]).code(2).stderr_has("invalid selector \"a b\"");
    Project::empty()
        .run(["keygen", "--domain", "example.net", "-o", "k.pem"])
        .code(0)
        .stdout_has(".example.net. ");
}

#[test]
fn the_printed_settings_are_settings() {
    let project = Project::empty();
    let settings = project.run(["settings"]).code(0).stdout;
    project.write("mimeo.toml", settings);
    project.run(["new", "x", "--date", "2023-01-06"]).code(0);
}

#[test]
fn completions_ask_the_program_and_manual_pages_know_the_commands() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        project.run(["completions", shell]).code(0).stdout_has("MIMEO_COMPLETE");
    }
    project.run(["man"]).code(0).stdout_has(".TH mimeo 1").stdout_has("Exit codes");
    project.run(["man", "-o", "man"]).code(0);
    assert!(project.list("man").contains(&"mimeo-new.1".to_owned()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error_and_a_closed_pipe_is_not() {
    use std::process::Stdio;
    let project = Project::empty();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = project.mimeo(["settings"]).into_command().stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("error: failed to write to standard output\n")
    );
    let mut child = project
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
    let project = Project::new();
    project.run(["subscribers", "check"]).code(0).stderr("").stdout(
        "subscribers.csv: 2 people\nfor placeholders: subscriber.email, subscriber.name (empty for 1), subscriber.first_name (empty for 1)\n",
    );
    project.write("bad.csv", "email;name\nada@example.org;Ada\nADA@example.org;Ada\nnobody;X\n");
    let ran = project.run(["subscribers", "check", "--list", "bad.csv"]).code(3);
    let ran = ran.stdout("bad.csv: 1 person, 1 repeat, 1 row that cannot be read\nfor placeholders: subscriber.email, subscriber.name\n");
    ran.stderr_has(" --> bad.csv:3").stderr_has(" --> bad.csv:4, column `email`");
    let ran = project.run(["subscribers", "check", "--list", "bad.csv", "--json"]).code(3).stderr("");
    let object: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&object["people"], &object["bad"], &object["repeats"]), (&1.into(), &1.into(), &1.into()));
    assert_eq!(object["diagnostics"].as_array().unwrap().len(), 2);
    let ran = project.mimeo(["subscribers", "list"]).env("MIMEO_LIST", "bad.csv").run().code(3);
    ran.stdout("ada@example.org\tAda\n").stderr_has("bad.csv:4");
}

#[test]
fn a_list_that_is_missing_or_not_a_list_is_an_error_that_says_so() {
    let project = Project::new();
    project.run(["subscribers", "check", "--list", "none.csv"]).code(3).stderr(
        "error: failed to read the subscriber list `none.csv`\n  because: No such file or directory (os error 2)\nhint: `[list] path` in mimeo.toml or `--list FILE` names the list\n",
    );
    project.write("subscribers.csv", "a,b\n1,2\n");
    project.run(["subscribers", "list"]).code(3).stdout("").stderr_has("error[M30");
}

#[test]
fn the_archive_is_a_page_for_each_issue_and_a_feed_of_them() {
    let project = Project::gradient_ascent()
        .file("issues/2023-02-01-later.md", "---\ntitle: Later\nnumber: 99\ndraft: true\n---\n\nNot yet.\n");
    project.run(["build", "--web", "--feed", "-o", "public"]).code(0).stderr_has("public/feed.xml");
    let page = project.read("public/2022-12-30-a-year-in-review/index.html");
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
        assert!(project.path("public/2022-12-30-a-year-in-review").join(picture).is_file(), "{picture}");
    }
    assert!(!project.path("public/2023-02-01-later").exists());
    let xml = project.read("public/feed.xml");
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
    let project = Project::new()
        .file("issues/a.md", "---\ntitle: A\n---\n\nGood.\n")
        .file("issues/b.md", "---\ntitle: B\n---\n\n::: video\n")
        .file("issues/c.md", "---\ntitle: [\n---\n\nBad.\n");
    project.run(["build", "a", "--web"]).code(0);
    assert!(project.read("build/a/index.html").contains("<p>Good.</p>"));
    assert!(!project.path("build/a.html").exists());
    project.run(["build", "--feed"]).code(3).stderr_has("issues/b.md").stderr_has("issues/c.md");
    assert!(!project.path("build/feed.xml").exists());
    project.run(["build"]).code(2).stderr_has("ISSUE");
}

#[test]
fn a_letter_that_is_only_looked_at_shows_words_where_names_will_be() {
    let issue = "---\ntitle: Hello\nsubject: For {{ subscriber.first_name }}\n---\n\nDear {{ subscriber.first_name | upper }}, how is \
                 {{ subscriber.home_town }}, [{{ subscriber.city | default(\"there\") }}](https://example.org/?c={{ subscriber.home_town }})?\n";
    let project = Project::new().file("issues/hello.md", issue);
    project.run(["build", "hello"]).code(0);
    for file in ["build/hello.html", "build/hello.txt"] {
        let text = project.read(file);
        assert!(text.contains("Dear ADA, how is Home town") && !text.contains("{{"), "{text}");
        assert!(text.contains("?c=Home%20town"), "{text}");
    }
    assert!(project.read("build/hello.mjml").contains("{{ subscriber.home_town }}"));
}

#[test]
fn settings_are_found_above_and_paths_lead_from_where_the_user_is() {
    let issue = "---\ntitle: One two three\npreheader: \"A short letter for a test.\"\nnumber: 1\ndate: 2026-01-02\n---\n\n\
        Words.\n\n![A hill](hill.png)\n\n<!-- mimeo:nothing -->\n\n[a](nowhere)\n";
    let project = Project::new()
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
        let ran = project.shell(&format!("cd {folder} && '{program}' {command}")).code(3).stderr_has(place);
        assert!(!ran.stderr.contains("M230"), "the picture is beside the issue\n{ran}");
        assert_eq!(ran.stderr.matches("error[").count(), 1, "{ran}");
    }
    project.write("issues/2026-01-02-one/index.md", issue.replace("[a](nowhere)", ""));
    for folder in ["issues", "issues/2026-01-02-one/deep"] {
        project.shell(&format!("cd {folder} && '{program}' build one -o out")).code(0);
        assert!(project.path(folder).join("out/2026-01-02-one.html").exists());
        // What the newsletter keeps is in its own folder.
        project.shell(&format!("cd {folder} && '{program}' send one --yes --allow M485")).code(0);
        assert!(!project.path(folder).join(".mimeo").exists() && project.path(".mimeo/ledger.db").exists());
    }
    let git = "git init -q . && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm one";
    project.shell(git).code(0);
    project.write("issues/2026-01-02-one/index.md", issue);
    let line = format!("cd issues/2026-01-02-one && '{program}' check index.md --since HEAD");
    project.shell(&line).code(3).stderr_has("--> index.md:14:1");
    let diff = format!("cd issues/2026-01-02-one && '{program}' diff index.md HEAD");
    project
        .write("issues/2026-01-02-one/index.md", issue.replace("Words", "Other").replace("[a](nowhere)", ""));
    project.shell(&diff).code(0).stdout_has("Other");
}

#[test]
fn a_no_is_an_answer_and_no_error() {
    let project = Project::new().file("issues/one.md", "---\ntitle: Words\n---\nWords.\n");
    for answer in ["\n", "n\n", "no\n", "what\n"] {
        let ran = project.at_terminal("send one", answer).code(1).stdout_has("nothing was sent");
        assert!(!ran.stdout.contains("error"), "{ran}");
    }
    for (line, what) in [
        ("send one --json", "nothing was sent"),
        ("send one --at 2999-01-01T09:00 --json", "nothing was scheduled"),
        ("approve one --by Ada --json", "nothing was approved"),
    ] {
        let ran = project.at_terminal(line, "n\n").code(1).stdout_has(what);
        let object = ran.stdout.split_once("{\"version\"").unwrap_or_else(|| panic!("{ran}")).1;
        let object = format!("{{\"version\"{}", object.lines().next().unwrap());
        let object: serde_json::Value = serde_json::from_str(&object).unwrap();
        hold("error", &object);
        assert_eq!(
            (&object["error"]["code"], &object["error"]["message"]),
            (&"declined".into(), &what.into())
        );
    }
    project.at_terminal("send one", "y\n").code(0);
}

#[test]
fn a_no_erases_no_one_and_is_no_error() {
    let project = Project::empty()
        .file("mimeo.toml", format!("{LEAST}\n[list]\nmanaged = true\n"))
        .file("list.csv", "email\nbob@example.com\n");
    project.run(["subscribers", "import", "list.csv", "--yes"]).code(0);
    for answer in ["\n", "n\n", "no\n", "what\n", ""] {
        let ran = project.at_terminal("subscribers erase bob@example.com", answer).code(1);
        assert!(
            ran.stdout.contains("nothing was erased") && !ran.stdout.contains("error"),
            "{answer:?}: {ran}"
        );
        project.run(["subscribers", "show", "bob@example.com"]).code(0).stdout_has("active");
    }
    project.at_terminal("subscribers erase bob@example.com", "y\n").code(0).stdout_has("erased");
    project.run(["subscribers", "show", "bob@example.com"]).code(3);
}

#[test]
fn codes_of_findings_are_links_where_the_terminal_shows_them() {
    let project = Project::new().file("issues/one.md", "---\ntitle: Words\n---\n[a](nowhere)\n");
    let page = format!("{}/blob/HEAD/src/check/findings/", env!("CARGO_PKG_REPOSITORY"));
    // An address that leads nowhere yet is not shown.
    let is_public = !page.contains("/OWNER/");
    let check = |term: &str, version: Option<&str>, options: &[&str]| {
        let mut mimeo = project.mimeo([&["check", "one"], options].concat()).env("TERM", term);
        for name in ["FORCE_HYPERLINK", "VTE_VERSION", "TERM_PROGRAM"] {
            mimeo = mimeo.env_remove(name);
        }
        if let Some(version) = version {
            mimeo = mimeo.env("VTE_VERSION", version);
        }
        mimeo.at_terminal("").stdout
    };
    let shown = check("xterm", Some("6003"), &[]);
    let has_link = shown.contains(&format!("[\u{1b}]8;;{page}M")) && shown.contains("\u{1b}]8;;\u{1b}\\]");
    assert_eq!((has_link, shown.contains("]8;;")), (is_public, is_public), "{shown:?}");
    for (term, version, options) in [
        ("xterm", Some("6003"), &["--color", "never"] as &[_]),
        ("dumb", Some("6003"), &[]),
        ("xterm", None, &[]),
    ] {
        let shown = check(term, version, options);
        assert!(shown.contains("nowhere") && !shown.contains("]8;;"), "{term} {options:?}: {shown:?}");
    }
    // Not in a file or a pipe.
    let ran = project.mimeo(["check", "one"]).env("VTE_VERSION", "6003").run();
    assert!(!ran.stderr.contains("]8;;") && !ran.stdout.contains("]8;;"), "{ran}");
    let sarif = project.run(["check", "one", "--format", "sarif"]).stdout;
    assert_eq!(sarif.contains(&format!("\"helpUri\": \"{page}M")), is_public, "{sarif}");
    assert_eq!(sarif.contains("helpUri"), is_public);
}

#[test]
fn an_option_means_one_thing_in_all_commands() {
    let project = Project::empty();
    let help = project.run(["--help"]).stdout;
    let names =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    let mut meanings = std::collections::BTreeMap::new();
    // `init` asks where letters will go, before there is a relay with a name.
    for name in names.into_iter().filter(|name| !["help", "init"].contains(name)) {
        let help = project.run([name, "-h"]).stdout;
        for line in help.lines().map(str::trim) {
            for (option, value) in
                [("--list", "--list <FILE>"), ("--ledger", "--ledger <FILE>"), ("--relay", "--relay <RELAY>")]
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
