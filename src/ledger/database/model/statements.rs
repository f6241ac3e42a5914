//! The functions of the model do what the statements do, in each state of a row.

use jiff::Timestamp;

use super::{EPOCHS, Fault, Row, Verdict, begin, end, is_still_begun, reap, withdraw};
use crate::{
    ledger::{
        database::store::Store,
        lease::{Begun, Close, Hold},
        transition::{Transition, TransitionKind},
        values::State,
    },
    storage::params,
};

/// The row of a delivery in a ledger, made by hand.
fn write(store: &Store, row: Row) {
    let db = &store.db;
    db.execute_batch("DELETE FROM attempts; DELETE FROM deliveries").unwrap();
    let is_waiting = matches!(row.state, State::Queued | State::Deferred);
    let begun_at = (row.state == State::Begun).then_some(7_i64);
    let reason = (row.state == State::Suppressed).then_some("by_hand");
    db.execute(
        "INSERT INTO deliveries (id, dispatch, state, epoch, due_at, worker, begun_at, reason, domain) \
         VALUES (1, 1, ?1, ?2, ?3, ?4, ?5, ?6, 1)",
        params![row.state.word(), row.epoch, i64::from(is_waiting), row.holder, begun_at, reason],
    )
    .unwrap();
    for (place, attempt) in row.attempts.iter().enumerate() {
        let Some((worker, is_known)) = attempt else { continue };
        let (outcome, code) = if *is_known { ("accepted", Some(250_i64)) } else { ("unconfirmed", None) };
        db.execute(
            "INSERT INTO attempts (delivery, epoch, worker, ended_at, outcome, code, reply) \
             VALUES (1, ?1, ?2, 8, ?3, ?4, '')",
            params![place as i64 + 1, worker, outcome, code],
        )
        .unwrap();
    }
}

fn read(store: &Store) -> Row {
    let db = &store.db;
    let mut row = db
        .query_row("SELECT state, epoch, worker FROM deliveries WHERE id = 1", [], |row| {
            let state = State::from_word(row.get_ref(0)?.as_str()?).unwrap();
            Ok(Row { state, epoch: row.get(1)?, holder: row.get(2)?, attempts: [None; EPOCHS] })
        })
        .unwrap();
    let mut statement = db.prepare_cached("SELECT epoch, worker, outcome FROM attempts").unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(found) = rows.next().unwrap() {
        let is_known = found.get_ref(2).unwrap().as_str().unwrap() != "unconfirmed";
        let epoch: u8 = found.get(0).unwrap();
        row.attempts[usize::from(epoch) - 1] = Some((found.get(1).unwrap(), is_known));
    }
    row
}

/// Every row that the constraints allow, with attempts of the last epoch or without.
fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for state in State::ALL {
        for epoch in 1..=2 {
            let is_held = matches!(state, State::Claimed | State::Begun);
            let holders: &[Option<u8>] = if is_held { &[Some(1), Some(2)] } else { &[None] };
            for holder in holders {
                for attempt in [None, Some((1, false)), Some((1, true)), Some((2, false)), Some((2, true))] {
                    if is_held && attempt.is_some() {
                        continue;
                    }
                    let mut attempts = [None; EPOCHS];
                    attempts[usize::from(epoch) - 1] = attempt;
                    rows.push(Row { state, epoch, holder: *holder, attempts });
                }
            }
        }
    }
    rows
}

#[test]
fn the_statements_do_what_the_model_says() {
    let mut store = Store::scratch().unwrap();
    store
        .db
        .execute_batch(
            "PRAGMA foreign_keys = OFF; \
             INSERT INTO workers (id, relay, came_at, first_id, last_id) VALUES (1, '', 0, 1, 1), (2, '', 0, 1, 1)",
        )
        .unwrap();
    let mut checked = 0;
    for before in rows() {
        for epoch in 1..=2 {
            let hold =
                Hold { delivery: 1, worker: 1, epoch: u32::from(epoch), fingerprint: 0, hash_changes: 0 };
            let mut apply = |kind: TransitionKind| {
                write(&store, before);
                let mut group = [Transition { hold, kind, logged: None }];
                store.apply(&mut group).unwrap();
                let [mark] = group;
                (read(&store), mark.kind)
            };
            let (reply, _answer) = tokio::sync::oneshot::channel();
            let begins = TransitionKind::Begin { at: 9, is_pre_committed: false, answer: Begun::Lost, reply };
            let (after, kind) = apply(begins);
            let expected = begin(before, 1, epoch, false, Fault::None);
            assert_eq!(after, expected.unwrap_or(before), "begin {epoch} of {before:?}");
            let TransitionKind::Begin { answer, .. } = kind else { unreachable!("it was a begin") };
            assert_eq!(answer == Begun::Begun, expected.is_some(), "begin {epoch} of {before:?}");
            let (reply, _answer) = tokio::sync::oneshot::channel();
            let asks = TransitionKind::Begin { at: 9, is_pre_committed: true, answer: Begun::Lost, reply };
            let (after, kind) = apply(asks);
            assert_eq!(after, before, "ask about {epoch} of {before:?}");
            let TransitionKind::Begin { answer, .. } = kind else { unreachable!("it was a begin") };
            let expected = is_still_begun(before, 1, epoch);
            assert_eq!(answer == Begun::Begun, expected, "ask about {epoch} of {before:?}");
            let close = |close| TransitionKind::Close { close, started_at: None };
            let (after, _) = apply(close(Close::Withdrawn));
            assert_eq!(after, withdraw(before, 1, epoch), "withdraw {epoch} of {before:?}");
            for verdict in Verdict::ALL {
                let (outcome, next) = verdict.outcome();
                let (after, _) = apply(close(Close::Ended { at: 9, outcome, next }));
                let expected = end(before, 1, epoch, verdict, Fault::None);
                assert_eq!(after, expected, "{verdict:?} {epoch} of {before:?}");
            }
            checked += 6;
        }
        write(&store, before);
        store.db.execute("UPDATE workers SET left_at = NULL", []).unwrap();
        store.living.keep(2);
        store.reap(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(read(&store), reap(before, 1, Fault::None), "reap of {before:?}");
        checked += 1;
    }
    println!("{checked} transactions");
}
