//! The designs and palettes that come with the program: that they can be listed, shown and copied, that they differ as they
//! say, and what a browser measures of them.
//!
//! `MIMEO_PICTURES=folder` keeps screenshots of each design with five issues, in five ways and at two widths.

use std::{fs, path::Path};

use mimeograph::render::{Newsletter, SHIPPED};

use crate::{
    pictures::{self, FAINT},
    support::{
        digest::link_digest,
        letters::{self, filled},
        newsletter::newsletter,
        project::{Project, repository},
        skip,
    },
};

const JAPANESE: &str = "---\ntitle: 静かな一週間\nlanguage: ja\nnumber: 7\ndate: 2024-02-29\n---\n\n\
    一月の最初の週は、誰も何も出荷しない唯一の週です。会議の締め切りは過ぎ、計算機は他の人の仕事で暖かい。\n\n\
    ## リンク\n\n- [一つ目のリンク](https://example.org/1)\n- [二つ目のリンク](https://example.org/2)\n\n\
    > 導入部は著者が覚えてほしいことを語る。\n\n[読む](https://example.org/ \"button\")\n";

/// Five issues, by name: a short letter, everything at once, a long list of links, right to left, and without spaces.
fn issues() -> Vec<(&'static str, String, &'static str)> {
    let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    vec![
        ("sample", read("issues/2023-01-06-the-quiet-week.md"), "issues"),
        ("kitchen-sink", read("tests/fixtures/kitchen-sink/index.md"), "tests/fixtures/kitchen-sink"),
        ("links", link_digest(), "."),
        (
            "right-to-left",
            read("tests/fixtures/compose/from-right-to-left/issue.md"),
            "tests/fixtures/compose/from-right-to-left",
        ),
        ("japanese", JAPANESE.to_owned(), "."),
    ]
}

fn letter(design: &str, text: &str, folder: &str) -> String {
    let newsletter = Newsletter { template: design.into(), ..newsletter() };
    let root = repository().join(folder);
    let built =
        letters::build(&root.join("index.md"), text, &root, &repository().join("templates"), &newsletter);
    filled(&built.unwrap().rendered.html)
}

#[test]
fn designs_and_palettes_are_listed_and_the_chosen_ones_are_marked() {
    let project = Project::new();
    let all = project.run(["templates"]).code(0).stdout;
    for name in
        ["essay", "digest", "plain", "magazine", "announcement", "ember", "harbor", "moss", "plum", "ink"]
    {
        assert!(all.lines().any(|line| line.split_whitespace().any(|word| word == name)), "{name}: {all}");
    }
    assert!(all.contains("* essay"), "{all}");
    let settings = project.read("mimeo.toml").replace("[sender]", "template = \"digest\"\n[sender]");
    project.write("mimeo.toml", format!("{settings}\n[design]\npalette = \"moss\"\n"));
    project.write("templates/mine.mjml", "x");
    let all = project.run(["templates"]).code(0).stdout;
    assert!(all.contains("* digest") && all.contains("* moss") && all.contains("  mine"), "{all}");
}

#[test]
fn a_design_is_copied_to_be_changed_and_no_file_is_replaced() {
    let project = Project::new();
    project.run(["templates", "eject", "digest", "--as", "weekly"]).code(0);
    let text = project.read("templates/weekly.mjml");
    assert!(text.contains("headings = \"ruled\""));
    let again = project.run(["templates", "eject", "digest", "--as", "weekly"]).code(3);
    assert!(again.stderr.contains("already exists"), "{again}");
    let unknown = project.run(["templates", "eject", "digset"]).code(3);
    assert!(unknown.stderr.contains("known designs: essay, digest"), "{unknown}");
    // The copy is a template like any other.
    project.write("issues/1-one.md", "---\ntitle: One\nnumber: 1\ntemplate: weekly\n---\n\nHello.\n");
    project.write(
        "templates/weekly.mjml",
        text.replace("{{ issue.title }}</h1>", "{{ issue.title }}, changed</h1>"),
    );
    project.run(["build", "1"]).code(0);
    assert!(project.read("build/1-one.html").contains("One, changed"));
}

#[test]
fn an_issue_is_shown_in_every_design_and_palette() {
    let project = Project::new();
    project.run(["templates", "preview", "--no-open", "-o", "sample"]).code(0);
    assert!(project.read("sample/index.html").contains("A sample letter"));
    project.write("issues/1-one.md", "---\ntitle: One & two\nnumber: 1\n---\n\nHello, reader.\n");
    project.run(["templates", "preview", "--no-open", "-o", "shown"]).code(0);
    let page = project.read("shown/index.html");
    assert!(page.contains("One &amp; two") && !page.contains("<script"), "{page}");
    for (name, _) in SHIPPED {
        for scheme in ["light", "dark"] {
            assert!(page.contains(&format!("src=\"{name}-{scheme}.html\"")), "{name}");
            assert!(project.read(&format!("shown/{name}-{scheme}.html")).contains("Hello, reader."));
        }
    }
    // A palette replaces the colors, light and dark.
    assert!(project.read("shown/moss-light.html").contains("#eff2ea"));
    assert!(project.read("shown/moss-dark.html").contains("#101411"));
}

#[test]
fn the_name_default_is_the_essay_and_a_file_of_that_name_goes_before_it() {
    let project = Project::new();
    project.write("issues/1-one.md", "---\ntitle: One\nnumber: 1\n---\n\nHello.\n");
    project.run(["build", "1"]).code(0);
    let essay = project.read("build/1-one.html");
    let settings = project.read("mimeo.toml");
    for name in ["default", "essay"] {
        project
            .write("mimeo.toml", settings.replace("[sender]", &format!("template = \"{name}\"\n[sender]")));
        project.run(["build", "1"]).code(0);
        assert_eq!(project.read("build/1-one.html"), essay, "{name}");
    }
    project.write("mimeo.toml", settings);
    let own = fs::read_to_string(repository().join("templates/plain.mjml")).unwrap();
    project.write("templates/default.mjml", own);
    project.run(["build", "1"]).code(0);
    assert_ne!(project.read("build/1-one.html"), essay);
}

#[test]
fn a_digest_counts_its_links_and_a_plain_letter_has_no_background_and_no_title() {
    let text = "---\ntitle: A title\n---\n\nGood morning,\n\n## One\n\n- [a](https://example.org/a)\n- [b](https://example.org/b)\n";
    let digest = letter("digest", text, ".");
    let heading = digest.split("<h2").nth(1).unwrap().split("</h2>").next().unwrap();
    assert!(heading.contains("One") && heading.contains(">2</small>"), "{heading}");
    assert!(digest.contains("list-style-type:none") && digest.contains("2\u{a0}links"));
    let plain = letter("plain", text, ".");
    let body = plain.split("<body").nth(1).unwrap();
    let before = body.split("Good morning").nth(1).unwrap();
    assert!(!body.contains("<h1") && !body.contains("background-color"), "{body}");
    assert!(!before.contains("font-weight:bold"), "{before}");
    assert!(!plain.contains("body,.G"), "{plain}");
    let essay = letter("essay", text, ".");
    assert!(!essay.contains("</small>"));
}

#[test]
fn rows_of_a_digest_say_what_kind_of_page_their_links_lead_to() {
    let text = "---\ntitle: A title\n---\n\n## One\n\n- [a](https://arxiv.org/abs/1), long\n- [b](https://github.com/a/b)\n\
                - [c](https://www.youtube.com/watch?v=1) and [d](https://vimeo.com/1)\n- [e](https://example.org/)\n\n\
                ## Two\n\n- [f](https://github.com/a/1)\n- [g](https://github.com/a/2)\n- [h](https://gitlab.com/a/3)\n";
    let marks = |html: &str| -> Vec<String> {
        html.split("</a> <i>").skip(1).map(|part| part.split("</i>").next().unwrap().to_owned()).collect()
    };
    // A kind that all rows of a list have goes without saying.
    assert_eq!(marks(&letter("digest", text, ".")), ["paper", "code", "video"]);
    assert_eq!(marks(&letter("essay", text, ".")), [] as [&str; 0]);
    let german = text.replace("title: A title", "title: A title\nlanguage: de");
    assert_eq!(marks(&letter("digest", &german, ".")), ["Aufsatz", "Code", "Video"]);
    let off = text.replace("title: A title", "title: A title\ndesign: { kinds: false }");
    assert_eq!(marks(&letter("digest", &off, ".")), [] as [&str; 0]);
    let on = text.replace("title: A title", "title: A title\ndesign: { kinds: true, lists: rows }");
    assert_eq!(marks(&letter("essay", &on, ".")).len(), 3);
    let folder = tempfile::tempdir().unwrap();
    let script = "const one = getComputedStyle(document.querySelector('a+i')); return one.fontStyle + ' ' + one.fontSize";
    let Some(found) = pictures::ask(&letter("digest", text, "."), script, 375, &[], folder.path()) else {
        return skip("chromium-headless-shell is not installed");
    };
    assert_eq!(found, "normal 12px");
}

#[test]
fn the_footer_links_to_what_the_settings_name_in_the_language_of_the_issue() {
    let project = Project::new();
    let settings = project.read("mimeo.toml");
    project.write(
        "mimeo.toml",
        format!(
            "{settings}\n[footer]\nsubscribe = \"https://example.org/join\"\npreferences = \"https://example.org/choose\"\n\
             feed = \"https://example.org/feed.xml\"\nreply = true\n[footer.social]\nMastodon = \"https://social.example.org/@a\"\n"
        ),
    );
    project.write("issues/1-one.md", "---\ntitle: One\nnumber: 1\n---\n\nHello.\n");
    project.run(["build", "1"]).code(0);
    let html = project.read("build/1-one.html");
    for wanted in [
        "You get this letter because you subscribed to Small Steps.",
        "href=\"https://example.org/join\"",
        "href=\"https://example.org/choose\"",
        "href=\"https://example.org/feed.xml\"",
        "href=\"mailto:ada@example.org\"",
        ">Mastodon</a>",
    ] {
        assert!(html.contains(wanted), "{wanted}: {html}");
    }
    project.write("issues/2-zwei.md", "---\ntitle: Zwei\nnumber: 2\nlanguage: de\n---\n\nHallo.\n");
    project.run(["build", "2"]).code(0);
    assert!(project.read("build/2-zwei.html").contains(">Abmelden</a>"));
    project.write("mimeo.toml", format!("{settings}\n[footer.social]\nMastodon = \"@a\"\n"));
    let wrong = project.run(["build", "1"]).code(3);
    assert!(wrong.stderr.contains("`footer.social.Mastodon` is not a valid http or https URL"), "{wrong}");
}

#[test]
fn a_cover_and_a_subtitle_are_above_the_text_where_the_design_has_a_place() {
    let text = "---\ntitle: A title\nsubtitle: What it is about\ncover: square.png\ncover_alt: A red square\n---\n\nHello.\n";
    let folder = "tests/fixtures/kitchen-sink";
    let picture = fs::read_dir(repository().join(folder).join("pictures"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .find(|name| name.ends_with(".png"))
        .unwrap();
    let text = text.replace("square.png", &format!("pictures/{picture}"));
    for (design, _) in SHIPPED {
        let html = letter(design, &text, folder);
        let at = html.find("alt=\"A red square\"");
        assert_eq!(at.is_some(), design != "plain", "{design}");
        if let Some(at) = at {
            assert!(at < html.rfind("Hello.").unwrap(), "{design}");
        }
        assert_eq!(html.contains("What it is about"), !matches!(design, "plain" | "digest"), "{design}");
    }
    let newsletter = newsletter();
    let missing = text.replace(&picture, "nowhere.png");
    let root = repository().join(folder);
    let found = letters::build(&root.join("index.md"), &missing, &root, &root, &newsletter).unwrap_err();
    assert!(found.iter().any(|one| one.is_error() && one.message.contains("nowhere.png")));
}

/// How far the first words are below the top, how tall the first button is, and how tall two headings are.
const MEASURES: &str = r"
    const all = [...document.querySelectorAll('p, h2, td')];
    const first = [...document.querySelectorAll('p')].find(p => p.textContent.startsWith('Good morning'));
    const button = [...document.querySelectorAll('a')].find(a => a.textContent === 'Press');
    const [words, emoji] = document.querySelectorAll('h2');
    const inner = h => { const s = getComputedStyle(h); return h.clientHeight - parseFloat(s.paddingTop) };
    return [Math.round(first.getBoundingClientRect().top), Math.round(button.closest('td').getBoundingClientRect().height),
        inner(words), inner(emoji)].join(' ')";

#[test]
fn heads_are_low_on_a_phone_buttons_fit_a_thumb_and_emoji_do_not_raise_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = "---\ntitle: This week in kettles, number 642\nnumber: 642\ndate: 2024-02-29\nauthor: Ada Example\n---\n\n\
                Good morning, this is a letter.\n\n## Words\n\n[Press](https://example.org/ \"button\")\n\n## 📏 Words\n\nEnd.\n";
    for (design, _) in SHIPPED {
        let html = letter(design, text, ".");
        let Some(found) = pictures::ask(&html, MEASURES, 375, &[], folder.path()) else {
            return skip("chromium-headless-shell is not installed");
        };
        let found: Vec<f64> = found.split(' ').map(|one| one.parse().unwrap()).collect();
        eprintln!("{design}: {found:?}");
        assert!(found[0] <= 180.0, "{design}: the first words are {} pixels below the top", found[0]);
        assert!((44.0..=46.0).contains(&found[1]), "{design}: a button is {} pixels tall", found[1]);
        assert!((found[2] - found[3]).abs() < 0.5, "{design}: headings of {} and {}", found[2], found[3]);
    }
}

#[test]
fn a_light_logo_begins_where_the_words_begin_and_keeps_its_plate_where_a_client_recolors_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let text = "---\ntitle: A title\nnumber: 7\ndesign:\n  logo: { light: pictures/hill.png, width: 120 }\n---\n\nHello.\n";
    let script = r"
        const plate = document.querySelector('.K'), logo = plate.querySelector('img');
        const words = [...document.querySelectorAll('p')].find(p => p.textContent === 'Hello.');
        const box = plate.getBoundingClientRect(), style = getComputedStyle(plate);
        const middle = box => (box.left + box.right) / 2;
        const aside = Math.round(logo.getBoundingClientRect().left - words.getBoundingClientRect().left);
        const off = Math.round(middle(logo.getBoundingClientRect()) - middle(words.getBoundingClientRect()));
        return [Math.abs(off) < 2 ? 'centered' : aside, Math.round(box.width),
            style.backgroundImage.match(/rgb\([^)]*\)/)[0].replaceAll(' ', ''),
            document.documentElement.scrollWidth].join(' ')";
    // The plate has the color of what is below it, so that it is not seen in the light.
    for (design, place, below) in [
        ("essay", "0", "rgb(255,254,251)"),
        ("digest", "0", "rgb(255,255,255)"),
        ("announcement", "centered", "rgb(239,242,234)"),
    ] {
        let html = letter(design, text, "tests/fixtures");
        for (pixels, flags) in
            [(375, &[][..]), (700, &[]), (375, &["--blink-settings=preferredColorScheme=0"])]
        {
            let Some(found) = pictures::ask(&html, script, pixels, flags, folder.path()) else {
                return skip("chromium-headless-shell is not installed");
            };
            assert_eq!(found, format!("{place} 140 {below} {pixels}"), "{design} at {pixels}");
        }
    }
    // One with a picture for the dark needs no plate.
    let both = text.replace("width: 120", "dark: pictures/face.png, width: 120");
    assert!(!letter("essay", &both, "tests/fixtures").contains("linear-gradient"));
}

#[test]
fn every_design_can_be_read_in_every_script_and_is_no_wider_than_a_phone() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "const faint = (() => {{{FAINT}}})(); return document.documentElement.scrollWidth + ' ' + faint"
    );
    let dark: &[&str] = &["--blink-settings=preferredColorScheme=0"];
    let mut wrong = Vec::new();
    for (name, text, root) in issues() {
        if !matches!(name, "right-to-left" | "japanese") {
            continue;
        }
        for (design, _) in SHIPPED {
            let html = letter(design, &text, root);
            for (way, flags) in [("light", &[][..]), ("dark", dark)] {
                let Some(found) = pictures::ask(&html, &script, 375, flags, folder.path()) else {
                    return skip("chromium-headless-shell is not installed");
                };
                if found.trim() != "375" {
                    wrong.push(format!("{design} {name} {way}: {found}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_screenshot_of_a_design_has_its_size_and_is_not_blank() {
    let folder = tempfile::tempdir().unwrap();
    let html = letter("essay", "---\ntitle: A title\nnumber: 7\n---\n\nHello.\n", ".");
    pictures::keep("essay", &html, folder.path());
    let shots = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    if shots.is_empty() {
        return skip("chromium-headless-shell is not installed");
    }
    assert_eq!(shots.len(), 10, "five ways at two widths: {shots:?}");
    for shot in shots {
        let name = shot.file_stem().unwrap().to_string_lossy().into_owned();
        let picture = image::open(&shot).unwrap().into_luma8();
        assert!(name.ends_with(&format!("-{}", picture.width())), "{name} is {} wide", picture.width());
        let words = image::imageops::crop_imm(&picture, 0, 0, picture.width(), 1_000).to_image();
        let (darkest, lightest) =
            (words.pixels().min_by_key(|one| one.0), words.pixels().max_by_key(|one| one.0));
        let (darkest, lightest) = (darkest.unwrap().0[0], lightest.unwrap().0[0]);
        assert!(lightest - darkest > 120, "{name} is blank");
        // The corner has the letter's background. What a forced dark makes of it is the browser's affair.
        if !name.contains("forced") {
            let is_dark = picture.get_pixel(2, 2).0[0] < 128;
            assert_eq!(is_dark, name.contains("-dark-"), "{name}");
        }
    }
}

#[test]
fn designs_can_be_looked_at() {
    let Some(target) = std::env::var_os("MIMEO_PICTURES") else { return };
    for (name, text, root) in issues() {
        for (design, _) in SHIPPED {
            let newsletter = Newsletter { template: design.into(), ..newsletter() };
            let html = letters::seen(&text, &repository().join(root), &newsletter);
            pictures::keep(&format!("design-{design}-{name}"), &html, Path::new(&target));
        }
    }
}
