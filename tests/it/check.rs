//! `mimeo check` as an author sees it.

use std::fs;

use serde_json::Value;

use crate::support::project::{LEAST, Project, repository};

/// Settings that leave nothing to say.
const SETTINGS: &str = "[newsletter]\nname = \"Small Steps\"\npostal_address = \"Small Steps, 1 Example Street\"\n\
    site = \"https://letters.example.org/\"\n\n[sender]\nfrom = \"Ada Example <ada@example.org>\"\n\n\
    [unsubscribe]\nmailto = \"leave@example.org\"\n\n[check]\nlevels = { M483 = \"allow\", M486 = \"allow\" }\n";

fn project() -> Project {
    Project::empty()
        .file("mimeo.toml", SETTINGS)
        .file("subscribers.csv", "email,first name\nbob@example.com,Bob\n")
}

fn issue(head: &str, body: &str) -> String {
    format!(
        "---\ntitle: A quiet week\nsubject: A quiet week in the workshop\n\
         preheader: What we repaired, what we broke, and a question for you\nnumber: 7\ndate: 2023-01-06\n{head}---\n\n{body}\n"
    )
}

/// What is found, as `line:column code severity`.
fn found(project: &Project) -> Vec<String> {
    let ran = project.run(["check", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let found = report["diagnostics"].as_array().unwrap();
    found
        .iter()
        .map(|one| format!("{} {}", one["code"].as_str().unwrap(), one["severity"].as_str().unwrap()))
        .collect()
}

#[track_caller]
fn check(body: &str, expected: &[&str]) {
    let project = project().file("issues/7.md", issue("", body));
    assert_eq!(found(&project), expected, "{body}");
}

#[test]
fn checking_a_strangers_folder_runs_none_of_its_commands() {
    use std::os::unix::fs::PermissionsExt;
    let touch = "#!/bin/sh\ntouch RAN\n";
    let project = Project::new()
        .file("mimeo.toml", format!("{LEAST}\n[math]\ncommand = [\"./draw\"]\n"))
        .file("draw", touch)
        .file("monitor", touch)
        .file(
            "issues/2026-01-02-one.md",
            "---\ntitle: One two three\nnumber: 1\ndate: 2026-01-02\n---\n\nA sum: $x^2$.\n",
        );
    for name in ["draw", "monitor"] {
        fs::set_permissions(project.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    project.shell(
        "git init -q . && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm one \
         && git config core.fsmonitor \"$PWD/monitor\"",
    );
    project.run(["check"]);
    project.run(["check", "--since", "HEAD"]);
    assert!(!project.path("RAN").exists());
    // Nor does it in a newsletter that is trusted.
    project.run(["trust"]).code(0);
    project.run(["check"]);
    assert!(!project.path("RAN").exists());
    // The same command does run where it is asked for.
    project.run(["build", "one"]);
    assert!(project.path("RAN").exists());
}

#[test]
fn the_repositorys_own_issues_are_free_of_errors_and_warnings() {
    let report = Project::gradient_ascent().run(["check", "--deny", "warnings", "--format", "json"]).code(0);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!((report["errors"].as_u64(), report["warnings"].as_u64()), (Some(0), Some(0)), "{report}");
}

#[test]
fn ordinary_letters_raise_no_alarm() {
    let settings = SETTINGS.replace("[check]\n", "[check]\nhistory = 0\n");
    let project = project().file("mimeo.toml", settings);
    copy(&repository().join("tests/fixtures/ordinary"), &project.path("issues"));
    assert!(project.list("issues").iter().filter(|name| name.ends_with(".md")).count() >= 20);
    let loud: Vec<String> = found(&project).into_iter().filter(|one| !one.ends_with("note")).collect();
    assert!(loud.is_empty(), "{loud:?}\n{}", project.run(["check"]));
}

#[test]
fn what_the_program_makes_itself_has_nothing_against_it_for_clients_and_access() {
    for template in ["essay", "digest", "plain", "magazine", "announcement"] {
        let settings = SETTINGS.replace("site =", &format!("template = \"{template}\"\nsite ="));
        let project = project().file("mimeo.toml", settings);
        copy(&repository().join("tests/fixtures/ordinary"), &project.path("issues"));
        let own: Vec<String> =
            found(&project).into_iter().filter(|one| ("M46".."M48").contains(&one.as_str())).collect();
        assert!(own.is_empty(), "{template}: {own:?}\n{}", project.run(["check"]));
    }
}

#[test]
fn what_keeps_a_letter_from_being_made_hides_nothing_else() {
    let project =
        project().file("issues/7.md", issue("", "![](gone.png)\n\nTODO: [here](https://example.org/)."));
    assert_eq!(found(&project), ["M230 error", "M431 warning", "M449 warning", "M417 warning"]);
}

#[test]
fn each_slip_is_found_and_its_fixed_twin_is_not() {
    for (slip, code, fixed) in [
        ("See [here](https://example.org/a).", "M417 warning", "See [the notes](https://example.org/a)."),
        ("See [the notes](http://example.org/a).", "M412 warning", "See [the notes](https://example.org/a)."),
        ("See [the notes](https://bit.ly/a).", "M414 warning", "See [the notes](https://example.org/a)."),
        (
            "See [the notes](https://example.org/a?utm_source=x).",
            "M415 warning",
            "See [the notes](https://example.org/a?page=x).",
        ),
        (
            "See [the notes](#nowhere).\n\n## Here\n\nText.",
            "M413 warning",
            "See [the notes](#here).\n\n## Here\n\nText.",
        ),
        ("A word TK.", "M449 warning", "A word."),
        ("## One\n\n#### Two\n\nText.", "M450 warning", "## One\n\nText.\n\n### Two\n\nText."),
        ("## One\n\n## Two\n\nText.", "M451 warning", "## One\n\nText.\n\n## Two\n\nText."),
        ("**A heading**\n\nText.", "M453 note", "## A heading\n\nText."),
    ] {
        check(slip, &[code]);
        check(fixed, &[]);
    }
}

#[test]
fn the_head_of_an_issue_is_looked_at() {
    let head = "---\ntitle: GREAT NEWS FOR EVERYBODY\nnumber: 7\ndate: 2023-01-06\n---\n\nText.\n";
    assert_eq!(found(&project().file("issues/7.md", head)), ["M441 warning", "M446 warning"]);
    let two = project().file("issues/1.md", issue("", "One.")).file("issues/2.md", issue("", "Two."));
    assert_eq!(
        found(&two),
        ["M445 warning", "M447 warning", "M445 warning"].map(str::to_owned).to_vec().tap_sorted()
    );
}

trait Tap {
    fn tap_sorted(self) -> Self;
}

impl Tap for Vec<String> {
    /// In the order of the file: subject, preheader, number.
    fn tap_sorted(mut self) -> Self {
        self.swap(1, 2);
        self
    }
}

#[test]
fn a_letter_that_gmail_would_cut_off_is_an_error_with_a_budget() {
    let long = "A sentence that says the same again, and once more.\n\n".repeat(2_600);
    let project = project().file("issues/7.md", issue("", &format!("## Long\n\n{long}")));
    let ran = project.run(["check", "--budget"]).code(3);
    assert!(
        ran.stderr.contains("error[M401]") && ran.stderr.contains("Gmail hides everything after 102 KB"),
        "{ran}"
    );
    assert!(ran.stdout.contains("Long"), "{ran}");
    for part in ["largest blocks: line ", "styles: ", "addresses: "] {
        assert!(ran.stdout.contains(part), "{part}: {ran}");
    }
}

#[test]
fn people_on_the_list_are_looked_at() {
    let list =
        "email,first name,city\ninfo@example.com,Ann,\nbob@gmial.com,Bob,Rome\nbob@GMIAL.com,Bob,Rome\n";
    let body = "Hello {{ subscriber.first_name }} from {{ subscriber.city }} and {{ subscriber.fist_name }}.";
    let project = project().file("subscribers.csv", list).file("issues/7.md", issue("", body));
    let mut found = found(&project);
    found.sort();
    assert_eq!(found, ["M491 error", "M492 error", "M494 note", "M495 warning", "M496 note"]);
}

#[test]
fn levels_in_the_settings_and_comments_in_the_issue_quiet_a_finding() {
    let body = "See [here](https://example.org/a).";
    let quiet = project().file("issues/7.md", issue("", &format!("<!-- mimeo allow M417 -->\n\n{body}")));
    assert_eq!(found(&quiet), Vec::<String>::new());
    let settings = SETTINGS.replace("levels = {", "levels = { M417 = \"error\",");
    let loud = project().file("mimeo.toml", settings).file("issues/7.md", issue("", body));
    assert_eq!(found(&loud), ["M417 error"]);
    loud.run(["check", "-q"]).code(3);
}

#[test]
fn a_warning_from_before_the_check_can_be_quieted_and_an_error_cannot() {
    let body = "Words.\n\n<blink>Words.</blink>";
    let loud = project().file("issues/7.md", issue("", body));
    assert_eq!(found(&loud), ["M170 warning"]);
    let quiet = project().file("issues/7.md", issue("", &format!("<!-- mimeo allow M170 -->\n\n{body}")));
    assert_eq!(found(&quiet), Vec::<String>::new());
    let refused = project().file("issues/7.md", issue("", "<!-- mimeo allow M230 -->\n\nWords."));
    assert_eq!(found(&refused), ["M400 warning"]);
}

#[test]
fn a_send_refuses_what_the_check_calls_an_error_unless_confirmed() {
    let project = project().file("issues/7.md", issue("", "Hello *|FNAME|*."));
    project.run(["send", "7", "--yes"]).code(3).stderr_has("--allow M455");
    assert_eq!(project.list("outbox"), Vec::<String>::new());
    project.run(["send", "7", "--yes", "--allow", "M455"]).code(0).stderr_has("1 accepted");
}

#[test]
fn findings_are_reported_to_programs_in_their_own_forms() {
    let project = project().file("issues/7.md", issue("", "See [here](https://example.org/a)."));
    let sarif: Value =
        serde_json::from_str(&project.run(["check", "--format", "sarif"]).code(0).stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "M417");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 9);
    let github = project.run(["check", "--format", "github"]).code(0).stdout;
    assert!(github.starts_with("::warning file=issues/7.md,line=9,endLine=9,col=5,"), "{github}");
    project.run(["check", "--deny", "warnings"]).code(3);
}

#[test]
fn only_changed_lines_are_reported_with_since() {
    let project = project().file("issues/7.md", issue("", "See [here](https://example.org/a).\n\nText."));
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]);
        assert!(command.args(arguments).current_dir(project.path("")).output().unwrap().status.success());
    };
    git(&["init", "-q"]);
    git(&["add", "issues", "mimeo.toml"]);
    git(&["commit", "-q", "-m", "first"]);
    let since =
        |project: &Project| project.run(["check", "--since", "HEAD", "--format", "github"]).code(0).stdout;
    assert_eq!(since(&project), "");
    project.write(
        "issues/7.md",
        issue("", "See [here](https://example.org/a).\n\nText and [more](https://example.org/b)."),
    );
    assert_eq!(since(&project).matches("M417").count(), 1);
    // Names that git would write in quotes, files that it has never seen, and settings of its owner's.
    git(&["config", "diff.noprefix", "true"]);
    git(&["checkout", "-q", "issues"]);
    project.write(
        "issues/8 \u{e9}.md",
        issue("", "See [here](https://example.org/c).").replace("number: 7", "number: 8"),
    );
    assert_eq!(since(&project).matches("M417").count(), 1);
    git(&["add", "issues"]);
    assert_eq!(since(&project).matches("M417").count(), 1);
    git(&["commit", "-q", "-m", "second"]);
    assert_eq!(since(&project), "");
    project.run(["check", "--since", "nowhere"]).code(2).stderr_has("git knows no revision `nowhere`");
    project.run(["check", "--since=--output=x"]).code(2).stderr_has("git knows no revision");
}

#[test]
fn every_finding_has_an_explanation() {
    let project = Project::empty();
    let list = project.run(["explain"]).code(0).stdout;
    assert!(list.lines().count() > 30);
    for line in list.lines() {
        let code = line.split_whitespace().next().unwrap();
        project.run(["explain", code]).code(0).stdout_has(code);
    }
    project.run(["explain", "M999"]).code(2);
}

#[test]
fn the_kitchen_sink_has_every_block_and_is_under_eighty_kilobytes() {
    let project = project();
    let from = repository().join("tests/fixtures/kitchen-sink");
    copy(&from, &project.path("issues/kitchen-sink"));
    let ran = project.run(["check", "kitchen-sink", "--budget"]);
    assert!(!ran.stderr.contains("error["), "{ran}");
    let bytes: f64 = ran.stdout.split(": ").nth(1).unwrap().split(" KB").next().unwrap().parse().unwrap();
    assert!(bytes < 80.0, "{bytes} KB");
}

#[test]
fn the_size_is_that_of_the_encoding_in_which_the_letter_travels() {
    // In quoted-printable it would be 120 KB; it travels in base64.
    let paragraph = "水壶慢慢地烧开，茶叶慢慢地舒展，写信的人也慢慢地写着今天的一段话，没有人着急。\n\n";
    let project = project().file("issues/7.md", issue("language: zh\n", &paragraph.repeat(250)));
    let ran = project.run(["check", "--budget"]).code(0);
    assert!(!ran.stderr.contains("M401"), "{ran}");
    // One unit: what is around the text is as large as in a letter with one word.
    let share = |stdout: &str, section: &str| -> f64 {
        let line = stdout.lines().find(|line| line.ends_with(section)).unwrap_or_else(|| panic!("{stdout}"));
        line.trim().split(' ').next().unwrap().parse().unwrap()
    };
    let short = room_of_one_word().run(["check", "--budget"]).code(0);
    let (long, short) = (share(&ran.stdout, "template"), share(&short.stdout, "template"));
    assert!(long < short * 1.6, "{long} KB beside {short} KB");
}

fn room_of_one_word() -> Project {
    project().file("issues/7.md", issue("", "Word."))
}

#[test]
fn headings_with_code_or_two_links_are_in_both_parts() {
    check(
        "## The `fold` function\n\nWords.\n\n## [Team](https://example.org/team) [(only some)](https://example.org/some)\n\n\
         Words and [a slip](https://example.org/hiring>), and [a space](<https://example.org/a b>).",
        &[],
    );
}

#[test]
fn links_that_are_in_most_issues_are_not_reported_each_time() {
    let project = (1..=9).fold(project(), |project, number| {
        let body =
            format!("[The forum](https://example.org/forum), [item](https://example.org/{}).", number % 8);
        let text = issue("", &body)
            .replace("number: 7", &format!("number: {number}"))
            .replace("2023-01-06", &format!("2023-01-0{number}"))
            .replace("A quiet week", &format!("Week {number}"))
            .replace("What we repaired", &format!("On day {number} we repaired"));
        project.file(&format!("issues/{number}.md"), text)
    });
    let ran = project.run(["check", "9", "--format", "json"]);
    assert_eq!(ran.stdout.matches("M420").count(), 1, "{ran}");
    assert!(ran.stdout.contains("`1` linked to this page already"), "{ran}");
}

#[test]
fn all_problems_come_at_once() {
    // Settings, front matter, text, picture, template and list: once they came in four waves.
    let bad = issue(
        "date: 6/1/2023\n",
        "![](gone.png)\n\n{{ subscriber.fist_name }} {{ what }}\n\n::: galery\n:::\n\nNumbers TK.",
    )
    .replace("date: 2023-01-06\n", "");
    let template = "<mjml><mj-body><mj-txt></mj-txt><!-- mimeo:content --></mj-body></mjml>";
    let project = project()
        .file("mimeo.toml", SETTINGS.replace("site =", "template = \"own\"\nsite ="))
        .file("templates/own.mjml", template)
        .file("subscribers.csv", "email,first name\nbob.example.com,Bob\n")
        .file("issues/7.md", bad);
    let found = found(&project);
    for code in ["M105", "M130", "M203", "M211", "M230", "M310", "M431", "M449", "M491"] {
        assert!(found.iter().any(|one| one.starts_with(code)), "{code}: {found:?}");
    }
    project.write("mimeo.toml", "[newsletter]\nname = 7\n");
    let ran = project.run(["check"]).code(3).stderr_has("M004").stderr_has("M130");
    assert!(ran.stderr.contains("mimeo.toml"), "{ran}");
}

#[test]
fn a_front_matter_that_cannot_be_read_hides_nothing_in_the_text() {
    let project = project()
        .file("issues/7.md", "---\ntitle: Glue: a love story\n---\n\n![](gone.png)\n\nNumbers TK.\n");
    let found = found(&project);
    for code in ["M102", "M230", "M431", "M449"] {
        assert!(found.iter().any(|one| one.starts_with(code)), "{code}: {found:?}");
    }
    assert!(
        !found.iter().any(|one| ["M108", "M441", "M448"].iter().any(|code| one.starts_with(code))),
        "{found:?}"
    );
}

#[test]
fn a_heading_is_no_title_for_an_issue_whose_front_matter_cannot_be_read() {
    for head in ["title: Glue: a love story", "subject: [x", "title: \"Glue"] {
        let text = format!("---\n{head}\n---\n\n# Hello\n\nWords.\n");
        let found = found(&project().file("issues/7.md", text));
        assert!(found.iter().any(|one| one.starts_with("M102")), "{head}: {found:?}");
        assert!(!found.iter().any(|one| one.starts_with("M108")), "{head}: {found:?}");
    }
}

#[test]
fn repeated_notes_are_folded_unless_all_are_wanted() {
    let body: String = (0..9).map(|_| "[Words](https://example.org/a)\n\n").collect();
    let project = project().file("issues/7.md", issue("", &body));
    let folded = project.run(["check"]).code(0).stderr_has("and 5 more of M416 (use --all to print them)");
    assert_eq!(folded.stderr.matches("note[M416]").count(), 3, "{folded}");
    assert!(folded.stderr.ends_with("8 notes\n"), "{folded}");
    assert_eq!(project.run(["check", "--all"]).stderr.matches("note[M416]").count(), 8);
}

#[test]
fn warnings_of_a_template_are_printed_without_an_error_too() {
    let template = "<mjml><mj-head><mj-preview>{{ issue.preheader }}</mj-preview></mj-head><mj-body width=\"800px\">\
        <!-- mimeo:content --><mj-section mj-class=\"papr\"><mj-column><mj-text padding=\"wide\">\
        <!-- mimeo:if isue.mood -->Mood<!-- mimeo:end -->{{ newsletter.postal_address }}\
        <a href=\"{{ link.unsubscribe }}\">Unsubscribe</a> <a href=\"{{ link.view }}\">Online</a></mj-text>\
        <!-- mimeo:if isue.mood --><mj-text>Mood</mj-text><!-- mimeo:end --></mj-column></mj-section></mj-body></mjml>";
    let project = project()
        .file("mimeo.toml", SETTINGS.replace("site =", "template = \"own\"\nsite ="))
        .file("templates/own.mjml", template)
        .file("issues/7.md", issue("", "Words."));
    for command in [&["check"][..], &["build", "7"]] {
        let ran = project.run(command).code(0);
        for said in [
            "unknown role `papr`",
            "`wide` is not a valid value for `padding`",
            "`width` of `mj-body` has no effect",
            "unknown name `isue.mood` in a condition",
        ] {
            assert!(ran.stderr.contains(said), "{said}: {ran}");
        }
    }
}

#[test]
fn an_empty_list_of_what_is_known_is_never_printed() {
    let template = "<mjml><mj-head><mj-style inline=\"inline\">.x { color: #123456 }</mj-style></mj-head><mj-body>\
        <!-- mimeo:content --></mj-body></mjml>";
    let project = project()
        .file("mimeo.toml", SETTINGS.replace("site =", "template = \"own\"\nsite ="))
        .file("templates/own.mjml", template)
        .file("issues/7.md", issue("", "Words."));
    let ran = project.run(["check"]).stderr_has("`inline` on `mj-style` has no effect here");
    assert!(!ran.stderr.contains("known attributes: \n"), "{ran}");
}

#[test]
fn findings_about_the_settings_carry_the_folder_and_their_line() {
    let settings =
        SETTINGS.replace("levels = {", "levels = { M486 = \"note\",").replace(", M486 = \"allow\"", "")
            + "\n[design]\nwidth = 600\n\n[design.light]\ntext = \"#dddddd\"\n";
    let project = Project::empty()
        .file("letters/mimeo.toml", settings)
        .file("letters/issues/7.md", issue("", "Words."));
    let github = project.run(["-C", "letters", "check", "--format", "github"]).stdout;
    assert!(github.contains("file=letters/mimeo.toml,title=M486"), "{github}");
    assert!(github.contains("file=letters/mimeo.toml,line=19,"), "{github}");
}

#[test]
fn private_files_in_git_are_found_and_examples_are_not() {
    let project = project()
        .file("issues/7.md", issue("", "Words."))
        .file(".mimeo/key", "0123")
        .file(".mimeo/ledger.db", "")
        .file("outbox/1.eml", "")
        .file("mailchimp_audience.csv", "Email Address,First Name\n")
        .file("subscribers.example.csv", "email\n")
        .file("prices.csv", "what,price\n");
    let git = |arguments: &[&str]| {
        let ran =
            std::process::Command::new("git").args(arguments).current_dir(project.path("")).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "-A", "-f"]);
    let ran = project.run(["check", "--all"]).code(0);
    assert_eq!(ran.stderr.matches("[M493]").count(), 5, "{ran}");
    for said in ["a private key", "the ledger", "the outbox", "an export", "the subscriber list"] {
        assert!(ran.stderr.contains(said), "{said}: {ran}");
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn one_mistake_in_a_link_is_one_finding() {
    for (address, code) in [
        ("%unsubscribe_url%", "M455"),
        ("*|UNSUB|*", "M455"),
        ("nowhere", "M411"),
        ("www.example.org/x", "M411"),
        ("REDDIT_LINK_HERE", "M411"),
        ("your-link-here", "M411"),
        ("https//example.org/x", "M411"),
        ("https://", "M411"),
        ("ttps://example.org/x", "M216"),
    ] {
        let project =
            Project::new().file("issues/7.md", issue("", &format!("See [the page]({address}) there.\n")));
        let ran = project.run(["check"]).code(3);
        let codes: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("error[")).collect();
        assert_eq!(codes.len(), 1, "{address}\n{ran}");
        assert!(!ran.stderr.contains("M419"), "{address}\n{ran}");
        assert!(codes[0].starts_with(&format!("error[{code}]")), "{address}\n{ran}");
    }
    // A finding that is allowed hides no other.
    let project = Project::new()
        .file("mimeo.toml", format!("{LEAST}\n[check.levels]\nM455 = \"allow\"\n"))
        .file("issues/7.md", issue("", "See [the page](%unsubscribe_url%) there.\n"));
    project.run(["check"]).code(3).stderr_has("error[M411]");
}

#[test]
fn an_unknown_name_is_reported_where_names_are_set() {
    for (name, help) in [
        (
            "newsletter.motto",
            "set it under `[fields]` in mimeo.toml, or add `| default(\"…\")`; known names: newsletter.archive, ",
        ),
        ("newsletter.tag_line", "did you mean `newsletter.tagline`?"),
        ("issue.mood", "give it in the front matter"),
        ("link.somewhere", "known names: link.unsubscribe, link.preferences, link.view, link.archive"),
        ("design.motto", "names begin with `issue.`, `newsletter.`"),
    ] {
        let project =
            Project::new().file("issues/7.md", issue("", &format!("We say {{{{ {name} }}}} here.\n")));
        project.run(["check"]).code(3).stderr_has(help);
    }
}
