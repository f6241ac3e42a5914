//! An issue and a template become one [`RenderedIssue`]: subject, HTML, text with placeholders open, digest.
//!
//! In: an `Issue`, the [`Newsletter`] it appears in, its template and pictures. Out: [`RenderedIssue`], or diagnostics.
//! Never: knows a subscriber, a date of today or a relay, or opens a file: [`build`] and [`Template::load`] ask `assets` for
//! what they read. It is the only module with MJML, and it runs once per issue.

mod authored_markup;
mod blocks;
mod build;
mod design;
mod fill;
#[cfg(feature = "highlight")]
mod highlight;
#[cfg(not(feature = "highlight"))]
#[path = "render/no_highlight.rs"]
mod highlight;
mod hoist;
pub(crate) mod i18n;
mod language;
mod letter;
mod mjml;
mod newsletter;
mod opening;
mod pattern;
mod rendered_issue;
mod sample;
pub(crate) mod scope;
mod stored;
mod template;
mod text;
mod theme;
mod tokens;
mod transfer;

#[doc(hidden)]
pub use authored_markup::{AuthoredMarkup, Background, MarkupKind, authored_markup, authored_markup_in};
pub(crate) use blocks::{extent, plain, tables::table_labels};
pub(crate) use build::cover;
pub use build::{BuildContext, BuildError, Built, build};
#[doc(hidden)]
pub use design::COLORS;
#[cfg(feature = "cli")]
pub(crate) use design::settings as design_settings;
pub use design::{
    Buttons, Cards, Color, Design, Headings, Lists, Logo, Looks, NamedPalette, PALETTES, Palette, Pictures,
    WebFont,
};
#[doc(hidden)]
pub use i18n::{OwnTexts, TEXT_SECTIONS};
pub(crate) use language::is_right_to_left;
#[doc(hidden)]
pub use language::language_tag;
pub use letter::Frame;
#[doc(hidden)]
pub use letter::{Letter, LetterInputs, design, render, web_address};
pub use newsletter::{Footer, Mailbox, Newsletter, Unsubscribe};
pub use pattern::{Escape, Pattern, Piece};
pub use rendered_issue::RenderedIssue;
#[doc(hidden)]
pub use sample::sample_value;
#[doc(hidden)]
pub use scope::apply as apply_filters;
pub use stored::StoredIssueError;
pub use template::{SHIPPED, Template, shipped};
pub use transfer::TransferEncoding;
