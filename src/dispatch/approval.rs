//! Whether an approval covers what is about to be sent.
//!
//! In: what a person approved (a letter by its digest, and the size of its audience), and a plan. Out: that it is covered,
//! or every reason why it is not.
//! Never: reads a file or a clock, or knows where approvals are kept.

use std::{error::Error, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// A person's word that an issue may be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The issue's name.
    pub issue: String,
    /// The [digest](crate::render::RenderedIssue::digest) of the letter that was approved.
    pub digest: String,
    /// How many people were to get it: see [`Plan::audience`].
    pub audience: u64,
    /// Who approved it, in their own words.
    pub approved_by: String,
    /// When it was approved.
    #[cfg_attr(test, schemars(with = "String"))]
    pub approved_at: Timestamp,
}

/// `[approval]`: whether a send needs an approval, and how far the audience may grow after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ApprovalPolicy {
    /// Whether an issue without a valid approval is refused.
    pub required: bool,
    /// The share by which the audience may have grown since, from 0 to 1.
    pub growth_max: f64,
}

impl Default for ApprovalPolicy {
    fn default() -> Self {
        Self { required: false, growth_max: 0.05 }
    }
}

/// The approval that the settings require, as far as there is one.
#[derive(Clone, Debug)]
pub struct RequiredApproval {
    /// How far the audience may have grown.
    pub policy: ApprovalPolicy,
    /// The approval; `None` if the issue has not been approved.
    pub approval: Option<Approval>,
}

impl RequiredApproval {
    /// Whether it covers a plan.
    ///
    /// # Errors
    ///
    /// Why it does not, in a sentence.
    pub fn check(&self, plan: &Plan) -> Result<(), String> {
        let Some(approval) = &self.approval else { return Err("it has not been approved".to_owned()) };
        let covers = approval.covers(plan, &self.policy);
        covers.map_err(|reasons| format!("it is not approved as it is now: {reasons}"))
    }
}

/// One way in which an approval does not cover a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Uncovered {
    /// It is for another issue.
    OtherIssue {
        /// The issue that was approved.
        approved: String,
    },
    /// The letter is another one now.
    OtherLetter,
    /// More people would get it than its approver could know of.
    Grown {
        /// The audience that was approved.
        approved: u64,
        /// The audience now.
        now: u64,
    },
}

impl fmt::Display for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherIssue { approved } => write!(f, "it is for the issue `{approved}`"),
            Self::OtherLetter => f.write_str("the letter has changed since"),
            Self::Grown { approved, now } => {
                write!(f, "the audience has grown from {approved} to {now} people since")
            }
        }
    }
}

/// An approval that does not cover a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCovered(
    /// All reasons: at least one.
    pub Vec<Uncovered>,
);

impl fmt::Display for NotCovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.0.iter().map(Uncovered::to_string).collect();
        f.write_str(&reasons.join(", and "))
    }
}

impl Error for NotCovered {}

impl Approval {
    /// Whether it covers a plan.
    ///
    /// # Errors
    ///
    /// Every reason why it does not.
    pub fn covers(&self, plan: &Plan, policy: &ApprovalPolicy) -> Result<(), NotCovered> {
        self.covers_audience(&plan.issue, &plan.digest, plan.audience(), policy)
    }

    fn covers_audience(
        &self,
        issue: &str,
        digest: &str,
        audience: u64,
        policy: &ApprovalPolicy,
    ) -> Result<(), NotCovered> {
        let mut reasons = Vec::new();
        if self.issue != issue {
            reasons.push(Uncovered::OtherIssue { approved: self.issue.clone() });
        }
        if self.digest != digest {
            reasons.push(Uncovered::OtherLetter);
        }
        if audience as f64 > self.audience as f64 * (1.0 + policy.growth_max) {
            reasons.push(Uncovered::Grown { approved: self.audience, now: audience });
        }
        if reasons.is_empty() { Ok(()) } else { Err(NotCovered(reasons)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_covers_its_letter_and_an_audience_that_grew_little() {
        let approval = Approval {
            issue: "one".into(),
            digest: "d1".into(),
            audience: 100,
            approved_by: "Ada".into(),
            approved_at: Timestamp::UNIX_EPOCH,
        };
        let policy = ApprovalPolicy { required: true, growth_max: 0.05 };
        let grown = |now| Uncovered::Grown { approved: 100, now };
        for (issue, digest, audience, expected) in [
            ("one", "d1", 100, vec![]),
            ("one", "d1", 0, vec![]),
            ("one", "d1", 105, vec![]),
            ("one", "d1", 106, vec![grown(106)]),
            ("one", "d2", 100, vec![Uncovered::OtherLetter]),
            ("two", "d1", 100, vec![Uncovered::OtherIssue { approved: "one".into() }]),
            ("one", "d2", 200, vec![Uncovered::OtherLetter, grown(200)]),
        ] {
            let found = approval.covers_audience(issue, digest, audience, &policy);
            assert_eq!(
                found.err().map(|error| error.0).unwrap_or_default(),
                expected,
                "{issue} {digest} {audience}"
            );
        }
        // An approval for no one covers no one else, and no growth means none.
        let strict = ApprovalPolicy { required: true, growth_max: 0.0 };
        assert!(approval.covers_audience("one", "d1", 101, &strict).is_err());
        let empty = Approval { audience: 0, ..approval };
        assert!(empty.covers_audience("one", "d1", 1, &policy).is_err());
    }
}
