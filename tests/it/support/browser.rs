//! Letters in a real browser engine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use mimeograph::{
    assets::PicturePlace,
    render::{Newsletter, RenderedIssue},
};

use super::{
    letters,
    newsletter::newsletter,
    tab::{BROWSER, FLAGS},
};

/// A browser of that size, with a profile in that folder; none where it is not installed.
pub(crate) fn browser(folder: &Path, width: u32, height: u32, more: &[&str]) -> Option<Command> {
    Command::new(BROWSER).arg("--version").output().ok()?;
    let mut command = Command::new(BROWSER);
    command.args(FLAGS);
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    command.arg(format!("--window-size={width},{height}"));
    command.args(more);
    Some(command)
}

/// Every shipped template with the sample issues and the kitchen sink, and some cases more, by name.
pub(crate) fn sheets() -> Vec<(String, RenderedIssue)> {
    let mut sheets = Vec::new();
    for issue in [
        "tests/fixtures/kitchen-sink/index.md",
        "issues/2022-12-30-a-year-in-review/index.md",
        "issues/2023-01-06-the-quiet-week.md",
    ] {
        for template in ["essay", "digest", "plain", "magazine", "announcement"] {
            let path = PathBuf::from(issue);
            let folder = fs::canonicalize(path.parent().unwrap()).unwrap();
            let newsletter = Newsletter {
                template: template.into(),
                pictures: PicturePlace::Site,
                site: Some(format!("file://{}/", folder.display())),
                archive: Some("https://example.org/archive/".into()),
                ..newsletter()
            };
            let rendered = letters::build_file(&path, &newsletter).rendered;
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let folder_name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let name = if name == "index" { folder_name } else { name };
            sheets.push((format!("{name}-{template}"), rendered));
        }
    }
    for case in ["from-right-to-left", "mixed-scripts", "mjml-fence", "long-words", "tables"] {
        let path = Path::new("tests/fixtures/compose").join(case).join("issue.md");
        sheets.push((case.to_owned(), letters::build_file(&path, &newsletter()).rendered));
    }
    sheets
}
