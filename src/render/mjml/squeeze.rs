//! mrml's HTML without what no mail client of today needs: a fixed part of each letter, and one for each section.

use std::{borrow::Cow, collections::BTreeSet};

use percent_encoding::percent_decode_str;

/// What mrml writes into each head, from the metadata on.
const HEAD: &str = "<!--[if !mso]><!--><meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\"><!--<![endif]-->\
<meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<style type=\"text/css\">
#outlook a { padding: 0; }
body { margin: 0; padding: 0; -webkit-text-size-adjust: 100%; -ms-text-size-adjust: 100%; }
table, td { border-collapse: collapse; mso-table-lspace: 0pt; mso-table-rspace: 0pt; }
img { border: 0; height: auto; line-height: 100%; outline: none; text-decoration: none; -ms-interpolation-mode: bicubic; }
p { display: block; margin: 13px 0; }
</style>
<!--[if mso]>
<noscript>
<xml>
<o:OfficeDocumentSettings>
  <o:AllowPNG/>
  <o:PixelsPerInch>96</o:PixelsPerInch>
</o:OfficeDocumentSettings>
</xml>
</noscript>
<![endif]-->
<!--[if lte mso 11]>
<style type=\"text/css\">
.mj-outlook-group-fix { width:100% !important; }
</style>
<![endif]-->
";

/// The head of a letter without what only serves Outlook 2003, Outlook 2007's preview and Internet Explorer.
const SHORT_HEAD: &str = "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
<style>body{margin:0;padding:0;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%}\
table,td{border-collapse:collapse;mso-table-lspace:0pt;mso-table-rspace:0pt}\
img{border:0;height:auto;line-height:100%;outline:none;text-decoration:none}\
p{display:block;margin:13px 0}</style>\
<!--[if mso]><noscript><xml><o:OfficeDocumentSettings><o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch>\
</o:OfficeDocumentSettings></xml></noscript><![endif]-->";

/// Where mrml's rules for the widths of columns begin, and the rules that follow them for Thunderbird.
const COLUMN_RULES: [&str; 2] =
    ["<style type=\"text/css\">@media only screen and (min-width:", "<style media=\"screen and (min-width:"];

/// The class of columns that are as wide as they can be, as their style says too.
const WHOLE: &str = "mj-column-per-100";

/// The style of the cells around sections in Outlook, and the class that stands for it.
const GHOST_CELL: &str = "style=\"line-height:0px;font-size:0px;mso-line-height-rule:exactly;\"";
pub(crate) const GHOST_CLASS: &str = "mz";

/// The rule for that class, for a style that only Outlook sees.
pub(crate) const GHOST_RULE: &str = ".mz{line-height:0;font-size:0;mso-line-height-rule:exactly}";

/// What is known of a letter.
pub(super) struct Facts<'a> {
    /// Whether rules of the author's know mrml's classes.
    pub(super) names_columns: bool,
    /// Whether it runs from left to right.
    pub(super) left_to_right: bool,
    /// Its width, as in `600px`.
    pub(super) width: &'a str,
}

/// Takes it out.
pub(super) fn squeezed(html: &str, facts: &Facts<'_>) -> String {
    let mut html = html.replacen(HEAD, SHORT_HEAD, 1);
    if !html.contains("<v:") {
        html = html.replacen(" xmlns:v=\"urn:schemas-microsoft-com:vml\"", "", 1);
    }
    // What is only for Outlook in two comments is so in one.
    html = html
        .replace("<![endif]--><!--[if mso | IE]>", "")
        .replace(GHOST_CELL, &format!("class=\"{GHOST_CLASS}\""));
    if !facts.names_columns {
        html = without_outlook_classes(&html);
    }
    // What goes without saying.
    let width = facts.width;
    let number = width.trim_end_matches("px");
    html = html
        .replace(&format!(" width=\"{number}\" style=\"width:{width};\""), &format!(" width=\"{number}\""))
        .replace("<tbody><tr>", "<tr>")
        .replace("</tbody></table>", "</table>")
        .replacen("<body style=\"word-spacing:normal;", "<body style=\"", 1)
        .replacen(" xmlns=\"http://www.w3.org/1999/xhtml\"", "", 1);
    html = without_idle_anchors(&once_colored(&html));
    html = html.replace("</li><li", "<li").replace("</li></ul>", "</ul>").replace("</li></ol>", "</ol>");
    if facts.left_to_right {
        html = html.replace("style=\"direction:ltr;font-size:0px;", "style=\"font-size:0px;").replace(
            "text-align:left;direction:ltr;display:inline-block;",
            "text-align:left;display:inline-block;",
        );
        // The column around it says it already.
        html = html.replace(";text-align:left;color:", ";color:");
    }
    if facts.names_columns {
        return for_outlook_only(html);
    }
    if let Some(rules) = column_rules(&html)
        && html[rules.clone()].matches(".mj-column-").count()
            == html[rules.clone()].matches(".mj-column-per-100 ").count()
    {
        html.replace_range(rules, "");
        html = html.replace(&format!(" class=\"mj-outlook-group-fix {WHOLE}\""), "");
    }
    html = html.replace("class=\"mj-outlook-group-fix ", "class=\"");
    for_outlook_only(without_whole_columns(&html))
}

/// No Internet Explorer reads mail, and style sheets are CSS.
fn for_outlook_only(html: String) -> String {
    html.replace("<!--[if mso | IE]>", "<!--[if mso]>").replace("<style type=\"text/css\">", "<style>")
}

/// Backgrounds of one color, which mrml writes as `background` and as `background-color`.
fn once_colored(html: &str) -> String {
    let mut pieces = html.split("background:");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_twice = piece.split_once(';').is_some_and(|(color, rest)| {
            color.starts_with('#')
                && rest
                    .strip_prefix("background-color:")
                    .is_some_and(|rest| rest.strip_prefix(color).is_some_and(|rest| rest.starts_with(';')))
        });
        if is_twice {
            out.push_str(piece.split_once(';').map_or(piece, |(_, rest)| rest));
        } else {
            out.push_str("background:");
            out.push_str(piece);
        }
    }
    out
}

/// Anchors of headings without those that nothing in the letter links to.
fn without_idle_anchors(html: &str) -> String {
    const START: &str = "<a name=\"";
    const END: &str = "\"></a>";
    let targets: BTreeSet<Cow<'_, str>> = html
        .split("href=\"#")
        .skip(1)
        .filter_map(|rest| Some(percent_decode_str(rest.split_once('"')?.0).decode_utf8_lossy()))
        .collect();
    let mut pieces = html.split(START);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(END) {
            Some((name, rest))
                if !name.contains(['"', '<', '>'])
                    && !targets.contains(&percent_decode_str(name).decode_utf8_lossy()) =>
            {
                out.push_str(rest);
            }
            _ => {
                out.push_str(START);
                out.push_str(piece);
            }
        }
    }
    out
}

/// A column that is alone in its section, from Outlook's table for it to the words in it.
const COLUMN: &str = "<!--[if mso | IE]><table border=\"0\" cellpadding=\"0\" cellspacing=\"0\" role=\"presentation\">\
<tr><td style=\"vertical-align:top;width:";
const COLUMN_CELL_END: &str = "px;\"><![endif]--><div style=\"font-size:0px;text-align:left;";
const COLUMN_STYLE_END: &str = "display:inline-block;vertical-align:top;width:100%;\">";
const COLUMN_END: &str = "<!--[if mso | IE]></td></tr></table><![endif]-->";

const COLUMN_TABLE: &str = "<table border=\"0\" cellpadding=\"0\" cellspacing=\"0\" role=\"presentation\" \
width=\"100%\" style=\"vertical-align:top;\">";
const TABLE_STYLE: &str = " style=\"vertical-align:top;\">";

/// Columns as wide as their section without what sets columns side by side: a table for Outlook, and `inline-block`.
fn without_whole_columns(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(COLUMN) {
        let (before, column) = rest.split_at(at);
        out.push_str(before);
        match whole_column(column) {
            // A column holds no other one, so that everything in it can be copied.
            Some((content, after)) => {
                out.push_str("<div style=\"font-size:0px;text-align:left;\">");
                match content.strip_prefix(COLUMN_TABLE) {
                    Some(rows) => out.extend([COLUMN_TABLE.trim_end_matches(TABLE_STYLE), ">", rows]),
                    None => out.push_str(content),
                }
                rest = after;
            }
            None => {
                out.push_str(COLUMN);
                rest = &column[COLUMN.len()..];
            }
        }
    }
    out + rest
}

/// The content, with the end of its element, of a column that is alone in its section, and what follows it. Its direction
/// is that of the section's cell.
fn whole_column(html: &str) -> Option<(&str, &str)> {
    let (width, rest) = html[COLUMN.len()..].split_once(COLUMN_CELL_END)?;
    let (direction, content) = rest.split_once(COLUMN_STYLE_END)?;
    if !width.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        || !matches!(direction, "" | "direction:rtl;")
    {
        return None;
    }
    let end = div_end(content)?;
    let after = content[end..].strip_prefix(COLUMN_END)?;
    Some((&content[..end], after))
}

/// Where the element ends that was opened just before.
fn div_end(html: &str) -> Option<usize> {
    const CLOSE: &str = "</div>";
    let (mut at, mut open) = (0, 1_usize);
    while open > 0 {
        let close = at + html[at..].find(CLOSE)? + CLOSE.len();
        open = open + html[at..close].matches("<div").count() - 1;
        at = close;
    }
    Some(at)
}

/// Tables for Outlook without the class that mrml makes for them of the section's: no rule of ours knows it.
fn without_outlook_classes(html: &str) -> String {
    const END: &str = "-outlook\"";
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(END) {
        let (before, after) = rest.split_at(at);
        let start = before.rfind(" class=\"").filter(|start| !before[start + 8..].contains(['"', '<', '>']));
        out.push_str(&before[..start.unwrap_or(before.len())]);
        rest = if start.is_some() {
            &after[END.len()..]
        } else {
            out.push_str(END);
            &after[END.len()..]
        };
    }
    out + rest
}

/// Where the rules for the widths of columns are.
fn column_rules(html: &str) -> Option<std::ops::Range<usize>> {
    const END: &str = "</style>";
    let start = html.find(COLUMN_RULES[0])?;
    let middle = start + html[start..].find(END)? + END.len();
    let is_followed = html[middle..].starts_with(COLUMN_RULES[1]);
    let end = if is_followed { middle + html[middle..].find(END)? + END.len() } else { middle };
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_such_a_column_has_no_use_for_a_style() {
        let column = column(&format!("{COLUMN_TABLE}x</table>"), COLUMN_END);
        let short = without_whole_columns(&column);
        assert!(
            !short.contains("vertical-align") && short.ends_with("width=\"100%\">x</table></div>"),
            "{short}"
        );
    }

    fn column(content: &str, after: &str) -> String {
        format!("{COLUMN}600{COLUMN_CELL_END}{COLUMN_STYLE_END}{content}</div>{after}")
    }

    #[test]
    fn a_column_alone_in_its_section_needs_no_table_and_two_do() {
        let alone = column("<div>a<div>b</div></div>", COLUMN_END);
        let short = "<div style=\"font-size:0px;text-align:left;\"><div>a<div>b</div></div></div>";
        assert_eq!(without_whole_columns(&format!("x{alone}y{alone}z")), format!("x{short}y{short}z"));
        for other in [
            column("a", "<!--[if mso | IE]></td><td style=\"vertical-align:top;width:300px;\"><![endif]-->"),
            column("<div>never closed", COLUMN_END),
            format!("{COLUMN}50%{COLUMN_CELL_END}{COLUMN_STYLE_END}</div>{COLUMN_END}"),
        ] {
            assert_eq!(without_whole_columns(&other), other);
        }
    }

    #[test]
    fn only_anchors_that_something_links_to_are_kept() {
        let html = "<a name=\"one\"></a><a name=\"zwölf\"></a><a name=\"two\"></a><a name=\"x\" href=\"#zw%C3%B6lf\">x</a><a href=\"#two\">";
        assert_eq!(without_idle_anchors(html), html.replace("<a name=\"one\"></a>", ""));
    }

    #[test]
    fn a_background_is_said_once() {
        for (before, after) in [
            ("background:#fff000;background-color:#fff000;width", "background-color:#fff000;width"),
            ("background:#fff000;background-color:#fff001;", "background:#fff000;background-color:#fff001;"),
            ("background:url(x);background-color:#fff000;", "background:url(x);background-color:#fff000;"),
            ("background:", "background:"),
        ] {
            assert_eq!(once_colored(before), after);
        }
    }
}
