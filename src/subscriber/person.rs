//! A person on the list.

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use crate::address::EmailAddress;

/// A person on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Where letters go.
    pub address: EmailAddress,
    /// The person's name, from `name`, or from first and last name.
    pub name: Option<String>,
    /// Every other column that is not empty, by its normalized name (`First name` is `first_name`).
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
