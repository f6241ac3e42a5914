//! Where a value lands that is written behind some HTML.

/// The place of a value, which decides how it is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    /// Between tags.
    Text,
    /// In an attribute.
    Attribute,
    /// An address as a whole.
    Url,
    /// A part of an address.
    UrlPart,
}

/// Attributes whose value is an address.
pub(crate) fn is_url(attribute: &str) -> bool {
    matches!(attribute, "href" | "src" | "background-url" | "background" | "action")
}

/// Where something lands that is written behind some HTML, which may use either quotation mark.
pub(crate) fn landing(before: &str) -> Landing {
    let Some(start) = before.rfind('<') else { return Landing::Text };
    let mut quote = None;
    let mut name_end = start;
    let mut value_start = start;
    for (at, c) in before[start..].char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => {
                quote = Some(c);
                value_start = start + at + 1;
            }
            (None, '>') => return Landing::Text,
            (None, '=') => name_end = start + at,
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    if quote.is_none() {
        return Landing::Attribute;
    }
    let name = before[start..name_end].trim_end();
    let name = name.rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default().to_ascii_lowercase();
    match (is_url(&name), value_start == before.len()) {
        (true, true) => Landing::Url,
        (true, false) => Landing::UrlPart,
        (false, _) => Landing::Attribute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lands_where_the_html_before_it_says() {
        let table = [
            ("", Landing::Text),
            ("x", Landing::Text),
            ("<p>x > y", Landing::Text),
            ("<a href=\"", Landing::Url),
            ("<a href='", Landing::Url),
            ("<a class=\"a'b\" href = \"", Landing::Url),
            ("<a title=\"a\" href=\"https://example.org/?q=", Landing::UrlPart),
            ("<img alt=\"", Landing::Attribute),
            ("<img alt=\"x\">", Landing::Text),
            ("<a title='x > ", Landing::Attribute),
            ("<a title='x >'>", Landing::Text),
            ("<a ", Landing::Attribute),
        ];
        for (before, expected) in table {
            assert_eq!(landing(before), expected, "{before}");
        }
    }
}
