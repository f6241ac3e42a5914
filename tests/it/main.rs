//! The integration tests; each module is a room or a border of the program.

mod support;
mod transport;
