//! Where messages come from: files, mailbox files, maildirs, folders, the standard input; one message at a time.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use crate::{bounce::SIZE_MAX, cli::failure::Failure};

/// One message, as far as it is looked at.
pub(super) struct Input {
    /// The file that it is in, or `-`.
    pub(super) file: String,
    pub(super) bytes: Vec<u8>,
}

/// All messages of all inputs, in order.
pub(super) struct Inputs {
    waiting: VecDeque<PathBuf>,
    open: Option<Mailbox>,
}

/// A file that is being read.
struct Mailbox {
    file: String,
    reader: Box<dyn BufRead>,
    /// Whether it is a mailbox file: a message begins with each line `From …` behind an empty line.
    is_mbox: bool,
    /// The first line of the next message.
    next: Vec<u8>,
    done: bool,
}

impl Inputs {
    pub(super) fn new(inputs: &[PathBuf]) -> Self {
        Self { waiting: inputs.iter().cloned().collect(), open: None }
    }

    /// Opens the next file; a folder is replaced by what is in it.
    fn open(&mut self, path: &Path) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::input(format!("cannot read `{}`: {error}", path.display()));
        if path == Path::new("-") {
            self.open =
                Some(Mailbox::new("-".to_owned(), Box::new(BufReader::new(io::stdin()))).map_err(failed)?);
            return Ok(());
        }
        if fs::metadata(path).map_err(failed)?.is_dir() {
            for file in messages(path).map_err(failed)?.into_iter().rev() {
                self.waiting.push_front(file);
            }
            return Ok(());
        }
        let reader = Box::new(BufReader::new(File::open(path).map_err(failed)?));
        self.open = Some(Mailbox::new(path.display().to_string(), reader).map_err(failed)?);
        Ok(())
    }
}

impl Iterator for Inputs {
    type Item = Result<Input, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(mailbox) = &mut self.open {
                match mailbox.message() {
                    Ok(Some(input)) => return Some(Ok(input)),
                    Ok(None) => self.open = None,
                    Err(error) => {
                        let failure = Failure::input(format!("cannot read `{}`: {error}", mailbox.file));
                        self.open = None;
                        return Some(Err(failure));
                    }
                }
            }
            let path = self.waiting.pop_front()?;
            if let Err(failure) = self.open(&path) {
                return Some(Err(failure));
            }
        }
    }
}

/// The messages of a maildir (`new`, then `cur`), or the files of another folder, by name.
fn messages(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let parts = [folder.join("new"), folder.join("cur")];
    let is_maildir = parts.iter().all(|part| part.is_dir());
    let folders = if is_maildir { parts.to_vec() } else { vec![folder.to_owned()] };
    let mut found = Vec::new();
    for folder in folders {
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !hidden && fs::metadata(entry.path())?.is_file() {
                files.push(entry.path());
            }
        }
        files.sort();
        found.extend(files);
    }
    Ok(found)
}

impl Mailbox {
    fn new(file: String, mut reader: Box<dyn BufRead>) -> io::Result<Self> {
        let mut next = Vec::new();
        let found = line(&mut reader, &mut next)?;
        Ok(Self { file, reader, is_mbox: is_separator(&next), next, done: !found })
    }

    /// The next message. An empty file has none.
    fn message(&mut self) -> io::Result<Option<Input>> {
        if self.done {
            return Ok(None);
        }
        let mut bytes = std::mem::take(&mut self.next);
        let mut was_empty = false;
        loop {
            let mut found = Vec::new();
            if !line(&mut self.reader, &mut found)? {
                self.done = true;
                break;
            }
            if self.is_mbox && was_empty && is_separator(&found) {
                self.next = found;
                break;
            }
            was_empty = matches!(found.as_slice(), b"\n" | b"\r\n");
            // What is not looked at is not kept.
            if bytes.len() < SIZE_MAX {
                bytes.extend_from_slice(&found);
            }
        }
        Ok(Some(Input { file: self.file.clone(), bytes }))
    }
}

/// Reads one line with its end; of a line longer than a message may be, the first bytes. False at the end of the input.
fn line(reader: &mut dyn BufRead, to: &mut Vec<u8>) -> io::Result<bool> {
    let mut any = false;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = memchr::memchr(b'\n', buffer).map(|at| at + 1);
        let taken = end.unwrap_or(buffer.len());
        if to.len() < SIZE_MAX {
            to.extend_from_slice(&buffer[..taken]);
        }
        reader.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// `From MAILER-DAEMON Sat Jan  3 01:05:34 2026`: a sender, and a time of day.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let time = |word: &[u8]| word.len() >= 5 && word[0].is_ascii_digit() && word.contains(&b':');
    rest.len() < 300 && rest.split(|byte| byte.is_ascii_whitespace()).skip(1).any(time)
}
