//! Header fields and their like (RFC 5322 section 2.2, RFC 3464 section 2.1): `Name: value`, unfolded.

/// Fields of one block. More are not kept.
const FIELDS_MAX: usize = 400;
/// Bytes of one value. The rest is dropped.
const VALUE_MAX: usize = 16 * 1024;

/// The fields of one block, in order, names in lower case.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads lines up to the first that is empty, or that belongs to no field. Returns the fields and what follows.
    pub(super) fn read(text: &str) -> (Self, &str) {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut rest = text;
        while let Some((line, behind)) = next_line(rest) {
            if line.trim().is_empty() {
                return (Self(fields), behind);
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut().filter(|(_, value)| value.len() < VALUE_MAX) {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = split(line) {
                if fields.len() < FIELDS_MAX {
                    fields.push((name.to_ascii_lowercase(), cut(value.trim(), VALUE_MAX).to_owned()));
                }
            } else if !(fields.is_empty() && line.starts_with("From ")) {
                return (Self(fields), rest);
            }
            rest = behind;
        }
        (Self(fields), rest)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value of a name (in lower case).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Adds the fields of another block.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// The next line, without its end, and what follows it.
pub(super) fn next_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(text.split_once('\n').unwrap_or((text, "")))
}

/// A field's name and value, if the line has the shape of a field.
fn split(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end();
    let fits = !name.is_empty() && name.len() <= 70 && name.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
    fits.then_some((name, value))
}

/// The first bytes of a text, cut between characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// In lower case, every stretch of spaces and line ends as one space.
pub(super) fn squeezed(text: &str) -> String {
    let mut to = String::with_capacity(text.len());
    let mut space = true;
    for c in text.chars() {
        if c.is_whitespace() {
            if !space {
                to.push(' ');
            }
            space = true;
        } else {
            space = false;
            if c.is_ascii() { to.push(c.to_ascii_lowercase()) } else { to.extend(c.to_lowercase()) }
        }
    }
    if to.ends_with(' ') {
        to.pop();
    }
    to
}
