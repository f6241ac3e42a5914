//! A template: a real MJML file with slots.
//!
//! In: a file in `templates/` (or one that ships with the program). Out: [`Template`], then, with an issue's names and
//! its document, a tree that can be rendered. Never: reads outside its folder, follows includes in circles.
//!
//! Slots are comments, so that other MJML tools can open the file: `<!-- mimeo:content -->`, `<!-- mimeo:logo -->`,
//! `<!-- mimeo:if NAME -->` … `<!-- mimeo:else -->` … `<!-- mimeo:end -->`. Parts come in by
//! `<mj-include path="partials/footer.mjml" />`, placeholders are in texts and attributes.

mod checked;
mod expand;
mod load;
mod rules;
mod shipped;

pub use checked::Template;
pub(crate) use expand::{Expansion, expand, fence};
pub use shipped::{SHIPPED, shipped};
