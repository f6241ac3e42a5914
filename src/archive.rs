//! Issues on the web: each as a page, and all of them as a feed, made from the same document as the letter.
//!
//! In: an `Issue`, its `Newsletter`, `Assets` and `Design`. Out: HTML pages and an Atom feed, each complete in itself.
//! Never: knows a subscriber or a date of today, opens a file, or writes a script or an unsubscribe link.

mod feed;
mod page;

pub use feed::{Entry, feed};
pub use page::{Page, PicturePaths, web_page};
