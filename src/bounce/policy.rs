//! What follows from a finding: pure rules, with their settings.

use jiff::{SignedDuration, Timestamp};

use super::{class::Class, returned::Kind};

/// The settings `[bounces]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Soft bounces of so many letters suppress a person, …
    pub soft_letters: u32,
    /// … if the first and the last are so far apart.
    pub soft_span: SignedDuration,
}

impl Default for Policy {
    fn default() -> Self {
        Self { soft_letters: 3, soft_span: SignedDuration::from_hours(14 * 24) }
    }
}

/// How sure it is that a message is about a letter of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It has the token or the `Message-ID` of a delivery to this address, which no one else knows.
    Ours,
    /// A delivery service that the owner uses says so, and was verified; which letter it is about is not known.
    Service,
    /// It has the mark of a test letter.
    Test,
    /// It has neither: anybody could have written it.
    None,
}

/// What follows for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// No letters from now on, because there is no such mailbox.
    SuppressBounced,
    /// Counted; enough of them suppress ([`Policy::is_enough`]).
    CountSoft,
    /// No letters from now on, because of a complaint.
    SuppressComplained,
    /// No letters from now on, because the person asked for none.
    Unsubscribe,
    /// Counted and shown to the owner, who can do something about it.
    ShowToOwner,
    /// Recorded, with no effect.
    Nothing,
}

/// What follows from a finding. Without proof no one is suppressed, whatever a message says.
pub fn consequence(kind: Kind, class: Option<Class>, proof: Proof) -> Consequence {
    match (proof, kind, class) {
        (Proof::Test, ..) => Consequence::Nothing,
        (_, Kind::Bounce, Some(Class::Ours)) => Consequence::ShowToOwner,
        (Proof::None, Kind::Bounce | Kind::Complaint | Kind::Unsubscribe, _) => Consequence::ShowToOwner,
        (Proof::Service, Kind::Bounce, _) => Consequence::ShowToOwner,
        (Proof::Ours, Kind::Bounce, Some(Class::Hard)) => Consequence::SuppressBounced,
        (Proof::Ours, Kind::Bounce, _) => Consequence::CountSoft,
        (Proof::Ours | Proof::Service, Kind::Complaint, _) => Consequence::SuppressComplained,
        (Proof::Ours | Proof::Service, Kind::Unsubscribe, _) => Consequence::Unsubscribe,
        (_, Kind::Delay | Kind::AutoReply | Kind::Delivered | Kind::Unknown, _) => Consequence::Nothing,
    }
}

impl Policy {
    /// Whether the soft bounces of a person are enough, given how many different letters bounced since the last one that did
    /// not, and when the first and the last of them did.
    pub fn is_enough(&self, letters: u32, first: Timestamp, last: Timestamp) -> bool {
        letters >= self.soft_letters && last.duration_since(first) >= self.soft_span
    }
}

/// More than this share of a domain's letters, hard within an hour, is the provider's fault.
const SPIKE_SHARE: f64 = 0.05;
/// Fewer hard bounces are no spike, whatever their share is.
const SPIKE_MIN: u64 = 20;

/// Whether so many hard bounces of one domain within an hour are a fault of the provider, which must suppress no one.
pub fn is_spike(hard: u64, letters_to_domain: u64) -> bool {
    hard >= SPIKE_MIN && hard as f64 > SPIKE_SHARE * letters_to_domain as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proof_lowers_a_person() {
        for kind in Kind::ALL {
            for class in [None, Some(Class::Hard), Some(Class::Soft), Some(Class::Ours)] {
                let without = consequence(kind, class, Proof::None);
                assert!(
                    matches!(without, Consequence::ShowToOwner | Consequence::Nothing),
                    "{kind:?} {class:?}"
                );
                assert_eq!(consequence(kind, class, Proof::Test), Consequence::Nothing);
            }
        }
        assert_eq!(consequence(Kind::Bounce, Some(Class::Hard), Proof::Ours), Consequence::SuppressBounced);
        assert_eq!(consequence(Kind::Bounce, Some(Class::Ours), Proof::Ours), Consequence::ShowToOwner);
        assert_eq!(consequence(Kind::Delay, Some(Class::Hard), Proof::Ours), Consequence::Nothing);
        // A service that reports a bounce of a letter that is not known may mean that of another newsletter.
        assert_eq!(consequence(Kind::Bounce, Some(Class::Hard), Proof::Service), Consequence::ShowToOwner);
        assert_eq!(consequence(Kind::Complaint, None, Proof::Service), Consequence::SuppressComplained);
    }

    #[test]
    fn soft_bounces_are_enough_after_letters_and_days() {
        let policy = Policy::default();
        let day = |day: i64| Timestamp::from_second(day * 86_400).expect("a time");
        assert!(policy.is_enough(3, day(0), day(14)));
        assert!(!policy.is_enough(2, day(0), day(30)));
        assert!(!policy.is_enough(9, day(0), day(13)));
    }

    #[test]
    fn a_spike_is_a_share_and_a_number() {
        assert!(is_spike(20, 399));
        assert!(!is_spike(20, 400));
        assert!(!is_spike(19, 19));
    }
}
