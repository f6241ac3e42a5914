//! `check --online`: asks the web about the addresses in an issue, politely, and remembers what it said.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::net::{Method, Net, NetError, can_be_asked};
use crate::{
    check::{Answer, Answers},
    files::{self, Readers, write_atomically},
};

/// So many hosts are asked at the same time, each of them one question after the other.
const HOSTS_AT_ONCE: usize = 8;
/// So many addresses are asked in one run; the rest is reported as unclear.
const ADDRESSES_MAX: usize = 300;
/// For all addresses of one run.
const TIMEOUT: Duration = Duration::from_secs(60);
const REDIRECTS_MAX: usize = 5;
/// How long a good answer counts, and one that may be fixed soon.
const FRESH: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(72), SignedDuration::from_hours(1));
/// Answers older than this are forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24 * 30);
/// No store is larger than this, in bytes.
const STORE_MAX: u64 = 8 * 1024 * 1024;

/// What the web said, and when.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Heard {
    at: Timestamp,
    answer: Answer,
}

/// Asks, and remembers.
pub(super) struct Online {
    net: Net,
    path: PathBuf,
    now: Timestamp,
    heard: BTreeMap<String, Heard>,
    until: Instant,
    left: usize,
}

impl Online {
    /// With what was heard before; a store that cannot be read is forgotten.
    pub(super) fn open(path: PathBuf, now: Timestamp) -> Self {
        Self::with(Net::new(), path, now)
    }

    fn with(net: Net, path: PathBuf, now: Timestamp) -> Self {
        let mut heard: BTreeMap<String, Heard> = load(&path).unwrap_or_default();
        heard.retain(|_, heard| now.duration_since(heard.at) < FORGOTTEN);
        Self { net, path, now, heard, until: Instant::now() + TIMEOUT, left: ADDRESSES_MAX }
    }

    /// What is known about these addresses, once those were asked of which too little is known.
    pub(super) fn ask(&mut self, addresses: &[Url]) -> Answers {
        let mut answers = Answers::new();
        let mut hosts: BTreeMap<String, Vec<Url>> = BTreeMap::new();
        for url in addresses {
            if let Some(heard) = self.heard.get(url.as_str()).filter(|heard| is_fresh(heard, self.now)) {
                answers.insert(url.to_string(), heard.answer.clone());
            } else if !can_be_asked(url) {
                let why = "only web pages on the usual ports are asked".to_owned();
                answers.insert(url.to_string(), Answer::Unclear(why));
            } else if self.left == 0 {
                let why = format!("more than {ADDRESSES_MAX} addresses are not asked in one run");
                answers.insert(url.to_string(), Answer::Unclear(why));
            } else {
                self.left -= 1;
                hosts.entry(url.host_str().unwrap_or_default().to_owned()).or_default().push(url.clone());
            }
        }
        let queue = Mutex::new(hosts.into_values().collect::<VecDeque<_>>());
        let new = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..HOSTS_AT_ONCE {
                scope.spawn(|| {
                    while let Some(urls) = lock(&queue).pop_front() {
                        for url in urls {
                            let answer = probe(&self.net, &url, self.until);
                            lock(&new).push((url, answer));
                        }
                    }
                });
            }
        });
        for (url, (answer, is_heard)) in new.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            if is_heard {
                let heard = Heard { at: self.now, answer: answer.clone() };
                self.heard.insert(url.to_string(), heard);
            }
            answers.insert(url.into(), answer);
        }
        answers
    }

    /// Keeps what was heard for the next run.
    pub(super) fn store(&self) -> io::Result<()> {
        files::make_untracked_folder(self.path.parent().unwrap_or(Path::new("")))?;
        write_atomically(&self.path, &serde_json::to_vec_pretty(&self.heard)?, Readers::Owner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn load(path: &Path) -> Option<BTreeMap<String, Heard>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(STORE_MAX + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > STORE_MAX {
        return None;
    }
    serde_json::from_slice(&bytes).ok()
}

fn is_fresh(heard: &Heard, now: Timestamp) -> bool {
    let age = now.duration_since(heard.at);
    let (good, bad) = FRESH;
    let most = if matches!(heard.answer, Answer::There | Answer::Moved(_)) { good } else { bad };
    !age.is_negative() && age < most
}

/// Asks about one address, and whether anything was heard that is worth keeping.
fn probe(net: &Net, address: &Url, until: Instant) -> (Answer, bool) {
    let mut url = address.clone();
    let mut for_good = true;
    for hop in 0..=REDIRECTS_MAX {
        let (status, location) = match question(net, &url, until) {
            Ok(answer) => answer,
            Err(None) => return (Answer::Unclear("there was no time left to ask".to_owned()), false),
            Err(Some(error)) => return (answer_of(&error), true),
        };
        match (status, location) {
            (301 | 302 | 303 | 307 | 308, Some(next)) => {
                // What is behind a redirect for the moment may be anywhere tomorrow.
                for_good &= matches!(status, 301 | 308);
                url = next;
            }
            (200..=399, _) if hop > 0 && for_good => return (Answer::Moved(url.into()), true),
            (200..=399, _) => return (Answer::There, true),
            (404 | 410 | 451, _) => return (Answer::Gone(status), true),
            (status, _) => return (Answer::Unclear(format!("it answered {status}")), true),
        }
    }
    (Answer::Unclear("it leads from page to page without an end".to_owned()), true)
}

/// HEAD, then GET, as many servers know no HEAD; `None` when there is no time left.
fn question(net: &Net, url: &Url, until: Instant) -> Result<(u16, Option<Url>), Option<NetError>> {
    let left = || {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(None) } else { Ok(left) }
    };
    match net.ask(Method::Head, url, left()?) {
        Ok((status, location)) if status < 400 => Ok((status, location)),
        Ok(_) => net.ask(Method::Get, url, left()?).map_err(Some),
        Err(error) => Err(Some(error)),
    }
}

fn answer_of(error: &NetError) -> Answer {
    if let Some(problem) = error.certificate() {
        return Answer::Certificate(problem);
    }
    let mut why = error.to_string();
    let mut inner = std::error::Error::source(error);
    while let Some(cause) = inner {
        why.push_str(&format!(": {cause}"));
        inner = cause.source();
    }
    Answer::Unclear(why)
}

#[cfg(test)]
mod tests;
