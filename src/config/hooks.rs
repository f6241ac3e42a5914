//! `[hooks]`: the delivery services that may report bounces and complaints.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    command::Trust,
    raw::{Item, Table},
    secret::{SecretError, SecretRef},
    secret_setting::secret,
};
use crate::hooks::{self, Hooks, Keys, Needs, Topic};

/// One service of `[hooks]`.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Its name.
    pub provider: &'static str,
    /// What proves that events are from it.
    pub keys: HookKeys,
}

/// Its keys, still without secrets.
#[derive(Clone, Debug)]
pub enum HookKeys {
    /// `secret`
    Secret(SecretRef),
    /// `public_key`
    PublicKey(Vec<u8>),
    /// `topics`
    Topics(Vec<Topic>),
}

impl HookKeys {
    fn read(&self, trust: Trust) -> Result<Keys, SecretError> {
        Ok(match self {
            Self::Secret(kept) => Keys::Secret(kept.read(trust)?),
            Self::PublicKey(der) => Keys::PublicKey(der.clone()),
            Self::Topics(topics) => Keys::Topics(topics.clone()),
        })
    }
}

/// The hooks with their secrets, which are read now.
pub(super) fn load(hooks: &[Hook], trust: Trust) -> Result<Hooks, SecretError> {
    let keys = hooks.iter().map(|hook| Ok((hook.provider.to_owned(), hook.keys.read(trust)?)));
    Ok(Hooks::new(keys.collect::<Result<Vec<_>, SecretError>>()?))
}

pub(super) fn hooks(root: &Table<'_>, base: &Path) -> Vec<Hook> {
    let section = root.table("hooks");
    let found = hooks::providers().filter_map(|(provider, needs)| {
        let table = section.table(provider);
        let keys = match needs {
            Needs::Secret => secret(&table, "secret", base).map(HookKeys::Secret),
            Needs::PublicKey => public_key(&table).map(HookKeys::PublicKey),
            Needs::Topics => topics(&table).map(HookKeys::Topics),
        };
        table.finish();
        Some(Hook { provider, keys: keys? })
    });
    let found = found.collect();
    section.finish();
    found
}

fn public_key(table: &Table<'_>) -> Option<Vec<u8>> {
    let Some(text) = table.text("public_key", "MFkwEwYHKoZIzj0CAQ…") else {
        missing(table, "public_key", "copy it from the service's page about signed events");
        return None;
    };
    let der = STANDARD.decode(text.value.split_whitespace().collect::<String>()).ok();
    // P-256 as SubjectPublicKeyInfo (RFC 5480).
    let der = der.filter(|der| der.len() == 91 && der.starts_with(&[0x30, 0x59, 0x30, 0x13]));
    if der.is_none() {
        wrong(table, &text, "public_key", "it is not a public key of P-256 in base64");
    }
    der
}

fn topics(table: &Table<'_>) -> Option<Vec<Topic>> {
    const EXAMPLE: &str = "[\"arn:aws:sns:eu-central-1:123456789012:bounces\"]";
    let Some(texts) = table.texts("topics", EXAMPLE) else {
        missing(table, "topics", "name the topics of Amazon SNS that SES publishes to");
        return None;
    };
    let mut topics = Vec::new();
    for text in texts {
        match text.value.parse() {
            Ok(topic) => topics.push(topic),
            Err(reason) => wrong(table, &text, "topics", reason),
        }
    }
    (!topics.is_empty()).then_some(topics)
}

fn missing(table: &Table<'_>, name: &'static str, help: &str) {
    if table.is_there() && table.any(name).is_none() {
        table.missing(format!("`[{}]` has no `{name}`", table.path()), help);
    }
}

fn wrong(table: &Table<'_>, text: &Item<String>, name: &str, reason: &str) {
    let message = format!("`{}` cannot be {:?}", table.name_of(name), text.value);
    table.notes().error("M005", text.span.clone(), message, reason);
}
