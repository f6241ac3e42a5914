-- Times are milliseconds since 1970-01-01T00:00:00Z.

-- One sending of one frozen issue.
CREATE TABLE dispatches (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    slug       TEXT    NOT NULL,
    number     INTEGER,
    title      TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    -- The rendered issue as JSON.
    rendered   BLOB    NOT NULL,
    opened_at  INTEGER NOT NULL,
    -- All deliveries of this dispatch lie in this range (others may lie between them).
    first_id   INTEGER NOT NULL DEFAULT 1,
    last_id    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX one_dispatch_per_issue_and_number ON dispatches (slug, coalesce(number, 0));

-- Recipient domains, in A-labels and lower case.
CREATE TABLE domains (
    id    INTEGER PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE
) STRICT;

-- Processes that work deliveries off. A living one holds the lock of `<ledger>.workers/<id>.lock`.
CREATE TABLE workers (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    relay     TEXT    NOT NULL,
    boot      TEXT,
    came_at   INTEGER NOT NULL,
    left_at   INTEGER,
    -- Everything it ever claimed lies in this range.
    first_id  INTEGER,
    last_id   INTEGER
) STRICT;

-- The duty to hand one issue over for one address: the part that changes. Kept small, so that marks fall on few pages.
CREATE TABLE deliveries (
    id        INTEGER PRIMARY KEY,
    dispatch  INTEGER NOT NULL REFERENCES dispatches (id),
    state     TEXT    NOT NULL DEFAULT 'queued',
    -- Grows with each claim; marks of an earlier claim are refused by it.
    epoch     INTEGER NOT NULL DEFAULT 0,
    -- Attempts that ended since the owner last asked for the delivery.
    tries     INTEGER NOT NULL DEFAULT 0,
    -- 0: never tried, in the order of the list. Otherwise: when it is due again.
    due_at    INTEGER NOT NULL DEFAULT 0,
    worker    INTEGER REFERENCES workers (id),
    begun_at  INTEGER,
    reason    TEXT,
    domain    INTEGER NOT NULL REFERENCES domains (id),
    CONSTRAINT state_is_known CHECK (state IN
        ('queued', 'deferred', 'claimed', 'begun', 'accepted', 'failed', 'unconfirmed', 'suppressed')),
    CONSTRAINT only_claimed_and_begun_have_a_worker
        CHECK ((worker IS NOT NULL) = (state IN ('claimed', 'begun'))),
    CONSTRAINT only_begun_has_a_beginning CHECK ((begun_at IS NOT NULL) = (state = 'begun')),
    CONSTRAINT only_waiting_is_due CHECK (due_at = 0 OR state IN ('queued', 'deferred')),
    CONSTRAINT deferred_is_due_some_time CHECK (state <> 'deferred' OR due_at > 0),
    CONSTRAINT only_suppressed_has_a_reason CHECK ((reason IS NOT NULL) = (state = 'suppressed')),
    CONSTRAINT closed_was_claimed CHECK (epoch > 0 OR state IN ('queued', 'suppressed'))
) STRICT;

-- Deliveries that were put off or given back: few, so that the others cost nothing here.
CREATE INDEX deliveries_due ON deliveries (dispatch, due_at) WHERE due_at > 0;

-- The part of a delivery that never changes: the person as frozen.
CREATE TABLE recipients (
    delivery  INTEGER PRIMARY KEY REFERENCES deliveries (id),
    address   TEXT NOT NULL,
    -- What addresses are compared by; NULL when the address is its own key.
    key       TEXT,
    name      TEXT,
    -- Every other column of the list, as a JSON object; NULL when there is none.
    fields    TEXT
) STRICT;

-- One delivery per dispatch and address. A table of its own, so that a million keys can be laid down in order.
CREATE TABLE delivery_keys (
    dispatch  INTEGER NOT NULL REFERENCES dispatches (id),
    key       TEXT    NOT NULL,
    delivery  INTEGER NOT NULL REFERENCES deliveries (id),
    CONSTRAINT one_delivery_per_dispatch_and_address PRIMARY KEY (dispatch, key)
) STRICT, WITHOUT ROWID;

-- Attempts that ended. The one under way is in `deliveries` (worker, epoch, begun_at).
CREATE TABLE attempts (
    delivery  INTEGER NOT NULL REFERENCES deliveries (id),
    epoch     INTEGER NOT NULL,
    worker    INTEGER NOT NULL REFERENCES workers (id),
    -- When its body was begun; NULL when it did not come so far.
    begun_at  INTEGER,
    ended_at  INTEGER NOT NULL,
    outcome   TEXT    NOT NULL,
    stage     TEXT,
    code      INTEGER,
    enhanced  TEXT,
    -- What the relay said, or what happened instead.
    reply     TEXT    NOT NULL,
    CONSTRAINT one_attempt_per_claim PRIMARY KEY (delivery, epoch),
    CONSTRAINT outcome_is_known CHECK (outcome IN ('accepted', 'deferred', 'rejected', 'unconfirmed')),
    CONSTRAINT an_answer_has_a_code CHECK ((code IS NOT NULL) = (outcome <> 'unconfirmed')),
    CONSTRAINT a_refusal_has_a_stage CHECK ((stage IS NOT NULL) = (outcome IN ('deferred', 'rejected')))
) STRICT, WITHOUT ROWID;

-- What the owner decided about single deliveries.
CREATE TABLE decisions (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery  INTEGER NOT NULL REFERENCES deliveries (id),
    at        INTEGER NOT NULL,
    decision  TEXT    NOT NULL,
    CONSTRAINT decision_is_known CHECK (decision IN ('accept', 'resend', 'retry'))
) STRICT;

CREATE INDEX decisions_by_delivery ON decisions (delivery);

-- Addresses that get no letters.
CREATE TABLE suppressions (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    key      TEXT    NOT NULL UNIQUE,
    address  TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    note     TEXT,
    at       INTEGER NOT NULL,
    CONSTRAINT reason_is_known CHECK (reason IN ('unsubscribed', 'hard_bounce', 'complaint', 'by_hand'))
) STRICT;

-- Counters. `claims` grows with each opening and each claim; `suppressions` with each change of that table.
CREATE TABLE counters (
    name   TEXT PRIMARY KEY,
    value  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('claims', 0), ('suppressions', 0);

CREATE TRIGGER suppression_added AFTER INSERT ON suppressions BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressions';
END;
CREATE TRIGGER suppression_changed AFTER UPDATE ON suppressions BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressions';
END;
CREATE TRIGGER suppression_removed AFTER DELETE ON suppressions BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressions';
END;
