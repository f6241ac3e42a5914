//! Names of fields that a condition treats in a way of its own.

/// Names of every person, besides the columns of a list.
pub(super) const OWN: [&str; 4] = ["email", "address", "name", "status"];
/// Fields that hold several words.
pub(super) const LISTS: [&str; 3] = ["tags", "topics", "labels"];
/// The field that is a time.
pub(super) const JOINED: &str = "joined_at";

/// What is before the name of a field in a resolved expression: no name that an author can write has it.
pub(super) const FIELD: char = '$';
