//! Texts with their paths, and what is wrong with them.
//!
//! In: a path and its text. Out: [`Source`] (offsets to line and column) and [`Diagnostic`].
//! Never: knows a format, prints, or decides what follows.

mod diagnostic;
mod nearest;
mod outside;
mod place;
mod text;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
#[doc(hidden)]
pub use nearest::nearest;
#[doc(hidden)]
pub use outside::{is_disguise, without_disguise};
pub use place::{Place, Position, Span};
pub use text::{ReadError, Source};
