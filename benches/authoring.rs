//! What an author waits for: the new letter in the browser after a save, `mimeo check`, and an answer about files that
//! no one would write. Everything is the real program on a copy of the long sample issue.
//!
//! `bash tests/tools/playwright.sh && cargo bench --bench authoring -- [ROUNDS]`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its figures, and stops when it cannot"
)]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/support/preview.rs"]
mod preview;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/support/project.rs"]
mod project;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/support/tab.rs"]
mod tab;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/support/terminal.rs"]
mod terminal;

use std::{
    fs,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use preview::Preview;
use project::Project;
use tab::Tab;

const ISSUE: &str = "issues/2022-12-30-a-year-in-review/index.md";
/// Words of the issue that each save changes.
const WORDS: &str = "a pot of tea";

fn main() {
    let rounds: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(25);
    let project = Project::gradient_ascent();
    // The preview shows the newest issue.
    fs::remove_file(project.path("issues/2023-01-06-the-quiet-week.md")).unwrap();
    // A busy machine tells more of itself than of us.
    println!("load of this machine: {}", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    save(&project, rounds);
    let before = processor();
    let times = (0..rounds).map(|_| check(&project, "a-year-in-review")).collect();
    print("mimeo check, a cold process", times, 30.0);
    if let (Some(before), Some(after)) = (before, processor()) {
        println!("{:36} mean   {:>7.1} ms of the processor", "", (after - before) / rounds as f64);
    }
    hostile();
}

/// From the moment before the file is written to the frame of pixels in which both windows show the letter.
fn save(project: &Project, rounds: usize) {
    let mut tab = match Tab::open(1600, 1000) {
        Ok(tab) => tab,
        Err(why) => return println!("SKIPPED: from a save to the letter in the browser: {why}"),
    };
    let preview = Preview::of(project);
    tab.run(&format!("await page.goto('{}')", preview.url()));
    tab.until("document.querySelector('#findings li')");
    let issue = project.read(ISSUE);
    let mut times = Vec::new();
    for round in 0..=rounds {
        let words = format!("cup number {round}");
        // The page looks at each frame whether the words are there, and takes the time when the next one begins, for by
        // then they have been drawn.
        tab.run(&format!(
            "await page.evaluate(() => {{
                 const there = (frame) => frame.contentDocument.body?.textContent.includes('{words}');
                 const now = () => performance.timeOrigin + performance.now();
                 window.seen = new Promise((done) => {{
                     const look = () => requestAnimationFrame([phone, desktop].every(there) ? () => done(now()) : look);
                     look();
                 }});
             }})"
        ));
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1e3;
        project.write(ISSUE, issue.replace(WORDS, &words));
        let seen = tab.run("return await page.evaluate(() => window.seen)");
        // The first save warms the browser's fonts and the program's caches.
        if round > 0 {
            times.push(seen.as_f64().unwrap() - before);
        }
        // The findings of this save do not run into the next one.
        tab.until("findings.dataset.version === document.documentElement.dataset.shown");
    }
    print("a save to the letter in the browser", times, 100.0);
}

/// How long the program looks at an issue, in milliseconds.
fn check(project: &Project, issue: &str) -> f64 {
    let begun = Instant::now();
    let ran = project.run(["check", issue]);
    let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
    assert!(matches!(ran.code, Some(0 | 3)), "{ran}");
    milliseconds
}

/// `mimeo check` on what no one would write.
fn hostile() {
    const HEAD: &str = "---\ntitle: A quiet week\nnumber: 7\ndate: 2023-01-06\n---\n\n";
    for (name, text) in [
        ("10 MB of short paragraphs", "A sentence that says the same again.\n\n".repeat(270_000)),
        ("10 MB in one paragraph", "Words and *more* words.\n".repeat(430_000)),
        ("10 MB of one word", "x".repeat(10_000_000)),
        ("10 MB of links", "[here](https://example.org/) and \n".repeat(300_000)),
        ("50,000 quotes deep", "> ".repeat(50_000) + "x"),
        ("20,000 lists deep", "- ".repeat(20_000) + "x"),
        ("50,000 brackets deep", "[".repeat(50_000) + "x" + &"](x)".repeat(50_000)),
        ("20,000 containers deep", "::: note\n".repeat(20_000)),
        ("20,000 tags deep", "<div>".repeat(20_000)),
    ] {
        let project = Project::new().file("issues/7.md", format!("{HEAD}{text}"));
        print(&format!("check: {name}"), (0..3).map(|_| check(&project, "7")).collect(), 2_000.0);
    }
}

/// Milliseconds of the processor that ended children have used so far, where `/proc` tells them (in hundredths).
fn processor() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may hold anything: user and system time of children are the 16th and 17th field.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(10.0 * (fields.get(13)?.parse::<f64>().ok()? + fields.get(14)?.parse::<f64>().ok()?))
}

/// One line: the median, how far from it half of the figures are, the extremes, and the target.
fn print(what: &str, mut times: Vec<f64>, target: f64) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[(share * (times.len() - 1) as f64).round() as usize];
    println!(
        "{what:<36} median {:>7.1} ms, quartiles {:.1} to {:.1}, all {:.1} to {:.1} ({} times), target {target:.0} ms: {}",
        at(0.5),
        at(0.25),
        at(0.75),
        at(0.0),
        at(1.0),
        times.len(),
        if at(0.5) < target { "met" } else { "missed" }
    );
}
