//! The tree as MJML text that people and other tools can read.

use super::element::{Content, Element};

/// Prints a tree, two spaces a level. Finished HTML is printed as it is.
pub(crate) fn print(root: &Element) -> String {
    let mut out = String::new();
    element(&mut out, root, 0);
    out
}

fn element(out: &mut String, element_: &Element, level: usize) {
    let indent = "  ".repeat(level);
    out.push_str(&indent);
    out.push('<');
    out.push_str(&element_.name);
    for (name, value) in &element_.attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        out.push_str(value);
        out.push('"');
    }
    match &element_.content {
        Content::Elements(children) if children.is_empty() => out.push_str(" />\n"),
        Content::Elements(children) => {
            out.push_str(">\n");
            for child in children {
                element(out, child, level + 1);
            }
            out.push_str(&indent);
            close(out, &element_.name);
        }
        Content::Raw(html) => {
            out.push('>');
            out.push_str(html);
            close(out, &element_.name);
        }
    }
}

fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push_str(">\n");
}
