//! `Ada Quill <ada@example.org>` as people write it (RFC 5322 section 3.4).

use crate::{
    address::{EmailAddress, InvalidAddress},
    render::Mailbox,
};

/// Reads a name and an address, or an address alone.
///
/// # Errors
///
/// When the address is invalid, or the name contains a control character.
pub fn parse(text: &str) -> Result<Mailbox, InvalidAddress> {
    let text = text.trim();
    let Some(without_end) = text.strip_suffix('>') else {
        return Ok(Mailbox { name: None, address: EmailAddress::parse(text)? });
    };
    let Some((name, address)) = without_end.rsplit_once('<') else {
        return Err(InvalidAddress { reason: "there is a `>` without a `<`".to_owned() });
    };
    let name = unquote(name.trim());
    if name.chars().any(char::is_control) {
        return Err(InvalidAddress {
            reason: "the name contains a line break or another control character".to_owned(),
        });
    }
    let name = (!name.is_empty()).then_some(name);
    Ok(Mailbox { name, address: EmailAddress::parse(address)? })
}

fn unquote(name: &str) -> String {
    let Some(inner) = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return name.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_stand_before_the_address() {
        for (text, name, address) in [
            ("ada@example.org", None, "ada@example.org"),
            ("<ada@example.org>", None, "ada@example.org"),
            ("Ada Quill <ada@example.org>", Some("Ada Quill"), "ada@example.org"),
            (r#""Quill, Ada \"A\"" <ada@example.org>"#, Some("Quill, Ada \"A\""), "ada@example.org"),
            ("阿达 <ada@example.org>", Some("阿达"), "ada@example.org"),
        ] {
            let mailbox = parse(text).unwrap();
            assert_eq!((mailbox.name.as_deref(), mailbox.address.expose()), (name, address), "{text}");
        }
    }

    #[test]
    fn a_line_break_in_the_name_is_refused() {
        assert!(parse("Ada\r\nBcc: x@example.org <ada@example.org>").is_err());
        assert!(parse("Ada ada@example.org>").is_err());
    }
}
