//! `mimeo diff`, with the real git in a temporary folder.

use std::process::Command;

use serde_json::Value;

use crate::support::{
    browser::browser,
    project::{LEAST, Project, Ran},
    skip,
    tab::Tab,
};

const ISSUE: &str = "---\ntitle: A quiet week\nsubject: A quiet week in the workshop\n\
    preheader: What we repaired, what we broke, and a question for you\nnumber: 7\ndate: 2023-01-06\n---\n\n\
    Dear {{ subscriber.first_name }}, we repaired the [old kettle](https://example.org/kettle).\n\n\
    ![A kettle on a stove](kettle.png)\n\n## The workshop\n\nIt was warm in there.\n";

const TEMPLATE: &str = "<mjml><mj-head><mj-title>{{ issue.title }}</mj-title>\
    <mj-preview>{{ issue.preheader }}</mj-preview></mj-head><mj-body>\n<!-- mimeo:content -->\n\
    <mj-section><mj-column><mj-text><a href=\"{{ link.unsubscribe }}\" style=\"color:#aa2211\">Leave</a>\
     {{ newsletter.postal_address }}</mj-text>\
    </mj-column></mj-section></mj-body></mjml>";

/// A picture of one color.
fn picture(shade: u8, width: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, 20);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![shade; width as usize * 20]).unwrap();
    writer.finish().unwrap();
    bytes
}

fn git(project: &Project, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]);
    let ran = command.args(arguments).current_dir(project.path("")).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn commit(project: &Project) {
    git(project, &["add", "--all", ":!subscribers.csv"]);
    git(project, &["commit", "-q", "-m", "a state"]);
}

/// A newsletter with one issue, committed; the list is not.
fn project() -> Project {
    let project = Project::new()
        .file("mimeo.toml", format!("{LEAST}[unsubscribe]\nmailto = \"leave@example.org\"\n"))
        .file("issues/7.md", ISSUE)
        .file("issues/kettle.png", picture(90, 40));
    git(&project, &["init", "-q"]);
    commit(&project);
    project
}

fn edit(project: &Project, path: &str, from: &str, to: &str) {
    let text = project.read(path);
    assert!(text.contains(from), "{path} has no {from}");
    project.write(path, text.replace(from, to));
}

#[track_caller]
fn json(project: &Project) -> Value {
    let ran = project.run(["diff", "7", "HEAD", "--json"]).code(0);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// The lines of the text part that differ, with their signs.
fn text(report: &Value) -> Vec<String> {
    let lines = report["text"].as_array().unwrap().iter().flat_map(|hunk| hunk["lines"].as_array().unwrap());
    lines
        .filter(|line| line["sign"] != " ")
        .map(|line| {
            let pieces = line["pieces"].as_array().unwrap().iter();
            let text: String = pieces.map(|piece| piece["text"].as_str().unwrap()).collect();
            format!("{}{text}", line["sign"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn a_letter_that_did_not_change_is_the_same() {
    let project = project();
    let report = json(&project);
    assert_eq!(report["same"], true, "{report}");
    project
        .run(["diff", "7", "HEAD"])
        .code(0)
        .stdout_has("A quiet week: `issues/7.md` since HEAD (")
        .stdout_has("\nthe letter is the same\n")
        .stdout_has("(as before)")
        .stderr("");
    // A comment is no part of the letter.
    edit(&project, "issues/7.md", "It was warm", "<!-- a note to myself -->\n\nIt was warm");
    assert_eq!(json(&project)["same"], true);
}

#[test]
fn words_are_reported_as_readers_get_them() {
    let project = project();
    edit(&project, "issues/7.md", "It was warm", "It was cold");
    edit(
        &project,
        "issues/7.md",
        "subject: A quiet week in the workshop",
        "subject: A cold week in the workshop",
    );
    let ran = project.run(["diff", "7", "HEAD"]).code(0);
    let ran = ran.stdout_has("\nsubject\n-A quiet week in the workshop\n+A cold week in the workshop\n");
    ran.stdout_has("\ntext\n@@ ").stdout_has("\n-It was warm in there.\n+It was cold in there.\n");
    let report = json(&project);
    assert_eq!(text(&report), ["-It was warm in there.", "+It was cold in there."]);
    assert_eq!(report["fields"][0]["name"], "subject");
    assert_eq!(report["fields"][0]["before"], "A quiet week in the workshop");
    assert_eq!(report["same"], false);
}

#[test]
fn colors_are_there_for_people_only() {
    let project = project();
    edit(&project, "issues/7.md", "warm", "cold");
    let ran = |arguments: &[&str]| -> Ran {
        let all: Vec<&str> = ["diff", "7", "HEAD"].iter().chain(arguments).copied().collect();
        project.run(all).code(0)
    };
    assert!(!ran(&[]).stdout.contains('\u{1b}'));
    assert!(ran(&["--color", "always"]).stdout.contains("\u{1b}[32m+"));
    assert!(!ran(&["--color", "always", "--json"]).stdout.contains('\u{1b}'));
    let plain = project.mimeo(["diff", "7", "HEAD"]).env("NO_COLOR", "1").run();
    assert!(!plain.stdout.contains('\u{1b}'), "{plain}");
}

#[test]
fn links_are_reported_with_their_words() {
    let project = project();
    edit(&project, "issues/7.md", "https://example.org/kettle", "https://example.org/teapot");
    edit(&project, "issues/7.md", "It was warm", "[It](https://example.org/it) was warm");
    let links = &json(&project)["links"];
    assert_eq!(links["changed"][0]["before"]["address"], "https://example.org/kettle");
    assert_eq!(links["changed"][0]["now"]["address"], "https://example.org/teapot");
    assert_eq!(links["changed"][0]["now"]["words"], "old kettle");
    assert_eq!(links["added"][0]["words"], "It");
    assert_eq!(links["removed"].as_array().unwrap().len(), 0);
    project.run(["diff", "7", "HEAD"]).code(0).stdout_has(
        "\nlinks\n-old kettle <https://example.org/kettle>\n+old kettle <https://example.org/teapot>\n\
         +It <https://example.org/it>\n",
    );
}

#[test]
fn pictures_are_reported_when_only_their_bytes_differ() {
    let project = project();
    project.write("issues/kettle.png", picture(200, 60));
    project.write("issues/pot.png", picture(10, 30));
    edit(&project, "issues/7.md", "It was warm", "![A pot](pot.png)\n\nIt was warm");
    let report = json(&project);
    let pictures = &report["pictures"];
    assert_eq!(pictures["changed"][0]["now"]["name"], "issues/kettle.png");
    assert_eq!(pictures["changed"][0]["before"]["width"], 40);
    assert_eq!(pictures["changed"][0]["now"]["width"], 60);
    assert_eq!(pictures["added"][0]["name"], "issues/pot.png");
    project.run(["diff", "7", "HEAD"]).code(0).stdout_has("\n+issues/kettle.png, 60 × 20, ");
}

#[test]
fn a_template_and_the_settings_are_those_of_then() {
    let project = project();
    project.write("templates/default.mjml", TEMPLATE);
    commit(&project);
    edit(&project, "templates/default.mjml", "#aa2211", "#2211aa");
    let report = json(&project);
    assert_eq!(report["looks"]["removed"], serde_json::json!(["color:#aa2211"]), "{report}");
    assert_eq!(report["looks"]["added"], serde_json::json!(["color:#2211aa"]));
    assert_eq!((text(&report), report["same"].as_bool()), (vec![], Some(false)));
    edit(&project, "mimeo.toml", "Ada Example", "Ada Quill");
    let report = json(&project);
    assert_eq!(report["fields"][0]["name"], "from");
    assert_eq!(report["fields"][0]["now"], "Ada Quill <ada@example.org>");
}

#[test]
fn size_and_findings_are_those_of_the_two_letters() {
    let project = project();
    edit(&project, "issues/7.md", "It was warm", "See [here](https://example.org/here). It was warm");
    let report = json(&project);
    let size = &report["size"];
    assert!(size["before"].as_u64() < size["now"].as_u64(), "{size}");
    assert_eq!(size["limit"], 102_400);
    assert_eq!(report["findings"]["new"][0]["code"], "M417");
    assert_eq!(report["findings"]["new"][0]["path"], "issues/7.md");
    project
        .run(["diff", "7", "HEAD"])
        .code(0)
        .stdout_has(" of the 102.4 KB of HTML that Gmail shows (")
        .stdout_has("\nfindings\n+warning M417: ");
    commit(&project);
    edit(&project, "issues/7.md", "See [here](https://example.org/here). It was warm", "It was warm");
    let report = json(&project);
    assert_eq!(report["findings"]["gone"][0]["path"], "HEAD:issues/7.md", "{report}");
    assert_eq!(report["findings"]["new"], serde_json::json!([]));
}

#[test]
fn a_page_holds_both_letters_and_their_pictures_and_no_reader() {
    let project = project();
    edit(&project, "issues/7.md", "It was warm", "It was </script><script>alert(1)</script> cold");
    project.write("issues/kettle.png", picture(200, 60));
    project
        .run(["diff", "7", "HEAD", "--page", "page.html"])
        .code(0)
        .stdout_has("\ntext\n")
        .stderr("page.html\n");
    let page = project.read("page.html");
    let data = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    let letters = data["letters"].as_array().unwrap();
    assert_eq!(letters.len(), 2);
    for (letter, words) in letters.iter().zip(["It was warm", "cold"]) {
        for scheme in ["light", "dark"] {
            let html = letter[scheme].as_str().unwrap();
            assert!(html.contains(words) && html.contains("src=\"cid:"), "{html}");
            assert!(html.contains("Dear Ada,"), "{html}");
        }
    }
    let pictures = data["pictures"].as_object().unwrap();
    assert_eq!(pictures.len(), 2);
    assert!(pictures.values().all(|one| one.as_str().unwrap().starts_with("data:image/png;base64,")));
    for kept in ["bob@example.com", "Bob", "allow-scripts", "src=\"http", "href=\"http"] {
        assert!(!page.split("id=\"data\">").next().unwrap().contains(kept), "{kept}");
    }
    assert!(!page.contains("bob@example.com") && !page.contains("{{"), "{page}");
    project.run(["diff", "7", "HEAD", "--page", "page.html", "--as", "bob@example.com"]).code(0);
    assert!(project.read("page.html").contains("Dear Bob,"));
    project.run(["diff", "7", "HEAD", "--as", "bob@example.com"]).code(2);
}

#[test]
fn the_page_shows_the_letters_in_step_in_a_browser() {
    let project = project();
    let more = "A paragraph more.\n\nAnd one that takes a line or two more, on a phone at the very least.";
    edit(&project, "issues/7.md", "## The workshop", &format!("{more}\n\n## The workshop"));
    edit(&project, "issues/7.md", "https://example.org/kettle", "https://example.org/teapot");
    project.run(["diff", "7", "HEAD", "--page", "page.html"]).code(0);
    let shown = |page: &str| -> Option<scraper::Html> {
        let more = ["--virtual-time-budget=20000", "--dump-dom"];
        let mut command = browser(&project.path("browser"), 1500, 1000, &more)?;
        let ran = command.arg(format!("file://{}", project.path(page).display())).output().unwrap();
        let page = scraper::Html::parse_document(&String::from_utf8_lossy(&ran.stdout));
        assert!(page.select(&selector("body[data-shown]")).next().is_some(), "{}", page.html());
        Some(page)
    };
    let Some(page) = shown("page.html") else { return skip("chromium-headless-shell is not installed") };
    let heights = |page: &scraper::Html| -> Vec<f64> {
        let wanted = selector("#before iframe, #now iframe");
        let frames = page.select(&wanted).map(|frame| frame.attr("style").unwrap());
        frames
            .map(|style| style.trim_start_matches("height: ").trim_end_matches("px;").parse().unwrap())
            .collect()
    };
    let [before, now] = heights(&page)[..] else { panic!("{}", page.html()) };
    assert!(now > 400.0 && (before - now).abs() < 2.0, "{before} and {now}");
    let words = |wanted: &str| -> Vec<String> {
        let wanted = selector(wanted);
        page.select(&wanted).map(|node| node.text().collect::<String>()).collect()
    };
    assert!(words("#differences li.gone").iter().any(|item| item.contains("https://example.org/kettle")));
    assert!(words("#differences li.came").iter().any(|item| item.contains("https://example.org/teapot")));
    assert!(words("#text ins").iter().any(|line| line == "+ A paragraph more."), "{:?}", words("#text ins"));
    assert_eq!(words("#title"), ["A quiet week"]);
    // Out of step the new letter is as much higher as it says more.
    project.write("loose.html", project.read("page.html").replace("id=\"step\" checked", "id=\"step\""));
    let [before, now] = heights(&shown("loose.html").unwrap())[..] else { panic!() };
    assert!(before + 40.0 < now, "{before} and {now}");
}

fn selector(wanted: &str) -> scraper::Selector {
    scraper::Selector::parse(wanted).unwrap()
}

#[test]
fn the_letters_are_beside_each_other_and_hide_nothing() {
    let project = project();
    edit(&project, "issues/7.md", "It was warm", "It was cold");
    project.run(["diff", "7", "HEAD", "--page", "page.html"]).code(0);
    let mut tab = match Tab::open(1500, 1000) {
        Ok(tab) => tab,
        Err(why) => return skip(why),
    };
    tab.run(&format!("await page.goto('file://{}')", project.path("page.html").display()));
    tab.until("document.body.dataset.shown !== undefined");
    tab.until(
        "(() => { const [before, now, over] = ['#before iframe', '#now iframe', '#difference .over'].map(
            wanted => document.querySelector(wanted).getBoundingClientRect());
        const head = document.querySelector('header').getBoundingClientRect();
        return head.bottom <= before.top && before.right <= now.left && now.right <= over.left && before.width > 370 })()",
    );
}

#[test]
fn pictures_at_the_site_are_in_the_page_too() {
    let project = project();
    edit(
        &project,
        "mimeo.toml",
        "name = \"Small Steps\"\n",
        "name = \"Small Steps\"\nsite = \"https://example.org/\"\npictures = \"site\"\n",
    );
    commit(&project);
    project.write("issues/kettle.png", picture(200, 60));
    project.run(["diff", "7", "HEAD", "--page", "page.html"]).code(0).stdout_has("\npictures\n");
    let page = project.read("page.html");
    assert_eq!(page.matches("data:image/png;base64,").count(), 2);
    assert!(!page.contains("src=\\\"https://example.org/issues/kettle.png"));
}

#[test]
fn a_renamed_issue_is_found_again() {
    let project = project();
    std::fs::rename(project.path("issues/7.md"), project.path("issues/2023-01-06-quiet.md")).unwrap();
    edit(&project, "issues/2023-01-06-quiet.md", "warm", "cold");
    let report = json(&project);
    assert_eq!(report["was"], "issues/7.md");
    assert_eq!(report["issue"], "issues/2023-01-06-quiet.md");
    project
        .run(["diff", "quiet", "HEAD"])
        .code(0)
        .stdout_has(", then `issues/7.md`\n")
        .stdout_has("+It was cold");
    // A folder with its pictures.
    git(&project, &["checkout", "-q", "--", "issues"]);
    std::fs::remove_file(project.path("issues/2023-01-06-quiet.md")).unwrap();
    std::fs::create_dir(project.path("issues/7")).unwrap();
    for (from, to) in [("issues/7.md", "issues/7/index.md"), ("issues/kettle.png", "issues/7/kettle.png")] {
        std::fs::rename(project.path(from), project.path(to)).unwrap();
    }
    let report = json(&project);
    assert_eq!(
        (report["was"].as_str(), report["same"].as_bool()),
        (Some("issues/7.md"), Some(true)),
        "{report}"
    );
}

#[test]
fn an_issue_that_was_not_there_says_when_it_came() {
    let project =
        project().file("issues/8.md", ISSUE.replace("number: 7", "number: 8").replace("quiet", "loud"));
    project
        .run(["diff", "8", "HEAD"])
        .code(3)
        .stderr_has("error: `issues/8.md` was not there at `HEAD`")
        .stderr_has("hint: git has never seen it");
    commit(&project);
    project.run(["diff", "8", "HEAD~1"]).code(3).stderr_has("hint: it came with ");
    project.run(["diff", "8", "HEAD"]).code(0);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let project = project();
    project
        .run(["diff", "7", "nowhere"])
        .code(2)
        .stderr_has("error: git knows no revision `nowhere`")
        .stderr_has("hint: `git log --oneline` lists commits");
    project.run(["diff", "7", "--", "--output=x"]).code(2).stderr_has("git knows no revision `--output=x`");
    project.run(["diff"]).code(2);
    project.run(["diff", "9", "HEAD"]).code(3).stderr_has("no issue matches `9`");
    // Then it was no letter.
    edit(&project, "issues/7.md", "number: 7\n", "number: 7\ntemplate: nowhere\n");
    commit(&project);
    edit(&project, "issues/7.md", "template: nowhere\n", "");
    project
        .run(["diff", "7", "HEAD"])
        .code(3)
        .stderr_has("--> HEAD:templates/nowhere.mjml")
        .stderr_has("hint: at `HEAD` the issue was no letter");
    let alone = Project::new().file("issues/7.md", ISSUE);
    alone
        .mimeo(["diff", "7", "HEAD"])
        .env("GIT_CEILING_DIRECTORIES", alone.path("").parent().unwrap())
        .run()
        .code(2)
        .stderr_has("error: the folder `.` is in no git repository")
        .stderr_has("hint: without one there is no earlier state");
    alone.mimeo(["diff", "7", "HEAD"]).env("PATH", "").run().code(1).stderr_has("failed to run `git`");
}

#[test]
fn a_newsletter_in_a_folder_of_a_repository_is_compared_from_anywhere() {
    let project = Project::empty()
        .file("news/mimeo.toml", LEAST.to_owned() + "[unsubscribe]\nmailto = \"leave@example.org\"\n")
        .file("news/issues/7/index.md", ISSUE)
        .file("news/issues/7/kettle.png", picture(90, 40));
    git(&project, &["init", "-q"]);
    commit(&project);
    edit(&project, "news/issues/7/index.md", "warm", "cold");
    project.run(["-C", "news", "diff", "7", "HEAD"]).code(0).stdout_has("\n+It was cold in there.\n");
    // What is there now is left alone.
    assert_eq!(project.list("news"), ["issues", "mimeo.toml"]);
}
