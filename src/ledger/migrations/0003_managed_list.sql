-- People who are suppressed by their keyed hash alone: their address is not known, or was erased.
CREATE TABLE suppressed_hashes (
    person  BLOB    PRIMARY KEY,
    reason  TEXT    NOT NULL,
    note    TEXT,
    at      INTEGER NOT NULL,
    CONSTRAINT a_hash_has_12_bytes CHECK (length(person) = 12),
    CONSTRAINT reason_is_known CHECK (reason IN ('unsubscribed', 'hard_bounce', 'complaint', 'by_hand'))
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('suppressed_hashes', 0);

CREATE TRIGGER suppressed_hash_added AFTER INSERT ON suppressed_hashes BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressed_hashes';
END;
CREATE TRIGGER suppressed_hash_changed AFTER UPDATE ON suppressed_hashes BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressed_hashes';
END;
CREATE TRIGGER suppressed_hash_removed AFTER DELETE ON suppressed_hashes BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressed_hashes';
END;

-- The managed list.
CREATE TABLE subscribers (
    id            INTEGER PRIMARY KEY,
    -- What addresses are compared by.
    key           TEXT    NOT NULL UNIQUE,
    address       TEXT    NOT NULL,
    name          TEXT,
    -- A JSON object of texts.
    fields        TEXT    NOT NULL,
    -- Sorted, with a comma between two.
    tags          TEXT    NOT NULL,
    topics        TEXT    NOT NULL,
    language      TEXT,
    status        TEXT    NOT NULL,
    status_at     INTEGER NOT NULL,
    -- A pause without an end has none.
    paused_until  INTEGER,
    source        TEXT    NOT NULL,
    joined_at     INTEGER NOT NULL,
    -- Grows with each change.
    version       INTEGER NOT NULL DEFAULT 1,
    CONSTRAINT status_is_known CHECK (
        status IN ('pending', 'active', 'paused', 'unsubscribed', 'bounced', 'complained')),
    CONSTRAINT only_a_pause_ends CHECK (paused_until IS NULL OR status = 'paused')
) STRICT;

-- Turns a token into the person. For each key of the newsletter.
CREATE TABLE subscriber_hashes (
    person      BLOB    PRIMARY KEY,
    subscriber  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the hashes were made with, and other facts about the list.
CREATE TABLE subscriber_facts (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Names of fields that anybody on the list has, or had.
CREATE TABLE subscriber_fields (
    name  TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Every change, for good.
CREATE TABLE subscriber_history (
    id          INTEGER PRIMARY KEY,
    subscriber  INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    change      TEXT    NOT NULL,
    cause       TEXT    NOT NULL,
    actor       TEXT    NOT NULL
) STRICT;

CREATE INDEX subscriber_history_by_subscriber ON subscriber_history (subscriber);

-- Proof of consent.
CREATE TABLE consents (
    id            INTEGER PRIMARY KEY,
    subscriber    INTEGER NOT NULL,
    -- The form, or the import.
    form          TEXT    NOT NULL,
    -- What the person read.
    wording       TEXT,
    requested_at  INTEGER,
    confirmed_at  INTEGER,
    -- The network address that asked, as far as the owner keeps it, and until when.
    requested_from  TEXT,
    forget_at       INTEGER,
    CONSTRAINT what_is_kept_ends CHECK ((requested_from IS NULL) = (forget_at IS NULL))
) STRICT;

CREATE INDEX consents_by_subscriber ON consents (subscriber);
CREATE INDEX consents_to_forget ON consents (forget_at) WHERE forget_at IS NOT NULL;

CREATE TABLE imports (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    files      TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    changed    INTEGER NOT NULL,
    undone_at  INTEGER
) STRICT;

-- What an import did, so that it can be undone.
CREATE TABLE import_changes (
    import      INTEGER NOT NULL REFERENCES imports (id),
    subscriber  INTEGER NOT NULL,
    -- The version that the import made; a later one is not touched.
    version     INTEGER NOT NULL,
    -- The row before, as JSON; NULL when the import created it.
    before      TEXT,
    PRIMARY KEY (import, subscriber)
) STRICT, WITHOUT ROWID;

CREATE TABLE import_suppressions (
    import       INTEGER NOT NULL REFERENCES imports (id),
    suppression  INTEGER NOT NULL,
    PRIMARY KEY (import, suppression)
) STRICT, WITHOUT ROWID;

-- Whoever suppresses an address lowers its subscriber too, in the same transaction.
CREATE TRIGGER suppression_lowers_subscriber AFTER INSERT ON suppressions
WHEN EXISTS (SELECT 1 FROM subscribers WHERE key = NEW.key AND status IN ('pending', 'active', 'paused'))
BEGIN
    INSERT INTO subscriber_history (subscriber, at, change, cause, actor)
    SELECT id, NEW.at,
           status || ' -> ' || CASE NEW.reason
               WHEN 'hard_bounce' THEN 'bounced' WHEN 'complaint' THEN 'complained' ELSE 'unsubscribed' END,
           NEW.reason || coalesce(': ' || NEW.note, ''), 'suppression'
    FROM subscribers WHERE key = NEW.key;
    UPDATE subscribers
    SET status = CASE NEW.reason
            WHEN 'hard_bounce' THEN 'bounced' WHEN 'complaint' THEN 'complained' ELSE 'unsubscribed' END,
        status_at = NEW.at, paused_until = NULL, version = version + 1
    WHERE key = NEW.key;
END;
