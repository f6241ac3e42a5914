//! Starting a scheduled issue: once, by whichever process sees first that it is due.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    approval::RequiredApproval,
    clock::{between, until},
    open::{OpenError, Opened, open, prepare},
    options::{BadRows, Destination, Note, Options, Source},
};
use crate::{
    ledger::{DispatchId, Ledger, LedgerError, Schedule, ScheduleState},
    message::Secrets,
    subscriber::ListSource,
};

/// What a schedule says at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It starts then.
    At(Timestamp),
    /// It starts now.
    Now,
    /// It should have started then, too long ago.
    Missed(Timestamp),
    /// This machine does not know its time zone.
    Unknown,
}

/// What a schedule says at a moment, by the rules that its time zone has now.
pub fn due(schedule: &Schedule, now: Timestamp) -> Due {
    match schedule.at.due() {
        None => Due::Unknown,
        Some(due) if now < due => Due::At(due),
        Some(due) if between(due, now) <= schedule.late => Due::Now,
        Some(due) => Due::Missed(due),
    }
}

/// What a process needs to start a schedule.
pub struct Starter {
    /// No other process has this name.
    pub name: String,
    /// The list, which is read now.
    pub list: ListSource,
    /// The newsletter's keys.
    pub secrets: Secrets,
    /// Where letters go.
    pub destination: Destination,
    /// The digest of the issue as it is now, where the process can see its file.
    pub digest: Option<String>,
    /// If the settings require an approval: it has to cover the list as it is now.
    pub approval: Option<RequiredApproval>,
}

/// What came of looking at a schedule.
#[derive(Debug)]
pub enum Start {
    /// It is not due.
    NotYet,
    /// Another process starts it, or has ended it.
    Elsewhere,
    /// Its dispatch is open; `None` if the list has no one to send to.
    Started(Option<DispatchId>),
    /// This process cannot start it, and another one may: why.
    NotHere(String),
    /// It did not start, and waits for the owner: why.
    Held(String),
    /// The issue was edited: it does not start.
    Void,
}

/// A starter that has died in the middle is waited for so long.
const RESERVED_FOR: Duration = Duration::from_secs(120);

/// Starts a schedule if it is due: its list is read, and its dispatch opened to all workers. Of several processes one does
/// it; one that dies in the middle is followed by another.
///
/// # Errors
///
/// When the ledger cannot be used. What is wrong with the list or the keys [holds](Start::Held) the schedule.
pub async fn start(
    ledger: &Ledger,
    schedule: &Schedule,
    starter: Starter,
    now: Timestamp,
) -> Result<Start, LedgerError> {
    let Starter { name, list, secrets, destination, digest, approval } = starter;
    let (id, moment) = (schedule.id, due(schedule, now));
    if schedule.state != ScheduleState::Waiting || matches!(moment, Due::At(_) | Due::Unknown) {
        return Ok(Start::NotYet);
    }
    if !ledger.reserve_start(id, &name, now, until(now, RESERVED_FOR)).await? {
        return Ok(Start::Elsewhere);
    }
    let end = async |state, why: &str| ledger.end_schedule(id, Some(&name), state, why, now).await;
    if let Due::Missed(due) = moment {
        let why =
            format!("nothing was running at its time, and {} later is too late", hours(between(due, now)));
        end(ScheduleState::Held, &why).await?;
        return Ok(Start::Held(why));
    }
    if digest.is_some_and(|digest| digest != schedule.digest) {
        end(ScheduleState::Void, "the issue was edited after it was scheduled").await?;
        return Ok(Start::Void);
    }
    let fingerprint = secrets.fingerprint();
    if fingerprint != schedule.signing {
        // Another process may have the right keys.
        ledger.release_start(id, &name).await?;
        return Ok(Start::NotHere(format!(
            "this process has other keys ({fingerprint}) than the one that scheduled it ({})",
            schedule.signing
        )));
    }
    let mut options = Options::new(now);
    options.destination = destination;
    options.bad_rows = if schedule.skip_bad_rows { BadRows::Skip } else { BadRows::Refuse };
    options.notify = std::sync::Arc::new(|_: &Note| ());
    let rendered = ledger.scheduled(id).await?;
    let source = Source { rendered, list, secrets };
    let opened = match open_if_approved(source, ledger, &options, approval.as_ref()).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(why)) => {
            end(ScheduleState::Held, &why).await?;
            return Ok(Start::Held(why));
        }
        Err(OpenError::Ledger(LedgerError::AlreadyOpen { .. })) => {
            // Someone sends it at this moment; the next look goes on with that dispatch.
            ledger.release_start(id, &name).await?;
            return Ok(Start::Elsewhere);
        }
        Err(OpenError::Ledger(error)) => {
            ledger.release_start(id, &name).await?;
            return Err(error);
        }
        Err(error) => {
            let why = error.to_string();
            end(ScheduleState::Held, &why).await?;
            return Ok(Start::Held(why));
        }
    };
    // Until here nothing can leave: workers join what is open to them only.
    match ledger.start_schedule(id, &name, opened.dispatch, now).await? {
        true => Ok(Start::Started(opened.dispatch)),
        false => Ok(Start::Elsewhere),
    }
}

/// Opens the dispatch, unless the plan needs an approval that does not cover it: why.
async fn open_if_approved(
    source: Source,
    ledger: &Ledger,
    options: &Options,
    approval: Option<&RequiredApproval>,
) -> Result<Result<Opened, String>, OpenError> {
    let Some(approval) = approval else { return open(source, ledger, options).await.map(Ok) };
    let prepared = prepare(source, ledger, options).await?;
    match approval.check(prepared.plan()) {
        Ok(()) => prepared.open().await.map(Ok),
        Err(why) => Ok(Err(why)),
    }
}

/// `7 hours`
fn hours(time: Duration) -> String {
    match time.as_secs() / 3600 {
        0 => format!("{} minutes", time.as_secs() / 60),
        1 => "an hour".to_owned(),
        hours => format!("{hours} hours"),
    }
}
