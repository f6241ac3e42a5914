-- Issues that are sent at a time of the owner's. Nothing is in `dispatches` before the start: the list is read then.
CREATE TABLE schedules (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    slug            TEXT    NOT NULL,
    number          INTEGER,
    title           TEXT    NOT NULL,
    digest          TEXT    NOT NULL,
    -- The rendered issue as JSON.
    rendered        BLOB    NOT NULL,
    -- By which keys its letters will be signed.
    signing         TEXT    NOT NULL,
    -- As in `dispatch_runs`.
    settings        TEXT    NOT NULL,
    skip_bad_rows   INTEGER NOT NULL,
    -- The owner's clock, as in 2026-12-04T09:00:00, and its time zone; the moment is worked out whenever someone looks.
    local_time      TEXT    NOT NULL,
    zone            TEXT    NOT NULL,
    -- How late it may still start.
    late            INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    why             TEXT,
    -- Who is about to start it, and until when no one else tries.
    starter         TEXT,
    starting_until  INTEGER,
    made_at         INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    CONSTRAINT schedule_state_is_known CHECK (state IN ('waiting', 'started', 'held', 'canceled', 'void')),
    CONSTRAINT a_start_has_an_end CHECK ((starter IS NULL) = (starting_until IS NULL))
) STRICT;

CREATE UNIQUE INDEX one_schedule_per_issue ON schedules (slug, coalesce(number, 0)) WHERE state = 'waiting' OR state = 'held';
