//! A letter's bytes as stretches: those that all letters of an issue share stay where they are, and each letter has its
//! own between them.

use std::{borrow::Cow, sync::Arc};

use super::inspection::Look;

/// Stretches that all letters share, in their order.
pub(super) type Shared = Arc<[Stretch]>;

/// One of them; never empty.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) bytes: Vec<u8>,
    look: Look,
}

impl Stretch {
    /// `None` for nothing.
    pub(super) fn new(bytes: Vec<u8>) -> Option<Self> {
        Look::at(&bytes).map(|look| Self { bytes, look })
    }
}

/// Own bytes, and the shared ones between them.
#[derive(Clone, Debug)]
pub(super) struct LetterBytes {
    /// All own ones, one behind the other.
    own: Vec<u8>,
    /// Where in them a shared stretch is: the first before `own[cuts[0]..]`, and so on.
    cuts: Vec<usize>,
    shared: Shared,
}

impl LetterBytes {
    /// One stretch.
    pub(super) fn whole(bytes: Vec<u8>) -> Self {
        Self { own: bytes, cuts: Vec::new(), shared: Arc::new([]) }
    }

    /// One cut for each shared stretch, none before the one in front of it.
    pub(super) fn new(own: Vec<u8>, cuts: Vec<usize>, shared: Shared) -> Self {
        debug_assert!(cuts.len() == shared.len() && cuts.is_sorted());
        Self { own, cuts, shared }
    }

    pub(super) fn len(&self) -> usize {
        self.own.len() + self.shared.iter().map(|stretch| stretch.bytes.len()).sum::<usize>()
    }

    /// In their order, none of them empty.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let shared = self.shared.iter().map(|stretch| Some(stretch.bytes.as_slice())).chain([None]);
        self.own_slices()
            .zip(shared)
            .flat_map(|(own, shared)| [own, shared.unwrap_or_default()])
            .filter(|slice| !slice.is_empty())
    }

    /// What was seen in them; `None` when there are none.
    pub(super) fn look(&self) -> Option<Look> {
        let shared = self.shared.iter().map(|stretch| Some(stretch.look)).chain([None]);
        let looks = self.own_slices().zip(shared).flat_map(|(own, shared)| [Look::at(own), shared]);
        looks.flatten().reduce(|all, look| all.then(&look))
    }

    /// All in one; a copy where there is more than one stretch.
    pub(super) fn to_bytes(&self) -> Cow<'_, [u8]> {
        if self.shared.is_empty() {
            return Cow::Borrowed(&self.own);
        }
        let mut bytes = Vec::with_capacity(self.len());
        self.slices().for_each(|slice| bytes.extend_from_slice(slice));
        Cow::Owned(bytes)
    }

    /// Puts own ones in front of all.
    pub(super) fn prepend(&mut self, bytes: &[u8]) {
        self.own.splice(0..0, bytes.iter().copied());
        self.cuts.iter_mut().for_each(|cut| *cut += bytes.len());
    }

    /// The room of the own ones.
    pub(super) fn into_own(self) -> Vec<u8> {
        self.own
    }

    fn own_slices(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.cuts.iter().copied().chain([self.own.len()]);
        let mut start = 0;
        ends.map(move |end| &self.own[std::mem::replace(&mut start, end)..end])
    }
}
