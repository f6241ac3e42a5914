use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use jiff::civil::Date;

use super::{
    context::Context,
    failure::{Exit, Failure},
    issues,
};

/// Create the next issue, numbered and dated
///
/// Its number is one more than the highest so far, and its file name is the date and the title. Nothing is overwritten. It
/// prints the path of the new file.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo new \"A year in review\"
  mimeo new \"A year in review\" --folder
  $EDITOR \"$(mimeo new 'Notes from the road')\"")]
pub(crate) struct Args {
    /// The title
    title: String,
    /// Create a folder with an `index.md`, for an issue with pictures
    #[arg(long)]
    folder: bool,
    /// The issue's date, as in 2022-12-30 [default: today]
    #[arg(long, value_name = "DATE")]
    date: Option<Date>,
}

const SCAFFOLD: &str = include_str!("scaffold.md");

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let title = args.title.trim();
    if title.is_empty() {
        return Err(Failure::input("the title is empty").exit(Exit::Usage));
    }
    if title.chars().any(char::is_control) {
        return Err(
            Failure::input("the title holds a line break or another control character").exit(Exit::Usage)
        );
    }
    // Only in a newsletter: a stray `issues/` in another folder helps no one.
    context.config(Default::default())?;
    let earlier = issues::all(context)?;
    let number = earlier.iter().filter_map(issues::IssueFile::number).max().unwrap_or(0).saturating_add(1);
    let date = args.date.unwrap_or_else(|| context.today());
    let name = match slug(title) {
        slug if slug.is_empty() => format!("{date}-issue-{number}"),
        slug => format!("{date}-{slug}"),
    };
    if let Some(there) = earlier.iter().find(|issue| issue.slug == name) {
        return Err(already(&there.path));
    }
    let folder = context.path("issues");
    let path =
        if args.folder { folder.join(&name).join("index.md") } else { folder.join(format!("{name}.md")) };
    let text = SCAFFOLD
        .replace("{title}", &serde_json::Value::from(title).to_string())
        .replace("{number}", &number.to_string())
        .replace("{date}", &date.to_string());
    write_new(&path, &text).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => already(&path),
        _ => Failure::file("make", &path, error),
    })?;
    context.terminal.data(&format!("{}\n", path.display())).map_err(Failure::output)?;
    Ok(Exit::Done)
}

fn already(path: &Path) -> Failure {
    Failure::input(format!("`{}` already exists", path.display()))
        .hint("choose another title, or edit that issue")
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
    let mut file = fs::File::options().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// `A year in review!` is `a-year-in-review`; letters of all scripts stay.
fn slug(title: &str) -> String {
    let plain: String = title
        .to_lowercase()
        .chars()
        .filter(|letter| !matches!(letter, '\'' | '’'))
        .map(|letter| if letter.is_alphanumeric() { letter } else { ' ' })
        .collect();
    let mut slug = String::new();
    for word in plain.split_whitespace() {
        if !slug.is_empty() && slug.len() + word.len() > 60 {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        // A file's name has an end (255 bytes on most disks), and scripts without spaces make long words.
        slug.extend(word.chars().take(40));
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_title_becomes_a_name() {
        for (title, expected) in [
            ("A year in review", "a-year-in-review"),
            ("What's new? (v2.0)", "whats-new-v2-0"),
            ("Über uns / 周报", "über-uns-周报"),
            ("🎉", ""),
            ("../../etc/passwd", "etc-passwd"),
        ] {
            assert_eq!(slug(title), expected);
        }
        assert!(slug(&"word ".repeat(100)).len() <= 60);
        assert!(slug(&"长".repeat(1000)).len() <= 120);
    }
}
