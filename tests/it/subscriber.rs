//! The subscriber module, from files.

mod addresses;
mod exports;
mod lists;
mod suppressions;
