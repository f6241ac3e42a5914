//! A CSV file becomes people we may write to, and points at the rows it could not read.
//!
//! In: a CSV file. Out: a stream of [`Subscriber`], or of rows that are wrong.
//! Never: holds the list in memory, knows an issue or a ledger, prints an address whole.

mod address;

pub use address::{EmailAddress, NotAnAddress};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A person on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Where letters go.
    pub address: EmailAddress,
    /// The person's name, from `name`, or from first and last name.
    pub name: Option<String>,
    /// Every other column that is not empty, by its normalised name (`First name` is `first_name`).
    pub fields: BTreeMap<String, String>,
}

impl Subscriber {
    /// The value behind `{{ subscriber.NAME }}`; `None` when missing or empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        match name {
            "email" | "address" => Some(self.address.expose()),
            "name" => self.name.as_deref(),
            other => self.fields.get(other).map(String::as_str),
        }
        .filter(|value| !value.is_empty())
    }
}
