-- What all senders on this ledger know together, by name: how much of a limit is used, what a relay has shown. A value is read,
-- and written if its version is still the same.
CREATE TABLE shared_values (
    name     text COLLATE "C" PRIMARY KEY,
    value    text   NOT NULL,
    version  bigint NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Grows with each stop, so that a run notices one that came after it began, whatever the clocks say.
ALTER TABLE dispatch_runs ADD COLUMN stops bigint NOT NULL DEFAULT 0;

-- The deliveries that a run is about. Here and not in a temporary table, so that a connection that is lost does not end it.
CREATE TABLE selected (
    selection  bigint NOT NULL,
    delivery   bigint NOT NULL,
    dispatch   bigint NOT NULL,
    PRIMARY KEY (selection, delivery)
);

CREATE TABLE selections (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
