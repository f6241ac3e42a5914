//! Which addresses were seen before, and where.

use std::hash::{BuildHasher, RandomState};

/// The addresses seen so far, as keyed 64-bit hashes beside the line of their first row: 12 bytes a slot.
///
/// Two different addresses of a list of a million share a hash with a probability of 3 in 100 million, and no one can
/// arrange it, for the key is drawn for each reading and is used for nothing else; such a row would be reported as a
/// repeat, by line. Whole addresses would cost ten times the memory.
///
/// Open addressing: the slot is found by the hash's upper bits, so that slots stay nearly sorted by hash and growing
/// (by a half, to keep the table full) walks both tables from the front.
pub(super) struct Seen {
    key: RandomState,
    hashes: Vec<u64>,
    lines: Vec<u32>,
    len: usize,
}

impl Seen {
    /// Room for about this many addresses; it grows when there are more.
    pub(super) fn with_room(addresses: usize) -> Self {
        let slots = (addresses + addresses / 6).max(1024);
        Self { key: RandomState::new(), hashes: vec![0; slots], lines: vec![0; slots], len: 0 }
    }

    /// Notes an address's key; the line of its first row when it was there before. Lines past 4 billion are all reported
    /// as that one.
    pub(super) fn note(&mut self, key: &str, line: u64) -> Option<u64> {
        if self.len * 8 >= self.hashes.len() * 7 {
            self.grow();
        }
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let earlier = self.place(self.key.hash_one(key).max(1), line);
        self.len += usize::from(earlier.is_none());
        earlier.map(u64::from)
    }

    fn place(&mut self, hash: u64, line: u32) -> Option<u32> {
        let slots = self.hashes.len();
        let mut slot = ((u128::from(hash) * slots as u128) >> 64) as usize;
        loop {
            match self.hashes[slot] {
                0 => {
                    self.hashes[slot] = hash;
                    self.lines[slot] = line;
                    return None;
                }
                found if found == hash => return Some(self.lines[slot]),
                _ => slot = if slot + 1 == slots { 0 } else { slot + 1 },
            }
        }
    }

    fn grow(&mut self) {
        let slots = self.hashes.len() + self.hashes.len() / 2;
        let hashes = std::mem::replace(&mut self.hashes, vec![0; slots]);
        let lines = std::mem::replace(&mut self.lines, vec![0; slots]);
        for (hash, line) in hashes.into_iter().zip(lines).filter(|(hash, _)| *hash != 0) {
            self.place(hash, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn a_repeat_names_the_line_of_the_first_whatever_the_size() {
        let mut seen = Seen::with_room(0);
        for n in 0..50_000 {
            assert_eq!(seen.note(&format!("reader{n}@example.com"), n + 2), None);
        }
        for n in (0..50_000).rev() {
            assert_eq!(seen.note(&format!("reader{n}@example.com"), 99), Some(n + 2));
        }
        assert!(seen.hashes.len() * 12 <= 50_000 * 21);
    }

    #[test]
    fn room_asked_for_is_room_enough() {
        let mut seen = Seen::with_room(100_000);
        let slots = seen.hashes.len();
        for n in 0..100_000 {
            seen.note(&format!("reader{n}@example.com"), n);
        }
        assert_eq!(seen.hashes.len(), slots);
        assert!(slots * 12 <= 100_000 * 16);
    }
}
