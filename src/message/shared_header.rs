//! The header fields that are the same in all letters of an issue.

use aws_lc_rs::digest;

use super::{
    error::ComposeError,
    field,
    header_rules::{check_archive, check_header, check_list_id, check_one_click},
};
use crate::render::{Mailbox, RenderedIssue};

/// Where a value of the owner's has the identifier of the letter.
const DELIVERY_PLACE: &str = "{delivery}";

/// Writes the owner's fields that name the letter, each in front of its CRLF.
pub(super) fn write_own(fields: &[(String, String)], identifier: &str, to: &mut Vec<u8>) {
    for (name, value) in fields {
        to.extend_from_slice(b"\r\n");
        to.extend_from_slice(name.as_bytes());
        to.extend_from_slice(b": ");
        field::unstructured(&value.replace(DELIVERY_PLACE, identifier), 900, name.len() + 2, to);
    }
}

/// The owner's fields that name the letter.
pub(super) fn own_fields(rendered: &RenderedIssue) -> Vec<(String, String)> {
    let named = rendered.headers.iter().filter(|(_, value)| value.contains(DELIVERY_PLACE));
    named.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The fields, each with its CRLF; the subject among them when it is the same for everybody.
///
/// # Errors
///
/// When a field of the newsletter's own is one that the composer writes itself, or cannot be written.
pub(super) fn shared_header(
    rendered: &RenderedIssue,
    subject: Option<&str>,
) -> Result<Vec<u8>, ComposeError> {
    check_names(rendered)?;
    let mut to = Vec::with_capacity(1024);
    let mailbox = |name: &str, mailbox: &Mailbox, to: &mut Vec<u8>| {
        to.extend_from_slice(name.as_bytes());
        to.extend_from_slice(b": ");
        field::mailbox(mailbox.name.as_deref(), mailbox.address.expose(), name.len() + 2, to);
        to.extend_from_slice(b"\r\n");
    };
    let line = |name: &str, value: &str, to: &mut Vec<u8>| {
        to.extend_from_slice(name.as_bytes());
        to.extend_from_slice(b": ");
        field::unstructured(value, 900, name.len() + 2, to);
        to.extend_from_slice(b"\r\n");
    };
    mailbox("From", &rendered.from, &mut to);
    if let Some(reply_to) = &rendered.reply_to {
        mailbox("Reply-To", reply_to, &mut to);
    }
    if let Some(subject) = subject {
        to.extend_from_slice(b"Subject: ");
        field::unstructured(subject, 66, 9, &mut to);
        to.extend_from_slice(b"\r\n");
    }
    line("Date", &rendered.date.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string(), &mut to);
    to.extend_from_slice(b"List-Id: ");
    field::mailbox(Some(&rendered.newsletter), &rendered.list_id, 9, &mut to);
    if !to.ends_with(b">") {
        // A newsletter whose name has no character left: the identifier is in brackets all the same (RFC 2919).
        to.truncate(to.len() - rendered.list_id.len());
        to.extend_from_slice(format!("<{}>", rendered.list_id).as_bytes());
    }
    to.extend_from_slice(b"\r\n");
    if let Some(archive) = &rendered.archive {
        line("List-Archive", &format!("<{archive}>"), &mut to);
    }
    if rendered.unsubscribe.https.is_some() {
        line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click", &mut to);
    }
    line("Feedback-ID", &feedback_id(rendered), &mut to);
    line("Precedence", "bulk", &mut to);
    for (name, value) in &rendered.headers {
        check_header(name, value).map_err(|reason| {
            let name = name.chars().filter(|c| !c.is_control()).take(80).collect();
            ComposeError::Header { name, reason }
        })?;
        if value.contains(DELIVERY_PLACE) {
            continue;
        }
        to.extend_from_slice(name.as_bytes());
        to.extend_from_slice(b": ");
        // Long words of these are addresses and tokens for a relay, which reads no encoded words.
        field::unstructured(value, 900, name.len() + 2, &mut to);
        to.extend_from_slice(b"\r\n");
    }
    to.extend_from_slice(b"MIME-Version: 1.0\r\n");
    Ok(to)
}

/// Refuses what could break out of the fields it is written into; settings are checked before, frozen issues are not.
fn check_names(rendered: &RenderedIssue) -> Result<(), ComposeError> {
    let refuse = |name: &str, reason| ComposeError::Header { name: name.to_owned(), reason };
    check_list_id(&rendered.list_id).map_err(|reason| refuse("List-Id", reason))?;
    if let Some(url) = &rendered.unsubscribe.https {
        check_one_click(url).map_err(|reason| refuse("List-Unsubscribe", reason))?;
    }
    if let Some(url) = &rendered.archive {
        check_archive(url).map_err(|reason| refuse("List-Archive", reason))?;
    }
    Ok(())
}

/// `issue:list:newsletter:sender`: for Gmail's statistics of complaints; nothing of the reader in it.
fn feedback_id(rendered: &RenderedIssue) -> String {
    let word = |text: &str, most: usize| -> String {
        text.chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' })
            .take(most)
            .collect()
    };
    let digest = digest::digest(&digest::SHA256, rendered.list_id.as_bytes());
    let sender: String = digest.as_ref().iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    format!("{}:{}:newsletter:{sender}", word(&rendered.slug, 60), word(&rendered.list_id, 60))
}
