//! The page about a list that grows and shrinks: who joined and who was lost, month by month.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{
    page::{STYLE, escape},
    words::{count, when},
};
use crate::audience::{Stats, Status};

const WIDTH: f64 = 720.0;
/// The line on which the bars begin: who joined is above it, who was lost below.
const LINE: f64 = 150.0;
const DEPTH: f64 = 60.0;
const JOINED: &str = "#2f7d4f";
const LOST: &str = "#c0392b";
const SIZE: &str = "#4a6fb5";

/// Makes the page: one HTML file without scripts and without anything from elsewhere.
pub fn growth_page(newsletter: &str, stats: &Stats, now: Timestamp) -> String {
    let mut page = String::new();
    let active = stats.by_status.of(Status::Active);
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}: the list</title>\
         <style>{STYLE}</style></head><body><main><p class=\"quiet\">{0}</p><h1>{1} people get letters</h1>\
         <p class=\"quiet\">{2}; {3} people in all</p>",
        escape(newsletter),
        count(active),
        when(now),
        count(stats.people)
    );
    picture(&mut page, stats);
    let statuses =
        Status::ALL.into_iter().map(|status| (status.word().to_owned(), stats.by_status.of(status)));
    table(&mut page, "By status", statuses.filter(|(_, number)| *number > 0));
    for (title, counts) in [
        ("Where they came from", &stats.by_source),
        ("Tags of people who get letters", &stats.by_tag),
        ("Topics of people who get letters", &stats.by_topic),
    ] {
        table(&mut page, title, counts.iter().map(|(word, number)| (word.clone(), *number)));
    }
    page.push_str("</main></body></html>\n");
    page
}

fn table(page: &mut String, title: &str, rows: impl Iterator<Item = (String, u64)>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    let _ = write!(page, "<h2>{title}</h2><table><tbody>");
    for (word, number) in rows {
        let _ = write!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td></tr>",
            escape(&word),
            count(number)
        );
    }
    page.push_str("</tbody></table>");
}

fn picture(page: &mut String, stats: &Stats) {
    let course = stats.course();
    let (Some((first, ..)), Some((last, ..))) = (course.first(), course.last()) else { return };
    let most = |number: &dyn Fn(&(String, crate::audience::Month, u64)) -> u64| {
        course.iter().map(number).max().unwrap_or_default().max(1) as f64
    };
    let (joined, lost, size) = (most(&|one| one.1.joined), most(&|one| one.1.lost()), most(&|one| one.2));
    let step = WIDTH / course.len() as f64;
    let bar = (step * 0.8).max(0.5);
    let _ = write!(
        page,
        "<h2>Month by month</h2><svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
         aria-label=\"People who joined and were lost by month, and the size of the list\">",
        LINE + DEPTH + 20.0
    );
    let mut line = String::new();
    for (index, (month, what, people)) in course.iter().enumerate() {
        let x = index as f64 * step + (step - bar) / 2.0;
        let (up, down) = (what.joined as f64 / joined * (LINE - 10.0), what.lost() as f64 / lost * DEPTH);
        let _ = write!(
            page,
            "<g><title>{month}: {} joined, {} unsubscribed, {} bounced, {} complained; {} in all</title>\
             <rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{bar:.1}\" height=\"{up:.1}\" fill=\"{JOINED}\"/>\
             <rect x=\"{x:.1}\" y=\"{LINE}\" width=\"{bar:.1}\" height=\"{down:.1}\" fill=\"{LOST}\"/></g>",
            count(what.joined),
            count(what.unsubscribed),
            count(what.bounced),
            count(what.complained),
            count(*people),
            LINE - up
        );
        let y = LINE - *people as f64 / size * (LINE - 10.0);
        let _ = write!(line, "{:.1},{y:.1} ", index as f64 * step + step / 2.0);
    }
    let _ = write!(
        page,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{SIZE}\" stroke-width=\"2\"/>\
         <text x=\"0\" y=\"{y}\">{first}</text><text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{last}</text></svg><p>",
        line.trim_end(),
        y = LINE + DEPTH + 16.0
    );
    for (color, word) in [
        (JOINED, format!("joined, at most {} in a month", count(joined as u64))),
        (LOST, format!("lost, at most {} in a month", count(lost as u64))),
        (SIZE, format!("on the list, at most {}", count(size as u64))),
    ] {
        let _ = write!(
            page,
            "<span class=\"part\"><span class=\"key\" style=\"background:{color}\"></span>{word}</span>"
        );
    }
    page.push_str("</p>");
}
