//! B8 and B9: a build beside the reference MJML on the same MJML, and a dry run beside plainly writing its files.

use std::{fs, path::Path, time::Instant};

use crate::lab::{self, Goal, MIMEO, Newsletter, ROOT, cost, judge, print};

/// B8: cold processes.
pub(crate) fn build(rounds: u64) {
    println!("\nB8: a build of the long issue, from a cold process, {rounds} rounds");
    let mjml = Path::new(ROOT).join("benches/peers/node_modules/mjml/bin/mjml");
    if !lab::is_here("benches/peers/node_modules/mjml/bin/mjml", "npm install --prefix benches/peers") {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().display().to_string();
    let ours = [MIMEO, "-C", ROOT, "build", "a-year-in-review", "-o", &folder];
    let built = format!("{folder}/2022-12-30-a-year-in-review.mjml");
    let html = format!("{folder}/reference.html");
    let mjml = mjml.display().to_string();
    let theirs = ["node", &mjml, &built, "-o", &html];
    let (mut build, mut reference) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        build.push(cost(&[], &ours));
        reference.push(cost(&[], &theirs));
    }
    print("mimeo build (html, text, mjml)", "ms", build.iter().map(|cost| cost.seconds * 1e3));
    print("mjml, the HTML only", "ms", reference.iter().map(|cost| cost.seconds * 1e3));
    let ratios = build.iter().zip(&reference).map(|(ours, theirs)| ours.seconds / theirs.seconds);
    judge("B8 mimeo / mjml", "× the time", Goal::AtMost(0.01, 0.02), ratios);
}

/// B9: the same bytes in the same number of files.
pub(crate) fn dry_run(letters: u64, rounds: u64) {
    println!("\nB9: a dry run of {letters} letters into the outbox, {rounds} rounds");
    let newsletter = Newsletter::new(letters);
    newsletter.settings("");
    let (mut dry, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        newsletter.forget();
        dry.push(newsletter.send(&[], &["--dry-run"]));
        let outbox = newsletter.path().join("outbox");
        let written: Vec<Vec<u8>> = letters_in(&outbox).into_iter().take(64).collect();
        // Beside a `.gitignore`.
        let files = fs::read_dir(&outbox).unwrap().map(|entry| entry.unwrap().path());
        let count = files.filter(|path| path.extension().is_some_and(|ending| ending == "eml")).count();
        assert_eq!(count as u64, letters);
        newsletter.forget();
        let folder = newsletter.path().join("plainly");
        fs::create_dir(&folder).unwrap();
        let start = Instant::now();
        for n in 0..letters as usize {
            fs::write(folder.join(format!("{n}-reader{n}@example.com.eml")), &written[n % written.len()])
                .unwrap();
        }
        plain.push(start.elapsed().as_secs_f64());
        fs::remove_dir_all(&folder).unwrap();
    }
    print("mimeo send --dry-run, plan and all", "s", dry.iter().map(|cost| cost.seconds));
    print("the same files, plainly written", "s", plain.iter().copied());
    let ratios = dry.iter().zip(&plain).map(|(dry, plain)| dry.seconds / plain);
    judge("B9 dry run / plainly", "× the time", Goal::AtMost(2.0, 3.0), ratios);
}

fn letters_in(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().take(64);
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}
