//! Targets of links that are not finished: placeholders of the author, merge tags, addresses that lack a part.

/// The marks of merge tags of other programs.
const TAGS: [(&str, &str); 7] =
    [("%%", "%%"), ("%", "%"), ("*|", "|*"), ("[[", "]]"), ("{", "}"), ("<%", "%>"), ("<", ">")];

/// What people write where an address will be.
const FILLERS: [&str; 10] =
    ["change-me", "href", "link", "paste-link", "placeholder", "tbd", "todo", "url", "xx", "xxx"];

/// An address that its author meant to come back to, or that another program was to fill in.
pub(super) fn unfinished(address: &str) -> Option<(String, &'static str)> {
    let address = address.trim();
    let is_bare = !address.contains(':') && !address.starts_with(['/', '#', '?', '.']);
    let is_gap = |part: &str| {
        let is_capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let word = part.trim_matches(['<', '>', '[', ']', '{', '}']);
        let says = ["_HERE", "TODO", "FIXME", "INSERT_", "YOUR_"].iter().any(|gap| word.contains(gap));
        let is_only = matches!(word, "URL" | "LINK" | "TBD" | "TK" | "XXX");
        !word.is_empty()
            && word.chars().all(is_capital)
            && (says || (is_bare && word == address && (is_only || word.contains('_'))))
    };
    if let Some(gap) = address.split(['/', '?', '#', '&', '=']).find(|part| is_gap(part)) {
        return Some((format!("`{gap}` is a placeholder that was not replaced"), "write the address"));
    }
    let merges = |open: &str, close: &str| {
        let inner = address.split_once(open).and_then(|(_, rest)| rest.split_once(close));
        inner.is_some_and(|(name, _)| {
            let is_name = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '.' | ' ' | ':' | '$');
            // `%AB%CD` is an encoded character.
            let is_encoded = open == "%" && name.chars().all(|c| c.is_ascii_hexdigit());
            let least = if open == "%" { 3 } else { 2 };
            name.len() >= least && name.chars().all(is_name) && !is_encoded
        })
    };
    if TAGS.iter().any(|(open, close)| merges(open, close)) {
        let message = format!("`{address}` contains a merge tag of another program");
        return Some((
            message,
            "write `{{ link.unsubscribe }}`, `{{ subscriber.NAME }}`, or the address itself",
        ));
    }
    if let Some(found) = incomplete(address) {
        return Some(found);
    }
    if !address.contains([':', '/']) && is_filler(address) {
        return Some((format!("`{address}` is a placeholder that was not replaced"), "write the address"));
    }
    let digits = address.chars().filter(char::is_ascii_digit).count();
    if address.starts_with(['+', '0', '('])
        && digits >= 6
        && address.chars().all(|c| c.is_ascii_digit() || "+-() /".contains(c))
    {
        return Some((
            format!("`{address}` is a telephone number without `tel:`"),
            "write `tel:` before it, and no spaces",
        ));
    }
    if is_bare && address.starts_with('@') && !address.contains('/') {
        return Some((format!("`{address}` is a name and no address"), "write the address of its page"));
    }
    let (name, host) = address.split_once('@').unwrap_or_default();
    if is_bare && !name.is_empty() && !name.contains('/') && host.contains('.') && !host.contains('/') {
        return Some((
            format!("`{address}` is an email address without `mailto:`"),
            "write `mailto:` before it",
        ));
    }
    let host = address.split(['/', '?']).next().unwrap_or_default();
    let is_host = host.rsplit_once('.').is_some_and(|(name, end)| {
        !name.is_empty() && matches!(end, "com" | "org" | "net" | "edu" | "gov" | "io" | "dev" | "app")
    });
    (is_bare && (is_host || host.starts_with("www.")))
        .then(|| (format!("`{address}` is not a complete URL"), "write `https://` before it"))
}

/// A web address with a mistake in its beginning.
fn incomplete(address: &str) -> Option<(String, &'static str)> {
    let lower = address.to_ascii_lowercase();
    let message = || format!("`{address}` is not a complete URL");
    if lower.starts_with("//") {
        return Some((message(), "write `https:` before it"));
    }
    let rest = lower.strip_prefix("https").or_else(|| lower.strip_prefix("http"))?;
    let Some(host) = rest.strip_prefix("://") else {
        let is_meant = rest.starts_with([':', ';']) || rest.starts_with("//");
        return is_meant.then(|| (message(), "begin it with `https://`"));
    };
    if host.starts_with("http:") || host.starts_with("https:") || host.starts_with("http//") {
        return Some((format!("`{address}` begins twice"), "keep one `https://`"));
    }
    if host.is_empty() || host.starts_with(['/', '?', '#']) {
        return Some((message(), "write the host behind `https://`"));
    }
    let name = host.split(['/', '?', '#', ':']).next().unwrap_or_default().replace('-', "");
    let is_sample = ["yourdomain.", "yoursite.", "yourwebsite.", "yourblog.", "yourcompany."]
        .iter()
        .any(|sample| name.trim_start_matches("www.").starts_with(sample));
    is_sample.then(|| (format!("`{address}` is a placeholder that was not replaced"), "write the address"))
}

/// `link`, `your-link-here`, `paste link`, `...`
fn is_filler(address: &str) -> bool {
    let plain = address.trim_matches(['<', '>', '[', ']', '{', '}']).to_lowercase().replace([' ', '_'], "-");
    let is_dots = matches!(plain.as_str(), "..." | "…" | "?" | "??" | "???");
    let is_word = plain.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    let is_asked_for = plain.ends_with("-here")
        || ["insert-", "paste-", "add-"].iter().any(|start| plain.starts_with(start));
    let names_link = plain.split('-').any(|word| matches!(word, "link" | "url" | "address"));
    is_dots || is_word && (FILLERS.contains(&plain.as_str()) || is_asked_for && names_link)
}

#[cfg(test)]
mod tests {
    use super::unfinished;

    #[test]
    fn what_is_no_address_yet_is_not_taken_for_a_path() {
        for address in [
            "TODO",
            "REDDIT_LINK_HERE",
            "url",
            "link",
            "xxx",
            "link-here",
            "your-link-here",
            "paste link",
            "...",
            "%unsubscribe_url%",
            "*|UNSUB|*",
            "{$url}",
            "${url}",
            "https://x.example/%%id%%",
            "https://x.example/{id}",
            "https://x.example/<id>",
            "https://x.example/?u=*|EMAIL|*",
            "ada@example.org",
            "www.example.org/x",
            "example.com/x",
            "//example.org/x",
            "http:/example.org",
            "https:example.org",
            "https//example.org",
            "http//example.org",
            "https://https://example.org/",
            "http://",
            "https:///x",
            "https://your-domain.com/",
            "+49301234567",
            "030 123456",
            "@ada",
            "?",
        ] {
            assert!(unfinished(address).is_some(), "{address}");
        }
    }

    #[test]
    fn addresses_and_paths_are_let_pass() {
        for address in [
            "https://example.org/",
            "https://example.org/a%20b%20c?x=1&y=%7Bid%7D",
            "http://localhost:3000/x",
            "/files/x.pdf",
            "./x.png",
            "../about/",
            "about",
            "start-here",
            "2024-05-01",
            "notes/2024.html",
            "here-and-there",
            "archive",
            "#top",
            "?page=2",
            "mailto:a@example.org?subject=x",
            "tel:+49301234567",
            "https://web.archive.org/web/2020/https://example.org/",
            "https://example.org/http-caching",
            "httpd/manual.html",
            "https://en.wikipedia.org/wiki/A_(b)",
            "2024-05-01-news",
        ] {
            assert_eq!(unfinished(address), None, "{address}");
        }
    }
}
