-- What people asked for on the web, until they have confirmed it: letters, a link to their preferences, another address.
CREATE TABLE signups (
    -- Random; the token of the letter holds it.
    id              bytea   PRIMARY KEY,
    kind            text COLLATE "C" NOT NULL,
    key             text COLLATE "C" NOT NULL,
    address         text COLLATE "C" NOT NULL,
    name            text,
    -- A JSON object of texts.
    fields          text    NOT NULL,
    topics          text    NOT NULL,
    language        text,
    -- Whose address is to change.
    subscriber      bigint ,
    form            text    NOT NULL,
    -- The digest of what the person read, in consent_texts.
    wording         text    NOT NULL,
    requested_at    bigint  NOT NULL,
    requested_from  text,
    state           text COLLATE "C" NOT NULL,
    -- When a new one is looked at.
    due_at          bigint  NOT NULL,
    expires_at      bigint  NOT NULL,
    CONSTRAINT an_id_has_12_bytes CHECK (length(id) = 12),
    CONSTRAINT kind_is_known CHECK (kind IN ('subscribe', 'preferences', 'address')),
    CONSTRAINT state_is_known CHECK (state IN ('new', 'mailed', 'confirmed'))
);

CREATE INDEX signups_due ON signups (due_at) WHERE state = 'new';
CREATE INDEX signups_by_key ON signups (key);
CREATE INDEX signups_to_forget ON signups (expires_at);

-- What people read when they asked for letters.
CREATE TABLE consent_texts (
    digest  text PRIMARY KEY,
    text    text NOT NULL
);

-- Letters of the service that wait for the relay. One that is being handed over is due again later, in case its process dies.
CREATE TABLE service_letters (
    id        bytea   PRIMARY KEY,
    kind      text COLLATE "C" NOT NULL,
    address   text COLLATE "C" NOT NULL,
    language  text,
    -- What the token of its link is about.
    subject   bytea   NOT NULL,
    made_at   bigint  NOT NULL,
    due_at    bigint  NOT NULL,
    attempts  bigint  NOT NULL,
    is_held   bigint  NOT NULL,
    CONSTRAINT kind_is_known CHECK (kind IN ('confirm', 'welcome', 'preferences', 'address', 'pressure'))
);

CREATE INDEX service_letters_due ON service_letters (due_at);

-- How often something happened: by a keyed hash of what and whom, and by time.
CREATE TABLE service_counts (
    bucket  bytea   NOT NULL,
    at      bigint  NOT NULL,
    number  bigint  NOT NULL,
    PRIMARY KEY (bucket, at)
);
