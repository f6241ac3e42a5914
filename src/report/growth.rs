//! The page about a list that grows and shrinks: who joined and who was lost, month by month.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{
    format::{count, when},
    page::{STYLE, escape},
};
use crate::audience::{Month, Stats, Status};

const WIDTH: f64 = 720.0;
/// The picture of how many people there are ends here.
const SIZE_END: f64 = 150.0;
/// Who joined is above a line, who was lost below it, by the same measure; the bars are between these two heights.
const BARS: (f64, f64) = (180.0, 330.0);
/// Months in the table, the latest ones.
const MONTHS: usize = 36;
const COLORS: &str = "\
:root{--joined:#2f7d4f;--lost:#c0392b;--size:#4a6fb5}\
@media(prefers-color-scheme:dark){:root{--joined:#5fb583;--lost:#e5776b;--size:#8aa9e6}}\
.joined{fill:var(--joined)}.lost{fill:var(--lost)}.size{fill:var(--size);fill-opacity:.18}\
polyline{fill:none;stroke:var(--size);stroke-width:2;stroke-linejoin:round}line{stroke:var(--rule)}\
g.month:hover rect{opacity:.7}.key.joined{background:var(--joined)}.key.lost{background:var(--lost)}\
.key.people{background:var(--size)}summary{cursor:pointer;margin:1rem 0 .5rem}";

/// Makes the page: one HTML file without scripts and without anything from elsewhere.
pub fn growth_page(newsletter: &str, stats: &Stats, now: Timestamp) -> String {
    let mut page = String::new();
    let active = stats.by_status.of(Status::Active);
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}: the list</title>\
         <style>{STYLE}{COLORS}</style></head><body><main><p class=\"quiet\">{0}</p><h1>{1}</h1>\
         <p class=\"quiet\">{2}; {3} people in all</p>",
        escape(newsletter),
        match active {
            1 => "1 person gets letters".to_owned(),
            many => format!("{} people get letters", count(many)),
        },
        when(now),
        count(stats.people)
    );
    course(&mut page, stats);
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

/// Month by month: a picture, and its numbers for those who do not see it.
fn course(page: &mut String, stats: &Stats) {
    let course = stats.course();
    if course.is_empty() {
        return;
    }
    page.push_str("<h2>Month by month</h2>");
    picture(page, &course);
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<details><summary>The numbers</summary><table><thead><tr><th scope=\"col\">Month</th>\
         <th scope=\"col\" class=\"n\">Joined</th><th scope=\"col\" class=\"n\">Unsubscribed</th>\
         <th scope=\"col\" class=\"n\">Bounced</th><th scope=\"col\" class=\"n\">Complained</th>\
         <th scope=\"col\" class=\"n\">In all</th></tr></thead><tbody>"
    );
    for (month, what, size) in course.iter().rev().take(MONTHS) {
        let _ = write!(page, "<tr><th scope=\"row\">{month}</th>");
        for number in [what.joined, what.unsubscribed, what.bounced, what.complained, *size] {
            let _ = write!(page, "<td class=\"n\">{}</td>", count(number));
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></details>");
}

fn picture(page: &mut String, course: &[(String, Month, u64)]) {
    let (Some((first, ..)), Some((last, ..))) = (course.first(), course.last()) else { return };
    let most = |number: &dyn Fn(&(String, Month, u64)) -> u64| {
        course.iter().map(number).max().unwrap_or_default().max(1)
    };
    let (joined, lost, size) = (most(&|one| one.1.joined), most(&|one| one.1.lost()), most(&|one| one.2));
    let step = WIDTH / course.len() as f64;
    let bar = (step * 0.8).max(0.5);
    let measure = (BARS.1 - BARS.0) / (joined + lost) as f64;
    let line = BARS.0 + joined as f64 * measure;
    let height = |people: u64| SIZE_END - people as f64 / size as f64 * (SIZE_END - 20.0);
    let mut points = String::new();
    for (index, (_, _, people)) in course.iter().enumerate() {
        let _ = write!(points, "{:.1},{:.1} ", index as f64 * step + step / 2.0, height(*people));
    }
    let points = points.trim_end();
    let _ = write!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
         aria-label=\"The size of the list, and people who joined and were lost, by month\">\
         <text x=\"0\" y=\"12\">{} people</text>\
         <polygon class=\"size\" points=\"{:.1},{SIZE_END} {points} {:.1},{SIZE_END}\"/>\
         <polyline points=\"{points}\"/><line x1=\"0\" x2=\"{WIDTH}\" y1=\"{SIZE_END}\" y2=\"{SIZE_END}\"/>",
        BARS.1 + 24.0,
        count(size),
        step / 2.0,
        WIDTH - step / 2.0,
    );
    for (index, (month, what, people)) in course.iter().enumerate() {
        let x = index as f64 * step + (step - bar) / 2.0;
        let (up, down) = (what.joined as f64 * measure, what.lost() as f64 * measure);
        let _ = write!(
            page,
            "<g class=\"month\"><title>{month}: {} joined, {} unsubscribed, {} bounced, {} complained; {} in all</title>\
             <rect class=\"joined\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{bar:.1}\" height=\"{up:.1}\"/>\
             <rect class=\"lost\" x=\"{x:.1}\" y=\"{line:.1}\" width=\"{bar:.1}\" height=\"{down:.1}\"/></g>",
            count(what.joined),
            count(what.unsubscribed),
            count(what.bounced),
            count(what.complained),
            count(*people),
            line - up
        );
    }
    let _ = write!(
        page,
        "<line x1=\"0\" x2=\"{WIDTH}\" y1=\"{line:.1}\" y2=\"{line:.1}\"/>\
         <text x=\"0\" y=\"{y}\">{first}</text><text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{last}</text></svg><p>",
        y = BARS.1 + 20.0
    );
    for (class, word) in [
        ("people", format!("on the list, at most {}", count(size))),
        ("joined", format!("joined, at most {} in a month", count(joined))),
        ("lost", format!("lost, at most {} in a month", count(lost))),
    ] {
        let _ = write!(page, "<span class=\"part\"><span class=\"key {class}\"></span>{word}</span>");
    }
    page.push_str("</p>");
}
