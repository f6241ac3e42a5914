//! The subscriber room, from files.

mod addresses;
mod exports;
mod lists;
mod suppressions;
