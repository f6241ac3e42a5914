//! Which database answers: a server may be another one, or an earlier copy, when it comes back.

/// Which database this is, and how far it has come: a copy of an earlier moment is not the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The cluster's number, given when it was made.
    pub(crate) system: i64,
    /// Grows with each promotion and each recovery to a point in time.
    pub(crate) timeline: i64,
    /// The end of the log.
    pub(crate) position: i64,
}

impl Origin {
    /// Whether `later` can be the same database at a later moment.
    pub(crate) fn goes_on_as(self, later: Self) -> bool {
        self.system == later.system && self.timeline == later.timeline && self.position <= later.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_goes_on_only_as_itself_and_later() {
        let now = Origin { system: 7, timeline: 1, position: 50 };
        assert!(now.goes_on_as(Origin { position: 50, ..now }));
        assert!(now.goes_on_as(Origin { position: 51, ..now }));
        assert!(!now.goes_on_as(Origin { position: 49, ..now }));
        assert!(!now.goes_on_as(Origin { system: 8, position: 90, ..now }));
        assert!(!now.goes_on_as(Origin { timeline: 2, position: 90, ..now }));
    }
}
