//! Which findings a change authored_markup in: those in lines that git says were added or changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
};

use crate::{
    cli::{
        context::Context,
        failure::{Exit, Failure},
        git::{Git, below},
    },
    source::{Diagnostics, Place},
};

/// Findings in lines that were added or changed since a revision; findings about whole files stay.
pub(super) fn since(context: &Context, revision: &str, found: Diagnostics) -> Result<Diagnostics, Failure> {
    let git = Git::at(&context.directory)?;
    // It would be taken for an option of git's.
    let ran = if revision.starts_with('-') {
        None
    } else {
        // Whatever the owner set for diffs of their own must not change how these are read.
        let how = [
            "--unified=0",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--relative",
            "--ignore-submodules",
        ];
        let prefixes = ["--src-prefix=a/", "--dst-prefix=b/"];
        Some(git.output(["diff"].into_iter().chain(how).chain(prefixes).chain([revision, "--"]))?)
    };
    let Some(ran) = ran.filter(|ran| ran.status.success()) else {
        git.commit(revision)?;
        return Err(Failure::input(format!("git cannot compare with `{revision}`")).exit(Exit::Usage));
    };
    let changed = changed(&String::from_utf8_lossy(&ran.stdout));
    // A file that git has never seen is new in all its lines.
    let others = git.ask(["ls-files", "--others", "--exclude-standard", "-z"])?;
    let others: BTreeSet<&str> = others.split('\0').collect();
    let below = |path: &Path| below(&context.directory, path).unwrap_or_else(|| path.display().to_string());
    let is_new = |one: &crate::source::Diagnostic| match &one.place {
        Place::Text { path, start, .. } => {
            let path = below(path);
            let lines = changed.get(&path);
            let is_about_all = start.line == 1 && start.column == 1;
            others.contains(path.as_str())
                || lines
                    .is_some_and(|all| is_about_all || all.iter().any(|lines| lines.contains(&start.line)))
        }
        Place::File { .. } | Place::Row { .. } => true,
    };
    Ok(found.into_iter().filter(is_new).collect())
}

/// The lines that a patch without context adds, by file.
fn changed(patch: &str) -> BTreeMap<String, Vec<Range<u32>>> {
    let mut changed: BTreeMap<String, Vec<Range<u32>>> = BTreeMap::new();
    let mut file = String::new();
    // Lines of files can look like the patch's own.
    let mut content = 0;
    for line in patch.lines() {
        if content > 0 {
            content -= u32::from(line.starts_with(['+', '-']));
        } else if let Some(path) = line.strip_prefix("+++ b/") {
            // git ends a name with blanks in it by a tab.
            file = path.trim_end_matches('\t').to_owned();
        } else if let Some(hunk) = line.strip_prefix("@@ ") {
            let lines = |sign: char| -> Option<(u32, u32)> {
                let (start, count) = {
                    let range = hunk.split(' ').find_map(|part| part.strip_prefix(sign))?;
                    range.split_once(',').unwrap_or((range, "1"))
                };
                Some((start.parse().ok()?, count.parse().ok()?))
            };
            if let (Some((_, gone)), Some((start, came))) = (lines('-'), lines('+')) {
                changed.entry(file.clone()).or_default().push(start..start + came);
                content = gone + came;
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::changed;

    #[test]
    fn a_patch_tells_the_lines_that_it_adds() {
        let patch = "diff --git a/x y.md b/x y.md\n--- a/x y.md\t\n+++ b/x y.md\t\n@@ -3 +3,2 @@ head\n-old\n+++ b/no.md\n\
            +@@ -1 +9 @@\n@@ -9,2 +11,0 @@\n-a\n-b\n\\ No newline at end of file\n--- /dev/null\n+++ b/w\u{f6}rd.md\n@@ -0,0 +1 @@\n+x\n";
        let report = changed(patch);
        assert_eq!(report["x y.md"], [3..5, 11..11]);
        assert_eq!(report["w\u{f6}rd.md"], [1..2; 1]);
        assert_eq!(report.len(), 2);
    }
}
