//! What the targets share: a newsletter, and the way from an issue's text to its letter.

use std::path::Path;

use mimeograph::{
    archive::{self, Page, PicturePaths},
    render::{
        self, BuildContext, Mailbox, Newsletter, RenderedIssue, Unsubscribe,
    },
    source::{Diagnostics, Source},
    address::EmailAddress,
};

/// A newsletter with all that a letter needs.
pub fn newsletter() -> Newsletter {
    let address = EmailAddress::parse("ada@example.org").expect("an address");
    Newsletter {
        site: Some("https://example.org/".into()),
        archive: Some("https://example.org/archive/".into()),
        postal_address: Some("1 Example Street, Exampletown".into()),
        list_id: "letters.example.org".into(),
        unsubscribe: Unsubscribe::default(),
        template: "mine".into(),
        ..Newsletter::new("Gradient Ascent", Mailbox { name: None, address })
    }
}

/// The letter of an issue in a template's folder; `None` when either is refused. Every refusal must name its place.
pub fn build(text: &str, templates: &Path, name: &str) -> Option<RenderedIssue> {
    let newsletter = Newsletter { template: name.into(), ..newsletter() };
    // No picture exists there, so that a run reads no file of the machine.
    let context = BuildContext {
        newsletter: &newsletter,
        root: templates,
        templates: templates.to_owned(),
        settings: Path::new("mimeo.toml"),
        math: mimeograph::assets::MathCommand::None,
        template: None,
        now: "2024-02-29T08:00:00Z".parse().expect("a time"),
    };
    let built = match render::build(Source::new("issues/a-letter.md", text), "a-letter", &context) {
        Ok(built) => built,
        Err(error) => {
            assert!(!error.diagnostics.is_empty(), "refused without a reason");
            print(&error.diagnostics);
            return None;
        }
    };
    print(&built.diagnostics);
    let (design, _) = render::design(&built.issue, &newsletter, &built.template);
    let page = Page { slug: "a-letter", address: None, pictures: PicturePaths::Folder("") };
    assert!(archive::web_page(&built.issue, &newsletter, &built.assets, &design, page).ends_with("</html>\n"));
    Some(built.rendered)
}

/// Diagnostics are printed from spans, which must fit the text.
fn print(found: &Diagnostics) {
    for one in found {
        assert!(!one.to_string().is_empty());
    }
}
