//! An element that is ready to be rendered.

use std::borrow::Cow;

/// An MJML element, ready to be rendered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element {
    /// The tag.
    pub(crate) name: Cow<'static, str>,
    /// Values are HTML source: escaped already.
    pub(crate) attributes: Vec<(Cow<'static, str>, String)>,
    /// What is in it.
    pub(crate) content: Content,
}

/// What is in an element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Other elements.
    Elements(Vec<Element>),
    /// Finished HTML (or CSS, in `mj-style`).
    Raw(String),
}

impl Element {
    /// An element that holds elements.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name: name.into(), attributes: Vec::new(), content: Content::Elements(Vec::new()) }
    }

    /// An element that holds finished HTML.
    pub(crate) fn raw(name: &'static str, html: impl Into<String>) -> Self {
        Self { name: name.into(), attributes: Vec::new(), content: Content::Raw(html.into()) }
    }

    /// Adds an attribute.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an attribute.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        match self.attributes.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name.into(), value)),
        }
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Adds an element inside.
    pub(crate) fn child(mut self, child: Self) -> Self {
        self.children_mut().push(child);
        self
    }

    /// The elements inside.
    pub(crate) fn children(&self) -> &[Self] {
        match &self.content {
            Content::Elements(children) => children,
            Content::Raw(_) => &[],
        }
    }

    /// The elements inside; an element with finished HTML gets a list that is lost.
    pub(crate) fn children_mut(&mut self) -> &mut Vec<Self> {
        if let Content::Raw(_) = self.content {
            self.content = Content::Elements(Vec::new());
        }
        match &mut self.content {
            Content::Elements(children) => children,
            Content::Raw(_) => unreachable!("replaced above"),
        }
    }
}
