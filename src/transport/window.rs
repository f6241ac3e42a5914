//! Several letters under way on one connection, by CHUNKING (RFC 3030): MAIL, RCPT and BDAT LAST need no 354, so that
//! a letter hardly costs a part of a round trip. Every letter whose body has left and whose reply is missing when
//! the connection breaks is unconfirmed: as many as the window holds, never more.

use std::{
    collections::VecDeque,
    io::{IoSlice, Write},
    sync::atomic::Ordering::Relaxed,
};

use super::{
    ErrorKind, LetterSource, Outcome, Permit, RelayDown, Reply, Stage, Verdict, judge,
    lane::{Connection, ConnectionError, Ended, Next, settle},
    taken::{Taken, begin_all},
    wire::Stir,
};

/// A letter under way.
struct Flight<'d, D: LetterSource> {
    letter: Taken<'d, D>,
    /// Whether RSET leads it.
    rset: bool,
    /// The first refusal.
    refusal: Option<(Stage, Reply)>,
}

/// Whether more letters are taken.
enum Course {
    On,
    /// No more on this connection.
    DialAgain,
    /// No more at all.
    Stop(RelayDown),
}

impl Connection<'_> {
    pub(super) async fn work_in_window<'d, D: LetterSource>(
        mut self,
        desk: &'d D,
        first: Taken<'d, D>,
    ) -> Result<Ended<'d, D>, RelayDown> {
        let window = usize::from(self.smtp.relay().window);
        let mut waiting: Vec<_> = self.vet(first)?.into_iter().collect();
        let mut flying: VecDeque<Flight<'d, D>> = VecDeque::with_capacity(window);
        let mut course = Course::On;
        let mut clean = true;
        loop {
            if matches!(course, Course::On) {
                self.letters += waiting.len() as u32;
                while flying.len() + waiting.len() < window {
                    let Some(letter) = self.next_now(desk)? else { break };
                    self.letters += 1;
                    waiting.push(letter);
                }
                if flying.is_empty() && waiting.is_empty() {
                    match self.next(desk).await? {
                        Next::Letter(letter) => waiting.push(letter),
                        Next::End(ended) => return Ok(ended),
                    }
                    continue;
                }
            } else if flying.is_empty() {
                return match course {
                    Course::Stop(down) => {
                        if !matches!(&down.trouble, ErrorKind::Said(reply) if reply.code == 421) {
                            self.quit().await;
                        }
                        Err(down)
                    }
                    _ => {
                        self.quit().await;
                        Ok(Ended::DialAgain(None))
                    }
                };
            }
            if !waiting.is_empty() {
                if flying.is_empty() && self.wire.stir() == Stir::Stirred {
                    let offered_before = self.letters - waiting.len() as u32;
                    return self.stirred(waiting.swap_remove(0), offered_before).await;
                }
                let permits = begin_all(&waiting).await;
                let mut granted = Vec::with_capacity(waiting.len());
                for (letter, permit) in waiting.drain(..).zip(permits) {
                    match permit {
                        Permit::Go => granted.push(letter),
                        // Nothing was said about it yet, so the connection goes on.
                        Permit::Stop => letter.give_back(),
                    }
                }
                if let Err(fault) = self.launch(granted, &mut flying, &mut clean).await {
                    return Err(self.land_in_ruins(flying, fault).await);
                }
            }
            while !flying.is_empty() {
                if let Err(fault) = self.hear_one(&mut flying, &mut course, &mut clean).await {
                    let before = self.letters.saturating_sub(flying.len() as u32);
                    let enough = matches!(&fault.trouble, ErrorKind::Said(reply)
                        if fault.stage == Stage::Mail && before > 0 && reply.is_enough_for_this_connection());
                    let down = self.land_in_ruins(flying, fault).await;
                    if enough {
                        self.smtp.learn_letters_per_connection(before);
                        return Ok(Ended::DialAgain(None));
                    }
                    return Err(down);
                }
                if !self.wire.has_reply() {
                    break;
                }
            }
        }
    }

    /// Sends letters, envelope and body, in one write.
    async fn launch<'d, D: LetterSource>(
        &mut self,
        letters: Vec<Taken<'d, D>>,
        flying: &mut VecDeque<Flight<'d, D>>,
        clean: &mut bool,
    ) -> Result<(), ConnectionError> {
        let start = flying.len();
        let mut heads = Vec::with_capacity(letters.len());
        self.out.clear();
        for mut letter in letters {
            let from = self.out.len();
            // What was refused before leaves the transaction open, and what is under way may be refused.
            let rset = !*clean || !flying.is_empty();
            if rset {
                self.out.extend_from_slice(b"RSET\r\n");
            }
            self.push_mail(&letter);
            self.push_rcpt(&letter);
            let octets = letter.message().size() + tail(&letter).len();
            write!(self.out, "BDAT {octets} LAST\r\n").expect("writing into memory does not fail");
            heads.push(from..self.out.len());
            letter.leaving();
            flying.push_back(Flight { letter, rset, refusal: None });
        }
        *clean = true;
        if heads.is_empty() {
            return Ok(());
        }
        let mut parts = Vec::new();
        for (head, flight) in heads.into_iter().zip(flying.range(start..)) {
            parts.push(IoSlice::new(&self.out[head]));
            parts.extend(flight.letter.message().slices().map(IoSlice::new));
            parts.push(IoSlice::new(tail(&flight.letter)));
        }
        let within = self.smtp.relay().timeouts.body;
        let written = self.wire.write(&mut parts, within).await;
        drop(parts);
        written.map_err(|unwritten| {
            if unwritten.nothing_left {
                flying.range_mut(start..).for_each(|flight| flight.letter.stayed());
            }
            ConnectionError { stage: Stage::Body, trouble: unwritten.trouble, heard_nothing: false }
        })
    }

    /// Reads the replies to the oldest letter under way.
    async fn hear_one<'d, D: LetterSource>(
        &mut self,
        flying: &mut VecDeque<Flight<'d, D>>,
        course: &mut Course,
        clean: &mut bool,
    ) -> Result<(), ConnectionError> {
        let flight = flying.front_mut().expect("a letter is under way");
        let reset = flight.rset.then_some(Stage::Mail);
        let mut accepted = None;
        for (index, stage) in reset.into_iter().chain([Stage::Mail, Stage::Rcpt, Stage::Body]).enumerate() {
            let timeouts = self.timeouts();
            let within = if stage == Stage::Body { timeouts.accept } else { timeouts.command };
            let fault = |trouble| ConnectionError { stage, trouble, heard_nothing: index == 0 };
            let frame = self.wire.reply(within).await.map_err(fault)?;
            if stage != Stage::Body && frame.code == 250 {
                continue;
            }
            let reply = frame.reply();
            let verdict = judge(stage, &reply);
            if verdict == Verdict::Closing {
                flight.refusal.get_or_insert_with(|| (stage, reply.clone()));
                return Err(fault(ErrorKind::Said(reply)));
            }
            let out_of_step = verdict == Verdict::OutOfStep || flight.rset && index == 0;
            match verdict {
                _ if out_of_step => {
                    return Err(fault(ErrorKind::Protocol(format!("it said \u{201c}{reply}\u{201d}"))));
                }
                _ if flight.refusal.is_some() => {}
                Verdict::Good if stage == Stage::Body => accepted = Some(reply),
                Verdict::Good => {}
                _ => flight.refusal = Some((stage, reply)),
            }
        }
        let Some(Flight { letter, refusal, .. }) = flying.pop_front() else { return Ok(()) };
        let Some((stage, reply)) = refusal else {
            if let Some(reply) = accepted {
                letter.end(Outcome::Accepted { reply });
            }
            return Ok(());
        };
        *clean = false;
        let before = self.letters.saturating_sub(1 + flying.len() as u32);
        if stage == Stage::Body && matches!(reply.code, 500 | 502 | 503 | 504) {
            // It offers BDAT and does not know it. The letter was not taken, and there is another way.
            self.smtp.learned().no_chunks.store(true, Relaxed);
            letter.give_back();
            turn(course, Course::DialAgain);
        } else if stage == Stage::Mail
            && reply.is_enough_for_this_connection()
            && matches!(course, Course::DialAgain)
        {
            letter.give_back();
        } else if stage == Stage::Mail && reply.is_enough_for_this_connection() && before != 0 {
            self.smtp.learn_letters_per_connection(before);
            letter.give_back();
            turn(course, Course::DialAgain);
        } else if let Err(down) = settle(letter, stage, reply) {
            turn(course, Course::Stop(down));
        }
        Ok(())
    }

    /// The connection broke: what was refused is settled, everything else under way is unconfirmed.
    async fn land_in_ruins<D: LetterSource>(
        &mut self,
        mut flying: VecDeque<Flight<'_, D>>,
        fault: ConnectionError,
    ) -> RelayDown {
        let mut course = Course::On;
        let mut closed = false;
        match &fault.trouble {
            // After a failed write, replies may still be waiting to be read.
            ErrorKind::Io(_) => {
                let mut clean = true;
                while !flying.is_empty() && self.wire.has_reply_soon(self.timeouts().quit).await {
                    if self.hear_one(&mut flying, &mut course, &mut clean).await.is_err() {
                        break;
                    }
                }
            }
            // After 421 nothing more is done, if the relay does what it says.
            ErrorKind::Said(_) => {
                closed = matches!(self.wire.reply(self.timeouts().quit).await, Err(ErrorKind::Io(_)));
            }
            _ => {}
        }
        for Flight { letter, refusal, .. } in flying {
            match refusal {
                // What it means beyond the letter is told by the fault.
                Some((stage, reply)) if closed || reply.code != 421 => drop(settle(letter, stage, reply)),
                None if closed => letter.give_back(),
                _ => letter.lost(|| format!("{} after the body had begun to leave", fault.trouble)),
            }
        }
        match course {
            Course::Stop(down) => down,
            Course::On | Course::DialAgain => fault.down(),
        }
    }
}

/// What is missing at the end of a letter.
fn tail<D: LetterSource>(letter: &Taken<'_, D>) -> &'static [u8] {
    if letter.message().shape().ended { b"" } else { b"\r\n" }
}

/// The worst that was heard decides.
fn turn(course: &mut Course, to: Course) {
    let worse = match (&*course, &to) {
        (Course::Stop(old), Course::Stop(new)) => old.passing && !new.passing,
        (Course::Stop(_), _) => false,
        _ => true,
    };
    if worse {
        *course = to;
    }
}
