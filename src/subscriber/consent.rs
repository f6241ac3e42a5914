//! Which columns say whether a person wants letters, and what their cells mean.
//!
//! Exports of newsletter services say it in columns of many names. A column that is known is understood by itself; one
//! whose name looks like consent and that is not known makes the list unusable until `[list.columns]` says what it
//! means: writing to someone who has said no cannot be undone.

use std::collections::BTreeMap;

use super::inactive::Inactive;

/// What a column says about consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing: an ordinary field.
    Field,
    /// A word, such as `active` or `unsubscribed`.
    Status,
    /// Yes or no to letters; an empty cell says yes.
    WantsLetters,
    /// Yes or no to letters; an empty cell says no.
    Consent,
    /// Yes or no to this cause; an empty cell says no. Whatever is neither, such as a date, says yes.
    Cause(Inactive),
}

impl Meaning {
    /// The words of `[list.columns]`.
    pub const WORDS: [(&'static str, Self); 9] = [
        ("field", Self::Field),
        ("status", Self::Status),
        ("active", Self::WantsLetters),
        ("consent", Self::Consent),
        ("opted_out", Self::Cause(Inactive::OptedOut)),
        ("bounced", Self::Cause(Inactive::Bounced)),
        ("complained", Self::Cause(Inactive::Complained)),
        ("paused", Self::Cause(Inactive::Paused)),
        ("unconfirmed", Self::Cause(Inactive::Unconfirmed)),
    ];

    /// The meaning that a word of `[list.columns]` stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
    }
}

/// `[list.columns]`: what columns mean, by their normalised names. Stronger than what is known of them.
pub type ColumnMeanings = BTreeMap<String, Meaning>;

/// A column that speaks about consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConsentColumn {
    pub(super) index: usize,
    pub(super) meaning: Meaning,
    /// Its meaning was guessed from its name: a value that is not understood makes the list unusable, and not just a row.
    pub(super) is_guessed: bool,
}

impl ConsentColumn {
    /// What a cell says. Exports write nothing for a no as often as for a yes, so that only the owner knows what an empty cell
    /// means in a column that asks whether a person is active.
    pub(super) fn read(self, cell: &str) -> Says {
        if self.is_guessed && self.meaning == Meaning::WantsLetters && cell.trim().is_empty() {
            return Says::Unknown;
        }
        self.meaning.read(cell)
    }
}

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Active,
    Inactive(Inactive),
    Unknown,
}

/// Names that are understood, normalised, in the spellings of the services' exports and in usual ones.
const KNOWN: &[(&str, Meaning)] = &[
    // beehiiv, listmonk, Keila, and lists that are kept by hand
    ("status", Meaning::Status),
    ("subscriber_status", Meaning::Status),
    ("subscription_status", Meaning::Status),
    ("member_status", Meaning::Status),
    ("email_status", Meaning::Status),
    // Buttondown
    ("subscriber_type", Meaning::Status),
    ("active", Meaning::WantsLetters),
    ("is_active", Meaning::WantsLetters),
    ("enabled", Meaning::WantsLetters),
    // Ghost
    ("subscribed_to_emails", Meaning::Consent),
    ("subscribed", Meaning::Consent),
    ("is_subscribed", Meaning::Consent),
    ("opt_in", Meaning::Consent),
    ("optin", Meaning::Consent),
    ("opted_in", Meaning::Consent),
    ("consent", Meaning::Consent),
    ("marketing_consent", Meaning::Consent),
    ("accepts_marketing", Meaning::Consent),
    ("accepts_email_marketing", Meaning::Consent),
    ("confirmed", Meaning::Consent),
    ("email_confirmed", Meaning::Consent),
    // Substack
    ("email_disabled", Meaning::Cause(Inactive::OptedOut)),
    ("emails_disabled", Meaning::Cause(Inactive::OptedOut)),
    // Mailchimp's file of people who left
    ("unsub_time", Meaning::Cause(Inactive::OptedOut)),
    ("unsub_date", Meaning::Cause(Inactive::OptedOut)),
    ("unsub_at", Meaning::Cause(Inactive::OptedOut)),
    ("unsubscribed", Meaning::Cause(Inactive::OptedOut)),
    ("is_unsubscribed", Meaning::Cause(Inactive::OptedOut)),
    ("unsubscribed_at", Meaning::Cause(Inactive::OptedOut)),
    ("unsubscribed_on", Meaning::Cause(Inactive::OptedOut)),
    ("unsubscribe_date", Meaning::Cause(Inactive::OptedOut)),
    ("unsubscribe_time", Meaning::Cause(Inactive::OptedOut)),
    ("unsubscription_date", Meaning::Cause(Inactive::OptedOut)),
    ("date_unsubscribed", Meaning::Cause(Inactive::OptedOut)),
    ("opt_out", Meaning::Cause(Inactive::OptedOut)),
    ("optout", Meaning::Cause(Inactive::OptedOut)),
    ("opted_out", Meaning::Cause(Inactive::OptedOut)),
    ("opted_out_at", Meaning::Cause(Inactive::OptedOut)),
    ("optout_time", Meaning::Cause(Inactive::OptedOut)),
    ("opt_out_date", Meaning::Cause(Inactive::OptedOut)),
    ("do_not_email", Meaning::Cause(Inactive::OptedOut)),
    ("do_not_contact", Meaning::Cause(Inactive::OptedOut)),
    ("deleted_at", Meaning::Cause(Inactive::OptedOut)),
    ("deleted", Meaning::Cause(Inactive::OptedOut)),
    ("removed", Meaning::Cause(Inactive::OptedOut)),
    ("removed_at", Meaning::Cause(Inactive::OptedOut)),
    ("blocked", Meaning::Cause(Inactive::OptedOut)),
    ("blocklisted", Meaning::Cause(Inactive::OptedOut)),
    ("blacklisted", Meaning::Cause(Inactive::OptedOut)),
    ("suppressed", Meaning::Cause(Inactive::OptedOut)),
    ("disabled", Meaning::Cause(Inactive::OptedOut)),
    // Mailchimp's file of addresses that bounced
    ("clean_time", Meaning::Cause(Inactive::Bounced)),
    ("cleaned", Meaning::Cause(Inactive::Bounced)),
    ("cleaned_at", Meaning::Cause(Inactive::Bounced)),
    ("bounced", Meaning::Cause(Inactive::Bounced)),
    ("bounced_at", Meaning::Cause(Inactive::Bounced)),
    ("complained", Meaning::Cause(Inactive::Complained)),
    ("complained_at", Meaning::Cause(Inactive::Complained)),
    ("paused", Meaning::Cause(Inactive::Paused)),
    ("paused_at", Meaning::Cause(Inactive::Paused)),
    // These come beside the columns above, or record a yes.
    ("unsub_campaign_title", Meaning::Field),
    ("unsub_campaign_id", Meaning::Field),
    ("unsub_reason", Meaning::Field),
    ("unsub_reason_other", Meaning::Field),
    ("clean_campaign_title", Meaning::Field),
    ("clean_campaign_id", Meaning::Field),
    ("subscribed_at", Meaning::Field),
    ("subscribed_on", Meaning::Field),
    ("subscribed_since", Meaning::Field),
    ("subscribed_date", Meaning::Field),
];

/// Whether a column of this normalised name is about consent, or comes beside one that is.
#[cfg(feature = "cli")]
pub(crate) fn is_about_consent(name: &str) -> bool {
    KNOWN.iter().any(|(known, _)| *known == name)
}

/// Names that may speak about consent, and whose cells decide: Kit's `state` and the API of Buttondown's `type` do, a
/// column of federal states does not. So do status columns that name the subscription, the mail or the person's contact.
fn is_guessed(name: &str) -> bool {
    let about = ["mail", "subscri", "member", "contact", "marketing", "newsletter", "consent", "list"];
    ["state", "type"].contains(&name)
        || (name.ends_with("status") && about.iter().any(|word| name.contains(word)))
}

/// Whether a column with a name like one about consent is about paying: Substack's table of subscribers has the kind of plan in
/// its `Type`.
pub(super) fn is_about_paying(name: &str, header: &[String]) -> bool {
    name == "type" && header.iter().any(|other| other == "stripe_plan")
}

/// What is said about consent in the column with this normalised name. `Err` when its name looks like consent and is not
/// understood.
pub(super) fn column(
    name: &str,
    index: usize,
    meanings: &ColumnMeanings,
) -> Result<Option<ConsentColumn>, ()> {
    let known = KNOWN.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning);
    let said = meanings.get(name).copied();
    let (meaning, is_guessed) = match (said.or(known), is_guessed(name)) {
        (Some(meaning), _) => (meaning, said.is_none() && meaning == Meaning::WantsLetters),
        (None, true) => (Meaning::Status, true),
        (None, false) if looks_like_consent(name) => return Err(()),
        (None, false) => return Ok(None),
    };
    Ok((meaning != Meaning::Field).then_some(ConsentColumn { index, meaning, is_guessed }))
}

/// Parts of words about a no, in names of columns and in tags: these letters are in no other word there.
const NO_PARTS: [&str; 9] = [
    "unsub",
    "blacklist",
    "blocklist",
    "suppress",
    "desinscri",
    "désinscri",
    "desabonn",
    "désabonn",
    "abgemeldet",
];

/// Whether a tag says that a person wants no letters, or that none reach them.
pub(super) fn is_no(tag: &str) -> bool {
    let words = [
        "opted_out",
        "opt_out",
        "optout",
        "optedout",
        "dnc",
        "dnm",
        "do_not_email",
        "do_not_mail",
        "do_not_contact",
        "do_not_send",
        "no_mail",
        "no_mails",
        "no_email",
        "no_emails",
        "bounced",
        "bounce",
        "hard_bounce",
        "hard_bounced",
        "cleaned",
        "undeliverable",
        "complained",
        "complaint",
        "spam_complaint",
    ];
    words.contains(&tag) || NO_PARTS.iter().any(|part| tag.contains(part))
}

/// Whether a name speaks of a yes or a no, in English or in the usual words of other languages.
fn looks_like_consent(name: &str) -> bool {
    // When and from where a person opted in records a yes.
    let is_record =
        ["at", "on", "time", "date", "ip"].iter().any(|end| name.split('_').next_back() == Some(end));
    if is_record && (name.contains("opt_in") || name.contains("optin") || name.contains("opted_in")) {
        return false;
    }
    let begins = [
        "subscribed",
        "clean",
        "opt_",
        "bounced",
        "complain",
        "do_not_",
        "dont_",
        "donot",
        "no_mail",
        "no_email",
    ];
    let words = [
        "opt",
        "optin",
        "optout",
        "opted",
        "consent",
        "consents",
        "gdpr",
        "dnm",
        "dnc",
        "disabled",
        "bounce",
        "bounces",
        "abmeldung",
        "abmeldedatum",
        "afgemeld",
        "uitgeschreven",
        "disiscritto",
        "baja",
        "wypisany",
    ];
    begins.iter().any(|beginning| name.starts_with(beginning))
        || NO_PARTS.iter().any(|part| name.contains(part))
        || ["_opt_in", "_opt_out"].iter().any(|end| name.ends_with(end))
        || name.split('_').any(|word| words.contains(&word))
}

impl Meaning {
    pub(super) fn read(self, cell: &str) -> Says {
        let word = cell.trim().to_lowercase().replace([' ', '-'], "_");
        let yes = match word.as_str() {
            "true" | "yes" | "y" | "1" | "x" | "on" | "t" | "ja" | "oui" | "sí" | "si" | "wahr" => {
                Some(true)
            }
            "false" | "no" | "n" | "0" | "off" | "f" | "nein" | "non" | "falsch" => Some(false),
            _ => None,
        };
        match (self, yes) {
            (Self::Field, _) => Says::Active,
            (Self::Consent, _) if word.is_empty() => Says::Inactive(Inactive::Unconfirmed),
            _ if word.is_empty() => Says::Active,
            (Self::Status, _) => status(&word),
            (Self::WantsLetters, Some(true)) | (Self::Consent, Some(true)) => Says::Active,
            (Self::WantsLetters, Some(false)) => Says::Inactive(Inactive::Paused),
            (Self::Consent, Some(false)) => Says::Inactive(Inactive::OptedOut),
            (Self::WantsLetters | Self::Consent, None) => Says::Unknown,
            (Self::Cause(_), Some(false)) => Says::Active,
            (Self::Cause(_), None) if matches!(word.as_str(), "null" | "none" | "never" | "_") => {
                Says::Active
            }
            (Self::Cause(why), _) => Says::Inactive(why),
        }
    }

    /// What a cell may hold, for help.
    pub(super) fn values(self) -> &'static str {
        match self {
            Self::Status => "active, paused, unsubscribed, bounced, complained or pending",
            _ => "yes or no",
        }
    }
}

/// Words match whole, never inside others: `inactive` is not `active`.
fn status(word: &str) -> Says {
    Says::Inactive(match word {
        "active" | "subscribed" | "confirmed" | "enabled" | "opted_in" | "valid" | "ok" => {
            return Says::Active;
        }
        // Kit's people who have not opened for long, and the paying readers of Buttondown and others
        "cold" | "regular" | "premium" | "gifted" | "trialed" | "free" | "paid" | "comped" | "past_due"
        | "churning" | "churned" => return Says::Active,
        "paused" | "snoozed" | "inactive" | "disabled" => Inactive::Paused,
        "pending" | "unconfirmed" | "unactivated" | "validating" | "needs_attention" | "needs_approval"
        | "nonsubscribed" | "non_subscribed" | "transactional" | "unpaid" => Inactive::Unconfirmed,
        "unsubscribed" | "unsubscribe" | "opted_out" | "removed" | "deleted" | "cancelled" | "canceled"
        | "suppressed" | "blocked" | "blocklisted" | "blacklisted" | "archived" => Inactive::OptedOut,
        "cleaned" | "bounced" | "hard_bounce" | "hard_bounced" | "undeliverable" | "unreachable"
        | "invalid" => Inactive::Bounced,
        "complained" | "complaint" | "spam" | "spammy" => Inactive::Complained,
        _ => return Says::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_read_in_the_usual_words_and_never_guessed() {
        let cause = Meaning::Cause(Inactive::OptedOut);
        for (meaning, cell, says) in [
            (Meaning::Status, "Active", Says::Active),
            (Meaning::Status, "", Says::Active),
            (Meaning::Status, "Hard bounce", Says::Inactive(Inactive::Bounced)),
            (Meaning::Status, "unsubscribed", Says::Inactive(Inactive::OptedOut)),
            (Meaning::Status, "inactive", Says::Inactive(Inactive::Paused)),
            (Meaning::Status, "gold", Says::Unknown),
            (Meaning::WantsLetters, "0", Says::Inactive(Inactive::Paused)),
            (Meaning::WantsLetters, "ja", Says::Active),
            (Meaning::WantsLetters, "maybe", Says::Unknown),
            (Meaning::Consent, "", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Consent, "false", Says::Inactive(Inactive::OptedOut)),
            (cause, "", Says::Active),
            (cause, "no", Says::Active),
            (cause, "2024-01-02", Says::Inactive(Inactive::OptedOut)),
        ] {
            assert_eq!(meaning.read(cell), says, "{meaning:?} {cell}");
        }
    }

    #[test]
    fn what_looks_like_consent_is_understood_or_refused() {
        let none = ColumnMeanings::new();
        for name in [
            "unsub_flag",
            "sms_disabled",
            "opt_sms",
            "cleanliness",
            "newsletter_consent",
            "subscribed_topics",
            "email_unsub",
            "do_not_mail",
            "gdpr",
            "hard_bounce",
            "mailing_optout",
            "globally_suppressed",
            "abgemeldet",
        ] {
            assert_eq!(column(name, 0, &none), Err(()), "{name}");
            let explained = ColumnMeanings::from([(name.to_owned(), Meaning::Field)]);
            assert_eq!(column(name, 0, &explained), Ok(None), "{name}");
        }
        for name in [
            "city",
            "option",
            "optician",
            "subscription_plan",
            "active_subscription",
            "optin_time",
            "double_opt_in_at",
        ] {
            assert_eq!(column(name, 0, &none), Ok(None), "{name}");
        }
        for name in ["state", "type", "email_subscription_status", "newsletter_status"] {
            assert!(column(name, 0, &none).unwrap().unwrap().is_guessed, "{name}");
        }
        assert_eq!(column("marital_status", 0, &none), Ok(None));
    }
}
