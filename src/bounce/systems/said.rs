//! What a reader makes of a notice, and the addresses that no notice is about.

use crate::{
    address::EmailAddress,
    bounce::{mail::Mail, ours::Ours, people},
};

/// What a reader makes of a notice: each recipient, with the words about it.
pub(super) type Said = Vec<(EmailAddress, String)>;

/// Addresses that a notice is never about: whom it was sent to, who sent it, who wrote the letter.
pub(super) fn not_ours(mail: &Mail, ours: &Ours) -> impl Fn(&EmailAddress) -> bool {
    let own = [
        "to",
        "cc",
        "delivered-to",
        "from",
        "sender",
        "reply-to",
        "errors-to",
        "x-mdaemon-deliver-to",
        "x-loop",
    ];
    let theirs = ["from", "sender", "return-path", "reply-to", "errors-to", "list-post", "x-original-from"];
    let fields = own.into_iter().flat_map(|name| mail.fields.all(name));
    let fields = fields.chain(theirs.into_iter().flat_map(|name| mail.returned.all(name)));
    let mut keys: Vec<String> = fields.flat_map(people::all).map(|address| address.key()).collect();
    keys.extend(ours.senders.iter().chain(&ours.bounces).chain(&ours.unsubscribe).map(EmailAddress::key));
    // Whoever wrote to oneself is a recipient all the same.
    let sent_to: Vec<String> =
        mail.returned.all("to").flat_map(people::all).map(|address| address.key()).collect();
    keys.retain(|key| !sent_to.contains(key));
    move |address| !keys.contains(&address.key())
}
