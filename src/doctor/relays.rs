//! What well-known relays ask for in the DNS of those who send through them.

use super::dns::is_within;

/// A relay that many people use.
pub(super) struct KnownRelay {
    /// What people call it.
    pub(super) name: &'static str,
    /// The domain that its host is in.
    host: &'static str,
    /// What belongs into SPF.
    pub(super) include: &'static str,
    /// Selectors of the records with which it signs for a domain of its users, where they are the same for all.
    pub(super) selectors: &'static [&'static str],
}

const fn relay(
    name: &'static str,
    host: &'static str,
    include: &'static str,
    selectors: &'static [&'static str],
) -> KnownRelay {
    KnownRelay { name, host, include, selectors }
}

const RELAYS: [KnownRelay; 13] = [
    relay("Amazon SES", "amazonaws.com", "amazonses.com", &[]),
    relay("Postmark", "postmarkapp.com", "spf.mtasv.net", &[]),
    relay("Google", "smtp.gmail.com", "_spf.google.com", &["google"]),
    relay("Google", "smtp-relay.gmail.com", "_spf.google.com", &["google"]),
    relay("Fastmail", "fastmail.com", "spf.messagingengine.com", &["fm1", "fm2", "fm3"]),
    relay("Microsoft 365", "office365.com", "spf.protection.outlook.com", &["selector1", "selector2"]),
    relay("SendGrid", "sendgrid.net", "sendgrid.net", &["s1", "s2"]),
    relay("Mailgun", "mailgun.org", "mailgun.org", &["k1", "mx", "pic", "smtp", "mailo", "email"]),
    relay("Brevo", "brevo.com", "spf.brevo.com", &["brevo1", "brevo2", "mail"]),
    relay("Mailjet", "mailjet.com", "spf.mailjet.com", &["mailjet"]),
    relay("Resend", "resend.com", "amazonses.com", &["resend"]),
    relay("mailbox.org", "mailbox.org", "mailbox.org", &["MBO0001", "MBO0002", "MBO0003", "MBO0004"]),
    relay("Zoho", "zoho.com", "zoho.com", &[]),
];

/// The relay that a host belongs to, if it is well known.
pub(super) fn known(host: &str) -> Option<&'static KnownRelay> {
    RELAYS.iter().find(|relay| is_within(host, relay.host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_are_known_by_their_whole_domain() {
        let include = |host| known(host).map(|relay| relay.include);
        assert_eq!(include("email-smtp.eu-central-1.amazonaws.com"), Some("amazonses.com"));
        assert_eq!(include("notfastmail.com"), None);
    }
}
