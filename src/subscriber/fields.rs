use std::fmt;

use memchr::memchr;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
    ser::SerializeMap,
};

/// What a list says about someone, by name: each name once, in the order of the names.
///
/// All of it is one piece of memory, as a million people have theirs: name and value in turn, with a NUL behind each.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(String);

/// Is behind each name and each value, and in none.
const END: char = '\0';

/// What is set aside for the fields of a person whose length is not known yet.
const USUAL: usize = 120;

impl Fields {
    /// The value behind a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Whether there is a value behind the name, be it an empty one.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Puts a value behind a name, in place of another one; a NUL in them becomes a blank.
    pub fn insert(&mut self, name: &str, value: &str) {
        let (name, value) = (name.replace(END, " "), value.replace(END, " "));
        let mut before = 0;
        let mut behind = 0;
        for (known, old) in self.iter().take_while(|(known, _)| *known <= name.as_str()) {
            before = behind;
            behind += known.len() + old.len() + 2;
            if known != name {
                before = behind;
            }
        }
        self.0.replace_range(before..behind, &format!("{name}{END}{value}{END}"));
    }

    /// Takes a value away.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let mut start = 0;
        let (length, value) = self.iter().find_map(|(known, value)| {
            let length = known.len() + value.len() + 2;
            if known == name {
                return Some((length, value.to_owned()));
            }
            start += length;
            None
        })?;
        self.0.replace_range(start..start + length, "");
        Some(value)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.0.as_str();
        let mut part = move || {
            let end = memchr(END as u8, rest.as_bytes())?;
            let part = &rest[..end];
            rest = &rest[end + 1..];
            Some(part)
        };
        std::iter::from_fn(move || Some((part()?, part()?)))
    }

    /// None, with room for some.
    pub(super) fn with_room() -> Self {
        Self(String::with_capacity(USUAL))
    }

    /// Puts a value behind a name that comes behind all others; neither holds a NUL.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            self.0.push_str(part);
            self.0.push(END);
        }
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            fields.insert(name.as_ref(), value.as_ref());
        }
        fields
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut text = String::with_capacity(USUAL);
        let mut last = 0..0;
        let mut is_sorted = true;
        loop {
            let start = text.len();
            if map.next_key_seed(Part(&mut text))?.is_none() {
                break;
            }
            let name = start..text.len();
            is_sorted &= last.is_empty() || text[last] < text[name.clone()];
            last = name;
            map.next_value_seed(Part(&mut text))?;
        }
        let fields = Fields(text);
        Ok(if is_sorted { fields } else { fields.iter().collect() })
    }
}

/// One text, to be put behind what is there.
struct Part<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, part: &str) -> Result<(), E> {
        match memchr(END as u8, part.as_bytes()) {
            None => self.0.push_str(part),
            Some(_) => self.0.push_str(&part.replace(END, " ")),
        }
        self.0.push(END);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn fields_are_a_map_in_one_piece() {
        let names = ["city", "a", "", "zoo", "city", "ab", "a", "Ödön"];
        let (mut fields, mut map) = (Fields::default(), BTreeMap::new());
        for (at, name) in names.into_iter().enumerate() {
            let value = "x".repeat(at * 7 % 5);
            fields.insert(name, &value);
            map.insert(name.to_owned(), value);
            let known: Vec<_> = map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(fields.iter().collect::<Vec<_>>(), known);
            assert!(known.iter().all(|(name, value)| fields.get(name) == Some(*value)));
            let mut pushed = Fields::with_room();
            known.iter().for_each(|(name, value)| pushed.push(name, value));
            assert_eq!(pushed, fields);
            let json = serde_json::to_string(&fields).unwrap();
            assert_eq!(json, serde_json::to_string(&map).unwrap());
            assert_eq!(serde_json::from_str::<Fields>(&json).unwrap(), fields);
        }
        assert_eq!(fields.get("cit"), None);
        assert!(!fields.contains("x") && fields.contains(""));
        for name in ["zoo", "", "Ödön", "zoo", "city", "ab", "a"] {
            assert_eq!(fields.remove(name), map.remove(name));
            let known: Vec<_> = map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(fields.iter().collect::<Vec<_>>(), known);
        }
        assert!(fields.is_empty());
    }

    #[test]
    fn fields_from_elsewhere_are_put_in_order_and_hold_no_nul() {
        let fields: Fields = serde_json::from_str(r#"{"b":"2","a":"\u00e9","b":"3"}"#).unwrap();
        assert_eq!(fields.iter().collect::<Vec<_>>(), [("a", "é"), ("b", "3")]);
        assert!(serde_json::from_str::<Fields>(r#"{"a":1}"#).is_err());
        let fields: Fields = [("a\0", "b\0c")].into_iter().collect();
        assert_eq!(fields.get("a "), Some("b c"));
        assert_eq!(serde_json::from_str::<Fields>(r#"{"a\u0000":"b\u0000c"}"#).unwrap(), fields);
        assert_eq!(serde_json::from_str::<Fields>("{}").unwrap(), Fields::default());
    }
}
