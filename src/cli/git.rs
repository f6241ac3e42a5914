//! What git says about the newsletter's folder.

use std::{
    ffi::OsStr,
    io::{self, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Exit, Failure};

/// git, asked in one folder.
pub(crate) struct Git {
    folder: PathBuf,
}

/// A file of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// From the folder on, with `/`.
    pub(crate) path: String,
    /// Its content's name.
    pub(crate) object: String,
    /// It holds the path of another file.
    pub(crate) is_link: bool,
    /// Its size.
    pub(crate) octets: u64,
}

/// What a file begins with that stands for one kept elsewhere.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

impl Git {
    /// git in a folder; a failure when the folder is in no repository.
    pub(crate) fn at(folder: &Path) -> Result<Self, Failure> {
        let git = Self { folder: folder.to_owned() };
        let ran = git.output(["rev-parse", "--show-prefix"])?;
        if ran.status.success() {
            return Ok(git);
        }
        let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
        let folder = folder.display();
        Err(if said.contains("not a git repository") {
            Failure::input(format!("the folder `{folder}` is in no git repository"))
                .hint("without one there is no earlier state: git init, and commit the newsletter")
        } else {
            Failure::input(format!("git does not read the repository around `{folder}`: {said}"))
        }
        .exit(Exit::Usage))
    }

    fn command(&self) -> Command {
        command(&self.folder)
    }

    /// Runs git, whatever comes of it.
    pub(crate) fn output<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<std::process::Output, Failure> {
        self.command().args(arguments).stdin(Stdio::null()).output().map_err(missing)
    }

    /// What git prints; a failure when it fails.
    pub(crate) fn ask<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<String, Failure> {
        let ran = self.output(arguments)?;
        if !ran.status.success() {
            let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
            return Err(Failure::outside(format!("git failed: {said}")));
        }
        Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
    }

    /// The commit that a revision names.
    pub(crate) fn commit(&self, revision: &str) -> Result<String, Failure> {
        let unknown = |hint: &str| {
            Err(Failure::input(format!("git knows no revision `{revision}`")).hint(hint).exit(Exit::Usage))
        };
        // It would be taken for an option of git's.
        if revision.starts_with('-') {
            return unknown("a revision is a commit, a branch, a tag, or for example HEAD~1");
        }
        let name = format!("{revision}^{{commit}}");
        let ran = self.output(["rev-parse", "--verify", "--quiet", &name])?;
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned());
        }
        let shallow = self.output(["rev-parse", "--is-shallow-repository"])?;
        if shallow.stdout.starts_with(b"true") {
            return unknown("this clone is shallow: git fetch --unshallow brings what it lacks");
        }
        unknown("`git log --oneline` lists commits; a branch, a tag or HEAD~1 will do as well")
    }

    /// The files of a commit in this folder.
    pub(crate) fn files(&self, commit: &str) -> Result<Vec<Entry>, Failure> {
        let told = self.ask(["ls-tree", "-r", "-l", "-z", commit])?;
        Ok(told.split('\0').filter_map(entry).collect())
    }

    /// What is in these files, in their order.
    pub(crate) fn contents(&self, commit: &str, entries: &[&Entry]) -> Result<Vec<Vec<u8>>, Failure> {
        let mut command = self.command();
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(missing)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let names: String = entries.iter().map(|entry| format!("{}\n", entry.object)).collect();
        // Asked while the answers are read: git stops reading when nobody takes what it says.
        let asking =
            std::thread::spawn(move || input.map_or(Ok(()), |mut input| input.write_all(names.as_bytes())));
        let mut answers = BufReader::new(output.expect("the output was asked for"));
        let read = entries.iter().map(|_| answer(&mut answers)).collect::<io::Result<Vec<_>>>();
        let asked = asking.join().expect("writing does not panic");
        child.wait().map_err(Failure::outside)?;
        let mut read = read.and_then(|read| asked.map(|()| read)).map_err(|error| {
            Failure::outside(error).hint("`git fsck` tells whether the repository is whole")
        })?;
        for (entry, bytes) in entries.iter().zip(&mut read) {
            if bytes.starts_with(POINTER) {
                let name = format!("{commit}:./{}", entry.path);
                let ran = self.output(["cat-file", "--filters", &name])?;
                if ran.status.success() {
                    *bytes = ran.stdout;
                }
            }
        }
        Ok(read)
    }
}

/// git, about to be run in a folder. The repository may be a stranger's: programs that its configuration names as hooks or as
/// file system monitor are not started, nor is an external diff of the environment's.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        // Its words are compared, and names of files are wanted as they are.
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env_remove("GIT_EXTERNAL_DIFF")
        .args(["-c", "core.quotePath=false", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    command
}

fn missing(error: io::Error) -> Failure {
    let failure = Failure::file("run", Path::new("git"), error);
    failure.hint("earlier states come from git: install it, and check that it is on the path")
}

/// `100644 blob 8baef1b4abc478178b004d62031cf7fe6db6f903       6<TAB>issues/7.md`
fn entry(line: &str) -> Option<Entry> {
    let (facts, path) = line.split_once('\t')?;
    let mut facts = facts.split_ascii_whitespace();
    let (mode, kind, object, octets) = (facts.next()?, facts.next()?, facts.next()?, facts.next()?);
    // A tree made by hand may hold names that lead elsewhere.
    let is_plain = path.split('/').all(|part| !matches!(part, "" | "." | ".." | ".git"));
    (kind == "blob" && is_plain).then(|| Entry {
        path: path.to_owned(),
        object: object.to_owned(),
        is_link: mode == "120000",
        octets: octets.parse().unwrap_or(0),
    })
}

/// `8baef1b4abc478178b004d62031cf7fe6db6f903 blob 6`, so many octets, and the end of the line.
fn answer(from: &mut impl io::BufRead) -> io::Result<Vec<u8>> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "git lacks a file of that revision");
    let mut head = String::new();
    from.read_line(&mut head)?;
    let octets: u64 =
        head.trim_end().rsplit(' ').next().and_then(|size| size.parse().ok()).ok_or_else(broken)?;
    let mut bytes = Vec::new();
    from.take(octets).read_to_end(&mut bytes)?;
    let mut end = [0];
    from.read_exact(&mut end)?;
    if bytes.len() as u64 == octets { Ok(bytes) } else { Err(broken()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_file_in_the_folder() {
        let told =
            |mode: &str, kind: &str, path: &str| entry(&format!("{mode} {kind} 8baef1       6\t{path}"));
        let expected =
            Entry { path: "issues/a b.md".into(), object: "8baef1".into(), is_link: false, octets: 6 };
        assert_eq!(told("100644", "blob", "issues/a b.md"), Some(expected));
        assert!(told("120000", "blob", "latest.md").is_some_and(|entry| entry.is_link));
        for (kind, path) in
            [("commit", "module"), ("blob", "../a"), ("blob", "a/../b"), ("blob", ".git/config")]
        {
            assert_eq!(told("100644", kind, path), None, "{path}");
        }
    }

    #[test]
    fn an_answer_has_the_length_it_says() {
        let mut told = &b"8baef1 blob 3\nabc\n8baef2 missing\n"[..];
        assert_eq!(answer(&mut told).unwrap(), b"abc");
        assert!(answer(&mut told).is_err());
        assert!(answer(&mut &b"8baef1 blob 30\nabc\n"[..]).is_err());
    }
}
