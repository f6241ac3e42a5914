//! Which of several relays takes which letters: pure functions of what each is for, and of which can be used.

use crate::ledger::{Domains, Share};

/// What a relay is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Its share of the letters, beside the shares of the others; 0 is on standby.
    pub(super) weight: u32,
    /// It takes letters to these domains only, in A-labels; none means all that are not another's.
    pub(super) domains: Vec<String>,
}

/// Some of the letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) domains: Domains,
    pub(super) share: Option<Share>,
}

/// The letters that relay number `me` takes, when the others can be used or not.
///
/// A domain that relays name is for those; if none of them can be used, for the relays that name no domain, which take all other
/// domains too. Of several relays for one domain each takes the part that its weight says, by the numbers of the deliveries,
/// so that none waits for another. One on standby takes part when no other can be used.
pub(super) fn parts(relays: &[Terms], is_up: &[bool], me: usize) -> Vec<Part> {
    let up = |of: &dyn Fn(&Terms) -> bool| -> Vec<usize> {
        let fit: Vec<usize> = (0..relays.len()).filter(|&one| is_up[one] && of(&relays[one])).collect();
        let at_work: Vec<usize> = fit.iter().copied().filter(|&one| relays[one].weight > 0).collect();
        if at_work.is_empty() { fit } else { at_work }
    };
    let general = up(&|terms| terms.domains.is_empty());
    let mut named: Vec<&String> = relays.iter().flat_map(|terms| &terms.domains).collect();
    named.sort();
    named.dedup();
    // Domains that the same relays take are one part.
    let mut groups: Vec<(Vec<usize>, Vec<String>)> = Vec::new();
    for domain in &named {
        let mut takers = up(&|terms| terms.domains.contains(domain));
        if takers.is_empty() {
            takers.clone_from(&general);
        }
        match groups.iter_mut().find(|(same, _)| *same == takers) {
            Some((_, domains)) => domains.push((*domain).clone()),
            None => groups.push((takers, vec![(*domain).clone()])),
        }
    }
    let others = match named.is_empty() {
        true => Domains::All,
        false => Domains::Except(named.into_iter().cloned().collect()),
    };
    let mut all: Vec<(Vec<usize>, Domains)> = vec![(general, others)];
    all.extend(groups.into_iter().map(|(takers, domains)| (takers, Domains::Only(domains))));
    all.retain(|(takers, _)| takers.contains(&me));
    all.into_iter().map(|(takers, domains)| Part { domains, share: share(relays, &takers, me) }).collect()
}

/// Whether every letter has a relay that can be used.
pub(super) fn is_covered(relays: &[Terms], is_up: &[bool]) -> bool {
    let is_general = |one: &usize| relays[*one].domains.is_empty();
    (0..relays.len()).filter(is_general).any(|one| is_up[one])
}

fn share(relays: &[Terms], takers: &[usize], me: usize) -> Option<Share> {
    // Those on standby share equally when it comes to that.
    let weight = |one: usize| relays[one].weight.max(1);
    if takers.len() < 2 {
        return None;
    }
    let divisor = takers.iter().fold(0, |divisor, &one| greatest_common(divisor, weight(one)));
    let before = takers.iter().take_while(|&&one| one != me).map(|&one| weight(one) / divisor).sum();
    let of = takers.iter().map(|&one| weight(one) / divisor).sum();
    // Steps by the golden section: whichever stretch of the list is taken, each relay has about its part of it.
    let stride =
        (0..of).map(|off| (of * 618 / 1000 + off).max(1)).find(|stride| greatest_common(*stride, of) == 1);
    Some(Share { of, stride: stride.unwrap_or(1), from: before, to: before + weight(me) / divisor })
}

fn greatest_common(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(weight: u32, domains: &[&str]) -> Terms {
        Terms { weight, domains: domains.iter().map(|&domain| domain.to_owned()).collect() }
    }

    /// Which relays take a delivery to this domain.
    fn takers(relays: &[Terms], is_up: &[bool], domain: &str, delivery: i64) -> Vec<usize> {
        let takes = |part: &Part| {
            let is_its_domain = match &part.domains {
                Domains::All => true,
                Domains::Only(domains) => domains.iter().any(|one| one == domain),
                Domains::Except(domains) => domains.iter().all(|one| one != domain),
            };
            is_its_domain && part.share.is_none_or(|share| share.has(delivery))
        };
        (0..relays.len()).filter(|&me| is_up[me] && parts(relays, is_up, me).iter().any(takes)).collect()
    }

    #[test]
    fn each_letter_has_one_relay_whichever_can_be_used() {
        let relays = [
            terms(3, &[]),
            terms(1, &[]),
            terms(0, &[]),
            terms(1, &["gmail.com"]),
            terms(2, &["gmail.com", "gmx.de"]),
        ];
        for up in 0..32_u32 {
            let is_up: Vec<bool> = (0..relays.len()).map(|one| up & (1 << one) != 0).collect();
            for domain in ["gmail.com", "gmx.de", "example.org"] {
                let named =
                    relays.iter().zip(&is_up).any(|(one, up)| *up && one.domains.iter().any(|d| d == domain));
                let expected = usize::from(named || is_covered(&relays, &is_up));
                for delivery in 1..200 {
                    let found = takers(&relays, &is_up, domain, delivery);
                    assert_eq!(found.len(), expected, "{domain} {delivery} {is_up:?}: {found:?}");
                    let is_standby = found == [2] && (is_up[0] || is_up[1]);
                    assert!(!is_standby, "{domain} {delivery} {is_up:?}");
                }
            }
        }
    }

    #[test]
    fn every_stretch_of_the_list_is_shared_by_weight() {
        for weights in [[3, 1], [700, 300], [99, 1], [1, 1]] {
            let relays = weights.map(|weight| terms(weight, &[]));
            let first = |from: i64, letters: i64| {
                let taken = |one: &i64| takers(&relays, &[true, true], "example.org", *one) == [0];
                (from..from + letters).filter(taken).count() as f64
            };
            let part = f64::from(weights[0]) / f64::from(weights[0] + weights[1]);
            for from in [1, 777] {
                for letters in [20, 100, 1_000] {
                    let off = first(from, letters) - part * letters as f64;
                    assert!(off.abs() <= 3.0, "{weights:?}: {off} of {letters}");
                }
            }
        }
    }
}
