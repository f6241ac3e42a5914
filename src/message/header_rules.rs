//! Which values may be written into header fields. `config` asks here when it reads the settings, and the composer asks
//! again for issues that were frozen by another version.

/// Fields that mimeo writes, and fields that would change what a letter is.
const RESERVED: [&str; 24] = [
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-archive",
    "precedence",
    "feedback-id",
    "dkim-signature",
    "return-path",
    "received",
    "in-reply-to",
    "references",
    "content-disposition",
];

/// Families of such fields, and those that only relays may write.
const RESERVED_PREFIXES: [&str; 4] = ["content-", "resent-", "arc-", "authentication-results"];

/// Bytes of a field's name.
const NAME_MAX: usize = 60;
/// Bytes of a value of `[headers]`. OpenDKIM refuses letters with more than 64 KiB of header in all.
const VALUE_MAX: usize = 2000;
/// Bytes of a URL in a header field, which cannot be folded: a line has at most 998 (RFC 5322 section 2.1.1).
const URL_MAX: usize = 900;

/// Checks a header field of the owner's own. The error says what is wrong with it.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn check_header(name: &str, value: &str) -> Result<(), &'static str> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err("a name consists of letters, digits and hyphens");
    }
    if name.len() > NAME_MAX {
        return Err("its name is longer than 60 bytes");
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix))
    {
        return Err("mimeo or a relay writes this field");
    }
    if value.chars().any(char::is_control) {
        return Err("its value contains a line break or another control character");
    }
    if value.len() > VALUE_MAX {
        return Err("its value is longer than 2000 bytes");
    }
    Ok(())
}

/// Checks a list identifier (RFC 2919 section 2).
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn check_list_id(list_id: &str) -> Result<(), &'static str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if list_id.is_empty() || list_id.len() > 255 || !list_id.bytes().all(is_allowed) {
        return Err("it has to consist of at most 255 letters, digits, hyphens and dots");
    }
    Ok(())
}

/// Checks the address of the archive as `List-Archive` writes it (RFC 2369 section 3.6).
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn check_archive(url: &str) -> Result<(), &'static str> {
    check_url(url)
}

/// Checks the address of a one-click unsubscribe (RFC 8058), with its `{token}` still open.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn check_one_click(url: &str) -> Result<(), &'static str> {
    check_url(url)
}

fn check_url(url: &str) -> Result<(), &'static str> {
    if url.len() > URL_MAX {
        return Err("it is longer than 900 bytes");
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"')) {
        return Err("it contains characters that must be percent-encoded");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_fields_are_refused_in_any_spelling() {
        for name in ["Precedence", "FEEDBACK-ID", "Resent-From", "ARC-Seal", "content-language", "X_Own", ""]
        {
            assert!(check_header(name, "x").is_err(), "{name}");
        }
        assert_eq!(check_header("X-Own", "x"), Ok(()));
        assert!(check_header("X-Own", "a\r\nBcc: b").is_err());
        assert!(check_header("X-Own", &"x".repeat(2001)).is_err());
    }
}
