//! A page in a real browser, as a person at the keyboard has it. Playwright drives it through `tests/tools/browse.mjs`.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

/// Debian's name for the browser without a window.
pub(crate) const BROWSER: &str = "chromium-headless-shell";
/// Those that a page of ours must work in, as Debian ships them.
pub(crate) const BROWSERS: [&str; 3] = [BROWSER, "chromium", "firefox-esr"];

/// What makes a picture the same on every machine, and keeps the browser from asking anybody but this machine.
pub(crate) const FLAGS: [&str; 11] = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// The browser with its one page; both end with the test.
pub(crate) struct Tab {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Tab {
    /// A page of so many pixels. Without the browser or its driver, what is missing.
    pub(crate) fn open(width: u32, height: u32) -> Result<Self, &'static str> {
        Self::open_in(BROWSER, width, height)
    }

    /// The same in a browser of [`BROWSERS`].
    pub(crate) fn open_in(browser: &str, width: u32, height: u32) -> Result<Self, &'static str> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        if !Path::new("/usr/bin").join(browser).exists() {
            return Err("a browser (chromium-headless-shell, chromium, firefox-esr) is not installed");
        }
        if !root.join("target/playwright/node_modules/playwright-core").exists() {
            return Err("tests/tools/playwright.sh has not been run");
        }
        let mut child = Command::new("node")
            .arg(root.join("tests/tools/browse.mjs"))
            .args([browser.to_owned(), width.to_string(), height.to_string()])
            .args(FLAGS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|_| "node is not installed")?;
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut tab = Self { input: child.stdin.take(), child, output };
        tab.answer("the browser's start");
        Ok(tab)
    }

    /// Runs a piece of script with Playwright's `page` in scope. Playwright waits on its own until what a script touches
    /// is there, and fails after half a minute.
    #[track_caller]
    pub(crate) fn run(&mut self, script: &str) -> Value {
        let line = format!("{}\n", Value::from(script));
        self.input.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        self.answer(script)
    }

    /// What an expression of Playwright's gives, when it is text.
    #[track_caller]
    pub(crate) fn text(&mut self, expression: &str) -> String {
        let value = self.run(&format!("return await {expression}"));
        value.as_str().unwrap_or_else(|| panic!("{expression} gives {value}")).to_owned()
    }

    /// Waits until an expression holds in the page.
    #[track_caller]
    pub(crate) fn until(&mut self, condition: &str) {
        // A function, not text: the page's own policy forbids it to make code of text.
        self.run(&format!("await page.waitForFunction(() => ({condition}))"));
    }

    #[track_caller]
    fn answer(&mut self, script: &str) -> Value {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the browser is gone after {script}");
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => panic!("{script}\n{error}"),
            None => answer["value"].take(),
        }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        // Without input the driver closes its browser and ends.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
