//! The events of the tokenizer, put together to tags.

use html5gum::{
    Emitter,
    emitters::{
        ForwardingEmitter,
        callback::{Callback, CallbackEvent},
    },
};

use crate::source::Span;

/// An attribute of an opening tag.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    /// In lower case.
    pub(crate) name: String,
    /// Character references decoded.
    pub(crate) value: String,
    /// Where the value is, without its quotation marks.
    pub(crate) span: Span,
}

/// Something that the tokenizer found.
pub(super) struct Raw {
    pub(super) kind: RawKind,
    pub(super) span: html5gum::Span<usize>,
}

pub(super) enum RawKind {
    Open(String, Vec<Attribute>),
    Close(String),
    Comment,
}

/// Puts the tokenizer's events together.
#[derive(Default)]
pub(super) struct Builder {
    name: String,
    start: usize,
    attributes: Vec<Attribute>,
    /// The attribute whose value follows is one that the tag has already.
    repeats: bool,
}

impl Callback<Raw, usize> for Builder {
    fn handle_event(&mut self, event: CallbackEvent<'_>, span: html5gum::Span<usize>) -> Option<Raw> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let kind = match event {
            CallbackEvent::OpenStartTag { name } => {
                self.name = text(name);
                self.start = span.start;
                self.attributes.clear();
                return None;
            }
            CallbackEvent::AttributeName { name } => {
                let name = text(name);
                self.repeats = self.attributes.iter().any(|known| known.name == name);
                if !self.repeats {
                    self.attributes.push(Attribute {
                        name,
                        value: String::new(),
                        span: span.start..span.end,
                    });
                }
                return None;
            }
            CallbackEvent::AttributeValue { value } => {
                if let (Some(last), false) = (self.attributes.last_mut(), self.repeats) {
                    last.value = text(value);
                    last.span = span.start..span.end;
                }
                return None;
            }
            CallbackEvent::CloseStartTag { .. } => {
                let attributes = std::mem::take(&mut self.attributes);
                let span = html5gum::Span { start: self.start, end: span.end };
                return Some(Raw { kind: RawKind::Open(std::mem::take(&mut self.name), attributes), span });
            }
            CallbackEvent::EndTag { name } => {
                self.attributes.clear();
                RawKind::Close(text(name))
            }
            CallbackEvent::Comment { .. } | CallbackEvent::Doctype { .. } => RawKind::Comment,
            CallbackEvent::String { .. } | CallbackEvent::Error(_) => return None,
        };
        Some(Raw { kind, span })
    }
}

/// An emitter that does not ask for errors of the markup: looking for them costs more than all the rest.
pub(super) struct Quiet<E>(pub(super) E);

impl<E: Emitter> ForwardingEmitter for Quiet<E> {
    type Token = E::Token;

    fn inner(&mut self) -> &mut impl Emitter<Token = Self::Token> {
        &mut self.0
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }
}
