//! Formulas as pictures, drawn by a command of the owner's.

use image::ImageFormat;
use mimeograph::render::{Color, Design};

use crate::support::{
    letters,
    newsletter::{newsletter, picture},
    project::{LEAST, Project, repository},
};

const ISSUE: &str = "---\ntitle: Sums\n---\nWords $E = mc^2$ and again $E = mc^2$.\n\n$$\n\\frac{a}{b}\n$$\n";

/// A newsletter whose formulas are drawn by this script, which a shell reads.
fn project(script: &str) -> Project {
    Project::new()
        .file("mimeo.toml", format!("{LEAST}\n[math]\ncommand = [\"sh\", \"draw.sh\", \"{{style}}\"]\n"))
        .file("draw.sh", script)
        .file("ink.png", picture(40, 20, ImageFormat::Png))
        .file("issues/sums.md", ISSUE)
}

#[test]
fn each_formula_is_drawn_once_and_kept_beside_the_issue() {
    let project = project("{ echo \"$1:\"; cat; } >> asked.txt; cat ink.png");
    project.run(["build", "sums", "--trust"]).code(0);
    assert_eq!(project.read("asked.txt"), "inline:\nE = mc^2\ndisplay:\n\\frac{a}{b}\n");
    let drawn = project.list("issues/sums.vendor");
    assert_eq!(drawn.len(), 2, "{drawn:?}");
    let html = project.read("build/sums.html");
    // Two pixels of the file are one on the page, and the ink has white around it.
    let inline = "alt=\"E = mc^2\" width=\"26\" height=\"16\"";
    assert_eq!(html.matches(inline).count(), 2, "{html}");
    assert!(html.contains("alt=\"\\frac{a}{b}\" width=\"40\" height=\"30\""), "{html}");
    let text = project.read("build/sums.txt");
    assert!(
        text.contains("E = mc^2") && text.contains("    \\frac{a}{b}") && !text.contains("Image"),
        "{text}"
    );
    for name in drawn {
        let picture = image::open(project.path(&format!("issues/sums.vendor/{name}"))).unwrap();
        assert!(!picture.color().has_alpha());
        assert_eq!(
            picture.to_rgb8().get_pixel(0, 0).0,
            [255; 3],
            "dark ink is not left on a dark background"
        );
    }
    // Without the command what was drawn still serves, also on the web.
    project.write("mimeo.toml", LEAST);
    project.run(["build", "sums", "--web"]).code(0).stderr_has("index.html");
    assert!(project.read("build/sums/index.html").contains("alt=\"E = mc^2\""));
    assert_eq!(project.read("asked.txt").lines().count(), 4);
}

#[test]
fn a_formula_that_a_command_drew_in_black_has_a_picture_for_the_dark() {
    let design = Design::default();
    let rgb = |color: Color| [color.0, color.1, color.2];
    let ink = |color: [u8; 3]| {
        let picture = image::RgbaImage::from_fn(40, 20, |x, _| {
            image::Rgba([color[0], color[1], color[2], if x < 20 { 255 } else { 0 }])
        });
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    // A command that draws in a color has its reasons: that picture stays as it is, on its white plate.
    for (color, pictures) in [([0, 0, 0], 4), ([200, 0, 0], 2)] {
        let project = project("cat > /dev/null; cat ink.png").file("ink.png", ink(color));
        project.run(["build", "sums", "--trust"]).code(0);
        let (issue, templates) = (project.path("issues/sums.md"), repository().join("templates"));
        let built = letters::build(&issue, ISSUE, &project.path(""), &templates, &newsletter()).unwrap();
        let html = letters::filled(&built.rendered.html);
        assert_eq!(html.matches("class=\"F\"").count(), if pictures == 4 { 3 } else { 0 }, "{html}");
        let drawn: Vec<_> =
            built.rendered.pictures.iter().filter(|one| one.name.contains("formula-")).collect();
        assert_eq!(drawn.len(), pictures);
        for one in drawn.iter().filter(|one| one.name.ends_with("-dark.png")) {
            let picture = image::load_from_memory(&one.bytes).unwrap().into_rgb8();
            assert_eq!(
                picture.get_pixel(0, 0).0,
                rgb(design.dark.paper),
                "the plate is the paper in the dark"
            );
            let middle = (picture.width() / 2 - 5, picture.height() / 2);
            assert_eq!(picture.get_pixel(middle.0, middle.1).0, rgb(design.dark.text), "the ink is its text");
        }
    }
}

#[test]
fn a_formula_that_cannot_be_drawn_stays_tex_and_says_why() {
    for (script, why) in [
        ("echo '! Undefined control sequence.' >&2; exit 3", "exit status: 3: ! Undefined control sequence."),
        ("echo words", "its output is not a PNG picture"),
        ("cat > /dev/null", "it wrote nothing"),
        ("head -c 2000000 /dev/zero", "the picture is larger than 1 MB"),
    ] {
        let project = project(script);
        let ran =
            project.run(["build", "sums", "--trust"]).code(0).stderr_has("warning[M242]").stderr_has(why);
        assert_eq!(ran.stderr.matches("M242").count(), 2, "{ran}");
        ran.stderr_has("issues/sums.md:4:").stderr_has("issues/sums.md:6:");
        assert!(project.read("build/sums.html").contains(">E = mc^2</code>"));
        assert_eq!(project.list("issues/sums.vendor"), Vec::<String>::new());
    }
    let project = project("").file("mimeo.toml", format!("{LEAST}\n[math]\ncommand = [\"tools/missing\"]\n"));
    project
        .run(["build", "sums", "--trust"])
        .code(0)
        .stderr_has("`tools/missing` made no picture of this formula");
}
