//! What differs between two letters. Pure: no file is read, and nothing is printed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use super::letter::{Letter, Picture};
use crate::{
    check::Link,
    markup::{Attribute, Token, pieces},
    report::changes::{Hunk, changes},
    source::{Diagnostic, Diagnostics},
};

/// Gmail shows so many bytes of the HTML part.
const LIMIT: usize = 102_400;
/// So many lines are around a change.
const AROUND: usize = 3;

/// What differs.
#[derive(Debug, Serialize)]
pub(super) struct Differences {
    /// Subject, preheader, sender and the like.
    pub(super) fields: Vec<Field>,
    /// The text part.
    pub(super) text: Vec<Hunk>,
    pub(super) links: Set<Link>,
    pub(super) pictures: Set<Picture>,
    /// Styles and measures that one of the letters lacks.
    pub(super) looks: Looks,
    pub(super) size: Size,
    #[serde(skip)]
    pub(super) new: Diagnostics,
    #[serde(skip)]
    pub(super) gone: Diagnostics,
    /// Whether the HTML part is another one, in whatever way.
    pub(super) html: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) before: Option<String>,
    pub(super) now: Option<String>,
}

/// Things that come one by one.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Set<T> {
    pub(super) added: Vec<T>,
    pub(super) removed: Vec<T>,
    pub(super) changed: Vec<Changed<T>>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Changed<T> {
    pub(super) before: T,
    pub(super) now: T,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Looks {
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
}

/// Bytes of the HTML part, as encoded for the wire.
#[derive(Debug, Serialize)]
pub(super) struct Size {
    pub(super) before: usize,
    pub(super) now: usize,
    pub(super) limit: usize,
}

impl<T> Set<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl Differences {
    pub(super) fn between(before: &Letter, now: &Letter) -> Self {
        let fields = before.fields().into_iter().zip(now.fields());
        let fields = fields.filter(|((_, before), (_, now))| before != now);
        let (new, gone) = findings(&before.found, &now.found);
        Self {
            fields: fields.map(|((name, before), (_, now))| Field { name, before, now }).collect(),
            text: changes(&before.text, &now.text, AROUND),
            links: links(before.links(), now.links()),
            pictures: pictures(before.pictures(), now.pictures()),
            looks: looks(&before.html, &now.html),
            size: Size { before: before.bytes, now: now.bytes, limit: LIMIT },
            new,
            gone,
            html: before.html != now.html,
        }
    }

    /// Whether readers get the same letter.
    pub(super) fn is_same_letter(&self) -> bool {
        self.fields.is_empty() && self.text.is_empty() && self.pictures.is_empty() && !self.html
    }
}

/// Takes out what both have, each as often as it is there.
fn apart<T, K: Ord>(before: Vec<T>, now: Vec<T>, key: impl Fn(&T) -> K) -> (Vec<T>, Vec<T>) {
    let mut count: BTreeMap<K, usize> = BTreeMap::new();
    now.iter().for_each(|one| *count.entry(key(one)).or_default() += 1);
    let mut spend = |one: &T| match count.get_mut(&key(one)) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    let mut common: BTreeMap<K, usize> = BTreeMap::new();
    let only_before = before
        .into_iter()
        .filter(|one| {
            let is_alone = spend(one);
            if !is_alone {
                *common.entry(key(one)).or_default() += 1;
            }
            is_alone
        })
        .collect();
    let only_now = now
        .into_iter()
        .filter(|one| match common.get_mut(&key(one)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        })
        .collect();
    (only_before, only_now)
}

/// Pairs what is left on both sides by something that they share, the first with the first.
fn pair<T, K: Ord>(
    before: &mut Vec<T>,
    now: &mut Vec<T>,
    changed: &mut Vec<Changed<T>>,
    key: impl Fn(&T) -> K,
) {
    let mut places: BTreeMap<K, VecDeque<usize>> = BTreeMap::new();
    now.iter().enumerate().for_each(|(at, one)| places.entry(key(one)).or_default().push_back(at));
    let mut left: Vec<Option<T>> = now.drain(..).map(Some).collect();
    let mut kept = Vec::new();
    for one in before.drain(..) {
        let place = places.get_mut(&key(&one)).and_then(VecDeque::pop_front);
        match place.and_then(|at| left[at].take()) {
            Some(other) => changed.push(Changed { before: one, now: other }),
            None => kept.push(one),
        }
    }
    *before = kept;
    now.extend(left.into_iter().flatten());
}

/// A link is changed when its words lead elsewhere, or when other words lead there.
fn links(before: Vec<Link>, now: Vec<Link>) -> Set<Link> {
    let (mut removed, mut added) = apart(before, now, |link| (link.words.clone(), link.address.clone()));
    let mut changed = Vec::new();
    pair(&mut removed, &mut added, &mut changed, |link| link.words.clone());
    pair(&mut removed, &mut added, &mut changed, |link| link.address.clone());
    Set { added, removed, changed }
}

/// A picture is changed when other bytes have its name; one that only moved is the same.
fn pictures(before: Vec<Picture>, now: Vec<Picture>) -> Set<Picture> {
    let (mut removed, mut added) = apart(before, now, |picture| picture.identity.clone());
    let mut changed = Vec::new();
    pair(&mut removed, &mut added, &mut changed, |picture| picture.name.clone());
    Set { added, removed, changed }
}

/// A finding is the same wherever it is: lines move.
fn findings(before: &[Diagnostic], now: &[Diagnostic]) -> (Diagnostics, Diagnostics) {
    let (gone, new) = apart(before.to_vec(), now.to_vec(), |one| (one.code, one.message.clone()));
    (new, gone)
}

/// Declarations of styles, and attributes that are about looks. What only appears there more often is no other look.
fn looks(before: &str, now: &str) -> Looks {
    let (before, now) = (declarations(before), declarations(now));
    let only =
        |these: &BTreeSet<String>, those: &BTreeSet<String>| these.difference(those).cloned().collect();
    Looks { added: only(&now, &before), removed: only(&before, &now) }
}

fn declarations(html: &str) -> BTreeSet<String> {
    let tidy = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = BTreeSet::new();
    let mut is_sheet = false;
    for (token, span) in pieces(html) {
        let attributes = match token {
            // A rule at a time: a color in a condition for the dark is another one than in the light.
            Token::Hidden if is_sheet => {
                found.extend(html[span].split('}').map(tidy));
                continue;
            }
            Token::Open { name, attributes, .. } => {
                is_sheet = name == "style";
                attributes
            }
            _ => continue,
        };
        for Attribute { name, value, .. } in attributes {
            match name.as_str() {
                "style" => found.extend(value.split(';').map(tidy)),
                "align" | "background" | "bgcolor" | "border" | "cellpadding" | "cellspacing" | "class"
                | "dir" | "height" | "valign" | "width" => {
                    found.insert(format!("{name}=\"{}\"", tidy(&value)));
                }
                _ => {}
            }
        }
    }
    found.remove("");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(words: &str, address: &str) -> Link {
        Link { words: words.into(), address: address.into() }
    }

    #[test]
    fn links_are_added_removed_or_changed() {
        let before =
            vec![link("a", "/a"), link("b", "/b"), link("c", "/c"), link("d", "/d"), link("a", "/a")];
        let now = vec![link("a", "/a"), link("b", "/x"), link("see", "/c"), link("e", "/e")];
        let expected = Set {
            added: vec![link("e", "/e")],
            removed: vec![link("d", "/d"), link("a", "/a")],
            changed: vec![
                Changed { before: link("b", "/b"), now: link("b", "/x") },
                Changed { before: link("c", "/c"), now: link("see", "/c") },
            ],
        };
        assert_eq!(links(before, now), expected);
    }

    #[test]
    fn a_picture_that_moved_is_the_same_and_one_with_other_bytes_is_not() {
        let picture = |name: &str, identity: &str| Picture {
            name: name.into(),
            bytes: Some(1),
            width: None,
            height: None,
            identity: identity.into(),
        };
        let output = pictures(
            vec![picture("old/a.png", "1"), picture("b.png", "2"), picture("c.png", "3")],
            vec![picture("new/a.png", "1"), picture("b.png", "4"), picture("d.png", "5")],
        );
        assert_eq!(output.changed, [Changed { before: picture("b.png", "2"), now: picture("b.png", "4") }]);
        assert_eq!(
            (output.added, output.removed),
            (vec![picture("d.png", "5")], vec![picture("c.png", "3")])
        );
    }

    #[test]
    fn looks_are_declarations_and_not_how_often_they_stand_there() {
        let output = looks(
            "<style>a { color: red }</style><p style=\"margin:0;color:#111\" width=\"5\">",
            "<style>a { color: blue }</style><p style=\"margin:0;color:#222\" width=\"5\"><p style=\"margin:0\">",
        );
        assert_eq!(output.added, ["a { color: blue", "color:#222"]);
        assert_eq!(output.removed, ["a { color: red", "color:#111"]);
    }
}
