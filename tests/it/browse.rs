//! `mimeo preview` in a real browser: what a person at the screen, at the keyboard or with a screen reader meets.
//!
//! Pictures of the page are kept in `MIMEO_PICTURES`, or in `target/tmp`, for people to look at.

mod looks;
mod work;

use std::{fmt::Write as _, fs};

use serde_json::Value;

use crate::{
    pictures::FAINT,
    support::{
        preview::Preview,
        project::Project,
        skip,
        tab::{BROWSER, Tab},
    },
};

const HEAD: &str = "---\ntitle: A quiet week\nsubject: Hello {{ subscriber.first_name | default(\"friend\") }}\n\
    preheader: What we repaired\nnumber: 7\ndate: 2023-01-06\n---\n\n";

/// An issue of many screens, so that there is somewhere to scroll.
fn long(words: &str) -> String {
    let mut issue = format!("{HEAD}## The workshop\n\nDear reader, we repaired the {words}.\n");
    for number in 1..60 {
        write!(
            issue,
            "\nParagraph {number} tells of the weather, which was the same as in the one before.\n"
        )
        .unwrap();
    }
    issue
}

/// The preview of a newsletter in a browser, with the letter on the screen; none where there is no browser.
fn opened(project: &Project) -> Option<(Preview, Tab)> {
    opened_in(BROWSER, project)
}

fn opened_in(browser: &str, project: &Project) -> Option<(Preview, Tab)> {
    let mut tab = match Tab::open_in(browser, 1600, 1000) {
        Ok(tab) => tab,
        Err(why) => {
            skip(why);
            return None;
        }
    };
    let preview = Preview::of(project);
    tab.run(&format!("await page.goto('{}')", preview.url()));
    tab.until("document.querySelector('#shares li') || !document.querySelector('#problems').hidden");
    Some((preview, tab))
}

/// Waits until both frames show these words.
#[track_caller]
fn shows(tab: &mut Tab, words: &str) {
    holds(tab, &format!("page.body?.innerText.includes({})", Value::from(words)));
}

/// Waits until something holds of the `page` in both frames.
#[track_caller]
fn holds(tab: &mut Tab, condition: &str) {
    tab.until(&format!(
        "['phone', 'desktop'].every((id) => {{ const page = document.getElementById(id).contentDocument; return {condition} }})"
    ));
}

/// What a page must never have done, whatever the scenario was.
#[track_caller]
fn ends_well(mut tab: Tab) {
    assert_eq!(tab.run("return problems"), Value::Array(Vec::new()));
}

fn quiet_week() -> Project {
    Project::new().file("issues/7.md", long("kettle"))
}

/// A picture of one color.
fn square(pixels: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(pixels, pixels, image::Rgb([180, 60, 30]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn the_letter_is_on_a_phone_and_on_a_desktop() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    shows(&mut tab, "we repaired the kettle");
    assert_eq!(tab.text("page.title()"), "A quiet week · preview");
    for (window, phone, desktop) in [(1600, 375, 700), (1100, 375, 680), (375, 375, 680)] {
        tab.run(&format!("await page.setViewportSize({{ width: {window}, height: 900 }})"));
        tab.until(&format!("innerWidth === {window} && phone.contentWindow.innerWidth === {phone}"));
        tab.until(&format!("{desktop} <= desktop.contentWindow.innerWidth"));
        tab.until("document.documentElement.scrollWidth <= innerWidth");
        holds(&mut tab, "page.documentElement.scrollWidth <= page.defaultView.innerWidth");
    }
    ends_well(tab);
}

#[test]
fn a_saved_change_appears_and_the_letter_stays_where_it_was() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    shows(&mut tab, "kettle");
    tab.run(
        "await page.evaluate(() => {
             window.same = true;
             for (const frame of [phone, desktop]) frame.contentWindow.scrollTo(0, 700);
         })",
    );
    for word in ["teapot", "lantern", "bellows"] {
        project.write("issues/7.md", long(word));
        shows(&mut tab, word);
        holds(&mut tab, "page.defaultView.scrollY === 700");
    }
    // Also while another panel is shown, and when another issue's words come by renaming.
    tab.run("await page.keyboard.press('2')");
    project.write("issues/.7.md.swp", long("anvil"));
    fs::rename(project.path("issues/.7.md.swp"), project.path("issues/7.md")).unwrap();
    tab.run("await page.locator('#text-part', { hasText: 'anvil' }).waitFor()");
    tab.run("await page.keyboard.press('1')");
    shows(&mut tab, "anvil");
    holds(&mut tab, "page.defaultView.scrollY === 700");
    tab.until("window.same");
    ends_well(tab);
}

#[test]
fn pictures_parts_templates_settings_and_the_list_are_shown_again() {
    let project = Project::gradient_ascent()
        .file("issues/2023-02-03-a-square.md", format!("{HEAD}Look:\n\n![A red square](square.png)\n"))
        .file("issues/square.png", square(40));
    let Some((_preview, mut tab)) = opened(&project) else { return };
    holds(&mut tab, "page.querySelector('[alt=\"A red square\"]')?.naturalWidth === 40");
    project.write("issues/square.png", square(64));
    holds(&mut tab, "page.querySelector('[alt=\"A red square\"]')?.naturalWidth === 64");
    for (file, old, new) in [
        ("templates/partials/footer.mjml", "</mj-text>", " The foot is new.</mj-text>"),
        ("templates/essay.mjml", "<mj-section", "<mj-section css-class=\"other\""),
        ("mimeo.toml", "12 Saddle Point Lane", "13 Plateau Road"),
        ("subscribers.example.csv", "ada@example.com,Ada", "ada@example.com,Augusta"),
    ] {
        let text = project.read(file);
        assert!(text.contains(old), "{file} does not say {old}");
        project.write(file, text.replace(old, new));
        match file {
            "templates/partials/footer.mjml" => shows(&mut tab, "The foot is new."),
            "templates/essay.mjml" => holds(&mut tab, "page.querySelector('.other')"),
            "mimeo.toml" => shows(&mut tab, "13 Plateau Road"),
            _ => tab.until("document.querySelector('#inbox .subject').textContent === 'Hello Augusta'"),
        }
    }
    ends_well(tab);
}

#[test]
fn a_reader_is_searched_for_and_taken() {
    let project = quiet_week().file(
        "subscribers.csv",
        "email,name,first name\nbob@example.com,Bob Stone,Bob\ncarol@example.net,Carol Ruiz,Carol\n\
         dan@example.org,Dan Ruiz,Dan\n",
    );
    let Some((_preview, mut tab)) = opened(&project) else { return };
    let subject = "page.locator('#inbox .phone .subject').innerText()";
    let taken = |tab: &mut Tab, words: &str| {
        tab.until(&format!("document.querySelector('#inbox .subject').textContent === '{words}'"));
    };
    assert_eq!(tab.text(subject), "Hello Bob");
    // By keyboard: a part of the name, down to the second of the two who have it, up again, and taken.
    tab.run("await page.keyboard.press('/'); await page.keyboard.type('ruiz')");
    tab.until("document.querySelectorAll('#people [role=option]').length === 2");
    tab.run(
        "for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'Enter']) await page.keyboard.press(key)",
    );
    taken(&mut tab, "Hello Carol");
    // By mouse.
    tab.run("await page.getByRole('combobox', { name: 'Letter to' }).click()");
    tab.run("await page.getByRole('option', { name: 'Dan Ruiz' }).click()");
    taken(&mut tab, "Hello Dan");
    assert_eq!(tab.text("page.locator('#search').inputValue()"), "dan@example.org");
    // Escape takes no one; words that no one has are reported.
    tab.run("await page.keyboard.press('/'); await page.keyboard.type('no one')");
    tab.run("await page.locator('#people', { hasText: 'No subscriber matches.' }).waitFor()");
    tab.run("await page.keyboard.press('Escape')");
    assert_eq!(tab.text("page.locator('#search').inputValue()"), "dan@example.org");
    // The reader stays when the issue is saved.
    project.write("issues/7.md", long("teapot"));
    shows(&mut tab, "teapot");
    assert_eq!(tab.text(subject), "Hello Dan");
    // An empty field is the first person again.
    tab.run("await page.locator('#search').fill(''); await page.keyboard.press('Enter')");
    taken(&mut tab, "Hello Bob");
    ends_well(tab);
}

#[test]
fn dark_and_pictures_are_switched_in_the_letter() {
    let project = Project::new()
        .file("issues/7.md", format!("{HEAD}Look:\n\n![A red square](square.png)\n"))
        .file("issues/square.png", square(40));
    let Some((_preview, mut tab)) = opened(&project) else { return };
    let scheme = |name: &str| {
        format!(
            "page.body && page.defaultView.getComputedStyle(page.documentElement).colorScheme === '{name}'"
        )
    };
    holds(&mut tab, &scheme("light"));
    tab.run("await page.getByRole('button', { name: 'Dark', pressed: false }).click()");
    tab.run("await page.getByRole('button', { name: 'Dark', pressed: true }).waitFor()");
    holds(&mut tab, &scheme("dark"));
    // A saved change does not switch it back, nor does the other switch.
    let seen = "page.querySelector('[alt=\"A red square\"]')?.naturalWidth";
    tab.run("await page.getByRole('button', { name: 'Images off', pressed: false }).click()");
    holds(&mut tab, &format!("page.readyState === 'complete' && {seen} === 0"));
    holds(&mut tab, &scheme("dark"));
    project.write("issues/7.md", format!("{HEAD}Look again:\n\n![A red square](square.png)\n"));
    shows(&mut tab, "Look again:");
    holds(&mut tab, &format!("{seen} === 0"));
    holds(&mut tab, &scheme("dark"));
    tab.run("await page.keyboard.press('i'); await page.keyboard.press('d')");
    holds(&mut tab, &format!("{seen} === 40"));
    holds(&mut tab, &scheme("light"));
    ends_well(tab);
}

#[test]
fn text_headers_and_source_are_a_key_away() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    for (key, panel, words) in [
        ("2", "Text", "Dear reader, we repaired the kettle."),
        ("3", "Headers", "To: Bob <bob@example.com>"),
        ("4", "Source", "Content-Type: multipart/alternative"),
    ] {
        tab.run(&format!("await page.keyboard.press('{key}')"));
        let panel = format!("page.getByRole('tabpanel', {{ name: '{panel}' }})");
        assert!(tab.text(&format!("{panel}.innerText()")).contains(words), "{panel} lacks {words}");
        assert_eq!(tab.run("return await page.getByRole('tabpanel').count()"), 1);
    }
    tab.run("await page.getByRole('tab', { name: 'Source' }).focus()");
    for (key, chosen) in
        [("ArrowRight", "Web page"), ("ArrowLeft", "Source"), ("Home", "Letter"), ("End", "Web page")]
    {
        tab.run(&format!("await page.keyboard.press('{key}')"));
        assert_eq!(tab.text("page.locator(':focus').innerText()"), chosen);
        assert_eq!(tab.text("page.getByRole('tab', { selected: true }).innerText()"), chosen);
    }
    ends_well(tab);
}

#[test]
fn a_broken_issue_says_why_and_is_fixed() {
    let project = quiet_week();
    let Some((_preview, mut tab)) = opened(&project) else { return };
    shows(&mut tab, "kettle");
    tab.run("await page.evaluate(() => phone.contentWindow.scrollTo(0, 500))");
    project.write("issues/7.md", long("kettle").replace("title: A quiet week", "title: [A quiet week"));
    let alert = tab.text("page.getByRole('alert').innerText()");
    assert!(alert.contains("error") && alert.contains("issues/7.md:3:"), "{alert}");
    assert!(tab.text("page.locator('#problems mark').first().innerText()").contains(':'), "{alert}");
    // The last good letter stays in sight, where it was, with the problems beside it.
    shows(&mut tab, "kettle");
    assert_eq!(tab.run("return await page.locator('#phone').isVisible()"), true);
    tab.until("phone.contentWindow.scrollY === 500");
    tab.run("await page.reload()");
    shows(&mut tab, "kettle");
    tab.run("await page.getByRole('alert').filter({ hasText: 'The last good letter is shown' }).waitFor()");
    tab.run("await page.evaluate(() => phone.contentWindow.scrollTo(0, 500))");
    project.write("issues/7.md", long("teapot"));
    shows(&mut tab, "teapot");
    tab.until("problems.hidden && phone.contentWindow.scrollY === 500");
    // One that was never whole is fixed as well, and so are settings that make no sense.
    let settings = project.read("mimeo.toml");
    project.write("mimeo.toml", "[newsletter\n");
    tab.run("await page.getByRole('alert').filter({ hasText: 'mimeo.toml' }).waitFor()");
    project.write("mimeo.toml", settings);
    tab.until("problems.hidden");
    ends_well(tab);
}

#[test]
fn a_finding_leads_to_its_place_and_names_its_line() {
    let issue =
        long("kettle") + "\n## The end\n\nAll of it is output, if you [click here](http://example.com/).\n";
    let line = issue.lines().count();
    let project = quiet_week().file("issues/7.md", &issue);
    let Some((_preview, mut tab)) = opened(&project) else { return };
    let finding = "page.getByRole('button', { name: 'does not say where the link leads' })";
    assert!(tab.text(&format!("{finding}.innerText()")).contains(&format!("line {line}")));
    assert_eq!(
        tab.text(&format!("{finding}.locator('mark').innerText()")),
        "[click here](http://example.com/)"
    );
    tab.run(&format!("await {finding}.focus(); await page.keyboard.press('Enter')"));
    holds(
        &mut tab,
        "(() => { const found = page.querySelectorAll('[data-found]'), box = found[0]?.getBoundingClientRect();\
         return found.length === 1 && found[0].textContent.includes('click here') && page.defaultView.scrollY > 0\
         && box.top >= 0 && box.bottom <= page.defaultView.innerHeight })()",
    );
    let state = tab.text("page.getByRole('status').innerText()");
    assert!(state.contains("M417") && state.contains(&format!("issues/7.md:{line}:")), "{state}");
    // A section of the letter is found by its size.
    tab.run("await page.getByRole('button', { name: 'The workshop' }).click()");
    holds(&mut tab, "page.querySelector('[data-found]')?.textContent.includes('The workshop')");
    ends_well(tab);
}

#[test]
fn the_size_is_drawn_by_section() {
    let drawn = "page.evaluate(() => {
        const whole = budget.clientWidth, bars = [...budget.querySelectorAll('span')];
        return {
            sections: bars.length,
            rows: shares.children.length,
            share: bars.reduce((sum, bar) => sum + bar.offsetWidth, 0) / whole,
            cut: (budget.querySelector('i')?.offsetLeft ?? 0) / whole,
            words: document.getElementById('budget-words').innerText,
        };
    })";
    let project = quiet_week();
    let Some((preview, mut tab)) = opened(&project) else { return };
    let bytes = |preview: &Preview| -> f64 {
        let output = preview.json("/api/findings");
        output["shares"].as_array().unwrap().iter().map(|share| share["bytes"].as_f64().unwrap()).sum()
    };
    let small = tab.run(&format!("return await {drawn}"));
    assert_eq!((&small["sections"], &small["rows"]), (&Value::from(2), &Value::from(2)), "{small}");
    let share = small["share"].as_f64().unwrap();
    assert!((share - bytes(&preview) / 102_400.0).abs() < 0.03, "{small}");
    assert_eq!(small["cut"], 0);
    // Too long: the bar is full, and a line shows where Gmail stops.
    project.write("issues/7.md", long("kettle") + &"\nMore of the same, and then some.\n".repeat(2_600));
    tab.until("document.querySelector('#budget i')");
    let large = tab.run(&format!("return await {drawn}"));
    let cut = large["cut"].as_f64().unwrap();
    assert!((cut - 102_400.0 / bytes(&preview)).abs() < 0.03, "{large}");
    assert!(large["words"].as_str().unwrap().contains("Gmail cuts"), "{large}");
    ends_well(tab);
}

#[test]
fn inboxes_show_the_beginning() {
    let subject = "A year of kettles, teapots, lanterns, bellows and anvils, repaired by hand";
    let issue = long("kettle").replace(
        "preheader: What we repaired",
        "preheader: \"What we repaired, and how: a long story that no phone shows to its end\"",
    );
    let from = issue.find("subject: ").unwrap();
    let to = from + issue[from..].find('\n').unwrap();
    let issue = format!("{}subject: {subject}{}", &issue[..from], &issue[to..]);
    let project = quiet_week().file("issues/7.md", issue);
    let Some((_preview, mut tab)) = opened(&project) else { return };
    let cut = |tab: &mut Tab, place: &str| {
        tab.run(&format!(
            "return await page.locator('{place}').evaluate((line) => line.clientWidth < line.scrollWidth)"
        ))
    };
    assert_eq!(tab.text("page.locator('#inbox .desktop .subject').innerText()"), subject);
    assert_eq!(tab.text("page.locator('#inbox .phone .sender').innerText()"), "Ada Example");
    assert_eq!(cut(&mut tab, "#inbox .phone .subject"), true);
    assert_eq!(cut(&mut tab, "#inbox .phone .preheader"), true);
    assert_eq!(cut(&mut tab, "#inbox .desktop .words"), true);
    let seen = tab.run(
        "return await page.locator('#inbox .desktop .subject').evaluate((words) =>
             words.getBoundingClientRect().right < words.parentElement.getBoundingClientRect().right)",
    );
    assert_eq!(seen, true, "a desktop has space for the whole subject");
    ends_well(tab);
}

#[test]
fn everything_is_reached_by_keyboard_and_nothing_holds_it() {
    let issue = long("kettle") + "\nIf you [click here](http://example.com/).\n";
    let project = quiet_week().file("issues/7.md", issue);
    let Some((_preview, mut tab)) = opened(&project) else { return };
    shows(&mut tab, "kettle");
    // One step of the Tab key: where the focus is now, and whether it can be seen there.
    let step = |key: &str| {
        format!(
            "await page.keyboard.press('{key}'); return await page.evaluate(() => {{
                const seen = (node) => {{
                    const style = getComputedStyle(node);
                    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
                }};
                const at = document.activeElement, inner = at.contentDocument?.activeElement;
                const name = at.id || at.closest('[id]')?.id || at.getAttribute('href') || at.tagName;
                return [name, at.contentDocument ? seen(at.parentElement) || seen(inner) : seen(at)] }})"
        )
    };
    for (key, order) in [
        (
            "Tab",
            [
                "#views",
                "#findings-title",
                "issue",
                "search",
                "dark",
                "scheme",
                "images",
                "tab-letter",
                "together",
                "download-html",
                "download-txt",
                "download-eml",
                "widths",
                "phone",
                "desktop",
                "shares",
                "findings",
            ],
        ),
        (
            "Shift+Tab",
            [
                "findings",
                "shares",
                "desktop",
                "phone",
                "widths",
                "download-eml",
                "download-txt",
                "download-html",
                "together",
                "tab-letter",
                "images",
                "scheme",
                "dark",
                "search",
                "issue",
                "#findings-title",
                "#views",
            ],
        ),
    ] {
        let mut stops: Vec<String> = Vec::new();
        // Many times what it takes to come round.
        for _ in 0..200 {
            let at = tab.run(&step(key));
            let name = at[0].as_str().unwrap().to_owned();
            if name == "BODY" || (stops.len() > 1 && name == stops[0]) {
                break;
            }
            assert_eq!(at[1], true, "the focus on {name} cannot be seen");
            if stops.last() != Some(&name) {
                stops.push(name);
            }
        }
        assert_eq!(stops, order, "{key}");
        tab.run("await page.evaluate(() => document.activeElement.blur())");
    }
    // The keys work inside the letter too, and the first link leads there.
    tab.run("await page.keyboard.press('Tab'); await page.keyboard.press('Enter'); await page.keyboard.press('Tab')");
    assert_eq!(tab.text("page.evaluate(() => document.activeElement.id)"), "tab-letter");
    tab.run("await page.keyboard.press('Tab'); await page.keyboard.press('2')");
    assert_eq!(tab.text("page.getByRole('tab', { selected: true }).innerText()"), "Text");
    ends_well(tab);
}

/// What readers may call themselves: nothing of it may ever run.
const HOSTILE: [&str; 4] = [
    "<script>top.ran=1</script>",
    "\"><img src=x onerror=top.ran=2>",
    "</style></title><svg onload=top.ran=3>",
    "\\u003cscript>top.ran=4</script>'-(top.ran=4)-'",
];

#[test]
fn no_readers_field_and_no_letter_runs_a_script() {
    let mut list = String::from("email,name,first name\n");
    for (number, name) in HOSTILE.iter().enumerate() {
        let name = name.replace('"', "\"\"");
        writeln!(list, "reader{number}@example.com,\"{name}\",\"{name}\"").unwrap();
    }
    let greeting = "\n\nDear {{ subscriber.first_name }}, [hello](https://example.org/?q={{ subscriber.first_name }}).\n";
    let project = Project::gradient_ascent()
        .file("subscribers.example.csv", list)
        .file("issues/2023-02-03-7.md", long("kettle") + greeting);
    let Some((_preview, mut tab)) = opened(&project) else { return };
    for (number, name) in HOSTILE.iter().enumerate() {
        // As someone who is offered, and as the one whose letter it is.
        tab.run(&format!("await page.locator('#search').fill('reader{number}')"));
        tab.run("await page.locator('#people [role=option]').first().click()");
        shows(&mut tab, &format!("Dear {name}, hello"));
        // The letter may be there before the line of the inbox.
        let subject = serde_json::to_string(&format!("Hello {name}")).unwrap();
        tab.until(&format!("document.querySelector('#inbox .phone .subject').innerText === {subject}"));
    }
    // Scripts of a template's own, in a letter that takes another's place and in one that is loaded.
    let template = project.read("templates/essay.mjml");
    let own = "<mj-raw><script>top.ran=5</script><img src=\"data:,\" onerror=\"top.ran=6\" alt=\"\">\
        <a id=\"trap\" href=\"javascript:top.ran=7\" onclick=\"top.ran=8\">here</a></mj-raw></mj-body>";
    project.write("templates/essay.mjml", template.replace("</mj-body>", own));
    for _ in ["put into the page", "loaded"] {
        holds(&mut tab, "page.querySelector('#trap') && page.querySelector('[onerror]').complete");
        tab.run("await page.frameLocator('#phone').locator('#trap').click()");
        assert_eq!(tab.run("return await page.evaluate(() => 'ran' in window)"), false);
        tab.run("await page.reload()");
    }
    ends_well(tab);
}

#[test]
fn every_control_has_a_name_and_every_word_can_be_read() {
    let issue = long("kettle") + "\nIf you [click here](http://example.com/).\n";
    let project = quiet_week().file("issues/7.md", issue);
    let Some((_preview, mut tab)) = opened(&project) else { return };
    tab.run("await page.locator('#search').click(); await page.locator('#people [role=option]').first().waitFor()");
    let tree = tab.run(
        "const session = await page.context().newCDPSession(page);
         return (await session.send('Accessibility.getFullAXTree')).nodes.filter((node) => !node.ignored)
             .map((node) => [node.role.value, node.name?.value ?? ''])",
    );
    let mut controls = 0;
    for node in tree.as_array().unwrap() {
        let (role, name) = (node[0].as_str().unwrap(), node[1].as_str().unwrap());
        let is_control =
            ["button", "tab", "tablist", "tabpanel", "combobox", "listbox", "option", "link", "Iframe"];
        if is_control.contains(&role) {
            controls += 1;
            assert!(!name.trim().is_empty(), "a {role} has no name");
        }
    }
    assert!(controls > 15, "{tree}");
    tab.run("await page.keyboard.press('Escape')");
    for scheme in ["light", "dark"] {
        tab.run(&format!("await page.emulateMedia({{ colorScheme: '{scheme}' }})"));
        for panel in ["1", "2", "3", "4"] {
            tab.run(&format!("await page.locator('#views').focus(); await page.keyboard.press('{panel}')"));
            let faint =
                tab.text(&format!("page.evaluate({})", Value::from(format!("(() => {{{FAINT}}})()"))));
            assert!(faint.is_empty(), "{scheme}, panel {panel}: {faint}");
        }
    }
    project.write("issues/7.md", "---\ntitle: [\n---\n");
    tab.run("await page.getByRole('alert').waitFor()");
    for scheme in ["light", "dark"] {
        tab.run(&format!("await page.emulateMedia({{ colorScheme: '{scheme}' }})"));
        let faint = tab.text(&format!("page.evaluate({})", Value::from(format!("(() => {{{FAINT}}})()"))));
        assert!(faint.is_empty(), "{scheme}, a broken issue: {faint}");
    }
    ends_well(tab);
}

#[test]
fn one_file_is_the_same_page_and_asks_no_one() {
    let issue =
        format!("{HEAD}Look, and [click here](http://example.com/):\n\n![A red square](square.png)\n");
    let project = Project::new().file("issues/7.md", issue).file("issues/square.png", square(40));
    project.run(["preview", "7", "--static", "preview.html"]).code(0);
    let mut tab = match Tab::open(1600, 1000) {
        Ok(tab) => tab,
        Err(why) => return skip(why),
    };
    tab.run(&format!("await page.goto('file://{}')", project.path("preview.html").display()));
    let seen = "page.querySelector('[alt=\"A red square\"]')?.naturalWidth";
    holds(&mut tab, &format!("{seen} === 40"));
    tab.run("await page.keyboard.press('d')");
    holds(
        &mut tab,
        "page.body && page.defaultView.getComputedStyle(page.documentElement).colorScheme === 'dark'",
    );
    tab.run("await page.getByRole('button', { name: 'does not say where' }).click()");
    holds(&mut tab, "page.querySelector('[data-found]')?.textContent.includes('click here')");
    tab.run("await page.keyboard.press('i')");
    holds(&mut tab, &format!("page.readyState === 'complete' && {seen} === 0"));
    tab.run(
        "await page.keyboard.press('2'); await page.locator('#text-part', { hasText: 'Look' }).waitFor()",
    );
    // A key of a tab that is not there changes nothing.
    tab.run(
        "await page.keyboard.press('5'); await page.keyboard.press('0'); await page.locator('#text-part').waitFor()",
    );
    assert_eq!(tab.run("return await page.locator('#text-part').isVisible()"), true);
    tab.run("await page.keyboard.press('1')");
    holds(&mut tab, &format!("page.readyState === 'complete' && {seen} === 0"));
    assert_eq!(tab.run("return await page.locator('#chooser').isVisible()"), false);
    ends_well(tab);
}
