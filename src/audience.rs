//! The managed list: people, their consent, and everything that ever changed.
//!
//! In: what owners, readers and exports of other services say about people. Out: people who want letters, as a list that is read
//! like a file; each person's record; the picture of a list that grows and shrinks.
//! Never: writes a letter; makes someone active who said no, unless a named decision of the owner or of the person does.
//!
//! It is kept in the ledger's database. Whatever lowers a person also suppresses the address in the same transaction, and
//! whatever suppresses an address lowers the person (a trigger does), so that the ledger's last look before each letter holds
//! for the list too.

mod activation;
mod admission;
mod batch;
mod changes;
mod consents;
mod decide;
mod erasure;
mod error;
mod export;
mod import;
mod joining;
mod managed;
mod platform;
mod preferences;
mod refusals;
mod renewal;
mod settling;
mod shapes;
mod signup;
mod signup_store;
mod stats;
mod store;
mod stored;
mod undo;
mod values;

pub use admission::{Admission, Decision, LetterKind, SignupKind};
pub use changes::{Label, NewPerson, Unsubscribed, Who};
pub use decide::MergeFields;
pub use erasure::Erasure;
pub use error::AudienceError;
pub use export::Exporter;
pub use import::{ImportOptions, ImportSummary, Staged, StatusCounts};
pub use managed::{Audience, Record};
pub use platform::Platform;
pub use preferences::Change;
pub use shapes::{Shaped, ShapedExport};
pub use signup::Confirmed;
pub use signup_store::{ServiceLetter, Signup};
pub use stats::{Month, Stats};
pub use stored::{ManagedList, People};
pub use undo::Undone;
pub use values::{Consent, HistoryEntry, Person, RESERVED, Status, Words};
