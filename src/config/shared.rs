//! The settings as a worker elsewhere needs them: the text of the file, and what replaced its relay. They hold no secret, only
//! where each is kept.

use serde::{Deserialize, Serialize};

use super::overrides::{Override, Overrides, Strength};
use crate::dispatch::Approval;

/// Settings that travel with a dispatch in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSettings {
    /// The text of the settings file.
    settings: String,
    /// The relay that a flag or a variable named instead of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relay: Option<String>,
    /// Letters become files, although the file names a relay.
    #[serde(default)]
    into_folder: bool,
    /// The approval of the issue, as it was when it was scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
}

impl SharedSettings {
    pub(super) fn new(text: &str, overrides: &Overrides, into_folder: bool) -> Self {
        let relay = overrides.relay.as_ref().map(|relay| relay.value.clone());
        Self { settings: text.to_owned(), relay, into_folder, approval: None }
    }

    /// With the approval of the issue that is scheduled.
    pub fn with_approval(&self, approval: Option<Approval>) -> Self {
        Self { approval, ..self.clone() }
    }

    /// The approval that the issue had when it was scheduled.
    pub fn approval(&self) -> Option<&Approval> {
        self.approval.as_ref()
    }

    /// For the ledger.
    pub fn to_stored(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What the ledger has; `None` when another version wrote it in another way.
    pub fn from_stored(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether letters become files in a folder, where the settings are.
    pub fn is_into_folder(&self) -> bool {
        self.into_folder
    }

    /// The text of the settings file.
    pub(super) fn settings(&self) -> &str {
        &self.settings
    }

    /// The flags and variables of another process, and the relay that was named when the issue was scheduled.
    pub(super) fn with_relay(&self, overrides: Overrides) -> Overrides {
        let stored = |value: &String| Override {
            value: value.clone(),
            origin: "the ledger",
            strength: Strength::File,
        };
        let relay = overrides.relay.clone().or_else(|| self.relay.as_ref().map(stored));
        Overrides { relay, ..overrides }
    }
}
