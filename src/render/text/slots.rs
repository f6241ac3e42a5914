//! Characters that stand for open placeholders while lines are set.

/// The first of the characters that stand for open placeholders while lines are set (a private use plane).
pub(super) const FIRST_SLOT: u32 = 0xF_0000;
pub(super) const SLOTS_MAX: usize = 0xFFFD;

/// Which open placeholder a character stands for.
pub(super) fn slot_index(c: char) -> Option<usize> {
    (c as u32).checked_sub(FIRST_SLOT).map(|index| index as usize).filter(|&index| index < SLOTS_MAX)
}
