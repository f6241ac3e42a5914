//! The preview: a page on this machine that shows a letter as its readers will see it; and the page of two letters.
//!
//! In: a [`PreviewBackend`] that makes the letter, and word that a file was saved. Out: pages over HTTP, or one file.
//! Never: sends anything but a test letter that the user confirmed, to an address that the settings name; changes a file,
//! answers a request for another host than this machine, or runs a script that is in a letter.

mod backend;
mod compare;
mod designs;
mod forced_dark;
mod letter;
mod letter_view;
mod page;
mod server;
mod watch;

pub use backend::PreviewBackend;
pub use compare::{Comparison, comparison};
pub use designs::{DesignSample, designs};
pub use letter::in_scheme;
pub use letter_view::LetterView;
pub use page::static_page;
pub use server::{Access, Changes, serve};
pub use watch::{Watch, watch};
