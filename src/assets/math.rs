//! Pictures of formulas, drawn by the command that the settings name, each once, and stored beside the issue.
//!
//! In: an issue and the command. Out: PNG files in the issue's folder of stored data, and a word on each formula that stays
//! TeX. Never: runs a shell of its own, waits for ever, or draws what is there.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{
    formula::{Formula, formulas, on_white},
    load::write_inside,
    vendored::vendor_folder,
};
use crate::{
    issue::Issue,
    source::{Diagnostic, Diagnostics, Place, Severity},
};

/// The program that draws formulas.
#[derive(Clone, Copy, Debug, Default)]
pub enum MathCommand<'a> {
    /// None: formulas stay TeX.
    #[default]
    None,
    /// None is needed: formulas are drawn by the program itself, in memory.
    BuiltIn,
    /// This program, and its arguments.
    Run(&'a [String]),
    /// The settings name one, and the user has not trusted them to run it: formulas that have no picture yet stay TeX.
    Untrusted {
        /// Where the settings name it.
        place: &'a Place,
        /// What that means for the letter.
        severity: Severity,
    },
}

/// How long one formula may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// No picture of a formula is larger, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// Of what a command complains, so much is read.
const COMPLAINT: u64 = 16 * 1024;

/// Draws every formula of an issue that has no picture yet, and stores it beside the issue. Nothing is drawn without a command.
pub fn draw_formulas(command: MathCommand<'_>, root: &Path, issue: &Issue) -> Diagnostics {
    let mut found = Diagnostics::new();
    let command = match command {
        MathCommand::None | MathCommand::BuiltIn => return found,
        MathCommand::Run([]) => return found,
        MathCommand::Run(command) => command,
        MathCommand::Untrusted { place, severity } => {
            let folder = vendor_folder(issue.source.path());
            if formulas(issue).iter().any(|formula| !folder.join(formula.file_name()).exists()) {
                found.push(untrusted(place, severity));
            }
            return found;
        }
    };
    let folder = vendor_folder(issue.source.path());
    let mut seen: Vec<String> = Vec::new();
    for formula in formulas(issue) {
        let name = formula.file_name();
        let path = folder.join(&name);
        if seen.contains(&name) || path.exists() {
            continue;
        }
        let drawn = run(command, root, &formula)
            .and_then(|bytes| {
                on_white(formula.style, &bytes).map_err(|_| "its output is not a PNG picture".to_owned())
            })
            .and_then(|bytes| write_inside(root, &path, &bytes).map_err(|error| error.to_string()));
        if let Err(why) = drawn {
            let message = format!("`{}` made no picture of this formula: {why}", command[0]);
            found.push(
                Diagnostic::at("M242", Severity::Warning, issue.source.place(formula.span), message)
                    .help("readers get it as TeX; fix the formula, or `math.command` in mimeo.toml"),
            );
        }
        seen.push(name);
    }
    found
}

fn untrusted(place: &Place, severity: Severity) -> Diagnostic {
    let message = "formulas stay TeX: this newsletter is not trusted to run programs such as `math.command`";
    Diagnostic::at("M244", severity, place.clone(), message)
        .help("look at the program, then trust it with `mimeo trust`, or for one run with --trust")
}

/// TeX in, a picture out.
fn run(command: &[String], root: &Path, formula: &Formula) -> Result<Vec<u8>, String> {
    let words = command.iter().map(|word| word.replace("{style}", formula.style.name()));
    let words: Vec<String> = words.collect();
    let root = fs::canonicalize(root).map_err(|error| error.to_string())?;
    let mut child = Command::new(program(&root, &words[0]))
        .args(&words[1..])
        .current_dir(&root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        let tex = format!("{}\n", formula.tex.trim());
        // A command that reads nothing ends on its own, and says why.
        thread::spawn(move || input.write_all(tex.as_bytes()));
    }
    let output = reading(child.stdout.take(), LARGEST + 1);
    let complaint = reading(child.stderr.take(), COMPLAINT);
    let bytes = output.recv_timeout(TIMEOUT).ok();
    if bytes.as_ref().is_none_or(|bytes| bytes.len() as u64 > LARGEST) {
        // It may have ended on its own in the meantime.
        let _ = child.kill();
    }
    // What has closed its output is about to end.
    let status = child.wait().map_err(|error| error.to_string())?;
    match bytes {
        None => Err(format!("it took more than {} seconds", TIMEOUT.as_secs())),
        Some(bytes) if bytes.len() as u64 > LARGEST => Err("the picture is larger than 1 MB".to_owned()),
        Some(_) if !status.success() => {
            let said = complaint.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
            let line = last_line(&said).map(|line| format!(": {line}")).unwrap_or_default();
            Err(format!("it ended with {status}{line}"))
        }
        Some(bytes) if bytes.is_empty() => Err("it wrote nothing".to_owned()),
        Some(bytes) => Ok(bytes),
    }
}

/// A path is one from the newsletter's folder; a bare name is looked up as everywhere.
fn program(root: &Path, word: &str) -> PathBuf {
    if word.contains('/') { root.join(word) } else { PathBuf::from(word) }
}

/// Reads to the end in a thread of its own, and hands over what there was.
fn reading(from: Option<impl Read + Send + 'static>, most: u64) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            // What was read before an error is judged like the rest.
            let _ = from.take(most).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// The last line that says something: programs put the reason there.
fn last_line(said: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(200).collect())
}
