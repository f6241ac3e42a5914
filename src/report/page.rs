//! The page that is written after a run: what became of the letters, and how the run went.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use jiff::Timestamp;

use super::words::{count, duration, plural, when};
use crate::{
    dispatch::Wait,
    ledger::{Bucket, DispatchRecord, OutcomeKind, ReplyGroup, Tally},
};

/// What the page shows.
pub struct RunPage<'a> {
    /// The newsletter's name.
    pub newsletter: &'a str,
    /// The dispatch.
    pub dispatch: &'a DispatchRecord,
    /// Where all its letters are now.
    pub tally: Tally,
    /// Letters over time, in stretches of equal length.
    pub course: &'a [Bucket],
    /// How long each stretch is.
    pub stretch: Duration,
    /// Attempts by what the relay said.
    pub replies: &'a [ReplyGroup],
    /// How long the run waited, by cause.
    pub waits: &'a BTreeMap<&'static str, Duration>,
    /// How it ended, in a sentence.
    pub ended: &'a str,
    /// When the run began and ended.
    pub run: (Timestamp, Timestamp),
}

/// The word for a wait in the page.
pub fn wait_word(why: Wait) -> &'static str {
    match why {
        Wait::Pace => "the pace",
        Wait::Patience => "the relay's wish for patience",
        Wait::Window => "the sending window",
        Wait::WarmUp => "the warm-up",
        Wait::Deferred => "deferred letters",
    }
}

const KINDS: [(&str, &str); 4] =
    [("accepted", "#2f7d4f"), ("deferred", "#b7791f"), ("refused", "#c0392b"), ("unconfirmed", "#6b4fa0")];

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#fdfcf9;--ink:#24231f;--quiet:#6a675f;--rule:#e4e0d6}\
@media(prefers-color-scheme:dark){:root{--paper:#1b1b19;--ink:#e9e6dd;--quiet:#a39f94;--rule:#3a3833}}\
body{font:16px/1.5 system-ui,sans-serif;background:var(--paper);color:var(--ink);max-width:46rem;margin:2rem auto;\
padding:0 1rem}h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0}\
.quiet{color:var(--quiet)}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem .3rem 0;\
border-bottom:1px solid var(--rule);vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;\
white-space:nowrap}svg{width:100%;height:auto;display:block}svg text{fill:var(--quiet);font:11px system-ui,sans-serif}\
.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.4em}";

impl RunPage<'_> {
    /// The page: one file, no script, nothing from elsewhere.
    pub fn html(&self) -> String {
        let mut page = String::new();
        let title = escape(&self.dispatch.title);
        let number = self.dispatch.number.map(|number| format!(" #{number}")).unwrap_or_default();
        let (began, ended) = self.run;
        let took = Duration::try_from(ended.duration_since(began)).unwrap_or_default();
        let _ = write!(
            page,
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}: report</title>\
             <style>{STYLE}</style></head><body><main>\
             <p class=\"quiet\">{}{number}</p><h1>{title}</h1>\
             <p>{}</p><p class=\"quiet\">This run: {} to {} ({}). Dispatch opened {}. Digest {}.</p>",
            escape(self.newsletter),
            escape(self.ended),
            when(began),
            when(ended),
            duration(took),
            when(self.dispatch.opened_at),
            self.dispatch.digest.get(..12).unwrap_or(&self.dispatch.digest),
        );
        self.tally(&mut page);
        self.course(&mut page);
        self.waiting(&mut page);
        self.refusals(&mut page);
        page.push_str("</main></body></html>\n");
        page
    }

    fn tally(&self, page: &mut String) {
        page.push_str("<h2>Letters</h2><table><tbody>");
        let tally = &self.tally;
        for (word, number) in [
            ("planned", tally.planned),
            ("accepted by the relay", tally.accepted),
            ("queued", tally.queued + tally.claimed),
            ("deferred", tally.deferred),
            ("failed", tally.failed),
            ("unconfirmed", tally.unconfirmed + tally.begun),
            ("suppressed", tally.suppressed),
        ] {
            let _ =
                write!(page, "<tr><th scope=\"row\">{word}</th><td class=\"n\">{}</td></tr>", count(number));
        }
        page.push_str("</tbody></table>");
    }

    /// Letters over time, as stacked bars.
    fn course(&self, page: &mut String) {
        page.push_str("<h2>The course of the dispatch</h2>");
        let counts: Vec<[u64; 4]> = self
            .course
            .iter()
            .map(|bucket| [bucket.accepted, bucket.deferred, bucket.rejected, bucket.unconfirmed])
            .collect();
        let most = counts.iter().map(|kinds| kinds.iter().sum::<u64>()).max().unwrap_or(0);
        let (Some(first), Some(last)) = (self.course.first(), self.course.last()) else {
            page.push_str("<p class=\"quiet\">No letter was offered.</p>");
            return;
        };
        let (width, height) = (720.0, 160.0);
        // Stretches without a letter are not in the list, and are drawn as gaps.
        let step = self.stretch.as_secs_f64().max(0.001);
        let position = |at: Timestamp| at.duration_since(first.from).as_secs_f64() / step;
        let bar = width / (position(last.from) + 1.0);
        let _ = write!(
            page,
            "<svg viewBox=\"0 0 720 190\" role=\"img\" aria-label=\"Letters in stretches of {}; at most {} in one\">",
            duration(self.stretch),
            count(most)
        );
        for (bucket, kinds) in self.course.iter().zip(&counts) {
            let mut bottom = height;
            for ((_, colour), letters) in KINDS.iter().zip(kinds) {
                let tall = *letters as f64 / most.max(1) as f64 * (height - 10.0);
                if *letters == 0 {
                    continue;
                }
                bottom -= tall;
                let _ = write!(
                    page,
                    "<rect x=\"{:.2}\" y=\"{bottom:.2}\" width=\"{:.2}\" height=\"{tall:.2}\" fill=\"{colour}\"/>",
                    position(bucket.from) * bar,
                    (bar * 0.92).max(0.5),
                );
            }
        }
        let end = last.from.checked_add(self.stretch).unwrap_or(last.from);
        let _ = write!(
            page,
            "<path d=\"M0 {height}H{width}\" stroke=\"currentColor\" stroke-opacity=\".3\"/>\
             <text x=\"0\" y=\"178\">{}</text><text x=\"{width}\" y=\"178\" text-anchor=\"end\">{}</text>\
             <text x=\"0\" y=\"9\">{} in {}</text></svg><p class=\"quiet\">",
            when(first.from),
            when(end),
            plural(most, "letter", "letters"),
            duration(self.stretch),
        );
        for (index, (word, colour)) in KINDS.iter().enumerate() {
            let total: u64 = counts.iter().map(|kinds| kinds[index]).sum();
            let _ = write!(
                page,
                "<span class=\"key\" style=\"background:{colour}\"></span>{word} {} &nbsp; ",
                count(total)
            );
        }
        page.push_str("</p>");
    }

    fn waiting(&self, page: &mut String) {
        if self.waits.is_empty() {
            return;
        }
        page.push_str("<h2>Waiting</h2><table><tbody>");
        let most = self.waits.values().max().copied().unwrap_or_default().as_secs_f64().max(0.001);
        for (cause, time) in self.waits {
            let _ = write!(
                page,
                "<tr><th scope=\"row\">{cause}</th><td class=\"n\">{}</td><td style=\"width:50%\">\
                 <svg viewBox=\"0 0 300 14\" aria-hidden=\"true\"><rect width=\"{:.1}\" height=\"14\" fill=\"#7a8aa0\"/>\
                 </svg></td></tr>",
                duration(*time),
                300.0 * time.as_secs_f64() / most
            );
        }
        page.push_str("</tbody></table>");
    }

    fn refusals(&self, page: &mut String) {
        let groups: Vec<_> =
            self.replies.iter().filter(|group| group.kind != OutcomeKind::Accepted).collect();
        if groups.is_empty() {
            return;
        }
        page.push_str(
            "<h2>What the relay said against letters</h2><table><thead><tr><th scope=\"col\">kind</th>\
             <th scope=\"col\">where</th><th scope=\"col\">code</th><th scope=\"col\">for example</th><th scope=\"col\" class=\"n\">times</th></tr>\
             </thead><tbody>",
        );
        for group in groups {
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
                word(group.kind),
                group.stage.map(|stage| stage.to_string()).unwrap_or_default(),
                codes(group),
                escape(&group.example),
                count(group.count)
            );
        }
        page.push_str("</tbody></table>");
    }
}

/// `550 5.1.1`
fn codes(group: &ReplyGroup) -> String {
    let code = group.code.map(|code| code.to_string()).unwrap_or_default();
    match group.enhanced {
        Some((class, subject, detail)) => format!("{code} {class}.{subject}.{detail}"),
        None => code,
    }
}

/// As the picture calls it.
fn word(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Rejected => "refused",
        other => other.word(),
    }
}

fn escape(text: &str) -> String {
    crate::render::Escape::Html.apply(text)
}
