//! What a letter costs: 60 KB with five placeholders, unsigned, with Ed25519 and with RSA-2048, beside what it cannot
//! cost less than: copying its bytes, hashing them, and the signature alone.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{hint::black_box, time::Instant};

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{Ed25519KeyPair, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use mimeograph::{
    address::EmailAddress,
    issue::{Filter, Placeholder},
    message::{Composer, Secrets, Signer},
    render::{Escape, Mailbox, Pattern, Piece, RenderedIssue, Unsubscribe},
    subscriber::Subscriber,
};

fn main() {
    let rsa = KeyPair::generate(KeySize::Rsa2048).expect("randomness");
    let ed25519 = Ed25519KeyPair::generate().expect("randomness");
    let rsa_pem = pem(AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).expect("a key").as_ref());
    let ed25519_pem = pem(ed25519.to_pkcs8v1().expect("a key").as_ref());
    let signer = |pem: &str| Signer::from_pem("example.org", "mimeo", pem).expect("a key");
    let people: Vec<Subscriber> = (0..64).map(person).collect();
    let issue = issue();

    let mut bytes = 0;
    for (name, signers) in [
        ("unsigned", Vec::new()),
        ("Ed25519", vec![signer(&ed25519_pem)]),
        ("RSA-2048", vec![signer(&rsa_pem)]),
        ("both", vec![signer(&rsa_pem), signer(&ed25519_pem)]),
    ] {
        let runs = if signers.is_empty() { 20_000 } else { 1_000 };
        let composer = Composer::new(&issue, Secrets::new([7; 32]).with_signers(signers)).expect("an issue");
        let mut buffer = Vec::new();
        let mut next = 0;
        measure(&format!("letter, {name}"), runs, || {
            next += 1;
            let person = &people[next % people.len()];
            let message = composer.compose(person, std::mem::take(&mut buffer)).expect("a letter");
            bytes = message.size();
            buffer = message.into_room();
        });
    }
    println!("a letter has {bytes} bytes; beside it, for as many:");
    let letter = vec![b'x'; bytes];
    let mut copy = Vec::with_capacity(bytes);
    measure("memcpy", 20_000, || {
        copy.clear();
        copy.extend_from_slice(black_box(&letter));
        black_box(&copy);
    });
    measure("SHA-256", 2_000, || {
        black_box(digest(&SHA256, black_box(&letter)));
    });
    let mut signature = vec![0; rsa.public_modulus_len()];
    measure("RSA-2048 alone", 1_000, || {
        rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), black_box(&letter[..1500]), &mut signature)
            .expect("a signature");
    });
    measure("Ed25519 alone", 2_000, || {
        black_box(ed25519.sign(black_box(&letter[..32])));
    });
}

/// Nine batches; the median and the range, in microseconds.
fn measure(name: &str, runs: u32, mut act: impl FnMut()) {
    let mut batches: Vec<f64> = (0..9)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..runs {
                act();
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(runs)
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    println!("{name:18} {:8.2} us [{:.2}..{:.2}]", batches[4], batches[0], batches[8]);
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

fn person(n: usize) -> Subscriber {
    Subscriber {
        address: EmailAddress::parse(&format!("reader{n}@mail.example.com")).expect("an address"),
        name: Some(format!("Ann{n} Lee")),
        fields: [("first_name", &*format!("Ann{n}")), ("city", "Ulm & Neu-Ulm"), ("plan", "yearly")]
            .into_iter()
            .collect(),
    }
}

fn issue() -> RenderedIssue {
    let open = |name: &str, escape| Piece::Open {
        placeholder: Placeholder {
            path: name.split('.').map(str::to_owned).collect(),
            filters: if name.starts_with("link") {
                Vec::new()
            } else {
                vec![Filter::Default("friend".to_owned())]
            },
            span: 0..0,
        },
        escape,
    };
    let words = |count: usize, line: &str| Piece::Literal(line.repeat(count));
    let address = EmailAddress::parse("ada@example.org").expect("an address");
    RenderedIssue {
        title: "A year in review".to_owned(),
        number: Some(52),
        subject: Pattern::literal("A year in review"),
        html: Pattern {
            pieces: vec![
                words(10, "<td style=\"padding:0 24px;font-size:16px\">A line of the letter.</td>\n"),
                open("subscriber.first_name", Escape::Html),
                words(300, "<td style=\"padding:0 24px;font-size:16px\">A line of the letter.</td>\n"),
                open("subscriber.city", Escape::Html),
                words(220, "<td style=\"padding:0 24px;font-size:16px\">A line of the letter.</td>\n"),
                open("link.unsubscribe", Escape::Url),
                words(10, "<td>The end.</td>\n"),
            ],
        },
        text: Pattern {
            pieces: vec![
                open("subscriber.first_name", Escape::Text),
                words(160, "A line of the letter, as people without HTML read it.\n"),
                open("link.unsubscribe", Escape::Text),
                words(1, "\n"),
            ],
        },
        list_id: "letters.example.org".to_owned(),
        newsletter: "Gradient Ascent".to_owned(),
        unsubscribe: Unsubscribe {
            https: Some("https://example.org/leave/{token}".to_owned()),
            mailto: Some(address.clone()),
        },
        ..RenderedIssue::new("a-year-in-review", Mailbox::new("Ada Quill", address))
    }
}
