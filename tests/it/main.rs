//! The integration tests; each module is a room or a border of the program.

mod issue;
mod cli;
mod crash;
mod ledger;
mod letters;
mod materials;
mod support;
mod transport;
mod tidy;
