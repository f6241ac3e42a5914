//! A request to a hook, and why one is refused.

/// A request to a hook.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its header: names in any case, and values.
    pub header: &'a [(String, String)],
    /// Its body, byte by byte as it came.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The value of the first header field with this name.
    pub(super) fn field(&self, name: &str) -> Option<&'a str> {
        let header: &'a [(String, String)] = self.header;
        header.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No service with this name has settings.
    #[error("no such hook")]
    Unknown,
    /// The body is too large.
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// The secret or the signature is missing or wrong, or it is too old.
    #[error("unauthorized: {0}")]
    Unauthorized(&'static str),
    /// It is signed, and comes from somewhere that the settings do not name.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// It cannot be read.
    #[error("malformed: {0}")]
    Malformed(#[from] Malformed),
    /// What is needed to verify it cannot be had now.
    #[error("try again later: {0}")]
    Unavailable(String),
}

impl Refusal {
    /// The status code of HTTP that says so.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown => 404,
            Self::TooLarge => 413,
            Self::Unauthorized(_) => 401,
            Self::Forbidden(_) => 403,
            Self::Malformed(_) => 400,
            Self::Unavailable(_) => 503,
        }
    }
}

/// A body that does not have the documented form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);
