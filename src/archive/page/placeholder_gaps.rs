/// In the place of a placeholder without a value, until it is taken out here.
pub(super) const GONE: char = '\u{100010}';

/// Takes out the traces of missing names: `Hello GONE, welcome` becomes `Hello, welcome`.
pub(super) fn close_gaps(text: &str) -> String {
    let mut parts = text.split(GONE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut part = part.to_owned();
        if out.trim().is_empty() {
            let rest = part.trim_start_matches([',', ';', ':', '!', ' ', '，', '、', '：', '！', '،']);
            if rest.len() < part.len() {
                let mut letters = rest.chars();
                part = letters
                    .next()
                    .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
            }
        } else if part.is_empty() || part.starts_with([' ', ',', '.', '!', '?', ':', ';', '…', ')']) {
            out.truncate(out.trim_end_matches(' ').len());
            if part.starts_with(['.', '!', '?']) {
                out.truncate(out.trim_end_matches([',', ' ']).len());
            } else if part.starts_with(',') && out.ends_with(',') {
                out.pop();
            }
        }
        out.push_str(&part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_name_leaves_no_trace() {
        for (text, expected) in [
            ("Hello #, welcome", "Hello, welcome"),
            ("Hello, #!", "Hello!"),
            ("Hello #", "Hello"),
            ("#, welcome", "Welcome"),
            ("You, #, are read", "You, are read"),
            ("a # b", "a b"),
            ("#", ""),
            ("plain", "plain"),
            ("#你好", "你好"),
        ] {
            assert_eq!(close_gaps(&text.replace('#', &GONE.to_string())), expected, "{text}");
        }
    }
}
