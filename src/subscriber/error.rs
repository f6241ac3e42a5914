//! Why a list cannot be read at all.

use std::{io, path::PathBuf};

use crate::source::Diagnostics;

/// A list that cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The file is not there, may not be read, or the disk fails in the middle.
    #[error("failed to read the subscriber list `{}`", path.display())]
    Read {
        /// The list's file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A store that holds a list cannot be read.
    #[error("failed to read the managed list in `{}`", path.display())]
    Stored {
        /// The store.
        path: PathBuf,
        /// Why the store could not be read.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was read, and it is no list: at least one error says why (`M301` to `M305`, `M313`).
    #[error("the subscriber list `{}` cannot be used", path.display())]
    Unusable {
        /// The list's file.
        path: PathBuf,
        /// What is wrong.
        diagnostics: Diagnostics,
    },
}
