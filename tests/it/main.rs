//! The integration tests; each module is a room or a border of the program.

mod ledger;
mod materials;
mod subscriber;
mod support;
