use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    address::EmailAddress,
    assets::{PicturePlace, PictureSettings},
    issue::Value,
};

/// The newsletter an issue appears in: the part of `mimeo.toml` that readers see.
#[derive(Clone, Debug)]
pub struct Newsletter {
    /// `name`
    pub name: String,
    /// `tagline`
    pub tagline: Option<String>,
    /// `language`: a BCP 47 tag, for issues that do not say their own.
    pub language: String,
    /// `site`: the address that the newsletter's folder is published at, ending in `/`.
    pub site: Option<String>,
    /// `archive`: the address of earlier issues.
    pub archive: Option<String>,
    /// `postal_address`: the law in many countries asks for it. Lines separated by `\n`.
    pub postal_address: Option<String>,
    /// `from`
    pub from: Mailbox,
    /// `reply_to`
    pub reply_to: Option<Mailbox>,
    /// `bounces`: the envelope's sender; the `from` address when it is not given.
    pub bounces: EmailAddress,
    /// `list_id` (RFC 2919); made of the name and the sender's domain when it is not given.
    pub list_id: String,
    /// `unsubscribe`
    pub unsubscribe: Unsubscribe,
    /// `pictures`
    pub pictures: PicturePlace,
    /// `template`, for issues that do not say their own.
    pub template: String,
    /// `[design]`: colours for light and dark, font stack, width, logo.
    pub design: BTreeMap<String, Value>,
    /// `[headers]`: header fields of the owner's own.
    pub headers: BTreeMap<String, String>,
    /// `[fields]`: for templates, as `{{ newsletter.NAME }}`.
    pub fields: BTreeMap<String, Value>,
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The display name.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

/// How a reader leaves: at least one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// An https address for one-click (RFC 8058); `{token}` in it is replaced by the reader's own token, which is
    /// appended when there is no `{token}`.
    pub https: Option<String>,
    /// An address that takes mails with the reader's token in the subject.
    pub mailto: Option<EmailAddress>,
}

impl Newsletter {
    /// What it says about pictures.
    pub fn picture_settings(&self) -> PictureSettings<'_> {
        PictureSettings { place: self.pictures, site: self.site.as_deref(), domain: &self.list_id }
    }
}
