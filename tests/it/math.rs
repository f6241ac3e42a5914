//! Formulas as pictures, drawn by a command of the owner's.

use image::ImageFormat;

use crate::support::{
    newsletter::picture,
    newsroom::{LEAST, Newsroom},
};

const ISSUE: &str = "---\ntitle: Sums\n---\nWords $E = mc^2$ and again $E = mc^2$.\n\n$$\n\\frac{a}{b}\n$$\n";

/// A newsletter whose formulas are drawn by this script, which a shell reads.
fn newsroom(script: &str) -> Newsroom {
    Newsroom::new()
        .file("mimeo.toml", format!("{LEAST}\n[math]\ncommand = [\"sh\", \"draw.sh\", \"{{style}}\"]\n"))
        .file("draw.sh", script)
        .file("ink.png", picture(40, 20, ImageFormat::Png))
        .file("issues/sums.md", ISSUE)
}

#[test]
fn each_formula_is_drawn_once_and_kept_beside_the_issue() {
    let room = newsroom("{ echo \"$1:\"; cat; } >> asked.txt; cat ink.png");
    room.run(["build", "sums", "--trust"]).code(0);
    assert_eq!(room.read("asked.txt"), "inline:\nE = mc^2\ndisplay:\n\\frac{a}{b}\n");
    let drawn = room.list("issues/sums.vendor");
    assert_eq!(drawn.len(), 2, "{drawn:?}");
    let html = room.read("build/sums.html");
    // Two pixels of the file are one on the page, and the ink has white around it.
    let inline = "alt=\"E = mc^2\" width=\"26\" height=\"16\"";
    assert_eq!(html.matches(inline).count(), 2, "{html}");
    assert!(html.contains("alt=\"\\frac{a}{b}\" width=\"40\" height=\"30\""), "{html}");
    let text = room.read("build/sums.txt");
    assert!(
        text.contains("E = mc^2") && text.contains("    \\frac{a}{b}") && !text.contains("Image"),
        "{text}"
    );
    for name in drawn {
        let picture = image::open(room.path(&format!("issues/sums.vendor/{name}"))).unwrap();
        assert!(!picture.color().has_alpha());
        assert_eq!(picture.to_rgb8().get_pixel(0, 0).0, [255; 3], "dark ink is not left on a dark ground");
    }
    // Without the command what was drawn still serves, also on the web.
    room.write("mimeo.toml", LEAST);
    room.run(["build", "sums", "--web"]).code(0).stderr_has("index.html");
    assert!(room.read("build/sums/index.html").contains("alt=\"E = mc^2\""));
    assert_eq!(room.read("asked.txt").lines().count(), 4);
}

#[test]
fn a_formula_that_cannot_be_drawn_stays_tex_and_says_why() {
    for (script, why) in [
        ("echo '! Undefined control sequence.' >&2; exit 3", "exit status: 3: ! Undefined control sequence."),
        ("echo words", "its output is not a PNG picture"),
        ("cat > /dev/null", "it wrote nothing"),
        ("head -c 2000000 /dev/zero", "the picture is larger than 1 MB"),
    ] {
        let room = newsroom(script);
        let ran = room.run(["build", "sums", "--trust"]).code(0).stderr_has("warning[M242]").stderr_has(why);
        assert_eq!(ran.stderr.matches("M242").count(), 2, "{ran}");
        ran.stderr_has("issues/sums.md:4:").stderr_has("issues/sums.md:6:");
        assert!(room.read("build/sums.html").contains(">E = mc^2</code>"));
        assert_eq!(room.list("issues/sums.vendor"), Vec::<String>::new());
    }
    let room = newsroom("").file("mimeo.toml", format!("{LEAST}\n[math]\ncommand = [\"tools/missing\"]\n"));
    room.run(["build", "sums", "--trust"])
        .code(0)
        .stderr_has("`tools/missing` made no picture of this formula");
}
