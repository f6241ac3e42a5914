//! mrml's HTML without what no mail client of today needs: a fixed part of each letter, and one for each section.

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

/// The same without Outlook 2003, Outlook 2007's preview and Internet Explorer.
const SHORT_HEAD: &str = "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
<style>body{margin:0;padding:0;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%}\
table,td{border-collapse:collapse;mso-table-lspace:0pt;mso-table-rspace:0pt}\
img{border:0;height:auto;line-height:100%;outline:none;text-decoration:none;-ms-interpolation-mode:bicubic}\
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
        .replacen("<body style=\"word-spacing:normal;", "<body style=\"", 1);
    html = html.replace("</li><li", "<li").replace("</li></ul>", "</ul>").replace("</li></ol>", "</ol>");
    if facts.left_to_right {
        html = html.replace("style=\"direction:ltr;font-size:0px;", "style=\"font-size:0px;").replace(
            "text-align:left;direction:ltr;display:inline-block;",
            "text-align:left;display:inline-block;",
        );
    }
    if facts.names_columns {
        return html;
    }
    if let Some(rules) = column_rules(&html)
        && html[rules.clone()].matches(".mj-column-").count()
            == html[rules.clone()].matches(".mj-column-per-100 ").count()
    {
        html.replace_range(rules, "");
        html = html.replace(&format!(" class=\"mj-outlook-group-fix {WHOLE}\""), "");
    }
    html.replace("class=\"mj-outlook-group-fix ", "class=\"")
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
