//! Events that delivery services send to a hook: who sent them is verified, and they become findings as returned mail does.
//!
//! In: the header and body of a request, the keys of the owner's services ([`Keys`]), and the time. Out: [`Event`]s, each with
//! the [`Returned`] that a bounce message would have, or a [`Refusal`].
//! Never: touches the ledger or a clock; opens a connection, except by the [`Fetch`] of the caller.
//!
//! A hook without a check of its origin is a button for strangers that removes subscribers. So nothing is read of a body before its
//! signature or its secret was verified, in constant time. A service is one file in `hooks/`, and a line in `PROVIDERS`.

mod brevo;
mod certificates;
mod digest;
mod event;
mod guard;
mod json;
mod mailgun;
mod mailjet;
mod postmark;
mod provider;
mod request;
mod resend;
mod sendgrid;
mod ses;
mod sns;
mod sparkpost;

pub use certificates::{Fetch, Topic};
pub use event::Event;
pub use provider::{Keys, Needs};
pub use request::{Malformed, Refusal, Request};

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::bounce::Returned;
use certificates::Certificates;
use digest::sha256;
use provider::{Provider, Surroundings, Verified};

/// Bytes of a body. Services that send several events at once stay far below.
pub const BODY_MAX: usize = 1024 * 1024;
/// Events in one body. More are refused, so that the service sends smaller ones.
const EVENTS_MAX: usize = 10_000;

/// The services, by name.
static PROVIDERS: [&Provider; 8] = [
    &brevo::PROVIDER,
    &mailgun::PROVIDER,
    &mailjet::PROVIDER,
    &postmark::PROVIDER,
    &resend::PROVIDER,
    &sendgrid::PROVIDER,
    &ses::PROVIDER,
    &sparkpost::PROVIDER,
];

/// What a request brought.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its events, in order. Those that mean nothing to us are not there.
    pub events: Vec<Event>,
    /// SHA-256 of a token that no other body may have, and of the body.
    pub once: Option<([u8; 32], [u8; 32])>,
    /// What was done instead, where there were no events.
    pub note: Option<&'static str>,
}

/// The hooks of a newsletter.
#[derive(Debug, Default)]
pub struct Hooks {
    keys: BTreeMap<&'static str, Keys>,
    certificates: Certificates,
}

impl Hooks {
    /// Hooks for these services. A name that is not in [`providers`] has no effect.
    pub fn new(keys: impl IntoIterator<Item = (String, Keys)>) -> Self {
        let known = |(name, keys): (String, Keys)| Some((find(&name)?.name, keys));
        Self { keys: keys.into_iter().filter_map(known).collect(), certificates: Certificates::default() }
    }

    /// Whether no service may send anything.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Verifies a request to the hook of a service, and reads its events. It may ask the network by `fetch`, and wait for it.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub fn receive(
        &self,
        provider: &str,
        request: &Request<'_>,
        fetch: &dyn Fetch,
        now: Timestamp,
    ) -> Result<Received, Refusal> {
        let provider = find(provider).ok_or(Refusal::Unknown)?;
        let keys = self.keys.get(provider.name).ok_or(Refusal::Unknown)?;
        if request.body.len() > BODY_MAX {
            return Err(Refusal::TooLarge);
        }
        let surroundings = Surroundings { now, fetch, certificates: &self.certificates };
        match (provider.verify)(keys, request, &surroundings)? {
            Verified::Done(note) => Ok(Received { events: Vec::new(), once: None, note: Some(note) }),
            Verified::Events { json, once } => {
                let mark = |once: String| {
                    (
                        sha256(&[provider.name.as_bytes(), b"\0once\0", once.as_bytes()]),
                        sha256(&[request.body]),
                    )
                };
                Ok(Received { events: read_all(provider, &json)?, once: once.map(mark), note: None })
            }
        }
    }
}

/// The names of the services, and what each needs.
pub fn providers() -> impl Iterator<Item = (&'static str, Needs)> {
    PROVIDERS.iter().map(|provider| (provider.name, provider.needs))
}

/// Reads events that the caller has verified.
///
/// # Errors
///
/// When there is no such service, or the JSON does not have the documented form.
pub fn read(provider: &str, json: &[u8]) -> Result<Vec<Event>, Refusal> {
    let provider = find(provider).ok_or(Refusal::Unknown)?;
    Ok(read_all(provider, json)?)
}

fn find(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().copied().find(|provider| provider.name == name)
}

fn read_all(provider: &Provider, json: &[u8]) -> Result<Vec<Event>, Malformed> {
    let events = (provider.read)(json)?;
    if events.len() > EVENTS_MAX {
        return Err(Malformed("too many events in one body".to_owned()));
    }
    Ok(events)
}

impl Event {
    /// SHA-256 of what the event is known by: the same event again has the same.
    pub fn digest(&self) -> [u8; 32] {
        let Returned { reader, kind, .. } = &self.returned;
        sha256(&[reader.as_bytes(), b"\0", kind.word().as_bytes(), b"\0", self.id.as_bytes()])
    }
}
