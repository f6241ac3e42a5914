//! What a service reports of one letter, in our words.

use jiff::Timestamp;

use crate::{
    address::EmailAddress,
    bounce::{self, Class, Finding, Kind, Returned, Status},
};

/// Bytes of a reply that are kept.
const REPLY_MAX: usize = 1000;
/// Recipients of one event. More are not kept.
const RECIPIENTS_MAX: usize = 200;

/// One event of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What the service knows it by, or a digest of it; the same when it is sent again.
    pub id: String,
    /// What a bounce message would have said.
    pub returned: Returned,
    /// The service's own identifier of the letter, as in its reply when it accepted the letter.
    pub letter: Option<String>,
}

impl Event {
    /// An event of a kind, as a service's reader makes it.
    pub(super) fn new(provider: &'static str, id: impl Into<String>, kind: Kind) -> Self {
        let mut returned = Returned::new(kind, provider);
        if kind == Kind::Complaint {
            returned.complaint = Some("abuse".to_owned());
        }
        Self { id: id.into(), returned, letter: None }
    }

    /// Adds whom it is about. An address that is not valid was none of ours.
    pub(super) fn about(mut self, address: Option<&str>, failure: Option<Failure<'_>>) -> Self {
        let Some(address) = address.and_then(|text| EmailAddress::parse(text.trim()).ok()) else {
            return self;
        };
        let known = |finding: &Finding| finding.address.key() == address.key();
        if self.returned.recipients.iter().any(known) || self.returned.recipients.len() >= RECIPIENTS_MAX {
            return self;
        }
        let fails = matches!(self.returned.kind, Kind::Bounce | Kind::Delay);
        let failure = failure.filter(|_| fails).unwrap_or_default();
        let (class, status, reply) = failure.read();
        self.returned.recipients.push(Finding {
            address,
            class: fails.then_some(class),
            status,
            reply,
            server: None,
        });
        self
    }

    /// Adds our own identifier of the letter, which came back in a field of the owner's or as the `Message-ID`.
    pub(super) fn ours(mut self, id: Option<&str>) -> Self {
        let id = id.map(|text| text.trim_matches(|c: char| matches!(c, '<' | '>') || c.is_whitespace()));
        self.returned.message_id = id.filter(|id| !id.is_empty() && id.len() <= 250).map(str::to_owned);
        self
    }

    /// Adds the service's identifier of the letter.
    pub(super) fn theirs(mut self, id: Option<&str>) -> Self {
        let id = id.map(|text| text.trim_matches(|c: char| matches!(c, '<' | '>') || c.is_whitespace()));
        // A short one could be anywhere in a reply.
        self.letter = id.filter(|id| (8..=250).contains(&id.len())).map(str::to_owned);
        self
    }

    /// Adds when it happened.
    pub(super) fn at(mut self, at: Option<Timestamp>) -> Self {
        self.returned.at = at;
        self
    }

    /// Adds the word that a complaint came with.
    pub(super) fn word(mut self, word: Option<&str>) -> Self {
        if let Some(word) = word.filter(|_| self.returned.kind == Kind::Complaint) {
            self.returned.complaint = Some(word.chars().take(40).collect::<String>().to_ascii_lowercase());
        }
        self
    }
}

/// What a service says about a failure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failure<'a> {
    /// What the service calls it; where its status and its words say nothing, it is that.
    pub(super) declared: Option<Class>,
    /// An enhanced status code.
    pub(super) status: Option<&'a str>,
    /// What the refusing server said.
    pub(super) reply: Option<&'a str>,
}

impl<'a> Failure<'a> {
    /// Something of a class, in these words.
    pub(super) fn of(declared: Class, reply: Option<&'a str>) -> Self {
        Self { declared: Some(declared), status: None, reply }
    }

    fn read(self) -> (Class, Option<Status>, Option<String>) {
        let words = self.reply.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let text = words.strip_prefix("smtp; ").or_else(|| words.strip_prefix("smtp;")).unwrap_or(&words);
        let text = &text[..text.floor_char_boundary(REPLY_MAX)];
        let given = self.status.and_then(|text| text.trim().parse::<Status>().ok());
        let status = given.or_else(|| Status::find(text)).filter(|status| status.class != 2);
        // The reason decides, and not what the service makes of it: services call refusals of our content permanent.
        let class = bounce::reason(status, text).or(self.declared).unwrap_or(Class::Soft);
        (class, status, (!text.is_empty()).then(|| text.to_owned()))
    }
}
