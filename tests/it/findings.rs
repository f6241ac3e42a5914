//! Every folder in `fixtures/findings`: an issue that a rule of `mimeo check` speaks up about, and its fixed twin.
//!
//! A folder is named `CODE-what`. `bad.md` is the issue with the slip and `good.md` without it; the same goes for
//! `bad.toml` (the settings), `bad.csv` (the list) and `bad.mjml` (the template `own`) where the slip is in one
//! of these. `repeat` says how many times the last paragraph of `bad.md` is there, `tracked` that the list is in git, `heard.json`
//! what the web said about addresses (`check --online` is run then, and has nothing to ask).
//! `bad.pictures` has a line for each picture that is made: path, width, height, and how many bytes are hung on
//! (or, below nought, cut off).
//! Folders are laid out in the project as they are. What is reported about the bad one is in
//! `expected.txt`; about the good one nothing is reported at all. `MIMEO_BLESS=1 cargo test --test it findings` writes the answers
//! down again, to be read before they are kept.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::support::{
    project::{Project, repository},
    skip,
};

/// Settings that leave nothing to say.
const SETTINGS: &str = "[newsletter]\nname = \"Small Steps\"\npostal_address = \"Small Steps, 1 Example Street\"\n\
    archive = \"https://example.org/archive/\"\n\n\
    [sender]\nfrom = \"Ada Example <ada@example.org>\"\n\n[unsubscribe]\nmailto = \"leave@example.org\"\n\
    https = \"https://example.org/leave/{token}\"\n\n[check]\nlevels = { M483 = \"allow\" }\n";

const ISSUE: &str = "---\ntitle: A quiet week\nsubject: A quiet week in the workshop\n\
    preheader: What we repaired, what we broke, and a question for you\nnumber: 7\ndate: 2023-01-06\n---\n\n\
    Dear reader, the week was quiet.\n";

const LIST: &str = "email,first name\nbob@example.com,Bob\n";

/// Rules without a folder, and why.
const ELSEWHERE: [(&str, &str); 3] = [
    ("M435", "M231 refuses the address of such a picture before a letter is made"),
    ("M481", "M223 refuses a template without the way to leave, so that only a bug of ours leaves it out"),
    ("M485", "the text part is made from the document, so that only a bug of ours makes the parts differ"),
];

#[test]
fn every_finding_reads_as_written_down_and_its_fixed_twin_has_none() {
    let mut wrong = Vec::new();
    for folder in folders() {
        let bad = project(&folder, "bad").run(command(&folder));
        let answer = format!("exit code {}\n{}{}", bad.code.unwrap(), bad.stdout, bad.stderr);
        let path = folder.join("expected.txt");
        if crate::support::blesses() {
            fs::write(&path, &answer).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if answer != expected {
            wrong.push(format!("## {name}\n\nexpected:\n{expected}\nfound:\n{answer}"));
        }
        let code = code(&folder);
        if !answer.contains(&format!("[{code}]")) {
            wrong.push(format!("## {name}\n\n{code} is not found:\n{answer}"));
        }
        let good = project(&folder, "good").run(command(&folder));
        if !good.stderr.ends_with(" checked, no findings\n") {
            wrong.push(format!("## {name}\n\nthe fixed twin:\n{good}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_rule_has_a_folder() {
    let report = Project::empty().run(["explain"]).code(0).stdout;
    let rules: BTreeSet<&str> = report
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|code| "M4" <= *code)
        .collect();
    assert!(rules.len() > 45, "{report}");
    let folders: BTreeSet<String> = folders().iter().map(|folder| code(folder)).collect();
    let without: Vec<_> = rules
        .iter()
        .filter(|code| {
            !folders.contains(**code) && !ELSEWHERE.iter().any(|(elsewhere, _)| elsewhere == *code)
        })
        .collect();
    assert!(without.is_empty(), "no folder in tests/fixtures/findings: {without:?}");
    let unknown: Vec<_> = folders.iter().filter(|code| !rules.contains(code.as_str())).collect();
    assert!(unknown.is_empty(), "no rule has these codes: {unknown:?}");
}

#[test]
fn all_findings_in_sarif_keep_to_its_schema() {
    let schema = repository().join("target/sarif/schema.json");
    if !schema.exists() {
        return skip("the schema of SARIF is missing (tests/tools/sarif.sh)");
    }
    let installed = Command::new("python3").args(["-c", "import jsonschema"]).output();
    if !installed.is_ok_and(|ran| ran.status.success()) {
        return skip("jsonschema is not installed (pip install -r tests/tools/requirements.txt)");
    }
    let mut runs = Vec::new();
    for folder in folders() {
        let project = project(&folder, "bad");
        let arguments: Vec<&str> = command(&folder).iter().copied().chain(["--format", "sarif"]).collect();
        let report: Value = serde_json::from_str(&project.run(&arguments).stdout).unwrap();
        runs.extend(report["runs"].as_array().unwrap().clone());
    }
    // A file whose name is no address as it is, and settings that cannot be read.
    let odd = Project::new().file("issues/wörd & 100 %.md", "---\ntitle: A\n");
    let report = odd.run(["check", "--format", "sarif"]).code(3).stdout;
    let mut whole: Value = serde_json::from_str(&report).unwrap();
    let uri = &whole["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "issues/w%C3%B6rd%20%26%20100%20%25.md");
    whole["runs"].as_array_mut().unwrap().extend(runs);
    odd.write("all.sarif", serde_json::to_vec(&whole).unwrap());
    let validate = |document: &str| {
        let ran = Command::new("python3")
            .arg(repository().join("tests/tools/sarif_validate.py"))
            .args([&schema, &odd.path(document)])
            .output()
            .unwrap();
        (
            ran.status.success(),
            format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)),
        )
    };
    let (is_valid, report) = validate("all.sarif");
    assert!(is_valid, "{report}");
    // The validator can say no.
    whole["runs"][0]["results"][0]["level"] = "loud".into();
    odd.write("wrong.sarif", serde_json::to_vec(&whole).unwrap());
    assert!(!validate("wrong.sarif").0);
}

#[test]
fn the_page_of_findings_is_made_of_their_files() {
    let report = Project::empty().run(["explain", "--markdown"]).code(0).stdout;
    let path = repository().join("docs/findings.md");
    if crate::support::blesses() {
        fs::write(&path, &report).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(report == page, "docs/findings.md is stale: mimeo explain --markdown > docs/findings.md");
}

#[test]
fn every_code_that_the_program_reports_has_an_explanation_and_an_example() {
    let report = Project::empty().run(["explain"]).code(0).stdout;
    let known: BTreeSet<&str> = report.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let mut used = BTreeSet::new();
    codes(&repository().join("src"), &mut used);
    assert!(used.len() > 100, "{used:?}");
    let without: Vec<_> = used.iter().filter(|code| !known.contains(code.as_str())).collect();
    assert!(without.is_empty(), "no explanation: {without:?}");
    let project = Project::empty();
    for code in known {
        project.run(["explain", code]).code(0).stdout_has("Instead of").stdout_has(code);
    }
}

/// The codes in the program's text, such as `"M101"`.
fn codes(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes(&path, found);
            continue;
        }
        for part in fs::read_to_string(&path).unwrap_or_default().split('"') {
            let is_code =
                part.len() == 4 && part.starts_with('M') && part[1..].bytes().all(|b| b.is_ascii_digit());
            // M999 stands for a code that no one has.
            if is_code && part != "M999" {
                found.insert(part.to_owned());
            }
        }
    }
}

fn folders() -> Vec<std::path::PathBuf> {
    let folder = repository().join("tests/fixtures/findings");
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

fn code(folder: &Path) -> String {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    name.split('-').next().unwrap().to_owned()
}

/// What is run in the project.
fn command(folder: &Path) -> &'static [&'static str] {
    if folder.join("heard.json").exists() { &["check", "--online"] } else { &["check"] }
}

/// The newsletter around one of the twins.
fn project(folder: &Path, twin: &str) -> Project {
    let own = |extension: &str| fs::read_to_string(folder.join(format!("{twin}.{extension}"))).ok();
    let mut issue = own("md").unwrap_or_else(|| ISSUE.to_owned());
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    if twin == "bad"
        && let Some(times) = read("repeat")
    {
        let last = issue.trim_end().rsplit("\n\n").next().unwrap().to_owned();
        issue += &format!("\n{last}\n").repeat(times.trim().parse().unwrap());
    }
    let project = Project::empty()
        .file("mimeo.toml", own("toml").unwrap_or_else(|| SETTINGS.to_owned()))
        .file("subscribers.csv", own("csv").unwrap_or_else(|| LIST.to_owned()))
        .file("issues/7.md", issue);
    if let Some(template) = own("mjml") {
        project.write("templates/own.mjml", template);
    }
    for line in own("pictures").unwrap_or_default().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<i64>().unwrap();
        project.write(
            &format!("issues/{}", words[0]),
            picture(words[0], number(1) as u32, number(2) as u32, number(3)),
        );
    }
    if let Some(heard) = read("heard.json") {
        // All answers are fresh, so that nothing is asked.
        let now = jiff::Timestamp::now();
        let heard: serde_json::Map<String, Value> = serde_json::from_str(&heard).unwrap();
        let heard: serde_json::Map<String, Value> =
            heard.into_iter().map(|(url, answer)| (url, json!({ "at": now, "answer": answer }))).collect();
        project.write(".mimeo/links.json", serde_json::to_vec(&heard).unwrap());
    }
    lay_out(folder, &project, "");
    if twin == "bad" && folder.join("tracked").exists() {
        for arguments in [&["init", "-q"][..], &["add", "subscribers.csv"]] {
            let ran = Command::new("git").args(arguments).current_dir(project.path("")).output();
            assert!(ran.unwrap().status.success());
        }
    }
    project
}

/// A picture of the kind that its name says; a GIF has two frames.
fn picture(name: &str, width: u32, height: u32, more: i64) -> Vec<u8> {
    use image::{ExtendedColorType, ImageEncoder, codecs};
    let pixels = vec![120; (width * height * 3) as usize];
    let mut out = Vec::new();
    let color = ExtendedColorType::Rgb8;
    match name.rsplit('.').next().unwrap() {
        "png" => codecs::png::PngEncoder::new(&mut out).write_image(&pixels, width, height, color).unwrap(),
        "webp" => {
            codecs::webp::WebPEncoder::new_lossless(&mut out)
                .write_image(&pixels, width, height, color)
                .unwrap();
        }
        "gif" => {
            let mut encoder = codecs::gif::GifEncoder::new(&mut out);
            (0..2).for_each(|_| encoder.encode(&pixels, width, height, color).unwrap());
        }
        _ => out.extend_from_slice(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
    }
    let length = usize::try_from(out.len() as i64 + more).unwrap();
    out.resize(length, 0);
    out
}

fn lay_out(from: &Path, project: &Project, below: &str) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            lay_out(&entry.path(), project, &format!("{below}{name}/"));
        } else if !below.is_empty() {
            project.write(&format!("{below}{name}"), fs::read(entry.path()).unwrap());
        }
    }
}
