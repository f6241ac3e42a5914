//! What kind of page a link leads to, as far as its address says.

/// A kind of page, as the words of `[page]` name it.
pub(super) type Kind = &'static str;

const PAPER: Kind = "kind_paper";
const CODE: Kind = "kind_code";
const VIDEO: Kind = "kind_video";
const AUDIO: Kind = "kind_audio";
const POST: Kind = "kind_post";
const DOCS: Kind = "kind_docs";

/// Sites, without `www.`; what is below them is of the same kind, unless it begins with one of [`NAMES`].
const SITES: [(&str, Kind); 62] = [
    ("acm.org", PAPER),
    ("aclanthology.org", PAPER),
    ("arxiv.org", PAPER),
    ("biorxiv.org", PAPER),
    ("doi.org", PAPER),
    ("eprint.iacr.org", PAPER),
    ("ieeexplore.ieee.org", PAPER),
    ("jmlr.org", PAPER),
    ("medrxiv.org", PAPER),
    ("nature.com", PAPER),
    ("openreview.net", PAPER),
    ("papers.nips.cc", PAPER),
    ("papers.ssrn.com", PAPER),
    ("plos.org", PAPER),
    ("pubmed.ncbi.nlm.nih.gov", PAPER),
    ("proceedings.mlr.press", PAPER),
    ("proceedings.neurips.cc", PAPER),
    ("science.org", PAPER),
    ("sciencedirect.com", PAPER),
    ("semanticscholar.org", PAPER),
    ("springer.com", PAPER),
    ("usenix.org", PAPER),
    ("bitbucket.org", CODE),
    ("codeberg.org", CODE),
    ("colab.research.google.com", CODE),
    ("crates.io", CODE),
    ("github.com", CODE),
    ("gitlab.com", CODE),
    ("huggingface.co", CODE),
    ("kaggle.com", CODE),
    ("npmjs.com", CODE),
    ("pypi.org", CODE),
    ("sourceforge.net", CODE),
    ("sr.ht", CODE),
    ("dailymotion.com", VIDEO),
    ("media.ccc.de", VIDEO),
    ("ted.com", VIDEO),
    ("twitch.tv", VIDEO),
    ("vimeo.com", VIDEO),
    ("youtu.be", VIDEO),
    ("youtube.com", VIDEO),
    ("bandcamp.com", AUDIO),
    ("overcast.fm", AUDIO),
    ("pca.st", AUDIO),
    ("podcasts.apple.com", AUDIO),
    ("soundcloud.com", AUDIO),
    ("spotify.com", AUDIO),
    ("transistor.fm", AUDIO),
    ("blogspot.com", POST),
    ("bsky.app", POST),
    ("dev.to", POST),
    ("hachyderm.io", POST),
    ("linkedin.com", POST),
    ("mastodon.social", POST),
    ("medium.com", POST),
    ("substack.com", POST),
    ("threads.net", POST),
    ("twitter.com", POST),
    ("wordpress.com", POST),
    ("x.com", POST),
    ("docs.rs", DOCS),
    ("readthedocs.io", DOCS),
];

/// First parts of hosts.
// A blog says nothing: most of what a digest links to is one.
const NAMES: [(&str, Kind); 10] = [
    ("code", CODE),
    ("git", CODE),
    ("doc", DOCS),
    ("docs", DOCS),
    ("developer", DOCS),
    ("papers", PAPER),
    ("podcast", AUDIO),
    ("podcasts", AUDIO),
    ("video", VIDEO),
    ("videos", VIDEO),
];

/// The kind of page at an address; none where the address does not say.
pub(super) fn kind(address: &str) -> Option<Kind> {
    let (scheme, rest) = address.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let (name, below) = host.split_once('.')?;
    let by_name = NAMES.iter().find(|(known, _)| *known == name && below.contains('.'));
    let is_below =
        |site: &str| host.strip_suffix(site).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    let by_site = || SITES.iter().find(|(site, _)| is_below(site));
    by_name.or_else(by_site).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_says_what_its_pages_are() {
        for (address, expected) in [
            ("https://arxiv.org/abs/2301.00001", Some(PAPER)),
            ("http://dl.acm.org/doi/10.1145/1", Some(PAPER)),
            ("https://GitHub.com/a/b", Some(CODE)),
            ("https://gist.github.com/a", Some(CODE)),
            ("https://github.com:443/a", Some(CODE)),
            ("https://git.example.org/a", Some(CODE)),
            ("https://www.youtube.com/watch?v=1", Some(VIDEO)),
            ("https://ada.substack.com/p/x", Some(POST)),
            ("https://blog.rust-lang.org/x", None),
            ("https://docs.github.com/en", Some(DOCS)),
            ("https://open.spotify.com/episode/1", Some(AUDIO)),
            ("https://example.org/github.com", None),
            ("https://notgithub.com/", None),
            ("https://github.com.example.org/", None),
            ("https://x.com@example.org/", None),
            ("https://blog.com/", None),
            ("mailto:a@github.com", None),
            ("#notes", None),
            ("", None),
        ] {
            assert_eq!(kind(address), expected, "{address}");
        }
    }
}
