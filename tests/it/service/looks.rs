//! Every page in a real browser: nothing is cut off, everything has a name, everything can be reached with the keyboard.
//! `MIMEO_PICTURES=folder` keeps screenshots of all pages: phone and desktop, light and dark, and in Arabic.

use std::{fs, path::PathBuf};

use serde_json::Value;

use super::{letters, link, served_with, token};
use crate::support::{
    ports::free_port,
    project::Project,
    service::{HOST, Service},
    skip,
    tab::Tab,
};

const SETTINGS: &str = "newest_issue = true\n\n[serve.form]\nname = true\nfields = [\"city\"]\ndisposable = [\"trash.example.com\"]\n\n\
     [topics]\ntea = { title = \"Tea\", description = \"Of leaves, water and busy_timeout\" }\ncups = \"Cups\"\n";

/// What axe-core finds wrong on the page, in words. Playwright has put it there, past the page's own policy.
const AXE: &str = "
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`)";

/// What is wrong with a page that no rule of axe-core looks for.
const OWN: &str = "return await page.evaluate(() => {
    const wrong = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) wrong.push(`wider than the window: ${root.scrollWidth}`);
    for (const one of document.querySelectorAll('a, button, input:not([type=hidden]), select')) {
        if (one.tabIndex < 0) continue;
        one.focus();
        const style = getComputedStyle(one), box = (one.closest('label') ?? one).getBoundingClientRect();
        if (document.activeElement !== one) wrong.push(`cannot be focused: ${one.outerHTML}`);
        if (style.outlineStyle === 'none' && !one.matches(':focus-visible')) wrong.push(`focus is not seen: ${one.outerHTML}`);
        if (box.height < 24) wrong.push(`${box.height} pixels high: ${one.outerHTML}`);
    }
    document.activeElement?.blur();
    return wrong;
})";

/// Every page, by name, with the path that leads to it.
fn pages(project: &Project, service: &Service, url: &str) -> Vec<(&'static str, String)> {
    for (address, topic) in [("ann@example.com", "tea"), ("bo@example.com", "cups")] {
        project.run(["subscribers", "add", address, "--name", "Ann Lee", "--topic", topic]).code(0);
    }
    let unsubscribed = token(project, "bo@example.com");
    project.run(["subscribers", "add", "gone@example.com"]).code(0);
    service.post("/subscribe", "email=new@example.com").code(303);
    for address in ["ann@example.com", "gone@example.com"] {
        service.post("/preferences", &format!("email={address}")).code(303);
    }
    letters(project, 3);
    project.run(["subscribers", "unsubscribe", "gone@example.com"]).code(0);
    let text = |address: &str| {
        let text = letters(project, 3).into_iter().find(|(to, ..)| to == address).unwrap().2;
        text.replace(url, &format!("https://{HOST}"))
    };
    vec![
        ("subscribe", "/subscribe".to_owned()),
        ("sent", "/subscribe/sent".to_owned()),
        ("preferences-ask", "/preferences".to_owned()),
        ("preferences", link(&text("ann@example.com"), "preferences")),
        ("preferences-gone", link(&text("gone@example.com"), "preferences")),
        ("confirm", link(&text("new@example.com"), "confirm").split('?').next().unwrap().to_owned()),
        ("unsubscribe", format!("/unsubscribe/{unsubscribed}")),
        ("invalid-link", "/unsubscribe/abc".to_owned()),
        ("not-found", "/nowhere".to_owned()),
    ]
}

/// Names of pages that a `POST` answers with, and what to press on which page.
const PRESSED: [(&str, &str, &str); 4] = [
    (
        "refused",
        "subscribe",
        "document.querySelector('#email').value = 'ann@trash.example.com'; document.querySelector('button')",
    ),
    ("saved", "preferences", "document.querySelector('button[value=save]')"),
    ("confirmed", "confirm", "document.querySelector('button')"),
    ("unsubscribed", "unsubscribe", "document.querySelector('button')"),
];

#[test]
fn every_page_fits_reads_well_aloud_and_works_with_the_keyboard() {
    let mut tab = match Tab::open(390, 844) {
        Ok(tab) => tab,
        Err(missing) => return skip(missing),
    };
    let Ok(axe) = fs::read_to_string("target/playwright/node_modules/axe-core/axe.min.js") else {
        return skip("axe-core is not installed: tests/tools/playwright.sh has not been run");
    };
    let port = free_port();
    let (url, listen) = (format!("http://127.0.0.1:{port}"), format!("127.0.0.1:{port}"));
    let project = served_with(SETTINGS);
    project.write("mimeo.toml", project.read("mimeo.toml").replace(&format!("https://{HOST}"), &url));
    let service = Service::started(project.mimeo(["-q", "serve", "--listen", &listen])).at(&listen);
    let pages = pages(&project, &service, &url);
    let keep = std::env::var_os("MIMEO_PICTURES").map(PathBuf::from);
    tab.run(&format!("await page.addInitScript({})", Value::from(axe)));
    let mut wrong = Vec::new();
    let mut look = |tab: &mut Tab, name: &str| {
        let found = tab.run(AXE);
        let own = tab.run(OWN);
        for one in found.as_array().unwrap().iter().chain(own.as_array().unwrap()) {
            wrong.push(format!("{name}: {}", one.as_str().unwrap()));
        }
        if let Some(folder) = &keep {
            fs::create_dir_all(folder).unwrap();
            let path = Value::from(folder.join(format!("service-{name}.png")).to_string_lossy());
            tab.run(&format!("await page.screenshot({{ path: {path}, fullPage: true }})"));
        }
    };
    let looks = [
        (390, "light", "en"),
        (1280, "light", "en"),
        (390, "dark", "en"),
        (1280, "dark", "en"),
        (390, "light", "ar"),
        (1280, "light", "ar"),
    ];
    for (width, scheme, language) in looks {
        tab.run(&format!(
            "await page.setViewportSize({{ width: {width}, height: 844 }}); await page.emulateMedia({{ colorScheme: '{scheme}' }})"
        ));
        for (name, path) in &pages {
            tab.run(&format!("await page.goto('{url}{path}?lang={language}')"));
            look(&mut tab, &format!("{name}-{width}-{scheme}-{language}"));
        }
        if width == 390 && scheme == "light" {
            for (name, page, press) in PRESSED {
                let path = &pages.iter().find(|(known, _)| *known == page).unwrap().1;
                tab.run(&format!("await page.goto('{url}{path}?lang={language}')"));
                tab.run(&format!(
                    "await Promise.all([page.waitForNavigation(), page.evaluate(() => {{ {press}.click() }})])"
                ));
                look(&mut tab, &format!("{name}-{width}-{scheme}-{language}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
