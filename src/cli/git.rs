//! What git says about the newsletter's folder.
//!
//! The repository may be a stranger's, and its configuration may name programs: hooks, a file system monitor, filters, diff
//! drivers, a verifier of signatures, transports for objects that are missing. None of them is started.

use std::{
    ffi::OsStr,
    fs,
    io::{self, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::failure::{Exit, Failure};

/// git, asked in one folder.
pub(crate) struct Git {
    folder: PathBuf,
    /// The filters that configuration names, to be turned off.
    filters: Vec<String>,
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
    pub(crate) bytes: u64,
}

/// What a file begins with that stands for one kept elsewhere.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

impl Git {
    /// git in a folder; a failure when the folder is in no repository.
    pub(crate) fn at(folder: &Path) -> Result<Self, Failure> {
        let mut git = Self { folder: folder.to_owned(), filters: Vec::new() };
        let ran = git.output(["rev-parse", "--show-prefix"])?;
        if ran.status.success() {
            git.filters = git.named_filters()?;
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

    /// The filters of files that any configuration names; asking for them starts none.
    fn named_filters(&self) -> Result<Vec<String>, Failure> {
        let ran = self.output(["config", "-z", "--name-only", "--get-regexp", r"^filter\."])?;
        let names = String::from_utf8_lossy(&ran.stdout).into_owned();
        let filter = |name: &str| Some(name.strip_prefix("filter.")?.rsplit_once('.')?.0.to_owned());
        let mut filters: Vec<String> = names.split('\0').filter_map(filter).collect();
        filters.sort();
        filters.dedup();
        Ok(filters)
    }

    /// git, about to be run, with every filter turned off.
    fn command(&self) -> Command {
        let mut command = command(&self.folder);
        // A filter's name may hold `=`, which `-c` would take for its own. The user may have set some already.
        let mut count: usize =
            std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
        for filter in &self.filters {
            for (key, value) in [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")] {
                command.env(format!("GIT_CONFIG_KEY_{count}"), format!("filter.{filter}.{key}"));
                command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
                count += 1;
            }
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command
    }

    /// What stands for a file that Git LFS keeps elsewhere is replaced by that file, if this machine has it.
    fn kept_elsewhere(&self, pointer: &[u8]) -> Option<Vec<u8>> {
        let name = lfs_name(pointer)?;
        let ran = self.output(["rev-parse", "--git-common-dir"]).ok().filter(|ran| ran.status.success())?;
        let store = self.folder.join(String::from_utf8_lossy(&ran.stdout).trim_end()).join("lfs/objects");
        let bytes = std::fs::read(store.join(&name[..2]).join(&name[2..4]).join(&name)).ok()?;
        // The content is what its name says, whatever is in the store.
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let is: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        (is == name).then_some(bytes)
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
        let listed = self.ask(["ls-tree", "-r", "-l", "-z", commit])?;
        Ok(listed.split('\0').filter_map(entry).collect())
    }

    /// What is in these files, in their order.
    pub(crate) fn contents(&self, entries: &[&Entry]) -> Result<Vec<Vec<u8>>, Failure> {
        let mut command = self.command();
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(missing)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let names: String = entries.iter().map(|entry| format!("{}\n", entry.object)).collect();
        // Asked while the answers are read: git stops reading when no one takes what it says.
        let asking =
            std::thread::spawn(move || input.map_or(Ok(()), |mut input| input.write_all(names.as_bytes())));
        let mut answers = BufReader::new(output.expect("the output was asked for"));
        let read = entries.iter().map(|_| answer(&mut answers)).collect::<io::Result<Vec<_>>>();
        let asked = asking.join().expect("writing does not panic");
        child.wait().map_err(Failure::outside)?;
        let mut read = read.and_then(|read| asked.map(|()| read)).map_err(|error| {
            Failure::outside(error).hint("`git fsck` tells whether the repository is whole")
        })?;
        for bytes in &mut read {
            if let Some(kept) = self.kept_elsewhere(bytes) {
                *bytes = kept;
            }
        }
        Ok(read)
    }
}

/// The object that a pointer of Git LFS names: 64 hexadecimal digits.
fn lfs_name(pointer: &[u8]) -> Option<String> {
    let text =
        std::str::from_utf8(pointer.strip_prefix(POINTER)?.get(..200.min(pointer.len() - POINTER.len()))?)
            .ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("oid sha256:"))?.trim();
    let is_name = name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_name.then(|| name.to_owned())
}

/// git, about to be run in a folder, without the programs that a configuration can name for what we ask.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        // Its words are compared, and names of files are wanted as they are.
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env_remove("GIT_EXTERNAL_DIFF")
        // A clone that lacks objects would fetch them: with a transport, an ssh command, a credential helper.
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .arg("--no-pager");
    for setting in [
        "core.quotePath=false",
        "core.fsmonitor=false",
        "core.hooksPath=/dev/null",
        // Signatures are verified by a program.
        "log.showSignature=false",
        // A folder that was cloned may look like a repository itself, with a configuration of its own.
        "safe.bareRepository=explicit",
    ] {
        command.args(["-c", setting]);
    }
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
    let (mode, kind, object, size) = (facts.next()?, facts.next()?, facts.next()?, facts.next()?);
    // A tree made by hand may hold names that lead elsewhere.
    let is_plain = path.split('/').all(|part| !matches!(part, "" | "." | ".." | ".git"));
    (kind == "blob" && is_plain).then(|| Entry {
        path: path.to_owned(),
        object: object.to_owned(),
        is_link: mode == "120000",
        bytes: size.parse().unwrap_or(0),
    })
}

/// `8baef1b4abc478178b004d62031cf7fe6db6f903 blob 6`, so many bytes, and the end of the line.
fn answer(from: &mut impl io::BufRead) -> io::Result<Vec<u8>> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "git lacks a file of that revision");
    let mut head = String::new();
    from.read_line(&mut head)?;
    let size: u64 =
        head.trim_end().rsplit(' ').next().and_then(|size| size.parse().ok()).ok_or_else(broken)?;
    let mut bytes = Vec::new();
    from.take(size).read_to_end(&mut bytes)?;
    let mut end = [0];
    from.read_exact(&mut end)?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(broken()) }
}

/// A path from a folder on, with `/`; none when it is elsewhere.
pub(super) fn below(folder: &Path, path: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let name = path.file_name()?;
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The file itself may be a link: git remembers it under this name.
    let path = fs::canonicalize(above).ok()?.join(name);
    Some(slashes(path.strip_prefix(folder).ok()?))
}

/// A path with `/`, as git writes it.
pub(super) fn slashes(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_file_in_the_folder() {
        let listed =
            |mode: &str, kind: &str, path: &str| entry(&format!("{mode} {kind} 8baef1       6\t{path}"));
        let expected =
            Entry { path: "issues/a b.md".into(), object: "8baef1".into(), is_link: false, bytes: 6 };
        assert_eq!(listed("100644", "blob", "issues/a b.md"), Some(expected));
        assert!(listed("120000", "blob", "latest.md").is_some_and(|entry| entry.is_link));
        for (kind, path) in
            [("commit", "module"), ("blob", "../a"), ("blob", "a/../b"), ("blob", ".git/config")]
        {
            assert_eq!(listed("100644", kind, path), None, "{path}");
        }
    }

    #[test]
    fn a_pointer_of_lfs_names_an_object_and_nothing_else() {
        let name = "ab".repeat(32);
        let pointer = |oid: &str| format!("version https://git-lfs.github.com/spec/v1\noid {oid}\nsize 3\n");
        assert_eq!(lfs_name(pointer(&format!("sha256:{name}")).as_bytes()), Some(name.clone()));
        for other in ["sha256:../../../../etc/passwd", "sha256:", &format!("sha1:{name}"), "sha256:é"] {
            assert_eq!(lfs_name(pointer(other).as_bytes()), None, "{other}");
        }
        assert_eq!(lfs_name(b"a picture"), None);
    }

    #[test]
    fn an_answer_has_the_length_it_says() {
        let mut listed = &b"8baef1 blob 3\nabc\n8baef2 missing\n"[..];
        assert_eq!(answer(&mut listed).unwrap(), b"abc");
        assert!(answer(&mut listed).is_err());
        assert!(answer(&mut &b"8baef1 blob 30\nabc\n"[..]).is_err());
    }
}
