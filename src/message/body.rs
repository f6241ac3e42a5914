//! The body of a letter, laid down once per issue: stretches that all letters share, and places for values between them.

use std::borrow::Cow;

use super::{
    error::ComposeError,
    letter_bytes::{Shared, Stretch},
    skeleton,
    wire::{Aligned, quote, with_crlf},
};
use crate::{
    issue::Placeholder,
    render::{Escape, Pattern, Piece, RenderedIssue, TransferEncoding},
};

/// From `Content-Type:` of the whole letter to its last byte.
pub(super) struct Body {
    pub(super) steps: Vec<Step>,
    /// The stretches of the steps that are [`Step::Shared`].
    pub(super) shared: Shared,
    pub(super) slots: Vec<Slot>,
    /// Where in the first stretch the letter's header ends, behind its blank line.
    pub(super) header_rest: usize,
}

/// What comes next in a letter.
pub(super) enum Step {
    /// The next shared stretch.
    Shared,
    /// A value in a quoted-printable part, on lines of its own.
    Quoted(usize),
    /// A whole base64 part.
    Base64(Vec<Group>),
}

pub(super) enum Group {
    Fixed(Aligned),
    Value(usize),
}

/// A placeholder where it lands.
pub(super) struct Slot {
    pub(super) placeholder: Placeholder,
    pub(super) escape: Escape,
    pub(super) source: Source,
}

/// Where a value comes from.
pub(super) enum Source {
    Subscriber(String),
    Unsubscribe,
    /// Before the reader's token, and after it.
    Preferences(String, String),
    Known(String),
}

impl Body {
    pub(super) fn new(rendered: &RenderedIssue) -> Result<Self, ComposeError> {
        let digest = rendered.digest();
        let (text, html) = (TransferEncoding::of(&rendered.text), TransferEncoding::of(&rendered.html));
        let frame = skeleton::build(&digest, text, html, &rendered.pictures)?;
        let mut draft = Draft { fixed: frame.before_text, ..Draft::default() };
        draft.part(&rendered.text, text, rendered);
        draft.fixed.extend_from_slice(&frame.before_html);
        draft.part(&rendered.html, html, rendered);
        draft.fixed.extend_from_slice(&frame.behind);
        draft.end_fixed();
        let Draft { steps, shared, slots, .. } = draft;
        let first = shared.first().map(|stretch| stretch.bytes.as_slice()).unwrap_or_default();
        let header_rest = memchr::memmem::find(first, b"\r\n\r\n")
            .ok_or_else(|| ComposeError::Skeleton("the header has no end".to_owned()))?
            + 4;
        Ok(Self { steps, shared: shared.into(), slots, header_rest })
    }

    /// Bytes of the shared stretches.
    pub(super) fn shared_bytes(&self) -> usize {
        self.shared.iter().map(|stretch| stretch.bytes.len()).sum()
    }

    /// Bytes of a letter's own, about.
    pub(super) fn own_bytes(&self) -> usize {
        80 * self.slots.len() + self.steps.iter().map(Step::bytes).sum::<usize>()
    }
}

impl Step {
    fn bytes(&self) -> usize {
        match self {
            Self::Shared | Self::Quoted(_) => 0,
            Self::Base64(groups) => groups
                .iter()
                .map(|group| match group {
                    Group::Fixed(text) => text.bytes() / 3 * 4 + text.bytes() / 28,
                    Group::Value(_) => 0,
                })
                .sum(),
        }
    }
}

/// A body while it is laid down.
#[derive(Default)]
struct Draft {
    steps: Vec<Step>,
    shared: Vec<Stretch>,
    slots: Vec<Slot>,
    /// Fixed bytes that no step stands for yet.
    fixed: Vec<u8>,
}

impl Draft {
    /// Lays down one part.
    fn part(&mut self, pattern: &Pattern, encoding: TransferEncoding, rendered: &RenderedIssue) {
        let mut groups = Vec::new();
        let mut column = 0;
        // Literals that follow each other are one, so that a blank at the end of one is seen before the next one's line break.
        let mut pieces = pattern.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Literal(text) => {
                    let mut text = Cow::Borrowed(text.as_str());
                    while let Some(Piece::Literal(more)) =
                        pieces.next_if(|next| matches!(next, Piece::Literal(_)))
                    {
                        text.to_mut().push_str(more);
                    }
                    match encoding {
                        TransferEncoding::QuotedPrintable => column = quote(&text, column, &mut self.fixed),
                        TransferEncoding::Base64 => {
                            groups.push(Group::Fixed(Aligned::new(&with_crlf(&text))))
                        }
                    }
                }
                Piece::Open { placeholder, escape } => {
                    let slot = self.slots.len();
                    self.slots.push(Slot {
                        source: source(placeholder, rendered),
                        placeholder: placeholder.clone(),
                        escape: *escape,
                    });
                    match encoding {
                        TransferEncoding::QuotedPrintable => {
                            if column > 0 {
                                self.fixed.extend_from_slice(b"=\r\n");
                                column = 0;
                            }
                            self.end_fixed();
                            self.steps.push(Step::Quoted(slot));
                        }
                        TransferEncoding::Base64 => groups.push(Group::Value(slot)),
                    }
                }
            }
        }
        if encoding == TransferEncoding::Base64 {
            self.end_fixed();
            self.steps.push(Step::Base64(groups));
        }
    }

    /// What follows is not fixed.
    fn end_fixed(&mut self) {
        if let Some(stretch) = Stretch::new(std::mem::take(&mut self.fixed)) {
            self.shared.push(stretch);
            self.steps.push(Step::Shared);
        }
    }
}

fn source(placeholder: &Placeholder, rendered: &RenderedIssue) -> Source {
    match placeholder.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["subscriber", name] => Source::Subscriber((*name).to_owned()),
        ["link", "unsubscribe"] => Source::Unsubscribe,
        ["link", "preferences"] => {
            match rendered.preferences.as_deref().unwrap_or_default().split_once("{token}") {
                Some((before, after)) => Source::Preferences(before.to_owned(), after.to_owned()),
                None => Source::Known(rendered.preferences.clone().unwrap_or_default()),
            }
        }
        ["link", "view"] => Source::Known(rendered.view.clone().unwrap_or_default()),
        ["link", "archive"] => Source::Known(rendered.archive.clone().unwrap_or_default()),
        _ => Source::Known(String::new()),
    }
}
