//! A picture of a run or of a dispatch: letters over time above the line, waiting below it.
//!
//! In: the ledger's counts per interval, and how long a run waited in each second. Out: SVG with titles.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use jiff::{Timestamp, tz::TimeZone};

use super::format::{count, duration, plural, when};
use crate::{dispatch::Wait, ledger::Bucket};

/// The words for a cause of waiting in the report.
pub fn wait_word(why: Wait) -> &'static str {
    match why {
        Wait::Pace => "the pace",
        Wait::Throttled => "the relay, which asked us to slow down",
        Wait::Window => "the hours in [pace.window]",
        Wait::WarmUp => "the warm-up",
        Wait::Deferred => "deferred letters",
    }
}

const KINDS: [(&str, &str); 4] =
    [("accepted", "#2f7d4f"), ("deferred", "#b7791f"), ("refused", "#c0392b"), ("unconfirmed", "#6b4fa0")];

/// The color of a cause of waiting in the report.
pub(super) fn wait_color(cause: &str) -> &'static str {
    match cause {
        "the pace" => "#7a8aa0",
        "the relay, which asked us to slow down" => "#3f8f9b",
        "the hours in [pace.window]" => "#4a6fb5",
        "the warm-up" => "#8a9a4b",
        "deferred letters" => "#c99a3d",
        _ => "#a8606a",
    }
}

/// How long a run waited, by the second since it began and by cause.
pub type Waits = BTreeMap<(u64, &'static str), Duration>;

/// The data of a picture.
pub(super) struct Picture<'a> {
    /// Its first and last moment.
    pub(super) span: (Timestamp, Timestamp),
    /// The length of each interval.
    pub(super) stretch: Duration,
    /// Letters per interval; intervals without letters are left out.
    pub(super) letters: &'a [Bucket],
    /// Waiting, counted from the beginning of the span; empty for a whole dispatch.
    pub(super) waits: &'a Waits,
}

const WIDTH: f64 = 720.0;
/// The height of the line on which the bars of letters begin.
const LINE: f64 = 160.0;
/// Where the longest bar of letters ends.
const TOP: f64 = 1.0;
/// The length of the bars of waiting below the line in an interval of nothing but waiting.
const DEPTH: f64 = 34.0;

fn kinds(bucket: &Bucket) -> [u64; 4] {
    [bucket.accepted, bucket.deferred, bucket.rejected, bucket.unconfirmed]
}

impl Picture<'_> {
    /// How many stretches there are.
    fn stretches(&self) -> f64 {
        let (from, to) = self.span;
        (to.duration_since(from).as_secs_f64() / self.step()).max(1.0)
    }

    fn step(&self) -> f64 {
        self.stretch.as_secs_f64().max(0.001)
    }

    pub(super) fn draw(&self, page: &mut String) {
        let most = self.letters.iter().map(|bucket| kinds(bucket).iter().sum::<u64>()).max().unwrap_or(0);
        let bar = WIDTH / self.stretches();
        let deep = if self.waits.is_empty() { 0.0 } else { DEPTH };
        // Words are beside the picture and not in it: it is as wide as the screen, and they are not to shrink with it.
        let _ = write!(
            page,
            "<p class=\"axis\"><span>{} in {}</span></p>\
             <svg class=\"course\" viewBox=\"0 0 720 {:.0}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Letters per {}; at most {}\">\
             <path d=\"M0 {TOP}H{WIDTH}M0 {middle}H{WIDTH}\" stroke=\"currentColor\" stroke-opacity=\".12\"/>",
            plural(most, "letter", "letters"),
            duration(self.stretch),
            LINE + deep + 1.0,
            duration(self.stretch),
            count(most),
            middle = f64::midpoint(TOP, LINE),
        );
        for bucket in self.letters {
            self.draw_letters(page, bucket, bar, most);
        }
        self.draw_waits(page, bar);
        let (from, to) = self.span;
        let _ = write!(
            page,
            "<path d=\"M0 {LINE}H{WIDTH}\" stroke=\"currentColor\" stroke-opacity=\".4\"/></svg>\
             <p class=\"axis\"><span>{}</span><span>{}</span></p>",
            self.clock(from),
            self.clock(to),
        );
        self.key(page);
    }

    /// The letters of an interval, stacked by outcome.
    fn draw_letters(&self, page: &mut String, bucket: &Bucket, bar: f64, most: u64) {
        let x = bucket.from.duration_since(self.span.0).as_secs_f64() / self.step() * bar;
        let counts: Vec<String> = KINDS
            .iter()
            .zip(kinds(bucket))
            .filter(|(_, letters)| *letters > 0)
            .map(|((word, _), letters)| format!("{} {word}", count(letters)))
            .collect();
        let _ = write!(page, "<g><title>{}: {}</title>", self.clock(bucket.from), counts.join(", "));
        let mut bottom = LINE;
        for ((_, color), letters) in KINDS.iter().zip(kinds(bucket)).filter(|(_, letters)| *letters > 0) {
            let tall = letters as f64 / most.max(1) as f64 * (LINE - TOP);
            bottom -= tall;
            // The first stretch began before the run did.
            let (left, width) = (x.max(0.0), (bar * 0.92 + x.min(0.0)).max(0.5));
            let _ = write!(
                page,
                "<rect x=\"{left:.2}\" y=\"{bottom:.2}\" width=\"{width:.2}\" height=\"{tall:.2}\" fill=\"{color}\"/>"
            );
        }
        page.push_str("</g>");
    }

    /// The waiting in each interval, stacked by cause, as long as its share of the interval.
    fn draw_waits(&self, page: &mut String, bar: f64) {
        let seconds = self.stretch.as_secs().max(1);
        let mut stretches = BTreeMap::<(u64, &str), Duration>::new();
        for (&(second, cause), waited) in self.waits {
            *stretches.entry((second / seconds, cause)).or_default() += *waited;
        }
        let (mut at, mut top) = (u64::MAX, LINE);
        for ((stretch, cause), waited) in stretches {
            if stretch != at {
                (at, top) = (stretch, LINE + 1.0);
            }
            let deep = (waited.as_secs_f64() / self.step()).min(1.0) * (DEPTH - 1.0);
            let _ = write!(
                page,
                "<rect x=\"{:.2}\" y=\"{top:.2}\" width=\"{:.2}\" height=\"{deep:.2}\" fill=\"{}\">\
                 <title>waited {} for {cause}</title></rect>",
                stretch as f64 * bar,
                (bar * 0.92).max(0.5),
                wait_color(cause),
                duration(waited),
            );
            top += deep;
        }
    }

    fn key(&self, page: &mut String) {
        page.push_str("<p class=\"quiet\">");
        for (index, (word, color)) in KINDS.iter().enumerate() {
            let total: u64 = self.letters.iter().map(|bucket| kinds(bucket)[index]).sum();
            if total == 0 {
                continue;
            }
            let _ = write!(
                page,
                "<span class=\"part\"><span class=\"key\" style=\"background:{color}\"></span>{word} {}</span> ",
                count(total)
            );
        }
        if !self.waits.is_empty() {
            page.push_str("<span class=\"part\">Below the line: time spent waiting.</span>");
        }
        page.push_str("</p>");
    }

    /// With seconds where minutes would all be the same.
    fn clock(&self, moment: Timestamp) -> String {
        let (from, to) = self.span;
        if to.duration_since(from).as_hours() < 12 {
            moment.to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string()
        } else {
            when(moment)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_on_the_line_and_waiting_hangs_from_it() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let bucket = Bucket { from: at(20), accepted: 3, deferred: 0, rejected: 1, unconfirmed: 0 };
        let waits = Waits::from([
            ((1, "the pace"), Duration::from_millis(500)),
            ((11, "the pace"), Duration::from_secs(1)),
            ((11, "the relay"), Duration::from_millis(100)),
        ]);
        let (span, stretch) = ((at(10), at(30)), Duration::from_secs(10));
        let mut page = String::new();
        Picture { span, stretch, letters: &[bucket], waits: &waits }.draw(&mut page);
        for what in [
            ": 3 accepted, 1 refused</title>",
            // The second of two stretches, and three quarters of the height.
            "<rect x=\"360.00\" y=\"40.75\" width=\"331.20\" height=\"119.25\" fill=\"#2f7d4f\"/>",
            "<title>waited 500 ms for the pace</title>",
            "<rect x=\"360.00\" y=\"161.00\" width=\"331.20\" height=\"3.30\" fill=\"#7a8aa0\">",
            "<title>waited 100 ms for the relay</title>",
            "Below the line",
        ] {
            assert!(page.contains(what), "no {what} in {page}");
        }
        assert!(
            page.contains("accepted 3</span>") && !page.contains("deferred 0"),
            "zeros are quiet: {page}"
        );
        page.clear();
        Picture { span, stretch, letters: &[], waits: &Waits::new() }.draw(&mut page);
        assert!(page.contains("0 letters in 10 s") && !page.contains("Below the line"), "{page}");
    }
}
