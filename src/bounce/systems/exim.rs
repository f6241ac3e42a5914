//! Exim, and Gmail's older notices: the header names who failed (`X-Failed-Recipients`), the text says why.

use super::{prose, said::Said};
use crate::bounce::{mail::Mail, ours::Ours, people};

/// The recipients of the header, each with the words that follow its address in the text.
pub(super) fn read(mail: &Mail, _: &Ours) -> Said {
    let failed = mail.fields.all("x-failed-recipients").flat_map(people::all);
    failed.map(|address| (address.clone(), prose::behind(&mail.words, &address))).collect()
}
