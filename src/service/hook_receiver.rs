//! What takes the reports of delivery services.

use std::{fmt, sync::Arc};

use crate::{
    dispatch::Returns,
    hooks::{Fetch, Hooks},
};

/// What takes the reports of delivery services.
pub struct HookReceiver {
    /// The services, and what proves who they are.
    pub hooks: Arc<Hooks>,
    /// Settles what they report.
    pub returns: Returns,
    /// Fetches certificates.
    pub fetch: Arc<dyn Fetch + Send + Sync>,
}

impl fmt::Debug for HookReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookReceiver").finish_non_exhaustive()
    }
}
