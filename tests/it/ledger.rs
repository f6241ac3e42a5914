//! The ledger's contract: the same scenarios on every kind of ledger, and random ones.

mod ahead;
mod backup;
mod decisions;
mod files;
mod leases;
mod plan;
mod queries;
mod random;
mod reports;
mod runs;
mod schema;
mod server;
mod server_ahead;
mod shared;
