//! Letters of the service: Markdown files in `templates/mail/`, or texts of our own, rendered as issues are.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use super::{
    settings::Settings,
    texts::{Languages, Texts, fill},
};
use crate::{
    audience::{LetterKind, ServiceLetter},
    message::{ComposeError, Composer, ListTokens, Message, Purpose, Secrets},
    render::{BuildContext, Newsletter, RenderedIssue, build},
    source::{Diagnostics, Source},
    subscriber::Subscriber,
};

/// What letters are made of.
pub struct Letters {
    /// The newsletter they are of.
    pub newsletter: Newsletter,
    /// Its folder.
    pub root: PathBuf,
    /// The owner's templates, with `mail/` in it.
    pub templates: PathBuf,
    /// The newsletter's key, and what messages are signed with.
    pub secrets: Secrets,
    pub(super) languages: Arc<Languages>,
    rendered: Mutex<HashMap<(LetterKind, String), Arc<RenderedIssue>>>,
}

/// Why there is no letter.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// Its file is wrong, at these places.
    #[error("the letter `{kind}` cannot be made: {}", first(.found))]
    Found {
        /// Which letter.
        kind: &'static str,
        /// What is wrong.
        found: Diagnostics,
    },
    /// Its file cannot be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why the file could not be read or used.
        source: io::Error,
    },
    /// It cannot be composed.
    #[error("failed to compose a letter of the service")]
    Compose(#[from] ComposeError),
}

fn first(found: &Diagnostics) -> String {
    found
        .iter()
        .find(|one| one.is_error())
        .map_or_else(String::new, |one| format!("{}: {}", one.place, one.message))
}

impl Letters {
    /// Of a newsletter.
    pub fn new(mut newsletter: Newsletter, root: PathBuf, templates: PathBuf, secrets: Secrets) -> Self {
        // Many of these letters go to people who are not on the list.
        newsletter.footer.preferences = None;
        let languages = Arc::new(Languages::new(&newsletter.texts));
        Self { newsletter, root, templates, secrets, languages, rendered: Mutex::default() }
    }

    /// Makes each letter once, so that a mistake in a file shows at the start.
    ///
    /// # Errors
    ///
    /// The first letter that cannot be made.
    pub fn check(&self, settings: &Settings, tokens: &ListTokens, now: Timestamp) -> Result<(), LetterError> {
        for kind in LetterKind::ALL {
            if kind == LetterKind::Welcome && !self.has_welcome() {
                continue;
            }
            let letter = ServiceLetter {
                id: [0; 12],
                kind,
                address: self.newsletter.from.address.clone(),
                language: None,
                subject: [0; 12],
                made_at: now,
                attempts: 0,
            };
            self.compose(&letter, None, settings, tokens)?;
        }
        Ok(())
    }

    /// Whether the owner has written a letter that greets people.
    pub fn has_welcome(&self) -> bool {
        self.templates.join("mail/welcome.md").exists()
    }

    /// The message of a letter; the same bytes whenever it is asked for. `person` has fields for a person who is on the list.
    pub(super) fn compose(
        &self,
        letter: &ServiceLetter,
        person: Option<Subscriber>,
        settings: &Settings,
        tokens: &ListTokens,
    ) -> Result<Message, LetterError> {
        let language = letter.language.as_deref().unwrap_or(&self.newsletter.language);
        let rendered = self.rendered(letter.kind, language)?;
        let mut rendered = RenderedIssue::clone(&rendered);
        let id: String = letter.id.iter().map(|byte| format!("{byte:02x}")).collect();
        rendered.slug = format!("{}-{id}", letter.kind.word());
        rendered.date = Timestamp::from_second(letter.made_at.as_second()).unwrap_or(letter.made_at);
        rendered.view = None;
        rendered.headers.insert("Auto-Submitted".to_owned(), "auto-generated".to_owned());
        let mut reader = person.unwrap_or_else(|| Subscriber {
            address: letter.address.clone(),
            name: None,
            fields: Default::default(),
        });
        reader.fields.insert("link", &link(letter, settings, tokens));
        Ok(Composer::new(&rendered, self.secrets.clone())?.compose(&reader, Vec::new())?)
    }

    fn rendered(&self, kind: LetterKind, language: &str) -> Result<Arc<RenderedIssue>, LetterError> {
        let key = (kind, language.to_ascii_lowercase());
        let known = self.rendered.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let source = self.source(kind, language)?;
        let context = BuildContext {
            templates: self.templates.clone(),
            ..BuildContext::new(&self.newsletter, &self.root, Timestamp::UNIX_EPOCH)
        };
        let built = build(source, kind.word(), &context)
            .map_err(|error| LetterError::Found { kind: kind.word(), found: error.into() })?;
        let rendered = Arc::new(built.rendered);
        self.rendered.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&rendered));
        Ok(rendered)
    }

    /// The owner's file in this language, the owner's file, or our own text.
    fn source(&self, kind: LetterKind, language: &str) -> Result<Source, LetterError> {
        let folder = self.templates.join("mail");
        let primary = language.split(['-', '_']).next().unwrap_or_default();
        let is_name = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let named = [language, primary].into_iter().filter(|part| is_name(part));
        let names =
            named.map(|tag| format!("{}.{tag}.md", kind.word())).chain([format!("{}.md", kind.word())]);
        for name in names {
            if let Some(text) = read(&folder.join(&name))? {
                return Ok(Source::new(folder.join(&name), text));
            }
        }
        let text = shipped(kind, self.languages.get(language), language, &self.newsletter.name);
        Ok(Source::new(Path::new("templates/mail").join(format!("{}.md", kind.word())), text))
    }
}

fn read(path: &Path) -> Result<Option<String>, LetterError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LetterError::Read { path: path.to_owned(), source }),
    }
}

/// The link of a letter. A page of someone who is not on the list does not know their language.
fn link(letter: &ServiceLetter, settings: &Settings, tokens: &ListTokens) -> String {
    let (path, purpose) = match letter.kind {
        LetterKind::Confirm | LetterKind::Address => ("confirm", Purpose::Confirm),
        LetterKind::Welcome | LetterKind::Preferences => ("preferences", Purpose::Preferences),
        LetterKind::Pressure => return settings.link(""),
    };
    let language = match &letter.language {
        Some(language) if purpose == Purpose::Confirm => format!("?lang={language}"),
        _ => String::new(),
    };
    settings.link(&format!("{path}/{}{language}", tokens.service(purpose, &letter.subject, letter.made_at)))
}

/// A letter of our own as Markdown. Only the newsletter's name is in it, as a placeholder; nothing of the form.
fn shipped(kind: LetterKind, texts: &Texts, language: &str, name: &str) -> String {
    let (title, text, button, end) = match kind {
        LetterKind::Confirm => (
            &texts.confirm_letter_title,
            &texts.confirm_letter_text,
            Some(&texts.confirm_letter_button),
            true,
        ),
        LetterKind::Address => (
            &texts.address_letter_title,
            &texts.address_letter_text,
            Some(&texts.address_letter_button),
            true,
        ),
        LetterKind::Preferences | LetterKind::Welcome => (
            &texts.preferences_letter_title,
            &texts.preferences_letter_text,
            Some(&texts.preferences_letter_button),
            true,
        ),
        LetterKind::Pressure => (&texts.pressure_letter_title, &texts.pressure_letter_text, None, false),
    };
    let in_text = |text: &str| fill(text, &[("newsletter", "{{ newsletter.name }}")]);
    let title = serde_json::Value::from(fill(title, &[("newsletter", name)])).to_string();
    let language = serde_json::Value::from(language).to_string();
    let mut parts =
        vec![format!("---\ntitle: {title}\nlanguage: {language}\ntemplate: plain\n---"), in_text(text)];
    parts.extend(button.map(|button| format!("[{button}]({{{{ subscriber.link }}}} \"button\")")));
    parts.extend(end.then(|| in_text(&texts.letter_ignore)));
    parts.join("\n\n") + "\n"
}
