//! The integration tests; each module is a room or a border of the program.

mod issue;
mod support;
