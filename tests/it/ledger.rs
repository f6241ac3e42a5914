//! The ledger's contract: the same stories on every kind of ledger, and random ones.

mod ahead;
mod backup;
mod decisions;
mod files;
mod leases;
mod plan;
mod queries;
mod random;
mod reports;
