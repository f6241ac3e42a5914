//! Opening a ledger where it is: in a file, or on a server.

use super::{error::StoreError, store::Store};
use crate::{ledger::options::OpenOptions, storage::Location};

impl Store {
    /// Opens it for writing, makes it where it is missing, and brings its schema up to date; also one that was moved elsewhere.
    pub(super) fn open_even_retired(location: &Location, options: &OpenOptions) -> Result<Self, StoreError> {
        match location {
            Location::File(path) => Self::open_file(path, options),
            Location::Server(server) => Self::open_server(server, options),
        }
    }

    /// Opens it read-only.
    pub(in crate::ledger) fn open_read_only(
        location: &Location,
        options: &OpenOptions,
    ) -> Result<Self, StoreError> {
        match location {
            Location::File(path) => Self::open_file_read_only(path, options),
            Location::Server(server) => Self::open_server_read_only(server, options),
        }
    }

    /// The second connection of a process that writes: for reading.
    pub(in crate::ledger) fn beside(location: &Location, options: &OpenOptions) -> Result<Self, StoreError> {
        match location {
            Location::File(path) => Self::beside_file(path, options),
            Location::Server(server) => Self::open_server_read_only(server, options),
        }
    }
}

#[cfg(not(feature = "postgres"))]
impl Store {
    /// A file needs no leases that are renewed.
    pub(in crate::ledger) fn tend(&mut self) -> Option<std::time::Instant> {
        None
    }

    fn open_server(server: &crate::storage::Server, _: &OpenOptions) -> Result<Self, StoreError> {
        let why = std::io::Error::new(
            std::io::ErrorKind::Unsupported,
            "this program was built without the feature `postgres`",
        );
        Err(crate::ledger::error::LedgerError::open(server.to_string().as_ref(), why).into())
    }

    fn open_server_read_only(
        server: &crate::storage::Server,
        options: &OpenOptions,
    ) -> Result<Self, StoreError> {
        Self::open_server(server, options)
    }
}
