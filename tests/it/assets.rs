//! Pictures and stored data: what is found, what is refused, and where a letter looks for it.

use std::{fs, path::Path};

use image::ImageFormat;
use mimeograph::{
    assets::{Assets, PicturePlace, vendor_folder, vendor_name},
    issue::{
        Issue, Phrase,
        document::{Block, BlockKind, Inline, Post, Video},
    },
    source::Severity,
};

use crate::support::newsletter::{block, figure, image, issue, newsletter, picture, words, write};

const ISSUE: &str = "issues/042/index.md";

fn loaded(root: &Path, issue: &Issue) -> (Assets, Vec<String>) {
    let (assets, diagnostics) = Assets::load(issue, &newsletter().picture_settings(), &[], root);
    (assets, diagnostics.iter().map(|found| format!("{} {}", found.code, found.message)).collect())
}

fn video(url: &str) -> Block {
    block(BlockKind::Video(Video { url: url.into(), title: None, still: None, caption: None }))
}

#[test]
fn a_picture_is_found_beside_the_issue_then_in_the_newsletters_folder() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "issues/042/a b.png", picture(40, 20, ImageFormat::Png));
    write(root.path(), "pictures/logo.jpg", picture(30, 10, ImageFormat::Jpeg));
    let blocks = vec![
        figure("a%20b.png"),
        figure("pictures/logo.jpg"),
        figure("../../pictures/logo.jpg"),
        figure("https://example.net/far.png"),
    ];
    let (assets, problems) = loaded(root.path(), &issue(ISSUE, "", blocks));
    assert_eq!(problems, Vec::<String>::new());
    let near = assets.picture("a%20b.png").unwrap();
    assert_eq!((near.width, near.height, near.media_type), (Some(40), Some(20), "image/png"));
    assert_eq!(near.path, "issues/042/a b.png");
    let address = assets.site_address(near);
    assert_eq!(address.as_deref(), Some("https://example.org/letters/issues/042/a%20b.png"));
    assert!(assets.address("a%20b.png").starts_with("cid:"));
    assert!(assets.address("a%20b.png").ends_with("@letters.example.org"));
    assert_eq!(assets.address("pictures/logo.jpg"), assets.address("../../pictures/logo.jpg"));
    assert_eq!(assets.address("https://example.net/far.png"), "https://example.net/far.png");
    let names: Vec<String> = assets.into_pictures().into_iter().map(|picture| picture.name).collect();
    assert_eq!(names, ["a b.png", "logo.jpg"]);
}

#[test]
fn nothing_outside_the_newsletters_folder_is_read() {
    let around = tempfile::tempdir().unwrap();
    let root = around.path().join("letters");
    write(around.path(), "secret.png", picture(4, 4, ImageFormat::Png));
    write(&root, "issues/042/inside.png", picture(4, 4, ImageFormat::Png));
    std::os::unix::fs::symlink(around.path().join("secret.png"), root.join("issues/042/link.png")).unwrap();
    let secret = around.path().join("secret.png").display().to_string();
    let file_url = format!("file://{secret}");
    let cases = [
        ("../../../secret.png", "M232"),
        (file_url.as_str(), "M231"),
        ("%2e%2e/%2e%2e/%2e%2e/secret.png", "M231"),
        ("..%2f..%2f..%2fsecret.png", "M231"),
        ("..\\..\\..\\secret.png", "M231"),
        ("C:/secret.png", "M231"),
        ("//example.org/secret.png", "M231"),
        ("inside.png\0.png", "M231"),
        ("data:image/png;base64,AAAA", "M231"),
        ("javascript:alert(1)", "M231"),
        ("", "M231"),
        (".", "M233"),
        ("nowhere/../../../secret.png", "M230"),
        ("link.png", "M232"),
    ];
    for (source, code) in cases {
        let (assets, problems) = loaded(&root, &issue(ISSUE, "", vec![figure(source)]));
        assert!(problems.len() == 1 && problems[0].starts_with(code), "{source:?}: {problems:?}");
        assert!(assets.picture(source).is_none(), "{source:?}");
    }
    // A whole path is one from the newsletter's folder or at its site, and leads nowhere else.
    let (assets, _) = loaded(&root, &issue(ISSUE, "", vec![figure(&secret)]));
    assert!(assets.picture(&secret).is_none() && assets.address(&secret).starts_with("https://example.org/"));
}

#[test]
fn a_missing_picture_is_reported_at_its_place_with_the_nearest_name() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "issues/042/sunrise.png", picture(4, 4, ImageFormat::Png));
    let text = "Hello\n\n![Sun](sunrize.png)\n";
    let mut picture = image("sunrize.png", "Sun");
    picture.span = 7..27;
    let paragraph = block(BlockKind::Paragraph(vec![Inline::Image(picture)]));
    let (_, diagnostics) = Assets::load(
        &issue(ISSUE, text, vec![paragraph]),
        &newsletter().picture_settings(),
        &[],
        root.path(),
    );
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(
        diagnostics[0].to_string(),
        "issues/042/index.md:3:1: the picture `sunrize.png` does not exist"
    );
    assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `sunrise.png`?"));
}

#[test]
fn what_is_no_picture_and_what_is_too_big_is_refused() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "issues/042/notes.png", "these are words");
    let mut big = picture(4, 4, ImageFormat::Png);
    big.resize(10 * 1024 * 1024 + 1, 0);
    write(root.path(), "issues/042/big.png", big);
    let blocks = vec![figure("notes.png"), figure("big.png")];
    let (_, problems) = loaded(root.path(), &issue(ISSUE, "", blocks));
    assert_eq!(
        problems,
        [
            "M233 `issues/042/notes.png` is not a picture",
            "M234 the picture `issues/042/big.png` is over 10 MB"
        ]
    );
}

#[test]
fn pictures_at_the_site_have_its_address_and_stay_out_of_the_letter() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "issues/042/é.png", picture(4, 4, ImageFormat::Png));
    let mut issue = issue(ISSUE, "", vec![figure("é.png")]);
    issue.head.pictures = Some("site".into());
    let (assets, problems) = loaded(root.path(), &issue);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(assets.place(), PicturePlace::Site);
    assert_eq!(assets.address("é.png"), "https://example.org/letters/issues/042/%C3%A9.png");
    assert!(assets.into_pictures().is_empty());

    issue.head.pictures = Some("sight".into());
    assert_eq!(loaded(root.path(), &issue).1, ["M235 pictures cannot be `sight`"]);
}

#[test]
fn relative_links_lead_to_the_site_and_need_one() {
    let root = tempfile::tempdir().unwrap();
    let link = |url: &str| Inline::Link {
        url: Phrase::plain(url),
        title: Phrase::default(),
        content: words("x"),
        span: 0..3,
    };
    let urls = ["../041.md", "files/a b.pdf", "#top", "mailto:ada@example.org", "https://example.net/x"];
    let issue = issue(ISSUE, "abc", vec![block(BlockKind::Paragraph(urls.map(link).to_vec()))]);
    let (assets, problems) = loaded(root.path(), &issue);
    assert_eq!(problems, Vec::<String>::new());
    // The issue's folder does not exist here, so its links are taken from the newsletter's folder.
    assert_eq!(
        urls.map(|url| assets.link(&Phrase::plain(url)).to_string()),
        [
            "https://example.org/041.md",
            "https://example.org/letters/files/a%20b.pdf",
            "#top",
            "mailto:ada@example.org",
            "https://example.net/x"
        ]
    );
    let mut without = newsletter();
    without.site = None;
    let (_, diagnostics) = Assets::load(&issue, &without.picture_settings(), &[], root.path());
    assert_eq!(diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["M236", "M236"]);

    fs::create_dir_all(root.path().join("issues/042")).unwrap();
    let (assets, _) = loaded(root.path(), &issue);
    assert_eq!(assets.href("../041.md"), "https://example.org/letters/issues/041.md");
}

#[test]
fn a_still_gets_its_play_mark_once_and_keeps_it_beside_the_issue() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "issues/042/still.jpg", picture(320, 180, ImageFormat::Jpeg));
    let shown = Video {
        url: "https://video.example/1".into(),
        title: Some("A talk".into()),
        still: Some(image("still.jpg", "")),
        caption: None,
    };
    let issue = issue(ISSUE, "", vec![block(BlockKind::Video(shown.clone()))]);
    let (assets, problems) = loaded(root.path(), &issue);
    assert_eq!(problems, Vec::<String>::new());
    let still = assets.video(&shown).still.unwrap();
    assert!(still.source.starts_with("vendor/still.play-"), "{}", still.source);
    let stored = root.path().join("issues/042").join(&still.source);
    assert_eq!(fs::read(&stored).unwrap(), &*assets.picture(&still.source).unwrap().bytes);
    assert_eq!(assets.into_pictures().len(), 1, "the bare still stays at home");

    // What lies there is taken, so a second build does not draw.
    fs::write(&stored, picture(7, 7, ImageFormat::Jpeg)).unwrap();
    let (again, _) = loaded(root.path(), &issue);
    assert_eq!(again.picture(&still.source).unwrap().width, Some(7));

    // Another still, another file.
    write(root.path(), "issues/042/still.jpg", picture(321, 180, ImageFormat::Jpeg));
    let (other, _) = loaded(root.path(), &issue);
    assert_ne!(other.video(&shown).still.unwrap().source, still.source);
}

#[test]
fn stored_data_fills_what_the_author_left_out() {
    let root = tempfile::tempdir().unwrap();
    let url = "https://social.example/@ada/1";
    let post = Post {
        url: url.into(),
        author: Some("Ada, in her own words".into()),
        handle: None,
        date: None,
        blocks: Vec::new(),
        image: None,
    };
    let issue = issue("issues/042.md", "", vec![block(BlockKind::Post(post.clone()))]);
    let (_, diagnostics) = Assets::load(&issue, &newsletter().picture_settings(), &[], root.path());
    assert_eq!((diagnostics[0].code, diagnostics[0].severity), ("M237", Severity::Warning));
    let help = diagnostics[0].help.as_deref().unwrap();
    assert!(
        help.starts_with("run `mimeo vendor issues/042.md`, or write what is to be shown: `::: "),
        "{help}"
    );

    let folder = vendor_folder(Path::new("issues/042.md"));
    assert_eq!(folder, Path::new("issues/042.vendor"));
    let file = folder.join(vendor_name(url)).with_extension("toml");
    let data = format!(
        "url = \"{url}\"\nauthor = \"Ada\"\nhandle = \"@ada\"\ntext = \"One\\ntwo\\n\\nthree\"\npicture = \"p.png\"\n"
    );
    write(root.path(), file.to_str().unwrap(), data);
    write(root.path(), "issues/042.vendor/p.png", picture(9, 9, ImageFormat::Png));
    let (assets, problems) = loaded(root.path(), &issue);
    assert_eq!(problems, Vec::<String>::new());
    let full = assets.post(&post);
    assert_eq!(full.author.as_deref(), Some("Ada, in her own words"));
    assert_eq!(full.handle.as_deref(), Some("@ada"));
    assert_eq!(full.blocks.len(), 2);
    assert_eq!(assets.picture(&full.image.unwrap().source).unwrap().width, Some(9));

    write(root.path(), file.to_str().unwrap(), "url = 1\n");
    let (_, diagnostics) = Assets::load(&issue, &newsletter().picture_settings(), &[], root.path());
    assert_eq!(diagnostics[0].code, "M238");
    assert!(diagnostics[0].place.to_string().ends_with(".toml:1:7"), "{}", diagnostics[0].place);
}

#[test]
fn a_bare_video_without_data_is_a_warning() {
    let root = tempfile::tempdir().unwrap();
    let (assets, problems) = loaded(root.path(), &issue(ISSUE, "", vec![video("https://video.example/2")]));
    assert_eq!(problems, ["M237 nothing is known about this video, so it is shown as a plain link"]);
    assert!(assets.into_pictures().is_empty());
}

#[test]
fn pictures_of_raw_html_are_found_too() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "issues/042/raw.png", picture(5, 6, ImageFormat::Png));
    let html =
        block(BlockKind::Html(Phrase::plain("<p><img alt='' src='raw.png'><a href='x.html'>x</a></p>")));
    let (assets, problems) = loaded(root.path(), &issue(ISSUE, "", vec![html]));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(assets.picture("raw.png").unwrap().height, Some(6));
}

#[test]
fn a_picture_from_the_root_is_in_the_newsletters_folder_or_at_its_site() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "pictures/kettle.png", picture(40, 20, ImageFormat::Png));
    let blocks = || vec![figure("/pictures/kettle.png"), figure("/elsewhere/a b.png")];
    let (assets, problems) = loaded(root.path(), &issue(ISSUE, "", blocks()));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(assets.picture("/pictures/kettle.png").unwrap().path, "pictures/kettle.png");
    assert_eq!(assets.address("/elsewhere/a b.png"), "https://example.org/elsewhere/a%20b.png");
    let without = mimeograph::render::Newsletter { site: None, ..newsletter() };
    let (_, found) = Assets::load(&issue(ISSUE, "", blocks()), &without.picture_settings(), &[], root.path());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "M230");
    assert!(found[0].help.as_deref().unwrap().contains("`elsewhere/a b.png`"), "{found:?}");
    for name in ["/../secret.png", "/", "//example.org/x.png", "/https://example.org/x.png", "/a\\b.png"] {
        let (assets, problems) = loaded(&root.path().join("pictures"), &issue(ISSUE, "", vec![figure(name)]));
        assert!(assets.picture(name).is_none(), "{name}: {problems:?}");
    }
}
