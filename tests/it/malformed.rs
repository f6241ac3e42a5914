//! A thousand damaged messages, made from the corpus with all kinds of damage: no one is removed by what is not a bounce.

use std::{collections::BTreeMap, fs, time::Instant};

use mimeograph::{
    address::EmailAddress,
    bounce::{self, Ours, SIZE_MAX},
};

use crate::{
    returned::{newsletter, send, suppressed},
    support::{
        project::repository,
        relay::{Relay, Script},
    },
};

const MESSAGES: usize = 1000;

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)) % end.max(1) as u64) as usize
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

type Damage = fn(&mut Vec<u8>, &mut Dice);

/// All kinds, by name.
const KINDS: [(&str, Damage); 16] = [
    ("cut anywhere", |bytes, dice| bytes.truncate(dice.below(bytes.len()))),
    ("cut in the header", |bytes, dice| bytes.truncate(dice.below(header_len(bytes)))),
    ("a header without its end", |bytes, _| {
        let end = header_len(bytes);
        bytes.drain(end.saturating_sub(1)..end);
    }),
    ("lines of the header lost", |bytes, dice| {
        for _ in 0..=dice.below(4) {
            let start = line_start(bytes, dice.below(header_len(bytes)));
            let end = bytes[start..]
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(bytes.len(), |at| start + at + 1);
            bytes.drain(start..end);
        }
    }),
    ("a header twice", |bytes, _| {
        let header = bytes[..header_len(bytes)].trim_ascii_end().to_vec();
        bytes.splice(0..0, [header.as_slice(), b"\n"].concat());
    }),
    ("a header of thousands of lines", |bytes, dice| {
        let line = format!("X-Trace-{}: {}\n", dice.below(9), "hop ".repeat(dice.below(9)));
        bytes.splice(0..0, line.repeat(5_000).into_bytes());
    }),
    ("multiparts past the limit", |bytes, dice| {
        for level in 0..1 + dice.below(60) {
            let head = format!("Content-Type: multipart/mixed; boundary=level{level}\n\n--level{level}\n");
            bytes.splice(0..0, head.into_bytes());
        }
    }),
    ("letters in letters past the limit", |bytes, dice| {
        let head = "Content-Type: message/rfc822\n\n".repeat(1 + dice.below(200));
        bytes.splice(0..0, head.into_bytes());
    }),
    ("thousands of parts", |bytes, dice| {
        let part = *dice.one_of(&["--cut\n\n", "--cut-here\n", "--=_report\nContent-Type: text/plain\n\n"]);
        let at = header_len(bytes);
        bytes.splice(at..at, part.repeat(3_000).into_bytes());
    }),
    ("a boundary that is not there", |bytes, dice| {
        let other = *dice.one_of(&["boundary=", "boundary=\"\"; x=", "boundary=\"other\"; x=", "bondary="]);
        replace(bytes, "boundary=", other);
    }),
    ("an encoding that is none", |bytes, dice| {
        let encoding =
            *dice.one_of(&["base64", "quoted-printable", "x-uuencode", "7bit; base64", "=?utf-8?q?base64?="]);
        let at = header_len(bytes).saturating_sub(1);
        bytes.splice(at..at, format!("Content-Transfer-Encoding: {encoding}\n").into_bytes());
    }),
    ("a character set that is none", |bytes, dice| {
        let charset = *dice.one_of(&[
            "utf-16",
            "utf-7",
            "iso-2022-jp",
            "iso-2022-kr",
            "x-unknown",
            "\u{fffd}",
            "hz-gb-2312",
        ]);
        let at = header_len(bytes).saturating_sub(1);
        bytes.splice(at..at, format!("Content-Type: text/plain; charset=\"{charset}\"\n").into_bytes());
    }),
    ("broken encoded words", |bytes, dice| {
        let word = *dice.one_of(&[
            "=?utf-8?b?////?= ",
            "=?utf-8?q?=9?=",
            "=?x?x?x?=",
            "=?utf-8?b?",
            "=?iso-2022-jp?b?GyRC?=",
        ]);
        replace(bytes, "Subject: ", &format!("Subject: {}", word.repeat(1 + dice.below(300))));
    }),
    ("zeros and control characters", |bytes, dice| {
        for _ in 0..1 + dice.below(200) {
            let at = dice.below(bytes.len() + 1);
            bytes.insert(at, *dice.one_of(&[0, 0, 0, 7, 8, 11, 12, 27, 127, 0x80, 0xff]));
        }
    }),
    ("a huge line", |bytes, dice| {
        let at = dice.below(bytes.len() + 1);
        let filler = *dice.one_of(&["a", "@", "a@b.example ", "<", "=", "\u{e9}", "5.1.1 "]);
        bytes.splice(at..at, filler.repeat(150_000 / filler.len()).into_bytes());
    }),
    ("line ends of all kinds", |bytes, dice| {
        let lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        *bytes = Vec::new();
        for line in lines {
            bytes.extend(line);
            bytes.extend(*dice.one_of(&[&b"\n"[..], b"\r\n", b"\r", b"\r\r\n", b"\n\r"]));
        }
    }),
];

/// Bytes up to the end of the empty line behind the header.
fn header_len(bytes: &[u8]) -> usize {
    bytes.windows(2).position(|two| two == b"\n\n").map_or(bytes.len(), |at| at + 2)
}

fn line_start(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

fn replace(bytes: &mut Vec<u8>, from: &str, to: &str) {
    if let Some(at) = memchr::memmem::find(bytes, from.as_bytes()) {
        bytes.splice(at..at + from.len(), to.bytes());
    }
}

/// Damages a message in one to three ways, and counts them.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice, used: &mut BTreeMap<&'static str, usize>) {
    for _ in 0..1 + dice.below(3) {
        let (name, kind) = *dice.one_of(&KINDS);
        kind(bytes, dice);
        *used.entry(name).or_default() += 1;
    }
}

/// The corpus: name, kind and bytes of each message.
fn corpus() -> Vec<(String, String, Vec<u8>)> {
    let folder = repository().join("tests/fixtures/bounces");
    let table = fs::read_to_string(folder.join("expected.csv")).unwrap();
    let rows = table.lines().skip(1).map(|line| {
        let mut cells = line.split(',');
        let (name, kind) = (cells.next().unwrap(), cells.next().unwrap());
        (name.to_owned(), kind.to_owned(), fs::read(folder.join(format!("{name}.eml"))).unwrap())
    });
    rows.collect()
}

#[test]
fn a_thousand_damaged_messages_are_read_without_a_panic() {
    let corpus = corpus();
    let address = |text| EmailAddress::parse(text).unwrap();
    let ours = Ours {
        bounces: Some(address("bounces+{token}@news.example.org")),
        unsubscribe: Some(address("leave@news.example.org")),
        senders: vec![address("ada@news.example.org")],
    };
    let (mut dice, mut used) = (Dice(1), BTreeMap::new());
    let mut largest = 0;
    for number in 0..MESSAGES {
        let (name, _, bytes) = dice.one_of(&corpus);
        let mut bytes = bytes.clone();
        damage(&mut bytes, &mut dice, &mut used);
        largest = largest.max(bytes.len());
        let began = Instant::now();
        let returned = bounce::read(&bytes, &ours);
        assert!(began.elapsed().as_secs() < 5, "message {number}, from {name}, took {:?}", began.elapsed());
        for one in &returned.recipients {
            assert!(EmailAddress::parse(one.address.expose()).is_ok(), "message {number}, from {name}");
        }
    }
    assert_eq!(used.len(), KINDS.len(), "{used:?}");
    assert!(largest > SIZE_MAX, "{largest}");
}

#[test]
fn no_one_is_removed_by_damaged_mail_that_is_not_a_bounce() {
    let relay = Relay::start(Script::new());
    let project = newsletter(20, &relay);
    let letters = send(&project, &relay, "one");
    let corpus = corpus();
    let (mut dice, mut used) = (Dice(2), BTreeMap::new());
    for number in 0..MESSAGES {
        let letter = dice.one_of(&letters);
        let (name, kind, bytes) = dice.one_of(&corpus);
        let text = String::from_utf8_lossy(bytes);
        // Everything that proves which letter a mail is about, in mail that is no bounce; in the others nothing does.
        let is_quiet = matches!(kind.as_str(), "auto-reply" | "unknown" | "delay");
        let mut bytes = if is_quiet {
            let header = String::from_utf8_lossy(&letter.bytes);
            let id = header.split("Message-ID: <").nth(1).unwrap().split('>').next().unwrap();
            let mine = text
                .replace("6om5m7fcqs3vuwdbcd7uajlarf@news.example.org", id)
                .replace("gone@example.com", &letter.to)
                .replace("reader@example.com", &letter.to);
            format!("Delivered-To: {}\nIn-Reply-To: <{id}>\n{mine}", letter.from).into_bytes()
        } else {
            text.replace("gone@example.com", &letter.to).into_bytes()
        };
        // A part of them as they are.
        if number % 10 > 0 {
            damage(&mut bytes, &mut dice, &mut used);
        }
        project.write(&format!("mail/{number:04}-{name}.eml"), bytes);
    }
    assert_eq!(used.len(), KINDS.len(), "{used:?}");
    let ran = project.run(["bounces", "mail", "--json"]).code(0);
    let empty = fs::read_dir(project.path("mail"))
        .unwrap()
        .filter(|file| file.as_ref().unwrap().metadata().unwrap().len() == 0);
    assert_eq!(ran.stdout.lines().count() + empty.count(), MESSAGES);
    assert!(suppressed(&project).is_empty(), "{:?}", suppressed(&project));
    project.run(["ledger", "check"]).code(0);
}
