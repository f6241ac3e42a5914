//! Whether a request on the web leads to a letter: limits that keep the form from being used against others. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::values::Status;
use crate::{address::EmailAddress, ledger::Reason};

/// The limits of letters that the service sends unasked: anybody can type anybody's address into a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Letters to one address in a day.
    pub per_day: u32,
    /// Letters to one address in thirty days.
    pub per_month: u32,
    /// Letters to one mailbox in a day, whatever is behind a plus sign.
    pub per_mailbox: u32,
    /// Letters in an hour to a domain with few people on the list; more of them wait.
    pub per_domain: u32,
    /// Sign-ups in an hour that are always normal; more than this and ten times the usual is pressure.
    pub sign_ups_per_hour: u32,
    /// Whether a new person confirms before they get letters.
    pub double_opt_in: bool,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            per_day: 1,
            per_month: 3,
            per_mailbox: 3,
            per_domain: 10,
            sign_ups_per_hour: 30,
            double_opt_in: true,
        }
    }
}

/// A letter of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LetterKind {
    /// Asks a person to confirm that they want letters.
    Confirm,
    /// Greets a person who has confirmed.
    Welcome,
    /// Has a link to what the person gets.
    Preferences,
    /// Asks a person to confirm another address.
    Address,
    /// Says to the owner that the form is being misused.
    Pressure,
}

impl LetterKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Confirm, Self::Welcome, Self::Preferences, Self::Address, Self::Pressure];

    /// The word in the database and in metrics, and the name of its file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Welcome => "welcome",
            Self::Preferences => "preferences",
            Self::Address => "address",
            Self::Pressure => "pressure",
        }
    }

    /// The kind behind a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What a person asks for on the web.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignupKind {
    /// To get letters.
    Subscribe,
    /// A link to their preferences.
    Preferences,
    /// To get letters at another address.
    Address,
}

impl SignupKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Preferences => "preferences",
            Self::Address => "address",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Subscribe, Self::Preferences, Self::Address].into_iter().find(|kind| kind.word() == word)
    }
}

/// Why an address gets no letters, as far as a sign-up is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Barrier {
    /// The person can lift it by confirming: they unsubscribed, letters came back, or they were erased.
    Own,
    /// Only the owner can lift it: suppressed by hand, a complaint, or a stranger who said "this was not me".
    Owners,
}

impl Barrier {
    /// Of a suppression by address.
    pub(super) fn of(reason: Reason) -> Self {
        match reason {
            Reason::Unsubscribed | Reason::HardBounce | Reason::SoftBounce => Self::Own,
            _ => Self::Owners,
        }
    }
}

/// What is known about an address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    pub(super) status: Option<Status>,
    pub(super) barrier: Option<Barrier>,
    /// Another person has the address that a person wants.
    pub(super) is_taken: bool,
}

/// How many letters there were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    pub(super) day: u32,
    pub(super) month: u32,
    pub(super) mailbox_day: u32,
    pub(super) domain_hour: u32,
    /// Whether the list has several people at the domain.
    pub(super) is_known_domain: bool,
    /// In the last minute, to anybody.
    pub(super) minute: u32,
}

/// What follows from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A letter.
    Send(LetterKind),
    /// The person gets letters from now on, without confirming.
    Activate,
    /// Nothing, for this reason.
    Drop(&'static str),
    /// It is looked at again later.
    Wait(Duration),
}

/// Decides about a request.
pub(super) fn decide(
    kind: SignupKind,
    known: Known,
    sent: Sent,
    is_pressed: bool,
    limits: &Admission,
) -> Decision {
    let letter = match (kind, known.status) {
        _ if known.barrier == Some(Barrier::Owners) => return Decision::Drop("suppressed"),
        (SignupKind::Preferences, None) => return Decision::Drop("unknown"),
        (SignupKind::Preferences, Some(_)) => LetterKind::Preferences,
        (SignupKind::Address, _) if known.is_taken || known.barrier.is_some() => {
            return Decision::Drop("taken");
        }
        (SignupKind::Address, _) => LetterKind::Address,
        (SignupKind::Subscribe, Some(Status::Active | Status::Paused)) if known.barrier.is_none() => {
            LetterKind::Preferences
        }
        (SignupKind::Subscribe, Some(Status::Complained)) => return Decision::Drop("suppressed"),
        (SignupKind::Subscribe, None) if known.barrier.is_none() && !limits.double_opt_in => {
            return Decision::Activate;
        }
        (SignupKind::Subscribe, _) => LetterKind::Confirm,
    };
    // Whoever asks for their own link twice has lost the first; a link is worth nothing to anybody else.
    let per_day = if letter == LetterKind::Preferences { limits.per_day.max(2) } else { limits.per_day };
    if sent.day >= per_day || sent.month >= limits.per_month.max(per_day) {
        return Decision::Drop("limited");
    }
    if sent.mailbox_day >= limits.per_mailbox {
        return Decision::Drop("limited");
    }
    if is_pressed && sent.minute >= 1 {
        return Decision::Wait(Duration::from_secs(60));
    }
    if sent.domain_hour >= limits.per_domain && !sent.is_known_domain {
        return Decision::Wait(Duration::from_secs(360));
    }
    Decision::Send(letter)
}

/// Sign-ups and confirmations of an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hour {
    pub(super) asked: u32,
    pub(super) confirmed: u32,
}

/// Hours of two weeks.
pub(super) const HOURS: usize = 14 * 24;
/// Sign-ups in an hour that are enough to look whether anybody confirms.
const MANY: u32 = 20;

/// Whether the form is being misused. `hours` are the last two weeks, the present hour first; pressure ends after six quiet
/// hours.
pub(super) fn is_under_pressure(hours: &[Hour], limits: &Admission) -> bool {
    let mut usual: Vec<u32> = (0..HOURS).map(|index| hours.get(index).map_or(0, |hour| hour.asked)).collect();
    usual.sort_unstable();
    let most = limits.sign_ups_per_hour.max(usual[HOURS / 2].saturating_mul(10));
    let recent = || hours.iter().take(6);
    if recent().any(|hour| hour.asked > most) {
        return true;
    }
    // Who confirms needs some time: the last two hours do not count.
    let older = hours.iter().skip(2).take(22);
    let (asked, confirmed) = older
        .fold((0_u32, 0_u32), |(asked, confirmed), hour| (asked + hour.asked, confirmed + hour.confirmed));
    recent().any(|hour| hour.asked >= MANY) && asked >= MANY && confirmed.saturating_mul(10) < asked
}

/// The mailbox that an address belongs to: without what is behind a plus sign, at Gmail also without dots. For counting
/// only; letters go to the address as it was given.
pub(super) fn mailbox(address: &EmailAddress) -> String {
    let key = address.key();
    let Some((local, domain)) = key.rsplit_once('@') else { return key };
    let local = local.split('+').next().unwrap_or(local);
    match domain {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", local.replace('.', "")),
        _ => format!("{local}@{domain}"),
    }
}

/// The start of an hour.
pub(super) fn hour_of(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(3600)).unwrap_or(now)
}

/// The moment so long before another one.
pub(super) fn before(now: Timestamp, hours: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_a_request() {
        use Decision::{Drop, Send, Wait};
        use SignupKind::{Address, Preferences, Subscribe};
        let limits = Admission::default();
        let none = Sent::default();
        let known = |status, barrier| Known { status, barrier, is_taken: false };
        for (kind, known, sent, is_pressed, expected) in [
            (Subscribe, known(None, None), none, false, Send(LetterKind::Confirm)),
            (Subscribe, known(Some(Status::Active), None), none, false, Send(LetterKind::Preferences)),
            (
                Subscribe,
                known(Some(Status::Unsubscribed), Some(Barrier::Own)),
                none,
                false,
                Send(LetterKind::Confirm),
            ),
            (
                Subscribe,
                known(Some(Status::Bounced), Some(Barrier::Own)),
                none,
                false,
                Send(LetterKind::Confirm),
            ),
            (
                Subscribe,
                known(Some(Status::Complained), Some(Barrier::Owners)),
                none,
                false,
                Drop("suppressed"),
            ),
            (Subscribe, known(None, Some(Barrier::Owners)), none, false, Drop("suppressed")),
            (Preferences, known(None, None), none, false, Drop("unknown")),
            (
                Preferences,
                known(Some(Status::Unsubscribed), Some(Barrier::Own)),
                none,
                false,
                Send(LetterKind::Preferences),
            ),
            (Address, known(None, None), none, false, Send(LetterKind::Address)),
            (Address, known(None, Some(Barrier::Own)), none, false, Drop("taken")),
            (Address, Known { is_taken: true, ..Known::default() }, none, false, Drop("taken")),
            (Subscribe, known(None, None), Sent { day: 1, month: 1, ..none }, false, Drop("limited")),
            (Subscribe, known(None, None), Sent { month: 3, ..none }, false, Drop("limited")),
            (Subscribe, known(None, None), Sent { mailbox_day: 3, ..none }, false, Drop("limited")),
            (
                Preferences,
                known(Some(Status::Active), None),
                Sent { day: 1, month: 1, ..none },
                false,
                Send(LetterKind::Preferences),
            ),
            (
                Preferences,
                known(Some(Status::Active), None),
                Sent { day: 2, month: 2, ..none },
                false,
                Drop("limited"),
            ),
            (Subscribe, known(None, None), none, true, Send(LetterKind::Confirm)),
            (Subscribe, known(None, None), Sent { minute: 1, ..none }, true, Wait(Duration::from_secs(60))),
            (
                Subscribe,
                known(None, None),
                Sent { domain_hour: 10, ..none },
                false,
                Wait(Duration::from_secs(360)),
            ),
            (
                Subscribe,
                known(None, None),
                Sent { domain_hour: 99, is_known_domain: true, ..none },
                false,
                Send(LetterKind::Confirm),
            ),
        ] {
            let decided = decide(kind, known, sent, is_pressed, &limits);
            assert_eq!(decided, expected, "{kind:?} {known:?} {sent:?} {is_pressed}");
        }
    }

    #[test]
    fn without_double_opt_in_who_said_no_confirms_all_the_same() {
        use SignupKind::Subscribe;
        let (limits, none) = (Admission::default(), Sent::default());
        let known = |status, barrier| Known { status, barrier, is_taken: false };
        let single = Admission { double_opt_in: false, ..limits };
        assert_eq!(decide(Subscribe, known(None, None), none, false, &single), Decision::Activate);
        let again = decide(Subscribe, known(None, Some(Barrier::Own)), none, false, &single);
        assert_eq!(again, Decision::Send(LetterKind::Confirm), "who said no confirms in any case");
    }

    #[test]
    fn complaints_and_the_owners_decisions_are_not_lifted_by_a_reader() {
        for (reason, expected) in [
            (Reason::Unsubscribed, Barrier::Own),
            (Reason::HardBounce, Barrier::Own),
            (Reason::SoftBounce, Barrier::Own),
            (Reason::Complaint, Barrier::Owners),
            (Reason::ByHand, Barrier::Owners),
        ] {
            assert_eq!(Barrier::of(reason), expected, "{reason:?}");
        }
    }

    #[test]
    fn pressure_is_more_than_ten_times_the_usual_or_no_one_who_confirms() {
        let limits = Admission::default();
        let hour = |asked, confirmed| Hour { asked, confirmed };
        let mut busy = vec![hour(10, 9); HOURS];
        assert!(!is_under_pressure(&busy, &limits));
        busy[0] = hour(100, 0);
        assert!(!is_under_pressure(&busy, &limits), "ten times the usual");
        busy[0] = hour(101, 0);
        assert!(is_under_pressure(&busy, &limits));
        for (hours, expected) in [
            (vec![hour(30, 0)], false),
            (vec![hour(31, 0)], true),
            (
                vec![
                    Hour::default(),
                    Hour::default(),
                    Hour::default(),
                    Hour::default(),
                    Hour::default(),
                    hour(31, 0),
                ],
                true,
            ),
            ([vec![Hour::default(); 6], vec![hour(31, 31)]].concat(), false),
            (vec![hour(20, 0), hour(0, 0), hour(20, 1)], true),
            (vec![hour(20, 0), hour(0, 0), hour(20, 2)], false),
            (vec![hour(19, 0), hour(0, 0), hour(19, 0)], false),
        ] {
            assert_eq!(is_under_pressure(&hours, &limits), expected, "{hours:?}");
        }
    }

    #[test]
    fn spellings_of_one_mailbox_are_counted_together() {
        for (address, expected) in [
            ("Ann+news@example.com", "ann@example.com"),
            ("a.n.n+x@gmail.com", "ann@gmail.com"),
            ("ann@googlemail.com", "ann@gmail.com"),
            ("a.nn@example.com", "a.nn@example.com"),
        ] {
            assert_eq!(mailbox(&EmailAddress::parse(address).unwrap()), expected);
        }
    }
}
