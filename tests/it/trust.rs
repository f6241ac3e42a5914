//! Programs that settings name run only where the user trusts them.

use std::{fs, os::unix::fs::PermissionsExt};

use image::ImageFormat;

use crate::support::{
    newsletter::picture,
    project::{LEAST, Project},
};

const KEY: &str = "abababababababababababababababababababababababababababababababab";

/// A stranger's newsletter: every setting that can name a program names one that leaves a file behind.
fn strangers() -> Project {
    let project = Project::new()
        .file("ink.png", picture(40, 20, ImageFormat::Png))
        .file(
            "issues/2026-01-02-sums.md",
            "---\ntitle: One two three\nnumber: 1\ndate: 2026-01-02\n---\n\nWords $x^2$.\n",
        )
        .file("rsa.pem", "");
    project.run(["keygen", "-o", "rsa2.pem", "--domain", "example.org"]);
    let run = |name: &str, then: &str| format!("[\"sh\", \"-c\", \"touch RAN-{name}; {then}\"]");
    project.write(
        "mimeo.toml",
        LEAST.replace(
            "\n\n[sender]",
            &format!("\nkey = {{ command = {} }}\n\n[sender]", run("key", &format!("echo {KEY}"))),
        ) + &format!("\n[math]\ncommand = {}\n", run("math", "cat ink.png"))
            + &format!(
                "\n[relay]\nurl = \"smtp://ada@127.0.0.1:9?tls=none\"\npassword = {{ command = {} }}\n",
                run("password", "echo secret")
            )
            + &format!(
                "\n[dkim]\ndomain = \"example.org\"\nselector = \"s1\"\nkey = {{ command = {} }}\n",
                run("dkim", "cat rsa2.pem")
            )
            + &format!(
                "\n[dkim.ed25519]\nselector = \"s2\"\nkey = {{ command = {} }}\n",
                run("ed25519", "cat none.pem")
            ),
    );
    project
}

fn ran(project: &Project) -> Vec<String> {
    project.list("").into_iter().filter(|name| name.starts_with("RAN")).collect()
}

/// What can be asked of a newsletter without its owner's key.
const COMMANDS: [&[&str]; 15] = [
    &["check"],
    &["check", "--since", "HEAD"],
    &["build", "sums"],
    &["build", "sums", "--as", "bob@example.com"],
    &["build", "--web", "--feed"],
    &["preview", "sums", "--static", "p.html"],
    &["diff", "sums", "HEAD"],
    &["diff", "sums", "HEAD", "--page", "d.html"],
    &["test", "sums", "--to", "bob@example.com"],
    &["send", "sums", "--dry-run"],
    &["send", "sums", "--yes", "--first"],
    &["status"],
    &["subscribers", "check"],
    &["suppress"],
    &["ledger", "check"],
];

#[test]
fn a_strangers_newsletter_runs_none_of_its_programs() {
    let project = strangers();
    project.shell(
        "git init -q -b main . && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm one",
    )
    .code(0);
    for command in COMMANDS {
        let output = project.run(command);
        assert_eq!(ran(&project), Vec::<String>::new(), "{output}");
        // What another value of the variable means no one has said.
        let output = project.mimeo(command).env("MIMEO_TRUST", "0").run();
        assert_eq!(ran(&project), Vec::<String>::new(), "{output}");
    }
}

#[test]
fn a_program_that_is_needed_is_named_with_its_place() {
    let project = strangers();
    let formulas = project.run(["build", "sums"]).code(0).stderr_has("warning[M244]: formulas stay TeX");
    formulas.stderr_has("--> mimeo.toml:9:11").stderr_has("mimeo trust");
    assert!(project.read("build/2026-01-02-sums.html").contains(">x^2</code>"));
    // No reader gets TeX because no one could be asked.
    for command in [&["send", "sums", "--dry-run"][..], &["test", "sums", "--to", "bob@example.com"]] {
        project.run(command).code(3).stderr_has("error[M244]").stderr_has("mimeo.toml:9:11");
    }
    for (setting, place, command) in [
        ("newsletter.key", "mimeo.toml:3:7", &["build", "sums", "--as", "bob@example.com"][..]),
        ("newsletter.key", "mimeo.toml:3:7", &["preview", "sums", "--static", "p.html"]),
    ] {
        let output = project.run(command).code(3);
        let page = if project.path("p.html").exists() { project.read("p.html") } else { String::new() };
        let all = format!("{}{page}", output.stderr);
        assert!(all.contains(&format!("`{setting}` ({place}) names a program")), "{output}\n{page}");
        assert!(all.contains("mimeo trust"), "{output}\n{page}");
    }
    // With the key at hand, the next one is asked for.
    let settings = project.read("mimeo.toml");
    let line = settings.lines().find(|line| line.starts_with("key = ")).unwrap();
    project.write("mimeo.toml", settings.replacen(line, "", 1).replace("[math]\ncommand", "[math]\n#"));
    project.run(["build", "sums", "--as", "bob@example.com"]).code(3).stderr_has("`dkim.key` (mimeo.toml:");
    assert_eq!(ran(&project), Vec::<String>::new());
}

#[test]
fn in_ci_trust_is_given_for_one_run() {
    let project = strangers();
    project.run(["build", "sums", "--trust"]).code(0).stderr_has("sums.html");
    assert_eq!(ran(&project), ["RAN-math"]);
    project.mimeo(["build", "sums", "--as", "bob@example.com"]).env("MIMEO_TRUST", "1").run();
    assert_eq!(ran(&project), ["RAN-dkim", "RAN-ed25519", "RAN-key", "RAN-math"]);
    project.run(["test", "sums", "--to", "bob@example.com", "--trust"]);
    for file in ran(&project) {
        fs::remove_file(project.path(&file)).unwrap();
    }
    // It was for one run.
    project.run(["build", "sums", "--as", "bob@example.com"]).code(3);
    assert_eq!(ran(&project), Vec::<String>::new());
}

/// A newsletter whose formulas a script of its own draws.
fn own() -> Project {
    let project = Project::new()
        .file("mimeo.toml", format!("{LEAST}\n[math]\ncommand = [\"tools/draw\", \"{{style}}\"]\n"))
        .file("tools/draw", "#!/bin/sh\necho \"$1\" >> RAN\ncat ink.png\n")
        .file("ink.png", picture(40, 20, ImageFormat::Png));
    fs::set_permissions(project.path("tools/draw"), fs::Permissions::from_mode(0o755)).unwrap();
    for (name, tex) in [("one", "a"), ("two", "b"), ("three", "c"), ("four", "d")] {
        project.write(&format!("issues/{name}.md"), format!("---\ntitle: Sums\n---\nWords ${tex}$.\n"));
    }
    project
}

#[test]
fn a_person_is_asked_once_and_again_when_a_program_has_changed() {
    let project = own();
    let runs = || fs::read_to_string(project.path("RAN")).unwrap_or_default().lines().count();
    let output = project.at_terminal("build one", "\n").code(0).stdout_has("Trust `").stdout_has("[y/N]");
    output.stdout_has("math.command (mimeo.toml:8:11): tools/draw {style}").stdout_has("M244");
    assert_eq!(runs(), 0, "a no");
    let output = project.at_terminal("build one", "y\n").code(0);
    assert!(!output.stdout.contains("M244"), "{output}");
    assert_eq!(runs(), 1);
    let output = project.at_terminal("build two", "").code(0);
    assert!(!output.stdout.contains("Trust `"), "{output}");
    project.run(["build", "two"]).code(0);
    assert_eq!(runs(), 2, "kept, also for where no one is asked");
    assert!(!project.list("").iter().any(|name| name.contains("trust")), "outside of the folder");
    // By the folder as it is, whatever way leads there.
    project
        .shell(&format!(
            "ln -s . here; cd /; '{}' -C \"$OLDPWD/here\" build three -o \"$OLDPWD/b\"",
            env!("CARGO_BIN_EXE_mimeo")
        ))
        .code(0);
    assert_eq!(runs(), 3);
    for change in ["echo '# more' >> tools/draw", "sed -i 's/{style}/-{style}/' mimeo.toml"] {
        project.shell(change).code(0);
        project.run(["build", "four"]).code(0).stderr_has("warning[M244]");
        assert_eq!(runs(), 3, "{change}");
        project.run(["trust"]).code(0).stderr_has("math.command (mimeo.toml:8:11): tools/draw");
    }
    project.run(["build", "four"]).code(0);
    assert_eq!(runs(), 4);
}

#[test]
fn trust_can_be_shown_and_taken_back() {
    let project = own();
    project.run(["trust", "--show"]).code(0).stdout("").stderr_has("no newsletter is trusted");
    project.run(["trust", "."]).code(0);
    let folder = fs::canonicalize(project.path("")).unwrap();
    let shown = format!("{}\n  math.command: tools/draw {{style}}\n", folder.display());
    project.run(["trust", "--show"]).code(0).stdout(&shown);
    // Another folder with the same settings is another newsletter.
    project.shell("mkdir copy && cp -r mimeo.toml issues tools ink.png copy").code(0);
    project.run(["-C", "copy", "build", "one"]).code(0).stderr_has("M244");
    project.run(["trust", "--revoke"]).code(0).stderr_has("is not trusted any more");
    project.run(["trust", "--revoke"]).code(0).stderr_has("was not trusted");
    project.run(["build", "one"]).code(0).stderr_has("M244");
    project.write("mimeo.toml", LEAST);
    project.run(["trust"]).code(0).stderr_has("there is nothing to trust");
    project.run(["build", "one"]).code(0);
    project.run(["trust", "--show"]).code(0).stdout("");
    assert!(!project.path("RAN").exists());
}

#[test]
fn an_earlier_revision_runs_no_program_and_shows_the_formulas_that_are_drawn_now() {
    let project = own();
    project.shell(
        "git init -q -b main . && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm one",
    )
    .code(0);
    project.run(["diff", "one", "HEAD", "--trust"]).code(0).stdout_has("the letter is the same");
    assert_eq!(project.read("RAN"), "inline\n", "drawn once, for the letter as it is");
    // The settings of a branch that was fetched may say anything.
    project.shell(
        "sed -i 's/tools.draw/tools\\/other/' mimeo.toml; printf '#!/bin/sh\\ntouch OTHER' > tools/other; chmod +x tools/other; \
         git add -A && git -c user.name=a -c user.email=a@example.org commit -qm two; git checkout -q HEAD~1",
    );
    project.run(["diff", "two", "main", "--trust"]);
    assert!(!project.path("OTHER").exists());
}

#[test]
fn a_program_with_a_path_is_looked_up_where_the_settings_are() {
    let project = Project::new()
        .file(
            "mimeo.toml",
            LEAST.replace("\n\n[sender]", "\nkey = { command = [\"tools/key\"] }\n\n[sender]"),
        )
        .file("tools/key", format!("#!/bin/sh\necho {KEY}\n"))
        .file("issues/one.md", "---\ntitle: Words\n---\nWords.\n")
        .file("elsewhere/tools/key", "#!/bin/sh\ntouch WRONG\n");
    for key in ["tools/key", "elsewhere/tools/key"] {
        fs::set_permissions(project.path(key), fs::Permissions::from_mode(0o755)).unwrap();
    }
    project.run(["trust"]).code(0);
    let line =
        format!("cd elsewhere; '{}' -C .. build one --as bob@example.com -o b", env!("CARGO_BIN_EXE_mimeo"));
    project.shell(&line).code(0);
    assert!(!project.path("elsewhere/WRONG").exists());
}
