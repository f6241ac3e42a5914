//! What a shell offers behind `mimeo … <Tab>`, asked through the shells themselves where they are installed.

use std::process::Command;

use crate::support::{
    project::{Project, Ran},
    skip,
};

fn project() -> Project {
    let project = Project::new()
        .file("issues/2022-12-30-a-year-in-review.md", "---\ntitle: A\nnumber: 96\n---\nHello.\n")
        .file("issues/2022-11-04-hello.md", "---\ntitle: B\n---\nHello.\n")
        .file("issues/2022-12-04-hello.md", "---\ntitle: C\n---\nHello.\n");
    project.shell("git init -q -b main . && git add mimeo.toml && git -c user.name=A -c user.email=a@example.org commit -qm s && git tag v1").code(0);
    project
}

/// What `mimeo` offers to bash for the last of these words.
fn offered(project: &Project, words: &[&str]) -> Vec<String> {
    let index = (words.len() - 1).to_string();
    let arguments: Vec<&str> = ["--"].into_iter().chain(words.iter().copied()).collect();
    let ran = project
        .mimeo(arguments)
        .env("MIMEO_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", index)
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .env("_CLAP_IFS", "\n")
        .run()
        .code(0);
    assert_eq!(ran.stderr, "", "{ran}");
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn names_that_the_newsletter_has_are_offered() {
    let project = project();
    project.write("lists/more.csv", "email,town\n");
    for (words, expected) in [
        (&["mimeo", "send", "a-"][..], &["a-year-in-review"][..]),
        (&["mimeo", "send", ""], &["a-year-in-review", "2022-12-04-hello", "2022-11-04-hello"]),
        (&["mimeo", "send", "2022-11"], &["2022-11-04-hello"]),
        (&["mimeo", "send", "2022-12-3"], &["2022-12-30-a-year-in-review"]),
        (&["mimeo", "check", "a-year-in-review", "2022-11"], &["2022-11-04-hello"]),
        (&["mimeo", "send", "x", "--where", "fi"], &["first_name="]),
        (&["mimeo", "explain", "M44"], &["M441", "M442"]),
        (&["mimeo", "send", "x", "--allow", "M491"], &["M491"]),
        (&["mimeo", "diff", "a-year-in-review", "v"], &["v1"]),
        (&["mimeo", "diff", "a-year-in-review", "H"], &["HEAD"]),
        (&["mimeo", "suppress", "--reason", "h"], &["hard_bounce"]),
        (&["mimeo", "templates", "eject", "ma"], &["magazine"]),
        (&["mimeo", "appr"], &["approve"]),
        (&["mimeo", "send", "--dry"], &["--dry-run"]),
    ] {
        let found = offered(&project, words);
        for one in expected {
            assert!(found.iter().any(|found| found == one), "{words:?}: {one} is not in {found:?}");
        }
        let typed = words.last().unwrap();
        assert!(found.iter().all(|one| one.starts_with(typed)), "{words:?}: {found:?}");
    }
}

#[test]
fn topics_and_tags_of_a_managed_list_are_offered() {
    let project = Project::empty().file(
        "mimeo.toml",
        "[newsletter]\nname = \"N\"\n\n[sender]\nfrom = \"a@example.org\"\n\n[list]\nmanaged = true\n",
    );
    project.run(["subscribers", "add", "bob@example.com", "--tag", "beta", "--topic", "tea"]);
    project.run(["subscribers", "tag", "bob@example.com", "--add", "beta"]).code(0);
    assert_eq!(
        offered(&project, &["mimeo", "subscribers", "tag", "bob@example.com", "--remove", "b"]),
        ["beta"]
    );
    assert_eq!(offered(&project, &["mimeo", "subscribers", "import", "x.csv", "--topic", "t"]), ["tea"]);
}

#[test]
fn the_folder_that_the_line_names_counts_and_a_broken_newsletter_offers_nothing() {
    let project = project();
    project.write("other/mimeo.toml", project.read("mimeo.toml"));
    project.write("other/issues/tea.md", "---\ntitle: Tea\n---\nHello.\n");
    assert_eq!(offered(&project, &["mimeo", "-C", "other", "send", "t"]), ["tea"]);
    assert_eq!(offered(&project, &["mimeo", "send", "t"]), Vec::<String>::new());
    project.write("other/mimeo.toml", "broken");
    assert_eq!(offered(&project, &["mimeo", "-C", "other", "send", "--where", "f"]), Vec::<String>::new());
}

/// Runs a script in a shell, with `mimeo` on its path.
fn in_shell(project: &Project, shell: &str, script: &str) -> Option<Ran> {
    if Command::new(shell).arg("--version").output().is_err() {
        skip(&format!("{shell} is not installed"));
        return None;
    }
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_mimeo"));
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(shell);
    command.arg("-c").arg(script).current_dir(project.path("")).env("PATH", path).env("COLUMNS", "100");
    Some(Ran::of(command))
}

#[test]
fn bash_completes_the_name_of_an_issue() {
    let project = project();
    let script = "set -eu\nsource <(mimeo completions bash)\nshopt -s progcomp\n\
                  COMP_WORDS=(mimeo send a-y) COMP_CWORD=2 COMP_TYPE=9\n\
                  _clap_complete_mimeo mimeo a-y send\nprintf '%s\\n' \"${COMPREPLY[@]}\"";
    let Some(ran) = in_shell(&project, "bash", script) else { return };
    assert_eq!(ran.code(0).stdout.trim(), "a-year-in-review");
}

#[test]
fn fish_completes_the_name_of_an_issue() {
    let script = "mimeo completions fish | source; complete -C 'mimeo send a-y'";
    let Some(ran) = in_shell(&project(), "fish", script) else { return };
    assert!(ran.code(0).stdout.contains("a-year-in-review"));
}

#[test]
fn zsh_reads_its_script() {
    let script = "autoload -Uz compinit && compinit -u -D && source <(mimeo completions zsh) && whence -w _clap_dynamic_completer_mimeo";
    let Some(ran) = in_shell(&project(), "zsh", script) else { return };
    assert!(ran.code(0).stdout.contains("function"));
}

#[test]
fn colors_obey_the_environment() {
    let project = Project::new();
    let is_colored = |variables: &[(&str, &str)], is_terminal: bool| {
        let mut mimeo = project.mimeo(["check", "nothing"]).env("TERM", "xterm");
        for (name, value) in variables {
            mimeo = mimeo.env(name, value);
        }
        let ran = if is_terminal { mimeo.at_terminal("") } else { mimeo.run() };
        let shown = [ran.stdout.as_str(), &ran.stderr].concat();
        assert!(shown.contains("no issue"), "{ran}");
        shown.contains("\u{1b}[")
    };
    assert!(is_colored(&[], true));
    assert!(!is_colored(&[], false));
    assert!(!is_colored(&[("NO_COLOR", "1")], true));
    assert!(!is_colored(&[("CLICOLOR", "0")], true));
    assert!(!is_colored(&[("TERM", "dumb")], true));
    assert!(is_colored(&[("CLICOLOR_FORCE", "1")], false));
    assert!(!is_colored(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
}
