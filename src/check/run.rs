//! The check of one issue, from what was built to the report that people see.

use std::path::Path;

use jiff::civil::Date;

use super::{
    context::{Earlier, IssueContext, LetterContext, PictureFacts},
    letter::{check, check_draft, sort},
    levels::Levels,
    online::{Answers, check_answers},
    people::check_list,
    size::{Costs, Share, budget, costs},
};
use crate::{
    assets::{self, Assets},
    issue::{
        Issue, Part, Placeholder,
        document::{Block, BlockPart, Inline, each_inline},
    },
    render::{BuildError, Built, Newsletter},
    source::{Diagnostic, Diagnostics, Place, Severity, Source},
    subscriber::{List, ListError, ListSource},
};

/// What a check needs beside the issue.
#[derive(Clone, Debug)]
pub struct CheckContext<'a> {
    /// The newsletter the issue appears in.
    pub newsletter: &'a Newsletter,
    /// The settings file, for findings about it.
    pub settings: &'a Path,
    /// The domain of the DKIM signature, if messages are signed.
    pub dkim_domain: Option<&'a str>,
    /// The owner's levels; comments in the issue are added to them.
    pub levels: &'a Levels,
    /// Earlier issues, the latest first.
    pub earlier: &'a [Earlier],
    /// The subscriber list, if it is to be read.
    pub list: Option<&'a ListSource>,
    /// What the web said about addresses.
    pub answers: &'a Answers,
    /// Today's date, where the newsletter is written.
    pub today: Date,
}

impl<'a> CheckContext<'a> {
    /// The context of a newsletter with its settings in `mimeo.toml`: no list is read, no earlier issue is compared, and every
    /// finding has its own level. The other fields can then be set.
    pub fn new(newsletter: &'a Newsletter, today: Date) -> Self {
        static LEVELS: Levels = Levels::new();
        static ANSWERS: Answers = Answers::new();
        Self {
            newsletter,
            settings: Path::new("mimeo.toml"),
            dkim_domain: None,
            levels: &LEVELS,
            earlier: &[],
            list: None,
            answers: &ANSWERS,
            today,
        }
    }
}

/// What was found in one issue, and what takes up its size.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// All findings with the owner's levels, in the order of the files.
    pub diagnostics: Diagnostics,
    /// The size of the HTML part by section.
    pub shares: Vec<Share>,
    /// What takes up most of the HTML part.
    pub costs: Costs,
}

/// Checks an issue that was built.
///
/// ```
/// # use std::path::Path;
/// # use mimeograph::{address::EmailAddress, render::{self, BuildContext, Mailbox, Newsletter}, source::Source};
/// use mimeograph::check::{self, CheckContext};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let newsletter = Newsletter::new("Tea", Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?));
/// # let source = Source::new("one.md", "---\ntitle: The first cup\n---\n\nLook [here](https://example.com).\n");
/// # let built = render::build(source, "one", &BuildContext::new(&newsletter, Path::new("."), jiff::Timestamp::now()))?;
/// let report = check::run(&built, &CheckContext::new(&newsletter, jiff::civil::date(2026, 1, 2)))?;
/// for finding in &report.diagnostics {
///     println!("{}: {} ({})", finding.place, finding.message, finding.code);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The list cannot be read. What is wrong in it is a finding.
pub fn run(built: &Built, context: &CheckContext<'_>) -> Result<Report, ListError> {
    let pictures = picture_facts(&built.assets);
    let draft = context.draft(&built.issue, &pictures);
    let letter = LetterContext { draft, built, settings: context.settings, dkim_domain: context.dkim_domain };
    let mut found = built.diagnostics.clone();
    found.extend(check(&letter));
    let rendered = &built.rendered;
    let patterns = [&rendered.subject, &rendered.html, &rendered.text];
    let placeholders = patterns.into_iter().flat_map(|pattern| pattern.placeholders());
    let sources: Vec<&Source> = [&built.issue.source].into_iter().chain(built.template.sources()).collect();
    found.extend(context.check_list(placeholders, &sources)?);
    let diagnostics = context.finish(found, &built.issue);
    Ok(Report { diagnostics, shares: budget(&letter), costs: costs(&letter) })
}

/// Checks what can be checked of an issue that could not be built, beside what is wrong with it.
///
/// # Errors
///
/// The list cannot be read. What is wrong in it is a finding.
pub fn run_draft(error: BuildError, context: &CheckContext<'_>) -> Result<Report, ListError> {
    let BuildError { issue, diagnostics: mut found, .. } = error;
    found.extend(check_draft(&context.draft(&issue, &[])));
    found.extend(context.check_list(placeholders(&issue).iter(), &[&issue.source])?);
    Ok(Report { diagnostics: context.finish(found, &issue), ..Report::default() })
}

impl CheckContext<'_> {
    fn draft<'a>(&'a self, issue: &'a Issue, pictures: &'a [PictureFacts]) -> IssueContext<'a> {
        let Self { newsletter, earlier, today, .. } = *self;
        IssueContext { issue, newsletter, pictures, earlier, today }
    }

    fn check_list<'a>(
        &self,
        placeholders: impl Iterator<Item = &'a Placeholder>,
        sources: &[&Source],
    ) -> Result<Diagnostics, ListError> {
        let Some(list) = self.list else { return Ok(Vec::new()) };
        match List::open(list).and_then(|list| check_list(list, placeholders, sources)) {
            Err(ListError::Unusable { diagnostics, .. }) => Ok(diagnostics),
            found => found,
        }
    }

    /// Adds what the web said, drops what is said twice, and applies the levels.
    fn finish(&self, mut found: Diagnostics, issue: &Issue) -> Diagnostics {
        found.extend(check_answers(issue, self.answers));
        // M413 says the same, and knows more anchors.
        found.retain(|one| one.code != "M162");
        let mut levels = self.levels.clone();
        for (unknown, place) in levels.read_comments(&issue.source) {
            let message = format!("unknown code `{}`", unknown.code);
            let help = unknown.nearest.map(|near| format!("did you mean `{near}`?"));
            let help = help.unwrap_or_else(|| "`mimeo explain` lists the codes".to_owned());
            found.push(Diagnostic::at("M400", Severity::Warning, place, message).help(help));
        }
        let mut found = one_for_each_link(levels.apply(found));
        sort(&mut found);
        found.dedup();
        found
    }
}

/// What is wrong with the address of a link, the most exact first.
const LINK_CODES: [&str; 3] = ["M455", "M411", "M236"];

/// One mistake in an address is one finding: of those at one place that stop a letter alike, the most exact stays.
fn one_for_each_link(found: Diagnostics) -> Diagnostics {
    let rank = |one: &Diagnostic| LINK_CODES.iter().position(|code| *code == one.code);
    let says_more = |other: &Diagnostic, one: &Diagnostic| {
        rank(other) < rank(one)
            && rank(other).is_some()
            && one.severity <= other.severity
            && overlap(&one.place, &other.place)
    };
    let is_said = |one: &&Diagnostic| rank(one).is_some() && found.iter().any(|other| says_more(other, one));
    found.iter().filter(|one| !is_said(one)).cloned().collect()
}

fn overlap(one: &Place, other: &Place) -> bool {
    match (one, other) {
        (Place::Text { path, start, end, .. }, Place::Text { path: path2, start: start2, end: end2, .. }) => {
            path == path2 && start < end2 && start2 < end
        }
        _ => false,
    }
}

fn picture_facts(assets: &Assets) -> Vec<PictureFacts> {
    let facts = |(source, asset): (&str, &assets::Asset)| PictureFacts {
        source: source.to_owned(),
        media_type: Some(asset.media_type.to_owned()),
        width: asset.width,
        bytes: Some(asset.bytes.len() as u64),
        seen: assets::seen(asset.media_type, &asset.bytes),
    };
    assets.pictures().map(facts).collect()
}

/// The placeholders in an issue's subject, preheader and text.
fn placeholders(issue: &Issue) -> Vec<Placeholder> {
    let mut found: Vec<Placeholder> = Vec::new();
    for phrase in [&issue.head.subject, &issue.head.preheader] {
        found.extend(phrase.0.iter().filter_map(|part| match part {
            Part::Open(placeholder) => Some(placeholder.clone()),
            _ => None,
        }));
    }
    in_blocks(&issue.document.blocks, &mut found);
    for note in &issue.document.footnotes {
        in_blocks(&note.blocks, &mut found);
    }
    found
}

fn in_blocks(blocks: &[Block], found: &mut Vec<Placeholder>) {
    for block in blocks {
        block.parts(&mut |part| match part {
            BlockPart::Words(words) => each_inline(words, &mut |inline| {
                if let Inline::Placeholder(placeholder) = inline {
                    found.push(placeholder.clone());
                }
            }),
            BlockPart::Blocks(blocks) => in_blocks(blocks, found),
            _ => {}
        });
    }
}
