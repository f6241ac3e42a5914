//! Where links lead, and what they say.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{
    context::{Earlier, IssueContext},
    facts::{Facts, Link},
    unfinished_links::unfinished,
};
use crate::{
    issue::{Issue, Part, html},
    markup::allowed::is_known_scheme,
    source::{Diagnostic, Diagnostics, Severity, nearest},
};

const SHORTENERS: [&str; 16] = [
    "bit.ly",
    "buff.ly",
    "cutt.ly",
    "dlvr.it",
    "goo.gl",
    "is.gd",
    "lnkd.in",
    "ow.ly",
    "rb.gy",
    "rebrand.ly",
    "shorturl.at",
    "t.co",
    "t.ly",
    "tiny.cc",
    "tinyurl.com",
    "v.gd",
];

const TRACKERS: [&str; 12] = [
    "fbclid",
    "gclid",
    "dclid",
    "msclkid",
    "mc_cid",
    "mc_eid",
    "igshid",
    "yclid",
    "_hsenc",
    "_hsmi",
    "oly_enc_id",
    "vero_id",
];

/// Words that tell nothing about the target, in the languages we could check.
const VAGUE: [&str; 28] = [
    "click here",
    "here",
    "click",
    "this",
    "link",
    "this link",
    "read more",
    "more",
    "learn more",
    "see more",
    "this page",
    "this article",
    "hier",
    "hier klicken",
    "mehr",
    "weiterlesen",
    "mehr lesen",
    "link hier",
    "ici",
    "cliquez ici",
    "en savoir plus",
    "lire la suite",
    "aquí",
    "haz clic aquí",
    "leer más",
    "qui",
    "clicca qui",
    "aqui",
];

pub(super) fn check(case: &IssueContext<'_>, facts: &Facts<'_>, found: &mut Diagnostics) {
    let named: Vec<String> = facts.raw.iter().flat_map(|(markup, _)| html::anchors(markup)).collect();
    let headings = facts.headings.iter().map(|heading| heading.anchor);
    let anchors: BTreeSet<&str> = headings.chain(named.iter().map(String::as_str)).collect();
    let mut seen = Seen::default();
    for link in &facts.links {
        let address = link.url.to_string();
        if address.trim().is_empty() {
            found.push(no_address(case, link, "add an address, or remove the link"));
            continue;
        }
        what_it_says(case, link, found);
        if link.url.0.iter().any(|part| matches!(part, Part::Open(_))) {
            continue;
        }
        if let Some(anchor) = address.strip_prefix('#') {
            within(case, link, anchor, &anchors, found);
        } else if let Some(url) = complete(case, link, &address, found) {
            where_it_leads(case, link, &url, found);
            let target = target(&url);
            seen.look_at_target(case, link, &target, found);
            seen.look_at_words(case, link, target, found);
        }
    }
}

fn no_address(case: &IssueContext<'_>, link: &Link<'_>, help: &str) -> Diagnostic {
    case.find("M411", link.span.clone(), "the link has no address", help)
}

/// A link to a place in the letter.
fn within(
    case: &IssueContext<'_>,
    link: &Link<'_>,
    anchor: &str,
    anchors: &BTreeSet<&str>,
    found: &mut Diagnostics,
) {
    let decoded = percent_decode_str(anchor).decode_utf8_lossy();
    if anchor.is_empty() {
        found.push(no_address(case, link, "add the anchor of a heading, or remove the link"));
    } else if anchor != "top" && !anchors.contains(anchor) && !anchors.contains(decoded.as_ref()) {
        let near = nearest(anchor, anchors.iter().copied());
        let help =
            near.map_or_else(|| "link to a heading".to_owned(), |near| format!("did you mean `#{near}`?"));
        let message = format!("no heading has the anchor `{anchor}`");
        found.push(case.find("M413", link.span.clone(), message, help));
    }
}

/// The address of a link as a URL; reports one that is not complete.
fn complete(case: &IssueContext<'_>, link: &Link<'_>, address: &str, found: &mut Diagnostics) -> Option<Url> {
    if let Some((message, help)) = unfinished(address) {
        found.push(case.find("M411", link.span.clone(), message, help));
        return None;
    }
    let Ok(url) = Url::parse(address) else {
        // A relative link leads to the site, where there is one.
        if case.newsletter.site.is_none() || address.contains("://") {
            let message = format!("`{address}` is not a complete URL");
            let help = "write the complete URL with https://, or set `site` in mimeo.toml";
            found.push(case.find("M411", link.span.clone(), message, help));
        }
        return None;
    };
    if matches!(url.scheme(), "mailto" | "tel") && url.path().trim().is_empty() && url.query().is_none() {
        let message = format!("no address after `{}:`", url.scheme());
        found.push(case.find("M411", link.span.clone(), message, "add the address or the number"));
        return None;
    }
    Some(url)
}

/// The links before the one that is looked at.
#[derive(Default)]
struct Seen {
    /// The line of the first link to each page.
    targets: BTreeMap<String, u32>,
    /// The page that each text led to first, and on which line.
    words: BTreeMap<String, (String, u32)>,
}

impl Seen {
    /// Whether the page was linked to before, here or in an earlier issue.
    fn look_at_target(
        &mut self,
        case: &IssueContext<'_>,
        link: &Link<'_>,
        target: &str,
        found: &mut Diagnostics,
    ) {
        if let Some(line) = self.targets.get(target) {
            let message = format!("line {line} links to the same page");
            let help = "one link is enough, unless both are intended";
            found.push(case.find("M416", link.span.clone(), message, help));
            return;
        }
        if let Some(slug) = linked_before(case, target) {
            let message = format!("`{slug}` linked to this page already");
            let help = "fine if it is intended; otherwise say what is new";
            found.push(case.find("M420", link.span.clone(), message, help));
        }
        self.targets.insert(target.to_owned(), line(case, link));
    }

    /// Whether the same words led to another page before.
    fn look_at_words(
        &mut self,
        case: &IssueContext<'_>,
        link: &Link<'_>,
        target: String,
        found: &mut Diagnostics,
    ) {
        let said = link.words.trim().to_lowercase();
        if said.chars().count() <= 2 || link.has_image || is_vague(&said) {
            return;
        }
        match self.words.get(&said) {
            Some((other, line)) if *other != target => {
                let message = format!(
                    "\u{201c}{}\u{201d} leads to another page than the same words on line {line}",
                    link.words.trim()
                );
                let help = "make the link texts differ; screen readers list links by their text";
                found.push(case.find("M425", link.span.clone(), message, help));
            }
            Some(_) => {}
            None => {
                self.words.insert(said, (target, line(case, link)));
            }
        }
    }
}

fn line(case: &IssueContext<'_>, link: &Link<'_>) -> u32 {
    case.issue.source.position(link.span.start).line
}

/// The last issue that linked to a page, unless most issues do, or the page is the newsletter's own.
fn linked_before<'a>(case: &IssueContext<'a>, target: &str) -> Option<&'a str> {
    let own = [&case.newsletter.site, &case.newsletter.archive];
    if own.into_iter().flatten().any(|own| target.starts_with(own.trim_end_matches('/'))) {
        return None;
    }
    let has = |earlier: &&Earlier| earlier.links.iter().any(|link| link == target);
    let times = case.earlier.iter().filter(has).count();
    let is_standing = times >= 2 && times * 2 >= case.earlier.len();
    case.earlier.iter().find(has).filter(|_| !is_standing).map(|earlier| earlier.slug.as_str())
}

fn what_it_says(case: &IssueContext<'_>, link: &Link<'_>, found: &mut Diagnostics) {
    let words = link.words.trim();
    if words.is_empty() {
        let message = if link.has_image {
            "the picture in the link has no alternative text"
        } else {
            "the link has no text"
        };
        found.push(case.find("M417", link.span.clone(), message, "say where the link leads"));
    } else if is_vague(&words.to_lowercase()) {
        let message = format!("\u{201c}{words}\u{201d} does not say where the link leads");
        let help = "link the words that name the target; many readers jump from link to link";
        found.push(case.find("M417", link.span.clone(), message, help));
    } else if (words.starts_with("https://") || words.starts_with("http://")) && words.chars().count() > 40 {
        let message = "the link text is a long URL";
        found.push(case.find(
            "M418",
            link.span.clone(),
            message,
            "write `[words](address)`; a screen reader spells out the URL",
        ));
    }
}

fn is_vague(words: &str) -> bool {
    let words = words.trim_matches(|c: char| !c.is_alphanumeric());
    VAGUE.contains(&words)
}

fn where_it_leads(case: &IssueContext<'_>, link: &Link<'_>, url: &Url, found: &mut Diagnostics) {
    let span = || link.span.clone();
    match url.scheme() {
        "https" | "mailto" | "tel" => {}
        "http" if is_own_machine(url) => {}
        "http" => {
            let secure = url.as_str().replacen("http:", "https:", 1);
            found.push(case.find("M412", span(), "the link is not encrypted", format!("use `{secure}`")));
        }
        // What no mail client follows was refused when the letter was built.
        scheme if !is_known_scheme(scheme) => return,
        scheme => {
            let message = format!("few mail clients follow `{scheme}:` links");
            found.push(case.find("M419", span(), message, "link to an https page instead"));
            return;
        }
    }
    let host = url.host_str().unwrap_or_default().trim_start_matches("www.").to_ascii_lowercase();
    if is_own_machine(url) {
        let message = format!("`{host}` is an address on a local machine or network");
        // It may be meant: an intranet's newsletter, or a program that readers are to start themselves.
        let finding = case.find("M411", span(), message, "readers elsewhere need a public address");
        found.push(Diagnostic { severity: Severity::Warning, ..finding });
    }
    if SHORTENERS.contains(&host.as_str()) {
        let message = format!("`{host}` hides where the link leads");
        found.push(case.find(
            "M414",
            span(),
            message,
            "use the real address; filters distrust shortened ones",
        ));
    }
    let trackers: Vec<_> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .filter(|name| name.starts_with("utm_") || TRACKERS.contains(&name.as_str()))
        .collect();
    if !trackers.is_empty() {
        let message = format!("the address has tracking parameters: {}", trackers.join(", "));
        found.push(case.find("M415", span(), message, "remove them, unless the statistics are yours"));
    }
}

/// Whether an address leads to the machine that it is opened on, or into the author's own network.
fn is_own_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost"
                || !name.contains('.')
                || [".localhost", ".local", ".internal", ".lan"].iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(ip)) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local(),
        None => false,
    }
}

/// Where an issue's links lead, as they are compared.
pub fn targets(issue: &Issue) -> Vec<String> {
    let facts = super::facts::find(&issue.document);
    facts
        .links
        .iter()
        .filter_map(|link| Url::parse(&link.url.to_string()).ok())
        .map(|url| target(&url))
        .collect()
}

/// What is compared: without the fragment's or a trailing slash's difference.
fn target(url: &Url) -> String {
    let mut text = url.as_str().trim_end_matches('/').to_owned();
    if let Some(rest) = text.strip_prefix("http:") {
        text = format!("https:{rest}");
    }
    text
}
