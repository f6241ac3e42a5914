//! A reader's whole way, with nothing between them and the program that is not real: Chromium, nginx, Postfix.

use mail_parser::MessageParser;
use serde_json::Value;

use super::{ISSUE, dump};
use crate::support::{
    nginx::Nginx,
    ports::free_port,
    postfix::Postfix,
    project::{LEAST, Project},
    service::{Place, Service},
    skip,
    tab::Tab,
};

/// A newsletter behind nginx that sends through Postfix, and a reader's browser.
struct World {
    project: Project,
    service: Service,
    postfix: Postfix,
    /// Where readers reach it.
    url: String,
    _nginx: Nginx,
    tab: Tab,
}

impl World {
    fn new(more: &str) -> Option<Self> {
        let tab = match Tab::open(900, 900) {
            Ok(tab) => tab,
            Err(missing) => {
                skip(missing);
                return None;
            }
        };
        let postfix = Postfix::start()?;
        let (front, behind) = (free_port(), free_port());
        let url = format!("http://127.0.0.1:{front}");
        let settings = format!(
            "{LEAST}\n[list]\nmanaged = true\n\n[relay]\nurl = \"smtp://127.0.0.1:{}?tls=none\"\n\n[serve]\nurl = \"{url}/\"\n\
             listen = \"127.0.0.1:{behind}\"\ntrusted_proxies = [\"127.0.0.1\"]\n{more}",
            postfix.plain
        );
        let project = Project::empty().file("mimeo.toml", settings).file("issues/one.md", ISSUE).file(
            "issues/two.md",
            ISSUE.replace("One two three", "Four five six").replace("number: 1", "number: 2"),
        );
        let nginx = Nginx::start(front, behind)?;
        let service = Service::started(project.mimeo(["-q", "serve"]));
        Some(Self { project, service, postfix, url, _nginx: nginx, tab })
    }

    fn goto(&mut self, path: &str) {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        self.tab.run(&format!("await page.goto({})", Value::from(url)));
    }

    fn heading(&mut self) -> String {
        self.tab.text("page.locator('h1').textContent()")
    }

    /// Presses the button with this label, as a person does.
    fn press(&mut self, label: &str) {
        let name = Value::from(label);
        self.tab.run(&format!("await page.getByRole('button', {{ name: {name}, exact: true }}).click()"));
    }

    /// Subscribes with the form. A person needs some seconds to fill it in, and so does this one.
    fn sign_up(&mut self, address: &str) {
        self.goto("/subscribe");
        let typed = Value::from(address);
        self.tab.run(&format!(
            "await page.getByLabel('Email address').pressSequentially({typed}, {{ delay: 200 }})"
        ));
        self.press("Subscribe");
        assert_eq!(self.heading(), "Please look into your mailbox");
    }

    /// The letters that have arrived for someone, when there are so many in all.
    fn mailbox(&self, address: &str, in_all: usize) -> Vec<Vec<u8>> {
        self.postfix.wait_for(in_all);
        self.postfix.mailbox(address)
    }
}

/// A link of the service in a letter.
#[track_caller]
fn link(letter: &[u8], url: &str, kind: &str) -> String {
    let letter = MessageParser::new().parse(letter).unwrap();
    let text = letter.body_text(0).unwrap();
    let at = text.find(&format!("{url}/{kind}/")).unwrap_or_else(|| panic!("no {kind} link in {text}"));
    text[at..].split(|c: char| c.is_whitespace() || c == '>' || c == ')').next().unwrap().to_owned()
}

fn subject(letter: &[u8]) -> String {
    MessageParser::new().parse(letter).unwrap().subject().unwrap().to_owned()
}

#[test]
fn a_reader_signs_up_confirms_reads_and_leaves_with_real_programs() {
    let Some(mut world) = World::new("") else { return };
    world.sign_up("ann@example.com");
    let letters = world.mailbox("ann@example.com", 1);
    assert_eq!(subject(&letters[0]), "Please confirm your subscription");
    world.goto(&link(&letters[0], &world.url.clone(), "confirm"));
    assert_eq!(world.heading(), "Confirm your subscription");
    world.project.run(["subscribers", "show", "ann@example.com"]).code(3);
    world.press("Yes, send me the letters");
    assert_eq!(world.heading(), "Thank you");
    // nginx said who asked, and the service believed it.
    let shown = world.project.run(["subscribers", "show", "ann@example.com", "--json"]).code(0).stdout;
    assert!(shown.contains("\"requested_from\": \"127.0.0.0/24\""), "{shown}");
    world.project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("1 accepted");
    let letters = world.mailbox("ann@example.com", 2);
    let issue = letters.iter().find(|letter| subject(letter) == "One two three").unwrap();
    // What a mail provider does with its button (RFC 8058).
    let parsed = MessageParser::new().parse(issue.as_slice()).unwrap();
    let raw = |name: &str| parsed.header_raw(name).unwrap_or_else(|| panic!("no {name}")).trim().to_owned();
    assert_eq!(raw("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let unsubscribe = raw("List-Unsubscribe");
    let address = unsubscribe.split(['<', '>']).find(|part| part.starts_with(&world.url)).unwrap();
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let form = "List-Unsubscribe=One-Click";
    let request = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    Place::Tcp(host.to_owned()).raw(request.as_bytes()).unwrap().code(200);
    world.project.run(["send", "two", "--yes"]).stderr_has("nothing to send");
    assert_eq!(world.mailbox("ann@example.com", 2).len(), 2, "the next issue does not reach them");
    assert_eq!(world.service.end(), Some(0));
}

#[test]
fn a_reader_changes_downloads_and_erases_their_data_in_a_browser() {
    let Some(mut world) = World::new("\n[topics]\ntea = \"Tea\"\n\n[serve.form]\nname = true\n") else {
        return;
    };
    world.project.run(["subscribers", "add", "ann@example.com"]).code(0);
    world.goto("/preferences");
    // With the keyboard alone.
    world.tab.run("await page.keyboard.press('Tab')");
    world.tab.run("await page.keyboard.type('ann@example.com'); await page.keyboard.press('Enter')");
    world.tab.run("await page.waitForURL('**/subscribe/sent*')");
    let letters = world.mailbox("ann@example.com", 1);
    let page = link(&letters[0], &world.url.clone(), "preferences");
    world.goto(&page);
    world.tab.run(
        "await page.getByLabel('Name').fill('Ann Lee'); await page.getByRole('checkbox').check();
         await page.getByLabel('Language').selectOption('ar')",
    );
    world.press("Save");
    assert_eq!(world.tab.text("page.locator('html').getAttribute('dir')"), "rtl");
    let data = |tab: &mut Tab| -> Value {
        let text = tab.text(
            "page.request.get(new URL(await page.locator('a[href*=\"subscription.json\"]').getAttribute('href'), page.url()).href)
                 .then((answer) => answer.text())",
        );
        serde_json::from_str(&text).unwrap()
    };
    world.goto(&page);
    let known = data(&mut world.tab);
    assert_eq!((&known["person"]["name"], &known["person"]["language"]), (&"Ann Lee".into(), &"ar".into()));
    assert_eq!(known["person"]["topics"], serde_json::json!(["tea"]));
    let before = dump(&world.project);
    world.goto(&page);
    assert_eq!(dump(&world.project), before, "looking changes nothing");
    world.tab.run("await page.locator('button[value=\"erase\"]').click()");
    world.project.run(["subscribers", "show", "ann@example.com"]).code(3);
    assert!(!dump(&world.project).contains("ann@example.com"), "nothing of them is left");
    world.project.run(["send", "one", "--yes", "--first"]).stderr_has("nothing to send");
    assert_eq!(world.mailbox("ann@example.com", 1).len(), 1);
}

/// A page of another site with our form, served beside.
pub(super) fn foreign_page(html: &str, policy: &str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Security-Policy: {policy}\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{html}",
        html.len()
    );
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 8192]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn the_embedded_form_works_under_a_strict_policy_with_its_script_and_without() {
    let Some(mut world) = World::new("") else { return };
    let snippet = world.project.run(["serve", "--snippet", "script"]).code(0).stdout;
    let page = format!("<!doctype html><html lang=\"en\"><title>Mine</title><h1>Mine</h1>\n{snippet}");
    let url = world.url.clone();
    let allowed = format!("default-src 'none'; script-src {url}; connect-src {url}; form-action {url}");
    let without = format!("default-src 'none'; form-action {url}");
    let listed = foreign_page(&page, &allowed);
    let settings = world.project.read("mimeo.toml");
    world.project.write("mimeo.toml", format!("{settings}\n[serve.form]\norigins = [\"{listed}\"]\n"));
    assert_eq!(world.service.end(), Some(0));
    world.service = Service::started(world.project.mimeo(["-q", "serve"]));
    let fill = |world: &mut World, address: &str| {
        let address = Value::from(address);
        world.tab.run(&format!("await page.getByLabel('Email address').fill({address})"));
        world.press("Subscribe");
    };
    // With the script the reader stays.
    world.goto(&listed);
    assert!(!world.tab.run("return await page.locator('[name=website]').isVisible()").as_bool().unwrap());
    fill(&mut world, "ann@example.com");
    world.tab.until("document.querySelector('[role=status]').textContent.startsWith('If this address')");
    assert_eq!(world.heading(), "Mine");
    // A page that is not listed, and one that lets no script run, lead to ours.
    for (address, policy) in [("bo@example.com", &allowed), ("cy@example.com", &without)] {
        world.goto(&foreign_page(&page, policy));
        fill(&mut world, address);
        world.tab.run("await page.waitForURL('**/subscribe/sent*')");
        assert_eq!(world.heading(), "Please look into your mailbox");
    }
    world.postfix.wait_for(3);
    for address in ["ann@example.com", "bo@example.com", "cy@example.com"] {
        assert_eq!(world.postfix.mailbox(address).len(), 1, "{address} asked once");
    }
}
