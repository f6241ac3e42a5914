//! Names of columns as placeholders spell them.

use unicode_normalization::UnicodeNormalization;

/// A column's name as placeholders spell it: `First Name` is `first_name`, `E-Mail` is `e_mail`.
pub fn normalize(title: &str) -> String {
    let mut name = String::with_capacity(title.len());
    for c in title.nfc().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.truncate(name.trim_end_matches('_').len());
    name
}
