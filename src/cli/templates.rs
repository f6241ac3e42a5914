//! The designs: which there are, how an issue looks in each, and a copy of one to change.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;

use super::{
    context::Context,
    failure::{Exit, Failure},
    issues, preview,
};
use crate::{
    config::{Config, Overrides},
    files,
    issue::Value,
    render::{self, Built, PALETTES, SHIPPED, shipped},
    source::Source,
    web::{self, DesignSample},
};

/// List the designs and palettes, show them, or copy one
///
/// Without a subcommand it lists the designs and the palettes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo templates
  mimeo templates preview
  mimeo templates eject digest --as weekly")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// List the designs and the palettes
    List,
    /// Show an issue in every design and every palette, in the browser
    Preview {
        /// The issue: its number, its path, or a part of its name [default: the newest]
        issue: Option<String>,
        /// Write the pages into this folder
        #[arg(short, long, value_name = "DIR", default_value = "build/templates")]
        output: PathBuf,
        /// Do not open the browser
        #[arg(long)]
        no_open: bool,
    },
    /// Copy a design into the newsletter's folder, to be changed
    Eject {
        /// The design
        name: String,
        /// The name of the copy [default: the design's own, which the copy then replaces]
        #[arg(long = "as", value_name = "NAME")]
        copy: Option<String>,
    },
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.what {
        None | Some(What::List) => list(context),
        Some(What::Preview { issue, output, no_open }) => {
            let page = show(context, issue.as_deref(), output)?;
            context.terminal.say(&format!("{}", page.display()));
            if !no_open {
                preview::open(&page.to_string_lossy());
            }
            Ok(Exit::Done)
        }
        Some(What::Eject { name, copy }) => eject(context, name, copy.as_deref()),
    }
}

/// Names of templates in the newsletter's own folder.
fn own_templates(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".mjml")?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The name under which `essay` was known before.
fn is_same(chosen: &str, name: &str) -> bool {
    chosen == name || (chosen, name) == ("default", "essay")
}

fn list(context: &Context) -> Result<Exit, Failure> {
    // Outside of a newsletter there is nothing that could be chosen.
    let config = context.config_quietly(Overrides::default()).ok().map(|(config, _)| config);
    let own = config.as_ref().map(|config| own_templates(&config.templates())).unwrap_or_default();
    let chosen = config.as_ref().map(|config| config.newsletter.template.as_str());
    let palette = config.as_ref().and_then(|config| match config.newsletter.design.get("palette") {
        Some(Value::Text(name)) => Some(name.as_str()),
        _ => None,
    });
    let mut out = String::from("Designs (`template` below [newsletter]):\n");
    let mut line = |is_chosen: bool, name: &str, about: &str| {
        let mark = if is_chosen { '*' } else { ' ' };
        out.push_str(&format!("{mark} {name:<14} {about}\n"));
    };
    for (name, about) in SHIPPED {
        let is_replaced = own.iter().any(|own| own == name);
        let about = if is_replaced { "in the newsletter's own templates/" } else { about };
        line(chosen.is_some_and(|chosen| is_same(chosen, name)), name, about);
    }
    for name in own.iter().filter(|name| SHIPPED.iter().all(|(known, _)| known != name)) {
        line(chosen == Some(name), name, "in the newsletter's own templates/");
    }
    out.push_str("\nPalettes (`palette` below [design]):\n");
    for one in &PALETTES {
        let mark = if palette == Some(one.name) { '*' } else { ' ' };
        out.push_str(&format!("{mark} {:<14} {}\n", one.name, one.about));
    }
    context.terminal.data(&out).map_err(Failure::output)?;
    Ok(Exit::Done)
}

fn eject(context: &Context, name: &str, copy: Option<&str>) -> Result<Exit, Failure> {
    let known = || SHIPPED.map(|(name, _)| name).join(", ");
    let text =
        shipped(&format!("{name}.mjml")).filter(|_| SHIPPED.iter().any(|(known, _)| is_same(name, known)));
    let Some(text) = text else {
        return Err(
            Failure::input(format!("unknown design `{name}`")).hint(format!("known designs: {}", known()))
        );
    };
    let copy = copy.unwrap_or(name);
    if copy.is_empty() || !copy.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
        return Err(Failure::input(format!("invalid template name {copy:?}"))
            .hint("use letters, digits, `-` and `_`"));
    }
    let path = context.path(Path::new("templates").join(format!("{copy}.mjml")));
    if path.exists() {
        return Err(Failure::input(format!("`{}` already exists", path.display()))
            .hint("choose another name with --as NAME"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| Failure::file("make the folder", folder, error))?;
    fs::write(&path, text).map_err(|error| Failure::file("write", &path, error))?;
    context.terminal.say(&format!("{}", path.display()));
    if copy != name {
        context
            .terminal
            .say(&format!("To use it, set `template = \"{copy}\"` below [newsletter] in mimeo.toml"));
    }
    Ok(Exit::Done)
}

/// Shown where the newsletter has no issue yet.
const SAMPLE: &str = include_str!("templates/sample.md");

/// The pages of an issue in all designs; returns the first one.
fn show(context: &Context, issue: Option<&str>, output: &Path) -> Result<PathBuf, Failure> {
    let config = context.config_to_run(Overrides::default())?;
    let file = match issue {
        Some(name) => Some(issues::find(context, name)?),
        None => issues::all(context)?.pop(),
    };
    let (source, slug) = match &file {
        Some(file) => (file.source()?, file.slug.clone()),
        None => (Source::new(context.path("issues/sample.md"), SAMPLE), "sample".to_owned()),
    };
    let pages = Pages { context, source, slug, output };
    files::make_untracked_folder(output).map_err(|error| Failure::file("make the folder", output, error))?;
    let mut names: Vec<(String, String)> =
        SHIPPED.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned())).collect();
    for own in own_templates(&config.templates()) {
        if names.iter().all(|(name, _)| *name != own) {
            names.push((own, "the newsletter's own".to_owned()));
        }
    }
    let mut templates = Vec::new();
    for (name, about) in names {
        templates.push(pages.sample(&config, Some(&name), &name, about)?);
    }
    let mut palettes = Vec::new();
    for palette in &PALETTES {
        let mut config = config.clone();
        let design = &mut config.newsletter.design;
        design.retain(|key, _| !render::COLORS.contains(&key.as_str()) && key != "light" && key != "dark");
        design.insert("palette".to_owned(), Value::Text(palette.name.to_owned()));
        palettes.push(pages.sample(&config, None, palette.name, palette.about.to_owned())?);
    }
    let title = pages.build(&config, None)?.issue.head.title;
    let page = output.join("index.html");
    pages.write("index.html", web::designs(&title, &templates, &palettes).as_bytes())?;
    Ok(page)
}

/// An issue, to be written in many ways.
struct Pages<'a> {
    context: &'a Context,
    source: Source,
    slug: String,
    output: &'a Path,
}

impl Pages<'_> {
    fn build(&self, config: &Config, template: Option<&str>) -> Result<Built, Failure> {
        let mut build = config.build_context(self.context.now);
        build.template = template;
        render::build(self.source.clone(), &self.slug, &build)
            .map_err(|error| Failure::found(error.diagnostics))
    }

    /// Writes the letter, light and dark, with its pictures.
    fn sample(
        &self,
        config: &Config,
        template: Option<&str>,
        name: &str,
        about: String,
    ) -> Result<DesignSample, Failure> {
        let rendered = self.build(config, template)?.rendered;
        let mut html = rendered.sample(&rendered.html);
        let bytes = html.len();
        for picture in &rendered.pictures {
            let extension =
                Path::new(&picture.name).extension().and_then(|one| one.to_str()).unwrap_or("png");
            let stem = picture.cid.split('@').next().unwrap_or_default();
            let file = format!("pictures/{stem}.{extension}");
            html = html.replace(&format!("cid:{}", picture.cid), &file);
            self.write(&file, &picture.bytes)?;
        }
        let files = ["light", "dark"].map(|scheme| format!("{name}-{scheme}.html"));
        for (file, dark) in files.iter().zip([false, true]) {
            self.write(file, web::in_scheme(&html, dark).as_bytes())?;
        }
        let [light, dark] = files;
        Ok(DesignSample { name: name.to_owned(), about, bytes, light, dark })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.output.join(name);
        let folder = path.parent().unwrap_or(self.output);
        fs::create_dir_all(folder).map_err(|error| Failure::file("make the folder", folder, error))?;
        fs::write(&path, bytes).map_err(|error| Failure::file("write", &path, error))
    }
}
