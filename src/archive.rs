//! Issues on the web: each as a page, and all of them as an index with topics, feeds and a site map, made from the same
//! document as the letter.
//!
//! In: an `Issue`, its `Newsletter`, `Assets` and `Design`. Out: HTML pages, an Atom feed, a JSON Feed, a site map, each complete in itself.
//! Never: knows a subscriber or a date of today, opens a file, or writes a script or an unsubscribe link.

mod feed;
mod json_feed;
mod page;
mod site;

pub use feed::{Entry, feed};
pub use json_feed::json_feed;
pub use page::{Around, Neighbor, Page, PicturePaths, web_page, web_page_in};
pub use site::{Archive, Topic};
