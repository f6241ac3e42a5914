//! Starting schedules that are due: for `work`, `serve` and a `send` that waits.

use std::path::Path;

use jiff::Timestamp;

use super::{
    approve, common,
    context::Context,
    failure::{Exit, Failure},
    issues,
};
use crate::{
    config::{Config, Overrides, SharedSettings, Transport},
    dispatch::{Destination, Due, RequiredApproval, Start, Starter, due, start},
    ledger::{Ledger, LocalTime, Schedule, ScheduleId, ScheduleState},
    report::format::when,
};

/// Where a process runs that may start schedules.
pub(super) struct Place<'a> {
    pub(super) context: &'a Context,
    pub(super) ledger: &'a Ledger,
    /// What flags and variables say.
    pub(super) overrides: &'a Overrides,
    /// The folder of secrets that are kept in files.
    pub(super) secrets: Option<&'a Path>,
}

/// What came of looking at a schedule that is due.
pub(super) struct Looked {
    pub(super) schedule: Schedule,
    pub(super) start: Start,
}

impl Looked {
    /// What to say about it; `None` when another process takes care of it.
    pub(super) fn sentence(&self) -> Option<String> {
        let Schedule { slug, at, .. } = &self.schedule;
        match &self.start {
            Start::NotYet | Start::Elsewhere => None,
            Start::Started(Some(_)) => Some(format!("`{slug}` starts, as scheduled for {at}")),
            Start::Started(None) => {
                Some(format!("`{slug}` was scheduled for {at}: no subscriber on the list wants letters"))
            }
            Start::NotHere(why) => Some(format!("`{slug}` is due ({at}) and cannot be started here: {why}")),
            Start::Held(why) => {
                Some(format!("`{slug}` was scheduled for {at} and is held: {why}; {}", ways_on(slug)))
            }
            Start::Void => Some(format!(
                "`{slug}` was edited after it was scheduled for {at}, and is not sent: `mimeo send {slug} --at TIME` \
                 schedules it as it is now"
            )),
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self.start {
            Start::NotYet | Start::Elsewhere | Start::Started(_) => Exit::Done,
            Start::NotHere(_) | Start::Held(_) | Start::Void => Exit::Stopped,
        }
    }
}

/// How the owner goes on with an issue that is held.
pub(super) fn ways_on(slug: &str) -> String {
    format!(
        "`mimeo send {slug}` sends it now, `mimeo send {slug} --at TIME` at another time, `mimeo unschedule {slug}` drops it"
    )
}

impl Place<'_> {
    /// Starts every schedule that is due, or `only` this one, and holds those that were missed.
    pub(super) async fn start_due(
        &self,
        now: Timestamp,
        only: Option<ScheduleId>,
    ) -> Result<Vec<Looked>, Failure> {
        let mut looked = Vec::new();
        for schedule in self.ledger.schedules().await? {
            let is_wanted = only.is_none_or(|only| only == schedule.id);
            if schedule.state != ScheduleState::Waiting || !is_wanted {
                continue;
            }
            let moment = due(&schedule, now);
            if !matches!(moment, Due::Now | Due::Missed(_)) {
                continue;
            }
            let start = match self.starter(&schedule, moment) {
                Ok(starter) => start(self.ledger, &schedule, starter, now).await?,
                Err(failure) => Start::NotHere(failure.plain().0),
            };
            looked.push(Looked { schedule, start });
        }
        Ok(looked)
    }

    fn starter(&self, schedule: &Schedule, moment: Due) -> Result<Starter, Failure> {
        let shared = SharedSettings::from_stored(&schedule.settings)
            .ok_or_else(|| Failure::outside("its settings in the ledger cannot be read"))?;
        let mut config = self.context.shared_config(&shared, self.overrides.clone())?;
        if let Some(folder) = self.secrets {
            config.secrets_from(folder);
        }
        if moment == Due::Now && !config.list.exists() {
            let list = config.list.path().display();
            return Err(Failure::input(format!("its list `{list}` is not here")));
        }
        let destination = match config.transport {
            Transport::Relays(_) => Destination::Relay,
            Transport::Outbox(_) => Destination::Folder,
        };
        let secrets = common::secrets(&config)?;
        let digest = self.digest(schedule);
        let approval = match config.approval.required {
            true => Some(RequiredApproval {
                policy: config.approval,
                // In the newsletter's folder it may have been given again, or taken back.
                approval: match self.context.has_settings() && config.issues().exists() {
                    true => approve::read(&config, &schedule.slug)?,
                    false => shared.approval().cloned(),
                },
            }),
            false => None,
        };
        let name = format!("{}-{}", std::process::id(), Timestamp::now().as_nanosecond());
        Ok(Starter { name, list: config.list, secrets, destination, digest, approval })
    }

    /// The digest of the issue as it is now, where its file can be seen. One that cannot be built any more was edited.
    fn digest(&self, schedule: &Schedule) -> Option<String> {
        if !self.context.has_settings() {
            return None;
        }
        let (config, _) = self.context.config_quietly(self.overrides.clone()).ok()?;
        if !config.issues().exists() {
            return None;
        }
        Some(self.digest_in(&config, schedule).unwrap_or_default())
    }

    fn digest_in(&self, config: &Config, schedule: &Schedule) -> Result<String, Failure> {
        let file = issues::find(self.context, &schedule.slug)?;
        Ok(file.build(config, self.context.now)?.rendered.digest())
    }
}

/// A time of the owner's, and what it is here if clocks here show another.
pub(super) fn both(at: &LocalTime, due: Timestamp) -> String {
    const TO_THE_MINUTE: usize = "2026-12-04 09:00".len();
    let (there, here) = (at.to_string(), when(due));
    if there.get(..TO_THE_MINUTE) == here.get(..TO_THE_MINUTE) { there } else { format!("{there}: {here}") }
}

/// A line for `status`: what is scheduled, and what became of it.
pub(super) fn line(schedule: &Schedule, now: Timestamp) -> String {
    let Schedule { slug, title, at, why, .. } = schedule;
    let why = why.as_deref().unwrap_or_default();
    let what = match schedule.state {
        ScheduleState::Waiting => match due(schedule, now) {
            Due::At(due) => format!("scheduled for {}", both(at, due)),
            Due::Now => {
                format!("scheduled for {at}: due now, and started by the next `mimeo work`")
            }
            Due::Missed(_) => format!("scheduled for {at}: missed; {}", ways_on(slug)),
            Due::Unknown => format!("scheduled for {at}: this machine does not know the time zone"),
        },
        ScheduleState::Held => format!("scheduled for {at}: held, {why}; {}", ways_on(slug)),
        ScheduleState::Void => {
            format!("scheduled for {at}: not sent, {why}; `mimeo send {slug} --at TIME` schedules it again")
        }
        ScheduleState::Started => format!("scheduled for {at}: started"),
        ScheduleState::Canceled => format!("scheduled for {at}: canceled, {why}"),
    };
    format!("{title}  {what}\n")
}

/// The schedule that waits or is held for an issue, or that became void last.
pub(super) async fn of_issue(
    ledger: &Ledger,
    slug: &str,
    number: Option<u32>,
) -> Result<Option<Schedule>, Failure> {
    let schedules = ledger.schedules().await?;
    let is_it = |one: &Schedule| one.slug == slug && (number.is_none() || one.number == number);
    Ok(schedules.into_iter().rev().find(is_it).filter(|one| one.state != ScheduleState::Started))
}
