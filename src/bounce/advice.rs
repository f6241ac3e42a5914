//! What the owner can do about refusals that are about the sender. The table is `advice.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::fields::squeezed;

/// What to do, and about whom.
#[derive(Debug, Deserialize)]
pub struct Advice {
    say: Vec<String>,
    /// Whose rule it is.
    pub who: String,
    /// What to do, in a sentence or two.
    #[serde(rename = "do")]
    pub text: String,
}

#[derive(Deserialize)]
struct Table {
    advice: Vec<Advice>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("advice.toml")).expect("advice.toml is a table of advice; a test reads it")
});

/// What to do about a refusal, if that is known.
pub fn advice(status: Option<&str>, reply: &str) -> Option<&'static Advice> {
    let text = squeezed(&format!("{} {reply}", status.unwrap_or_default()));
    TABLE.advice.iter().find(|advice| advice.say.iter().any(|words| text.contains(words.as_str())))
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn each_provider_has_its_own_advice() {
        for (status, reply, who, words) in [
            (None, "550 5.7.515 Access denied", "Outlook", "SPF and DKIM must both pass"),
            (Some("5.7.26"), "this mail has been blocked", "Gmail", "mimeo keygen"),
            (Some("4.7.32"), "", "Gmail", "alignment"),
            (Some("4.7.28"), "421-4.7.28 unusual rate", "Gmail", "slowly"),
            (Some("4.7.0"), "421 4.7.0 [TSS04] Messages temporarily deferred", "Yahoo", "complain"),
            (Some("5.7.1"), "client host blocked using zen.spamhaus.org", "a blocklist", "blocklist"),
        ] {
            let found = advice(status, reply).expect(reply);
            assert_eq!(found.who, who, "{reply}");
            assert!(found.text.contains(words), "{reply}: {}", found.text);
        }
        assert!(advice(None, "no").is_none());
    }
}
