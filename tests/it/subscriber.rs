//! The subscriber room, from files.

mod addresses;
