//! The preview as the place where one works: issues, widths, forced dark, the web page, downloads, test letters.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use super::{HEAD, ends_well, holds, long, opened, quiet_week, shows};
use crate::support::{
    preview::Preview,
    skip,
    tab::{BROWSER, Tab},
};

#[test]
fn issues_are_switched_and_each_keeps_its_findings() {
    let project = quiet_week().file(
        "issues/8.md",
        long("lantern").replace("A quiet week", "A loud week").replace("number: 7", "number: 8"),
    );
    let Some((_preview, mut tab)) = opened(&project) else { return };
    shows(&mut tab, "lantern");
    tab.until("document.querySelectorAll('#issue option').length === 2 && issue.value === '8'");
    tab.run("await page.locator('#issue').selectOption('7')");
    shows(&mut tab, "kettle");
    tab.until("document.querySelector('#title').textContent === 'A quiet week'");
    // What is saved is what is shown, and the keys lead through the issues.
    project.write("issues/7.md", long("teapot"));
    shows(&mut tab, "teapot");
    tab.run("await page.locator('#title').click(); await page.keyboard.press(']')");
    shows(&mut tab, "lantern");
    tab.run("await page.keyboard.press('[')");
    shows(&mut tab, "teapot");
    ends_well(tab);
}

#[test]
fn the_phone_has_the_width_that_was_chosen() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    shows(&mut tab, "kettle");
    for width in ["320", "414", "600", "375"] {
        tab.run(&format!("await page.getByRole('button', {{ name: '{width}', exact: true }}).click()"));
        tab.until(&format!("phone.contentWindow.innerWidth === {width}"));
    }
    tab.run("await page.locator('#title').click(); await page.keyboard.press('w')");
    tab.until("phone.contentWindow.innerWidth === 414");
    ends_well(tab);
}

#[test]
fn what_a_person_scrolls_takes_the_other_letter_along() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    shows(&mut tab, "kettle");
    tab.run("await page.locator('#phone').hover(); await page.mouse.wheel(0, 900)");
    tab.until("phone.contentWindow.scrollY > 300 && desktop.contentWindow.scrollY > 100");
    // Until neither has moved for ten pictures of the screen.
    tab.run(
        "await page.evaluate(async () => { let [last, still] = ['', 0]; while (still < 10) { \
         await new Promise(requestAnimationFrame); \
         const now = `${phone.contentWindow.scrollY} ${desktop.contentWindow.scrollY}`; \
         still = now === last ? still + 1 : 0; last = now; } })",
    );
    tab.run("await page.getByRole('button', { name: 'Scroll together' }).click()");
    let before = tab.run("return await page.evaluate(() => desktop.contentWindow.scrollY)");
    tab.run("await page.locator('#phone').hover(); await page.mouse.wheel(0, 600)");
    tab.until("phone.contentWindow.scrollY > 1000");
    assert_eq!(tab.run("return await page.evaluate(() => desktop.contentWindow.scrollY)"), before);
    ends_well(tab);
}

#[test]
fn forced_dark_turns_the_colors_as_gmail_and_outlook_do() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    let light = |sign: &str| {
        format!(
            "(() => {{ const at = page.body && page.querySelector('p'); if (!at) return false; \
             const [r] = page.defaultView.getComputedStyle(at.closest('td').querySelector('div') || at).color.match(/\\d+/g).map(Number); return r {sign} 128 }})()"
        )
    };
    holds(&mut tab, &light("<"));
    for scheme in ["gmail", "outlook"] {
        tab.run(&format!("await page.locator('#scheme').selectOption('{scheme}')"));
        holds(&mut tab, &light(">"));
        tab.run("await page.locator('#scheme').selectOption('light')");
        holds(&mut tab, &light("<"));
    }
    tab.run("await page.locator('#title').click(); await page.keyboard.press('d')");
    tab.until("scheme.value === 'dark'");
    ends_well(tab);
}

#[test]
fn the_web_page_and_the_files_of_the_letter_are_a_click_away() {
    let project = quiet_week();
    let Some((preview, mut tab)) = opened(&project) else { return };
    tab.run("await page.keyboard.press('5')");
    tab.until("document.getElementById('web-page').contentDocument?.querySelector('main h1')?.textContent === 'A quiet week'");
    for (kind, words) in [("html", "<!doctype html>"), ("txt", "kettle"), ("eml", "MIME-Version: 1.0")] {
        assert!(
            tab.text(&format!("page.locator('#download-{kind}').getAttribute('href')"))
                .starts_with("download/")
        );
        assert!(preview.get(&format!("/download/{kind}")).contains(words), "{kind}");
    }
    ends_well(tab);
}

#[test]
fn a_finding_is_explained_and_its_place_opens_in_an_editor() {
    let issue = long("kettle") + "\n[click here](http://example.com/)\n";
    let project = quiet_week().file("issues/7.md", &issue);
    let Some((_preview, mut tab)) = opened(&project) else { return };
    tab.until("document.querySelector('#findings details p')?.textContent.length > 20");
    let link = tab.text("page.getByRole('link', { name: 'Open in editor' }).first().getAttribute('href')");
    assert!(link.starts_with("vscode://file/") && link.contains("issues/7.md:"), "{link}");
    ends_well(tab);
}

#[test]
fn a_test_letter_goes_after_a_question_to_an_address_of_the_settings_and_nowhere_else() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    shows(&mut tab, "kettle");
    assert_eq!(tab.run("return await page.locator('#test').isVisible()"), false);
    drop(tab);
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", format!("{settings}\n[preview]\ntest_to = [\"ada@example.org\"]\n"));
    let Some((_preview, mut tab)) = opened(&project) else { return };
    tab.run("await page.getByRole('button', { name: 'Send a test…' }).click()");
    assert!(tab.text("page.locator('#sending-words').innerText()").contains("A quiet week"));
    assert_eq!(project.list("outbox"), Vec::<String>::new());
    tab.run("await page.getByRole('button', { name: 'Send it' }).click()");
    tab.until("document.getElementById('sending-answer').textContent.includes('ada@example.org')");
    assert_eq!(project.list("outbox").len(), 1);
    let refused = tab.run(
        "return await page.evaluate(async () => (await fetch('api/test?to=eve@example.net', { method: 'POST' })).status)",
    );
    assert_eq!(refused, Value::from(403));
    assert_eq!(project.list("outbox").len(), 1);
    // The browser notes the refusal as an error of its own.
    drop(tab);
}

#[test]
fn the_page_says_whether_what_it_shows_is_live_old_or_broken() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    tab.until("live.dataset.state === 'live'");
    project.write("issues/7.md", long("kettle").replace("title: A quiet week", "title: [A"));
    tab.until("live.dataset.state === 'stale'");
    project.write("issues/7.md", long("teapot"));
    tab.until("live.dataset.state === 'live'");
    fs::remove_file(project.path("mimeo.toml")).unwrap();
    tab.until("live.dataset.state === 'stale'");
    drop(tab);
    let project = quiet_week().file("issues/7.md", HEAD.replace("title:", "title: ["));
    let Some((_preview, mut tab)) = opened(&project) else { return };
    tab.until("live.dataset.state === 'broken'");
    drop(tab);
}

#[test]
fn everything_lies_on_one_grid() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    shows(&mut tab, "kettle");
    for width in [1280, 1440, 1600] {
        tab.run(&format!("await page.setViewportSize({{ width: {width}, height: 900 }})"));
        tab.until(&format!("innerWidth === {width}"));
        let edges = "(() => { const left = (one) => Math.round(document.querySelector(one).getBoundingClientRect().left); \
                     const right = (one) => Math.round(document.querySelector(one).getBoundingClientRect().right); \
                     return document.documentElement.scrollWidth <= innerWidth \
                         && left('#inbox .phone') === left('.glass') && left('.glass') === left('#views') \
                         && right('#inbox .desktop') === right('aside section') })()";
        tab.until(edges);
    }
    tab.run("await page.setViewportSize({ width: 375, height: 800 })");
    tab.until("document.documentElement.scrollWidth <= 375");
    ends_well(tab);
}

#[test]
fn a_finding_opens_in_the_program_of_the_environment_and_no_other_place_does() {
    let issue = long("kettle") + "\n[click here](http://example.com/)\n";
    let project = quiet_week().file("issues/7.md", &issue);
    let tools = tempfile::tempdir().unwrap();
    let (editor, opened) = (tools.path().join("write down"), tools.path().join("opened"));
    fs::write(
        &editor,
        format!("#!/bin/sh\nprintf '%s|' \"$@\" > '{0}.new' && mv '{0}.new' '{0}'\n", opened.display()),
    )
    .unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    let mimeo = || {
        let command = format!("'{}' --at {{line}} {{file}}", editor.display());
        project.mimeo(["preview", "--no-open", "--editor", "program"]).env("MIMEO_EDITOR", command)
    };
    for browser in [BROWSER, "firefox-esr"] {
        let mut tab = match Tab::open_in(browser, 1600, 1000) {
            Ok(tab) => tab,
            Err(why) => return skip(why),
        };
        let preview = Preview::started(mimeo());
        tab.run(&format!("await page.goto('{}')", preview.url()));
        let button = "page.getByRole('button', { name: 'Open in editor' }).first()";
        tab.run(&format!("await {button}.click()"));
        tab.until("state.textContent.startsWith('opened issues/7.md:')");
        let began = std::time::Instant::now();
        while !opened.exists() {
            assert!(began.elapsed().as_secs() < 30, "the editor was not started");
            std::thread::yield_now();
        }
        let words = fs::read_to_string(&opened).unwrap();
        let issue_path = fs::canonicalize(project.path("issues/7.md")).unwrap();
        assert!(
            words.starts_with("--at|") && words.ends_with(&format!("|{}|", issue_path.display())),
            "{words}"
        );
        fs::remove_file(&opened).unwrap();
        // Neither a place without a finding nor a file elsewhere, and not for another page.
        for place in ["issues/7.md:1:1", "../x:1:1", "/etc/passwd:1:1", "mimeo.toml:9999:1", ""] {
            let asked =
                format!("fetch('api/editor?place=' + encodeURIComponent('{place}'), {{ method: 'POST' }})");
            let status = tab.run(&format!("return await page.evaluate(async () => (await {asked}).status)"));
            assert_eq!(status, Value::from(403), "{place}");
        }
        let status =
            tab.run("return await page.evaluate(async () => (await fetch('api/editor?place=x')).status)");
        assert_eq!(status, Value::from(405), "a GET opens nothing");
        assert!(!opened.exists());
        // The browser notes the refusals as an error of its own.
        drop(tab);
    }
}

#[test]
fn an_editor_that_cannot_be_started_here_is_refused_before_there_is_a_page() {
    let project = quiet_week();
    for (command, message, hint) in [
        ("", "no editor is set", "VISUAL"),
        ("vim", "needs a terminal", "gvim"),
        ("./evil", "not found", "whole path"),
    ] {
        let ran = project
            .mimeo(["preview", "--no-open", "--editor", "program"])
            .env("MIMEO_EDITOR", command)
            .env("VISUAL", "")
            .env("EDITOR", "")
            .run()
            .code(2);
        assert!(ran.stderr.contains(message) && ran.stderr.contains(hint), "{ran}");
    }
}
