//! The rules: code, severity, title, and the story that `mimeo explain` tells.

use super::STORIES;
use crate::source::Severity::{self, Error, Note, Warning};

/// Something that a check looks for.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// A stable name, such as `M401`.
    pub code: &'static str,
    /// How bad it is, unless the owner says otherwise.
    pub severity: Severity,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Why it matters, with the evidence, and what to do.
    pub story: &'static str,
}

/// The story behind a code; `None` when nothing has it.
pub fn rule(code: &str) -> Option<&'static Rule> {
    let find =
        |rules: &'static [Rule]| rules.binary_search_by(|rule| rule.code.cmp(code)).ok().map(|at| &rules[at]);
    find(RULES).or_else(|| find(STORIES))
}

pub(super) const fn new(
    code: &'static str,
    severity: Severity,
    title: &'static str,
    story: &'static str,
) -> Rule {
    Rule { code, severity, title, story }
}

/// All rules of the check, by code.
pub const RULES: &[Rule] = &[
    new(
        "M400",
        Warning,
        "a comment or a setting names no rule",
        "A level for a code that no rule has quiets nothing, so that the finding which it was written for goes on \
         being told, or the rule has gone and the line is a leftover.",
    ),
    new(
        "M401",
        Error,
        "the letter is larger than Gmail shows",
        "Gmail cuts the HTML part of a message off after about 102 KB and puts a link to the rest in its \
         place. Readers lose the end of the letter, and with it the unsubscribe link, which costs complaints. \
         What counts is the encoded part, as it goes over the wire; signs outside ASCII and equals signs take \
         three octets each there. `mimeo check` shows what each section costs.",
    ),
    new(
        "M402",
        Warning,
        "the letter is close to the size that Gmail cuts off",
        "From about 82 KB on there is little room left for longer names, tokens and a last-minute paragraph. \
         See M401.",
    ),
    new(
        "M405",
        Warning,
        "a picture is heavy",
        "A megabyte takes seconds on a phone on the way, and some readers pay for it. A picture of 1,200 \
         pixels saved as PNG or JPEG rarely needs more than 200 KB.",
    ),
    new(
        "M406",
        Warning,
        "the pictures are heavy together",
        "Every reader loads all of them at once. Pictures inside the letter also make the message itself \
         heavy: relays refuse from 10 or 20 MB on.",
    ),
    new(
        "M407",
        Note,
        "a picture has far more pixels than are shown",
        "Twice the shown width is enough for sharp screens; more is only weight.",
    ),
    new(
        "M408",
        Warning,
        "a picture's file is broken",
        "Its bytes end before the picture does, as after a download that was cut off. Readers would see its upper half, or \
         a broken picture.",
    ),
    new(
        "M411",
        Error,
        "a link leads nowhere",
        "A letter has no address of its own, so a relative link, an empty one or one to the reader's own \
         machine cannot be followed from it.",
    ),
    new(
        "M412",
        Warning,
        "an address is not encrypted",
        "`http:` links draw warnings in browsers, and mail clients block pictures that are not loaded over \
         https.",
    ),
    new(
        "M413",
        Error,
        "an anchor leads nowhere",
        "The letter has no heading with that anchor. Anchors are made from a heading's words, or set with \
         `{#name}` behind it. Note that some mail clients do not follow links inside a letter at all, so \
         nothing should depend on them.",
    ),
    new(
        "M414",
        Warning,
        "a shortened link",
        "Shorteners hide the target from the reader, stop working when their owner does, and are used by \
         spammers so often that filters count them against the letter.",
    ),
    new(
        "M415",
        Warning,
        "a link carries tracking parameters",
        "`utm_…`, `fbclid` and their kin came along when the address was copied. They tell somebody else's \
         statistics about your readers, and make links long.",
    ),
    new(
        "M416",
        Note,
        "the same page is linked twice",
        "Often a slip of copying: the second link was meant to lead elsewhere. If both are meant, quiet the \
         note with a comment.",
    ),
    new(
        "M417",
        Warning,
        "a link's words do not say where it leads",
        "Screen readers offer a list of a page's links, without the text around them (WCAG 2.4.4). A list of \
         \u{201c}here, here, read more\u{201d} is of no use; nor is it to somebody who skims.",
    ),
    new(
        "M418",
        Note,
        "a link's words are a long address",
        "A screen reader spells it out, and on a phone it fills lines. In the text part the address stands \
         beside the words anyway.",
    ),
    new(
        "M419",
        Warning,
        "a link that some mail clients do not follow",
        "Every mail client follows https, mailto and tel. `sms:` and `webcal:` open on some telephones and nowhere else; \
         say the number, or link to a page that says how to subscribe. What no client follows, such as `javascript:` \
         and `data:`, is refused before (M216).",
    ),
    new(
        "M420",
        Note,
        "an earlier issue linked to the same page",
        "Readers who come every week notice. Fine for a standing link; otherwise say what is new.",
    ),
    new(
        "M421",
        Error,
        "a linked page is not there",
        "It answered 404 or 410 when `mimeo check --online` asked: ten thousand readers would meet an error page. \
         Answers are kept in `.mimeo/links.json` for some days, a bad one for an hour.",
    ),
    new(
        "M422",
        Note,
        "a linked page has moved for good",
        "The address still leads there, through a redirect that says `permanently`. Redirects cost readers a moment, \
         and are the first thing to be lost when a site is rebuilt.",
    ),
    new(
        "M423",
        Error,
        "a linked page has no valid certificate",
        "Browsers stop readers with a page-filling warning when a certificate has expired, is for another name, or \
         is signed by nobody they know.",
    ),
    new(
        "M424",
        Note,
        "nobody knows whether a linked page is there",
        "It did not answer in time, its name is not known, its server has trouble of its own, or it turns programs \
         away (401, 403, 429). It may be fine for readers: open it in a browser. Addresses inside a private network \
         are never asked.",
    ),
    new(
        "M425",
        Note,
        "the same words lead to two places",
        "Whoever hears the links one after the other cannot tell them apart (WCAG 2.4.4).",
    ),
    new(
        "M431",
        Warning,
        "a picture has no alternative text",
        "Many mail clients show no pictures until asked, and some readers see none at all: the alternative \
         text is what they get. A report on 376,000 mails found it missing in almost half of them.",
    ),
    new(
        "M432",
        Warning,
        "the alternative text says nothing",
        "Nobody is helped by hearing \u{201c}IMG underscore 1234 dot jpeg\u{201d}, or \u{201c}picture\u{201d}, which screen \
         readers say by themselves.",
    ),
    new(
        "M433",
        Note,
        "the alternative text is very long",
        "It is read in one breath, without a way to pause. Describe a chart in the text, and name it in the \
         alternative text.",
    ),
    new(
        "M434",
        Error,
        "a picture of a kind that mail clients do not show",
        "Gmail shows no SVG in the browser, and Outlook on Windows before 2019 none either. Readers see the alternative \
         text, or a broken picture (Can I email, `image-svg`).",
    ),
    new(
        "M435",
        Error,
        "a picture is written into its address",
        "Gmail drops `data:` pictures, and their octets count against the 102 KB (M401).",
    ),
    new(
        "M436",
        Warning,
        "a picture's size is not known",
        "For a file beside the issue the size is read from it. For an address elsewhere it is not fetched; \
         without a width Outlook shows the picture at its full size, and the text jumps when it loads.",
    ),
    new(
        "M437",
        Error,
        "a picture elsewhere is not there",
        "Its address answered 404 or 410 when `mimeo check --online` asked. Readers would see the alternative text, \
         or a broken picture.",
    ),
    new(
        "M438",
        Warning,
        "a picture of a kind that some mail clients do not show",
        "WebP and AVIF show in most clients, but not in Outlook on Windows; HEIC, TIFF and JPEG XL in few.",
    ),
    new(
        "M439",
        Note,
        "a picture that moves",
        "Outlook on Windows up to 2016 shows the first frame only, later ones stop after three rounds; and nobody can read \
         beside something that never stops (WCAG 2.2.2). What matters has to be in the first frame.",
    ),
    new(
        "M441",
        Warning,
        "there is no preheader",
        "Inboxes show the first words of a letter behind the subject. Without a preheader these are \
         \u{201c}View online\u{201d}, or the alternative text of the logo.",
    ),
    new(
        "M442",
        Note,
        "the preheader is very short or very long",
        "Inboxes show 30 to 140 characters. Shorter, and they fill up with the letter's first words; longer, \
         and the end is never seen.",
    ),
    new(
        "M443",
        Warning,
        "the subject is very short or very long",
        "Phones show about 50 characters, desktops about 70.",
    ),
    new(
        "M444",
        Warning,
        "the preheader repeats the subject",
        "They stand beside each other: the second line is wasted.",
    ),
    new(
        "M445",
        Warning,
        "an earlier issue has the same subject or preheader",
        "Gmail threads messages with equal subjects, so that the new issue hides behind the old one.",
    ),
    new(
        "M446",
        Warning,
        "the subject is in capitals",
        "It reads as shouting, and is one of the oldest signs that filters look for.",
    ),
    new(
        "M447",
        Error,
        "the number does not rise",
        "An edition's number stands for it in the ledger's reports and in readers' filing; two issues with \
         one number are one too many.",
    ),
    new(
        "M448",
        Warning,
        "the date is missing or odd",
        "It stands in the masthead, orders the archive, and is the day that `mimeo new` goes on from.",
    ),
    new(
        "M449",
        Error,
        "something unfinished is left",
        "TODO, TK, lorem ipsum and template code are notes of the author to himself; ten thousand readers do \
         not need them.",
    ),
    new(
        "M450",
        Warning,
        "a heading level is skipped",
        "Screen readers jump by level and announce the gap (WCAG 1.3.1). The letter's title is level 1, \
         sections are level 2.",
    ),
    new(
        "M451",
        Warning,
        "a section is empty",
        "A heading with nothing under it is most likely a section that was not written.",
    ),
    new(
        "M452",
        Warning,
        "the contents do not match the headings",
        "A table of contents written by hand goes stale. Leave its list out, and it is made from the \
         headings.",
    ),
    new(
        "M453",
        Note,
        "bold text that looks like a heading",
        "It looks like one and is none: no jump, no entry in the contents, no underline in the text part.",
    ),
    new(
        "M454",
        Error,
        "the letter is empty",
        "Readers would get a title and the address of the sender. Mostly the file was saved too early, or a comment that \
         is not closed hides all of it.",
    ),
    new(
        "M460",
        Warning,
        "HTML that some mail clients do not show",
        "A template or a `mjml` fence uses an element that the named mail clients take out: forms, video, SVG and their kin. \
         What is known of each client comes from Can I email, condensed into the program with its date. What an issue's \
         own raw HTML may not hold is told as M170.",
    ),
    new(
        "M461",
        Warning,
        "CSS that some mail clients do not know",
        "The named clients ignore it, so that what it lays out falls apart there: parts stand below each other, lie over \
         each other or are missing. Outlook on Windows draws with Word, and Gmail keeps a short list of properties. MJML's \
         sections and columns hold everywhere. Nothing is said about what stands in an `@media` block, which is meant for \
         some clients only (Can I email).",
    ),
    new(
        "M462",
        Note,
        "an ornament that some mail clients leave out",
        "Round corners, shadows, web fonts, gradients, dark colours by `@media`: where they are not known the letter is \
         plainer, and no worse, as long as nothing depends on them. Set the code to `allow` once that is so (Can I email).",
    ),
    new(
        "M463",
        Warning,
        "a style sheet that Gmail drops",
        "Gmail ignores a whole style sheet that is longer than 16 KB, and is known to drop one that has at-rules inside \
         at-rules or names a picture by `url()` (Can I email, `html-style`, `css-at-media`, `css-background`).",
    ),
    new(
        "M470",
        Warning,
        "text that is too small",
        "Below 12 pixels most people over forty cannot read it on a phone, and iPhones make it larger by themselves, which \
         breaks lines that were counted.",
    ),
    new(
        "M471",
        Warning,
        "a table that says neither layout nor head",
        "Screen readers announce rows and columns of every table that is not marked as layout. A table for layout needs \
         `role=\"presentation\"`; a table of data needs head cells, which are read with each cell (WCAG 1.3.1).",
    ),
    new(
        "M472",
        Warning,
        "the language is not that of the text",
        "Screen readers choose the voice by the language that the letter says, and browsers its hyphens and its direction. \
         Russian read with an English voice is a row of spelt letters (WCAG 3.1.1).",
    ),
    new(
        "M473",
        Warning,
        "words and ground of a part are too near to each other",
        "The contrast of two colours that stand in one `style`, rule or MJML element is below the 4.5:1 that WCAG 1.4.3 \
         asks for. For the design's own colours see M241.",
    ),
    new(
        "M474",
        Warning,
        "more than one heading of the first level",
        "The letter's title is its first level. Screen readers take a second one for another letter (WCAG 1.3.1).",
    ),
    new(
        "M475",
        Warning,
        "a link that is known by its colour only",
        "One man in twelve does not tell red from green, and in some clients all words have one colour. A line, a ground or \
         a weight of its own marks a link for everybody (WCAG 1.4.1).",
    ),
    new(
        "M476",
        Warning,
        "what is seen in one order and read in another",
        "Screen readers, the text part and the columns of a phone follow the order of the file; `direction=\"rtl\"` on a \
         section, `order`, reversed boxes, places of one's own and `tabindex` change only what is seen on a wide screen. The \
         words after the picture are then heard before it (WCAG 1.3.2 and 2.4.3).",
    ),
    new(
        "M481",
        Error,
        "there is no unsubscribe link",
        "The law in most countries asks for it, Gmail and Yahoo ask for it, and whoever does not find it \
         presses the spam button. It belongs into both parts.",
    ),
    new(
        "M482",
        Warning,
        "there is no postal address",
        "CAN-SPAM (United States), and similar laws elsewhere, ask for a postal address in letters to a list.",
    ),
    new(
        "M483",
        Note,
        "letters are not signed by this program",
        "Gmail, Yahoo and Microsoft ask for DKIM. Many relays sign by themselves; then this is fine.",
    ),
    new(
        "M484",
        Error,
        "the signature's domain is not the sender's",
        "DMARC (RFC 9989) asks that the domain of a passing signature, or of the envelope's sender, is the \
         one in From, or one above or below it. From 5,000 letters a day the large providers refuse what is \
         not aligned.",
    ),
    new(
        "M485",
        Warning,
        "the two parts do not say the same",
        "Filters compare them, and readers of the text part should miss nothing: every link and heading of \
         the HTML is in the text.",
    ),
    new(
        "M486",
        Note,
        "readers cannot unsubscribe with one click",
        "With an https address in `unsubscribe.https`, letters carry the one-click header of RFC 8058. Gmail \
         and Yahoo ask for it from senders of 5,000 letters a day.",
    ),
    new(
        "M487",
        Warning,
        "the sender's address is at a mailbox provider",
        "Nobody but the provider can sign for its domain, and DMARC policies such as Yahoo's tell all others to refuse \
         letters that only pretend to come from there (RFC 9989). A domain of your own costs little.",
    ),
    new(
        "M488",
        Warning,
        "the envelope's domain is not the sender's",
        "Bounces go to another domain than the one in From, so that SPF passes for that other domain only, and nothing is \
         signed here. Unless the relay signs for the sender's domain, DMARC fails and large providers refuse the letters \
         (RFC 9989).",
    ),
    new(
        "M489",
        Note,
        "the template says something that the text part does not",
        "The text part is made from the issue. A link or a heading that only the template has is not in it: readers of plain \
         text miss it, and filters see two different letters. Say it in the issue as well when it matters.",
    ),
    new(
        "M491",
        Error,
        "a placeholder that no column of the list fills",
        "The list has no such column, so that everybody would get the default, or nothing at all.",
    ),
    new(
        "M492",
        Error,
        "a placeholder is empty for some people",
        "They have no value in that column, and the placeholder has no default: write `{{ \
         subscriber.first_name | default(\"friend\") }}`.",
    ),
    new(
        "M493",
        Warning,
        "the subscriber list is tracked by git",
        "Whoever can read the repository can read the addresses, and git does not forget. Keep the list out \
         of it, or in a private one on purpose.",
    ),
    new(
        "M494",
        Note,
        "addresses of roles on the list",
        "`info@`, `abuse@`, `postmaster@` are read by several people, who did not all subscribe; they \
         complain more often than others.",
    ),
    new(
        "M495",
        Warning,
        "domains on the list that look like slips",
        "`gmial.com` and its kin do not deliver, or belong to somebody who collects such mail.",
    ),
    new(
        "M496",
        Note,
        "people who are on the list more than once",
        "They get one letter. Mend the list all the same: which row's name is the right one is a guess.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_in_order_and_tell_a_story() {
        let all: Vec<_> = STORIES.iter().chain(RULES).collect();
        for pair in all.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} stands before {}", pair[0].code, pair[1].code);
        }
        for one in all {
            assert!(
                rule(one.code).is_some() && one.story.len() >= 30 && one.story.ends_with('.'),
                "{}",
                one.code
            );
        }
    }
}
