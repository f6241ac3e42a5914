-- The people of a dispatch as frozen, some hundreds on a sheet, in the order of the list: written by one transaction, never
-- changed after it.
CREATE TABLE sheets (
    -- The names of the deliveries to the people on it: one for each line.
    first     INTEGER PRIMARY KEY,
    last      INTEGER NOT NULL,
    dispatch  INTEGER NOT NULL REFERENCES dispatches (id),
    -- How many people stand on it: a line may be empty.
    count     INTEGER NOT NULL,
    -- What addresses are compared by, hashed: 16 octets for each line.
    keys      BLOB    NOT NULL,
    -- A line for each person: a JSON array of the address, the name or null, and every other column of the list.
    people    TEXT    NOT NULL,
    CONSTRAINT a_sheet_is_no_longer CHECK (last - first BETWEEN 0 AND 499),
    CONSTRAINT a_key_for_each_line CHECK (length(keys) = 16 * (last - first + 1))
) STRICT;

-- The part of a delivery that changes. It has a row from its first claim on, or since it was found to be suppressed: who
-- stands on a sheet and has none has never been tried.
CREATE TABLE deliveries_2 (
    id        INTEGER PRIMARY KEY,
    dispatch  INTEGER NOT NULL REFERENCES dispatches (id),
    state     TEXT    NOT NULL,
    -- Grows with each claim; marks of an earlier claim are refused by it.
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
    CONSTRAINT what_waits_is_due_some_time CHECK ((due_at > 0) = (state IN ('queued', 'deferred'))),
    CONSTRAINT only_suppressed_has_a_reason CHECK ((reason IS NOT NULL) = (state = 'suppressed')),
    CONSTRAINT all_others_were_claimed CHECK (epoch > 0 OR state = 'suppressed')
) STRICT;
