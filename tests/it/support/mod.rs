//! What the tests share.

pub mod relay;
