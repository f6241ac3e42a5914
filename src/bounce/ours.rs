//! What is ours in a message that came back.

use crate::address::EmailAddress;

/// What is ours in a message that came back.
#[derive(Clone, Debug, Default)]
pub struct Ours {
    /// The envelope sender, with `{token}` in its local part if each delivery has its own.
    pub bounces: Option<EmailAddress>,
    /// Where readers unsubscribe by mail.
    pub unsubscribe: Option<EmailAddress>,
    /// Other addresses of the sender's own (`From`, `Reply-To`): never the recipient that a report is about.
    pub senders: Vec<EmailAddress>,
}
