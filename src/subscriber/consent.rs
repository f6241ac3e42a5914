//! Which columns say whether a person wants letters, and what their cells mean.
//!
//! Exports of newsletter services say it in columns of many names. A column that is known is understood by itself; one
//! whose name looks like consent and that is not known makes the list unusable until `[list.columns]` says what it
//! means: writing to someone who has said no cannot be undone.

use std::collections::BTreeMap;

use super::{
    inactive::Inactive,
    meaning::{Meaning, Says},
    normalize::normalize,
};

/// `[list.columns]`: what columns mean, by their normalized names. Stronger than what is known of them.
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
    /// means in a column that asks whether a person is active or wants letters.
    pub(super) fn read(self, cell: &str) -> Says {
        let asks = matches!(self.meaning, Meaning::WantsLetters | Meaning::Consent);
        if self.is_guessed && asks && cell.trim().is_empty() {
            return Says::Unknown;
        }
        self.meaning.read(cell)
    }
}

/// Names that are understood, normalized, in the spellings of the services' exports and in usual ones.
const KNOWN: &[(&str, Meaning)] = &[
    // beehiiv, listmonk, Keila, and lists that are kept by hand
    ("status", Meaning::Status),
    ("subscriber_status", Meaning::Status),
    ("subscription_status", Meaning::Status),
    ("member_status", Meaning::Status),
    ("email_status", Meaning::Status),
    // MailPoet
    ("global_status", Meaning::Status),
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
    // Salesforce and Zoho
    ("has_opted_out_of_email", Meaning::Cause(Inactive::OptedOut)),
    ("email_opt_out", Meaning::Cause(Inactive::OptedOut)),
    ("email_opted_out", Meaning::Cause(Inactive::OptedOut)),
    ("is_email_bounced", Meaning::Cause(Inactive::Bounced)),
    ("email_bounced", Meaning::Cause(Inactive::Bounced)),
    // HubSpot
    ("unsubscribed_from_all_email", Meaning::Cause(Inactive::OptedOut)),
    // Mailjet
    ("is_unsub", Meaning::Cause(Inactive::OptedOut)),
    ("is_excluded_from_campaigns", Meaning::Cause(Inactive::OptedOut)),
    ("is_opt_in_pending", Meaning::Cause(Inactive::Unconfirmed)),
    ("is_spam_complaining", Meaning::Cause(Inactive::Complained)),
    // CleverReach
    ("deactivated", Meaning::Cause(Inactive::OptedOut)),
    ("deactivated_at", Meaning::Cause(Inactive::OptedOut)),
    // CiviCRM
    ("no_bulk_emails_user_opt_out", Meaning::Cause(Inactive::OptedOut)),
    ("is_opt_out", Meaning::Cause(Inactive::OptedOut)),
    ("on_hold", Meaning::Cause(Inactive::Paused)),
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

/// Whether a column of this normalized name is about consent, or comes beside one that is.
#[cfg(feature = "cli")]
pub(crate) fn is_about_consent(name: &str) -> bool {
    KNOWN.iter().any(|(known, _)| *known == name)
}

/// Status in other languages; in some it is the state of a country as well.
const STATUS: &str =
    "state type statut estado estatus stato situação situacao tila stav статус 状态 狀態 状態 配信状態";
const CONSENT: &str = "einwilligung zustimmung einverstanden einverständnis consentement consentimiento consentimento \
    consenso toestemming samtykke samtycke zgoda souhlas согласие 同意";
/// What may stand beside those words and leaves the consent one to letters.
const LETTERS: &str = "e mail mails email emails mailing mailings newsletter newsletters marketing werbung rundbrief courriel \
    courriels infolettre correo in zu zum zur für per to for by à a l la le les de du des par pour al por para di";

fn is_in(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

/// What a name that may speak about consent would mean, if the cells agree: Kit's `state` and the API of Buttondown's `type` do,
/// a column of federal states does not. So do status columns that name the subscription, the mail or the person's contact, and
/// consent in other languages.
fn guess(name: &str) -> Option<Meaning> {
    let about = ["mail", "subscri", "member", "contact", "marketing", "newsletter", "consent", "list"];
    if is_other_channel(name) {
        return None;
    }
    if is_in(STATUS, name) || (name.ends_with("status") && about.iter().any(|word| name.contains(word))) {
        return Some(Meaning::Status);
    }
    let is_only_letters = name.split('_').all(|word| is_in(CONSENT, word) || is_in(LETTERS, word));
    (has_consent(name) && is_only_letters).then_some(Meaning::Consent)
}

fn has_consent(name: &str) -> bool {
    name.split('_').any(|word| is_in(CONSENT, word))
}

/// Whether a column is about messages that are no letters, and not about letters too.
fn is_other_channel(name: &str) -> bool {
    name.split('_').any(|word| is_in("sms mms phone mobile push whatsapp", word))
        && !["mail", "newsletter", "courriel", "correo"].iter().any(|part| name.contains(part))
}

/// What is said about consent in the column with this title. `Err` when its name looks like consent and is not understood.
/// A title that programs write in one word is read by its parts too: `HasOptedOutOfEmail`.
pub(super) fn titled(
    title: &str,
    index: usize,
    meanings: &ColumnMeanings,
) -> Result<Option<ConsentColumn>, ()> {
    let name = normalize(title);
    let found = column(&name, index, meanings);
    let mut apart = String::with_capacity(title.len() + 4);
    for c in title.chars() {
        if c.is_uppercase() && apart.ends_with(|before: char| before.is_lowercase() || before.is_numeric()) {
            apart.push('_');
        }
        apart.push(c);
    }
    if matches!(found, Ok(Some(_))) || apart.len() == title.len() || meanings.contains_key(&name) {
        return found;
    }
    column(&normalize(&apart), index, meanings)
        .and_then(|by_parts| by_parts.map_or(found, |known| Ok(Some(known))))
}

/// The same for a normalized name.
fn column(name: &str, index: usize, meanings: &ColumnMeanings) -> Result<Option<ConsentColumn>, ()> {
    let (meaning, is_guessed) = match (meanings.get(name), known(name), guess(name)) {
        (Some(meaning), ..) => (*meaning, false),
        (None, Some(meaning), _) => (meaning, meaning == Meaning::WantsLetters),
        (None, None, Some(meaning)) => (meaning, true),
        (None, None, None) if looks_like_consent(name) => return Err(()),
        (None, None, None) => return Ok(None),
    };
    Ok((meaning != Meaning::Field).then_some(ConsentColumn { index, meaning, is_guessed }))
}

fn known(name: &str) -> Option<Meaning> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
}

/// Whether words in a column of this name say nothing about letters: it is about other messages, or is known to come beside a
/// column about consent and to repeat what that says.
pub(super) fn is_beside_consent(name: &str) -> bool {
    known(name) == Some(Meaning::Field) || is_other_channel(name)
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

const NO_WORDS: &str = "unsubscribed unsub opt_out opted_out do_not_contact do_not_email do_not_mail do_not_send no_email \
    no_emails no_mail no_newsletter blacklisted blocklisted suppressed bounced hard_bounce hard_bounced cleaned complained \
    spam_complaint marked_as_spam reported_spam abgemeldet ausgetragen kein_newsletter désabonné désabonnée désinscrit \
    désinscrite desabonne dado_de_baja disiscritto disiscritta descadastrado uitgeschreven afgemeld wypisany 配信停止 退会";

/// Whether a whole cell says in a word that a person wants no letters, or that none reach them.
pub(super) fn is_no_word(cell: &[u8]) -> bool {
    // Most cells are something else, and a list has many.
    if !(5..=20).contains(&cell.len()) || cell.iter().any(|byte| byte.is_ascii_digit() || *byte == b'@') {
        return false;
    }
    std::str::from_utf8(cell).is_ok_and(|cell| is_in(NO_WORDS, &normalize(cell)))
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
        "optedin",
        "optedout",
        "consent",
        "consents",
        "gdpr",
        "dnm",
        "dnc",
        "disabled",
        "bounce",
        "bounces",
        "bounced",
        "excluded",
        "deaktiviert",
        "gesperrt",
        "rgpd",
        "dsgvo",
        "配信停止",
        "abmeldung",
        "abmeldedatum",
        "afgemeld",
        "uitgeschreven",
        "disiscritto",
        "baja",
        "wypisany",
    ];
    // AWeber's, and an event's end.
    name == "stop_time"
        || (has_consent(name) && !is_other_channel(name))
        || begins.iter().any(|beginning| name.starts_with(beginning))
        || NO_PARTS.iter().any(|part| name.contains(part))
        || ["_opt_in", "_opt_out", "_no_email", "_no_emails", "_no_mail"]
            .iter()
            .any(|end| name.ends_with(end))
        || name.split('_').any(|word| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_one_word_is_read_by_its_parts() {
        let none = ColumnMeanings::new();
        for (title, why) in [
            ("HasOptedOutOfEmail", Inactive::OptedOut),
            ("IsUnsub", Inactive::OptedOut),
            ("isUnsubscribed", Inactive::OptedOut),
            ("unsubscribedAt", Inactive::OptedOut),
            ("emailOptOut", Inactive::OptedOut),
            ("IsExcludedFromCampaigns", Inactive::OptedOut),
            ("IsEmailBounced", Inactive::Bounced),
            ("IsSpamComplaining", Inactive::Complained),
        ] {
            let column = titled(title, 0, &none).unwrap().unwrap();
            assert_eq!(column.meaning, Meaning::Cause(why), "{title}");
            let field = ColumnMeanings::from([(normalize(title), Meaning::Field)]);
            assert_eq!(titled(title, 0, &field), Ok(None), "{title}");
        }
        for title in ["hasBounced", "doNotSendMail", "hardBounceAt"] {
            assert_eq!(titled(title, 0, &none), Err(()), "{title}");
        }
        for title in ["FirstName", "CreatedAt", "OptionA", "SMSOptIn"] {
            assert_eq!(titled(title, 0, &none), Ok(None), "{title}");
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
            "stop_time",
            "foto_einwilligung",
            "einwilligung_telefon",
            "consentement_photo",
            "einwilligung_sms_und_e_mail",
        ] {
            assert_eq!(titled(name, 0, &none), Err(()), "{name}");
            let explained = ColumnMeanings::from([(name.to_owned(), Meaning::Field)]);
            assert_eq!(titled(name, 0, &explained), Ok(None), "{name}");
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
            assert_eq!(titled(name, 0, &none), Ok(None), "{name}");
        }
        for name in [
            "state",
            "type",
            "email_subscription_status",
            "newsletter_status",
            "Email & SMS status",
            "mobile newsletter status",
        ] {
            assert!(!is_beside_consent(&normalize(name)), "{name}");
            assert!(titled(name, 0, &none).unwrap().unwrap().is_guessed, "{name}");
        }
        assert_eq!(titled("marital_status", 0, &none), Ok(None));
        for name in
            ["Einwilligung", "E-Mail-Zustimmung", "consentement", "同意", "Einwilligung zum Newsletter"]
        {
            let column = titled(name, 0, &none).unwrap().unwrap();
            assert!(column.is_guessed && column.meaning == Meaning::Consent, "{name}");
            assert_eq!(column.read(""), Says::Unknown, "{name}");
        }
        for name in [
            "newsletter_name",
            "send_email_count",
            "last_mail",
            "letters",
            "mail_server",
            "maybe",
            "SMS subscriber status",
            "Einwilligung SMS",
        ] {
            assert_eq!(titled(name, 0, &none), Ok(None), "{name}");
        }
    }
}
