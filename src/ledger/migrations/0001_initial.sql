-- Times are milliseconds since 1970-01-01T00:00:00Z.
-- Constraints on hot tables say OR, not IN with more than two words: SQLite fills a table of its own for each such IN.

-- What this ledger is called wherever a copy of it is.
CREATE TABLE identity (
    id  TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO identity (id) VALUES (lower(hex(randomblob(16))));

-- One dispatch of one frozen issue.
CREATE TABLE dispatches (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    slug       TEXT    NOT NULL,
    number     INTEGER,
    title      TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    -- The rendered issue as JSON.
    rendered   BLOB    NOT NULL,
    -- By which keys its letters are signed; empty before the first run.
    signing    TEXT    NOT NULL DEFAULT '',
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

-- Processes that work deliveries off. A live one holds the lock of `<ledger>.workers/<id>.lock`.
CREATE TABLE workers (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    relay     TEXT    NOT NULL,
    boot      TEXT,
    -- The mount that its log is on: what the log does not say counts for this mount only.
    mount     INTEGER,
    -- How far its log had come with the last commit: number of the file, bytes, checksum. A log that does not reach this is
    -- not whole.
    log_file  INTEGER NOT NULL DEFAULT 0,
    log_bytes INTEGER NOT NULL DEFAULT 0,
    log_sum   INTEGER NOT NULL DEFAULT 0,
    came_at   INTEGER NOT NULL,
    left_at   INTEGER,
    -- Everything it ever claimed lies in this range.
    first_id  INTEGER,
    last_id   INTEGER
) STRICT;

-- Recipients of a dispatch as frozen, in pages of up to 500 in the order of the list: written by one transaction, never changed
-- after it.
CREATE TABLE recipient_pages (
    -- The IDs of the deliveries to its recipients: one for each line.
    first     INTEGER PRIMARY KEY,
    last      INTEGER NOT NULL,
    dispatch  INTEGER NOT NULL REFERENCES dispatches (id),
    -- Recipients on the page: a line may be empty.
    count     INTEGER NOT NULL,
    -- What addresses are compared by, hashed: 16 bytes for each line.
    keys      BLOB    NOT NULL,
    -- A line for each recipient: a JSON array of the address, the name or null, and every other column of the list.
    people    TEXT    NOT NULL,
    CONSTRAINT a_page_has_at_most_500_lines CHECK (last - first BETWEEN 0 AND 499),
    CONSTRAINT a_key_for_each_line CHECK (length(keys) = 16 * (last - first + 1))
) STRICT;

-- The part of a delivery that changes. It gets a row with its first claim, or when it is found to be suppressed: a recipient
-- on a page without a row has never been tried.
CREATE TABLE deliveries (
    id        INTEGER PRIMARY KEY,
    dispatch  INTEGER NOT NULL REFERENCES dispatches (id),
    state     TEXT    NOT NULL,
    -- Grows with each claim; changes by an earlier claim are refused by it.
    epoch     INTEGER NOT NULL DEFAULT 0,
    -- Attempts that ended since the owner last asked for the delivery.
    tries     INTEGER NOT NULL DEFAULT 0,
    -- When it is due again; 0 for what does not wait.
    due_at    INTEGER NOT NULL DEFAULT 0,
    worker    INTEGER REFERENCES workers (id),
    begun_at  INTEGER,
    reason    TEXT,
    domain    INTEGER NOT NULL REFERENCES domains (id),
    CONSTRAINT state_is_known CHECK (
        state = 'queued' OR state = 'claimed' OR state = 'begun' OR state = 'accepted'
        OR state = 'deferred' OR state = 'failed' OR state = 'unconfirmed' OR state = 'suppressed'),
    CONSTRAINT only_claimed_and_begun_have_a_worker
        CHECK ((worker IS NOT NULL) = (state IN ('claimed', 'begun'))),
    CONSTRAINT only_begun_has_a_beginning CHECK ((begun_at IS NOT NULL) = (state = 'begun')),
    CONSTRAINT only_waiting_is_due CHECK ((due_at > 0) = (state IN ('queued', 'deferred'))),
    CONSTRAINT only_suppressed_has_a_reason CHECK ((reason IS NOT NULL) = (state = 'suppressed')),
    CONSTRAINT all_others_were_claimed CHECK (epoch > 0 OR state = 'suppressed')
) STRICT;

-- Deliveries that were deferred or given back: few, so that the others cost nothing here.
CREATE INDEX deliveries_due ON deliveries (dispatch, due_at) WHERE due_at > 0;

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
    CONSTRAINT outcome_is_known CHECK (
        outcome = 'accepted' OR outcome = 'deferred' OR outcome = 'rejected' OR outcome = 'unconfirmed'),
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
