//! The report that is written after a run: what became of the letters, and when.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use jiff::Timestamp;

use super::{
    format::{count, duration, masked, plural, when},
    picture::{Picture, Waits, wait_color},
};
use crate::{
    bounce::{Class, Kind, advice::advice, reason},
    ledger::{BounceGroup, Bucket, DeliveryRow, DispatchRecord, OutcomeKind, ReplyGroup, Tally, WorkerShare},
};

/// The contents of the report after a run.
pub struct RunPage<'a> {
    /// The newsletter's name.
    pub newsletter: &'a str,
    /// The dispatch that the run worked on.
    pub dispatch: &'a DispatchRecord,
    /// The states of all its deliveries after the run.
    pub tally: Tally,
    /// Letters of this run over time, in intervals of the first length of `stretches`.
    pub run_course: &'a [Bucket],
    /// Letters of the whole dispatch over time, in intervals of the second length.
    pub course: &'a [Bucket],
    /// The lengths of the intervals in the two pictures.
    pub stretches: (Duration, Duration),
    /// Failed deliveries, the first [`FAILED_MAX`] of them.
    pub failed: &'a [DeliveryRow],
    /// Attempts, grouped by the reply of the relay.
    pub replies: &'a [ReplyGroup],
    /// What each worker has done of the dispatch.
    pub workers: &'a [WorkerShare],
    /// What has come back so far, alike ones together.
    pub returned: &'a [BounceGroup],
    /// How long the run waited, and for what.
    pub waits: &'a Waits,
    /// How it ended, in a sentence.
    pub ended: &'a str,
    /// Why no worker goes on with what is left, if it is stopped.
    pub stopped: Option<&'a str>,
    /// When the run began and ended.
    pub run: (Timestamp, Timestamp),
}

pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#fdfcf9;--ink:#24231f;--quiet:#6a675f;--rule:#e4e0d6}\
@media(prefers-color-scheme:dark){:root{--paper:#1b1b19;--ink:#e9e6dd;--quiet:#a39f94;--rule:#3a3833}}\
body{font:16px/1.5 system-ui,sans-serif;background:var(--paper);color:var(--ink);max-width:46rem;margin:2rem auto;\
padding:0 1rem}h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0}\
.quiet,tr.quiet th{color:var(--quiet);font-weight:normal}.lead{font-size:1.35rem;line-height:1.35;margin:.8rem 0 .6rem}.whole{display:flex;height:18px;border-radius:4px;overflow:hidden;background:var(--rule);margin:0 0 .4rem}.whole span{min-width:2px}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem .3rem 0;\
border-bottom:1px solid var(--rule);vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;\
white-space:nowrap}svg{width:100%;height:auto;display:block}svg.course{height:190px}.axis{display:flex;justify-content:space-between;\
font-size:12px;color:var(--quiet);margin:.2rem 0}svg text{fill:var(--quiet);font:12px system-ui,sans-serif}\
.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.4em}.part{display:inline-block;\
margin-right:1em}td.reply{overflow-wrap:anywhere}td.code{white-space:nowrap}code{font-size:.9em}\
@media(max-width:34rem){svg text{font-size:16px}}";

/// So many failed letters are listed one by one.
pub const FAILED_MAX: usize = 20;

/// The approximate number of intervals in a picture.
const STRETCHES: u64 = 120;

/// The length of the intervals, in whole seconds, for a picture of this time.
pub fn stretch(time: Duration) -> Duration {
    Duration::from_secs((time.as_secs() / STRETCHES).clamp(1, 86_400))
}

/// A number of letters in words.
fn letters(number: u64) -> String {
    plural(number, "letter", "letters")
}

/// A duration in seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    (time.as_millis().div_ceil(1000)).max(1) as u64
}

impl RunPage<'_> {
    /// Makes the page: one HTML file without scripts and without anything from elsewhere.
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
             <p class=\"quiet\">{}{number}</p><h1>{title}</h1>{}\
             <p>{}</p><p class=\"quiet\">This run: {} to {} ({}). Dispatch opened {}. Digest {}.</p>",
            escape(self.newsletter),
            self.lead(),
            escape(self.ended),
            when(began),
            when(ended),
            duration(took),
            when(self.dispatch.opened_at),
            self.dispatch.digest.get(..12).unwrap_or(&self.dispatch.digest),
        );
        if let Some(why) = self.stopped {
            let slug = escape(&self.dispatch.slug);
            let _ = write!(
                page,
                "<p>No worker goes on: {}. <code>mimeo resume {slug}</code> lets them go on, \
                 <code>mimeo send {slug}</code> sends what is left from one machine.</p>",
                escape(&masked(why))
            );
        }
        self.course(&mut page);
        self.tally(&mut page);
        self.failed(&mut page);
        self.waiting(&mut page);
        self.workers(&mut page);
        self.refusals(&mut page);
        self.returned(&mut page);
        page.push_str("</main></body></html>\n");
        page
    }

    /// The whole dispatch in one sentence and one picture.
    fn lead(&self) -> String {
        let tally = &self.tally;
        let parts = [
            ("accepted", tally.accepted, "#2f7d4f"),
            ("waiting", tally.queued + tally.claimed + tally.deferred, "#b7791f"),
            ("failed", tally.failed, "#c0392b"),
            ("unconfirmed", tally.unconfirmed + tally.begun, "#6b4fa0"),
            ("suppressed", tally.suppressed, "#7a8aa0"),
        ];
        let mut words =
            format!("{} of {} accepted by the relay", count(tally.accepted), letters(tally.planned));
        for (what, number, _) in parts.iter().skip(1).filter(|(_, number, _)| *number > 0) {
            let _ = write!(words, ", {} {what}", count(*number));
        }
        let mut bars = String::new();
        for (what, number, color) in parts.iter().filter(|(_, number, _)| *number > 0) {
            let share = 100.0 * *number as f64 / tally.planned.max(1) as f64;
            let _ = write!(
                bars,
                "<span style=\"width:{share:.2}%;background:{color}\" title=\"{} {what}\"></span>",
                count(*number)
            );
        }
        format!(
            "<p class=\"lead\">{words}.</p><div class=\"whole\" role=\"img\" aria-label=\"{words}\">{bars}</div>"
        )
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
            let class = if number == 0 { " class=\"quiet\"" } else { "" };
            let _ = write!(
                page,
                "<tr{class}><th scope=\"row\">{word}</th><td class=\"n\">{}</td></tr>",
                count(number)
            );
        }
        page.push_str("</tbody></table>");
        let slug = escape(&self.dispatch.slug);
        for (number, what, then) in [
            (
                tally.failed,
                "failed",
                format!("<code>mimeo send {slug} --retry-failed</code> tries them again"),
            ),
            (
                tally.unconfirmed + tally.begun,
                "unconfirmed",
                format!(
                    "<code>mimeo resolve {slug} --accept</code> or <code>--resend</code> decides about them"
                ),
            ),
        ] {
            if number > 0 {
                let _ = write!(
                    page,
                    "<p class=\"quiet\"><code>mimeo status {slug} --state {what}</code> lists the {what} ones; {then}.</p>"
                );
            }
        }
    }

    /// Whose letters failed, what the relay said, and what to do about it. Addresses are masked: a report is passed on.
    fn failed(&self, page: &mut String) {
        if self.failed.is_empty() {
            return;
        }
        page.push_str(
            "<h2>Failed letters</h2><table><thead><tr><th scope=\"col\">reader</th><th scope=\"col\">reply</th>\
             <th scope=\"col\">what to do</th></tr></thead><tbody>",
        );
        for row in self.failed {
            let reply = row.reply.as_deref().unwrap_or_default();
            let _ = write!(
                page,
                "<tr><td class=\"reply\">{}</td><td class=\"reply\">{}</td><td>{}</td></tr>",
                escape(&row.address.to_string()),
                escape(&masked(reply)),
                escape(&what_to_do(reply))
            );
        }
        page.push_str("</tbody></table>");
        let more = self.tally.failed.saturating_sub(self.failed.len() as u64);
        if more > 0 {
            let _ = write!(page, "<p class=\"quiet\">and {} more</p>", count(more));
        }
    }

    /// Letters over time: of this run, and of the whole dispatch when it is older.
    fn course(&self, page: &mut String) {
        let (began, ended) = self.run;
        let seconds = seconds(ended.duration_since(began).unsigned_abs());
        let none = Waits::new();
        if self.run_course.is_empty() && self.waits.is_empty() {
            page.push_str("<h2>This run over time</h2><p class=\"quiet\">No letter was handed over.</p>");
        } else {
            page.push_str("<h2>This run over time</h2>");
            let stretch = self.stretches.0;
            let end = began.checked_add(stretch * seconds.div_ceil(stretch.as_secs().max(1)) as u32);
            let span = (began, end.unwrap_or(ended));
            Picture { span, stretch, letters: self.run_course, waits: self.waits }.draw(page);
        }
        let (Some(first), Some(last)) = (self.course.first(), self.course.last()) else { return };
        let stretch = self.stretches.1;
        if first.from.checked_add(stretch).is_ok_and(|end| began <= end) {
            return;
        }
        page.push_str("<h2>The whole dispatch over time</h2>");
        let span = (first.from, last.from.checked_add(stretch).unwrap_or(last.from));
        Picture { span, stretch, letters: self.course, waits: &none }.draw(page);
    }

    fn waiting(&self, page: &mut String) {
        if self.waits.is_empty() {
            return;
        }
        page.push_str("<h2>Waiting</h2><table><tbody>");
        let mut causes = BTreeMap::<&str, Duration>::new();
        for (&(_, cause), waited) in self.waits {
            *causes.entry(cause).or_default() += *waited;
        }
        let most = causes.values().max().copied().unwrap_or_default().as_secs_f64().max(0.001);
        for (cause, time) in causes {
            let _ = write!(
                page,
                "<tr><th scope=\"row\">{cause}</th><td class=\"n\">{}</td><td style=\"width:50%\">\
                 <svg viewBox=\"0 0 300 14\" aria-hidden=\"true\"><rect width=\"{:.1}\" height=\"14\" fill=\"{}\"/>\
                 </svg></td></tr>",
                duration(time),
                300.0 * time.as_secs_f64() / most,
                wait_color(cause)
            );
        }
        page.push_str("</tbody></table>");
    }

    /// Who sent how much, where more than one worker did.
    fn workers(&self, page: &mut String) {
        if self.workers.len() < 2 {
            return;
        }
        page.push_str(
            "<h2>Workers</h2><table><thead><tr><th scope=\"col\">worker</th><th scope=\"col\">relay</th>\
             <th scope=\"col\">from</th><th scope=\"col\">to</th><th scope=\"col\" class=\"n\">attempts</th>\
             <th scope=\"col\" class=\"n\">accepted</th><th scope=\"col\" class=\"n\">per second</th></tr></thead><tbody>",
        );
        for share in self.workers {
            let last = share.last_at.or(share.left_at).unwrap_or(share.came_at);
            let seconds = last.duration_since(share.came_at).as_secs_f64().max(1.0);
            let _ = write!(
                page,
                "<tr><td>{}</td><td class=\"reply\">{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                share.worker.number(),
                escape(&share.relay),
                when(share.came_at),
                if share.lives && share.left_at.is_none() { "still at work".to_owned() } else { when(last) },
                count(share.attempts),
                count(share.accepted),
                count((share.attempts as f64 / seconds).round() as u64)
            );
        }
        page.push_str("</tbody></table>");
    }

    /// Bounces and complaints by cause and domain.
    fn returned(&self, page: &mut String) {
        let counts = |group: &&BounceGroup| matches!(group.kind, Kind::Bounce | Kind::Complaint);
        let groups: Vec<_> = self.returned.iter().filter(counts).collect();
        if groups.is_empty() {
            return;
        }
        page.push_str(
            "<h2>What came back</h2><table><thead><tr><th scope=\"col\">cause</th><th scope=\"col\">domain</th>\
             <th scope=\"col\">code</th><th scope=\"col\">example</th><th scope=\"col\" class=\"n\">letters</th></tr></thead><tbody>",
        );
        for group in groups {
            let cause = match (group.kind, group.class) {
                (Kind::Complaint, _) => "complaint",
                (_, Some(Class::Hard)) => "no such mailbox",
                (_, Some(Class::Ours)) => "about the sender",
                _ => "failed for now",
            };
            let _ = write!(
                page,
                "<tr><td>{cause}</td><td>{}</td><td class=\"code\">{}</td><td class=\"reply\">{}</td><td class=\"n\">{}</td></tr>",
                escape(&group.domain),
                escape(group.status.as_deref().unwrap_or_default()),
                escape(&masked(&group.example)),
                count(group.count)
            );
        }
        page.push_str("</tbody></table><p class=\"quiet\"><code>mimeo bounces --report</code> says what to do about it.</p>");
    }

    fn refusals(&self, page: &mut String) {
        let groups: Vec<_> =
            self.replies.iter().filter(|group| group.kind != OutcomeKind::Accepted).collect();
        if groups.is_empty() {
            return;
        }
        page.push_str(
            "<h2>Refusals of the relay</h2><table><thead><tr><th scope=\"col\">outcome</th>\
             <th scope=\"col\">step</th><th scope=\"col\">code</th><th scope=\"col\">example</th><th scope=\"col\" class=\"n\">letters</th></tr>\
             </thead><tbody>",
        );
        for group in groups {
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{}</td><td class=\"code\">{}</td><td class=\"reply\">{}</td><td class=\"n\">{}</td></tr>",
                word(group.kind),
                group.stage.map(|stage| stage.to_string()).unwrap_or_default(),
                codes(group),
                escape(&masked(&group.example)),
                count(group.count)
            );
        }
        page.push_str("</tbody></table>");
    }
}

/// What the owner can do about a letter that was refused for good.
fn what_to_do(reply: &str) -> String {
    match reason(None, reply) {
        Some(Class::Hard) => {
            "There is no such mailbox: correct the address, or take it off the list.".to_owned()
        }
        Some(Class::Ours) => match advice(None, reply) {
            Some(advice) => format!("{}: {}", advice.who, advice.text),
            None => "It is about you and not about the reader: change what the reply names, and try again."
                .to_owned(),
        },
        _ => "It may work another time: try again.".to_owned(),
    }
}

/// The reply code and the enhanced status code: `550 5.1.1`.
fn codes(group: &ReplyGroup) -> String {
    let code = group.code.map(|code| code.to_string()).unwrap_or_default();
    match group.enhanced {
        Some((class, subject, detail)) => format!("{code} {class}.{subject}.{detail}"),
        None => code,
    }
}

/// The word that the picture uses for an outcome.
fn word(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Rejected => "refused",
        other => other.word(),
    }
}

pub(super) fn escape(text: &str) -> String {
    crate::render::Escape::Html.apply(text)
}
