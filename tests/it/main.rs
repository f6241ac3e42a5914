//! The integration tests; each module is a room or a border of the program.

mod cli;
mod issue;
mod ledger;
mod letters;
mod materials;
mod subscriber;
mod support;
mod tidy;
