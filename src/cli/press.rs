//! From an issue's file to a rendered issue: the rooms `source`, `issue` and `render`, one after the other.

use std::{fs, path::Path};

use jiff::Timestamp;

use super::{Context, Failure, issues::IssueFile, math};
use crate::{
    config::Config,
    issue::Issue,
    render::{self, Assets, Frame, Logo, RenderedIssue, Template},
    source::{Diagnostic, Diagnostics, Place, Severity, Source},
};

/// An issue on its way to becoming letters.
pub(crate) struct Pressed {
    pub(crate) issue: Issue,
    pub(crate) rendered: RenderedIssue,
    pub(crate) assets: Assets,
    pub(crate) template: Template,
    pub(crate) frame: Frame,
    /// Warnings and notes from all rooms.
    pub(crate) diagnostics: Diagnostics,
}

/// No issue is larger than this, in octets.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Reads an issue's file.
pub(crate) fn source(path: &Path) -> Result<Source, Failure> {
    let refuse = |message: String, help: &str| {
        let place = Place::File { path: path.to_owned() };
        Failure::found(vec![Diagnostic::at("M101", Severity::Error, place, message).help(help)])
    };
    let octets = fs::metadata(path).map_err(|error| Failure::file("read", path, error))?.len();
    if LARGEST < octets {
        return Err(refuse(
            format!("the issue has {} MB", octets / 1_000_000),
            "no letter is that long: name another file",
        ));
    }
    let bytes = fs::read(path).map_err(|error| Failure::file("read", path, error))?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
            return Err(refuse(format!("line {line} is not UTF-8"), "save the file as UTF-8"));
        }
    };
    Ok(Source::new(path, text))
}

/// Makes the rendered issue, and tells warnings and notes. All problems of the issue, its pictures and its template come
/// at once.
pub(crate) fn press(context: &Context, config: &Config, file: &IssueFile) -> Result<Pressed, Failure> {
    let pressed = press_quietly(config, file, context.now)?;
    let told: Diagnostics =
        pressed.diagnostics.iter().filter(|one| Severity::Warning <= one.severity).cloned().collect();
    context.terminal.show(&told);
    Ok(pressed)
}

/// The same without telling anything.
pub(crate) fn press_quietly(config: &Config, file: &IssueFile, now: Timestamp) -> Result<Pressed, Failure> {
    press_source(config, source(&file.path)?, &file.slug, now).map_err(Failure::found)
}

/// The same from a text that was read before.
pub(crate) fn press_source(
    config: &Config,
    source: Source,
    slug: &str,
    now: Timestamp,
) -> Result<Pressed, Diagnostics> {
    let newsletter = &config.newsletter;
    let parsed = Issue::parse(source);
    let name = match &parsed {
        Ok(issue) => issue.head.template.as_deref().unwrap_or(&newsletter.template),
        Err(_) => newsletter.template.as_str(),
    };
    let template = Template::load(&config.templates(), name);
    let mut problems: Diagnostics = Vec::new();
    let (issue, template) = match (parsed, template) {
        (Ok(issue), Ok(template)) => (issue, template),
        (issue, template) => {
            problems.extend(issue.err().into_iter().flatten());
            problems.extend(template.err().into_iter().flatten());
            return Err(problems);
        }
    };
    let mut extra = template.pictures();
    let (design, _) = render::design(&issue, newsletter, &template);
    let place = Place::File { path: config.file.clone() };
    extra.extend(
        design.logo.iter().flat_map(Logo::pictures).map(|picture| (picture.to_owned(), place.clone())),
    );
    let drawn = math::draw(&config.math, &config.root, &issue);
    let (assets, noticed) = Assets::load(&issue, newsletter, &extra, &config.root);
    let mut diagnostics = issue.diagnostics.clone();
    diagnostics.extend(drawn);
    diagnostics.extend(noticed);
    // Whole seconds, as a letter's Date has no more.
    let date = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let frame = Frame { slug: slug.to_owned(), date };
    match render::render(&issue, newsletter, &template, &assets, &frame) {
        Ok((rendered, noticed)) => {
            diagnostics.extend(noticed);
            if diagnostics.iter().any(Diagnostic::is_error) {
                return Err(diagnostics);
            }
            Ok(Pressed { issue, rendered, assets, template, frame, diagnostics })
        }
        Err(found) => {
            diagnostics.extend(found);
            Err(diagnostics)
        }
    }
}
