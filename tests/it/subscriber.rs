//! The subscriber room, from files.

mod addresses;
mod lists;
mod suppressions;
