//! The videos and posts of an issue.

use super::walk;
use crate::issue::{
    Issue,
    document::{Post, Video},
};

/// A video or a post in an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embed {
    /// Which of the two.
    pub kind: EmbedKind,
    /// The address of the video or post.
    pub url: String,
    /// The issue itself does not say what it shows.
    pub is_bare: bool,
}

/// What an embed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbedKind {
    /// A video, shown as a still picture with a link.
    Video,
    /// A post on a social network.
    Post,
}

/// The videos and posts of an issue, in reading order.
pub fn embeds(issue: &Issue) -> Vec<Embed> {
    let mut found = Vec::new();
    walk::pointers(&issue.document, &mut |pointer, _| match pointer {
        walk::Pointer::Video(Video { url, still, .. }) => {
            found.push(Embed { kind: EmbedKind::Video, url: url.clone(), is_bare: still.is_none() });
        }
        walk::Pointer::Post(Post { url, blocks, .. }) => {
            found.push(Embed { kind: EmbedKind::Post, url: url.clone(), is_bare: blocks.is_empty() });
        }
        _ => {}
    });
    found
}
