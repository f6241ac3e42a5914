//! What the tests share.

pub(crate) mod ledgers;
pub(crate) mod newsletter;
pub(crate) mod newsroom;
