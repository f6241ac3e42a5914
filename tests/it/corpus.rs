//! Two hundred ordinary issues of eight kinds, made from our own sentences by a fixed rule: `mimeo check` must leave them alone.
//!
//! Nothing in them is a mistake, and much in them looks like one: headings with code and links, anchors in raw HTML, links that
//! are in every issue, `TODO` in code and in sentences, addresses of local servers, long letters in Chinese. Every error and
//! every warning about them is therefore wrong.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::project::Project;

const SETTINGS: &str = "[newsletter]\nname = \"Small Steps\"\npostal_address = \"Small Steps, 1 Example Street\"\n\
    site = \"https://letters.example.org/\"\n\n[sender]\nfrom = \"Ada Example <ada@example.org>\"\n\n\
    [unsubscribe]\nmailto = \"leave@example.org\"\n";

const ISSUES_OF_A_KIND: u64 = 25;

type Kind = fn(&mut Dice, u64) -> (String, String);

const KINDS: [(&str, Kind); 8] = [
    ("essay", essay),
    ("digest", digest),
    ("release", release),
    ("community", community),
    ("personal", personal),
    ("announcement", announcement),
    ("research", research),
    ("languages", languages),
];

#[test]
fn two_hundred_ordinary_issues_raise_no_false_alarm() {
    let mut alarms: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for (name, kind) in KINDS {
        let project = project(name, kind);
        let ran = project.run(["check", "--format", "json"]);
        let report: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
        for one in report["diagnostics"].as_array().unwrap() {
            let severity = if one["severity"] == "error" { "error" } else { "warning" };
            if one["severity"] != "note" {
                let what = format!("{}: {} ({})", one["code"], one["message"], one["line"]);
                alarms.entry((severity, format!("{name} {}", one["path"]))).or_default().push(what);
            }
        }
    }
    let issues = KINDS.len() as u64 * ISSUES_OF_A_KIND;
    let count = |wanted: &str| alarms.keys().filter(|(severity, _)| *severity == wanted).count() as u64;
    let (errors, warnings) = (count("error"), count("warning"));
    assert_eq!(issues, 200);
    assert!(errors * 100 < issues, "{errors} of {issues} issues have a wrong error: {alarms:#?}");
    assert!(warnings * 20 < issues, "{warnings} of {issues} issues have a wrong warning: {alarms:#?}");
}

fn project(name: &str, kind: Kind) -> Project {
    let mut project = Project::empty()
        .file("mimeo.toml", SETTINGS)
        .file("subscribers.csv", "email,first name\nbob@example.com,Bob\n")
        .file("issues/boat.png", BOAT);
    let mut dice = Dice(name.bytes().map(u64::from).sum());
    for number in 1..=ISSUES_OF_A_KIND {
        let (head, body) = kind(&mut dice, number);
        let date = format!("2024-{:02}-{:02}", 1 + number / 3, 1 + number % 3 * 9);
        let head = if head.contains("preheader:") {
            head
        } else {
            let preheader = dice.sentence();
            format!("{head}\npreheader: \"{}\"", preheader.trim_end_matches('.'))
        };
        let text = format!("---\nnumber: {number}\ndate: {date}\n{head}\n---\n\n{body}\n");
        project = project.file(&format!("issues/{date}-{name}.md"), text);
    }
    project
}

/// One pixel, blue.
const BOAT: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc``\xf8\x0f\0\x01\x03\x01\0\x7f\xd7\xb6\x1f\0\0\0\0IEND\xaeB`\x82";

/// A fixed row of choices (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.next(from.len() as u64) as usize]
    }

    fn sentence(&mut self) -> String {
        let (who, does, what, how) = (self.pick(&WHO), self.pick(&DOES), self.pick(&WHAT), self.pick(&HOW));
        format!("{who} {does} {what} {how}.")
    }

    fn paragraph(&mut self) -> String {
        let sentences: Vec<String> = (0..3 + self.next(5)).map(|_| self.sentence()).collect();
        sentences.join(" ")
    }

    fn paragraphs(&mut self, count: u64) -> String {
        (0..count).map(|_| self.paragraph() + "\n\n").collect()
    }

    /// A page that no other call names.
    fn page(&mut self) -> String {
        let host =
            self.pick(&["blog.example.org", "www.example.com", "notes.example.net", "example.edu/~ada"]);
        format!("https://{host}/{}/{}", self.pick(&["2024", "post", "read"]), self.next(1 << 40))
    }

    fn title(&mut self) -> String {
        format!("{} {}", self.pick(&ABOUT), self.pick(&WHAT))
    }

    fn link(&mut self) -> String {
        format!("[{} {}]({})", self.title(), self.next(1 << 30), self.page())
    }
}

const WHO: [&str; 12] = [
    "A carpenter I know",
    "Our neighbor",
    "The old boat",
    "My sister",
    "Someone at the market",
    "The library",
    "A child",
    "The whole street",
    "The baker",
    "No one here",
    "The river",
    "This week's guest",
];
const DOES: [&str; 10] = [
    "keeps",
    "describes",
    "has repaired",
    "remembers",
    "would not sell",
    "draws",
    "has measured",
    "explains",
    "lost",
    "found",
];
const WHAT: [&str; 14] = [
    "the long table",
    "a map of the harbor",
    "an honest recipe",
    "three broken clocks",
    "the first draft",
    "a to-do list",
    "the smell of rain",
    "100% of the seeds",
    "a model of the bridge",
    "the quiet hour",
    "what was left of the fence",
    "a letter from 1911",
    "the winter garden",
    "a good question",
];
const HOW: [&str; 12] = [
    "without any hurry",
    "before breakfast",
    "for the second time",
    "and kept it quiet",
    "in under an hour",
    "as one should",
    "with a borrowed saw",
    "although it was late",
    "for 5 to 10 euros",
    "since last March",
    "to everyone's surprise",
    "by hand",
];
const ABOUT: [&str; 8] = [
    "Notes on",
    "Why we keep",
    "A history of",
    "How to repair",
    "In praise of",
    "Against",
    "Drawing",
    "Counting",
];

fn head(dice: &mut Dice, number: u64) -> String {
    format!("title: \"{}, part {number}\"", dice.title())
}

/// A letter of one thought, with a quotation, a picture and a note.
fn essay(dice: &mut Dice, number: u64) -> (String, String) {
    let mut body = dice.paragraphs(3);
    body += &format!("## {}\n\n{}", dice.title(), dice.paragraphs(3));
    body += &format!("> {}\n>\n> {}\n\n", dice.sentence(), dice.sentence());
    body += &format!("**{}** {}\n\n", dice.sentence(), dice.paragraph());
    if dice.next(2) == 0 {
        body += "![A rowing boat beside the jetty, half full of rain](boat.png)\n\n";
    }
    body += &format!(
        "## {}\n\n{}My own TODO list is [on paper]({}).[^paper]\n\n",
        dice.title(),
        dice.paragraphs(2),
        dice.page()
    );
    body += &format!("[^paper]: {}\n", dice.sentence());
    (head(dice, number), body)
}

/// Many links in sections, some of them in headings, and a contents list with anchors of its own.
fn digest(dice: &mut Dice, number: u64) -> (String, String) {
    let mut body = "Talk to us [in the forum](https://forum.example.org/), or [send a link](https://example.org/submit).\n\n".to_owned();
    body += "[Jump to the quote of the week](#quote)\n\n";
    for section in ["Reading", "Tools", "Talks", "Papers"] {
        let heading = match dice.next(4) {
            0 => format!("## The `{}` corner", section.to_lowercase()),
            1 => format!("## [{section}]({}) and [older ones]({})", dice.page(), dice.page()),
            _ => format!("## {section}"),
        };
        body += &format!("{heading}\n\n");
        for _ in 0..4 + dice.next(12) {
            body += &match dice.next(5) {
                0 => format!("- {}: {}\n", dice.link(), dice.sentence()),
                1 => format!("- [Drop the TODO in `parse_{}`]({})\n", dice.next(1 << 20), dice.page()),
                2 => format!("- {} ([comments]({}))\n", dice.link(), dice.page()),
                _ => format!("- {}\n", dice.link()),
            };
        }
        body += "\n";
    }
    body += &format!("<a id=\"quote\"></a>\n\n### Quote of the week\n\n> {}\n\n", dice.sentence());
    body += "Found something? [Open a pull request](https://git.example.org/digest/pulls).\n";
    (format!("title: Digest {number}"), body)
}

/// What changed in a program, with code, a table, and a server on the reader's own machine.
fn release(dice: &mut Dice, number: u64) -> (String, String) {
    let mut body = format!("## 2.{number}.0\n\n{}\n\n", dice.paragraph());
    for section in ["Added", "Changed", "Fixed"] {
        body += &format!("### {section}\n\n");
        for _ in 0..2 + dice.next(6) {
            let change = dice.next(9_000);
            body += &format!(
                "- `--{}` {} ([#{change}](https://git.example.org/tool/pull/{change}))\n",
                dice.pick(&["quiet", "all", "since"]),
                dice.sentence()
            );
        }
        body += "\n";
    }
    body +=
        "### `Config::load` and `{name}` in paths\n\nA path may hold `{name}` or `[[first_name]]` now:\n\n";
    body += "```rust\n// TODO: make this faster\nlet path = format!(\"{name}/*|X|*\");\n```\n\n";
    body += "Start it with `tool serve`, and open <http://localhost:8080/>.\n\n";
    body += "| Platform | Size | Signed |\n| --- | ---: | --- |\n| Linux | 4.1 MB | yes |\n| macOS | 3.9 MB | yes |\n\n";
    body += "[All downloads](https://tool.example.org/download) - [Sources](https://git.example.org/tool)\n";
    (
        format!("title: Tool 2.{number}.0 is out"),
        body.replace("open <http://localhost:8080/>", "open `http://localhost:8080/`"),
    )
}

/// Dates, people and places; some of them are not known yet.
fn community(dice: &mut Dice, number: u64) -> (String, String) {
    let mut body = format!(
        "Hello {{{{ subscriber.first_name | default(\"friend\") }}}},\n\n{}\n\n## Coming up\n\n",
        dice.paragraph()
    );
    for month in ["May", "June", "July"] {
        body += &format!(
            "- **{} {month}, {} h:** {} ([map]({}))\n",
            1 + dice.next(28),
            9 + dice.next(12),
            dice.title(),
            dice.page()
        );
    }
    body += "- **Autumn:** the summer party, in autumn again; date and place TBD\n\n## Who does what\n\n";
    body += "| Who | What | Reach them at |\n| --- | --- | --- |\n";
    for name in ["Ines", "Tom", "TK Obi"] {
        body += &format!(
            "| {name} | {} | [write to {name}](mailto:{}@example.org) |\n",
            dice.title(),
            name.to_lowercase().replace(' ', ".")
        );
    }
    body += &format!(
        "\n## Thanks\n\n{}\n\nP.S. The sign-up sheet says \"XXX\" where your shirt size goes.\n",
        dice.paragraph()
    );
    (head(dice, number), body.replace("TK Obi", "T. K. Obi"))
}

/// A few lines to friends, without any heading.
fn personal(dice: &mut Dice, number: u64) -> (String, String) {
    let mut body = format!(
        "Dear {{{{ subscriber.first_name | default(\"reader\") }}}},\n\n{}",
        dice.paragraphs(2 + number % 4)
    );
    if dice.next(3) == 0 {
        body += &format!("I wrote more about that [in my notebook]({}).\n\n", dice.page());
    }
    body += "Until soon,\\\nAda\n\n";
    if dice.next(2) == 0 {
        body += &format!("P.S. {}\n", dice.sentence());
    }
    (head(dice, number), body)
}

/// One piece of news, what it costs and where to get it.
fn announcement(dice: &mut Dice, number: u64) -> (String, String) {
    let mut body = format!("{}\n\n## What is new\n\n", dice.paragraph());
    for _ in 0..3 {
        body += &format!("1. {}\n", dice.sentence());
    }
    body += &format!(
        "\n## What it costs\n\nFrom May on it is 12 euros a month, or 120 a year. {}\n\n",
        dice.sentence()
    );
    body += "::: buttons\n- [See what is new](https://shop.example.org/new)\n:::\n\n";
    body += &format!(
        "## Questions\n\n**Is it safe for cats?** {}\n\n**And for dogs?** {}\n\n",
        dice.sentence(),
        dice.sentence()
    );
    body += "Or call us: [+49 30 1234567](tel:+49301234567).\n";
    (
        format!(
            "title: \"{} is here: what NASA, IKEA and we have in common\"\nsubject: \"New: {}, no. {number}\"",
            dice.title(),
            dice.title()
        ),
        body,
    )
}

/// Papers with their abstracts, and the same two words for each.
fn research(dice: &mut Dice, number: u64) -> (String, String) {
    let mut body = format!("{}\n\n", dice.paragraph());
    for paper in 1..=3 + dice.next(4) {
        body += &format!("## {paper}. {} (n = {})\n\n", dice.title(), 40 + dice.next(4_000));
        body += &format!(
            "*Ada Example, Bob Example et al.* [Preprint {number}.{paper}]({}), [data {number}.{paper}]({})\n\n",
            dice.page(),
            dice.page()
        );
        body += &format!(
            "{}[^{paper}]\n\n- **Setting:** {}\n- **Result:** {}\n\n",
            dice.paragraphs(2).trim_end(),
            dice.sentence(),
            dice.sentence()
        );
        body += &format!(
            "[^{paper}]: {} <https://doi.example.org/10.1000/{}>\n\n",
            dice.sentence(),
            dice.next(1 << 30)
        );
    }
    (format!("title: \"Reading group {number}: {}\"", dice.title()), body)
}

/// Letters in other languages; every fifth is a long one in Chinese.
fn languages(dice: &mut Dice, number: u64) -> (String, String) {
    let (language, title, preheader, sentences): (&str, &str, &str, [&str; 4]) = match number % 5 {
        0 => (
            "zh",
            "水壶周刊",
            "这一周我们修好了三只旧水壶，也写下了怎样挑选一把好的锯子，慢慢读，不着急。",
            [
                "水壶慢慢地烧开，茶叶慢慢地舒展。",
                "写信的人也慢慢地写着，没有人着急。",
                "桥边的集市每个星期天早上七点开始。",
                "下一封信会在立春之后寄出。",
            ],
        ),
        1 => (
            "de",
            "Brief aus der Werkstatt",
            "Was wir in dieser Woche repariert haben, und eine Frage an alle",
            [
                "Der Tisch steht wieder gerade.",
                "Niemand wollte die alte Uhr kaufen.",
                "Am Fluss ist es noch kühl.",
                "Nächste Woche backen wir Brot.",
            ],
        ),
        2 => (
            "ar",
            "رسالة من المكتبة",
            "ما الذي قرأناه هذا الأسبوع، وسؤال صغير لكل القراء الأعزاء",
            [
                "فتحت المكتبة أبوابها في الصباح الباكر.",
                "وجدنا خريطة قديمة للميناء.",
                "كان الشاي ساخنا والحديث طويلا.",
                "نلتقي في الأسبوع القادم.",
            ],
        ),
        3 => (
            "ru",
            "Письмо из мастерской",
            "Что мы починили на этой неделе, и один вопрос ко всем читателям",
            [
                "Стол снова стоит ровно.",
                "Старые часы никто не захотел купить.",
                "У реки ещё прохладно.",
                "На следующей неделе печём хлеб.",
            ],
        ),
        _ => (
            "ja",
            "やかん通信",
            "今週直したもの、来週の予定、そして読者のみなさんへの小さな質問です。",
            [
                "やかんの湯がゆっくりと沸きます。",
                "古い時計は今日も止まったままです。",
                "川辺はまだ少し寒いです。",
                "来週はパンを焼きます。",
            ],
        ),
    };
    let paragraphs = if language == "zh" { 200 } else { 12 };
    let mut body = String::new();
    for paragraph in 0..paragraphs {
        if paragraph % 20 == 5 {
            body += &format!("## {}\n\n", dice.pick(&sentences).trim_end_matches(['.', '。']));
        }
        for _ in 0..4 {
            body += dice.pick(&sentences);
            body += if matches!(language, "zh" | "ja") { "" } else { " " };
        }
        body = body.trim_end().to_owned() + "\n\n";
    }
    (format!("title: \"{title} {number}\"\nlanguage: {language}\npreheader: \"{number}: {preheader}\""), body)
}
