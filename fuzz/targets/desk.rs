//! What both targets share: a newsletter, and the way from an issue's text to its letter.

use std::{collections::BTreeMap, path::Path};

use mimeograph::{
    issue::Issue,
    render::{
        self, Frame, Mailbox, Assets, Newsletter, Page, PicturePaths, PicturePlace, RenderedIssue, Template,
        Unsubscribe,
    },
    source::{Diagnostics, Source},
    subscriber::EmailAddress,
};

/// A newsletter with all that a letter needs.
pub fn newsletter() -> Newsletter {
    let address = EmailAddress::parse("ada@example.org").expect("an address");
    Newsletter {
        name: "Gradient Ascent".into(),
        tagline: None,
        language: "en".into(),
        site: Some("https://example.org/".into()),
        archive: Some("https://example.org/archive/".into()),
        postal_address: Some("1 Example Street, Exampletown".into()),
        from: Mailbox { name: None, address: address.clone() },
        reply_to: None,
        bounces: address,
        list_id: "letters.example.org".into(),
        unsubscribe: Unsubscribe::default(),
        pictures: PicturePlace::Inside,
        template: "mine".into(),
        design: BTreeMap::new(),
        headers: BTreeMap::new(),
        fields: BTreeMap::new(),
    }
}

/// The letter of an issue in a template's folder; `None` when either is refused. Every refusal must name its place.
pub fn press(text: &str, templates: &Path, name: &str) -> Option<RenderedIssue> {
    let newsletter = newsletter();
    let frame = Frame { slug: "a-letter".into(), date: "2024-02-29T08:00:00Z".parse().expect("a time") };
    let issue = sound(Issue::parse(Source::new("issues/a-letter.md", text)))?;
    let template = sound(Template::load(templates, name))?;
    // No picture exists there, so that a run reads no file of the machine.
    let (assets, noticed) = Assets::load(&issue, &newsletter, &template.pictures(), templates);
    print(&noticed);
    let (rendered, noticed) = sound(render::render(&issue, &newsletter, &template, &assets, &frame))?;
    print(&noticed);
    let (design, _) = render::design(&issue, &newsletter, &template);
    let page = Page { slug: "a-letter", address: None, pictures: PicturePaths::Folder("") };
    assert!(render::web_page(&issue, &newsletter, &assets, &design, page).ends_with("</html>\n"));
    Some(rendered)
}

fn sound<T>(made: Result<T, Diagnostics>) -> Option<T> {
    made.map_err(|found| {
        assert!(!found.is_empty(), "refused without a reason");
        print(&found);
    })
    .ok()
}

/// Diagnostics are printed from spans, which must fit the text.
fn print(found: &Diagnostics) {
    for one in found {
        assert!(!one.to_string().is_empty());
    }
}
