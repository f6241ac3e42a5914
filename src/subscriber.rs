//! A CSV file becomes people we may write to, and points at the rows it could not read.
//!
//! In: a CSV file. Out: a stream of [`Subscriber`], or of rows that are wrong; the way back for exports.
//! Never: holds the list in memory, knows an issue or a ledger, prints an address whole.

mod consent;
mod export;
mod fields;
mod header;
mod list;
mod list_file;
mod reader;
mod records;
mod seen;
mod source;
mod suppression_file;
mod suppressions;
mod table;

pub use consent::{ColumnMeanings, Inactive, InactiveCounts, Meaning};
#[doc(hidden)]
pub use export::{Export, unguard};
pub use fields::Fields;
#[doc(hidden)]
pub use header::normalise;
pub use list::Row;
pub use list_file::ListFile;
pub use reader::HEADER_VALUE_MAX;
pub use records::{Record, Records};
pub use source::{List, ListSource, Scan, StoredList, StoredRows};
pub use suppression_file::{Kept, SuppressionFile, SuppressionFileError};
pub use suppressions::{Suppression, Suppressions};

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{address::EmailAddress, source::Diagnostics};

/// A person on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Where letters go.
    pub address: EmailAddress,
    /// The person's name, from `name`, or from first and last name.
    pub name: Option<String>,
    /// Every other column that is not empty, by its normalised name (`First name` is `first_name`).
    pub fields: Fields,
}

impl Subscriber {
    /// A subscriber without a name and without fields.
    pub fn new(address: EmailAddress) -> Self {
        Self { address, name: None, fields: Fields::default() }
    }

    /// The value behind `{{ subscriber.NAME }}`; `None` when missing or empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        match name {
            "email" => Some(self.address.expose()),
            "address" if !self.fields.contains(name) => Some(self.address.expose()),
            "name" => self.name.as_deref(),
            other => self.fields.get(other),
        }
        .filter(|value| !value.is_empty())
    }
}

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
        /// Why.
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
