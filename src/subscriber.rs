//! A CSV file becomes people we may write to, and points at the rows it could not read.
//!
//! In: a CSV file. Out: a stream of [`Subscriber`], or of rows that are wrong; the way back for exports.
//! Never: holds the list in memory, knows an issue or a ledger, prints an address whole.

#[cfg(feature = "send")]
mod condition;
mod consent;
mod error;
mod export;
mod fields;
mod header;
mod hidden;
mod inactive;
mod list;
mod list_file;
mod meaning;
mod normalize;
mod person;
mod reader;
mod records;
mod row_error;
mod seen;
mod source;
mod suppression_file;
mod suppressions;
mod table;
mod times;
mod topics;

#[cfg(feature = "send")]
pub use condition::{Condition, ConditionError};
pub use consent::ColumnMeanings;
#[cfg(feature = "cli")]
pub(crate) use consent::is_about_consent;
pub use error::ListError;
#[doc(hidden)]
pub use export::{Export, unguard};
pub use fields::Fields;
#[cfg(feature = "send")]
pub(crate) use hidden::parse as parse_object;
#[cfg(test)]
pub(crate) use inactive::InactiveCountsSchema;
pub use inactive::{Inactive, InactiveCounts, is_mailchimp};
pub use list::Row;
pub use list_file::ListFile;
pub use meaning::Meaning;
#[doc(hidden)]
pub use normalize::normalize;
pub use person::Subscriber;
pub use reader::HEADER_VALUE_MAX;
pub use records::{BadRow, Record, Records};
pub use source::{List, ListSource, Scan, StoredList, StoredRows};
pub use suppression_file::{Kept, SuppressionFile, SuppressionFileError};
pub use suppressions::{Suppression, Suppressions};
#[doc(hidden)]
pub use times::parse_time;
pub use topics::{Topic, wants_one_of};
