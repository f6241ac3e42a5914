//! `{{ subscriber.first_name }}`: names in a text that are filled in later.

mod find;
mod parse;
mod phrase;
mod scanner;

pub(super) use find::{Found, find, placeholders};
pub(super) use parse::{phrase, statement, unclosed};
pub use phrase::{Filter, Part, Phrase, Placeholder};
