//! What becomes of a letter.

use serde::{Deserialize, Serialize};

use super::{reply::Reply, stage::Stage};

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The relay took responsibility (2yz to the last byte).
    Accepted {
        /// The relay's reply.
        reply: Reply,
    },
    /// Not now (4yz for this letter).
    Deferred {
        /// The command that it replied to.
        stage: Stage,
        /// The relay's reply.
        reply: Reply,
    },
    /// Not ever in this form (5yz for this letter).
    Rejected {
        /// The command that it replied to.
        stage: Stage,
        /// The relay's reply.
        reply: Reply,
    },
    /// Body bytes left, and no reply was read: no one can know.
    Unconfirmed {
        /// What happened, in words.
        why: String,
    },
}
