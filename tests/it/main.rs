//! The integration tests; each module is a room or a border of the program.

mod cli;
mod ledger;
mod letters;
mod subscriber;
mod materials;
mod support;
mod tidy;
