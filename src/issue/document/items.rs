//! What blocks hold that holds no blocks itself: figures, videos, buttons, entries.

use super::inline::{Image, Inlines};
use crate::issue::placeholder::Phrase;

/// Alerts as GFM knows them, and the plain callout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// `[!NOTE]`
    Note,
    /// `[!TIP]`
    Tip,
    /// `[!IMPORTANT]`
    Important,
    /// `[!WARNING]`
    Warning,
    /// `[!CAUTION]`
    Caution,
    /// `::: callout`
    Callout,
}

/// A picture of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The picture.
    pub image: Image,
    /// What it shows.
    pub caption: Option<Inlines>,
    /// Whose it is.
    pub credit: Option<Inlines>,
    /// Where a click leads.
    pub link: Option<Phrase>,
}

/// A video, shown as a still with a play mark that links to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    /// Where it plays.
    pub url: String,
    /// Its title; may come from the file stored beside the issue.
    pub title: Option<String>,
    /// The still; may come from the file stored beside the issue.
    pub still: Option<Image>,
    /// A line below.
    pub caption: Option<Inlines>,
}

/// An entry of a resource list.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Where a click leads.
    pub url: Phrase,
    /// The link's words.
    pub title: Inlines,
    /// For example "paper", "code", "video"; from `[paper]` in front of the link or `{kind=paper}` behind it.
    pub kind: Option<String>,
    /// What it is about.
    pub blurb: Inlines,
}

/// A link that looks like a button.
#[derive(Clone, Debug, PartialEq)]
pub struct Button {
    /// Where a click leads.
    pub url: Phrase,
    /// Its words.
    pub label: Inlines,
    /// Quieter than the first one.
    pub secondary: bool,
}

/// A line of the contents.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentsEntry {
    /// The heading's level.
    pub level: u8,
    /// The heading's anchor; none for an entry that the author wrote by hand.
    pub anchor: Option<String>,
    /// The heading's words.
    pub content: Inlines,
}

/// How a column of a table is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alignment {
    /// As the language runs.
    #[default]
    Start,
    /// Left.
    Left,
    /// Center.
    Center,
    /// Right.
    Right,
}
