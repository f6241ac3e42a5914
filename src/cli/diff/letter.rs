//! What a letter is made of, as far as two of them can be held against each other.

use std::collections::BTreeSet;

use crate::{
    address::EmailAddress,
    assets::PicturePlace,
    check::{self, Link},
    cli::{build, check as checks, context::Context, failure::Failure, issues::IssueFile},
    config::Config,
    message::{Composer, Secrets},
    render::{Built, Mailbox},
    source::Diagnostics,
    subscriber::ListSource,
    web::LetterView,
};

/// A letter and what can be said against it.
pub(super) struct Letter {
    pub(super) built: Built,
    pub(super) html: String,
    pub(super) text: String,
    subject: String,
    pub(super) found: Diagnostics,
    /// Bytes of the HTML part, as encoded for the wire.
    pub(super) bytes: usize,
}

/// A picture as readers get it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Picture {
    /// Its path from the newsletter's folder on, or its address.
    pub(super) name: String,
    /// Of the file; none for a picture elsewhere.
    pub(super) bytes: Option<u64>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    /// The same bytes have the same.
    #[serde(skip)]
    pub(super) identity: String,
}

impl Letter {
    pub(super) fn of(context: &Context, config: &Config, file: &IssueFile) -> Result<Self, Failure> {
        let built = file.build(config, context.now)?;
        let report = checks::report(context, config, file, &built, checks::Subject::LetterAndList)?;
        Ok(Self {
            html: built.rendered.html.to_string(),
            text: built.rendered.text.to_string(),
            subject: built.rendered.subject.to_string(),
            bytes: report.shares.iter().map(|share| share.bytes).sum(),
            built,
            found: report.diagnostics,
        })
    }

    /// The letter with sample values in the place of placeholders, as an invented person would see it.
    pub(super) fn sampled(self) -> Self {
        let rendered = &self.built.rendered;
        let [html, text, subject] =
            [&rendered.html, &rendered.text, &rendered.subject].map(|part| rendered.sample(part));
        Self { html, text, subject, ..self }
    }

    /// What inboxes and mail programs read beside the letter, by its name.
    pub(super) fn fields(&self) -> Vec<(&'static str, Option<String>)> {
        let rendered = &self.built.rendered;
        let mailbox = |one: &Mailbox| match &one.name {
            Some(name) => format!("{name} <{}>", one.address.expose()),
            None => one.address.expose().to_owned(),
        };
        let own = rendered.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        let own = own.collect::<Vec<_>>().join("\n");
        vec![
            ("subject", Some(self.subject.clone())),
            ("preheader", Some(self.built.issue.head.preheader.to_string()).filter(|text| !text.is_empty())),
            ("from", Some(mailbox(&rendered.from))),
            ("reply to", rendered.reply_to.as_ref().map(mailbox)),
            ("bounces", Some(rendered.bounces.expose().to_owned())),
            ("language", Some(rendered.language.clone())),
            ("list", Some(format!("{} <{}>", rendered.newsletter, rendered.list_id))),
            ("unsubscribe by mail", rendered.unsubscribe.mailto.as_ref().map(|to| to.expose().to_owned())),
            ("unsubscribe by click", rendered.unsubscribe.https.clone()),
            ("archive", rendered.archive.clone()),
            ("on the web", rendered.view.clone()),
            ("other header fields", Some(own).filter(|own| !own.is_empty())),
        ]
    }

    pub(super) fn links(&self) -> Vec<Link> {
        check::reading(&self.html).links
    }

    pub(super) fn pictures(&self) -> Vec<Picture> {
        let mut seen = BTreeSet::new();
        let own = self.built.assets.pictures().map(|(_, asset)| Picture {
            name: asset.path.clone(),
            bytes: Some(asset.bytes.len() as u64),
            width: asset.width,
            height: asset.height,
            identity: asset.cid.clone(),
        });
        let own: Vec<Picture> = own.filter(|picture| seen.insert(picture.name.clone())).collect();
        let site =
            self.built.assets.pictures().filter_map(|(_, asset)| self.built.assets.site_address(asset));
        let known: BTreeSet<String> = site.collect();
        let elsewhere = check::reading(&self.html).pictures.into_iter();
        let elsewhere = elsewhere
            .filter(|address| !address.starts_with("cid:") && !known.contains(address))
            .map(|address| Picture {
                name: address.clone(),
                bytes: None,
                width: None,
                height: None,
                identity: address,
            });
        let elsewhere: Vec<Picture> = elsewhere.filter(|picture| seen.insert(picture.name.clone())).collect();
        own.into_iter().chain(elsewhere).collect()
    }

    /// The letter to someone, for the frames of a page. Its addresses of leaving lead nowhere: it is passed on.
    pub(super) fn view(&self, list: &ListSource, reader: &EmailAddress) -> Result<LetterView, Failure> {
        let rendered = &self.built.rendered;
        let mut person = build::subscriber(list, reader)?;
        let composer = Composer::new(rendered, Secrets::new([0; 32]))?;
        // Both letters are to be seen, whatever this person lacks.
        build::fill_gaps(&mut person, &composer);
        let mut html = composer.preview(&person)?.html;
        let mut pictures: Vec<_> = rendered
            .pictures
            .iter()
            .map(|picture| (picture.cid.clone(), picture.media_type.clone(), picture.bytes.clone()))
            .collect();
        let assets = &self.built.assets;
        if assets.place() == PicturePlace::Site {
            // The site has the pictures of one of the two letters at most.
            for (_, asset) in assets.pictures() {
                let Some(address) = assets.site_address(asset) else { continue };
                html = html.replace(&format!("\"{address}\""), &format!("\"cid:{}\"", asset.cid));
                pictures.push((asset.cid.clone(), asset.media_type.to_owned(), asset.bytes.to_vec()));
            }
        }
        Ok(LetterView { html, pictures, ..LetterView::default() })
    }
}
