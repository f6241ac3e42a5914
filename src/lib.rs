//! Mimeograph: a Markdown issue becomes letters, and each subscriber gets it once.
//!
//! The modules are layers, and each imports only those before it: `files`, `source`, `markup`, `address`, `subscriber`, `issue`, `assets`,
//! `render`, `archive`, `check`, `message`, `transport`, `ledger`, `dispatch`, `report`. The entry points `config`, `web` and `cli` may
//! import all of them, and none of them imports an entry point. `ARCHITECTURE.md` has the rest.

pub mod address;
pub mod archive;
pub mod assets;
pub mod check;
pub mod dispatch;
pub mod files;
pub mod issue;
pub mod ledger;
mod markup;
pub mod message;
pub mod render;
pub mod report;
pub mod source;
pub mod subscriber;
pub mod transport;

pub mod cli;
pub mod config;
pub mod web;
