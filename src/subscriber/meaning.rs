//! What a column says about consent, and what its cells mean.

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
    /// Whether the person has confirmed, or when: no and an empty cell say not yet.
    Confirmation,
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

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Active,
    Inactive(Inactive),
    Unknown,
}

impl Meaning {
    pub(super) fn read(self, cell: &str) -> Says {
        let word = cell.trim().to_lowercase().replace([' ', '-'], "_");
        let yes = match word.as_str() {
            "true" | "yes" | "y" | "1" | "x" | "on" | "t" | "ja" | "oui" | "sí" | "si" | "wahr" | "vrai"
            | "verdadero" | "sim" | "tak" | "da" | "да" | "はい" | "是" | "✓" | "✔" => Some(true),
            word => says_no(word).then_some(false),
        };
        let is_never = is_never(&word);
        match (self, yes) {
            (Self::Field, _) => Says::Active,
            (Self::Consent | Self::Confirmation, _) if word.is_empty() || is_never => {
                Says::Inactive(Inactive::Unconfirmed)
            }
            (Self::Confirmation, Some(false)) => Says::Inactive(Inactive::Unconfirmed),
            (Self::Confirmation, _) => Says::Active,
            (Self::Cause(_), _) if is_never => Says::Active,
            _ if word.is_empty() => Says::Active,
            (Self::Status, _) => status(&word),
            (Self::WantsLetters, Some(true)) | (Self::Consent, Some(true)) => Says::Active,
            (Self::WantsLetters, Some(false)) => Says::Inactive(Inactive::Paused),
            (Self::Consent, Some(false)) => Says::Inactive(Inactive::OptedOut),
            // When the person said yes.
            (Self::Consent, None) if is_date(&word) => Says::Active,
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

/// Whether a word in lower case means no.
pub(super) fn says_no(word: &str) -> bool {
    matches!(
        word,
        "false"
            | "no"
            | "n"
            | "0"
            | "off"
            | "f"
            | "nein"
            | "non"
            | "falsch"
            | "faux"
            | "falso"
            | "não"
            | "nao"
            | "nee"
            | "nie"
            | "нет"
            | "いいえ"
            | "否"
    )
}

/// Whether a cell is a date that programs write for none: MySQL's of zeros, or the first day that they can count from.
fn is_never(word: &str) -> bool {
    if !is_date(word) {
        return false;
    }
    let parts = word.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut numbers: Vec<u64> = parts.map(|part| part.parse().unwrap_or(u64::MAX)).collect();
    if numbers.len() < 3 {
        return false;
    }
    let time = numbers.split_off(3);
    numbers.sort_unstable();
    // A year of two digits may be 2001.
    let is_first = numbers == [1, 1, 1970] || (numbers == [1, 1, 1] && word.contains("0001"));
    time.iter().all(|number| *number == 0) && (is_first || numbers == [0, 0, 0])
}

/// Whether a cell is a date, with or without a time, in whatever order and with whatever marks.
fn is_date(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let marks = word.chars().filter(|c| matches!(c, '-' | '/' | '.')).count();
    // What was a space or a hyphen is `_` here.
    let marks = marks + word.matches('_').count();
    (6..=20).contains(&digits)
        && marks >= 2
        && word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| {
            c.is_ascii_digit() || matches!(c, '-' | '/' | '.' | ':' | '_' | '+' | 't' | 'z' | 'u' | 'c')
        })
}

/// Words match whole, never inside others: `inactive` is not `active`.
fn status(word: &str) -> Says {
    Says::Inactive(match word {
        "active" | "subscribed" | "confirmed" | "enabled" | "opted_in" | "valid" | "ok" => {
            return Says::Active;
        }
        "aktiv" | "angemeldet" | "abonniert" | "bestätigt" | "actif" | "abonné" | "abonnée" | "inscrit"
        | "inscrite" | "activo" | "activa" | "suscrito" | "suscrita" | "attivo" | "attiva" | "iscritto"
        | "iscritta" | "ativo" | "ativa" | "inscrito" | "inscrita" | "actief" | "ingeschreven"
        | "aangemeld" | "配信中" | "登録済み" | "已订阅" => return Says::Active,
        // The next letter shows whether it arrives.
        "soft_bounce" | "soft_bounced" => return Says::Active,
        // Kit's people who have not opened for long, and the paying readers of Buttondown and others
        "cold" | "regular" | "premium" | "gifted" | "trialed" | "free" | "paid" | "comped" | "past_due"
        | "churning" | "churned" => return Says::Active,
        "paused" | "snoozed" | "inactive" | "disabled" | "on_hold" | "inaktiv" | "pausiert" | "inactif"
        | "inactivo" | "inattivo" | "inativo" | "inactief" => Inactive::Paused,
        "pending"
        | "unconfirmed"
        | "unactivated"
        | "validating"
        | "needs_attention"
        | "needs_approval"
        | "nonsubscribed"
        | "non_subscribed"
        | "not_subscribed"
        | "never_subscribed"
        | "not_confirmed"
        | "unverified"
        | "awaiting_confirmation"
        | "unbestätigt"
        | "en_attente"
        | "pendiente"
        | "transactional"
        | "unpaid" => Inactive::Unconfirmed,
        "unsubscribed" | "unsubscribe" | "opted_out" | "removed" | "deleted" | "cancelled" | "canceled"
        | "suppressed" | "blocked" | "blocklisted" | "blacklisted" | "archived" | "opt_out" | "no_email"
        | "no_mail" | "abgemeldet" | "ausgetragen" | "gelöscht" | "gesperrt" | "désabonné" | "désabonnée"
        | "désinscrit" | "désinscrite" | "baja" | "dado_de_baja" | "cancelado" | "disiscritto"
        | "disiscritta" | "descadastrado" | "uitgeschreven" | "afgemeld" | "配信停止" | "退会" | "已退订" => {
            Inactive::OptedOut
        }
        "cleaned" | "bounced" | "bouncing" | "hard_bounce" | "hard_bounced" | "undeliverable"
        | "unreachable" | "invalid" => Inactive::Bounced,
        "complained" | "complaint" | "spam" | "spammy" | "marked_as_spam" | "reported_spam"
        | "spam_complaint" => Inactive::Complained,
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
            (Meaning::Consent, "2024-01-02 10:00:00", Says::Active),
            (Meaning::Consent, "13.03.2024", Says::Active),
            (Meaning::Consent, "0000-00-00 00:00:00", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Consent, "00.00.0000", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Consent, "1970-01-01", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Consent, "1970-01-01T00:00:00.000Z", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Consent, "0001-01-01T00:00:00Z", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Consent, "01.01.01", Says::Active),
            (Meaning::Consent, "1970-01-02", Says::Active),
            (Meaning::WantsLetters, "0000-00-00", Says::Unknown),
            (Meaning::Confirmation, "0", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Confirmation, "", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Confirmation, "0000-00-00", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Confirmation, "1714979229", Says::Active),
            (Meaning::Confirmation, "2024-01-02 03:04:05", Says::Active),
            (Meaning::Consent, "2024", Says::Unknown),
            (Meaning::Consent, "1-2", Says::Unknown),
            (Meaning::Consent, "Não", Says::Inactive(Inactive::OptedOut)),
            (Meaning::Status, "Marked as spam", Says::Inactive(Inactive::Complained)),
            (Meaning::Status, "Never subscribed", Says::Inactive(Inactive::Unconfirmed)),
            (Meaning::Status, "Désabonné", Says::Inactive(Inactive::OptedOut)),
            (Meaning::Status, "inaktiv", Says::Inactive(Inactive::Paused)),
            (cause, "", Says::Active),
            (cause, "no", Says::Active),
            (cause, "0000-00-00", Says::Active),
            (cause, "0000-00-00 00:00:00", Says::Active),
            (cause, "01/01/1970 00:00:00", Says::Active),
            (cause, "01.01.01", Says::Inactive(Inactive::OptedOut)),
            (cause, "2024-01-02", Says::Inactive(Inactive::OptedOut)),
        ] {
            assert_eq!(meaning.read(cell), says, "{meaning:?} {cell}");
        }
    }
}
