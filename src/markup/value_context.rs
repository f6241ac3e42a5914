//! Where a value lands that is written behind some HTML.

/// The place of a value, which decides how it is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueContext {
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
pub(crate) fn value_context(before: &str) -> ValueContext {
    let Some(start) = before.rfind('<') else { return ValueContext::Text };
    let mut quote = None;
    let mut name_end = start;
    let mut value_start = start;
    for (at, c) in before[start..].char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => {
                quote = Some(c);
                value_start = start + at + 1;
            }
            (None, '>') => return ValueContext::Text,
            (None, '=') => name_end = start + at,
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    if quote.is_none() {
        return ValueContext::Attribute;
    }
    let name = before[start..name_end].trim_end();
    let name = name.rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default().to_ascii_lowercase();
    match (is_url(&name), value_start == before.len()) {
        (true, true) => ValueContext::Url,
        (true, false) => ValueContext::UrlPart,
        (false, _) => ValueContext::Attribute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lands_where_the_html_before_it_says() {
        let table = [
            ("", ValueContext::Text),
            ("x", ValueContext::Text),
            ("<p>x > y", ValueContext::Text),
            ("<a href=\"", ValueContext::Url),
            ("<a href='", ValueContext::Url),
            ("<a class=\"a'b\" href = \"", ValueContext::Url),
            ("<a title=\"a\" href=\"https://example.org/?q=", ValueContext::UrlPart),
            ("<img alt=\"", ValueContext::Attribute),
            ("<img alt=\"x\">", ValueContext::Text),
            ("<a title='x > ", ValueContext::Attribute),
            ("<a title='x >'>", ValueContext::Text),
            ("<a ", ValueContext::Attribute),
        ];
        for (before, expected) in table {
            assert_eq!(value_context(before), expected, "{before}");
        }
    }
}
