//! Everything an issue shows beside its words: pictures, stills with play marks, formulas, data of videos and posts.
//!
//! In: an `Issue` and the newsletter's folder. Out: [`Assets`], texts of templates, and diagnostics.
//! Never: lays anything out, opens a connection, reads a file outside the newsletter's folder, or writes one except what it
//! draws (stills with a play mark, formulas), beside the issue. All file access of a build is here.

mod draw;
mod embeds;
mod formula;
mod load;
mod loaded;
mod math;
mod picture;
mod picture_files;
mod play;
mod sandbox;
mod sniff;
mod text_folder;
#[cfg(feature = "math")]
mod typeset;
mod vendored;
mod walk;

pub use embeds::{Embed, EmbedKind, embeds};
pub use formula::Ink;
#[doc(hidden)]
pub use formula::{Formula, formulas, on_white};
#[cfg(feature = "cli")]
pub(crate) use load::write_inside;
pub use loaded::Assets;
pub use math::MathCommand;
#[doc(hidden)]
pub use math::draw_formulas;
pub use picture::{Asset, Picture, PicturePlace, PictureSettings};
#[doc(hidden)]
pub use picture_files::{Seen, opaque_pixels, seen};
#[cfg(feature = "cli")]
pub(crate) use sandbox::{Fence, Leads};
pub(crate) use text_folder::TextFolder;
#[doc(hidden)]
pub use vendored::{Vendored, vendor_folder, vendor_name};
pub use walk::MathStyle;
