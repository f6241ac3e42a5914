//! The ways that letters can take.

use std::sync::Arc;

use crate::{dispatch::pace::Limit, transport::Transport};

/// A way for letters: a relay or a folder, and which letters it is for.
#[derive(Clone, Debug)]
pub struct Route {
    /// Where its letters go.
    pub transport: Arc<Transport>,
    /// Connections at once, at most.
    pub connections: usize,
    /// Its share of the letters, beside the shares of other routes; one with 0 is on standby until no other can be used.
    pub weight: u32,
    /// It takes letters to these recipient domains only, in A-labels, and no route without domains takes those as long as this one
    /// can be used. Empty: it takes letters to all other domains.
    pub domains: Vec<String>,
    /// Limits for this route alone, beside those of the [pace](crate::dispatch::Settings::pace), which are for all routes together.
    pub limits: Vec<Limit>,
}

impl Route {
    /// The only one.
    pub fn new(transport: Arc<Transport>, connections: usize) -> Self {
        Self { transport, connections, weight: 1, domains: Vec::new(), limits: Vec::new() }
    }
}
