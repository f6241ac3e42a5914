//! A template: a real MJML file with slots.
//!
//! In: a file in `templates/` (or one that ships with the program). Out: [`Template`], then, with an issue's names and
//! its document, a tree that can be pressed. Never: reads outside its folder, follows includes in circles.
//!
//! Slots are comments, so that other MJML tools can open the file: `<!-- mimeo:content -->`, `<!-- mimeo:logo -->`,
//! `<!-- mimeo:if NAME -->` … `<!-- mimeo:else -->` … `<!-- mimeo:end -->`. Parts come in by
//! `<mj-include path="partials/footer.mjml" />`, placeholders are in texts and attributes.

mod expand;
mod load;
mod rules;
mod shipped;

pub(crate) use expand::{Expansion, expand, fence};
pub use shipped::{SHIPPED, shipped};

use std::{collections::BTreeMap, path::Path};

use super::mjml::Node;
use crate::{
    issue::Value,
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
    sources: Vec<Source>,
    nodes: Vec<Node>,
    /// What its `mimeo:design` says, and where.
    design: BTreeMap<String, Value>,
    design_place: Option<Place>,
}

impl Template {
    /// Reads `name`.mjml and what it includes from the folder of templates in a newsletter's folder; nothing outside of the
    /// latter is read. Reads from those that ship with the
    /// program when the folder does not have it. `Err` holds at least one error, and everything else that was noticed.
    ///
    /// # Errors
    ///
    /// What is wrong with the template, with its places.
    pub fn load(folder: &Path, name: &str) -> Result<Self, Diagnostics> {
        load::load(folder, name)
    }

    /// The pictures that the template itself shows, and where it names them: they are gathered with the issue's.
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
