//! A template, read and checked.

use std::collections::BTreeMap;

use super::expand;
use crate::{
    issue::Value,
    render::mjml::Node,
    source::{Diagnostics, Place, Source},
};

/// A template, read and checked.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its name: the file's, without `.mjml`.
    pub name: String,
    /// Warnings and notes found on the way; a template with errors is never made.
    pub diagnostics: Diagnostics,
    /// The file and every file it includes.
    pub(super) sources: Vec<Source>,
    pub(super) nodes: Vec<Node>,
    /// What its `mimeo:design` says, and where.
    pub(super) design: BTreeMap<String, Value>,
    pub(super) design_place: Option<Place>,
}

impl Template {
    /// The pictures that the template itself shows, and where it names them: they are loaded with the issue's.
    pub fn pictures(&self) -> Vec<(String, Place)> {
        let mut pictures = Vec::new();
        for node in &self.nodes {
            expand::pictures(node, &mut pictures);
        }
        pictures
    }

    /// Every file it is made of.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What its `mimeo:design` says, and where that is.
    pub(crate) fn design(&self) -> Option<(&BTreeMap<String, Value>, &Place)> {
        self.design_place.as_ref().map(|place| (&self.design, place))
    }

    /// What is in the file.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}
