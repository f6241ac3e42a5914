-- How a dispatch is worked off by processes that were not started for it.
CREATE TABLE dispatch_runs (
    dispatch    INTEGER PRIMARY KEY REFERENCES dispatches (id),
    -- Whether any worker may send it; not as long as only some people were to get it.
    is_open     INTEGER NOT NULL,
    -- The settings of the last `send`, as JSON.
    settings    TEXT    NOT NULL,
    -- Why no worker goes on until somebody sends it again; NULL when nothing stops them.
    stopped     TEXT,
    changed_at  INTEGER NOT NULL,
    CONSTRAINT open_or_not CHECK (is_open = 0 OR is_open = 1)
) STRICT;
