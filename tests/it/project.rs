//! The files around the program: the action, workflows and forms.

use std::{fs, path::Path};

use crate::support::newsroom::{Newsroom, repository};

fn yaml_files() -> Vec<std::path::PathBuf> {
    let folder =
        |path: &str| fs::read_dir(repository().join(path)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = folder(".github/workflows").chain(folder(".github/ISSUE_TEMPLATE")).collect();
    files.push(repository().join("action.yml"));
    files
}

#[test]
fn workflows_forms_and_the_action_are_yaml() {
    for path in yaml_files() {
        let text = fs::read_to_string(&path).unwrap();
        let broken = saphyr_parser::Parser::new_from_str(&text).find_map(Result::err);
        assert!(broken.is_none(), "{}: {broken:?}", path.display());
    }
}

#[test]
fn the_commands_of_the_action_work_in_a_newsletter() {
    let room = Newsroom::gradient_ascent();
    let git = "git init -q -b main . && git add --all && git -c user.name=Ada -c user.email=ada@example.org \
               -c commit.gpgsign=false commit -q -m state";
    room.shell(git).code(0);
    let action = fs::read_to_string(repository().join("action.yml")).unwrap();
    let commands = action.lines().filter_map(|line| line.trim().strip_prefix("run: "));
    let commands: Vec<_> = commands.filter(|line| line.contains("mimeo -C")).collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    let program = Path::new(env!("CARGO_BIN_EXE_mimeo")).parent().unwrap().display();
    for command in commands {
        let environment = "DIRECTORY=. ISSUE=a-year-in-review BASE=HEAD OUTPUT=pages";
        room.shell(&format!("export {environment} PATH='{program}':\"$PATH\"; {command}")).code(0);
    }
    assert_eq!(room.list("pages"), ["diff.html", "preview.html"]);
}

#[test]
fn the_versions_of_rust_agree() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let manifest = read("Cargo.toml");
    let version =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    for (path, text) in [
        ("Containerfile", format!("rust:{version}-")),
        (".github/workflows/check.yml", format!("rust:{version}-")),
        (".github/workflows/release.yml", format!("cargo +{version} build")),
        ("src/cli/init/gitlab.yml", format!("image: rust:{version}\n")),
        ("README.md", format!("{version} or later")),
        ("CONTRIBUTING.md", format!("{version} or later")),
    ] {
        assert!(read(path).contains(&text), "{path} has no {text:?}");
    }
}
