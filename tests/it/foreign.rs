//! A repository and a folder that came from someone else: nothing in them runs, and nothing leads out of them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use image::ImageFormat;

use crate::support::{
    newsletter::picture,
    project::{LEAST, Project},
};

const ISSUE: &str = "---\ntitle: One two three\npreheader: \"A short letter for a test.\"\nnumber: 1\ndate: 2026-01-02\n---\n\n\
    Words and a picture.\n\n![A hill](hill.png)\n";

/// Everything we ask of git.
const ASKING: [&[&str]; 5] = [
    &["check"],
    &["check", "--since", "HEAD~1"],
    &["diff", "one", "HEAD"],
    &["diff", "one", "HEAD~1", "--page", "d.html"],
    &["diff", "one", "HEAD~2"],
];

/// Two states in git, and a third in the folder. `hostile` becomes the repository's configuration afterwards; `$RUN` in it is
/// a program that leaves `RAN` behind.
fn repository(hostile: &str) -> Project {
    let project = Project::new()
        .file("mimeo.toml", LEAST)
        .file(".gitattributes", "*.md filter=x diff=x\n*.png filter=x diff=x\n")
        .file(".gitignore", "/d.html\n/RAN*\n/run\n/fake-gpg\n")
        .file(
            "fake-gpg",
            "#!/bin/sh\ncat > /dev/null; echo; echo '[GNUPG:] SIG_CREATED ' >&2\n\
            printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nabc\\n-----END PGP SIGNATURE-----\\n'\n",
        )
        .file("run", "")
        .file("issues/zero.md", ISSUE.replace("One", "Zero"))
        .file("issues/hill.png", picture(40, 20, ImageFormat::Png));
    project.write("run", format!("#!/bin/sh\ntouch '{}'\ncat\n", project.path("RAN").display()));
    for program in ["run", "fake-gpg"] {
        fs::set_permissions(project.path(program), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let commit = "git add -A && git -c user.name=a -c user.email=a@example.org -c gpg.program=$PWD/fake-gpg commit -qS -m state";
    project.shell(&format!("git init -q -b main . && {commit}")).code(0);
    project.write("issues/one.md", ISSUE);
    project.shell(commit).code(0);
    project.write("issues/one.md", ISSUE.replace("Words", "More words"));
    project.shell(commit).code(0);
    project.write("issues/one.md", ISSUE.replace("Words", "Other words"));
    // The picture is as it was, but git has to look to know.
    project.shell("touch -d 2001-01-01 issues/*.png").code(0);
    let hostile = hostile.replace("$RUN", &project.path("run").display().to_string());
    project.write(".git/config", format!("{}\n{hostile}\n", project.read(".git/config")));
    project
}

#[test]
fn no_program_of_a_strangers_repository_runs() {
    for hostile in [
        "[core]\nfsmonitor = $RUN",
        "[filter \"x\"]\nclean = $RUN\nsmudge = $RUN\nrequired = true",
        "[filter \"x\"]\nprocess = $RUN\nrequired = true",
        "[filter \"x\"]\nclean = $RUN\n[filter \"a=b.c\"]\nclean = $RUN",
        "[diff]\nexternal = $RUN",
        "[diff \"x\"]\ntextconv = $RUN\ncachetextconv = true",
        "[diff \"x\"]\ncommand = $RUN",
        "[core]\nsshCommand = $RUN\npager = $RUN\neditor = $RUN\naskPass = $RUN",
        "[pager]\nlog = $RUN\ndiff = $RUN\nshow = $RUN\n[core]\npager = $RUN",
        "[gpg]\nprogram = $RUN\n[log]\nshowSignature = true",
        "[gpg \"openpgp\"]\nprogram = $RUN\n[log]\nshowSignature = true",
        "[credential]\nhelper = $RUN\n[uploadpack]\npackObjectsHook = $RUN",
        "[alias]\nlog = !$RUN\nls-files = !$RUN\ndiff = !$RUN\ncat-file = !$RUN",
        "[core]\nhooksPath = hooks",
        "[include]\npath = ../more",
    ] {
        let project = repository(hostile);
        project.write("more", format!("[core]\nfsmonitor = {}\n", project.path("run").display()));
        for hook in ["post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"] {
            for folder in ["hooks", ".git/hooks"] {
                project.shell(&format!("mkdir -p {folder} && cp run {folder}/{hook}")).code(0);
            }
        }
        for command in ASKING {
            let ran = project.run(command);
            assert!(!project.path("RAN").exists(), "{hostile}\n{ran}");
            assert!(matches!(ran.code, Some(0 | 3)), "{hostile}\n{ran}");
        }
        project.run(["diff", "one", "HEAD"]).code(0).stdout_has("Other words");
    }
}

#[test]
fn an_object_that_a_clone_lacks_is_not_fetched_by_a_strangers_transport() {
    for url in ["ext::$RUN", "ssh://a@example.org/x"] {
        let project = repository(&format!(
            "[core]\nrepositoryformatversion = 1\nsshCommand = $RUN\n[extensions]\npartialClone = origin\n\
             [protocol \"ext\"]\nallow = always\n[protocol]\nallow = always\n\
             [remote \"origin\"]\nurl = {url}\npromisor = true\npartialclonefilter = blob:none\n"
        ));
        project.shell("o=$(git rev-parse HEAD:issues/one.md); rm -f .git/objects/${o:0:2}/${o:2}").code(0);
        for command in ASKING {
            let ran = project.run(command);
            assert!(!project.path("RAN").exists(), "{url}\n{ran}");
        }
    }
}

#[test]
fn a_folder_that_looks_like_a_repository_has_no_say() {
    let project = repository("");
    // A clone brings files of any name, also those of a repository without a folder of its own.
    let build = "git clone -q --bare . bare && mv bare/* . && rm -r .git && \
                 printf '[core]\\nbare = false\\nworktree = .\\nfsmonitor = %s/run\\n' \"$PWD\" > config";
    project.shell(build).code(0);
    for command in ASKING {
        let ran = project.run(command);
        assert!(!project.path("RAN").exists(), "{ran}");
    }
}

#[test]
fn a_picture_that_lfs_keeps_is_taken_from_its_store_without_a_program() {
    let project = repository("[filter \"lfs\"]\nsmudge = $RUN\nclean = $RUN\nprocess = $RUN\n");
    let hill = fs::read(project.path("issues/hill.png")).unwrap();
    let name = project.shell("sha256sum issues/hill.png | cut -c1-64").code(0).stdout.trim().to_owned();
    let pointer =
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{name}\nsize {}\n", hill.len());
    project.write("issues/hill.png", pointer);
    project.shell(
        "git -c filter.x.clean= add -A && git -c user.name=a -c user.email=a@example.org commit -qm pointer",
    )
    .code(0);
    project.write("issues/hill.png", &hill);
    // The store lacks it: the letter of then cannot be made.
    project.run(["diff", "one", "HEAD"]).code(3).stderr_has("is not a picture");
    let kept = format!(".git/lfs/objects/{}/{}/{name}", &name[..2], &name[2..4]);
    project.write(&kept, "something else");
    project.run(["diff", "one", "HEAD"]).code(3).stderr_has("is not a picture");
    project.write(&kept, &hill);
    project.run(["diff", "one", "HEAD"]).code(0).stdout_has("the letter is the same");
    assert!(!project.path("RAN").exists());
}

const SECRET: &str = "token=s3cret-value";

/// A folder with a newsletter in `here`, and a secret beside it.
fn beside_a_secret() -> Project {
    Project::empty()
        .file("secret.md", format!("# {SECRET}\n\nmore of {SECRET}\n"))
        .file("secret/index.md", format!("---\ntitle: [{SECRET}\n---\n"))
        .file("secret/default.mjml", format!("<mjml>{SECRET}<mj-body></mjml>"))
        .file("secret/one.toml", format!("url = {SECRET}"))
        .file("secret.toml", format!("{LEAST}\n{SECRET}\n"))
        .file("here/mimeo.toml", LEAST)
        .file("here/subscribers.csv", "email\nbob@example.com\n")
        .file("here/issues/2026-01-02-one.md", ISSUE.replace("![A hill](hill.png)", "More."))
}

/// Runs what builds a letter, and says what came out in words; files are searched too.
#[track_caller]
fn refused(project: &Project, issue: &str, code: &str, words: &str) {
    for command in [
        vec!["check"],
        vec!["check", issue],
        vec!["build", issue, "-o", "b"],
        vec!["build", "--web", "--feed", "-o", "b"],
        vec!["preview", issue, "--static", "p.html"],
        vec!["send", issue, "--dry-run"],
        vec!["test", issue, "--to", "bob@example.com", "--outbox", "b"],
    ] {
        let ran = project.run([&["-C", "here"], &command[..]].concat());
        let found = project
            .shell(&format!("grep -rlF -- '{SECRET}' here b p.html 2>/dev/null --exclude-dir=issues"))
            .stdout;
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(SECRET), "{ran}");
        assert_eq!(found, "", "{ran}");
        if command[0] == "check" || command[0] == "send" {
            assert_eq!(ran.code, Some(3), "{ran}");
            assert!(ran.stderr.contains(code) && ran.stderr.contains(words), "{ran}");
        }
    }
}

fn link(project: &Project, target: impl AsRef<Path>, path: &str) {
    let path = project.path(path);
    if let Ok(kind) = fs::symlink_metadata(&path) {
        if kind.is_dir() { fs::remove_dir_all(&path).unwrap() } else { fs::remove_file(&path).unwrap() }
    }
    symlink(target, path).unwrap();
}

#[test]
fn an_issue_that_is_a_link_out_of_the_folder_is_refused() {
    let out = "leads out of the newsletter's folder";
    for (target, path, issue) in [
        ("../../secret.md", "here/issues/2026-01-02-one.md", "one"),
        ("../../secret.md", "here/issues/2026-01-02-one.md", "here/issues/2026-01-02-one.md"),
        ("../../secret.md", "here/issues/2026-01-02-one.md", "issues/2026-01-02-one.md"),
        ("../../secret", "here/issues/2026-01-02-one", "secret"),
        ("../../secret", "here/issues/2026-01-02-one", "here/issues/2026-01-02-one/index.md"),
        ("../secret", "here/issues", "here/issues/index.md"),
    ] {
        let project = beside_a_secret();
        if path != "here/issues/2026-01-02-one.md" {
            fs::remove_file(project.path("here/issues/2026-01-02-one.md")).unwrap();
        }
        link(&project, target, path);
        if path == "here/issues" {
            // The folder itself is the link: its `index.md` is the issue `secret` then.
            let ran = project.run(["check", "-C", "here", issue]).code(3);
            assert!(ran.stderr.contains(out) && !ran.stderr.contains(SECRET), "{ran}");
            continue;
        }
        refused(&project, issue, "M123", out);
    }
    let project = beside_a_secret();
    link(&project, project.path("secret.md"), "here/issues/2026-01-02-one.md");
    refused(&project, "one", "M123", out);
}

#[test]
fn templates_and_stored_data_and_settings_that_lead_out_are_refused() {
    let outside = "outside the newsletter's folder";
    let project = beside_a_secret();
    link(&project, "../secret", "here/templates");
    refused(&project, "one", "M220", outside);

    let project = beside_a_secret();
    fs::create_dir(project.path("here/templates")).unwrap();
    link(&project, "../../secret/default.mjml", "here/templates/default.mjml");
    refused(&project, "one", "M220", outside);

    let project = beside_a_secret();
    let url = "https://video.example.org/1";
    project.write(
        "here/issues/2026-01-02-one.md",
        format!("{ISSUE}\n::: video {url}\n:::\n").replace("![A hill](hill.png)", ""),
    );
    let name = mimeograph::assets::vendor_name(url);
    fs::create_dir(project.path("here/issues/2026-01-02-one.vendor")).unwrap();
    link(&project, "../../../secret/one.toml", &format!("here/issues/2026-01-02-one.vendor/{name}.toml"));
    refused(&project, "one", "M238", outside);

    let project = beside_a_secret();
    link(&project, "../secret.toml", "here/mimeo.toml");
    refused(&project, "one", "M001", "leads out of the newsletter's folder");
    // The owner may keep the settings elsewhere, and says so.
    project.write("secret.toml", LEAST);
    project.run(["-C", "here", "--config", "here/mimeo.toml", "check"]).code(0);
}

#[test]
fn links_inside_of_the_newsletter_are_followed() {
    let project = beside_a_secret();
    project.write("here/drafts/two.md", ISSUE.replace("One", "Two").replace("![A hill](hill.png)", "Again."));
    project.write("here/shared/extra.mjml", TEMPLATE);
    fs::create_dir(project.path("here/templates")).unwrap();
    link(&project, "../shared/extra.mjml", "here/templates/default.mjml");
    link(&project, "../drafts/two.md", "here/issues/2026-01-09-two.md");
    project.run(["-C", "here", "build", "two", "-o", "b"]).code(0);
    assert!(project.read("b/2026-01-09-two.html").contains("Again."));
    // The whole newsletter may be behind a link, and an issue elsewhere may be named by the user.
    project.shell("ln -s here there").code(0);
    project.run(["-C", "there", "build", "two", "-o", "b2"]).code(0);
    project.write("elsewhere.md", ISSUE.replace("![A hill](hill.png)", "Elsewhere."));
    project.run(["-C", "here", "build", "elsewhere.md", "-o", "b3"]).code(0);
    assert!(project.read("b3/elsewhere.html").contains("Elsewhere."));
}

/// A template that a newsletter could have of its own.
const TEMPLATE: &str = "<mjml><mj-head><mj-title>{{ issue.title }}</mj-title></mj-head><mj-body>\n<!-- mimeo:content -->\n\
    <mj-section><mj-column><mj-text><a href=\"{{ link.unsubscribe }}\">Unsubscribe</a>\
    {{ newsletter.postal_address }}</mj-text></mj-column></mj-section>\
    </mj-body></mjml>";
