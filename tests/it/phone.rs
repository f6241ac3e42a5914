//! What changes on a phone and in the dark, asked of a browser: wide tables become rows with labels or say that they can be
//! moved, and formulas have a picture for each background.

use std::path::Path;

use mimeograph::render::{Newsletter, SHIPPED};

use crate::{
    pictures::ask,
    support::{letters, newsletter::newsletter, skip},
};

const DARK: &[&str] = &["--blink-settings=preferredColorScheme=0"];

const TABLE: &str = "---\ntitle: Kettles\n---\n\n| Kettle | Boils in | Whistles | Remarks of readers |\n| --- | ---: | --- | --- |\n\
    | Enamel, two litres | 8 minutes | loudly | unforgettable, \"said\" everybody |\n\
    | Copper, one litre | 6 minutes | hardly | disappointingly expensive |\n";

/// The same with more rows than one wants to read below each other.
fn long() -> String {
    TABLE.to_owned()
        + &"| Another kettle | 7 minutes | sometimes | incomprehensible instructions |\n".repeat(20)
}

fn letter(design: &str, text: &str) -> String {
    letters::seen(text, Path::new("."), &Newsletter { template: design.into(), ..newsletter() })
}

/// The rules for clients that write labels, left out as the others leave them out.
fn without_labels(html: &str) -> String {
    let start = html.find("@media only screen and (max-width:480px) and (-webkit-min").unwrap();
    let end = start + html[start..].find("}}").unwrap() + 2;
    format!("{}{}", &html[..start], &html[end..])
}

/// How the second cell looks, its label, whether the hint is seen, how wide the letter is, and how far the table can be moved.
const LOOK: &str = r#"
    const cell = document.querySelectorAll('.R td')[1], hint = document.querySelector('.w'), frame = document.querySelector('.R');
    return [getComputedStyle(cell).display, getComputedStyle(cell, '::before').content, hint ? hint.checkVisibility() : 'none',
        document.documentElement.scrollWidth, frame.scrollWidth > frame.clientWidth + 1].join(' | ').replace(/[<>&]/g, '')"#;

#[test]
fn wide_tables_become_rows_with_labels_on_a_phone_or_say_that_they_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    for (design, _) in SHIPPED {
        let html = letter(design, TABLE);
        let Some(phone) = ask(&html, LOOK, 375, &[], folder.path()) else {
            return skip("chromium-headless-shell is not installed");
        };
        assert_eq!(phone, "block | \"Boils in\" | false | 375 | false", "{design}");
        let look = |html: &str, width| ask(html, LOOK, width, &[], folder.path()).unwrap();
        assert_eq!(look(&html, 700), "table-cell | none | false | 700 | false", "{design}");
        // Gmail and Yahoo know neither the condition nor the labels.
        assert_eq!(look(&without_labels(&html), 375), "table-cell | none | true | 375 | true", "{design}");
        let long = letter(design, &long());
        assert!(!long.contains("data-l="), "{design}");
        assert_eq!(look(&long, 375), "table-cell | none | true | 375 | true", "{design}");
    }
    // In words that run from right to left the labels are on the right.
    let arabic = TABLE.replace("title: Kettles", "title: Kettles\nlanguage: ar");
    let edge = "const cell = document.querySelectorAll('.R td')[1], style = getComputedStyle(cell); \
                return parseFloat(style.paddingRight) > 100 && parseFloat(style.paddingLeft) < 10";
    assert_eq!(ask(&letter("essay", &arabic), edge, 375, &[], folder.path()).unwrap(), "true");
}

#[test]
fn labels_cost_what_they_say_and_the_text_part_has_none() {
    let built = |text: &str| {
        letters::build(Path::new("a.md"), text, Path::new("."), Path::new("templates"), &newsletter())
            .unwrap()
            .rendered
    };
    let rendered = built(TABLE);
    let html = letters::filled(&rendered.html);
    let labels: usize =
        html.split(" data-l=\"").skip(1).map(|part| part.find('"').unwrap() + " data-l=\"\"".len()).sum();
    assert_eq!(html.matches(" data-l=").count(), 8);
    let rules = html.len() - without_labels(&html).len();
    eprintln!("labels: {labels} bytes in cells, {rules} bytes of rules");
    assert!(labels < 8 * 30 && rules < 800, "{labels} and {rules}");
    let text = letters::filled(&rendered.text);
    assert!(text.contains("Boils in") && !text.contains("data-l"), "{text}");
    // A table that fits a phone has neither.
    let narrow = letters::filled(&built("---\ntitle: x\n---\n\n| a | b |\n| - | - |\n| 1 | 2 |\n").html);
    assert!(!narrow.contains("data-l") && !narrow.contains("min-device-pixel-ratio"));
}

#[test]
fn formulas_have_a_picture_for_each_background_and_one_alternative_text_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let text = "---\ntitle: Sums\n---\n\nWords $E = mc^2$ and\n\n$$\n\\frac{a}{b}\n$$\n";
    // The colors of a corner and of the darkest and lightest pixel of each formula that is seen, and what it says.
    let script = r#"
        const seen = [...document.querySelectorAll('img')].filter((one) => one.checkVisibility());
        return seen.map((one) => {
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [one.naturalWidth, one.naturalHeight];
            const context = canvas.getContext('2d');
            context.drawImage(one, 0, 0);
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            let [low, high, clear] = [255, 0, false];
            for (let at = 0; at < data.length; at += 4) { low = Math.min(low, data[at]); high = Math.max(high, data[at]); clear ||= data[at + 3] < 255 }
            return one.alt + ':' + (data[0] > 128 ? 'light' : 'dark') + (high - low > 120 ? ' readable' : ' faint') + (clear ? ' clear' : '');
        }).join(' | ')"#;
    for (design, _) in SHIPPED {
        let html = letter(design, text);
        let Some(light) = ask(&html, script, 375, &[], folder.path()) else {
            return skip("chromium-headless-shell is not installed");
        };
        assert_eq!(light, "E = mc^2:light readable | \\frac{a}{b}:light readable", "{design}");
        let dark = ask(&html, script, 375, DARK, folder.path()).unwrap();
        assert_eq!(dark, light.replace("light", "dark"), "{design}");
        // Where a client recolors the letter itself or drops its rules, the picture brings a background of its own.
        let forced = ask(&html, script, 375, &["--blink-settings=forceDarkModeEnabled=true"], folder.path());
        assert_eq!(forced.unwrap(), light, "{design}");
        let start = html.find("<style").unwrap();
        let bare = html[start..].split("</style>").last().unwrap().to_owned();
        assert_eq!(ask(&bare, script, 375, DARK, folder.path()).unwrap(), light, "{design}");
    }
}
