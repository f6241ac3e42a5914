//! What is reported about tags that a letter cannot have where they are.

use crate::{
    issue::context::Context,
    markup::allowed,
    source::{Span, nearest},
};

/// A tag that is taken out.
pub(super) fn not_kept(context: &mut Context<'_>, name: &str, span: Span) {
    let help = match name {
        "script" | "form" | "input" | "button" | "select" | "textarea" => {
            "mail clients remove it; link to a web page instead".to_owned()
        }
        "iframe" | "video" | "audio" | "object" | "embed" => {
            "mail clients remove it; write the address of the video on a line of its own".to_owned()
        }
        "style" | "link" => {
            "mail clients change or remove it; the design belongs into the template".to_owned()
        }
        "svg" => "many mail clients show nothing; save it as a PNG picture".to_owned(),
        "details" | "summary" => "mail clients show it open anyway; write a heading".to_owned(),
        _ => match nearest(name, allowed::NAMES.iter().copied()) {
            Some(known) => format!("did you mean `<{known}>`? Write `\\<` to show the character"),
            None => {
                "mail clients do not keep it; write it in Markdown, or `\\<` to show the character".to_owned()
            }
        },
    };
    context.warn("M170", span, format!("`<{name}>` is not kept in letters"), help);
}

/// A tag without its end.
pub(in crate::issue) fn not_closed(context: &mut Context<'_>, name: &str, span: Span) {
    context.warn(
        "M172",
        span,
        format!("`<{name}>` is not closed where it should be"),
        format!("write `</{name}>` in the same paragraph, inside the same marks"),
    );
}

/// An end without its tag.
pub(in crate::issue) fn not_opened(context: &mut Context<'_>, name: &str, span: Span) {
    context.warn("M172", span, format!("`</{name}>` closes nothing here"), "take it out");
}
