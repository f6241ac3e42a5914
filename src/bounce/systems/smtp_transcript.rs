//! Systems that print their conversation with the server: the recipient is in the command that was refused.

use super::said::Said;
use crate::bounce::{mail::Mail, ours::Ours, people, status};

/// The recipients of `RCPT TO:<...>`, each with the refusal that follows it.
pub(super) fn read(mail: &Mail, _: &Ours) -> Said {
    let lines: Vec<&str> = mail.words.lines().collect();
    let mut said: Said = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(command) = line.to_ascii_lowercase().find("rcpt to:") else { continue };
        let Some(address) = line.get(command..).and_then(people::first) else { continue };
        let near = lines[at..].iter().take(4).chain(lines[..at].iter().rev().take(2));
        let refusal = near.skip(1).find(|line| {
            status::reply_code(line).is_some() && !line.to_ascii_lowercase().contains("rcpt to:")
        });
        said.extend(refusal.map(|refusal| (address, refusal.trim().to_owned())));
    }
    said
}
