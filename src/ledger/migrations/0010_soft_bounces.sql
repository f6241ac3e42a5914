-- A reason of its own for people whose letters came back for now, too often. A constraint cannot be changed: the tables are made again.
CREATE TABLE new_suppressions (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    key      TEXT    NOT NULL UNIQUE,
    address  TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    note     TEXT,
    at       INTEGER NOT NULL,
    CONSTRAINT reason_is_known
        CHECK (reason IN ('unsubscribed', 'hard_bounce', 'soft_bounce', 'complaint', 'by_hand'))
) STRICT;

INSERT INTO new_suppressions (id, key, address, reason, note, at)
SELECT id, key, address,
       CASE WHEN reason = 'hard_bounce' AND EXISTS (
           SELECT 1 FROM bounces
           WHERE bounces.key = suppressions.key AND bounces.class = 'soft' AND bounces.effect = 'suppressed'
             AND bounces.read_at = suppressions.at)
       THEN 'soft_bounce' ELSE reason END,
       note, at
FROM suppressions;

-- No ID is used again: imports remember which suppressions they made.
DELETE FROM sqlite_sequence WHERE name = 'new_suppressions';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_suppressions', seq FROM sqlite_sequence WHERE name = 'suppressions';
DROP TABLE suppressions;
ALTER TABLE new_suppressions RENAME TO suppressions;

CREATE TRIGGER suppression_added AFTER INSERT ON suppressions BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressions';
END;
CREATE TRIGGER suppression_changed AFTER UPDATE ON suppressions BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressions';
END;
CREATE TRIGGER suppression_removed AFTER DELETE ON suppressions BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressions';
END;

-- Whoever suppresses an address lowers its subscriber too, in the same transaction.
CREATE TRIGGER suppression_lowers_subscriber AFTER INSERT ON suppressions
WHEN EXISTS (SELECT 1 FROM subscribers WHERE key = NEW.key AND status IN ('pending', 'active', 'paused'))
BEGIN
    INSERT INTO subscriber_history (subscriber, at, change, cause, actor)
    SELECT id, NEW.at,
           status || ' -> ' || CASE NEW.reason
               WHEN 'hard_bounce' THEN 'bounced' WHEN 'soft_bounce' THEN 'bounced'
               WHEN 'complaint' THEN 'complained' ELSE 'unsubscribed' END,
           NEW.reason || coalesce(': ' || NEW.note, ''), 'suppression'
    FROM subscribers WHERE key = NEW.key;
    UPDATE subscribers
    SET status = CASE NEW.reason
            WHEN 'hard_bounce' THEN 'bounced' WHEN 'soft_bounce' THEN 'bounced'
            WHEN 'complaint' THEN 'complained' ELSE 'unsubscribed' END,
        status_at = NEW.at, paused_until = NULL, version = version + 1
    WHERE key = NEW.key;
END;

CREATE TABLE new_suppressed_hashes (
    person  BLOB    PRIMARY KEY,
    reason  TEXT    NOT NULL,
    note    TEXT,
    at      INTEGER NOT NULL,
    CONSTRAINT a_hash_has_12_bytes CHECK (length(person) = 12),
    CONSTRAINT reason_is_known
        CHECK (reason IN ('unsubscribed', 'hard_bounce', 'soft_bounce', 'complaint', 'by_hand'))
) STRICT, WITHOUT ROWID;

INSERT INTO new_suppressed_hashes (person, reason, note, at) SELECT person, reason, note, at FROM suppressed_hashes;
DROP TABLE suppressed_hashes;
ALTER TABLE new_suppressed_hashes RENAME TO suppressed_hashes;

CREATE TRIGGER suppressed_hash_added AFTER INSERT ON suppressed_hashes BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressed_hashes';
END;
CREATE TRIGGER suppressed_hash_changed AFTER UPDATE ON suppressed_hashes BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressed_hashes';
END;
CREATE TRIGGER suppressed_hash_removed AFTER DELETE ON suppressed_hashes BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'suppressed_hashes';
END;
