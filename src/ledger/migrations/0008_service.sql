-- What people asked for on the web, until they have confirmed it: letters, a link to their preferences, another address.
CREATE TABLE signups (
    -- Random; the token of the letter holds it.
    id              BLOB    PRIMARY KEY,
    kind            TEXT    NOT NULL,
    key             TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    name            TEXT,
    -- A JSON object of texts.
    fields          TEXT    NOT NULL,
    topics          TEXT    NOT NULL,
    language        TEXT,
    -- Whose address is to change.
    subscriber      INTEGER,
    form            TEXT    NOT NULL,
    -- The digest of what the person read, in consent_texts.
    wording         TEXT    NOT NULL,
    requested_at    INTEGER NOT NULL,
    requested_from  TEXT,
    state           TEXT    NOT NULL,
    -- When a new one is looked at.
    due_at          INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    CONSTRAINT an_id_has_12_bytes CHECK (length(id) = 12),
    CONSTRAINT kind_is_known CHECK (kind IN ('subscribe', 'preferences', 'address')),
    CONSTRAINT state_is_known CHECK (state IN ('new', 'mailed', 'confirmed'))
) STRICT;

CREATE INDEX signups_due ON signups (due_at) WHERE state = 'new';
CREATE INDEX signups_by_key ON signups (key);
CREATE INDEX signups_to_forget ON signups (expires_at);

-- What people read when they asked for letters.
CREATE TABLE consent_texts (
    digest  TEXT PRIMARY KEY,
    text    TEXT NOT NULL
) STRICT;

-- Letters of the service that wait for the relay. One that is being handed over is due again later, in case its process dies.
CREATE TABLE service_letters (
    id        BLOB    PRIMARY KEY,
    kind      TEXT    NOT NULL,
    address   TEXT    NOT NULL,
    language  TEXT,
    -- What the token of its link is about.
    subject   BLOB    NOT NULL,
    made_at   INTEGER NOT NULL,
    due_at    INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    is_held   INTEGER NOT NULL,
    CONSTRAINT kind_is_known CHECK (kind IN ('confirm', 'welcome', 'preferences', 'address', 'pressure'))
) STRICT;

CREATE INDEX service_letters_due ON service_letters (due_at);

-- How often something happened: by a keyed hash of what and whom, and by time.
CREATE TABLE service_counts (
    bucket  BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    PRIMARY KEY (bucket, at)
) STRICT, WITHOUT ROWID;
