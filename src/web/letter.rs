//! Dresses an HTML part for the frame.

/// The HTML part as a reader with light or dark colors sees it, whatever this machine prefers.
pub fn in_scheme(html: &str, dark: bool) -> String {
    // Features, not `all`, so that they are beside others in one query.
    let (always, never) = ("(min-width:0px)", "(min-width:999999px)");
    let (on, off, scheme) = if dark { (always, never, "dark") } else { (never, always, "light") };
    let html = html.replace("(prefers-color-scheme:dark)", on).replace("(prefers-color-scheme: dark)", on);
    html.replace("(prefers-color-scheme:light)", off)
        .replace("(prefers-color-scheme: light)", off)
        .replace("color-scheme:light dark", &format!("color-scheme:{scheme}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_sees_the_scheme_that_was_asked_for() {
        let html = "<style>:root{color-scheme:light dark}@media (prefers-color-scheme:dark){a{}}</style>";
        assert_eq!(
            in_scheme(html, true),
            "<style>:root{color-scheme:dark}@media (min-width:0px){a{}}</style>"
        );
        assert_eq!(
            in_scheme(html, false),
            "<style>:root{color-scheme:light}@media (min-width:999999px){a{}}</style>"
        );
    }
}
