-- What came back: a row for each message and each person that it is about, with what followed.
CREATE TABLE bounces (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The SHA-256 of the message: the same message again changes nothing.
    message   BLOB    NOT NULL,
    -- What the address is compared by; empty when nobody is named.
    key       TEXT    NOT NULL,
    -- The letter that it is about; NULL when it is not proved to be ours.
    delivery  INTEGER,
    dispatch  INTEGER,
    domain    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    class     TEXT,
    status    TEXT,
    reply     TEXT    NOT NULL,
    -- When it happened, and when it was read.
    at        INTEGER NOT NULL,
    read_at   INTEGER NOT NULL,
    effect    TEXT    NOT NULL,
    -- Whether the letter was unconfirmed before, and is proved to have been accepted.
    resolved  INTEGER NOT NULL,
    CONSTRAINT a_message_counts_once UNIQUE (message, key),
    CONSTRAINT message_is_a_digest CHECK (length(message) = 32),
    CONSTRAINT a_delivery_has_a_dispatch CHECK ((delivery IS NULL) = (dispatch IS NULL)),
    CONSTRAINT class_is_known CHECK (class IS NULL OR class = 'hard' OR class = 'soft' OR class = 'ours')
) STRICT;

CREATE INDEX bounces_by_delivery ON bounces (delivery) WHERE delivery IS NOT NULL;
CREATE INDEX bounces_by_dispatch ON bounces (dispatch, domain) WHERE dispatch IS NOT NULL;
