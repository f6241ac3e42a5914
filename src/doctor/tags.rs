//! Lists of `name=value` between semicolons, as in DKIM and DMARC records (RFC 6376 section 3.2).

/// The tags of a record in their order, names in lower case, values without the space around them.
pub(super) fn tags(record: &str) -> impl Iterator<Item = (String, &str)> {
    record.split(';').filter_map(|tag| {
        let (name, value) = tag.split_once('=')?;
        Some((name.trim().to_ascii_lowercase(), value.trim()))
    })
}

/// The first value of a tag.
pub(super) fn tag<'a>(record: &'a str, name: &str) -> Option<&'a str> {
    tags(record).find(|(tag, _)| tag == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn tags_are_found_by_name_and_keep_their_value() {
        let record = "v=DMARC1; P = quarantine ;rua=mailto:a=b@example.org;;broken";
        assert_eq!(tag(record, "v"), Some("DMARC1"));
        assert_eq!(tag(record, "p"), Some("quarantine"));
        assert_eq!(tag(record, "rua"), Some("mailto:a=b@example.org"));
        assert_eq!(tag(record, "broken"), None);
    }
}
