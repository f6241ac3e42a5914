use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::i18n::OwnTexts;
use crate::{
    address::EmailAddress,
    assets::{PicturePlace, PictureSettings},
    issue::Value,
    source::Place,
    subscriber::Topic,
};

/// The newsletter an issue appears in: the part of `mimeo.toml` that readers see.
#[derive(Clone, Debug)]
pub struct Newsletter {
    /// `name`: what the newsletter is called.
    pub name: String,
    /// `tagline`: a line about the newsletter, for templates.
    pub tagline: Option<String>,
    /// `language`: a BCP 47 tag, for issues that do not say their own.
    pub language: String,
    /// `site`: the address that the newsletter's folder is published at, ending in `/`.
    pub site: Option<String>,
    /// `archive`: the address of earlier issues.
    pub archive: Option<String>,
    /// `postal_address`: the law in many countries asks for it. Lines separated by `\n`.
    pub postal_address: Option<String>,
    /// `from`: the sender that readers see.
    pub from: Mailbox,
    /// `reply_to`: who gets answers, if it is not the sender.
    pub reply_to: Option<Mailbox>,
    /// `bounces`: the envelope's sender; the `from` address when it is not given.
    pub bounces: EmailAddress,
    /// `list_id` (RFC 2919); made of the name and the sender's domain when it is not given.
    pub list_id: String,
    /// `unsubscribe`: how a reader unsubscribes.
    pub unsubscribe: Unsubscribe,
    /// `pictures`: whether pictures travel inside letters or are on the web.
    pub pictures: PicturePlace,
    /// `template`, for issues that do not say their own.
    pub template: String,
    /// `[design]`: colors for light and dark, font stack, width, logo.
    pub design: BTreeMap<String, Value>,
    /// Where the settings of `design` are, by key (`light.text`), for findings about them; the section has an empty key.
    pub design_places: BTreeMap<String, Place>,
    /// `[footer]`: what the end of a letter links to.
    pub footer: Footer,
    /// `templates/texts/LANGUAGE.toml`: texts of the owner's own in place of ours.
    pub texts: OwnTexts,
    /// `[topics]`: what readers can choose to read about.
    pub topics: Vec<Topic>,
    /// `[headers]`: header fields of the owner's own.
    pub headers: BTreeMap<String, String>,
    /// `[fields]`: for templates, as `{{ newsletter.NAME }}`.
    pub fields: BTreeMap<String, Value>,
}

/// What the end of a letter links to beside the unsubscribe link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footer {
    /// `subscribe`: where someone to whom a letter was forwarded can subscribe.
    pub subscribe: Option<String>,
    /// `preferences`: where readers choose what they get; `{token}` in it is replaced by the reader's own token.
    pub preferences: Option<String>,
    /// `feed`: the address of the feed.
    pub feed: Option<String>,
    /// `reply`: whether there is a link that begins a reply.
    pub reply: bool,
    /// `[footer.social]`: names of networks, and the newsletter's address there, in the order of their names.
    pub social: Vec<(String, String)>,
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The display name.
    pub name: Option<String>,
    /// The email address.
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

impl Mailbox {
    /// A mailbox with a display name.
    pub fn new(name: impl Into<String>, address: EmailAddress) -> Self {
        Self { name: Some(name.into()), address }
    }
}

impl Newsletter {
    /// A newsletter with defaults for everything but its name and its sender: in English, with the template `default`, with
    /// pictures inside of each letter, and with a mail to the sender as the way to unsubscribe. Its fields can then be set.
    ///
    /// ```
    /// use mimeograph::{address::EmailAddress, render::{Mailbox, Newsletter}};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let from = Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?);
    /// let newsletter = Newsletter { language: "nl".into(), ..Newsletter::new("The Slow Kettle", from) };
    /// assert_eq!(newsletter.list_id, "the-slow-kettle.kettle.example.org");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(name: impl Into<String>, from: Mailbox) -> Self {
        let name = name.into();
        Self {
            tagline: None,
            language: "en".to_owned(),
            site: None,
            archive: None,
            postal_address: None,
            reply_to: None,
            bounces: from.address.clone(),
            list_id: Self::default_list_id(&name, from.address.domain()),
            unsubscribe: Unsubscribe { https: None, mailto: Some(from.address.clone()) },
            pictures: PicturePlace::Inside,
            template: "default".to_owned(),
            design: BTreeMap::new(),
            design_places: BTreeMap::new(),
            footer: Footer::default(),
            topics: Vec::new(),
            texts: OwnTexts::default(),
            headers: BTreeMap::new(),
            fields: BTreeMap::new(),
            name,
            from,
        }
    }

    /// The list's identifier (RFC 2919) when none is given: `the-slow-kettle.example.org` from the name and the sender's domain.
    pub fn default_list_id(name: &str, domain: &str) -> String {
        let label: String =
            name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let label = label.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        let label: String =
            if label.is_empty() { "newsletter".into() } else { label.chars().take(60).collect() };
        format!("{}.{domain}", label.trim_end_matches('-'))
    }

    /// Where a setting of the design is; the section, or the settings file, when it is not known.
    pub(crate) fn design_place(&self, key: &str) -> Place {
        let outer = key.split('.').next().unwrap_or_default();
        let known = [key, outer, ""].into_iter().find_map(|key| self.design_places.get(key));
        known.cloned().unwrap_or_else(|| Place::File { path: "mimeo.toml".into() })
    }

    /// What it says about pictures.
    pub fn picture_settings(&self) -> PictureSettings<'_> {
        PictureSettings { place: self.pictures, site: self.site.as_deref(), domain: &self.list_id }
    }
}
