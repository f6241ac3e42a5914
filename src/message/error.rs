/// Why a letter cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The letter is not fit to be handed to a relay. This is a mistake of ours.
    #[error("the letter holds {what} at byte {at}, which no relay may be given")]
    Unfit {
        /// What it holds.
        what: &'static str,
        /// Its place, in bytes from the start.
        at: usize,
    },
    /// The person has no value for a placeholder without a default.
    #[error("`{name}` is empty for this person")]
    Missing {
        /// The placeholder's name.
        name: String,
    },
    /// The value of a placeholder is too long for a header field.
    #[error("`{name}` is too long for a header field")]
    Overlong {
        /// The placeholder.
        name: String,
    },
    /// A header field of the owner's own cannot be written.
    #[error("the header field `{name}` cannot be used: {reason}")]
    Header {
        /// Its name, without control characters.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A key to sign with cannot be used.
    #[error("the DKIM key for `{domain}` cannot be used: {reason}")]
    Key {
        /// The signing domain.
        domain: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The skeleton of the letter cannot be built.
    #[error("the parts of the letter cannot be put together: {0}")]
    Skeleton(String),
}
