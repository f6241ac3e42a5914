//! What the tests share.

pub mod relay;
pub(crate) mod ledgers;
pub(crate) mod newsletter;
pub(crate) mod newsroom;
