-- What all senders on this ledger know together, by name: how much of a limit is used, what a relay has shown. A value is read,
-- and written if its version is still the same.
CREATE TABLE shared_values (
    name     TEXT    PRIMARY KEY,
    value    TEXT    NOT NULL,
    version  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Grows with each stop, so that a run notices one that came after it began, whatever the clocks say.
ALTER TABLE dispatch_runs ADD COLUMN stops INTEGER NOT NULL DEFAULT 0;
