//! Draws the formulas of an issue that have no picture yet.

use std::sync::Arc;

#[cfg(feature = "math")]
use super::typeset;
use super::{
    formula::{self, Formula, Ink, formulas},
    loaded::Assets,
    picture::Asset,
    vendored,
};
use crate::{
    issue::Issue,
    source::{Diagnostic, Diagnostics, Severity},
};

impl Assets {
    /// Draws the formulas that have no picture yet, in the colors for light and for dark backgrounds; what cannot be drawn
    /// stays TeX, and is reported.
    pub fn draw_formulas(&mut self, issue: &Issue, light: &Ink, dark: &Ink) -> Diagnostics {
        let mut found = Diagnostics::new();
        let mut seen: Vec<String> = Vec::new();
        for formula in formulas(issue) {
            let name = formula.file_name();
            let source = format!("{}/{name}", self.vendor);
            if seen.contains(&name) || self.picture(&source).is_some() {
                continue;
            }
            seen.push(name);
            let both = drawn(&formula, light).and_then(|picture| Ok((picture, drawn(&formula, dark)?)));
            match both {
                Ok((picture, in_the_dark)) => {
                    if light != dark {
                        self.add_drawn(formula::dark_name(&source), in_the_dark);
                    }
                    self.add_drawn(source, picture);
                }
                Err(why) => found.push(
                    Diagnostic::at("M242", Severity::Warning, issue.source.place(formula.span), format!("this formula cannot be drawn: {why}"))
                        .help("readers get it as TeX; fix the formula, or name a program that draws it: `math.command` in mimeo.toml"),
                ),
            }
        }
        found
    }

    /// Makes pictures for dark backgrounds of the formulas that have only one for light backgrounds, as a command drew it.
    pub fn darken_formulas(&mut self, issue: &Issue, dark: &Ink) {
        for formula in formulas(issue) {
            let source = format!("{}/{}", self.vendor, formula.file_name());
            let name = formula::dark_name(&source);
            let Some(light) = self.picture(&source).filter(|_| self.picture(&name).is_none()) else {
                continue;
            };
            if let Some(picture) = formula::recolored(&light.bytes, dark) {
                self.add_drawn(name, picture);
            }
        }
    }

    fn add_drawn(&mut self, source: String, (bytes, width, height): (Vec<u8>, u32, u32)) {
        let domain = match self.list_id.trim() {
            "" => "mimeograph.invalid",
            domain => domain,
        };
        self.sources.insert(source.clone(), self.assets.len());
        self.assets.push(Asset {
            cid: format!("{}@{domain}", vendored::short_digest(&[&bytes])),
            path: source,
            width: Some(width),
            height: Some(height),
            media_type: "image/png",
            bytes: Arc::from(bytes),
            is_drawn: true,
        });
    }
}

/// A PNG, two pixels of which make one on the page, and its width and height.
#[cfg(feature = "math")]
fn drawn(formula: &Formula, ink: &Ink) -> Result<(Vec<u8>, u32, u32), String> {
    typeset::draw(formula, ink)
}

/// Without the feature, nothing is drawn.
#[cfg(not(feature = "math"))]
fn drawn(_: &Formula, _: &Ink) -> Result<(Vec<u8>, u32, u32), String> {
    Err("this program was built without the feature `math`".to_owned())
}
