//! Templates that people write: what is wrong with them is said, and nothing they hold panics or hangs.

use std::path::Path;

use mimeograph::{render::Template, source::Diagnostics};
use proptest::prelude::*;

use crate::support::{
    letters::{self, filled},
    newsletter::{newsletter, write},
};

const HEAD: &str = "<mjml><mj-head><mj-preview>{{ issue.preheader }}</mj-preview></mj-head><mj-body>";
const FOOT: &str = "<mj-section><mj-column><mj-text><a href=\"{{ link.unsubscribe }}\">x</a> <a href=\"{{ link.view }}\">y</a> {{ newsletter.postal_address }}</mj-text></mj-column></mj-section></mj-body></mjml>";

fn load(files: &[(&str, &str)]) -> (Result<Template, Diagnostics>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(folder.path(), path, text);
    }
    (Template::load(folder.path(), "mine"), folder)
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let (template, folder) = load(files);
    let diagnostics = match template {
        Ok(template) => template.diagnostics,
        Err(diagnostics) => diagnostics,
    };
    let prefix = format!("{}/", folder.path().display());
    diagnostics
        .iter()
        .map(|one| {
            assert!(one.help.is_some(), "{one} has no help");
            format!("{} {one} ({})", one.code, one.help.as_deref().unwrap_or_default()).replace(&prefix, "")
        })
        .collect()
}

/// The problems of a template that is whole but for `middle`, which is on line 2 of its body.
fn middle(middle: &str) -> Vec<String> {
    problems(&[("mine.mjml", &format!("{HEAD}<!-- mimeo:content -->\n{middle}\n{FOOT}"))])
}

#[test]
fn unknown_components_and_attributes_are_named_with_their_places_and_the_nearest_name() {
    let table = [
        (
            "<mj-sectoin></mj-sectoin>",
            "M211 mine.mjml:2:1: unknown component `mj-sectoin` (did you mean `mj-section`?)",
        ),
        (
            "<div></div>",
            "M211 mine.mjml:2:1: unknown component `div` (HTML belongs in an mj-text or mj-raw; documentation.mjml.io lists the components)",
        ),
        (
            "<mj-carousel></mj-carousel>",
            "M211 mine.mjml:2:1: unknown component `mj-carousel` (most mail clients show a carousel's first picture only: use pictures)",
        ),
        (
            "<mj-section paddding=\"0px\" />",
            "M212 mine.mjml:2:13: `mj-section` has no attribute `paddding` (did you mean `padding`?)",
        ),
        (
            "<mj-text>x</mj-text>",
            "M213 mine.mjml:2:1: `mj-text` is not allowed in `mj-body` (it is allowed in mj-column, mj-hero)",
        ),
        (
            "<mj-section padding=\"1px\" padding=\"2px\" />",
            "M212 mine.mjml:2:27: duplicate attribute `padding` (keep one of them)",
        ),
        ("words", "M210 mine.mjml:2:1: text is not allowed between elements (put it into an `mj-text`)"),
        (
            "<!-- mimeo:contnet -->",
            "M224 mine.mjml:2:1: unknown slot `mimeo:contnet` (did you mean `mimeo:content`?)",
        ),
        (
            "<mj-include path=\"a.mjml\" />",
            "M222 mine.mjml:2:1: `a.mjml` cannot be included: file not found (the path is taken from the file that includes, for example path=\"partials/footer.mjml\")",
        ),
        (
            "<mj-include path=\"../../etc/passwd\" />",
            "M222 mine.mjml:2:1: `../../etc/passwd` leads out of the folder of templates (the path is taken from the file that includes, for example path=\"partials/footer.mjml\")",
        ),
        (
            "<mj-include path=\"/etc/passwd\" />",
            "M222 mine.mjml:2:1: `/etc/passwd` leads out of the folder of templates (the path is taken from the file that includes, for example path=\"partials/footer.mjml\")",
        ),
        (
            "<mj-include path=\"mine.mjml\" />",
            "M222 mine.mjml:2:1: `mine.mjml` includes itself (take one of the includes out)",
        ),
    ];
    for (text, problem) in table {
        assert_eq!(middle(text), [problem], "{text}");
    }
}

#[test]
fn a_template_without_what_the_law_asks_for_is_refused() {
    let found = problems(&[("mine.mjml", "<mjml><mj-body></mj-body></mjml>")]);
    let whats: Vec<&str> = found
        .iter()
        .filter_map(|line| line.split("the template has no ").nth(1)?.split(" (").next())
        .collect();
    assert_eq!(
        whats,
        [
            "place for the text of the issue",
            "unsubscribe link",
            "postal address",
            "link to the web version",
            "preheader"
        ]
    );
}

#[test]
fn includes_in_a_circle_end() {
    let a = format!("{HEAD}<!-- mimeo:content --><mj-include path=\"parts/b.mjml\" />{FOOT}");
    let found = problems(&[
        ("mine.mjml", &a),
        ("parts/b.mjml", "<mj-include path=\"c.mjml\" />"),
        ("parts/c.mjml", "<mj-include path=\"./b.mjml\" />"),
    ]);
    assert_eq!(found, ["M222 parts/c.mjml:1:1: `./b.mjml` includes itself (take one of the includes out)"]);
}

#[test]
fn a_symbolic_link_does_not_lead_out_of_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret.mjml", "<mj-section />");
    let newsletter = tempfile::tempdir().unwrap();
    let folder = newsletter.path().join("templates");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.mjml"), folder.join("in.mjml")).unwrap();
    write(&folder, "mine.mjml", format!("{HEAD}<!-- mimeo:content --><mj-include path=\"in.mjml\" />{FOOT}"));
    let found = Template::load(&folder, "mine").unwrap_err();
    assert!(found[0].message.contains("outside the newsletter's folder"), "{found:?}");
}

#[test]
fn a_missing_template_says_which_there_are() {
    let (template, _folder) = load(&[]);
    let found = template.unwrap_err();
    assert_eq!(found[0].help.as_deref(), Some("known names: announcement, digest, essay, magazine, plain"));
    let found = Template::load(Path::new("nowhere"), "defualt").unwrap_err();
    assert_eq!(found[0].help.as_deref(), Some("did you mean `default`?"));
    assert!(Template::load(Path::new("nowhere"), "../default").is_err());
    assert!(Template::load(Path::new("nowhere"), "digest").is_ok());
}

fn set(template: &str, issue: &str) -> Result<String, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "templates/mine.mjml", template);
    let mut newsletter = newsletter();
    newsletter.template = "mine".into();
    newsletter.archive = Some("https://example.org/archive/".into());
    letters::build(Path::new("issue.md"), issue, folder.path(), &folder.path().join("templates"), &newsletter)
        .map(|letter| filled(&letter.rendered.html))
        .map_err(|diagnostics| {
            diagnostics
                .iter()
                .map(|one| {
                    let line = one.to_string();
                    line.rsplit('/').next().unwrap_or_default().to_owned()
                })
                .collect()
        })
}

#[test]
fn names_in_templates_are_filled_for_where_they_are_and_unknown_ones_are_named() {
    let part = "<mj-section><mj-column><mj-text><!-- mimeo:if issue.mood --><i title='{{ issue.mood }}'>{{ issue.mood }}</i><!-- mimeo:else -->none<!-- mimeo:end --></mj-text><mj-button href=\"https://example.org/?q={{ issue.mood }}\">b</mj-button></mj-column></mj-section>";
    let template = format!("{HEAD}<!-- mimeo:content -->{part}{FOOT}");
    let html = set(&template, "---\ntitle: x\nmood: '\"<b>\" & ''é'' ?'\n---\n\nwords").unwrap();
    assert!(
        html.contains(
            "<i title='&quot;&lt;b&gt;&quot; &amp; &#39;é&#39; ?'>&quot;&lt;b&gt;&quot; &amp; 'é' ?</i>"
        ),
        "{html}"
    );
    assert!(html.contains("https://example.org/?q=%22%3Cb%3E%22%20%26%20%27%C3%A9%27%20%3F\""), "{html}");
    let found = set(&template, "---\ntitle: x\nmod: y\n---\n\nwords").unwrap_err();
    assert_eq!(found, ["mine.mjml:1:302: no value is known for `issue.mood`"]);
}

#[test]
fn a_condition_that_is_not_closed_is_named() {
    let template = format!("{HEAD}<!-- mimeo:content --><!-- mimeo:if issue.mood -->{FOOT}");
    let found = set(&template, "---\ntitle: x\n---\n\nwords").unwrap_err();
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("this `mimeo:if` has no `mimeo:end`"), "{found:?}");
}

#[test]
fn a_fence_of_mjml_is_set_and_its_mistakes_have_places_in_the_issue() {
    let issue = "---\ntitle: x\n---\n\n```mjml\n<mj-section><mj-column><mj-text>{{ subscriber.first_name }} é > 1</mj-text></mj-column></mj-section>\n```\n";
    let html = set(&format!("{HEAD}<!-- mimeo:content -->{FOOT}"), issue).unwrap();
    assert!(html.contains("Ada é > 1"), "{html}");
    let found =
        set(&format!("{HEAD}<!-- mimeo:content -->{FOOT}"), &issue.replace("mj-column>", "mj-colum>"))
            .unwrap_err();
    assert!(found[0].starts_with("issue.md:6:13: unknown component `mj-colum`"), "{found:?}");
}

#[test]
fn mail_clients_follow_no_strange_links() {
    let found =
        set(&format!("{HEAD}<!-- mimeo:content -->{FOOT}"), "---\ntitle: x\n---\n\n[x](javascript:alert)")
            .unwrap_err();
    assert!(found.iter().any(|line| line.contains("issue.md:5:1")), "{found:?}");
}

/// The page about templates, and the fences of a kind in it.
fn guide(kind: &str) -> (String, Vec<String>) {
    let guide = std::fs::read_to_string("docs/templates.md").unwrap();
    let opening = format!("\n```{kind}\n");
    let fences = guide.split(&opening).skip(1);
    let fences = fences.map(|part| part.split("\n```\n").next().unwrap().to_owned()).collect();
    (guide, fences)
}

#[test]
fn the_template_of_the_page_about_templates_sets_a_letter_without_a_complaint() {
    let (_, fences) = guide("mjml");
    let [template] = &fences[..] else { panic!("one template") };
    assert_eq!(problems(&[("mine.mjml", template)]), [] as [String; 0]);
    let html = set(template, "---\ntitle: Tea\nmood: patient\n---\n\nWords of the issue.").unwrap();
    for words in ["Mood: patient", "Words of the issue.", "Read on the web", "You get this letter because"] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!set(template, "---\ntitle: Tea\n---\n\nwords").unwrap().contains("Mood"));
}

#[test]
fn the_page_about_templates_names_every_setting_of_the_design_and_they_are_what_ships() {
    use mimeograph::{
        issue::Issue,
        render::{Design, Looks},
        source::Source,
    };
    let (_, fences) = guide("toml");
    let [settings] = &fences[..] else { panic!("one fence of settings") };
    let head = format!("+++\ntitle = \"x\"\n{settings}\n+++\n\nwords\n");
    let issue = Issue::parse(Source::new("issue.md", head)).unwrap();
    assert_eq!(issue.head.design.len(), 19);
    let mut design = Design::default();
    let mut diagnostics = Vec::new();
    let place = issue.source.place(0..0);
    design.overlay(&issue.head.design, &|_| place.clone(), &mut diagnostics);
    assert_eq!(diagnostics, []);
    assert_eq!(design.light, Design::default().light);
    assert_eq!(design.looks, Looks::default());
    assert_eq!(design.logo.as_ref().and_then(|logo| logo.width), Some(200));
    for color in mimeograph::render::COLORS {
        assert!(settings.contains(&format!("\n{color} = ")), "{color}");
    }
}

#[test]
fn every_name_on_the_page_about_templates_has_a_value() {
    let (guide, _) = guide("mjml");
    let table = guide.split("### Names").nth(1).unwrap().split("### Roles").next().unwrap();
    let names: Vec<&str> = table.split("{{ ").skip(1).filter_map(|rest| rest.split(" }}").next()).collect();
    assert!(names.len() > 15, "{names:?}");
    let texts: String =
        names.iter().map(|name| format!("[{{{{ {} }}}}]", name.replace("\\|", "|"))).collect();
    let text = format!("<mj-section><mj-column><mj-text>{texts}</mj-text></mj-column></mj-section>");
    let template = format!("{HEAD}<!-- mimeo:content -->{text}{FOOT}");
    let html = set(&template, "---\ntitle: x\nmood: y\n---\n\nwords");
    // `newsletter.motto` is someone's own, and this newsletter has none.
    assert_eq!(html.unwrap_err().len(), 1);
    set(&template.replace("[{{ newsletter.motto }}]", ""), "---\ntitle: x\nmood: y\n---\n\nwords").unwrap();
}

/// Pieces that are near enough to MJML to get deep into the reader.
fn shreds() -> impl Strategy<Value = String> {
    let shred = prop::sample::select(vec![
        "<mj-section>",
        "</mj-section>",
        "<mj-column>",
        "</mj-column>",
        "<mj-text>",
        "</mj-text>",
        "<mj-raw>",
        "</mj-raw>",
        "<mj-image src=\"a\" />",
        "<mj-button href='",
        "'>",
        "<mj-wrapper",
        " padding=\"0 1px\"",
        ">",
        "/>",
        "<!-- mimeo:if issue.title -->",
        "<!-- mimeo:end -->",
        "<!-- mimeo:else -->",
        "<!--",
        "-->",
        "<!-- mimeo:content -->",
        "<!-- mimeo:logo -->",
        "{{ issue.title }}",
        "{{ subscriber.a }}",
        "{{",
        "}}",
        "é >",
        "<p>",
        "<a href=\"{{ link.view }}",
        "\"",
        "'",
        "\r\n",
        " ",
        "<mj-include path=\"mine.mjml\" />",
        "=",
        "<mj-head>",
        "<mj-style>",
        "</mj-style>",
        "<mj-social>",
        "<mj-social-element>",
        "<mj-navbar>",
        "<mj-table>",
        "<mj-hero>",
        "mj-class=\"paper\"",
        "<mj-group>",
        "\u{0}",
        "\u{202e}",
    ]);
    prop::collection::vec(shred, 0..60).prop_map(|shreds| shreds.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_template_and_no_fence_panics(shreds in shreds()) {
        let whole = format!("{HEAD}<!-- mimeo:content -->{shreds}{FOOT}");
        drop(set(&whole, "---\ntitle: x\n---\n\nwords"));
        drop(set(&shreds, "words"));
        let fence = format!("---\ntitle: x\n---\n\n~~~~mjml\n{shreds}\n~~~~\n");
        if let Ok(html) = set(&format!("{HEAD}<!-- mimeo:content -->{FOOT}"), &fence) {
            prop_assert!(html.ends_with("</html>"));
        }
    }
}

#[test]
fn what_a_template_is_warned_of_comes_with_a_letter_that_was_built() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "templates/mine.mjml", "<mjml><mj-body><!-- mimeo:content --></mj-body></mjml>");
    let mut newsletter = newsletter();
    newsletter.template = "mine".into();
    let templates = folder.path().join("templates");
    let issue = "---\ntitle: x\n---\n\nWords.";
    let found = match letters::build(Path::new("issue.md"), issue, folder.path(), &templates, &newsletter) {
        Ok(built) => built.diagnostics,
        Err(found) => found,
    };
    assert!(found.iter().any(|one| one.code == "M223"), "{found:?}");
}

#[test]
fn links_on_a_light_background_of_the_templates_own_can_be_read_in_the_dark() {
    let own = "<mjml><mj-head><mj-preview>{{ issue.preheader }}</mj-preview></mj-head><mj-body background-color=\"#f4f4f4\">\
               <!-- mimeo:content --><mj-section><mj-column><mj-text>{{ newsletter.postal_address }} \
               <a href=\"{{ link.unsubscribe }}\">Leave</a> <a href=\"{{ link.view }}\" style=\"color:#123456\">View</a>\
               </mj-text></mj-column></mj-section><mj-section background-color=\"#111111\"><mj-column><mj-text>\
               <a href=\"https://example.org/dark\">Dark</a></mj-text></mj-column></mj-section></mj-body></mjml>";
    let html = set(own, "---\ntitle: x\n---\n\nWords.").unwrap();
    let style = |words: &str| {
        let at = html.find(&format!(">{words}</a>")).unwrap();
        html[html[..at].rfind("<a ").unwrap()..at].rsplit_once(" style=").map(|(_, style)| style.to_owned())
    };
    assert_eq!(style("Leave").as_deref(), Some("\"color:#9a3412\""));
    assert_eq!(style("View").as_deref(), Some("\"color:#123456\""));
    assert_eq!(style("Dark").as_deref(), Some("\"color:#f2a883\""));
    // A background of the text alone stays light too.
    let own = format!(
        "{HEAD}<mj-section mj-class=\"paper\"><mj-column><mj-text container-background-color=\"#fff8e0\">Light</mj-text>\
         </mj-column></mj-section><!-- mimeo:content -->{FOOT}"
    );
    let html = set(&own, "---\ntitle: x\n---\n\nWords.").unwrap();
    let cell = html[..html.find("Light").unwrap()].rsplit_once("<td").unwrap().1;
    assert!(cell.contains("class=\"o\"") && !cell.contains("class=\"t"), "{cell}");
}

#[test]
fn attributes_that_change_nothing_are_warned_of_and_no_help_is_an_empty_list() {
    let with = |head: &str| {
        let folder = tempfile::tempdir().unwrap();
        let template =
            format!("<mjml><mj-head>{head}</mj-head><mj-body><!-- mimeo:content --></mj-body></mjml>");
        write(folder.path(), "mine.mjml", &template);
        let found = match Template::load(folder.path(), "mine") {
            Ok(template) => template.diagnostics,
            Err(found) => found,
        };
        let one = found.into_iter().find(|one| one.code == "M212").unwrap();
        (one.is_error(), one.help.unwrap())
    };
    let (is_error, help) = with("<mj-style inline=\"inline\">.x { color: #123456 }</mj-style>");
    assert!(!is_error && help.starts_with("rules stay in the head"), "{help}");
    assert_eq!(
        with("<mj-style colour=\"x\">.x { color: #123456 }</mj-style>"),
        (true, "it takes no attributes".into())
    );
}

#[test]
fn programs_of_apple_do_not_make_blue_links_of_dates_and_addresses() {
    let html =
        set(&format!("{HEAD}<!-- mimeo:content -->{FOOT}"), "---\ntitle: x\n---\n\nOn 3 May 2026.").unwrap();
    assert!(html.contains(
        "<meta name=\"format-detection\" content=\"telephone=no,date=no,address=no,email=no,url=no\">"
    ));
    assert!(html.contains("a[x-apple-data-detectors]{color:inherit!important"));
}

#[test]
fn texts_of_the_owner_replace_those_of_the_program_and_are_checked() {
    let project = crate::support::project::Project::new()
        .file("issues/one.md", "---\ntitle: One\nlanguage: de\n---\n\n> [!NOTE]\n> Hallo.\n");
    project.write(
        "templates/texts/de.toml",
        "[alerts]\nnote = \"Achtung\"\n\n[text]\nunsubscribe = \"Tschüs\"\n",
    );
    project.run(["build", "one", "-o", "out"]).code(0);
    let text = project.read("out/one.txt");
    assert!(text.contains("ACHTUNG") && text.contains("Tschüs: ") && !text.contains("Hinweis"), "{text}");
    assert!(project.read("out/one.html").contains("Achtung"));
    project.write(
        "templates/texts/de.toml",
        "[alerts]\nnot = \"x\"\n\n[letters]\na = \"b\"\n\n[date]\nday = \"{d}. {m}\"\n\n[service]\nunsubscribe_titel = \"x\"\n",
    );
    project.write("templates/texts/German.toml", "");
    project
        .run(["build", "one"])
        .code(3)
        .stderr_has("templates/texts/de.toml:2:1")
        .stderr_has("unknown text `alerts.not`")
        .stderr_has("did you mean `note`?")
        .stderr_has("unknown section `letters`")
        .stderr_has("`date.day` cannot be used: it must have the same names in braces as ours")
        .stderr_has("did you mean `unsubscribe_title`?")
        .stderr_has("`German` is not the name of a language's file");
}
