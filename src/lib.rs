//! Mimeograph: a Markdown issue becomes letters, and each subscriber gets it once.
//!
//! The rooms stand in one line, and a room imports only rooms to its left:
//! `source`, `address`, `subscriber`, `issue`, `render`, `check`, `message`, `transport`, `ledger`, `dispatch`, `report`.
//! The doors `config`, `web` and `cli` stand outside; no room imports them. `ARCHITECTURE.md` tells the rest.

pub mod address;
pub mod check;
pub mod dispatch;
pub mod issue;
pub mod ledger;
pub mod message;
pub mod render;
pub mod report;
pub mod source;
pub mod subscriber;
pub mod transport;

pub mod cli;
pub mod config;
pub mod web;
