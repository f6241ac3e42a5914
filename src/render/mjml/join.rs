//! Sections that only follow each other become one: each costs a letter a thousand bytes of tables.

use super::element::Element;

/// Joins sections of one column that say nothing of their look with the one before them. `is_bare`: whether a section
/// without a padding has none.
pub(crate) fn join(element: &mut Element, is_bare: bool) {
    if !matches!(element.name.as_ref(), "mjml" | "mj-body" | "mj-wrapper") {
        return;
    }
    let mut joined: Vec<Element> = Vec::new();
    for mut child in std::mem::take(element.children_mut()) {
        join(&mut child, is_bare);
        match joined.last_mut() {
            Some(last) if says_nothing(last, is_bare) && says_nothing(&child, is_bare) => {
                let texts =
                    child.children_mut().iter_mut().flat_map(|column| std::mem::take(column.children_mut()));
                last.children_mut()[0].children_mut().extend(texts);
            }
            _ => joined.push(child),
        }
    }
    *element.children_mut() = joined;
}

fn says_nothing(section: &Element, is_bare: bool) -> bool {
    let padding = section.get("padding");
    section.name == "mj-section"
        && section.attributes.len() == usize::from(padding.is_some())
        && padding.map_or(is_bare, |padding| matches!(padding, "0" | "0px"))
        && matches!(section.children(), [column] if column.name == "mj-column" && column.attributes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(padding: &str, words: &'static str) -> Element {
        let column = Element::new("mj-column").child(Element::raw("mj-text", words));
        Element::new("mj-section").with("padding", padding).child(column)
    }

    #[test]
    fn bare_sections_are_joined_and_others_keep_their_place() {
        let mut body = Element::new("mj-body")
            .child(section("0px", "a"))
            .child(section("0px", "b"))
            .child(section("9px", "c"))
            .child(section("0px", "d"));
        join(&mut body, false);
        let texts: Vec<usize> =
            body.children().iter().map(|one| one.children()[0].children().len()).collect();
        assert_eq!(texts, [2, 1, 1]);
    }
}
