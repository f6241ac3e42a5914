//! The files around the program: the action, workflows and forms.

use std::{fs, path::Path};

use crate::support::{
    project::{Project, Ran, repository},
    relay::{Relay, Script},
};

fn yaml_files() -> Vec<std::path::PathBuf> {
    let folder =
        |path: &str| fs::read_dir(repository().join(path)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = folder(".github/workflows").chain(folder(".github/ISSUE_TEMPLATE")).collect();
    files.push(repository().join("action.yml"));
    files.extend(["github.yml", "gitlab.yml"].map(|name| repository().join("examples/ci").join(name)));
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

/// Runs a line of shell with `mimeo` on the path, and the repository's folder as `$REPOSITORY`.
fn shell(project: &Project, line: &str) -> Ran {
    let program = Path::new(env!("CARGO_BIN_EXE_mimeo")).parent().unwrap().display();
    let repository = repository().display();
    project.shell(&format!("export PATH='{program}':\"$PATH\" REPOSITORY='{repository}'; {line}"))
}

const COMMIT: &str = "git add --all && git -c user.name=Ada -c user.email=ada@example.org -c commit.gpgsign=false commit -q -m state";

#[test]
fn the_action_checks_and_shows_the_issues_that_changed() {
    let project = Project::new()
        .file("issues/2023-01-06-one.md", "---\ntitle: The first one\n---\n\nHello.\n")
        .file("issues/2023-01-13-two.md", "---\ntitle: The second one\n---\n\nHello.\n");
    shell(&project, &format!("git init -q -b main . && {COMMIT}")).code(0);
    project.write("issues/2023-01-13-two.md", "---\ntitle: The second one\n---\n\nHello you.\n");
    project.write("issues/the third/index.md", "---\ntitle: The third one\n---\n\nHello ````.\n");
    shell(&project, COMMIT).code(0);
    let action = fs::read_to_string(repository().join("action.yml")).unwrap();
    assert!(action.contains("\"$SOURCE/examples/ci/letters.sh\""));
    let check = action.lines().find_map(|line| line.trim().strip_prefix("run: mimeo")).unwrap();
    shell(&project, &format!("DIRECTORY=. && mimeo {check}"))
        .code(0)
        .stdout_has("::warning file=issues/2023-01-13-two.md");
    shell(&project, "BASE=HEAD~1 OUTPUT=pages \"$REPOSITORY/examples/ci/letters.sh\"").code(0);
    let pages = ["2023-01-13-two.diff.html", "2023-01-13-two.html", "comment.md", "the third.html"];
    assert_eq!(project.list("pages"), pages);
    let comment = project.read("pages/comment.md");
    for part in ["### 2023-01-13-two", "+Hello you.", "### the third", "A new issue."] {
        assert!(comment.contains(part), "no {part:?} in {comment}");
    }
    // Named issues are shown without a revision too.
    let named = "ISSUES=2023-01-06-one OUTPUT=named \"$REPOSITORY/examples/ci/letters.sh\"";
    shell(&project, named).code(0);
    assert_eq!(project.list("named"), ["2023-01-06-one.html", "comment.md"]);
}

#[test]
fn an_empty_clone_sends_once_with_what_persists_and_refuses_without_it() {
    let relay = Relay::start(Script::new());
    let settings = format!(
        "[newsletter]\nname = \"Small Steps\"\nkey = {{ env = \"NEWSLETTER_KEY\" }}\n\n[sender]\n\
         from = \"Ada Example <ada@example.org>\"\n\n[relay]\nurl = \"{}\"\n",
        relay.url()
    );
    let project = Project::empty()
        .file("origin/mimeo.toml", settings)
        .file("origin/issues/2023-01-06-one.md", "---\ntitle: The first one\n---\n\nHello.\n")
        .file("list.csv", "email\nbob@example.com\ncarol@example.net\n");
    shell(&project, &format!("mkdir state && cd origin && git init -q -b main . && {COMMIT}")).code(0);
    let send = |more: &str| {
        let key = "0123456789abcdef".repeat(4);
        let line = format!(
            "rm -rf clone && git clone -q origin clone && cd clone && export NEWSLETTER_KEY={key} MIMEO_LIST=../list.csv && \
             export {more} && \"$REPOSITORY/examples/ci/send.sh\" 2023-01-06-one"
        );
        shell(&project, &line)
    };
    send("STATE=../state").code(2).stderr_has("has never sent through a relay");
    send("STATE=../state MIMEO_FIRST=1").code(0).stderr_has("2 accepted");
    send("STATE=../state").code(0).stderr_has("nothing to send");
    // The folder was lost, or is not mounted.
    send("STATE=../lost").code(2).stderr_has("has never sent through a relay");
    assert_eq!(relay.recipients().len(), 2);
    // The page shows the script as it is.
    let script = fs::read_to_string(repository().join("examples/ci/send.sh")).unwrap();
    let body = script.split_once("set -eu\n").unwrap().1;
    let page = fs::read_to_string(repository().join("docs/ci.md")).unwrap();
    assert!(page.contains(body), "docs/ci.md does not show examples/ci/send.sh");
}

#[test]
fn the_formula_has_the_checksums_of_a_release() {
    let project = Project::empty();
    let targets = [
        "aarch64-apple-darwin",
        "x86_64-apple-darwin",
        "aarch64-unknown-linux-musl",
        "x86_64-unknown-linux-musl",
    ];
    for (index, target) in targets.iter().enumerate() {
        let sum = index.to_string().repeat(64);
        project.write(
            &format!("release/mimeograph-{target}.tar.gz.sha256"),
            format!("{sum}  mimeograph-{target}.tar.gz\n"),
        );
    }
    let fill = "\"$REPOSITORY/packaging/formula.sh\" 1.2.3 https://example.org/mimeograph release";
    let formula = shell(&project, fill).code(0).stdout;
    for (index, target) in targets.iter().enumerate() {
        let url = format!(
            "url \"https://example.org/mimeograph/releases/download/v1.2.3/mimeograph-{target}.tar.gz\""
        );
        let after = formula.split_once(&url).unwrap_or_else(|| panic!("no {url} in {formula}")).1;
        assert!(
            after.trim_start().starts_with(&format!("sha256 \"{}\"", index.to_string().repeat(64))),
            "{formula}"
        );
    }
    project.write("release/mimeograph-x86_64-apple-darwin.tar.gz.sha256", "");
    shell(&project, fill).code(1).stderr_has("no checksum of x86_64-apple-darwin");
}

#[test]
fn packages_have_pages_for_every_command_and_the_files_that_their_settings_name() {
    let project = Project::empty();
    shell(&project, "\"$REPOSITORY/packaging/pages.sh\" \"$(command -v mimeo)\" target/pages").code(0);
    assert!(project.list("target/pages/man").contains(&"mimeo-send.1".to_owned()));
    assert_eq!(project.list("target/pages/completions"), ["_mimeo", "mimeo", "mimeo.fish"]);
    let manifest: toml::Table = fs::read_to_string(repository().join("Cargo.toml")).unwrap().parse().unwrap();
    let metadata = &manifest["package"]["metadata"];
    for asset in metadata["deb"]["assets"].as_array().unwrap() {
        let path = asset[0].as_str().unwrap();
        let is_made = path.strip_prefix("target/pages/").is_some_and(|_| {
            let path = path.replace("*.1", "mimeo.1");
            project.path(&path).exists()
        });
        assert!(is_made || path == "target/release/mimeo" || repository().join(path).exists(), "{path}");
    }
    // What the release workflow packs is what `cargo binstall` looks for, at the address that is set in one place.
    let workflow = fs::read_to_string(repository().join(".github/workflows/release.yml")).unwrap();
    assert!(workflow.contains("folder=\"mimeograph-$TARGET\"") && workflow.contains("$folder.tar.gz"));
    assert!(metadata["binstall"]["pkg-url"].as_str().unwrap().ends_with("/mimeograph-{ target }.tar.gz"));
}

/// The files of the repository that are text and no work of a program, by their paths in it.
fn texts() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() {
                if !["target", ".git", "node_modules", ".mimeo"].contains(&name.as_str()) {
                    walk(&path, found);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(repository()).unwrap().to_string_lossy().into_owned();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(repository(), &mut found);
    found
}

#[test]
fn the_public_address_is_the_same_wherever_it_is_named() {
    let manifest: toml::Table = fs::read_to_string(repository().join("Cargo.toml")).unwrap().parse().unwrap();
    let package = &manifest["package"];
    let address = package["repository"].as_str().unwrap();
    let (name, version) =
        (address.strip_prefix("https://github.com/").unwrap(), package["version"].as_str().unwrap());
    let mut users = Vec::new();
    for (path, text) in texts().into_iter().filter(|(path, _)| !path.ends_with(".rs")) {
        for line in text.lines() {
            // The action as someone uses it, and addresses that are meant to be ours.
            if let Some(used) = line.split("uses: ").nth(1).filter(|used| used.contains("/mimeograph@")) {
                assert_eq!(used.trim(), format!("{name}@v{version}"), "{path}");
                users.push(path.clone());
            }
            for other in line.split("https://github.com/").skip(1) {
                let other = other.split_whitespace().next().unwrap_or_default();
                let is_ours = other.split('/').nth(1).is_some_and(|repository| repository == "mimeograph");
                assert!(!is_ours || other.starts_with("NAME/") || other.starts_with(name), "{path}: {other}");
            }
        }
    }
    users.sort();
    assert_eq!(users, ["action.yml", "docs/ci.md", "examples/ci/github.yml"]);
    // One command sets it in all of them.
    let project = Project::empty();
    for path in
        users.iter().map(String::as_str).chain(["Cargo.toml", "packaging/formula.sh", "packaging/address.sh"])
    {
        project.write(path, fs::read_to_string(repository().join(path)).unwrap());
    }
    let set = |address: &str| shell(&project, &format!("bash packaging/address.sh {address}"));
    let wrong = set("https://git.example.org/ada").code(2);
    wrong.stderr_has("not the address of a repository");
    set("https://git.example.org/ada/letters").code(0).stdout_has("Cargo.toml").stdout_has("docs/ci.md");
    assert!(project.read("Cargo.toml").contains("\nrepository = \"https://git.example.org/ada/letters\"\n"));
    for path in &users {
        assert!(project.read(path).contains(&format!("uses: ada/letters@v{version}")), "{path}");
    }
    assert!(!project.read("docs/ci.md").contains("OWNER"));
    assert!(project.read("packaging/formula.sh").contains("https://git.example.org/ada/letters release"));
}

/// The lines of a container file: an instruction in capitals and what it says, continued lines joined.
fn container_file() -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join("Containerfile")).unwrap().replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (instruction, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            const KNOWN: [&str; 7] = ["FROM", "RUN", "WORKDIR", "COPY", "USER", "ENTRYPOINT", "ENV"];
            assert!(KNOWN.contains(&instruction), "unknown instruction in {line:?}");
            (instruction.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

#[test]
fn the_container_file_names_what_is_there() {
    let lines = container_file();
    let stages: Vec<_> = lines.split(|(instruction, _)| instruction == "FROM").skip(1).collect();
    let all = |stage: &[(String, String)], name: &str| -> Vec<String> {
        stage.iter().filter(|(one, _)| one == name).map(|(_, rest)| rest.clone()).collect()
    };
    let names: Vec<_> = lines.iter().filter(|(one, _)| one == "FROM").map(|(_, rest)| rest).collect();
    assert!(stages.len() == 2 && names[0].ends_with(" AS build"), "{names:?}");
    let (built, shipped) = (stages[0], stages[1]);
    // The program is built as Cargo.toml has it, on a compiler that is new enough, from files that are not left out.
    let manifest: toml::Table = fs::read_to_string(repository().join("Cargo.toml")).unwrap().parse().unwrap();
    let source = all(built, "WORKDIR").pop().unwrap();
    assert_eq!(all(built, "COPY"), [". ."]);
    let ignored = fs::read_to_string(repository().join(".dockerignore")).unwrap();
    for needed in
        ["src", "templates", "packaging", "benches", "tests", "Cargo.toml", "Cargo.lock", ".cargo", "docs"]
    {
        assert!(repository().join(needed).exists(), "{needed}");
        assert!(!ignored.lines().any(|line| line.trim_matches('/') == needed), "{needed} is left out");
    }
    let run = all(built, "RUN").join(" && ");
    let build: Vec<&str> =
        run.split(" && ").find(|one| one.starts_with("cargo build")).unwrap().split(' ').collect();
    let after = |option: &str| build.iter().skip_while(|one| **one != option).nth(1).copied().unwrap();
    assert!(build.contains(&"--release") && build.contains(&"--locked"));
    assert!(
        manifest["bin"].as_array().unwrap().iter().any(|bin| bin["name"].as_str() == Some(after("--bin")))
    );
    assert!(manifest["features"].as_table().unwrap().contains_key(after("--features")));
    // What is copied into the image is what was made.
    let pages = run.split(" && ").find_map(|one| one.strip_prefix("packaging/pages.sh ")).unwrap();
    let (program, folder) = pages.split_once(' ').unwrap();
    let project = Project::empty();
    shell(&project, "\"$REPOSITORY/packaging/pages.sh\" \"$(command -v mimeo)\" pages").code(0);
    for copy in all(shipped, "COPY") {
        let (from, to) = copy.strip_prefix("--from=build ").unwrap().split_once(' ').unwrap();
        let is_page =
            from.strip_prefix(folder).is_some_and(|rest| project.path(&format!("pages{rest}")).is_dir());
        assert!(is_page || from == format!("{source}/{program}"), "{from} is not made");
        assert!(to.starts_with("/usr/local/"), "{to}");
    }
    // It runs as someone who exists and is not root, in the folder that is mounted, with nothing run as root after that.
    let user = all(shipped, "USER").pop().unwrap();
    let made = all(shipped, "RUN").join(" ");
    assert!(
        user != "root" && user != "0" && made.contains("useradd --uid 1000") && made.ends_with(&user),
        "{made}"
    );
    let place = |name: &str| shipped.iter().rposition(|(one, _)| one == name).unwrap();
    assert!(place("USER") > place("RUN") && place("USER") > place("COPY"));
    let folder = all(shipped, "WORKDIR").pop().unwrap();
    assert_eq!(all(shipped, "ENTRYPOINT"), ["[\"mimeo\"]"]);
    // What pages say about it names this file, uses that folder, and commands that there are. Docker looks for `Dockerfile`.
    let commands = project.run(["--help"]).stdout;
    let mut seen = 0;
    for (path, text) in texts() {
        let is_said = path == "Containerfile" || path.ends_with(".md");
        for line in text.lines().filter(|line| is_said && line.contains("docker build ")) {
            assert!(line.contains("docker build -f Containerfile "), "{path}: {line}");
        }
        for line in text
            .lines()
            .filter(|line| is_said && (line.contains("podman run ") || line.contains("docker run ")))
        {
            let Some((options, command)) = line.split_once(" mimeo ") else { continue };
            let command = command.split([' ', '`']).next().unwrap();
            assert!(options.contains(&format!(":{folder}")), "{path}: {line}");
            assert!(commands.contains(&format!("\n  {command} ")), "{path}: {line}");
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
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
        ("examples/ci/gitlab.yml", format!("image: rust:{version}\n")),
        ("README.md", format!("{version} or later")),
        ("CONTRIBUTING.md", format!("{version} or later")),
    ] {
        assert!(read(path).contains(&text), "{path} has no {text:?}");
    }
}
