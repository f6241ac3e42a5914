//! Words and pictures of templates on backgrounds of their own, in the light and in the dark.

use std::io::Cursor;

use crate::support::project::Project;

const SETTINGS: &str = "\
[newsletter]
name = \"The Slow Kettle\"
postal_address = \"1 Example Street\"
template = \"mine\"

[sender]
from = \"Ada <ada@example.org>\"

[unsubscribe]
mailto = \"leave@example.org\"
";

/// A letter `o` of this color on a transparent background.
fn logo(color: [u8; 3]) -> Vec<u8> {
    let [red, green, blue] = color;
    let picture = image::RgbaImage::from_fn(60, 60, |x, y| {
        let is_ink = (10..50).contains(&x) && (20..40).contains(&y);
        image::Rgba([red, green, blue, if is_ink { 255 } else { 0 }])
    });
    let mut bytes = Cursor::new(Vec::new());
    image::DynamicImage::ImageRgba8(picture).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The lines in which `mimeo check` reports low contrast for a template with these sections.
fn found(head: &str, sections: &str) -> Vec<String> {
    let template = format!(
        "<mjml><mj-head><mj-preview>{{{{ issue.preheader }}}}</mj-preview>{head}</mj-head>\
         <mj-body mj-class=\"background\">{sections}<!-- mimeo:content --><mj-section><mj-column>\
         <mj-text mj-class=\"muted\">{{{{ newsletter.postal_address }}}} <a href=\"{{{{ link.unsubscribe }}}}\">Leave</a>\
         </mj-text></mj-column></mj-section></mj-body></mjml>"
    );
    let project = Project::empty()
        .file("subscribers.csv", "email\nbob@example.com\n")
        .file("mimeo.toml", SETTINGS)
        .file("templates/mine.mjml", template)
        .file("templates/dark.png", logo([20, 20, 20]))
        .file("templates/light.png", logo([250, 250, 250]))
        .file("dark.png", logo([20, 20, 20]))
        .file("light.png", logo([250, 250, 250]))
        .file("issues/1.md", "---\ntitle: A quiet week\ndate: 2026-01-02\n---\n\nWords.\n");
    let ran = project.run(["check", "1", "--all"]);
    let lines = ran.stdout.lines().chain(ran.stderr.lines());
    lines.filter(|line| line.contains("[M473]") || line.contains("[M430]")).map(str::to_owned).collect()
}

fn section(attributes: &str, content: &str) -> String {
    format!("<mj-section {attributes}><mj-column>{content}</mj-column></mj-section>")
}

#[test]
fn what_cannot_be_read_on_a_templates_background_is_reported() {
    let rules = "<mj-style>.night { background-color: #111111 !important; }</mj-style>";
    for (name, head, section, expected) in [
        (
            "words of no color",
            "",
            section("background-color=\"#111111\"", "<mj-text>Words</mj-text>"),
            "on #111111",
        ),
        (
            "words of a color",
            "",
            section("background-color=\"#ffffff\"", "<mj-text color=\"#aaaaaa\">Words</mj-text>"),
            "#aaaaaa on #ffffff",
        ),
        (
            "a background by class",
            rules,
            section("css-class=\"night\"", "<mj-text>Words</mj-text>"),
            "on #111111",
        ),
        (
            "a style in the words",
            "",
            section(
                "background-color=\"#ffffff\"",
                "<mj-text><p style=\"color:#bbbbbb\">Words</p></mj-text>",
            ),
            "#bbbbbb on #ffffff",
        ),
        (
            "a style that stays dark in the dark",
            "",
            section("mj-class=\"paper\"", "<mj-text><span style=\"color:#333333\">Words</span></mj-text>"),
            "in the dark",
        ),
        (
            "a logo for light backgrounds only",
            "",
            section("mj-class=\"paper\"", "<mj-image src=\"dark.png\" alt=\"Kettle\" width=\"60px\" />"),
            "`dark.png` is hard to see on the dark background",
        ),
    ] {
        let found = found(head, &section);
        assert!(found.len() == 1 && found[0].contains(expected), "{name}: {found:?}");
    }
}

#[test]
fn what_can_be_read_in_light_and_dark_is_not_reported() {
    let head = "<mj-attributes><mj-section background-color=\"#ffffff\" /><mj-class name=\"x\" color=\"#eeeeee\" /></mj-attributes>\
                <mj-style>.wide { padding: 4px } .night { background: url(x.png) }</mj-style>";
    for section in [
        section(
            "background-color=\"#f4f4f4\"",
            "<mj-text>Words <a href=\"https://example.org/\">a page</a></mj-text>",
        ),
        section("background-color=\"#111111\"", "<mj-text color=\"#eeeeee\">Words</mj-text>"),
        section("mj-class=\"paper\"", "<mj-text container-background-color=\"#fff8e0\">Words</mj-text>"),
        section("background-color=\"#111111\"", "<mj-text mj-class=\"x\">Words</mj-text>"),
        section("css-class=\"wide\"", "<mj-text>Words</mj-text>"),
        section("css-class=\"night\"", "<mj-text>Words</mj-text>"),
        section("mj-class=\"paper\"", "<mj-text><h2 style=\"color:#333333\">Words</h2></mj-text>"),
        section(
            "mj-class=\"paper\"",
            "<mj-text><span style=\"color:#333333;background-color:#eeeeee\">Words</span></mj-text>",
        ),
        section(
            "background-color=\"#ffffff\"",
            "<mj-image src=\"dark.png\" alt=\"Kettle\" width=\"60px\" />",
        ),
        section("mj-class=\"button\"", "<mj-text mj-class=\"button\">Words</mj-text>"),
    ] {
        let found = found(head, &section);
        assert!(found.is_empty(), "{section}: {found:?}");
    }
}
