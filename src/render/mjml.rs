//! MJML as a tree of our own: read from templates, built from documents, printed for people, rendered as HTML.
//!
//! In: MJML text, or elements made in code. Out: HTML by way of mrml, and MJML text.
//! Never: knows an issue or a design. Only `html` talks to mrml.

mod components;
mod element;
mod html;
mod join;
mod print;
mod reader;
mod squeeze;

pub(crate) use components::{component, known_components, may_stand_in};
pub(crate) use element::{Content, Element};
pub(crate) use html::to_html;
pub(crate) use join::join;
pub(crate) use print::print;
pub(crate) use reader::{Attribute, Node, NodeKind, read};
pub(crate) use squeeze::GHOST_RULE;
