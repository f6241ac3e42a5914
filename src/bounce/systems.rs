//! Readers for mail systems that send no report a program could read. A new one is a file here and a line in [`READERS`].

mod exim;
mod lines;
mod lists;
pub(super) mod prose;
mod qmail;
mod said;
mod smtp_transcript;

use super::{
    class::classify,
    fields::cut,
    mail::Mail,
    notice,
    ours::Ours,
    returned::{Finding, Kind, Returned},
    status::Status,
};
use crate::address::EmailAddress;
use said::{Said, not_ours};

/// A reader: its name, and the recipients that it finds in a notice of its own kind; none for any other.
type Reader = (&'static str, fn(&Mail, &Ours) -> Said);

/// Recipients of one notice. More are not kept.
const RECIPIENTS_MAX: usize = 200;

/// From the most exact to the most general.
const READERS: &[Reader] = &[
    ("qmail", qmail::read),
    ("exim", exim::read),
    ("smtp", smtp_transcript::read),
    ("lines", lines::read),
    ("lists", lists::read),
    ("prose", prose::read),
];

/// Reads the notice of a system, by the first reader that finds someone in it.
pub(super) fn read(mail: &Mail, ours: &Ours) -> Option<Returned> {
    if !notice::is_failure(mail) {
        return None;
    }
    let kind = if notice::is_delay(mail) { Kind::Delay } else { Kind::Bounce };
    let not_ours = not_ours(mail, ours);
    for (name, reader) in READERS {
        let said: Said = reader(mail, ours).into_iter().filter(|(address, _)| not_ours(address)).collect();
        if said.is_empty() {
            continue;
        }
        let said = joined(said);
        let alone = said.len() == 1;
        let mut returned = Returned::new(kind, name);
        for (address, words) in said {
            if returned.recipients.len() < RECIPIENTS_MAX {
                returned.recipients.push(finding(address, &words, mail, alone));
            }
        }
        returned.reporter = mail.from().map(|from| from.domain().to_owned());
        return Some(returned);
    }
    // A failure about someone who is not named in it: the token may know.
    Some(Returned::new(kind, "prose"))
}

/// Each recipient once, with all that is said about it.
fn joined(said: Said) -> Said {
    let mut joined: Said = Vec::new();
    for (address, words) in said {
        match joined.iter_mut().find(|(known, _)| known.key() == address.key()) {
            Some((_, known)) if *known != words && known.len() < 2000 => {
                known.push(' ');
                known.push_str(&words);
            }
            Some(_) => {}
            None => joined.push((address, words)),
        }
    }
    joined
}

fn finding(address: EmailAddress, words: &str, mail: &Mail, alone: bool) -> Finding {
    let reply = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = super::fields::squeezed(&reply);
    let says = super::class::by_words(&lower).is_some()
        || Status::find(&reply).is_some_and(|status| !status.is_vague());
    let beside = if says || !alone { String::new() } else { prose::reason(&mail.words) };
    let status = Status::find(&reply).or_else(|| Status::find(&beside)).filter(|status| status.class != 2);
    let class = if beside.is_empty() {
        classify(status, &reply)
    } else {
        classify(status, &format!("{reply} {beside}"))
    };
    let reply = if reply.is_empty() { beside } else { reply };
    Finding {
        server: server(&reply),
        address,
        class: Some(class),
        status,
        reply: (!reply.is_empty()).then(|| cut(&reply, 1000).to_owned()),
    }
}

/// The server in "host mx.example.com [192.0.2.1] said".
fn server(reply: &str) -> Option<String> {
    let words: Vec<&str> = reply.split_whitespace().collect();
    words.windows(2).find_map(|pair| {
        let host = pair[1].split(['[', '(', ':', ',']).next().unwrap_or_default();
        let is_host = host.contains('.')
            && host.len() <= 255
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-');
        (matches!(pair[0].to_ascii_lowercase().as_str(), "host" | "server" | "mailer") && is_host)
            .then(|| host.to_owned())
    })
}
