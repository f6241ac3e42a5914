//! From the text of an issue to its letter, in one call.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    design::{Color, Logo, Palette},
    letter::{self, Frame, LetterInputs, design},
    newsletter::Newsletter,
    rendered_issue::RenderedIssue,
    template::Template,
};
use crate::{
    assets::{Assets, Ink, MathCommand, draw_formulas},
    issue::{Issue, Value},
    source::{Diagnostic, Diagnostics, Place, Source, Span, nearest},
};

/// What a build needs beside the issue: the newsletter and where its files are.
#[derive(Clone, Debug)]
pub struct BuildContext<'a> {
    /// The newsletter the issue appears in.
    pub newsletter: &'a Newsletter,
    /// The newsletter's folder: no file outside it is read.
    pub root: &'a Path,
    /// The folder of the owner's own templates. A name that is not there is looked up among [`SHIPPED`](super::SHIPPED).
    pub templates: PathBuf,
    /// The settings file, for findings about what it names.
    pub settings: &'a Path,
    /// The program that draws formulas.
    pub math: MathCommand<'a>,
    /// A template to use whatever the issue and the newsletter say.
    pub template: Option<&'a str>,
    /// The `Date` of the letters, cut to whole seconds.
    pub now: Timestamp,
}

impl<'a> BuildContext<'a> {
    /// The context of a newsletter in this folder, with templates in `templates/`, settings in `mimeo.toml`, and formulas
    /// as TeX. Letters are dated `now`.
    pub fn new(newsletter: &'a Newsletter, root: &'a Path, now: Timestamp) -> Self {
        Self {
            newsletter,
            root,
            templates: root.join("templates"),
            settings: Path::new("mimeo.toml"),
            math: MathCommand::None,
            template: None,
            now,
        }
    }
}

/// An issue that became a letter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Built {
    /// The issue as it was read.
    pub issue: Issue,
    /// The letter, with placeholders for the reader still open.
    pub rendered: RenderedIssue,
    /// The pictures and the stored data that it shows.
    pub assets: Assets,
    /// The template it was laid out by.
    pub template: Template,
    /// What was given from outside.
    pub frame: Frame,
    /// Each block of the document with the bytes of HTML that it takes; see [`Letter::blocks`](super::Letter::blocks).
    pub blocks: Vec<(Span, usize)>,
    /// Warnings and notes about the issue, its pictures and its template.
    pub diagnostics: Diagnostics,
}

/// An issue that did not become a letter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BuildError {
    /// The issue as far as it could be read. Checks can still look at it.
    pub issue: Box<Issue>,
    /// At least one error, and everything else that was found.
    pub diagnostics: Diagnostics,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the issue cannot become a letter")?;
        let mut errors = self.diagnostics.iter().filter(|one| one.is_error());
        errors.try_for_each(|error| write!(f, "; {}: {}", error.place, error.message))
    }
}

impl std::error::Error for BuildError {}

impl From<BuildError> for Diagnostics {
    fn from(error: BuildError) -> Self {
        error.diagnostics
    }
}

/// Topics of an issue that the newsletter does not have.
fn unknown_topics(issue: &Issue, newsletter: &Newsletter) -> Diagnostics {
    if newsletter.topics.is_empty() {
        // Without topics in the settings they are the archive's, and choose no readers.
        return Diagnostics::new();
    }
    let known = || newsletter.topics.iter().map(|topic| topic.slug.as_str());
    let unknown = issue.head.topics.iter().filter(|topic| !known().any(|known| known == topic.as_str()));
    unknown
        .map(|topic| {
            let help = match nearest(topic, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the newsletter has: {}", known().collect::<Vec<_>>().join(", ")),
            };
            let span = issue.head.spans.get(&format!("topics.{topic}")).cloned().unwrap_or_default();
            Diagnostic::error("M110", &issue.source, span, format!("unknown topic `{topic}`")).help(help)
        })
        .collect()
}

/// Builds the letter of an issue: reads its text, its template and its pictures, draws its formulas, and renders it.
///
/// # Errors
///
/// All problems of the issue, its template and its pictures at once.
pub fn build(source: Source, slug: &str, context: &BuildContext<'_>) -> Result<Built, BuildError> {
    let newsletter = context.newsletter;
    let issue = Issue::read(source, &newsletter.language);
    let mut diagnostics = issue.diagnostics.clone();
    diagnostics.extend(unknown_topics(&issue, newsletter));
    let name = context.template.or(issue.head.template.as_deref()).unwrap_or(&newsletter.template);
    let template = match Template::load(&context.templates, name) {
        Ok(template) => template,
        Err(found) => {
            diagnostics.extend(found);
            let settings = newsletter.picture_settings();
            diagnostics.extend(Assets::load(&issue, &settings, &[], context.root).1);
            return Err(BuildError { issue: Box::new(issue), diagnostics });
        }
    };
    diagnostics.extend(template.diagnostics.iter().cloned());
    let (assets, found) = load_assets(&issue, &template, context);
    diagnostics.extend(found);
    if !issue.has_readable_head() {
        // What the letter says about fields would be guesses.
        return Err(BuildError { issue: Box::new(issue), diagnostics });
    }
    // Whole seconds, as a letter's Date has no more.
    let date = Timestamp::from_second(context.now.as_second()).unwrap_or(context.now);
    let frame = Frame { slug: slug.to_owned(), date };
    let inputs =
        LetterInputs { issue: &issue, newsletter, template: &template, assets: &assets, frame: &frame };
    match letter::render(&inputs) {
        Ok(letter) => {
            diagnostics.extend(letter.diagnostics);
            if diagnostics.iter().any(Diagnostic::is_error) {
                return Err(BuildError { issue: Box::new(issue), diagnostics });
            }
            let (rendered, blocks) = (letter.rendered, letter.blocks);
            Ok(Built { issue, rendered, assets, template, frame, blocks, diagnostics })
        }
        Err(found) => {
            diagnostics.extend(found);
            Err(BuildError { issue: Box::new(issue), diagnostics })
        }
    }
}

/// The picture at the head of an issue: `cover` of its front matter.
pub(crate) fn cover(issue: &Issue) -> Option<&str> {
    match issue.head.fields.get("cover") {
        Some(Value::Text(path)) if !path.trim().is_empty() => Some(path.trim()),
        _ => None,
    }
}

/// Everything that the issue, its template and its design show beside words.
fn load_assets(issue: &Issue, template: &Template, context: &BuildContext<'_>) -> (Assets, Diagnostics) {
    let mut extra = template.pictures();
    let (design, _) = design(issue, context.newsletter, template);
    let settings = Place::File { path: context.settings.to_owned() };
    let logos = design.logo.iter().flat_map(Logo::pictures);
    extra.extend(logos.map(|picture| (picture.to_owned(), settings.clone())));
    if let Some(cover) = cover(issue) {
        let span = issue.head.spans.get("cover").cloned().unwrap_or_default();
        extra.push((cover.to_owned(), issue.source.place(span)));
    }
    let mut diagnostics = draw_formulas(context.math, context.root, issue);
    let (assets, found) = Assets::load(issue, &context.newsletter.picture_settings(), &extra, context.root);
    diagnostics.extend(found);
    let mut assets = assets;
    let rgb = |color: Color| [color.0, color.1, color.2];
    let ink =
        |palette: &Palette| Ink { text: rgb(palette.text), paper: rgb(palette.paper), size: design.size };
    let (light, dark) = (ink(&design.light), ink(&design.dark));
    if matches!(context.math, MathCommand::BuiltIn) {
        diagnostics.extend(assets.draw_formulas(issue, &light, &dark));
    }
    if light != dark {
        assets.darken_formulas(issue, &dark);
    }
    (assets, diagnostics)
}
